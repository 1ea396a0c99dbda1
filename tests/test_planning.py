"""``plan``: what is decided from a table and hyperparameters, and how much each row counts."""

import subprocess
import sys

import numpy as np
import pandas
import pyarrow as pa
import pytest
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from chainrule import RequestError, make_engine, plan, train

ROWS = 60
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, ROWS)).round(3)
TABLE = {
    "a": A,
    "b": B,
    "site": [["x", "y", "z"][i % 3] for i in range(ROWS)],
    "w": [i % 4 for i in range(ROWS)],
    "label": ["high" if a > 0.5 else "middle" if a > -0.2 else "low" for a in A],
    "amount": 3.0 * A - B,
}
NO_SPLIT = {"validation_fraction": 0.0, "test_fraction": 0.0}
FULL_BATCH = {"batch_size": ROWS, "dtype": "float64", "hidden": (4,), "epochs": 3, "seed": 5}


def encoded(planned, rows):
    return planned.encoder.transform(planned.table, rows), planned.outputs.encode(planned.target, planned.values[rows])


@pytest.mark.parametrize(
    ("table", "target", "n", "loss"),
    [
        (TABLE, "label", (7, 64, 32, 3), "cross_entropy(smoothing=0)"),
        (TABLE, "amount", (9, 64, 32, 1), "half_squared_error"),
        (TABLE | {"label": [x == "high" for x in TABLE["label"]]}, "label", (7, 64, 32, 1), "binary_cross_entropy"),
    ],
)
def test_the_target_decides_outputs_and_loss(table, target, n, loss):
    planned = plan(table, target)
    assert planned.network.n == n
    assert planned.network.loss.startswith(loss)


@pytest.mark.parametrize("form", [pandas.DataFrame, pa.table, dict])
def test_every_form_of_table_gives_the_same_theta(form):
    reference = train(TABLE, "label", epochs=2, hidden=(3,))
    assert train(form(TABLE), "label", epochs=2, hidden=(3,)).theta.tobytes() == reference.theta.tobytes()


def test_the_same_seed_gives_the_same_theta_and_another_seed_another():
    theta = [train(TABLE, "label", epochs=3, hidden=(4,), dropout=0.2, seed=seed).theta for seed in (1, 1, 2)]
    assert theta[0].tobytes() == theta[1].tobytes()
    assert theta[0].tobytes() != theta[2].tobytes()


@pytest.mark.parametrize("target", ["label", "amount"])
def test_every_row_is_in_one_part_and_classes_keep_their_shares(target):
    planned = plan(TABLE, target)
    split = planned.split
    assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(ROWS))
    assert (len(split.validation), len(split.test)) == (9, 12)
    if target == "label":
        shares = np.bincount(planned.values[split.train]) / len(split.train)
        np.testing.assert_allclose(shares, np.bincount(planned.values) / ROWS, atol=2 / len(split.train))


def test_only_training_rows_teach_the_scaling():
    planned = plan(TABLE, "label")
    X = planned.encoder.transform(planned.table, planned.split.train)
    a = planned.encoder.feature_names.index("a")
    assert X[:, a].mean() == pytest.approx(0.0, abs=1e-12)
    assert X[:, a].std() == pytest.approx(1.0)


def test_balanced_weights_are_those_of_scikit_learn():
    planned = plan(TABLE, "label", class_weight="balanced")
    train_labels = [TABLE["label"][i] for i in planned.split.train]
    by_class = compute_class_weight("balanced", classes=np.array(planned.target.classes), y=np.array(train_labels))
    counts = np.bincount(planned.values[planned.split.train])
    np.testing.assert_allclose(by_class, len(train_labels) / (3 * counts))  # m / (K m_k)
    np.testing.assert_allclose(planned.weight, by_class[planned.values])
    np.testing.assert_allclose(planned.weight[planned.split.train], compute_sample_weight("balanced", train_labels))


def test_weights_of_classes_and_rows_multiply():
    planned = plan(TABLE, "label", class_weight={"high": 3.0, "low": 0.5}, weight="w")
    of = {"high": 3.0, "low": 0.5, "middle": 1.0}
    np.testing.assert_allclose(planned.weight, [w * of[x] for w, x in zip(TABLE["w"], TABLE["label"], strict=True)])


@pytest.mark.parametrize("target", ["label", "amount"])
def test_integer_weights_are_repeated_rows(target):
    """J and its gradient are the same to rounding: rows with weight w, and the rows w times."""
    planned = plan(TABLE, target, weight="w", l2=0.0, **NO_SPLIT, **FULL_BATCH)
    engine = make_engine(planned.network, planned.recipe)
    X, Y = encoded(planned, np.arange(ROWS))
    theta = engine.start().theta
    J, dtheta = engine.gradient(theta, engine.examples(X, Y, planned.weight))
    times = np.array(TABLE["w"])
    J_again, dtheta_again = engine.gradient(theta, engine.examples(X.repeat(times, axis=0), Y.repeat(times, axis=0)))
    assert pytest.approx(J_again, rel=1e-12) == J
    np.testing.assert_allclose(dtheta, dtheta_again, rtol=1e-10, atol=1e-14)
    J_without, _ = engine.gradient(theta, engine.examples(X, Y))
    assert pytest.approx(J_without, rel=1e-3) != J


def test_the_weight_column_is_what_training_weighs_by():
    """A full batch of one epoch: the cost that training notes is the weighted cost at the initial parameters."""
    planned = plan(TABLE, "label", weight="w", **NO_SPLIT, **FULL_BATCH)
    engine = make_engine(planned.network, planned.recipe)
    J, _ = engine.gradient(engine.start().theta, engine.examples(*encoded(planned, np.arange(ROWS)), planned.weight))
    assert planned.train().history.training_cost[0] == pytest.approx(J, rel=1e-12)


@pytest.mark.parametrize(("task", "loss"), [("regression", "half_squared_error"), ("classification", "cross_entropy")])
def test_rows_without_target_take_no_part(task, loss):
    target = {"regression": "amount", "classification": "label"}[task]
    gaps = {3, 17, 41}
    table = TABLE | {target: [None if i in gaps else v for i, v in enumerate(TABLE[target])]}
    planned = plan(table, target, loss=loss)
    assert planned.dropped == 3
    used = np.concatenate([planned.split.train, planned.split.validation, planned.split.test])
    assert sorted(used) == sorted(set(range(ROWS)) - gaps)


def test_momentum_sets_the_number_of_the_optimizer_that_has_one():
    assert plan(TABLE, "label", momentum=0.7).recipe.optimizer == "momentum(beta=0.7)"
    assert plan(TABLE, "label", momentum=0.7, optimizer="nesterov").recipe.optimizer == "nesterov(beta=0.7)"
    assert plan(TABLE, "label").recipe.optimizer.startswith("adam(")


# what cannot be right is said by plan, before anything is trained
REFUSED = [
    ({"target": "labl"}, "did you mean 'label'"),
    ({"drop": ["sit"]}, "did you mean 'site'"),
    ({"drop": ["label"]}, "target"),
    ({"hidden": (4, 0)}, "hidden"),
    ({"hidden": (1.5,)}, "hidden"),
    ({"hidden": (True,)}, "hidden"),
    ({"activation": ("relu", "relu", "relu")}, "2 hidden layers"),
    ({"activation": "rleu"}, "did you mean 'relu'"),
    ({"loss": "crossentropy"}, "did you mean 'cross_entropy'"),
    ({"optimizer": "adm"}, "did you mean 'adam'"),
    ({"schedule": "cosin"}, "did you mean 'cosine'"),
    ({"initializer": "he_norml"}, "did you mean 'he_normal'"),
    ({"monitor": "rmse"}, "rmse"),
    ({"monitor": "validation_cost", "validation_fraction": 0.0}, "validation"),
    ({"optimizer": "lbfgs", "dropout": 0.5}, "dropout"),
    ({"loss": "huber"}, "regression"),
    ({"target": "amount", "loss": "cross_entropy"}, "classification"),
    ({"target": "amount", "class_weight": "balanced"}, "classification"),
    ({"class_weight": {"hgih": 2.0}}, "'hgih'"),
    ({"class_weight": {"high": -2.0}}, "nonnegative"),
    ({"class_weight": {"high": float("inf")}}, "class_weight"),
    ({"weight": "a"}, "they must be nonnegative"),
    ({"weight": "site"}, "'x' in row 1"),
    ({"l2": float("inf")}, "l2"),
    ({"l1": float("nan")}, "l1"),
    ({"threads": 1.5}, "threads"),
    ({"group": "label"}, "target"),
]


@pytest.mark.parametrize(("options", "piece"), REFUSED)
def test_what_cannot_be_right_is_refused_before_training(options, piece):
    with pytest.raises(RequestError, match=piece):
        plan(TABLE, **({"target": "label"} | options))


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(RequestError, match="weight 0"):
        train(TABLE | {"w": [0] * ROWS}, "label", weight="w", epochs=1)


def test_callbacks_look_on_and_can_stop():
    class Third:
        def on_epoch_end(self, history, parameters):
            assert parameters.W[1].shape == (4, 7)
            return len(history) == 3

    model = train(TABLE, "label", hidden=(4,), callbacks=[Third()])
    assert len(model.history) == 3
    assert model.history.stopped == "a callback stopped it"


def test_plan_stays_the_function_whatever_was_asked_for_before():
    program = "import chainrule; chainrule.train; import chainrule.cli.main; assert callable(chainrule.plan)"
    subprocess.run([sys.executable, "-c", program], check=True)
