"""Reports against scikit-learn's metrics, beside the trivial baseline."""

import json

import numpy as np
import pytest
from sklearn import metrics
from sklearn.dummy import DummyClassifier, DummyRegressor

from chainrule.reports import classification_report, regression_report


def drawn(K, m=200):
    rng = np.random.default_rng(1)
    codes = rng.integers(K, size=m)
    P = rng.dirichlet(np.ones(K), size=m)
    P[np.arange(m), codes] += 0.5
    return codes, P / P.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("K", [2, 3, 7])
def test_classification_is_what_scikit_learn_says(K):
    codes, P = drawn(K)
    classes = [f"class {k}" for k in range(K)]
    prior = np.random.default_rng(2).dirichlet(np.ones(K))
    report = classification_report(codes, P.T, prior, classes)
    predicted = P.argmax(axis=1)
    auc = metrics.roc_auc_score(codes, P[:, 1] if K == 2 else P, multi_class="ovr")
    assert report.scores == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(codes, predicted),
            "log_loss": metrics.log_loss(codes, P),
            "roc_auc": auc,
        }
    )
    assert report.confusion == metrics.confusion_matrix(codes, predicted).tolist()
    assert report.recall == pytest.approx(metrics.recall_score(codes, predicted, average=None))
    assert (report.rows, report.classes) == (len(codes), classes)


def test_the_baseline_of_classes_is_the_prior():
    codes, P = drawn(3)
    trained_on = np.array([0] * 5 + [1] * 3 + [2] * 2)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((10, 1)), trained_on)
    trivial = dummy.predict_proba(np.zeros((len(codes), 1)))
    report = classification_report(codes, P.T, np.array([0.5, 0.3, 0.2]), ["a", "b", "c"])
    assert report.baseline == pytest.approx(
        {
            "accuracy": np.mean(codes == 0),
            "log_loss": metrics.log_loss(codes, trivial),
            "roc_auc": 0.5,
        }
    )


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_regression_is_what_scikit_learn_says(scale):
    rng = np.random.default_rng(3)
    y = scale * rng.normal(10.0, 2.0, size=100)
    predicted = y + scale * rng.normal(size=100)
    mean = 9.5 * scale
    report = regression_report(y, predicted, mean)
    trivial = DummyRegressor(strategy="constant", constant=mean).fit(y[:, None], y).predict(y[:, None])
    for scores, answer in ((report.scores, predicted), (report.baseline, trivial)):
        assert scores == pytest.approx(
            {
                "rmse": metrics.root_mean_squared_error(y, answer),
                "mae": metrics.mean_absolute_error(y, answer),
                "r2": metrics.r2_score(y, answer),
            }
        )


def test_a_score_that_is_not_defined_is_none_in_json():
    codes, P = np.zeros(4, int), np.tile([[0.7], [0.2], [0.1]], 4)
    report = classification_report(codes, P, np.array([0.5, 0.25, 0.25]), ["a", "b", "c"])
    record = report.to_dict()
    assert record["scores"]["roc_auc"] is None
    assert record["recall"] == [1.0, None, None]
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    one = regression_report(np.array([2.0]), np.array([2.5]), 1.0).to_dict()
    assert one["scores"] == {"rmse": 0.5, "mae": 0.5, "r2": None}


def test_one_sure_mistake_gives_a_large_log_loss_and_not_infinity():
    codes, P = np.array([0, 1]), np.array([[0.0, 0.0], [1.0, 1.0]])
    report = classification_report(codes, P, np.array([0.5, 0.5]), ["a", "b"])
    assert report.scores["log_loss"] == pytest.approx(metrics.log_loss(codes, P.T))
    assert np.isfinite(report.scores["log_loss"])
