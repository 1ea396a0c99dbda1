"""Penalties: the slope belongs to the value, the strengths mean what the notes say, biases are left alone."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.formulas.penalties import PENALTIES
from chainrule.network import Parameters
from tests.blocks import is_weight
from tests.formulas.problems import ALL_PENALTIES, difference_quotient, engine_for, problem, small

W = np.array([-2.0, -0.5, 0.1, 3.0])

# sum of values over W for strength 0.3 and S = 6;  |W|^2 = 13.26, |W|_1 = 5.6
BY_HAND = {"l2": 0.3 * 13.26 / 12, "l2_fixed": 0.3 * 13.26 / 2, "l1": 0.3 * 5.6 / 6}


@pytest.mark.parametrize("penalty", ALL_PENALTIES)
def test_slope_is_the_derivative_of_value(penalty):
    row = PENALTIES.make(penalty, np)
    n = difference_quotient(lambda w: row.value(w, 6.0).sum(), W)
    assert row.slope(W, 6.0) == pytest.approx(n, rel=1e-9)


@pytest.mark.parametrize("name", BY_HAND)
def test_value_by_hand(name):
    assert PENALTIES.make(f"{name}(0.3)", np).value(W, 6.0).sum() == pytest.approx(BY_HAND[name], rel=1e-14)


@pytest.mark.parametrize("penalty", ALL_PENALTIES)
def test_nothing_at_zero_and_the_same_on_both_sides(penalty):
    row = PENALTIES.make(penalty, np)
    assert row.value(np.zeros(2), 3.0).tolist() == [0.0, 0.0]
    assert row.slope(np.zeros(2), 3.0).tolist() == [0.0, 0.0]
    assert np.array_equal(row.value(-W, 3.0), row.value(W, 3.0))
    assert np.array_equal(row.slope(-W, 3.0), -row.slope(W, 3.0))


@pytest.mark.parametrize("penalty", ALL_PENALTIES)
def test_adds_to_the_cost_of_weights_and_never_of_biases(penalty):
    with_it, without = engine_for(small(penalties=(penalty,))), engine_for(small())
    theta, examples = problem(with_it, 5, np.array([1.0, 2.0, 0.5, 0.5, 2.0]))
    (J, dtheta), (J_0, dtheta_0) = (engine.gradient(theta, examples) for engine in (with_it, without))
    row = PENALTIES.make(penalty, np)
    weights = is_weight(with_it.network)
    added = J - J_0
    assert added == pytest.approx(row.value(theta[weights], 6.0).sum(), rel=1e-12)
    assert np.array_equal(dtheta[~weights], dtheta_0[~weights])
    assert (dtheta - dtheta_0)[weights] == pytest.approx(row.slope(theta[weights], 6.0), rel=1e-9, abs=1e-12)


def test_l2_is_the_notes_lambda_over_2m():
    lambd, m = 0.7, 5
    with_it, without = engine_for(small(penalties=(f"l2({lambd})",))), engine_for(small())
    theta, examples = problem(with_it, m)
    p = Parameters(with_it.network, theta)
    squares = sum((W**2).sum() for W in p.W[1:])
    cost = with_it.gradient(theta, examples)[0]
    assert cost == pytest.approx(without.gradient(theta, examples)[0] + lambd / (2 * m) * squares, rel=1e-14)


def test_the_validation_cost_has_no_penalty():
    with_it, without = engine_for(small(penalties=("l2(3)", "l1(2)"))), engine_for(small())
    theta, examples = problem(with_it)
    assert with_it.cost(theta, examples) == without.cost(theta, examples) == without.gradient(theta, examples)[0]


@pytest.mark.parametrize("name", PENALTIES)
def test_a_strength_below_zero_makes_no_sense(name):
    with pytest.raises(RequestError, match=f"{name}: strength is at least 0, not -1"):
        PENALTIES.make(f"{name}(-1)", np)
