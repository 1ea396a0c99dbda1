"""Ctrl-C: a run ends soon, after whole steps, and goes on from there as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule.engines.fused import Fused, engine, threads
from chainrule.engines.fused.program_cache import Programs
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.test_equals_reference import copied, vectors


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's own answer to SIGINT, whatever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def looks_at_every_step(monkeypatch):
    monkeypatch.setattr(engine, "BETWEEN_LOOKS", 1e-9)
    monkeypatch.setattr(threads, "WORTH", 1e-9)
    monkeypatch.setattr(threads, "ADAPTS", False)


def made(count, m=60, **recipe):
    network = Network((5, 9, 9, 1), "tanh", dropout=0.2)
    fused = Fused(network, Recipe("adam", batch_size=8, **recipe), threads=count)
    rng = np.random.default_rng(0)
    return fused, fused.examples(rng.normal(size=(m, 5)), rng.normal(size=(m, 1)))


def run_interrupted(fused, examples, last, after, how, monkeypatch):
    """The state after Ctrl-C in the so many-th call of compiled code."""
    go, calls = Programs.run, []

    def counted(*given, **more):
        go(*given, **more)
        calls.append(given)
        if len(calls) == after:
            how()

    monkeypatch.setattr(Programs, "run", counted)
    state = fused.run(fused.start(), examples, 0, last)
    monkeypatch.setattr(Programs, "run", go)
    return state


def interrupt_main():
    import _thread

    _thread.interrupt_main()


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("how", [lambda: signal.raise_signal(signal.SIGINT), interrupt_main], ids=["signal", "main"])
@pytest.mark.parametrize("after", [1, 2, 5, 9, 10, 15])  # 8 steps an epoch, and a call of its own before them
def test_an_interrupted_run_goes_on_with_the_same_bits(how, after, count, looks_at_every_step, monkeypatch):
    fused, examples = made(count)
    whole = fused.run(fused.start(), examples, 0, 20)
    state = run_interrupted(fused, examples, 20, after, how, monkeypatch)
    assert state.interrupted
    assert state.step == after - 1 - (after - 1) // 9  # a call at the beginning of each epoch is no step
    until_then = fused.run(fused.start(), examples, 0, state.step)
    assert until_then._replace(theta=0, moments=()) == state._replace(theta=0, moments=(), interrupted=False)
    assert all(map(np.array_equal, vectors(state), vectors(until_then)))
    rest = fused.run(state._replace(interrupted=False), examples, state.step, 20)
    assert all(map(np.array_equal, vectors(rest), vectors(whole)))
    assert (rest.step, rest.updates, rest.samples) == (whole.step, whole.updates, whole.samples)
    assert (rest.cost_sum, rest.weight_sum, rest.interrupted) == (whole.cost_sum, whole.weight_sum, False)


@pytest.mark.parametrize("count", [1, 2])
def test_between_two_looks_at_ctrl_c_there_is_no_more_work_than_said(count, monkeypatch):
    monkeypatch.setattr(engine, "BETWEEN_LOOKS", 1e6)
    monkeypatch.setattr(threads, "WORTH", 1e-9)
    monkeypatch.setattr(threads, "ADAPTS", False)
    fused, examples = made(count, m=8000)
    calls, go = [], Programs.run

    def noted(self, ready, times=1):
        calls.append((times, times * (ready.flops + engine.UPDATE * fused.network.size + engine.STEP)))
        go(self, ready, times)

    monkeypatch.setattr(Programs, "run", noted)
    fused.run(fused.start(), examples, 0, 1000)
    most = 1e6 * count  # each of the threads does so much
    assert max(work for times, work in calls if times > 1) <= most
    assert max(work for _, work in calls) > 0.8 * most  # and not much less


def test_a_state_that_was_interrupted_stands_still_until_told():
    fused, examples = made(1)
    state = fused.run(fused.start(), examples, 0, 3)._replace(interrupted=True)
    before = copied(state)
    assert fused.run(state, examples, 3, 9).step == 3
    assert np.array_equal(state.theta, before.theta)


EVERYWHERE = """
import signal, sys
import numpy as np
from chainrule.engines import signals as interrupting
from chainrule.engines.fused import Fused, engine, threads
from chainrule.engines.fused import thread_choice as choosing
from chainrule.engines.fused import program_cache as programs
from chainrule.network import Network
from chainrule.recipe import Recipe

engine.BETWEEN_LOOKS = threads.WORTH = 1e-9
threads.ADAPTS = sys.argv[2] == "adapts"
COUNT = int(sys.argv[1])
signal.signal(signal.SIGINT, signal.default_int_handler)
fused = Fused(Network((5, 9, 9, 1), "tanh", dropout=0.2), Recipe("adam", batch_size=8), threads=COUNT)
rng = np.random.default_rng(0)
examples = fused.examples(rng.normal(size=(20, 5)), rng.normal(size=(20, 1)))
LAST = 5
at = []
for step in range(LAST + 1):
    state = fused.run(fused.start(), examples, 0, step)
    at.append((state.theta.copy(), [v.copy() for v in state.moments], state.cost_sum))
FILES = tuple(module.__file__ for module in (engine, programs, choosing, threads, interrupting))


def interrupted_at(which):
    # Ctrl-C before the so many-th line: the state, or None; whether there were so many lines
    seen, where = 0, ""

    def trace(frame, event, argument):
        nonlocal seen, where
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            seen += 1
            if seen == which:
                where = f"{frame.f_code.co_name}, line {frame.f_lineno}"
                signal.raise_signal(signal.SIGINT)
        return trace

    given = fused.start()
    sys.settrace(trace)
    try:
        state = fused.run(given, examples, 0, LAST)
    except KeyboardInterrupt:
        state = given
    finally:
        sys.settrace(None)
    return state, where


wrong = []
which = 0
while True:
    which += 1
    print(which, file=sys.stderr, flush=True)
    state, where = interrupted_at(which)
    if not where:
        break
    theta, moments, cost_sum = at[state.step]
    fine = np.array_equal(state.theta, theta) and state.cost_sum == cost_sum
    fine = fine and all(map(np.array_equal, state.moments, moments))
    if fine:
        rest = fused.run(state._replace(interrupted=False), examples, state.step, LAST)
        fine = np.array_equal(rest.theta, at[LAST][0]) and rest.cost_sum == at[LAST][2]
    if not fine:
        wrong.append(where)
assert which > 100, which
assert not wrong, sorted(set(wrong))
"""


@pytest.mark.parametrize(("count", "how"), [(1, "fixed"), (2, "fixed"), (2, "adapts")])
def test_ctrl_c_before_any_line_leaves_a_whole_state_and_an_engine_that_works(count, how):
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", EVERYWHERE, str(count), how],
            text=True,
            capture_output=True,
            timeout=60,
        )
    except subprocess.TimeoutExpired as stuck:
        pytest.fail(f"the engine hangs after Ctrl-C before line event {(stuck.stderr or b'').split()[-1:]}")
    assert done.returncode == 0, done.stderr.splitlines()[-1]


STARTING = """
import signal
import numpy as np
from chainrule.engines.fused import Fused, threads
from chainrule.network import Network
from chainrule.recipe import Recipe

threads.WORTH, threads.ADAPTS = 1e-9, False
signal.signal(signal.SIGINT, signal.default_int_handler)
fused = Fused(Network((5, 9, 9, 1), "tanh"), Recipe(), threads=3)
rng = np.random.default_rng(0)
examples = fused.examples(rng.normal(size=(60, 5)), rng.normal(size=(60, 1)))
theta = fused.start().theta
start, expected = threads.start_new_thread, fused.cost(theta, examples)

def start_and_interrupt(*given):
    start(*given)
    signal.raise_signal(signal.SIGINT)

threads.start_new_thread = start_and_interrupt
try:
    fused.cost(theta, examples)
except KeyboardInterrupt:
    print("interrupted")
threads.start_new_thread = start
print(fused.cost(theta, examples) == expected)
"""


def test_ctrl_c_between_two_threads_waits_for_both():
    """One that was started waits for the others, and would do so for ever, or come between them in the next run."""
    command = [sys.executable, "-W", "error", "-c", STARTING]
    done = subprocess.run(command, text=True, capture_output=True, timeout=60)
    assert done.stdout.split() == ["interrupted", "True"], done.stderr


FITTING = """
import json, sys, time
import numpy as np
from chainrule import fit
from chainrule.engines.fused import Fused
from chainrule.network import Network
from chainrule.recipe import Recipe

network = Network((30, 200, 100, 1), "tanh", dropout=0.1)
fused = Fused(network, Recipe("adam", epochs=500, batch_size=200, patience=None), threads=int(sys.argv[1]))
rng = np.random.default_rng(0)
training = fused.examples(rng.normal(size=(20_000, 30)), rng.normal(size=(20_000, 1)))
validation = fused.examples(rng.normal(size=(50, 30)), rng.normal(size=(50, 1)))

class Best:
    def __init__(self):
        self.kept = []
    def on_epoch_end(self, history, parameters):
        if history.best_epoch == len(history):
            self.kept = parameters.theta.copy()
        print("epoch", flush=True)

best = Best()
done = fit(fused, training, validation, [best])
print("stopped", flush=True)
whole = fused.run(fused.start(), training, 0, done.state.step + 5)
half = fused.run(fused.start(), training, 0, done.state.step)
same = bool(np.array_equal(half.theta, done.state.theta))
rest = fused.run(done.state, training, done.state.step, done.state.step + 5)
print(json.dumps({
    "stopped": done.history.stopped,
    "step": done.state.step,
    "best is kept": bool(np.array_equal(done.theta, best.kept)),
    "so many steps were done": same,
    "continues with the same bits": bool(np.array_equal(rest.theta, whole.theta)),
}))
"""


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent as POSIX has it")
@pytest.mark.parametrize("count", [1, 2])
def test_a_long_fit_is_interrupted_and_keeps_the_best(count):
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", FITTING, str(count)], text=True, stdout=-1)
    try:
        assert process.stdout.readline() == "epoch\n"
        time.sleep(0.05)  # into the next epoch
        process.send_signal(signal.SIGINT)
        while process.stdout.readline() == "epoch\n":
            pass
        told = json.loads(process.stdout.readline())
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    assert told.pop("stopped") == "interrupted"
    assert told.pop("step") > 100
    assert all(told.values()), told
