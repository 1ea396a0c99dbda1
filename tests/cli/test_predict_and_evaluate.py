"""`chainrule predict` and `chainrule evaluate`: one row for each row, and the report on another table."""

import csv
import io

import pyarrow.csv
import pyarrow.parquet
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, mean_absolute_error, r2_score, root_mean_squared_error

from chainrule import load


@pytest.fixture
def penguins(run, examples):
    """The rows of penguins.csv, beside a model of them."""
    run("train", examples / "penguins.csv", "--target", "species", "--epochs", 20, "--out", "p.model", "--quiet")
    return pyarrow.csv.read_csv(examples / "penguins.csv")


def read(text):
    rows = list(csv.reader(io.StringIO(text)))
    return rows[0], rows[1:]


def test_one_row_per_row_with_label_and_probabilities(run, examples, penguins):
    ran = run("predict", "p.model", examples / "penguins.csv")
    header, rows = read(ran.out)
    assert ran.code == 0
    assert header == ["predicted_species", *(f"probability_{c}" for c in ("Adelie", "Chinstrap", "Gentoo"))]
    assert len(rows) == 344
    for label, *chances in rows:
        P = dict(zip(["Adelie", "Chinstrap", "Gentoo"], map(float, chances), strict=True))
        assert sum(P.values()) == pytest.approx(1)
        assert label == max(P, key=P.__getitem__)


def test_target_and_extra_columns_are_ignored_and_named_in_one_line(run, write, penguins):
    write("more.csv", {"note": ["x"] * 344, **penguins.to_pydict(), "[extra]": range(344)})
    ran = run("predict", "p.model", "more.csv")
    assert ran.err == "columns ignored: note, species (the target), [extra]\n"
    write("just.csv", penguins.drop_columns(["species"]).to_pydict())
    without = run("predict", "p.model", "just.csv")
    assert without.err == ""
    assert without.out == ran.out


def test_the_order_of_columns_is_free(run, write, penguins):
    write("forth.csv", penguins.to_pydict())
    write("back.csv", penguins.select(penguins.column_names[::-1]).to_pydict())
    assert run("predict", "p.model", "back.csv").out == run("predict", "p.model", "forth.csv").out


def test_each_row_is_predicted_alone(run, write, penguins):
    write("one.csv", penguins.slice(100, 1).to_pydict())
    write("all.csv", penguins.to_pydict())
    one, every = read(run("predict", "p.model", "one.csv").out), read(run("predict", "p.model", "all.csv").out)
    assert one[1][0][0] == every[1][100][0]
    assert [float(p) for p in one[1][0][1:]] == pytest.approx([float(p) for p in every[1][100][1:]], abs=1e-6)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_out_writes_the_same_by_its_ending(run, examples, penguins, ending):
    printed = run("predict", "p.model", examples / "penguins.csv").out
    ran = run("predict", "p.model", examples / "penguins.csv", "--out", f"p.{ending}")
    assert (ran.code, ran.out) == (0, "")
    table = pyarrow.csv.read_csv("p.csv") if ending == "csv" else pyarrow.parquet.read_table("p.parquet")
    assert table.to_pylist() == pyarrow.csv.read_csv(io.BytesIO(printed.encode())).to_pylist()


def test_an_output_that_exists_is_kept_unless_forced(run, examples, penguins, tmp_path):
    (tmp_path / "p.csv").write_text("precious")
    ran = run("predict", "p.model", examples / "penguins.csv", "--out", "p.csv")
    assert (ran.code, ran.out) == (2, "")
    assert "--force" in ran.err
    assert (tmp_path / "p.csv").read_text() == "precious"
    assert run("predict", "p.model", examples / "penguins.csv", "--out", "p.csv", "--force").code == 0
    assert (tmp_path / "p.csv").read_text().startswith("predicted_species")


def without(name):
    return lambda table: {k: v for k, v in table.items() if k != name}


def with_(**columns):
    return lambda table: table | {name: [value] * 344 for name, value in columns.items()}


WRONG = [
    (without("sex"), ["'sex'", "missing"]),
    (lambda t: {("flipper" if k == "flipper_length_mm" else k): v for k, v in t.items()}, ["'flipper_length_mm'"]),
    (with_(body_mass_g="heavy"), ["'body_mass_g'", "number at training", "'heavy' in row 1"]),
    (with_(body_mass_g="inf"), ["'body_mass_g'", "infinite", "row 1"]),
    (with_(year="2007-01-01"), ["'year'", "number at training"]),
]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("change", "pieces"), WRONG)
def test_a_table_that_does_not_fit_the_model(run, write, penguins, change, pieces, command):
    write("t.csv", change(penguins.to_pydict()))
    ran = run(command, "p.model", "t.csv")
    assert (ran.code, ran.out) == (2, "")
    assert 1 <= ran.err.count("\n") <= 2
    for piece in pieces:
        assert piece in ran.err


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_category_never_seen_is_predicted_and_said(run, write, penguins, command):
    write("t.csv", with_(island="Atlantis")(penguins.to_pydict()))
    ran = run(command, "p.model", "t.csv")
    assert ran.code == 0
    assert "column 'island': 344 rows with 'Atlantis', unseen in training" in ran.err


def test_categories_that_look_like_numbers_stay_what_they_were(run, write, small, little):
    codes = [f"{i % 4:03}" if i % 5 else "x" for i in range(60)]
    write("t.csv", {"code": codes, "a": small["a"], "label": small["label"]})
    run("train", "t.csv", "--target", "label", *little)
    write("new.csv", {"code": ["001", "002"], "a": [1, 2]})
    ran = run("predict", "t.model", "new.csv")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("model", ["t.csv", "nowhere.model", "."])
def test_what_is_no_model(run, write, small, model):
    write("t.csv", small)
    ran = run("predict", model, "t.csv")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1


def test_evaluate_gives_the_report_on_all_rows(run, examples, penguins):
    report = run("evaluate", "p.model", examples / "penguins.csv", "--json").event("report")
    truth = penguins.column("species").to_pylist()
    predicted = load("p.model").predict(examples / "penguins.csv").tolist()
    assert report["rows"] == 344
    assert report["scores"]["accuracy"] == accuracy_score(truth, predicted)
    assert report["confusion"] == confusion_matrix(truth, predicted).tolist()
    shown = run("evaluate", "p.model", examples / "penguins.csv").out
    assert "344 rows" in shown
    assert f"{report['scores']['accuracy']:.4f}" in shown


def test_evaluate_in_regression_passes_over_rows_without_target(run, examples):
    cars = examples / "auto_mpg.csv"
    run("train", cars, "--target", "mpg", "--epochs", 20, "--quiet", "--out", "m.model")
    ran = run("evaluate", "m.model", cars, "--json")
    table = pyarrow.csv.read_csv(cars).to_pydict()
    rows = [i for i, y in enumerate(table["mpg"]) if y is not None]
    truth, predicted = [table["mpg"][i] for i in rows], load("m.model").predict(cars)[rows]
    assert ran.event("report")["rows"] == len(rows) == 398
    assert ran.event("report")["scores"] == pytest.approx(
        {
            "rmse": root_mean_squared_error(truth, predicted),
            "mae": mean_absolute_error(truth, predicted),
            "r2": r2_score(truth, predicted),
        }
    )


@pytest.mark.parametrize(
    ("change", "pieces"),
    [
        (without("species"), ["'species'", "not in the table"]),
        (with_(species=""), ["'species'", "no row"]),
        (with_(species="Emperor"), ["'species'", "'Emperor' in row 1", "Adelie, Chinstrap, Gentoo"]),
    ],
)
def test_evaluate_needs_the_target(run, write, penguins, change, pieces):
    write("t.csv", change(penguins.to_pydict()))
    ran = run("evaluate", "p.model", "t.csv")
    assert (ran.code, ran.out) == (2, "")
    for piece in pieces:
        assert piece in ran.err


def test_evaluate_by_weight_is_evaluate_on_repeated_rows(run, write, penguins):
    table = penguins.to_pydict()
    times = [i % 4 for i in range(344)]
    write("weighed.csv", table | {"w": times})
    write(
        "repeated.csv", {name: [v for v, n in zip(table[name], times, strict=True) for _ in range(n)] for name in table}
    )
    by_weight = run("evaluate", "p.model", "weighed.csv", "--weight", "w", "--json").event("report")
    by_rows = run("evaluate", "p.model", "repeated.csv", "--json").event("report")
    assert (by_weight["rows"], by_weight["weight"]) == (258, by_rows["rows"])
    for name in ("scores", "baseline"):
        assert by_weight[name] == pytest.approx(by_rows[name], rel=1e-12)
    assert by_weight["confusion"] == by_rows["confusion"]
    assert by_weight["recall"] == pytest.approx(by_rows["recall"])
    shown = run("evaluate", "p.model", "weighed.csv", "--weight", "w").out
    assert f"on 258 rows (weighed.csv), weighted, of weight {by_rows['rows']} in all" in shown


@pytest.mark.parametrize(
    ("weight", "pieces"),
    [("heft", ["'heft' is not in the table"]), ("species", ["must be numbers"]), ("low", ["'low' is -1 in row 1"])],
)
def test_evaluate_needs_weights_from_0_on(run, write, penguins, weight, pieces):
    write("t.csv", penguins.to_pydict() | {"low": [-1.0] * 344})
    ran = run("evaluate", "p.model", "t.csv", "--weight", weight)
    assert (ran.code, ran.out) == (2, "")
    for piece in pieces:
        assert piece in ran.err


def test_rows_of_weight_0_are_left_out_of_training_and_said(run, write, penguins):
    write("t.csv", penguins.to_pydict() | {"w": [float(i % 4 > 0) * 2.5 for i in range(344)]})
    shown = run("train", "t.csv", "--target", "species", "--weight", "w", "--epochs", 2).out
    assert "86 rows left out: weight 0" in shown
    assert "weighted, of weight" in shown
