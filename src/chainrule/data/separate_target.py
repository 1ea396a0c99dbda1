"""A target that is handed over apart from the other columns, ``train(X, y)``, becomes a column of the table."""

from reprlib import repr as short
from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.arguments import is_integer, is_single
from chainrule.data.arrow_types import as_arrow
from chainrule.data.plain_tables import is_unnamed
from chainrule.data.table_reader import is_path, read_table
from chainrule.errors import RequestError

NAME = "y"  # of a target whose values have none


def with_target(table: Any, target: Any) -> tuple[Any, str]:
    """The table that has the target column, and the name of that column, from a name, or from its values (m,).

    RequestError: a target named by a number or by several names; values that are not one for each row.

    >>> table, name = with_target(np.zeros((3, 2)), [0.5, 1.5, 2.5])
    >>> table.column_names, name
    (['x0', 'x1', 'y'], 'y')
    """
    if isinstance(target, str):
        if is_unnamed(table):
            raise RequestError(
                f"an array has no names for its columns, so {target!r} is not one of them: pass a dict of "
                "columns or a data frame, or the values of the target, train(X, y)."
            )
        return table, target
    if is_integer(target):
        raise RequestError(_by_number(table, target))
    if is_single(target):
        raise RequestError(
            f"the target must be the name of a column, or its values, one for each row, not {short(target)}."
        )
    if isinstance(target, (list, tuple)) and len(target) == 1 and isinstance(target[0], str) and not is_unnamed(table):
        return table, target[0]
    if is_path(table):
        raise RequestError(
            f"the target of a file must be the name of one column, not {short(target)}. For several targets train "
            "one model each."
        )
    columns = read_table(table)
    values = _one_dimension(target)
    if len(values) and all(isinstance(v, str) for v in values) and set(values) <= set(columns.column_names):
        raise RequestError(_several(short(list(values))))
    if len(values) != columns.num_rows:
        raise RequestError(
            f"the target has {len(values)} values, but the table has {columns.num_rows} rows: the target must be the "
            "name of one column, or one value for each row."
        )
    name = getattr(target, "name", None)
    name = name if isinstance(name, str) and name.strip() else NAME
    if name in columns.column_names:
        raise RequestError(
            f"the table already has a column {name!r}, and the target was passed as values: train(table, {name!r}) "
            "uses that column; or rename it."
        )
    return columns.append_column(name, as_arrow(values, f"the target {name!r}")), name


def _by_number(table: Any, number: Any) -> str:
    said = f"the target is named by a string, not by the number {number}: "
    if is_unnamed(table):
        return f"{said}for an array pass its values, train(np.delete(X, {number}, axis=1), X[:, {number}])."
    if is_path(table):
        return f"{said}write the name from the first line of the file."
    names = read_table(table).column_names
    meant = f", such as {names[number]!r}" if -len(names) <= number < len(names) else ""
    return f"{said}write its name{meant}. Columns here: {', '.join(names[:20])}."


def _several(found: str) -> str:
    return (
        f"a model predicts one target, but these are several: {found}. Train a model for each, or use MLPRegressor or "
        "MLPClassifier, whose y may be (m, k)."
    )


def _one_dimension(target: Any) -> Any:
    """The values, one for each row. RequestError: they have several columns, or are no values at all."""
    if isinstance(target, (pa.Array, pa.ChunkedArray)):
        return target.to_pylist()
    if hasattr(target, "to_frame"):  # a Series of pandas or polars
        return target.to_numpy() if hasattr(target, "to_numpy") else list(target)
    if not isinstance(target, (list, tuple)) and not hasattr(target, "__array__"):
        raise RequestError(
            f"the target must be the name of a column, or its values, one for each row, not {type(target).__name__}."
        )
    try:
        values = np.asarray(target)
    except ValueError:  # rows of different lengths
        values = np.empty((0, 2))
    if values.dtype.names is not None or values.ndim > 2 or (values.ndim == 2 and values.shape[1] != 1):
        raise RequestError(_several(f"y is {values.shape}" if values.dtype.names is None else f"{values.dtype}"))
    return values.reshape(-1) if values.ndim == 2 or isinstance(target, np.ndarray) else list(target)
