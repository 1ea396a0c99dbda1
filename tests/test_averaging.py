"""Averaging: the mean is that of a plain loop, whatever takes the steps; a run is judged by it and gives it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import RequestError, fit, load, plan, train
from chainrule.container import unseal
from chainrule.engines.fused import Fused
from chainrule.engines.origin import carried_on
from chainrule.engines.reference import Reference
from chainrule.formulas.optimizers import OPTIMIZERS, Optimizer
from chainrule.monitoring import evaluated
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.training import Diverged
from tests.formulas.problems import distance
from tests.kept_runs import Run

STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step is not None]
ENGINES = pytest.mark.parametrize("engine", [Reference, Fused])
NETWORK = Network((3, 5, 2), "tanh", dtype="float64")
TABLE = {"dose": [1.0, 2.0, 3.0, 4.0] * 10, "cured": ["no", "no", "yes", "yes"] * 10}
BRIEF = {"hidden": (3,), "epochs": 3}


def rows_for(engine, m=20, seed=0):
    rng = np.random.default_rng(seed)
    return engine.examples(rng.normal(size=(m, engine.network.n[0])), rng.normal(size=(m, engine.network.n[-1])))


def thetas(engine, examples, steps):
    """theta after each step."""
    state, each = engine.start(), []
    for step in range(steps):
        state = engine.run(state, examples, step, step + 1)
        each.append(engine.to_numpy(state.theta))
    return each


def mean_of(each, beta):
    mean = each[0]
    for theta in each[1:]:
        mean = beta * mean + (1 - beta) * theta
    return mean


# The mean


@ENGINES
@pytest.mark.parametrize("optimizer", STEPPING)
def test_the_mean_is_that_of_a_loop_over_the_steps_of_the_plain_optimizer(optimizer, engine):
    recipe = Recipe(optimizer, batch_size=7, epochs=5)
    plain, averaging = (engine(NETWORK, r) for r in (recipe, replace(recipe, averaging=0.8)))
    examples = rows_for(plain)
    each = thetas(plain, examples, 8)
    for steps in (1, 2, 8):
        state = averaging.run(averaging.start(), examples, 0, steps)
        assert np.array_equal(state.theta, each[steps - 1])
        assert np.array_equal(evaluated(averaging, averaging.start()), plain.start().theta)
        assert distance(evaluated(averaging, state), mean_of(each[:steps], 0.8)) < 1e-13


@given(st.floats(0.001, 0.999), st.sampled_from(STEPPING), st.integers(1, 9), st.sampled_from(["float32", "float64"]))
def test_both_engines_any_beta(beta, optimizer, steps, dtype):
    network = Network((2, 9, 1), "tanh", dropout=0.2, dtype=dtype)
    recipe = Recipe(optimizer, 0.001, batch_size=6, averaging=beta)
    means = []
    for engine in (Reference(network, recipe), Fused(network, recipe)):
        state = engine.run(engine.start(), rows_for(engine), 0, steps)
        means.append(evaluated(engine, state))
    assert means[0].dtype == means[1].dtype == dtype
    assert distance(*means) < (1e-4 if dtype == "float32" else 1e-12)


@ENGINES
def test_a_step_without_weights_leaves_the_mean(engine):
    of = engine(NETWORK, Recipe(batch_size=2, shuffle=False, averaging=0.5))
    X, Y = np.ones((6, 3)), np.ones((6, 2))
    examples = of.examples(X, Y, np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0]))
    state = of.run(of.start(), examples, 0, 1)
    assert np.array_equal(evaluated(of, state), of.start().theta)
    second = of.run(state, examples, 1, 2)
    assert np.array_equal(evaluated(of, second), second.theta)
    third = of.run(second, examples, 2, 3)
    assert np.array_equal(evaluated(of, third), third.theta)


def test_of_an_optimizer_of_ones_own():
    def mine(xp):
        def step(theta, dtheta, rate, t, decay):
            return (theta - rate * xp.maximum(dtheta, -1.0),)

        return Optimizer(step, "theta := theta - rate max(dtheta, -1)", "here", 0.1)

    functions = {"mine": mine}
    for engine in (Reference, Fused):
        plain, averaging = (engine(NETWORK, Recipe("mine", averaging=a), functions) for a in (None, 0.7))
        state = averaging.run(averaging.start(), rows_for(plain), 0, 3)
        assert distance(evaluated(averaging, state), mean_of(thetas(plain, rows_for(plain), 3), 0.7)) < 1e-13


def test_vectors_kept_without_a_mean_do_not_fit():
    plain, averaging = (Reference(NETWORK, Recipe(averaging=a)) for a in (None, 0.9))
    state = plain.run(plain.start(), rows_for(plain), 0, 2)
    with pytest.raises(RequestError, match=r"another optimizer: adam.*, and this engine's is adam.*, averaged"):
        averaging.run(state, rows_for(plain), 2, 3)
    afresh = carried_on(averaging, state.theta, state)
    assert np.array_equal(evaluated(averaging, afresh), state.theta)
    other = Reference(NETWORK, Recipe(averaging=0.5))
    state = averaging.run(averaging.start(), rows_for(plain), 0, 2)
    assert carried_on(other, state.theta, state).moments == state.moments


# What a run is judged by, and gives


class Seen:
    def __init__(self):
        self.thetas, self.b = [], []

    def on_epoch_end(self, history, parameters):
        self.thetas.append(parameters.theta.copy())
        self.b.append(parameters.b[1].copy())


@pytest.mark.parametrize("engine", ["reference", "fused"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_validation_callbacks_and_the_outcome_are_of_the_mean(engine, dtype):
    beta, seen = 0.9, Seen()
    run = Run(engine, dtype=dtype, recipe=(("learning_rate", 0.05), ("epochs", 12)))
    done = run.fit(callbacks=seen, averaging=beta)
    made, training, validation = run.make()
    each = thetas(made, training, run.steps)
    means = [mean_of(each[:last], beta) for last in range(run.per_epoch, run.steps + 1, run.per_epoch)]
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert len(means) == len(seen.thetas) == 12
    for mean, theta, b in zip(means, seen.thetas, seen.b, strict=True):
        assert distance(theta, mean) < tolerance
        assert np.array_equal(theta[made.network.layout["b[1]"].place], b[:, 0])
    costs = [made.cost(mean, validation) for mean in means]
    assert done.history.validation_cost == pytest.approx(costs, rel=tolerance)
    assert done.history.best_epoch == 1 + int(np.argmin(costs))
    assert np.array_equal(done.theta, seen.thetas[done.history.best_epoch - 1])
    assert np.array_equal(made.to_numpy(done.state.theta), each[-1])


@pytest.mark.parametrize("watched", [{"monitor": "mae"}, {"score": True}, {"monitor": "training_cost"}])
def test_a_metric_or_a_score_is_of_the_mean_and_so_is_the_last_theta(watched):
    seen, scored = Seen(), []
    run = Run(watched=False, recipe=(("monitor", watched.get("monitor", "auto")), ("averaging", 0.9)))
    engine, training, _ = run.make()
    score = (lambda theta: scored.append(theta.copy()) or 0.0) if "score" in watched else None
    done = fit(engine, training, callbacks=seen, score=score)
    if "score" in watched:
        assert all(map(np.array_equal, scored, seen.thetas))
        assert len(scored) == len(done.history)
    elif watched["monitor"] == "mae":
        Y, w = training.Y[:, 0], training.weight / training.weight.sum()
        expected = [float((w * abs(engine.predict(t, training.X)[:, 0] - Y)).sum()) for t in seen.thetas]
        assert done.history.score == pytest.approx(expected, rel=1e-5)
    else:
        assert np.array_equal(done.theta, seen.thetas[-1])
        assert not np.array_equal(done.theta, done.state.theta)


def test_a_run_that_fails_leaves_the_mean():
    run = Run(n=(3, 1), watched=False, dtype="float64", dropout=0.0, penalties=())
    recipe = {"learning_rate": 1e5, "optimizer": "gradient_descent", "clip_norm": None, "epochs": 50}
    seen = Seen()
    with pytest.raises(Diverged) as raised:
        run.fit(callbacks=seen, averaging=0.5, **recipe)
    assert 1 < raised.value.epochs <= len(seen.thetas)
    assert np.array_equal(raised.value.theta, seen.thetas[raised.value.epochs - 1])


# Who can have it, and how it is asked for and kept


def test_who_takes_no_steps_of_its_own_cannot_have_it():
    for ask in (lambda: Recipe("lbfgs", averaging=0.9), lambda: plan(TABLE, "cured", optimizer="lbfgs", averaging=0.9)):
        with pytest.raises(RequestError, match=r"^lbfgs takes no steps.*leave averaging out.*adam"):
            ask()
    functions = {"mine": lambda xp: OPTIMIZERS["lbfgs"](xp)}
    with pytest.raises(RequestError, match=r"^mine takes no steps"):
        plan(TABLE, "cured", optimizer="mine", functions=functions, averaging=0.9)


def test_a_model_that_averages_is_of_format_4_and_others_are_as_before(tmp_path):
    files = {}
    for name, options in {"plain": {}, "averaged": {"averaging": 0.9}}.items():
        model = train(TABLE, "cured", **BRIEF, **options)
        model.save(tmp_path / name)
        files[name], _ = unseal((tmp_path / name).read_bytes(), name)
        again = load(tmp_path / name)
        assert again.recipe == model.recipe
        assert np.array_equal(again.theta, model.theta)
    assert (files["plain"]["format"], files["averaged"]["format"]) == (3, 4)
    assert "averaging" not in files["plain"]["recipe"]
    assert files["averaged"]["recipe"]["averaging"] == 0.9


def test_a_model_that_averages_is_predicted_with_by_the_mean():
    callback = Seen()
    model = train(TABLE, "cured", **BRIEF, averaging=0.9, callbacks=callback, monitor="training_cost")
    assert np.array_equal(model.theta, callback.thetas[-1])
