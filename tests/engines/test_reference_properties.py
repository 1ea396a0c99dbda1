"""What holds for every shape: cut runs, parts of a batch, repeated rows, weights of zero, rows and columns."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engines import Examples
from chainrule.network import Network
from tests.formulas.problems import distance, engine_for, targets

SOME_LOSSES = ["half_squared_error", "binary_cross_entropy", "cross_entropy", "poisson", "huber"]


@st.composite
def situations(draw, **fixed):
    """An engine and examples: one row or many, one column or many, no hidden layer or some, any batch size."""
    hidden = draw(st.lists(st.integers(1, 5), max_size=3))
    loss = draw(st.sampled_from(SOME_LOSSES))
    network = Network(
        n=(draw(st.integers(1, 4)), *hidden, draw(st.integers(1, 3))),
        activation=draw(st.sampled_from(["tanh", "softplus", "relu"])),
        loss=loss,
        dropout=fixed.get("dropout", draw(st.sampled_from([0.0, 0.3]))),
        penalties=fixed.get("penalties", draw(st.sampled_from([(), ("l2(0.1)",), ("l1(0.1)", "l2_fixed(0.2)")]))),
        dtype="float64",
    )
    m = draw(st.integers(1, 13))
    recipe = {
        "optimizer": draw(st.sampled_from(["gradient_descent", "nesterov", "adamw"])),
        "schedule": draw(st.sampled_from(["constant", "cosine", "inverse_scaling"])),
        "batch_size": draw(st.integers(1, 16)),
        "shuffle": draw(st.booleans()),
        "clip_norm": draw(st.sampled_from([None, 0.5])),
        "seed": draw(st.integers(0, 99)),
        "epochs": 4,
    }
    engine = engine_for(network, **recipe)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    weight = rng.choice([0.0, 1.0, 2.5], m) if draw(st.booleans()) else np.ones(m)
    weight[rng.integers(m)] = 1.0
    return engine, engine.examples(rng.normal(size=(m, network.n[0])), targets(loss, network.n[-1], m, rng), weight)


def part(examples, index):
    return Examples(examples.X[index], examples.Y[index], examples.weight[index])


@given(situations(), st.data())
def test_a_run_may_be_cut_anywhere(situation, data):
    engine, examples = situation
    n = 3 * engine.recipe.steps_per_epoch(examples.m)
    k = data.draw(st.integers(0, n))
    start = engine.start()
    whole = engine.run(start, examples, 0, n)
    cut = engine.run(engine.run(start, examples, 0, k), examples, k, n)
    assert cut.theta.tobytes() == whole.theta.tobytes()
    assert [v.tobytes() for v in cut.moments] == [v.tobytes() for v in whole.moments]
    rest = {"theta": None, "moments": ()}
    assert cut._replace(**rest) == whole._replace(**rest)
    assert start.step == 0
    assert np.array_equal(start.theta, engine.start().theta), "the state that was handed in is as it was"


@given(situations(dropout=0.0, penalties=("l2_fixed(0.2)",)), st.integers(1, 4))
def test_the_gradient_is_the_weighted_sum_of_the_gradients_of_its_parts(situation, count):
    engine, examples = situation
    theta = engine.start().theta
    J, dtheta = engine.gradient(theta, examples)
    S = examples.weight.sum()
    J_sum, sum_of_parts = 0.0, np.zeros_like(dtheta)
    for index in np.array_split(np.arange(examples.m), count):
        S_part = examples.weight[index].sum()
        if S_part > 0:
            J_part, dtheta_part = engine.gradient(theta, part(examples, index))
            J_sum += S_part / S * J_part
            sum_of_parts += S_part / S * dtheta_part
    assert abs(J - J_sum) <= 1e-12 * max(1, abs(J))
    assert distance(dtheta, sum_of_parts) < 1e-12


@given(situations(dropout=0.0), st.lists(st.integers(0, 3), min_size=13, max_size=13))
def test_whole_weights_are_repeated_rows(situation, repeats):
    engine, examples = situation
    repeats = np.array([*repeats[: examples.m - 1], 1])
    weighted = replace(examples, weight=repeats.astype(float))
    repeated = replace(part(examples, np.repeat(np.arange(examples.m), repeats)), weight=np.ones(repeats.sum()))
    theta = engine.start().theta
    (J, dtheta), (J_there, dtheta_there) = (engine.gradient(theta, e) for e in (weighted, repeated))
    assert abs(J - J_there) <= 1e-12 * max(1, abs(J))
    assert distance(dtheta, dtheta_there) < 1e-12


@given(situations(dropout=0.0), st.floats(0.01, 100))
def test_only_the_ratio_of_weights_counts_for_the_loss(situation, factor):
    engine, examples = situation
    scaled = replace(examples, weight=factor * examples.weight)
    theta = engine.start().theta
    assert abs(engine.cost(theta, examples) - engine.cost(theta, scaled)) <= 1e-12 * (1 + engine.cost(theta, scaled))


@given(situations())
def test_a_step_without_weight_only_counts_itself_and_its_samples(situation):
    engine, examples = situation
    state = engine.run(engine.start(), examples, 0, 2)
    nothing = replace(examples, weight=np.zeros(examples.m))
    after = engine.run(state, nothing, 2, 3)
    assert after.samples > state.samples
    assert after._replace(samples=state.samples, step=2) == state, "the very same theta and moments"
    assert after.step == 3


@given(situations())
def test_every_example_is_seen_once_an_epoch(situation):
    engine, examples = situation
    epoch = engine.recipe.steps_per_epoch(examples.m)
    state = engine.run(engine.start(), examples, 0, epoch)
    assert state.samples == examples.m
    assert abs(state.weight_sum - examples.weight.sum()) < 1e-12
    assert state.updates <= state.step == epoch


@given(situations())
def test_a_batch_larger_than_all_rows_takes_them_all(situation):
    engine, examples = situation
    large, exact = (
        engine_for(engine.network, batch_size=B, shuffle=False, optimizer="gradient_descent")
        for B in (examples.m + 7, examples.m)
    )
    a, b = (e.run(e.start(), examples, 0, 3) for e in (large, exact))
    assert a.theta.tobytes() == b.theta.tobytes()
    J, dtheta = large.gradient(large.start().theta, examples, 0)
    one = large.run(large.start(), examples, 0, 1)
    assert distance(one.theta, large.start().theta - 0.1 * dtheta) < 1e-14
    assert one.cost_sum == J * examples.weight.sum()


@given(situations(), st.integers(1, 12))
def test_a_prediction_does_not_depend_on_its_company(situation, count):
    engine, examples = situation
    theta = engine.start().theta
    X = np.ascontiguousarray(examples.X)
    together = engine.predict(theta, X)
    assert together.shape == (examples.m, engine.network.n[-1])
    alone = np.concatenate([engine.predict(theta, rows) for rows in np.array_split(X, count)])
    assert np.allclose(alone, together, rtol=1e-12, atol=1e-14)


@given(situations(dropout=0.3, penalties=("l2(1)",)))
def test_prediction_and_cost_know_no_dropout_and_no_penalty(situation):
    engine, examples = situation
    plain = engine_for(replace(engine.network, dropout=0.0, penalties=()))
    theta = engine.start().theta
    assert np.array_equal(engine.predict(theta, examples.X), plain.predict(theta, examples.X))
    assert engine.cost(theta, examples) == plain.gradient(theta, examples)[0]
