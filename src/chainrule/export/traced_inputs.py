"""What the input layers of a network compute, as files can be written from it.

A layer for numbers is traced: each of its parts is an expression of x and of its parameters, element by element. A
layer for categories has but one answer for each code: the table of these, which the row itself works out, says it all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.export.formulas import ELEMENTWISE, traced
from chainrule.formulas.input_layers import INPUTS
from chainrule.inputs import Input, own_views
from chainrule.ir import Expression, Tracer, walk
from chainrule.model import Model

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class TracedPart:
    """Rows of A[0] that a layer makes: unit after unit, in each all of its columns.

    e   an expression of the symbol x, (k, m), and of parameters, (units or 1, k or 1, 1)
    """

    units: int
    e: Expression

    @property
    def parameters(self) -> list[str]:
        """The names of those that it takes."""
        return [e.value for e in walk([self.e]) if e.op == "symbol" and e.reach == "unit"]


@dataclass(frozen=True, eq=False)
class OfNumbers:
    """A layer that takes columns of numbers, with the parameters that its parts take."""

    layer: Input
    parts: tuple[TracedPart, ...]
    parameters: Arrays


@dataclass(frozen=True, eq=False)
class OfCodes:
    """A layer that takes a column of codes. T[:, c], of T (units, levels), is what it makes of the code c."""

    layer: Input
    T: NDArray[Any]


InputLayers = Sequence[OfNumbers | OfCodes]


def input_layers(model: Model) -> InputLayers:
    """The input layers of a model, in their order. RequestError: one that cannot be written."""
    views = model.parameters.views
    made: list[OfNumbers | OfCodes] = []
    for i, layer in enumerate(model.network.input_layers):
        parameters = own_views(views, i)
        if layer.takes_numbers:
            parts = _parts(layer, parameters, model.network.dtype)
            taken = {V for part in parts for V in part.parameters}
            made.append(OfNumbers(layer, parts, {V: values for V, values in parameters.items() if V in taken}))
        else:
            made.append(OfCodes(layer, np.concatenate(layer.row(np).forward(parameters, np.arange(layer.levels or 0)))))
    return made


def title(layer: OfNumbers | OfCodes) -> str:
    """The layer and its equation."""
    spec = layer.layer.layer
    return f"{INPUTS.brief(spec)}: {layer.layer.row(np).equation}"


def _parts(layer: Input, parameters: Arrays, dtype: str) -> tuple[TracedPart, ...]:
    what = f"input layer {layer.layer!r}"
    trace, k = Tracer(dtype), len(layer.columns)
    x = trace.symbol("x")
    p = {V: trace.symbol(V, "unit", rows=values.shape[0]) for V, values in parameters.items()}
    e = traced(what, trace, lambda: layer.row(trace).forward(p, x), ELEMENTWISE)
    parts = tuple(TracedPart(*each) for each in zip(layer.row(np).parts, e, strict=True))
    for part in parts:
        for V in part.parameters:
            shape = parameters[V].shape
            if len(shape) != 3 or shape[0] not in (1, part.units) or shape[1] not in (1, k) or shape[2] != 1:
                raise RequestError(
                    f"{what} cannot be exported: its parameter {V} is {shape}, not ({part.units}, {k}, 1)."
                )
    return parts
