"""Where threads wait for each other: some microseconds awake, then asleep until the last one wakes them.

A thread that waits awake keeps a core from whoever could use it; where other processes compute, that may be the very
thread it waits for. One that sleeps costs nothing, but is late by the microseconds that waking it takes.

Each system has its own way to sleep until a number in memory is no more what it was:

    Linux      futex(2), by way of the C library's ``syscall``
    macOS      os_sync_wait_on_address, from version 14.4 on
    Windows    WaitOnAddress
    others     short sleeps, between which a thread looks
"""

import ctypes
import sys
from enum import IntEnum
from typing import Any

from llvmlite import ir

from chainrule.engines.fused.ir_builder import I32, I64, PTR, VOID, Function, Int, Pointer, Value
from chainrule.engines.fused.step_state import Frame, Slot

AWAKE = 100  # microseconds at most
HALVINGS = 3  # of that, at most
TICKS_X86 = 2500  # in a microsecond, of the counter that ``clock`` reads: between 2,000 and 5,000
NAP = 50  # microseconds

# Linux: include/uapi/linux/futex.h; the numbers of the call, from the tables of x86_64 and of the generic ABI
FUTEX_WAIT, FUTEX_WAKE, FUTEX_PRIVATE = 0, 1, 128
FUTEX_X86, FUTEX_ARM = 202, 98
EVERY_THREAD = 2**31 - 1


class Way(IntEnum):
    """How threads sleep."""

    NAPS = 0
    FUTEX = 1
    OS_SYNC = 2
    ON_ADDRESS = 3


def way_to_sleep() -> tuple[Way, int, int]:
    """The way of the system it runs on, and the addresses of its functions to wait and to wake."""
    if sys.platform == "win32":
        library = ctypes.WinDLL("api-ms-win-core-synch-l1-2-0.dll")  # pyright: ignore[reportAttributeAccessIssue]
        return Way.ON_ADDRESS, _address(library.WaitOnAddress), _address(library.WakeByAddressAll)
    library = ctypes.CDLL(None)
    if sys.platform.startswith("linux"):
        return Way.FUTEX, _address(library.syscall), _address(library.syscall)
    if hasattr(library, "os_sync_wait_on_address"):
        return Way.OS_SYNC, _address(library.os_sync_wait_on_address), _address(library.os_sync_wake_by_address_all)
    return naps()


def naps() -> tuple[Way, int, int]:
    """The way of any POSIX system."""
    usleep = _address(ctypes.CDLL(None).usleep)
    return Way.NAPS, usleep, usleep


def _address(function: Any) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def clock(function: Function) -> Value:
    """A time, in units of the processor's own."""
    if function.target.triple.startswith("x86_64"):
        return function.intrinsic("llvm.readcyclecounter", I64, [])
    return _register(function, "cntvct_el0")  # the timer that programs may read


def _register(function: Function, name: str) -> Value:
    return function.intrinsic("llvm.read_volatile_register.i64", I64, [function.module.add_metadata([name])])


def wait_for_all(
    function: Function, frame: Frame, generation: Value, threads: Int, sleeping: tuple[Int, Int, Int], halvings: Pointer
) -> None:
    """Until all threads are here: the last one to arrive lets the others go.

    generation what Slot.GENERATION is to be then; it counts the times that all were here
    sleeping   as ``way_to_sleep`` says

    No wake-up is lost: who goes to sleep first says so, and then sleeps only if GENERATION is still what it was; who
    ends the wait first changes GENERATION, and then looks for sleepers.
    """
    b, one = function.builder, ir.Constant(I64, 1)
    before = b.atomic_rmw("add", frame.at(Slot.ARRIVED).value, one, "acq_rel")
    is_last = b.icmp_signed("==", b.add(before, one), threads.value)
    last, others, check, pause, soon, late, asleep, awake, after = (
        function.function.append_basic_block(n)
        for n in ("last", "others", "check", "pause", "soon", "late", "asleep", "awake", "after")
    )
    b.cbranch(is_last, last, others)

    b.position_at_end(last)
    frame.store(Slot.ARRIVED, ir.Constant(I64, 0))
    b.atomic_rmw("xchg", frame.at(Slot.GENERATION).value, generation, "seq_cst")
    sleepers = b.load_atomic(frame.at(Slot.SLEEPERS).value, "seq_cst", 8, typ=I64)
    with function.when(b.icmp_signed(">", sleepers, ir.Constant(I64, 0))):
        _wake(function, frame.at(Slot.GENERATION), *sleeping)
    b.branch(after)

    b.position_at_end(others)
    begun, most = clock(function), _ticks(function)
    until = b.add(begun, b.lshr(most, halvings.load()))
    b.branch(check)
    b.position_at_end(check)
    now = b.load_atomic(frame.at(Slot.GENERATION).value, "acquire", 8, typ=I64)
    b.cbranch(b.icmp_signed(">=", now, generation), soon, pause)
    b.position_at_end(pause)
    _pause(function)
    b.cbranch(b.icmp_signed("<", clock(function), until), check, late)

    b.position_at_end(soon)
    longer = function.intrinsic("llvm.usub.sat.i64", I64, [halvings.load(), one])
    halvings.store(longer)
    b.branch(after)

    b.position_at_end(late)
    b.atomic_rmw("add", frame.at(Slot.SLEEPERS).value, one, "seq_cst")
    b.branch(asleep)
    b.position_at_end(asleep)
    now = b.load_atomic(frame.at(Slot.GENERATION).value, "seq_cst", 8, typ=I64)
    still = b.icmp_signed("<", now, generation)
    with function.when(still):
        _sleep(function, frame.at(Slot.GENERATION), now, *sleeping)
    b.cbranch(still, asleep, awake)
    b.position_at_end(awake)
    b.atomic_rmw("sub", frame.at(Slot.SLEEPERS).value, one, "seq_cst")
    shorter = (Int(function, halvings.load()) + 1).least(HALVINGS).value
    longer = function.intrinsic("llvm.usub.sat.i64", I64, [halvings.load(), one])
    was_short = b.icmp_signed("<", b.sub(clock(function), begun), most)
    halvings.store(b.select(was_short, longer, shorter))
    b.branch(after)
    b.position_at_end(after)


def _ticks(function: Function) -> Value:
    """How long a thread stays awake, in units of the clock."""
    if function.target.triple.startswith("x86_64"):
        return ir.Constant(I64, AWAKE * TICKS_X86)
    b = function.builder
    per_second = _register(function, "cntfrq_el0")
    return b.udiv(b.mul(per_second, ir.Constant(I64, AWAKE)), ir.Constant(I64, 10**6))


def _pause(function: Function) -> None:
    """Tell the processor that this is a loop that waits: its other thread may have what this one does not need."""
    if function.target.triple.startswith("x86_64"):
        function.intrinsic("llvm.x86.sse2.pause", VOID, [])
    else:
        function.intrinsic("llvm.aarch64.hint", VOID, [ir.Constant(I32, 1)])  # YIELD


def _sleep(function: Function, word: Pointer, value: Value, way: Int, wait: Int, _: Int) -> None:
    """Until a word of 64 bits is no more ``value``, or for no reason at all: who sleeps looks again."""
    b = function.builder
    with function.when(way.equals(Way.FUTEX)):  # it compares the lower half, which comes first
        _futex(function, wait, word, FUTEX_WAIT, b.trunc(value, I32))
    with function.when(way.equals(Way.OS_SYNC)):
        _call(function, wait, [word.value, value, ir.Constant(I64, 8), ir.Constant(I32, 0)])
    with function.when(way.equals(Way.ON_ADDRESS)):
        with b.goto_entry_block():
            expected = b.alloca(I64)
        b.store(value, expected)
        _call(function, wait, [word.value, expected, ir.Constant(I64, 8), ir.Constant(I32, -1)])  # INFINITE
    with function.when(way.equals(Way.NAPS)):
        _call(function, wait, [ir.Constant(I32, NAP)])


def _wake(function: Function, word: Pointer, way: Int, _: Int, wake: Int) -> None:
    """All who sleep because of a word."""
    with function.when(way.equals(Way.FUTEX)):
        _futex(function, wake, word, FUTEX_WAKE, ir.Constant(I32, EVERY_THREAD))
    with function.when(way.equals(Way.OS_SYNC)):
        _call(function, wake, [word.value, ir.Constant(I64, 8), ir.Constant(I32, 0)])
    with function.when(way.equals(Way.ON_ADDRESS)):
        _call(function, wake, [word.value])


def _futex(function: Function, syscall: Int, word: Pointer, operation: int, value: Value) -> None:
    number = FUTEX_X86 if function.target.triple.startswith("x86_64") else FUTEX_ARM
    operation |= FUTEX_PRIVATE
    no_time_limit = ir.Constant(PTR, None)
    given = [ir.Constant(I64, number), word.value, ir.Constant(I32, operation), value, no_time_limit]
    _call(function, syscall, given, of_any=1)


def _call(function: Function, address: Int, arguments: list[Value], of_any: int | None = None) -> None:
    """Call a function of the system's; ``of_any``: how many of its arguments are named, if it takes any after those."""
    named = arguments[:of_any]
    type_ = ir.FunctionType(I32, [a.type for a in named], var_arg=of_any is not None)
    function.builder.call(function.builder.inttoptr(address.value, type_.as_pointer()), arguments)
