"""The picture of ``accuracy``: how good learners are against how long they take, a column for each task."""

from math import exp, log
from pathlib import Path
from statistics import fmean, median
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks.accuracy_data import MANY, NUMBER, TWO
from benchmarks.accuracy_statistics import Case, complete, normalized, of_task, tasks_of
from benchmarks.accuracy_tables import LABELS
from benchmarks.growth_plots import INK

ROWS = {TWO: ("auc", "log_loss"), MANY: ("auc", "log_loss"), NUMBER: ("rmse",)}


def picture(result: dict[str, Any], path: Path) -> Path:
    """The same bytes for the same result. Learners that were tried on few of the data sets are left out."""
    names = [name for name in result["versions"] if name not in result["slow"]]
    tasks = [task for task in tasks_of(result["cases"]) if complete(of_task(result["cases"], task), names)]
    settings: dict[Any, Any] = {"svg.hashsalt": result["kind"], "font.size": 10, "text.color": INK}
    with mpl.rc_context(settings):
        columns = max(1, len(tasks))
        figure, grid = plt.subplots(
            2, columns, figsize=(4.4 * columns, 7.4), facecolor="white", layout="constrained", squeeze=False
        )
        for axes in grid.flat:
            axes.set_axis_off()
        for column, task in zip(grid.T, tasks, strict=False):
            for axes, metric in zip(column, ROWS[task], strict=False):
                _panel(axes, of_task(result["cases"], task), names, metric, result["ours"])
                axes.set_title(f"{task}: {LABELS[metric]}", fontsize=11)
        figure.suptitle(f"The {result['half']} half: 1 for the best learner of a data set, 0 for the worst, mean")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
    return path


def _panel(axes: Any, cases: list[Case], names: list[str], metric: str, ours: list[str]) -> None:
    axes.set_axis_on()
    y = normalized(cases, names, metric)
    for name in names:
        seconds = _typical_seconds(complete(cases, names), name)
        if seconds is None:
            continue
        colour = "#d55e00" if name in ours else "#0072b2"
        axes.plot([seconds], [y[name]], "o", color=colour)
        axes.annotate(name, (seconds, y[name]), xytext=(4, 4), textcoords="offset points", fontsize=9)
    axes.set(xscale="log", facecolor="white", ylim=(-0.08, 1.12))
    axes.margins(x=0.3)
    axes.set_xlabel("seconds of a fit, geometric mean")
    axes.grid(True, which="major", color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)


def _typical_seconds(cases: list[Case], name: str) -> float | None:
    each = [median(learner["fit_seconds"]) for case in cases if "error" not in (learner := case["learners"][name])]
    return exp(fmean(map(log, each))) if each else None
