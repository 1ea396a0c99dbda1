"""Fitted estimators change hands: from scikit-learn and back, the same predictions, records and way on."""

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import NotFittedError

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
