"""Formulas as expressions: a row of a table, called with symbols in place of arrays, tells what it computes.

    trace = Trace("float32")
    Z = trace.symbol("Z")
    relu = ACTIVATIONS.make("relu", trace)      # ``trace`` is the array namespace
    relu.g(Z)                                   # an Expression: maximum(Z, 0)

So the rows need no second form for compiled code or for exports, a user's own function is treated in the same way
(also where it calls NumPy itself: ``np.exp(Z)``), and an expression is its own description: two rows that differ in a
constant differ in their expressions. Equal expressions are one object, so what g and its slope share is computed once.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.ir.expressions import REACHES, Expression, Untraceable
from chainrule.ir.namespace import FUNCTIONS


class Tracer:
    """Makes expressions, and is the array namespace that rows are called with."""

    pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self._made: dict[Any, Expression] = {}

    def symbol(
        self, name: str, reach: str = "each", rows: int | None = None, weak: bool = False, whole: bool = False
    ) -> Expression:
        """An input. ``weak``: a Python float, the same for all; ``whole``: an integer, the same for all."""
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
        """An operation element by element; the result reaches as far as all operands together."""
        reach = _widest(a.reach for a in args)
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
        """add, sub, mul, div; and, or, shl, ashr of integers and bits."""
        x, y = self.operands(left, right)
        if x.is_number and y.is_number and x.weak and y.weak:
            return self.number(_BINARY[op](x.value, y.value))
        if x.dtype == "bool":  # as NumPy has it: the sum of two truths is true, their product too
            op = {"add": "or", "mul": "and"}.get(op, op)
            if op not in ("and", "or"):
                raise Untraceable(f"{op} of two booleans: where(condition, a, b) makes numbers of them")
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
            raise Untraceable(f"{op} of two booleans: where(condition, a, b) makes numbers of them")
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
            raise Untraceable(f"a power with exponent {exponent}: only 0.5 and integers up to 64 are compiled")
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

    def cos_turns(self, t: Any) -> Expression:
        """cos 2 pi t: ``formulas.turns`` asks for it by a name that NumPy does not have, and so for the next."""
        return self.apply("cos_turns", self.operands(t))

    def sin_turns(self, t: Any) -> Expression:
        """sin 2 pi t."""
        return self.apply("sin_turns", self.operands(t))

    def reduce(self, op: str, x: Expression, axis: int | None, keepdims: bool) -> Expression:
        """The sum or largest of the elements: over outputs (axis 0, an example's), over all; a sum over examples."""
        if x.reach != "each":
            raise Untraceable(f"a {op} over what does not vary")
        if axis == 0 and keepdims:
            return self.make(f"{op}_outputs", (x,), x.dtype, "example", rows=1)
        if axis is None and not keepdims:
            return self.make(f"{op}_all", (x,), x.dtype, "one")
        if op == "sum" and axis == -1 and keepdims:
            return self.make("sum_examples", (x,), x.dtype, "unit", rows=x.rows)
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
        if any(o.reach in ("unit", "each") for o in operands):
            raise Untraceable("concat of what has several outputs")
        return self.make("stack", operands, operands[0].dtype, "each", operands[0].weak, rows=len(operands))


def _widest(reaches: Iterable[str]) -> str:
    """How far what rests on all of them reaches: a number for each unit and one for each example make one for each."""
    found = set(reaches)
    return "each" if found >= {"unit", "example"} else max(found, key=REACHES.index)


_UNARY: dict[str, Callable[[float], float]] = {"neg": lambda a: -a, "abs": abs, "sqrt": math.sqrt}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
