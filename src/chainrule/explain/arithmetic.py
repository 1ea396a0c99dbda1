"""The arithmetic of one entry of a trace: its equation, its terms, and where each factor comes from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import RequestError

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
        return f"{self.name}[{self.layer}][{self.row},{self.col}]"


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
            f"{name}[{layer}] has rows 0 to {V.shape[0] - 1} and columns 0 to {V.shape[1] - 1}, not [{row},{col}]."
        )
    entry = _at(trace, name, layer, row, col)
    equation, terms = _RULES[name](trace, layer, row, col)
    return Arithmetic(str(entry), equation, tuple(terms), entry.value)


def _at(trace: Any, name: str, layer: int, row: int, col: int) -> Factor:
    return Factor(name, layer, row, col, float(trace.array(name, layer)[row, col]))


def _product(*factors: Factor) -> Term:
    return Term(factors, float(np.prod([f.value for f in factors])), " * ".join(_text(f.value) for f in factors))


def _single(factor: Factor) -> Term:
    return Term((factor,), factor.value, _text(factor.value))


def _text(number: float) -> str:
    return f"({number:.6g})" if number < 0.0 else f"{number:.6g}"


def _given(trace: Any, l: int, row: int, col: int) -> tuple[str, list[Term]]:
    return "a parameter of the network", []


def _Z(trace: Any, l: int, j: int, i: int) -> tuple[str, list[Term]]:
    terms = [_product(_at(trace, "W", l, j, k), _at(trace, "A", l - 1, k, i)) for k in range(trace.A[l - 1].shape[0])]
    bias = _at(trace, "b", l, j, 0)
    return f"sum_k W[{l}][{j},k] A[{l - 1}][k,{i}] + b[{l}][{j}]", [*terms, _single(bias)]


def _A(trace: Any, l: int, j: int, i: int) -> tuple[str, list[Term]]:
    if l == 0:
        return f"X, unit {j} ({trace.subject.inputs[j]}) of row {i}", []
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


def _dZ(trace: Any, l: int, j: int, i: int) -> tuple[str, list[Term]]:
    if l < trace.L:
        dA = _at(trace, "dA", l, j, i)
        Z = _at(trace, "Z", l, j, i)
        given = np.broadcast_to(trace.formulas.slope[l](trace.Z[l], trace.A[l]), trace.Z[l].shape)
        slope = float(given[j, i])
        return (
            f"dA[{l}][{j},{i}] g'(Z[{l}][{j},{i}]), g = {trace.subject.network.activation[l - 1]}",
            [Term((dA, Z), dA.value * slope, f"{_text(dA.value)} * {_text(slope)}")],
        )
    value, share = float(trace.dZ[l][j, i]), float(trace.share[i])
    A, y = _at(trace, "A", l, j, i), float(trace.subject.targets[i, j])
    loss = trace.subject.network.loss
    if np.isclose(value, share * (A.value - y), rtol=1e-12, atol=0.0):  # the losses whose link is their own
        return (
            f"share_{i} (A[{l}][{j},{i}] - Y[{j},{i}]), for {loss}",
            [Term((A,), value, f"{share:.6g} * ({A.value:.6g} - {_text(y)})")],
        )
    Z = _at(trace, "Z", l, j, i)
    return f"share_{i} dloss/dZ[{l}][{j},{i}], for {loss}", [Term((Z,), value, f"{share:.6g} * {_text(value / share)}")]


def _dA(trace: Any, l: int, k: int, i: int) -> tuple[str, list[Term]]:
    n_next = trace.W[l + 1].shape[0]
    terms = [_product(_at(trace, "W", l + 1, j, k), _at(trace, "dZ", l + 1, j, i)) for j in range(n_next)]
    return f"sum_j W[{l + 1}][j,{k}] dZ[{l + 1}][j,{i}]", terms


def _dW(trace: Any, l: int, j: int, k: int) -> tuple[str, list[Term]]:
    terms = [_product(_at(trace, "dZ", l, j, i), _at(trace, "A", l - 1, k, i)) for i in range(trace.m)]
    equation = f"sum_i dZ[{l}][{j},i] A[{l - 1}][{k},i]"
    for row, spec in zip(trace.formulas.penalties, trace.subject.network.penalties, strict=True):
        w = _at(trace, "W", l, j, k)
        slope = float(row.slope(np.array(w.value), float(trace.m)))
        terms.append(Term((w,), slope, _text(slope)))
        equation += f" + slope of {spec}"
    return equation, terms


def _db(trace: Any, l: int, j: int, _: int) -> tuple[str, list[Term]]:
    entries = [_at(trace, "dZ", l, j, i) for i in range(trace.m)]
    return f"sum_i dZ[{l}][{j},i]", [_single(entry) for entry in entries]


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


_RULES = {"W": _given, "b": _given, "Z": _Z, "A": _A, "dZ": _dZ, "dA": _dA, "dW": _dW, "db": _db}
