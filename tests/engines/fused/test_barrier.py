"""Threads that wait for each other: awake for microseconds, then asleep, and woken every time."""

import os
import re
import time
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from chainrule.engines.fused import Fused, barrier, program_cache, threads
from chainrule.engines.fused.executor import LINE, RUN, WorkShare, equal_parts
from chainrule.engines.fused.gate import at
from chainrule.engines.fused.kernel_registry import library
from chainrule.engines.fused.processor import here
from chainrule.engines.fused.program import Program
from chainrule.engines.fused.step_state import SLOTS, Kind, Slot
from chainrule.network import Network
from chainrule.recipe import Recipe

WAYS = {"own": barrier.way_to_sleep}
if os.name == "posix":
    WAYS["naps"] = barrier.naps
LONGEST = 60.0  # seconds after which a test gives up: a thread that is not woken waits for ever


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


class Barriers:
    """Steps of nothing but barriers, for each of the threads."""

    def __init__(self, way, count, times, each=2):
        program = Program()
        for _ in range(each - 1):
            program.barrier()
        program.barrier(Kind.LAST)
        self.each = each
        self.finished = program.finished(library(here()))
        self.frame = np.zeros(SLOTS, np.int64)
        self.parts = equal_parts(count)
        records = self.finished.records
        of_program = {"frame": at(self.frame), "records": at(records), "count": len(records), "times": times}
        sleeping = dict(zip(("way", "wait", "wake"), map(int, way()), strict=True))
        self.arguments = np.array(RUN.packed(of_program | sleeping | {"parts": at(self.parts)})[0], np.int64)
        self.count, self.times = count, times
        self.execute = Fused(Network((2, 1)), Recipe())._programs._execute
        self.threads = [Thread(target=self.enter, args=(number,), daemon=True) for number in range(count)]

    def enter(self, number):
        self.execute(at(self.arguments).address, number, self.count)

    def until_one_sleeps(self):
        wait_until(lambda: self.frame[Slot.SLEEPERS])

    def end(self):
        until = time.monotonic() + LONGEST
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))
            assert not thread.is_alive(), "not woken"
        assert self.frame[Slot.GENERATION] == self.each * self.times
        assert self.frame[Slot.ARRIVED] == self.frame[Slot.SLEEPERS] == 0


@pytest.mark.parametrize("count", [2, 3, 8])
def test_no_wake_up_is_lost(way, count):
    """With more threads than cores somebody always sleeps, or is about to."""
    barriers = Barriers(way, count, 3000 if way is barrier.way_to_sleep else 100)
    for thread in barriers.threads:
        thread.start()
    barriers.end()


@pytest.mark.parametrize("late", [0, 1])
def test_who_waits_for_long_sleeps(way, late):
    barriers = Barriers(way, 2, 1)
    waits, comes = barriers.threads[1 - late], barriers.threads[late]
    waits.start()
    status = Path(f"/proc/self/task/{waits.native_id}/status")
    if status.exists():
        barriers.until_one_sleeps()
        naps = way()[0] == barrier.Way.NAPS
        before = times_gone_to_sleep(status)
        wait_until(lambda: times_gone_to_sleep(status) >= before + 3 if naps else is_asleep(status))
        if not naps:  # and nothing but who it waits for wakes it
            before = times_gone_to_sleep(status)
            for _ in range(20):
                time.sleep(0.01)
                assert is_asleep(status)
            assert times_gone_to_sleep(status) == before
    comes.start()
    barriers.end()


def is_asleep(status):
    """Of a thread, by what Linux says of it."""
    return re.search(r"^State:\s+(\w)", status.read_text(), re.MULTILINE)[1] == "S"


def times_gone_to_sleep(status):
    """How often a thread has given its core up of itself."""
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.MULTILINE)[1])


def wait_until(holds):
    until = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_nobody_sleeps_where_all_are_in_time():
    """The system is asked for nothing then."""

    def nowhere():
        return barrier.Way.FUTEX, 0, 0  # a call would end the process

    alone = Barriers(nowhere, 1, 1000)
    alone.threads[0].start()
    alone.end()


@pytest.mark.parametrize("count", [2, 5])
def test_training_is_the_same_however_threads_sleep(way, count, monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 1e-9)
    monkeypatch.setattr(threads, "ADAPTS", False)
    monkeypatch.setattr(program_cache, "way_to_sleep", way)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(400, 6)), rng.normal(size=(400, 1))

    def trained(number):
        # dropout of its own, so that the pool has no programs of another test for it
        engine = Fused(Network((6, 30, 20, 1), "tanh", dropout=0.137), Recipe(batch_size=100), threads=number)
        return engine.run(engine.start(), engine.examples(X, Y), 0, 60).theta

    assert trained(count).tobytes() == trained(1).tobytes()


def test_time_awake_is_halved_each_time_that_it_was_in_vain():
    barriers = Barriers(barrier.way_to_sleep, 2, 1, each=1)
    for vain in range(1, barrier.HALVINGS + 3):
        barriers.threads = [Thread(target=barriers.enter, args=(number,), daemon=True) for number in range(2)]
        barriers.frame[:] = 0
        barriers.threads[0].start()
        barriers.until_one_sleeps()
        time.sleep(0.01)  # far longer than it would ever be awake
        barriers.threads[1].start()
        barriers.end()
        assert barriers.parts[WorkShare.HALVINGS :: LINE].tolist() == [min(vain, barrier.HALVINGS), 0]


def test_a_system_without_another_thread_lets_one_do_it_all(monkeypatch):
    def none(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "WORTH", 1e-9)
    monkeypatch.setattr(threads, "ADAPTS", False)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 6)), rng.normal(size=(40, 1))
    thetas = []
    for allowed in (10**9, 2, 0):  # threads that the system still has
        left = [allowed]
        start = threads.start_new_thread

        def scarce(*given, left=left, start=start):
            left[0] -= 1
            return start(*given) if left[0] >= 0 else none()

        with monkeypatch.context() as patch:
            patch.setattr(threads, "start_new_thread", scarce)
            engine = Fused(Network((6, 30, 20, 1), "tanh"), Recipe(batch_size=10), threads=4)
            thetas.append(engine.run(engine.start(), engine.examples(X, Y), 0, 12).theta.tobytes())
    assert len(set(thetas)) == 1
