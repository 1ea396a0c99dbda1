"""lamb: You et al. 2020, Algorithm 2, block by block; each step is as long as its block, times the rate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engines.fused import Fused
from chainrule.engines.reference import BLOCK, Reference
from chainrule.errors import RequestError
from chainrule.formulas.optimizers import Optimizer
from chainrule.ir import Untraceable
from chainrule.layout import WEIGHT
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.formulas.problems import distance

ENGINES = pytest.mark.parametrize("engine", [Reference, Fused])
LARGE = Network((7, BLOCK // 5, 3), dtype="float64")  # has a block of more entries than BLOCK


def by_the_book(block, gradients, rate, decayed, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.01):
    """The entries of a block after the steps, number by number."""
    x = block.ravel().tolist()
    m, v = [0.0] * len(x), [0.0] * len(x)
    for t, gradient in enumerate(gradients, start=1):
        r = []
        for i, g in enumerate(gradient.ravel().tolist()):
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * g * g
            r.append(m[i] / (1 - beta1**t) / (math.sqrt(v[i] / (1 - beta2**t)) + eps))
            r[i] += weight_decay * x[i] if decayed else 0.0
        of_x, of_r = math.hypot(*x), math.hypot(*r)
        trust = of_x / of_r if of_x > 0 and of_r > 0 else 1.0
        x = [x_i - rate * trust * r_i for x_i, r_i in zip(x, r, strict=True)]
    return np.array(x)


def moved(engine, theta, gradients, rate):
    """theta after the steps."""
    state = engine.start(theta)
    for dtheta in gradients:
        state = engine.update(state, dtheta, rate)
    return state.theta


@ENGINES
@pytest.mark.parametrize(
    ("spec", "numbers"),
    [("lamb", {}), ("lamb(0.8, 0.99, 0.001, 0.3)", {"beta1": 0.8, "beta2": 0.99, "eps": 0.001, "weight_decay": 0.3})],
)
@pytest.mark.parametrize("n", [(1, 1), (5, 3, 2), LARGE.n])
def test_every_block_moves_as_in_the_paper(engine, n, spec, numbers):
    network = Network(n, dtype="float64")
    rng = np.random.default_rng(0)
    theta, *gradients = rng.normal(size=(4, network.size))
    found = moved(engine(network, Recipe(spec)), theta, gradients, 0.05)
    for block in network.layout:
        of_block = [dtheta[block.place] for dtheta in gradients]
        expected = by_the_book(theta[block.place], of_block, 0.05, block.role == WEIGHT, **numbers)
        assert distance(found[block.place], expected) < 1e-12, block.name


@st.composite
def networks(draw):
    units = st.integers(1, 40)
    return Network((draw(units), *draw(st.lists(units, max_size=3)), draw(units)), dtype="float64")


@ENGINES
@given(networks(), st.integers(0, 99), st.sampled_from([1e-3, 0.5, 3.0]), st.sampled_from([None, 1e-4, 10.0]))
def test_a_step_is_as_long_as_the_block_times_the_rate(engine, network, seed, rate, clip_norm):
    theta, dtheta = np.random.default_rng(seed).normal(size=(2, network.size))
    found = moved(engine(network, Recipe("lamb", clip_norm=clip_norm)), theta, [dtheta], rate)
    for block in network.layout:
        length, before = (np.linalg.norm(V[block.place]) for V in (found - theta, theta))
        assert length == pytest.approx(rate * before, rel=1e-9), block.name


@ENGINES
def test_a_gradient_of_any_size_gives_the_same_step(engine):
    network = Network((4, 6, 2), dtype="float64")
    theta, dtheta = np.random.default_rng(0).normal(size=(2, network.size))
    of = engine(network, Recipe("lamb(eps=1e-300)"))
    for factor in (1e-6, 1e9):
        assert distance(moved(of, theta, [factor * dtheta], 0.1), moved(of, theta, [dtheta], 0.1)) < 1e-12


@ENGINES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_a_block_or_its_step_is_zero_the_ratio_is_1(engine, dtype):
    network = Network((3, 4, 2), dtype=dtype)
    rng = np.random.default_rng(0)
    theta, dtheta = rng.normal(size=(2, network.size)).astype(dtype)
    W, b = network.layout["W[1]"].place, network.layout["b[2]"].place
    theta[W] = 0.0
    dtheta[b] = 0.0
    adam, lamb = (moved(engine(network, Recipe(spec)), theta, [dtheta], 0.1) for spec in ("adam(eps=1e-6)", "lamb"))
    assert distance(lamb[W], adam[W]) < (1e-6 if dtype == "float32" else 1e-12)
    assert np.array_equal(lamb[b], theta[b])
    assert np.isfinite(lamb).all()


def test_a_step_that_is_not_finite_stays_seen():
    network = Network((3, 4, 2))
    dtheta = np.ones(network.size, np.float32)
    dtheta[network.layout["b[1]"].offset] = np.nan
    for engine in (Reference, Fused):
        found = moved(engine(network, Recipe("lamb")), None, [dtheta], 0.1)
        assert np.isnan(found[network.layout["b[1]"].place]).any()
        assert np.isfinite(found[network.layout["W[2]"].place]).all()


def of_ones_own(whole_blocks, reduce):
    """An optimiser whose step is scaled by something that is one number a block."""

    def mine(xp):
        def step(theta, dtheta, rate, t, decay):
            return (theta - rate * dtheta / getattr(xp, reduce)(dtheta * dtheta),)

        return Optimizer(step, "", "here", 0.1, whole_blocks=whole_blocks)

    return {"mine": mine}


def test_sums_over_blocks_in_a_row_of_ones_own():
    dtheta = np.random.default_rng(0).normal(size=LARGE.size)
    compiled, reference = (e(LARGE, Recipe("mine"), of_ones_own(True, "sum")) for e in (Fused, Reference))
    start = reference.start().theta
    for engine in (compiled, reference):
        found = moved(engine, start, [dtheta], 0.1)
        for block in LARGE.layout:
            g = dtheta[block.place]
            assert distance(found[block.place], start[block.place] - 0.1 * g / (g * g).sum()) < 1e-12


def test_a_sum_that_the_row_does_not_tell_of_is_refused():
    with pytest.raises(RequestError, match=r"'mine'.*whole_blocks=True"):
        Fused(LARGE, Recipe("mine"), of_ones_own(False, "sum"))


def test_the_largest_of_a_block_is_left_to_the_reference_engine():
    with pytest.raises(Untraceable, match=r"'mine'.*largest"):
        Fused(LARGE, Recipe("mine"), of_ones_own(True, "max"))
