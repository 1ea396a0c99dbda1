"""The fused engine gives what the reference engine gives, row by row of every table and step by step."""

import numpy as np
import pytest

from chainrule.engines import State
from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_LOSSES, ALL_PENALTIES, targets

# Norm-wise. A number of float64 is rounded to 1e-16 of itself, one of float32 to 6e-8; sums over rows and units are
# taken in another order, and every layer carries the differences of the one below.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
DTYPES = list(TOLERANCE)
STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step is not None]
WITH_NUMBERS = ["momentum(0.5)", "nesterov(0.99)", "rmsprop(0.5, eps=0.001)", "adam(0.5, 0.9, 0.01)"]
SCHEDULE_SPECS = [*SCHEDULES, "inverse_time(0.3)", "staircase(2, 0.5)", "warm_up(1.5)", "warm_up_cosine(0.7)"]
M, B = 37, 16  # three batches, the last one short


def together(network, recipe, m=M, weight="some", threads=1, seed=0):
    """Both engines, and the same examples for both."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, network.n[0]))
    Y = targets(network.loss, network.n[-1], m, rng)
    w = {"some": rng.uniform(0.1, 1.0, m) * (rng.random(m) > 0.2), "none": None}[weight]
    engines = Fused(network, recipe, threads=threads), Reference(network, recipe)
    return (*engines, engines[1].examples(X, Y, w))


def apart(a, b):
    """The distance in units of |b|, Euclidean; what is not finite has to be the same."""
    a, b = (np.asarray(v, np.float64) for v in (a, b))
    assert a.shape == b.shape
    finite = np.isfinite(b)
    assert np.array_equal(a[~finite], b[~finite], equal_nan=True)
    unit = max(np.abs(b[finite]).max(initial=0.0), 1e-30)  # squares would overflow
    return np.linalg.norm((a[finite] - b[finite]) / unit) / max(np.linalg.norm(b[finite] / unit), 1e-30)


def copied(state):
    return state._replace(theta=state.theta.copy(), moments=tuple(v.copy() for v in state.moments))


def assert_same(network, recipe, steps=4, **given):
    """predict, cost, gradient, and update, then a few steps of a run."""
    fused, reference, examples = together(network, recipe, **given)
    tolerance = TOLERANCE[network.dtype]
    theta = reference.start().theta
    X = examples.X
    predicted = fused.predict(theta, X)
    assert predicted.dtype == network.dtype
    assert apart(predicted, reference.predict(theta, X)) <= tolerance
    J = reference.cost(theta, examples)
    assert abs(fused.cost(theta, examples) - J) <= tolerance * max(1.0, abs(J))
    for step in (None, 3):
        J, dtheta = reference.gradient(theta, examples, step)
        J_fused, dtheta_fused = fused.gradient(theta, examples, step)
        assert abs(J_fused - J) <= tolerance * max(1.0, abs(J))
        assert dtheta_fused.dtype == network.dtype
        assert apart(dtheta_fused, dtheta) <= tolerance
    state = fused.start()
    assert np.array_equal(state.theta, reference.start().theta)
    for _ in range(steps if fused.optimizer.step is not None else 0):
        state = one_step(fused, reference, state, examples)
    return state


def one_step(fused, reference, state, examples):
    """One step of both from the same state, and the fused engine's own gradient and update beside it.

    What theta is moved by is not compared by itself: in float32 theta is rounded to more than a hundred-thousandth of a
    small step, and the first steps of adam and rmsprop are about the sign of each entry of dtheta alone.
    """
    tolerance = TOLERANCE[fused.network.dtype]
    expected = reference.run(copied(state), examples, state.step, state.step + 1)
    before = copied(state)
    after = fused.run(state, examples, state.step, state.step + 1)
    assert_states_agree(after, expected, tolerance)
    if after.updates > before.updates:
        batch = batch_of(reference, before, examples)
        _, dtheta = fused.gradient(before.theta, batch, before.step)
        alone = fused.update(before, dtheta, after.rate)
        expected = reference.update(before, dtheta, after.rate)
        for mine, same, other in zip(vectors(alone), vectors(after), vectors(expected), strict=True):
            assert np.array_equal(mine, same, equal_nan=True)
            assert apart(mine, other) <= tolerance
    return after


def vectors(state):
    return (state.theta, *state.moments)


def batch_of(engine, state, examples):
    """The rows of a step."""
    source = engine.recipe.source(examples, np)
    return source.batch(*source.epoch.at(state.step))


def assert_states_agree(state, expected, tolerance):
    for name in ("step", "updates", "samples", "rate_scale", "rate", "diverged", "interrupted"):
        assert getattr(state, name) == getattr(expected, name), name
        assert type(getattr(state, name)) is type(State._field_defaults[name]), name
    for mine, other in zip(vectors(state), vectors(expected), strict=True):
        assert apart(mine, other) <= tolerance
    assert state.weight_sum == pytest.approx(expected.weight_sum, rel=tolerance, abs=0)
    assert state.cost_sum == pytest.approx(expected.cost_sum, rel=tolerance, abs=tolerance * state.weight_sum)


# every row of every table


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_activations(activation, dtype):
    network = Network((5, 9, 8, 2), activation, dtype=dtype, dropout=(0.0, 0.25))
    assert_same(network, Recipe("gradient_descent", batch_size=B))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ALL_LOSSES)
@pytest.mark.parametrize("K", [1, 3, 19])
def test_losses_and_links(loss, K, dtype):
    network = Network((5, 9, K), "tanh", loss, dtype=dtype)
    assert_same(network, Recipe("gradient_descent", batch_size=B, learning_rate=0.01))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *WITH_NUMBERS])
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_optimizers(optimizer, dtype, clip_norm):
    network = Network((5, 9, 3), "silu", dtype=dtype)
    assert_same(network, Recipe(optimizer, batch_size=B, clip_norm=clip_norm), steps=8)


@pytest.mark.parametrize("schedule", SCHEDULE_SPECS)
def test_schedules(schedule):
    recipe = Recipe("gradient_descent", schedule=schedule, batch_size=B, epochs=4, learning_rate=0.3)
    fused, reference, examples = together(Network((3, 4, 1), "tanh", dtype="float64"), recipe)
    theirs, ours = reference.start(), fused.start()
    for first, last in [(0, 1), (1, 2), (2, 5), (5, 12)]:
        theirs, ours = (engine.run(s, examples, first, last) for engine, s in ((reference, theirs), (fused, ours)))
        assert ours.rate == theirs.rate
    assert_states_agree(ours, theirs, 1e-11)


def test_the_rate_is_scaled_as_the_state_says():
    fused, reference, examples = together(Network((3, 1), dtype="float64"), Recipe("gradient_descent"))
    ours, theirs = (e.run(e.start()._replace(rate_scale=0.2), examples, 0, 1) for e in (fused, reference))
    assert_states_agree(ours, theirs, 1e-12)
    assert ours.rate == pytest.approx(0.02)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalties", [*[(p,) for p in ALL_PENALTIES], ("l2(0.1)", "l1(0.01)", "l2_fixed(0.02)")])
def test_penalties(penalties, dtype):
    assert_same(Network((5, 70, 63, 2), "tanh", penalties=penalties, dtype=dtype), Recipe(batch_size=B))


# what goes with them


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dropout", [0.5, 0.01, (0.0, 0.3, 0.999), (0.2, 0.0, 0.0)])
@pytest.mark.parametrize("seed", [0, 2**63 + 5])
def test_dropout(dropout, dtype, seed):
    network = Network((4, 9, 16, 5, 2), "softplus", dropout=dropout, dtype=dtype)
    assert_same(network, Recipe(batch_size=B, seed=seed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "hidden",
    [
        (),
        ("relu",),
        ("tanh", "elu"),
        ("mish", "identity", "gelu"),
        ("selu",) * 4,
        ("leaky_relu(0.2)", "sigmoid", "softplus", "silu", "elu(0.5)"),
    ],
)
@pytest.mark.parametrize("outputs", [1, 2])
def test_layers(hidden, outputs, dtype):
    units = (7, 1, 20, 33, 6)[: len(hidden)]
    assert_same(Network((6, *units, outputs), hidden, dtype=dtype), Recipe(batch_size=B))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "poisson"])
def test_all_at_once(loss, dtype):
    network = Network((11, 40, 17, 4), ("gelu", "relu"), loss, (0.1, 0.4), ("l2(0.1)", "l1(0.01)"), dtype=dtype)
    recipe = Recipe("adamw", schedule="warm_up_cosine(2)", epochs=3, batch_size=30, clip_norm=0.5, seed=3)
    assert_same(network, recipe, m=100, steps=8)
    assert_same(network, recipe, m=100, steps=2, weight="none")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", [1, 2, M - 1, M, M + 1, "auto"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_batches(batch_size, shuffle, dtype):
    network = Network((3, 8, 1), "tanh", "binary_cross_entropy", dtype=dtype)
    assert_same(network, Recipe(batch_size=batch_size, shuffle=shuffle), weight="none")


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights(dtype):
    network = Network((3, 8, 2), "tanh", dtype=dtype, penalties="l2(0.1)")
    fused, reference, examples = together(network, Recipe(batch_size=5, shuffle=False), m=15)
    X, Y = examples.X, examples.Y
    for weight in (np.ones(15), np.arange(15.0), [1e-9] * 15, [1e9] + [1.0] * 14):
        weighted = reference.examples(X, Y, weight)
        state = fused.start()
        for _ in range(3):
            state = one_step(fused, reference, state, weighted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("without", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_a_batch_without_weight_moves_nothing(without, dtype):
    network = Network((3, 8, 2), "tanh", dtype=dtype, penalties="l2(0.1)")
    fused, reference, examples = together(network, Recipe(batch_size=5, shuffle=False), m=15)
    weight = np.array([0.0 if i // 5 in without else 1.0 + i for i in range(15)])
    examples = reference.examples(examples.X, examples.Y, weight)
    state = fused.start()
    for _ in range(6):
        before = copied(state)
        state = one_step(fused, reference, state, examples)
        if before.step % 3 in without:
            assert all(map(np.array_equal, vectors(state), vectors(before)))
            assert (state.updates, state.rate) == (before.updates, before.rate)
    assert state.updates == 6 - 2 * len(without)
    ours, theirs = (engine.run(engine.start(), examples, 0, 6) for engine in (fused, reference))
    assert all(map(np.array_equal, vectors(ours), vectors(state)))
    assert_states_agree(ours, theirs, TOLERANCE[dtype])


def test_without_any_weight_there_is_no_mean():
    fused, reference, examples = together(Network((3, 2), dtype="float64"), Recipe())
    theta = fused.start().theta
    fused.cost(theta, examples)  # of rows that count, before
    fused.gradient(theta, examples)
    none = reference.examples(examples.X, examples.Y, np.zeros(M))
    assert np.isnan(fused.cost(theta, none))
    J, dtheta = fused.gradient(theta, none)
    assert np.isnan(J)
    assert np.isnan(dtheta).all()


# what is not finite


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_step_that_is_not_finite_leaves_theta_as_it_began(value, shuffle, dtype):
    network = Network((3, 8, 2), "tanh", dtype=dtype)
    fused, reference, examples = together(network, Recipe(batch_size=B, shuffle=shuffle), weight="none")
    Y = examples.Y.copy()
    Y[20, 1] = value
    examples = reference.examples(examples.X, Y)
    theirs = reference.run(reference.start(), examples, 0, 6)
    assert theirs.diverged
    ours = fused.run(fused.start(), examples, 0, 6)
    assert_states_agree(ours, theirs, TOLERANCE[dtype])
    good = fused.run(fused.start(), examples, 0, ours.step)
    assert not good.diverged
    assert all(map(np.array_equal, vectors(ours), vectors(good)))
    again = fused.run(ours._replace(diverged=False), examples, ours.step, 6)
    assert (again.diverged, again.step) == (True, ours.step)
    assert all(map(np.array_equal, vectors(again), vectors(good)))
    mended = reference.examples(examples.X, np.nan_to_num(Y, posinf=1.0, neginf=1.0))
    assert fused.run(again._replace(diverged=False), mended, again.step, 6).step == 6


def test_a_cost_that_overflows_is_not_finite():
    fused, reference, examples = together(Network((3, 2), loss="poisson"), Recipe("gradient_descent"), weight="none")
    theta = np.array([0.0] * 6 + [1e3, -1e3], np.float32)
    assert fused.cost(theta, examples) == reference.cost(theta, examples) == np.inf
    assert fused.gradient(theta, examples)[0] == np.inf
    for engine in (fused, reference):
        state = engine.run(engine.start(theta), examples, 0, 1)
        assert (state.diverged, state.step, state.updates) == (True, 0, 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_predictions_of_extreme_rows(activation, dtype):
    network = Network((4, 6, 3), activation, dtype=dtype)
    fused, reference, examples = together(network, Recipe())
    X = examples.X.astype(np.float64)
    for i, value in enumerate([np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-40, 1e4, -1e4, 1e300]):
        X[i, i % 4] = value
    theta = reference.start().theta
    theirs, ours = reference.predict(theta, X), fused.predict(theta, X)
    for row, other in zip(ours, theirs, strict=True):
        assert apart(row, other) <= TOLERANCE[dtype]


@pytest.mark.parametrize("loss", LOSSES)
def test_threads_agree_too(loss, monkeypatch):
    monkeypatch.setattr("chainrule.engines.fused.threads.WORTH", 1e-9)
    monkeypatch.setattr("chainrule.engines.fused.threads.ADAPTS", False)
    assert_same(Network((5, 33, 18, 3), "tanh", loss, dropout=0.2), Recipe(batch_size=B), threads=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("place", [0, 15, 16, 127, 128, 4095, 4096, 5000, -17, -1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_parameter_that_is_not_finite_is_found(value, place, dtype):
    network = Network((70, 80, 1), dtype=dtype)
    fused, reference, _ = together(network, Recipe())
    theta = np.full(network.size, np.finfo(dtype).max, dtype)  # sums of these would be infinite
    assert fused.is_finite(theta)
    assert reference.is_finite(theta)
    theta[place] = value
    assert not fused.is_finite(theta)
    assert not reference.is_finite(theta)
