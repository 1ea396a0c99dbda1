"""What the text of a table is, seen once before training: numbers, dates or booleans with gaps, or text.

What all cells but the gaps can be read as, the column is. Where a handful of cells keeps it from being numbers or
dates, it is refused and they are named: as a category it would lose what its numbers say. The table that comes out has
each column in its own type, so that no cell is parsed again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.columns import (
    NUMBER,
    as_numbers,
    decimal_points,
    is_spelling,
    parse_dates,
    pc,
    plain,
    row_name,
    without_numbers,
)
from chainrule.data.gaps import Gaps
from chainrule.data.kinds import Kind, is_numeric, is_text
from chainrule.data.number_marks import thousands
from chainrule.errors import RequestError

# A handful: at most so many different cells on at most such a share of the rows that have a value; or a single cell,
# where four others are numbers. Where there are more, as in codes of which some have letters, the column is a category.
MAX_STRANGE = 5
STRANGE_SHARE = 0.05
STRANGE_ALONE = 0.2
# Columns that a note names; further ones are counted.
MAX_NAMED = 10

TRUTH = ("true", "false")
DATE = r"^\s*\d{4}-\d\d-\d\d"
WHOLE = r"^-?\d+$"
ZERO_IN_FRONT = r"^\s*0\d+\s*$"


def _options_of_training(name: str, texts: Sequence[str], is_target: bool) -> str:
    """What to do about cells that are in the way: the options of ``plan``, as on the command line."""
    missing, otherwise = ",".join(texts), f"keep the column as a category with --category {name!r}"
    otherwise = "take all as classes with --task classification" if is_target else f"{otherwise}, drop it with --drop"
    return f"read them as missing with --missing {missing!r}, or {otherwise}"


@dataclass(frozen=True)
class Reading:
    """How the text of a table is to be read.

    gaps           the spellings of a missing value
    target         the column to predict; where it is text, its gaps are ``target_gaps``
    as_it_is       columns in which nothing is recognised
    as_text        columns of which text stays text, such as names of groups
    categories     columns that are categories, whatever their cells look like
    mixed          columns that may be text although all but a handful of their cells are numbers or dates
    helps          what helps where a handful of cells is in the way, from the column, the cells, and what it is for
    declared_text  whether text was declared to be text, as in a data frame: then it is never booleans, and ...
    leading_zeros  ... whether digits with a zero in front, such as 007, are numbers in it
    decimal        the decimal mark
    """

    gaps: Gaps
    target: str | None = None
    target_gaps: tuple[str, ...] = ()
    as_it_is: Collection[str] = ()
    as_text: Collection[str] = ()
    categories: Collection[str] = ()
    mixed: Collection[str] = ()
    helps: Callable[[str, Sequence[str], bool], str] = _options_of_training
    declared_text: bool = True
    leading_zeros: bool = False
    decimal: str = "."


@dataclass(frozen=True)
class Recognized:
    """A table with every column in its own type and null in its gaps.

    gaps, target_gaps        what is a gap from now on; of texts also what was met with spaces around
    gap_notes, number_notes  what was read as missing, and which text as numbers, a line each
    """

    table: pa.Table
    gaps: Gaps
    target_gaps: tuple[str, ...]
    gap_notes: tuple[str, ...]
    number_notes: tuple[str, ...]


def recognize(table: pa.Table, reading: Reading) -> Recognized:
    """Each column of ``table`` as what it is.

    Raises RequestError where a handful of cells keeps a column from being numbers or dates.

    >>> known = recognize(pa.table({"power": ["130", "?", "150"], "name": ["none", "NA", "x"]}), Reading(Gaps()))
    >>> known.table.to_pydict()
    {'power': [130, None, 150], 'name': ['none', None, 'x']}
    >>> known.gap_notes[0]
    "column 'power': 1 cell read as missing: '?'"
    """
    columns: list[pa.ChunkedArray | pa.Array] = []
    met: dict[str, Mapping[str, int]] = {}
    became_numbers = []
    texts, target_gaps = reading.gaps.texts, reading.gaps.numbers
    markers = as_numbers(reading.gaps.numbers)
    for name, column in zip(table.column_names, table.columns, strict=True):
        made: pa.Array | pa.ChunkedArray = column
        gaps: dict[str, int] = {}
        if name in reading.as_it_is or pa.types.is_dictionary(column.type):
            columns.append(column)
            continue
        if is_text(column.type):
            cells = _Cells.of(column)
            stays = name in reading.as_text or name in reading.categories
            kind = "text" if stays else _kind(name, cells, reading)
            if kind == "text":
                spellings = reading.target_gaps if name == reading.target else reading.gaps.texts
                gaps = cells.counted(cells.gaps_among_texts(spellings))
                made = cells.texts(gaps)
                spellings = tuple(dict.fromkeys([*spellings, *gaps]))
                texts, target_gaps = (texts, spellings) if name == reading.target else ((*texts, *gaps), target_gaps)
            else:
                gaps = cells.counted(cells.gaps_among_numbers(reading.gaps.numbers))
                made = cells.parsed(kind, gaps, reading.decimal)
            if kind == "number" and reading.declared_text:
                became_numbers.append(name)
        if markers and is_numeric(made.type):
            values = plain(made)
            made = without_numbers(values, markers)
            if made.null_count > values.null_count:
                gaps |= {f"{marker:g}": pc.sum(pc.equal(values, marker)).as_py() for marker in markers}
        if name in reading.categories and not pa.types.is_dictionary(made.type):
            made = made.dictionary_encode()
        columns.append(made)
        if any(gaps.values()):
            met[name] = gaps
    return Recognized(
        pa.table(columns, names=table.column_names),
        replace(reading.gaps, texts=tuple(dict.fromkeys(texts))),
        target_gaps,
        tuple(_said_of_gaps(met)),
        tuple(_said_of_numbers(became_numbers)),
    )


@dataclass(frozen=True)
class _Cells:
    """A column of text: its different texts, on how many rows each of them is, and which of them each row has."""

    different: pa.Array
    counts: NDArray[np.int64]
    place: pa.Array

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "_Cells":
        encoded = plain(column).dictionary_encode()
        places = encoded.indices.drop_null().to_numpy(zero_copy_only=False)
        return cls(encoded.dictionary, np.bincount(places, minlength=len(encoded.dictionary)), encoded.indices)

    def gaps_among_numbers(self, spellings: Sequence[str]) -> pa.Array:
        """Whether each of the texts is a gap where the others are numbers, dates or booleans."""
        return is_spelling(self.different, ["", *spellings])

    def gaps_among_texts(self, spellings: Sequence[str]) -> pa.Array:
        """Whether each is a gap where the others are text; spaces around it do not count."""
        trimmed = pc.utf8_trim_whitespace(self.different)
        return pc.is_in(trimmed, pa.array(spellings, trimmed.type))

    def counted(self, which: pa.Array) -> dict[str, int]:
        """Those of the texts, with the number of rows that have them."""
        counts = self.counts[which.to_numpy(zero_copy_only=False)]
        return dict(zip(self.different.filter(which).to_pylist(), counts.tolist(), strict=True))

    def texts(self, gaps: Collection[str]) -> pa.Array:
        """The cells, null in the gaps."""
        return self._without(gaps).take(self.place)

    def parsed(self, kind: Kind, gaps: Collection[str], decimal: str) -> pa.Array:
        """The cells as numbers, dates or booleans, null in the gaps."""
        values = pc.utf8_trim_whitespace(self._without(gaps))
        if kind == "number":
            parsed = _parse_numbers(decimal_points(values, decimal))
        else:
            parsed = parse_dates(values) if kind == "date" else pc.equal(pc.utf8_lower(values), TRUTH[0])
        return parsed.take(self.place)

    def first_row(self, text: str) -> int:
        """The first row that has it."""
        return pc.index(self.place, pc.index(self.different, text).cast(pa.int32())).as_py()

    def _without(self, gaps: Collection[str]) -> pa.Array:
        if not gaps:
            return self.different
        return pc.if_else(pc.is_in(self.different, pa.array(gaps, self.different.type)), None, self.different)


def _kind(name: str, cells: _Cells, reading: Reading) -> Kind:
    gaps = cells.gaps_among_numbers(reading.gaps.numbers)
    rest = pc.invert(gaps)
    texts = cells.different.filter(rest)
    if len(texts) == 0:
        return "text"
    in_front = pc.any(pc.match_substring_regex(texts, ZERO_IN_FRONT)).as_py()
    codes = in_front and reading.declared_text and not reading.leading_zeros
    is_number = pc.match_substring_regex(decimal_points(cells.different, reading.decimal), NUMBER)
    if _all(is_number, rest):
        _require_no_thousands(name, texts, reading)
        return "text" if codes else "number"
    if not reading.declared_text and _all(is_spelling(cells.different, TRUTH), rest):
        return "boolean"
    is_date = pc.match_substring_regex(cells.different, DATE)
    if _all(is_date, rest) and _are_dates(texts):
        return "date"
    if not in_front and name not in reading.mixed:
        for what, right in (("numbers", is_number), ("dates", is_date)):
            _require_no_handful(name, what, cells, rest, pc.and_not(rest, right), reading)
    return "text"


def _all(holds: pa.Array, among: pa.Array) -> bool:
    return not pc.any(pc.and_not(among, holds)).as_py()


def _are_dates(texts: pa.Array) -> bool:
    try:
        parse_dates(pc.utf8_trim_whitespace(texts))
    except pa.ArrowInvalid:
        return False
    return True


def _parse_numbers(texts: pa.Array) -> pa.Array:
    if _all(pc.match_substring_regex(texts, WHOLE), texts.is_valid()):
        try:
            return texts.cast(pa.int64())
        except pa.ArrowInvalid:  # beyond 64 bits
            pass
    return texts.cast(pa.float64())


def _require_no_thousands(name: str, texts: pa.Array, reading: Reading) -> None:
    """RequestError: the decimal mark separates thousands."""
    example = thousands(texts, reading.decimal)
    if example:
        mark = "comma" if reading.decimal == "," else "point"
        subject = f"the target {name!r}" if name == reading.target else f"column {name!r}"
        raise RequestError(
            f"{subject} has numbers with a {mark} between thousands, such as {example!r}, but the {mark} is set as the "
            f"decimal mark: remove the {mark}s."
        )


def _require_no_handful(
    name: str, what: str, cells: _Cells, present: pa.Array, strange: pa.Array, reading: Reading
) -> None:
    """RequestError: few cells are not ``what`` all others are."""
    texts = cells.counted(strange)
    some, among = sum(texts.values()), sum(cells.counted(present).values())
    if len(texts) > MAX_STRANGE or some > max(STRANGE_SHARE * among, 1) or some > STRANGE_ALONE * among:
        return
    cell = "1 cell is" if some == 1 else f"{some:,} cells are"
    each = ", ".join(
        f"{text!r} in {row_name(cells.first_row(text)) if i == 0 else f'row {cells.first_row(text) + 1}'}"
        + (f" and {count - 1:,} more" if count > 1 else "")
        for i, (text, count) in enumerate(texts.items())
    )
    is_target = name == reading.target
    subject = f"the target {name!r}" if is_target else f"column {name!r}"
    helps = reading.helps(name, [text.strip() for text in texts], is_target)
    raise RequestError(f"{subject} holds {what}, but {cell} not: {each}. Correct them, {helps}.")


def _said_of_gaps(met: Mapping[str, Mapping[str, int]]) -> Iterable[str]:
    for name, gaps in list(met.items())[:MAX_NAMED]:
        shown = ", ".join(repr(text) for text in [text for text, count in gaps.items() if count][:MAX_STRANGE])
        yield f"column {name!r}: {_cells(sum(gaps.values()))} read as missing: {shown}"
    others = list(met.values())[MAX_NAMED:]
    if others:
        cells = sum(sum(gaps.values()) for gaps in others)
        yield f"{len(others):,} more columns: {_cells(cells)} read as missing"


def _said_of_numbers(names: Sequence[str]) -> Iterable[str]:
    if names:
        more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
        yield f"text that holds numbers only, read as numbers: {', '.join(names[:MAX_NAMED])}{more}"


def _cells(count: int) -> str:
    return f"{count:,} cell" + ("" if count == 1 else "s")
