"""docs/notes.md is true: every function and every test that it names is there."""

import re
from pathlib import Path

import pytest

from chainrule import notes

ROOT = Path(__file__).parents[2]
ROWS = [line.split(" | ") for line in (ROOT / "docs/notes.md").read_text().splitlines() if "::test_" in line]
TESTS = {path.stem: path.read_text() for path in (ROOT / "tests/notes").glob("test_*.py")}


def test_every_document_has_its_table():
    page = (ROOT / "docs/notes.md").read_text()
    titles = [*dict.fromkeys(entry.document for entry in notes.ERRATA)]
    assert len(titles) == 5
    assert all(f"## {title}\n" in page for title in titles)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][2:50])
def test_functions_and_tests_of_a_row_exist(row):
    _, functions, tests = row
    named = re.findall(r"`([\w.]+)`", functions)
    assert named or functions == "all of them"
    for name in named:
        found = notes
        for part in name.split("."):
            found = getattr(found, part)
    for file, test in re.findall(r"(test_\w+)::(test_\w+)", tests):
        assert re.search(rf"def {test}\b", TESTS[file]), f"{file}.py has no {test}"
