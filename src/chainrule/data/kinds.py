"""The kinds of columns: which there are, which one the Arrow type of cells is, and what messages call their values."""

from typing import Literal

import pyarrow as pa

Kind = Literal["number", "boolean", "category", "date", "text", "empty", "other"]
NumericKind = Literal["number", "boolean", "date"]  # what becomes one or more numbers

VALUES = {"number": "a number", "boolean": "a boolean", "date": "a date", "category": "text", "text": "text"}


def kind_of(cells: pa.Array, is_category: bool = False) -> Kind:
    """The kind of cells that ``plain`` gave, by their type alone; ``is_category`` where they were declared as one.

    >>> kind_of(pa.array([1, 2])), kind_of(pa.array([1, 2]), is_category=True), kind_of(pa.array([None, None]))
    ('number', 'category', 'empty')
    """
    if cells.null_count == len(cells):
        return "empty"
    if is_category:
        return "category"
    if pa.types.is_boolean(cells.type):
        return "boolean"
    if is_numeric(cells.type):
        return "number"
    if is_date(cells.type):
        return "date"
    return "text" if is_text(cells.type) else "other"


def is_text(of: pa.DataType) -> bool:
    """Whether cells of this Arrow type are text."""
    return pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of)


def is_numeric(of: pa.DataType) -> bool:
    """Whether cells of this Arrow type are integers, floats or decimals."""
    return pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of)


def is_date(of: pa.DataType) -> bool:
    """Whether cells of this Arrow type are dates or timestamps."""
    return pa.types.is_date(of) or pa.types.is_timestamp(of)


def changed(name: str, kind: str) -> tuple[str, str]:
    """How a message begins about a cell that is not what its column was at training."""
    return f"column {name!r}", f"was {VALUES[kind]} at training, now it is"
