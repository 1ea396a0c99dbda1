"""Weights of rows and classes in the estimators, and scorers in runs that explode."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer

from chainrule import MLPClassifier, MLPRegressor, RequestError
from chainrule.estimators import fitting
from tests.estimators.rows import MULTI, RARE, SMALL, TARGET, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LABELS = {
    "digits": np.array(["0", "1"]),
    "booleans": np.array([False, True]),
    "negative integers": np.array([-1, 1]),
    "floats": np.array([0.0, 1.0]),
    "objects": np.array(["no", "yes"], object),
    "three digits": np.array(["0", "1", "2"]),
}


def equal(one, other):
    return all(map(np.array_equal, one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_))


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("whole", [True, False])
def test_class_weights_are_sample_weights_whatever_the_labels(labels, whole):
    y = labels[RARE if len(labels) == 2 else MULTI]
    given = dict(zip(labels.tolist(), [1.0, 5.0, 0.5], strict=False)) if whole else {labels.tolist()[1]: 5.0}
    w = np.array([given.get(label, 1.0) for label in y.tolist()])
    assert equal(MLPClassifier(**SMALL, class_weight=given).fit(X, y), MLPClassifier(**SMALL).fit(X, y, w))


@pytest.mark.parametrize("absent", range(3))
@pytest.mark.parametrize("given", [{1: 7.0}, {0: 2.0, 1: 3.0, 2: 4.0}], ids=str)
def test_partial_fit_takes_class_weights_where_the_batch_lacks_a_class(given, absent):
    w = np.array([given.get(k, 1.0) for k in MULTI])
    some = absent != MULTI
    by_class = MLPClassifier(**SMALL, class_weight=given).partial_fit(X, MULTI, classes=[0, 1, 2])
    by_row = MLPClassifier(**SMALL).partial_fit(X, MULTI, w, classes=[0, 1, 2])
    assert equal(by_class.partial_fit(X[some], MULTI[some]), by_row.partial_fit(X[some], MULTI[some], w[some]))


def test_partial_fit_refuses_balanced_as_scikit_learn_does():
    with pytest.raises(RequestError, match="'balanced' needs all rows at once"):
        MLPClassifier(class_weight="balanced").partial_fit(X, RARE, classes=[0, 1])


def test_labels_that_do_not_exclude_each_other_take_a_dict_each():
    Y = np.stack([RARE, MULTI == 1], axis=1).astype(int)
    w = np.where(Y[:, 0], 5.0, 1.0) * np.where(Y[:, 1], 1.0, 0.5)
    given = [{1: 5.0}, {0: 0.5}]
    assert equal(MLPClassifier(**SMALL, class_weight=given).fit(X, Y), MLPClassifier(**SMALL).fit(X, Y, w))
    one = MLPClassifier(**SMALL, class_weight=given).partial_fit(X[Y[:, 0] == 0], Y[Y[:, 0] == 0], classes=[0, 1])
    assert np.isfinite(one.loss_)
    for wrong in ({0: 1.0}, [{0: 1.0}], [{0: 1.0}, {2: 1.0}]):
        with pytest.raises(RequestError, match="class_weight"):
            MLPClassifier(**SMALL, class_weight=wrong).fit(X, Y)


def test_balanced_counts_sample_weights_as_scikit_learn_does():
    w = np.where(RARE == 1, 3, 1) * np.random.default_rng(0).integers(1, 4, len(RARE))
    options = {"solver": "lbfgs", "alpha": 0.0, "class_weight": "balanced", "max_iter": 5000, "tol": 1e-10}
    ours = MLPClassifier((), **options, random_state=0).fit(X, RARE, sample_weight=w)
    theirs = LogisticRegression(C=1e12, class_weight="balanced", tol=1e-10, max_iter=9999).fit(X, RARE, w)
    assert pytest.approx(theirs.coef_, rel=1e-3) == ours.coefs_[0].T
    assert ours.intercepts_[0] == pytest.approx(theirs.intercept_, rel=1e-3)


def test_balanced_is_about_the_rows_that_are_trained_on(monkeypatch):
    """Not about those that are held out."""
    seen, train = [], fitting.train

    def looking(estimator, training, watched):
        seen.append(training)
        train(estimator, training, watched)

    monkeypatch.setattr(fitting, "train", looking)
    w = np.random.default_rng(0).uniform(0.5, 2.0, len(MULTI))
    MLPClassifier(**SMALL, class_weight="balanced", early_stopping=True).fit(X, MULTI, w)
    [rows] = seen
    sums = rows.Y.T @ rows.weight
    assert len(rows.Y) < len(MULTI)
    np.testing.assert_allclose(sums, sums[0], rtol=1e-12)


@pytest.mark.parametrize("each", [1e308, 1e-320, np.nan, np.inf, -1.0])
@pytest.mark.parametrize("which", ["sample_weight", "sample_weight_val"])
def test_weights_that_cannot_be_counted_with_are_refused(each, which):
    weights = {which: np.full(len(X), each)}
    with pytest.raises(ValueError, match=r"sample_weight|Negative|NaN|infinity"):
        MLPRegressor(**SMALL).fit(X, TARGET, X_val=X, y_val=TARGET, **weights)


@pytest.mark.parametrize("each", [1e37, 1e-40])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_that_float32_cannot_count_with_are_refused(each, method):
    with pytest.raises(RequestError, match=r"but float32 needs a sum from .*: divide all weights by"):
        getattr(MLPRegressor(**SMALL), method)(X.astype(np.float32), TARGET, sample_weight=np.full(len(X), each))


def test_a_class_whose_rows_all_have_weight_0_stays_a_class():
    model = MLPClassifier(**SMALL, class_weight="balanced").fit(X, MULTI, (MULTI != 1).astype(float))
    assert model.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(model.loss_)


def of_classes(y_true, y_pred):
    return float((y_true == y_pred).mean())


SCORERS = {
    "regressor": [None, "r2", "neg_mean_squared_error", "neg_mean_absolute_error"],
    "classifier": [None, "accuracy", "roc_auc", "neg_log_loss", "f1", make_scorer(of_classes)],
}


@pytest.mark.parametrize(
    ("kind", "scoring"), [(kind, scoring) for kind in SCORERS for scoring in SCORERS[kind]], ids=str
)
def test_a_scorer_survives_a_run_that_explodes_as_the_default_does(kind, scoring):
    """Between the last good epoch and the one whose cost is not finite there is one whose predictions are not."""
    single = X.astype(np.float32)
    options = {"hidden_layer_sizes": (4,), "solver": "sgd", "early_stopping": True, "max_iter": 30, "random_state": 0}
    options |= {"batch_size": 135, "n_iter_no_change": 30}
    if kind == "regressor":
        model, y = MLPRegressor(**options, learning_rate_init=3.0, scoring=scoring), TARGET
    else:
        options |= {"hidden_layer_sizes": (4, 4, 4), "activation": "identity"}
        model, y = MLPClassifier(**options, learning_rate_init=100.0, scoring=scoring), RARE
    with pytest.warns(match="The best epoch before that is kept"):
        model.fit(single, y)
    scores = np.array(model.validation_scores_)
    assert np.isnan(scores[-2:]).all(), "of the epoch that diverged, and of the one before"
    assert np.nanmax(scores) == model.best_validation_score_ == scores[model.history_.best_epoch - 1]
    assert np.isfinite(model.predict(single)).all()
