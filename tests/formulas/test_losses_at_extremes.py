"""Losses stay right where their predictions round to 0, 1 or infinity: values are exact limits, without a warning."""

import numpy as np
import pytest

from chainrule.formulas.links import LINKS
from chainrule.formulas.losses import LOSSES
from tests.formulas.problems import ALL_LOSSES

# (loss, z, y) -> (value, dZ), each worked out by hand as the limit for large |z|
LIMITS = [
    ("half_squared_error", 1000, -1, 1001.0**2 / 2, 1001),
    ("half_squared_error_sigmoid", 1000, 0, 0.5, 0),  # a = 1: (1 - 0)^2 / 2, and a (1 - a) = 0
    ("half_squared_error_sigmoid", -1000, 0, 0, 0),
    ("half_squared_error_sigmoid", -1000, 1, 0.5, 0),
    ("binary_cross_entropy", 800, 0, 800, 1),  # log(1 + e^800) = 800
    ("binary_cross_entropy", 1000, 1, 0, 0),
    ("binary_cross_entropy", -1000, 1, 1000, -1),
    ("binary_cross_entropy", -1000, 0, 0, 0),
    ("binary_cross_entropy", 1000, 0.25, 750, 0.75),
    ("binary_cross_entropy(0.5)", 1000, 1, 250, 0.25),  # y -> 0.75: 1000 - 750
    ("absolute_error", 1000, -2, 1002, 1),
    ("absolute_error", -1000, 2, 1002, -1),
    ("absolute_error", 3, 3, 0, 0),
    ("huber", 1000, 0, 999.5, 1),  # delta (r - delta/2)
    ("huber(0.5)", -1000, 0, 0.5 * 999.75, -0.5),
    ("quantile(0.9)", 1000, 0, 100, 0.1),  # (1 - q) (a - y)
    ("quantile(0.9)", -1000, 0, 900, -0.9),
    ("poisson", -1000, 0, 0, 0),
    ("poisson", -1000, 3, 3000, -3),  # e^-1000 - 3 (-1000)
    ("gamma", 1000, 2, 1000, 1),  # 1000 + 2 e^-1000
    ("tweedie", -1000, 0, 0, 0),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("loss", "z", "y", "value", "slope"), LIMITS)
def test_value_and_slope_are_the_limits(loss, z, y, value, slope):
    row = LOSSES.make(loss, np)
    Z, Y = np.array([[float(z)]]), np.array([[float(y)]])
    assert row.value(Z, Y).item() == pytest.approx(value, rel=1e-15, abs=1e-200)
    assert row.dZ(Z, Y).item() == pytest.approx(slope, rel=1e-15, abs=1e-16)


@pytest.mark.parametrize(
    ("z", "k", "value", "slope"),
    [
        ([1000, 0, 0], 0, 0, [0, 0, 0]),
        ([1000, 0, -1000], 1, 1000, [1, -1, 0]),
        ([-1000, 1000, 0], 0, 2000, [-1, 1, 0]),
        ([1000, 1000], 1, np.log(2), [0.5, -0.5]),
        ([-1000, -1000, -1000], 2, np.log(3), [1 / 3, 1 / 3, -2 / 3]),
    ],
)
def test_cross_entropy_is_the_limit(z, k, value, slope):
    row = LOSSES.make("cross_entropy", np)
    Z, Y = np.array(z, float)[:, None], np.eye(len(z))[:, [k]]
    assert row.value(Z, Y).item() == pytest.approx(value, rel=1e-15)
    assert row.dZ(Z, Y)[:, 0] == pytest.approx(slope, rel=1e-15)


def valid_targets(row):
    ends = {max(row.lowest, -5.0), min(row.highest, 5.0), 0.5} - set(row.excluded)
    return sorted(ends)


def extremes(K=2):
    """Every column of K numbers out of 0, +-1, +-30, +-1000."""
    numbers = [0.0, 1.0, -1.0, 30.0, -30.0, 1000.0, -1000.0]
    return np.array([(a, b) for a in numbers for b in numbers]).T


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_value_and_slope_are_finite_or_what_the_mathematics_says(loss, dtype):
    row = LOSSES.make(loss, np)
    Z = extremes().astype(dtype)
    overflows = row.link == "exponential"  # their docstrings: infinite beyond some |z|, and never NaN
    for y in valid_targets(row):
        Y = np.full_like(Z, y) if row.elementwise else np.array([[y], [1 - y]], dtype) * np.ones_like(Z[:1])
        with np.errstate(over="ignore" if overflows else "raise", invalid="raise", divide="raise"):
            value, slope = row.value(Z, Y), row.dZ(Z, Y)
        bounded = np.abs(Z) < 80 if overflows else np.ones_like(Z, bool)
        assert np.isfinite(value[bounded[: len(value)]]).all()
        assert np.isfinite(slope[bounded]).all()
        assert not np.isnan(value).any()
        assert not np.isnan(slope).any()


@pytest.mark.parametrize(
    ("loss", "infinite_at", "y", "sign_of_slope"),
    [
        ("poisson", 1000.0, 1.0, 1),
        ("gamma", -1000.0, 1.0, -1),
        ("tweedie", 2000.0, 1.0, 1),
        ("tweedie", -2000.0, 1.0, -1),
    ],
)
def test_infinite_where_its_docstring_says(loss, infinite_at, y, sign_of_slope):
    row = LOSSES.make(loss, np)
    with np.errstate(over="ignore"):
        assert row.value(np.array(infinite_at), np.array(y)) == np.inf
        assert row.dZ(np.array(infinite_at), np.array(y)) == sign_of_slope * np.inf


def test_tweedie_of_a_zero_is_finite_where_that_of_an_amount_is_not():
    row = LOSSES.make("tweedie", np)  # y = 0: a^(2 - p) / (2 - p) alone, which goes to 0
    assert row.value(np.array(-2000.0), np.array(0.0)) == pytest.approx(0, abs=1e-300)
    assert row.dZ(np.array(-2000.0), np.array(0.0)) == pytest.approx(0, abs=1e-300)


@pytest.mark.parametrize("link", LINKS)
def test_links_at_extremes(link):
    with np.errstate(over="ignore"):
        row = LINKS.make(link, np)
        A = row.g(extremes())
    assert not np.isnan(A).any()
    if link == "softmax":
        assert A.sum(axis=0) == pytest.approx(1.0)
    if row.probabilities or row.positive:
        assert A.min() >= 0
    assert row.probabilities is bool(A.min() >= 0 and A.max() <= 1)
    assert row.positive is bool(A.min() >= 0 and A.max() > 1)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_convex_losses_grow_where_their_slope_says(loss):
    # the mean value theorem on a fine grid: value(z + h) - value(z) lies between h dZ(z) and h dZ(z + h)
    row = LOSSES.make(loss, np)
    if loss == "half_squared_error_sigmoid":  # "it is not convex"
        return
    z = np.linspace(-8, 8, 4001)
    Z = z[None, :] if row.elementwise else np.stack([z, np.zeros_like(z)])
    for y in valid_targets(row):
        Y = np.full_like(Z, y) if row.elementwise else np.array([[y], [1 - y]]) * np.ones_like(z)
        value, slope = row.value(Z, Y)[0], row.dZ(Z, Y)[0]
        rise, h = np.diff(value), np.diff(z)
        room = 1e-9 * (1 + np.abs(value[1:]))
        assert (rise >= h * slope[:-1] - room).all()
        assert (rise <= h * slope[1:] + room).all()
