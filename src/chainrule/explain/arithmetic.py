"""The arithmetic of one entry of a trace: its equation, its terms, and where each factor comes from."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.explain import input_units
from chainrule.explain.input_units import place

SHOWN = 12  # terms that the text writes out


@dataclass(frozen=True)
class Factor:
    """A number that stands in an array of the trace: where, as ``explain`` takes it, and its value."""

    name: str
    layer: int
    row: int
    col: int
    value: float

    def __str__(self) -> str:
        return place(self.name, self.layer, self.row, self.col)


@dataclass(frozen=True)
class Term:
    """One term of the sum: its factors, or what it is worked out from; ``said`` is its arithmetic in numbers."""

    factors: tuple[Factor, ...]
    value: float
    said: str


@dataclass(frozen=True)
class Arithmetic:
    """An entry, the equation that gives it, and the terms of the sum that it is.

    ``equation`` has the letters of the notes; ``value`` is the entry itself, and the sum of the terms to rounding.
    """

    entry: str
    equation: str
    terms: tuple[Term, ...]
    value: float

    def __str__(self) -> str:
        shown = [t.said for t in self.terms[:SHOWN]]
        rest = self.terms[SHOWN:]
        if rest:
            shown.append(f"({len(rest)} more terms: {sum(t.value for t in rest):.6g})")
        lines = [f"{self.entry} = {self.equation}", *([" + ".join(shown)] if shown else []), f"{self.value:.6g}"]
        return "\n  = ".join(lines)

    __repr__ = __str__


def arithmetic(trace: Any, name: str, layer: int, row: int, col: int) -> Arithmetic:
    """How one entry of a trace is worked out. RequestError: there is no such entry."""
    if name == "J":
        return _cost(trace)
    V = trace.array(name, layer)
    if not (0 <= row < V.shape[0] and 0 <= col < V.shape[1]):
        raise RequestError(
            f"{place(name, layer)} has rows 0 to {V.shape[0] - 1} and columns 0 to {V.shape[1] - 1}, not [{row},{col}]."
        )
    entry = _at(trace, name, layer, row, col)
    rule = _RULES[name] if name in _RULES else partial(_before, name=name)
    equation, terms = rule(trace, layer, row, col)
    return Arithmetic(str(entry), equation, tuple(terms), entry.value)


def _at(trace: Any, name: str, layer: int, row: int, col: int) -> Factor:
    return Factor(name, layer, row, col, float(trace.array(name, layer)[row, col]))


def _product(*factors: Factor) -> Term:
    return Term(factors, float(np.prod([f.value for f in factors])), " * ".join(_text(f.value) for f in factors))


def _single(factor: Factor) -> Term:
    return Term((factor,), factor.value, _text(factor.value))


def _text(number: float) -> str:
    return f"({number:.6g})" if number < 0.0 else f"{number:.6g}"


def _numbers(factors: tuple[Factor, ...]) -> str:
    return ", ".join(f"{factor} = {factor.value:.6g}" for factor in factors)


def _given(trace: Any, l: int, row: int, col: int) -> tuple[str, list[Term]]:
    return "a parameter of the network", []


@dataclass(frozen=True)
class Sum:
    """A sum of products: its index, how many terms it has, and its factors.

    A factor is (name, layer, row, column), where row and column are "row", "col" of the entry, or the index.
    """

    index: str
    count: int
    factors: tuple[tuple[str, int, str, str], ...]


def sums(trace: Any, l: int) -> dict[str, Sum]:
    """The sums that entries of layer l are made of, by the array; also those of the page, which only reads them."""
    n, m = trace.subject.network.n, trace.m
    found = {}
    if l > 0:
        found["Z"] = Sum("k", n[l - 1], (("W", l, "row", "k"), ("A", l - 1, "k", "col")))
        found["dW"] = Sum("i", m, (("dZ", l, "row", "i"), ("A", l - 1, "col", "i")))
        found["db"] = Sum("i", m, (("dZ", l, "row", "i"),))
    if l < trace.L:
        found["dA"] = Sum("j", n[l + 1], (("W", l + 1, "j", "row"), ("dZ", l + 1, "j", "col")))
    return found


def _sum(trace: Any, l: int, row: int, col: int, name: str) -> tuple[str, list[Term]]:
    of = sums(trace, l)[name]

    def factors(index: Any) -> list[tuple[str, int, Any, Any]]:
        places = {"row": row, "col": col, of.index: index}
        return [(V, layer, places[r], places[c]) for V, layer, r, c in of.factors]

    terms = [_product(*(_at(trace, *factor) for factor in factors(k))) for k in range(of.count)]
    return f"sum_{of.index} {' '.join(place(*factor) for factor in factors(of.index))}", terms


def _Z(trace: Any, l: int, j: int, i: int) -> tuple[str, list[Term]]:
    equation, terms = _sum(trace, l, j, i, "Z")
    return f"{equation} + b[{l}][{j}]", [*terms, _single(_at(trace, "b", l, j, 0))]


def _A(trace: Any, l: int, j: int, i: int) -> tuple[str, list[Term]]:
    if l == 0:
        if trace.before:
            return _e(trace, j, i)
        return f"X, unit {j} ({trace.subject.units[j]}) of row {i}", []
    network = trace.subject.network
    value = float(trace.A[l][j, i])
    if l == trace.L and not trace.formulas.loss.elementwise:  # the outputs of a row belong together
        factors = tuple(_at(trace, "Z", l, k, i) for k in range(network.n[l]))
        link = trace.formulas.loss.link
        numbers = ", ".join(f"{f.value:.6g}" for f in factors)
        return f"{link}(Z[{l}][:,{i}])[{j}]", [Term(factors, value, f"{link}({numbers})[{j}]")]
    g = trace.formulas.loss.link if l == trace.L else network.activation[l - 1]
    Z = _at(trace, "Z", l, j, i)
    return f"g(Z[{l}][{j},{i}]), g = {g}", [Term((Z,), value, f"g({Z.value:.6g})")]


def _e(trace: Any, j: int, i: int) -> tuple[str, list[Term]]:
    """A unit that an input layer made, or a column that is handed on."""
    of, network = trace.subject, trace.subject.network
    unit = input_units.unit(network, j)
    if unit.i is None:
        x = _at(trace, "X", 0, unit.column, i)
        return f"{x}, which is handed on", [_single(x)]
    layer, row = network.input_layers[unit.i], network.input_layers[unit.i].row(np)
    said = input_units.forward_statements(row, unit.part)
    column = input_units.column_names(layer, of.inputs, of.categories)[unit.k]
    factors = factors_of_unit(trace, unit, i)
    value = float(trace.A[0][j, i])
    equation = f"{'; '.join(map(str, said))}, for {layer.layer} of {column}"
    return equation, [Term(factors, value, f"{said[0].left} at {_numbers(factors)}")]


def factors_of_unit(trace: Any, unit: input_units.Unit, i: int) -> tuple[Factor, ...]:
    """The parameters that a unit has in row i, and the number or the code that they meet."""
    network, code = trace.subject.network, None
    given = _at(trace, "X" if network.input_layers[unit.i].takes_numbers else "codes", 0, unit.column, i)
    if given.name == "codes":
        code = int(given.value)
    entries = input_units.entries_of(network, trace.inputs, unit, code)
    return (*(_at(trace, name, 0, row, col) for name, row, col in entries), given)


def _before(trace: Any, _: int, row: int, col: int, name: str) -> tuple[str, list[Term]]:
    """What stands before A[0]: the rows, the parameters of input layers and their slopes."""
    of = trace.subject
    if name in ("X", "codes"):
        columns = of.inputs if name == "X" else of.categories
        return f"column {row}{f' ({columns[row]})' if columns else ''} of row {col}", []
    if not name.startswith("d"):
        return _given(trace, 0, row, col)
    i, V = input_units.layer_and_letter(name)
    layer = of.network.input_layers[i]
    said = input_units.slope_statements(layer.row(np), V)
    by_example = trace.slopes_by_example[name.removeprefix("d")][row, col]
    terms: list[Term] = []
    for k, value in enumerate(map(float, by_example)):
        own = _factors_of_slope(trace, name.removeprefix("d"), row, col, k)
        if own:  # a level that the row does not have gets nothing from it
            terms.append(Term(own, value, f"{_text(value)} ({_numbers(own)})"))
    return f"{'; '.join(map(str, said))}, for {layer.layer}", terms


def _factors_of_slope(trace: Any, name: str, row: int, col: int, i: int) -> tuple[Factor, ...]:
    """In row i: dA[0] of the units that the parameter is part of, and the number or the code that it meets."""
    own: list[Factor] = []
    for j, unit in enumerate(input_units.units(trace.subject.network)):
        if unit.i == input_units.layer_and_letter(name)[0]:
            *parameters, given = factors_of_unit(trace, unit, i)
            if any((p.name, p.row, p.col) == (name, row, col) for p in parameters):
                own += [_at(trace, "dA", 0, j, i), given]
    return tuple(dict.fromkeys(own))


def differs_from_target(trace: Any) -> NDArray[np.bool_]:
    """Where dZ[L] is share_i (A[L] - Y), (n[L], m): everywhere for a loss whose link is its own, as far as it goes."""
    plain = trace.share * (trace.A[-1] - trace.subject.targets.T)
    return np.isclose(trace.dZ[-1], plain, rtol=1e-12, atol=0.0)


def _dZ(trace: Any, l: int, j: int, i: int) -> tuple[str, list[Term]]:
    if l < trace.L:
        dA = _at(trace, "dA", l, j, i)
        Z = _at(trace, "Z", l, j, i)
        slope = float(trace.slope(l)[j, i])
        return (
            f"dA[{l}][{j},{i}] g'(Z[{l}][{j},{i}]), g = {trace.subject.network.activation[l - 1]}",
            [Term((dA, Z), dA.value * slope, f"{_text(dA.value)} * {_text(slope)}")],
        )
    value, share = float(trace.dZ[l][j, i]), float(trace.share[i])
    A, y = _at(trace, "A", l, j, i), float(trace.subject.targets[i, j])
    loss = trace.subject.network.loss
    if differs_from_target(trace)[j, i]:
        return (
            f"share_{i} (A[{l}][{j},{i}] - Y[{j},{i}]), for {loss}",
            [Term((A,), value, f"{share:.6g} * ({A.value:.6g} - {_text(y)})")],
        )
    Z = _at(trace, "Z", l, j, i)
    return f"share_{i} dloss/dZ[{l}][{j},{i}], for {loss}", [Term((Z,), value, f"{share:.6g} * {_text(value / share)}")]


def _dW(trace: Any, l: int, j: int, k: int) -> tuple[str, list[Term]]:
    equation, terms = _sum(trace, l, j, k, "dW")
    for row, spec in zip(trace.formulas.penalties, trace.subject.network.penalties, strict=True):
        w = _at(trace, "W", l, j, k)
        slope = float(row.slope(np.array(w.value), float(trace.m)))
        terms.append(Term((w,), slope, _text(slope)))
        equation += f" + slope of {spec}"
    return equation, terms


def _cost(trace: Any) -> Arithmetic:
    terms = [
        Term(
            tuple(_at(trace, "Z", trace.L, k, i) for k in range(trace.A[-1].shape[0])),
            float(trace.share[i] * trace.loss[i]),
            f"{trace.share[i]:.6g} * {trace.loss[i]:.6g}",
        )
        for i in range(trace.m)
    ]
    equation = f"sum_i share_i loss_i, for {trace.subject.network.loss}"
    if trace.subject.network.penalties:
        terms.append(Term((), trace.penalty, _text(trace.penalty)))
        equation += f" + {' + '.join(trace.subject.network.penalties)}"
    return Arithmetic("J", equation, tuple(terms), trace.J)


_RULES = {
    "W": _given, "b": _given, "Z": _Z, "A": _A, "dZ": _dZ, "dA": partial(_sum, name="dA"), "dW": _dW,
    "db": partial(_sum, name="db"),
}  # fmt: skip
