"""What drives a training step: the frame of numbers that change from step to step, and the loop over a program.

A program is a list of records (kernel, arguments, kind). Each of the threads runs through it; between two barriers they
work on parts that do not touch.
"""

from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Any

from llvmlite import ir

from chainrule.engines.fused.assembly import I64, PTR, REAL, VOID, Int, Kernel, Pointer, Value
from chainrule.engines.fused.sums import LANES, tree
from chainrule.engines.fused.target import Target

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
    ARRIVED = 16  # at the barrier; on a cache line of its own, as is
    TURN = 24  # how many barriers all have passed


SLOTS = 32
REALS = (Slot.RATE, Slot.S, Slot.J, Slot.COST_SUM, Slot.WEIGHT_SUM, Slot.LAST_RATE)
FRAME = Struct("=" + "".join("d" if slot in REALS else "q" for slot in Slot if slot < Slot.ARRIVED))  # from STATUS on
GO, SKIP, STOP = 0, 1, 2


class Kind(IntEnum):
    """What a record of a program is."""

    WORK = 0
    ALWAYS = 1  # also where the step is skipped
    BARRIER = 2
    DECISION = 3  # a barrier after which the status is read


class _Frame:
    """The frame inside a kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.words = kernel.address(I64)

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


def write_begin(name: str, target: Target, dtype: str) -> str:
    """The rate and t of the step, the weights of its rows, S, and share = w / S.

    frame, rates, weights of all rows, order (0: as they stand), rows, w and share of this step.
    """
    kernel = Kernel(name, target)
    b, real = kernel.builder, REAL[dtype]
    frame = _Frame(kernel)
    rates, weights, order, rows = kernel.address(F64), kernel.address(real), kernel.number(), kernel.number()
    w, share = kernel.address(real), kernel.address(real)
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
        divisor = S if dtype == "float64" else b.fptrunc(S, real)
        with kernel.loop(0, rows) as loop:
            share.store(b.fdiv(w.load(loop.i), divisor), loop.i)
        some = b.fcmp_ordered(">", S, ir.Constant(F64, 0.0))
        frame.store(Slot.STATUS, b.select(some, ir.Constant(I64, GO), ir.Constant(I64, SKIP)))
    return kernel.finish()


def write_cost(name: str, target: Target, dtype: str) -> str:
    """J = sum_i share_i loss_i in float64, with: frame, share, losses, rows."""
    kernel = Kernel(name, target)
    real = REAL[dtype]
    frame = _Frame(kernel)
    share, losses, rows = kernel.address(real), kernel.address(real), kernel.number()

    def term(i: Int, mask: Value) -> list[Value]:
        return [(p + i).load_vector(LANES, mask) for p in (share, losses)]

    with kernel.when(kernel.thread.equals(0)):
        frame.store(Slot.J, _total(kernel, rows, term, real))
    return kernel.finish()


def write_verdict(name: str, target: Target, dtype: str) -> str:
    """J with its penalties, and whether to go on: J finite, and every check 0.

    frame, penalty partials, their number, checks, their number.
    """
    kernel = Kernel(name, target)
    b, real = kernel.builder, REAL[dtype]
    frame = _Frame(kernel)
    penalties, n_penalties, checks, n_checks = (
        kernel.address(real),
        kernel.number(),
        kernel.address(real),
        kernel.number(),
    )
    with kernel.when(kernel.thread.equals(0)):
        J = _in_order(kernel, penalties, n_penalties, frame.load(Slot.J))
        check = _in_order(kernel, checks, n_checks, b.fsub(J, J))
        frame.store(Slot.J, J)
        finite = b.fcmp_ordered("==", check, ir.Constant(F64, 0.0))
        frame.store(Slot.STATUS, b.select(finite, ir.Constant(I64, GO), ir.Constant(I64, STOP)))
    return kernel.finish()


def write_combine(name: str, target: Target, dtype: str, op: str) -> str:
    """One number from the partials of a long vector, in order: into, partials, their number."""
    kernel = Kernel(name, target)
    b, real = kernel.builder, REAL[dtype]
    into, partials, count = kernel.address(real), kernel.address(real), kernel.number()
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


def write_end(name: str, target: Target) -> str:
    """Counts the step: frame, rows."""
    kernel = Kernel(name, target)
    b = kernel.builder
    frame, rows = _Frame(kernel), kernel.number()
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


def write_execute(name: str, target: Target, alone: bool) -> str:
    """Run a program: frame, records, their number, how many times, address of the system's function to yield.

    ``alone``: by one thread, which needs not say so; what Python hands over takes as long as a row's prediction.

    A thread that waits spins for a while, then gives its core away: more threads than cores must not stand still.

    Meanwhile numbers below the smallest normal one count as 0. Processors take a hundred times longer for them, and
    training makes them: a moment whose gradient has become 0 decays to such a number, and then rounds to itself for
    ever. Afterwards the thread computes as before.
    """
    kernel = Kernel(name, target)
    if alone:
        kernel.thread, kernel.threads = kernel.whole(0), kernel.whole(1)
    b = kernel.builder
    frame = _Frame(kernel)
    records, count, times, give_way = kernel.address(I64), kernel.number(), kernel.number(), kernel.number()
    call_type = ir.FunctionType(VOID, [PTR, I64, I64])
    zero, one = ir.Constant(I64, 0), ir.Constant(I64, 1)
    turn = frame.load(Slot.TURN)
    restore = _tiny_is_zero(kernel, target)
    with kernel.loop(0, times, carried=[zero, turn]) as over_steps:
        stopped, turn = over_steps.values
        with kernel.loop(0, count, carried=[stopped, turn]) as over_records:
            idle, turn = over_records.values
            record = records + over_records.i * 3
            kind = record.load(2)
            always = b.icmp_signed("==", kind, ir.Constant(I64, Kind.ALWAYS))
            busy = b.and_(b.icmp_signed("==", kind, zero), b.icmp_signed("==", idle, zero))
            with kernel.when(b.or_(always, busy)):
                f = b.inttoptr(record.load(0), call_type.as_pointer())
                b.call(f, [b.inttoptr(record.load(1), PTR), kernel.thread.value, kernel.threads.value])
            is_barrier = b.icmp_signed(">=", kind, ir.Constant(I64, Kind.BARRIER))
            following = b.select(is_barrier, b.add(turn, one), turn)
            with kernel.when(b.and_(is_barrier, kernel.threads > 1)):
                _wait(kernel, frame, following, give_way)
            is_decision = b.icmp_signed("==", kind, ir.Constant(I64, Kind.DECISION))
            over_records.next([b.select(is_decision, frame.load(Slot.STATUS), idle), following])
        stop = b.icmp_signed("==", over_records.values[0], ir.Constant(I64, STOP))
        over_steps.next([b.select(stop, ir.Constant(I64, STOP), zero), over_records.values[1]])
    restore()
    return kernel.finish()


FLUSHES_X86 = 0x8040  # of MXCSR: results to zero (bit 15), operands to zero (bit 6); Intel SDM, volume 1, 10.2.3
FLUSHES_ARM = 1 << 24  # of FPCR: both (FZ); Arm ARM, C5.2.8


def _tiny_is_zero(kernel: Kernel, target: Target) -> Callable[[], None]:
    """Subnormal numbers are 0 for this thread, until the returned function restores what was."""
    b = kernel.builder
    word = ir.IntType(32)
    if target.triple.startswith("x86_64"):
        memory = b.alloca(word)
        kernel.intrinsic("llvm.x86.sse.stmxcsr", VOID, [memory])
        before = b.load(memory, typ=word)
        flushing = b.or_(before, ir.Constant(word, FLUSHES_X86))

        def become(value: Value) -> None:
            b.store(value, memory)
            kernel.intrinsic("llvm.x86.sse.ldmxcsr", VOID, [memory])
    else:
        before = kernel.intrinsic("llvm.aarch64.get.fpcr", I64, [])
        flushing = b.or_(before, ir.Constant(I64, FLUSHES_ARM))

        def become(value: Value) -> None:
            kernel.intrinsic("llvm.aarch64.set.fpcr", VOID, [value])

    become(flushing)
    return lambda: become(before)


SPINS = 4000


def _wait(kernel: Kernel, frame: _Frame, turn: Value, give_way: Int) -> None:
    """Until all threads are here: the last one to arrive lets the others go."""
    b = kernel.builder
    before = b.atomic_rmw("add", frame.at(Slot.ARRIVED).value, ir.Constant(I64, 1), "acq_rel")
    last = b.icmp_signed("==", b.add(before, ir.Constant(I64, 1)), kernel.threads.value)
    then, others, check, spin, yielding, after = (
        kernel.function.append_basic_block(n) for n in ("last", "others", "check", "spin", "yielding", "after")
    )
    b.cbranch(last, then, others)
    b.position_at_end(then)
    frame.store(Slot.ARRIVED, ir.Constant(I64, 0))
    b.atomic_rmw("xchg", frame.at(Slot.TURN).value, turn, "release")
    b.branch(after)
    b.position_at_end(others)
    b.branch(check)
    b.position_at_end(check)
    spins = b.phi(I64)
    spins.add_incoming(ir.Constant(I64, 0), others)
    now = b.load_atomic(frame.at(Slot.TURN).value, "acquire", 8, typ=I64)
    b.cbranch(b.icmp_signed(">=", now, turn), after, spin)
    b.position_at_end(spin)
    more = b.add(spins, ir.Constant(I64, 1))
    spins.add_incoming(more, spin)
    b.cbranch(b.icmp_signed("<", more, ir.Constant(I64, SPINS)), check, yielding)
    b.position_at_end(yielding)
    b.call(b.inttoptr(give_way.value, ir.FunctionType(ir.IntType(32), []).as_pointer()), [])
    spins.add_incoming(more, yielding)
    b.branch(check)
    b.position_at_end(after)


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
