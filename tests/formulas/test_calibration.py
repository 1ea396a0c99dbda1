"""Calibration: the temperature is that of the least log-loss, and probabilities stay probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.formulas import portable
from chainrule.formulas.calibration import calibrated, fit_calibration
from chainrule.formulas.metrics import log_loss


def drawn(seed, K=3, m=400, tau=2.0):
    """Probabilities that are too bold by a factor of 1 / tau, and the classes that come of the right ones."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(K, m))
    right, bold = (np.exp(t * a) / np.exp(t * a).sum(axis=0) for t in (tau, 1.0))
    return bold, (rng.random(m) > np.cumsum(right, axis=0)[:-1]).sum(axis=0)


@pytest.mark.parametrize("tau", [0.25, 1.0, 4.0])
def test_it_finds_the_temperature_that_the_classes_were_drawn_with(tau):
    P, codes = drawn(1, m=20_000, tau=tau)
    found, smoothing = fit_calibration(P, codes)
    assert found == pytest.approx(tau, rel=0.1)
    assert smoothing == 1 / 20_001


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 5), st.booleans())
def test_no_other_temperature_has_a_smaller_log_loss(seed, K, weighted):
    P, codes = drawn(seed, K, 60)
    weight = np.random.default_rng(seed).integers(0, 3, 60).astype(float) if weighted else None
    tau, _ = fit_calibration(P, codes, weight)
    least = log_loss(codes, calibrated(P, tau, 0.0), weight)
    for other in (0.9, 0.99, 1.01, 1.1):
        assert log_loss(codes, calibrated(P, tau * other, 0.0), weight) >= least - 1e-9


def test_a_row_of_weight_2_is_two_rows():
    P, codes = drawn(3)
    w = np.random.default_rng(5).integers(0, 3, 400)
    rows = np.repeat(np.arange(400), w)
    by_weight, repeated = fit_calibration(P, codes, w.astype(float)), fit_calibration(P[:, rows], codes[rows])
    assert by_weight[0] == repeated[0]
    assert by_weight[1] == 1 / (1 + (w > 0).sum())


def test_the_temperature_has_four_digits():
    tau, _ = fit_calibration(*drawn(4))
    assert tau == float(f"{tau:.4g}")


def test_what_cannot_be_calibrated_ends_at_the_limits():
    """All right, all wrong, nothing said: then the smoothing keeps a little for every class."""
    P = np.array([[0.9, 0.2], [0.1, 0.8]])
    tau, smoothing = fit_calibration(P, np.array([0, 1]))
    np.testing.assert_allclose(calibrated(P, tau, smoothing), [[5 / 6, 1 / 6], [1 / 6, 5 / 6]])
    assert fit_calibration(P, np.array([1, 0])) == (1.125e-7, 1 / 3)
    even = np.full((4, 3), 0.25)
    tau, _ = fit_calibration(even, np.array([0, 1, 3]))
    assert tau == 1.0
    np.testing.assert_array_equal(calibrated(even, tau, 0.25), even)


@given(st.floats(1e-7, 1e7), st.floats(0.0, 0.999), st.integers(0, 2**32 - 1))
def test_calibrated_probabilities_sum_to_1_and_keep_their_order(tau, smoothing, seed):
    P = np.random.default_rng(seed).dirichlet([0.1] * 4, 20).T
    P[:, 0] = [1.0, 0.0, 0.0, 0.0]
    found = calibrated(P, tau, smoothing)
    assert (found >= 0.0).all()
    np.testing.assert_allclose(found.sum(axis=0), 1.0, rtol=1e-12)
    order = np.argsort(P, axis=0, kind="stable")
    assert (np.diff(np.take_along_axis(found, order, axis=0), axis=0) >= -1e-15).all()


@given(st.floats(-745.0, 709.0))
def test_exp_is_within_units_in_the_last_place(x):
    np.testing.assert_allclose(portable.exp(np.array([x])), np.exp([x]), rtol=1e-15, atol=1e-323)


@given(st.floats(1e-300, 1e300))
def test_log_is_within_units_in_the_last_place(x):
    np.testing.assert_allclose(portable.log(np.array([x])), np.log([x]), rtol=1e-15, atol=1e-16)


def test_exp_ends_at_0_and_at_infinity():
    assert portable.exp(np.array([-np.inf, -800.0, 720.0, np.inf])).tolist() == [0.0, 0.0, np.inf, np.inf]
