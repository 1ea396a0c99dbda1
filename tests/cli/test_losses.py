"""Each loss from the command line, on a table that it is made for."""

import numpy as np
import pytest

from chainrule import load

RUNS = [
    ("auto_mpg", "mpg", "half_squared_error", 1),
    ("auto_mpg", "mpg", "absolute_error", 1),
    ("auto_mpg", "mpg", "huber", 1),
    ("auto_mpg", "mpg", "huber(delta=0.5)", 1),
    ("auto_mpg", "mpg", "quantile(q=0.9)", 1),
    ("auto_mpg", "mpg", "poisson", 1),
    ("auto_mpg", "mpg", "gamma", 1),
    ("auto_mpg", "mpg", "tweedie(power=1.3)", 1),
    ("penguins", "species", "cross_entropy(smoothing=0.1)", 3),
    ("penguins", "species", "binary_cross_entropy", 3),
    ("penguins", "species", "half_squared_error_sigmoid", 3),
    ("breast_cancer", "diagnosis", "half_squared_error_sigmoid", 1),
    ("breast_cancer", "diagnosis", "binary_cross_entropy(smoothing=0.05)", 1),
    ("breast_cancer", "diagnosis", "cross_entropy", 2),
]


@pytest.mark.parametrize(("table", "target", "loss", "outputs"), RUNS)
def test_learns_and_predicts(run, examples, table, target, loss, outputs):
    path = examples / f"{table}.csv"
    options = ["--loss", loss, "--epochs", 40, "--hidden", "16", "--learning-rate", "0.01", "--out", "m.model"]
    ran = run("train", path, "--target", target, *options, "--json")
    assert ran.code == 0, ran.err
    assert ran.event("network")["n"][-1] == outputs
    assert ran.event("network")["loss"].startswith(loss.split("(")[0])
    report = ran.event("report")
    if report["task"] == "classification":
        assert report["scores"]["accuracy"] > 0.9
        P = load("m.model").predict_proba(path)
        np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=1e-6)
        assert P.min() >= 0.0
    else:
        assert report["scores"]["rmse"] < 0.75 * report["baseline"]["rmse"]


def test_a_quantile_lies_above_its_share_of_the_rows(run, examples):
    cars = examples / "auto_mpg.csv"
    above = {}
    for q in (0.1, 0.5, 0.9):
        options = ["--loss", f"quantile(q={q})", "--epochs", 150, "--hidden", "8", "--learning-rate", "0.01"]
        run("train", cars, "--target", "mpg", *options, "--quiet", "--out", "m.model", "--force")
        predicted = load("m.model").predict(cars)
        mpg = np.genfromtxt(cars, delimiter=",", skip_header=1, usecols=0)
        above[q] = np.mean(predicted[~np.isnan(mpg)] > mpg[~np.isnan(mpg)])
    assert above[0.1] < 0.25 < 0.35 < above[0.5] < 0.65 < 0.75 < above[0.9]


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_an_exponential_link_predicts_above_zero(run, examples, loss):
    run("train", examples / "auto_mpg.csv", "--target", "mpg", "--loss", loss, "--epochs", 5, "--out", "m.model")
    assert (load("m.model").predict(examples / "auto_mpg.csv") > 0).all()
