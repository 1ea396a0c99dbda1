"""What each column of a table is, and which columns are left out and why."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
import pyarrow as pa

from chainrule.data.columns import parse_as_dates, pc, plain, row_name
from chainrule.data.kinds import Kind, kind_of
from chainrule.data.number_marks import described
from chainrule.errors import RequestError, nearest

# Text that is different on more than half of the rows names the rows (people, parts, comments): a level met once
# teaches nothing. Twenty levels and fewer stay, since a small table has little to repeat.
NAMES_SHARE = 0.5
NAMES_LEVELS = 20
# 1, 2, 3, ... on fewer rows than this may well be a measurement, such as a dose.
ROW_NUMBER_ROWS = 20
# Text of which so much reads as numbers was meant as numbers, and one cell spoiled it.
MOSTLY_NUMBERS = 0.8


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether it becomes features and, where not, the reason; ``missing`` counts empty cells."""

    name: str
    kind: Kind
    used: bool
    reason: str
    missing: int


@dataclass(frozen=True)
class Schema:
    """The columns of a table in their order."""

    columns: tuple[Column, ...]

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that become features."""
        return tuple(c for c in self.columns if c.used)

    @property
    def left_out(self) -> tuple[Column, ...]:
        """The columns that do not, each with its reason."""
        return tuple(c for c in self.columns if not c.used)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON that :meth:`from_dict` takes back."""
        return {"columns": [asdict(c) for c in self.columns]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Schema":
        """The schema that :meth:`to_dict` wrote. Raises RequestError for a kind that does not exist."""
        columns = tuple(Column(**c) for c in record["columns"])
        for c in columns:
            if c.kind not in get_args(Kind):
                raise RequestError(
                    f"column {c.name!r} is of the unknown kind {c.kind!r}: is the file newer than this chainrule?"
                )
        return cls(columns)


def infer_schema(
    table: pa.Table, *, drop: Iterable[str] = (), keep_out: Iterable[str] | Mapping[str, str] = ()
) -> Schema:
    """What the columns of ``table`` are, seen from all rows, and which of them become features.

    ``drop`` names columns that the user does not want; ``keep_out`` those with another task, such as the target, and
    where it is a mapping it gives the reason to show for each.

    Raises RequestError where ``drop`` or ``keep_out`` names a column that the table does not have.

    >>> table = pa.table({"mass": [3.5, 4.0, None], "site": ["x", "x", "x"], "species": ["a", "b", "a"]})
    >>> for column in infer_schema(table, keep_out={"species": "the target"}).columns:
    ...     print(column.name, column.kind, column.used, column.reason or "-", column.missing)
    mass number True - 1
    site category False the same value in every row 0
    species category False the target 0
    """
    reasons = dict.fromkeys(drop, "dropped on request")
    reasons |= keep_out if isinstance(keep_out, Mapping) else dict.fromkeys(keep_out, "not a feature")
    named = dict(zip(table.column_names, table.columns, strict=True))
    for name in reasons:
        if name not in named:
            raise RequestError(f"there is no column {name!r} in the table{nearest(name, named)}")
    return Schema(tuple(_column(name, column, reasons.get(name, "")) for name, column in named.items()))


def _column(name: str, column: pa.ChunkedArray, asked: str) -> Column:
    cells = plain(column)
    kind, unusable = _kind(cells, is_category=pa.types.is_dictionary(column.type))
    reason = asked or unusable or _worthless(cells, is_count=not pa.types.is_dictionary(column.type))
    return Column(name, kind, not reason, reason, missing=cells.null_count)


def _kind(cells: pa.Array, is_category: bool) -> tuple[Kind, str]:
    """The kind, and why cells of this kind cannot become features, or ''. What is declared a category is one."""
    kind = kind_of(cells, is_category)
    if kind == "text":
        return _kind_of_text(cells)
    if kind == "empty":
        return kind, "no value in any row"
    if kind != "other":
        return kind, ""
    if pa.types.is_time(cells.type) or pa.types.is_duration(cells.type):
        return kind, f"{cells.type}: convert it to a number, such as hours, to use it"
    return kind, f"{cells.type}: values of this type cannot become features"


def _kind_of_text(cells: pa.Array) -> tuple[Kind, str]:
    """Dates, a category, or text that is too different from row to row to be one."""
    if parse_as_dates(cells):
        return "date", ""
    present, distinct = len(cells) - cells.null_count, pc.count_distinct(cells).as_py()
    if distinct > NAMES_LEVELS and (marks := described(cells)):
        return "text", marks
    if distinct > NAMES_LEVELS and distinct > NAMES_SHARE * present:
        return "text", _almost_numbers(cells, present) or (
            f"text that differs on nearly every row ({distinct} different texts in {present} rows)"
        )
    return "category", ""


def _almost_numbers(cells: pa.Array, present: int) -> str:
    """What keeps a column of text from being numbers, or '' where most of its cells are none."""
    point = pc.match_substring_regex(cells, r"^\s*[-+]?\d*\.?\d+([eE][-+]?\d+)?\s*$")
    numbers = pc.sum(point).as_py()
    if numbers == present or MOSTLY_NUMBERS * present > numbers:
        return ""
    first = pc.fill_null(pc.invert(point), False).to_numpy(zero_copy_only=False).argmax()
    strange = cells[int(first)].as_py()
    return (
        f"text, although {numbers} of {present} cells are numbers: the first that is not is {strange!r} "
        f"in {row_name(int(first))}. Correct such cells, or leave them empty"
    )


def _worthless(cells: pa.Array, is_count: bool) -> str:
    """Why nothing can be learnt from these cells, or ''; ``is_count`` says whether integers may number the rows."""
    if cells.null_count:
        return ""  # even one value beside gaps makes two states
    if pc.count_distinct(cells).as_py() == 1:
        return "the same value in every row"
    if is_count and pa.types.is_integer(cells.type) and len(cells) >= ROW_NUMBER_ROWS:
        first = cells[0].as_py()
        if first in (0, 1) and np.array_equal(cells.to_numpy(), np.arange(first, first + len(cells))):
            return "a row number"
    return ""
