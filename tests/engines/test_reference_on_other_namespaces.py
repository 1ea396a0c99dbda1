"""The reference engine is the same file on any array namespace: its numbers do not depend on which one."""

import numpy as np
import pytest

from chainrule.engines import reference
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.network import Network
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_LOSSES, distance, engine_for, problem

CLOSE = 1e-12
STEPWISE = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step]


@pytest.fixture(params=["array_api_strict", "array_api_compat.torch"])
def xp(request):
    if request.param.endswith("torch"):
        pytest.importorskip("torch")
    return pytest.importorskip(request.param)


def both(xp, network, **recipe):
    """The engine on NumPy and on ``xp``, and a problem whose examples each of them made from the same rows."""
    here, there = engine_for(network, **recipe), engine_for(network, xp=xp, **recipe)
    weight = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 3.0, 0.0])
    theta, examples = problem(here, 7, weight)
    return here, there, theta, examples, there.examples(examples.X, examples.Y, weight)


def assert_same_gradient(xp, network, step=None):
    here, there, theta, examples, examples_there = both(xp, network)
    J, dtheta = here.gradient(theta, examples, step)
    J_there, dtheta_there = there.gradient(there.start(theta).theta, examples_there, step)
    assert J_there == pytest.approx(J, rel=CLOSE)
    assert distance(dtheta, there.to_numpy(dtheta_there)) < CLOSE


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_gradient_of_every_activation(xp, activation):
    assert_same_gradient(xp, Network((3, 4, 2), activation, dtype="float64"))


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_gradient_of_every_loss(xp, loss):
    assert_same_gradient(xp, Network((3, 4, 3), "tanh", loss, dtype="float64"))


def test_gradient_with_dropout_and_penalties(xp):
    network = Network((3, 4, 3, 2), ("relu", "tanh"), dropout=0.4, penalties=("l2(0.1)", "l1(0.1)"), dtype="float64")
    assert_same_gradient(xp, network, step=5)


@pytest.mark.parametrize("optimizer", STEPWISE)
def test_steps_of_every_optimizer(xp, optimizer):
    network = Network((3, 4, 2), "tanh", dropout=0.2, penalties=("l2(0.1)",), dtype="float64")
    here, there, theta, examples, examples_there = both(
        xp, network, optimizer=optimizer, batch_size=3, epochs=3, clip_norm=0.4
    )
    state = here.run(here.start(theta), examples, 0, 7)
    state_there = there.run(there.start(theta), examples_there, 0, 7)
    assert distance(here.to_numpy(state.theta), there.to_numpy(state_there.theta)) < CLOSE
    assert distance(state.theta, theta) > 1e-4, "the steps moved theta"
    assert state_there.cost_sum == pytest.approx(state.cost_sum, rel=CLOSE)


def test_prediction_and_cost(xp, monkeypatch):
    monkeypatch.setattr(reference, "CHUNK", 3)  # several chunks, the last one shorter
    here, there, theta, examples, examples_there = both(xp, Network((3, 4, 2), loss="cross_entropy", dtype="float64"))
    theta_there = there.start(theta).theta
    assert distance(here.predict(theta, examples.X), there.predict(theta_there, examples.X)) < CLOSE
    assert there.cost(theta_there, examples_there) == pytest.approx(here.cost(theta, examples), rel=CLOSE)
