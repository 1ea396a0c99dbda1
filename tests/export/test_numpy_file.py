"""The Python file: it answers and refuses as the model does, needs NumPy alone, and nothing in a model becomes code."""

import ast
import datetime
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pandas
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule import Network, RequestError, load
from chainrule.data.category_features import CategoryFeatures
from chainrule.data.columns import dates, numbers, texts
from chainrule.export import cells, export
from chainrule.export.numpy_file import content
from chainrule.export.numpy_formulas import digits
from tests.export import models
from tests.export.models import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    BOTH,
    KINDS,
    NAMES,
    OPERATIONS,
    OWN,
    SPECIAL,
    STRANGE,
    TABLE,
    UNSEEN,
)

MODULES = {"numpy", "re"}


def loaded(model):
    """What the file defines."""
    file = {}
    exec(compile(content(model), "model.py", "exec"), file)
    return file


@cache
def of_kind(kind):
    return loaded(models.model(kind))


def assert_same(file, model, table):
    rtol = 1e-12 if model.network.dtype == "float64" else 1e-5
    if model.target.task == "regression":
        given, expected = file["predict"](table), model.predict(table)
        usual = np.nanmax(
            np.abs(np.append(expected[: len(TABLE["mass"])], 0.0))
        )  # the rows far out have a scale of their own
        np.testing.assert_allclose(given, expected, rtol=10 * rtol, atol=rtol * usual)
        assert "predict_proba" not in file
    else:
        np.testing.assert_allclose(file["predict_proba"](table), model.predict_proba(table), rtol=0, atol=rtol)
        assert file["predict"](table).tolist() == model.predict(table).tolist()
        assert file["CLASSES"].tolist() == list(model.target.classes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_are_the_models(kind):
    model, file = models.model(kind), of_kind(kind)
    assert_same(file, model, BOTH)
    X = model.encoder.transform(model.read(BOTH)).T
    np.testing.assert_array_equal(file["features"](BOTH), X)  # float64, to the last bit


def test_what_spells_a_missing_value_is_missing():
    model = models.with_gaps()
    texts = models.GAPS | {"mass": ["-9", "", "4", " NA ", "5", "-9.0", "None"]}
    for table in (models.GAPS, texts, {**models.GAPS, "mass": np.array([-9.0, np.nan, 4, 0, 5, 6, 1])}):
        assert_same(loaded(model), model, table)
        X = model.encoder.transform(model.read(table)).T
        np.testing.assert_array_equal(loaded(model)["features"](table), X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", [*ALL_ACTIVATIONS, *OWN])
def test_every_activation_is_written(activation, dtype):
    model = models.with_activation(activation, dtype, OWN)
    file = loaded(model)
    assert_same(file, model, BOTH)
    assert file["forward"](file["features"](BOTH)).dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_every_loss_is_written(loss, dtype):
    model = models.with_loss(loss, dtype)
    assert_same(loaded(model), model, BOTH)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_operation_is_numpys(dtype):
    file = loaded(models.with_operations(dtype))
    for l, name in enumerate(OPERATIONS, 1):
        with np.errstate(all="ignore"):
            given = file[f"g{l}"](SPECIAL.astype(dtype))
        assert given.dtype == dtype
        rtol = 1e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(given, models.operated(name, dtype), rtol=rtol, err_msg=name)


@pytest.mark.parametrize("kind", ["classes", "binary", "regression"])
def test_an_answer_that_is_no_number_is_refused(kind):
    with pytest.raises(ValueError, match=r"the prediction for row 1 \(.* is NaN"):
        loaded(models.not_finite(kind))["predict"](BOTH)


def test_outputs_that_are_all_0_are_shared_out():
    file = loaded(models.silent())
    assert (file["predict_proba"](TABLE) == 1 / 3).all()
    assert set(file["predict"](TABLE)) == {"Adelie"}


def test_it_runs_apart_and_needs_numpy_alone(tmp_path):
    model = models.model("classes")
    export(model, tmp_path / "apart.py", "numpy")
    program = (
        "import runpy, sys\n"
        f"file = runpy.run_path({str(tmp_path / 'apart.py')!r})\n"
        f"print(file['predict']({UNSEEN!r}).tolist(), 'chainrule' in sys.modules, 'pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{model.predict(UNSEEN).tolist()} False False"


@pytest.mark.parametrize("kind", KINDS)
def test_it_imports_numpy_and_runs_no_text_as_code(kind):
    tree = ast.parse(content(models.model(kind)))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= MODULES
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"eval", "exec", "compile", "open", "getattr", "globals", "__import__"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))


def test_it_brings_what_its_columns_need():
    base = models.model("classes")
    numbers_alone = replace(base, encoder=replace(base.encoder, parts=base.encoder.parts[:2]))
    numbers_alone = replace(numbers_alone, network=replace(base.network, n=(3, *base.network.n[1:])))
    theta = np.zeros(numbers_alone.network.size, "float32")
    text = content(replace(numbers_alone, theta=theta)).decode()
    assert "def number_features" in text
    assert "import re" not in text
    assert "category" not in text.split("import numpy")[1]


def test_the_example_in_the_file_answers():
    for model in (models.model("classes"), models.strange(), models.model("poisson")):
        file = loaded(model)
        doc = file["__doc__"]
        table = ast.literal_eval(doc[doc.index("table = {") + 8 : doc.index("\n    }\n") + 6].replace("\n    ", "\n"))
        assert list(table) == model.encoder.columns
        assert_same(file, model, table)
        assert repr(model.target.name) in doc


def test_parameters_are_written_exactly():
    for kind in ("classes", "regression64"):
        model = models.model(kind)
        file, p = loaded(model), model.parameters
        for l in range(1, model.network.L + 1):
            for name, array in (("W", p.W[l]), ("b", p.b[l])):
                written = file[f"{name}{l}"]
                assert written.dtype == array.dtype
                np.testing.assert_array_equal(written, array)


@given(st.floats(width=32, allow_nan=False) | st.floats(allow_nan=False))
def test_digits_come_back_as_the_number(value):
    for of in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            number = of(value)
        read = np.fromstring(digits(number), of, sep=" ")[0]
        assert read == number
        assert np.signbit(read) == np.signbit(number)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = models.model("classes")
    model.save(tmp_path / "model")
    assert content(model) == content(load(tmp_path / "model"))


def test_names_that_end_strings_stay_what_they_are():
    model = models.strange()
    file = loaded(model)
    assert_same(file, model, models.strange_rows())


@given(st.lists(st.text().filter(str.strip), min_size=3, max_size=3, unique=True), st.text().filter(str.strip))
def test_any_text_is_written(names, target):
    base = models.model("binary")
    parts = [replace(part, column=name) for part, name in zip(base.encoder.parts[1:4], names, strict=True)]
    level = CategoryFeatures("levels", tuple(sorted(names)), (), False)
    columns = (*parts, replace(level, column=names[0] + "'"))
    if len({part.column for part in columns}) < 4:
        return
    encoder = replace(base.encoder, parts=columns)
    network = Network((len(encoder.feature_names), 1), loss=base.network.loss)
    classes = tuple(sorted(names[:2]))
    outcome = replace(base.target, name=target, classes=classes, value_type="text")
    theta = np.linspace(-1.0, 1.0, network.size).astype(np.float32)
    model = replace(base, encoder=encoder, network=network, theta=theta, target=outcome)
    table = {names[0]: [1.0] * 3, names[1]: [True] * 3, names[2]: ["2020-02-02"] * 3, names[0] + "'": names}
    assert_same(loaded(model), model, table)


FORMS = {
    "mass": [
        np.array([1.5, np.nan, -3.0], np.float32),
        np.array([1, 2, 3], np.int16),
        np.array([1.5, None, 2], object),
        [1, None, 2.5],
        [Decimal("1.50"), None, Decimal(-2)],
        ["1.5", "", " 2e3 "],
        np.array(["1", "2", "3.25"]),
        [True, False, None],
        pandas.Series([1, None, 3], dtype="Int64"),
        [float("nan"), 1.0, 2.0],
        [None, None, None],
        ["nan", ".5", "+5."],
    ],
    "tame": [
        np.array([True, False, True]),
        [1, 0, None],
        np.array([0.0, 1.0, np.nan]),
        [" Yes", "n", ""],
        ["TRUE", "f", None],
        pandas.Series([True, None, False], dtype="boolean"),
    ],
    "seen": [
        np.array(["2020-01-01", "NaT", "1900-03-01"], "M8[D]"),
        np.array(["2020-01-01T10:00", "NaT", "1969-12-31T23:59:59"], "M8[ns]"),
        [datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)],
        [datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), None, datetime.datetime(2024, 1, 1)],
        [datetime.datetime(2024, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5))), None, None],
        ["1600-02-29 23:59:59.999999", "", "2024-12-31T07"],
        pandas.Series(["2020-01-01", None, "1960-05-05"], dtype="datetime64[ns]"),
        pandas.Series(["2020-01-01", None, "1960-05-05"]).astype("datetime64[s]").dt.tz_localize("Europe/Berlin"),
    ],
    "island": [
        np.array(["Dream", "Biscoe", ""]),
        np.array(["Dream", None, "Else"], object),
        pandas.Series(["Dream", None, "Biscoe"], dtype="category"),
        pandas.Series(["Dream", None, "Biscoe"], dtype="string"),
    ],
    "zone": [
        [1, 2, 30],
        [1.0, 2.5, None],
        np.array([1.0, 2.5, np.nan], np.float32),
        np.array([True, False, True]),
        [Decimal("2.5"), None, Decimal(1)],
        ["1", "2.5", "030"],
    ],
}


@pytest.mark.parametrize(
    ("name", "column"), [(name, form) for name in FORMS for form in FORMS[name]], ids=lambda value: type(value).__name__
)
def test_every_form_of_column_reads_as_the_model_reads_it(name, column):
    model, file = models.model("classes"), of_kind("classes")
    table = {other: TABLE[other][:3] for other in NAMES} | {name: column, "more": ["x", "y", "z"]}
    np.testing.assert_array_equal(file["features"](table), model.encoder.transform(model.read(table)).T)


def test_a_data_frame_is_a_table_too():
    model = models.model("classes")
    frame = pandas.DataFrame(BOTH)
    assert loaded(model)["predict"](frame).tolist() == model.predict(frame).tolist()


@example(1e-6)
@example(9.99e-7)
@example(1.5e-6)
@example(1.5e-5)
@example(1e10 + 0.5)
@example(1e9 + 0.5)
@example(-0.0)
@given(st.floats(allow_nan=False) | st.integers(-(2**62), 2**62) | st.floats(width=32, allow_nan=False) | st.booleans())
def test_numbers_are_spelled_as_levels_are(value):
    forms = [value]
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            forms += [np.float64(value), np.float32(value)]
    for form in forms:
        assert cells.text(form) == texts(pa.array(np.array([form])), "x", "is")[0].as_py()


DATES = [
    *("2024-01-31", " 2024-01-31 ", "2024-01-31 10", "2024-01-31T10:30", "2024-01-31 10:30:05.1", "0001-01-01"),
    *("1969-12-31T23:59:59.999999", "9999-12-31 23:59", "2024-01-31T10:30Z", "2024-01-31 10:30+02:00"),
    *("2024-01-31 10:30-0530", "2024-01-31 10:30:05.25+02", "2024-01-31 10Z", "2024-01-31 10:30-00:30"),
    *("20240131", "2024-1-31", "2024-01", "2024-01-31t10:30", "2024-01-31  10:30", "10000-01-01", "2024-01-31 24:00"),
    *("2024-01-31 10:30:60", "2024-01-31T10:30:05,5", "2024-01-31 10:30 +02:00", "2024-01-31 10:30:05.", "2024-02-30"),
    *("2024-01-31Z", "2024-01-31T1030", "NaT", "now", "today", "2024-01-31 10:30+24:00", "2024-01-31 10:30+02:60"),
    *("2024-01-31 10:30:05.1234567", "31.01.2024", "x", "2024-W05-3", "\u06620\u06624-01-31", "2024-13-01"),
]


@pytest.mark.parametrize("text", DATES)
def test_dates_are_read_as_the_model_reads_them(text):
    try:
        expected = dates(pa.array([text]), "x", "is")[0]
    except RequestError:
        with pytest.raises(ValueError):  # noqa: PT011, it is given its words where the column is known
            cells.date(text)
    else:
        assert cells.date(text) == expected


@pytest.mark.parametrize(
    "text",
    ["1.5", "+1.5", "-0", " 1 ", "1e5", ".5", "5.", "nan", "1_0", "1,5", "0x10", "1d5", "\u0661", "one", "--1", "1 2"],
)
def test_numbers_are_read_as_the_model_reads_them(text):
    try:
        expected = numbers(pa.array([text]), "x", "is")
    except RequestError:
        with pytest.raises(ValueError, match="column 'x' was a number"):
            cells.numbers("x", [text])
    else:
        np.testing.assert_array_equal(cells.numbers("x", [text]), expected)


WRONG = {
    "mass": (["1", "2", "heavy"], r"column 'mass' was a number at training, now it is text: 'heavy' in row 3 \(rows "),
    "count": ([1, 2, datetime.date(2020, 1, 1)], "column 'count' was a number .*, now it is date: .* in row 3"),
    "tame": (["yes", "perhaps", "no"], "column 'tame' was a boolean .* 'perhaps' in row 2"),
    "seen": (["2020-01-01", "soon", None], "column 'seen' was a date .* 'soon' in row 2"),
    "island": (["Dream", b"Dream", None], "column 'island' was text .* bytes: b'Dream' in row 2"),
    "zone": ([[1], [2, 3], "x"], "column 'zone' must be a list or an array of cells"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_cell_that_is_not_what_the_column_was_is_named(name):
    model = models.model("classes")
    cells_, message = WRONG[name]
    table = {other: TABLE[other][:3] for other in NAMES} | {name: cells_}
    with pytest.raises(ValueError, match=message):
        of_kind("classes")["predict"](table)
    with pytest.raises(RequestError):
        model.predict(table)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("count", 2, "column 'seen' was a date .* int64: 2 in row 1"),
        ("mass", np.inf, "column 'mass' has an infinite value in row 1"),
        ("mass", 1e101, r"column 'mass' has the value 1e\+101, beyond 1e\+100, in row 1"),
        ("mass", 1e50, "column 'mass' has 1e.50 in row 1 .*more than 1e.15 standard deviations"),
        ("mass", 10**400, "column 'mass' was a number .* int: 1000"),
        ("tame", 2, "column 'tame' was a boolean .* int64: 2 in row 1"),
        ("tame", np.timedelta64(1, "D"), "column 'tame' was a boolean .* timedelta64"),
        ("mass", np.datetime64("2020"), "column 'mass' was a number .* date"),
    ],
)
def test_a_value_out_of_range_is_named(column, cell, message):
    table = {other: TABLE[other][:1] for other in NAMES} | {column: [cell]}
    if "'seen'" in message:
        table["seen"] = [cell]
    with pytest.raises(ValueError, match=message):
        of_kind("classes")["predict"](table)


def test_columns_that_are_missing_are_named_and_those_that_are_there():
    predict = of_kind("classes")["predict"]
    with pytest.raises(
        ValueError, match=r"column 'mass' is missing: .* trained on it\. Columns here: count, tame, seen"
    ):
        predict({name: TABLE[name] for name in NAMES[1:]})
    with pytest.raises(ValueError, match=r"columns 'mass', 'count' are missing: .* trained on them\."):
        predict({name: TABLE[name] for name in NAMES[2:]})
    with pytest.raises(ValueError, match="columns are of one length"):
        predict(TABLE | {"mass": [1.0]})
    with pytest.raises(ValueError, match="column 'mass' must be a list or an array"):
        predict(TABLE | {"mass": 1.0})


def test_gaps_are_refused_where_the_model_takes_none():
    base = models.model("classes")
    scales = tuple(replace(scale, fill=None) for scale in base.encoder.parts[0].scales)
    first = replace(base.encoder.parts[0], scales=scales)
    model = replace(base, encoder=replace(base.encoder, parts=(first, *base.encoder.parts[1:])))
    predict = loaded(model)["predict"]
    with pytest.raises(ValueError, match=r"column 'mass' has no value in row 5 .* takes none"):
        predict(TABLE)
    assert predict(TABLE | {"mass": [1.0] * len(TABLE["mass"])}).shape == (len(TABLE["mass"]),)


def test_a_column_without_a_name_goes_by_its_place():
    model = models.strange()
    rows = models.strange_rows()
    nameless = {name if name != "column 7" else "": rows[name] for name in rows}
    assert STRANGE[6] in nameless
    np.testing.assert_array_equal(loaded(model)["predict_proba"](nameless), loaded(model)["predict_proba"](rows))


def test_no_rows_give_no_answers():
    for kind in ("classes", "regression"):
        assert of_kind(kind)["predict"]({name: [] for name in NAMES}).shape == (0,)
