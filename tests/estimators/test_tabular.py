"""TabularClassifier and TabularRegressor: scikit-learn's contract, and tables as people have them."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule import RequestError, TabularClassifier, TabularRegressor, load
from chainrule.estimators import tabular
from chainrule.packs.presets import settings


@pytest.fixture
def little(monkeypatch):
    """Packs of two small groups, for tests that ask for behaviour and not for accuracy."""
    small = {"members": 2, "width": 16, "units": 1, "epochs": 60, "hidden_layers": (1,), "learning_rate": (5e-3, 2e-2)}

    def few(preset, m):
        of = settings(preset, m)
        return replace(of, folds=min(of.folds, 2), **small)

    monkeypatch.setattr(tabular, "settings", few)


BY_ROWS = "what is watched is drawn by rows, so that a row of weight 2 is on one side, and two rows may be on both"


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("estimator", [TabularClassifier(random_state=0), TabularRegressor(random_state=0)], ids=str)
def test_scikit_learns_own_checks(estimator):
    expected = {"check_sample_weight_equivalence_on_dense_data": BY_ROWS}
    results = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=expected)
    assert len(results) > 40
    failed = [(one["check_name"], repr(one["exception"])[:200]) for one in results if one["status"] == "failed"]
    assert not failed


def table(m=120, seed=0):
    rng = np.random.default_rng(seed)
    amount, island = rng.normal(size=m), rng.choice(["a", "b", "c"], m)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, m), unit="D")
    yes = rng.random(m) < 0.5
    y = amount + (island == "b") - yes + 0.1 * rng.normal(size=m)
    amount[::7] = np.nan
    frame = pd.DataFrame({"amount": amount, "island": island, "day": day, "yes": yes})
    frame.loc[3::11, "island"] = None
    return frame, y


@pytest.mark.usefixtures("little")
def test_frames_of_three_libraries_are_the_same():
    frame, y = table()
    arrow = pa.Table.from_pandas(frame)
    each = [TabularRegressor(random_state=0).fit(X, y).predict(X) for X in (frame, pl.from_arrow(arrow), arrow)]
    assert each[0].tobytes() == each[1].tobytes() == each[2].tobytes()
    assert TabularRegressor(random_state=0).fit(frame, y).feature_names_in_.tolist() == [*frame.columns]


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_seed_gives_the_same_bits(threads):
    frame, y = table()
    first, second = (TabularClassifier(random_state=7, threads=t).fit(frame, y > 0) for t in (2, threads))
    assert first.predict_proba(frame).tobytes() == second.predict_proba(frame).tobytes()
    other = TabularClassifier(random_state=8).fit(frame, y > 0)
    assert other.predict_proba(frame).tobytes() != first.predict_proba(frame).tobytes()


@pytest.mark.usefixtures("little")
def test_it_pickles_clones_and_is_searched():
    frame, y = table()
    fitted = TabularRegressor(random_state=0).fit(frame, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.predict(frame).tobytes() == fitted.predict(frame).tobytes()
    assert clone(fitted).get_params() == fitted.get_params()
    search = GridSearchCV(
        make_pipeline(TabularRegressor(random_state=0)), {"tabularregressor__margin": [0.0, None]}, cv=2
    )
    assert search.fit(frame, y).best_params_["tabularregressor__margin"] in (0.0, None)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = clone(search.best_estimator_).fit(frame, y)
    assert again.predict(frame).tobytes() == search.predict(frame).tobytes()
    scores = cross_val_score(TabularClassifier(random_state=0), frame, y > 0, cv=2)
    assert len(scores) == 2
    assert min(scores) > 0.5


@pytest.mark.usefixtures("little")
def test_weights_are_repeats_in_the_targets_scale_and_zero_is_none():
    frame, y = table()
    w = (np.arange(len(y)) % 3 > 0).astype(float)
    spoiled = np.where(w == 0.0, 1e9, y)
    first, second = (TabularRegressor(random_state=0).fit(frame, t, w).predict(frame) for t in (y, spoiled))
    assert first.tobytes() == second.tobytes()


def test_class_weights_move_the_probabilities():
    frame, y = table(400)
    rare = y > np.quantile(y, 0.9)
    plain, balanced = (
        TabularClassifier("fast", random_state=0, class_weight=how).fit(frame, rare).predict_proba(frame)[:, 1].mean()
        for how in (None, "balanced")
    )
    assert plain == pytest.approx(rare.mean(), abs=0.05)
    assert balanced > 1.5 * plain


def test_calibrated_probabilities_have_a_lower_log_loss_on_the_rows_that_they_were_fitted_to():
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :3]
    plain, calibrated = (TabularClassifier("fast", random_state=0, calibrate=how).fit(X, y) for how in (False, True))
    assert (plain.predict(X) == calibrated.predict(X)).all()
    tau, smoothing = calibrated._calibration
    p = plain.predict_proba(X) ** tau
    expected = (1 - smoothing) * p / p.sum(axis=1, keepdims=True) + smoothing / 2
    np.testing.assert_allclose(calibrated.predict_proba(X), expected, rtol=1e-6)
    with pytest.raises(RequestError, match="calibrate=True is for classes that exclude each other"):
        TabularClassifier("fast", calibrate=True, max_time=1).fit(X, np.eye(2, dtype=int)[y])


@pytest.mark.usefixtures("little")
def test_labels_that_do_not_exclude_each_other():
    X, Y = make_multilabel_classification(100, 5, n_classes=3, random_state=0)
    model = TabularClassifier(random_state=0).fit(X, Y)
    assert model.predict(X).shape == model.predict_proba(X).shape == Y.shape


def test_several_targets_and_quantiles():
    X, y = load_diabetes(return_X_y=True)
    both = TabularRegressor("fast", random_state=0).fit(X, np.column_stack([y, -y])).predict(X)
    assert np.corrcoef(both[:, 0], -both[:, 1])[0, 1] > 0.9
    model = TabularRegressor("fast", loss="quantiles(0.1, 0.5, 0.9)", random_state=0).fit(X, y)
    low, middle, high = model.predict(X).T
    assert (low <= middle).mean() > 0.95
    assert ((y >= low) & (y <= high)).mean() == pytest.approx(0.8, abs=0.1)


def test_predictions_stay_within_the_margin_of_the_training_targets():
    frame, y = table(300)
    far = frame.assign(amount=1e12)
    for margin, beyond in ((0.0, 0.0), (0.25, 0.25)):
        answers = TabularRegressor("fast", margin=margin, random_state=0).fit(frame, y).predict(far)
        assert answers.max() <= y.max() + beyond * np.ptp(y) + 1e-9
        assert answers.min() >= y.min() - beyond * np.ptp(y) - 1e-9


def test_it_learns():
    """As well as a linear model does on tables that a linear model can do, and better where one cannot."""
    for read, model, plain in (
        (load_breast_cancer, TabularClassifier, make_pipeline(StandardScaler(), LogisticRegression())),
        (load_iris, TabularClassifier, make_pipeline(StandardScaler(), LogisticRegression())),
        (load_diabetes, TabularRegressor, RidgeCV()),
    ):
        X, X_test, y, y_test = train_test_split(*read(return_X_y=True), random_state=0)
        assert (
            model("fast", random_state=0).fit(X, y).score(X_test, y_test) > plain.fit(X, y).score(X_test, y_test) - 0.05
        )
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4))
    y = np.sin(3 * X[:, 0]) * X[:, 1]
    assert TabularRegressor("fast", random_state=0).fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.8


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("kind", ["numbers", "quantiles", "two", "many", "calibrated"])
def test_its_ensemble_answers_the_same_from_a_file(kind, tmp_path):
    frame, y = table()
    if kind in ("numbers", "quantiles"):
        loss = "quantiles(0.1, 0.9)" if kind == "quantiles" else "squared_error"
        model = TabularRegressor(random_state=0, loss=loss).fit(frame, y)
    else:
        labels = np.digitize(y, [0.0, 0.8]) if kind == "many" else y > 0
        model = TabularClassifier(random_state=0, calibrate=kind == "calibrated").fit(frame, labels)
    model.save(tmp_path / "t.model", target="answer")
    again = load(tmp_path / "t.model")
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    if hasattr(model, "classes_"):
        np.testing.assert_allclose(again.predict_proba(frame), model.predict_proba(frame), rtol=1e-12, atol=1e-15)
    report = again.evaluate(frame.assign(answer=y if not hasattr(model, "classes_") else labels))
    assert report.rows == len(y)


@pytest.mark.usefixtures("little")
def test_an_ensemble_has_one_target_of_a_name_of_its_own():
    frame, y = table()
    with pytest.raises(RequestError, match="has 2 targets"):
        TabularRegressor().fit(frame, np.column_stack([y, y])).to_model()
    with pytest.raises(RequestError, match="is multi-label, with 2 labels"):
        TabularClassifier().fit(frame, np.column_stack([y > 0, y < 0]).astype(int)).to_model()
    with pytest.raises(RequestError, match="not 'amount'"):
        TabularRegressor().fit(frame, y).to_model("amount")


WRONG = {
    "preset": lambda X, y: TabularClassifier("slow").fit(X, y),
    "'squared_error'": lambda X, y: TabularRegressor(loss="huber").fit(X, y),
    "1 sample": lambda X, y: TabularRegressor().fit(X[:1], y[:1].astype(float)),
    "number of features|Feature names|features": lambda X, y: (
        TabularRegressor("fast", max_time=5).fit(X, y.astype(float)).predict(X.iloc[:, :2])
    ),
    "accuracy": lambda X, y: TabularRegressor(metric="accuracy").fit(X, y.astype(float)),
    "sample_weight": lambda X, y: TabularClassifier().fit(X, y, sample_weight=[1.0]),
}


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_right_is_refused(said):
    frame, y = table()
    with pytest.raises((ValueError, RequestError), match=said):
        WRONG[said](frame, y > 0)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("m", [2, 3, 5, 19])
def test_few_rows_are_enough(m):
    frame, y = table(m)
    assert np.isfinite(
        TabularRegressor(random_state=0).fit(frame[["yes", "day"]], y).predict(frame[["yes", "day"]])
    ).all()


@pytest.mark.usefixtures("little")
def test_a_class_with_one_row_is_a_class():
    frame, y = table()
    labels = np.where(y > 0, "high", "low").astype(object)
    labels[5] = "alone"
    model = TabularClassifier(random_state=0).fit(frame, labels)
    assert model.classes_.tolist() == ["alone", "high", "low"]
    assert model.predict_proba(frame).sum(axis=1) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.usefixtures("little")
def test_a_target_with_one_huge_outlier():
    frame, y = table()
    y[7] = 1e12
    assert np.isfinite(TabularRegressor(random_state=0).fit(frame, y).predict(frame)).all()
