"""dtheta is the derivative of the J that is reported with it: every activation with every loss."""

import numpy as np
import pytest

from chainrule.network import Network
from tests.formulas.problems import (
    ALL_ACTIVATIONS,
    ALL_INPUTS,
    ALL_LOSSES,
    ALL_PENALTIES,
    before,
    distance,
    engine_for,
    gradient_error,
    problem,
    small,
)

CLOSE = 1e-7


@pytest.mark.parametrize("loss", ALL_LOSSES)
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_every_activation_with_every_loss(activation, loss):
    engine = engine_for(Network((2, 3, 2, 2), activation, loss, dtype="float64"))
    assert gradient_error(engine, *problem(engine)) < CLOSE


@pytest.mark.parametrize("loss", ALL_LOSSES)
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
@pytest.mark.parametrize("layer", ALL_INPUTS)
def test_every_input_layer_with_every_activation_and_loss(layer, activation, loss):
    engine = engine_for(before(layer, Network((1, 3, 2), activation, loss, dtype="float64")))
    assert gradient_error(engine, *problem(engine)) < CLOSE


@pytest.mark.parametrize("penalty", ALL_PENALTIES)
def test_every_penalty(penalty):
    engine = engine_for(small(penalties=(penalty,)))
    without = engine_for(small())
    theta, examples = problem(engine)
    assert gradient_error(engine, theta, examples) < CLOSE
    assert distance(engine.gradient(theta, examples)[1], without.gradient(theta, examples)[1]) > 1e-3, "it counts"


def test_a_wrong_gradient_is_noticed():
    engine = engine_for(small())
    theta, examples = problem(engine)
    right = engine.gradient
    engine.gradient = lambda t, e, step=None: (right(t, e, step)[0], right(t, e, step)[1] * (1 + 1e-6))
    assert gradient_error(engine, theta, examples) > CLOSE


def test_several_outputs_do_not_change_the_factor():
    # J sums over outputs: the two-output cost is the sum of two one-output costs, and so is its gradient
    two = engine_for(Network((3, 2), loss="half_squared_error", dtype="float64"))
    one = engine_for(Network((3, 1), loss="half_squared_error", dtype="float64"))
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    W, b = rng.normal(size=(3, 2)), rng.normal(size=2)
    cost, dtheta = two.gradient(np.concatenate([W.ravel(), b]), two.examples(X, Y))
    parts = [one.gradient(np.append(W[:, k], b[k]), one.examples(X, Y[:, [k]])) for k in range(2)]
    assert cost == pytest.approx(parts[0][0] + parts[1][0], rel=1e-14)
    assert distance(dtheta[:6].reshape(3, 2), np.stack([part[1][:3] for part in parts], axis=1)) < 1e-14
