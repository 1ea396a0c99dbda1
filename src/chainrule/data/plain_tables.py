"""Tables as people have them at hand: one row as a dict, a list of rows, an array. As columns, where that is clear.

    {"a": 1.0, "b": "x"}                  one row
    [{"a": 1.0}, {"a": 2.0, "b": "x"}]    rows; what a row does not name is missing
    a structured array, or an entry of it rows, or one
    an array (m, n)                       rows of the columns x0, x1, ..., as scikit-learn has them

RequestError: where it may mean more than one thing, with what to hand over in its place.
"""

from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from chainrule.arguments import is_single
from chainrule.errors import RequestError


def as_columns(source: Any) -> Any:
    """A mapping of columns, from what the module lists; anything else as it came.

    >>> as_columns({"dose": 1.5, "sex": "f"})
    {'dose': [1.5], 'sex': ['f']}
    >>> as_columns([{"dose": 1.5}, {"dose": 2.0, "sex": "f"}])
    {'dose': [1.5, 2.0], 'sex': [None, 'f']}
    >>> list(as_columns(np.zeros((3, 2))))
    ['x0', 'x1']
    """
    if isinstance(source, Mapping):
        return _of_mapping(source)
    if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
        return _of_rows(source)
    if getattr(getattr(source, "dtype", None), "names", None):
        return _of_structured(np.atleast_1d(source))
    if is_unnamed(source):
        return _of_array(source)
    if _is_series(source):
        raise RequestError(
            "a Series is one row or one column: pass series.to_frame() if it is a column, and dict(series), "
            "a dict of its cells by column, if it is a row."
        )
    return source


def is_unnamed(source: Any) -> bool:
    """Whether it is an array, rows without names for their columns."""
    if isinstance(source, np.ndarray):
        return source.dtype.names is None
    is_frame = hasattr(source, "columns") or hasattr(source, "__arrow_c_stream__") or _is_series(source)
    return hasattr(source, "__array__") and hasattr(source, "shape") and not is_frame and not is_single(source)


def _is_series(source: Any) -> bool:
    return type(source).__name__ == "Series" and hasattr(source, "to_frame")


def _of_mapping(columns: Mapping[Any, Any]) -> Mapping[Any, Any]:
    single = [name for name, cells in columns.items() if is_single(cells)]
    if not single:
        return columns
    if len(single) < len(columns):
        other = next(name for name in columns if name not in single)
        raise RequestError(
            f"column {single[0]!r} is the single value {short(columns[single[0]])}, and column {other!r} holds "
            "several: a table is a dict of columns, each a list of as many cells; one row is a dict of single values."
        )
    return {name: [cell.item() if isinstance(cell, np.ndarray) else cell] for name, cell in columns.items()}


def _of_rows(rows: Sequence[Mapping[Any, Any]]) -> dict[Any, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    for i, row in enumerate(rows):
        several = next((name for name, cell in row.items() if not is_single(cell)), None)
        if several is not None:
            raise RequestError(
                f"row {i} of the list holds {short(row[several])} in {several!r}: a row is a dict of single values; a "
                "table of columns is one dict of lists."
            )
    return {name: [row.get(name) for row in rows] for name in names}


def _of_structured(records: Any) -> dict[str, Any]:
    if records.ndim != 1 or any(records.dtype[name].shape for name in records.dtype.names):
        raise RequestError(
            f"a structured array as a table must have one dimension and fields of single cells, but this one is "
            f"{records.shape} of {records.dtype}."
        )
    return {name: records[name] for name in records.dtype.names}


def _of_array(source: Any) -> dict[str, Any]:
    try:
        cells = np.asarray(source)
    except (TypeError, ValueError) as error:
        raise RequestError(f"cannot make a table of this {type(source).__name__}: {error}") from error
    if cells.ndim != 2:
        raise RequestError(
            f"an array as a table must have rows and columns, (m, n), but this one is {cells.shape}: a single row is "
            "X.reshape(1, -1), a single column X.reshape(-1, 1)."
        )
    if cells.dtype.kind == "c":
        raise RequestError("an array of complex numbers is not a table: pass their real and imaginary parts.")
    return {f"x{j}": cells[:, j].tolist() if cells.dtype == object else cells[:, j] for j in range(cells.shape[1])}
