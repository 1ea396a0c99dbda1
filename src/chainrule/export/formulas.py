"""What a layer computes, as an expression that a file can be written from: A[l] of Z[l], for any row of the tables.

    named = Named("float32")
    relu = ACTIVATIONS.make("relu", named)
    relu.g(named.symbol("Z"))                   # an Expression: maximum(Z, 0)

The operations of such an expression (``e.op``), each with its arguments ``e.args``:

    symbol              Z; with ``rows`` = n[L] in the link of the last layer
    number              the constant ``e.value``
    cast                the argument in the dtype of the network
    add sub mul div     of two; neg abs sqrt floor rint exp expm1 log log1p tanh sign of one; maximum minimum of two,
                        NaN where one is
    lt le gt ge eq ne   of two numbers: truth values; and, or, not of those
    select              (condition, a, b): a where the condition holds, else b
    sum_outputs max_outputs   over the outputs of each example
    output              output number ``e.value`` of the argument, one for each example
    stack               outputs from their values, one argument for each
"""

from collections.abc import Callable
from typing import Any

from chainrule.engines.fused.expressions import Expression, Trace, Untraceable, walk
from chainrule.errors import ChainruleError, RequestError
from chainrule.formulas.table import Functions
from chainrule.network import Network

UNARY = ("neg", "abs", "sqrt", "floor", "rint", "exp", "expm1", "log", "log1p", "tanh", "sign")
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
LOGICAL = ("and", "or", "not")
OVER_OUTPUTS = ("sum_outputs", "max_outputs", "output", "stack")
KNOWN = (*UNARY, *BINARY, *COMPARISONS, *LOGICAL, *OVER_OUTPUTS, "symbol", "number", "cast", "select")


class Named(Trace):
    """A Trace that keeps functions such as exp under their names, where compiling takes them apart."""

    def function(self, name: str) -> Callable[..., Any]:
        """The function of the array namespace that goes by this name."""
        if name in ("exp", "expm1", "log", "log1p", "tanh", "sign"):
            return lambda x: self.apply(name, self.operands(x))
        if name in ("maximum", "minimum"):
            return lambda left, right: self._chosen(name, left, right)
        if name == "clip":
            return self._clip
        if name == "logaddexp":
            return self._logaddexp
        return super().function(name)

    def _chosen(self, name: str, left: Any, right: Any) -> Any:
        operands = self.operands(left, right)
        if operands[0].dtype == "bool":
            raise Untraceable(f"{name} of two truth values: where(condition, a, b) makes numbers of them")
        return self.apply(name, operands)

    def _clip(self, x: Any, a_min: Any = None, a_max: Any = None) -> Any:
        at_least = x if a_min is None else self.maximum(x, a_min)
        return at_least if a_max is None else self.minimum(at_least, a_max)

    def _logaddexp(self, left: Any, right: Any) -> Any:
        return self.maximum(left, right) + self.log1p(self.exp(-abs(left - right)))


def layers(network: Network, functions: Functions | None = None) -> list[Expression]:
    """A[l] as an expression of the symbol Z, for l = 1..L; the last one is the link of the loss.

    RequestError: a function of one's own of which no expression can be made.
    """
    named = Named(network.dtype)
    g = network.formulas(named, functions).g
    made = []
    for l in range(1, network.L + 1):
        what = f"activation {network.activation[l - 1]!r}" if l < network.L else f"the link of loss {network.loss!r}"
        made.append(_traced(what, g[l], named.symbol("Z", rows=network.n[l])))
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
