"""Links: the derivative beside each is that of the function, and what a link says of itself is what it does."""

import numpy as np
import pytest

from chainrule.formulas.links import LINKS, Link, link
from tests.formulas.problems import STEP


@pytest.mark.parametrize("K", [1, 2, 4])
@pytest.mark.parametrize("name", LINKS)
def test_dZ_is_the_derivative_of_any_function_of_A(name, K):
    rng, row = np.random.default_rng(K), LINKS.make(name, np)
    Z, dA = rng.normal(size=(K, 3)), rng.normal(size=(K, 3))
    expected = np.empty_like(Z)
    for k, i in np.ndindex(Z.shape):
        h = np.zeros_like(Z)
        h[k, i] = STEP
        expected[k, i] = np.sum(dA * (row.g(Z + h) - row.g(Z - h))) / (2 * STEP)
    assert row.dZ(Z, row.g(Z), dA) == pytest.approx(expected, abs=1e-7)


def test_a_row_of_ones_own_may_make_its_function_alone():
    made = link("twice", np, {"twice": lambda xp: lambda Z: 2.0 * Z})
    assert isinstance(made, Link)
    assert (made.dZ, made.probabilities, made.positive) == (None, False, False)
    assert made.g(np.array([3.0])) == 6.0
