"""What drives a training step: the frame of numbers that change from step to step, and the kernels that change them."""

from enum import IntEnum
from struct import Struct
from typing import Any

from llvmlite import ir

from chainrule.engines.fused.ir_builder import I64, PTR, TYPES, Function, Int, Kernel, Pointer, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.reductions import LANES, tree
from chainrule.engines.fused.signatures import FLOAT64, INT64, NUMBER, REAL, Argument, Signature

F64 = ir.DoubleType()


class Slot(IntEnum):
    """Where a number stands in the frame, in words of 8 bytes. Those named in REALS are float64, the others int64."""

    STATUS = 0  # GO, SKIP (no weight in this step) or STOP (not finite)
    POSITION = 1  # rows of this epoch's order that are done
    STEP = 2
    T = 3  # the update that is next, counted from 1
    RATE = 4
    S = 5
    J = 6
    COST_SUM = 7
    WEIGHT_SUM = 8
    UPDATES = 9
    SAMPLES = 10
    CURSOR = 11  # the step's place in the list of rates
    LAST_RATE = 12
    PART = 13  # of a step, that a share of it is: the sum of its weights / S
    ARRIVED = 16  # at the barrier; on a cache line of its own, as is
    GENERATION = 24  # how many barriers all have passed
    SLEEPERS = 25  # threads that sleep until GENERATION changes


SLOTS = 32
REALS = (Slot.RATE, Slot.S, Slot.J, Slot.COST_SUM, Slot.WEIGHT_SUM, Slot.LAST_RATE, Slot.PART)
# from STATUS on
FRAME = Struct("=" + "".join("d" if slot in REALS else "q" for slot in Slot if slot <= Slot.LAST_RATE))
GO, SKIP, STOP = 0, 1, 2


class Kind(IntEnum):
    """What a record of a program is."""

    WORK = 0
    ALWAYS = 1  # also where the step is skipped
    BARRIER = 2
    DECISION = 3  # a barrier after which the status is read
    LAST = 4  # the last barrier of a step


class Frame:
    """The frame inside a function."""

    def __init__(self, kernel: Function) -> None:
        self.kernel = kernel
        self.words = kernel.address("frame")

    def at(self, slot: Slot) -> Pointer:
        """The address of a number."""
        kind = F64 if slot in REALS else I64
        return Pointer(self.kernel, (self.words + int(slot)).value, kind)

    def load(self, slot: Slot) -> Value:
        """The number."""
        return self.at(slot).load()

    def store(self, slot: Slot, value: Any) -> None:
        """Change it."""
        self.at(slot).store(value.value if isinstance(value, Int) else value)

    def add(self, slot: Slot, amount: Value) -> None:
        """Raise it."""
        add = self.kernel.builder.fadd if slot in REALS else self.kernel.builder.add
        self.store(slot, add(self.load(slot), amount))


BEGIN = Signature.of(
    frame=INT64,
    rates=FLOAT64,  # of the steps of this run
    weights=REAL,  # of all rows
    order=Argument("int64", may_be_absent=True),  # 0: the rows as they stand
    rows=NUMBER,  # of this step, as are
    w=REAL,
    share=REAL,
)


def write_begin(name: str, target: Processor, dtype: str) -> str:
    """The rate and t of the step, the weights of its rows, S, and share = w / S."""
    kernel = Kernel(name, target, BEGIN.in_dtype(dtype))
    b, real = kernel.builder, TYPES[dtype]
    frame = Frame(kernel)
    rates, weights = kernel.address("rates"), kernel.address("weights")
    order, rows = kernel.word("order"), kernel.number("rows")
    w, share = kernel.address("w"), kernel.address("share")
    with kernel.when(kernel.thread.equals(0)):
        frame.store(Slot.RATE, rates.load(Int(kernel, frame.load(Slot.CURSOR))))
        frame.store(Slot.T, Int(kernel, frame.load(Slot.UPDATES)) + 1)
        first = Int(kernel, frame.load(Slot.POSITION))
        with kernel.when(order.equals(0)), kernel.loop(0, rows) as loop:
            w.store(weights.load(loop.i), loop.i)
        with kernel.when(order > 0), kernel.loop(0, rows) as loop:
            place = Pointer(kernel, b.inttoptr(order.value, PTR), I64).load(first + loop.i)
            w.store(weights.load(Int(kernel, place)), loop.i)
        S = _total(kernel, rows, lambda i, mask: [(w + i).load_vector(LANES, mask)], real)
        frame.store(Slot.S, S)
        _share(kernel, share, w, S, rows)
        some = b.fcmp_ordered(">", S, ir.Constant(F64, 0.0))
        frame.store(Slot.STATUS, b.select(some, ir.Constant(I64, GO), ir.Constant(I64, SKIP)))
    return kernel.finish()


BEGIN_SHARE = Signature.of(frame=INT64, weights=REAL, share=REAL, rows=NUMBER)


def write_begin_share(name: str, target: Processor, dtype: str) -> str:
    """share = w / S of a share of a step, whose S the frame has; and PART."""
    kernel = Kernel(name, target, BEGIN_SHARE.in_dtype(dtype))
    frame = Frame(kernel)
    weights, share, rows = kernel.address("weights"), kernel.address("share"), kernel.number("rows")
    with kernel.when(kernel.thread.equals(0)):
        S = frame.load(Slot.S)
        _share(kernel, share, weights, S, rows)
        total = _total(kernel, rows, lambda i, mask: [(weights + i).load_vector(LANES, mask)], TYPES[dtype])
        frame.store(Slot.PART, kernel.builder.fdiv(total, S))
    return kernel.finish()


COST = Signature.of(frame=INT64, share=REAL, losses=REAL, rows=NUMBER)


def write_cost(name: str, target: Processor, dtype: str) -> str:
    """J = sum_i share_i loss_i in float64."""
    kernel = Kernel(name, target, COST.in_dtype(dtype))
    frame = Frame(kernel)
    share, losses, rows = kernel.address("share"), kernel.address("losses"), kernel.number("rows")

    def term(i: Int, mask: Value) -> list[Value]:
        return [(p + i).load_vector(LANES, mask) for p in (share, losses)]

    with kernel.when(kernel.thread.equals(0)):
        frame.store(Slot.J, _total(kernel, rows, term, TYPES[dtype]))
    return kernel.finish()


VERDICT = Signature.of(frame=INT64, penalties=REAL, n_penalties=NUMBER, checks=REAL, n_checks=NUMBER)


def write_verdict(name: str, target: Processor, dtype: str) -> str:
    """J with the partial sums of its penalties, and whether to go on: J finite, and every check 0."""
    kernel = Kernel(name, target, VERDICT.in_dtype(dtype))
    b = kernel.builder
    frame = Frame(kernel)
    penalties, n_penalties = kernel.address("penalties"), kernel.number("n_penalties")
    checks, n_checks = kernel.address("checks"), kernel.number("n_checks")
    with kernel.when(kernel.thread.equals(0)):
        J = _in_order(kernel, penalties, n_penalties, frame.load(Slot.J))
        check = _in_order(kernel, checks, n_checks, b.fsub(J, J))
        frame.store(Slot.J, J)
        finite = b.fcmp_ordered("==", check, ir.Constant(F64, 0.0))
        frame.store(Slot.STATUS, b.select(finite, ir.Constant(I64, GO), ir.Constant(I64, STOP)))
    return kernel.finish()


COMBINE = Signature.of(into=REAL, partials=REAL, count=NUMBER)


def write_combine(name: str, target: Processor, dtype: str, op: str) -> str:
    """One number from the partials of a long vector, in order."""
    kernel = Kernel(name, target, COMBINE.in_dtype(dtype))
    b, real = kernel.builder, TYPES[dtype]
    into, partials, count = kernel.address("into"), kernel.address("partials"), kernel.number("count")
    with kernel.when(kernel.thread.equals(0)):
        if op == "sum":
            total = _in_order(kernel, partials, count, ir.Constant(F64, 0.0))
            into.store(total if dtype == "float64" else b.fptrunc(total, real))
        else:
            with kernel.loop(1, count, carried=[partials.load()]) as loop:
                value = partials.load(loop.i)
                larger = b.fcmp_unordered(">", value, loop.values[0])  # a NaN stays: nothing is larger
                is_nan = b.fcmp_unordered("uno", loop.values[0], loop.values[0])
                loop.next([b.select(b.and_(larger, b.not_(is_nan)), value, loop.values[0])])
            into.store(loop.values[0])
    return kernel.finish()


END = Signature.of(frame=INT64, rows=NUMBER)


def write_end(name: str, target: Processor) -> str:
    """Counts the step."""
    kernel = Kernel(name, target, END)
    b = kernel.builder
    frame, rows = Frame(kernel), kernel.number("rows")
    status = frame.load(Slot.STATUS)
    with kernel.when(kernel.thread.equals(0)):
        with kernel.when(b.icmp_signed("==", status, ir.Constant(I64, GO))):
            S = frame.load(Slot.S)
            frame.add(Slot.COST_SUM, b.fmul(S, frame.load(Slot.J)))
            frame.add(Slot.WEIGHT_SUM, S)
            frame.add(Slot.UPDATES, ir.Constant(I64, 1))
            frame.store(Slot.LAST_RATE, frame.load(Slot.RATE))
        with kernel.when(b.icmp_signed("!=", status, ir.Constant(I64, STOP))):
            for slot in (Slot.STEP, Slot.CURSOR):
                frame.add(slot, ir.Constant(I64, 1))
            for slot in (Slot.SAMPLES, Slot.POSITION):
                frame.add(slot, rows.value)
    return kernel.finish()


def _share(kernel: Kernel, share: Pointer, w: Pointer, S: Value, rows: Int) -> None:
    """share = w / S."""
    b = kernel.builder
    divisor = S if share.kind == F64 else b.fptrunc(S, share.kind)
    with kernel.loop(0, rows) as loop:
        share.store(b.fdiv(w.load(loop.i), divisor), loop.i)


def _total(kernel: Kernel, count: Int, factors: Any, real: Any) -> Value:
    """The sum in float64 of the products of the factors: LANES partial sums, and a tree."""
    b = kernel.builder
    zero = ir.Constant(ir.VectorType(F64, LANES), None)
    wide = ir.VectorType(F64, LANES)

    def term(i: Int, mask: Value) -> Value:
        values = [v if real == F64 else b.fpext(v, wide) for v in factors(i, mask)]
        product = values[0]
        for v in values[1:]:
            product = b.fmul(product, v)
        return product

    full = count.rounded_down(LANES)
    with kernel.loop(0, full, LANES, carried=[zero]) as loop:
        loop.next([b.fadd(loop.values[0], term(loop.i, None))])
    mask = kernel.first_lanes(count - full, LANES)
    return tree(kernel, b.fadd(loop.values[0], b.select(mask, term(full, mask), zero)))


def _in_order(kernel: Kernel, numbers: Pointer, count: Int, start: Value) -> Value:
    """start + the numbers, one after the other, in float64."""
    b = kernel.builder
    with kernel.loop(0, count, carried=[start]) as loop:
        number = numbers.load(loop.i)
        loop.next([b.fadd(loop.values[0], number if number.type == F64 else b.fpext(number, F64))])
    return loop.values[0]
