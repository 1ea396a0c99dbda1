"""How many threads, and running a program on them."""

import ctypes
import os
import sys
from collections.abc import Callable
from threading import Thread

# Each thread needs so many floating-point operations in a step before it is worth its barriers.
WORTH = 12e6


def allowed(threads: int | None) -> int:
    """How many threads may be used: the number asked for, or else the cores this process may run on, as far as
    OMP_NUM_THREADS and threadpoolctl's limits (which joblib's workers inherit) leave them."""
    if threads is not None:
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        limit = int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
    except ValueError:
        limit = cores
    return max(1, min([cores, limit, *_pools()]))


def _pools() -> list[int]:
    """What the thread pools of loaded libraries are limited to."""
    from threadpoolctl import threadpool_info

    return [int(pool["num_threads"]) for pool in threadpool_info()]


def worthwhile(flops: float, most: int) -> int:
    """How many threads a step of so many operations gains from."""
    return max(1, min(most, int(flops / WORTH)))


def run(call: Callable[[int, int], None], threads: int) -> None:
    """call(thread, threads) on each thread, this one being the first; back when all are done."""
    others = [Thread(target=call, args=(i, threads), daemon=True) for i in range(1, threads)]
    for other in others:
        other.start()
    call(0, threads)
    for other in others:
        other.join()


def give_way() -> int:
    """The address of the system's function that lets another thread run."""
    if sys.platform == "win32":
        function = ctypes.WinDLL("kernel32").SwitchToThread  # pyright: ignore[reportAttributeAccessIssue]
    else:
        function = ctypes.CDLL(None).sched_yield
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)
