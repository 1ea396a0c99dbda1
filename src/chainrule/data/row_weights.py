"""How much each row of a table counts, by a column of it."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.columns import numbers, row_name
from chainrule.errors import RequestError, nearest
from chainrule.sample_weights import require_weights


def column_weight(table: Any, column: str) -> NDArray[np.float64]:
    """(m,) how much each row of the table counts; NaN where the cell is empty.

    RequestError: no such column, or one with cells that are not numbers.
    """
    if column not in table.column_names:
        raise RequestError(
            f"the weight column {column!r} is not in the table{nearest(column, table.column_names)} "
            f"Columns here: {', '.join(table.column_names)}."
        )
    return numbers(table.column(column), f"the weight column {column!r}", "must be numbers, but it is")


def require_row_weights(weight: NDArray[np.float64], rows: NDArray[np.int64], column: str) -> NDArray[np.float64]:
    """The weights of the ``rows`` that take part. RequestError: one is missing or below 0, or their sum overflows."""
    wrong = rows[~(weight[rows] >= 0.0)]
    if len(wrong):
        found = "missing" if np.isnan(weight[wrong[0]]) else f"{weight[wrong[0]]:g}"
        raise RequestError(
            f"the weight column {column!r} is {found} in {row_name(int(wrong[0]))}: they must be nonnegative."
        )
    return require_weights(weight[rows], len(rows), what=f"the weight column {column!r}")


def without_rows(column: pa.ChunkedArray, left_out: NDArray[np.bool_]) -> pa.ChunkedArray:
    """The column with its cells in the rows that are left out, (m,), missing.

    >>> without_rows(pa.chunked_array([["a", "b"]]), np.array([False, True])).to_pylist()
    ['a', None]
    """
    if not left_out.any():
        return column
    return column.take(pa.array(np.arange(len(left_out)), mask=left_out))
