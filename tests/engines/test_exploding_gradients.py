"""A gradient too long for its squares is clipped like any other; a monitor that is not defined is said."""

import numpy as np
import pytest

from chainrule import Diverged, Network, Recipe, RequestError, fit, make_engine, train
from chainrule.formulas.metrics import mean_roc_auc
from chainrule.formulas.optimizers import clipped


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e3, 1e20, 1e37])
def test_clipped_has_the_length_asked_and_the_same_direction(dtype, scale):
    dtheta = (np.array([3.0, -4.0, 0.0]) * scale).astype(dtype)
    expected = np.array([0.6, -0.8, 0.0]) * min(1.0, 5.0 * scale)
    np.testing.assert_allclose(clipped(np, dtheta, 1.0), expected, rtol=1e-6)


def test_zero_stays_zero_when_clipped():
    assert clipped(np, np.zeros(3), 1.0).tolist() == [0.0, 0.0, 0.0]


def test_classes_without_an_example_have_no_part_in_the_mean_roc_auc():
    P = np.array([[0.7, 0.2, 0.6, 0.1], [0.2, 0.7, 0.3, 0.8], [0.1, 0.1, 0.1, 0.1]])
    assert mean_roc_auc(np.array([0, 1, 1, 0]), P) == mean_roc_auc(np.array([0, 1, 1, 0]), P[:2] / P[:2].sum(axis=0))
    assert np.isnan(mean_roc_auc(np.array([0, 0, 0, 0]), P))


def test_a_metric_that_is_not_defined_is_an_error_and_not_a_stall():
    engine = make_engine(Network((1, 1), loss="binary_cross_entropy"), Recipe(monitor="roc_auc"))
    training = engine.examples([[0.0], [1.0]], [[0.0], [1.0]])
    with pytest.raises(RequestError, match=r"roc_auc is not defined.*one class alone"):
        fit(engine, training, engine.examples([[0.0], [1.0]], [[1.0], [1.0]]))


def test_validation_rows_that_do_not_count_are_an_error():
    engine = make_engine(Network((1, 1)), Recipe())
    rows = [[0.0], [1.0]]
    with pytest.raises(RequestError, match="every validation row has weight 0"):
        fit(engine, engine.examples(rows, rows), engine.examples(rows, rows, [0.0, 0.0]))


TABLE = {"x": [0.1 * x * x for x in range(40)], "y": [0.5 * x + 0.25 for x in range(40)]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "lbfgs", "clip_norm": 1.0}, "lbfgs.*does not use clip_norm"),
        ({"optimizer": "lbfgs", "learning_rate": 0.1, "schedule": "cosine"}, "does not use learning_rate, schedule"),
        ({"schedule": "inverse_scaling(-1)"}, "power is at least 0"),
        ({"schedule": "adaptive(least=-1)"}, "least is above 0"),
        ({"functions": {"relu": lambda xp: None}}, "'relu' is already the name of a.* activation"),
        ({"hiden": 3}, "did you mean 'hidden'"),
        ({"optimizer": "sgd"}, "here it is called 'gradient_descent'"),
        ({"activation": "ReLU"}, "did you mean 'relu'"),
    ],
)
def test_what_would_be_ignored_or_misread_is_refused(options, message):
    with pytest.raises(RequestError, match=message):
        train(TABLE, "y", **options)


def test_numbers_from_numpy_are_numbers():
    options = {"l2": np.float64(0.1), "dropout": np.float32(0.1), "momentum": np.float64(0.9), "hidden": np.int64(4)}
    assert len(train(TABLE, "y", epochs=np.int64(1), **options).history) == 1


def test_the_row_with_a_missing_group_is_named_as_the_table_counts():
    table = TABLE | {"y": [None, None, *TABLE["y"][2:]], "g": [1] * 30 + [None] + [2] * 9}
    with pytest.raises(RequestError, match="group column 'g' is missing in row 31 "):
        train(table, "y", group="g")


@pytest.mark.parametrize(
    ("monitor", "loss"),
    [("rmse", "binary_cross_entropy"), ("accuracy", "half_squared_error"), ("r2", "quantiles(0.1, 0.9)")],
)
def test_a_monitor_that_does_not_suit_the_loss_is_refused_before_training(monitor, loss):
    outputs = 2 if "quantiles" in loss else 1
    engine = make_engine(Network((1, outputs), loss=loss), Recipe(monitor=monitor))
    seen = []
    with pytest.raises(RequestError, match=f"monitor {monitor}"):
        fit(engine, engine.examples([[0.0], [1.0]], [[0.0] * outputs, [1.0] * outputs]), callbacks=[Seeing(seen)])
    assert seen == []


class Seeing:
    def __init__(self, seen):
        self.seen = seen

    def on_epoch_end(self, history, parameters):
        self.seen.append(len(history))


def test_the_accuracy_of_labels_is_what_training_stops_on():
    """K sigmoids of which all may be right at once: the largest output says nothing about the others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    Y = np.stack([X[:, 0] > 0, X[:, 0] > -0.5, X[:, 1] > 0], axis=1).astype(float)
    recipe = Recipe("adam", learning_rate=0.1, epochs=30, monitor="accuracy", patience=None)
    engine = make_engine(Network((2, 3), loss="binary_cross_entropy", dtype="float64"), recipe)
    done = fit(engine, engine.examples(X, Y))
    assert max(done.history.score) == np.mean((engine.predict(done.theta, X) > 0.5) == (Y > 0.5)) > 0.95


@pytest.mark.parametrize(
    ("monitor", "loss", "rate"),
    [
        ("accuracy", "binary_cross_entropy", 5.0),
        ("log_loss", "binary_cross_entropy", 5.0),
        ("rmse", "half_squared_error", 3.0),
    ],
)
def test_a_metric_survives_a_run_that_explodes(monitor, loss, rate):
    """An epoch whose predictions are not finite has no score; what remains of the run is its best epoch."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    Y = X[:, :1] if loss == "half_squared_error" else (X[:, :1] > 0).astype(float)
    recipe = Recipe("gradient_descent", learning_rate=rate, epochs=200, batch_size=100, monitor=monitor, patience=None)
    engine = make_engine(Network((2, 4, 4, 1), activation="identity", loss=loss), recipe)
    with pytest.raises(Diverged) as stopped:
        fit(engine, engine.examples(X, Y))
    history = stopped.value.history
    assert np.isnan(history.score[-1])
    assert stopped.value.epochs == history.best_epoch
    assert np.isfinite(engine.predict(stopped.value.theta, X)).all()
