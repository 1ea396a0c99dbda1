"""Examples that are a share of a step give their share of J and dtheta: all shares add up to what the step gives."""

from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.formulas import draws
from chainrule.inputs import Input
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.formulas.problems import ALL_LOSSES, ALL_PENALTIES, targets

ENGINES = [Reference, Fused]
STEP = 7


def drawn(network, m, seed=0):
    """theta, X, Y and weights, some of them 0."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.1, 2.0, m) * (rng.random(m) > 0.2)
    weight[rng.integers(m)] = 1.0
    X, Y = rng.normal(size=(m, network.n[0])), targets(network.loss, network.n[-1], m, rng)
    return 0.6 * rng.normal(size=network.size), X, Y, weight


def shares(engine, theta, X, Y, weight, edges, step=None):
    """J and dtheta of the examples between the edges."""
    for first, last in pairwise(edges):
        examples = engine.examples(X[first:last], Y[first:last], weight[first:last])
        yield engine.gradient(theta, examples, step, S=weight.sum(), row=first)


def assert_adds_up(engine, theta, X, Y, weight, edges, step=None, rtol=1e-12):
    J, dtheta = engine.gradient(theta, engine.examples(X, Y, weight), step)
    J_of, dtheta_of = zip(*shares(engine, theta, X, Y, weight, edges, step), strict=True)
    assert sum(J_of) == pytest.approx(J, rel=rtol)
    np.testing.assert_allclose(sum(dtheta_of), dtheta, rtol=rtol, atol=rtol * np.abs(dtheta).max())


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("penalty", ALL_PENALTIES)
@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy", "binary_cross_entropy"])
def test_shares_add_up_with_every_penalty(make, penalty, loss):
    network = Network((3, 5, 2), "tanh", loss, penalties=(penalty,), dtype="float64")
    assert_adds_up(make(network, Recipe()), *drawn(network, 11), edges=(0, 2, 3, 11))


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_shares_add_up_with_every_loss(make, loss):
    network = Network((3, 4, 3), "silu", loss, penalties=tuple(ALL_PENALTIES), dtype="float64")
    assert_adds_up(make(network, Recipe()), *drawn(network, 11), edges=(0, 4, 11))


def test_shares_add_up_before_learned_inputs():
    inputs = [Input("scale", (0,)), Input("cosine(3)", (1,)), Input("lookup(2)", (0,), levels=3)]
    network = Network((6, 4, 2), "tanh", dropout=0.3, penalties="l2(0.2)", dtype="float64", inputs=inputs)
    engine, (theta, _, Y, weight) = Reference(network, Recipe()), drawn(network, 9)
    rng = np.random.default_rng(1)
    X, codes = rng.normal(size=(9, 2)), rng.integers(0, 3, (9, 1))
    J, dtheta = engine.gradient(theta, engine.examples(X, Y, weight, codes), STEP)
    J_of, dtheta_of = 0.0, np.zeros_like(dtheta)
    for part in (slice(0, 4), slice(4, 9)):
        examples = engine.examples(X[part], Y[part], weight[part], codes[part])
        J_share, dtheta_share = engine.gradient(theta, examples, STEP, weight.sum(), part.start)
        J_of, dtheta_of = J_of + J_share, dtheta_of + dtheta_share
    assert J_of == pytest.approx(J, rel=1e-12)
    np.testing.assert_allclose(dtheta_of, dtheta, rtol=1e-12, atol=1e-14)


@st.composite
def steps(draw):
    m = draw(st.integers(1, 40))
    inner = draw(st.lists(st.integers(1, m), max_size=4, unique=True))
    hidden = draw(st.lists(st.integers(1, 9), max_size=2))
    n = (draw(st.integers(1, 5)), *hidden, draw(st.integers(1, 3)))
    penalties = tuple(draw(st.lists(st.sampled_from(ALL_PENALTIES), unique=True)))
    dropout = draw(st.sampled_from((0.0, 0.3))) if hidden else 0.0
    network = Network(n, "tanh", dropout=dropout, penalties=penalties, dtype="float64")
    return network, m, sorted({0, *inner, m}), draw(st.integers(0, 99))


@settings(max_examples=40, deadline=None)
@given(steps())
def test_shares_of_any_step_add_up_in_both_engines(step):
    network, m, edges, seed = step
    given = drawn(network, m, seed)
    for make in ENGINES:
        assert_adds_up(make(network, Recipe(seed=seed)), *given, edges, STEP)
    of_both = [list(shares(make(network, Recipe(seed=seed)), *given, edges, STEP)) for make in ENGINES]
    for (J, dtheta), (J_fused, dtheta_fused) in zip(*of_both, strict=True):
        assert J_fused == pytest.approx(J, rel=1e-12)
        np.testing.assert_allclose(dtheta_fused, dtheta, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_large_share_in_chunks_and_by_several_threads(monkeypatch, dtype, threads):
    monkeypatch.setattr("chainrule.engines.fused.threads.WORTH", 1.0)
    monkeypatch.setattr("chainrule.engines.fused.threads.ADAPTS", False)
    network = Network((20, 33, 17, 2), "relu", dropout=(0.3, 0.5), penalties=tuple(ALL_PENALTIES), dtype=dtype)
    fused = Fused(network, Recipe(), threads=threads)
    given, rtol = drawn(network, 1500), 1e-12 if dtype == "float64" else 1e-5
    assert_adds_up(fused, *given, edges=(0, 1301, 1500), step=STEP, rtol=rtol)
    alone = Fused(network, Recipe(), threads=1)
    for one, other in zip(*(shares(e, *given, (0, 1301, 1500), STEP) for e in (fused, alone)), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("make", ENGINES)
def test_the_whole_step_as_its_only_share_is_the_step_to_the_last_bit(make):
    network = Network((3, 5, 2), "tanh", penalties=tuple(ALL_PENALTIES), dtype="float64")
    engine, (theta, X, Y, _) = make(network, Recipe()), drawn(network, 9)
    examples = engine.examples(X, Y)
    J, dtheta = engine.gradient(theta, examples)
    J_share, dtheta_share = engine.gradient(theta, examples, S=9.0)
    assert J_share == J
    np.testing.assert_array_equal(dtheta_share, dtheta)


@pytest.mark.parametrize("make", ENGINES)
def test_a_share_without_weight_adds_nothing(make):
    network = Network((3, 5, 2), "tanh", penalties=tuple(ALL_PENALTIES))
    engine, (theta, X, Y, _) = make(network, Recipe()), drawn(network, 4)
    J, dtheta = engine.gradient(theta, engine.examples(X, Y, np.zeros(4)), S=3.0)
    assert J == 0.0
    np.testing.assert_array_equal(dtheta, 0.0)


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("S", [0.0, -1.0, nan, inf, 6.9, 1e39, 1e-39, "much", [1.0, 2.0]])
def test_what_is_no_sum_of_a_step_that_holds_the_examples_is_refused(make, S):
    network = Network((2, 1))
    engine = make(network, Recipe())
    examples = engine.examples(np.ones((7, 2)), np.ones((7, 1)))
    with pytest.raises(RequestError, match="S "):
        engine.gradient(engine.start().theta, examples, S=S)


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("row", [-1, 0.5, "0", None, 2**62])
def test_what_is_no_place_in_a_step_is_refused(make, row):
    engine = make(Network((2, 3, 1), dropout=0.5), Recipe())
    examples = engine.examples(np.ones((7, 2)), np.ones((7, 1)))
    with pytest.raises(RequestError, match="row counts the examples"):
        engine.gradient(engine.start().theta, examples, 0, S=9.0, row=row)


@pytest.mark.parametrize("make", ENGINES)
def test_rounding_of_S_is_no_reason_to_refuse_it(make):
    engine = make(Network((2, 1)), Recipe())
    weight = np.full(1000, 0.1)
    examples = engine.examples(np.ones((1000, 2)), np.ones((1000, 1)), weight)
    S = float(np.cumsum(weight.astype(np.float32))[-1])
    J, _ = engine.gradient(engine.start().theta, examples)
    J_share, _ = engine.gradient(engine.start().theta, examples, S=min(S, 100.0 * (1.0 - 1e-6)))
    assert J_share == pytest.approx(J, rel=1e-5)


@given(row=st.integers(0, 60), m=st.integers(1, 9), n=st.integers(1, 9))
def test_rows_of_a_mask_are_those_of_the_whole_mask(row, m, n):
    part = draws.kept(0.4, n, m, seed=3, step=STEP, l=2, row=row)
    np.testing.assert_array_equal(part, draws.kept(0.4, n, row + m, seed=3, step=STEP, l=2)[:, row:])
