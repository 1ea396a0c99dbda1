"""What a network is: a frozen description, and its parameters as one vector with named views."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.arguments import instance, integer, is_integer, is_number, listed
from chainrule.errors import RequestError
from chainrule.formulas import draws
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.links import Link, link
from chainrule.formulas.losses import LOSSES, Loss
from chainrule.formulas.penalties import PENALTIES, Penalty
from chainrule.formulas.table import Array, Functions, Namespace, Table
from chainrule.inputs import Columns, Input, input_blocks, read_inputs, set_first
from chainrule.layout import INPUT, Layout, Shape, dense
from chainrule.validation import record, require, require_spec

# Nobody trains as many; a file that says so would keep us busy.
MAX_LAYERS = 10_000

# 1 TB in float32
MAX_PARAMETERS = 2**38


@dataclass(frozen=True)
class Formulas:
    """The functions a network names, over one array namespace. ``g[l]``, ``slope[l]``: entry 0 is not used.

    ``g[L]`` is the link's; its slope is part of the loss's dZ, so ``slope[L]`` is None.
    """

    g: tuple[Callable[[Array], Array] | None, ...]
    slope: tuple[Callable[[Array, Array], Array] | None, ...]
    loss: Loss
    link: Link
    penalties: tuple[Penalty, ...]


@dataclass(frozen=True)
class Network:
    """An L-layer network and the cost it is trained on, in names and numbers alone (JSON can hold it).

    n             units by layer, from n[0] inputs to n[L] outputs
    activation    of the hidden layers 1..L-1: one for all, or one each; the output's is the link of the loss
    loss          a row of LOSSES
    dropout       probability that a unit is dropped in a training step: one for all hidden layers, or one each
    penalties     rows of PENALTIES with their strengths, such as "l2(0.0001)"
    initializer   a row of INITIALIZERS, or "auto" for the one that suits each layer's activation
    dtype         "float32" or "float64"
    inputs        learned layers before W[1], so that A[0] = e(X): Input("cosine(8)", columns), one or a list, or
                  "cosine(8)" for all columns; n[0] is the rows of A[0]

    A custom function stands here by its name, and is handed in as ``functions={name: function}`` wherever the
    network is used. RequestError: invalid sizes, probabilities or dtype.

    >>> network = Network((4, 8, 3), "tanh", "cross_entropy")
    >>> network.L, network.size
    (2, 67)
    """

    n: tuple[int, ...]
    activation: str | tuple[str, ...] = "relu"
    loss: str = "half_squared_error"
    dropout: float | tuple[float, ...] = 0.0
    penalties: str | tuple[str, ...] = ()
    initializer: str = "auto"
    dtype: str = "float32"
    inputs: str | Input | tuple[Input, ...] = ()

    def __post_init__(self) -> None:
        """Check, and write every list in full: one entry for each hidden layer, every number of a known row."""
        n = listed(self.n)
        if n is None or len(n) < 2 or any(not is_integer(u) or u < 1 for u in n):
            raise RequestError(
                "n must hold the units of each layer, positive integers, at least (inputs, outputs), such as "
                f"(4, 8, 3), not {short(self.n if n is None else n)}."
            )
        hidden = len(n) - 2
        dropout = _one_each(self.dropout, hidden, "dropout")
        activation = _one_each(self.activation, hidden, "activation")
        for a in activation:
            require_spec(ACTIVATIONS.kind, a)
        full = {a: _full(ACTIVATIONS, a) for a in dict.fromkeys(activation)}  # each is looked at once
        penalties = (self.penalties,) if isinstance(self.penalties, str) else listed(self.penalties)
        if penalties is None:
            raise RequestError(
                f"penalties must be strings such as 'l2(0.0001)', one or a list, not {short(self.penalties)}."
            )
        if any(not is_number(p) or not 0.0 <= p < 1.0 for p in dropout):
            raise RequestError(f"dropout must be a probability, at least 0 and below 1, not {short(self.dropout)}.")
        if not isinstance(self.dtype, str) or self.dtype not in ("float32", "float64"):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RequestError(f"dtype must be 'float32' or 'float64', not {short(self.dtype)}.")
        require_spec(INITIALIZERS.kind, self.initializer)
        written: dict[str, Any] = {
            "n": tuple(int(u) for u in n),
            "activation": tuple(full[a] for a in activation),
            "loss": _full(LOSSES, self.loss),
            "dropout": tuple(float(p) for p in dropout),
            "penalties": tuple(_full(PENALTIES, p) for p in penalties),
            "initializer": self.initializer if self.initializer == "auto" else _full(INITIALIZERS, self.initializer),
            "inputs": read_inputs(self.inputs, int(n[0])),
        }
        for name, value in written.items():
            object.__setattr__(self, name, value)
        _ = self.columns  # they fit together
        if self.size > MAX_PARAMETERS:
            raise RequestError(
                f"a network of n = {short(self.n)} has {self.size:.3g} parameters, more than any memory holds: use "
                "fewer units."
            )

    @property
    def L(self) -> int:
        """Number of layers, the input not counted."""
        return len(self.n) - 1

    @property
    def layout(self) -> Layout:
        """Where W[l] and b[l], and behind them the parameters of the input layers, stand in theta."""
        return _layout(self.n, self.input_layers)

    @property
    def input_layers(self) -> tuple[Input, ...]:
        """``inputs``, as they are once they have been read."""
        assert isinstance(self.inputs, tuple)
        return self.inputs

    @cached_property
    def columns(self) -> Columns:
        """Which columns X and the codes have, and how rows of A[0] come from them."""
        return Columns.of(self.input_layers, self.n[0])

    @cached_property
    def size(self) -> int:
        """Number of parameters: sum over l of n[l] n[l-1] + n[l], and those of the input layers."""
        return self.layout.size

    def brief(self, functions: Functions | None = None) -> str:
        """Its layers in one line, without those before W[1].

        >>> Network((4, 8, 3), "tanh", "cross_entropy").brief()
        'n[0..2] = 4, 8, 3; tanh; cross_entropy; 67 parameters, float32'
        """
        hidden = ", ".join(ACTIVATIONS.brief(a, functions) for a in self.activation) or "no hidden layer"
        units, loss = ", ".join(map(str, self.n)), LOSSES.brief(self.loss, functions)
        return f"n[0..{self.L}] = {units}; {hidden}; {loss}; {self.size:,} parameters, {self.dtype}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; "inputs" only where there are some."""
        described = asdict(self)
        if not self.inputs:
            del described["inputs"]
        return described

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Network":
        """Back from ``to_dict``. RequestError: entries that are unknown, missing, of another type, or make no sense."""
        lists: dict[str, Any] = {"n": [int], "activation": [str], "dropout": [float], "penalties": [str]}
        if "inputs" in description:
            lists["inputs"] = [dict]
        entries = record(description, "a network", **lists, loss=str, initializer=str, dtype=str)
        if "inputs" in entries:
            require(bool(entries["inputs"]), "inputs are left out where there are none", entries["inputs"])
            entries["inputs"] = tuple(Input.from_dict(layer) for layer in entries["inputs"])
        layers = len(entries["n"]) - 1
        require(layers <= MAX_LAYERS, f"a network has {MAX_LAYERS} layers at most", layers)
        return cls(**entries)

    def formulas(self, xp: Namespace, functions: Functions | None = None) -> Formulas:
        """The functions that the names stand for, on ``xp``. RequestError: a name that is not known."""
        if self.initializer != "auto":
            INITIALIZERS.make(self.initializer, functions=functions)
        loss = LOSSES.make(self.loss, xp, functions=functions)
        made = {a: ACTIVATIONS.make(a, xp, functions=functions) for a in dict.fromkeys(self.activation)}
        hidden = [made[a] for a in self.activation]
        last = link(loss.link, xp, functions)
        return Formulas(
            g=(None, *(row.g for row in hidden), last.g),
            slope=(None, *(row.slope for row in hidden), None),
            loss=loss,
            link=last,
            penalties=tuple(PENALTIES.make(p, xp, functions=functions) for p in self.penalties),
        )

    def initial(self, seed: int = 0, functions: Functions | None = None) -> NDArray[Any]:
        """theta at the start, (size,): W[l] by the initialiser, b[l] = 0; the same bits on every machine.

        Entry (j, k) of W[l] is a function of (seed, l, j, k); what input layers start with, their rows say.

        RequestError: a seed that is not from 0 to 2^64 - 1.
        """
        if integer("seed", seed, 0) >= 2**64:
            raise RequestError(f"seed must be below 2^64, not {seed}.")
        theta = np.zeros(self.size, self.dtype)
        p = Parameters(self, theta)
        set_first(self.input_layers, p.views, seed)
        W = p.W
        for l in range(1, self.L + 1):
            name = self._initializer(l, functions)
            row = INITIALIZERS.make(name, functions=functions)
            count = self.n[l] * self.n[l - 1]
            place = (seed, draws.Stream.INITIALIZE, l)
            drawn = draws.normal(count, *place) if row.draw == "normal" else 2.0 * draws.uniform(count, *place) - 1.0
            drawn *= row.scale(self.n[l - 1], self.n[l])
            W[l][...] = drawn.reshape(self.n[l], self.n[l - 1])
        return theta

    def _initializer(self, l: int, functions: Functions | None) -> str:
        if self.initializer != "auto":
            return self.initializer
        # the link of the last layer is no activation of the table; sigmoid, softmax and identity want the same start
        return (
            ACTIVATIONS.make(self.activation[l - 1], np, functions=functions).initializer
            if l < self.L
            else "xavier_uniform"
        )

    def dimensions(self, m: int) -> "Dimensions":
        """The shape of every quantity for m examples: "W[1]", "b[1]", "Z[1]", "A[0]", ..., and of dV for each V.

        RequestError: m is not an integer of at least 0.

        >>> shapes = Network((4, 8, 3)).dimensions(10)
        >>> shapes["W[1]"], shapes["dZ[2]"], shapes["A[0]"]
        ((8, 4), (3, 10), (4, 10))
        """
        m = integer("m", m, 0)
        shapes: dict[str, Shape] = {}
        for l in range(self.L + 1):
            if l > 0:
                shapes |= {f"W[{l}]": (self.n[l], self.n[l - 1]), f"b[{l}]": (self.n[l], 1), f"Z[{l}]": (self.n[l], m)}
            shapes[f"A[{l}]"] = (self.n[l], m)
        shapes |= {block.name: block.shape for block in self.layout if block.role is INPUT}
        shapes |= {f"d{name}": shape for name, shape in shapes.items()}
        return Dimensions(shapes | {"X": (self.columns.numbers, m), "Y": (self.n[self.L], m)})


class Dimensions(dict[str, Shape]):
    """Shapes by name, against which arrays can be held."""

    def check(self, arrays: Mapping[str, Array]) -> None:
        """RequestError naming each array whose shape is not the one it must have, or whose name is not known.

        >>> Network((4, 8, 3)).dimensions(10).check({"W[2]": np.zeros((8, 3))})
        Traceback (most recent call last):
        chainrule.errors.RequestError: W[2] must be (3, 8), not (8, 3): n[2] = 3 rows ...
        """
        for name, array in arrays.items():
            if name not in self:
                raise RequestError(f"{name} is not a quantity of this network. It has {', '.join(self)}.")
            if tuple(array.shape) != self[name]:
                raise RequestError(
                    f"{name} must be {self[name]}, not {tuple(array.shape)}: n[{_layer(name)}] = {self[name][0]} rows "
                    f"and {self[name][1]} columns{'; is it transposed?' if array.shape == self[name][::-1] else '.'}"
                )


class Parameters:
    """theta, (size,), and in it the views W[l] (n[l], n[l-1]) and b[l] (n[l], 1), l = 1..L; entry 0 is None.

    >>> p = Parameters(Network((2, 1)), np.array([1.0, 2.0, 3.0]))
    >>> p.W[1].tolist(), p.b[1].tolist()
    ([[1.0, 2.0]], [[3.0]])
    """

    def __init__(self, network: Network, theta: Array, xp: Namespace = np) -> None:
        instance("network", network, Network, "a Network")
        require_theta(theta, network)
        self.theta = theta
        self.views = views = network.layout.views(theta, xp)  # of every block, by name
        self.W: list[Array] = [None, *(views[f"W[{l}]"] for l in range(1, network.L + 1))]
        self.b: list[Array] = [None, *(views[f"b[{l}]"] for l in range(1, network.L + 1))]


@lru_cache(maxsize=256)
def _layout(n: tuple[int, ...], inputs: tuple[Input, ...]) -> Layout:
    blocks = dense(n)
    return Layout([*blocks, *input_blocks(inputs, sum(block.size for block in blocks))])


def require_theta(theta: Array, network: Network, name: str = "theta") -> None:
    """RequestError where theta, or another vector like it, has not one number for each parameter."""
    shape = getattr(theta, "shape", None)
    if shape is None:
        raise RequestError(
            f"{name} must be an array of {network.size} numbers for n = {network.n}, not {short(theta)}."
        )
    if tuple(shape) != (network.size,):
        raise RequestError(f"{name} must hold {network.size} numbers for n = {network.n}, not {tuple(shape)}.")


def _one_each(given: Any, hidden: int, what: str) -> tuple[Any, ...]:
    each = listed(given)
    if each is None:
        return (given,) * hidden
    if len(each) != hidden:
        raise RequestError(
            f"{what}: expected one for all {hidden} hidden layers, or {hidden} of them; got {len(each)}."
        )
    return each


def _full(table: Table[Any], spec: str) -> str:
    """The spec with every number written out; a name that the table does not have is the user's own, seen to later."""
    require_spec(table.kind, spec)
    if table.name(spec) not in table:
        return spec
    table.make(spec, *([] if table is INITIALIZERS else [np]))  # each row checks its own numbers
    return table.canonical(spec)


def _layer(name: str) -> str:
    return {"X": "0", "Y": "L"}.get(name, name[name.find("[") + 1 : -1])
