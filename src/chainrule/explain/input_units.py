"""The input layers of a network in words: their columns and units by name, and what their rows say of their equations.

A row's ``equation`` and ``slopes`` are statements such as "e_u = alpha cos(2 pi t) + beta", apart by "; ".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from chainrule.formulas.input_layers import InputLayer
from chainrule.formulas.table import Array
from chainrule.inputs import Input, InputLayers, block_name, own_views
from chainrule.layout import INPUT, Block
from chainrule.network import Network

_BEFORE = re.compile(r"(X|codes)$|d?inputs\[")
_BLOCK = re.compile(r"d?inputs\[(\d+)\]\.(\w+)")
_NAME = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Statement:
    """left = right, such as e_u = alpha cos(2 pi t) + beta."""

    left: str
    right: str

    @property
    def defines(self) -> str:
        """The name on the left, without indices."""
        return _NAME.findall(self.left)[0]

    @property
    def names(self) -> set[str]:
        """The names on the right."""
        return {*_NAME.findall(self.right)}

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


def statements(text: str) -> list[Statement]:
    """Those of a row's equation or slopes.

    >>> [str(each) for each in statements("e = s x;  ds = sum_i de x")]
    ['e = s x', 'ds = sum_i de x']
    """
    pairs = [each.split("=", 1) for each in text.split(";")]
    return [Statement(left.strip(), right.strip()) for left, right in pairs]


def blocks_of(network: Network, i: int | None = None) -> list[Block]:
    """The blocks of theta of inputs[i]; of all input layers where i is None."""
    begin = "" if i is None else block_name(i, "")
    return [block for block in network.layout if block.role is INPUT and block.name.startswith(begin)]


def own_blocks(network: Network, i: int) -> dict[str, Block]:
    """The blocks of inputs[i] by their own names."""
    return {layer_and_letter(block.name)[1]: block for block in blocks_of(network, i)}


def column_names(layer: Input, numbers: Sequence[str], categories: Sequence[str]) -> list[str]:
    """The columns that an input layer takes; "column 0" where they have no name."""
    if layer.takes_numbers:
        return [name_of(j, numbers) for j in layer.columns]
    return [str(categories[j]) if categories else f"category {j}" for j in layer.columns]


def name_of(j: int, numbers: Sequence[str]) -> str:
    """A column of numbers by its name; "column 0" where there are none."""
    return str(numbers[j]) if numbers else f"column {j}"


def unit_names(network: Network, numbers: Sequence[str], categories: Sequence[str]) -> list[str]:
    """The units of layer 0, such as "mass", "mass cos 1", "island 2".

    >>> unit_names(Network((6, 1), inputs=Input("cosine(2)", (0, 1))), ["mass", "age", "sex", "year"], [])
    ['mass', 'age', 'mass cos 1', 'age cos 1', 'sex', 'year']
    """
    if not network.inputs:
        return [str(name) for name in numbers]
    units: list[str] = []
    for layer in network.input_layers:
        columns = column_names(layer, numbers, categories)
        units += [f"{column} {name}".rstrip() for name in layer.row(np).names for column in columns]
    handed_on = network.columns.handed_on
    return units + [name_of(j, numbers) for j in handed_on]


@dataclass(frozen=True)
class Unit:
    """A unit of layer 0 and where it comes from.

    i          the place of its input layer; None where its column is handed on
    column     its column of X, or of the codes
    part       which part of e it is of; ``u``, ``k``: its unit and its column there
    """

    i: int | None
    column: int
    part: int = 0
    u: int = 0
    k: int = 0


def unit(network: Network, j: int) -> Unit:
    """Unit j of layer 0."""
    return next(islice(units(network), j, None))


def units(network: Network) -> Iterator[Unit]:
    """All units of layer 0, in their order."""
    for i, layer in enumerate(network.input_layers):
        for part, count in enumerate(layer.row(np).parts):
            for u in range(count):
                yield from (Unit(i, column, part, u, k) for k, column in enumerate(layer.columns))
    yield from (Unit(None, column) for column in network.columns.handed_on)


def forward_statements(row: InputLayer, part: int) -> list[Statement]:
    """The statement of a part of e, and those of what it uses."""
    every = statements(row.equation)
    return _with_what_they_use([every[part]], every[len(row.parts) :])


def slope_statements(row: InputLayer, V: str) -> list[Statement]:
    """The statements of dV, and those of what they use."""
    every = statements(row.slopes)
    own = [each for each in every if each.defines == f"d{V}"]
    return _with_what_they_use(own, [each for each in every if each not in own])


def _with_what_they_use(first: Sequence[Statement], others: Sequence[Statement]) -> list[Statement]:
    used = list(first)
    for each in [*others, *reversed(others)]:  # a statement may use one that stands before it
        if each not in used and any(each.defines in one.names for one in used):
            used.append(each)
    return used


def parameters_of(row: InputLayer, part: int, blocks: Mapping[str, object]) -> list[str]:
    """The parameters that stand in the equation of a part, in their order in theta."""
    names = set[str]().union(*(one.names for one in forward_statements(row, part)))
    return [V for V in blocks if V in names]


def entries_of(network: Network, views: Mapping[str, Array], of: Unit, code: int | None) -> list[tuple[str, int, int]]:
    """The parameters that a unit is worked out from, as (block, row, column); of a category by its code.

    Of a level these are the entries by which the unit has a derivative.
    """
    assert of.i is not None
    row, own = network.input_layers[of.i].row(np), own_views(views, of.i)
    if code is None:
        return [(block_name(of.i, V), of.u, of.k) for V in parameters_of(row, of.part, own)]
    de = tuple(np.zeros((count, 1)) for count in row.parts)
    de[of.part][of.u] = 1.0
    slopes = row.backward(own, np.array([code]), de)
    return [(block_name(of.i, V), int(u), int(k)) for V, dV in slopes.items() for u, k in np.argwhere(dV)]


def slopes_by_example(
    network: Network, views: Mapping[str, Array], X: Array, codes: Any, dA_0: Array
) -> dict[str, Array]:
    """What each example adds to the gradient of each block: (rows, columns, m) by the block's name."""
    layers = InputLayers(network.input_layers, network.n[0], np)
    each = [
        layers.backward(views, X[:, i : i + 1], None if codes is None else codes[:, i : i + 1], dA_0[:, i : i + 1])
        for i in range(X.shape[1])
    ]
    return {name: np.stack([flat(one[name]) for one in each], axis=-1) for name in each[0]}


def layer_and_letter(name: str) -> tuple[int, str]:
    """(i, V) of a block "inputs[i].V" or its slope "dinputs[i].V"."""
    found = _BLOCK.fullmatch(name)
    assert found is not None
    return int(found[1]), found[2]


def place(name: str, layer: int, *at: int) -> str:
    """An array or an entry of it, such as "dW[1]" or "dW[1][0,2]"; what stands before A[0] has no layer's number."""
    array = name if _BEFORE.match(name) else f"{name}[{layer}]"
    return f"{array}[{','.join(map(str, at))}]" if at else array


def flat(V: Array) -> Array:
    """A block as a matrix: without the axis of examples, which parameters of columns of numbers have."""
    return V.reshape(V.shape[:2])
