"""Who predicts better, from the scores of ``accuracy``: ranks, and duels in which noise counts for nothing.

A case is a data set: name, task, rows, columns, and ``learners``: by name, ``scores`` (metric: one for each split),
``fit_seconds``, ``predict_seconds``, or ``error``.
"""

from collections.abc import Iterable
from math import sqrt
from statistics import fmean, stdev
from typing import Any, NamedTuple

from benchmarks.accuracy_data import MANY, NUMBER, TASKS, TWO

Case = dict[str, Any]

# By which learners are ranked in a task, the first first; R² would rank as the RMSE does, and is shown alone.
METRICS = {TWO: ("auc", "accuracy", "log_loss"), MANY: ("auc", "accuracy", "log_loss"), NUMBER: ("rmse",)}
SHOWN = METRICS | {NUMBER: ("rmse", "r2")}
MORE_IS_BETTER = {"auc": True, "accuracy": True, "log_loss": False, "rmse": False, "r2": True}


class Duel(NamedTuple):
    """On how many data sets the first is better by its mean, and worse; and both beyond the noise."""

    better: int
    worse: int
    clearly_better: int
    clearly_worse: list[str]


def of_task(cases: Iterable[Case], task: str) -> list[Case]:
    return [case for case in cases if case["task"] == task]


def complete(cases: Iterable[Case], names: Iterable[str]) -> list[Case]:
    """Those on which each of the learners has been tried; only these can be ranked."""
    names = list(names)
    return [case for case in cases if all(name in case["learners"] for name in names)]


def score(case: Case, name: str, metric: str) -> float:
    """The mean over the splits, the larger the better; minus infinity where a fit failed."""
    learner = case["learners"][name]
    if "error" in learner:
        return float("-inf")
    return _sign(metric) * fmean(learner["scores"][metric])


def ranks(case: Case, names: list[str], metric: str) -> dict[str, float]:
    """1 for the best; equal scores share the mean of their ranks, and so do all that failed."""
    scores = {name: score(case, name, metric) for name in names}
    return {
        name: 1.0 + sum(other > mine for other in scores.values()) + (list(scores.values()).count(mine) - 1) / 2.0
        for name, mine in scores.items()
    }


def mean_ranks(cases: list[Case], names: list[str], metric: str) -> dict[str, float]:
    """Over the data sets on which all were tried; empty where there is none."""
    each = [ranks(case, names, metric) for case in complete(cases, names)]
    return {name: fmean(found[name] for found in each) for name in names} if each else {}


def difference(case: Case, one: str, other: str, metric: str) -> tuple[float, float]:
    """How much better ``one`` is, and the noise: two standard errors of the difference on the same splits."""
    mine, theirs = (case["learners"][name]["scores"][metric] for name in (one, other))
    each = [_sign(metric) * (a - b) for a, b in zip(mine, theirs, strict=True)]
    return fmean(each), 2.0 * stdev(each) / sqrt(len(each)) if len(each) > 1 else float("inf")


def duel(cases: list[Case], one: str, other: str, metric: str) -> Duel:
    """A learner that failed has lost, beyond all noise."""
    better = worse = clearly_better = 0
    clearly_worse = []
    for case in complete(cases, (one, other)):
        failed = [name for name in (one, other) if "error" in case["learners"][name]]
        if len(failed) == 2:
            continue
        mean, noise = (-1.0 if failed == [one] else 1.0, 0.0) if failed else difference(case, one, other, metric)
        better += mean > 0.0
        worse += mean < 0.0
        clearly_better += mean > noise
        if mean < -noise:
            clearly_worse.append(case["name"])
    return Duel(better, worse, clearly_better, clearly_worse)


def normalized(cases: list[Case], names: list[str], metric: str) -> dict[str, float]:
    """The mean over the data sets of a score on a scale from the worst learner there, 0, to the best, 1."""
    scaled: dict[str, list[float]] = {name: [] for name in names}
    for case in complete(cases, names):
        scores = {name: score(case, name, metric) for name in names}
        finite = [each for each in scores.values() if each > float("-inf")]
        low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
        for name, mine in scores.items():
            scaled[name].append(0.0 if mine == float("-inf") else (mine - low) / (high - low) if high > low else 1.0)
    return {name: fmean(each) for name, each in scaled.items() if each}


def tasks_of(cases: Iterable[Case]) -> list[str]:
    found = {case["task"] for case in cases}
    return [task for task in TASKS if task in found]


def _sign(metric: str) -> float:
    return 1.0 if MORE_IS_BETTER[metric] else -1.0
