"""Logistic regression: three ways, one gradient, that of J; the losses, their curves, and the table of times."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import (
    convexity_gap,
    cross_entropy_loss,
    half_squared_loss,
    likelihood_of_one,
    logistic_descent,
    logistic_double_loop,
    logistic_forward,
    logistic_one_loop,
    logistic_score,
    logistic_update,
    logistic_vectorized,
    loss_curves,
    loss_curves_svg,
    stack_examples,
    timing_table,
    why_not_half_squared,
)
from chainrule.notes.basics import vectorization_timing

WAYS = [logistic_double_loop, logistic_one_loop, logistic_vectorized]


def problem(n_x, m, seed=0):
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(n_x, m)), random.integers(2, size=(1, m))
    return random.normal(size=(n_x, 1)), float(random.normal()), X, Y


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("n_x", "m"), [(1, 1), (2, 7), (5, 40)])
def test_gradient_equals_autograd_of_the_printed_cost(way, n_x, m):
    torch = pytest.importorskip("torch")
    w, b, X, Y = problem(n_x, m)
    tw, tb = torch.tensor(w, requires_grad=True), torch.tensor(b, dtype=torch.float64, requires_grad=True)
    a = 1 / (1 + torch.exp(-(tw.T @ torch.tensor(X) + tb)))
    y = torch.tensor(Y, dtype=torch.float64)
    cost = -torch.mean(y * torch.log(a) + (1 - y) * torch.log(1 - a))
    cost.backward()
    dw, db, J = way(w, b, X, Y)
    assert dw.shape == (n_x, 1)
    np.testing.assert_allclose(dw, tw.grad.numpy(), rtol=1e-11, atol=1e-14)
    assert db == pytest.approx(tb.grad.item(), rel=1e-11, abs=1e-14)
    assert pytest.approx(cost.item(), rel=1e-12) == J


@pytest.mark.parametrize("way", WAYS)
def test_known_by_hand(way):
    # w = 0: a = 1/2, dz = (1/2, -1/2, -1/2), dw = X dz^T / 3
    dw, db, J = way(np.zeros((2, 1)), 0.0, np.array([[2.0, 4.0, 6.0], [0.0, 0.0, 3.0]]), np.array([[0, 1, 1]]))
    assert dw.tolist() == [[pytest.approx(-4 / 3)], [pytest.approx(-0.5)]]
    assert db == pytest.approx(-1 / 6)
    assert pytest.approx(np.log(2)) == J


@pytest.mark.parametrize("way", WAYS)
def test_the_cost_stays_finite_where_a_rounds_to_0_or_1(way):
    _, db, J = way(np.array([[1.0]]), 0.0, np.array([[800.0, -800.0]]), np.array([[0, 1]]))
    assert J == 800.0
    assert db == 0.0  # dz = 1 and -1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("w", "Y", "said"),
    [
        (np.zeros(2), np.zeros((1, 3)), r"w has shape \(2,\)"),
        (np.zeros((3, 1)), np.zeros((1, 3)), r"w is \(3, 1\) but X is \(2, 3\)"),
        (np.zeros((2, 1)), np.zeros((3, 1)), r"Y is \(3, 1\) .* must be \(1, 3\)"),
        (np.zeros((2, 1)), np.zeros(3), r"Y is \(3,\)"),
        (np.zeros((2, 1)), np.full((1, 3), 2), "0 and 1"),
    ],
)
def test_wrong_shapes_and_targets_are_said(way, w, Y, said):
    with pytest.raises(RequestError, match=said):
        way(w, 0.0, np.zeros((2, 3)), Y)


def test_score_is_w_transposed_x_and_the_printed_form_does_not_run():
    w, b, X, _ = problem(3, 5)
    np.testing.assert_allclose(
        logistic_score(w, b, X)[0], [sum(w[j, 0] * X[j, i] for j in range(3)) + b for i in range(5)]
    )
    with pytest.raises(ValueError, match="not aligned"):
        np.dot(w, X[:, :1])  # two columns, as printed


def test_update_moves_every_weight_and_b_against_the_gradient():
    w, b = logistic_update(np.array([[1.0], [2.0]]), 3.0, np.array([[10.0], [20.0]]), 30.0, 0.1)
    assert w.tolist() == [[0.0], [0.0]]
    assert b == 0.0


def test_descent_finds_the_optimum_that_scikit_learn_finds():
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(1)
    X = random.normal(size=(2, 200))
    Y = (random.random((1, 200)) < 1 / (1 + np.exp(-(X[:1] - 2 * X[1:] + 0.5)))).astype(int)
    w, b, J = logistic_descent(X, Y, alpha=1.0, iterations=300)
    theirs = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X.T, Y[0])
    np.testing.assert_allclose(w[:, 0], theirs.coef_[0], rtol=1e-4)
    assert b == pytest.approx(theirs.intercept_[0], rel=1e-4)
    assert all(after < before for before, after in pairwise(J[:100]))
    np.testing.assert_allclose(logistic_forward(w, b, X)[0], theirs.predict_proba(X.T)[:, 1], rtol=1e-3)


def test_examples_stand_in_columns():
    X, Y = stack_examples([([1, 2], 0), (np.array([[3.0], [4.0]]), 1), ([5, 6], 1)])
    assert X.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert Y.tolist() == [[0, 1, 1]]
    with pytest.raises(RequestError, match=r"x\(2\) has 1 features, but x\(1\) has 2"):
        stack_examples([([1, 2], 0), ([3], 1)])
    with pytest.raises(RequestError, match="at least one example"):
        stack_examples([])


def test_loss_is_minus_the_log_of_the_likelihood_and_ends_are_its_limits():
    y_hat, y = np.array([0.1, 0.5, 0.9, 0.3]), np.array([0, 1, 1, 0.25])
    np.testing.assert_allclose(cross_entropy_loss(y_hat, y), -np.log(likelihood_of_one(y_hat, y)), rtol=1e-14)
    assert [float(cross_entropy_loss(a, t)) for a, t in ((1, 1), (0, 0), (0, 1), (1, 0))] == [0, 0, np.inf, np.inf]
    assert half_squared_loss(0.2, 1) == pytest.approx(0.32)


def test_curves_are_the_two_logarithms_and_mirror_each_other():
    curves = loss_curves(9)
    np.testing.assert_allclose(curves["y^"], np.arange(1, 10) / 10)
    np.testing.assert_allclose(curves["-log y^"], -np.log(np.arange(1, 10) / 10))
    np.testing.assert_allclose(curves["-log(1 - y^)"], curves["-log y^"][::-1], rtol=1e-12)
    with pytest.raises(RequestError, match="at least 1"):
        loss_curves(0)


def test_curves_are_drawn_falling_and_rising():
    root = ET.fromstring(loss_curves_svg())
    curves = [e.get("d") for e in root.iter("{http://www.w3.org/2000/svg}path") if e.get("stroke-width") == "2.2"]
    heights = [[float(point.split(",")[1]) for point in d[1:].split(" L")] for d in curves]
    assert heights[0] == sorted(heights[0])  # y grows downwards: the curve falls
    assert heights[1] == sorted(heights[1], reverse=True)


def test_half_the_squared_error_is_not_convex_and_hardly_learns_from_what_is_sure_and_wrong():
    found = why_not_half_squared(-8.0)
    a = 1 / (1 + np.exp(8.0))
    assert found["half_squared_error_sigmoid"]["worst gap"] < -0.1
    assert found["half_squared_error_sigmoid"]["dz"] == pytest.approx((a - 1) * a * (1 - a))
    assert found["binary_cross_entropy"]["worst gap"] >= 0
    assert found["binary_cross_entropy"]["dz"] == pytest.approx(a - 1)

    def f(z):
        return half_squared_loss(1 / (1 + np.exp(-z)), 1)

    assert convexity_gap("half_squared_error_sigmoid", -8.0, 0.0) == pytest.approx((f(-8) + f(0)) / 2 - f(-4))


def test_timing_table_has_the_best_of_the_runs_of_each_way(monkeypatch):
    # a clock that is read before and after each run: they take 9 and 6, 4 and 3, 1 and 2 seconds
    clock = iter([0.0, 9.0, 10.0, 16.0, 20.0, 24.0, 30.0, 33.0, 40.0, 41.0, 50.0, 52.0])
    monkeypatch.setattr(vectorization_timing, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    table = timing_table(n_x=10, m=400, repeats=2)
    assert table.seconds == {"loops over i and j": 6.0, "loop over i": 3.0, "vectorized": 1.0}
    assert table.times_slower() == {"loops over i and j": 6.0, "loop over i": 3.0, "vectorized": 1.0}
    assert [line.split() for line in str(table).splitlines()] == [
        ["n_x", "=", "10,", "m", "=", "400", "ms", "a", "gradient", "times", "slower"],
        ["loops", "over", "i", "and", "j", "6000.000", "6.0"],
        ["loop", "over", "i", "3000.000", "3.0"],
        ["vectorized", "1000.000", "1.0"],
    ]
    with pytest.raises(RequestError, match="must be positive integers"):
        timing_table(m=0)
