"""`chainrule train`: says what it understood, trains, reports, writes the model, says what to type next."""

import re
import shlex

import pytest

from chainrule import load, table_rows

SPLIT = {"penguins": (223, 52, 69), "breast_cancer": (370, 85, 114), "auto_mpg": (258, 60, 80)}
SAID = {
    ("penguins", "species"): [
        "344 rows, 8 columns",
        "classification",
        "(Adelie, Chinstrap, Gentoo)",
        "n[0..3] = 15, 64, 32, 3",
        "relu, relu",
        "cross_entropy",
        "3,203 parameters",
        "accuracy",
        "log-loss",
        "ROC-AUC",
        "true \\ predicted",
        "recall",
    ],
    ("breast_cancer", "diagnosis"): [
        "569 rows, 31 columns",
        "(benign, malignant)",
        "n[0..3] = 30, 64, 32, 1",
        "binary_cross_entropy",
        "4,097 parameters",
        "true \\ predicted",
    ],
    ("auto_mpg", "mpg"): [
        "406 rows, 9 columns",
        "regression",
        "8 rows left out: no target",
        "n[0..3] = 10, 64, 32, 1",
        "half_squared_error",
        "RMSE",
        "MAE",
        "R2",
        "mean of the target",
    ],
}


@pytest.mark.parametrize(("table", "target"), SAID)
def test_everything_that_was_understood_is_said(run, examples, table, target):
    ran = run("train", examples / f"{table}.csv", "--target", target, "--epochs", 3)
    assert (ran.code, ran.err) == (0, "")
    for piece in SAID[table, target]:
        assert piece in ran.out
    train, watch, test = SPLIT[table]
    assert f"{train} for training, {watch} for validation, {test} for testing" in ran.out
    assert re.search(r"Training .* 3/3 epochs  cost \S+  validation \S+", ran.out)
    assert "baseline" in ran.out
    assert f"{table}.model" in ran.out


def test_each_column_is_shown_with_kind_missing_cells_and_fate(run, examples):
    out = run("train", examples / "auto_mpg.csv", "--target", "mpg", "--epochs", 1, "--drop", "origin").out
    for row in [
        "mpg number 8 the target",
        "cylinders number",
        "horsepower number 6",
        "origin category left out: dropped on request",
        "name text left out: text that differs on nearly every row (312 different texts in 406 rows)",
    ]:
        assert row in [" ".join(line.split()) for line in out.splitlines()]


def test_penguins_reach_95_percent_with_the_default_settings(run, examples):
    ran = run("train", examples / "penguins.csv", "--target", "species", "--json")
    report = ran.event("report")
    assert report["rows"] == 69
    assert report["scores"]["accuracy"] >= 0.95
    assert report["baseline"]["accuracy"] < 0.5


@pytest.mark.parametrize(
    ("name", "delimiter", "options"),
    [
        ("plain.csv", ",", []),
        ("a name with spaces.csv", ",", []),
        ("decimal.csv", ";", ["--decimal", ","]),
        ("delimiter.csv", ":", ["--delimiter", ":"]),
    ],
)
def test_the_command_it_says_to_type_next_works(run, write, small, little, name, delimiter, options):
    columns = small | {"b": [str(x).replace(".", ",") for x in small["b"]]} if "--decimal" in options else small
    write(name, columns, delimiter)
    ran = run("train", name, "--target", "label", "--drop", "amount", *little, *options)
    assert ran.code == 0, ran.err
    said = ran.out.splitlines()[-1]
    following = said[said.index("chainrule predict") :]
    then = run(*shlex.split(following)[1:])
    assert then.code == 0, (following, then.err)


def test_the_model_goes_to_the_current_folder_under_the_name_of_the_table(run, examples, tmp_path):
    run("train", examples / "penguins.csv", "--target", "species", "--epochs", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["penguins.model"]


def test_out_puts_it_elsewhere(run, examples, tmp_path):
    (tmp_path / "models").mkdir()
    ran = run("train", examples / "penguins.csv", "--target", "species", "--epochs", 1, "--out", "models/p.bin")
    assert ran.code == 0
    assert "models/p.bin" in ran.out
    assert load("models/p.bin").target.name == "species"
    assert not (tmp_path / "penguins.model").exists()


def test_a_second_time_it_says_at_once_that_the_file_exists(run, examples, tmp_path, monkeypatch):
    arguments = ("train", examples / "penguins.csv", "--target", "species", "--epochs", 1)
    run(*arguments)
    before = (tmp_path / "penguins.model").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(table_rows, "read_table", lambda *a, **k: pytest.fail("the table was read"))
        ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "penguins.model" in ran.err
    assert "--force" in ran.err
    assert (tmp_path / "penguins.model").read_bytes() == before
    assert run(*arguments, "--force", "--seed", 1).code == 0
    assert (tmp_path / "penguins.model").read_bytes() != before


def test_quiet_prints_nothing_and_writes_the_same_model(run, examples):
    arguments = ("train", examples / "penguins.csv", "--target", "species", "--epochs", 2)
    assert run(*arguments, "--quiet", "--out", "quiet.model") == (0, "", "")
    run(*arguments, "--out", "loud.model")
    assert load("quiet.model").theta.tobytes() == load("loud.model").theta.tobytes()


def test_every_line_of_json_parses_and_has_its_event(run, examples):
    ran = run("train", examples / "penguins.csv", "--target", "species", "--epochs", 3, "--json")
    assert ran.err == ""
    assert [e["event"] for e in ran.events] == ["table", "network", *["epoch"] * 3, "trained", "report", "model"]
    assert [c["missing"] for c in ran.event("table")["columns"]] == [0, 0, 2, 2, 2, 2, 11, 0]
    assert ran.event("network")["parameters"] == 15 * 64 + 64 + 64 * 32 + 32 + 32 * 3 + 3
    assert ran.event("model")["path"] == "penguins.model"


@pytest.mark.parametrize("number_of_classes", [12, 30])
def test_a_confusion_matrix_of_many_classes_stays_readable_in_80_columns(
    run, write, small, monkeypatch, number_of_classes
):
    monkeypatch.setenv("COLUMNS", "80")
    labels = [f"class number {i % number_of_classes}" for i in range(300)]
    write("many.csv", {"a": range(300), "b": [i * i % 17 for i in range(300)], "label": labels})
    out = run("train", "many.csv", "--target", "label", "--epochs", 1, "--hidden", "none").out
    shown = out[out.index("Report") : out.index("Model ")]
    assert "…" not in shown
    assert len(shown.splitlines()) <= 6 + 2 * number_of_classes


@pytest.mark.parametrize("label", ["[red]", "[/]", "[link=x]y[/link]", " ", "ünï ☃", "a,b", 'say "hi"'])
def test_names_and_labels_are_shown_as_they_are(run, write, small, little, label):
    columns = {label: small["a"], "b": small["b"], "y": [label if x > 5 else "other" for x in small["a"]]}
    write("t.csv", columns)
    ran = run("train", "t.csv", "--target", "y", *little)
    assert ran.code == 0, ran.err
    table, report = ran.out.split("Report")
    assert f" {label} " in table
    assert f" {label} " in report
