"""How good a model is on rows it has not learnt from, beside what needs no model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from chainrule.formulas import metrics
from chainrule.formulas.metrics import Codes, Floats
from chainrule.records import record, require

# The scores of each task, each with its least and its greatest value.
SCORES: dict[str, dict[str, tuple[float, float]]] = {
    "classification": {"accuracy": (0.0, 1.0), "log_loss": (0.0, inf), "roc_auc": (0.0, 1.0)},
    "regression": {"rmse": (0.0, inf), "mae": (0.0, inf), "r2": (-inf, 1.0)},
}


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
    """

    task: str
    rows: int
    scores: dict[str, float]
    baseline: dict[str, float]
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    recall: list[float | None] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; a score that is not defined (ROC-AUC of a single class) is None."""

        def defined(scores: dict[str, float]) -> dict[str, float | None]:
            return {name: score if isfinite(score) else None for name, score in scores.items()}

        return asdict(self) | {"scores": defined(self.scores), "baseline": defined(self.baseline)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Report":
        """Back from ``to_dict``; a score that is None becomes NaN. RequestError: nothing is described so."""
        kinds = {"task": str, "rows": int, "scores": dict, "baseline": dict, "classes": [str], "confusion": [[int]]}
        entries = record(description, "a report", **kinds, recall=[float | None])
        entries |= {name: _scores(entries["task"], entries[name]) for name in ("scores", "baseline")}
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
