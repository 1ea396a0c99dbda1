"""The documents are true: links lead somewhere, the architecture names what exists, records are those of the files."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import records
from tests.test_imports import ALLOWED, SOURCE

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(path for folder in ("docs", "benchmarks", "examples", "tests") for path in (ROOT / folder).rglob("*.md")),
]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
MODULES = [
    re.findall(r"`([\w/]+(?:\.py|/))`", row) for row in re.findall(r"^\| .* \| (`.*) \|$", ARCHITECTURE, re.MULTILINE)
]
DECISIONS = ROOT / "docs" / "decisions"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        name, _, heading = link.partition("#")
        if not name.startswith(("http:", "https:")):
            target = page.parent / name if name else page
            assert target.exists(), f"{link} leads nowhere"
            assert not heading or heading in headings(target), f"{link}: no such heading"


def headings(page):
    """Anchors as GitHub makes them of headings, and those that are written out."""
    text = page.read_text()
    made = (
        re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    )
    return {*made, *re.findall(r'<a (?:id|name)="([^"]+)"', text)}


def test_the_architecture_names_every_module_right_under_the_package_and_no_other():
    there = {path.name + "/" * path.is_dir() for path in SOURCE.iterdir() if path.is_dir() or path.suffix == ".py"}
    named = [module for row in MODULES for module in row]
    assert sorted(named) == sorted(there - {"__init__.py", "__pycache__/"})


def test_paths_in_the_architecture_exist():
    for path in re.findall(r"`([\w./]*/[\w./]*)`", ARCHITECTURE):
        assert (ROOT / path).exists() or (SOURCE / path).exists(), path


def test_modules_in_the_architecture_stand_below_what_they_import():
    row_of = {module.rstrip("/").removesuffix(".py"): i for i, row in enumerate(MODULES) for module in row}
    for module, i in row_of.items():
        below = {name for name in ALLOWED[module] if row_of.get(name.split(".")[0], 0) > i}
        assert not below, f"{module} may import {sorted(below)}"


def test_the_layout_of_theta_is_drawn_as_it_is():
    from chainrule import plan

    drawn = iter(re.findall(r"[\d,]+", "\n".join(re.findall(r"^ (?:offset|0 ) .*$", ARCHITECTURE, re.MULTILINE))))
    offsets = [int(number.replace(",", "")) for number in drawn]
    asked = {"numeric_inputs": "cosine(4)", "category_inputs": "lookup(2)"}
    plain, learned = (plan(ROOT / "examples" / "penguins.csv", "species", **o).network.layout for o in ({}, asked))
    first = [*(block.offset for block in plain), plain.size]
    last = [block.offset for block in learned if block.name != "inputs[0].beta_x"][5:]
    assert offsets == [*first, 0, *last, learned.size]


def test_decisions_are_listed_by_their_titles():
    titles = []
    for path in sorted(DECISIONS.glob("0*.md")):
        number, title = re.match(r"# (\d+)\. (.*)\n", path.read_text()).groups()
        assert int(path.name[:4]) == int(number)
        titles.append(f"{number}. [{title}]({path.name})")
    assert re.findall(r"^\d+\. .*$", (DECISIONS / "README.md").read_text(), re.MULTILINE) == titles


def without_commits(page):
    """The lines of the records without the commit, which a file has only once it is committed."""
    return [re.sub(r"\| [0-9a-f]* \| `", "| `", line) for line in page.splitlines()]


def test_the_records_are_those_of_the_kept_results():
    assert without_commits(records.PAGE.read_text()) == without_commits(records.page())
    kept = [path for path in records.RESULTS.glob("*/*.json") if path.stem not in records.FIGURES]
    assert not kept, "a function in benchmarks/records.py says which figures of it are listed"


def test_the_command_of_a_record_has_the_rounds_that_were_measured():
    of_figures = {"kind": "digits", "seconds": {"chainrule fused": {"median": 1.0, "rounds": [1.0, 2.0]}}}
    assert records.command(of_figures) == "python -m benchmarks digits --rounds 2"
    assert records.command({"kind": "kills", "kills": 7, "rounds": 3}) == "python -m benchmarks.kills --kills 7"


def test_a_record_that_is_not_committed_has_no_commit(tmp_path, monkeypatch):
    for words in (["init", "-q"], ["config", "user.email", "a@b"], ["config", "user.name", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    path = tmp_path / "digits.json"
    path.write_text(json.dumps({}))
    assert records.commit(path) == ""
    for words in (["add", "."], ["commit", "-qm", "File"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    assert re.fullmatch(r"[0-9a-f]{7,}", records.commit(path))
