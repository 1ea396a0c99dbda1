"""What text is read as before training: gaps, numbers, dates, booleans, categories; and what is refused."""

import cProfile
import json
import pstats
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule import load, plan, train
from chainrule.data.gaps import AMONG_NUMBERS, AMONG_TEXTS, Gaps
from chainrule.errors import RequestError

M = 60
A = [(7 * i) % 23 + 0.5 for i in range(M)]
Y = [2.0 * a + i % 3 for i, a in enumerate(A)]
SHORT = {"hidden": (3,), "epochs": 2, "seed": 1}
SPELLINGS = ["?", "-", "NA", "N/A", "null", "none", ".", "na", "n/A", "Null", "NONE", " ? ", "#N/A"]


def write(folder, columns, delimiter=","):
    path = folder / "t.csv"
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    path.write_text("\n".join(delimiter.join(map(str, row)) for row in rows) + "\n")
    return path


def but(cells, **changed):
    """``cells`` as text with others in some rows: ``row3="?"``, counted from 1."""
    cells = list(map(str, cells))
    for row, cell in changed.items():
        cells[int(row[3:]) - 1] = cell
    return cells


def kind(planned, name):
    return next((c.kind, c.missing) for c in planned.schema.columns if c.name == name)


OF_A_KIND = {
    "number": A,
    "boolean": ["true" if i % 3 else "false" for i in range(M)],
    "date": [f"20{10 + i % 9}-0{1 + i % 7}-11" for i in range(M)],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("of", OF_A_KIND)
def test_a_gap_changes_no_kind_and_is_counted_and_said(tmp_path, of, spelling):
    empty = plan(write(tmp_path, {"x": but(OF_A_KIND[of], row5=""), "y": Y}), "y", **SHORT)
    marked = plan(write(tmp_path, {"x": but(OF_A_KIND[of], row5=spelling), "y": Y}), "y", **SHORT)
    assert kind(marked, "x") == kind(empty, "x") == (of, 1)
    assert marked.encoder.parts == empty.encoder.parts
    assert marked.notes[0] == f"column 'x': 1 cell read as missing: {spelling!r}"
    assert marked.train().theta.tobytes() == empty.train().theta.tobytes()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_gap_in_a_target_of_numbers_is_a_row_without_target(tmp_path, spelling):
    planned = plan(write(tmp_path, {"x": A, "y": but(Y, row7=spelling)}), "y", **SHORT)
    assert (planned.target.task, planned.dropped) == ("regression", 1)


def test_text_has_fewer_gaps_and_a_target_of_text_only_empty_ones(tmp_path):
    texts = ["none", "-", ".", "Na", "Nan", "x", "NA", "N/A", "NaN", "null", "?", ""] * 5
    planned = plan(write(tmp_path, {"a": A, "x": texts, "y": ["p", "q", "-"] * 20}), "y", **SHORT)
    (part,) = (part for part in planned.encoder.parts if part.column == "x")
    assert {*part.levels, *part.pooled} == {"none", "-", ".", "Na", "Nan", "x"}
    assert kind(planned, "x") == ("category", 30)
    planned = plan(write(tmp_path, {"a": A, "y": texts}), "y", **SHORT)
    assert set(planned.target.classes) == {*texts} - {""}
    assert planned.dropped == 5


def test_missing_adds_spellings_everywhere_and_an_empty_one_takes_none(tmp_path):
    table = {
        "x": but(A, row3="-9", row4="no"),
        "n": [-9, 1, 2] * 20,
        "t": ["u", "v", "no"] * 20,
        "y": but(Y, row2="no"),
    }
    planned = plan(write(tmp_path, table), "y", missing=["-9", "no"], **SHORT)
    assert [kind(planned, name) for name in table] == [
        ("number", 2),
        ("number", 20),
        ("category", 20),
        ("number", 1),
    ]
    with pytest.raises(RequestError, match=r"'x' holds numbers, but 1 cell is not: '\?' in row 3"):
        plan(write(tmp_path, {"x": but(A, row3="?"), "y": Y}), "y", missing="", **SHORT)
    planned = plan(write(tmp_path, {"a": A, "x": ["NA", "b", "?"] * 20, "y": Y}), "y", missing=[], **SHORT)
    assert planned.encoder.feature_names == ["a", "x=?", "x=NA", "x=b"]


def test_missing_is_a_list_of_texts():
    with pytest.raises(RequestError, match="missing must be a list of strings"):
        plan({"x": A, "y": Y}, "y", missing=[-9])


HANDFULS = {
    "a feature": ({"x": but(A, row3="n.k.", row9="~5"), "y": Y}, ["column 'x' holds numbers, but 2 cells are not"]),
    "a target": (
        {"x": A, "y": but(Y, row3="n.k.", row9="~5")},
        ["the target 'y' holds numbers", "--task classification"],
    ),
    "dates": ({"x": but(OF_A_KIND["date"], row3="n.k.", row9="~5"), "y": Y}, ["column 'x' holds dates"]),
    "one of several": ({"x": but(A, row3="?", row9="~5"), "y": Y}, ["but 1 cell is not: '~5' in row 9"]),
}


@pytest.mark.parametrize("form", ["a file", "a frame"])
@pytest.mark.parametrize("what", HANDFULS)
def test_a_handful_of_other_cells_is_named_with_what_helps(tmp_path, what, form):
    table, pieces = HANDFULS[what]
    given = write(tmp_path, table) if form == "a file" else table
    with pytest.raises(RequestError) as caught:
        plan(given, "y", **SHORT)
    for piece in [*pieces, "'~5' in row 9", "--missing"]:
        assert piece in str(caught.value)


def test_what_the_message_advises_helps(tmp_path):
    path = write(tmp_path, {"x": but(A, row3="n.k.", row9="~5"), "b": A, "y": Y})
    assert kind(plan(path, "y", missing=["n.k.", "~5"], **SHORT), "x") == ("number", 2)
    assert kind(plan(path, "y", category=["x"], **SHORT), "x") == ("category", 0)
    assert "x" not in plan(path, "y", drop=["x"], **SHORT).encoder.columns
    path = write(tmp_path, {"b": A, "y": but([i % 3 for i in range(M)], row3="x")})
    assert plan(path, "y", task="classification", **SHORT).target.classes == ("0", "1", "2", "x")


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2", "3", "4+"] * 15,  # a quarter
        [f"{i}" if i % 7 else f"V{i}" for i in range(M)],  # codes, some with letters
        ["1", "a", "b", *["c"] * 57],
    ],
)
def test_more_than_a_handful_makes_a_category_or_text(cells):
    assert kind(plan({"x": cells, "a": A, "y": Y}, "y", **SHORT), "x")[0] in ("category", "text")


CATEGORIES = {
    "pandas": lambda values: pd.DataFrame({"k": pd.Categorical(values), "a": A}),
    "pyarrow": lambda values: pa.table({"k": pa.array(values).dictionary_encode(), "a": A}),
}
VALUES = {
    "integers": [i % 5 for i in range(M)],
    "floats": [i % 4 / 2 for i in range(M)],
    "booleans": [i % 3 == 0 for i in range(M)],
    "texts of digits": [str(i % 5) for i in range(M)],
}


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("container", CATEGORIES)
def test_a_declared_category_is_one_as_feature_and_as_target(container, values):
    frame, different = CATEGORIES[container](VALUES[values]), sorted(set(VALUES[values]))
    planned = plan(frame, "a", task="regression", **SHORT)
    assert kind(planned, "k")[0] == "category"
    assert len(planned.encoder.feature_names) == len(different)
    planned = plan(frame, "k", **SHORT)
    assert (planned.target.task, list(planned.target.classes)) == ("classification", different)


def test_a_category_of_polars_and_many_levels_of_integers():
    frame = pl.DataFrame({"k": ["x", "NA", "-"] * 20, "y": Y}).with_columns(pl.col("k").cast(pl.Categorical))
    assert plan(frame, "y", **SHORT).encoder.feature_names == ["k=-", "k=NA", "k=x"]  # a declared level is one
    many = pd.DataFrame({"a": [*A, *A], "g": pd.Categorical([i % 30 for i in range(2 * M)])})
    target = plan(many, "g", **SHORT).target
    assert (target.task, target.reason) == ("classification", "a category of 30 levels: classification")


def test_text_that_holds_numbers_only_is_numbers_and_said_but_zip_codes_are_text():
    table = {"x": list(map(str, A)), "zip": [f"0{i % 4}" for i in range(M)], "y": Y}
    planned = plan(pd.DataFrame(table), "y", **SHORT)
    assert (kind(planned, "x")[0], kind(planned, "zip")[0]) == ("number", "category")
    assert planned.notes == ("text that holds numbers only, read as numbers: x",)
    numbers = plan({**table, "x": A}, "y", **SHORT)
    assert planned.encoder == numbers.encoder
    assert plan({"a": A, "y": list(map(str, Y))}, "y", **SHORT).target.task == "regression"


def test_a_constant_feature_is_left_out_and_said():
    planned = plan({"a": A, "x": [f"l{i // 2}" for i in range(M)], "y": Y}, "y", category=["x"], **SHORT)
    assert planned.encoder.feature_names == ["a"]
    assert planned.encoder.constant == ("x",)
    assert "column 'x' left out: the same in every training row" in planned.notes
    with pytest.raises(RequestError, match=r"no column is left to learn from: x \(the same in every training row\)"):
        plan({"x": [f"l{i // 2}" for i in range(M)], "y": Y}, "y", category=["x"], **SHORT)


def test_a_number_that_varies_only_outside_the_training_rows_is_left_out():
    probe = plan({"a": A, "b": A[::-1], "y": Y}, "y", **SHORT)
    cells = np.ones(M)
    cells[probe.split.test] = 2.0
    planned = plan({"a": A, "b": cells, "y": Y}, "y", **SHORT)
    assert (planned.encoder.columns, planned.encoder.constant) == (["a"], ("b",))


def test_features_that_do_not_vary_beside_others_of_their_column_are_said():
    days = [f"2024-{1 + i % 7:02d}-11" for i in range(M)]
    assert plan({"a": A, "at": days, "y": Y}, "y", **SHORT).notes == (
        "features that are the same in every training row: at year",
    )


def test_a_model_reads_by_what_training_recognised(tmp_path):
    table = {"x": but(A, row3="?"), "t": [" ?" if i % 9 == 0 else "uv"[i % 2] for i in range(M)], "y": Y}
    train(write(tmp_path, table), "y", missing=["-9"], **SHORT).save(tmp_path / "m.model")
    model = load(tmp_path / "m.model")
    assert model.encoder.gaps == Gaps((*AMONG_NUMBERS, "-9"), (*AMONG_TEXTS, "-9", " ?"))
    rows = {"x": ["4.5", "?", "-9", "Null", ""], "t": ["u", " ?", "NA", "-9", ""]}
    expected = model.predict({"x": [4.5, None, None, None, None], "t": ["u", None, None, None, None]})
    np.testing.assert_array_equal(model.predict(rows), expected)
    np.testing.assert_array_equal(model.predict(write(tmp_path, rows)), expected)
    np.testing.assert_array_equal(model.predict({"x": [4.5, np.nan, -9, -9.0, np.nan], "t": rows["t"]}), expected)
    with pytest.raises(RequestError, match=r"'x' was a number at training, now it is text: 'stray' in row 2"):
        model.predict({"x": ["1", "stray"], "t": ["u", "v"]})


def test_a_decimal_comma_beside_a_gap(tmp_path):
    cells = [str(a).replace(".", ",") for a in A]
    path = write(tmp_path, {"x": but(cells, row3="?"), "y": [str(y).replace(".", ",") for y in Y]}, delimiter=";")
    planned = plan(path, "y", decimal=",", **SHORT)
    same = plan({"x": [None if i == 2 else a for i, a in enumerate(A)], "y": Y}, "y", **SHORT)
    assert planned.encoder.parts == same.encoder.parts
    model = planned.train()
    read = model.read(path, decimal=",")
    np.testing.assert_array_equal(model.predict(read), same.train().predict({"x": same.table["x"]}))


def test_older_formats_read_as_they_were_trained(tmp_path):
    """NA was a gap in CSV files, whatever the column, and a text like any other in frames."""
    museum = Path(__file__).parents[1] / "museum" / "format-2"
    model, answers = load(museum / "penguins.model"), json.loads((museum / "answers.json").read_text())
    rows = {name: [cells[0]] * 3 for name, cells in answers["penguins"]["rows"].items()} | {"sex": ["NA", "", "none"]}
    np.testing.assert_array_equal(*model.predict_proba(write(tmp_path, rows))[:2])
    na, empty, none = model.predict_proba(rows)
    assert (na == none).all()
    assert (na != empty).any()


def test_a_table_of_many_columns_takes_time_by_its_cells():
    """Looking a column up costs the same however many there are: the calls are counted, not the seconds."""

    def calls(n):
        table = {f"x{j}": [float((i * (j + 3)) % 17) for i in range(20)] for j in range(n)} | {"y": ["p", "q"] * 10}
        profile = cProfile.Profile()
        profile.enable()
        planned = plan(table, "y", **SHORT)
        planned.encoder.transform(planned.table)
        profile.disable()
        return pstats.Stats(profile).total_calls

    calls(10)
    few, many = calls(200), calls(800)
    assert many < 5 * few
