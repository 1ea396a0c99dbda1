"""``Outputs``: from targets to Y, and from A[L] to probabilities and numbers."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import RequestError, RunError
from chainrule.data import Target
from chainrule.formulas.losses import LOSSES
from chainrule.target_encoding import Outputs, require_in_domain

TWO = Target.infer(pa.array(["no", "yes", "no"]), "y")
THREE = Target.infer(pa.array(["c", "a", "b"]), "y")
NUMBER = Target.infer(pa.array([1.5, 2.0, 6.5]), "y")
CODES = {TWO: np.array([0, 1, 0, 0]), THREE: np.array([2, 0, 1, 0])}


def fit(target, loss, values):
    return Outputs.fit(target, LOSSES.make(loss, np), loss, np.asarray(values))


@pytest.mark.parametrize(
    ("target", "loss", "units", "Y"),
    [
        (TWO, "binary_cross_entropy", 1, [[0], [1], [0], [0]]),
        (TWO, "half_squared_error_sigmoid", 1, [[0], [1], [0], [0]]),
        (TWO, "cross_entropy", 2, [[1, 0], [0, 1], [1, 0], [1, 0]]),
        (THREE, "cross_entropy", 3, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]),
        (THREE, "binary_cross_entropy", 3, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]),
    ],
)
def test_classes_become_one_unit_each_or_one_for_two(target, loss, units, Y):
    outputs = fit(target, loss, CODES[target])
    assert outputs.units == units
    assert outputs.encode(target, CODES[target]).tolist() == Y
    assert outputs.prior == tuple(np.bincount(CODES[target]) / 4)


def test_numbers_are_standardised_under_an_identity_link():
    y = np.array([1.5, 2.0, 6.5, 3.0])
    Y = fit(NUMBER, "half_squared_error", y).encode(NUMBER, y)
    assert Y.shape == (4, 1)
    assert Y.mean() == pytest.approx(0.0, abs=1e-15)
    assert Y.std() == pytest.approx(1.0)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_numbers_are_in_units_of_their_mean_under_an_exponential_link(loss):
    y = np.array([1.5, 2.0, 6.5, 3.0])
    np.testing.assert_allclose(fit(NUMBER, loss, y).encode(NUMBER, y)[:, 0], y / y.mean())


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.sampled_from(["huber", "absolute_error"]))
def test_numbers_come_back(values, loss):
    y = np.array(values)
    outputs = fit(NUMBER, loss, y)
    Y = outputs.encode(NUMBER, y)
    assert np.isfinite(Y).all()
    np.testing.assert_allclose(outputs.numbers(Y), y, rtol=1e-12, atol=1e-6)


@given(st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6), st.integers(2, 300))
def test_a_constant_target_is_not_divided_by_a_rounding(value, m):
    """The mean of equal numbers may be off by a rounding: a deviation of 1e-17 would make huge numbers of any other."""
    outputs = fit(NUMBER, "half_squared_error", [value] * m)
    assert outputs.shift == pytest.approx(value, rel=1e-12)
    assert outputs.scale == 1.0


def test_one_sigmoid_gives_two_probabilities():
    P = fit(TWO, "binary_cross_entropy", [0, 1]).probabilities(np.array([[0.25], [1.0], [0.0]], np.float32))
    assert P.tolist() == [[0.75, 0.25], [0.0, 1.0], [1.0, 0.0]]


def test_independent_sigmoids_are_divided_by_their_sum():
    P = fit(THREE, "binary_cross_entropy", [0, 1, 2]).probabilities(np.array([[0.5, 0.25, 0.25], [0.9, 0.9, 0.0]]))
    np.testing.assert_allclose(P, [[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]])


def test_sigmoids_that_are_all_zero_still_give_probabilities():
    """In float32 a sigmoid far below zero is 0: no class is likely, and none is more likely than another."""
    P = fit(THREE, "binary_cross_entropy", [0, 1, 2]).probabilities(np.zeros((1, 3), np.float32))
    np.testing.assert_allclose(P, 1 / 3)


@pytest.mark.parametrize(("target", "loss"), [(TWO, "huber"), (THREE, "poisson"), (NUMBER, "cross_entropy")])
def test_a_loss_that_does_not_fit_is_refused(target, loss):
    with pytest.raises(RequestError, match="Choose another loss"):
        fit(target, loss, CODES.get(target, np.array([1.0, 2.0])))


@pytest.mark.parametrize(
    ("loss", "value", "inside"),
    [
        ("poisson", 0.0, True),
        ("poisson", -0.5, False),
        ("gamma", 0.0, False),
        ("gamma", 1e-9, True),
        ("tweedie", 0.0, True),
        ("tweedie", -1.0, False),
        ("huber", -1e9, True),
    ],
)
def test_targets_must_be_where_the_loss_is_defined(loss, value, inside):
    values, rows = np.array([1.0, value, 2.0]), np.array([4, 7, 8])
    if inside:
        require_in_domain(LOSSES.make(loss, np), loss, "y", values, rows)
    else:
        with pytest.raises(RequestError, match="in row 8"):
            require_in_domain(LOSSES.make(loss, np), loss, "y", values, rows)


def test_plain_json_and_back():
    outputs = fit(THREE, "cross_entropy", [0, 1, 2, 0])
    assert Outputs.from_dict(outputs.to_dict()) == outputs


def test_bounded_numbers_stay_within_the_training_rows_and_a_margin():
    y = np.array([-2.0, 1.0, 8.0])
    usual = fit(NUMBER, "half_squared_error", y)
    outputs = usual.bounded(y, 0.1)
    assert outputs.bounds == (-3.0, 9.0)
    A_L = np.array([[-np.inf], [-1e30], [0.0], [0.5], [3e38], [np.inf]], np.float32)
    np.testing.assert_array_equal(outputs.numbers(A_L), np.clip(usual.numbers(A_L), -3.0, 9.0))
    assert usual.numbers(A_L)[-1] == np.inf
    np.testing.assert_array_equal(outputs.encode(NUMBER, y), usual.encode(NUMBER, y))
    with pytest.raises(RunError, match="NaN"):
        outputs.numbers(np.array([[np.nan]]))


def test_quantiles_are_bounded_each():
    outputs = fit(NUMBER, "quantiles(0.1, 0.9)", [0.0, 4.0]).bounded(np.array([0.0, 4.0]), 0.0)
    assert outputs.numbers(np.array([[-9.0, 9.0], [0.0, 0.0]])).tolist() == [[0.0, 4.0], [2.0, 2.0]]


def test_bounds_are_written_only_where_there_are_some():
    y = np.array([0.1, 4.0])
    usual = fit(NUMBER, "half_squared_error", y)
    bounded = usual.bounded(y, 0.3)
    assert list(usual.to_dict()) == ["units", "shift", "scale", "prior"]
    assert Outputs.from_dict(json.loads(json.dumps(bounded.to_dict()))) == bounded


@pytest.mark.parametrize("bounds", [[1.0], [2.0, 1.0], [0.0, np.inf], [np.nan, 1.0], [0, 1], None, [0.0, 1.0, 2.0], {}])
def test_bounds_that_no_target_has_are_refused(bounds):
    description = fit(NUMBER, "half_squared_error", [0.0, 1.0]).to_dict()
    with pytest.raises(RequestError):
        Outputs.from_dict(description | {"bounds": bounds})


@pytest.mark.parametrize("margin", [-0.1, np.nan, np.inf])
def test_a_margin_is_a_share(margin):
    with pytest.raises(RequestError):
        fit(NUMBER, "half_squared_error", [0.0, 1.0]).bounded(np.array([0.0, 1.0]), margin)


def test_classes_have_no_bounds():
    outputs = replace(fit(THREE, "cross_entropy", [0, 1, 2]), bounds=(0.0, 1.0))
    with pytest.raises(RequestError, match="classes have no bounds"):
        outputs.require_fits(THREE, LOSSES.make("cross_entropy", np), "cross_entropy")


def test_calibrated_probabilities_of_one_sigmoid_and_of_several_outputs():
    """What ``predict_proba`` gives is of the calibration that fits it."""
    A_L = np.array([[0.9], [0.9], [0.9], [0.1]])
    one = fit(TWO, "binary_cross_entropy", [0, 1]).calibrated(A_L, np.array([1, 1, 0, 0]))
    two = fit(TWO, "cross_entropy", [0, 1]).calibrated(np.hstack([1.0 - A_L, A_L]), np.array([1, 1, 0, 0]))
    assert one.calibration == two.calibration
    assert one.calibration[1] == 0.2
    np.testing.assert_array_equal(one.probabilities(A_L), two.probabilities(np.hstack([1.0 - A_L, A_L])))
    again = one.calibrated(A_L, np.array([1, 1, 0, 0]))
    assert again.calibration == one.calibration  # what is there already is not built upon


def test_a_calibration_is_written_only_where_there_is_one():
    usual = fit(THREE, "cross_entropy", [0, 1, 2])
    made = replace(usual, calibration=(1.5, 0.01))
    assert list(usual.to_dict()) == ["units", "shift", "scale", "prior"]
    assert Outputs.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize(
    "pair", [[1.0], [0.0, 0.1], [-1.0, 0.1], [np.nan, 0.1], [1.0, 1.0], [1.0, -0.1], [1, 0.1], None]
)
def test_calibrations_that_nothing_fits_are_refused(pair):
    description = fit(THREE, "cross_entropy", [0, 1, 2]).to_dict()
    with pytest.raises(RequestError):
        Outputs.from_dict(description | {"calibration": pair})


def test_numbers_have_no_calibration():
    outputs = replace(fit(NUMBER, "half_squared_error", [0.0, 1.0]), calibration=(1.0, 0.0))
    with pytest.raises(RequestError, match="numbers have no calibration"):
        outputs.require_fits(NUMBER, LOSSES.make("half_squared_error", np), "half_squared_error")
