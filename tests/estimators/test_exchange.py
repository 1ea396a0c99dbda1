"""Fitted estimators change hands: from scikit-learn and back, the same predictions, records and way on."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import chainrule as ours
from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import RequestError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(8)
X = RNG.normal(size=(50, 3))
TASKS = {
    "binary": ("MLPClassifier", np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)], {}),
    "multiclass": ("MLPClassifier", np.digitize(X[:, 0], [-0.5, 0.5]), {}),
    "multilabel": ("MLPClassifier", (X > 0).astype(int), {}),
    "one output": ("MLPRegressor", X[:, 0] * X[:, 1], {}),
    "two outputs": ("MLPRegressor", X[:, :2] ** 2, {}),
    "poisson": ("MLPRegressor", RNG.poisson(1.5, size=50), {"loss": "poisson"}),
}
RECORDS = ("n_iter_", "t_", "loss_", "loss_curve_", "best_loss_", "n_layers_", "n_outputs_", "out_activation_")
SMALL = {"hidden_layer_sizes": (4, 3), "activation": "logistic", "max_iter": 6, "random_state": 1, "solver": "sgd"}


def outputs(model, rows):
    return model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("dtype", "within"), [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("way", ["from_sklearn", "to_sklearn"])
def test_predictions_and_records_stay_the_same(task, dtype, within, way):
    name, y, more = TASKS[task]
    rows = X.astype(dtype)
    package = theirs if way == "from_sklearn" else ours
    one = getattr(package, name)(**SMALL | more, batch_size=50, learning_rate_init=0.05).fit(rows, y)
    other = getattr(ours, name).from_sklearn(one) if way == "from_sklearn" else one.to_sklearn()
    assert isinstance(other, getattr(ours if way == "from_sklearn" else theirs, name))
    assert np.abs(outputs(one, rows) - outputs(other, rows)).max() < within
    assert np.array_equal(one.predict(rows), other.predict(rows)) or name == "MLPRegressor"
    assert outputs(other, rows).dtype == dtype
    assert {n: getattr(one, n) for n in RECORDS} == {n: getattr(other, n) for n in RECORDS}
    if name == "MLPClassifier":
        assert np.array_equal(one.classes_, other.classes_)
    shared = one.get_params().keys() & other.get_params().keys()
    assert {n: other.get_params()[n] for n in shared} == {n: one.get_params()[n] for n in shared}


@pytest.mark.parametrize("task", TASKS)
def test_there_and_back_is_bit_for_bit_the_same(task):
    name, y, more = TASKS[task]
    one = getattr(ours, name)(**SMALL | more).fit(X, y)
    back = getattr(ours, name).from_sklearn(one.to_sklearn())
    assert np.array_equal(outputs(one, X), outputs(back, X))


@pytest.mark.parametrize("task", TASKS)
def test_partial_fit_goes_on_after_the_change(task):
    name, y, more = TASKS[task]
    one = getattr(theirs, name)(**SMALL | more, batch_size=50, momentum=0.0).fit(X, y)
    other = getattr(ours, name).from_sklearn(one)
    again = other.to_sklearn()
    for _ in range(3):
        for estimator in (one, other, again):
            estimator.partial_fit(X, y)
    assert np.abs(outputs(one, X) - outputs(other, X)).max() < 1e-12
    assert np.abs(outputs(one, X) - outputs(again, X)).max() < 1e-12
    assert one.t_ == other.t_ == again.t_ == 9 * 50


SOLVERS = {
    "lbfgs": {"solver": "lbfgs", "max_iter": 4},
    "sgd": {"solver": "sgd"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
    "adam": {"solver": "adam"},
    "early stopping": {"solver": "adam", "early_stopping": True, "max_iter": 3},
}
NEXT = {
    "warm start": lambda model, y: model.set_params(warm_start=True, early_stopping=False).fit(X, y),
    "warm start, stopping early": lambda model, y: model.set_params(
        warm_start=True, early_stopping=True, solver="adam"
    ).fit(X, y),
    "partial_fit": lambda model, y: model.set_params(solver="adam", early_stopping=False).partial_fit(X, y),
    "plot_loss": lambda model, y: model.plot_loss(),
    "summary": lambda model, y: model.summary(),
    "page": lambda model, y: model._repr_html_(),
    "hidden_activations": lambda model, y: model.hidden_activations(X),
    "input_gradients": lambda model, y: model.input_gradients(X),
    "encoded": lambda model, y: model.encoded(X, y),
    "unit_names": lambda model, y: model.unit_names(),
    "score": lambda model, y: model.score(X, y),
    "to_model": lambda model, y: model.to_model(),
    "to_sklearn": lambda model, y: model.to_sklearn().set_params(warm_start=True).fit(X, y),
    "pickle": lambda model, y: pickle.loads(pickle.dumps(model)).predict(X),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("what", NEXT)
@pytest.mark.parametrize("task", ["binary", "one output"])
def test_every_method_finds_what_it_reads_after_each_solver(what, solver, task):
    pytest.importorskip("matplotlib").use("agg")
    name, y, more = TASKS[task]
    other = getattr(theirs, name)(**SMALL | more | SOLVERS[solver]).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        NEXT[what](getattr(ours, name).from_sklearn(other), y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_all_that_a_fit_leaves_is_there_but_its_history(solver):
    name, y, more = TASKS["multiclass"]
    mine, other = (getattr(package, name)(**SMALL | more | SOLVERS[solver]).fit(X, y) for package in (ours, theirs))
    made = getattr(ours, name).from_sklearn(other)
    missing = {attribute for attribute in vars(mine) if not hasattr(made, attribute)}
    assert missing == {"history_"}
    assert made._seed is made._recipe is None  # of a run that was not ours
    assert made.recipe_.optimizer == mine.recipe_.optimizer


@pytest.mark.parametrize("what", ["warm start", "partial_fit", "plot_loss", "summary", "to_model", "to_sklearn"])
def test_every_method_finds_what_it_reads_of_weights_from_elsewhere(what):
    model = MLPClassifier(**SMALL).fit(X, TASKS["binary"][1])
    weights = [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]
    made = MLPClassifier.from_weights(weights, layout="keras", activation="logistic", classes=model.classes_)
    NEXT[what](made, TASKS["binary"][1])


@pytest.mark.parametrize("way", ["from_sklearn", "to_sklearn"])
def test_lists_of_records_are_of_one_alone(way):
    one = (theirs if way == "from_sklearn" else ours).MLPRegressor(**SMALL).fit(X, X[:, 0])
    other = MLPRegressor.from_sklearn(one) if way == "from_sklearn" else one.to_sklearn()
    other.partial_fit(X, X[:, 0])
    assert (len(one.loss_curve_), len(other.loss_curve_)) == (6, 7)


class Mine(MLPClassifier):
    """A subclass with another name."""


class Wide(MLPClassifier):
    """A subclass that sets most parameters by itself, and has one of its own."""

    def __init__(self, width=7, alpha=0.01):
        super().__init__((width,), alpha=alpha, activation="tanh", max_iter=3, random_state=0)
        self.width = width


class TheirsWider(theirs.MLPClassifier):
    """A subclass of scikit-learn's, with a parameter of its own."""

    def __init__(self, width=7, solver="adam"):
        super().__init__((width,), solver=solver, activation="tanh", max_iter=3, random_state=0)
        self.width = width


@pytest.mark.parametrize("kind", [Mine, Wide])
def test_subclasses_change_hands(kind):
    y = TASKS["binary"][1]
    one = kind().set_params(alpha=0.3).fit(X, y)
    other = one.to_sklearn()
    assert type(other) is theirs.MLPClassifier
    assert (other.alpha, other.hidden_layer_sizes) == (0.3, one.hidden_layer_sizes)
    back = kind.from_sklearn(other)
    assert type(back) is kind
    assert (back.alpha, back.hidden_layer_sizes) == (0.3, one.hidden_layer_sizes)
    assert np.array_equal(back.predict_proba(X), one.predict_proba(X))
    back.partial_fit(X, y)


def test_subclasses_of_scikit_learns_change_hands():
    one = TheirsWider().fit(X, TASKS["binary"][1])
    other = Mine.from_sklearn(one)
    assert (other.hidden_layer_sizes, other.activation, other.max_iter) == ((7,), "tanh", 3)
    assert np.abs(other.predict_proba(X) - one.predict_proba(X)).max() < 1e-12


def test_changes_after_the_exchange_are_of_one_alone():
    one = theirs.MLPRegressor(**SMALL).fit(X, X[:, 0])
    other = MLPRegressor.from_sklearn(one)
    third = other.to_sklearn()
    before = one.predict(X)
    for c in other.coefs_:
        c[...] = 0.0
    assert np.array_equal(one.predict(X), before)
    assert third.predict(X) == pytest.approx(before, abs=1e-12)
    assert np.ptp(other.predict(X)) == 0.0


def test_names_of_columns_change_hands():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    one = theirs.MLPRegressor(**SMALL).fit(frame, X[:, 0])
    assert MLPRegressor.from_sklearn(one).to_sklearn().feature_names_in_.tolist() == ["a", "b", "c"]


def test_what_scikit_learn_has_no_name_for_but_can_predict_is_handed_over():
    model = MLPRegressor(**SMALL | {"solver": "adamw", "loss": "gamma", "learning_rate": "cosine"}, dropout=0.1)
    other = model.fit(X, np.exp(X[:, 0])).to_sklearn()
    assert (other.solver, other.loss, other.learning_rate) == ("adam", "poisson", "constant")
    assert other.predict(X) == pytest.approx(model.predict(X), rel=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "gelu"}, "gelu"),
        ({"activation": ["tanh", "relu"]}, "activations"),
        ({"loss": "quantiles(0.1, 0.9)"}, "link 'ascending'"),
    ],
)
def test_what_scikit_learn_cannot_predict_is_refused(given, message):
    model = MLPRegressor(**SMALL | given).fit(X, X[:, 0])
    with pytest.raises(RequestError, match=f"scikit-learn's MLPRegressor cannot have .*{message}"):
        model.to_sklearn()


def test_an_encoder_is_refused():
    pd = pytest.importorskip("pandas")
    model = MLPRegressor(**SMALL).fit(pd.DataFrame({"s": ["a", "b"] * 25}), X[:, 0])
    with pytest.raises(RequestError, match="encoder of categories"):
        model.to_sklearn()


def test_fitted_estimators_of_the_same_kind_alone_change_hands():
    with pytest.raises(RequestError, match=r"expected a fitted .*\.MLPClassifier, not MLPRegressor"):
        MLPClassifier.from_sklearn(theirs.MLPRegressor())
    with pytest.raises(NotFittedError):
        MLPClassifier.from_sklearn(theirs.MLPClassifier())
    with pytest.raises(NotFittedError):
        MLPRegressor().to_sklearn()
