"""An ONNX graph while it is written: nodes and constants under names of their own, and expressions as nodes.

A value of the graph is known by its name. An example is a row here, as in every ONNX model, where the formulas have
columns: Z[l] is (N, n[l]), and what a formula does over the outputs of an example goes along axis 1.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from chainrule.ir import Expression

# What ONNX has as it is. Sigmoid, Elu and Softplus are written as the formulas have them: onnxruntime's own lose digits
# near 0 or far below it, and two of them are not there in float64.
_AS_IT_IS = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "neg": "Neg",
    "abs": "Abs",
    "sqrt": "Sqrt",
    "floor": "Floor",
    "rint": "Round",  # half to even, as NumPy
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "sign": "Sign",
    "maximum": "Max",
    "minimum": "Min",
    "relu": "Relu",
    "lt": "Less",
    "le": "LessOrEqual",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "eq": "Equal",
    "and": "And",
    "or": "Or",
    "not": "Not",
    "select": "Where",
}
# Nearer to 0 than this, exp(x) - 1 loses more digits than the tanh of onnxruntime has wrong in float32.
_NEAR_0 = 0.25


class OnnxGraph:
    """Nodes and constants in the order they are written; ``taken`` are the names of the inputs."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = set(taken)
        self._numbers: dict[tuple[Any, ...], str] = {}

    def fresh(self, name: str) -> str:
        """The name, or where it is taken already, the name with a number behind it."""
        free, k = name, 1
        while free in self._taken:
            k += 1
            free = f"{name} {k}"
        self._taken.add(free)
        return free

    def node(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """The result of an operation."""
        result = self.fresh(name or op)
        self.nodes.append(helper.make_node(op, inputs, [result], name=result, **attributes))
        return result

    def constant(self, values: NDArray[Any], name: str) -> str:
        """An array of numbers, booleans, or texts (dtype object)."""
        constant = self.fresh(name)
        self.constants.append(numpy_helper.from_array(values, constant))
        return constant

    def number(self, value: Any, dtype: str = "float64") -> str:
        """One number, or a list of some, in a dtype; equal ones are kept once."""
        number = np.asarray(value, dtype)
        key = (dtype, number.shape, number.tobytes())
        if key not in self._numbers:
            self._numbers[key] = self.constant(number, f"{number} {dtype}" if number.ndim == 0 else "numbers")
        return self._numbers[key]

    def cast(self, value: str, dtype: str, name: str | None = None) -> str:
        """Numbers or booleans as numbers of a dtype."""
        return self.node("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), name=name)

    def clip(self, value: str, low: str, high: str, name: str | None = None) -> str:
        """Numbers no less than ``low`` and no more than ``high``; NaN stays."""
        raised = self.node("Where", self.node("Less", value, low), low, value)
        return self.node("Where", self.node("Greater", raised, high), high, raised, name=name)

    def columns(self, value: str, places: Any, name: str | None = None) -> str:
        """Some columns in a given order, (N, how many); one column as (N,) where ``places`` is a number."""
        return self.node("Gather", value, self.number(places, "int64"), axis=1, name=name)

    def write(
        self,
        outputs: Sequence[Expression],
        symbol: str,
        names: Sequence[str | None],
        parameters: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The values of expressions of one symbol; ``symbol`` is the value that it stands for, (N, n).

        ``parameters`` are the values of symbols that are the same for all examples.
        """
        named = dict(zip(outputs, names, strict=True))
        made: dict[Expression, str] = {}
        for e, op, args in _in_order(outputs):
            values = [made[a] for a in args]
            if op == "symbol":
                made[e] = symbol if parameters is None or e.reach == "each" else parameters[e.value]
            elif op == "stack":
                first = self.columns(symbol, [0])
                parts = [self._spread(v, first) if a.reach == "one" else v for a, v in zip(args, values, strict=True)]
                made[e] = self.node("Concat", *parts, axis=1, name=named.get(e))
            else:
                made[e] = self._operation(e, op, values, named.get(e))
        return [self._spread(made[e], symbol) if e.reach in ("one", "unit") else made[e] for e in outputs]

    def _spread(self, value: str, over: str) -> str:
        """What is the same for all, once for each element of another value."""
        return self.node("Expand", value, self.node("Shape", over))

    def _operation(self, e: Expression, op: str, args: list[str], name: str | None) -> str:
        match op:
            case "number":
                return self.number(e.value, e.dtype)
            case "cast":
                return self.cast(args[0], e.dtype, name)
            case "output":
                return self.columns(args[0], [e.value], name)
            case "select" if e.dtype == "bool":  # onnxruntime has no Where of booleans
                condition, this, that = args
                otherwise = self.node("And", self.node("Not", condition), that)
                return self.node("Or", self.node("And", condition, this), otherwise, name=name)
            case "ne":
                return self.node("Not", self.node("Equal", *args), name=name)
            case "expm1":
                return self._expm1(args[0], e.dtype, name)
            case "log1p":
                return self._log1p(args[0], e.dtype, name)
            case "cos_turns" | "sin_turns":
                return self._of_turns("Cos" if e.op == "cos_turns" else "Sin", args[0], e.dtype, name)
            case "softmax":
                return self.node("Softmax", *args, axis=1, name=name)
            case "sum_outputs":
                return self.node("ReduceSum", *args, axes=[1], name=name)
            case "max_outputs":
                return self.node("ReduceMax", *args, axes=[1], name=name)
            case _:
                return self.node(_AS_IT_IS[op], *args, name=name)

    def _expm1(self, x: str, dtype: str, name: str | None) -> str:
        """exp(x) - 1, which near 0 is tanh(x/2) (exp(x) + 1): a difference of equals has no digits."""
        one, E = self.number(1.0, dtype), self.node("Exp", x)
        near = self.node("Less", self.node("Abs", x), self.number(_NEAR_0, dtype))
        half = self.node("Tanh", self.node("Mul", x, self.number(0.5, dtype)))
        product = self.node("Mul", half, self.node("Add", E, one))
        return self.node("Where", near, product, self.node("Sub", E, one), name=name)

    def _of_turns(self, op: str, t: str, dtype: str, name: str | None) -> str:
        """The cosine or sine of 2 pi t; whole turns come off first, which is exact."""
        r = self.node("Sub", t, self.node("Round", t))
        return self.node(op, self.node("Mul", self.number(2.0 * pi, dtype), r), name=name)

    def _log1p(self, x: str, dtype: str, name: str | None) -> str:
        """log(u), u = 1 + x, and between -1 and 1 what rounding u left out of x, as (x - (u - 1)) / u."""
        one = self.number(1.0, dtype)
        u = self.node("Add", one, x)
        log = self.node("Log", u)
        rest = self.node("Div", self.node("Sub", x, self.node("Sub", u, one)), u)
        near = self.node("Less", self.node("Abs", x), one)
        return self.node("Where", near, self.node("Add", log, rest), log, name=name)


def _in_order(outputs: Sequence[Expression]) -> Iterator[tuple[Expression, str, tuple[Expression, ...]]]:
    """Each expression once, as the operation it is written as and that one's arguments; what is needed first."""
    seen: set[Expression] = set()
    stack = [(e, False) for e in reversed(outputs)]
    while stack:
        e, ready = stack.pop()
        if e in seen:
            continue
        op, args = _recognised(e)
        if ready:
            seen.add(e)
            yield e, op, args
        else:
            stack.append((e, True))
            stack.extend((a, False) for a in reversed(args))


def _recognised(e: Expression) -> tuple[str, tuple[Expression, ...]]:
    """The operation and its arguments, several operations as the one that ONNX has for them."""
    if e.op == "maximum" and e.args[1].is_number and e.args[1].value == 0.0:
        return "relu", e.args[:1]
    if e.op == "div":  # E / sum(E), E = exp(Z - max(Z)); equal expressions are one object
        E, total = e.args
        if total.op == "sum_outputs" and total.args[0] is E and E.op == "exp" and E.args[0].op == "sub":
            Z, largest = E.args[0].args
            if largest.op == "max_outputs" and largest.args[0] is Z:
                return "softmax", (Z,)
    return e.op, e.args
