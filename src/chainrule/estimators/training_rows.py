"""From X and y to rows for an engine: read, encoded, split; the estimator then knows its network."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]
    check_consistent_length,
)

from chainrule.estimators import translation
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.fitted_attributes import begin
from chainrule.estimators.input_validation import check_array, dense, encoded, is_table, read_X, read_X_y
from chainrule.estimators.parameter_views import set_theta
from chainrule.estimators.user_functions import require_right_derivatives
from chainrule.sample_weights import require_weights


class EncodedRows(NamedTuple):
    """X (m, n[0]), Y (m, n[L]), how much each row counts, (m,), where they differ; and y as it was given, to score."""

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray | None
    y: np.ndarray


def begin_with(
    estimator: Estimator, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False, holds_out: bool = False
) -> tuple[EncodedRows, EncodedRows | None]:
    """The rows to train on, and those held out; before the first epoch the attributes of the estimator are set.

    incremental   training goes on from the last call, as with ``warm_start``
    """
    translation.hidden_units(estimator.hidden_layer_sizes)
    first = not hasattr(estimator, "coefs_") or not (estimator.warm_start or incremental)
    X, y = read_X_y(estimator, X, y, reset=first, y_numeric=estimator._y_numeric)
    Y = estimator._targets(y, incremental)
    weight = row_weights(sample_weight, Y)
    estimator._require_class_weight()
    random = check_random_state(estimator.random_state)
    train = held_out = None
    if is_table(X):  # an encoder learns from the training rows alone
        if holds_out:
            train, held_out = _split(estimator, Y, random)
        X = encoded(estimator, X, train, weight)
    network, functions = translation.network(estimator, X.shape[1], Y.shape[1], X.dtype)
    require_right_derivatives(functions, network, Y)
    begin(estimator, network, functions, first)
    if first and estimator.initializer is None:
        set_theta(estimator, translation.start(network, random))
    if holds_out and train is None:  # in this order scikit-learn draws from its random numbers
        train, held_out = _split(estimator, Y, random)
    if not (incremental and estimator._seed is not None):
        estimator._seed = int(random.randint(np.iinfo(np.int32).max))
    dtype = estimator._network.dtype

    def rows(chosen: np.ndarray) -> EncodedRows:
        return EncodedRows(dense(X[chosen], dtype), Y[chosen], None if weight is None else weight[chosen], y[chosen])

    training = EncodedRows(dense(X, dtype), Y, weight, y) if train is None else rows(train)
    total = _total_weight(estimator, training)
    training = training._replace(Y=training.Y.astype(dtype), weight=total)
    return training, None if held_out is None else rows(held_out)


def known_rows(estimator: Estimator, X: Any, y: Any, sample_weight: Any) -> EncodedRows:
    """EncodedRows to watch, of the columns and the classes that are known by now."""
    y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y_val")
    check_consistent_length(X, y)
    X, Y = dense(read_X(estimator, X), estimator._network.dtype), estimator._known_targets(y)
    return EncodedRows(X, Y, row_weights(sample_weight, Y), y)


def row_weights(sample_weight: Any, rows: np.ndarray) -> np.ndarray | None:
    """The weights, (m,), or None. ValueError: a wrong number of them, one below 0, a sum that overflows or vanishes."""
    if sample_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, rows, ensure_non_negative=True)
    require_weights(weight, len(weight), what="sample_weight")
    return weight


def _total_weight(estimator: Estimator, rows: EncodedRows) -> np.ndarray | None:
    """How much each row counts, (m,), by itself and by its class; None where all count the same."""
    by_class = estimator._class_weights(rows.Y, rows.weight)
    return rows.weight if by_class is None else by_class if rows.weight is None else rows.weight * by_class


def _split(estimator: Estimator, Y: np.ndarray, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Which rows to train on, and which to hold out."""
    stratify = Y if not estimator._y_numeric and Y.shape[1] == 1 else None  # as scikit-learn: two classes alone
    train, held_out = train_test_split(
        np.arange(len(Y)), random_state=random, test_size=estimator.validation_fraction, stratify=stratify
    )
    if len(held_out) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return np.asarray(train), np.asarray(held_out)
