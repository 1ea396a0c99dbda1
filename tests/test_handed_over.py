"""Whatever is handed to a public function is taken where its meaning is clear, or refused by a RequestError."""

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from chainrule import Network, Parameters, Recipe, RequestError, fit, load, make_engine, plan, train
from chainrule.errors import ChainruleError
from chainrule.explain import check_gradients, diagnose, equation, equations, explain, trace

TABLE = {"a": np.linspace(0.0, 1.0, 40), "b": ["x", "y"] * 20, "y": np.tile([0.5, 1.5, 2.5, 3.7], 10)}
FEATURES = {name: TABLE[name] for name in "ab"}
QUICK = {"hidden": (2,), "epochs": 1}
X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.tile([0.5, 1.5, 2.5, 3.7], 10)

ODD = {
    "None": None, "text": "x", "bytes": b"x", "integer": 3, "negative": -1, "float": 1.5, "nan": float("nan"),
    "infinity": float("inf"), "boolean": True, "large": 10**30, "numpy integer": np.int64(2), "0-d": np.array(1.0),
    "1-d": np.arange(4.0), "2-d": np.ones((40, 2)), "3-d": np.ones((2, 2, 2)), "no rows": np.ones((0, 2)),
    "objects": np.array([[1, "x"], [2, "y"]], dtype=object), "complex": np.ones((3, 2)) * 1j,
    "structured": np.array([(1.0, "x", 1.0)], dtype=[("a", float), ("b", "U1"), ("y", float)]),
    "structured of arrays": np.zeros(3, dtype=[("a", "f8", (2,))]), "series": pd.Series([1.0, 2.0], name="a"),
    "frame": pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), "row of a frame": pd.DataFrame(FEATURES).iloc[0],
    "polars": pl.DataFrame({"a": [1.0], "b": ["x"]}), "polars series": pl.Series("a", [1.0]), "dict": {}, "list": [],
    "row": {"a": 1.0, "b": "x", "y": 1.0}, "rows": [{"a": 1.0, "b": "x", "y": 1.0}, {"a": 2.0, "b": "y"}],
    "nested": {"a": {"q": 1}}, "mixed": {"a": [1.0, 2.0], "b": "x"}, "lists": [[1.0, 2.0], [3.0, 4.0]],
    "ragged": [[1.0], [2.0, 3.0]], "names": ["a", "b"], "set": {1, 2}, "generator": (i for i in range(0)),
    "path": Path("/nowhere/x.csv"), "function": len, "class": dict, "object": object(),
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return train(TABLE, "y", **QUICK)


@pytest.fixture(scope="module")
def classifier():
    return train(TABLE | {"y": ["no", "yes"] * 20}, "y", **QUICK)


def only_says_so(call, odd=ODD):
    """Call with each odd thing: it works, or ends in an error that chainrule raises on purpose."""
    for name, value in odd.items():
        try:
            call(value)
        except ChainruleError as error:
            assert str(error), name  # noqa: PT017


ENTRIES = {
    "train(table)": lambda m, c, v: train(v, "y", **QUICK),
    "train(target)": lambda m, c, v: train(TABLE, v, **QUICK),
    "train(X, target)": lambda m, c, v: train(X, v, **QUICK),
    "load": lambda m, c, v: load(v),
    "load(functions)": lambda m, c, v: load("/nowhere/x.model", v),
    "save": lambda m, c, v: None if isinstance(v, (str, Path)) else m.save(v),
    "read": lambda m, c, v: m.read(v),
    "predict": lambda m, c, v: m.predict(v),
    "predictions": lambda m, c, v: m.predictions(v),
    "predict_proba": lambda m, c, v: c.predict_proba(v),
    "evaluate": lambda m, c, v: m.evaluate(v),
    "Parameters(network)": lambda m, c, v: Parameters(v, m.theta),
    "Parameters(theta)": lambda m, c, v: Parameters(m.network, v),
    "dimensions": lambda m, c, v: m.network.dimensions(v),
    "initial": lambda m, c, v: m.network.initial(v),
    "make_engine(network)": lambda m, c, v: make_engine(v, Recipe()),
    "make_engine(recipe)": lambda m, c, v: make_engine(m.network, v),
    "make_engine(functions)": lambda m, c, v: make_engine(m.network, Recipe(), v),
    "trace(model)": lambda m, c, v: trace(v, TABLE),
    "trace(X)": lambda m, c, v: trace(m, v),
    "trace(y)": lambda m, c, v: trace(m, FEATURES, v),
    "check_gradients(model)": lambda m, c, v: check_gradients(v, TABLE, None),
    "check_gradients(X)": lambda m, c, v: check_gradients(m, v, None),
    "diagnose(model)": lambda m, c, v: diagnose(v, TABLE, None),
    "diagnose(X)": lambda m, c, v: diagnose(m, v, None),
    "explain(X)": lambda m, c, v: explain(m, v),
    "explain(y)": lambda m, c, v: explain(m, FEATURES, v),
    "explain(rows)": lambda m, c, v: explain(m, TABLE, rows=v),
    "equations": lambda m, c, v: equations(v),
    "equations(notation)": lambda m, c, v: equations(m, v),
    "equations(examples)": lambda m, c, v: equations(m, examples=v),
    "equations(form)": lambda m, c, v: equations(m, form=v),
    "equation(network)": lambda m, c, v: equation(v, "Z", 1),
    "equation(name)": lambda m, c, v: equation(m.network, v, 1),
    "equation(l)": lambda m, c, v: equation(m.network, "Z", v),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_odd_things_work_or_are_refused(entry, model, classifier):
    only_says_so(lambda value: ENTRIES[entry](model, classifier, value))


@pytest.mark.parametrize("option", [*list(inspect.signature(plan).parameters)[2:], "callbacks", "checkpoint", "resume"])
def test_odd_options_of_train_work_or_are_refused(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = {name: v for name, v in ODD.items() if option != "epochs" or name not in ("large", "integer")}
    only_says_so(lambda value: train(TABLE, "y", **QUICK | {option: value}), odd)


@pytest.mark.parametrize("entry", ["n", "activation", "loss", "dropout", "penalties", "initializer", "dtype"])
def test_odd_entries_of_a_network_are_refused(entry):
    only_says_so(lambda value: Network(**{"n": (2, 3, 1), entry: value}))
    only_says_so(lambda value: Network.from_dict({**Network((2, 3, 1)).to_dict(), entry: value}))


@pytest.mark.parametrize("entry", inspect.signature(Recipe).parameters)
def test_odd_entries_of_a_recipe_are_refused(entry):
    only_says_so(lambda value: Recipe(**{entry: value}))


@pytest.mark.parametrize("argument", ["engine", "training", "validation", "callbacks", "checkpoint", "score"])
def test_odd_arguments_of_fit_are_refused(argument, model):
    engine = make_engine(model.network, Recipe(epochs=1))
    rows = engine.examples(np.zeros((5, model.network.n[0])), np.zeros((5, 1)))

    def call(value):
        given = {"engine": engine, "training": rows} | {argument: value}
        try:
            fit(**given)
        except TypeError as error:  # what a function of theta is given, it may refuse
            if argument != "score" or not callable(value):
                raise AssertionError(value) from error

    only_says_so(call)


# --- what is taken ---


def test_a_network_says_what_n_is():
    with pytest.raises(RequestError, match=r"n must hold the units of each layer.*such as \(4, 8, 3\), not 3"):
        Network(3)


@pytest.mark.parametrize(
    "one", [{"a": 0.25, "b": "x"}, {"a": np.float64(0.25), "b": np.str_("x")}, {"a": np.array(0.25), "b": "x"}]
)
def test_one_row_may_be_a_dict_of_single_values(model, one):
    expected = model.predict({"a": [0.25], "b": ["x"]})
    assert model.predict(one).shape == (1,)
    np.testing.assert_array_equal(model.predict(one), expected)


def test_rows_may_be_dicts_and_what_one_does_not_name_is_missing(model):
    rows = [{"a": 0.25, "b": "x"}, {"b": "y"}]
    np.testing.assert_array_equal(model.predict(rows), model.predict({"a": [0.25, None], "b": ["x", "y"]}))
    records = np.array([(0.25, "x"), (0.5, "y")], dtype=[("a", float), ("b", "U1")])
    np.testing.assert_array_equal(model.predict(records), model.predict({"a": [0.25, 0.5], "b": ["x", "y"]}))
    np.testing.assert_array_equal(model.predict(records[0]), model.predict({"a": [0.25], "b": ["x"]}))


@pytest.mark.parametrize(
    ("as_X", "as_y"),
    [
        (np.asarray, np.asarray),
        (np.asarray, np.ndarray.tolist),
        (np.asarray, lambda y: y[:, None]),
        (np.asarray, lambda y: pd.Series(y, name=3)),
        (np.asarray, lambda y: pl.Series(values=y)),
    ],
)
def test_arrays_are_columns_x0_x1_and_y(as_X, as_y):
    expected = train({f"x{j}": X[:, j] for j in range(3)} | {"y": Y}, "y", **QUICK)
    found = train(as_X(X), as_y(Y), **QUICK)
    assert found.target.name == "y"
    assert found.encoder.columns == ["x0", "x1", "x2"]
    np.testing.assert_array_equal(found.theta, expected.theta)
    np.testing.assert_array_equal(found.predict(X), expected.predict({f"x{j}": X[:, j] for j in range(3)}))


def test_values_apart_from_a_table_have_their_own_name_or_y():
    named = train(FEATURES, pd.Series(Y, name="mpg"), **QUICK)
    assert named.target.name == "mpg"
    assert train(pd.DataFrame(FEATURES), list(Y), **QUICK).target.name == "y"
    assert train(pd.DataFrame(FEATURES), ["no", "yes"] * 20, **QUICK).target.classes == ("no", "yes")
    np.testing.assert_array_equal(named.theta, train(FEATURES | {"mpg": Y}, "mpg", **QUICK).theta)
    assert train(TABLE, ["y"], **QUICK).target.name == "y"


@pytest.mark.parametrize(
    ("table", "target", "said"),
    [
        (TABLE, 2, "not by the number 2: write its name, such as 'y'. Columns here: a, b, y"),
        (TABLE, np.int64(7), "not by the number 7: write its name. Columns here"),
        (X, 2, r"train\(np.delete\(X, 2, axis=1\), X\[:, 2\]\)"),
        ("t.csv", 2, "the first line of the file"),
        ("t.csv", ["a", "b"], "the target of a file must be the name of one column"),
        (TABLE, ["a", "b"], r"these are several: \['a', 'b'\].*MLPRegressor"),
        (TABLE, np.array(["a", "b"]), "these are several"),
        (X, X, r"these are several: y is \(40, 3\)"),
        (X, "x1", "an array has no names"),
        (X, Y[:-1], "the target has 39 values, but the table has 40 rows"),
        (TABLE, Y, r"already has a column 'y'.*train\(table, 'y'\)"),
        (TABLE, None, "the target must be the name of a column"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(table, target, said):
    for of in (train, plan):
        with pytest.raises(RequestError, match=said):
            of(table, target)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (np.zeros((5, 2)), r"an array of 2 columns has no column names, but the model needs 'a', 'b'"),
        ([[0.5, "x"]], "cannot make a table of list.*or an array"),
        (np.zeros(2), r"X.reshape\(1, -1\)"),
        (pd.DataFrame(FEATURES).iloc[0], r"dict\(series\)"),
        ({"a": [0.5, 1.0], "b": "x"}, "column 'b' is the single value 'x', and column 'a' holds several"),
        ([{"a": 0.5, "b": ["x"]}], "row 0 of the list holds"),
        ([0.5, "x"], "a list of dicts, or an array"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(model, table, said):
    for call in (model.predict, model.read, model.evaluate, model.predictions):
        with pytest.raises(RequestError, match=said):
            call(table)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: trace(m, FEATURES, Y[:3]), "y has 3 values for 40 rows"),
        (lambda m: explain(m, FEATURES, Y[:3]), r"y has the shape \(3,\) for 40 rows"),
        (lambda m: trace(m, FEATURES, pd.DataFrame(FEATURES)), "y has the columns a, b"),
    ],
)
def test_targets_that_are_not_one_for_each_row_are_refused(model, call, said):
    with pytest.raises(RequestError, match=said):
        call(model)


def test_one_callback_need_not_stand_in_a_list():
    class Stops:
        def on_epoch_end(self, history, parameters):
            return True

    assert train(TABLE, "y", hidden=(2,), epochs=5, callbacks=Stops()).history.stopped == "a callback stopped it"


def test_one_column_to_drop_need_not_stand_in_a_list():
    assert train(TABLE, "y", drop="b", **QUICK).encoder.columns == ["a"]
