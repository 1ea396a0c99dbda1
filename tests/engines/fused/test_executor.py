"""Who does how much: parts of the work follow the speeds of threads, and change no bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.fused import Fused, program_cache, threads
from chainrule.engines.fused.executor import FOLLOWS, LEAST, LINE, WorkShare, equal_parts
from chainrule.engines.fused.ir_builder import WHOLE
from chainrule.engines.fused.thread_choice import Choice
from chainrule.network import Network
from chainrule.recipe import Recipe

NETWORK = Network((6, 40, 70, 3), "tanh", "cross_entropy", 0.2)
B, M = 96, 400
SLOW = 10**15  # units of time that a thread is made to look busy


def edges(parts):
    """Where parts begin and end."""
    first, last = (np.array(parts[part::LINE]) for part in (WorkShare.FIRST, WorkShare.LAST))
    assert first[0] == 0
    assert last[-1] == WHOLE
    assert np.array_equal(first[1:], last[:-1])
    assert (first <= last).all()
    return first, last


def shares(parts):
    first, last = edges(parts)
    return (last - first) / WHOLE


class Run:
    """Steps of one batch, by so many threads however small the work."""

    def __init__(self, count, network=NETWORK):
        self.count = count
        self.engine = Fused(network, Recipe(batch_size=B, epochs=1000), threads=count)
        rng = np.random.default_rng(0)
        labels = np.eye(3)[rng.integers(0, 3, M)]
        self.examples = self.engine.examples(rng.normal(size=(M, 6)), labels)
        self.state = self.engine.start()

    @property
    def parts(self):
        return self.engine._programs.training(B, B, True).parts[self.count]

    def steps(self, count):
        first = self.state.step
        self.state = self.engine.run(self.state, self.examples, first, first + count)


@pytest.fixture(autouse=True)
def _any_work(monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 1e-9)
    monkeypatch.setattr(threads, "ADAPTS", False)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_parts_are_equal_at_first(count):
    assert np.allclose(shares(equal_parts(count)), 1 / count, atol=1 / WHOLE)


@pytest.mark.parametrize("slow", [0, 1, 2])
def test_a_slow_thread_does_less_in_the_next_step(slow):
    run = Run(3)
    run.steps(1)
    before = shares(run.parts)
    run.parts[LINE * slow + WorkShare.BEFORE] -= SLOW
    run.steps(1)
    after = shares(run.parts)
    # the others ask for all of the work between them, the slow one for the least that is allowed
    asked = LEAST / 3 / (1 + LEAST / 3)
    assert after[slow] == pytest.approx((1 - FOLLOWS) * before[slow] + FOLLOWS * asked, abs=2 / WHOLE)


def test_a_thread_that_was_always_slow_keeps_a_part_and_one_that_recovers_gets_its_own_back():
    run = Run(2)
    run.steps(1)
    for _ in range(100):
        run.parts[LINE + WorkShare.BEFORE] -= SLOW
        run.steps(1)
    asked = LEAST / 2 / (1 + LEAST / 2)
    assert shares(run.parts)[1] == pytest.approx(asked, abs=0.01)
    for _ in range(100):
        run.parts[WorkShare.BEFORE] -= SLOW
        run.steps(1)
    assert shares(run.parts)[1] == pytest.approx(1 - asked, abs=0.01)


def test_parts_are_whole_after_steps_of_many_threads():
    run = Run(5)
    for _ in range(20):
        run.steps(3)
        assert shares(run.parts).min() >= LEAST / 5 / (1 + LEAST) - 2 / WHOLE


class Changeable(Choice):
    """Another number of threads for each piece, whatever was measured."""

    def next(self, left):
        self.pieces = getattr(self, "pieces", 0) + 1
        return 1 + self.pieces % 3, 1 + self.pieces % min(left, 4)


def test_no_change_of_the_number_of_threads_changes_a_bit(monkeypatch):
    alone = Run(1)
    monkeypatch.setattr(threads, "ADAPTS", True)
    monkeypatch.setattr(program_cache, "Choice", Changeable)
    # dropout of its own, so that the pool has no programs with another choice for it
    changing = Run(3, replace(NETWORK, dropout=0.2001))
    alone.engine = Fused(changing.engine.network, alone.engine.recipe, threads=1)
    alone.state = alone.engine.start()
    for count in (1, 2, 5, 60):
        alone.steps(count)
        changing.steps(count)
        assert changing.state.theta.tobytes() == alone.state.theta.tobytes()
        assert changing.state._replace(theta=0, moments=()) == alone.state._replace(theta=0, moments=())


def test_no_step_is_done_after_one_that_diverged(monkeypatch):
    monkeypatch.setattr(threads, "ADAPTS", True)
    monkeypatch.setattr(program_cache, "Choice", Changeable)
    run = Run(3, replace(NETWORK, dropout=0.2002))
    run.steps(1)
    run.examples.X[B * 2] = np.nan  # of the epoch's M rows
    states = []
    for count in (1, 3):
        engine = Fused(run.engine.network, Recipe(batch_size=B, epochs=1000), threads=count)
        states.append(engine.run(engine.start(), run.examples, 0, 40))
    assert states[0].diverged
    assert states[0]._replace(theta=0, moments=()) == states[1]._replace(theta=0, moments=())


@settings(max_examples=40)
@given(st.lists(st.integers(0, WHOLE), min_size=2, max_size=2))
def test_no_division_of_the_work_changes_a_bit(inner):
    alone, together = Run(1), Run(3)
    at = [0, *sorted(inner), WHOLE]
    together.steps(1)
    alone.steps(1)
    for _ in range(3):  # an epoch has four steps of whole batches
        together.parts[WorkShare.FIRST :: LINE], together.parts[WorkShare.LAST :: LINE] = at[:-1], at[1:]
        together.steps(1)
        alone.steps(1)
        assert together.state.theta.tobytes() == alone.state.theta.tobytes()
