"""Data frames and arrays as they come, with categories and gaps in them: as tables, and through an Encoder."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.data.columns import plain
from chainrule.data.encoding import Encoder
from chainrule.data.gaps import Gaps
from chainrule.data.kinds import Kind, is_numeric, kind_of
from chainrule.data.numeric_features import Numbers
from chainrule.data.recognition import Reading, Recognized, recognize
from chainrule.data.schema import Column, Schema
from chainrule.data.table_reader import read_table
from chainrule.errors import RequestError


def frame(X: Any, is_frame: bool) -> pa.Table:
    """A data frame, or the columns x0, x1, ... of an array, as a table."""
    if is_frame:
        return read_table(X)
    X = np.asarray(X)
    return read_table({f"x{j}": X[:, j].tolist() if X.dtype == object else X[:, j] for j in range(X.shape[1])})


def needs_encoder(table: pa.Table, categorical_features: Any, fills: bool = False) -> bool:
    """Whether a data frame has gaps, or columns that are no numbers and are to be taken as what they are.

    fills   gaps may come up later
    """
    only_numbers = all(is_numeric(c.type) or pa.types.is_boolean(c.type) for c in table.columns)
    if categorical_features is None and not only_numbers:
        return False  # not to be taken as what they are
    return fills or not only_numbers or not _is_spec(categorical_features) or any(gaps(c) for c in table.columns)


def recognized(table: pa.Table, categorical_features: Any) -> Recognized:
    """Each column of a data frame as what it is: text that holds numbers only is numbers, as in scikit-learn.

    RequestError: a column that does not exist is named; a handful of cells keeps a column from being numbers or dates.
    """
    categories = _categories(categorical_features, table.column_names)
    return recognize(table, Reading(Gaps(), categories=categories, helps=_helps, leading_zeros=True))


def _helps(name: str, texts: Sequence[str], is_target: bool) -> str:
    return "set them to NaN, or name the column in categorical_features"


def require_no_gaps(missing: Mapping[str, int], missing_values: str) -> None:
    """RequestError: a column misses values, under an option that does not fill them."""
    for name, count in missing.items():
        if count:
            forbids = "forbids them" if missing_values == "error" else "fills them in data frames alone"
            raise RequestError(
                f"column {name!r} has {count} missing values (NaN or empty), but missing_values={missing_values!r} "
                f"{forbids}: fill them, or set it to 'impute'."
            )


def missing(table: pa.Table) -> dict[str, int]:
    """How many cells of each column are empty or NaN."""
    return {name: gaps(column) for name, column in zip(table.column_names, table.columns, strict=True)}


def fit_encoder(
    known: Recognized,
    rows: Any,
    weight: Any | None = None,
    numbers: Numbers = "unscaled",
    look_up_from: int | None = None,
) -> Encoder:
    """The encoder of a table that was recognized, from its training rows; numbers keep their unit by default.

    weight                  how much each of the training rows counts
    numbers, look_up_from   as of ``Encoder.fit``

    RequestError: columns of a kind that makes no features.
    """
    table, columns = known.table, []
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = _kind(name, column)
        reason = "" if kind != "empty" else "no value in any row"
        columns.append(Column(name, kind, not reason, reason, gaps(column)))
    encoder = Encoder.fit(table, Schema(tuple(columns)), rows, numbers, weight, known.gaps, look_up_from)
    return encoder.without_constants(table, rows if weight is None else np.asarray(rows)[weight > 0.0])[0]


def gaps(column: pa.ChunkedArray) -> int:
    """How many cells are empty or NaN."""
    if not pa.types.is_floating(column.type):
        return column.null_count
    return column.null_count + int(np.isnan(column.drop_null().to_numpy()).sum())


def _is_spec(categorical_features: Any) -> bool:
    """Whether no column is named."""
    return categorical_features is None or isinstance(categorical_features, str)


def _categories(named: Any, names: list[str]) -> list[str]:
    """The names of the columns that the user calls categories. RequestError: there is no such column."""
    if _is_spec(named):
        return []
    given = list(named)
    if given and all(isinstance(g, (bool, np.bool_)) for g in given):
        if len(given) != len(names):
            raise RequestError(f"categorical_features is a mask of {len(given)} columns, but X has {len(names)}.")
        given = [j for j, is_category in enumerate(given) if is_category]
    missing = [g for g in given if (g not in names if isinstance(g, str) else g not in range(len(names)))]
    if missing:
        raise RequestError(
            f"categorical_features names {missing[0]!r}, but X has no such column. Columns: {', '.join(names[:20])}."
        )
    return [g if isinstance(g, str) else names[int(g)] for g in given]


def _kind(name: str, column: pa.ChunkedArray) -> Kind:
    """Text is a category here, however many levels it has."""
    cells = plain(column)
    kind = kind_of(cells, pa.types.is_dictionary(column.type))
    if kind == "other":
        raise RequestError(
            f"column {name!r} holds {cells.type}: expected numbers, text, categories, booleans or dates."
        )
    return "category" if kind == "text" else kind
