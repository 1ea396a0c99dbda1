"""Columns of text, categories, booleans and dates, and gaps: read as what they are, alike in every container."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import RequestError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(21)
M = 80
NUMBER = RNG.normal(size=M)
KIND = np.array(["a", "b", "c"])[RNG.integers(3, size=M)]
TRUTH = RNG.uniform(size=M) > 0.5
DAY = np.datetime64("2024-01-01") + RNG.integers(0, 60, size=M)
GAPS = np.where(np.arange(M) % 8 == 0, np.nan, RNG.normal(size=M))
Y = (KIND == "a").astype(int)
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 4, "random_state": 0, "learning_rate_init": 0.05}
COLUMNS = {"number": NUMBER, "kind": KIND, "truth": TRUTH, "gaps": GAPS}
CONTAINERS = {
    "pandas": pd.DataFrame,
    "pandas with a category": lambda columns: pd.DataFrame(columns).astype({"kind": "category"}),
    "pandas with objects": lambda columns: pd.DataFrame(columns).astype({"kind": object, "truth": object}),
    "pandas with nullable columns": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "polars": pl.DataFrame,
    "polars with a category": lambda columns: pl.DataFrame(columns).with_columns(pl.col("kind").cast(pl.Categorical)),
    "pyarrow": pa.table,
}


def by_hand(columns):
    """What the columns become, in their order: a level is a feature, a gap the median beside a feature."""
    hot = (columns["kind"][:, None] == np.array(["a", "b", "c"])).astype(float)
    gap = np.isnan(columns["gaps"])
    filled = np.where(gap, np.nanmedian(columns["gaps"]), columns["gaps"])
    return np.column_stack([columns["number"], hot, columns["truth"], filled, gap])


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_becomes_the_features_one_would_make_by_hand(container):
    frame = CONTAINERS[container](COLUMNS)
    model = MLPClassifier(**SMALL).fit(frame, Y)
    plain = MLPClassifier(**SMALL).fit(by_hand(COLUMNS), Y)
    assert np.array_equal(model.predict_proba(frame), plain.predict_proba(by_hand(COLUMNS)))
    assert model.n_features_in_ == 4
    assert model.feature_names_in_.tolist() == list(COLUMNS)


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_a_date_is_its_year_month_weekday_and_day(unit):
    frame = pd.DataFrame({"day": DAY.astype(f"M8[{unit}]") if unit != "D" else DAY.astype("M8[s]")})
    day = pd.to_datetime(DAY)
    parts = np.column_stack([day.year, day.month, day.day_of_week, DAY.astype("M8[D]").astype(int)]) * 1.0
    model, plain = MLPRegressor(**SMALL).fit(frame, NUMBER), MLPRegressor(**SMALL).fit(parts, NUMBER)
    assert np.array_equal(model.predict(frame), plain.predict(parts))


def test_a_column_of_text_teaches_what_it_knows():
    frame = pd.DataFrame({"kind": KIND})
    assert MLPClassifier(**SMALL | {"max_iter": 100}).fit(frame, Y).score(frame, Y) == 1.0


def test_an_unseen_level_is_read_as_a_rare_one():
    kinds = KIND.astype(object)
    kinds[:2] = "z", "w"
    model = MLPRegressor(**SMALL).fit(pd.DataFrame({"kind": kinds}), NUMBER)
    z, w, new, a = model.predict(pd.DataFrame({"kind": ["z", "w", "never seen", "a"]}))
    assert z == w == new != a


def test_gaps_that_come_up_after_training_on_gaps_are_the_median():
    model = MLPRegressor(**SMALL).fit(pd.DataFrame({"x": NUMBER, "gaps": GAPS}), NUMBER)
    median = pd.DataFrame({"x": [np.median(NUMBER)], "gaps": [0.0]})
    assert model.predict(median.assign(x=np.nan)) == pytest.approx(model.predict(median), abs=1e-12)


ARRAYS = np.column_stack([np.round(NUMBER), GAPS])


def test_imputation_fills_arrays_with_the_median_beside_a_feature_that_tells():
    given = {"missing_values": "impute"}
    hand = by_hand(COLUMNS)[:, [0, 5, 6]]
    hand[:, 0] = np.round(NUMBER)
    model = MLPRegressor(**SMALL, **given).fit(ARRAYS, NUMBER)
    assert np.array_equal(model.predict(ARRAYS), MLPRegressor(**SMALL).fit(hand, NUMBER).predict(hand))
    listed = MLPRegressor(**SMALL, **given).fit(ARRAYS.tolist(), NUMBER)
    assert np.array_equal(listed.predict(ARRAYS), model.predict(ARRAYS))


def test_imputation_fills_gaps_that_come_up_only_in_prediction():
    model = MLPRegressor(**SMALL, missing_values="impute").fit(NUMBER[:, None], NUMBER)
    assert model.predict([[np.nan]]) == pytest.approx(model.predict([[np.median(NUMBER)]]), abs=1e-12)


@pytest.mark.parametrize("named", [[0], [True, False], np.array([0]), np.array([True, False]), range(1)], ids=str)
def test_columns_of_an_array_may_be_named_categories(named):
    rows = np.nan_to_num(ARRAYS)
    levels = np.unique(rows[:, 0])
    model = MLPRegressor(**SMALL, categorical_features=named).fit(rows, NUMBER)
    once = [level for level in levels if (rows[:, 0] == level).sum() < 3]
    kept = sorted(set(levels) - set(once), key=lambda level: str(int(level)))
    hot = [rows[:, 0] == level for level in kept] + ([np.isin(rows[:, 0], once)] if once else [])
    hand = np.column_stack([*hot, rows[:, 1]]).astype(float)
    assert np.array_equal(model.predict(rows), MLPRegressor(**SMALL).fit(hand, NUMBER).predict(hand))


def test_an_array_of_objects_may_have_texts_in_columns_named_categories():
    rows = np.column_stack([KIND.astype(object), NUMBER.astype(object)])
    hand = np.column_stack([KIND[:, None] == np.array(["a", "b", "c"]), NUMBER]).astype(float)
    model = MLPClassifier(**SMALL, categorical_features=[0]).fit(rows, Y)
    assert np.array_equal(model.predict_proba(rows), MLPClassifier(**SMALL).fit(hand, Y).predict_proba(hand))


def test_a_number_named_a_category_by_its_column_is_one():
    frame = pd.DataFrame({"code": np.random.default_rng(22).integers(0, 3, size=M), "x": NUMBER})
    as_text = frame.assign(code=frame.code.map({0: "a", 1: "b", 2: "c"}))  # digits would be numbers
    model = MLPRegressor(**SMALL, categorical_features=["code"]).fit(frame, NUMBER)
    other = MLPRegressor(**SMALL).fit(as_text, NUMBER)
    assert np.array_equal(model.predict(frame), other.predict(as_text))
    assert not np.array_equal(model.predict(frame), MLPRegressor(**SMALL).fit(frame, NUMBER).predict(frame))


def test_a_model_of_named_columns_reads_an_array_by_their_order():
    frame = pd.DataFrame({"number": NUMBER, "truth": TRUTH})
    model = MLPRegressor(**SMALL).fit(frame, NUMBER)
    with pytest.warns(UserWarning, match="valid feature names"):
        assert np.array_equal(model.predict(np.column_stack([NUMBER, TRUTH])), model.predict(frame))


def test_only_training_rows_decide_levels_and_medians():
    frame = pd.DataFrame({"x": GAPS})
    model = MLPRegressor(**SMALL, early_stopping=True, validation_fraction=0.5).fit(frame, NUMBER)
    medians = {float(scale.fill) for part in model._encoder.parts for scale in part.scales}
    assert medians != {float(np.nanmedian(GAPS))}


@pytest.mark.parametrize(
    ("given", "rows", "message"),
    [
        ({}, ARRAYS, "contains NaN"),
        ({"categorical_features": [0]}, ARRAYS, r"'x1' has 10 missing values .*data frames alone.*'impute'"),
        ({"missing_values": "error"}, ARRAYS, "NaN"),
        ({"missing_values": "error"}, pd.DataFrame({"gaps": GAPS}), r"'gaps' has 10 missing .*forbids them"),
        ({"categorical_features": None}, pd.DataFrame({"kind": KIND}), "could not convert string"),
        ({"categorical_features": None}, pd.DataFrame({"kind": KIND, "g": GAPS}), "could not convert string"),
        ({"categorical_features": ["kin"]}, pd.DataFrame({"kind": KIND}), "names 'kin'.*no such column"),
        ({"categorical_features": [2]}, ARRAYS[:, :1], "names 2, but X has no such column"),
        ({"categorical_features": [True] * 3}, np.nan_to_num(ARRAYS), "mask of 3 columns, but X has 2"),
        ({"missing_values": "impute"}, np.where(np.isnan(ARRAYS), np.inf, ARRAYS), "infinity"),
        ({}, pd.DataFrame({"kind": KIND, "x": np.where(TRUTH, np.inf, 0.0)}), "'x' has an infinite value"),
        ({}, pd.DataFrame({"x": [1, "a"] * 40}), "cannot make a table"),
        ({}, pd.DataFrame({"x": pd.to_timedelta(NUMBER, "h")}), "'x' holds duration"),
        ({}, pd.DataFrame({"x": [None] * M}), "no column is left to learn from: x"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(given, rows, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**SMALL, **given).fit(rows, NUMBER)


def test_gaps_stay_forbidden_in_predictions():
    frame = pd.DataFrame({"kind": KIND, "x": NUMBER})
    model = MLPRegressor(**SMALL, missing_values="error").fit(frame, NUMBER)
    with pytest.raises(RequestError, match="'x' has 10 missing values"):
        model.predict(frame.assign(x=GAPS))


def test_a_sparse_matrix_has_no_categories():
    import scipy.sparse as sp

    with pytest.raises(RequestError, match="X is sparse"):
        MLPRegressor(**SMALL, categorical_features=[0]).fit(sp.csr_matrix(np.eye(M)), NUMBER)


def test_text_that_holds_numbers_only_is_numbers_as_in_scikit_learn():
    frame = pd.DataFrame(np.random.default_rng(23).normal(size=(M, 3)), columns=list("abc")).round(3)
    text = frame.astype(str)
    model, same = MLPRegressor(**SMALL).fit(text, NUMBER), MLPRegressor(**SMALL).fit(frame, NUMBER)
    assert np.array_equal(model.predict(text), same.predict(frame))
    codes = pd.DataFrame({"zip": [f"0{i % 7}" for i in range(M)]})
    assert MLPRegressor(**SMALL).fit(codes, NUMBER)._encoder.feature_names == ["zip"]


def test_a_category_of_numbers_is_a_category_whose_classes_keep_their_type():
    codes = pd.Categorical(np.arange(M) % 3)
    frame = pd.DataFrame({"k": codes, "number": NUMBER})
    assert MLPRegressor(**SMALL).fit(frame, NUMBER)._encoder.feature_names == ["k=0", "k=1", "k=2", "number"]
    classes = MLPClassifier(**SMALL).fit(frame[["number"]], pd.Series(codes)).classes_
    assert classes.tolist() == [0, 1, 2]


def test_spellings_of_a_gap_in_text_are_gaps_and_said():
    text = pd.Series(NUMBER.round(3)).astype(str).where(np.arange(M) % 9 != 2, "?")
    frame = pd.DataFrame({"x": text, "number": NUMBER})
    with pytest.warns(UserWarning, match=r"'x': 9 cells read as missing: '\?'"):
        model = MLPRegressor(**SMALL).fit(frame, NUMBER)
    empty = frame.assign(x=pd.to_numeric(text, errors="coerce"))
    same = MLPRegressor(**SMALL).fit(empty, NUMBER)
    assert np.array_equal(model.predict(frame), same.predict(empty))
    with pytest.raises(RequestError, match=r"'x' has 9 missing .*forbids them"):
        MLPRegressor(**SMALL, missing_values="error").fit(frame, NUMBER)
    whole = frame.assign(x=NUMBER.round(3).astype(str))
    strict = MLPRegressor(**SMALL, missing_values="error").fit(whole, NUMBER)
    with pytest.raises(RequestError, match=r"'x' has 9 missing .*forbids them"):
        strict.predict(frame)


def test_a_handful_of_other_texts_among_numbers_is_named():
    text = pd.Series(NUMBER.round(3)).astype(str)
    text[3] = "n.k."
    with pytest.raises(RequestError, match=r"'x' holds numbers, but 1 cell is not: 'n.k.' in row 4.*set them to NaN"):
        MLPRegressor(**SMALL).fit(pd.DataFrame({"x": text}), NUMBER)


def test_a_constant_feature_is_left_out_and_said():
    frame = pd.DataFrame({"x": NUMBER, "rare": [f"r{i // 2}" for i in range(M)]})
    with pytest.warns(UserWarning, match="'rare' left out: the same in every training row"):
        model = MLPRegressor(**SMALL).fit(frame, NUMBER)
    plain = MLPRegressor(**SMALL).fit(frame[["x"]], NUMBER)
    assert np.array_equal(model.predict(frame), plain.predict(frame[["x"]]))
