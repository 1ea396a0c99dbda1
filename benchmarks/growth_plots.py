"""Pictures of ``growth``: time against one thing, both axes logarithmic, one line a contestant."""

from math import log10
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.growth import contestants

# Told apart without colour too: Okabe and Ito's colours, and a mark for each.
STYLES = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"))
INK = "#222222"
FEW_DECADES = 2.2  # then 2 and 5 are written beside 1
LABELS = {
    "rows": "training rows",
    "width": "units in each hidden layer",
    "depth": "hidden layers",
    "batch": "batch size",
    "threads": "threads",
}


def picture(case: dict[str, Any], path: Path) -> Path:
    """The same bytes for the same result."""
    settings: dict[Any, Any] = {
        "svg.hashsalt": case["name"],
        "font.size": 12,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with mpl.rc_context(settings):
        figure, axes = plt.subplots(figsize=(7.2, 4.8), facecolor="white", layout="constrained")
        for name, (colour, mark) in zip(contestants(case), STYLES, strict=False):
            points = [point for point in case["points"] if name in point["microseconds"]]
            x = [point["value"] for point in points]
            figures = [point["microseconds"][name] for point in points]
            axes.plot(x, [f["median"] for f in figures], color=colour, marker=mark, linewidth=2, label=name)
            axes.fill_between(
                x,
                [f["low_quartile"] for f in figures],
                [f["high_quartile"] for f in figures],
                color=colour,
                alpha=0.15,
                linewidth=0,
            )
        axes.set(xscale="log", yscale="log", facecolor="white")
        axes.set_xlabel(LABELS[case["name"]])
        axes.set_ylabel(f"time of {'an epoch' if case['unit'] == 'epoch' else 'a step'}")
        axes.set_title(case["about"], fontsize=12)
        values = [point["value"] for point in case["points"]]
        axes.set_xticks(values, [f"{value:,}" for value in values], rotation=30 if max(values) > 9999 else 0)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(_duration))
        axes.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axes.yaxis.set_minor_formatter(FuncFormatter(_duration) if _decades(case) < FEW_DECADES else NullFormatter())
        axes.grid(True, which="major", color="#dddddd")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
    return path


def _decades(case: dict[str, Any]) -> float:
    times = [figures["median"] for point in case["points"] for figures in point["microseconds"].values()]
    return log10(max(times) / min(times))


def _duration(microseconds: float, _position: int | None = None) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds:g} µs"
