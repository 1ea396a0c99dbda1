"""The tutorial is true: its Python runs in order, prints what stands below it, and its solutions are graded right."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from chainrule.engines import limited_threads
from chainrule.notes import GRADED

pytest.importorskip("sklearn")

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
SKELETON = re.compile(r"^```py\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def sections():
    """The numbered sections."""
    return re.split(r"^## (?=\d+\. )", TEXT, flags=re.MULTILINE)[1:]


def test_every_block_runs_and_prints_what_stands_below_it():
    namespace = {"__name__": "tutorial"}
    before = np.random.get_state()
    try:
        for block in BLOCK.finditer(TEXT):
            line = TEXT.count("\n", 0, block.start()) + 2
            code = compile("\n" * (line - 1) + block[1], str(PAGE), "exec")  # an error names the line of the page
            # small matrices: threads that wait for one another, beside other tests, cost more than they save
            with limited_threads(1), contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(code, namespace)
            assert printed.getvalue() == (block[2] or ""), f"below line {line} of the tutorial"
    finally:
        np.random.set_state(before)


@pytest.mark.parametrize("section", sections()[:-1], ids=lambda section: section.splitlines()[0])
def test_every_section_but_the_last_ends_with_an_exercise_and_a_solution_that_is_right(section):
    _, exercise = re.split(r"^### Exercise \d+: ", section, flags=re.MULTILINE)
    (skeleton,) = SKELETON.findall(exercise)
    (solution,) = re.findall(r"<details>.*?</details>", exercise, re.DOTALL)
    code, printed = BLOCK.findall(solution)[0]
    (asked,), (solved,) = (re.findall(r"^def (\w+)", text, re.MULTILINE) for text in (skeleton, code))
    assert asked == solved
    assert asked in GRADED
    assert printed.startswith(f"{asked}: right, on ")


def test_the_sections_are_numbered_in_order():
    assert [int(section.split(".")[0]) for section in sections()] == list(range(1, 14))


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", TEXT))
def test_every_link_leads_somewhere(link):
    assert (PAGE.parent / link).exists()
