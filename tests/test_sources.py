"""Every row once an epoch, wherever a run is taken up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.formulas.draws import Stream, permutation
from chainrule.inputs import Input
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sources import Epoch, Examples

counts = st.integers(1, 40)


@given(m=counts, B=counts, epochs=st.integers(1, 4))
def test_steps_go_through_the_rows_of_each_epoch_in_order(m, B, epochs):
    epoch = Epoch(m, B)
    steps = epoch.first(epochs)
    places = [epoch.at(step) for step in range(steps)]
    for e in range(epochs):
        of_epoch = [i for at, i in places if at == e]
        rows = [row for i in of_epoch for row in range(m)[epoch.rows(i)]]
        assert rows == list(range(m))
        assert sum(len(range(m)[epoch.rows(i)]) == B for i in of_epoch) == epoch.whole
    seen = 0
    for step, (_, i) in enumerate(places):
        assert epoch.seen(step) == seen
        seen += len(range(m)[epoch.rows(i)])
    assert seen == epochs * m


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("B", [1, 3, 10, 99])
def test_a_batch_is_the_same_whenever_it_is_asked_for(B, shuffle):
    m = 10
    rows = np.arange(m, dtype=np.float32)
    examples = Examples(rows[:, None], 2.0 * rows[:, None], 3.0 * rows)
    recipe = Recipe(batch_size=B, shuffle=shuffle, seed=7)
    source = recipe.source(examples, np)
    asked = [(e, i) for e in range(3) for i in range(source.epoch.steps)]
    for e, i in [*asked, *reversed(asked)]:
        batch = source.batch(e, i)
        in_order = not shuffle or m <= B
        order = np.arange(m) if in_order else permutation(m, 7, Stream.SHUFFLE, e)
        expected = order[i * B : (i + 1) * B]
        assert batch.X[:, 0].tolist() == expected.tolist()
        assert batch.Y[:, 0].tolist() == (2.0 * expected).tolist()
        assert batch.weight.tolist() == (3.0 * expected).tolist()
        assert batch.m == len(expected)


class Streamed:
    """Batches of examples in memory, each in arrays of its own."""

    def __init__(self, source):
        self.epoch, self._source, self.asked = source.epoch, source, []

    def batch(self, epoch, i):
        self.asked.append((epoch, i))
        batch = self._source.batch(epoch, i)
        codes = None if batch.codes is None else batch.codes.copy()
        return Examples(batch.X.copy(), batch.Y.copy(), batch.weight.copy(), codes)


@pytest.mark.parametrize("engine_of", [Fused, Reference])
@pytest.mark.parametrize("m", [5, 9, 10])  # one batch; a shorter one at the end; all alike
def test_a_stream_of_batches_trains_as_the_rows_in_memory_do(engine_of, m):
    layers = (Input("scale", (1,)), Input("lookup(2)", (0,), levels=3))
    network = Network((5, 4, 2), "tanh", dropout=0.3, penalties="l2(0.1)", inputs=layers)
    engine = engine_of(network, Recipe("adam", batch_size=5, epochs=3, schedule="inverse_scaling(0.5)"))
    rng = np.random.default_rng(m)
    X, Y, weight = rng.normal(size=(m, 3)), rng.normal(size=(m, 2)), rng.uniform(size=m)
    examples = engine.examples(X, Y, weight, rng.integers(0, 3, (m, 1)))
    stream = Streamed(engine.recipe.source(examples, np))
    last = stream.epoch.first(3)
    expected = engine.run(engine.start(), examples, 0, last)
    found = engine.run(engine.run(engine.start(), stream, 0, 1), stream, 1, last)
    assert found._replace(theta=0, moments=()) == expected._replace(theta=0, moments=())
    for a, b in zip((found.theta, *found.moments), (expected.theta, *expected.moments), strict=True):
        assert np.array_equal(a, b)
    assert stream.asked == [stream.epoch.at(step) for step in range(last)]


def test_a_batch_that_the_engine_knows_as_examples_is_one_step():
    engine = Fused(Network((2, 1)), Recipe(batch_size=2))
    examples = engine.examples(np.eye(4, 2), np.ones((4, 1)))
    engine.run(engine.start(), examples, 0, 2)

    class Whole:
        epoch = Epoch(4, 4)

        def batch(self, epoch, i):
            return examples

    assert engine.run(engine.start(), Whole(), 0, 3).samples == 12
