"""Running a program: the loop over its records, what threads wait for, and how much of the work each of them does.

A program is a list of records (kernel, arguments, kind). Each of the threads runs through it; between two barriers they
work on parts that do not touch.

Cores are not equally fast: some are made so, and some have other work. So after each step the work is divided anew, by
how long each thread took for its part. Which thread works a number out changes none of its bits.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
from llvmlite import ir

from chainrule.engines.fused.barrier import clock, wait_for_all
from chainrule.engines.fused.ir_builder import I64, KERNEL, PTR, VOID, WHOLE, Function, Int, Pointer, Value
from chainrule.engines.fused.memory import placed
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import INT64, NUMBER, Argument, Signature
from chainrule.engines.fused.step_state import STOP, Frame, Kind, Slot

F64 = ir.DoubleType()
FOLLOWS = 0.25  # how far the shares go to what the last step would have asked for: one step may have been disturbed
LEAST = 0.25  # of an equal share: a thread that does less tells too little of its speed


class WorkShare(IntEnum):
    """What is known of a thread's part: a line of memory each."""

    FIRST = 0  # it does the work from here
    LAST = 1  # to here, of WHOLE
    BUSY = 2  # time that it was not waiting, ever
    BEFORE = 3  # the same when the work was last divided
    SINCE = 4  # when it began what it is doing
    HALVINGS = 5  # how often its time awake is halved while it waits


LINE = 8  # numbers


def equal_parts(threads: int) -> Any:
    """Memory for the parts of so many threads, equal at first."""
    parts = placed(0, LINE * threads, "int64", 0)
    edges = np.arange(threads + 1) * WHOLE // threads
    parts[WorkShare.FIRST :: LINE], parts[WorkShare.LAST :: LINE] = edges[:-1], edges[1:]
    return parts


RUN = Signature.of(
    frame=INT64,
    records=INT64,
    count=NUMBER,  # of them
    times=NUMBER,
    way=NUMBER,  # in which threads sleep, see ``waiting``, as are
    wait=NUMBER,  # the addresses of the system's functions
    wake=NUMBER,
    parts=Argument("int64", may_be_absent=True),  # 0 where there is one thread alone
)


def write_execute(name: str, target: Processor) -> str:
    """Run a program by several threads: called as execute(arguments, thread, threads)."""
    function = Function(name, target, ir.FunctionType(VOID, [PTR, I64, I64]), RUN)
    _Execution(function, *function.given)
    return function.finish()


def write_execute_alone(name: str, target: Processor) -> str:
    """The same by one thread, with the same arguments; what Python hands over takes as long as a row's prediction."""
    function = Function(name, target, ir.FunctionType(VOID, [PTR]), RUN)
    _Execution(function, function.whole(0), None)
    return function.finish()


class _Execution:
    """Writes the loops; ``threads`` is None where there is one alone."""

    def __init__(self, function: Function, thread: Int, threads: Int | None) -> None:
        self.function, self.thread = function, thread
        b = function.builder
        self.frame = Frame(function)
        records, count, times = function.address("records"), function.number("count"), function.number("times")
        self.sleeping = (function.number("way"), function.number("wait"), function.number("wake"))
        self.parts = function.address("parts")
        self.mine = self.parts + thread * LINE
        zero = ir.Constant(I64, 0)
        generation = self.frame.load(Slot.GENERATION)
        restore = _tiny_is_zero(function)
        if threads is not None:
            self.mine.store(clock(function), WorkShare.SINCE)
        with function.loop(0, times, carried=[zero, generation]) as over_steps:
            first, last = zero, ir.Constant(I64, WHOLE)
            if threads is not None:
                first, last = (self.mine.load(part) for part in (WorkShare.FIRST, WorkShare.LAST))
            with function.loop(0, count, carried=list(over_steps.values)) as over_records:
                idle, generation = over_records.values
                record = records + over_records.i * 3
                kind = record.load(2)
                self._work(record, kind, idle, [first, last, thread.value])
                is_barrier = b.icmp_signed(">=", kind, ir.Constant(I64, Kind.BARRIER))
                following = b.select(is_barrier, b.add(generation, ir.Constant(I64, 1)), generation)
                if threads is not None:
                    with function.when(is_barrier):
                        self._barrier(kind, following, threads)
                is_decision = b.icmp_signed("==", kind, ir.Constant(I64, Kind.DECISION))
                over_records.next([b.select(is_decision, self.frame.load(Slot.STATUS), idle), following])
            stop = b.icmp_signed("==", over_records.values[0], ir.Constant(I64, STOP))
            over_steps.next([b.select(stop, ir.Constant(I64, STOP), zero), over_records.values[1]])
        restore()

    def _work(self, record: Pointer, kind: Value, idle: Value, part: list[Value]) -> None:
        """Call a kernel, unless the step is skipped."""
        b, zero = self.function.builder, ir.Constant(I64, 0)
        always = b.icmp_signed("==", kind, ir.Constant(I64, Kind.ALWAYS))
        busy = b.and_(b.icmp_signed("==", kind, zero), b.icmp_signed("==", idle, zero))
        with self.function.when(b.or_(always, busy)):
            f = b.inttoptr(record.load(0), KERNEL.as_pointer())
            b.call(f, [b.inttoptr(record.load(1), PTR), *part])

    def _barrier(self, kind: Value, generation: Value, threads: Int) -> None:
        function, b, mine = self.function, self.function.builder, self.mine
        mine.store(b.add(mine.load(WorkShare.BUSY), b.sub(clock(function), mine.load(WorkShare.SINCE))), WorkShare.BUSY)
        is_last = b.icmp_signed("==", kind, ir.Constant(I64, Kind.LAST))
        with function.when(b.and_(is_last, self.thread.equals(0))):
            self._divide(threads)
        wait_for_all(function, self.frame, generation, threads, self.sleeping, mine + int(WorkShare.HALVINGS))
        mine.store(clock(function), WorkShare.SINCE)

    def _divide(self, threads: Int) -> None:
        """New parts, by the speeds: how much of the work a thread did in how much time.

        What the others did since the barrier before is missing: next to nothing, it counts in the next step.
        """
        function, b = self.function, self.function.builder

        def real(number: float) -> Value:
            return ir.Constant(F64, number)

        def part(t: Int) -> tuple[Pointer, Value, Value]:
            """Where it stands, its share and its speed."""
            at = self.parts + t * LINE
            share = b.sitofp(b.sub(at.load(WorkShare.LAST), at.load(WorkShare.FIRST)), F64)
            time = b.sitofp(b.sub(at.load(WorkShare.BUSY), at.load(WorkShare.BEFORE)), F64)
            return at, share, b.fdiv(share, function.intrinsic("llvm.maxnum.f64", F64, [time, real(1.0)]))

        def asked(speed: Value, all_speeds: Value) -> Value:
            """The share that a speed asks for."""
            least = b.fdiv(real(LEAST * WHOLE), b.sitofp(threads.value, F64))
            by_speed = b.fmul(b.fdiv(speed, all_speeds), real(float(WHOLE)))
            return function.intrinsic("llvm.maxnum.f64", F64, [by_speed, least])

        with function.loop(0, threads, carried=[real(0.0)]) as loop:
            loop.next([b.fadd(loop.values[0], part(loop.i)[2])])
        speeds = loop.values[0]
        with function.loop(0, threads, carried=[real(0.0)]) as loop:
            loop.next([b.fadd(loop.values[0], asked(part(loop.i)[2], speeds))])
        scale = b.fdiv(real(FOLLOWS * WHOLE), loop.values[0])
        with function.loop(0, threads, carried=[real(0.0), ir.Constant(I64, 0)]) as loop:
            at, share, speed = part(loop.i)
            new = b.fadd(b.fmul(share, real(1.0 - FOLLOWS)), b.fmul(asked(speed, speeds), scale))
            end = b.fadd(loop.values[0], new)
            ends_all = (loop.i + 1).equals(threads)
            edge = b.select(ends_all, ir.Constant(I64, WHOLE), b.fptosi(b.fadd(end, real(0.5)), I64))
            at.store(loop.values[1], WorkShare.FIRST)
            at.store(edge, WorkShare.LAST)
            at.store(at.load(WorkShare.BUSY), WorkShare.BEFORE)
            loop.next([end, edge])


FLUSHES_X86 = 0x8040  # of MXCSR: results to zero (bit 15), operands to zero (bit 6); Intel SDM, volume 1, 10.2.3
FLUSHES_ARM = 1 << 24  # of FPCR: both (FZ); Arm ARM, C5.2.8


def _tiny_is_zero(kernel: Function) -> Callable[[], None]:
    """Numbers below the smallest normal one are 0 for this thread, until the returned function restores what was.

    Processors take a hundred times longer for them, and training makes them: a moment whose gradient has become 0
    decays to such a number, and then rounds to itself for ever.
    """
    b = kernel.builder
    word = ir.IntType(32)
    if kernel.target.triple.startswith("x86_64"):
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
