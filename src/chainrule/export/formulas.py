"""What a layer computes, as an expression that a file can be written from: A[l] of the symbol Z, for any row."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chainrule.errors import ChainruleError, RequestError
from chainrule.formulas.table import Functions
from chainrule.ir import Expression, Tracer, walk
from chainrule.network import Network

UNARY = ("neg", "abs", "sqrt", "floor", "rint", "exp", "expm1", "log", "log1p", "tanh", "sign")
TURNS = ("cos_turns", "sin_turns")
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
LOGICAL = ("and", "or", "not")
OVER_OUTPUTS = ("sum_outputs", "max_outputs", "output", "stack")
ELEMENTWISE = (*UNARY, *TURNS, *BINARY, *COMPARISONS, *LOGICAL, "symbol", "number", "cast", "select")


def layers(network: Network, functions: Functions | None = None) -> list[Expression]:
    """A[l] as an expression of the symbol Z, for l = 1..L; the last one is the link of the loss.

    RequestError: a custom function that cannot be traced.
    """
    trace = Tracer(network.dtype)
    g = network.formulas(trace, functions).g
    made = []
    for l in range(1, network.L + 1):
        what = f"activation {network.activation[l - 1]!r}" if l < network.L else f"the link of loss {network.loss!r}"
        made.append(_of_units(what, g[l], trace.symbol("Z", rows=network.n[l])))
    return made


def _of_units(what: str, g: Any, Z: Expression) -> Expression:
    (A,) = traced(what, Z.trace, lambda: [g(Z)], (*ELEMENTWISE, *OVER_OUTPUTS))
    return A


def traced(what: str, trace: Tracer, formulas: Callable[[], Iterable[Any]], known: Sequence[str]) -> list[Expression]:
    """What formulas make of symbols, in operations that are ``known``. RequestError, with the reason, for others."""
    try:
        made = [trace.cast(A if isinstance(A, Expression) else trace.number(A), trace.dtype) for A in formulas()]
    except ChainruleError as reason:
        raise RequestError(f"{what} cannot be exported: {reason}.") from reason
    except Exception as reason:
        raise RequestError(f"{what} cannot be exported: {type(reason).__name__}: {reason}.") from reason
    strange = next((e.op for e in walk(made) if e.op not in known), None)
    if strange:
        raise RequestError(f"{what} cannot be exported: it uses {strange}, which cannot be written outside chainrule.")
    return made
