"""Structured code for LLVM: integers, pointers, loops and conditions that read like Python.

A Kernel is one compiled function, called as kernel(arguments, first, last, thread): ``arguments`` is a vector of int64,
each a number or an address, as the kernel's Signature says. Of its work, seen as WHOLE, ``thread`` does the part from
``first`` to ``last``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import Argument, Signature

I64, I32, I1, VOID, PTR = ir.IntType(64), ir.IntType(32), ir.IntType(1), ir.VoidType(), ir.PointerType()
TYPES: dict[str, Any] = {"float32": ir.FloatType(), "float64": ir.DoubleType(), "int32": I32, "int64": I64, "bool": I1}
POINTED_AT: dict[str, Any] = {**TYPES, "table": I64}  # by the kind of an argument
BYTES = {"float32": 4, "float64": 8, "int64": 8}

# Threads share the rows of a batch in groups of this many, the same in every kernel: so a row stays with one thread.
GRAIN = 4
WHOLE = 2**16
KERNEL = ir.FunctionType(VOID, [PTR, I64, I64, I64])  # arguments; first, last, thread

Value = Any  # a value of LLVM's


class Int:
    """An integer that is known when the code runs; never negative where it is divided."""

    def __init__(self, code: "Code", value: Value) -> None:
        self.code = code
        self.value = value

    def _with(self, other: "Int | int") -> Value:
        return other.value if isinstance(other, Int) else ir.Constant(I64, other)

    def __add__(self, other: "Int | int") -> "Int":
        return Int(self.code, self.code.builder.add(self.value, self._with(other)))

    def __sub__(self, other: "Int | int") -> "Int":
        return Int(self.code, self.code.builder.sub(self.value, self._with(other)))

    def __mul__(self, other: "Int | int") -> "Int":
        return Int(self.code, self.code.builder.mul(self.value, self._with(other)))

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, other: "Int | int") -> "Int":
        return Int(self.code, self.code.builder.udiv(self.value, self._with(other)))

    def __lt__(self, other: "Int | int") -> Value:
        return self.code.builder.icmp_signed("<", self.value, self._with(other))

    def __le__(self, other: "Int | int") -> Value:
        return self.code.builder.icmp_signed("<=", self.value, self._with(other))

    def __gt__(self, other: "Int | int") -> Value:
        return self.code.builder.icmp_signed(">", self.value, self._with(other))

    def __ge__(self, other: "Int | int") -> Value:
        return self.code.builder.icmp_signed(">=", self.value, self._with(other))

    def equals(self, other: "Int | int") -> Value:
        """Whether they are the same number."""
        return self.code.builder.icmp_signed("==", self.value, self._with(other))

    def least(self, other: "Int | int") -> "Int":
        """The smaller of the two."""
        return Int(self.code, self.code.builder.select(self < other, self.value, self._with(other)))

    def rounded_down(self, unit: int) -> "Int":
        """The largest multiple of ``unit`` that is not above it."""
        return self // unit * unit


class Pointer:
    """An address of numbers of one type."""

    def __init__(self, code: "Code", value: Value, kind: Any) -> None:
        self.code = code
        self.value = value
        self.kind = kind

    def __add__(self, count: Int | int) -> "Pointer":
        offset = self.code.whole(count).value
        return Pointer(self.code, self.code.builder.gep(self.value, [offset], source_etype=self.kind), self.kind)

    def after(self, bytes_: Int | int) -> "Pointer":
        """So many bytes further on."""
        offset = self.code.whole(bytes_).value
        return Pointer(self.code, self.code.builder.gep(self.value, [offset], source_etype=ir.IntType(8)), self.kind)

    def load(self, at: Int | int = 0) -> Value:
        """One number."""
        return self.code.builder.load((self + at).value, typ=self.kind, align=self.code.align(self.kind))

    def store(self, value: Value, at: Int | int = 0) -> None:
        """One number."""
        self.code.builder.store(value, (self + at).value, align=self.code.align(self.kind))

    def load_vector(self, lanes: int, mask: Value | None = None) -> Value:
        """So many numbers; 0 where the mask is off."""
        type_ = ir.VectorType(self.kind, lanes)
        if mask is None:
            return self.code.builder.load(self.value, typ=type_, align=self.code.align(self.kind))
        zero = ir.Constant(type_, None)
        return self.code.intrinsic(
            f"llvm.masked.load.{self.code.suffix(type_)}.p0",
            type_,
            [self.value, self.code.align_i32(self.kind), mask, zero],
        )

    def store_vector(self, value: Value, mask: Value | None = None) -> None:
        """The numbers of a vector; none where the mask is off."""
        if mask is None:
            self.code.builder.store(value, self.value, align=self.code.align(self.kind))
        else:
            name = f"llvm.masked.store.{self.code.suffix(value.type)}.p0"
            self.code.intrinsic(name, VOID, [value, self.value, self.code.align_i32(self.kind), mask])


class Loop:
    """Inside a loop: ``i``, and the values carried between iterations. After it, ``values`` are the last ones."""

    def __init__(self, i: Int, values: list[Value]) -> None:
        self.i = i
        self.values = values
        self.following = values

    def next(self, values: Sequence[Value]) -> None:
        """What the next iteration begins with."""
        self.following = list(values)


class Code:
    """Writes one function of a module."""

    def __init__(self, module: Any, function: Any, target: Processor) -> None:
        self.module = module
        self.function = function
        self.target = target
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))

    def whole(self, number: Int | int) -> Int:
        """An integer."""
        return number if isinstance(number, Int) else Int(self, ir.Constant(I64, number))

    def pointer(self, address: Value, kind: Any) -> Pointer:
        """An address."""
        return Pointer(self, address, kind)

    def align(self, kind: Any) -> int:
        """Bytes of one number: nothing more is known of where data begins."""
        return {"float": 4, "double": 8, "i64": 8, "i32": 4, "i8": 1, "ptr": 8}[str(kind)]

    def align_i32(self, kind: Any) -> Value:
        """The same, as LLVM's masked operations take it."""
        return ir.Constant(I32, self.align(kind))

    def suffix(self, type_: Any) -> str:
        """The ending of an intrinsic's name."""
        scalar = type_.element if isinstance(type_, ir.VectorType) else type_
        name = {"float": "f32", "double": "f64"}.get(str(scalar), str(scalar))
        return f"v{type_.count}{name}" if isinstance(type_, ir.VectorType) else name

    def intrinsic(self, name: str, returns: Any, args: list[Value]) -> Value:
        """Call a function of LLVM's own."""
        f = self.module.globals.get(name) or ir.Function(
            self.module, ir.FunctionType(returns, [a.type for a in args]), name
        )
        return self.builder.call(f, args)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a b + c, rounded once."""
        return self.intrinsic(f"llvm.fma.{self.suffix(a.type)}", a.type, [a, b, c])

    def opaque_pointer(self, pointer: Pointer) -> Pointer:
        """The same address, of which LLVM knows nothing: it keeps pointers that it would derive from each other."""
        type_ = ir.FunctionType(PTR, [PTR])
        return Pointer(self, self.builder.asm(type_, "", "=r,0", [pointer.value], False), pointer.kind)

    def opaque(self, number: int) -> Int:
        """The same number, of which LLVM knows nothing."""
        type_ = ir.FunctionType(I64, [I64])
        return Int(self, self.builder.asm(type_, "", "=r,0", [ir.Constant(I64, number)], False))

    def prefetch(self, pointer: Pointer, to_write: bool = True) -> None:
        """Bring a line of memory near: to be written, or (into the second cache) to be read.

        An address that does not exist does no harm.
        """
        f = self.module.globals.get("llvm.prefetch.p0") or ir.Function(
            self.module, ir.FunctionType(VOID, [PTR, I32, I32, I32]), "llvm.prefetch.p0"
        )
        self.builder.call(f, [pointer.value, *(ir.Constant(I32, n) for n in ((1, 3, 1) if to_write else (0, 2, 1)))])

    def splat(self, scalar: Value, lanes: int) -> Value:
        """The same number in every lane."""
        type_ = ir.VectorType(scalar.type, lanes)
        if isinstance(scalar, ir.Constant):
            return ir.Constant(type_, [scalar.constant] * lanes)
        undefined = ir.Constant(type_, ir.Undefined)
        one = self.builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))

    def first_lanes(self, count: Int, lanes: int) -> Value:
        """A mask that is on in the first ``count`` lanes."""
        lane = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
        return self.builder.icmp_signed("<", lane, self.splat(self.builder.trunc(count.value, I32), lanes))

    @contextmanager
    def loop(
        self, start: Int | int, stop: Int | int, step: Int | int = 1, carried: Sequence[Value] = ()
    ) -> Iterator[Loop]:
        """for i in range(start, stop, step), carrying values from iteration to iteration."""
        b = self.builder
        before = b.block
        head, body, after = (self.function.append_basic_block(name) for name in ("head", "body", "after"))
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(I64)
        i.add_incoming(self.whole(start).value, before)
        values = [b.phi(v.type) for v in carried]
        for phi, v in zip(values, carried, strict=True):
            phi.add_incoming(v, before)
        b.cbranch(b.icmp_signed("<", i, self.whole(stop).value), body, after)
        b.position_at_end(body)
        loop = Loop(Int(self, i), values)
        yield loop
        i.add_incoming((loop.i + step).value, b.block)
        for phi, v in zip(values, loop.following, strict=True):
            phi.add_incoming(v, b.block)
        b.branch(head)
        b.position_at_end(after)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """If the condition holds."""
        b = self.builder
        then, after = (self.function.append_basic_block(name) for name in ("then", "after"))
        b.cbranch(condition, then, after)
        b.position_at_end(then)
        yield
        b.branch(after)
        b.position_at_end(after)


class Function(Code):
    """Writes a function in a module of its own: of the address of its arguments, and of integers.

    The arguments are taken one after the other, by the names that the signature has for them. TypeError: another one is
    next, or it is of another kind.
    """

    def __init__(self, name: str, target: Processor, type_: Any, signature: Signature) -> None:
        module: Any = ir.Module(name)
        module.triple = target.triple
        super().__init__(module, ir.Function(module, type_, name), target)
        self.arguments = Pointer(self, self.function.args[0], I64)
        self.given = [Int(self, a) for a in self.function.args[1:]]
        self._slots = signature.slots
        self._taken = 0

    def word(self, name: str) -> Int:
        """The next argument as an integer, whatever its kind."""
        return self._next(name)[0]

    def number(self, name: str) -> Int:
        """The next argument, an integer."""
        number, argument = self._next(name)
        if argument.kind != "number":
            raise TypeError(f"{name} is {argument}, not a number")
        return number

    def address(self, name: str) -> Pointer:
        """The next argument, an address."""
        number, argument = self._next(name)
        if argument.is_matrix or argument.kind not in POINTED_AT:
            raise TypeError(f"{name} is {argument}, not an address")
        return Pointer(self, self.builder.inttoptr(number.value, PTR), POINTED_AT[argument.kind])

    def matrix(self, name: str) -> tuple[Pointer, Int]:
        """The next two arguments: the address of a matrix, and the elements from one row to the next."""
        number, argument = self._next(name)
        if not argument.is_matrix:
            raise TypeError(f"{name} is {argument}, not a matrix")
        pointer = Pointer(self, self.builder.inttoptr(number.value, PTR), POINTED_AT[argument.kind])
        return pointer, self.number(f"stride of {name}")

    def _next(self, name: str) -> tuple[Int, Argument]:
        expected, argument = self._slots[self._taken] if self._taken < len(self._slots) else ("no other", None)
        if name != expected or argument is None:
            raise TypeError(f"the next argument is {expected}, not {name}")
        self._taken += 1
        return Int(self, self.arguments.load(self._taken - 1)), argument

    def finish(self) -> str:
        """The module as text."""
        if self._taken != len(self._slots):
            raise TypeError(f"arguments that are not taken: {[name for name, _ in self._slots[self._taken :]]}")
        self.builder.ret_void()
        return str(self.module)


class Kernel(Function):
    """Writes a kernel."""

    def __init__(self, name: str, target: Processor, signature: Signature) -> None:
        super().__init__(name, target, KERNEL, signature)
        self.first, self.last, self.thread = self.given

    def share(self, count: Int, unit: int = GRAIN) -> tuple[Int, Int]:
        """The thread's part start..stop-1 of 0..count-1, in whole units."""
        units = (count + (unit - 1)) // unit
        start, stop = ((((units * edge + WHOLE // 2) // WHOLE) * unit).least(count) for edge in (self.first, self.last))
        return start, stop

    def either(
        self, by_columns: Int, rows: Int, columns: Int, unit: int = GRAIN
    ) -> tuple[tuple[Int, Int], tuple[Int, Int]]:
        """The thread's rows and columns, where threads share one of the two (columns in whole units)."""

        def chosen(condition: Value, count: Int, part: tuple[Int, Int]) -> tuple[Int, Int]:
            first, last = (
                self.builder.select(condition, p.value, w)
                for p, w in zip(part, (ir.Constant(I64, 0), count.value), strict=True)
            )
            return Int(self, first), Int(self, last)

        split = by_columns > 0
        by_rows = self.builder.not_(split)
        return chosen(by_rows, rows, self.share(rows)), chosen(split, columns, self.share(columns, unit))
