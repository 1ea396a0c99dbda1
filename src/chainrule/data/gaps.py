"""Which spellings of a cell mean that the value is missing: a rule that training settles and the model keeps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from reprlib import repr as short
from typing import Any

from chainrule.arguments import listed
from chainrule.errors import RequestError
from chainrule.validation import record, require

# What spreadsheets, databases and programs write for a missing number, in lower case. Among numbers, dates and
# booleans none of them can be anything else.
AMONG_NUMBERS = ("?", "-", ".", "na", "n/a", "nan", "null", "none", "#n/a", "#na", "<na>", "-nan")
# Among texts exactly these: none, - and . may well be levels there, and so may Na (sodium) and Nan (a name).
AMONG_TEXTS = ("?", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "Null", "#N/A", "#NA", "<NA>")
# What pyarrow takes for missing in a CSV file unless it is told otherwise, which formats 1 and 2 left it to.
IN_CSV_FILES = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN")
IN_CSV_FILES += ("N/A", "NA", "NULL", "NaN", "n/a", "nan", "null")


@dataclass(frozen=True)
class Gaps:
    """The spellings of a missing value, beside the empty cell.

    numbers   in columns of numbers, dates and booleans, whatever the case and the spaces around
    texts     in columns of text, exactly so; a spelling that is a level of the column is that level
    files     in every column of a CSV file, and of nothing else: how models of formats 1 and 2 were trained

    RequestError: a spelling twice, or among numbers with capitals or spaces around.
    """

    numbers: tuple[str, ...] = AMONG_NUMBERS
    texts: tuple[str, ...] = AMONG_TEXTS
    files: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        """See the class."""
        for spellings in (self.numbers, self.texts, self.files):
            require(len({*spellings}) == len(spellings), "each spelling of a gap is there once", spellings)
        require("" not in self.texts, "the empty cell is a gap among texts without saying so", self.texts)
        plain = all(spelling == spelling.strip().lower() != "" for spelling in self.numbers)
        require(plain, "spellings of gaps among numbers are in lower case, without spaces around", self.numbers)

    @classmethod
    def asked(cls, missing: str | Sequence[str] | None) -> "Gaps":
        """The usual spellings and those in ``missing``; none at all where that is empty.

        RequestError: ``missing`` holds something else than text.

        >>> Gaps.asked(["Unknown"]).numbers[-1], Gaps.asked([]).texts
        ('unknown', ())
        """
        if missing is None:
            return cls()
        added = added_spellings(missing)
        if not added:
            return cls((), ())
        return cls(_once([*AMONG_NUMBERS, *(text.lower() for text in added)]), _once([*AMONG_TEXTS, *added]))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Gaps":
        """The inverse of :meth:`to_dict`. Raises RequestError where it is not what that gives."""
        entries = record(description, "the gaps", numbers=[str], texts=[str], files=[str])
        return cls(*(tuple(entries[name]) for name in ("numbers", "texts", "files")))


NO_GAPS = Gaps((), ())
BEFORE_FORMAT_3 = Gaps((), (), IN_CSV_FILES)


def added_spellings(missing: str | Sequence[str] | None) -> tuple[str, ...]:
    """The spellings of gaps that a user adds, without spaces around. RequestError: something else than text.

    >>> added_spellings("?"), added_spellings(["-9", " x "]), added_spellings("")
    (('?',), ('-9', 'x'), ())
    """
    given = (missing,) if isinstance(missing, str) else () if missing is None else listed(missing)
    if given is None or not all(isinstance(text, str) for text in given):
        raise RequestError(
            f"missing must be a list of strings that mean a missing value, such as ['?', '-9'], not {short(missing)}."
        )
    return _once(text.strip() for text in given if text.strip())


def _once(spellings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spellings))
