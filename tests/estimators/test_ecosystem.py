"""In the places where scikit-learn's users put estimators: pipelines, searches, ensembles, files, threads."""

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, StackingRegressor, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(9)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] + 0.2 * RNG.normal(size=120) > 0).astype(int)
TARGET = X @ [2.0, -1.0, 0.0]
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 15, "random_state": 0, "learning_rate_init": 0.05}


def test_a_pipeline_scales_what_the_network_sees():
    far = X * 1000 + 500
    scaled = StandardScaler().fit_transform(far)
    model = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).fit(far, Y)
    assert np.array_equal(model.predict_proba(far), MLPClassifier(**SMALL).fit(scaled, Y).predict_proba(scaled))


def test_a_search_over_old_and_new_parameters_finds_the_one_that_trains():
    grid = {"learning_rate_init": [1e-9, 0.05], "solver": ["adam", "adamw(weight_decay=0.01)"]}
    search = GridSearchCV(MLPClassifier(**SMALL), grid, cv=2, n_jobs=2).fit(X, Y)
    assert search.best_params_["learning_rate_init"] == 0.05
    assert search.best_score_ > 0.85
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.cv_results_["params"]) == 4


def test_a_clone_has_the_parameters_and_nothing_else():
    model = MLPClassifier(**SMALL, dropout=[0.1], class_weight={0: 1, 1: 2}, activation=["tanh"]).fit(X, Y)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not any(name.endswith("_") for name in vars(twin))
    assert np.array_equal(twin.fit(X, Y).predict_proba(X), model.predict_proba(X))


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), by_joblib, copy.deepcopy])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_copy_predicts_the_same_bits_and_trains_on_as_the_original_does(copied, solver):
    model = MLPClassifier(**SMALL, solver=solver, batch_size=50, dropout=0.2)
    for _ in range(2):
        model.partial_fit(X, Y, classes=[0, 1])
    twin = copied(model)
    assert np.array_equal(twin.predict_proba(X), model.predict_proba(X))
    before = model.predict_proba(X)
    twin.partial_fit(X, Y)
    assert np.array_equal(model.predict_proba(X), before), "the copy shares no memory with the original"
    model.partial_fit(X, Y)
    assert np.array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert twin.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize(("solver", "vectors"), [("lbfgs", 1), ("sgd", 2), ("adam", 3)])
def test_a_pickle_holds_the_parameters_and_the_optimisers_vectors_and_is_smaller_than_scikit_learns(solver, vectors):
    settings = {"hidden_layer_sizes": (80, 60), "solver": solver, "max_iter": 1, "random_state": 0}
    model = MLPRegressor(**settings).fit(X, TARGET)
    parameters = sum(v.nbytes for v in [*model.coefs_, *model.intercepts_])
    size = len(pickle.dumps(model))
    assert size < 1.1 * vectors * parameters + 20_000
    assert size < len(pickle.dumps(neural_network.MLPRegressor(**settings).fit(X, TARGET)))


def test_a_pickled_encoder_reads_the_same_frames():
    frame = pd.DataFrame({"size": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")})
    model = MLPClassifier(**SMALL).fit(frame, Y)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(frame), model.predict_proba(frame))


def test_frames_of_a_transformer_give_the_same_network():
    scaler = StandardScaler().set_output(transform="pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    model = make_pipeline(scaler, MLPRegressor(**SMALL)).fit(frame, TARGET)
    assert model[-1].feature_names_in_.tolist() == ["a", "b", "c"]
    plain = make_pipeline(StandardScaler(), MLPRegressor(**SMALL)).fit(X, TARGET)
    assert model.predict(frame) == pytest.approx(plain.predict(X), abs=1e-12)


def test_cross_validation_of_classes_and_numbers():
    P = cross_val_predict(MLPClassifier(**SMALL), X, Y, cv=3, method="predict_proba")
    assert P.sum(axis=1) == pytest.approx(1.0)
    assert ((P[:, 1] > 0.5) == Y).mean() > 0.85
    scores = cross_validate(
        MLPRegressor(**SMALL | {"max_iter": 100}), X, TARGET, cv=3, scoring=["r2", "neg_mean_absolute_error"]
    )
    assert scores["test_r2"].min() > 0.9


@pytest.mark.parametrize("ensemble", [StackingClassifier, VotingClassifier])
def test_ensembles_of_classifiers(ensemble):
    members = [("net", MLPClassifier(**SMALL)), ("line", LogisticRegression())]
    assert ensemble(members).fit(X, Y).score(X, Y) > 0.85


def test_bags_stacks_and_one_network_for_each_target():
    assert BaggingClassifier(MLPClassifier(**SMALL), n_estimators=3, random_state=0).fit(X, Y).score(X, Y) > 0.85
    stack = StackingRegressor([("net", MLPRegressor(**SMALL)), ("line", Ridge())]).fit(X, TARGET)
    assert stack.score(X, TARGET) > 0.9
    several = MultiOutputRegressor(MLPRegressor(**SMALL)).fit(X, np.column_stack([TARGET, X[:, 1]]))
    assert np.array_equal(several.predict(X)[:, 0], MLPRegressor(**SMALL).fit(X, TARGET).predict(X))


def test_calibration_keeps_probabilities():
    P = CalibratedClassifierCV(MLPClassifier(**SMALL), cv=2).fit(X, Y).predict_proba(X)
    assert P.sum(axis=1) == pytest.approx(1.0)
    assert ((P[:, 1] > 0.5) == Y).mean() > 0.85


def test_permutation_finds_the_column_that_matters():
    model = MLPClassifier(**SMALL | {"max_iter": 60}).fit(X, Y)
    importance = permutation_importance(model, X, Y, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 0
    assert importance[0] > 0.2


def test_weights_are_routed_through_a_pipeline():
    weight = np.random.default_rng(10).uniform(0.1, 3.0, size=120)
    with config_context(enable_metadata_routing=True):
        routed = make_pipeline(StandardScaler(), MLPClassifier(**SMALL).set_fit_request(sample_weight=True))
        routed[0].set_fit_request(sample_weight=False)
        P = routed.fit(X, Y, sample_weight=weight).predict_proba(X)
    scaled = StandardScaler().fit_transform(X)
    assert np.array_equal(P, MLPClassifier(**SMALL).fit(scaled, Y, weight).predict_proba(scaled))
    assert not np.array_equal(P, MLPClassifier(**SMALL).fit(scaled, Y).predict_proba(scaled))


def test_threads_beside_each_other_do_what_one_after_the_other_does():
    def fitted(seed):
        estimator = MLPRegressor(**SMALL | {"random_state": seed, "max_iter": 40, "batch_size": 20})
        return estimator.fit(X, TARGET).predict(X)

    alone = [fitted(seed) for seed in range(4)]
    with ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(fitted, range(4)))
    assert np.array_equal(alone, beside)
    assert not np.array_equal(alone[0], alone[1])


def test_one_fitted_estimator_predicts_in_several_threads():
    model = MLPRegressor(**SMALL).fit(X, TARGET)
    rng = np.random.default_rng(11)
    parts = [rng.normal(size=(n, 3)) for n in range(1, 400, 13)]
    alone = [model.predict(part) for part in parts]
    with ThreadPoolExecutor(2) as pool:
        for one, other in zip(pool.map(model.predict, parts), alone, strict=True):
            assert np.array_equal(one, other)


def test_names_are_remembered_and_their_absence_warned_of():
    frame = pd.DataFrame(X, columns=list("abc"))
    model = MLPClassifier(**SMALL).fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        bare = model.predict_proba(X)
    assert np.array_equal(bare, model.predict_proba(frame))
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        MLPClassifier(**SMALL).fit(X, Y).predict(frame)
