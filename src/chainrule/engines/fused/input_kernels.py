"""Which kernels the input layers of a network need: the equations of layers for numbers traced, one kernel for each
part of e and one for all sums over as many units; looked-up vectors have kernels of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.engines.fused import column_sums, elementwise
from chainrule.engines.fused.signatures import Made
from chainrule.formulas.input_layers import INPUTS, InputLayer, lookup
from chainrule.inputs import Input
from chainrule.ir import Expression, Tracer, Untraceable, walk

REDUCTIONS = ("sum_examples", "sum_outputs", "max_outputs", "sum_all", "max_all", "output", "stack")


@dataclass(frozen=True)
class UnitGroup:
    """A part of e, A[0] from x and the parameters: so many units of each column."""

    units: int
    forward: Made


@dataclass(frozen=True)
class Sums:
    """The gradients of those parameters that have so many units for each column."""

    units: int
    backward: Made


@dataclass(frozen=True)
class NumberLayer:
    """An input layer that takes numbers."""

    parts: tuple[UnitGroup, ...]
    sums: tuple[Sums, ...]

    @property
    def copies(self) -> int:
        """How often the columns are to stand side by side: a part's kernel walks over them all as one row."""
        return max(part.units for part in self.parts)


@dataclass(frozen=True)
class Lookup:
    """An input layer that looks up a vector of so many units for each code."""

    units: int
    levels: int


def input_part(
    layer: Input, trace: Tracer, traced: Callable[[str, Callable[[], Any]], Any], made: Callable[..., Made]
) -> NumberLayer | Lookup:
    """The kernels of a layer. Untraceable: it cannot be compiled.

    ``traced`` calls a formula of the name; ``made`` asks for the kernel of a kind, as ``Parts`` does.
    """
    what = f"input layer {layer.layer!r}"
    row: InputLayer = traced(what, lambda: layer.row(trace))
    if layer.levels is not None:
        if INPUTS[INPUTS.name(layer.layer)] is not lookup:
            raise Untraceable(f"{what}: of layers that take categories, lookup alone is compiled")
        return Lookup(row.units, layer.levels)
    units = {V: parameter.shape[0] for V, parameter in row.blocks(len(layer.columns)).items()}
    x = trace.symbol("x")
    p = {V: trace.symbol(V_symbol(V), "unit", rows=of_V) for V, of_V in units.items()}
    de = tuple(trace.symbol(de_symbol(part), rows=of_part) for part, of_part in enumerate(row.parts))
    parts: list[UnitGroup] = []
    for of_part, e in zip(row.parts, traced(what, lambda: row.forward(p, x)), strict=True):
        _require_elementwise(what, e, of_part)
        parts.append(UnitGroup(of_part, made("map", elementwise.map_signature, elementwise.write_map, {"A": e})))
    dV: dict[str, Expression] = traced(what, lambda: row.backward(p, x, de))
    terms: dict[int, dict[str, Expression]] = {}
    for V, total in dV.items():
        if total.op != "sum_examples":
            raise Untraceable(f"{what}: the gradient of {V} is not a sum over examples and nothing more")
        (term,) = total.args
        _require_elementwise(what, term, units[V])
        terms.setdefault(units[V], {})[dV_symbol(V)] = term
    how = column_sums.unit_sums_signature, column_sums.write_unit_sums
    return NumberLayer(tuple(parts), tuple(Sums(of_V, made("unit sums", *how, each)) for of_V, each in terms.items()))


def V_symbol(V: str) -> str:
    """What kernels call a parameter,"""
    return f"V {V}"


def dV_symbol(V: str) -> str:
    """its gradient,"""
    return f"dV {V}"


def de_symbol(part: int) -> str:
    """and the gradient of a part of e."""
    return f"de {part}"


def _require_elementwise(what: str, e: Expression, units: int) -> None:
    """Untraceable: a kernel that walks over the columns of so many units could not work it out."""
    found: Sequence[Expression] = list(walk([e]))
    if any(inner.op in REDUCTIONS for inner in found):
        raise Untraceable(f"{what}: a sum over units or examples inside; here a formula acts on one element at a time")
    if any(inner.op == "symbol" and inner.rows not in (None, units) for inner in found):
        raise Untraceable(f"{what}: what has {units} units is made of parameters with another number of units")
