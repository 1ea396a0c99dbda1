"""What is shown of a network wherever one is shown: the table of its layers, and the curves of its cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.history import History
from chainrule.inputs import block_name
from chainrule.network import Network

HEAD = ("layer", "what", "units", "activation", "W", "dropout", "parameters")

WIDE = 50.0  # costs that span more than this factor are drawn on a logarithmic scale


def layer_table(network: Network, link: str) -> list[list[str]]:
    """A row of text for each layer, the inputs first; ``link`` is the activation of the output."""
    rows: list[list[str]] = []
    for i, layer in enumerate(network.input_layers):
        learned = sum(block.size for block in network.layout if block.name.startswith(block_name(i, "")))
        rows.append(["0", f"inputs[{i}]", str(layer.width), layer.layer, "", "", f"{learned:,}"])
    if handed_on := len(network.columns.handed_on):
        rows.append(["0", "handed on" if network.inputs else "input", str(handed_on), "", "", "", ""])
    assert isinstance(network.dropout, tuple)
    for l in range(1, network.L + 1):
        W, b = (network.layout[f"{V}[{l}]"] for V in ("W", "b"))
        hidden = l < network.L
        what, g = ("hidden", network.activation[l - 1]) if hidden else ("output", link)
        dropout = f"{network.dropout[l - 1]:g}" if hidden and network.dropout[l - 1] else ""
        rows.append([str(l), what, str(network.n[l]), g, str(W.shape), dropout, f"{W.size + b.size:,}"])
    return rows


def text_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def draw_costs(ax: Any, curves: Mapping[str, Sequence[float]], loss: str | None, history: History | None = None) -> Any:
    """Cost curves over epochs on axes of matplotlib, or new ones where None, which it returns.

    history   where it kept its best epoch, that is marked
    """
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.subplots(figsize=(6.4, 4.4), layout="constrained")[1]
    for name, curve in curves.items():
        if len(curve):
            marker = "o" if len(curve) == 1 else None
            ax.plot(np.arange(1, len(curve) + 1), curve, label=name, marker=marker)
    if history is not None and history.best_epoch and history.keeps_best:
        label = f"best {history.monitor.replace('_', ' ')}: epoch {history.best_epoch}"
        ax.axvline(history.best_epoch, color="0.6", linestyle=":", label=label, zorder=0)
    values = np.array([v for curve in curves.values() for v in curve])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0.0 and values.max() > WIDE * values.min():
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel="cost J" if loss is None else f"cost J ({loss})")
    integer_ticks(ax.xaxis)
    if any(map(len, curves.values())):
        ax.legend()
    return ax


def integer_ticks(axis: Any) -> None:
    """Ticks at integers, where the axis chooses its ticks freely."""
    from matplotlib.ticker import MaxNLocator

    locator = axis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(integer=True, min_n_ticks=1)
