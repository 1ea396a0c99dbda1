"""Read a column of any Arrow type as numbers, booleans, dates or texts.

A file does not say what its columns are, so the same column may come as text one day and as integers the next. Each
function here takes what can be read without doubt and names the first cell that cannot.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from chainrule.data.kinds import is_date, is_numeric, is_text
from chainrule.errors import RequestError

pc: Any = pyarrow.compute  # makes its functions at run time, where no type checker sees them

# Beyond this a number is taken for a mistake, as infinity is: the squares that scaling needs would overflow soon.
LARGEST = 1e100
# What Arrow reads as a number, infinity among it, so that it is named later; NaN is a gap.
NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$|^\s*[-+]?(?i:inf|infinity)\s*$"
FALSE = ("false", "no", "f", "n", "0")
TRUE = ("true", "yes", "t", "y", "1")


def row_name(index: int, rows: Any = None) -> str:
    """How messages name the row at ``index``, of the ``rows`` that were taken from a table, where some were."""
    place = index if rows is None else int(rows[index])
    return f"row {place + 1} (rows are counted from 1, below the header)"


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """``column`` in one piece without dictionary; empty text and NaN are missing, all text is ``large_string``."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        column = column.cast(pa.large_string())
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if is_text(array.type):
        return pc.if_else(pc.equal(array, ""), None, array)
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.is_nan(array), None, array)
    return array


def is_spelling(texts: pa.Array, spellings: Collection[str]) -> pa.Array:
    """Whether each text is one of the ``spellings``, which are in lower case, whatever its case and spaces around."""
    plain_texts = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return pc.is_in(plain_texts, pa.array(spellings, texts.type))


def numbers(
    column: pa.Array | pa.ChunkedArray, label: str, but: str, gaps: Sequence[str] = (), rows: Any = None
) -> NDArray[np.float64]:
    """(m,) numbers, NaN where missing; booleans are 0 and 1, text is parsed.

    gaps   spellings of a missing value, as ``Gaps.numbers``; one that is a number holds in columns of numbers too
    rows   the places of the cells to read, all of them where None

    Raises RequestError with ``label``, ``but`` and the first cell that is not a number, is infinite, or exceeds 1e100.

    >>> numbers(pa.array(["1.5", None]), "column 'x'", "must be numbers, but is").tolist()
    [1.5, nan]
    """
    values = _floats(column, label, but, gaps, rows)
    for gap in as_numbers(gaps):
        values = np.where(values == gap, np.nan, values)
    bad = np.abs(values) > LARGEST
    if bad.any():
        first = int(bad.argmax())
        what = "an infinite value" if np.isinf(values[first]) else f"the value {values[first]:g}, beyond {LARGEST:g},"
        where = row_name(first, rows)
        raise RequestError(f"{label} has {what} in {where}: correct the cell, or leave it empty if unknown.")
    return values


def _floats(
    column: pa.Array | pa.ChunkedArray, label: str, but: str, gaps: Sequence[str], rows: Any
) -> NDArray[np.float64]:
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):  # as NumPy has them, far sooner
        values = column.to_numpy(zero_copy_only=False)
        return np.asarray(values if rows is None else values[rows], np.float64)
    array = without_gaps(plain(taken(column, rows)), gaps)
    if is_text(array.type):
        array = _parsed(array, lambda cells: cells.cast(pa.float64()), label, but, rows)
    elif pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    elif not (is_numeric(array.type) or pa.types.is_null(array.type)):
        raise RequestError(f"{label} {but} {array.type}. Convert it to numbers first.")
    return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def taken(column: Any, rows: Any) -> Any:
    """The cells at these places, all of them where None."""
    return column if rows is None else column.take(pa.array(rows))


def decimal_points(texts: pa.Array | pa.ChunkedArray, decimal: str) -> Any:
    """``texts`` of numbers with the decimal mark as a point; a point, which is no part of them then, as a comma."""
    if decimal == ".":
        return texts
    for mark, other in ((decimal, "\0"), (".", decimal), ("\0", ".")):
        texts = pc.replace_substring(texts, mark, other)
    return texts


def with_points(table: pa.Table, names: Collection[str], decimal: str) -> pa.Table:
    """``table`` with the decimal mark as a point in those of the named columns that are text."""
    if decimal == ".":
        return table
    named = dict(zip(table.column_names, table.columns, strict=True))
    return pa.table(
        {
            name: decimal_points(column, decimal) if name in names and is_text(column.type) else column
            for name, column in named.items()
        }
    )


def without_gaps(cells: pa.Array, gaps: Sequence[str]) -> pa.Array:
    """``cells``, as :func:`plain` gives them, with null for text in ``gaps``, as ``Gaps.numbers``."""
    if not gaps or not is_text(cells.type):
        return cells
    return pc.if_else(is_spelling(cells, ["", *gaps]), None, cells)


def without_numbers(cells: pa.Array, gaps: Sequence[float]) -> pa.Array:
    """``cells`` with null for numbers that mean a missing value."""
    if not gaps or not is_numeric(cells.type):
        return cells
    return pc.if_else(pc.is_in(cells.cast(pa.float64(), safe=False), pa.array(gaps)), None, cells)


def as_numbers(spellings: Sequence[str]) -> list[float]:
    """Those of the spellings of a missing value that are numbers, such as -999.

    >>> as_numbers(["?", "nan", "-999"])
    [-999.0]
    """
    return list(_numbers_among(tuple(spellings)))


@cache
def _numbers_among(spellings: tuple[str, ...]) -> tuple[float, ...]:
    texts = pa.array(spellings, pa.large_string())
    return tuple(map(float, texts.filter(pc.match_substring_regex(texts, NUMBER)).to_pylist()))


def booleans(
    column: pa.Array | pa.ChunkedArray, label: str, but: str, gaps: Sequence[str] = (), rows: Any = None
) -> NDArray[np.float64]:
    """(m,) ones and zeros, NaN where missing, from booleans, the numbers 0 and 1, or text such as yes and no.

    Raises RequestError with ``label``, ``but`` and the first other cell. ``gaps`` and ``rows`` are as in ``numbers``.

    >>> booleans(pa.array(["Yes", "no", None]), "column 'x'", "must be true or false, but is").tolist()
    [1.0, 0.0, nan]
    """
    array = without_gaps(plain(taken(column, rows)), gaps)
    if is_text(array.type):
        place = pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(array)), pa.array(FALSE + TRUE, pa.large_string()))
        values = pc.cast(pc.greater_equal(place, len(FALSE)), pa.float64()).to_numpy(zero_copy_only=False)
        bad = np.isnan(values) & array.is_valid().to_numpy(zero_copy_only=False)
        kind = "text"
    else:
        values, kind = numbers(column, label, but, gaps, rows), "a number"
        bad = (values != 0) & (values != 1) & ~np.isnan(values)
    if bad.any():
        first = int(bad.argmax())
        cell = f"{array[first].as_py()!r} in {row_name(first, rows)}"
        raise RequestError(f"{label} {but} {kind}: {cell}. Write true or false, or leave it empty.")
    return values


def dates(
    column: pa.Array | pa.ChunkedArray, label: str, but: str, gaps: Sequence[str] = (), rows: Any = None
) -> NDArray[np.datetime64]:
    """(m,) ``datetime64[us]``, NaT where missing, from dates, timestamps, or text as 2024-01-31 or 2024-01-31 10:30.

    Times with a zone are taken to UTC. Raises RequestError with ``label``, ``but`` and the first cell that is no date.
    ``gaps`` and ``rows`` are as in ``numbers``.

    >>> dates(pa.array(["2024-01-31", None]), "column 'x'", "must be dates, but is").astype("M8[D]").tolist()
    [datetime.date(2024, 1, 31), None]
    """
    array = without_gaps(plain(taken(column, rows)), gaps)
    if is_text(array.type):
        array = _parsed(array, parse_dates, label, but, rows)
    elif not (is_date(array.type) or pa.types.is_null(array.type)):
        raise RequestError(f"{label} {but} {array.type}. Write dates as 2024-01-31.")
    # Dropping the zone of an Arrow timestamp leaves UTC. Finer than microseconds is cut off.
    array = array.cast(pa.timestamp("us", getattr(array.type, "tz", None)), safe=False).cast(pa.timestamp("us"))
    return array.to_numpy(zero_copy_only=False).astype("M8[us]")


def parse_as_dates(texts: pa.Array) -> bool:
    """Whether every text is a date or a time stamp in ISO form, and there is at least one."""
    different = texts.unique().drop_null()
    try:
        parse_dates(different[:1])  # a refusal of all cells takes seconds where they are many, of one none
        parse_dates(different)
    except pa.ArrowInvalid:
        return False
    return len(different) > 0


def texts(column: pa.Array | pa.ChunkedArray, label: str, but: str) -> pa.Array:
    """(m,) texts; the integer 3.0 reads ``3``, so that a missing cell, which makes floats, changes no level.

    Raises RequestError with ``label`` and ``but`` where the cells are lists, bytes or the like.

    >>> texts(pa.array([3.0, 3.5, None]), "column 'x'", "must be text, but is").to_pylist()
    ['3', '3.5', None]
    """
    array = plain(column)
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    if pa.types.is_floating(array.type):
        whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), 2.0**53))
        as_integers = pc.if_else(whole, array, None).cast(pa.int64()).cast(pa.large_string())
        return pc.if_else(whole, as_integers, array.cast(pa.large_string()))
    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        raise RequestError(f"{label} {but} {array.type}. Convert it to text first.")
    return array.cast(pa.large_string())


def parse_dates(texts: pa.Array) -> pa.Array:
    """``texts`` in ISO form as moments in UTC; ArrowInvalid where one is none."""
    try:
        return texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return texts.cast(pa.timestamp("us", "UTC"))  # as 2024-01-31T10:30Z or 2024-01-31T10:30+02:00


def _parsed(cells: pa.Array, parse: Callable[[pa.Array], pa.Array], label: str, but: str, rows: Any = None) -> pa.Array:
    """``parse`` of all cells, or RequestError that names the first cell it refuses."""
    cells = pc.utf8_trim_whitespace(cells)
    try:
        return parse(cells)
    except pa.ArrowInvalid as error:
        low, high = 0, len(cells)  # the first bad cell is in [low, high)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                parse(cells[low:middle])
                low = middle
            except pa.ArrowInvalid:
                high = middle
        raise RequestError(
            f"{label} {but} text: {cells[low].as_py()!r} in {row_name(low, rows)}. Correct the cell, or leave it empty."
        ) from error
