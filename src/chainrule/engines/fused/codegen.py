"""Expressions as instructions: scalars for what is the same for all, vectors for the elements."""

from collections.abc import Mapping

from llvmlite import ir

from chainrule.engines.fused.ir_builder import I1, I64, TYPES, Code, Int, Value
from chainrule.ir import Expression, walk

_REAL = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "neg": "fneg"}
_WHOLE = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "and": "and_",
    "or": "or_",
    "shl": "shl",
    "ashr": "ashr",
    "lshr": "lshr",
}
_INTRINSIC = {
    "abs": "fabs",
    "sqrt": "sqrt",
    "floor": "floor",
    "rint": "roundeven",
    "copysign": "copysign",
    "fma": "fma",
}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


class Emitter:
    """Writes expressions into a function, each once per place where it can change.

    ``uniform`` holds the values of symbols that are the same for all; what follows from them is written by ``prepare``,
    which is to be called before any loop begins.
    """

    def __init__(self, code: Code, lanes: int, uniform: Mapping[str, Value]) -> None:
        self.code = code
        self.lanes = lanes
        self._symbols = dict(uniform)
        self._uniform: dict[Expression, Value] = {}

    def prepare(self, outputs: list[Expression]) -> None:
        """Work out all that is the same for all elements."""
        for e in walk(outputs):
            if e.reach == "one" and e not in self._uniform:
                self._uniform[e] = self._symbols[e.value] if e.op == "symbol" else self._emit(e, self._uniform, 0)

    def vectors(
        self, outputs: list[Expression], symbols: Mapping[str, Value], known: Mapping[Expression, Value] | None = None
    ) -> list[Value]:
        """The outputs for one vector of elements, given those of the symbols (and of reductions already known)."""
        made: dict[Expression, Value] = dict(known or {})
        for e in walk(outputs):
            self._vector(e, made, symbols)
        return [self._operand(e, made, self.lanes) for e in outputs]

    def _vector(self, e: Expression, made: dict[Expression, Value], symbols: Mapping[str, Value]) -> None:
        if e.reach == "one" or e in made:
            return
        if e.op == "symbol":
            made[e] = symbols[e.value]
        elif all(a.reach == "one" or a in made for a in e.args):
            made[e] = self._emit(e, made, self.lanes)

    def _operand(self, e: Expression, made: Mapping[Expression, Value], lanes: int) -> Value:
        if lanes == 0 or e.reach != "one":
            return made[e]
        return self.code.splat(self._uniform[e], lanes)

    def _emit(self, e: Expression, made: Mapping[Expression, Value], lanes: int) -> Value:
        b = self.code.builder
        if e.op == "number":
            return ir.Constant(TYPES[e.dtype], e.value)
        if e.op == "power":
            return self._power(made[e.args[0]], made[e.args[1]])
        args = [self._operand(a, made, lanes) for a in e.args]
        type_ = ir.VectorType(TYPES[e.dtype], lanes) if lanes else TYPES[e.dtype]
        of = e.args[0].dtype
        is_real = of.startswith("float")
        match e.op:
            case "cast":
                return args[0] if type_ == args[0].type else b.fptrunc(args[0], type_)
            case "select":
                return b.select(*args)
            case "to_bits" | "from_bits":
                return b.bitcast(args[0], type_)
            case "to_whole":
                return b.fptosi(args[0], type_)
            case "to_real":
                return b.sitofp(args[0], type_)
            case "not":
                return b.not_(args[0])
            case "below":
                return b.icmp_unsigned("<", *args)
            case op if op in _COMPARE and is_real:
                compare = b.fcmp_unordered if op == "ne" else b.fcmp_ordered
                return compare(_COMPARE[op], *args)
            case op if op in _COMPARE:
                return b.icmp_signed(_COMPARE[op], *args)
            case op if op in _INTRINSIC:
                return self.code.intrinsic(f"llvm.{_INTRINSIC[op]}.{self.code.suffix(type_)}", type_, args)
            case op:
                return getattr(b, (_REAL if is_real else _WHOLE)[op])(*args)

    def _power(self, base: Value, exponent: Value) -> Value:
        """base^exponent by squaring, exponent from 0 on: an iteration for each bit, each waits for the last."""
        b, code = self.code.builder, self.code
        one = ir.Constant(ir.DoubleType(), 1.0)
        unused = code.intrinsic("llvm.ctlz.i64", I64, [exponent, ir.Constant(I1, 0)])
        with code.loop(0, code.whole(64) - Int(code, unused), carried=[one, base, exponent]) as loop:
            result, square, left = loop.values
            odd = b.icmp_signed("==", b.and_(left, ir.Constant(I64, 1)), ir.Constant(I64, 1))
            loop.next(
                [
                    b.select(odd, b.fmul(result, square), result),
                    b.fmul(square, square),
                    b.lshr(left, ir.Constant(I64, 1)),
                ]
            )
        return loop.values[0]


def symbols_of(outputs: list[Expression]) -> list[Expression]:
    """The inputs that the outputs rest on, in the order of their names."""
    return sorted((e for e in walk(outputs) if e.op == "symbol"), key=lambda e: str(e.value))
