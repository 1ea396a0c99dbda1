"""How many threads: on simulated machines, whose clock is a sum."""

from collections import Counter

import numpy as np
import pytest

from chainrule.engines.fused.thread_choice import FIRST, LONGEST, PIECE, SAVINGS, SHARE, TRIAL, Choice, numbers

UNIT = 0.001  # seconds that a unit takes by one thread on a quiet machine


class Machine:
    """Seconds pass as units are done by a Choice; ``slowness`` is that of each number of threads, by the time.

    noise    how much longer or shorter a piece may take than it should
    """

    def __init__(self, most, slowness, noise=0.0, unit=UNIT, seed=0):
        self.choice = Choice(most)
        self.slowness = slowness
        self.noise = noise
        self.unit = unit
        self.rng = np.random.default_rng(seed)
        self.now = 0.0
        self.counts = []  # (from when on, number of threads), where it changed
        self.spent = Counter()  # seconds by the number of threads
        self.units = 0
        self.without_noise = 0.0  # seconds

    def run(self, seconds, at_once=10**9):
        """Until so many more seconds have passed; a run has at most so many units."""
        end = self.now + seconds
        while self.now < end:
            left = at_once
            while left > 0 and self.now < end:
                left -= self._piece(left)
        return self

    def _piece(self, left):
        count, units = self.choice.next(left)
        assert 1 <= units <= left
        taken, computed = self._seconds(count, units)
        self.choice.took(units, taken, computed)
        self.now += taken
        self.spent[count] += taken
        self.units += units
        self.without_noise += units * self.unit * self.slowness(self.now)[count]
        if not self.counts or self.counts[-1][1] != self.choice.count:
            self.counts.append((self.now, self.choice.count))
        return units

    def _seconds(self, count, units):
        """That so many units take, and for which all threads have cores."""
        noise = 1.0 + self.noise * self.rng.uniform(-1.0, 1.0)
        taken = units * self.unit * self.slowness(self.now)[count] * noise
        return taken, count * taken


class Shared(Machine):
    """After turns of some milliseconds the cores belong to others, for ``away`` seconds by the number of threads."""

    TURN = 0.003

    def __init__(self, most, slowness, away, **more):
        super().__init__(most, slowness, **more)
        self.away = away

    def _seconds(self, count, units):
        computing = units * self.unit * self.slowness(self.now)[count]
        turns = self.rng.poisson(computing / self.TURN)
        return computing + self.rng.exponential(self.away[count], turns).sum(), count * computing

    def expected(self):
        """Seconds of a unit, by the number of threads."""
        slowness = self.slowness(self.now)
        return {count: self.unit * slowness[count] * (1.0 + self.away[count] / self.TURN) for count in slowness}


def always(*slowness):
    """By the number of threads, from 1 on."""
    by_count = dict(enumerate(slowness, 1))
    return lambda now: by_count


def until(when, before, after):
    return lambda now: (before if now < when else after)(now)


QUIET = always(1.0, 0.55)
# what two threads cost against one beside busy processes, from far better to far worse
LOADS = {"quiet": QUIET, "shares": always(1.5, 0.9), "level": always(1.0, 1.0), "worse": always(1.0, 1.4)}
LOADS |= {"yielding": always(1.5, 20.0), "siblings": always(1.0, 1.1)}


def test_numbers_fall_from_the_most_to_one():
    for most in range(1, 200):
        chosen = numbers(most)
        assert chosen[0] == most
        assert chosen[-1] == 1
        assert sorted(set(chosen), reverse=True) == chosen


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("load", LOADS)
def test_never_below_nine_tenths_of_the_faster_after_the_first_second(load, noise):
    for seed in range(5):
        machine = Machine(2, LOADS[load], noise, seed=seed).run(1.0)
        done, begun = machine.units, machine.now
        machine.run(20.0)
        fastest = min(LOADS[load](0.0).values()) * UNIT
        assert (machine.units - done) * fastest >= 0.9 * (machine.now - begun)


@pytest.mark.parametrize("unit", [0.0005, 0.002, 0.008])
@pytest.mark.parametrize(
    "away", [(0.0, 0.003), (0.0, 0.02), (0.0015, 0.006), (0.0015, 0.03), (0.003, 0.003), (0.02, 0.02)]
)
def test_the_same_where_others_take_turns(away, unit):
    speeds = []
    for seed in range(5):
        machine = Shared(2, QUIET, dict(enumerate(away, 1)), unit=unit, seed=seed).run(1.0)
        done, begun = machine.units, machine.now
        machine.run(20.0)
        speeds.append((machine.units - done) * min(machine.expected().values()) / (machine.now - begun))
    assert np.mean(speeds) >= 0.9


@pytest.mark.parametrize("most", [2, 3, 4, 16, 64])
def test_all_threads_work_on_a_quiet_machine(most):
    machine = Machine(most, always(*(1.0 / count for count in range(1, most + 1)))).run(30.0)
    assert machine.counts == [(machine.counts[0][0], most)]
    assert machine.spent[most] >= 0.99 * machine.now


def test_trials_end_on_a_quiet_machine_and_begin_again_when_it_is_no_more():
    machine = Machine(2, until(60.0, QUIET, always(1.0, 3.0))).run(59.0)
    assert 0.0 < machine.spent[1] <= 2.0 * PIECE / 0.55
    assert machine.run(3.0).choice.count == 1


@pytest.mark.parametrize("most", [2, 4, 8])
def test_one_thread_works_where_every_other_stands_in_its_way(most):
    machine = Machine(most, always(*map(float, range(1, most + 1)))).run(3.0)
    assert machine.choice.count == 1
    assert machine.counts[-1][0] < 2.0


@pytest.mark.parametrize(("best", "most"), [(12, 16), (6, 8), (3, 4), (9, 16)])
def test_the_best_number_between_is_found(best, most):
    slowness = [1.0 / count if count <= best else 0.5 * count / best for count in range(1, most + 1)]
    machine = Machine(most, always(*slowness)).run(5.0)
    assert machine.choice.count == best


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("alone", [1.0, 1.5])  # whether one thread notices that the others are gone
def test_more_threads_again_when_the_machine_is_free_again(alone, noise):
    """And fewer when it is busy, each time."""
    free, busy = QUIET, always(alone, 3.0)

    def slowness(now):
        return (free if int(now / 10.0) % 2 else busy)(now)

    machine = Machine(2, slowness, noise)
    for period in range(6):
        machine.run((period + 1) * 10.0 - machine.now)
        assert machine.choice.count == (2 if period % 2 else 1)
        changes = [when - period * 10.0 for when, _ in machine.counts if when > period * 10.0]
        assert changes[-1] < (LONGEST * FIRST + 2 * TRIAL if alone == 1.0 else 1.0)


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("load", LOADS)
def test_trials_cost_no_more_than_their_share(load, noise):
    """Time beyond what the fastest number of threads would have taken; noise makes a trial err now and then."""
    machine = Machine(2, LOADS[load], noise).run(1.0)
    slowness = LOADS[load](0.0)
    done, begun = machine.units, machine.without_noise
    machine.run(60.0)
    taken = machine.without_noise - begun
    lost = taken - (machine.units - done) * UNIT * min(slowness.values())
    last_trial = SAVINGS + PIECE * max(slowness.values()) / min(slowness.values())
    assert lost <= (SHARE + (noise and 0.02)) * taken + SAVINGS + last_trial


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("load", LOADS)
def test_it_does_not_swing(load, noise):
    machine = Machine(2, LOADS[load], noise).run(120.0)
    assert len(machine.counts) <= (3 if noise < 0.2 and load != "level" else 20)


def test_numbers_of_the_same_speed_are_not_exchanged():
    assert len(Machine(4, always(1.0, 1.0, 1.0, 1.0)).run(60.0).counts) == 1


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("load", ["quiet", "worse"])
def test_short_runs_add_up(load, at_once):
    machine = Machine(2, LOADS[load]).run(2.0, at_once)
    assert machine.choice.count == (2 if load == "quiet" else 1)


@pytest.mark.parametrize("unit", [1e-5, 1e-3, 0.05, 2.0])
def test_units_of_any_length(unit):
    machine = Machine(2, LOADS["worse"], unit=unit).run(max(5.0, 60 * unit))
    assert machine.choice.count == 1
    quiet = Machine(2, QUIET, unit=unit).run(max(5.0, 60 * unit))
    assert quiet.choice.count == 2
    assert 0.45 * quiet.spent[1] <= SAVINGS + SHARE * quiet.now + 0.45 * max(unit, PIECE)


def test_a_slow_first_unit_is_no_measure():
    """It finds nothing in the caches."""
    first = iter([50.0])

    def slowness(now):
        cold = next(first, 1.0)
        return {1: cold, 2: 0.55 * cold}

    machine = Machine(2, slowness).run(2.0)
    assert {count for _, count in machine.counts} == {2}


def test_nothing_is_tried_at_first():
    machine = Machine(2, QUIET).run(0.9 * FIRST)
    assert set(machine.spent) == {2}


def test_a_clock_that_stands_still_is_no_reason_to_stop():
    choice = Choice(2)
    for _ in range(100):
        _, units = choice.next(5)
        choice.took(units, 0.0, 0.0)
    for _ in range(100):
        _, units = choice.next(5)
        choice.took(units, 0.06 * (choice._trial is None), 0.0)
