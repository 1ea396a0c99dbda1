"""The functions of the array namespace: what a formula finds by NumPy's names.

Each is a function of (trace, arguments).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.ir.expressions import Expression, Untraceable
from chainrule.ir.single_operations import select

if TYPE_CHECKING:
    from chainrule.ir.tracer import Tracer


def where(trace: "Tracer", condition: Expression, a: Any, b: Any) -> Expression:
    """a where the condition holds, else b."""
    return select(condition, a, b)


def clip(trace: "Tracer", x: Any, a_min: Any = None, a_max: Any = None) -> Expression:
    """x, but at least a_min and at most a_max; NaN of NaN."""
    at_least = x if a_min is None else trace.maximum(x, a_min)
    return at_least if a_max is None else trace.minimum(at_least, a_max)


def power(trace: "Tracer", x: Any, exponent: Any) -> Expression:
    """x^exponent, one of them a plain number."""
    return trace.power(x, exponent) if isinstance(x, Expression) else trace.power_of(x, exponent)


def logaddexp(trace: "Tracer", a: Any, b: Any) -> Expression:
    """log(e^a + e^b) = max(a, b) + log(1 + e^-|a - b|): within a few units in the last place of the largest of them."""
    x, y = trace.operands(a, b)
    apart = select(trace.compare("eq", x, y), 0.0, abs(x - y))  # inf - inf is NaN
    return trace.maximum(x, y) + trace.log1p(trace.exp(-apart))


def full_like(trace: "Tracer", x: Expression, number: float) -> Expression:
    """The number in the dtype of x."""
    return trace.number(number) if x.weak else x.like(number)


def largest(trace: "Tracer", x: Expression, axis: int | None = None, keepdims: bool = False) -> Expression:
    """The largest element: of each example (axis 0), or of all."""
    return trace.reduce("max", x, axis, keepdims)


def total(trace: "Tracer", x: Expression, axis: int | None = None, keepdims: bool = False) -> Expression:
    """The sum of the elements: of each example (axis 0), or of all."""
    return trace.reduce("sum", x, axis, keepdims)


def _real(op: str) -> Callable[..., Expression]:
    """A function of real numbers that keeps its name."""

    def function(trace: "Tracer", *given: Any) -> Expression:
        operands = trace.operands(*given)
        if not operands[0].dtype.startswith("float"):
            if len(operands) == 2:
                raise Untraceable(f"{op} of two booleans: where(condition, a, b) makes numbers of them")
            raise Untraceable(f"{op} of {operands[0].dtype}: a real number is expected")
        return trace.apply(op, operands)

    return function


def _unary(op: str) -> Callable[..., Expression]:
    return lambda trace, x: trace.unary(op, x)


def _binary(op: str) -> Callable[..., Expression]:
    return lambda trace, left, right: trace.binary(op, left, right)


def _comparison(op: str) -> Callable[..., Expression]:
    return lambda trace, left, right: trace.compare(op, left, right)


def stacked(trace: "Tracer", parts: Any, axis: int = 0) -> Expression:
    """Outputs from one number of each example apiece."""
    if axis != 0:
        raise Untraceable(f"concat over axis {axis}: axis 0 is compiled")
    return trace.stack(parts)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{op: _real(op) for op in ("exp", "expm1", "log", "log1p", "tanh", "sign", "maximum", "minimum")},
    "logaddexp": logaddexp,
    "clip": clip,
    "where": where,
    "sqrt": _unary("sqrt"),
    "floor": _unary("floor"),
    "rint": _unary("rint"),
    "negative": _unary("neg"),
    **dict.fromkeys(("abs", "absolute", "fabs"), _unary("abs")),
    "positive": lambda trace, x: x,
    "square": lambda trace, x: trace.binary("mul", x, x),
    "reciprocal": lambda trace, x: trace.divide(1.0, x),
    "add": _binary("add"),
    "subtract": _binary("sub"),
    "multiply": _binary("mul"),
    **dict.fromkeys(("divide", "true_divide"), lambda trace, left, right: trace.divide(left, right)),
    "power": power,
    "less": _comparison("lt"),
    "less_equal": _comparison("le"),
    "greater": _comparison("gt"),
    "greater_equal": _comparison("ge"),
    "equal": _comparison("eq"),
    "not_equal": _comparison("ne"),
    "logical_and": _binary("and"),
    "logical_or": _binary("or"),
    "logical_not": _unary("not"),
    "isnan": lambda trace, x: trace.compare("ne", x, x),
    "ones_like": lambda trace, x: trace.ones_like(x),
    "zeros_like": lambda trace, x: full_like(trace, x, 0.0),
    "full_like": full_like,
    **dict.fromkeys(("max", "amax"), largest),
    **dict.fromkeys(("concat", "concatenate"), stacked),
    "sum": total,
}
