"""A trace has the engine's numbers, and the arithmetic of an entry adds up to it."""

import numpy as np
import pytest

from chainrule import MLPClassifier, Network, Recipe, RequestError, make_engine, train
from chainrule.explain import trace
from chainrule.explain.subject import Subject, subject
from chainrule.explain.trace import NAMES
from chainrule.network import Parameters

M = 6
NETWORKS = {
    "regression": Network((3, 4, 2), "tanh", penalties=("l2(0.3)", "l1(0.1)"), dtype="float64"),
    "two classes": Network((3, 4, 3, 1), ("relu", "silu"), "binary_cross_entropy(0.1)", dtype="float64"),
    "classes": Network((3, 4, 3), "leaky_relu", "cross_entropy", penalties="l2_fixed(0.2)", dtype="float64"),
    "quantiles": Network((3, 5, 3), "elu", "quantiles(0.1, 0.5, 0.9)", dtype="float64"),
    "no hidden layer": Network((3, 1), (), "poisson", dtype="float64"),
}


def made(network, seed=0):
    rng = np.random.default_rng(seed)
    K = network.n[-1]
    Y = np.eye(K)[rng.integers(K, size=M)] if network.loss.startswith("cross") else rng.integers(0, 2, (M, K)) * 1.0
    units = [f"x{j}" for j in range(network.n[0])], [f"y{k}" for k in range(K)]
    return Subject(network, rng.normal(size=network.size), rng.normal(size=(M, network.n[0])), Y, *units)


@pytest.fixture(params=NETWORKS)
def traced(request):
    return trace(made(NETWORKS[request.param]), None)


def test_cost_and_gradient_are_the_engines(traced):
    of = traced.subject
    engine = make_engine(of.network, Recipe())
    cost, dtheta = engine.gradient(of.theta, engine.examples(of.X, of.Y))
    d = Parameters(of.network, dtheta)
    assert pytest.approx(cost, rel=1e-12) == traced.J
    np.testing.assert_allclose(traced.A[-1].T, engine.predict(of.theta, of.X), rtol=1e-11)
    for l in range(1, traced.L + 1):
        np.testing.assert_allclose(traced["dW", l], d.W[l], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(traced["db", l], d.b[l], rtol=1e-10, atol=1e-14)


def test_the_terms_of_every_entry_add_up_to_it(traced):
    for name in NAMES:
        for l, V in enumerate(getattr(traced, name)):
            if V is None:
                continue
            for row, col in np.ndindex(V.shape):
                a = traced.explain(name, l, row, col)
                assert a.value == V[row, col]
                assert str(a).startswith(f"{name}[{l}][{row},{col}] = ")
                if a.terms:
                    assert sum(t.value for t in a.terms) == pytest.approx(V[row, col], rel=1e-9, abs=1e-12)
                for term in a.terms:
                    for f in term.factors:
                        assert traced.array(f.name, f.layer)[f.row, f.col] == f.value
    J = traced.explain("J")
    assert sum(t.value for t in J.terms) == pytest.approx(traced.J, rel=1e-12)


def test_products_are_written_with_the_numbers_that_they_multiply():
    t = trace(made(NETWORKS["regression"]), None)
    a = t.explain("dW", layer=1, row=1, col=2)
    assert a.equation == "sum_i dZ[1][1,i] A[0][2,i] + slope of l2(strength=0.3) + slope of l1(strength=0.1)"
    for i in range(M):
        dZ, A = a.terms[i].factors
        assert (dZ.name, dZ.layer, dZ.row, dZ.col) == ("dZ", 1, 1, i)
        assert (A.name, A.layer, A.row, A.col) == ("A", 0, 2, i)
        assert a.terms[i].value == dZ.value * A.value


def test_text_names_every_array_with_its_shape():
    t = trace(made(NETWORKS["classes"]), None)
    for name, shape in t.shapes().items():
        assert f"{name} ({shape[0]}, {shape[1]})" in str(t)
    assert t.shapes() == {k: v for k, v in t.subject.network.dimensions(M).items() if k in t.shapes()}


def test_the_first_number_that_is_not_finite_is_found():
    of = made(NETWORKS["two classes"])
    assert trace(of, None).not_finite() == ""
    of.X[2, 1] = np.inf
    assert trace(of, None).not_finite() == "A[0][1,2] is inf"
    of.X[2, 1] = 1.0
    Parameters(of.network, of.theta).W[2][1, 0] = np.nan
    assert trace(of, None).not_finite() == "Z[2][1,0] is nan"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_model_and_an_estimator():
    table = {"x": [0.0, 1.0, 2.0, 3.0] * 10, "z": ["a", "b"] * 20, "y": ["no", "no", "yes", "yes"] * 10}
    model = train(table, "y", hidden=(3,), epochs=5)
    t = trace(model, {name: column[:3] for name, column in table.items()})
    assert t.subject.inputs == model.encoder.feature_names
    np.testing.assert_allclose(t.A[-1][0], model.predict_proba(table)[:3, 1], rtol=1e-5)
    X, y = np.array(table["x"])[:, None], np.array(table["y"])
    estimator = MLPClassifier((3,), max_iter=2, tol=1e9, n_iter_no_change=1).fit(X, y)
    t = trace(estimator, X, y)
    np.testing.assert_allclose(t.A[-1][0], estimator.predict_proba(X)[:, 1], rtol=1e-12)
    assert t.subject.outputs == ["yes"]


def test_what_does_not_exist_is_refused():
    t = trace(made(NETWORKS["classes"]), None)
    for call, message in (
        (lambda: t.explain("dV", 1), "there is no 'dV'"),
        (lambda: t.explain("dA", 2), "dA has layers 1 to 1"),
        (lambda: t["W", 0], "W has layers 1 to 2"),
        (lambda: t.explain("W", 1, 4, 0), r"rows 0 to 3 and columns 0 to 2, not \[4,0\]"),
        (lambda: trace(3, None), "expected a Model or a fitted"),
    ):
        with pytest.raises(RequestError, match=message):
            call()
    network = NETWORKS["classes"]
    with pytest.raises(RequestError, match="targets of these rows are needed"):
        trace(Subject(network, np.zeros(network.size), np.zeros((1, 3)), None, ["a"] * 3, ["b"] * 3), None)


def test_rows_without_a_target_are_refused_or_left_out_as_asked():
    table = {"x": [0.0, 1.0, 2.0, 3.0] * 10, "y": [0.5, 1.0, 2.5, 3.0] * 10}
    model = train(table, "y", hidden=(), epochs=2)
    gaps = {"x": [0.0, 1.0, 2.0], "y": [0.5, None, 2.5]}
    with pytest.raises(RequestError, match="the target 'y' is missing in row 1"):
        trace(model, gaps)
    kept = subject(model, gaps, every_row=False)
    assert len(kept.X) == len(kept.targets) == 2
    np.testing.assert_array_equal(kept.X, model.encoder.transform(model.read({"x": [0.0, 2.0]})))
