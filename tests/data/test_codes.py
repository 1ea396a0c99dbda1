"""Categories as the codes that input layers look up: one rule for levels and gaps, that of the features."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Encoder, infer_schema
from chainrule.errors import RequestError

LEVELS = ["b"] * 3 + ["a"] * 4 + ["r"] + ["s"] * 2 + [None]
NUMBERS = [float(i) for i in range(len(LEVELS))]


def fit(columns, rows=None, **options):
    table = pa.table(columns)
    rows = range(table.num_rows) if rows is None else rows
    return Encoder.fit(table, infer_schema(table), rows, **{"look_up_from": 1} | options)


def test_levels_count_from_1_and_0_stands_for_rare_and_unseen_ones():
    encoder = fit({"x": LEVELS})
    assert encoder.levels == (4,)  # 0, a, b, missing
    table = pa.table({"x": ["b", "r", None, "", "new", "a", "s"]})
    assert encoder.codes(table).tolist() == [[2], [0], [3], [3], [0], [1], [0]]
    assert encoder.codes(table, [5, 0]).tolist() == [[1], [2]]
    assert encoder.codes(table).dtype == np.int64


def test_a_gap_is_0_where_training_had_none():
    encoder = fit({"x": ["a"] * 3 + ["b"] * 3})
    table = pa.table({"x": ["b", "new", None]})
    assert encoder.levels == (3,)
    assert encoder.codes(table).tolist() == [[2], [0], [0]]
    assert encoder.describe_unseen(table) == [
        "column 'x': 1 rows with 'new', unseen in training; read as the mean of its levels",
        "column 'x': 1 rows without a value, unlike in training; read as the mean of its levels",
    ]
    with_rare = fit({"x": ["a"] * 3 + ["b"] * 3 + ["r"]})
    assert with_rare.describe_unseen(table)[1].endswith("unlike in training; read as (rare)")


def test_columns_that_are_looked_up_make_no_features():
    encoder = fit({"x": LEVELS, "n": NUMBERS, "y": LEVELS[::-1]})
    assert encoder.columns == ["n", "x", "y"]
    assert encoder.text_columns == ["x", "y"]
    assert encoder.feature_names == ["n"]
    table = pa.table({"y": ["a"], "n": [3.0], "x": ["b"]})
    assert encoder.transform(table).shape == (1, 1)
    assert encoder.codes(table).tolist() == [[2, 1]]  # in the order of the columns at training
    assert encoder.missing(pa.table({"y": [None], "n": [3.0], "x": ["b"]})) == {"n": 0, "x": 0, "y": 1}


def test_looked_up_columns_may_have_many_levels_and_features_a_hundred(monkeypatch):
    shops = [f"shop {i % 500:03}" for i in range(1500)] + ["shop 007"] * 2
    encoder = fit({"shop": shops})
    assert encoder.levels == (501,)
    assert encoder.codes(pa.table({"shop": ["shop 000", "shop 499", "new"]})).tolist() == [[1], [500], [0]]
    table = pa.table({"shop": shops})
    assert len(Encoder.fit(table, infer_schema(table), range(len(shops))).feature_names) == 101  # with the rare ones
    monkeypatch.setattr("chainrule.data.category_features.MAX_LOOKED_UP", 2)
    fewer = fit({"shop": shops})
    assert fewer.codes(pa.table({"shop": ["shop 000", "shop 001", "shop 007"]})).tolist() == [[1], [0], [2]]


def test_without_them_there_are_no_codes():
    table = pa.table({"x": LEVELS, "n": NUMBERS})
    encoder = Encoder.fit(table, infer_schema(table), range(len(LEVELS)))
    assert encoder.codes(table) is None
    assert encoder.levels == ()
    assert "lookups" not in encoder.to_dict()


def test_categories_alone_leave_a_matrix_of_no_columns():
    encoder = fit({"x": LEVELS})
    assert encoder.transform(pa.table({"x": LEVELS})).shape == (len(LEVELS), 0)


def test_a_column_of_one_code_is_left_out():
    table, rows = pa.table({"x": ["a", "b"] * 4, "same": ["a"] * 6 + ["b"] * 2}), range(6)
    encoder, beside = fit(table.to_pydict(), rows).without_constants(table, rows)
    assert (encoder.columns, encoder.constant, beside) == (["x"], ("same",), [])
    only = fit({"rare": ["r1", "r2", "r1", "r2"]})
    with pytest.raises(RequestError, match="no column is left"):
        only.without_constants(pa.table({"rare": ["r1", "r2", "r1", "r2"]}), range(4))


def test_a_missing_column_is_named():
    with pytest.raises(RequestError, match="column 'x' is missing"):
        fit({"x": LEVELS, "n": NUMBERS}).codes(pa.table({"n": [1.0]}))


def test_amounts_are_told_from_what_says_yes_or_no():
    days = [f"2024-{1 + i % 12:02d}-01" for i in range(8)]
    table = pa.table(
        {
            "there": [True, False] * 4,
            "mass": [1.0, None, 3.0, 4.0] * 2,
            "island": ["a"] * 4 + ["b"] * 4,
            "at": pa.array(days),
        }
    )
    encoder = Encoder.fit(table, infer_schema(table), range(8))
    names = encoder.feature_names
    amounts = ["mass", "at year", "at month", "at day of week", "at days since 1970"]
    assert [names[j] for j in encoder.measured] == amounts
    assert {"there", "mass missing", "island=a", "island=b"} == {*names} - {*amounts}


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "", None]), min_size=8, max_size=40), st.data())
def test_codes_are_the_places_of_the_features(cells, data):
    """What one-hot features tell apart, codes do, and the other way round, but for levels unseen and rare."""
    cells = [*cells, "a", "b", "b", "b"]
    asked = pa.table({"x": data.draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), min_size=1))})
    table = pa.table({"x": cells})
    (part,) = fit({"x": cells}).lookups
    features = Encoder.fit(table, infer_schema(table), range(len(cells)))
    codes = part.codes(asked["x"], None)
    hot = {f"x={level}": code for code, level in enumerate(part.levels, 1)} | {"x=(missing)": part.code_count - 1}
    of_feature = np.array([hot.get(name, 0) for name in features.feature_names])
    assert codes.tolist() == (features.transform(asked) @ of_feature).astype(int).tolist()
    assert codes.max() < part.code_count


def test_the_description_is_plain_json_and_gives_the_same_encoder():
    encoder = fit({"x": LEVELS, "n": NUMBERS})
    described = json.loads(json.dumps(encoder.to_dict()))
    assert Encoder.from_dict(described) == encoder
    assert list(described) == ["parts", "left_out", "constant", "gaps", "lookups"]


def of_levels(count, rows=600):
    return [f"level {i % count:03}" for i in range(rows)]


def test_texts_that_would_make_many_features_are_looked_up_and_others_are_features():
    gaps = [None if i % 3 == 0 else text for i, text in enumerate(of_levels(8))]
    columns = {"few": of_levels(8), "gaps": gaps, "n": [float(i) for i in range(600)], "many": of_levels(150)}
    mixed = fit(columns, look_up_from=9)
    assert mixed.columns == ["few", "n", "gaps", "many"]
    assert mixed.feature_names == [*(f"few=level {i:03}" for i in range(8)), "n"]
    assert mixed.levels == (10, 151)
    hot, codes = fit(columns, look_up_from=None), fit(columns, look_up_from=1)
    table = pa.table({"few": ["level 003", "new"], "gaps": [None, "b"], "n": [1.0, 2.0], "many": ["level 149"] * 2})
    np.testing.assert_array_equal(mixed.transform(table)[:, :8], hot.transform(table)[:, :8])
    np.testing.assert_array_equal(mixed.codes(table), codes.codes(table)[:, 1:])
    assert mixed.describe_unseen(table) == [
        "column 'few': 1 rows with 'new', unseen in training; read as none of its levels",
        "column 'gaps': 1 rows with 'b', unseen in training; read as the mean of its levels",
    ]
    assert Encoder.from_dict(json.loads(json.dumps(mixed.to_dict()))) == mixed


@pytest.mark.parametrize(("levels", "looked_up"), [(99, False), (100, True), (150, True)])
def test_no_more_than_a_hundred_features_are_made_of_texts_where_they_may_be_looked_up(levels, looked_up):
    encoder = fit({"x": of_levels(levels)}, look_up_from=1000)
    assert encoder.levels == ((levels + 1,) if looked_up else ())
    assert len(encoder.feature_names) == (0 if looked_up else levels)


@pytest.mark.parametrize("given", [0, -1, 2.5, True, "9"])
def test_from_how_many_features_texts_are_looked_up_is_a_positive_integer(given):
    with pytest.raises(RequestError, match="look_up_from must be"):
        fit({"x": LEVELS}, look_up_from=given)
