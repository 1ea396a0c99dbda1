"""What a layer computes, as an expression that a file can be written from: A[l] of the symbol Z, for any row."""

from typing import Any

from chainrule.errors import ChainruleError, RequestError
from chainrule.formulas.table import Functions
from chainrule.ir import Expression, Trace, walk
from chainrule.network import Network

UNARY = ("neg", "abs", "sqrt", "floor", "rint", "exp", "expm1", "log", "log1p", "tanh", "sign")
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
LOGICAL = ("and", "or", "not")
OVER_OUTPUTS = ("sum_outputs", "max_outputs", "output", "stack")
KNOWN = (*UNARY, *BINARY, *COMPARISONS, *LOGICAL, *OVER_OUTPUTS, "symbol", "number", "cast", "select")


def layers(network: Network, functions: Functions | None = None) -> list[Expression]:
    """A[l] as an expression of the symbol Z, for l = 1..L; the last one is the link of the loss.

    RequestError: a function of one's own of which no expression can be made.
    """
    trace = Trace(network.dtype)
    g = network.formulas(trace, functions).g
    made = []
    for l in range(1, network.L + 1):
        what = f"activation {network.activation[l - 1]!r}" if l < network.L else f"the link of loss {network.loss!r}"
        made.append(_traced(what, g[l], trace.symbol("Z", rows=network.n[l])))
    return made


def _traced(what: str, g: Any, Z: Expression) -> Expression:
    try:
        A = g(Z)
        A = Z.trace.cast(A if isinstance(A, Expression) else Z.trace.number(A), Z.dtype)
    except ChainruleError as reason:
        raise RequestError(f"{what} cannot be exported: {reason}.") from reason
    except Exception as reason:
        raise RequestError(f"{what} cannot be exported: {type(reason).__name__}: {reason}.") from reason
    strange = next((e.op for e in walk([A]) if e.op not in KNOWN), None)
    if strange:
        raise RequestError(f"{what} cannot be exported: it uses {strange}, which has no form outside of chainrule.")
    return A
