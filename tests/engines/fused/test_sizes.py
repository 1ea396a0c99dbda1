"""Any sizes: units, rows and batches from one on, odd ones among them; and a run in parts is the run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.test_equals_reference import TOLERANCE, apart, assert_states_agree, copied, vectors

UNITS = st.integers(1, 70)
LOSSES = st.sampled_from(["half_squared_error", "cross_entropy", "binary_cross_entropy"])


@st.composite
def sizes(draw):
    """n, the loss, m and the batch size."""
    n = (draw(UNITS), *draw(st.lists(UNITS, max_size=3)), draw(st.one_of(st.integers(1, 4), UNITS)))
    m = draw(st.integers(1, 200))
    return n, draw(LOSSES), m, draw(st.one_of(st.integers(1, m + 5), st.integers(m // 2 + 1, m)))


def engines(n, loss, m, batch_size, dtype, optimizer="momentum", **more):
    """Both engines, and rows."""
    network = Network(n, "tanh", loss, dtype=dtype, **more)
    recipe = Recipe(optimizer, 0.01, batch_size=batch_size)
    rng = np.random.default_rng(sum(n) + m)
    X, Y = rng.normal(size=(m, n[0])), rng.uniform(size=(m, n[-1]))
    if loss == "cross_entropy":
        Y = Y / Y.sum(axis=1, keepdims=True)
    reference = Reference(network, recipe)
    return Fused(network, recipe), reference, reference.examples(X, Y, rng.uniform(0.5, 1.0, m))


def assert_same(fused, reference, examples):
    tolerance = TOLERANCE[fused.network.dtype]
    theta, X = reference.start().theta, examples.X
    assert apart(fused.predict(theta, X), reference.predict(theta, X)) <= tolerance
    assert fused.cost(theta, examples) == pytest.approx(reference.cost(theta, examples), rel=tolerance, abs=tolerance)
    (J, dtheta), (J_expected, expected) = (e.gradient(theta, examples) for e in (fused, reference))
    assert abs(J - J_expected) <= tolerance * max(1.0, abs(J_expected))
    # one output of a softmax is 1 whatever Z: its gradient is 0 but for rounding
    assert apart(dtheta, expected) <= tolerance or np.abs(dtheta - expected).max() < 1e-7 * tolerance
    per_epoch = fused.recipe.steps_per_epoch(examples.m)
    ours, theirs = (e.run(e.start(), examples, 0, min(per_epoch, 12)) for e in (fused, reference))
    assert_states_agree(ours, theirs, 10 * tolerance)  # a dozen steps, each beginning a little apart


@given(sizes(), st.sampled_from(["float32", "float64"]))
def test_any_sizes(drawn, dtype):
    assert_same(*engines(*drawn, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "n", [(3, 10_000, 2), (10_000, 3, 1), (2, 3, 10_000), (10_000, 1), (1, 10_000), (1, 1), (1, 1, 1, 1)]
)
def test_one_large_layer(n, dtype):
    assert_same(*engines(n, "half_squared_error", 11, 5, dtype, optimizer="gradient_descent"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [*range(1, 36), 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 255, 256, 257])
def test_widths_around_those_of_vectors(width, dtype):
    assert_same(*engines((width, width, 2), "half_squared_error", 9, 4, dtype))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 95, 96, 97, 575, 576, 577, 1151, 1153])
def test_rows_around_those_of_tiles_and_chunks(m):
    for batch_size in (m, max(1, m - 1)):
        assert_same(*engines((6, 5, 3), "cross_entropy", m, batch_size, "float64"))


@given(sizes(), st.sampled_from(["float32", "float64"]), st.lists(st.integers(0, 400), max_size=4))
def test_a_run_in_parts_is_the_run(drawn, dtype, cuts):
    n, loss, m, batch_size = drawn
    dropout = 0.3 if len(n) > 2 else 0.0
    fused, _, examples = engines(n, loss, m, max(batch_size, 1 + m // 12), dtype, "adam", dropout=dropout)
    last = 2 * fused.recipe.steps_per_epoch(m) + 1
    whole = fused.run(fused.start(), examples, 0, last)
    state = fused.start()
    for cut in sorted(c % (last + 1) for c in cuts):
        state = fused.run(state, examples, state.step, cut)
    state = fused.run(state, examples, state.step, last)
    assert all(map(np.array_equal, vectors(state), vectors(whole)))
    for name in ("step", "updates", "samples", "cost_sum", "weight_sum", "rate", "diverged"):
        assert getattr(state, name) == getattr(whole, name), name


def test_a_run_goes_on_in_another_engine():
    one, _, examples = engines((5, 8, 1), "half_squared_error", 50, 8, "float32", "adam", dropout=0.2)
    other, _, _ = engines((5, 8, 1), "half_squared_error", 50, 8, "float32", "adam", dropout=0.2)
    whole = one.run(one.start(), examples, 0, 20)
    half = one.run(one.start(), examples, 0, 11)
    rest = other.run(copied(half), examples, 11, 20)
    assert all(map(np.array_equal, vectors(rest), vectors(whole)))


def test_a_run_of_no_steps_is_nothing():
    fused, _, examples = engines((5, 8, 1), "half_squared_error", 50, 8, "float32")
    state = fused.run(fused.start(), examples, 0, 3)
    assert fused.run(state, examples, 3, 3) == state


def test_no_rows_give_no_predictions():
    fused, _, _ = engines((3, 2), "half_squared_error", 2, 2, "float32")
    assert fused.predict(fused.start().theta, np.zeros((0, 3))).shape == (0, 2)


def test_one_engine_serves_data_of_any_length():
    fused, reference, _ = engines((3, 6, 2), "half_squared_error", 2, 16, "float64")
    rng = np.random.default_rng(0)
    for m in (40, 7, 40, 16, 17, 1, 40):
        examples = reference.examples(rng.normal(size=(m, 3)), rng.normal(size=(m, 2)))
        assert_same(fused, reference, examples)
