"""Writing a model file: the old file or the new one, never half of it, and nothing overwritten unasked."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from chainrule import RequestError, load, train
from tests.conftest import SMALL


def fail(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("where", ["os.fsync", "os.replace", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_old_file(small, path, monkeypatch, where):
    if where == "os.replace":
        monkeypatch.setattr("pathlib.Path.replace", lambda self, target: os.replace(self, target))
    old = path.read_bytes()
    other = train(SMALL, "y", hidden=(), epochs=3, seed=1)
    monkeypatch.setattr(where, fail)
    with pytest.raises(RequestError, match=r"small\.model.*No space left"):
        other.save(path, overwrite=True)
    monkeypatch.undo()
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == ["small.model"]


def test_a_process_killed_while_writing_leaves_the_old_file(path):
    old = path.read_bytes()
    program = (
        "import os, signal; from chainrule import load; model = load('small.model');"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL);"
        "model.save('small.model', overwrite=True)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=path.parent, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == old


def test_a_file_that_exists_is_kept_unless_asked(small, path):
    old = path.read_bytes()
    with pytest.raises(RequestError, match="overwrite=True"):
        small.save(path)
    assert path.read_bytes() == old
    train(SMALL, "y", hidden=(), epochs=3, seed=1).save(path, overwrite=True)
    assert load(path).history.training_cost != small.history.training_cost


@pytest.mark.parametrize(("place", "piece"), [("nowhere/m.model", "no folder"), (".", "folder")])
def test_a_place_that_cannot_be_written_is_refused(small, tmp_path, monkeypatch, place, piece):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=piece):
        small.save(place)


def test_costs_that_are_not_finite_can_be_saved(small, tmp_path):
    history = replace(small.history, validation_cost=[np.inf], score=[np.nan])
    replace(small, history=history).save(tmp_path / "m.model")
    again = load(tmp_path / "m.model").history
    assert len(again.validation_cost) == len(again.score) == 1
    assert not any(isinstance(c, float) and np.isfinite(c) for c in (*again.validation_cost, *again.score))
