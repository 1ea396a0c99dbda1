"""What an engine is given as theta: a vector of the right length, of which it keeps nothing once it is let go."""

import gc
from weakref import ref

import numpy as np
import pytest

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.training import fit

ENGINES = pytest.mark.parametrize("Engine", [Fused, Reference])
NETWORK = Network((2, 3, 1), loss="half_squared_error", dtype="float64")  # 13 parameters
X, Y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [2.0]])
USES = {
    "start": lambda engine, theta: engine.start(theta),
    "predict": lambda engine, theta: engine.predict(theta, X),
    "cost": lambda engine, theta: engine.cost(theta, engine.examples(X, Y)),
    "gradient": lambda engine, theta: engine.gradient(theta, engine.examples(X, Y)),
    "fit": lambda engine, theta: fit(engine, engine.examples(X, Y), theta=theta),
}


@ENGINES
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("shape", [(1,), (12,), (14,), (13, 1), ()])
def test_a_theta_of_another_length_is_refused(Engine, use, shape):
    with pytest.raises(RequestError, match=r"theta must hold 13 numbers for n = \(2, 3, 1\), not \("):
        USES[use](Engine(NETWORK, Recipe(epochs=2)), np.zeros(shape))


@pytest.mark.parametrize("shape", [(12,), (14,)])
def test_whether_it_is_finite_is_asked_of_a_theta_of_the_right_length_alone(shape):
    with pytest.raises(RequestError, match="theta must hold 13 numbers"):
        Fused(NETWORK, Recipe()).is_finite(np.zeros(shape))


@ENGINES
def test_start_takes_a_copy(Engine):
    engine = Engine(NETWORK, Recipe(epochs=2))
    theta = np.linspace(-1.0, 1.0, NETWORK.size)
    before = theta.copy()
    state = engine.run(engine.start(theta), engine.examples(X, Y), 0, 2)
    assert not np.array_equal(state.theta, before)
    assert np.array_equal(theta, before)


@ENGINES
def test_an_engine_lets_go_of_what_it_trained_and_predicted_with(Engine):
    engine = Engine(NETWORK, Recipe(epochs=2))
    examples = engine.examples(X, Y)
    state = engine.run(engine.start(), examples, 0, 2)
    engine.is_finite(state.theta)
    engine.predict(state.theta, X[:1])
    held = [ref(array) for array in (state.theta, *state.moments, examples)]
    assert len(held) == 4
    del state, examples
    gc.collect()
    assert [array() for array in held] == [None] * 4


@pytest.mark.parametrize("given", [lambda v: v, lambda v: v.astype(np.float32), lambda v: np.repeat(v, 2)[::2]])
def test_predictions_again_are_those_of_the_theta_at_hand(given):
    """Of one in another form a copy is read, whose memory is given out to others afterwards."""
    engine = Fused(NETWORK, Recipe(epochs=2))
    plain = Reference(NETWORK, Recipe(epochs=2))
    for seed in range(50):
        theta = given(np.random.default_rng(seed).normal(size=NETWORK.size))
        for rows in (X[:1], X[:1], X):
            expected = plain.predict(theta.astype(np.float64), rows)
            others = [np.full(NETWORK.size, 7.0) for _ in range(20)]  # in the memory of such a copy, among others
            np.testing.assert_allclose(engine.predict(theta, rows), expected, rtol=1e-12)
            del others


@ENGINES
def test_a_state_begins_with_a_theta_of_its_own(Engine):
    theta = np.ones(13)
    state = Engine(NETWORK, Recipe()).start(theta)
    theta[:] = 7.0
    assert state.theta.tolist() == [1.0] * 13
