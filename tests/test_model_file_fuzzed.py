"""Twenty thousand changed model files; and whether who looks at them would see what is wrong."""

import json
import sys
import time
from dataclasses import replace
from math import inf

import numpy as np
import pytest

import chainrule
from benchmarks import fuzz_model_files
from benchmarks.fuzz_model_files import MUSEUM, Tally, exhibits, main, run, try_one
from benchmarks.mutants import BLIND, KNOWING

COUNT, CHUNKS = 20_000, 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_changed_files_are_refused_or_are_models_that_work(chunk, monkeypatch):
    monkeypatch.setattr(fuzz_model_files, "SLOW", inf)  # how long they take is for the campaign to say
    each = COUNT // CHUNKS
    tally = run(each, first=chunk * each)
    assert tally.failures == []
    assert set(tally.made) == {*BLIND, *KNOWING}
    assert sum(tally.made.values()) > 0.95 * each
    assert sum(tally.accepted.values()) > 50


good = chainrule.load


def opening(path, functions):
    open(__file__).close()
    return good(path, functions=functions)


def importing(path, functions):
    sys.modules.pop("colorsys", None)
    __import__("colorsys")
    return good(path, functions=functions)


def compiling(path, functions):
    compile("1 + 1", "from the file", "eval")
    return good(path, functions=functions)


def crashing(path, functions):
    raise KeyError("network")


def waiting(path, functions):
    time.sleep(0.3)
    return good(path, functions=functions)


def believing(path, functions):
    return good(MUSEUM / "format-2" / "penguins.model", functions=functions)


def half_reading(path, functions):
    model = good(path, functions=functions)
    return replace(model, outputs=replace(model.outputs, prior=model.outputs.prior[::-1]))


def not_checking(path, functions):
    model = good(path, functions=functions)
    return replace(model, theta=model.theta * np.float32(np.inf))


FAULTS = {
    "open ": opening,
    "import colorsys": importing,
    "compile": compiling,
    "KeyError": crashing,
    "took ": waiting,
    "the checksum is not right": believing,
    "saving it writes something else": half_reading,
    "cannot be written again": not_checking,
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_loader_with_a_fault_is_found_out(monkeypatch, tmp_path, said):
    monkeypatch.setattr(fuzz_model_files, "SLOW", 0.25)
    monkeypatch.setattr(chainrule, "load", FAULTS[said])
    found = [exhibit for exhibit in exhibits() if exhibit.name == "format-2/penguins"]
    tally = Tally()
    for number in range(60):
        try_one(number, 0, found, tmp_path / "m.model", tally)
        if any(said in str(failure["what"]) for failure in tally.failures):
            return
    pytest.fail(f"none of them {said}")


def test_the_command_writes_what_it_found(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fuzz_model_files, "SLOW", inf)
    out = tmp_path / "result.json"
    assert main(["--count", "40", "--seed", "3", "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    assert sum(result["made"].values()) + result["unchanged"] == result["count"] == 40
    assert "0 failures" in capsys.readouterr().out
