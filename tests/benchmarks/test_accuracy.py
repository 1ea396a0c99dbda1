"""The command ``accuracy``: its table of data sets, what is on file, ranks, duels and the report on made-up results."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from benchmarks import accuracy, records
from benchmarks.__main__ import main
from benchmarks.accuracy_data import (
    DEVELOPMENT,
    HALVES,
    MANY,
    NUMBER,
    PACKAGES,
    SUITE,
    TASKS,
    TWO,
    UNTOUCHED,
    DataSet,
    Table,
    chosen,
    of_frame,
    splits,
)
from benchmarks.accuracy_learners import LEARNERS, entry
from benchmarks.accuracy_results import Filed
from benchmarks.accuracy_statistics import difference, duel, mean_ranks, normalized, ranks
from benchmarks.accuracy_tables import fit_limit
from benchmarks.machine import describe
from benchmarks.report import report

SEEDS = (0, 1, 2)


def learner(metric="rmse", scores=(1.0, 2.0, 3.0), seconds=1.0):
    return {
        "scores": {metric: list(scores)} | ({"r2": [0.5, 0.5, 0.5]} if metric == "rmse" else {}),
        "fit_seconds": [seconds] * 3,
        "predict_seconds": [0.1] * 3,
        "is_timed": True,
    }


def case(name="made_up", task=NUMBER, **learners):
    return {"name": name, "task": task, "rows": 700, "columns": 5, "learners": learners}


def result_line(seed, **given):
    return {"data": "german", "seed": seed, "version": "1", "timing": "reliable"} | given


def test_halves_are_of_the_same_make_up():
    tasks = {half: Counter(each.task for each in SUITE if each.half == half) for half in HALVES}
    assert tasks[DEVELOPMENT] == tasks[UNTOUCHED]
    assert set(tasks[DEVELOPMENT]) == set(TASKS)
    assert len(SUITE) >= 24
    slow = Counter(each.half for each in SUITE if each.slow_rivals)
    assert slow[DEVELOPMENT] == slow[UNTOUCHED] == 2


def test_rows_of_the_suite_are_consistent():
    assert len({each.name for each in SUITE}) == len({(each.source, each.item) for each in SUITE}) == len(SUITE)
    for each in SUITE:
        assert each.source in PACKAGES, each.name
        assert bool(each.without) == bool(each.why), each.name
        assert each.target not in each.without, each.name
        assert each.target or each.source in ("keel", "orange"), each.name
    assert not {each.name for each in chosen(DEVELOPMENT, None)} & {each.name for each in chosen(UNTOUCHED, None)}


def test_frame_becomes_a_table():
    frame = pd.DataFrame(
        {
            "size (m)": [1, 2, 3, 4, 5, 6],
            "kind": [" a", "b", None, "a", "b", "a"],
            "id": range(6),
            "class": ["x ", "y", "x", "y", None, "z"],
        }
    )
    table = of_frame(frame, DataSet("d", DEVELOPMENT, TWO, "r", "p/d", "class", ("id",), "an identity", fewest=2))
    assert list(table.X) == ["size_m_", "kind"]
    assert table.X["kind"].tolist()[:2] == ["a", "b"]
    assert table.X["kind"].dtype.name == "category"
    assert table.X["kind"].isna().tolist() == [False, False, True, False]
    assert table.y.tolist() == [0, 1, 0, 1]


def test_splits_are_the_same_each_time_and_have_all_classes():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    table = Table(pd.DataFrame({"a": np.arange(100)}), y)
    for seed in SEEDS:
        train, test = splits(table, MANY, seed)
        assert sorted([*train, *test]) == list(range(100))
        assert Counter(y[test]) == {0: 18, 1: 9, 2: 3}
        assert np.array_equal(test, splits(table, MANY, seed)[1])


def test_learner_is_a_name_and_options():
    assert entry("MLP").options == {}
    options = entry("MLP:hidden_layer_sizes=[64,32]:solver=sgd:alpha=0.1").options
    assert options == {"hidden_layer_sizes": [64, 32], "solver": "sgd", "alpha": 0.1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--learner", "Oracle"], "'Oracle' is no learner"),
        (["--learner", "MLP:fast"], "NAME=VALUE"),
        (["--again", "Oracle"], "'Oracle' is no learner"),
        (["--data", "heart"], "no data set of the development half"),
        (["--half", "untouched", "--learner", "MLP:alpha=1"], "on the development half alone"),
        (["--threads", "100000"], "threads"),
    ],
)
def test_wrong_requests_are_named(words, message, capsys):
    assert main(["accuracy", *words]) == 2
    assert message in capsys.readouterr().err


def test_results_are_found_again_and_replaced(tmp_path):
    filed = Filed(tmp_path, "one network:epochs=2")
    assert filed.wanting("german", SEEDS) == [0, 1, 2]
    filed.put(result_line(1))
    filed.put(result_line(0, error="no"))
    filed.put(result_line(1, scores={"auc": 0.5}))
    again = Filed(tmp_path, "one network:epochs=2")
    assert again.results == filed.results
    assert [each["seed"] for each in map(json.loads, again.path.read_text().splitlines())] == [0, 1]
    assert again.of("german")[1]["scores"] == {"auc": 0.5}
    assert again.wanting("german", SEEDS) == [2]
    assert again.wanting("credit", SEEDS) == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["one-network-epochs-2.jsonl"]


@pytest.mark.parametrize(
    ("filed", "current", "is_outdated"),
    [
        ({}, {}, False),
        ({"error": "no"}, {}, True),
        ({}, {"version": "2"}, True),
        ({"timing": "unreliable"}, {}, True),
        ({"timing": "unreliable"}, {"timing": "unreliable"}, False),
        ({}, {"timing": "unreliable"}, False),
    ],
)
def test_results_are_outdated(tmp_path, filed, current, is_outdated):
    on_file = Filed(tmp_path, "MLP")
    on_file.put(result_line(0, **filed))
    current = {"version": "1", "timing": "reliable"} | current
    assert on_file.wanting("german", (0,), current) == ([0] if is_outdated else [])


def test_ranks_are_shared_and_a_failure_is_last():
    one = case(
        a=learner(scores=(1.0, 1.0, 1.0)),
        b=learner(scores=(2.0, 2.0, 2.0)),
        c=learner(scores=(1.0, 2.0, 0.0)),
        d={"error": "no"},
    )
    assert ranks(one, list("abcd"), "rmse") == {"a": 1.5, "c": 1.5, "b": 3.0, "d": 4.0}
    other = case("other", a=learner(scores=(3.0, 3.0, 3.0)), b=learner(scores=(2.0, 2.0, 2.0)))
    assert mean_ranks([one, other], ["a", "b"], "rmse") == {"a": 1.5, "b": 1.5}
    assert mean_ranks([one, other], ["a", "c"], "rmse") == {"a": 1.5, "c": 1.5}  # c has not been tried on the other
    assert mean_ranks([other], ["a", "c"], "rmse") == {}


def test_more_is_better_in_some_metrics():
    lower, higher = learner("auc", (0.7, 0.7, 0.7)), learner("auc", (0.9, 0.9, 0.9))
    assert ranks(case(task=TWO, a=lower, b=higher), ["a", "b"], "auc") == {"a": 2.0, "b": 1.0}


def test_noise_is_two_standard_errors_of_the_paired_difference():
    # differences 1, 2, 3: standard deviation 1, standard error 1 / sqrt(3)
    one = case(a=learner(scores=(10.0, 20.0, 30.0)), b=learner(scores=(11.0, 22.0, 33.0)))
    assert difference(one, "a", "b", "rmse") == pytest.approx((2.0, 2.0 / np.sqrt(3.0)))
    assert duel([one], "a", "b", "rmse") == (1, 0, 1, [])
    assert duel([one], "b", "a", "rmse") == (0, 1, 0, ["made_up"])
    # differences 1, 3, -1: the mean is 1, the noise 2.3
    other = case(a=learner(scores=(10.0, 20.0, 30.0)), b=learner(scores=(11.0, 23.0, 29.0)))
    assert duel([other], "a", "b", "rmse") == (1, 0, 0, [])
    assert duel([one, other], "a", "b", "rmse") == (2, 0, 1, [])


def test_who_failed_has_lost():
    one = case(a=learner(), b={"error": "no"}, c={"error": "no"})
    assert duel([one], "a", "b", "rmse") == (1, 0, 1, [])
    assert duel([one], "b", "a", "rmse") == (0, 1, 0, ["made_up"])
    assert duel([one], "b", "c", "rmse") == (0, 0, 0, [])


def test_scores_on_a_common_scale():
    one = case(a=learner(scores=(1.0,) * 3), b=learner(scores=(3.0,) * 3), c=learner(scores=(2.0,) * 3))
    equal = case(a=learner(), b=learner(), c={"error": "no"})
    assert normalized([one], list("abc"), "rmse") == {"a": 1.0, "b": 0.0, "c": 0.5}
    assert normalized([one, equal], list("abc"), "rmse") == {"a": 1.0, "b": 0.5, "c": 0.25}


def test_seconds_that_a_fit_may_take():
    assert [fit_limit(300, 10), fit_limit(700, 5), fit_limit(30_000, 20)] == [3.0, 5.0, 30.0]


def test_report_has_ranks_targets_and_failures():
    ours, theirs = learner(scores=(1.0, 1.0, 1.0)), learner(scores=(2.0, 2.0, 2.0), seconds=9.0)
    cases = [case("one", **{"one network": ours, "CatBoost": theirs, "MLP": theirs})]
    cases.append(case("two", **{"one network": theirs, "CatBoost": {"error": "no luck"}, "MLP": ours}))
    result = {
        "kind": "accuracy_development",
        "machine": describe(),
        "half": DEVELOPMENT,
        "splits": 3,
        "wanting": ["three"],
        "slow": [],
        "ours": ["one network"],
        "versions": {name: ["1"] for name in ("one network", "CatBoost", "MLP")},
        "cases": cases,
    }
    text = report(json.loads(json.dumps(result)))
    assert "Nothing on file of three." in text
    assert "CatBoost failed on two: no luck" in text
    lines = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in text.splitlines()
        if "|" in line
    }
    assert lines["regression, RMSE: place by mean rank"] == ["1 of 3", "1", "met"]
    assert lines["regression, RMSE: CatBoost beaten on"] == ["2 of 2", "more than half", "met"]
    assert lines["regression, RMSE: worse than MLP by more than noise on"] == ["two", "none", "NOT MET"]
    assert lines["fits over their target of seconds"] == ["two", "none", "NOT MET"]
    assert lines["predictions over 0.2 s"] == ["none", "none", "met"]
    (figures,) = records.FIGURES["accuracy_development"](result)
    assert figures == "regression, 2 data sets, mean rank by RMSE: one network 1.50, MLP 1.75, CatBoost 2.75"
    assert records.command(result) == "python -m benchmarks accuracy --half development"


def test_picture_is_the_same_for_the_same_result(tmp_path):
    cases = [case(a=learner(), b=learner(scores=(2.0, 3.0, 4.0), seconds=3.0))]
    versions = {"a": ["1"], "b": ["1"]}
    result = {"kind": "k", "half": DEVELOPMENT, "slow": [], "ours": ["a"], "versions": versions, "cases": cases}
    (first,) = accuracy.draw(result, tmp_path / "first")
    (second,) = accuracy.draw(result, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    assert "regression" in first.read_text()


def test_learners_are_named_apart():
    assert all(":" not in name for name in LEARNERS)
