"""The command line in this process, in a folder of its own: exit code, standard output, standard error."""

import csv
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from chainrule.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def events(self):
        return [json.loads(line, parse_constant=_no_constant) for line in self.out.splitlines()]

    def event(self, name):
        return next(event for event in self.events if event["event"] == name)

    @property
    def epochs(self):
        return [event for event in self.events if event["event"] == "epoch"]


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """``run("train", table, "--target", "y")``, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        try:
            code = main.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def examples():
    return EXAMPLES


@pytest.fixture
def write(tmp_path):
    """``write("t.csv", {"a": [1, 2]})``: a CSV file in the folder where ``run`` runs; text and bytes go as they are."""

    def write(name, content, delimiter=","):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, delimiter=delimiter)
                writer.writerow(content)
                writer.writerows(zip(*content.values(), strict=True))
        return path

    return write


@pytest.fixture
def small():
    """Columns of a table of 60 rows: two numbers, a text, and three targets that follow from them."""
    rows = range(60)
    a = [(7 * i) % 11 for i in rows]
    b = [(5 * i) % 13 / 4 for i in rows]
    return {
        "a": a,
        "b": b,
        "island": ["Biscoe" if i % 3 else "Dream" for i in rows],
        "label": ["high" if x > 5 else "low" for x in a],
        "count": [x + 1 for x in a],
        "amount": [2.0 * x - y + 0.5 for x, y in zip(a, b, strict=True)],
    }


@pytest.fixture
def little():
    """Options that make a run short."""
    return ["--hidden", "4", "--epochs", "2"]
