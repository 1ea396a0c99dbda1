"""Pictures of a network and of its training, with matplotlib (the extra ``plots``).

Each is drawn on the axes given, or on new ones, and returns them: one for a single picture, an array of them for one a
layer, the layers from left to right, and on in the next row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import read_table
from chainrule.data.columns import numbers
from chainrule.data.numeric_features import NumericFeatures
from chainrule.engines.checks import read_codes
from chainrule.ensemble import one_network
from chainrule.errors import RequestError
from chainrule.explain.subject import Subject, subject
from chainrule.explain.trace import trace
from chainrule.formulas.table import Functions
from chainrule.history import History
from chainrule.model import TableModel
from chainrule.network import Network, Parameters
from chainrule.network_views import draw_costs, integer_ticks
from chainrule.propagation import Propagation

__all__ = [
    "GradientNorms",
    "plot_activations",
    "plot_decision_boundary",
    "plot_gradients",
    "plot_losses",
    "plot_weights",
]

MAX_BINS = 30
ACROSS = 4  # histograms side by side
MARGIN = 0.1  # around the rows, in their range
FACE = "#4c72b0"
CLASSES = "tab10"


class GradientNorms:
    """A callback that notes the length of dW[l] after every epoch, on given rows.

    network     the network that trains; ``functions``: the user's own, where it uses any
    X, Y        rows as it takes them, (m, numbers) and (m, n[L]): some hundred of the training rows do; ``codes``:
                (m, columns of codes), where input layers take some
    norms       entry e for epoch e + 1: the Euclidean lengths of dW[1..L], penalties included and dropout left out

    >>> from chainrule import Network, Recipe, fit, make_engine
    >>> network, X, Y = Network((1, 2, 1), "tanh"), [[-1.0], [1.0]], [[0.0], [1.0]]
    >>> engine, norms = make_engine(network, Recipe(epochs=3)), GradientNorms(network, X, Y)
    >>> done = fit(engine, engine.examples(X, Y), callbacks=[norms])
    >>> np.shape(norms.norms)
    (3, 2)
    """

    def __init__(
        self, network: Network, X: Any, Y: Any, functions: Functions | None = None, codes: Any | None = None
    ) -> None:
        self.network = network
        self.norms: list[list[float]] = []
        self._X, self._Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
        network.dimensions(len(self._X)).check({"X": self._X.T, "Y": self._Y.T})
        self._codes = read_codes(codes, len(self._X), network)
        self._functions = functions or {}

    @classmethod
    def of_plan(cls, plan: Any) -> "GradientNorms":
        """For ``chainrule.plan(...)``, on its training rows; then ``plan.train([norms])``."""
        rows = plan.split.train
        X, Y = plan.encoder.transform(plan.table, rows), plan.outputs.encode(plan.target, plan.values[rows])
        return cls(plan.network, X, Y, plan.functions, plan.encoder.codes(plan.table, rows))

    def on_epoch_end(self, history: History, parameters: Parameters) -> None:
        """Note the lengths with these parameters."""
        inputs, outputs = ([str(k) for k in range(V.shape[1])] for V in (self._X, self._Y))
        theta = np.array(parameters.theta, np.float64)
        of = Subject(self.network, theta, self._X, self._Y, inputs, outputs, self._functions, codes=self._codes)
        dW = trace(of, None).dW
        self.norms.append([float(np.linalg.norm(dW[l])) for l in range(1, self.network.L + 1)])


def plot_losses(model: Any, ax: Any = None) -> Any:
    """The costs over epochs of a History, a Model or a fitted estimator, and the epoch that was the best.

    RequestError: there is no epoch to draw.
    """
    history = (
        model
        if isinstance(one_network(model), History)
        else getattr(model, "history", getattr(model, "history_", None))
    )
    if history is None or not len(history):
        raise RequestError("there are no costs to draw: no epoch of training is recorded.")
    network = getattr(model, "network", getattr(model, "network_", None))
    curves = {"training": history.training_cost, "validation": history.validation_cost}
    return draw_costs(ax, curves, None if network is None else network.loss, history)


def plot_gradients(records: GradientNorms, ax: Any = None) -> Any:
    """The lengths of dW[l] over epochs, a line a layer, on a logarithmic scale. RequestError: none were noted."""
    if not records.norms:
        raise RequestError("there are no gradients to draw: give the GradientNorms to a training as a callback first.")
    ax = _axes(ax)
    norms = np.array(records.norms)
    epochs, L = np.arange(1, len(norms) + 1), norms.shape[1]
    for l in range(1, L + 1):
        drawn = np.where(norms[:, l - 1] > 0.0, norms[:, l - 1], np.nan)  # a scale of logarithms has no 0
        ax.plot(epochs, drawn, label=f"dW[{l}]", color=_shade(l, L), marker="o" if len(epochs) == 1 else None)
    ax.set(xlabel="epoch", ylabel="length of dW[l] (Euclidean)", yscale="log")
    integer_ticks(ax.xaxis)
    ax.legend()
    return ax


def plot_weights(model: Any, axes: Any = None) -> Any:
    """The weights of each layer as a histogram: of a Model or a fitted estimator."""
    model = one_network(model)
    theta, network = (
        getattr(one_network(model), name, getattr(model, f"{name}_", None)) for name in ("theta", "network")
    )
    if theta is None or network is None:
        raise RequestError(f"expected a Model or a fitted estimator of chainrule, not {type(model).__name__}.")
    W = Parameters(network, theta).W
    axes = _one_each(axes, network.L)
    for l, ax in enumerate(axes, start=1):
        _histogram(ax, W[l], f"W[{l}] {tuple(W[l].shape)}", "weight", "weights")
    return axes


def plot_activations(model: Any, X: Any, axes: Any = None) -> Any:
    """The activations of each layer on rows X as a histogram: of a Model or a fitted estimator."""
    of = subject(model, X)
    codes = None if of.codes is None else of.codes.T
    A = Propagation(of.network, np, of.functions).forward(of.theta.astype(np.float64), of.X.T, codes)[1]
    axes = _one_each(axes, of.network.L)
    for l, ax in enumerate(axes, start=1):
        name = of.network.activation[l - 1] if l < of.network.L else "output"
        _histogram(ax, A[l], f"A[{l}] {tuple(A[l].shape)}, {name}", "activation", "units times rows")
        zeros = float(np.mean(A[l] == 0.0))
        if zeros:
            said = f"{zeros:.0%} are 0"
            ax.text(0.97, 0.95, said, transform=ax.transAxes, ha="right", va="top", color="0.3")
    return axes


def plot_decision_boundary(model: Any, X: Any, y: Any = None, ax: Any = None, points: int = 300) -> Any:
    """What is predicted over the plane of two features, and the rows X with their target y.

    Classes are areas, numbers shades. ``points`` is how many the plane has along each axis. For a Model, X is a table,
    and y may be left out where the table has it. RequestError: other than two features, or one that is not numeric.
    """
    names, V, predict, y = _plane(model, X, y)
    ax = _axes(ax)
    low, high = V.min(axis=0), V.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    first, second = np.meshgrid(*(np.linspace(a, b, points) for a, b in zip(low - margin, high + margin, strict=True)))
    answer = np.asarray(predict(np.column_stack([first.ravel(), second.ravel()]))).reshape(first.shape)
    truth = np.asarray(y).ravel()
    draw = _regions if _is_classifier(model) else _shades
    draw(ax, first, second, answer, V, truth)
    ax.set(xlabel=names[0], ylabel=names[1])
    return ax


def _is_classifier(model: Any) -> bool:
    return bool(model.target.classes) if isinstance(model, TableModel) else hasattr(model, "classes_")


def _regions(ax: Any, first: Any, second: Any, answer: Any, V: Any, truth: Any) -> None:
    """An area for each class, lines between, and the rows in the colour of their class."""
    from matplotlib import colormaps

    classes = np.unique(np.concatenate([truth, np.unique(answer)]))
    colours = [colormaps[CLASSES](k % 10) for k in range(len(classes))]
    places = np.searchsorted(classes, answer)
    edges = np.arange(len(classes) + 1) - 0.5
    ax.contourf(first, second, places, levels=edges, colors=colours, alpha=0.25)
    for k in range(len(classes)):
        if 0 < np.count_nonzero(places == k) < places.size:
            ax.contour(first, second, places == k, levels=[0.5], colors="0.35", linewidths=0.8)
    for k, label in enumerate(classes):
        rows = truth == label
        ax.scatter(*V[rows].T, s=18, color=colours[k], edgecolor="white", linewidth=0.5, label=str(label))
    ax.legend(title="class")


def _shades(ax: Any, first: Any, second: Any, answer: Any, V: Any, truth: Any) -> None:
    """The predicted number as a shade, and the rows in the shade of their number."""
    ends = {"vmin": min(answer.min(), truth.min()), "vmax": max(answer.max(), truth.max()), "cmap": "viridis"}
    drawn = ax.pcolormesh(first, second, answer, shading="gouraud", rasterized=True, **ends)
    ax.scatter(*V.T, c=truth, s=22, edgecolor="black", linewidth=0.5, **ends)
    ax.figure.colorbar(drawn, ax=ax, label="predicted; in the points: the target")


def _plane(model: Any, X: Any, y: Any) -> tuple[Sequence[str], NDArray[np.float64], Any, Any]:
    """The two features' names, their values (m, 2), what predicts from such values, and the target."""
    if isinstance(model, TableModel):
        return _plane_of_model(model, X, y)
    if not hasattr(model, "predict"):
        raise RequestError(f"expected a Model or a fitted estimator, not {type(model).__name__}.")
    names = [str(name) for name in getattr(X, "columns", [])]
    V = np.asarray(X, np.float64)
    _require_two(V.shape[1] if V.ndim == 2 else V.ndim, names)
    if y is None:
        raise RequestError("the targets of the rows are needed: give y.")
    remake = _same_frame(X, names) if names else lambda values: values
    return names or ["feature 0", "feature 1"], V, lambda values: model.predict(remake(values)), y


def _same_frame(X: Any, names: Sequence[str]) -> Any:
    """What makes a data frame such as X of values, (m, 2)."""
    return lambda values: type(X)({name: values[:, k] for k, name in enumerate(names)})


def _plane_of_model(model: TableModel, X: Any, y: Any) -> tuple[Sequence[str], NDArray[np.float64], Any, Any]:
    parts, names = (*model.encoder.parts, *model.encoder.lookups), model.encoder.columns
    _require_two(len(parts), names)
    for part in parts:
        if not isinstance(part, NumericFeatures) or part.kind != "number":
            raise RequestError(f"column {part.column!r} is not numeric: a plane has two numeric axes.")
    table, target = model.read(X), model.target
    V = np.column_stack([numbers(table.column(c), f"column {c!r}", "must be numbers, but it is") for c in names])
    if y is None and target.name not in table.column_names:
        raise RequestError(f"the target {target.name!r} is not in the table: give y.")
    column = (table if y is None else read_table({target.name: y})).column(target.name)
    values: Any = np.array(target.codes(column) if target.classes else target.values(column), np.float64)
    known = np.isfinite(V).all(axis=1) & (values >= 0 if target.classes else np.isfinite(values))
    values = values[known]
    truth = np.array(target.labels(values.astype(int))) if target.classes else values
    return names, V[known], lambda values: model.predict(dict(zip(names, values.T, strict=True))), truth


def _require_two(count: int, names: Sequence[str]) -> None:
    if count != 2:
        which = f": {', '.join(names[:10])}" if names else ""
        raise RequestError(f"a decision boundary is drawn over two features, but this model has {count}{which}.")


def _axes(ax: Any) -> Any:
    """The axes given, or new ones."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(6.4, 4.4), layout="constrained")[1]


def _one_each(axes: Any, L: int) -> NDArray[Any]:
    """The axes given, or L new ones. RequestError: fewer or more than L."""
    if axes is None:
        from matplotlib import pyplot

        rows, columns = -(-L // ACROSS), min(L, ACROSS)
        size = (3.4 * columns, 2.9 * rows)
        axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)[1].ravel()
        for ax in axes[L:]:
            ax.remove()
        axes = axes[:L]
    given = np.atleast_1d(np.asarray(axes, object)).ravel()
    if len(given) != L:
        raise RequestError(f"there are {L} layers to draw: give {L} axes, not {len(given)}.")
    return given


def _histogram(ax: Any, V: Any, title: str, what: str, counted: str) -> None:
    values = np.asarray(V, np.float64).ravel()
    values = values[np.isfinite(values)]
    bins = int(np.clip(np.sqrt(len(values)), 5, MAX_BINS))
    ax.hist(values, bins=bins, color=FACE, edgecolor="white", linewidth=0.3)
    ax.axvline(0.0, color="0.3", linewidth=0.8, zorder=3)
    ax.set(title=title, xlabel=what, ylabel=counted)
    integer_ticks(ax.yaxis)


def _shade(l: int, L: int) -> Any:
    """A colour that goes with the depth of the layer."""
    from matplotlib import colormaps

    return colormaps["viridis"](0.9 * (l - 1) / max(L - 1, 1))
