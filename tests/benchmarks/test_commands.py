"""Each command on sizes that take seconds, driven by the reference engine or by rivals that train nothing."""

import json
import os
import sys
import time
from argparse import Namespace
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import (
    accuracy_time,
    busy,
    cold,
    digits,
    growth,
    input_layers,
    memory,
    predict,
    simplechains,
    threads,
)
from benchmarks.__main__ import COMMANDS, main
from benchmarks.cases import CASES, Case
from benchmarks.data import Data, accuracy, synthetic_data
from benchmarks.machine import describe, usable_cores
from benchmarks.processes import Worker
from benchmarks.real_data import FLIPPED, noisy_rule
from benchmarks.real_data import digits as digits_rows
from benchmarks.report import report
from benchmarks.rivals import RIVALS, Rival, chainrule_engines, ours
from benchmarks.targets import AVX2, AVX512, OURS
from chainrule.engines.fused.matmul import packing_bytes
from chainrule.engines.fused.processor import here

CASE = Case("few", (3, 4, 2), batch_size=5, rows=20)
REFERENCE = ours("reference")


def made_up(maker, label=None, **options):
    found_here = {"PYTHONPATH": str(Path(__file__).parent)}
    label = label or f"{maker} {options}"
    return Rival(label, label, f"made_up_rivals:make_{maker}", options, lambda threads: found_here)


def arguments(**given):
    return Namespace(**{"rounds": 2, "engine": "reference", "threads": 1} | given)


def printed(kind, result):
    """The report, from what a file would hold."""
    return report(json.loads(json.dumps({"kind": kind, "machine": describe()} | result)))


def test_without_a_command_all_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["threads", "--threads", "100000"], "threads"),
        (["threads", "--cases", "huge"], "'huge' is no case"),
        (["growth", "--axes", "colour"], "axes are"),
        (["accuracy_time", "--tasks", "chess"], "tasks are"),
        (["digits", "--rounds", "0"], "at least one round"),
        (["busy", "--cases", "huge"], "'huge' is no case"),
        (["busy", "--busy", "1,-1"], "busy processes"),
        (["busy", "--busy", "few"], "busy processes"),
    ],
)
def test_wrong_requests_are_named(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_fused_engine_is_told_the_number_of_threads(monkeypatch):
    made = SimpleNamespace(Fused=lambda network, recipe, threads: threads)
    monkeypatch.setitem(sys.modules, "chainrule.engines.fused", made)
    assert chainrule_engines.ENGINES["fused"](None, None, 3) == 3


def speed_result(share, flags):
    figures = {"median": 1.0, "low_quartile": 1.0, "high_quartile": 1.0}
    times = {OURS: 1.0, "JAX scan": 6.0, "torch eager": 20.0}
    entries = {
        name: {
            "family": RIVALS[name].family,
            "missing": None,
            "microseconds": figures,
            "share_of_peak": share if name == OURS else None,
            "ratio_to": {OURS: ratio},
        }
        for name, ratio in times.items()
    }
    case = {
        "name": "tiny",
        "n": [64, 32, 10],
        "batch_size": 32,
        "rows": 64,
        "flops_per_step": 1000,
        "peak_gflops": {"missing": None, "rounds": [1.0]},
        "rivals": entries,
        "best_forms": {OURS: OURS, "JAX": "JAX scan", "torch": "torch eager"},
    }
    machine = describe() | {"vector_flags": flags}
    return {"threads": 1, "rounds": 1, "seconds_per_round": 0.3, "cases": [case], "machine": machine}


def test_targets_stand_beside_what_was_measured():
    lines = printed("speed", speed_result(0.5, ["avx512f"])).splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith(("| times", "| %"))}
    assert "met" in rows["times faster than JAX"]
    assert "NOT MET" in rows["times faster than torch"]
    assert "not measured" in rows["times faster than scikit-learn"]
    assert "50" in rows["% of FMA peak"]
    assert "NOT MET" not in rows["% of FMA peak"]


def test_targets_are_those_of_the_vector_unit():
    result = speed_result(0.53, ["avx2"])
    result["cases"][0]["name"] = "small"
    assert AVX2["small"].percent < 53.0 < AVX512["small"].percent
    for flags, verdict in ((["avx2"], " met"), (["avx2", "avx512f"], "NOT MET")):
        result["machine"]["vector_flags"] = flags
        (line,) = (line for line in report(result | {"kind": "speed"}).splitlines() if line.startswith("| % of FMA"))
        assert verdict in line


def test_every_case_has_targets():
    assert set(AVX512) == set(AVX2) == set(CASES)


def test_one_thread_and_more_take_turns(monkeypatch):
    monkeypatch.setattr(threads, "ours", lambda _: made_up("sleeper", seconds=0.05))
    monkeypatch.setitem(CASES, "few", CASE)
    count = min(2, len(usable_cores()))
    result = threads.run(arguments(cases="few", threads=count))
    (case,) = result["cases"]
    assert set(case["microseconds"]) == {"1", str(count)}
    assert case["times_faster"] > 0.0
    assert "| few" in printed("threads", result)


def test_a_step_behind_an_input_layer_is_held_against_the_plain_one(monkeypatch):
    monkeypatch.setattr(input_layers, "STEPS", 2)
    monkeypatch.setattr(input_layers, "B", 8)
    result = input_layers.run(arguments(rounds=1))
    assert [each["layer"] for each in result["layers"]] == ["cosine(8)", "scale"]
    assert [each["n"][0] for each in result["layers"]] == [224, 28]
    assert all(each["times_as_long"] > 0.0 for each in result["layers"])
    for times, said in ((1.4, " met"), (1.6, "NOT MET")):
        result["layers"][0]["times_as_long"] = times
        assert said in next(line for line in printed("input_layers", result).splitlines() if "| cosine" in line)


def contestants(chosen):
    seconds = {"1 thread": 0.02, "2 threads": 0.01, busy.CHOSEN: chosen}
    return lambda _: {name: made_up("sleeper", name, seconds=s) for name, s in seconds.items()}


@pytest.mark.parametrize(("chosen", "verdict"), [(0.01, " met"), (0.03, "NOT MET")])
def test_chosen_threads_are_compared_with_the_faster_of_both(chosen, verdict, monkeypatch):
    monkeypatch.setattr(busy, "contestants", contestants(chosen))
    monkeypatch.setattr(busy, "SETTLING", 1)
    monkeypatch.setitem(CASES, "few", CASE)
    result = busy.run(arguments(cases="few", busy="0,1"))
    (case,) = result["cases"]
    assert [beside["busy"] for beside in case["beside"]] == [0, 1]
    assert {beside["faster"] for beside in case["beside"]} == {"2 threads"}
    for beside in case["beside"]:
        assert beside["speed"] == pytest.approx(0.01 / chosen)
    monkeypatch.setattr(busy, "TARGET", 0.5)
    assert printed("busy", result).count(verdict) == 2


def test_contestant_that_cannot_run_leaves_nothing_to_compare(monkeypatch):
    names = ("1 thread", "2 threads", busy.CHOSEN)
    monkeypatch.setattr(busy, "contestants", lambda _: {name: made_up("absent", name) for name in names})
    monkeypatch.setitem(CASES, "few", CASE)
    text = printed("busy", busy.run(arguments(cases="few", busy="0")))
    assert "not measured" in text
    assert all(f"{name} did not take part" in text for name in names)


def test_busy_processes_compute_on_the_cores_given_and_end():
    core = usable_cores()[0]
    with busy.computing(2, [core]) as processes:
        begun = time.monotonic()
        while any(cpu_seconds(process.pid) < 0.05 for process in processes):
            assert time.monotonic() - begun < 60.0
            time.sleep(0.05)
        if hasattr(os, "sched_getaffinity"):
            assert {frozenset(os.sched_getaffinity(process.pid)) for process in processes} == {frozenset([core])}
    assert all(process.poll() is not None for process in processes)


def cpu_seconds(pid):
    """Computed by a process so far; without /proc it is taken on trust."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return 1.0
    user, system = path.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_contestants_of_a_busy_machine_train_the_same_network():
    case = Case("busy", (6, 8, 3), batch_size=16, rows=320)
    losses = []
    for rival in busy.contestants(2).values():
        with Worker(rival, case, threads=1) as worker:
            assert worker.missing is None
            losses.append(worker.losses(3))
    assert len(losses) == 3
    assert len(set(losses)) == 1


def axis(values=(5, 10), unit="step"):
    return growth.Axis("batch", values, lambda batch: Case("growth", (3, 4, 2), batch, 4 * batch), unit)


def test_growth_has_a_point_for_each_value():
    case = growth.measure(axis(), [made_up("sleeper", "a", seconds=0.01), made_up("absent", "b")], count=2, stride=1)
    assert [point["value"] for point in case["points"]] == [5, 10]
    assert all(set(point["microseconds"]) == {"a"} for point in case["points"])
    # an epoch has 4 steps
    assert [point["microseconds"]["a"]["median"] for point in case["points"]] == pytest.approx([1e6 * 0.01 / 4] * 2)
    assert "b did not take part" in printed("growth", {"rounds": 2, "cases": [case]})


def test_growth_ends_where_epochs_are_too_long(monkeypatch):
    monkeypatch.setattr(growth, "TOO_LONG", 0.02)
    case = growth.measure(axis(), [made_up("sleeper", "a", seconds=0.05)], count=1, stride=1)
    assert [point["value"] for point in case["points"]] == [5]


def test_axes_have_whole_steps_only():
    for each in growth.axes():
        for value in each.values:
            case = each.case(value)
            assert case.steps_per_epoch * case.batch_size == case.rows


def test_growth_without_matplotlib_keeps_its_figures(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(growth, "run", lambda _: {"rounds": 1, "cases": []})
    monkeypatch.setattr(growth, "draw", lambda *_: __import__("matplotlib_that_is_absent"))
    assert main(["growth", "--out", str(tmp_path / "growth.json")]) == 0
    assert json.loads((tmp_path / "growth.json").read_text())["kind"] == "growth"
    assert "no pictures: No module named 'matplotlib_that_is_absent'" in capsys.readouterr().err


if find_spec("matplotlib"):  # it comes with the bench extra, which the other tests do without

    def test_pictures_are_the_same_for_the_same_result(tmp_path):
        figures = {"low_quartile": 9.0, "median": 10.0, "high_quartile": 20.0}
        points = [{"value": value, "microseconds": {"a": figures}} for value in (1, 2, 4)]
        case = {"name": "threads", "unit": "step", "about": "made up", "points": points, "missing": {}}
        folders = [tmp_path / name for name in ("one", "two")]
        one, two = (growth.draw({"cases": [case]}, folder)[0].read_text() for folder in folders)
        assert one == two
        assert "<svg" in one


def test_cold_starts_find_nothing_and_warm_ones_find_it(tmp_path):
    logs = {name: tmp_path / name for name in ("cold", "warm")}
    starts = [
        cold.Start(name, made_up("cache_teller", name, log=str(log)), is_warm=name == "warm")
        for name, log in logs.items()
    ]
    case = cold._time(CASE, [*starts, cold.Start("gone", made_up("absent"))], count=2)
    assert logs["cold"].read_text() == "True 0\n" * 3
    assert logs["warm"].read_text() == "True 0\n" + "True 1\n" * 2
    assert set(case["seconds"]) == {"cold", "warm"}
    assert all(len(case["seconds"]["cold"][part]["rounds"]) == 2 for part in cold.PARTS)
    text = printed("cold", {"rounds": 2, "ours": ["cold", "warm"], "cases": [case]})
    assert "gone did not take part" in text
    assert "not measured" in text  # JAX was not there to be compared with
    assert "until fitting (target: at most 0.4): met" in text


def test_parts_of_a_start_are_shorter_than_all_of_it():
    with Worker(made_up("sleeper", seconds=0.05), CASE, threads=1) as worker:
        seconds = worker.introduction["seconds"]
    assert all(part > 0.0 for part in seconds.values())
    assert seconds["first epoch"] >= 0.05


def test_peak_counts_what_is_given_back_again():
    size = 64 * 2**20
    rivals = {str(s): made_up("hoarder", str(s), size=s) for s in (1, size)}
    case = memory._measure(CASE, rivals["1"], rivals, count=1)
    little, much = (case["bytes"][name]["peak"]["median"] for name in ("1", str(size)))
    assert size <= much < 1.5 * size
    assert little < size / 8
    assert "1, compiling" in case["bytes"]
    assert "formula" in printed("memory", {"rounds": 1, "cases": [case]})


def test_formula_is_that_of_a_count_by_hand():
    # 3-4-2: 12 + 4 + 8 + 2 parameters; theta, gradient, two moments, and the best. Batch 5: X, and A and dZ of 6 units.
    assert memory.formula(CASE, keeps_best=True) == {
        "parameters": 4 * 26 * 5,
        "batch": 4 * (15 + 2 * 30),
        "packing": packing_bytes(here()),
    }


@pytest.mark.parametrize("name", [REFERENCE.name, "scikit-learn"])
def test_watched_training_is_the_same_training(name):
    from importlib import import_module

    case = Case("learnt", (6, 8, 3), batch_size=16, rows=160)
    data = synthetic_data(case)
    module, function = RIVALS[name].maker.split(":")
    make = getattr(import_module(module), function)
    plain, watched = (make(case, data, 1, **RIVALS[name].options, seed=1) for _ in range(2))
    plain.restart()
    plain.train(3)
    seen = []
    watched.restart()
    watched.train_watched(lambda layers: seen.append(layers()) or len(seen) == 3)
    assert len(seen) == 3
    for mine, theirs, last in zip(plain.layers(), watched.layers(), seen[-1], strict=True):
        for a, b, c in zip(mine, theirs, last, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(b, c)


def test_time_to_an_accuracy():
    task = accuracy_time.Task(
        Case("digits", (64, 16, 10), 32, 1408), "benchmarks.real_data:digits", accuracy=0.7, most=30, about="few"
    )
    rivals = [REFERENCE, RIVALS["scikit-learn"], made_up("absent", "gone")]
    case = accuracy_time._time(task, rivals, count=1)
    assert set(case["reached"]) == {REFERENCE.name, "scikit-learn"}
    for figures in case["reached"].values():
        assert figures["accuracy"]["median"] >= 0.7
        assert 1 < figures["epochs"]["median"] < 30
        assert figures["seconds"]["median"] > 0.0
    text = printed("accuracy_time", {"rounds": 1, "cases": [case]})
    assert "gone did not take part" in text
    assert "not reached" not in text


def test_accuracy_that_is_not_reached_is_said():
    task = replace(accuracy_time.TASKS["digits"], accuracy=1.1, most=2)
    case = accuracy_time._time(task, [REFERENCE], count=1)
    assert case["reached"][REFERENCE.name]["epochs"]["median"] == 2
    assert "not reached in 1 of 1" in printed("accuracy_time", {"rounds": 1, "cases": [case]})


def test_accuracy_is_that_of_a_count_by_hand():
    X = np.array([[1.0], [2.0], [-1.0], [-2.0]], np.float32)
    one = [(np.ones((1, 1), np.float32), np.zeros(1, np.float32))]
    assert accuracy(Data(X, np.zeros(4, np.int64), one, X, np.array([1, 1, 0, 1])), one) == 0.75


def test_rows_to_test_on_are_not_learnt_from():
    task = accuracy_time.TASKS["digits"]
    data = digits_rows(task.case)
    assert len(data.X) == task.case.rows
    assert len(data.X) + len(data.X_test) == 1797
    assert task.case.steps_per_epoch * task.case.batch_size == task.case.rows


def test_best_accuracy_on_the_noisy_rule_is_known():
    X, labels = (data := noisy_rule(accuracy_time.TASKS["noisy"].case)).X_test, data.labels_test
    right = (X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] > 0.0) == labels
    assert right.mean() == pytest.approx(1.0 - FLIPPED, abs=0.01)
    assert accuracy_time.TASKS["noisy"].accuracy < 1.0 - FLIPPED


def test_whole_fits_of_digits_are_as_long_as_each_other():
    result = digits.run(arguments(rounds=1, max_iter=4))
    assert {told["epochs"] for told in result["told"].values()} == {4}
    mine, theirs = (result["told"][name]["cost"] for name in (REFERENCE.name, "scikit-learn"))
    assert 0.4 < mine / theirs < 2.5  # other first weights, and pixels up to 16
    assert "times faster (target: 6)" in printed("digits", result)


def test_predictors_predict_the_same():
    result = predict.run(arguments(rounds=1, rows="1"))
    for case in result["cases"]:
        assert {REFERENCE.name, "scikit-learn"} <= set(case["microseconds"])
        first = list(case["first"].values())
        assert first == pytest.approx([first[0]] * len(first), abs=1e-5)
    text = printed("predict", result)
    assert "1 row" in text
    assert all(name in text for name in case["missing"])


def test_simplechains_is_timed_by_fit_and_by_steps_alone():
    result = simplechains.run(arguments(rounds=1, threads="1"), Case("simplechains", (4, 32, 16, 4), 50, 50))
    assert len(result["microseconds"]) == 2
    text = printed("simplechains", result)
    assert "41" in text
    assert "not measured here" in text


def test_simplechains_learns_exponentials_of_matrices():
    case = Case("simplechains", (4, 3, 4), 2, 2)
    X = np.array([[1.0, 0.0, 0.0, -2.0], [0.0, 3.0, 0.0, 0.0]], np.float32)
    data = Data(X, np.zeros(2, np.int64), synthetic_data(case).layers)
    trainee = chainrule_engines.make_simplechains(case, data, 1, engine="reference", fit=False)
    # a diagonal matrix, and one whose square is 0
    np.testing.assert_allclose(trainee.examples.Y, [[np.e, 0, 0, np.exp(-2.0)], [1, 3, 0, 1]], rtol=1e-6)


def test_steps_alone_are_the_steps_of_fit():
    case = Case("simplechains", (4, 3, 4), 8, 32)
    by_fit, alone = (
        chainrule_engines.make_simplechains(case, synthetic_data(case), 1, engine="reference", fit=fit)
        for fit in (True, False)
    )
    for trainee in (by_fit, alone):
        trainee.restart()
        trainee.train(3)
    np.testing.assert_array_equal(by_fit.theta, alone.state.theta)
