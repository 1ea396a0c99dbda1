"""scikit-learn's estimators and ours, fitted side by side: the same parameters, attributes and numbers."""

import inspect

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.datasets import make_classification, make_multilabel_classification

import chainrule as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(90, 4))
BINARY = (X[:, 0] + 0.3 * RNG.normal(size=90) > 0).astype(int)
MULTI = make_classification(90, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)[1]
LABELS = make_multilabel_classification(90, 4, n_classes=3, random_state=0)[1]
ONE = X @ [1.0, -2.0, 0.5, 0.0] + np.sin(X[:, 1])
TWO = np.column_stack([ONE, X[:, 0] ** 2])
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0])).astype(float)
WEIGHT = RNG.uniform(0.2, 2.0, size=90)
TASKS = {
    "binary": ("MLPClassifier", BINARY, {}),
    "multiclass": ("MLPClassifier", MULTI, {}),
    "multilabel": ("MLPClassifier", LABELS, {}),
    "one output": ("MLPRegressor", ONE, {}),
    "two outputs": ("MLPRegressor", TWO, {}),
    "poisson": ("MLPRegressor", COUNTS, {"loss": "poisson"}),
}
SMALL = {"hidden_layer_sizes": (5, 4), "activation": "tanh", "random_state": 3, "batch_size": 90, "max_iter": 8}


def both(task, **given):
    name, y, more = TASKS[task]
    return [getattr(package, name)(**SMALL | more | given) for package in (ours, theirs)], y


def fitted(task, weight=None, **given):
    pair, y = both(task, **given)
    return [estimator.fit(X, y, weight) for estimator in pair]


def worst(mine, other):
    parts = zip([*mine.coefs_, *mine.intercepts_], [*other.coefs_, *other.intercepts_], strict=True)
    return max(np.abs(a - b).max() for a, b in parts)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("method", ["__init__", "fit", "partial_fit", "predict", "score"])
def test_signatures_begin_with_scikit_learns_and_what_is_new_is_by_keyword(name, method):
    mine, other = (getattr(getattr(package, name), method) for package in (ours, theirs))
    mine, other = (list(inspect.signature(function).parameters.values()) for function in (mine, other))
    said = [[(p.name, p.kind, p.default) for p in parameters] for parameters in (mine, other)]
    assert said[0][: len(other)] == said[1]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in mine[len(other) :])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("given", [{"solver": "sgd"}, {"early_stopping": True, "batch_size": "auto"}], ids=str)
def test_fitted_attributes_are_theirs_and_two_more(task, given):
    mine, other = fitted(task, **given)
    public = [{n: v for n, v in vars(e).items() if n.endswith("_") and n[0] != "_"} for e in (mine, other)]
    assert set(public[0]) - set(public[1]) == {"history_", "validation_loss_curve_"}
    assert set(public[1]) <= set(public[0])
    for name, value in public[1].items():
        arrays = isinstance(value, list)
        mine_, value_ = (v if arrays else [v] for v in (public[0][name], value))
        assert [np.shape(v) for v in mine_] == [np.shape(v) for v in value_], name
        assert [np.asarray(v).dtype for v in mine_] == [np.asarray(v).dtype for v in value_], name
        assert isinstance(public[0][name], float if isinstance(value, float) else type(value)), name
    assert mine.out_activation_ == other.out_activation_


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("momentum", [{"momentum": 0.0}, {"nesterovs_momentum": False}, {}], ids=str)
def test_gradient_descent_makes_the_same_network(task, momentum):
    mine, other = fitted(task, solver="sgd", learning_rate_init=0.02, **momentum)
    assert worst(mine, other) < 1e-9
    assert mine.predict(X) == pytest.approx(other.predict(X), abs=1e-9)
    if task not in ("two outputs", "poisson"):
        assert mine.loss_curve_ == pytest.approx(other.loss_curve_, abs=1e-12)


# the gradient of two outputs is not that of the cost there, which leads the line search of lbfgs astray
@pytest.mark.parametrize(
    ("task", "solver"), [(t, s) for t in TASKS for s in ("adam", "lbfgs") if (t, s) != ("two outputs", "lbfgs")]
)
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_adam_and_lbfgs_make_the_same_network(task, solver, activation):
    mine, other = fitted(task, solver=solver, activation=activation, max_iter=5)
    assert worst(mine, other) < 1e-4
    assert (mine.n_iter_, mine.t_) == (other.n_iter_, other.t_)


@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_each_learning_rate_makes_the_same_network(rate):
    given = {"solver": "sgd", "learning_rate": rate, "max_iter": 40, "tol": 0.02, "n_iter_no_change": 3}
    mine, other = fitted("one output", learning_rate_init=0.05, power_t=0.3, **given)
    assert worst(mine, other) < 1e-9
    assert mine.n_iter_ == other.n_iter_


def test_adaptive_has_lowered_the_rate_in_that_comparison():
    given = {"solver": "sgd", "learning_rate": "adaptive", "max_iter": 40, "tol": 0.02, "n_iter_no_change": 3}
    mine, _ = fitted("one output", learning_rate_init=0.05, **given)
    assert mine.history_.learning_rate[-1] < 0.05 / 4


@pytest.mark.parametrize("task", TASKS)
def test_alpha_and_sample_weight_count_as_there(task):
    mine, other = fitted(task, WEIGHT, solver="sgd", alpha=5.0, learning_rate_init=0.05)
    plain, _ = fitted(task, solver="sgd", alpha=0.0, learning_rate_init=0.05)
    assert worst(mine, other) < 1e-9
    assert worst(plain, other) > 1e-3


def test_the_cost_of_two_targets_is_the_sum_of_which_the_gradient_is_the_derivative():
    mine, other = fitted("two outputs", solver="sgd", alpha=0.0)
    assert mine.loss_curve_ == pytest.approx([2 * loss for loss in other.loss_curve_], rel=1e-12)


def test_the_cost_of_counts_differs_by_a_constant():
    mine, other = fitted("poisson", solver="sgd")
    assert np.ptp(np.subtract(mine.loss_curve_, other.loss_curve_)) < 1e-12


@pytest.mark.parametrize("task", ["binary", "multiclass", "one output"])
def test_early_stopping_holds_out_the_same_rows(task):
    given = {"early_stopping": True, "validation_fraction": 0.3, "solver": "sgd", "n_iter_no_change": 4, "max_iter": 60}
    with pytest.warns(UserWarning, match="batch_size"):
        mine, other = fitted(task, tol=0.01, learning_rate_init=0.01, **given)
    assert mine.validation_scores_ == pytest.approx(other.validation_scores_, abs=1e-9)
    assert mine.best_validation_score_ == pytest.approx(other.best_validation_score_, abs=1e-9)
    assert worst(mine, other) < 1e-9
    assert mine.n_iter_ == other.n_iter_ < 60


def test_lbfgs_passes_over_early_stopping_as_there():
    mine, other = fitted("binary", solver="lbfgs", early_stopping=True, max_iter=5)
    assert worst(mine, other) < 1e-6


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("task", TASKS)
def test_partial_fits_are_the_epochs_of_a_fit(task, solver):
    (once, other), y = both(task, solver=solver, max_iter=5)
    (again, _), _ = both(task, solver=solver)
    once.fit(X, y)
    number = {"binary": 2, "multiclass": 3, "multilabel": 3}
    classes = {"classes": np.arange(number[task])} if task in number else {}
    for _ in range(5):
        for estimator in (again, other):
            estimator.partial_fit(X, y, **classes)
    assert worst(once, again) < 1e-12
    assert worst(again, other) < (1e-9 if solver == "sgd" else 1e-4)
    assert again.loss_curve_ == pytest.approx(once.loss_curve_, abs=1e-12)
    assert (again.n_iter_, again.t_) == (other.n_iter_, other.t_) == (1, 450)


def test_adaptive_partial_fits_lower_the_rate_as_there():
    given = {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 1e6,
        "n_iter_no_change": 2,
        "learning_rate_init": 0.05,
    }
    (mine, other), y = both("one output", **given)
    for _ in range(9):
        mine.partial_fit(X, y)
        other.partial_fit(X, y)
    assert worst(mine, other) < 1e-9


@pytest.mark.parametrize("task", ["multiclass", "one output"])
def test_warm_start_goes_on_where_the_last_fit_ended(task):
    mine, other = fitted(task, warm_start=True, solver="sgd", max_iter=3)
    _, y, _ = TASKS[task]
    mine.fit(X, y)
    other.fit(X, y)
    assert worst(mine, other) < 1e-9
    assert len(mine.loss_curve_) == len(other.loss_curve_) == 6
    assert (mine.n_iter_, mine.t_) == (other.n_iter_, other.t_)


def test_a_fit_without_warm_start_forgets_the_last():
    (mine, _), y = both("binary", max_iter=3)
    first = mine.fit(X, y).predict_proba(X)
    assert np.array_equal(mine.fit(X, y).predict_proba(X), first)
    assert len(mine.loss_curve_) == 3


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_probabilities_and_their_logarithms_are_theirs(task):
    mine, other = fitted(task, solver="sgd")
    assert mine.predict_proba(X) == pytest.approx(other.predict_proba(X), abs=1e-9)
    assert mine.predict_log_proba(X) == pytest.approx(other.predict_log_proba(X), abs=1e-9)
    assert mine.score(X, TASKS[task][1]) == other.score(X, TASKS[task][1])


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_goes_on_from_fit_with_the_state_of_the_optimiser(solver):
    pair, y = both("one output", solver=solver)
    for model in pair:
        model.fit(X, y)
        for _ in range(3):
            model.partial_fit(X, y)
    np.testing.assert_allclose(pair[0].predict(X), pair[1].predict(X), rtol=1e-4, atol=1e-7)
    assert pair[0].t_ == pair[1].t_ == (8 + 3) * 90
