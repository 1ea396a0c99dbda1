"""How many threads, and running a program on them."""

import os
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable

from chainrule.engines.fused.cpu_quota import quota_in_cores
from chainrule.engines.signals import ctrl_c_afterwards

# Each thread needs so many floating-point operations in a step before it is worth its barriers.
WORTH = 12e6

# Whether as many threads as are worth it may also be too many; without it they are always that many.
ADAPTS = True


def allowed(threads: int | None) -> int:
    """How many threads may be used: the number asked for, or else the cores that this process may run on and has a
    quota for, as far as OMP_NUM_THREADS and threadpoolctl's limits (which joblib's workers inherit) leave them."""
    if threads is not None:
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = min(cores, quota_in_cores() or cores)
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


def run(call: Callable[[int, int], None], threads: int) -> bool:
    """call(thread, threads) on each thread, this one being the first; back when all are done.

    False: the system has no more threads for this process, and nothing was called.
    """
    gate, ended = allocate_lock(), [allocate_lock() for _ in range(1, threads)]
    together = True

    def work(thread: int, end: LockType) -> None:
        with gate:  # opens when all are there, or when it is clear that they will not be
            pass
        try:
            if together:
                call(thread, threads)
        finally:
            end.release()

    with ctrl_c_afterwards():
        with gate:
            for thread, end in enumerate(ended, 1):
                end.acquire()
                try:
                    start_new_thread(work, (thread, end))
                except RuntimeError:  # can't start new thread
                    together = False
                    break
        if together:
            call(0, threads)
            for end in ended:
                end.acquire()
    return together
