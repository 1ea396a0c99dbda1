"""Learned input layers: what may stand before W[1], so that A[0] = e(X) instead of A[0] = X. To add one, write one row.

A layer that takes numbers has x (k, m), k columns of m examples, and makes parts of (units, k, m) that stand side by
side in A[0]. Its parameters are (units, k, 1), so that every equation is element by element:

    forward     e = e(x)                                  a tuple of parts
    backward    dV = sum over examples of de * de/dV      for each of its parameters V, from de, the same parts of dA[0]
    inputs      dx = sum over units of de * de/dx         (k, m)

A layer that takes categories has the codes of one column, (m,): 0 for a level that is unseen, missing or too rare, and
1..levels-1. It looks up vectors of d numbers: e is (d, m).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas import draws
from chainrule.formulas.table import Array, Namespace, Table, require_number
from chainrule.formulas.turns import turns

Arrays = Mapping[str, Array]
Parts = tuple[Array, ...]

# Nobody needs as many units for one column; a file that says so would keep us busy.
MAX_UNITS = 2**16


@dataclass(frozen=True)
class Parameter:
    """A block of parameters before it has a place in theta.

    first        its values at the start, in float64: from where in the random streams it stands
    transposed   theta holds the transpose of it, row by row
    """

    shape: tuple[int, ...]
    first: Callable[..., NDArray[np.float64]]
    transposed: bool = False


@dataclass(frozen=True)
class InputLayer:
    """One input layer's equations.

    takes      "numbers", or the codes of one column of "categories"
    names      what each unit of e is called after its column, "" for nothing; part after part
    parts      how many units each part of e has for each column
    blocks     of how many columns (or of how many levels) -> its parameters by name
    forward    (p, x) -> e, p its parameters by name
    backward   (p, x, de) -> dV by name
    inputs     (p, x, de) -> dx; None where it takes categories
    equation   of forward, as text, apart by "; ": a statement for each part of e, then those of what they use
    slopes     of backward, likewise: how each dV comes from de
    source     where it comes from
    """

    takes: Literal["numbers", "categories"]
    names: tuple[str, ...]
    parts: tuple[int, ...]
    blocks: Callable[[int], dict[str, Parameter]]
    forward: Callable[[Arrays, Array], Parts]
    backward: Callable[[Arrays, Array, Parts], dict[str, Array]]
    inputs: Callable[[Arrays, Array, Parts], Array] | None
    equation: str
    slopes: str
    source: str

    @property
    def units(self) -> int:
        """How many rows of A[0] each of its columns becomes."""
        return sum(self.parts)


INPUTS: Table[InputLayer] = Table("input layer")


@INPUTS.row
def scale(xp: Namespace) -> InputLayer:
    """Each column times a number of its own, which learns how much the column matters."""

    def blocks(k: int) -> dict[str, Parameter]:
        return {"s": Parameter((1, k, 1), _all(1.0))}

    def forward(p: Arrays, x: Array) -> Parts:
        return (p["s"] * x,)

    def backward(p: Arrays, x: Array, de: Parts) -> dict[str, Array]:
        return {"s": _over_examples(xp, de[0] * x)}

    def inputs(p: Arrays, x: Array, de: Parts) -> Array:
        return _over_units(xp, p["s"] * de[0])

    equation, slopes, source = "e = s x", "ds = sum_i de x", "Holzmueller et al. 2024, RealMLP"
    return InputLayer("numbers", ("",), (1,), blocks, forward, backward, inputs, equation, slopes, source)


@INPUTS.row
def cosine(xp: Namespace, d: float, init_scale: float = 0.1) -> InputLayer:
    """Each number becomes d units: itself, and d - 1 waves whose frequencies are learned.

    At the start it hands x on, and its waves are silent: were all of e 0, no relu of layer 1 would ever have a slope.
    """
    units = _whole("cosine", "d", d, 2)
    require_number(init_scale > 0.0, "cosine", "init_scale is above 0", init_scale)

    def blocks(k: int) -> dict[str, Parameter]:
        wave, own = (units - 1, k, 1), (1, k, 1)
        w = Parameter(wave, lambda *place: init_scale * draws.truncated_normal((units - 1) * k, *place))
        b, alpha, beta = (Parameter(wave, _all(0.0)) for _ in range(3))
        alpha_x, beta_x = Parameter(own, _all(1.0)), Parameter(own, _all(0.0))
        return {"w": w, "b": b, "alpha": alpha, "beta": beta, "alpha_x": alpha_x, "beta_x": beta_x}

    def forward(p: Arrays, x: Array) -> Parts:
        cos_u, _ = turns(xp, p["w"] * x + p["b"])
        return p["alpha_x"] * x + p["beta_x"], p["alpha"] * cos_u + p["beta"]

    def backward(p: Arrays, x: Array, de: Parts) -> dict[str, Array]:
        de_x, de_u = de
        cos_u, sin_u = turns(xp, p["w"] * x + p["b"])
        dt = -2.0 * pi * sin_u * (p["alpha"] * de_u)  # t = w x + b turns: u = 2 pi t
        each = {"w": dt * x, "b": dt, "alpha": de_u * cos_u, "beta": de_u, "alpha_x": de_x * x, "beta_x": de_x}
        return {name: _over_examples(xp, dV) for name, dV in each.items()}

    def inputs(p: Arrays, x: Array, de: Parts) -> Array:
        de_x, de_u = de
        _, sin_u = turns(xp, p["w"] * x + p["b"])
        dt = -2.0 * pi * sin_u * (p["alpha"] * de_u)
        return _over_units(xp, p["alpha_x"] * de_x) + _over_units(xp, p["w"] * dt)

    names = ("", *(f"cos {u}" for u in range(1, units)))
    equation = "e_x = alpha_x x + beta_x; e_u = alpha cos(2 pi t) + beta; t = w x + b"
    slopes = (
        "dalpha_x = sum_i de_x x; dbeta_x = sum_i de_x; dalpha = sum_i de_u cos(2 pi t); dbeta = sum_i de_u; "
        "dt = -2 pi sin(2 pi t) alpha de_u; dw = sum_i dt x; db = sum_i dt"
    )
    source = "TabPack, arXiv 2607.05380"
    return InputLayer("numbers", names, (1, units - 1), blocks, forward, backward, inputs, equation, slopes, source)


@INPUTS.row
def lookup(xp: Namespace, d: float) -> InputLayer:
    """Each level of a category becomes a vector of d numbers.

    The vector of code 0 is the mean of the others plus one of its own, which is 0 until a row trains it.
    """
    units = _whole("lookup", "d", d, 1)

    def blocks(levels: int) -> dict[str, Parameter]:
        def first(*place: Any) -> NDArray[np.float64]:
            E = (2.0 * draws.uniform(units * levels, *place) - 1.0).reshape(levels, units) / sqrt(units)
            E[0] = 0.0
            return E.T

        return {"E": Parameter((units, levels), first, transposed=True)}

    def forward(p: Arrays, c: Array) -> Parts:
        E = p["E"]
        others = E[:, 1:]
        T = xp.concat([E[:, :1] + xp.sum(others, axis=1, keepdims=True) / others.shape[1], others], axis=1)
        return (xp.take(T, c, axis=1),)

    def backward(p: Arrays, c: Array, de: Parts) -> dict[str, Array]:
        dT = _by_code(xp, de[0], c, p["E"].shape[1])
        dT_0, others = dT[:, :1], dT[:, 1:]
        return {"E": xp.concat([dT_0, others + dT_0 / others.shape[1]], axis=1)}

    names = tuple(str(u) for u in range(1, units + 1))
    equation = "e = T[:, c]; T[:, 0] = E[:, 0] + mean(E[:, 1:]); T[:, k] = E[:, k] for k > 0"
    slopes = (
        "dT[:, k] = sum_i de[:, i] for c_i = k; dE[:, 0] = dT[:, 0]; "
        "dE[:, k] = dT[:, k] + dT[:, 0] / (levels - 1) for k > 0"
    )
    source = "Guo & Berkhahn 2016"
    return InputLayer("categories", names, (units,), blocks, forward, backward, None, equation, slopes, source)


def _all(value: float) -> Callable[..., NDArray[np.float64]]:
    return lambda *place: np.array(value)


def _over_examples(xp: Namespace, V: Array) -> Array:
    return xp.sum(V, axis=-1, keepdims=True)


def _over_units(xp: Namespace, V: Array) -> Array:
    return xp.sum(V, axis=0)


# One-hot columns of so many numbers are made at a time, so that memory does not grow with examples times levels.
ONE_HOT = 2**22


def _by_code(xp: Namespace, de: Array, c: Array, levels: int) -> Array:
    """For each code the sum of the columns of de that have it, (d, levels): de times the one-hot rows of c."""
    total, rows = xp.zeros((de.shape[0], levels), dtype=de.dtype), max(1, ONE_HOT // levels)
    codes = xp.arange(levels)
    for first in range(0, de.shape[1], rows):
        part = slice(first, min(first + rows, de.shape[1]))
        one_hot = xp.asarray(c[part, None] == codes[None, :], dtype=de.dtype)
        total = total + de[:, part] @ one_hot
    return total


def _whole(row: str, name: str, number: float, least: int) -> int:
    holds = number == int(number) and least <= number <= MAX_UNITS
    require_number(holds, row, f"{name} is an integer from {least} to {MAX_UNITS}", number)
    return int(number)
