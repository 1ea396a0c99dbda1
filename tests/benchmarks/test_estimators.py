"""The command ``estimators`` on scikit-learn's smallest data sets, and its report on results made up."""

import json
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import estimators, estimators_data
from benchmarks.__main__ import main
from benchmarks.cases import Case
from benchmarks.estimators_data import CLASSES, NUMBERS, SUITE, DataSet, Rows, rows, split
from benchmarks.machine import describe
from benchmarks.report import report


def printed(result):
    """The report, from what a file would hold."""
    return report(json.loads(json.dumps({"kind": "estimators", "machine": describe()} | result)))


def case_of(name):
    return Case(name, (), batch_size=0, rows=0)


def case_told(dtype="float64", ours=(0.9, 0.92), theirs=(0.9, 0.94), seconds=(1.0, 6.0)):
    fits = {
        name: {"seconds": [s / 2, s / 2], "score": list(scores), "epochs": [200, 200]}
        for name, scores, s in zip(estimators.LIBRARIES, (ours, theirs), seconds, strict=True)
    }
    return {"name": "made_up", "task": CLASSES, "dtype": dtype, "missing": {}, "fits": fits, "rows": 150, "columns": 4}


def result_of(*cases, calls=()):
    return {"seeds": 2, "suite": len(SUITE), "cases": list(cases), "calls": list(calls)}


def test_a_data_set_is_fitted_by_both(monkeypatch):
    monkeypatch.setattr(estimators, "TIMES_FASTER", {"float32": 8.0})
    monkeypatch.setattr(estimators, "CALLS", {})
    result = estimators.run(Namespace(seeds=1, data="iris"))
    (case,) = result["cases"]
    assert (case["missing"], case["rows"], case["columns"]) == ({}, 150, 4)
    for fits in case["fits"].values():
        assert fits["seconds"][0] > 0.0
        assert fits["score"][0] > 0.8
        assert 1 < fits["epochs"][0] <= 200
    text = printed(result)
    assert f"1 of {len(SUITE)} data sets" in text
    assert "(target: none): not measured" in text  # one seed has no spread


def test_calls_are_timed_for_both(monkeypatch):
    monkeypatch.setattr(estimators, "ROUNDS", 1)
    for kind in estimators.CALLS:
        call = estimators._call(kind, "float32")
        assert call["missing"] == {}
        assert all(figures["median"] > 0.0 for figures in call["microseconds"].values())
        assert call["times_faster"] > 0.0
        assert call["name"] in printed(result_of(calls=[call]))


def test_targets_stand_beside_what_was_measured():
    text = printed(result_of(case_told(), case_told("float32")))
    assert "float64: all fits of 1 of" in text
    assert "6 times faster (target: 5): met" in text
    assert "6 times faster (target: 8): NOT MET" in text
    assert "from seed to seed: none (target: none): met" in text


@pytest.mark.parametrize(("ours", "said"), [((0.89, 0.91), "met"), ((0.8, 0.9), "NOT MET")])
def test_worse_is_what_is_worse_by_more_than_the_spread(ours, said):
    text = printed(result_of(case_told(ours=ours)))  # theirs: 0.92, spread 0.028
    assert f"(target: none): {said}" in text
    assert ("made_up (float64)" in text) == (said == "NOT MET")


def test_package_that_is_missing_says_how_to_install_it(monkeypatch):
    absent = DataSet("absent", "absent", "x", CLASSES)
    monkeypatch.setitem(SUITE, "absent", absent)
    monkeypatch.setitem(estimators_data.INSTALLED_BY, "absent", "pip install absent")
    monkeypatch.setitem(estimators_data._READERS, "absent", lambda _: __import__("package_that_is_absent"))
    with pytest.raises(ModuleNotFoundError, match="No module named 'package_that_is_absent': pip install absent"):
        rows(case_of("absent"))


def test_contestant_that_is_missing_is_listed():
    case = case_told() | {"missing": {"chainrule": "No module named 'x': pip install x"}, "fits": {}}
    assert "made_up, float64: chainrule did not take part: No module named 'x'" in printed(result_of(case))


@pytest.mark.parametrize(
    ("words", "message"), [(["--data", "moon"], "'moon' is no data set"), (["--seeds", "0"], "at least one seed")]
)
def test_wrong_requests_are_named(words, message, capsys):
    assert main(["estimators", *words]) == 2
    assert message in capsys.readouterr().err


def test_suite_has_both_tasks_from_three_sources():
    assert len(SUITE) >= 12
    assert {each.task for each in SUITE.values()} == {CLASSES, NUMBERS}
    assert {each.package for each in SUITE.values()} == set(estimators_data._READERS)


@pytest.mark.parametrize("name", [name for name, each in SUITE.items() if each.package == "sklearn.datasets"])
def test_data_set_of_scikit_learn_is_read(name):
    read = rows(case_of(name))
    assert len(read.numbers) == len(read.words) == len(read.y) >= 150
    assert read.task == SUITE[name].task


def made_up_rows(task):
    random = np.random.default_rng(0)
    numbers = 5.0 + 3.0 * random.standard_normal((40, 2))
    words = random.choice(["a", "b", "c"], (40, 1)).astype(object)
    return Rows(task, numbers, words, np.arange(40) % 2 if task == CLASSES else 7.0 + numbers[:, 0])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_split_is_coded_by_its_training_rows(dtype):
    data = split(made_up_rows(NUMBERS), 0, dtype)
    assert data.X.shape == (30, 5)
    assert data.X_test.shape == (10, 5)
    assert {part.dtype.name for part in (data.X, data.y, data.X_test, data.y_test)} == {dtype}
    np.testing.assert_allclose(data.X[:, :2].mean(0), 0.0, atol=1e-6)
    np.testing.assert_allclose(data.X[:, :2].std(0), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(data.X[:, 2:].sum(1), 1.0)
    np.testing.assert_allclose([data.y.mean(), data.y.std()], [0.0, 1.0], atol=1e-5)


def test_split_of_classes_keeps_their_shares_and_is_another_with_each_seed():
    given = made_up_rows(CLASSES)
    one, again, other = (split(given, seed, "float64") for seed in (0, 0, 1))
    assert one.y_test.mean() == 0.5
    np.testing.assert_array_equal(one.X, again.X)
    assert not np.array_equal(one.X, other.X)


def test_word_that_training_rows_lack_is_coded_as_none():
    given = made_up_rows(NUMBERS)
    place = int(np.flatnonzero(given.numbers[:, 0] == _tested_numbers(given)[0])[0])
    words = np.full_like(given.words, "a")
    words[place] = "rare"
    data = split(replace(given, words=words), 0, "float64")
    assert data.X.shape[1] == 3
    np.testing.assert_array_equal(data.X_test[:, 2], [0.0] + [1.0] * 9)


def _tested_numbers(given):
    """Of the first row that a split with seed 0 tests on."""
    from sklearn.model_selection import train_test_split

    return train_test_split(given.numbers, test_size=estimators_data.TEST_SHARE, random_state=0)[1][0]
