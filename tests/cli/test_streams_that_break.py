"""Every command with a standard output or a standard error that is full, closed, or read by no one: no traceback, the
exit code that is due, and a run that ends as it would have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule import load, train
from tests.kept_runs import environment

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
TRAIN = ["train", str(PENGUINS), "--target", "species", "--epochs", "3", "--hidden", "4", "--threads", "1"]
TABLE = ["p.model", str(PENGUINS)]

# What each needs standard output for: its answer, a log, or nothing.
COMMANDS = {
    "train": ([*TRAIN, "--out", "new.model"], "log"),
    "train --json": ([*TRAIN, "--json", "--out", "new.model"], "log"),
    "predict": (["predict", *TABLE], "answer"),
    "predict --out": (["predict", *TABLE, "--out", "new.csv"], "nothing"),
    "evaluate": (["evaluate", *TABLE], "answer"),
    "explain": (["explain", *TABLE, "--out", "new.html"], "answer"),
    "check": (["check", *TABLE], "answer"),
    "diagnose": (["diagnose", *TABLE], "answer"),
    "export": (["export", "p.model", "--to", "c", "--out", "new.c"], "answer"),
    "--help": (["--help"], "answer"),
    "train --help": (["train", "--help"], "answer"),
    "--version": (["--version"], "answer"),
    "a wrong option": (["predict", *TABLE, "--epoks"], "refused"),
    "no such table": (["predict", "p.model", "none.csv"], "refused"),
}
BROKEN = ["full", "closed", "unread"]

OFTEN = ("train --json", "predict", "no such table")  # those that are tried with a broken standard error as well

# One process forks into all cases: it has imported everything, and computed nothing.
RUNNER = """
import json, os, sys
from chainrule.cli import main as cli
import chainrule.explain.page, chainrule.explain.diagnosis, chainrule.export

def breaks(descriptor, how):
    name = ("stdin", "stdout", "stderr")[descriptor]
    if how == "closed":  # as Python finds it on starting
        os.close(descriptor)
        setattr(sys, name, None)
    elif how == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
    elif how == "unread":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, descriptor)

for out, err in json.loads(sys.argv[1]):
    os.mkdir(f"{out} {err}")
    child = os.fork()
    if not child:
        os.chdir(f"{out} {err}")
        for descriptor in (1, 2):
            os.dup2(os.open(f"heard.{descriptor}", os.O_WRONLY | os.O_CREAT), descriptor)
        breaks(1, out)
        breaks(2, err)
        sys.exit(cli.main(sys.argv[2:]))  # through the interpreter's own end, which flushes
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([out, err, code]), flush=True)
"""


class Ended:
    """How the command ended with these two streams: its exit code, what was heard, and its folder."""

    def __init__(self, folder, code):
        self.folder, self.code = folder, code
        self.out, self.err = ((folder / f"heard.{descriptor}").read_text() for descriptor in (1, 2))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "p.model"
    train(PENGUINS, "species", epochs=3, hidden=(4,), threads=1).save(path)
    return path


@pytest.fixture
def ended(model, tmp_path):
    """``ended(command)``: by (standard output, standard error)."""

    def ended(command):
        cases = [(out, "fine") for out in ["fine", *BROKEN]]
        cases += [(out, err) for out in ("fine", "full") for err in BROKEN if command in OFTEN]
        arguments = [str(model) if argument == "p.model" else argument for argument in COMMANDS[command][0]]
        given = [sys.executable, "-c", RUNNER, json.dumps(cases), *arguments]
        done = subprocess.run(given, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        codes = [json.loads(line) for line in done.stdout.splitlines()]
        return {(out, err): Ended(tmp_path / f"{out} {err}", code) for out, err, code in codes}

    return ended


@pytest.mark.parametrize("command", COMMANDS)
def test_a_stream_that_breaks(command, ended):
    needs, cases = COMMANDS[command][1], ended(command)
    fine = cases["fine", "fine"]
    assert fine.code == (2 if needs == "refused" else 0)
    assert bool(fine.out) == (needs in ("answer", "log"))
    for how in BROKEN:
        case = cases[how, "fine"]
        reason = {"full": "No space left on device", "closed": "Bad file descriptor", "unread": "Broken pipe"}[how]
        said = f"chainrule: cannot write to standard output: {reason}."
        assert case.code == {"answer": 1, "refused": 2}.get(needs, 0), how
        assert (said in case.err) == (needs == "log" or (needs == "answer" and how != "unread")), how
        assert ("The run goes on without its log." in case.err) == (needs == "log")
    for (out, err), case in cases.items():
        expected = cases[out, "fine"]
        assert (case.code, len(case.out)) == (expected.code, len(expected.out)), (out, err)
        assert sorted(os.listdir(case.folder)) == sorted(os.listdir(fine.folder)), (out, err)
        if needs == "log":
            assert load(case.folder / "new.model").history.stopped == "all epochs done"
        for jargon in ("Traceback", "Error", "Exception", "Errno"):
            assert jargon not in case.err, (out, err)


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "2>&-", ">&- 2>&- <&-", "| head -c 1"])
def test_as_a_shell_has_it(redirection, model, tmp_path):
    """The interpreter finds its streams so, and flushes them at its end."""
    for command in (["predict", str(model), str(PENGUINS)], [*TRAIN, "--json", "--out", "new.model"]):
        given = ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", sys.executable, "-m", "chainrule"]
        done = subprocess.run([*given, *command], cwd=tmp_path, env=environment(), capture_output=True, text=True)
        fails = command[0] == "predict" and redirection.startswith(">")
        assert done.returncode == int(fails) or "head" in redirection, done
        for jargon in ("Traceback", "Exception", "Errno"):
            assert jargon not in done.stderr
    assert load(tmp_path / "new.model").history.stopped == "all epochs done"
