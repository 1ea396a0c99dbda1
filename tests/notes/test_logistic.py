"""Link, likelihood and the chain rule of logistic regression; the closing program and its empty part."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import (
    average_over_examples,
    da_dz,
    dL_da,
    dL_db,
    dL_dw,
    dL_dz,
    dz_db,
    dz_dw,
    inverse_link,
    inverse_link_by_exp,
    likelihood_of_classes,
    likelihood_of_predictions,
    likelihood_of_targets,
    link,
    logistic_vectorized,
    negative_log_of_product,
    negative_sum_of_log_powers,
    negative_sum_of_logs,
    negative_sum_of_weighted_logs,
    program,
    program_data,
    program_non_vectorized,
    program_start,
    program_vectorized,
)

STEPS = [negative_log_of_product, negative_sum_of_logs, negative_sum_of_log_powers, negative_sum_of_weighted_logs]


def test_link_and_inverse_undo_each_other():
    special = pytest.importorskip("scipy.special")
    a = np.array([1e-12, 0.1, 0.5, 0.9, 1 - 1e-9])
    np.testing.assert_allclose(link(a), special.logit(a), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(inverse_link(link(a)), a, rtol=1e-12)
    z = np.linspace(-30, 30, 13)
    np.testing.assert_allclose(inverse_link(z), special.expit(z), rtol=1e-14)
    np.testing.assert_allclose(inverse_link_by_exp(z), inverse_link(z), rtol=1e-14)
    for a in (0.0, 1.0, 1.5):
        with pytest.raises(RequestError, match="between 0 and 1"):
            link(a)
    assert float(inverse_link(-1000.0)) == 0.0
    with pytest.raises(RequestError, match="overflows above z = 709"):
        inverse_link_by_exp(710.0)


def test_the_forms_of_the_likelihood_agree_with_the_product_over_cases():
    random = np.random.default_rng(0)
    a, y = random.uniform(0.05, 0.95, 12), random.integers(2, size=12)
    product = 1.0
    for a_i, y_i in zip(a, y, strict=True):
        product *= a_i if y_i else 1 - a_i
    assert likelihood_of_targets(np.where(y == 1, a, 1 - a)) == pytest.approx(product)
    assert likelihood_of_classes(a, 1 - a, y) == pytest.approx(product)
    assert likelihood_of_predictions(a, y) == pytest.approx(product)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_the_log_likelihood_is_m_times_scikit_learns_log_loss(step):
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    a, y = random.uniform(0.05, 0.95, 12), random.integers(2, size=12)
    assert step(a, y) == pytest.approx(12 * metrics.log_loss(y, a))
    assert step([0.0, 0.5], [1, 1]) == np.inf
    with pytest.raises(RequestError, match=r"\(2,\), \(3,\)"):
        step([0.5, 0.5], [0, 1, 1])


def test_the_sum_of_logs_survives_where_the_product_is_lost():
    a, y = np.full(5000, 0.4), np.ones(5000)
    assert negative_log_of_product(a, y) == np.inf
    for step in STEPS[1:]:
        assert step(a, y) == pytest.approx(-5000 * np.log(0.4))


def test_the_printed_sum_without_brackets_is_another_number():
    a, y = np.array([0.8, 0.4]), np.array([1, 0])
    printed = -np.sum(y * np.log(a)) + np.sum((1 - y) * np.log(1 - a))
    assert abs(printed - negative_sum_of_weighted_logs(a, y)) > 0.5


@pytest.mark.parametrize("y", [0, 1])
def test_each_factor_of_the_chain_is_a_difference_quotient(y):
    def loss(a):
        return -y * np.log(a) - (1 - y) * np.log(1 - a)

    def quotient(f, v, h=1e-6):
        return (f(v + h) - f(v - h)) / (2 * h)

    w, x, b = np.array([0.5, -1.0]), np.array([2.0, 0.7]), 0.3
    z = w @ x + b
    a = inverse_link(z)
    assert dL_da(a, y) == pytest.approx(quotient(loss, a), rel=1e-8)
    assert da_dz(a) == pytest.approx(quotient(inverse_link, z), rel=1e-8)
    assert da_dz(a) > 0
    assert dL_dz(a, y) == pytest.approx(quotient(lambda z: loss(inverse_link(z)), z), rel=1e-8)
    assert dL_da(a, y) * da_dz(a) == pytest.approx(a - y)
    for j in (1, 2):
        e = np.eye(2)[j - 1]
        assert dz_dw(x, j) == pytest.approx(quotient(lambda t, e=e: (w + t * e) @ x + b, 0.0), rel=1e-8)
        expected = quotient(lambda t, e=e: loss(inverse_link((w + t * e) @ x + b)), 0.0)
        assert dL_dw(x, a, y, j) == pytest.approx(expected, rel=1e-8)
        assert dz_dw(x, j) * da_dz(a) * dL_da(a, y) == pytest.approx(expected, rel=1e-8)
    assert dL_db(a, y) == pytest.approx(quotient(lambda b: loss(inverse_link(w @ x + b)), b), rel=1e-8)
    assert dz_db() == 1


def test_requests_without_a_derivative_or_a_feature_are_said():
    with pytest.raises(RequestError, match="dL/dz = a - y does"):
        dL_da(1.0, 0)
    with pytest.raises(RequestError, match="there is no x_3"):
        dz_dw([1.0, 2.0], 3)
    with pytest.raises(RequestError, match="there is no x_0"):
        dz_dw([1.0, 2.0], 0)


def test_averages_over_examples_are_the_gradient_of_the_cost():
    random = np.random.default_rng(0)
    w, b, X, Y = random.normal(size=(3, 1)), 0.2, random.normal(size=(3, 20)), random.integers(2, size=(1, 20))
    a = inverse_link(w.T @ X + b)
    dw, db, _ = logistic_vectorized(w, b, X, Y)
    assert [average_over_examples(dL_dw(X, a, Y, j)) for j in (1, 2, 3)] == pytest.approx(dw[:, 0].tolist())
    assert average_over_examples(dL_db(a, Y)) == pytest.approx(db)


@pytest.mark.parametrize("units", [1, 4])
def test_both_parts_of_the_program_agree_and_each_row_is_one_logistic_regression(units):
    random = np.random.default_rng(0)
    x, y = program_data(m=50, nx=3, rng=random)
    w, b = random.normal(size=(units, 3)), random.normal(size=(units, 1))
    loops, vectorized = program_non_vectorized(x, y, w, b), program_vectorized(x, y, w, b)
    assert list(loops) == list(vectorized) == ["z", "a", "dz", "dw", "db"]
    for name in loops:
        assert loops[name].shape == vectorized[name].shape
        np.testing.assert_allclose(loops[name], vectorized[name], rtol=1e-12, atol=1e-14)
    for j in range(units):
        dw, db, _ = logistic_vectorized(w[[j]].T, b[j, 0], x, y)
        np.testing.assert_allclose(vectorized["dw"][[j]], dw.T, rtol=1e-12)
        assert vectorized["db"][j, 0] == pytest.approx(db)


def test_the_program_as_printed_fails():
    x, y, w, b = np.ones((3, 10)), np.zeros((10, 1)), np.zeros((4, 3)), np.zeros((4, 1))
    a = 1 / (1 + np.exp(-(np.dot(w, x) + b)))
    with pytest.raises(ValueError, match="could not be broadcast"):
        a - y
    with pytest.raises(ValueError, match="could not be broadcast"):
        x * (a - y.T).T
    assert (a[:1] - y).shape == (10, 10)  # one unit: silently m x m
    with pytest.raises(RequestError, match=r"y is \(10, 1\) but x is \(3, 10\): y must be \(1, 10\)"):
        program_vectorized(x, y, w, b)


def test_data_and_start_are_numpys_own_draws():
    np.random.seed(0)
    x, y = program_data(m=20, nx=3)
    w, b = program_start(nx=3)
    np.random.seed(0)
    np.testing.assert_array_equal(x, np.random.rand(3, 20))
    np.testing.assert_array_equal(y, np.random.randint(2, size=(1, 20)))
    np.testing.assert_array_equal(w, np.random.randn(4, 3) * 0.01)
    assert np.linalg.matrix_rank(w) == 3
    assert b.tolist() == [[0.0]] * 4
    assert program_start(nx=2, units=1)[0].tolist() == [[0.0, 0.0]]


def test_the_whole_program_is_repeatable_from_a_seed():
    one, two = program(m=30, rng=7), program(m=30, rng=7)
    for part, arrays in one.items():
        for name, V in arrays.items():
            np.testing.assert_array_equal(V, two[part][name])
    assert one["vectorized"]["z"].shape == (4, 30)
