import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import processes, speed
from benchmarks.__main__ import main
from benchmarks.cases import CASES, Case
from benchmarks.data import synthetic_data, training_loss
from benchmarks.machine import describe, slug, usable_cores
from benchmarks.processes import Worker, WorkerDied
from benchmarks.report import report
from benchmarks.rivals import RIVALS, Rival, before, chosen
from benchmarks.speed import best_forms, check_case, time_case

CASE = Case("few", (3, 4, 2), batch_size=5, rows=20)


def made_up(name, family=None, **options):
    """A rival of made_up_rivals.py, by the name of its maker."""
    here = {"PYTHONPATH": str(Path(__file__).parent)}
    label = f"{name} {options}" if options else name
    return Rival(label, family or label, f"made_up_rivals:make_{name}", options, lambda threads: here)


def timed(*rivals, rounds=3):
    case = time_case(CASE, rivals, rounds=rounds, threads=1, seconds=0.02)
    return {"kind": "speed", "machine": describe(), "threads": 1, "rounds": rounds, "seconds_per_round": 0.02} | {
        "cases": [case]
    }


def test_flops_are_those_of_a_count_by_hand():
    # batch 5. Layer 1 (3 -> 4): Z and dW, 2 x 5 x 3 x 4 each. Layer 2 (4 -> 2): Z, dW and dA, 2 x 5 x 4 x 2 each.
    assert CASE.flops_per_step == 2 * 120 + 3 * 80


def test_flops_of_tiny():
    assert CASES["tiny"].flops_per_step == 2 * 32 * (2 * 64 * 32 + 3 * 32 * 10)


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_an_epoch_of_a_case_has_whole_steps_only(case):
    assert case.steps_per_epoch * case.batch_size == case.rows


def test_data_are_the_same_in_every_process():
    one, other = synthetic_data(CASE), synthetic_data(CASE)
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.X.dtype == one.layers[0][0].dtype == np.float32


def test_every_class_has_rows():
    for case in (CASES["tiny"], CASES["small"]):
        assert set(synthetic_data(case).labels) == set(range(max(2, case.n[-1])))


@pytest.mark.parametrize(("outputs", "loss"), [(1, np.log(2.0)), (10, np.log(10.0))])
def test_judge_on_a_network_that_knows_nothing(outputs, loss):
    data = synthetic_data(Case("zero", (3, outputs), batch_size=5, rows=20))
    assert training_loss(data, [(np.zeros_like(W), b) for W, b in data.layers]) == pytest.approx(loss)


def test_judge_agrees_with_the_formula_of_the_sigmoid():
    data = synthetic_data(Case("one", (3, 1), batch_size=5, rows=20))
    ((W, b),) = data.layers
    a = 1.0 / (1.0 + np.exp(-(data.X.astype(float) @ W + b)[:, 0]))
    by_hand = -np.log(np.where(data.labels == 1, a, 1.0 - a)).mean()
    assert training_loss(data, data.layers) == pytest.approx(by_hand)


def test_slower_rival_is_measured_as_slower():
    fast, slow = made_up("sleeper", seconds=0.002), made_up("sleeper", seconds=0.02)
    result = timed(fast, slow)
    entries = result["cases"][0]["rivals"]
    assert entries[slow.name]["microseconds"]["median"] > entries[fast.name]["microseconds"]["median"]
    assert entries[slow.name]["ratio_to"][fast.name] > 1.0
    assert entries[slow.name]["ratio_to"][slow.name] == 1.0
    assert entries[fast.name]["epochs_per_round"] > entries[slow.name]["epochs_per_round"]
    assert len(entries[fast.name]["microseconds"]["rounds"]) == 3
    assert entries[slow.name]["microseconds"]["rounds"] == pytest.approx([1e6 * 0.02 / 4] * 3)  # an epoch has 4 steps


def test_rounds_of_rivals_take_turns(monkeypatch):
    asked = []

    class Noting(Worker):
        def __init__(self, rival, case, threads):
            super().__init__(rival, case, threads)
            self.name = rival.name

        def seconds(self, epochs):
            asked.append(self.name)
            return super().seconds(epochs)

    monkeypatch.setattr(speed, "Worker", Noting)
    a, b = made_up("sleeper", seconds=0.03), made_up("sleeper", seconds=0.031)
    monkeypatch.setattr(speed, "PEAK", made_up("absent"))
    timed(a, b, rounds=8)
    rounds = [tuple(asked[at : at + 2]) for at in range(len(asked) - 16, len(asked), 2)]
    assert set(rounds) == {(a.name, b.name), (b.name, a.name)}, "each once a round, in both orders"


def test_another_checkout_is_timed_from_its_own_source(tmp_path):
    package = tmp_path / "src" / "chainrule"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the other checkout')")
    with Worker(before(tmp_path), CASE, threads=1) as worker:
        assert worker.missing == "RuntimeError: the other checkout"


def test_a_folder_without_chainrule_is_no_checkout(tmp_path):
    with pytest.raises(ValueError, match="no checkout of chainrule"):
        before(tmp_path)


def test_fastest_form_counts_for_its_family():
    slow, fast = (made_up("sleeper", family="sleepers", seconds=s) for s in (0.02, 0.001))
    assert timed(slow, fast)["cases"][0]["best_forms"] == {"sleepers": fast.name}


def test_family_without_a_form_that_runs_has_no_best():
    assert best_forms({"a": {"family": "f", "missing": "no compiler"}}) == {}


@pytest.mark.parametrize(
    ("maker", "reason"),
    [("absent", "ModuleNotFoundError: No module named 'absent'"), ("dead", "exit status 3: no message")],
)
def test_rival_that_cannot_run_is_reported_with_the_reason(maker, reason):
    result = timed(made_up(maker), made_up("sleeper", seconds=0.01))
    assert result["cases"][0]["rivals"][maker]["missing"] == reason
    assert f"{maker} did not take part: {reason}" in report(result)


def test_result_is_reprinted_from_its_json_alone(tmp_path, capsys):
    result = timed(made_up("sleeper", seconds=0.01))
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(result))
    assert main(["show", str(path)]) == 0
    assert capsys.readouterr().out == report(result) + "\n"


def test_workers_do_not_inherit_kernels_chosen_for_openblas(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "65536")
    with Worker(made_up("environment_teller"), CASE, threads=1) as worker:
        assert worker.missing == "RuntimeError: OPENBLAS_NUM_THREADS=1"


@pytest.mark.parametrize("rival", RIVALS.values(), ids=lambda rival: rival.name)
def test_every_library_is_told_the_number_of_threads(rival):
    variables = processes.environment(rival, threads=3)
    assert {variables[name] for name in processes.THREAD_COUNTS} == {"3"}
    assert not set(processes.REMOVED) & set(variables)
    assert variables["PATH"] == os.environ["PATH"]


def test_check_reads_the_loss_of_what_was_trained():
    case = check_case(CASE, [made_up("sleeper", seconds=0.0)], threads=1)
    (entry,) = case["rivals"].values()
    one_batch = replace(CASE, rows=CASE.batch_size)
    for part, rows, epochs in (("one_batch", one_batch, speed.ONE_BATCH_STEPS), ("epochs", CASE, speed.CHECK_EPOCHS)):
        data = synthetic_data(rows)
        assert entry[part]["before"] == pytest.approx(training_loss(data, data.layers))
        after = [(W, b + epochs) for W, b in data.layers]
        assert entry[part]["after"] == pytest.approx(training_loss(data, after))
    assert case["spread"] == {"one_batch": 0.0, "epochs": 0.0}


def test_scikit_learn_and_the_reference_learn_the_same_from_one_batch():
    case = check_case(Case("same", (6, 8, 3), 16, 320), [RIVALS["scikit-learn"], RIVALS["chainrule reference"]], 1)
    assert case["spread"]["one_batch"] < 1e-4


@pytest.mark.parametrize("name", ["chainrule reference", "scikit-learn"])
@pytest.mark.parametrize("n", [(6, 8, 1), (6, 8, 3)], ids=["sigmoid", "softmax"])
def test_rival_learns_and_starts_again(name, n):
    case = Case("learnt", n, batch_size=16, rows=320)
    with Worker(RIVALS[name], case, threads=1) as worker:
        assert worker.missing is None
        first, again = worker.losses(10), worker.losses(1)
    start = training_loss(synthetic_data(case), synthetic_data(case).layers)
    assert first[0] == again[0] == pytest.approx(start)
    assert first[1] < 0.95 * first[0]


def test_worker_that_dies_later_says_so():
    with Worker(made_up("sleeper", seconds=0.0), CASE, threads=1) as worker:
        worker._process.kill()
        worker._process.wait()
        with pytest.raises(WorkerDied, match="exit status -9"):
            worker.seconds(1)


def test_rivals_are_chosen_by_family_or_name_in_the_order_of_the_table():
    assert [rival.name for rival in chosen(["JAX scan", "scikit-learn"])] == ["scikit-learn", "JAX scan"]
    assert {rival.family for rival in chosen(["torch"])} == {"torch"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cases", "huge"], "'huge' is no case"),
        (["--rivals", "abacus"], "'abacus' is no rival"),
        (["--threads", "100000"], "threads"),
        (["--rounds", "0"], "at least one round"),
    ],
)
def test_wrong_requests_are_named(words, message, capsys):
    assert main(["speed", *words]) == 2
    assert message in capsys.readouterr().err


def test_file_that_is_no_result_is_named(tmp_path, capsys):
    path = tmp_path / "other.json"
    path.write_text("{}")
    assert main(["show", str(path)]) == 2
    assert "no result of a benchmark" in capsys.readouterr().err


def test_machine_is_described():
    described = describe()
    assert described["processor"]
    assert described["libraries"]["numpy"] == np.__version__
    assert sorted(usable_cores()) == sorted(set(usable_cores()))


def test_slug_names_a_folder():
    assert slug("Intel(R) Xeon(R) Processor @ 2.50GHz") == "intel-xeon-processor-2-50ghz"
