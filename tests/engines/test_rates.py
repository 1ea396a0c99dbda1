"""The learning rates of steps: the schedule's, worked out in one place, or those that are handed in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.formulas.schedules import SCHEDULES
from chainrule.network import Network
from chainrule.recipe import Recipe

ENGINES = {"fused": Fused, "reference": Reference}
NETWORK = Network((3, 4, 2), "tanh", dropout=0.2, dtype="float64")
M, B, EPOCHS = 13, 5, 3  # three steps an epoch, the last one short
STEPS = EPOCHS * 3
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(M, 3)), RNG.normal(size=(M, 2))


def made(kind, schedule="constant", optimizer="gradient_descent", shuffle=True):
    engine = ENGINES[kind](NETWORK, Recipe(optimizer, 0.05, schedule, EPOCHS, B, shuffle))
    return engine, engine.examples(X, Y)


def own(engine, scale=1.0):
    """The recipe's rate of each step, from the formula of the schedule: rows are counted to the epoch's beginning."""
    multiplier = engine.schedule.multiplier
    return np.array([0.05 * multiplier(step, 3, STEPS, step // 3 * M) * scale for step in range(STEPS)])


def vectors(state):
    return [state.theta, *state.moments]


def assert_equal(one, other):
    assert one._replace(theta=0, moments=()) == other._replace(theta=0, moments=())
    assert all(np.array_equal(a, b) for a, b in zip(vectors(one), vectors(other), strict=True))


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_those_of_the_recipe_are_the_schedules(schedule, kind):
    """In one run over all epochs, and in one that begins within an epoch; with what ``adaptive`` made of the rate."""
    engine, examples = made(kind, schedule, "adam")
    rates = own(engine, scale=0.5)
    begin = engine.start()._replace(rate_scale=0.5)
    whole = engine.run(begin, examples, 0, STEPS)
    assert_equal(whole, engine.run(engine.start()._replace(rate_scale=0.5), examples, 0, STEPS, rates))
    assert whole.rate == rates[-1]
    state = engine.start()._replace(rate_scale=0.5)
    for first, last in ((0, 1), (1, 5), (5, 7), (7, STEPS)):
        state = engine.run(state, examples, first, last)
        assert state.rate == rates[last - 1]
    assert_equal(state, whole)


@pytest.mark.parametrize("kind", ENGINES)
@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-0.1, 0.1), min_size=STEPS, max_size=STEPS), st.integers(0, STEPS - 1))
def test_those_that_are_handed_in_are_used_as_they_are(kind, rates, first):
    """By whatever schedule and scale: theta moves as steps of the definition move it, each with its own rate."""
    engine, examples = made(kind, "cosine")
    begin = engine.start()._replace(step=first, samples=first // 3 * M + first % 3 * B, rate_scale=7.0)
    reference, state = Reference(NETWORK, engine.recipe), begin
    for step in range(first, STEPS):
        batch = engine.recipe.source(examples, np).batch(*divmod(step, 3))
        _, dtheta = reference.gradient(state.theta, batch, step)
        state = reference.update(state, dtheta, rates[step])
    done = engine.run(begin, examples, first, STEPS, rates[first:])
    assert np.allclose(done.theta, state.theta, rtol=1e-12, atol=1e-14)
    assert done.rate == rates[-1]


@pytest.mark.parametrize("kind", ENGINES)
def test_a_step_without_weight_leaves_its_rate_out(kind):
    engine, _ = made(kind, shuffle=False)
    weight = np.ones(M)
    weight[B : 2 * B] = 0.0
    state = engine.run(engine.start(), engine.examples(X, Y, weight), 0, 2, [0.03, 0.07])
    assert (state.rate, state.updates) == (0.03, 1)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([0.1] * 3, r"rates must be the learning rates of 4 steps, \(4,\), not \(3,\): give one a step, or None"),
        ([0.1] * 5, r"of 4 steps, \(4,\), not \(5,\)"),
        ([[0.1]] * 4, r"of 4 steps, \(4,\), not \(4, 1\)"),
        (0.1, r"of 4 steps, \(4,\), not \(\)"),
        ([], r"of 4 steps, \(4,\), not \(0,\)"),
        ([0.1, 0.1, np.nan, 0.1], "rates must be finite, not nan, as entry 2 is"),
        ([0.1, -np.inf, np.nan, 0.1], "rates must be finite, not -inf, as entry 1 is"),
        ([0.1, "0.1 m", 0.1, 0.1], "rates must hold real numbers"),
        ([1j] * 4, "rates must hold real numbers"),
    ],
)
def test_what_are_no_rates_of_these_steps_is_refused(rates, message, kind):
    engine, examples = made(kind)
    with pytest.raises(RequestError, match=message):
        engine.run(engine.start(), examples, 0, 4, rates)
