"""The README is true: its commands are there, its transcript is what the command prints, its Python runs."""

import re
from pathlib import Path

import pytest

from chainrule.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(python)?\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def in_a_folder_with_the_examples(tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def without_figures(text):
    """The lines of a transcript but for the bar, with a # for each number: last digits differ between processors."""
    lines = (line.rstrip() for line in text.splitlines() if not line.startswith(("Training", "Stopped")))
    return [re.sub(r"\s+", " ", re.sub(r"\d[\d,.]*", "#", line)) for line in lines]


def test_the_two_lines_that_do_all_the_set_up():
    assert "pip install . && chainrule train examples/penguins.csv --target species" in README.splitlines()
    assert "pip install '.[test]' && pytest" in README.splitlines()


def test_the_transcript_is_what_the_command_prints(capsys):
    command, printed = re.search(r"<!-- transcript: chainrule (.*?) -->\n```\n(.*?)```", README, re.DOTALL).groups()
    assert main(command.split()) == 0
    assert without_figures(capsys.readouterr().out) == without_figures(printed)


@pytest.mark.parametrize("program", [block for language, block in BLOCKS if language and "import" in block])
def test_the_python_runs(program, capsys):
    exec(compile(program, "README.md", "exec"), {})
    assert capsys.readouterr().out
