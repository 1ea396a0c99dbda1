"""Expressions: one operation each, and what it is applied to.

dtype and reach of an expression:

    float32, float64   real numbers; ``weak`` ones are Python's floats, and take the dtype of what they meet
    int32, int64       the bits of a real of the same width, or an integer; bool
    each      a value for every element
    example   one for every example: a share, a reduction over its outputs
    unit      one for every unit, the same for all examples: a parameter of an input layer, a sum over examples
    one       the same for all: a learning rate, a sum over everything

The operations (``e.op``), each with its arguments ``e.args``:

    symbol              an input, by its name ``e.value``; ``rows``: how many outputs (or units) it has, where known
    number              the constant ``e.value``
    cast                the argument in the dtype of the network
    add sub mul div     of two; neg abs sqrt floor rint of one; power (a plain number, an integer that is known later)
    exp expm1 log log1p tanh sign maximum minimum cos_turns sin_turns       see ``elementary``, which takes them apart
    lt le gt ge eq ne   of two numbers: booleans; and, or, not of those
    select              (condition, a, b): a where the condition holds, else b
    sum_outputs max_outputs   over the outputs of each example
    sum_examples        over the examples, for each unit
    sum_all max_all     over everything
    output              output number ``e.value`` of the argument, one for each example
    stack               outputs from their values, one argument for each

Elementary functions that are taken apart also need fma, copysign, and, or, shl, ashr, lshr, below, to_bits, from_bits,
to_whole and to_real; see ``operations``.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chainrule.errors import ChainruleError

if TYPE_CHECKING:
    from chainrule.ir.tracer import Tracer

REACHES = ("one", "unit", "example", "each")


class Untraceable(ChainruleError):
    """A function that cannot be compiled: what it does depends on values that are known only when it runs."""


class Expression:
    """One operation and what it is applied to; made by a Trace, compared by identity."""

    __slots__ = ("args", "dtype", "op", "reach", "rows", "trace", "value", "weak")

    def __init__(
        self,
        trace: "Tracer",
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

    def __eq__(self, other: object) -> "Expression":  # type: ignore[override]
        return self.trace.compare("eq", self, other)

    def __ne__(self, other: object) -> "Expression":  # type: ignore[override]
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


def rewritten(
    outputs: list[Expression], instead: Callable[[Expression, tuple[Expression, ...]], Expression | None]
) -> list[Expression]:
    """The outputs with ``instead(e, args)`` in the place of each e, its args rewritten already; None leaves it."""
    made: dict[Expression, Expression] = {}
    for e in walk(outputs):
        args = tuple(made[a] for a in e.args)
        other = instead(e, args)
        made[e] = e.trace.make(e.op, args, e.dtype, e.reach, e.weak, e.value, e.rows) if other is None else other
    return [made[e] for e in outputs]
