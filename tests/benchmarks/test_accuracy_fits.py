"""Fits of the command ``accuracy``: learners on made-up tables, and a run that is filed and goes on."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from benchmarks import accuracy, accuracy_fits
from benchmarks.accuracy_data import DEVELOPMENT, NUMBER, TWO, DataSet, Table
from benchmarks.accuracy_learners import Entry, Kind, entry
from benchmarks.accuracy_results import Filed


def arguments(tmp_path, **given):
    defaults = {"half": DEVELOPMENT, "learner": None, "data": None, "again": [], "timing": "reliable", "threads": 1}
    return Namespace(**defaults | {"limit": 60.0, "filed": False, "out": tmp_path / "accuracy.json"} | given)


def test_scores_are_those_of_their_definitions():
    P = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]])
    found = accuracy_fits.scores(TWO, np.array([0, 0, 1, 1]), P)
    assert found["accuracy"] == 0.5
    assert found["auc"] == 0.5  # of four pairs of a 0 and a 1, two are told right
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.7, 0.1])))
    assert accuracy_fits.scores(NUMBER, np.array([1.0, 3.0]), np.array([2.0, 5.0]))["rmse"] == pytest.approx(2.5**0.5)
    with pytest.raises(ValueError, match="not finite"):
        accuracy_fits.scores(NUMBER, np.array([1.0]), np.array([np.nan]))


class Fails:
    def fit(self, X, y):
        raise ArithmeticError("no luck")


def test_failure_is_a_result():
    table = Table(pd.DataFrame({"a": np.arange(20.0)}), np.arange(20.0))
    told = accuracy_fits.attempt(
        DataSet("made_up", DEVELOPMENT, NUMBER, "scikit-learn", "x", "y"),
        table,
        Entry("bad", Kind(lambda *_: Fails(), "numpy"), {}),
        0,
        1,
    )
    assert told["error"] == "ArithmeticError: no luck"
    assert (told["rows"], told["test_rows"], told["columns"]) == (14, 6, 1)


@pytest.mark.parametrize("task", [TWO, NUMBER])
@pytest.mark.parametrize("name", ["HistGradientBoosting", "MLP:max_iter=3", "RandomForest", "one network:epochs=2"])
def test_learners_take_categories_and_gaps(name, task):
    rng = np.random.default_rng(0)
    kinds = pd.Series(rng.choice(["a", "b", None], 60)).astype("category")
    X = pd.DataFrame({"n": np.where(rng.random(60) < 0.2, np.nan, rng.random(60)), "k": kinds})
    told = accuracy_fits.attempt(
        DataSet("made_up", DEVELOPMENT, task, "scikit-learn", "x", "y"),
        Table(X, rng.integers(0, 2, 60) if task == TWO else rng.random(60)),
        entry(name),
        0,
        1,
    )
    assert "error" not in told, told
    assert told["fit_seconds"] > 0.0


def test_fits_are_filed_and_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(accuracy, "SEEDS", (0, 1))
    asked = arguments(tmp_path, learner=["RandomForest:n_estimators=5"], data="digits")
    result = accuracy.run(asked)
    (found,) = result["cases"]
    assert (found["rows"], found["columns"]) == (1257, 64)
    assert all(score > 0.7 for score in found["learners"]["RandomForest:n_estimators=5"]["scores"]["accuracy"])
    assert "digits: RandomForest:n_estimators=5, splits 0, 1" in capsys.readouterr().err
    assert accuracy.run(asked) == result
    assert capsys.readouterr().err == ""
    assert accuracy.run(arguments(tmp_path, learner=["MLP"], data="digits", filed=True))["cases"] == []


def test_fit_that_takes_too_long_is_a_result(tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy, "SEEDS", (0,))
    asked = arguments(tmp_path, learner=["RandomForest"], data="digits", limit=0.0)
    (found,) = [accuracy.run(asked)]
    assert Filed(tmp_path / "accuracy", "RandomForest").results["digits", 0]["error"] == "no end within 0 s"
    assert found["cases"] == []  # no size is known
