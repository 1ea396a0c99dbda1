"""The input layers of a network: which columns each takes, and A[0] = e(X) put together from them.

A[0] has the outputs of the layers in their order, and then the columns of numbers that none takes, as they are:

    A[0] = (e of inputs[0], e of inputs[1], ..., the columns handed on)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from reprlib import repr as short
from typing import Any

import numpy as np

from chainrule.arguments import is_integer, listed
from chainrule.errors import RequestError, nearest
from chainrule.formulas.draws import Stream
from chainrule.formulas.input_layers import INPUTS, InputLayer, Parameter
from chainrule.formulas.table import Array, Namespace
from chainrule.layout import INPUT, Block
from chainrule.validation import record, require_spec

# More than any table has; a file that says so would keep us busy, and fill the memory.
MAX_COLUMNS = 2**20
MAX_LEVELS = 2**24


def layer_of(spec: str) -> InputLayer:
    """The equations of an input layer, by its name. RequestError: there is none of that name."""
    require_spec(INPUTS.kind, spec)
    name = INPUTS.name(spec)
    if name not in INPUTS:
        raise RequestError(f"input layer {name!r} is not known{nearest(name, INPUTS)} Known: {', '.join(INPUTS)}.")
    return INPUTS.make(spec, np)


@dataclass(frozen=True)
class Input:
    """An input layer and the columns that it takes.

    layer     a row of INPUTS, such as "cosine(8)"
    columns   of numbers, counted from 0 among the columns of numbers; or the one column of codes that a layer for
              categories takes, counted among those
    levels    how many codes that column has, 0..levels-1; None for numbers

    >>> Input("lookup(4)", (0,), levels=13)
    Input(layer='lookup(d=4)', columns=(0,), levels=13)
    """

    layer: str
    columns: tuple[int, ...]
    levels: int | None = None

    def __post_init__(self) -> None:
        """Check, and write the numbers of the layer in full."""
        takes = layer_of(self.layer).takes
        columns = listed((self.columns,) if is_integer(self.columns) else self.columns)
        if not columns or any(not is_integer(j) or not 0 <= j < MAX_COLUMNS for j in columns):
            raise RequestError(f"columns of an input layer must be integers of at least 0, not {short(self.columns)}.")
        if len({*columns}) < len(columns):
            raise RequestError(f"an input layer must take each of its columns once, not {short(self.columns)}.")
        if self.levels is not None and (not is_integer(self.levels) or not 2 <= self.levels <= MAX_LEVELS):
            raise RequestError(
                f"levels of a column of codes must be an integer from 2 to {MAX_LEVELS}, not {short(self.levels)}."
            )
        if takes == "categories" and (len(columns) != 1 or self.levels is None):
            raise RequestError(
                f"{self.layer} takes one column of codes and needs its number of levels, such as "
                f"Input({self.layer!r}, (0,), levels=13)."
            )
        if takes == "numbers" and self.levels is not None:
            raise RequestError(f"{self.layer} takes columns of numbers, which have no levels: leave levels out.")
        object.__setattr__(self, "layer", INPUTS.canonical(self.layer))
        object.__setattr__(self, "columns", tuple(int(j) for j in columns))
        object.__setattr__(self, "levels", None if self.levels is None else int(self.levels))

    def row(self, xp: Namespace) -> InputLayer:
        """Its equations."""
        return INPUTS.make(self.layer, xp)

    @property
    def takes_numbers(self) -> bool:
        """It takes columns of numbers, not of codes."""
        return self.levels is None

    @property
    def width(self) -> int:
        """How many rows of A[0] it makes."""
        return len(self.columns) * self.row(np).units

    @property
    def blocks(self) -> dict[str, Parameter]:
        """Its parameters by their own names."""
        return self.row(np).blocks(self.levels or len(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Any) -> "Input":
        """Back from ``to_dict``. RequestError: it is none."""
        return cls(**record(description, "an input layer", layer=str, columns=[int], levels=int | None))


@dataclass(frozen=True)
class Columns:
    """How the columns of a table and the rows of A[0] belong together.

    numbers     how many columns of numbers there are: X is (m, numbers)
    levels      how many levels each column of codes has: codes are (m, len(levels))
    first       the first row of A[0] of each input layer
    handed_on   the columns of numbers that no input layer takes, the last rows of A[0]
    """

    numbers: int
    levels: tuple[int, ...]
    first: tuple[int, ...]
    handed_on: Sequence[int]

    @classmethod
    def of(cls, inputs: Sequence[Input], n_0: int) -> "Columns":
        """Those of a network whose A[0] has n[0] rows. RequestError: they do not fit together."""
        if not inputs:
            return cls(n_0, (), (), range(n_0))
        widths = [layer.width for layer in inputs]
        first = [sum(widths[:i]) for i in range(len(widths))]
        taken = [j for layer in inputs if layer.takes_numbers for j in layer.columns]
        codes = {layer.columns[0]: layer.levels or 0 for layer in inputs if not layer.takes_numbers}
        rest = n_0 - sum(widths)
        numbers = rest + len(taken)
        if rest < 0:
            raise RequestError(
                f"n[0] is the rows of A[0], those that input layers make and the columns handed on: at least "
                f"{sum(widths)} here, not {n_0}."
            )
        if numbers > MAX_COLUMNS:
            raise RequestError(f"with input layers there are {MAX_COLUMNS} columns of numbers at most, not {numbers}.")
        if len({*taken}) < len(taken) or len(codes) < sum(not layer.takes_numbers for layer in inputs):
            raise RequestError("two input layers take the same column: each column may be taken by one.")
        if any(j >= numbers for j in taken):
            raise RequestError(
                f"with n[0] = {n_0} there are {numbers} columns of numbers; an input layer takes column {max(taken)}."
            )
        if sorted(codes) != [*range(len(codes))]:
            raise RequestError(
                f"columns of codes are 0..{len(codes) - 1}, each taken by an input layer; not {sorted(codes)}."
            )
        left = {*taken}
        handed_on = tuple(j for j in range(numbers) if j not in left)
        return cls(numbers, tuple(codes[j] for j in range(len(codes))), tuple(first), handed_on)


def read_inputs(given: Any, n_0: int) -> tuple[Input, ...]:
    """The input layers as they were asked for: a list, one, or the name of one for all columns of numbers.

    RequestError: they are none.
    """
    if isinstance(given, str):
        units = layer_of(given).units
        if n_0 % units:
            raise RequestError(
                f"{given} makes {units} rows of A[0] of each column, and n[0] = {n_0} is no multiple of {units}."
            )
        return (Input(given, tuple(range(n_0 // units))),)
    each = (given,) if isinstance(given, Input) else listed(given)
    if each is None or not all(isinstance(layer, Input) for layer in each):
        raise RequestError(f"inputs must be Input('cosine(8)', columns), one or a list, not {short(given)}.")
    return each


def block_name(i: int, V: str) -> str:
    """What theta's layout calls the parameter V of inputs[i]."""
    return f"inputs[{i}].{V}"


def own_views(views: Mapping[str, Array], i: int) -> dict[str, Array]:
    """The parameters of inputs[i] by their own names."""
    begin = block_name(i, "")
    return {name.removeprefix(begin): view for name, view in views.items() if name.startswith(begin)}


def input_blocks(inputs: Sequence[Input], offset: int) -> Iterator[Block]:
    """Their blocks of theta, from ``offset`` on: V of inputs[i] is "inputs[i].V"."""
    for i, layer in enumerate(inputs):
        for V, parameter in layer.blocks.items():
            yield Block(block_name(i, V), parameter.shape, INPUT, offset, parameter.transposed)
            offset += prod(parameter.shape)


def set_first(inputs: Sequence[Input], views: Mapping[str, Array], seed: int) -> None:
    """Write their values at the start. Entry k of block number v is a function of (seed, i, v, k)."""
    for i, layer in enumerate(inputs):
        for v, (V, parameter) in enumerate(layer.blocks.items()):
            values = parameter.first(seed, Stream.INPUTS, i, v)
            shape = parameter.shape
            views[block_name(i, V)][...] = values.reshape(shape) if values.size > 1 else np.full(shape, values)


class InputLayers:
    """A[0] = e(X) and its way back, on an array namespace. X is (numbers, m), codes (len(levels), m).

    >>> layers = InputLayers([Input("scale", (1,))], 2, np)
    >>> layers.forward({"inputs[0].s": np.array([[[3.0]]])}, np.array([[1.0], [2.0]]), None).tolist()
    [[6.0], [1.0]]
    """

    def __init__(self, inputs: Sequence[Input], n_0: int, xp: Namespace) -> None:
        self.xp = xp
        self.inputs = tuple(inputs)
        self.columns = Columns.of(inputs, n_0)
        self._rows = [layer.row(xp) for layer in inputs]

    def forward(self, views: Mapping[str, Array], X: Array, codes: Array | None) -> Array:
        """A[0] (n[0], m)."""
        if not self.inputs:
            return X
        made: list[Array] = []
        for i, row in enumerate(self._rows):
            made += [self._flat(part) for part in row.forward(own_views(views, i), self._taken(i, X, codes))]
        if self.columns.handed_on:
            made.append(self._columns(X, self.columns.handed_on))
        return self.xp.concat(made, axis=0)

    def backward(self, views: Mapping[str, Array], X: Array, codes: Array | None, dA_0: Array) -> dict[str, Array]:
        """The gradient of each of their blocks, from dA[0] (n[0], m)."""
        gradient: dict[str, Array] = {}
        for i, row in enumerate(self._rows):
            dV = row.backward(own_views(views, i), self._taken(i, X, codes), self._parts(i, dA_0))
            gradient |= {block_name(i, V): values for V, values in dV.items()}
        return gradient

    def dX(self, views: Mapping[str, Array], X: Array, codes: Array | None, dA_0: Array) -> Array:
        """dX (numbers, m), from dA[0]."""
        if not self.inputs:
            return dA_0
        by_column: dict[int, Array] = {}
        for i, (layer, row) in enumerate(zip(self.inputs, self._rows, strict=True)):
            if row.inputs is not None:
                dx = row.inputs(own_views(views, i), self._taken(i, X, codes), self._parts(i, dA_0))
                by_column |= {j: dx[k : k + 1, :] for k, j in enumerate(layer.columns)}
        first = dA_0.shape[0] - len(self.columns.handed_on)
        by_column |= {j: dA_0[first + k : first + k + 1, :] for k, j in enumerate(self.columns.handed_on)}
        return self.xp.concat([by_column[j] for j in range(self.columns.numbers)], axis=0) if by_column else dA_0[:0, :]

    def _taken(self, i: int, X: Array, codes: Array | None) -> Array:
        """What inputs[i] takes: columns of X, or a column of codes."""
        layer = self.inputs[i]
        if layer.takes_numbers:
            return self._columns(X, layer.columns)
        assert codes is not None
        return codes[layer.columns[0], :]

    def _columns(self, X: Array, columns: Sequence[int]) -> Array:
        if [*columns] == [*range(columns[0], columns[0] + len(columns))]:
            return X[columns[0] : columns[0] + len(columns), :]
        return self.xp.take(X, self.xp.asarray(columns), axis=0)

    def _flat(self, part: Array) -> Array:
        """Rows of A[0]: unit after unit, in each all columns."""
        return self.xp.reshape(part, (-1, part.shape[-1]))

    def _parts(self, i: int, dA_0: Array) -> tuple[Array, ...]:
        """The parts of dA[0] that inputs[i] made."""
        layer, row = self.inputs[i], self._rows[i]
        first, k, m = self.columns.first[i], len(layer.columns), dA_0.shape[1]
        parts: list[Array] = []
        for units in row.parts:
            rows = units * k
            part = dA_0[first : first + rows, :]
            parts.append(self.xp.reshape(part, (units, k, m)) if layer.takes_numbers else part)
            first += rows
        return tuple(parts)
