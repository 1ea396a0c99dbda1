"""Metrics are scikit-learn's, with and without weights, ties and rare classes included."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from chainrule import RequestError
from chainrule.formulas import metrics
from chainrule.formulas.links import link
from chainrule.formulas.losses import LOSSES

draws = st.integers(0, 10_000)
weighted = st.booleans()


def classes_and_probabilities(seed, K, m=30):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(K), rng.integers(0, K, m - K)])
    P = rng.integers(1, 5, (K, m)).astype(float)  # few values, so that there are ties
    return codes, P / P.sum(axis=0), rng.integers(0, 4, m) + (codes == codes[0]) * 1.0 + 0.5


@given(draws, st.integers(2, 5), weighted)
def test_accuracy_and_log_loss(seed, K, use_weight):
    codes, P, w = classes_and_probabilities(seed, K)
    w = w if use_weight else None
    predicted = P.argmax(axis=0)
    assert metrics.accuracy(codes, predicted, w) == pytest.approx(
        theirs.accuracy_score(codes, predicted, sample_weight=w), rel=1e-12
    )
    assert metrics.log_loss(codes, P, w) == pytest.approx(theirs.log_loss(codes, P.T, sample_weight=w), rel=1e-12)


def test_log_loss_of_a_sure_mistake():
    P = np.array([[1.0, 0.5], [0.0, 0.5]])
    assert metrics.log_loss(np.array([1, 0]), P) == pytest.approx(theirs.log_loss([1, 0], P.T, labels=[0, 1]), rel=1e-9)


@given(draws, weighted)
def test_roc_auc_of_two_classes(seed, use_weight):
    codes, P, w = classes_and_probabilities(seed, 2)
    w = w if use_weight else None
    expected = theirs.roc_auc_score(codes, P[1], sample_weight=w)
    assert metrics.roc_auc(codes == 1, P[1], w) == pytest.approx(expected, rel=1e-12)
    assert metrics.mean_roc_auc(codes, P, w) == pytest.approx(expected, rel=1e-12)


@given(draws, st.integers(3, 5), weighted)
def test_roc_auc_of_several_classes(seed, K, use_weight):
    codes, P, w = classes_and_probabilities(seed, K)
    w = w if use_weight else None
    expected = theirs.roc_auc_score(codes, P.T, multi_class="ovr", average="macro", sample_weight=w)
    assert metrics.mean_roc_auc(codes, P, w) == pytest.approx(expected, rel=1e-12)


@given(draws, st.integers(1, 60), st.integers(1, 60), st.sampled_from(["none", "integers", "floats", "tiny"]))
def test_roc_auc_of_a_perfect_order_is_1_and_of_its_reverse_0(seed, ups, downs, weights):
    """A report that exceeds 1 by a rounding would keep the model from being saved."""
    rng = np.random.default_rng(seed)
    m = ups + downs
    w = {"none": None, "integers": rng.integers(1, 9, m) * 1.0, "floats": rng.random(m) + 1e-3, "tiny": None}[weights]
    w = rng.random(m) * 1e-300 + 1e-305 if weights == "tiny" else w
    positive = np.arange(m) >= downs
    order = np.cumsum(rng.random(m) + 0.1)
    area = metrics.roc_auc(positive, order, w)
    assert area == 1.0 if weights in ("none", "integers") else 1.0 - 1e-12 < area <= 1.0
    assert metrics.roc_auc(positive, -order, w) == 0.0


def test_roc_auc_of_one_kind_is_not_a_number():
    assert np.isnan(metrics.roc_auc(np.array([True, True]), np.array([0.1, 0.2])))
    assert np.isnan(metrics.roc_auc(np.array([True, False]), np.array([0.1, 0.2]), np.array([1.0, 0.0])))


@given(draws, st.integers(2, 5))
def test_confusion_and_recall(seed, K):
    codes, P, _ = classes_and_probabilities(seed, K)
    predicted = P.argmax(axis=0)
    found = metrics.confusion_matrix(codes, predicted, K)
    assert np.array_equal(found, theirs.confusion_matrix(codes, predicted, labels=range(K)))
    expected = theirs.recall_score(codes, predicted, average=None, labels=range(K))
    assert metrics.recall_per_class(found) == pytest.approx(expected, rel=1e-12)


def test_recall_of_an_absent_class_is_not_a_number():
    recall = metrics.recall_per_class(np.array([[2, 1, 0], [0, 0, 0], [0, 0, 3]]))
    assert recall.tolist() == pytest.approx([2 / 3, np.nan, 1], nan_ok=True)


@given(draws, weighted)
def test_regression_metrics(seed, use_weight):
    rng = np.random.default_rng(seed)
    y, a, w = rng.normal(size=20), rng.normal(size=20), rng.uniform(0, 3, 20)
    w = w if use_weight else None
    for here, there in [
        (metrics.root_mean_squared_error, theirs.root_mean_squared_error),
        (metrics.mean_absolute_error, theirs.mean_absolute_error),
        (metrics.r2, theirs.r2_score),
    ]:
        assert here(y, a, w) == pytest.approx(there(y, a, sample_weight=w), rel=1e-10)


def test_r2_of_a_constant_is_not_a_number():
    assert np.isnan(metrics.r2(np.ones(3), np.arange(3.0)))


@pytest.mark.parametrize("name", metrics.METRICS)
@pytest.mark.parametrize("K", [1, 3])
def test_every_row_is_best_for_a_perfect_prediction(name, K):
    row = metrics.METRICS.make(name)
    rng = np.random.default_rng(0)
    codes = np.arange(12) % max(K, 2)
    Y = codes[None, :].astype(float) if K == 1 else np.eye(K)[:, codes]
    perfect = np.clip(Y, 1e-6, 1.0 - 1e-6) if row.task == "classification" else Y
    spoiled = np.clip(perfect + rng.uniform(0.2, 0.6, Y.shape) * np.where(Y > 0.5, -1, 1), 0.05, 0.95)
    w = rng.uniform(0.5, 2.0, 12)
    good, bad = (row.score(Y, A, w) for A in (perfect, spoiled))
    assert np.isfinite([good, bad]).all()
    assert (good > bad) if row.more_is_better else (good < bad)


def test_a_single_output_is_the_chance_of_class_one():
    Y, A = np.array([[0.0, 1.0, 1.0, 0.0]]), np.array([[0.2, 0.9, 0.4, 0.5]])
    w = np.array([1.0, 2.0, 1.0, 3.0])
    score = {name: metrics.METRICS.make(name).score(Y, A, w) for name in ("accuracy", "log_loss", "roc_auc")}
    assert score["accuracy"] == pytest.approx(6 / 7)  # 0.4 is wrong; 0.5 counts as class 0
    assert score["log_loss"] == pytest.approx(theirs.log_loss(Y[0], A[0], sample_weight=w))
    assert score["roc_auc"] == pytest.approx(theirs.roc_auc_score(Y[0], A[0], sample_weight=w))


@given(draws, st.integers(2, 4), weighted)
def test_labels_that_do_not_exclude_each_other_are_scored_each_for_itself(seed, K, use_weight):
    rng = np.random.default_rng(seed)
    Y, A = rng.integers(0, 2, (K, 30)).astype(float), rng.integers(1, 10, (K, 30)) / 10
    Y[:, :3] = [[0, 1, 1]] * K  # none, and all, of the labels
    w = rng.integers(1, 4, 30).astype(float) if use_weight else np.ones(30)
    score = {name: metrics.METRICS.make(name).score(Y, A, w) for name in ("accuracy", "log_loss", "roc_auc")}
    right = [theirs.accuracy_score(Y[k], A[k] > 0.5, sample_weight=w) for k in range(K)]
    losses = [theirs.log_loss(Y[k], A[k], sample_weight=w) for k in range(K)]
    areas = theirs.roc_auc_score(Y.T, A.T, average="macro", sample_weight=w)
    assert score == pytest.approx(
        {"accuracy": np.mean(right), "log_loss": np.mean(losses), "roc_auc": areas}, rel=1e-12
    )


def test_r2_of_several_outputs_is_the_mean_over_them_and_not_a_matter_of_their_levels():
    rng = np.random.default_rng(0)
    Y, A, w = rng.normal(size=(3, 40)), rng.normal(size=(3, 40)), rng.uniform(0.5, 2.0, 40)
    level = np.array([[0.0], [1000.0], [-50.0]])
    expected = theirs.r2_score(Y.T, A.T, sample_weight=w)
    for shift in (0.0, level):
        assert metrics.METRICS.make("r2").score(Y + shift, A + shift, w) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("K", [1, 3])
def test_sure_predictions_count_as_scikit_learn_has_it_in_each_dtype(dtype, K):
    codes = np.array([0, 1, 1, 0])
    P = np.array([[1.0, 0.0, 1.0, 0.5], [0.0, 1.0, 0.0, 0.5], [0.0] * 4], dtype)
    Y = codes[None].astype(float) if K == 1 else np.eye(3)[:, codes]
    A = P[1:2] if K == 1 else P
    expected = theirs.log_loss(codes, P[:2].T if K == 1 else P.T, labels=range(2 if K == 1 else 3))
    found = metrics.METRICS.make("log_loss").score(Y, A, np.ones(4))
    assert found == pytest.approx(expected, rel=1e-6)
    assert metrics.log_loss(codes[:1], P[:, :1]) == pytest.approx(np.finfo(dtype).eps, rel=1e-6)


SUITS = {
    ("accuracy", "binary_cross_entropy"): True,
    ("log_loss", "half_squared_error_sigmoid"): True,
    ("roc_auc", "cross_entropy"): True,
    ("rmse", "huber"): True,
    ("mae", "quantile(0.9)"): True,
    ("r2", "gamma"): True,
    ("rmse", "quantiles(0.1, 0.5, 0.9)"): False,
    ("r2", "quantiles(0.1, 0.9)"): False,
    ("rmse", "cross_entropy"): False,
    ("accuracy", "half_squared_error"): False,
    ("log_loss", "poisson"): False,
}


@pytest.mark.parametrize(("name", "loss"), SUITS)
def test_a_metric_that_says_nothing_about_a_loss_is_refused_by_name(name, loss):
    row = LOSSES.make(loss, np)
    if SUITS[name, loss]:
        metrics.require_suits(name, row, link(row.link, np), loss)
        return
    with pytest.raises(RequestError, match=rf"monitor {name} .*loss {loss[:9]}.*watch a cost"):
        metrics.require_suits(name, row, link(row.link, np), loss)


@pytest.mark.parametrize("weight", [1e-200, 1e200])
def test_scores_do_not_depend_on_the_unit_of_the_weights(weight):
    codes, P, w = classes_and_probabilities(0, 3)
    y = codes + 0.5
    for score in (
        lambda w: metrics.roc_auc(codes == 1, P[1], w),
        lambda w: metrics.log_loss(codes, P, w),
        lambda w: metrics.r2(y, P[0], w),
        lambda w: metrics.root_mean_squared_error(1e150 * y, 1e150 * P[0], w),
    ):
        assert score(w * weight) == pytest.approx(score(w), rel=1e-12)


def test_a_loss_of_several_targets_that_belong_together_may_be_scored():
    row = replace(LOSSES.make("half_squared_error", np), elementwise=False)
    metrics.require_suits("rmse", row, link(row.link, np), "mine")
