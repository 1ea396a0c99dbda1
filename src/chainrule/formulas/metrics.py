"""Metrics: how good predictions are, from targets and predictions alone.

``weight`` is how much each example counts, (m,); None counts all the same. An example of weight 2 is two examples, and
one of weight 0 is none. The table METRICS scores an encoded target Y against the network's prediction A, both
(n[L], m), so that training can stop on any of its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas import weighted
from chainrule.formulas.links import Link
from chainrule.formulas.losses import Loss
from chainrule.formulas.table import Table

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def accuracy(codes: Codes, predicted: Codes, weight: Floats | None = None) -> float:
    """Share of examples whose class is right.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 0]))
    0.6666666666666666
    """
    return weighted.mean((codes == predicted).astype(np.float64), weight)


def log_loss(codes: Codes, P: Floats, weight: Floats | None = None) -> float:
    """Mean of -log P[k, i] over examples, k the right class; P (K, m).

    P counts as from eps to 1 - eps of its dtype, as scikit-learn has it (2.2e-16; 1.2e-7 in float32): one sure mistake
    gives a large number, not inf.
    """
    eps = float(np.finfo(P.dtype).eps)
    right = P[codes, np.arange(len(codes))].astype(np.float64)
    return weighted.mean(-np.log(np.clip(right, eps, 1.0 - eps)), weight)


def roc_auc(positive: NDArray[np.bool_], score: Floats, weight: Floats | None = None) -> float:
    """Chance that a positive example scores higher than a negative one, ties counting half. Hanley & McNeil 1982.

    NaN where either kind is absent.

    >>> roc_auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    w = np.ones(len(score)) if weight is None else weighted.scaled(weight)
    _, rank = np.unique(score, return_inverse=True)
    ups = np.bincount(rank, w * positive)
    downs = np.bincount(rank, w * ~positive)
    below = np.cumsum(downs) - downs
    if not (ups.sum() > 0.0 and downs.sum() > 0.0):
        return nan
    # counts make a sum of integers, exact; sums of weights may exceed a perfect order's by a rounding
    return min(1.0, float((ups * (below + 0.5 * downs)).sum() / ups.sum() / downs.sum()))


def mean_roc_auc(codes: Codes, P: Floats, weight: Floats | None = None) -> float:
    """ROC-AUC of class 1 for two classes; for more, the mean over classes of each against the rest. Fawcett 2006.

    Classes without an example here have no curve and are passed over; NaN where there are fewer than two classes.
    """
    if len(P) == 2:
        return roc_auc(codes == 1, P[1], weight)
    return _mean_of_defined([roc_auc(codes == k, P[k], weight) for k in range(len(P))])


def _mean_of_defined(scores: list[float]) -> float:
    """The mean of the scores that are not NaN; NaN where all are."""
    defined = [score for score in scores if not isnan(score)]
    return sum(defined) / len(defined) if defined else nan


def confusion_matrix(codes: Codes, predicted: Codes, K: int, weight: Floats | None = None) -> Codes | Floats:
    """How many examples of class j (row) were taken for class k (column), (K, K); the sum of their weights, if given.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    return np.bincount(K * codes + predicted, weight, minlength=K * K).reshape(K, K)


def recall_per_class(confusion: Codes | Floats) -> Floats:
    """Share of each class that was recognised, (K,); NaN for a class without examples."""
    total = confusion.sum(axis=1)
    return np.divide(np.diag(confusion), total, out=np.full(len(total), np.nan), where=total > 0)


def root_mean_squared_error(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """sqrt(mean (y - predicted)^2), in the unit of the target."""
    return float(np.sqrt(weighted.mean((y - predicted) ** 2, weight)))


def mean_absolute_error(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """Mean |y - predicted|, in the unit of the target."""
    return weighted.mean(np.abs(y - predicted), weight)


def r2(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """1 - (squared error) / (squared error of the mean): 1 is perfect, 0 no better than the mean.

    NaN where the target does not vary, since there is nothing to explain.
    """
    spread = weighted.deviation(y, weight) ** 2
    return 1.0 - weighted.mean((y - predicted) ** 2, weight) / spread if spread > 0 else nan


@dataclass(frozen=True)
class Metric:
    """A score to stop on: score(Y, A, weight), one number over all outputs, and whether more is better.

    What it is, by what the outputs are:

    one sigmoid            of two classes: class 1 where A > 1/2
    classes that exclude each other (softmax, or a sigmoid for each, where every column of Y sums to 1): the class is
                           the largest output, its probability the output's share in their sum
    labels that do not (K sigmoids, any other Y): the mean over labels of the score of each for itself
    numbers                rmse and mae over all outputs together; r2 the mean over outputs
    several quantiles      none: see ``require_suits``

    ``label`` is the name as people write it.
    """

    score: Callable[[Floats, Floats, Floats], float]
    more_is_better: bool
    task: str
    label: str


METRICS: Table[Metric] = Table("metric")


def require_suits(name: str, loss: Loss, link: Link, loss_name: str) -> None:
    """RequestError: the metric ``name`` says nothing about what a network with this loss predicts.

    >>> from chainrule.formulas.links import LINKS
    >>> from chainrule.formulas.losses import LOSSES
    >>> require_suits("rmse", LOSSES.make("cross_entropy", np), LINKS.make("softmax", np), "cross_entropy")
    Traceback (most recent call last):
    chainrule.errors.RequestError: monitor rmse is for regression, and loss cross_entropy is for classification: watch \
a cost, or one of accuracy, log_loss, roc_auc.
    """
    task = METRICS.make(name).task
    if task != loss.task:
        fitting = ", ".join(other for other in METRICS if METRICS.make(other).task == loss.task)
        why = f"is for {task}, and loss {loss_name} is for {loss.task}: watch a cost, or one of {fitting}"
    elif task == "classification" and not link.probabilities:
        why = f"is of probabilities, which the link {loss.link} of loss {loss_name} does not give: watch a cost"
    elif loss.one_target:
        why = f"is of one prediction for each target, and loss {loss_name} gives several: watch a cost"
    else:
        return
    raise RequestError(f"monitor {name} {why}.")


def exclusive(Y: Floats) -> bool:
    """Whether Y (n[L], m) is of classes that exclude each other: a single output, or columns that sum to 1.

    >>> exclusive(np.array([[1.0, 0.0], [0.0, 1.0]])), exclusive(np.array([[1.0, 0.0], [1.0, 0.0]]))
    (True, False)
    """
    return len(Y) == 1 or bool((np.abs(Y.sum(axis=0) - 1.0) < 1e-6).all())


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


Score = Callable[[Floats, Floats, Floats], float]


def _enter(name: str, label: str, task: str, more_is_better: bool, score: Score) -> None:
    METRICS[name] = lambda: Metric(score, more_is_better, task, label)


def _pooled(of: Score) -> Score:
    return lambda Y, A, w: of(Y.ravel(), A.ravel(), np.tile(w, len(Y)))


def _each(of: Score) -> Score:
    return lambda Y, A, w: _mean_of_defined([of(Y[k : k + 1], A[k : k + 1], w) for k in range(len(Y))])


def _of_classes(of: Score) -> Score:
    return lambda Y, A, w: of(Y, A, w) if exclusive(Y) else _each(of)(Y, A, w)


def _accuracy(Y: Floats, A: Floats, w: Floats) -> float:
    return accuracy(classes(Y), classes(A), w)


def _log_loss(Y: Floats, A: Floats, w: Floats) -> float:
    return log_loss(classes(Y), probabilities(A), w)


def _roc_auc(Y: Floats, A: Floats, w: Floats) -> float:
    return mean_roc_auc(classes(Y), probabilities(A), w)


_enter("accuracy", "accuracy", "classification", True, _of_classes(_accuracy))
_enter("log_loss", "log-loss", "classification", False, _of_classes(_log_loss))
_enter("roc_auc", "ROC-AUC", "classification", True, _of_classes(_roc_auc))
_enter("rmse", "RMSE", "regression", False, _pooled(root_mean_squared_error))
_enter("mae", "MAE", "regression", False, _pooled(mean_absolute_error))
_enter("r2", "R2", "regression", True, _each(_pooled(r2)))
