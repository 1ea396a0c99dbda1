"""Doctests and the Python of the pages keep the rules that the source keeps; ruff reads neither by itself."""

import ast
import re
import subprocess
import sys
from doctest import DocTestParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/errata.md", "docs/notes.md", "docs/tutorial.md")

# An example is no module: it shows values, defines what it needs on the spot, has no room to explain it, no empty line
# behind its imports, and may unpack or import more than it goes on to use. Its names come from a module or from prose:
# where an example is run, as most are, a missing one fails. The notes' own programs draw as the notes do.
EXCEPTIONS = "ANN,B015,B018,D,E402,E731,F401,F821,I001,INP001,NPY002,RUF059"


def doctests():
    """The source of each doctest, by where it stands."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
                source = "".join(example.source for example in DocTestParser().get_examples(text))
                if source:
                    yield f"{path.relative_to(ROOT)}, {getattr(node, 'name', 'module')}", source


def programs():
    """The Python of each page, block by block."""
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
        yield from ((f"{page}, block {i}", source) for i, source in enumerate(blocks, 1))


def rows():
    """The rows that CONTRIBUTING.md adds."""
    for diff in re.findall(r"```diff\n\+\+\+ [^\n]*\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL):
        yield f"CONTRIBUTING.md, {diff.splitlines()[1]}", re.sub(r"^\+", "", diff, flags=re.MULTILINE)


def found(examples, folder):
    """What ruff finds in the examples, a line each."""
    names = {}
    for i, (name, source) in enumerate(examples):
        path = folder / f"example_{i}.py"
        path.write_text(source)
        names[path.name] = name
    words = ["--config", ROOT / "pyproject.toml", "--ignore", EXCEPTIONS, "--output-format", "concise"]
    done = subprocess.run([sys.executable, "-m", "ruff", "check", *words, folder], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    lines = (re.fullmatch(r".*(example_\d+\.py):(.*)", line) for line in done.stdout.splitlines())
    return [f"{names[line[1]]}:{line[2]}" for line in lines if line]


@pytest.mark.parametrize("examples", [doctests, programs, rows])
def test_examples_keep_the_rules_of_the_source(examples, tmp_path):
    assert list(examples())
    assert found(examples(), tmp_path) == []


def test_what_breaks_a_rule_is_found_where_it_stands(tmp_path):
    (line,) = found([("a page, block 1", "import math, os\nmath.pi, os.name\n")], tmp_path)
    assert line.startswith("a page, block 1:1:1: E401")
