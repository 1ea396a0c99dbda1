"""Networks without hidden layers find the solutions of the linear models that they are; one hidden layer learns XOR."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge

from chainrule.network import Network, Parameters
from chainrule.training import fit
from tests.formulas.problems import engine_for

rng = np.random.default_rng(5)
m, n = 80, 4
X = rng.normal(size=(m, n)) * [1.0, 2.0, 0.5, 1.0] + [0.0, 1.0, 0.0, -1.0]
SCORE = X @ [1.0, -0.5, 2.0, 0.0] + rng.normal(size=m)
WEIGHT = rng.uniform(0.2, 3.0, m)
LBFGS = {"optimizer": "lbfgs", "epochs": 1000, "tol": 1e-9, "patience": None}


def trained(Y, weight=None, **network):
    """W (n[L], n) and b (n[L],) of a network without hidden layers."""
    net = Network((n, Y.shape[1]), dtype="float64", **network)
    engine = engine_for(net, **LBFGS)
    p = Parameters(net, fit(engine, engine.examples(X, Y, weight)).theta)
    return p.W[1], p.b[1][:, 0]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_linear_regression(weight):
    W, b = trained(SCORE[:, None], weight)
    there = LinearRegression().fit(X, SCORE, weight)
    assert W[0] == pytest.approx(there.coef_, abs=1e-6)
    assert b[0] == pytest.approx(there.intercept_, abs=1e-6)


def test_ridge_regression():
    # J = 1/(2 m) |residual|^2 + 3/(2 m) |w|^2, and scikit-learn minimises |residual|^2 + alpha |w|^2
    W, b = trained(SCORE[:, None], penalties=("l2(3)",))
    there = Ridge(alpha=3.0, tol=1e-12).fit(X, SCORE)
    assert W[0] == pytest.approx(there.coef_, abs=1e-6)
    assert b[0] == pytest.approx(there.intercept_, abs=1e-6)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_logistic_regression(weight):
    y = SCORE > 0
    # scikit-learn minimises sum of losses + |w|^2 / (2 C): strength 1 / C
    W, b = trained(y[:, None], weight, loss="binary_cross_entropy", penalties=("l2(2)",))
    there = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(X, y, weight)
    assert np.allclose(W, there.coef_, rtol=0, atol=1e-5)
    assert b == pytest.approx(there.intercept_, abs=1e-5)


def test_softmax_regression():
    k = np.digitize(SCORE, [-1.0, 1.0])
    W, b = trained(np.eye(3)[k], loss="cross_entropy", penalties=("l2(2)",))
    there = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(X, k)
    assert np.allclose(W, there.coef_, rtol=0, atol=1e-5)
    # biases are not penalised, so only their differences are determined
    assert b - b.mean() == pytest.approx(there.intercept_ - there.intercept_.mean(), abs=1e-5)


def test_poisson_regression():
    y = np.random.default_rng(6).poisson(np.exp(0.3 * SCORE))
    W, b = trained(y[:, None], loss="poisson", penalties=("l2_fixed(0.1)",))
    there = PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=10_000).fit(X, y)
    assert W[0] == pytest.approx(there.coef_, abs=1e-5)
    assert b[0] == pytest.approx(there.intercept_, abs=1e-5)


@pytest.mark.parametrize(
    ("loss", "best"), [("absolute_error", np.median), ("quantile(0.9)", lambda y: np.quantile(y, 0.9))]
)
def test_constant_predictions_are_quantiles(loss, best):
    y = np.sort(np.random.default_rng(7).exponential(size=101))
    engine = engine_for(
        Network((1, 1), loss=loss, initializer="zeros", dtype="float64"),
        optimizer="adam", learning_rate=0.05, schedule="cosine", epochs=800, patience=None,
    )  # fmt: skip
    theta = fit(engine, engine.examples(np.zeros((101, 1)), y[:, None])).theta
    assert theta[1] == pytest.approx(best(y), abs=0.02)


@pytest.mark.parametrize(
    ("loss", "Y"),
    [
        ("binary_cross_entropy", [[0], [1], [1], [0]]),
        ("half_squared_error_sigmoid", [[0], [1], [1], [0]]),
        ("cross_entropy", [[1, 0], [0, 1], [0, 1], [1, 0]]),
    ],
)
def test_one_hidden_layer_learns_xor_and_none_does_not(loss, Y):
    rows = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    recipe = {"optimizer": "adam", "learning_rate": 0.05, "epochs": 600, "patience": None, "seed": 1}
    right = {}
    for hidden in ((8,), ()):
        network = Network((2, *hidden, len(Y[0])), "tanh", loss, dtype="float64")
        engine = engine_for(network, **recipe)
        A = engine.predict(fit(engine, engine.examples(rows, Y)).theta, rows)
        right[len(hidden)] = int(((A > 0.5) == (np.array(Y) > 0.5)).all(axis=1).sum())
    assert right[1] == 4
    assert right[0] < 4
