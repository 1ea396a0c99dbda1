"""The README is true: its commands are there, its transcript is what the command prints, its Python runs, and its lists
have what the tables have."""

import re
from pathlib import Path

import pytest

from chainrule.cli.main import main
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.schedules import SCHEDULES

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


TABLES = {
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "input layers": INPUTS,
    "initializers": INITIALIZERS,
    "penalties": PENALTIES,
    "metrics": METRICS,
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_list_of_rows_has_those_of_its_table(kind):
    (listed,) = re.findall(rf"^\| {kind} \| (.*) \|$", README, re.MULTILINE)
    names, _, _ = re.sub(r"\s*\([^()]*\)", "", listed).partition(";")  # without numbers and remarks
    assert names.split(", ") == list(TABLES[kind])


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_rows_of_tables_are_not_counted_by_hand(page):
    number = r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d+"
    kind = "activations?|losses|optimi[sz]ers?|schedules?|initiali[sz]ers?|penalties|metrics|input layers"
    assert re.findall(rf"\b(?:{number}) (?:{kind})\b", (ROOT / page).read_text(), re.IGNORECASE) == []
