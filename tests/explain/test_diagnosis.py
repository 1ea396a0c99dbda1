"""``diagnose``: each symptom alone in a network made to have it, and nothing in healthy ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from sklearn import datasets

from chainrule import (
    Diverged,
    History,
    MLPClassifier,
    MLPRegressor,
    Network,
    Parameters,
    Recipe,
    RequestError,
    fit,
    make_engine,
    train,
)
from chainrule.explain import diagnosis as module
from chainrule.explain.diagnosis import diagnose
from chainrule.explain.subject import Subject

EXAMPLES = Path(__file__).parents[2] / "examples"


def subject(network, theta, X, Y, history=None, recipe=None):
    inputs, outputs = ([f"{v}{k}" for k in range(size)] for v, size in (("x", network.n[0]), ("y", network.n[-1])))
    return Subject(network, theta, X, Y, inputs, outputs, history=history, recipe=recipe or {})


def fitted(X, Y, hidden, activation, loss="half_squared_error", validation=0, initializer="auto", **recipe):
    """A network trained on all but the last ``validation`` rows."""
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64).reshape(len(X), -1)
    network = Network((X.shape[1], *hidden, Y.shape[1]), activation, loss, initializer=initializer)
    recipe = Recipe(**recipe)
    engine = make_engine(network, recipe)
    m = len(X) - validation
    watched = engine.examples(X[m:], Y[m:]) if validation else None
    try:
        done = fit(engine, engine.examples(X[:m], Y[:m]), watched)
    except Diverged as error:
        done = error
    return subject(network, done.theta, X[:m], Y[:m], done.history, recipe.to_dict())


def standardised(X):
    X = X[:, X.std(axis=0) > 0.0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def shuffled(load):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], y[order]


def the_one(given):
    """The only finding, and its text names it."""
    found = diagnose(given, None)
    assert [finding.name for finding in found.findings] != []
    (finding,) = found.findings
    assert not found.ok
    assert finding.name in str(found).splitlines()[0]
    assert finding.name not in str(found).split("Looked for and not found")[1]
    return finding


# Healthy networks.


def iris():
    X, y = shuffled(datasets.load_iris)
    return fitted(standardised(X), np.eye(3)[y], (8,), "tanh", "cross_entropy", 30, learning_rate=0.01)


def wine():
    X, y = shuffled(datasets.load_wine)
    return fitted(standardised(X), np.eye(3)[y], (16, 8), "elu", "cross_entropy", learning_rate=0.005)


def breast_cancer():
    X, y = shuffled(datasets.load_breast_cancer)
    return fitted(standardised(X), y, (16,), "sigmoid", "binary_cross_entropy", 100, learning_rate=0.01)


def digits():
    X, y = shuffled(datasets.load_digits)
    X = X[:600, X[:600].max(axis=0) > 0.0] / 16.0
    return fitted(X, np.eye(10)[y[:600]], (32,), "relu", "cross_entropy", 100)


def diabetes():
    X, y = shuffled(datasets.load_diabetes)
    return fitted(standardised(X), standardised(y[:, None]), (8,), "silu", "huber", 100, learning_rate=0.003)


def moons():
    X, y = datasets.make_moons(600, noise=0.2, random_state=0)
    return fitted(standardised(X), y, (16, 16), "relu", "binary_cross_entropy", 150, learning_rate=0.01)


def deep_moons():
    X, y = datasets.make_moons(600, noise=0.2, random_state=3)
    return fitted(standardised(X), y, (16,) * 4, "tanh", "binary_cross_entropy", 150)


def waves():
    random = np.random.default_rng(0)
    X = random.uniform(-1.7, 1.7, (2500, 2))
    y = np.sin(2.0 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * random.normal(size=2500)
    return fitted(X, y, (32,), "tanh", learning_rate=0.003)


def counts():
    random = np.random.default_rng(1)
    X = random.normal(size=(800, 3))
    y = random.poisson(np.exp(0.5 * X[:, 0] - 0.3 * X[:, 1] + 0.2))
    return fitted(X, y, (8,), "softplus", "poisson", 200, learning_rate=0.005)


def planes():
    random = np.random.default_rng(2)
    X = random.normal(size=(300, 5))
    Y = X @ random.normal(size=(5, 2)) + 0.1 * random.normal(size=(300, 2))
    return fitted(X, Y, (), "relu", optimizer="lbfgs")


@pytest.mark.parametrize(
    "made", [iris, wine, breast_cancer, digits, diabetes, moons, deep_moons, waves, counts, planes]
)
def test_nothing_stands_out_in_a_healthy_network(made):
    found = diagnose(made(), None)
    assert found.ok, str(found)
    assert str(found).startswith("Nothing stands out (")


@pytest.mark.parametrize(
    ("file", "target", "options"),
    [
        ("penguins", "species", {}),
        ("penguins", "sex", {"activation": "leaky_relu"}),
        ("penguins", "body_mass_g", {"loss": "quantile(0.5)"}),
        ("auto_mpg", "mpg", {"drop": ["name"]}),
        ("auto_mpg", "mpg", {"drop": ["name"], "loss": "absolute_error", "activation": "tanh"}),
        ("breast_cancer", "diagnosis", {"activation": "gelu", "hidden": (32,)}),
    ],
)
def test_nothing_stands_out_in_a_healthy_model_of_a_table(file, target, options):
    given = pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=["", "NA"])
    table = pyarrow.csv.read_csv(EXAMPLES / f"{file}.csv", convert_options=given)
    table = table.filter(table.column(target).is_valid())
    found = diagnose(train(table, target, **options), table)
    assert found.ok, str(found)
    assert found.rows == (table.num_rows, table.num_rows)
    assert len(found.looked_for) + len(found.left_out) == len(module.SYMPTOMS)


# Networks that have something, each on these rows: 200 with three inputs, and a target that all of them tell about.


def rows(m=200, n=3):
    random = np.random.default_rng(7)
    X = random.normal(size=(m, n))
    return X, X.sum(axis=1, keepdims=True) + random.normal(size=(m, 1))


def by_hand(n=(3, 8, 1), activation="relu", loss="half_squared_error", given=None, change=None):
    """A network at its initial weights, changed by ``change(W, b)``."""
    network = Network(n, activation, loss, dtype="float64")
    theta = network.initial()
    p = Parameters(network, theta)
    if change is not None:
        change(p.W, p.b)
    return subject(network, theta, *(given or rows(n=n[0])))


def test_networks_by_hand_are_healthy_where_nothing_is_changed():
    assert diagnose(by_hand(), None).ok
    assert diagnose(by_hand(activation="tanh"), None).ok


def test_dead_relus():
    def change(W, b):
        b[1][[1, 4, 6]] = -100.0

    finding = the_one(by_hand(change=change))
    assert (finding.name, finding.layers, finding.units) == ("dead relus", (1,), {1: (1, 4, 6)})
    assert (finding.number, finding.threshold) == (3 / 8, 0.25)
    assert "dead relus: layer 1, units 1, 4, 6" in str(finding)


def test_relus_that_a_far_too_high_learning_rate_has_killed():
    X, Y = rows()
    given = fitted(X, Y, (20,), "relu", optimizer="gradient_descent", learning_rate=0.9, epochs=9, seed=4)
    A = np.maximum(
        given.X @ Parameters(given.network, given.theta).W[1].T + Parameters(given.network, given.theta).b[1].T, 0.0
    )
    dead = tuple(np.flatnonzero((A == 0.0).all(axis=0)).tolist())
    assert len(dead) >= 5
    assert next(f for f in diagnose(given, None).findings if f.name == "dead relus").units == {1: dead}


def test_one_dead_unit_of_many_is_no_finding():
    def change(W, b):
        b[1][3] = -100.0

    assert diagnose(by_hand(change=change), None).ok


@pytest.mark.parametrize(
    ("activation", "bias"), [("tanh", 30.0), ("tanh", -30.0), ("sigmoid", 30.0), ("sigmoid", -900.0)]
)
def test_saturated_units(activation, bias):
    def change(W, b):
        b[2][[0, 2]] = bias

    finding = the_one(by_hand((3, 8, 4, 1), activation, change=change))
    assert (finding.name, finding.layers, finding.units) == ("saturated units", (2,), {2: (0, 2)})


def test_vanishing_layers():
    def change(W, b):
        W[1] *= 100.0
        for l in range(2, 6):
            W[l] *= 0.1

    finding = the_one(by_hand((3, *(16,) * 4, 1), "relu", change=change))
    assert (finding.name, finding.layers) == ("vanishing layers", (1, 2))
    assert finding.number < finding.threshold == 1e-3


def test_layers_that_vanish_in_a_deep_network_of_sigmoids():
    X, Y = rows()
    given = fitted(X, Y, (8,) * 8, "sigmoid", optimizer="gradient_descent", epochs=30)
    finding = next(finding for finding in diagnose(given, None).findings if finding.name == "vanishing layers")
    assert finding.layers[0] == 1
    assert finding.layers[-1] < 8


def test_a_cost_that_hardly_moves_for_want_of_anything_to_learn_is_no_matter_of_the_rate():
    X, _ = rows(1000)
    Y = np.random.default_rng(0).normal(size=(1000, 1))
    assert diagnose(fitted(X, Y, (), "relu", learning_rate=0.01, batch_size=1, epochs=30), None).ok


def test_exploding_layers():
    finding = the_one(
        by_hand((3, *(16,) * 4, 1), "relu", change=lambda W, b: [W[l].__imul__(20.0) for l in range(1, 5)])
    )
    assert finding.name == "exploding layers"
    assert 1 in finding.layers
    assert finding.number > finding.threshold == 1e3


@pytest.mark.parametrize(
    ("change", "threshold"),
    [
        (lambda x: 500.0 * x, 10.0),
        (lambda x: x / 500.0, 0.01),
        (lambda x: 0.1 * x + 2.0, 10.0),
        (lambda x: x + 40.0, 10.0),
    ],
)
def test_unscaled_input(change, threshold):
    X, Y = rows()
    X[:, 1] = change(X[:, 1])
    finding = the_one(by_hand(given=(X, Y), activation="identity"))
    assert (finding.name, finding.columns, finding.threshold) == ("unscaled input", ("x1",), threshold)


def test_beside_a_large_column_the_usual_ones_are_not_small():
    X, Y = rows(n=2)
    finding = the_one(by_hand((2, 8, 1), given=(X * [5000.0, 1.0], Y), activation="identity"))
    assert (finding.columns, finding.threshold) == (("x0",), 10.0)


def test_one_column_far_larger_than_the_others_though_not_large_in_itself():
    X, Y = rows()
    finding = the_one(by_hand(given=(X * [0.01, 0.01, 1.0], Y), activation="identity"))
    assert (finding.name, finding.columns) == ("unscaled input", ("x2",))


def test_marks_of_rare_levels_are_scaled():
    X, Y = rows()
    X[:, 0], X[:, 1] = np.arange(200) < 2, np.arange(200) < 198
    assert diagnose(by_hand(given=(X, Y), activation="identity"), None).ok


def test_constant_inputs():
    X, Y = rows()
    X[:, 0] = 3.0
    finding = the_one(by_hand(given=(X, Y)))
    assert (finding.name, finding.columns) == ("constant inputs", ("x0",))


def test_duplicate_inputs():
    X, Y = rows(n=6)
    X[:, 4], X[:, 5], X[:, 2] = X[:, 1], 3.0 * X[:, 1] + 2.0, -X[:, 0]
    finding = the_one(by_hand((6, 8, 1), given=(X, Y)))
    assert (finding.name, finding.columns, finding.number) == ("duplicate inputs", ("x1", "x4", "x5"), 2.0)
    assert "x1 = x4 = x5" in str(finding)


@pytest.mark.parametrize("copy", [lambda y: y, lambda y: np.exp(y / 3.0), lambda y: y * y * np.sign(y)])
def test_a_feature_that_gives_a_number_away(copy):
    X, Y = rows(400)
    X[:, 2] = standardised(copy(Y))[:, 0]
    finding = the_one(fitted(X, standardised(Y), (8,), "tanh", learning_rate=0.01))
    assert (finding.name, finding.columns) == ("target leakage", ("x2",))
    assert finding.number > 0.98


def test_a_feature_that_gives_the_class_away():
    random = np.random.default_rng(1)
    species = random.integers(0, 3, 300)
    table = {
        "length": species + 2.0 * random.normal(size=300),
        "ring": np.array(["red", "green", "blue"])[species],
        "species": np.array(["a", "b", "c"])[species],
    }
    found = diagnose(train(table, "species", hidden=(8,)), table)
    assert [finding.name for finding in found.findings] == ["target leakage"]
    assert found.findings[0].columns == ("ring=blue", "ring=green", "ring=red")


def collapsed():
    random = np.random.default_rng(3)
    return random.normal(size=(300, 3)), (np.arange(300) % 5 == 0).astype(float)[:, None]


def test_a_network_that_hides_behind_the_majority():
    X, y = collapsed()
    finding = the_one(
        by_hand((3, 1), loss="binary_cross_entropy", given=(X, y), change=lambda W, b: b[1].__isub__(9.0))
    )
    assert (finding.name, finding.columns, finding.number) == ("class imbalance", ("y0",), 1.0)


def test_classes_of_very_different_shares():
    X, _ = rows(900)
    Y = np.eye(3)[np.where(np.arange(900) % 50 == 0, 2, np.arange(900) % 2)]
    finding = the_one(by_hand((3, 3), loss="cross_entropy", given=(X, Y)))
    assert finding.name == "class imbalance"
    assert (finding.columns, finding.number) == (("y1",), 450 / 18)


def test_constant_outputs():
    X, y = rows()
    finding = the_one(by_hand((3, 8, 2), given=(X, np.hstack([y, -y])), change=lambda W, b: W[2][1].fill(0.0)))
    assert (finding.name, finding.units, finding.columns) == ("constant outputs", {2: (1,)}, ("y1",))


def test_training_that_diverged():
    X, Y = rows()
    given = fitted(X, Y, (), "relu", optimizer="gradient_descent", learning_rate=4.0, patience=None)
    assert given.history.stopped.startswith("diverged")
    assert (finding := the_one(given)).name == "learning rate too high"
    assert "diverged in epoch" in finding.meaning
    assert diagnose(replace(given, recipe={"optimizer": "lbfgs"}), None).ok


def test_a_cost_that_climbs():
    X, Y = rows()
    given = fitted(X, Y, (), "relu", optimizer="gradient_descent", learning_rate=2.2, epochs=20)
    assert given.history.stopped == "all epochs done"
    finding = the_one(given)
    assert finding.name == "learning rate too high"
    assert finding.number > finding.threshold > given.history.training_cost[0]


def test_a_cost_that_jumps():
    X, y = datasets.make_moons(300, noise=0.2, random_state=0)
    given = fitted(
        standardised(X), y, (8,), "identity", "binary_cross_entropy", learning_rate=1.0, batch_size=10, epochs=60
    )
    finding = the_one(given)
    assert (finding.name, finding.threshold) == ("learning rate too high", 0.1)


def test_a_cost_that_hardly_moved():
    X, y = shuffled(datasets.load_iris)
    finding = the_one(fitted(standardised(X), np.eye(3)[y], (8,), "tanh", "cross_entropy", learning_rate=1e-6))
    assert finding.name == "learning rate too low"
    assert 0.0 < finding.number < finding.threshold == 0.05


def test_a_cost_that_still_fell_when_the_epochs_were_over():
    X, y = shuffled(datasets.load_iris)
    given = fitted(standardised(X), np.eye(3)[y], (8,), "tanh", "cross_entropy", learning_rate=0.001, epochs=80)
    finding = the_one(given)
    assert finding.name == "learning rate too low"
    assert finding.number == pytest.approx(0.2, abs=0.06)
    assert "still falling" in finding.meaning


def few_rows(noise, monitor):
    random = np.random.default_rng(0)
    X = random.normal(size=(140, 20))
    y = (X[:, 0] + noise * random.normal(size=140) > 0.0).astype(float)
    return fitted(X, y, (64,), "tanh", "binary_cross_entropy", 70, monitor=monitor, patience=None, learning_rate=0.01)


@pytest.mark.parametrize(
    ("noise", "monitor"), [(0.5, "training_cost"), (2.0, "training_cost"), (2.0, "validation_cost")]
)
def test_overfitting(noise, monitor):
    given = few_rows(noise, monitor)
    finding = the_one(given)
    best = int(np.argmin(given.history.validation_cost)) + 1
    kept = monitor == "validation_cost"
    assert (finding.name, finding.threshold) == ("overfitting", 1.0 if kept else 0.2)
    assert finding.number > finding.threshold
    assert f"After epoch {best} " in finding.meaning
    assert ("were kept" in finding.meaning) == kept
    assert ("watch the validation cost" in finding.advice) != kept


def test_a_rise_that_early_stopping_has_dealt_with_is_no_finding():
    assert diagnose(few_rows(0.5, "validation_cost"), None).ok


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda s: replace(s, X=np.where(np.arange(3) == 1, np.nan, s.X)), "X[0,1] is nan"),
        (lambda s: replace(s, Y=s.Y - np.inf), "Y[0,0] is -inf"),
        (lambda s: replace(s, theta=np.where(np.arange(41) == 5, np.inf, s.theta)), "theta[5] is inf"),
        (lambda s: replace(s, theta=s.theta * 1e200), "Z[2][0,0] is "),
    ],
)
def test_numbers_that_are_not_finite(change, place):
    found = diagnose(change(by_hand()), None)
    (finding,) = found.findings
    assert finding.name == "numbers that are not finite"
    assert place in finding.measure
    assert found.left_out["dead relus"] == "numbers that are not finite"


# What surrounds the symptoms.


def test_what_cannot_be_looked_for_is_said():
    found = diagnose(by_hand((3, 1)), None)
    assert found.ok
    assert found.left_out["overfitting"] == found.left_out["learning rate too low"] == "no curves of its training"
    assert found.left_out["dead relus"] == "no hidden layer"
    assert found.left_out["class imbalance"] == "the target is not one class a row"
    assert "overfitting (no curves of its training)" in str(found)
    few = diagnose(by_hand(given=rows(19)), None)
    assert few.ok
    assert few.left_out["constant inputs"] == "fewer than 20 rows"


def test_only_so_many_rows_are_traced_and_all_are_looked_at():
    X, Y = rows(3000)
    X[:, 0] = np.arange(3000) == 2999
    found = diagnose(by_hand(given=(X, Y), activation="identity"), None)
    assert found.rows == (3000, 2000)
    assert found.ok, str(found)
    assert "(3000 rows, 2000 of them traced)" in str(found)


def test_several_findings_come_in_the_order_of_the_table():
    X, Y = rows()
    X[:, 0] = 1.0
    given = by_hand(given=(X, Y), change=lambda W, b: b[1].fill(-100.0))
    found = diagnose(replace(given, history=History(stopped="diverged in epoch 1")), None)
    names = [finding.name for finding in found.findings]
    assert names == ["constant inputs", "dead relus", "constant outputs", "learning rate too high"]
    assert [str(finding).splitlines()[0] for finding in found.findings] == [
        "constant inputs: column x0",
        "dead relus: layer 1, units 0, 1, 2, 3, 4, 5, 6, 7",
        "constant outputs: layer 2, unit 0; column y0",
        "learning rate too high",
    ]


def test_every_symptom_has_a_network_above():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [symptom.name for symptom in module.SYMPTOMS if f'"{symptom.name}"' not in text] == []


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:lbfgs failed")
def test_fitted_estimators():
    X, y = shuffled(datasets.load_iris)
    X = standardised(X)
    model = MLPClassifier((8,), random_state=0, max_iter=2000, learning_rate_init=0.01).fit(X, y)
    assert diagnose(model, X, y).ok
    (finding,) = diagnose(model, X + np.array([0.0, 0.0, 50.0, 0.0]), y).findings[:1]
    assert (finding.name, len(finding.columns)) == ("unscaled input", 1)
    numbers = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(X[:, :3], X[:, 3])
    found = diagnose(numbers, X[:, :3], X[:, 3])
    assert found.ok, str(found)
    assert found.left_out["learning rate too low"] == "its optimizer has no learning rate"


def test_targets_are_needed(small):
    with pytest.raises(RequestError, match="targets"):
        diagnose(small, {"x": [1.0] * 30})
    assert diagnose(small, {"x": [0.5, 4.0] * 20}, ["a", "b"] * 20).rows == (40, 40)
