"""Formulas as expressions: a row of a table, called with symbols in place of arrays, tells what it computes.

    trace = Trace("float32")
    Z = trace.symbol("Z")
    relu = ACTIVATIONS.make("relu", trace)      # ``trace`` is the array namespace
    relu.g(Z)                                   # an Expression: maximum(Z, 0)

So the rows need no second form for compiled code, a user's own function is compiled in the same way (also where it
calls NumPy itself: ``np.exp(Z)``), and an expression is its own description: two rows that differ in a constant differ
in their expressions. Equal expressions are one object, so what g and its slope share is computed once.

dtype and reach of an expression:

    float32, float64   real numbers; ``weak`` ones are Python's floats, and take the dtype of what they meet
    int32, int64       the bits of a real of the same width, or a whole number; bool
    each               a value for every element       example   one for every example (a reduction over outputs)
    one                the same for all: a learning rate, a sum over everything
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError

REACHES = ("one", "example", "each")


class Untraceable(ChainruleError):
    """A function that cannot be compiled: what it does depends on values that are known only when it runs."""


class Expression:
    """One operation and what it is applied to; made by a Trace, compared by identity."""

    __slots__ = ("args", "dtype", "op", "reach", "rows", "trace", "value", "weak")

    def __init__(
        self,
        trace: "Trace",
        op: str,
        args: tuple["Expression", ...],
        dtype: str,
        reach: str,
        weak: bool = False,
        value: Any = None,
        rows: int | None = None,
    ) -> None:
        self.trace = trace
        self.op = op
        self.args = args
        self.dtype = dtype
        self.reach = reach
        self.weak = weak
        self.value = value  # of a constant; the name of a symbol; the place of a reduction
        self.rows = rows  # how many outputs there are, where that is known

    @property
    def shape(self) -> tuple[Any, Any]:
        """(units, examples); how many examples there are is known only when it runs."""
        if self.rows is None:
            raise Untraceable("the shape is not known when a formula is compiled")
        return (self.rows, None)

    @property
    def is_number(self) -> bool:
        """A constant."""
        return self.op == "number"

    def like(self, number: float) -> "Expression":
        """A constant of this expression's dtype."""
        return self.trace.constant(number, self.dtype)

    def __add__(self, other: Any) -> "Expression":
        return self.trace.binary("add", self, other)

    def __radd__(self, other: Any) -> "Expression":
        return self.trace.binary("add", other, self)

    def __sub__(self, other: Any) -> "Expression":
        return self.trace.binary("sub", self, other)

    def __rsub__(self, other: Any) -> "Expression":
        return self.trace.binary("sub", other, self)

    def __mul__(self, other: Any) -> "Expression":
        return self.trace.binary("mul", self, other)

    def __rmul__(self, other: Any) -> "Expression":
        return self.trace.binary("mul", other, self)

    def __truediv__(self, other: Any) -> "Expression":
        return self.trace.divide(self, other)

    def __rtruediv__(self, other: Any) -> "Expression":
        return self.trace.divide(other, self)

    def __neg__(self) -> "Expression":
        return self.trace.unary("neg", self)

    def __pos__(self) -> "Expression":
        return self

    def __abs__(self) -> "Expression":
        return self.trace.unary("abs", self)

    def __pow__(self, exponent: Any) -> "Expression":
        return self.trace.power(self, exponent)

    def __rpow__(self, base: Any) -> "Expression":
        return self.trace.power_of(base, self)

    def __lt__(self, other: Any) -> "Expression":
        return self.trace.compare("lt", self, other)

    def __le__(self, other: Any) -> "Expression":
        return self.trace.compare("le", self, other)

    def __gt__(self, other: Any) -> "Expression":
        return self.trace.compare("gt", self, other)

    def __ge__(self, other: Any) -> "Expression":
        return self.trace.compare("ge", self, other)

    def __eq__(self, other: Any) -> "Expression":  # type: ignore[override]
        return self.trace.compare("eq", self, other)

    def __ne__(self, other: Any) -> "Expression":  # type: ignore[override]
        return self.trace.compare("ne", self, other)

    def __and__(self, other: Any) -> "Expression":
        return self.trace.binary("and", self, other)

    def __or__(self, other: Any) -> "Expression":
        return self.trace.binary("or", self, other)

    def __invert__(self) -> "Expression":
        return self.trace.unary("not", self)

    def __lshift__(self, other: Any) -> "Expression":
        return self.trace.binary("shl", self, other)

    def __rshift__(self, other: Any) -> "Expression":
        return self.trace.binary("ashr", self, other)

    __hash__ = object.__hash__

    def __getitem__(self, key: Any) -> "Expression":
        return self.trace.output(self, key)

    def __bool__(self) -> bool:
        raise Untraceable("'if' asks for a value that is known only when it runs; where(condition, a, b) does not")

    def __float__(self) -> float:
        raise Untraceable("a plain number is asked for where the value is known only when it runs")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> "Expression":
        if method != "__call__" or options:
            raise Untraceable(f"{ufunc.__name__}.{method} with options {sorted(options)}")
        return self.trace.function(ufunc.__name__)(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> "Expression":
        return self.trace.function(function.__name__)(*args, **options)


def walk(outputs: list[Expression]) -> Iterator[Expression]:
    """All expressions that the outputs rest on, each once, what is needed first."""
    seen: set[Expression] = set()
    stack: list[tuple[Expression, bool]] = [(e, False) for e in reversed(outputs)]
    while stack:
        e, ready = stack.pop()
        if e in seen:
            continue
        if ready:
            seen.add(e)
            yield e
        else:
            stack.append((e, True))
            stack.extend((a, False) for a in reversed(e.args))


def describe(outputs: list[Expression]) -> str:
    """The outputs as text, complete: the same text means the same computation, bit for bit."""
    number: dict[Expression, int] = {}
    lines: list[str] = []
    for e in walk(outputs):
        number[e] = len(number)
        value = float(e.value).hex() if isinstance(e.value, float) else e.value
        lines.append(f"{e.op} {value} {[number[a] for a in e.args]} {e.dtype} {e.reach}")
    return "\n".join([*lines, str([number[e] for e in outputs])])


class Trace:
    """Makes expressions, and is the array namespace that rows are called with."""

    pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self._made: dict[Any, Expression] = {}

    def symbol(
        self, name: str, reach: str = "each", rows: int | None = None, weak: bool = False, whole: bool = False
    ) -> Expression:
        """An input. ``weak``: a Python float, the same for all; ``whole``: a whole number, the same for all."""
        dtype = "int64" if whole else "float64" if weak else self.dtype
        return self.make("symbol", (), dtype, reach, weak, name, rows)

    def constant(self, number: float, dtype: str) -> Expression:
        """A number of a dtype, rounded to it."""
        if dtype.startswith("float"):
            return self.make("number", (), dtype, "one", False, float(np.dtype(dtype).type(number)))
        return self.make("number", (), dtype, "one", False, int(number))

    def number(self, number: Any) -> Expression:
        """Python's number: float64 until it meets an expression of a dtype."""
        try:
            return self.make("number", (), "float64", "one", True, float(number))
        except (TypeError, ValueError):
            raise Untraceable(f"{type(number).__name__} stands where a number is expected") from None

    def make(
        self,
        op: str,
        args: tuple[Expression, ...],
        dtype: str,
        reach: str,
        weak: bool = False,
        value: Any = None,
        rows: int | None = None,
    ) -> Expression:
        """The expression, the same object each time."""
        told_apart = value.hex() if isinstance(value, float) else value  # 0.0 == -0.0, and nan != nan
        key = (op, args, dtype, reach, weak, told_apart, rows if op == "symbol" else None)
        if key not in self._made:
            self._made[key] = Expression(self, op, args, dtype, reach, weak, value, rows)
        return self._made[key]

    def operands(self, *given: Any) -> tuple[Expression, ...]:
        """Each as an expression, all of one dtype."""
        operands = [g if isinstance(g, Expression) else None for g in given]
        if any(o is None or o.dtype != "bool" for o in operands):  # where numbers meet it, True counts as 1
            operands = [self._counted(o) if o is not None and o.dtype == "bool" else o for o in operands]
        known = [o for o in operands if o is not None]
        strong = [o for o in known if not o.weak]
        if strong and not strong[0].dtype.startswith("float"):
            dtype = strong[0].dtype
            return tuple(self.constant(g, dtype) if o is None else o for g, o in zip(given, operands, strict=True))
        made = [self.number(g) if o is None else o for g, o in zip(given, operands, strict=True)]
        return tuple(self.cast(o, strong[0].dtype) for o in made) if strong else tuple(made)

    def _counted(self, condition: Expression) -> Expression:
        return self.apply("select", (condition, self.number(1.0), self.number(0.0)))

    def cast(self, e: Expression, dtype: str) -> Expression:
        """A real number in a dtype."""
        if not e.weak:
            if e.dtype != dtype:
                raise Untraceable(f"{e.dtype} and {dtype} meet in one operation")
            return e
        if e.is_number:
            return self.constant(e.value, dtype)
        return self.make("cast", (e,), dtype, e.reach, rows=e.rows)

    def apply(self, op: str, args: tuple[Expression, ...], dtype: str | None = None) -> Expression:
        """An operation element by element; the result reaches as far as the widest operand."""
        reach = max((a.reach for a in args), key=REACHES.index)
        rows = next((a.rows for a in args if a.rows is not None), None)
        weak = dtype is None and all(a.weak for a in args if a.dtype != "bool")
        return self.make(op, args, dtype or args[-1].dtype, reach, weak, rows=rows)

    def unary(self, op: str, given: Any) -> Expression:
        """neg, abs, sqrt, floor, rint, not."""
        (x,) = self.operands(given)
        if x.is_number and op in _UNARY:
            return self.make("number", (), x.dtype, "one", x.weak, _UNARY[op](x.value))
        return self.apply(op, (x,))

    def binary(self, op: str, left: Any, right: Any) -> Expression:
        """add, sub, mul, div; and, or, shl, ashr of whole numbers and bits."""
        x, y = self.operands(left, right)
        if x.is_number and y.is_number and x.weak and y.weak:
            return self.number(_BINARY[op](x.value, y.value))
        if x.dtype == "bool":  # as NumPy has it: the sum of two truths is true, their product too
            op = {"add": "or", "mul": "and"}.get(op, op)
            if op not in ("and", "or"):
                raise Untraceable(f"{op} of two truth values: where(condition, a, b) makes numbers of them")
        return self.apply(op, (x, y))

    def divide(self, left: Any, right: Any) -> Expression:
        """left / right. What is the same for all divides once: the elements are multiplied by its reciprocal."""
        if isinstance(left, Expression) and left.reach == "each":
            divisor = right if isinstance(right, Expression) else self.number(right)
            if divisor.reach == "one" and not (divisor.is_number and abs(divisor.value) < 1e-30):
                return left * self.binary("div", 1.0, divisor)
        return self.binary("div", left, right)

    def compare(self, op: str, left: Any, right: Any) -> Expression:
        """lt, le, gt, ge, eq, ne: bool; with NaN all are false but ne."""
        x, y = self.operands(left, right)
        if x.dtype == "bool" and op not in ("eq", "ne"):
            raise Untraceable(f"{op} of two truth values: where(condition, a, b) makes numbers of them")
        return self.apply(op, (x, y), "bool")

    def power(self, x: Expression, exponent: Any) -> Expression:
        """x^k for a whole k, by squaring, and the square root."""
        if isinstance(exponent, Expression) and exponent.is_number:
            exponent = exponent.value
        if isinstance(exponent, Expression) or not math.isfinite(exponent):
            raise Untraceable("a power whose exponent is not a plain number")
        if exponent == 0.5:
            return self.unary("sqrt", x)
        if exponent != int(exponent) or abs(exponent) > 64:
            raise Untraceable(f"a power with exponent {exponent}: only 0.5 and whole numbers up to 64 are compiled")
        if exponent < 0:
            return self.divide(1.0, self.power(x, -exponent))
        result, square, k = self.ones_like(x), x, int(exponent)
        first = True
        while k:
            if k & 1:
                result, first = (square if first else result * square), False
            k >>= 1
            if k:
                square = square * square
        return result

    def power_of(self, base: Any, exponent: Expression) -> Expression:
        """A plain number to a whole power known when it runs, such as beta1^t, by squaring in float64."""
        if exponent.dtype != "int64" or exponent.reach != "one":
            raise Untraceable("a power whose exponent is not a plain number")
        return self.make("power", (self.number(base), exponent), "float64", "one", True)

    def function(self, name: str) -> Callable[..., Any]:
        """The function of the array namespace that goes by this name."""
        from chainrule.engines.fused.elementary import FUNCTIONS

        if name not in FUNCTIONS:
            raise Untraceable(f"{name} is not among the functions that are compiled: {', '.join(FUNCTIONS)}")
        function = FUNCTIONS[name]
        return lambda *args, **options: function(self, *args, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.function(name)

    def ones_like(self, x: Expression) -> Expression:
        """1 in the dtype of x."""
        return self.constant(1.0, x.dtype) if not x.weak else self.number(1.0)

    def reduce(self, op: str, x: Expression, axis: int | None, keepdims: bool) -> Expression:
        """The sum or largest of the elements: over outputs (axis 0, an example's), or over all."""
        if x.reach != "each":
            raise Untraceable(f"a {op} over what does not vary")
        if axis == 0 and keepdims:
            return self.make(f"{op}_outputs", (x,), x.dtype, "example", rows=1)
        if axis is None and not keepdims:
            return self.make(f"{op}_all", (x,), x.dtype, "one")
        raise Untraceable(f"a {op} over axis {axis} with keepdims={keepdims}: axis=0 with keepdims=True is compiled")

    def output(self, x: Expression, key: Any) -> Expression:
        """One output of each example, as x[k : k + 1, :]."""
        rows = x.rows
        if isinstance(key, tuple) and len(key) == 2 and key[1] == slice(None):
            key = key[0]
        if not isinstance(key, slice) or rows is None or x.reach != "each":
            raise Untraceable("of an array whose outputs are known x[k : k + 1, :] is compiled, and no other index")
        first, last, step = key.indices(rows)
        if (last - first, step) != (1, 1):
            raise Untraceable(f"x[{key.start}:{key.stop}]: one output at a time is compiled, x[k : k + 1, :]")
        return self.make("output", (x,), x.dtype, "example", x.weak, first, rows=1)

    def stack(self, parts: Sequence[Any]) -> Expression:
        """Outputs from one number of each example apiece."""
        operands = self.operands(*parts)
        if any(o.reach == "each" for o in operands):
            raise Untraceable("concat of what has several outputs")
        return self.make("stack", operands, operands[0].dtype, "each", operands[0].weak, rows=len(operands))


_UNARY: dict[str, Callable[[float], float]] = {"neg": lambda a: -a, "abs": abs, "sqrt": math.sqrt}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
