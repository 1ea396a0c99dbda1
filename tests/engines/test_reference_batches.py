"""Rows become columns without a copy, and batches of them without a loss: each epoch in its own order."""

import numpy as np
import pytest

from chainrule.engines import reference
from chainrule.errors import RequestError
from chainrule.formulas.draws import Stream, permutation
from chainrule.network import Network
from chainrule.sources import Examples
from tests.formulas.problems import distance, engine_for, small


def test_rows_are_taken_without_a_copy():
    engine = engine_for(Network((3, 2), dtype="float64"))
    X, Y = np.random.default_rng(0).normal(size=(6, 3)), np.zeros((6, 2))
    examples = engine.examples(X, Y)
    assert examples.X.shape == (6, 3)
    assert np.shares_memory(examples.X, X)
    assert np.shares_memory(examples.Y, Y)
    assert examples.weight.tolist() == [1.0] * 6
    assert examples.m == 6


def test_no_rows_give_no_predictions():
    engine = engine_for(Network((3, 2)))
    assert engine.predict(engine.start().theta, np.zeros((0, 3))).shape == (0, 2)


def test_long_predictions_and_costs_go_by_chunks(monkeypatch):
    engine = engine_for(Network((3, 4, 2), dtype="float64"))
    rng = np.random.default_rng(1)
    examples = engine.examples(rng.normal(size=(25, 3)), rng.normal(size=(25, 2)), rng.uniform(size=25))
    theta = engine.start().theta
    A, J = engine.predict(theta, examples.X), engine.cost(theta, examples)
    monkeypatch.setattr(reference, "CHUNK", 4)
    monkeypatch.setattr(reference, "BLOCK", 5)
    assert np.allclose(engine.predict(theta, examples.X), A, rtol=1e-14)
    assert abs(engine.cost(theta, examples) - J) < 1e-14
    state = engine.run(engine.start(), examples, 0, 3)
    monkeypatch.undo()
    assert distance(state.theta, engine.run(engine.start(), examples, 0, 3).theta) < 1e-15


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("B", [1, 4, 9])
def test_each_epoch_takes_every_row_once_in_an_order_of_its_own(B, shuffle):
    m, epochs, seed = 10, 3, 6
    engine = engine_for(Network((1, 1), dtype="float64"), batch_size=B, shuffle=shuffle, seed=seed)
    rows = np.arange(m, dtype=float)[:, None]
    seen, gradient = [], engine._gradient
    engine._gradient = lambda theta, examples, step: (
        seen.append(examples.X[:, 0].tolist()) or gradient(theta, examples, step)
    )
    engine.run(engine.start(), engine.examples(rows, 2 * rows), 0, epochs * -(-m // B))
    for epoch in range(epochs):
        order = permutation(m, seed, Stream.SHUFFLE, epoch).tolist() if shuffle else list(range(m))
        expected = [order[i : i + B] for i in range(0, m, B)]
        assert seen[epoch * len(expected) : (epoch + 1) * len(expected)] == expected
    assert len(seen) == epochs * len(expected)


def test_rows_and_their_targets_and_weights_stay_together():
    engine = engine_for(small(), batch_size=3)
    rng = np.random.default_rng(0)
    X, gradient = rng.normal(size=(10, 3)), engine._gradient

    def watched(theta, examples, step):
        assert np.array_equal(examples.Y[:, 0], examples.X.sum(axis=1))
        assert np.array_equal(examples.weight, np.abs(examples.X[:, 0]))
        return gradient(theta, examples, step)

    engine._gradient = watched
    X = np.round(X, 3)
    engine.run(engine.start(), engine.examples(X, X.T.copy().sum(axis=0)[:, None], np.abs(X[:, 0])), 0, 8)


def test_batches_of_a_source_of_ones_own_are_looked_at():
    engine = engine_for(small(), batch_size=5)
    source = engine.recipe.source(engine.examples(np.zeros((10, 3)), np.zeros((10, 1))), np)
    engine.run(engine.start(), source, 0, 2)
    source.examples = Examples(np.zeros((10, 4)), np.zeros((10, 1)), np.ones(10))
    with pytest.raises(RequestError, match=r"X \(m, 3\)"):
        engine.run(engine.start(), source, 0, 2)


def test_a_step_without_weight_is_no_update_for_adam():
    # were it counted, the correction for having started at zero would be too weak in the first real update
    engine = engine_for(small(), optimizer="adam", batch_size=2, shuffle=False)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
    late = engine.run(engine.start(), engine.examples(X, Y, [0, 0, 1, 1]), 0, 2)
    alone = engine.run(engine.start(), engine.examples(X[2:], Y[2:]), 0, 1)
    assert np.array_equal(late.theta, alone.theta)
    assert (late.updates, late.step, late.samples) == (1, 2, 4)


@pytest.mark.parametrize(
    ("X", "Y", "weight", "message"),
    [
        ((5, 2), (5, 1), None, r"X must be \(3, 5\), not \(2, 5\)"),
        ((5, 3), (5, 2), None, r"Y must be \(1, 5\), not \(2, 5\)"),
        ((5, 3), (4, 1), None, r"Y must be \(1, 5\), not \(1, 4\)"),
        ((5, 3), (5, 1), (4,), "weight"),
        ((5, 3), (5, 1), (1,), "weight"),  # would be every row's, and J a sum in place of a mean
        ((5, 3), (5, 1), (5, 1), "weight"),
    ],
)
def test_rows_of_the_wrong_shape_are_refused(X, Y, weight, message):
    with pytest.raises(RequestError, match=message):
        engine_for(small()).examples(np.ones(X), np.ones(Y), None if weight is None else np.ones(weight))
