"""Activations: finite and exact far out and at zero; values known from elsewhere; kinks are where they say."""

import numpy as np
import pytest

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from tests.formulas.problems import ALL_ACTIVATIONS

e = np.e

# (activation, z, A, dA/dZ) by hand
KNOWN = [
    ("identity", 2.5, 2.5, 1),
    ("sigmoid", 0, 0.5, 0.25),
    ("sigmoid", 1000, 1, 0),
    ("sigmoid", -1000, 0, 0),
    ("sigmoid", np.log(3), 0.75, 0.1875),
    ("tanh", 0, 0, 1),
    ("tanh", 1000, 1, 0),
    ("relu", 3, 3, 1),
    ("relu", -3, 0, 0),
    ("relu", 0, 0, 0),
    ("leaky_relu(0.2)", -10, -2, 0.2),
    ("leaky_relu(0.2)", 0, 0, 0.2),
    ("elu", -1, 1 / e - 1, 1 / e),
    ("elu(0.5)", -1000, -0.5, 0),
    ("selu", 1, 1.0507009873554805, 1.0507009873554805),
    ("selu", -1000, -1.0507009873554805 * 1.6732632423543772, 0),
    ("softplus", 0, np.log(2), 0.5),
    ("softplus", 1000, 1000, 1),
    ("softplus", -1000, 0, 0),
    ("silu", 0, 0, 0.5),
    ("silu", 1000, 1000, 1),
    ("silu", -1000, 0, 0),
    ("mish", 0, 0, 0.6),  # tanh(log 2) = (2 - 1/2) / (2 + 1/2)
    ("mish", 1000, 1000, 1),
    ("gelu", 0, 0, 0.5),
    ("gelu", 1000, 1000, 1),
    ("gelu", -1000, 0, 0),
]


@pytest.mark.parametrize(("activation", "z", "a", "slope"), KNOWN)
def test_known_values(activation, z, a, slope):
    row = ACTIVATIONS.make(activation, np)
    Z = np.array([float(z)])
    assert row.g(Z) == pytest.approx(a, rel=1e-15, abs=1e-300)
    assert row.slope(Z, row.g(Z)) == pytest.approx(slope, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_finite_and_of_the_same_kind_everywhere(activation, dtype):
    row = ACTIVATIONS.make(activation, np)
    Z = np.array([[0.0, -0.0, 1e-30, -1e-30, 50, -50], [1000, -1000, 1, -1, 20, -20]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        A = row.g(Z)
        slope = row.slope(Z, A)
    for V in (A, slope):
        assert V.shape == Z.shape
        assert V.dtype == dtype
        assert np.isfinite(V).all()


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_continuous_with_the_slope_as_derivative_on_both_sides_of_a_kink(activation):
    row = ACTIVATIONS.make(activation, np)
    for kink in row.kinks:
        Z = np.array([kink - 1e-6, kink, kink + 1e-6])
        A = row.g(Z)
        slope = row.slope(Z, A)
        assert (np.diff(A) / 1e-6)[0] == pytest.approx(slope[0], abs=1e-5)
        assert (np.diff(A) / 1e-6)[1] == pytest.approx(slope[2], abs=1e-5)


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_no_kink_is_left_unsaid(activation):
    row = ACTIVATIONS.make(activation, np)
    Z = np.linspace(-6, 6, 120_001)  # 1e-4 apart: a smooth slope moves by less than 1e-3 from one to the next
    jumps = np.abs(np.diff(row.slope(Z, row.g(Z))))
    at = Z[1:][jumps > 1e-3]
    assert all(min((abs(z - kink) for kink in row.kinks), default=np.inf) < 2e-4 for z in at)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_names_an_initializer_of_the_table(activation):
    assert ACTIVATIONS.make(activation, np).initializer in INITIALIZERS


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_far_out_are_finite(name):
    row = ACTIVATIONS.make(name, np)
    Z = np.array([-1e20, 1e20], np.float32)  # whose cube float32 cannot hold
    with np.errstate(over="ignore"):
        assert np.isfinite(row.slope(Z, row.g(Z))).all()
