"""Every type of column works to the end as what it holds, or is left out or refused by its name."""

import datetime
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from chainrule import load, train
from chainrule.data import infer_schema, read_table
from chainrule.data.arrow_types import normalized
from chainrule.errors import RequestError
from chainrule.explain import check_gradients, diagnose, explain

M = 40
TEXTS = ["red", "green", "blue", None] * (M // 4)
NUMBERS = [3, 1, 4, 1, 5, 9, 2, None] * (M // 8)
HALVES = [1.5, -2.0, 0.25, None] * (M // 4)
TRUTHS = [True, False, None, True, False] * (M // 5)
DAYS = [datetime.date(2024, 1, 31), datetime.date(1960, 2, 29), None, datetime.date(2025, 7, 1)] * (M // 4)
MOMENTS = [None if day is None else datetime.datetime(day.year, day.month, day.day, 10, 30) for day in DAYS]
X = [0.5 * ((7 * i) % 11) for i in range(M)]
Y = ["yes" if x > 2.5 else "no" for x in X]


def encoded(values, kind, index=None):
    """A dictionary of Arrow whose values are of ``kind``."""
    different = sorted({v for v in values if v is not None})
    place = pa.array([None if v is None else different.index(v) for v in values], index or pa.int8())
    return pa.DictionaryArray.from_arrays(place, pa.array(different, kind))


def decimals():
    """HALVES, exactly."""
    return [None if v is None else Decimal(str(v)) for v in HALVES]


def sized(kind):
    """Whole decimals of ``kind``."""
    return pa.array([None if v is None else Decimal(v) for v in NUMBERS], kind)


PLAIN = {
    "text": pa.array(TEXTS, pa.large_string()),
    "integers": pa.array(NUMBERS, pa.int64()),
    "floats": pa.array(HALVES, pa.float64()),
    "booleans": pa.array(TRUTHS),
    "days": pa.array(DAYS, pa.date32()),
    "moments": pa.array(MOMENTS, pa.timestamp("us")),
    "category of text": encoded(TEXTS, pa.large_string(), pa.int32()),
    "category of integers": encoded(NUMBERS, pa.int64(), pa.int32()),
    "category of floats": encoded(HALVES, pa.float64(), pa.int32()),
    "category of booleans": encoded(TRUTHS, pa.bool_(), pa.int32()),
    "category of days": encoded([str(day) if day else None for day in DAYS], pa.large_string(), pa.int32()),
}
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view()]
INTEGER_TYPES = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOAT_TYPES = [pa.float16(), pa.float32(), pa.float64()]
INDEX_TYPES = INTEGER_TYPES
DECIMAL_TYPES = [pa.decimal128(5, 2), pa.decimal256(50, 2)]
TIMESTAMPS = [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Tokyo")]

# The column, and what it must be like: a name in PLAIN
SAME = {
    **{f"{t}": (pa.array(TEXTS, t), "text") for t in TEXT_TYPES},
    **{f"{t}": (pa.array(NUMBERS, t), "integers") for t in INTEGER_TYPES},
    **{f"{t}": (pa.array(np.array(HALVES, float).astype(t.to_pandas_dtype()), t, from_pandas=True), "floats")
       for t in FLOAT_TYPES},
    **{f"{t}": (pa.array(decimals(), t), "floats") for t in DECIMAL_TYPES},
    "decimal128(30, 0)": (sized(pa.decimal128(30, 0)), "integers"),
    "decimal256(60, 0)": (sized(pa.decimal256(60, 0)), "integers"),
    "bool": (pa.array(TRUTHS), "booleans"),
    "bool8": (pa.ExtensionArray.from_storage(pa.bool8(), pa.array(TRUTHS).cast(pa.int8())), "booleans"),
    "date32": (pa.array(DAYS, pa.date32()), "days"),
    "date64": (pa.array(DAYS, pa.date64()), "days"),
    **{f"{t}": (pa.array(MOMENTS, pa.timestamp(t.unit)).cast(t), "moments") for t in TIMESTAMPS},
    "run-end encoded": (pc.run_end_encode(pa.array(TEXTS)), "text"),
    **{f"dictionary of {t}": (encoded(TEXTS, t), "category of text") for t in TEXT_TYPES},
    **{f"dictionary of {t}": (encoded(NUMBERS, t), "category of integers") for t in INTEGER_TYPES},
    **{f"dictionary of {t}": (encoded(HALVES, t), "category of floats") for t in FLOAT_TYPES},
    "dictionary of decimals": (encoded([None if v is None else Decimal(v) for v in NUMBERS], pa.decimal128(9, 0)),
                               "category of integers"),
    "dictionary of bool": (encoded(TRUTHS, pa.bool_()), "category of booleans"),
    "dictionary of date32": (encoded(DAYS, pa.date32()), "category of days"),
    "dictionary of date64": (encoded(DAYS, pa.date64()), "category of days"),
    "dictionary of timestamps": (encoded([d and datetime.datetime(d.year, d.month, d.day) for d in DAYS],
                                         pa.timestamp("ns")), "category of days"),
    **{f"dictionary with {t}": (encoded(TEXTS, pa.string(), t), "category of text") for t in INDEX_TYPES},
    "pandas string": (pd.Series(TEXTS, dtype="string"), "text"),
    "pandas object": (pd.Series(TEXTS, dtype=object), "text"),
    "pandas string_view": (pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string_view())), "text"),
    "pandas Int8": (pd.Series(NUMBERS, dtype="Int8"), "integers"),
    "pandas boolean": (pd.Series(TRUTHS, dtype="boolean"), "booleans"),
    "pandas objects that are booleans": (pd.Series(TRUTHS, dtype=object), "booleans"),
    "pandas Float32": (pd.Series(HALVES, dtype="Float32"), "floats"),
    "pandas sparse": (pd.Series(pd.arrays.SparseArray(np.array(HALVES, float))), "floats"),
    "pandas big-endian": (pd.Series(np.array(HALVES, ">f8")), "floats"),
    "NumPy big-endian": (np.array(HALVES, ">f8"), "floats"),
    "pandas dates with zone": (pd.Series(pd.DatetimeIndex(MOMENTS, tz="UTC").tz_convert("Asia/Tokyo")), "moments"),
    "pandas periods": (pd.Series(pd.PeriodIndex(DAYS, freq="D")), "days"),
    "pandas category": (pd.Series(TEXTS, dtype="category"), "category of text"),
    "pandas category of integers": (pd.Series(pd.Categorical(pd.array(NUMBERS, "Int64"))), "category of integers"),
    "pandas category of floats": (pd.Series(HALVES, dtype="category"), "category of floats"),
    "pandas category of booleans": (pd.Series(pd.Categorical(TRUTHS)), "category of booleans"),
    "pandas category of dates": (pd.Series(pd.Categorical(pd.DatetimeIndex(DAYS))), "category of days"),
    "pandas category of Arrow": (pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.dictionary(pa.int16(), pa.string()))),
                                 "category of text"),
    "polars text": (pl.Series(TEXTS), "text"),
    "polars Categorical": (pl.Series(TEXTS, dtype=pl.Categorical), "category of text"),
    "polars Enum": (pl.Series(TEXTS, dtype=pl.Enum(["red", "blue", "green"])), "category of text"),
    "polars UInt64": (pl.Series(NUMBERS, dtype=pl.UInt64), "integers"),
    "polars Decimal": (pl.Series(decimals(), dtype=pl.Decimal(9, 2)), "floats"),
    "polars Date": (pl.Series(DAYS), "days"),
    "polars Datetime": (pl.Series(MOMENTS, dtype=pl.Datetime("ns", "UTC")), "moments"),
}  # fmt: skip


def table(column, **others):
    columns = {"x": X, "column": column, "y": Y} | others
    if isinstance(column, pd.Series):
        return pd.DataFrame(columns)
    return pl.DataFrame(columns) if isinstance(column, pl.Series) else columns


@pytest.mark.parametrize("what", SAME)
def test_every_type_ends_as_one_of_the_few(what):
    column, like = SAME[what]
    plain = PLAIN[like]
    in_a_dict = [{"column": column}] if what not in ("pandas sparse", "pandas big-endian") else []
    for source in (table(column), *in_a_dict):
        known = read_table(source).column("column")
        assert known.num_chunks == 1
        assert pc.cast(known, plain.type).to_pylist() == plain.to_pylist()
        again = normalized(pa.table({"column": known})).column("column")
        assert (again.type, again.chunk(0).buffers()) == (known.type, known.chunk(0).buffers())
        same_kind = (pa.types.is_dictionary, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean)
        for test in same_kind:
            assert test(known.type) == test(plain.type)
        if pa.types.is_dictionary(plain.type):
            assert known.type.index_type == pa.int32()
            for test in same_kind:
                assert test(known.type.value_type) == test(plain.type.value_type)


@pytest.mark.parametrize("what", SAME)
def test_every_type_works_to_the_end(what, tmp_path):
    column, like = SAME[what]
    options = {"epochs": 1, "hidden": (2,), "seed": 1, "threads": 1}
    wanted = train(table(PLAIN[like]), "y", **options)
    assert "column" in wanted.encoder.columns
    train(table(column), "y", **options).save(tmp_path / "m.model")
    model = load(tmp_path / "m.model")
    assert np.array_equal(model.theta, wanted.theta)
    assert np.array_equal(model.predict_proba(table(column)), wanted.predict_proba(table(PLAIN[like])))
    assert model.evaluate(table(column)).to_dict() == wanted.evaluate(table(PLAIN[like])).to_dict()
    assert model.predict(table(column)).tolist() == model.predict(table(PLAIN[like])).tolist()


@pytest.mark.parametrize("what", [what for what, (_, like) in SAME.items() if "day" not in like and like != "moments"])
def test_every_type_can_be_the_target(what):
    column, like = SAME[what]
    options = {"epochs": 1, "hidden": (2,), "seed": 1, "threads": 1, "test_fraction": 0}
    model, wanted = (train(table(c), "column", **options) for c in (column, PLAIN[like]))
    assert model.target == wanted.target
    assert np.array_equal(model.theta, wanted.theta)


@pytest.mark.parametrize("what", ["string_view", "dictionary of string_view", "dictionary of int8", "pandas category"])
def test_seeing_inside_takes_what_training_takes(what):
    rows = table(SAME[what][0])
    model = train(rows, "y", epochs=1, hidden=(2,), threads=1)
    assert diagnose(model, rows)
    assert check_gradients(model, rows)
    assert explain(model, rows, rows=slice(0, 2))


def test_intervals_are_the_text_that_pandas_prints():
    values = pd.Series(np.linspace(0, 9, M))
    frame = pd.DataFrame({
        "cut": pd.cut(values, 4),
        "left": pd.cut(values, [0, 3, 6, 10], right=False),
        "days": pd.Series(pd.interval_range(pd.Timestamp("2024-01-01"), periods=M)),
        "gaps": pd.cut(values, [0, 3, 6]),
    })  # fmt: skip
    known = read_table(frame)
    for name in frame:
        assert pa.types.is_dictionary(known.column(name).type)
        cells = frame[name]
        cells = cells.cat.rename_categories(str) if isinstance(cells.dtype, pd.CategoricalDtype) else cells.map(str)
        texts = [None if pd.isna(cell) else cell for cell in cells]
        assert known.column(name).to_pylist() == texts
    model = train(frame.assign(y=Y), "y", epochs=1, hidden=(2,))
    assert model.encoder.text_columns == ["cut", "left", "gaps"]
    assert len(model.predict(frame)) == M


@pytest.mark.parametrize("freq", ["Y", "Q", "M", "D", "h", "min", "s", "ms", "us"])
def test_periods_are_the_moment_of_their_start(freq):
    periods = pd.Series(pd.period_range("1969-07-20", periods=5, freq=freq))
    (column,) = read_table(pd.DataFrame({"when": periods})).columns
    assert column.to_pylist() == periods.dt.to_timestamp().dt.to_pydatetime().tolist()


def test_pandas_types_in_a_parquet_file_are_read_without_pandas(tmp_path):
    frame = pd.DataFrame({"i": pd.interval_range(0, 3), "p": pd.period_range("2024-01", periods=3, freq="M")})
    arrow = pa.Table.from_pandas(frame)
    unregistered = pa.table(
        [arrow["i"].combine_chunks().storage, arrow["p"].combine_chunks().storage],
        schema=pa.schema(
            pa.field(name, arrow[name].type.storage_type, metadata={
                "ARROW:extension:name": arrow[name].type.extension_name,
                "ARROW:extension:metadata": arrow[name].type.__arrow_ext_serialize__(),
            })
            for name in ("i", "p")
        ),
    )  # fmt: skip
    assert normalized(unregistered).to_pydict() == normalized(arrow.select(["i", "p"])).to_pydict()


def test_dictionaries_that_differ_from_chunk_to_chunk_become_one():
    chunks = [encoded(["a", "b"], pa.string_view()), encoded(["c", "b"], pa.string_view())]
    intervals = [pa.Table.from_pandas(pd.DataFrame({"x": pd.cut([1.0, 2.0], n)}))["x"].chunk(0) for n in (2, 3)]
    for column in (pa.chunked_array(chunks), pa.chunked_array(intervals)):
        (known,) = normalized(pa.table({"x": column})).columns
        assert known.num_chunks == 1
        wanted = [cell for chunk in column.chunks for cell in normalized(pa.table({"x": chunk}))["x"].to_pylist()]
        assert known.to_pylist() == wanted


def test_unsigned_integers_beyond_63_bits_keep_every_digit():
    big = [2**64 - 1, 2**63, None, 0]
    assert read_table({"x": pa.array(big, pa.uint64())}).column("x").to_pylist() == big
    assert read_table({"x": pa.array(big, pa.uint64()).dictionary_encode()}).column("x").to_pylist() == big


def test_metadata_do_not_change_what_is_read():
    table = pa.Table.from_pandas(pd.DataFrame({"x": pd.Categorical([1, 2])}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    assert read_table(pq.ParquetFile(buffer).read()).schema.metadata is None


OTHERS = {
    "list": pa.array([[1], [2]] * 20),
    "large_list": pa.array([[1], [2]] * 20, pa.large_list(pa.int64())),
    "list_view": pa.array([[1], [2]] * 20, pa.list_view(pa.int64())),
    "fixed_size_list": pa.array([[1], [2]] * 20, pa.list_(pa.int64(), 1)),
    "struct": pa.array([{"a": 1}, {"a": 2}] * 20),
    "map": pa.array([[("a", 1)], [("a", 2)]] * 20, pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"a", b"b"] * 20),
    "large_binary": pa.array([b"a", b"b"] * 20, pa.large_binary()),
    "fixed_size_binary": pa.array([b"a", b"b"] * 20, pa.binary(1)),
    "binary ": pa.array([b"a", b"b"] * 20, pa.binary_view()),
    "time32": pa.array([1, 2] * 20, pa.time32("s")),
    "time64": pa.array([1, 2] * 20, pa.time64("us")),
    "duration": pa.array([1, 2] * 20, pa.duration("s")),
    "month_day_nano_interval": pa.array([(1, 2, 3), (1, 2, 4)] * 20, pa.month_day_nano_interval()),
    "list ": pa.DictionaryArray.from_arrays(pa.array([0, 1] * 20), pa.array([[1], [2]])),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_makes_no_features_is_left_out_by_name_and_refused_as_target(name):
    columns = {"x": X, "column": OTHERS[name], "y": Y}
    (left_out,) = infer_schema(read_table({"x": X, "column": OTHERS[name]})).left_out
    assert left_out.kind == "other"
    assert name.strip() in left_out.reason
    model = train(columns, "y", epochs=1, hidden=(2,))
    assert model.evaluate(columns).to_dict()
    with pytest.raises(RequestError, match=f"target 'column' is .*{name.strip()}"):
        train(columns, "column")


WEEKS = pd.period_range("2024-01-01", periods=2, freq="W")
REFUSED = {
    "a struct of views": (pa.array([{"a": "x"}], pa.struct([("a", pa.string_view())])), r"'x' holds struct<a: string_"),
    "a list of views": (pa.array([["x"]], pa.list_(pa.string_view())), r"'x' holds list<.*string_view>"),
    "a moment out of range": (pa.array([2**50], pa.timestamp("s")), r"'x' holds timestamp.*out of bounds"),
    "periods of weeks": (pd.Series(WEEKS), r"'x' holds .*frequency is 'W-SUN'"),
    "complex numbers": (pd.Series([1j]), r"column 'x' .*complex"),
    "numbers and text": (pd.Series([1, "a"]), r"column 'x' .*it was a number, now it is text: 'a' in row 2"),
    "a category of both": (pd.Series(pd.Categorical([1, "a"])), r"column 'x' .*it was a number, now it is text"),
    "polars Int128": (pl.Series([1, 2], dtype=pl.Int128), r"column 'x' has the type Int128"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(what):
    column, message = REFUSED[what]
    frame = pd.DataFrame if isinstance(column, pd.Series) else pl.DataFrame if isinstance(column, pl.Series) else dict
    with pytest.raises(RequestError, match=message):
        read_table(frame({"x": column}))
