"""A fitted estimator as a Model: the same answers, in a file without pickle, from the command line."""

import json

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import NotFittedError

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.cli.main import main
from chainrule.data import Encoder
from chainrule.data.numeric_features import NumericFeatures, Scale
from chainrule.errors import RequestError
from chainrule.explain import check_gradients

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3))
NAMES = ["mass", "length", "depth"]
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
THREE = np.array(["Gentoo", "Adelie", "Chinstrap"])[np.digitize(X[:, 0], [-0.5, 0.5])]
TASKS = {
    "two classes": (MLPClassifier, np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)], {}),
    "three classes": (MLPClassifier, THREE, {}),
    "classes under a sigmoid each": (MLPClassifier, THREE, {"loss": "binary_cross_entropy"}),
    "numbers": (MLPRegressor, X[:, 0] * X[:, 1], {"activation": "tanh"}),
    "counts": (MLPRegressor, RNG.poisson(1.5, size=60), {"loss": "poisson", "solver": "lbfgs"}),
    "no hidden layer": (MLPRegressor, X[:, 0], {"hidden_layer_sizes": ()}),
}


def fitted(task, rows=X):
    kind, y, more = TASKS[task]
    return kind(**SMALL | more).fit(rows, y)


def columns(rows=X, names=NAMES):
    return dict(zip(names, rows.T, strict=True))


def frame_with_categories(gaps):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(columns())
    frame["island"] = np.array(["Biscoe", "Dream"])[np.random.default_rng(6).integers(2, size=60)]
    frame["seen"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(60), unit="D")
    frame["adult"] = X[:, 2] > 0
    if gaps:
        frame.loc[3, "mass"] = np.nan
    return frame


# The same answers


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_model_gives_what_the_estimator_gives(task, dtype, tmp_path):
    rows = X.astype(dtype)
    estimator = fitted(task, rows)
    made = estimator.to_model("what", columns=NAMES)
    made.save(tmp_path / "it.model")
    for model in (made, chainrule.load(tmp_path / "it.model")):
        assert np.array_equal(model.predict(columns(rows)), estimator.predict(rows))
        assert model.network.dtype == np.dtype(dtype).name
        if task == "classes under a sigmoid each":
            P = estimator.predict_proba(rows)
            assert model.predict_proba(columns(rows)) == pytest.approx(P / P.sum(axis=1, keepdims=True), abs=1e-6)
        elif hasattr(estimator, "classes_"):
            within = 1e-6 if dtype == np.float32 else 1e-15
            assert np.abs(model.predict_proba(columns(rows)) - estimator.predict_proba(rows)).max() < within
            assert list(model.target.classes) == estimator.classes_.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_data_frame_of_numbers_keeps_its_names(dtype):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X.astype(dtype), columns=NAMES)
    estimator = MLPClassifier(**SMALL).fit(frame, THREE)
    model = estimator.to_model("species")
    turned = frame[NAMES[::-1]].assign(more="text")
    assert np.array_equal(model.predict(turned), estimator.predict(frame))
    assert model.encoder.columns == NAMES
    assert "predicted_species" in model.predictions(frame)


@pytest.mark.parametrize("gaps", [False, True])
def test_a_data_frame_with_categories_passes_through_the_encoder_it_had(gaps, tmp_path):
    frame = frame_with_categories(gaps)
    estimator = MLPRegressor(**SMALL).fit(frame, X[:, 0])
    estimator.save(tmp_path / "it.model", target="growth")
    model = chainrule.load(tmp_path / "it.model")
    assert np.array_equal(model.predict(frame), estimator.predict(frame))
    new = frame.assign(island="Torgersen", mass=np.nan)  # the estimator fills gaps, and so does the Model
    assert np.array_equal(model.predict(new), estimator.predict(new))


def test_columns_of_an_encoder_can_be_given_other_names():
    array = np.column_stack([X, np.random.default_rng(7).integers(3, size=60)])
    estimator = MLPRegressor(**SMALL, categorical_features=[3]).fit(array, X[:, 0])
    assert estimator.to_model().encoder.columns == ["x0", "x1", "x2", "x3"]
    model = estimator.to_model("y", columns=[*NAMES, "island"])
    assert np.array_equal(model.predict(columns(array, [*NAMES, "island"])), estimator.predict(array))


def test_columns_that_no_feature_uses_have_their_names_too():
    frame = frame_with_categories(gaps=True).assign(empty=np.nan, rare=[1.0] + [np.nan] * 59)
    estimator = MLPRegressor(**SMALL | {"random_state": 2}, early_stopping=True, validation_fraction=0.5)
    estimator.fit(frame, X[:, 0])
    assert estimator._encoder.left_out == ("rare",)  # its only value is in a row that was held out
    model = estimator.to_model(columns=[f"my {name}" for name in frame.columns])
    assert model.encoder.left_out == ("my rare",)
    assert np.array_equal(model.predict(frame.add_prefix("my ")), estimator.predict(frame))


def test_columns_of_an_array_are_called_by_their_numbers():
    estimator = fitted("numbers")
    assert np.array_equal(estimator.to_model().predict(columns(names=["x0", "x1", "x2"])), estimator.predict(X))


@pytest.mark.parametrize(
    ("labels", "value_type"),
    [
        (np.array(["a", "b", "c"]), "text"),
        (np.array(["a", "b", "c"], object), "text"),
        (np.array([False, True, True]), "boolean"),
        (np.array([1, 2, 5], np.int8), "integer"),
        (np.array([1.0, 2.0, 5.0], np.float32), "number"),
    ],
    ids=str,
)
def test_classes_of_every_kind(labels, value_type, tmp_path):
    y = labels[np.digitize(X[:, 0], [-0.5, 0.5])]
    estimator = MLPClassifier(**SMALL).fit(X, y)
    estimator.save(tmp_path / "it.model", columns=NAMES, y=y)
    model = chainrule.load(tmp_path / "it.model")
    assert model.target.value_type == value_type
    assert {type(label) for label in model.target.classes} <= {str, bool, int, float}
    assert np.array_equal(model.predict(columns()), estimator.predict(X))
    report = model.evaluate(columns() | {"y": y.tolist()})
    assert report.scores["accuracy"] == pytest.approx(estimator.score(X, y), abs=1e-12)


def test_estimators_from_elsewhere_become_models():
    one = theirs.MLPClassifier(**SMALL).fit(X, THREE)
    model = MLPClassifier.from_sklearn(one).to_model("species", columns=NAMES)
    assert np.array_equal(model.predict(columns()), one.predict(X))
    rng = np.random.default_rng(8)
    weights = [rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 2))]
    other = MLPClassifier.from_weights(weights, layout="keras", classes=["x", "y"])
    assert np.array_equal(other.to_model("z").predict(columns(names=["x0", "x1", "x2"])), other.predict(X))


def test_functions_of_ones_own_go_by_name(tmp_path):
    def cube(xp):
        from chainrule.formulas.activations import Activation

        return Activation(lambda Z: Z * Z * Z, lambda Z, A: 3.0 * Z * Z, "z^3", "no one", initializer="lecun_normal")

    estimator = MLPRegressor(**SMALL | {"activation": cube}).fit(X, X[:, 0])
    estimator.save(tmp_path / "it.model", columns=NAMES)
    with pytest.raises(RequestError, match="cube"):
        chainrule.load(tmp_path / "it.model")
    model = chainrule.load(tmp_path / "it.model", functions={"cube": cube})
    assert np.array_equal(model.predict(columns()), estimator.predict(X))


# What is remembered


def test_recipe_history_and_copies():
    estimator = MLPRegressor(
        hidden_layer_sizes=(np.int64(6),), batch_size=np.int64(16), learning_rate_init=np.float64(0.02), max_iter=4
    ).fit(X, X[:, 0])
    model = estimator.to_model(columns=NAMES)
    json.dumps([model.recipe.to_dict(), model.network.to_dict()])
    assert (model.recipe.batch_size, model.recipe.learning_rate, model.recipe.epochs) == (16, 0.02, 4)
    assert model.history.training_cost == estimator.loss_curve_
    before = model.predict(columns())
    estimator.partial_fit(X, X[:, 0])
    assert np.array_equal(model.predict(columns()), before)
    assert len(MLPRegressor().partial_fit(X, X[:, 0]).to_model().history) == 0


def test_the_baseline_is_known_where_y_is_given():
    y = THREE
    estimator = MLPClassifier(**SMALL).fit(X, y)
    table = columns() | {"species": y.tolist()}
    shares = [float((y == label).mean()) for label in estimator.classes_]
    informed = estimator.to_model("species", columns=NAMES, y=y)
    assert informed.outputs.prior == pytest.approx(shares)
    assert informed.evaluate(table).baseline["accuracy"] == pytest.approx(max(shares))
    assert estimator.to_model("species", columns=NAMES).evaluate(table).baseline["log_loss"] == pytest.approx(np.log(3))
    numbers = fitted("numbers")
    target = X[:, 0] * X[:, 1]
    table = columns() | {"y": target}
    assert numbers.to_model(columns=NAMES).outputs.prior == (0.0,)
    assert numbers.to_model(columns=NAMES, y=target).evaluate(table).baseline["r2"] == pytest.approx(0.0, abs=1e-12)


def test_a_model_of_an_estimator_can_be_explained():
    model = fitted("three classes").to_model("species", columns=NAMES)
    assert check_gradients(model, columns() | {"species": THREE.tolist()}).ok


def test_from_a_csv_file_by_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    estimator = fitted("three classes")
    estimator.save("it.model", target="species", columns=NAMES)
    lines = [",".join(NAMES), *(",".join(map(repr, row)) for row in X.tolist())]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    assert main(["predict", "it.model", "new.csv", "--out", "out.csv"]) == 0
    answers = [line.split(",")[0] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert answers == estimator.predict(X).tolist()
    with pytest.raises(RequestError, match="exists"):
        estimator.save("it.model", target="species", columns=NAMES)
    estimator.save("it.model", target="species", columns=NAMES, overwrite=True)
    (tmp_path / "gap.csv").write_text("\n".join([*lines[:3], "1.0,,2.0"]) + "\n")
    capsys.readouterr()
    assert main(["predict", "it.model", "gap.csv", "--out", "none.csv"]) == 2
    said = capsys.readouterr().err
    assert "column 'length' has no value in row 3" in said
    assert "median" not in said


# Gaps


def test_a_gap_is_refused_where_the_estimator_fills_none():
    model = fitted("numbers").to_model(columns=NAMES)
    table = columns() | {"depth": [None, *X[1:, 2].tolist()]}
    with pytest.raises(RequestError, match=r"column 'depth' has no value in row 1 .*Fill in the cell, remove the row"):
        model.predict(table)
    assert model.encoder.describe_unseen(model.read(table)) == []
    with pytest.raises(RequestError, match="column 'depth' has no value in row 1 "):
        model.encoder.transform(model.read(table), rows=[5, 0])
    assert model.encoder.transform(model.read(table), rows=[5, 1]).tolist() == X[[5, 1]].tolist()


def test_a_gap_is_refused_where_the_estimator_was_told_to():
    frame = frame_with_categories(gaps=False)
    estimator = MLPRegressor(**SMALL, missing_values="error").fit(frame, X[:, 0])
    model = estimator.to_model()
    assert np.array_equal(model.predict(frame), estimator.predict(frame))
    for column in ("mass", "seen", "adult"):
        holed = frame.astype({"adult": object})
        holed.loc[7, column] = None
        with pytest.raises(RequestError, match=f"column '{column}' has no value in row 8"):
            model.predict(holed)


def test_numbers_pass_bit_for_bit_and_the_description_has_null():
    passed = NumericFeatures("mass", "number", (Scale(None, 0.0, 1.0),), indicator=False)
    record = json.loads(json.dumps(Encoder((passed,)).to_dict()))
    assert record["parts"][0]["scales"] == [{"fill": None, "mean": 0.0, "scale": 1.0}]
    assert Encoder.from_dict(record) == Encoder((passed,))
    values = np.array([-0.0, 0.1, 1e-310, 1e15, -3.7])
    out = chainrule.data.read_table({"mass": values})
    assert Encoder((passed,)).transform(out)[:, 0].tobytes() == values.tobytes()


# What is refused


def of_days():
    days = np.array(["2024-01-01", "2024-01-02"], "M8[D]")
    return MLPClassifier.from_weights([np.ones((3, 1))], layout="keras", classes=days)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (lambda: MLPClassifier(**SMALL).fit(X, (X > 0).astype(int)), "is multi-label, with 3 labels"),
        (lambda: MLPRegressor(**SMALL).fit(X, X), "has 3 outputs: make an estimator for each"),
        (lambda: MLPRegressor("quantiles(0.1, 0.9)", **SMALL).fit(X, X[:, 0]), "has 2 outputs"),
        (lambda: MLPClassifier(**SMALL).fit(X, ["a"] * 60), "the classes of the target 'y' are .*'a'"),
        (
            lambda: MLPClassifier(**SMALL).fit(X, ["", "a"] * 30),
            "the classes of the target 'y' are .*'', 'a'",
        ),
        (
            lambda: MLPClassifier(**SMALL).fit(X, [2**60, 1] * 30),
            "the classes of the target 'y' are .*1152921504606846976",
        ),
        (of_days, r"texts, booleans or numbers, all of one kind; not datetime.date\(2024, 1, 1\)"),
    ],
)
def test_what_a_model_cannot_be_is_refused(estimator, message):
    with pytest.raises(RequestError, match=message):
        estimator().to_model()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"columns": ["a", "b"]}, "X has 3 columns, which need as many different names, and these are 2"),
        ({"columns": ["a", "b", "a"]}, "'a' is among these"),
        ({"columns": ["a", "b", " "]}, "' ' is among these"),
        ({"columns": ["a", "b", 3]}, "3 is among these"),
        ({"target": "x1"}, "which no column of X has too; 'x1' is not"),
        ({"target": " "}, "target is the name of what is predicted"),
        ({"target": None}, "target is the name of what is predicted"),
        ({"y": []}, "y has no rows"),
        ({"y": ["Gentoo", "Macaroni"]}, "y has the class .*Macaroni.*Its classes: Adelie, Chinstrap, Gentoo"),
    ],
)
def test_names_and_targets_that_do_not_fit_are_refused(given, message):
    with pytest.raises(RequestError, match=message):
        fitted("three classes").to_model(**given)


def test_a_mean_that_is_not_finite_is_refused():
    with pytest.raises(RequestError, match="the mean of y is nan"):
        fitted("numbers").to_model(y=[1.0, np.nan])


def test_an_estimator_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        MLPClassifier().to_model()
