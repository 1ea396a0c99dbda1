"""The pass of a whole network: what it gives is the reference engine's, and parts of a step add up to the step."""

from itertools import pairwise

import numpy as np
import pytest

from chainrule.engines.reference import Reference
from chainrule.layout import STRIP
from chainrule.network import Network, Parameters
from chainrule.propagation import Propagation
from chainrule.recipe import Recipe

NETWORK = Network((4, 6, 5, 3), ("tanh", "silu"), "cross_entropy", penalties=("l2(0.3)", "l1(0.2)"), dtype="float64")


def drawn(seed, m=11):
    rng = np.random.default_rng(seed)
    Y = np.eye(3)[:, rng.integers(0, 3, m)]
    return rng.normal(size=NETWORK.size), rng.normal(size=(4, m)), Y, rng.integers(0, 4, m) * 0.5


@pytest.mark.parametrize("edges", [(0, 11), (0, 1, 11), (0, 3, 4, 9, 11)])
def test_parts_of_a_step_add_up_to_the_step_penalties_included(edges):
    """With its own S each part would have the whole penalty, and its examples' shares would be too large."""
    of, (theta, X, Y, w) = Propagation(NETWORK), drawn(0)
    whole = of.backward(theta, X, Y, w)
    slices = [slice(first, last) for first, last in pairwise(edges)]
    parts = [of.backward(theta, X[:, part], Y[:, part], w[part], S=w.sum()) for part in slices]
    assert sum(part.J for part in parts) == pytest.approx(whole.J, rel=1e-14)
    np.testing.assert_allclose(sum(map(of.dtheta, parts)), of.dtheta(whole), rtol=1e-12, atol=1e-14)
    costs = [of.cost(theta, X[:, part], Y[:, part], w[part], S=w.sum()) for part in slices]
    assert sum(costs) == pytest.approx(of.cost(theta, X, Y, w), rel=1e-14)


def test_it_is_what_the_reference_engine_computes():
    of, (theta, X, Y, w) = Propagation(NETWORK), drawn(1)
    engine = Reference(NETWORK, Recipe())
    J, dtheta = engine.gradient(theta, engine.examples(X.T, Y.T, w))
    done = of.backward(theta, X, Y, w)
    assert (float(done.J), float(done.penalty) > 0.0) == (J, True)
    np.testing.assert_array_equal(of.dtheta(done), dtheta)


def test_the_gradient_has_every_block_in_its_shape():
    of, (theta, X, Y, w) = Propagation(NETWORK), drawn(2)
    done = of.backward(theta, X, Y, w)
    assert {name: V.shape for name, V in done.gradient.items()} == {b.name: b.shape for b in NETWORK.layout}
    p = Parameters(NETWORK, of.dtheta(done))
    for name, V in p.views.items():
        np.testing.assert_array_equal(V, done.gradient[name])


def test_the_gradient_of_the_inputs_is_the_derivative_by_them():
    of, (theta, X, Y, _) = Propagation(NETWORK), drawn(3)
    Z, A = of.forward(theta, X)
    dX = of.input_gradient(theta, X, Z, A, A[-1] - Y)  # of the sum of the losses
    h = 1e-6
    for j, i in ((0, 0), (3, 10), (2, 5)):
        step = np.zeros_like(X)
        step[j, i] = h
        up, down = (of.cost(theta, X + s * step, Y, np.ones(11), S=1.0, penalties=False) for s in (1.0, -1.0))
        assert dX[j, i] == pytest.approx((up - down) / (2.0 * h), rel=1e-6, abs=1e-8)


def test_a_vector_of_blocks_longer_than_a_strip_holds_all_of_them():
    layout = Network((3, 2 * STRIP + 5, 1), dtype="float64").layout
    theta = np.random.default_rng(4).normal(size=layout.size)
    np.testing.assert_array_equal(layout.vector(layout.views(theta, np), np), theta)
