"""Schedules: multipliers by hand, and every row gives numbers that a rate can be multiplied by."""

from math import inf

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.formulas.schedules import SCHEDULES
from tests.formulas.problems import spec

# (schedule, step, steps_per_epoch, steps, samples) -> multiplier
BY_HAND = [
    ("constant", 12, 5, 100, 384, 1),
    ("inverse_time", 0, 5, 100, 0, 1),
    ("inverse_time", 4, 5, 100, 128, 1),  # still the first epoch
    ("inverse_time", 5, 5, 100, 160, 1 / 2),
    ("inverse_time(0.5)", 14, 5, 100, 448, 1 / 2),  # epoch 2: 1 / (1 + 0.5 * 2)
    ("inverse_scaling", 0, 5, 100, 0, 1),
    ("inverse_scaling", 7, 5, 100, 99, 1 / 10),
    ("inverse_scaling(1)", 7, 5, 100, 99, 1 / 100),
    ("staircase(2, 0.5)", 9, 5, 100, 0, 1),  # epochs 0 and 1
    ("staircase(2, 0.5)", 10, 5, 100, 0, 1 / 2),
    ("staircase(2, 0.5)", 20, 5, 100, 0, 1 / 4),
    ("staircase(2.5, 0.5)", 10, 5, 100, 0, 1),  # floor(2 / 2.5) = 0
    ("staircase", 149, 5, 1000, 0, 1),
    ("staircase", 150, 5, 1000, 0, 0.1),
    ("exponential", 14, 5, 100, 0, 0.95**2),
    ("exponential(0.5)", 15, 5, 100, 0, 1 / 8),
    ("cosine", 0, 5, 100, 0, 1),
    ("cosine", 50, 5, 100, 0, 1 / 2),
    ("cosine", 25, 5, 100, 0, (1 + 0.5**0.5) / 2),
    ("warm_up(2)", 0, 5, 100, 0, 1 / 10),
    ("warm_up(2)", 8, 5, 100, 0, 9 / 10),
    ("warm_up(2)", 9, 5, 100, 0, 1),
    ("warm_up(2)", 99, 5, 100, 0, 1),
    ("warm_up_cosine(2)", 4, 5, 110, 0, 1 / 2),
    ("warm_up_cosine(2)", 10, 5, 110, 0, 1),  # the cosine begins
    ("warm_up_cosine(2)", 60, 5, 110, 0, 1 / 2),  # 50 of 100 steps of it
    ("cosine", 100, 5, 100, 0, 0),  # the run has ended
    ("cosine", 150, 5, 100, 0, 0),  # where the cosine would be halfway up again
    ("warm_up_cosine(2)", 165, 5, 110, 0, 0),
    ("warm_up_cosine(20)", 99, 5, 100, 0, 1),  # the warm-up is the run
    ("warm_up_cosine(20)", 101, 5, 100, 0, 1),
    ("warm_up_cosine(40)", 99, 5, 100, 0, 1 / 2),  # the run ends halfway up
    ("warm_up_cosine(40)", 300, 5, 100, 0, 101 / 200),  # as far as the next step would have come
    ("exponential(2)", 10**4, 1, 100, 0, inf),  # beyond a float
    ("staircase(1, 10)", 10**4, 1, 100, 0, inf),
    ("inverse_scaling(400)", 1, 1, 100, 10**6, 0),
    ("adaptive", 50, 5, 100, 1600, 1),
]


@pytest.mark.parametrize(("schedule", "step", "per_epoch", "steps", "samples", "expected"), BY_HAND)
def test_by_hand(schedule, step, per_epoch, steps, samples, expected):
    assert SCHEDULES.make(schedule).multiplier(step, per_epoch, steps, samples) == pytest.approx(expected, rel=1e-14)


def test_every_row_is_worked_out_by_hand():
    assert {SCHEDULES.name(case[0]) for case in BY_HAND} >= set(SCHEDULES)


@pytest.mark.parametrize(("per_epoch", "epochs"), [(1, 1), (1, 40), (7, 3), (100, 2)])
@pytest.mark.parametrize("name", SCHEDULES)
def test_multipliers_are_positive_and_never_above_one(name, per_epoch, epochs):
    row = SCHEDULES.make(spec(SCHEDULES, name))
    steps = per_epoch * epochs
    found = np.array([row.multiplier(step, per_epoch, steps, 32 * step) for step in range(steps)])
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (found <= 1).all()
    assert 0 < row.on_stall <= 1


@pytest.mark.parametrize("epochs", [1, 3, 5, 40])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_that_looks_at_the_end_of_the_run_is_constant_beyond_it(name, epochs):
    row, per_epoch = SCHEDULES.make(spec(SCHEDULES, name)), 7
    steps = per_epoch * epochs
    ends = any(
        row.multiplier(s, per_epoch, steps, s) != row.multiplier(s, per_epoch, 10 * steps, s) for s in range(steps)
    )
    beyond = [row.multiplier(s, per_epoch, steps, s) for s in range(steps, 4 * steps + 1)]
    if ends:
        assert len(set(beyond)) == 1
    assert (np.diff(beyond) <= 0).all() or name == "warm_up"  # and nothing rises again


@pytest.mark.parametrize("name", ["inverse_time", "inverse_scaling", "staircase", "exponential", "cosine"])
def test_decays_never_rise(name):
    row = SCHEDULES.make(name)
    found = [row.multiplier(step, 3, 120, 10 * step) for step in range(120)]
    assert (np.diff(found) <= 0).all()
    assert found[-1] < found[0]


@pytest.mark.parametrize(
    "schedule",
    [
        "inverse_time(-1)",
        "staircase(0)",
        "staircase(2, 0)",
        "exponential(0)",
        "warm_up(0)",
        "adaptive(1)",
        "adaptive(0)",
    ],
)
def test_numbers_that_make_no_sense(schedule):
    with pytest.raises(RequestError, match=schedule.split("(")[0]):
        SCHEDULES.make(schedule)


def test_adaptive_says_what_a_stall_does():
    assert (SCHEDULES.make("adaptive").on_stall, SCHEDULES.make("adaptive").least) == (0.2, 1e-6)
    assert SCHEDULES.make("constant").on_stall == 1
