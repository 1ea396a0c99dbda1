"""schedule_free_adamw: Defazio et al. 2024 in the paper's points x, y, z; a run is judged by x and gives it."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import MLPRegressor
from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.layout import WEIGHT
from chainrule.monitoring import evaluated
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.formulas.problems import distance
from tests.kept_runs import Run

ENGINES = pytest.mark.parametrize("engine", [Reference, Fused])
NETWORK = Network((3, 5, 2), "tanh", dtype="float64")


def by_the_book(start, gradients, rates, decayed, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """x and y of one parameter after each step; x by its definition, the mean of all z with the weights rate^2."""
    x = z = start
    v, zs, y = 0.0, [], start
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        v = beta2 * v + (1 - beta2) * g * g
        z -= rate * (g / (math.sqrt(v / (1 - beta2**t)) + eps) + (weight_decay * y if decayed else 0.0))
        zs.append(z)
        weights = [r * r for r in rates[:t]]
        x = sum(w * z for w, z in zip(weights, zs, strict=True)) / sum(weights) if any(weights) else start
        y = (1 - beta1) * z + beta1 * x
        yield x, y


@ENGINES
@pytest.mark.parametrize(
    ("spec", "numbers"),
    [
        ("schedule_free_adamw", {}),
        (
            "schedule_free_adamw(0.7, 0.95, 0.01, 0.3)",
            {"beta1": 0.7, "beta2": 0.95, "eps": 0.01, "weight_decay": 0.3},
        ),
    ],
)
@pytest.mark.parametrize("rates", [[0.05] * 9, [0.01, 0.02, 0.05, 0.05, 0.04, 0.01, 0.0, 0.1], [0.0, 0.05, 0.03]])
def test_every_parameter_moves_as_in_the_paper(engine, spec, numbers, rates):
    of = engine(NETWORK, Recipe(spec))
    theta, *gradients = np.random.default_rng(0).normal(size=(1 + len(rates), NETWORK.size))
    expected = np.empty((len(rates), 2, NETWORK.size))
    for block in NETWORK.layout:
        for i in range(block.offset, block.offset + block.size):
            of_i = [dtheta[i] for dtheta in gradients]
            expected[:, :, i] = [*by_the_book(theta[i], of_i, rates, block.role == WEIGHT, **numbers)]
    state = of.start(theta)
    assert np.array_equal(evaluated(of, state), theta)
    for dtheta, rate, (x, y) in zip(gradients, rates, expected, strict=True):
        state = of.update(state, dtheta, rate)
        assert distance(evaluated(of, state), x) < 1e-13
        assert distance(state.theta, y) < 1e-13


@given(
    st.sampled_from(["constant", "warm_up(2)", "cosine", "staircase(2, 0.5)"]),
    st.floats(0.05, 0.99),
    st.integers(1, 20),
    st.sampled_from(["float32", "float64"]),
    st.integers(1, 3),
)
def test_both_engines_any_schedule_and_the_same_bits_on_any_threads(schedule, beta1, steps, dtype, threads):
    network = Network((2, 9, 1), "tanh", dropout=0.2, dtype=dtype)
    recipe = Recipe(f"schedule_free_adamw({beta1!r})", 0.001, schedule, epochs=6, batch_size=6)
    seen = []
    for engine in (
        Reference(network, recipe),
        Fused(network, recipe, threads=1),
        Fused(network, recipe, threads=threads),
    ):
        rng = np.random.default_rng(0)
        state = engine.run(
            engine.start(), engine.examples(rng.normal(size=(20, 2)), rng.normal(size=(20, 1))), 0, steps
        )
        assert state.theta.dtype == evaluated(engine, state).dtype == dtype
        seen.append((evaluated(engine, state), state.theta, *state.moments))
    reference, one, several = seen
    assert all(map(np.array_equal, one, several))
    assert distance(reference[0], one[0]) < (1e-4 if dtype == "float32" else 1e-11)


def test_vectors_kept_under_another_beta1_do_not_fit():
    then, now = (Reference(NETWORK, Recipe(f"schedule_free_adamw({beta1})")) for beta1 in (0.9, 0.8))
    state = then.update(then.start(), np.ones(NETWORK.size), 0.1)
    with pytest.raises(RequestError, match=r"beta1=0\.9.*beta1=0\.8"):
        now.update(state, np.ones(NETWORK.size), 0.1)


@pytest.mark.parametrize("engine", ["reference", "fused"])
def test_validation_callbacks_and_the_outcome_are_of_x(engine):
    told = []

    class Seen:
        def on_epoch_end(self, history, parameters):
            told.append(parameters.theta.copy())

    run = Run(engine, dtype="float64", recipe=(("optimizer", "schedule_free_adamw"), ("epochs", 6)))
    done = run.fit(callbacks=Seen())
    made, training, validation = run.make()
    state, costs = made.start(), []
    for theta in told:
        state = made.run(state, training, state.step, state.step + run.per_epoch)
        assert np.array_equal(theta, evaluated(made, state))
        assert not np.array_equal(theta, state.theta)
        costs.append(made.cost(theta, validation))
    assert done.history.validation_cost == costs
    assert np.array_equal(done.theta, told[int(np.argmin(costs))])


def test_partial_fit_goes_on_where_it_was_and_predicts_with_x():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    given = {"solver": "schedule_free_adamw", "batch_size": 20, "random_state": 0}
    weights = [rng.normal(size=shape) for shape in ((3, 4), (4,), (4, 1), (1,))]
    model = MLPRegressor.from_weights(weights, layout="keras", **given)
    start = model.theta_.copy()
    model.partial_fit(X, y)
    made, begun = model._engine, copy.deepcopy(model)
    examples = made.examples(X, y[:, None])
    first = made.run(made.start(start), examples, 0, 3)
    assert np.array_equal(model.theta_, evaluated(made, first))
    second = made.run(first, examples, 3, 6)
    assert distance(model.partial_fit(X, y).theta_, evaluated(made, second)) < 1e-14
    begun.coefs_ = [W + 0.5 for W in begun.coefs_]  # by hand: x and y move alike
    shifted = begun.partial_fit(X, y)
    assert np.abs(shifted.coefs_[0] - model.coefs_[0] - 0.5).max() < 0.02
