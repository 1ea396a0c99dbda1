"""Metrics: how good predictions are, from targets and predictions alone.

``weight`` is how much each example counts, (m,); None counts all the same. The table METRICS scores an encoded target
Y against the network's prediction A, both (n[L], m), so that training can stop on any of its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.table import Table

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def accuracy(codes: Codes, predicted: Codes, weight: Floats | None = None) -> float:
    """Share of examples whose class is right.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 0]))
    0.6666666666666666
    """
    return _mean((codes == predicted).astype(np.float64), weight)


def log_loss(codes: Codes, P: Floats, weight: Floats | None = None) -> float:
    """Mean of -log P[k, i] over examples, k the right class; P (K, m).

    A probability below 2.2e-16 counts as that, as scikit-learn has it: one sure mistake gives a large number, not inf.
    """
    right = P[codes, np.arange(len(codes))]
    return _mean(-np.log(np.maximum(right, np.finfo(np.float64).eps)), weight)


def roc_auc(positive: NDArray[np.bool_], score: Floats, weight: Floats | None = None) -> float:
    """Chance that a positive example scores higher than a negative one, ties counting half. Hanley & McNeil 1982.

    NaN where either kind is absent.

    >>> roc_auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    w = np.ones(len(score)) if weight is None else weight
    _, rank = np.unique(score, return_inverse=True)
    ups = np.bincount(rank, w * positive)
    downs = np.bincount(rank, w * ~positive)
    below = np.cumsum(downs) - downs
    total = ups.sum() * downs.sum()
    return float((ups * (below + 0.5 * downs)).sum() / total) if total > 0 else float("nan")


def mean_roc_auc(codes: Codes, P: Floats, weight: Floats | None = None) -> float:
    """ROC-AUC of class 1 for two classes; for more, the mean over classes of each against the rest. Fawcett 2006.

    Classes without an example here have no curve and are passed over; NaN where there are fewer than two classes.
    """
    if len(P) == 2:
        return roc_auc(codes == 1, P[1], weight)
    areas = np.array([roc_auc(codes == k, P[k], weight) for k in range(len(P))])
    return float(areas[~np.isnan(areas)].mean()) if not np.isnan(areas).all() else float("nan")


def confusion_matrix(codes: Codes, predicted: Codes, K: int) -> Codes:
    """How many examples of class j (row) were taken for class k (column), (K, K).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    return np.bincount(K * codes + predicted, minlength=K * K).reshape(K, K)


def recall_per_class(confusion: Codes) -> Floats:
    """Share of each class that was recognised, (K,); NaN for a class without examples."""
    total = confusion.sum(axis=1)
    return np.where(total > 0, np.diag(confusion) / np.maximum(total, 1), np.nan)


def root_mean_squared_error(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """sqrt(mean (y - predicted)^2), in the unit of the target."""
    return float(np.sqrt(_mean((y - predicted) ** 2, weight)))


def mean_absolute_error(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """Mean |y - predicted|, in the unit of the target."""
    return _mean(np.abs(y - predicted), weight)


def r2(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """1 - (squared error) / (squared error of the mean): 1 is perfect, 0 no better than the mean.

    NaN where the target does not vary, since there is nothing to explain.
    """
    spread = _mean((y - _mean(y, weight)) ** 2, weight)
    return 1.0 - _mean((y - predicted) ** 2, weight) / spread if spread > 0 else float("nan")


def _mean(values: Floats, weight: Floats | None) -> float:
    return float(values.mean() if weight is None else (weight * values).sum() / weight.sum())


@dataclass(frozen=True)
class Metric:
    """A score to stop on: score(Y, A, weight), over all outputs together, and whether more is better."""

    score: Callable[[Floats, Floats, Floats], float]
    more_is_better: bool
    task: str


METRICS: Table[Metric] = Table("metric")


def classes(Y: Floats) -> Codes:
    """The class of each column: 0 or 1 from a single output, else the largest of K."""
    return (Y[0] > 0.5).astype(np.int64) if len(Y) == 1 else Y.argmax(axis=0).astype(np.int64)


def probabilities(A: Floats) -> Floats:
    """Probabilities of the classes, (K, m), from a single sigmoid output or from K outputs that need not sum to 1.

    Outputs that are all 0 say nothing of the class: each gets 1/K.
    """
    if len(A) == 1:
        return np.concatenate([1.0 - A, A])
    total = A.sum(axis=0)
    return np.where(total > 0.0, A / np.where(total > 0.0, total, 1.0), 1.0 / len(A))


def _enter(name: str, task: str, more_is_better: bool, score: Callable[[Floats, Floats, Floats], float]) -> None:
    METRICS[name] = lambda: Metric(score, more_is_better, task)


def _each_output(of: Callable[[Floats, Floats, Floats], float]) -> Callable[[Floats, Floats, Floats], float]:
    return lambda Y, A, w: of(Y.ravel(), A.ravel(), np.tile(w, len(Y)))


_enter("accuracy", "classification", True, lambda Y, A, w: accuracy(classes(Y), classes(A), w))
_enter("log_loss", "classification", False, lambda Y, A, w: log_loss(classes(Y), probabilities(A), w))
_enter("roc_auc", "classification", True, lambda Y, A, w: mean_roc_auc(classes(Y), probabilities(A), w))
_enter("rmse", "regression", False, _each_output(root_mean_squared_error))
_enter("mae", "regression", False, _each_output(mean_absolute_error))
_enter("r2", "regression", True, _each_output(r2))
