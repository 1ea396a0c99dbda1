"""Normal scores of numbers and dates: ranks, knots, what lies between and beyond them, and what a file may say."""

import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Encoder, infer_schema
from chainrule.data.normal_scale import LARGEST_Z, NormalScale
from chainrule.errors import RequestError

FLOATS = st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=40)


def fit(columns, numbers="normal"):
    table = pa.table(columns)
    return Encoder.fit(table, infer_schema(table), range(table.num_rows), numbers)


def z(rank):
    return NormalDist().inv_cdf(rank)


def test_few_values_are_all_knots_and_equal_ones_share_the_middle_of_their_ranks():
    scale = NormalScale.fit(np.array([7.0, 1.0, 7.0, 7.0, np.nan, 2.0]))
    assert scale.fill == 7.0
    assert scale.knots == (1.0, 2.0, 7.0)
    np.testing.assert_allclose(scale.z, [z(0.1), z(0.3), z(0.7)], rtol=1e-15)


def test_between_knots_it_is_linear_and_beyond_them_constant():
    scale = NormalScale.fit(np.array([0.0, 1.0, 3.0, 11.0]))
    given = np.array([-np.inf, -1e100, 0.0, 0.25, 2.0, 7.0, 11.0, 12.0, np.inf, np.nan])
    a, b = scale.z[3], scale.z[2]
    wanted = [-a, -a, -a, -a + (a - b) / 4, 0.0, (a + b) / 2, a, a, a, 0.0]
    np.testing.assert_allclose(scale.apply(given), wanted, rtol=1e-14, atol=1e-16)
    np.testing.assert_array_equal(scale.apply(np.array(scale.knots)), scale.z)


@pytest.mark.parametrize(("m", "most"), [(299, 10), (900, 30), (45_000, 1000)])
def test_many_values_are_thinned_at_even_quantiles_and_both_ends_stay(m, most):
    values = np.random.default_rng(3).permutation(np.arange(m) ** 3.0)
    scale = NormalScale.fit(values)
    assert len(scale.knots) == most
    assert (scale.knots[0], scale.knots[-1]) == (0.0, (m - 1.0) ** 3)
    ranks = (np.cbrt(scale.knots).round() + 0.5) / m
    np.testing.assert_allclose(scale.z, [z(rank) for rank in ranks], rtol=1e-13, atol=1e-15)
    assert np.ptp(np.diff(ranks)) < 1.5 / m
    assert np.abs(scale.apply(values) - [z((np.cbrt(v).round() + 0.5) / m) for v in values]).max() < 1.5


def test_it_is_the_transform_of_scikit_learn_on_values_with_a_little_noise():
    from sklearn.preprocessing import QuantileTransformer

    rng = np.random.default_rng(8)
    values = np.concatenate([rng.exponential(size=4000), np.zeros(500)])
    theirs = QuantileTransformer(n_quantiles=150, output_distribution="normal")
    theirs.fit((values + rng.normal(scale=1e-5, size=4500))[:, None])
    inside = np.quantile(values, np.linspace(0.2, 0.95, 60))
    right = theirs.transform(inside[:, None])[:, 0]
    np.testing.assert_allclose(NormalScale.fit(values).apply(inside), right, atol=0.03)


@given(FLOATS, st.integers(0, 2**32 - 1))
def test_scores_rise_with_the_values_whatever_their_order_and_stay_within_bounds(values, seed):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.1, 3.0, len(values)) if seed % 2 else None
    x = np.array(values)
    scale = NormalScale.fit(x, weight)
    scale.require_usual("x")
    order = rng.permutation(len(x))
    assert NormalScale.fit(x[order]) == NormalScale.fit(x)
    scores = scale.apply(np.sort(np.concatenate([x, x * 1.5, [-1e100, 1e100]])))
    assert (np.diff(scores) >= -1e-14).all()
    assert np.abs(scores).max() <= LARGEST_Z


def test_a_minus_zero_is_written_as_zero():
    assert repr(NormalScale.fit(np.array([-0.0, 1.0])).knots) == "(0.0, 1.0)"


def test_an_encoder_makes_scores_of_numbers_and_dates_and_not_of_booleans_or_texts():
    columns = {
        "x": [1.0, None, 4.0, 1e90],
        "seen": ["2024-01-05", "2024-03-01", "2025-01-02", "1970-01-01"],
        "tame": [True, False, False, False],
        "island": ["a", "a", "a", "b"],
    }
    encoder, plain = fit(columns), fit(columns, "standardized")
    assert encoder.feature_names == plain.feature_names
    assert encoder.measured == plain.measured
    assert encoder.makes_normal_scores
    assert not plain.makes_normal_scores
    far = pa.table({"x": [-1e99, None], "seen": ["9999-12-31", None], "tame": [True, None], "island": ["c", None]})
    X = encoder.transform(far)
    np.testing.assert_allclose(X[:, :2], [[z(1 / 6), 0.0], [0.0, 1.0]], atol=1e-15)
    np.testing.assert_allclose(X[0, 2:6], [z(7 / 8), z(7 / 8), z(3 / 4), z(7 / 8)])  # two Fridays of four days
    np.testing.assert_array_equal(X[:, 6:], plain.transform(far.set_column(0, "x", pa.array([0.0, None])))[:, 6:])


def test_a_column_of_scores_that_hardly_differ_is_left_out():
    table = pa.table({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 1.0]})
    encoder = fit(table)
    assert encoder.without_constants(table, range(3))[0] == encoder
    narrow = replace(encoder.parts[1], scales=(NormalScale(1.0, (1.0, 2.0), (0.0, 1e-6)),))
    kept, beside = Encoder((encoder.parts[0], narrow)).without_constants(table, range(3))
    assert (kept.columns, kept.constant, beside) == (["x"], ("y",), [])


def test_plain_json_and_back():
    encoder = fit({"x": [0.1, 1e-300, 7.0, None], "seen": ["2024-01-05", "2024-03-01", None, "1970-01-01"]})
    description = json.loads(json.dumps(encoder.to_dict()))
    assert Encoder.from_dict(description) == encoder
    assert [sorted(part["scales"][0]) for part in description["parts"]] == [["fill", "knots", "z"]] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"knots": []},
        {"knots": [1.0, 1.0, 3.0]},
        {"knots": [3.0, 2.0, 1.0]},
        {"knots": [1.0, 2.0]},
        {"knots": [1, 2, 3]},
        {"knots": [1.0, 2.0, 1e101]},
        {"knots": [1.0, 2.0, float("inf")]},
        {"knots": [1.0, 2.0, float("nan")]},
        {"z": [-1.0, 0.0, 9.0]},
        {"z": [1.0, 0.0, -1.0]},
        {"z": [-1.0, float("nan"), 1.0]},
        {"z": [-1.0, 1.0]},
        {"fill": 4.0},
        {"fill": "2"},
        {"mean": 0.0},
    ],
)
def test_a_scale_that_no_column_has_is_refused(change):
    description = fit({"x": [1.0, 2.0, 3.0]}).to_dict()
    scale = description["parts"][0]["scales"][0] | change
    description["parts"][0]["scales"] = [scale]
    with pytest.raises(RequestError):
        Encoder.from_dict(description)


def test_other_words_for_numbers_are_refused():
    with pytest.raises(RequestError, match="numbers must be one of 'standardized', 'normal', 'unscaled', not 'ranks'"):
        fit({"x": [1.0, 2.0]}, "ranks")
