"""Model files of every format there was: they load for ever, and answer what they answered when they were written."""

import json
from pathlib import Path

import numpy as np
import pytest

from chainrule import RequestError, load
from chainrule.container import unseal
from chainrule.engines.reference import Reference
from chainrule.model_file import FORMAT
from tests.museum.make import EXHIBITS, FUNCTIONS

MUSEUM = Path(__file__).parent / "museum"
FOLDERS = sorted(MUSEUM.glob("format-*"))
FILES = sorted(MUSEUM.glob("format-*/*.model"))
WRITTEN = FOLDERS[2:]  # the formats that are written today: each model in the oldest that can say it
names = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def recorded(path):
    return json.loads((path.parent / "answers.json").read_text())[path.stem]


def floats(written):
    return np.vectorize(float.fromhex)(written)


def test_every_format_is_here_and_every_exhibit_has_its_answers():
    assert [folder.name for folder in FOLDERS] == [f"format-{number}" for number in range(1, FORMAT + 1)]
    for folder in FOLDERS:
        assert {path.stem for path in folder.glob("*.model")} == set(json.loads((folder / "answers.json").read_text()))
    exhibits = [path.stem for folder in WRITTEN for path in folder.glob("*.model")]
    assert sorted(exhibits) == sorted(make.__name__ for make in EXHIBITS)


@names
def test_it_has_the_format_of_its_folder(path):
    description, _ = unseal(path.read_bytes(), path.name)
    assert f"format-{description['format']}" == path.parent.name


@names
def test_it_answers_what_it_answered_when_it_was_written(path):
    """To the bit, since the compiled engine gives the same bits on every processor; the reference engine about that."""
    model, exhibit = load(path, FUNCTIONS), recorded(path)
    rows, answers = exhibit["rows"], exhibit["answers"]
    same = (
        np.testing.assert_allclose
        if isinstance(getattr(model, "engine", None), Reference)
        else np.testing.assert_array_equal
    )
    if model.target.task == "regression":
        same(model.predict(rows), floats(answers["numbers"]))
    else:
        assert model.predict(rows).tolist() == answers["labels"]
        same(model.predict_proba(rows), floats(answers["probabilities"]))


@names
def test_saving_it_writes_the_oldest_format_that_can_say_it(path, tmp_path):
    """And the same bytes where it has that already, or is saved again."""
    first, second = tmp_path / "first.model", tmp_path / "second.model"
    load(path, FUNCTIONS).save(first)
    load(first, FUNCTIONS).save(second)
    assert first.read_bytes() == second.read_bytes()
    written = path.parent if path.parent in WRITTEN else WRITTEN[0]
    assert f"format-{unseal(first.read_bytes(), 'it')[0]['format']}" == written.name
    if path.parent == written:
        assert first.read_bytes() == path.read_bytes()


def test_the_folders_are_small():
    assert sum(path.stat().st_size for path in MUSEUM.rglob("*") if path.is_file()) < 200_000


def test_functions_of_ones_own_are_still_asked_for():
    with pytest.raises(RequestError, match=r"'my_loss'.*functions="):
        load(FOLDERS[0] / "own.model")
