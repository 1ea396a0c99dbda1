"""How good a model is on rows it has not learnt from, beside what needs no model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from chainrule.formulas import metrics
from chainrule.formulas.metrics import Codes, Floats
from chainrule.formulas.quantile_metrics import coverage, pinball_loss
from chainrule.records import record, require

# The scores of each task, each with its least and its greatest value.
SCORES: dict[str, dict[str, tuple[float, float]]] = {
    "classification": {"accuracy": (0.0, 1.0), "log_loss": (0.0, inf), "roc_auc": (0.0, 1.0)},
    "regression": {"rmse": (0.0, inf), "mae": (0.0, inf), "r2": (-inf, 1.0)},
}


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
    """Scores on some rows, each row counting the same.

    rows       how many
    scores     classification: accuracy, log_loss, roc_auc; regression: rmse, mae, r2
    baseline   the same scores for the trivial prediction: the class shares (and the commonest class) of the training
               rows, or the mean of their target
    classes    the labels, as text; empty in regression
    confusion  rows of class j taken for class k
    recall     share of each class that was recognised; None for a class without rows
    quantiles  how good each predicted quantile is, the lowest first; empty where the model predicts none
    """

    task: str
    rows: int
    scores: dict[str, float]
    baseline: dict[str, float]
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    recall: list[float | None] = field(default_factory=list)
    quantiles: list["QuantileScore"] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; a score that is not defined (ROC-AUC of a single class) is None; quantiles, if there are any."""

        def defined(scores: dict[str, float]) -> dict[str, float | None]:
            return {name: score if isfinite(score) else None for name, score in scores.items()}

        entries = asdict(self) | {"scores": defined(self.scores), "baseline": defined(self.baseline)}
        return {name: entry for name, entry in entries.items() if name != "quantiles" or entry}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Report":
        """Back from ``to_dict``; a score that is None becomes NaN. RequestError: nothing is described so."""
        kinds = {"task": str, "rows": int, "scores": dict, "baseline": dict, "classes": [str], "confusion": [[int]]}
        quantiles = {"quantiles": [dict]} if isinstance(description, dict) and "quantiles" in description else {}
        entries = record(description, "a report", **kinds, recall=[float | None], **quantiles)
        entries |= {name: _scores(entries["task"], entries[name]) for name in ("scores", "baseline")}
        if quantiles:
            entries["quantiles"] = _quantile_scores(entries["task"], entries["quantiles"])
        report = cls(**entries)
        K, counts = len(report.classes), report.confusion
        require(1 <= report.rows < 2**63, "a report is on one row or more", report.rows)
        require((K > 1) == (report.task == "classification"), "classes are for classification", report.classes)
        square = len(counts) == K and all(len(row) == K and min(row) >= 0 for row in counts)
        require(square, f"the confusion of {K} classes is {K} rows of {K} counts", counts)
        require(K == 0 or sum(map(sum, counts)) == report.rows, f"there are {report.rows} rows", counts)
        recall = [row[k] / sum(row) if any(row) else None for k, row in enumerate(counts)]
        require(report.recall == recall, "the recall belongs to the confusion", report.recall)
        right = sum(row[k] for k, row in enumerate(counts)) / report.rows
        require(K == 0 or report.scores["accuracy"] == right, "the accuracy belongs to the confusion", report.scores)
        return report


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


def classification_report(codes: Codes, P: Floats, prior: Floats, classes: list[str]) -> Report:
    """From the right classes (m,), the probabilities P (K, m), and the class shares of the training rows (K,)."""
    K, m = len(classes), len(codes)
    predicted = P.argmax(axis=0)
    confusion = metrics.confusion_matrix(codes, predicted, K)
    return Report(
        "classification",
        m,
        _classification_scores(codes, P),
        _classification_scores(codes, np.tile(prior[:, None], m)),
        classes,
        confusion.tolist(),
        [None if np.isnan(share) else float(share) for share in metrics.recall_per_class(confusion)],
    )


def regression_report(y: Floats, predicted: Floats, mean: float) -> Report:
    """From the right numbers (m,), the predicted ones, and the mean of the training rows."""
    trivial = np.full(len(y), mean)
    return Report("regression", len(y), _regression_scores(y, predicted), _regression_scores(y, trivial))


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


def _classification_scores(codes: Codes, P: Floats) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy(codes, P.argmax(axis=0)),
        "log_loss": metrics.log_loss(codes, P),
        "roc_auc": metrics.mean_roc_auc(codes, P),
    }


def _regression_scores(y: Floats, predicted: Floats) -> dict[str, float]:
    return {
        "rmse": metrics.root_mean_squared_error(y, predicted),
        "mae": metrics.mean_absolute_error(y, predicted),
        "r2": metrics.r2(y, predicted),
    }
