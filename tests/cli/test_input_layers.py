"""`--numeric-inputs` and `--category-inputs`: what is shown, what is answered, what is refused."""

import csv
import io

import pytest

LAYERS = ["--numeric-inputs", "cosine(8)", "--category-inputs", "lookup(4)"]


@pytest.fixture
def trained(run, examples):
    """A run on penguins.csv, and its model."""
    return run("train", examples / "penguins.csv", "--target", "species", "--epochs", 20, "--out", "p.model", *LAYERS)


def probabilities(text):
    return [[float(cell) for cell in row[1:]] for row in list(csv.reader(io.StringIO(text)))[1:]]


def test_the_layers_and_their_columns_are_shown(trained):
    assert trained.code == 0
    shown = [line.strip() for line in trained.out.splitlines()]
    assert "Network  n[0..3] = 52, 64, 32, 3; relu, relu; cross_entropy; 5,753 parameters, float32" in shown
    assert "A[0] = cosine(d=8) of 5 columns, lookup(d=4) of island, sex, 4 columns as they are" in shown


def test_without_them_there_is_no_such_line(run, examples, little):
    assert "A[0]" not in run("train", examples / "penguins.csv", "--target", "species", *little).out


def test_json_has_them(run, examples, little):
    network = run("train", examples / "penguins.csv", "--target", "species", *little, *LAYERS, "--json").event(
        "network"
    )
    assert network["inputs"][0] == {"layer": "cosine(d=8, init_scale=0.1)", "columns": [0, 2, 4, 6, 8], "levels": None}
    assert [layer["levels"] for layer in network["inputs"][1:]] == [4, 4]


def test_a_table_of_other_levels_is_answered_and_said(run, write, examples, trained):
    header = (examples / "penguins.csv").read_text().splitlines()[0]
    rows = [
        f"Adelie,{island},39.1,18.7,181,3750,{sex},2007" for island in ("Biscoe", "Atlantis", "") for sex in ("male",)
    ]
    write("new.csv", "\n".join([header, *rows, ""]))
    ran = run("predict", "p.model", "new.csv")
    assert ran.code == 0
    assert "column 'island': 1 rows with 'Atlantis', unseen in training; read as the mean of its levels" in ran.err
    assert "column 'island': 1 rows without a value, unlike in training; read as the mean of its levels" in ran.err
    biscoe, atlantis, without = probabilities(ran.out)
    assert atlantis == without != biscoe


def test_evaluate_reports_on_the_table(run, examples, trained):
    table = examples / "penguins.csv"
    (report,) = run("evaluate", "p.model", table, "--json").events
    assert report["rows"] == 344
    texts = table.read_text(), run("predict", "p.model", table).out
    species, predicted = ([line.split(",")[0] for line in text.splitlines()[1:]] for text in texts)
    right = [p == s for p, s in zip(predicted, species, strict=True)]
    assert report["scores"]["accuracy"] == pytest.approx(sum(right) / 344)


def test_a_run_is_taken_up_again(run, examples, little):
    command = ["train", examples / "penguins.csv", "--target", "species", *little, *LAYERS]
    run(*command, "--epochs", 6, "--out", "whole.model", "--quiet")
    run(*command, "--epochs", 3, "--out", "half.model", "--quiet", "--checkpoint", "run.ckpt")
    ran = run(*command, "--epochs", 6, "--out", "both.model", "--quiet", "--checkpoint", "run.ckpt", "--resume")
    assert (ran.code, ran.out) == (0, "")
    answers = [run("predict", name, examples / "penguins.csv").out for name in ("whole.model", "both.model")]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--numeric-inputs", "lookup(4)"], "numeric_inputs needs a layer for numbers, but lookup(4) takes categories"),
        (
            ["--category-inputs", "cosine(8)"],
            "category_inputs needs a layer for categories, but cosine(8) takes numbers",
        ),
        (["--category-inputs", "look_up(4)"], "input layer 'look_up' is not known; did you mean 'lookup'?"),
        (["--category-input", "lookup(4)", "--numeric-inputs", "cosine"], "input layer 'cosine' needs its number"),
        (["--numeric-inputs", "cosine(0)"], "d is an integer from 2 to"),
    ],
)
def test_a_mistake_is_said_in_one_line(run, examples, options, said):
    ran = run("train", examples / "penguins.csv", "--target", "species", *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
