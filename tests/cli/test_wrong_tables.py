"""Tables that cannot be learnt from, or only in part: refused with what to do, or said and gone on with."""

import pytest

A = [(7 * i) % 11 for i in range(40)]
B = [(5 * i) % 13 / 4 for i in range(40)]
LABEL = ["high" if a > 5 else "low" for a in A]


def except_for(values, **changes):
    """``values`` with ``row3=x``: another value in row 3, counted from 1."""
    changed = {int(name[3:]) - 1: value for name, value in changes.items()}
    return [changed.get(i, value) for i, value in enumerate(values)]


REFUSED = {
    "an empty file": ("", ["'t.csv' is empty"]),
    "a header without rows": ("a,b,y\n", ["'t.csv'", "no rows"]),
    "a row too short": ("a,b,y\n1,2,x\n1,2\n3,4,z\n", ["line 3", "2 cells", "expected 3"]),
    "a row too long": ("a,b,y\n1,2,x\n1,2,3,4\n3,4,z\n", ["line 3", "4 cells", "expected 3"]),
    "not UTF-8": ("a,b,y\n1,2,x\n1,2,caf\xe9\n".encode("latin-1"), ["line 3", "not UTF-8", "iconv"]),
    "two columns of one name": ("a,a,y\n1,2,x\n3,4,z\n", ["'a'", "rename"]),
    "a target without values": ({"a": A, "y": [""] * 40}, ["'y'", "no value in any row"]),
    "a target of one class": ({"a": A, "y": ["x"] * 40}, ["'y'", "'x' in every row"]),
    "a target of one number": ({"a": A, "y": [2.5] * 40}, ["'y'", "2.5 in every row"]),
    "one class beside gaps": ({"a": A, "y": except_for(["x"] * 40, row3="")}, ["'y'", "'x' in every row"]),
    "as many classes as rows": ({"a": A, "y": [f"person {i}" for i in range(40)]}, ["'y'", "40 different values"]),
    "an infinite feature": ({"a": A, "b": except_for(B, row7="inf"), "y": LABEL}, ["'b'", "infinite", "row 7"]),
    "an infinite target": ({"a": A, "y": except_for(B, row9="-inf")}, ["'y'", "infinite", "row 9"]),
    "nothing but the target": ({"y": LABEL}, ["no column is left to learn from"]),
    "features without values": ({"a": [""] * 40, "y": LABEL}, ["no column is left", "a (no value in any row)"]),
    "fewer rows than parts": ({"a": A[:2], "y": LABEL[:2]}, ["2 rows"]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(run, write, tmp_path, what):
    content, pieces = REFUSED[what]
    write("t.csv", content)
    ran = run("train", "t.csv", "--target", "y")
    assert (ran.code, ran.out) == (2, "")
    assert 1 <= ran.err.count("\n") <= 2
    for piece in pieces:
        assert piece in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_file_that_is_not_there(run, write):
    write("penguins.csv", {"a": A, "y": LABEL})
    ran = run("train", "penguin.csv", "--target", "y")
    assert (ran.code, ran.out) == (2, "")
    assert "'penguin.csv'; did you mean 'penguins.csv'?" in ran.err


def test_parquet_that_is_not_parquet(run, write):
    write("t.parquet", b"PAR1 and then nothing")
    ran = run("train", "t.parquet", "--target", "y")
    assert ran.code == 2
    assert "t.parquet" in ran.err
    assert ran.err.count("\n") <= 2


# (columns, what is said, rows for training and the report)
SAID = {
    "a column without values": ({"a": A, "e": [""] * 40, "y": LABEL}, "left out: no value in any row", 40),
    "a column of one value": ({"a": A, "e": ["same"] * 40, "y": LABEL}, "left out: the same value in every row", 40),
    "rows without a target": ({"a": A, "y": except_for(LABEL, row3="", row5="")}, "2 rows left out: no target", 38),
    "numbers for target, with gaps": ({"a": A, "y": except_for(B, row3="")}, "1 row left out: no target", 39),
    "a class with one row": (
        {"a": A, "y": except_for(LABEL, row3="lonely")},
        "classes with a single row, kept for training: lonely",
        40,
    ),
    "a row number": ({"i": range(1, 41), "a": A, "y": LABEL}, "left out: a row number", 40),
}


@pytest.mark.parametrize("what", SAID)
def test_said_and_gone_on_with(run, write, little, what):
    columns, said, rows = SAID[what]
    write("t.csv", columns)
    ran = run("train", "t.csv", "--target", "y", *little)
    assert (ran.code, ran.err) == (0, "")
    assert said in ran.out
    split = run("train", "t.csv", "--target", "y", *little, "--json", "--force").event("table")["split"]
    assert sum(split.values()) == rows


@pytest.mark.parametrize("seed", range(5))
def test_a_class_with_one_row_is_in_training_whatever_the_seed(run, write, little, seed):
    write("t.csv", {"a": A, "y": except_for(LABEL, row3="lonely")})
    ran = run("train", "t.csv", "--target", "y", *little, "--json", "--seed", seed)
    report = ran.event("report")
    assert report["classes"] == ["high", "lonely", "low"]
    assert sum(report["confusion"][1]) == 0
    assert report["recall"][1] is None


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("output", [[], ["--json"], ["--quiet"]])
def test_a_row_that_float32_cannot_hold_ends_in_no_traceback(run, write, little, seed, output):
    """1e60 is a number, and beyond float32: it may fall among the training, the validation or the test rows."""
    a = [1.0 + 0.01 * (i % 7) for i in range(100)]
    write("t.csv", {"a": except_for(a, row91=1e60), "b": [i % 9 for i in range(100)], "y": [i % 2 for i in range(100)]})
    ran = run("train", "t.csv", "--target", "y", *little, *output, "--seed", seed)
    assert ran.code in (0, 1, 2)
    assert "Warning" not in ran.err
    assert ran.err.count("\n") <= 2
    if output == ["--json"]:
        assert ran.events  # each line is JSON


@pytest.mark.parametrize("rows", [4, 5, 6, 10])
def test_the_smallest_tables(run, write, little, rows):
    write("t.csv", {"a": A[:rows], "b": B[:rows], "y": ["x", "z"] * (rows // 2) + ["x"] * (rows % 2)})
    ran = run("train", "t.csv", "--target", "y", *little)
    assert ran.code in (0, 2)
    assert ran.code == 0 or "rows" in ran.err


def test_one_feature_and_no_other_rows_than_those_for_training(run, write, little):
    write("t.csv", {"a": A, "y": LABEL})
    ran = run("train", "t.csv", "--target", "y", *little, "--validation-fraction", 0, "--test-fraction", 0)
    assert ran.code == 0, ran.err
    assert "40 for training, 0 for validation, 0 for testing" in ran.out
    assert "Report" not in ran.out
