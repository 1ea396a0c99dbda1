"""Every switchable mistake of the notes, seen by ``check_gradients`` in the notes' own functions, and named."""

import re
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import notes
from chainrule.errors import RequestError
from chainrule.explain.checking import check_gradients
from chainrule.known_mistakes import KNOWN_MISTAKES
from chainrule.notes import ERRATA, MISTAKES, mistake

rng = np.random.default_rng(1)
M = 40
X = rng.standard_normal((2, M))
Y = (X[:1] * X[1:] > 0).astype(float)
X_3, Y_3 = rng.standard_normal((3, 20)), (rng.standard_normal((3, 20)) > 0).astype(float)
T_X, T_y = rng.standard_normal((3, 2)), np.array([[0.9], [0.2], [0.6]])
K_Y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
LAMBDA = 0.5


def start(dims):
    parameters = notes.initialize_parameters_deep(dims, initialization="1/sqrt(n)", rng=3)
    biases = np.random.default_rng(4)
    return {k: v if k[0] == "W" else 0.1 * biases.standard_normal(v.shape) for k, v in parameters.items()}


def of_blocks(dims=(2, 5, 4, 1), X=X, Y=Y, hidden_activation="relu", begin=None, **options):
    def cost(parameters):
        return notes.compute_cost(notes.L_model_forward(X, parameters, hidden_activation=hidden_activation)[0], Y)

    def gradient(parameters):
        AL, caches = notes.L_model_forward(X, parameters, hidden_activation=hidden_activation)
        return notes.L_model_backward(AL, Y, caches, hidden_activation=hidden_activation)

    return check_gradients(cost, gradient, begin or start(dims), **options)


def of_square_blocks():
    return of_blocks((3, 3, 3, 3), X_3, Y_3)


def of_logistic(form="logistic_vectorized", **options):
    def cost(p):
        return getattr(notes, form)(p["w"], p["b"], X, Y)[2]

    def gradient(p):
        dw, db, _ = getattr(notes, form)(p["w"], p["b"], X, Y)
        return {"dw": dw, "db": db}

    return check_gradients(cost, gradient, {"w": np.array([[0.5], [-1.0]]), "b": 0.2}, **options)


def of_weighted_logs():
    """Statistics' sum of the logs, whose gradient is that of the mean times m."""

    def cost(p):
        return notes.negative_sum_of_weighted_logs(notes.logistic_forward(p["w"], p["b"], X), Y)

    def gradient(p):
        dw, db, _ = notes.logistic_vectorized(p["w"], p["b"], X, Y)
        return {"w": M * dw, "b": M * db}

    return check_gradients(cost, gradient, {"w": np.array([[0.5], [-1.0]]), "b": 0.2})


def of_program():
    """Four regressions side by side on the same y, as at the end of the document."""
    x, y = notes.program_data(20, rng=0)

    def cost(p):
        z = p["w"] @ x + p["b"]
        return np.sum(np.logaddexp(0.0, z) - y * z) / x.shape[1]

    def gradient(p):
        parts = notes.program_vectorized(x, y, p["w"], p["b"])
        return {"w": parts["dw"], "b": parts["db"]}

    return check_gradients(
        cost, gradient, {"w": np.random.default_rng(2).standard_normal((4, 3)), "b": np.zeros((4, 1))}
    )


def of_shallow(**options):
    names = ("W1", "b1", "W2", "b2")

    def cost(p):
        return notes.shallow_cost(notes.shallow_forward(X, p), Y)

    def gradient(p):
        return notes.shallow_backward(p, notes.shallow_forward(X, p), X, Y)

    def named(p):
        return {k: p[k] for k in names}

    return check_gradients(cost, gradient, named(start((2, 4, 1))), **options)


def of_Theta(lam=0.0, by_example=False, s=(2, 4, 2), **options):
    shapes = notes.Theta_shapes(s)
    Theta = [np.random.default_rng(9 + l).standard_normal(shape) for l, shape in enumerate(shapes)]

    def gradient(Theta):
        if by_example:
            Delta = notes.Delta_by_example(Theta, T_X, K_Y)
            return notes.D_from_Delta(Delta, Theta, len(T_X), lam)
        return notes.theta_gradient(Theta, T_X, K_Y, lam)

    return check_gradients(lambda Theta: notes.theta_cost(Theta, T_X, K_Y, lam), gradient, Theta, **options)


def of_penalised_Theta():
    return of_Theta(LAMBDA)


def of_Theta_by_example():
    return of_Theta(by_example=True)


def of_regression():
    """The worked example of two matrices without biases."""
    Theta = [np.random.default_rng(7).standard_normal((2, 3)), np.random.default_rng(8).standard_normal((3, 1))]

    def gradient(Theta):
        found = notes.regression_example(T_X, T_y, *Theta)
        return [found.dJ_dTheta1, found.dJ_dTheta2]

    return check_gradients(lambda Theta: notes.regression_example(T_X, T_y, *Theta).J, gradient, Theta)


def of_tanh_blocks():
    return of_blocks(hidden_activation="tanh")


RUNS = {
    f.__name__: f
    for f in (
        of_blocks, of_tanh_blocks, of_square_blocks, of_logistic, of_weighted_logs, of_program, of_shallow, of_Theta,
        of_penalised_Theta, of_Theta_by_example, of_regression,
    )
}  # fmt: skip

SEEN = {
    "g-for-g-prime": ["of_blocks", "of_tanh_blocks"],
    "g-for-g-prime-at-the-output": ["of_blocks"],
    "relu-slope-is-dA": ["of_blocks"],
    "sigmoid-slope-twice": ["of_blocks", "of_Theta"],
    "missing-1/m": ["of_blocks", "of_logistic", "of_Theta"],
    "missing-1/m-in-db": ["of_blocks", "of_shallow"],
    "1/m-twice": ["of_blocks"],
    "transpose-lost": ["of_square_blocks", "of_blocks"],
    "sum-over-examples-missing": ["of_blocks", "of_logistic"],
    "db-summed-over-units": ["of_blocks", "of_program"],
    "sign-lost": ["of_blocks", "of_logistic", "of_Theta", "of_regression"],
    "cost-bracket-misplaced": ["of_blocks"],
    "z-for-a": ["of_logistic"],
    "product-by-entries": ["of_regression", "of_program"],
    "sum-bracket-lost": ["of_weighted_logs"],
    "delta-of-another-cost": ["of_regression"],
    "bias-row-kept": ["of_Theta"],
    "accumulator-overwritten": ["of_Theta_by_example"],
    "lambda-on-bias": ["of_penalised_Theta"],
    "lambda-not-in-gradient": ["of_penalised_Theta"],
    "lambda-not-in-cost": ["of_penalised_Theta"],
}

REMARKED = {
    "log-of-0": "the gradient is right; J alone is not finite where an output is sure",
    "overflowing-sigmoid": "the gradient is right below z = 709",
    "first-target-for-all": "J and its gradient belong together",
    "zeros-for-weights": "a start, at which the gradient is right",
    "small-weights": "a start, at which the gradient is right",
}

OF_THE_UPDATE = {
    "ascent": "the gradient is right",
    "bias-not-updated": "the gradient is right",
    "update-in-place": "the gradient is right",
    "w1-alone-updated": "the gradient is right",
}

NOT_SEEN = {
    "last-layer-not-created": "parameters are missing: the cost itself is a RequestError",
    "targets-in-a-column": "data of another shape: the gradient itself is a RequestError",
}


@pytest.mark.parametrize("run", RUNS)
def test_right_functions_are_not_accused(run):
    report = RUNS[run]()
    assert report.ok, str(report)
    infinite = ["log-of-0"] if run == "of_weighted_logs" else []  # there a sure mistake costs infinity
    assert [remark.name for remark in report.remarks] == infinite, str(report)
    assert max(check.relative_error for check in report.arrays) < 1e-6


@pytest.mark.parametrize(("name", "run"), [(name, run) for name, runs in SEEN.items() for run in runs])
def test_a_mistake_is_seen_and_named(name, run):
    with mistake(name):
        report = RUNS[run]()
    assert not report.ok, str(report)
    assert report.fault.name == name, str(report)
    assert name in str(report)
    assert report.fault.what in str(report)


def test_every_mistake_is_seen_or_said_why_not():
    assert {*SEEN, *REMARKED, *OF_THE_UPDATE, *NOT_SEEN} == set(MISTAKES)


def remarks(report):
    assert report.ok, str(report)
    return {remark.name for remark in report.remarks}


@pytest.mark.parametrize("name", ["log-of-0", "overflowing-sigmoid"])
def test_a_cost_that_fails_elsewhere_is_remarked(name):
    with mistake(name):
        assert name in remarks(of_blocks())


@pytest.mark.parametrize("form", ["logistic_vectorized", "logistic_one_loop", "logistic_double_loop"])
def test_targets_that_are_all_alike_are_remarked(form):
    assert remarks(of_logistic(form)) == set()
    with mistake("first-target-for-all"):
        assert remarks(of_logistic(form)) == {"first-target-for-all"}


def test_starts_are_remarked():
    deep = (2, 6, 5, 4, 1)
    with mistake("zeros-for-weights"):
        zeros = notes.initialize_parameters_deep(deep, rng=0)
        shallow_zeros = notes.random_initialization(2, 4, 1, rng=0)
    with mistake("small-weights"):
        small = notes.initialize_parameters_deep(deep, initialization="he", rng=0)
    assert "zeros-for-weights" in remarks(of_blocks(begin=zeros))
    assert "zeros-for-weights" in remarks(of_blocks(begin=shallow_zeros))
    assert "small-weights" in remarks(of_blocks(begin=small))
    right = notes.initialize_parameters_deep(deep, initialization="he", rng=0)
    assert remarks(of_blocks(begin=right)) == set()


@pytest.mark.parametrize("name", ["ascent", "bias-not-updated", "update-in-place"])
def test_a_wrong_update_is_named(name):
    assert of_blocks(update=notes.update_parameters).ok
    with mistake(name):
        report = of_blocks(update=notes.update_parameters)
    assert not report.ok
    assert report.fault.name == name
    assert all(check.ok for check in report.arrays)


@pytest.mark.parametrize("name", ["ascent", "bias-not-updated", "w1-alone-updated"])
def test_a_wrong_update_of_logistic_regression_is_named(name):
    def update(p, d, alpha):
        w, b = notes.logistic_update(p["w"], p["b"], d["dw"], d["db"], alpha)
        return {"w": w, "b": b}

    assert of_logistic(update=update).ok
    with mistake(name):
        assert of_logistic(update=update).fault.name == name


def test_mistakes_of_shapes_end_in_errors_that_say_so():
    with mistake("last-layer-not-created"):
        short = notes.initialize_parameters_deep((2, 5, 4, 1), initialization="he", rng=0)
    with pytest.raises(RequestError, match=r"AL is \(4, 40\)"):
        of_blocks(begin=short)
    with mistake("targets-in-a-column"):
        x, y = notes.program_data(20, rng=0)

    def gradient(p):
        parts = notes.program_vectorized(x, y, *p)
        return [parts["dw"], parts["db"]]

    with pytest.raises(RequestError, match=r"y is \(20, 1\)"):
        check_gradients(lambda p: float(np.sum(p[0] @ x)), gradient, [np.ones((4, 3)), np.ones((4, 1))])


def test_m_and_lambda_that_are_known_are_used():
    with mistake("missing-1/m"):
        assert of_blocks(m=M).fault.name == "missing-1/m"
        assert of_blocks(m=M + 1).fault.name == "constant-factor"
    with mistake("lambda-not-in-gradient"):
        assert of_Theta(LAMBDA, m=3, lambd=LAMBDA).fault.name == "lambda-not-in-gradient"


def test_every_known_mistake_is_described_once_and_every_name_of_one_has_a_description():
    source = {path: path.read_text(encoding="utf-8") for path in Path(chainrule.__file__).parent.rglob("*.py")}
    keys = [key for text in source.values() for key in re.findall(r'\b(?:fault|_known|wrong_form)\("([^"]+)"', text)]
    assert set(keys) <= set(KNOWN_MISTAKES)
    assert {*MISTAKES, *(entry.mistake for entry in ERRATA if entry.mistake)} <= set(KNOWN_MISTAKES)
    for name, text in KNOWN_MISTAKES.items():
        written = [path.name for path, words in source.items() if f'"{text.what}"' in words]
        assert written == ["known_mistakes.py"], name
