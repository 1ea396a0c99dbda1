"""Data frames and arrays as they come, with categories and gaps in them: as tables, and through an Encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.data.columns import is_numeric, is_text, plain
from chainrule.data.encoding import Encoder
from chainrule.data.reading import read_table
from chainrule.data.schema import Column, Kind, Schema
from chainrule.errors import RequestError


def frame(X: Any, is_frame: bool) -> pa.Table:
    """A data frame, or the columns x0, x1, ... of an array, as a table."""
    if is_frame:
        return read_table(X)
    X = np.asarray(X)
    return read_table({f"x{j}": X[:, j].tolist() if X.dtype == object else X[:, j] for j in range(X.shape[1])})


def needs_encoder(table: pa.Table, categorical_features: Any) -> bool:
    """Whether a data frame has gaps, or columns that are no numbers and are to be taken as what they are."""
    named = categorical_features
    if named is not None and (not isinstance(named, str) or not all(is_numeric(c.type) for c in table.columns)):
        return True
    return any(gaps(column) for column in table.columns)


def fit_encoder(table: pa.Table, rows: Any, categorical_features: Any, missing_values: str) -> Encoder:
    """The encoder of a table, from its training rows; numbers keep their unit.

    categorical_features   "from_dtype" or None, or the columns to take as categories: names, numbers or a mask
    missing_values         "error" to refuse them

    RequestError: gaps that are forbidden, columns of a kind that makes no features or that do not exist.
    """
    categories = _categories(categorical_features, table.column_names)
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        missing = gaps(column)
        if missing and missing_values == "error":
            raise RequestError(
                f"column {name!r} has {missing} missing values, and missing_values='error' forbids them: fill them, or "
                "leave the option at 'auto'."
            )
        kind = "category" if name in categories else _kind(name, column)
        columns.append(Column(name, kind, kind != "empty", "", missing))
    return Encoder.fit(_as_text(table, categories), Schema(tuple(columns)), rows, standardize=False)


def encoded(encoder: Encoder, table: pa.Table, rows: Any = None) -> Any:
    """The matrix of some rows of a table."""
    return encoder.transform(_as_text(table, encoder.text_columns), rows)


def gaps(column: pa.ChunkedArray) -> int:
    """How many cells are empty or NaN."""
    if not pa.types.is_floating(column.type):
        return column.null_count
    return column.null_count + int(np.isnan(column.drop_null().to_numpy()).sum())


def _as_text(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The table with these columns as text: a category that is written as a number is no amount."""
    for name in names:
        column = table.column(name)
        if is_numeric(column.type) or pa.types.is_boolean(column.type):
            table = table.set_column(table.column_names.index(name), name, column.cast(pa.string()))
    return table


def _categories(named: Any, names: list[str]) -> list[str]:
    """The names of the columns that the user calls categories. RequestError: there is no such column."""
    if named is None or isinstance(named, str):
        return []
    given = list(named)
    if given and all(isinstance(g, (bool, np.bool_)) for g in given):
        given = [j for j, is_category in enumerate(given) if is_category]
    missing = [g for g in given if (g not in names if isinstance(g, str) else not 0 <= g < len(names))]
    if missing:
        raise RequestError(
            f"categorical_features names {missing[0]!r}, and X has no such column. Columns: {', '.join(names[:20])}."
        )
    return [g if isinstance(g, str) else names[g] for g in given]


def _kind(name: str, column: pa.ChunkedArray) -> Kind:
    cells = plain(column)
    if cells.null_count == len(cells):
        return "empty"
    if is_numeric(cells.type):
        return "number"
    if pa.types.is_boolean(cells.type):
        return "boolean"
    if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
        return "date"
    if is_text(cells.type):
        return "category"
    raise RequestError(f"column {name!r} holds {cells.type}: expected numbers, texts, categories, truth values, dates.")
