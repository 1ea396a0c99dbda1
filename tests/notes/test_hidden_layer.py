"""One hidden layer: units as regressions, regions of low gradient, a unit that dies, descent until convergence."""

import numpy as np
import pytest

from chainrule.errors import RequestError, RunError
from chainrule.notes import (
    dying_relu,
    hidden_units_as_regressions,
    logistic_vectorized,
    low_gradient_share,
    shallow_backward,
    shallow_cost,
    shallow_descent_until_convergence,
    shallow_forward,
    until_convergence,
)


def test_each_hidden_unit_is_one_logistic_regression():
    random = np.random.default_rng(0)
    X = random.normal(size=(3, 20))
    parameters = {
        "W1": random.normal(size=(4, 3)),
        "b1": random.normal(size=(4, 1)),
        "W2": random.normal(size=(1, 4)),
        "b2": random.normal(size=(1, 1)),
    }
    np.testing.assert_allclose(
        hidden_units_as_regressions(parameters, X), shallow_forward(X, parameters)["A1"], rtol=1e-14
    )


def test_shares_of_low_gradient_are_those_of_the_inverse_slope():
    threshold, half = 0.01, 10.0
    # sigmoid: a (1 - a) = t at a = (1 + sqrt(1 - 4 t))/2;  tanh: 1 - a^2 = t at a = sqrt(1 - t)
    a = (1 + np.sqrt(1 - 4 * threshold)) / 2
    assert low_gradient_share("sigmoid", threshold) == pytest.approx(1 - np.log(a / (1 - a)) / half, abs=1e-4)
    assert low_gradient_share("tanh", threshold) == pytest.approx(
        1 - np.arctanh(np.sqrt(1 - threshold)) / half, abs=1e-4
    )
    assert low_gradient_share("relu", threshold) == 0.5
    assert low_gradient_share("relu", threshold, lowest=0.0) == 0.0
    assert low_gradient_share("relu", 1e-300) == 0.5  # not small below 0, but nothing at all
    assert low_gradient_share("leaky_relu", 0.009) == 0.0
    with pytest.raises(RequestError, match="lowest < highest"):
        low_gradient_share("relu", lowest=1.0, highest=1.0)


def test_a_dead_relu_has_no_gradient_at_all_and_stays_while_leaky_relu_moves():
    dead, leaky, alive = dying_relu(), dying_relu("leaky_relu"), dying_relu(b=0.0)
    assert dead.active == (0, 0)
    assert dead.largest_gradient == 0.0
    assert dead.moved == 0.0
    assert leaky.active[0] == 0
    assert leaky.largest_gradient > 0
    assert leaky.moved > 0
    assert alive.active[0] > 0
    assert alive.moved > 0.01


def logistic_problem():
    random = np.random.default_rng(1)
    X = random.normal(size=(2, 100))
    Y = (random.random((1, 100)) < 1 / (1 + np.exp(-(X[:1] - 2 * X[1:] + 0.5)))).astype(int)
    return X, Y


def test_converged_logistic_regression_is_scikit_learns():
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, Y = logistic_problem()

    def cost_and_gradient(p):
        dw, db, J = logistic_vectorized(p["w"], p["b"].item(), X, Y)
        return J, {"dw": dw, "db": np.array([[db]])}

    found = until_convergence({"w": np.zeros((2, 1)), "b": np.zeros((1, 1))}, cost_and_gradient, alpha=2.0, tol=1e-7)
    assert found.gradient_norm < 1e-7
    assert found.iterations > 10
    theirs = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X.T, Y[0])
    np.testing.assert_allclose(found.parameters["w"][:, 0], theirs.coef_[0], rtol=1e-5)
    np.testing.assert_allclose(found.parameters["b"][0], theirs.intercept_, rtol=1e-5)


def test_a_converged_network_has_the_small_gradient_that_is_reported():
    X, Y = logistic_problem()
    random = np.random.default_rng(0)
    start = {
        "W1": random.normal(size=(2, 2)),
        "b1": np.zeros((2, 1)),
        "W2": random.normal(size=(1, 2)),
        "b2": np.zeros((1, 1)),
    }
    found = shallow_descent_until_convergence(X, Y, start, alpha=1.0, tol=2e-3)
    forward = shallow_forward(X, found.parameters, "tanh")
    d = shallow_backward(found.parameters, forward, X, Y, "tanh")
    norm = np.linalg.norm(np.concatenate([d[f"d{name}"].ravel() for name in found.parameters]))
    assert norm == pytest.approx(found.gradient_norm)
    assert norm < 2e-3
    assert shallow_cost(forward, Y) == pytest.approx(found.J)
    assert shallow_cost(shallow_forward(X, start, "tanh"), Y) > found.J


def test_without_convergence_the_reason_is_said():
    def parabola(p):
        return float(p["b"][0, 0] ** 2), {"db": 2 * p["b"]}

    start = {"b": np.array([[1.0]])}
    with pytest.raises(RunError, match=r"after 3 iterations the gradient's length is 1\.02, not below tol = 1e-06"):
        until_convergence(start, parabola, alpha=0.1, max_iterations=3)
    with np.errstate(over="ignore"), pytest.raises(RunError, match="alpha = 1e\\+200 is too large"):
        until_convergence(start, lambda p: (float(np.sum(p["b"] ** 2)), {"db": 2 * p["b"]}), alpha=1e200)
    assert until_convergence({"b": np.zeros((1, 1))}, parabola, alpha=0.1).iterations == 0
