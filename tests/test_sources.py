"""Every row once an epoch, wherever a run is taken up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.formulas.draws import Stream, permutation
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
