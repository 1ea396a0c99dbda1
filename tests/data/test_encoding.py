import datetime
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Encoder, infer_schema, read_table
from chainrule.errors import RequestError


def fit(columns, rows=None):
    table = pa.table(columns)
    return Encoder.fit(table, infer_schema(table), range(table.num_rows) if rows is None else rows)


def one(values, column, rows=None):
    """The matrix of ``column`` by an encoder fitted on ``values``."""
    return fit({"x": values}, rows).transform(pa.table({"x": column}))


def test_numbers_are_imputed_and_scaled_by_the_training_rows_alone():
    encoder = fit({"x": [0.0, 2.0, None, 10.0, 99.0]}, rows=[0, 1, 2, 3])
    assert encoder.feature_names == ["x", "x missing"]
    train = np.array([0.0, 2.0, 2.0, 10.0])
    wanted = (np.array([99.0, 2.0]) - train.mean()) / train.std()
    out = encoder.transform(pa.table({"x": [99.0, None]}))
    np.testing.assert_allclose(out, np.c_[wanted, [0.0, 1.0]], rtol=1e-15)


def test_without_gaps_in_training_there_is_no_indicator_and_a_gap_is_said():
    encoder = fit({"x": [0.0, 1.0, 5.0]})
    table = pa.table({"x": [1.0, None, float("nan")]})
    assert encoder.feature_names == ["x"]
    assert len(set(encoder.transform(table)[:, 0])) == 1
    assert encoder.describe_unseen(table) == [
        "column 'x': 2 rows without a value, unlike in training; read as the median"
    ]


def test_a_constant_in_the_training_rows_becomes_zero():
    assert np.mean([0.1] * 3) != 0.1  # so that dividing by the deviation would blow up a rounding
    np.testing.assert_array_equal(one([0.1] * 3 + [3.1], [0.1, 1.1], rows=range(3)), [[0.0], [1.0]])


def test_truth_values():
    np.testing.assert_allclose(one([True, False, False, True], [True, False]), [[1.0], [-1.0]])


def test_dates_become_parts_of_the_calendar():
    days = [datetime.date(1969, 12, 31), datetime.date(2024, 2, 29), datetime.date(2000, 1, 1), None]
    encoder = fit({"seen": days})
    assert encoder.feature_names == [
        "seen year",
        "seen month",
        "seen day of week",
        "seen days since 1970",
        "seen missing",
    ]
    (part,) = encoder.parts
    raw = encoder.transform(pa.table({"seen": days}))[:3, :4] * [s.scale for s in part.scales] + [
        s.mean for s in part.scales
    ]
    np.testing.assert_allclose(
        raw, [[d.year, d.month, d.weekday(), (d - datetime.date(1970, 1, 1)).days] for d in days[:3]]
    )


def test_a_moment_counts_by_fractions_of_days_in_utc():
    encoder = fit({"t": [datetime.datetime(2024, 1, 1, 18), datetime.datetime(2024, 1, 2)]})
    assert encoder.parts[0].scales[3].mean == 19723.875
    for same in ("2024-01-01 18:00", "2024-01-01T18:00Z", "2024-01-01T20:00+02:00"):
        table = pa.table({"t": [same]})
        np.testing.assert_array_equal(encoder.transform(table)[0, 3], -1.0)
    zoned = pa.array([datetime.datetime(2024, 1, 1, 18)], pa.timestamp("ns", "Europe/Paris"))
    np.testing.assert_array_equal(encoder.transform(pa.table({"t": zoned}))[0, 3], -1.0)


LEVELS = ["b"] * 3 + ["a"] * 4 + ["r"] + ["s"] * 2 + [None]


def test_levels_are_sorted_and_rare_ones_and_gaps_have_their_own():
    encoder = fit({"x": LEVELS})
    assert encoder.feature_names == ["x=a", "x=b", "x=(rare)", "x=(missing)"]
    out = encoder.transform(pa.table({"x": ["b", "r", None, "", "new", "a"]}))
    assert out.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]]


def test_a_new_level_and_a_new_gap_are_no_level_where_training_had_none():
    assert one(["a"] * 3 + ["b"] * 3, ["b", "new", None]).tolist() == [[0, 1], [0, 0], [0, 0]]


def test_levels_are_capped_at_the_most_frequent():
    counts = {f"l{i:03}": 4 for i in range(150)} | {"often": 9, "rarely": 3}
    encoder = fit({"x": [level for level, n in counts.items() for _ in range(n)]})
    assert len(encoder.feature_names) == 101
    assert encoder.feature_names[-3:] == ["x=l098", "x=often", "x=(rare)"]


def test_unseen_levels_are_named():
    table = pa.table({"x": ["new", "r", "new", "other", None]})
    assert fit({"x": LEVELS}).describe_unseen(table) == [
        "column 'x': 3 rows with 'new', 'other', unseen in training; read as (rare)"
    ]
    assert fit({"x": ["r"] * 3 + ["a"] * 3}).describe_unseen(table) == [
        "column 'x': 3 rows with 'new', 'other', unseen in training; read as none of its levels",
        "column 'x': 1 rows without a value, unlike in training; read as none of its levels",
    ]
    assert fit({"x": LEVELS}).describe_unseen(pa.table({"x": LEVELS})) == []


FLOATS = [0.0, 1.0, 3.0]
COERCED = {
    "text to number": (FLOATS, [" 3", "1.0", None], [3.0, 1.0, None]),
    "whole to number": (FLOATS, [3, 1, None], [3.0, 1.0, None]),
    "boolean to number": (FLOATS, [True, False, None], [1.0, 0.0, None]),
    "nothing to number": (FLOATS, pa.nulls(2), [None, None]),
    "text to boolean": (
        [True, False],
        ["Yes", "no", "TRUE", "f", "1", None],
        [True, False, True, False, True, None],
    ),
    "0 and 1 to boolean": ([True, False], [1.0, 0.0, None], [True, False, None]),
    "integers to text": (["3"] * 3 + ["4"] * 3, [3, 4, None], ["3", "4", None]),
    "whole floats to text": (["3"] * 3 + ["4"] * 3, [3.0, 4.0, None], ["3", "4", None]),
    "floats to text": (["3.5"] * 3 + ["4"] * 3, [3.5, 4.0, float("nan")], ["3.5", "4", None]),
    "booleans to text": (["true"] * 3 + ["false"] * 3, [True, False], ["true", "false"]),
    "nothing to text": (["a"] * 3 + ["b"] * 3, pa.nulls(2), [None, None]),
    "dictionary to text": (["a"] * 3 + ["b"] * 3, pa.array(["b", "a"]).dictionary_encode(), ["b", "a"]),
    "text to date": (
        [datetime.date(2024, 1, 1), datetime.date(2025, 1, 1)],
        ["2025-01-01"],
        [datetime.date(2025, 1, 1)],
    ),
    "moment to date": (
        [datetime.date(2024, 1, 1), datetime.date(2025, 1, 1)],
        [datetime.datetime(2025, 1, 1)],
        [datetime.date(2025, 1, 1)],
    ),
}


@pytest.mark.parametrize(("trained", "given_", "same"), COERCED.values(), ids=COERCED)
def test_a_column_is_read_as_what_it_was_at_training(trained, given_, same):
    out = one(trained, given_)
    np.testing.assert_array_equal(out, one(trained, pa.array(same, pa.array(trained).type)))
    assert np.isfinite(out).all()


REFUSED = {
    "text for a number": (
        FLOATS,
        ["1", "n/a.", "x"],
        ["'x' was a number at training, now it is text: 'n/a.' in row 2"],
    ),
    "a date for a number": (FLOATS, [datetime.date(2024, 1, 1)], ["was a number at training", "date32"]),
    "infinity": (FLOATS, [1.0, 2.0, -np.inf], ["column 'x' has an infinite value in row 3 (rows are counted from 1"]),
    "infinity in text": (FLOATS, ["1", "inf"], ["infinite value in row 2"]),
    "a huge number": (FLOATS, [1.0, 2e100], ["2e+100", "row 2"]),
    "2 for a boolean": ([True, False], [1, 2], ["was a boolean at training", "2 in row 2"]),
    "a word for a boolean": ([True, False], ["yes", None, "maybe"], ["text: 'maybe' in row 3"]),
    "a word for a date": (
        [datetime.date(2024, 1, 1), datetime.date(2025, 1, 1)],
        ["2024-01-01", "soon"],
        ["'soon' in row 2"],
    ),
    "a number for a date": ([datetime.date(2024, 1, 1), datetime.date(2025, 1, 1)], [1], ["was a date", "int64"]),
    "a list for text": (["a", "b"], [["a"]], ["was text at training", "list"]),
}


@pytest.mark.parametrize(("trained", "given_", "pieces"), REFUSED.values(), ids=REFUSED)
def test_cells_that_cannot_be_read_are_named(trained, given_, pieces):
    with pytest.raises(RequestError) as caught:
        one(trained, given_)
    for piece in pieces:
        assert piece in str(caught.value)


def test_the_first_bad_cell_of_many_is_named():
    cells = ["1"] * 1000
    cells[700] = cells[900] = "bad"
    with pytest.raises(RequestError, match="'bad' in row 701 "):
        one(FLOATS, cells)


def test_missing_columns_are_all_named():
    encoder = fit({"bill_length": [1, 2], "bill_depth": [3, 5], "mass": [1, 3]})
    with pytest.raises(RequestError) as caught:
        encoder.transform(pa.table({"bill_length": [1], "mass": [1]}))
    assert str(caught.value) == (
        "column 'bill_depth' is missing: the model was trained on it. Columns here: bill_length, mass. "
        "Add it, or train again without it."
    )
    for call in (encoder.transform, encoder.describe_unseen):
        with pytest.raises(
            RequestError, match=r"columns 'bill_length', 'bill_depth' are .* did you mean 'Bill_depth'\?"
        ):
            call(pa.table({"Bill_depth": [1], "mass": [1]}))


def test_columns_left_unused_are_listed():
    encoder = fit({"x": [1, 2, 4], "one": [1, 1, 1]})
    assert encoder.extra_columns(pa.table({"x": [1], "one": [1], "y": [1]})) == ["one", "y"]
    assert fit({"x": [1, 2, 4], "c": ["a", "b", "a"]}).text_columns == ["c"]


@pytest.mark.parametrize("values", [[None, None, 1.0, 2.0], [None, None, "a", "b"]])
def test_a_column_without_a_value_in_the_training_rows_is_left_out_and_recorded(values):
    encoder = fit({"x": values, "y": [1, 2, 4, 4]}, rows=[0, 1])
    assert encoder.left_out == ("x",)
    assert encoder.feature_names == ["y"]


def test_nothing_to_learn_from_is_refused_with_the_reasons():
    with pytest.raises(RequestError, match=r"one \(the same value in every row\), x \(no value in any training row\)"):
        fit({"one": [1, 1, 1], "x": [None, None, 2]}, rows=[0, 1])


def test_two_features_of_one_name_are_refused():
    with pytest.raises(RequestError, match="'x missing': rename"):
        fit({"x": [1, None, 3], "x missing": [1, 2, 4]})


cells = {
    "number": st.one_of(st.none(), st.floats(-1e12, 1e12), st.just(float("nan"))),
    "category": st.one_of(st.none(), st.sampled_from(["", "a", "b", "é", "(rare)x"])),
    "boolean": st.one_of(st.none(), st.booleans()),
    "date": st.one_of(st.none(), st.dates()),
}
TYPES = {"number": pa.float64(), "category": pa.string(), "boolean": pa.bool_(), "date": pa.date32()}


@st.composite
def tables(draw):
    m = draw(st.integers(2, 12))
    kinds = draw(st.lists(st.sampled_from(sorted(cells)), min_size=1, max_size=4))
    return pa.table(
        {
            f"{k}{i}": pa.array(draw(st.lists(cells[k], min_size=m, max_size=m)), TYPES[k], from_pandas=True)
            for i, k in enumerate(kinds)
        }
        | {"always": range(m)}
    )


@given(tables(), st.data())
def test_every_encoder_is_finite_bit_equal_after_json_and_the_same_on_any_rows(table, data):
    indices = st.integers(0, table.num_rows - 1)
    train = data.draw(st.lists(indices, min_size=1, unique=True))
    encoder = Encoder.fit(table, infer_schema(table), train)
    matrix = encoder.transform(table)
    assert matrix.shape == (table.num_rows, len(encoder.feature_names))
    assert matrix.dtype == np.float64
    assert matrix.flags.c_contiguous
    assert np.isfinite(matrix).all()
    assert encoder.describe_unseen(table.take(train)) == []

    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert again.transform(table).tobytes() == matrix.tobytes()

    rows = data.draw(st.lists(indices))
    assert encoder.transform(table, rows).tobytes() == matrix[rows].tobytes()
    assert encoder.transform(table.slice(1)).tobytes() == matrix[1:].tobytes()


@given(tables())
def test_rows_outside_training_teach_nothing(table):
    schema = infer_schema(table)
    half = range(table.num_rows // 2)
    assert Encoder.fit(table, schema, half) == Encoder.fit(table.take(list(half)), schema, half)


def test_pieces_of_a_column_read_as_one():
    whole = pa.table({"x": [1.0, 2.0, None], "c": ["a", "b", "a"]})
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    encoder = Encoder.fit(pieces, infer_schema(pieces), range(3))
    assert encoder == Encoder.fit(whole, infer_schema(whole), range(3))
    assert encoder.transform(pieces).tobytes() == encoder.transform(whole).tobytes()
    assert encoder.transform(whole.slice(0, 0)).shape == (0, 3)


def test_scikit_learn_agrees_on_the_penguins(request):
    impute = pytest.importorskip("sklearn.impute")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    table = read_table(request.config.rootpath / "examples" / "penguins.csv")
    rows = np.arange(0, table.num_rows, 2)
    encoder = Encoder.fit(table, infer_schema(table, keep_out=["species"]), rows)
    out = encoder.transform(table)

    numeric = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year"]
    frame = table.to_pandas()
    imputer, scaler = impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler()
    scaler.fit(imputer.fit_transform(frame[numeric].iloc[rows]))
    wanted = scaler.transform(imputer.transform(frame[numeric]))
    np.testing.assert_allclose(
        out[:, [encoder.feature_names.index(n) for n in numeric]], wanted, rtol=1e-12, atol=1e-12
    )

    texts = frame[["island", "sex"]].fillna("(missing)").astype(object)
    hot = preprocessing.OneHotEncoder(sparse_output=False).fit(texts.iloc[rows])
    names = [f"{c}={level}" for c, levels in zip(["island", "sex"], hot.categories_, strict=True) for level in levels]
    np.testing.assert_array_equal(out[:, [encoder.feature_names.index(n) for n in names]], hot.transform(texts))
    assert {n for n in encoder.feature_names if "=" in n} == set(names)


def test_a_value_that_no_network_could_carry_is_named():
    table = pa.table({"x": [1.0, 2.0, 3.0, 1e39]})
    encoder = Encoder.fit(table, infer_schema(table), rows=[0, 1, 2])
    with pytest.raises(RequestError, match=r"column 'x' has 1e\+39 in row 4 .*correct the cell"):
        encoder.transform(table)
