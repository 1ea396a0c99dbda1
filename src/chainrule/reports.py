"""How good a model is on rows it has not learnt from, beside what needs no model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import inf, isclose, isfinite, nan
from typing import Any

import numpy as np

from chainrule.formulas import metrics
from chainrule.formulas.metrics import Codes, Floats
from chainrule.formulas.quantile_metrics import coverage, pinball_loss
from chainrule.validation import record, require

# The scores of each task, each with its least and its greatest value.
SCORES: dict[str, dict[str, tuple[float, float]]] = {
    "classification": {"accuracy": (0.0, 1.0), "log_loss": (0.0, inf), "roc_auc": (0.0, 1.0)},
    "regression": {"rmse": (0.0, inf), "mae": (0.0, inf), "r2": (-inf, 1.0)},
}


RECALL = "the recall belongs to the confusion"
ACCURACY = "the accuracy belongs to the confusion"


@dataclass(frozen=True)
class QuantileScore:
    """How good the prediction of one quantile is.

    level      q: the prediction is to be exceeded by a share 1 - q of the targets
    pinball_loss   see ``quantile_metrics``; in the unit of the target
    coverage   share of the targets that are at most the prediction: q at best
    baseline   the pinball loss of the quantile of the training rows' targets; None where that is not known
    """

    level: float
    pinball_loss: float
    coverage: float
    baseline: float | None


@dataclass(frozen=True)
class Report:
    """Scores on some rows.

    rows       how many count; one of weight 0 does not
    scores     classification: accuracy, log_loss, roc_auc; regression: rmse, mae, r2
    baseline   the same scores for the trivial prediction: the class shares (and the commonest class) of the training
               rows, or the mean of their target
    classes    the labels, as text; empty in regression
    confusion  rows of class j taken for class k: how many, or the sum of their weights
    recall     share of each class that was recognised; None for a class without rows
    weight     the sum of the weights of the rows, by which every score is weighted; None where each counts the same
    quantiles  how good each predicted quantile is, the lowest first; empty where the model predicts none
    """

    task: str
    rows: int
    scores: dict[str, float]
    baseline: dict[str, float]
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] | list[list[float]] = field(default_factory=list)
    recall: list[float | None] = field(default_factory=list)
    weight: float | None = None
    quantiles: list["QuantileScore"] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; an undefined score (ROC-AUC of one class) is None; weight and quantiles where it has any."""

        def defined(scores: dict[str, float]) -> dict[str, float | None]:
            return {name: score if isfinite(score) else None for name, score in scores.items()}

        entries = asdict(self) | {"scores": defined(self.scores), "baseline": defined(self.baseline)}
        optional = {"weight": self.weight is None, "quantiles": not self.quantiles}
        return {name: entry for name, entry in entries.items() if not optional.get(name, False)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Report":
        """Back from ``to_dict``; a score that is None becomes NaN. RequestError: nothing is described so."""
        kinds: dict[str, Any] = {"task": str, "rows": int, "scores": dict, "baseline": dict, "classes": [str]}
        weighs, quantiles = (isinstance(description, dict) and name in description for name in ("weight", "quantiles"))
        kinds |= {"confusion": [[float]], "weight": float} if weighs else {"confusion": [[int]]}
        kinds |= {"recall": [float | None]} | ({"quantiles": [dict]} if quantiles else {})
        entries = record(description, "a report", **kinds)
        entries |= {name: _scores(entries["task"], entries[name]) for name in ("scores", "baseline")}
        if quantiles:
            entries["quantiles"] = _quantile_scores(entries["task"], entries["quantiles"])
        report = cls(**entries)
        K, counts = len(report.classes), report.confusion
        require(1 <= report.rows < 2**63, "a report is on one row or more", report.rows)
        require((K > 1) == (report.task == "classification"), "classes are for classification", report.classes)
        square = len(counts) == K and all(len(row) == K and min(row) >= 0 for row in counts)
        require(square, f"the confusion of {K} classes is {K} rows of {K} counts", counts)
        total = report.rows if report.weight is None else report.weight
        require(0.0 < total < inf, "the weight of a report is above 0", total)
        same = _equals if report.weight is None else _is_near
        require(K == 0 or same(sum(map(sum, counts)), total), f"the rows of a report count {total:g}", counts)
        recall = [row[k] / sum(row) if any(row) else None for k, row in enumerate(counts)]
        require(len(report.recall) == K and all(map(same, report.recall, recall)), RECALL, report.recall)
        right = sum(row[k] for k, row in enumerate(counts)) / total
        require(K == 0 or same(report.scores["accuracy"], right), ACCURACY, report.scores)
        return report


def _equals(a: float | None, b: float | None) -> bool:
    return a == b


def _is_near(a: float | None, b: float | None) -> bool:
    """Whether two sums of weights are equal to rounding."""
    return a == b if a is None or b is None else isclose(a, b, rel_tol=1e-9)


def _scores(task: str, entries: Any) -> dict[str, float]:
    require(task in SCORES, f"the task is one of {list(SCORES)}", task)
    scores = record(entries, f"what is scored in {task}", **dict.fromkeys(SCORES[task], float | None))
    for name, (least, greatest) in SCORES[task].items():
        right = scores[name] is None or least <= scores[name] <= greatest
        require(right, f"{name} is from {least:g} to {greatest:g}", scores[name])
    return {name: nan if scores[name] is None else scores[name] for name in SCORES[task]}


def _quantile_scores(task: str, entries: list[dict[str, Any]]) -> list[QuantileScore]:
    require(task == "regression" and len(entries) > 0, "quantiles are of regression, one or more", entries)
    kinds: dict[str, Any] = {"level": float, "pinball_loss": float, "coverage": float, "baseline": float | None}
    scores = [QuantileScore(**record(entry, "a quantile's score", **kinds)) for entry in entries]
    levels = [0.0, *(score.level for score in scores), 1.0]
    require(all(a < b for a, b in pairwise(levels)), "the levels of quantiles ascend between 0 and 1", levels[1:-1])
    for score in scores:
        losses = (score.pinball_loss, score.baseline or 0.0)
        require(all(0.0 <= loss < inf for loss in losses), "a pinball loss is from 0 on", score)
        require(0.0 <= score.coverage <= 1.0, "coverage is from 0 to 1", score.coverage)
    return scores


def classification_report(
    codes: Codes, P: Floats, prior: Floats, classes: list[str], weight: Floats | None = None
) -> Report:
    """From the right classes (m,), the probabilities P (K, m), and the class shares of the training rows (K,).

    weight   (m,) how much each row counts, above 0
    """
    K, m = len(classes), len(codes)
    predicted = P.argmax(axis=0)
    confusion = metrics.confusion_matrix(codes, predicted, K, weight)
    return Report(
        "classification",
        m,
        _classification_scores(codes, P, weight),
        _classification_scores(codes, np.tile(prior[:, None], m), weight),
        classes,
        confusion.tolist(),
        [None if np.isnan(share) else float(share) for share in metrics.recall_per_class(confusion)],
        _sum(weight),
    )


def regression_report(y: Floats, predicted: Floats, mean: float, weight: Floats | None = None) -> Report:
    """From the right numbers (m,), the predicted ones, the mean of the training rows, and how much each row counts."""
    scores, baseline = (_regression_scores(y, answer, weight) for answer in (predicted, np.full(len(y), mean)))
    return Report("regression", len(y), scores, baseline, weight=_sum(weight))


def quantile_scores(
    y: Floats, predicted: Floats, levels: Sequence[float], trivial: Sequence[float], weight: Floats | None = None
) -> list[QuantileScore]:
    """From the right numbers (m,), the predicted quantiles (m, K), and those of the training rows, where known."""
    scores: list[QuantileScore] = []
    for k, q in enumerate(levels):
        answer = predicted[:, k]
        without = pinball_loss(y, np.full(len(y), trivial[k]), q, weight) if len(trivial) else None
        scores.append(QuantileScore(q, pinball_loss(y, answer, q, weight), coverage(y, answer, weight), without))
    return scores


def _sum(weight: Floats | None) -> float | None:
    return None if weight is None else float(weight.sum())


def _classification_scores(codes: Codes, P: Floats, weight: Floats | None) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy(codes, P.argmax(axis=0), weight),
        "log_loss": metrics.log_loss(codes, P, weight),
        "roc_auc": metrics.mean_roc_auc(codes, P, weight),
    }


def _regression_scores(y: Floats, predicted: Floats, weight: Floats | None) -> dict[str, float]:
    return {
        "rmse": metrics.root_mean_squared_error(y, predicted, weight),
        "mae": metrics.mean_absolute_error(y, predicted, weight),
        "r2": metrics.r2(y, predicted, weight),
    }
