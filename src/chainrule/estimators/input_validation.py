"""What estimators accept as X, and the matrix that a network takes.

An array, dense or sparse, and a data frame of numbers go in as they are. A data frame with texts, categories, truth
values or dates, one with gaps, and all but sparse matrices where gaps are to be imputed, pass through an Encoder, whose
numbers keep their unit: a level becomes a feature, a gap the median beside a feature that says so.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.utils import validation

from chainrule.errors import RequestError, warn_caller

if TYPE_CHECKING:
    from chainrule.data import Encoder
    from chainrule.data.recognition import Recognized

check_array: Any = validation.check_array  # without annotations; type checkers would go by the defaults
validate_data: Any = validation.validate_data

FLOATS = (np.float64, np.float32)
SPARSE = ("csr", "csc")


class Reader(Protocol):
    """What these functions ask of an estimator: two of its parameters, and what it has learned of the columns."""

    categorical_features: str | Sequence[Any] | None
    missing_values: str
    n_features_in_: int
    _encoder: "Encoder | None"
    _columns: list[str]  # that the encoder has learned from


def is_frame(X: Any) -> bool:
    """A data frame of pandas or polars, or a pyarrow table."""
    return hasattr(X, "columns") and hasattr(X, "shape") and not hasattr(X, "toarray")


def read_X_y(estimator: Reader, X: Any, y: Any, reset: bool, y_numeric: bool) -> tuple[Any, Any]:
    """X as an array or, where it needs an encoder, as a table for ``encoded``; y as scikit-learn checks it.

    Sets n_features_in_ and feature_names_in_ where ``reset``, and compares them where not.
    """
    if reset:
        estimator._encoder = None
    table = _table(estimator, X) if reset else _as_at_fit(estimator, X)
    if table is None:
        return validate_data(
            estimator, X, y, reset=reset, accept_sparse=SPARSE, dtype=FLOATS, multi_output=True, y_numeric=y_numeric
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    dtype = FLOATS if y_numeric else None
    y = check_array(y, accept_sparse="csr", ensure_2d=False, input_name="y", dtype=dtype, estimator=estimator)
    validation.check_consistent_length(X, y)
    return table, y


def read_X(estimator: Reader, X: Any) -> Any:
    """X as a matrix in the network's dtype, or sparse. ValueError: columns other than at fit."""
    if _goes_straight_in(estimator, X):
        return X
    table = _as_at_fit(estimator, X)
    if table is None:
        return validate_data(estimator, X, reset=False, accept_sparse=SPARSE, dtype=FLOATS)
    validate_data(estimator, X, reset=False, skip_check_array=True)
    return encoded(estimator, table)


def is_table(X: Any) -> bool:
    """What ``read_X_y`` gives where an encoder is needed: a table, or a recognized one for an encoder to learn from."""
    return hasattr(X, "column_names") or hasattr(X, "table")


def encoded(
    estimator: Reader, table: Any, rows: np.ndarray | None = None, weight: np.ndarray | None = None
) -> np.ndarray:
    """The matrix of such a table; where it was recognized, an encoder first learns from its training ``rows`` alone.

    rows     None for all
    weight   how much each row of the table counts
    """
    if hasattr(table, "table"):
        from chainrule.data.encoding import CONSTANT
        from chainrule.data.frames import fit_encoder

        known, table = table, table.table
        rows = np.arange(table.num_rows) if rows is None else rows
        counts = None if weight is None else np.asarray(weight, np.float64)[rows]
        estimator._encoder = fit_encoder(known, rows, counts)
        estimator._columns = table.column_names
        for name in estimator._encoder.constant:
            warn_caller(f"column {name!r} left out: {CONSTANT}")
    assert estimator._encoder is not None, "no table comes without an encoder"
    return estimator._encoder.transform(table)


def dense(X: Any, dtype: Any) -> np.ndarray:
    """C-contiguous rows."""
    with np.errstate(over="ignore"):  # what the dtype cannot hold becomes infinite, and shows in the cost
        return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X, dtype)


def _table(estimator: Reader, X: Any) -> "Recognized | None":
    """The table, where X cannot go into a network as it is; None where it can, or where refusing it is right."""
    named, fills = estimator.categorical_features, estimator.missing_values == "impute"
    categories = not (named is None or isinstance(named, str))
    if hasattr(X, "toarray"):
        if categories:
            raise RequestError("categorical_features takes columns of a dense array or a data frame, and X is sparse.")
        return None
    if is_frame(X):
        if hasattr(X, "sparse") and not categories and not fills:
            return None  # all columns of pandas are sparse: a table would hold every zero
        from chainrule.data.frames import needs_encoder

        try:
            table = _as_table(estimator, X)
        except RequestError:
            if _is_matrix(X):
                return None
            raise
        return _recognized(estimator, X, table) if needs_encoder(table, named, fills) else None
    return _recognized(estimator, X, _as_table(estimator, X)) if categories or fills else None


def _recognized(estimator: Reader, X: Any, table: Any) -> "Recognized":
    """Each column as what it is, and a warning where text means that a value is missing."""
    from chainrule.data.frames import missing, recognized, require_no_gaps

    known = recognized(table, estimator.categorical_features)
    if _forbids_gaps(estimator, X):
        require_no_gaps(missing(known.table), estimator.missing_values)
    for line in known.gap_notes:
        warn_caller(line)
    return known


def _as_at_fit(estimator: Reader, X: Any) -> Any:
    """The table, where X was one at fit; its columns by their places, since names are compared elsewhere."""
    if estimator._encoder is None:
        return None
    table = _as_table(estimator, dense(X, None) if hasattr(X, "toarray") else X)
    if table.num_columns == len(estimator._columns):
        table = table.rename_columns(estimator._columns)
    if _forbids_gaps(estimator, X):
        from chainrule.data.frames import require_no_gaps

        require_no_gaps(estimator._encoder.missing(table), estimator.missing_values)
    return table


def _as_table(estimator: Reader, X: Any) -> Any:
    """A data frame or an array as a table. RequestError: gaps that the estimator does not fill."""
    from chainrule.data.frames import frame, missing, require_no_gaps

    if is_frame(X):
        table = frame(X, is_frame=True)
    else:
        named = estimator.categorical_features
        only_numbers = named is None or isinstance(named, str)
        dtype, finite = (FLOATS, "allow-nan") if only_numbers else (None, False)
        table = frame(check_array(X, dtype=dtype, ensure_all_finite=finite, estimator=estimator), is_frame=False)
    if _forbids_gaps(estimator, X):
        require_no_gaps(missing(table), estimator.missing_values)
    return table


def _forbids_gaps(estimator: Reader, X: Any) -> bool:
    """Whether the estimator takes no gaps in X."""
    return estimator.missing_values == "error" or (estimator.missing_values == "auto" and not is_frame(X))


def _is_matrix(X: Any) -> bool:
    """Whether scikit-learn takes a data frame that makes no table, as one of sparse columns."""
    try:
        check_array(X, accept_sparse=SPARSE, dtype=FLOATS)
    except (ValueError, TypeError):
        return False
    return True


def _goes_straight_in(estimator: Reader, X: Any) -> bool:
    """Whether scikit-learn's checks would find nothing: leaving them out saves 82 % of a prediction of one row."""
    return (
        type(X) is np.ndarray
        and X.dtype in FLOATS
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == estimator.n_features_in_
        and estimator._encoder is None
        and "feature_names_in_" not in vars(estimator)
        and bool(np.isfinite(X).all())
    )
