"""What `chainrule.notes` offers: each public name means one thing, at one place, and its examples are run."""

import ast
import doctest
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from importlib import import_module
from inspect import isfunction
from pathlib import Path

import pytest

from chainrule import notes

HERE = Path(notes.__file__).parent
FILES = sorted(path for path in HERE.rglob("*.py") if not path.stem.startswith("__"))
MODULES = [".".join(path.relative_to(HERE).with_suffix("").parts) for path in FILES]


def public(module):
    return import_module(f"chainrule.notes.{module}").__all__


def test_a_name_means_one_thing():
    meanings = defaultdict(set)
    for module in MODULES:
        for name in public(module):
            meanings[name].add(id(getattr(import_module(f"chainrule.notes.{module}"), name)))
    assert [name for name, found in meanings.items() if len(found) > 1] == []


def test_every_public_name_is_found_at_the_top():
    for module in MODULES:
        for name in public(module):
            assert getattr(notes, name) is getattr(import_module(f"chainrule.notes.{module}"), name)
            assert name in dir(notes)


def test_the_top_has_each_name_from_the_one_module_that_has_it():
    assert {name: module for module in MODULES for name in public(module)} == notes._HOME
    assert sum(len(public(module)) for module in MODULES) == len(notes.__all__)


def test_a_star_brings_the_functions():
    program = "from chainrule.notes import *; print(linear_forward, L_layer_model, theta_gradient, MISTAKES, check)"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)


def test_no_name_is_that_of_a_folder_or_a_file():
    assert not {path.stem for path in HERE.iterdir()} & set(notes.__all__)


def test_a_file_is_named_once_and_few_lie_at_the_top():
    others = {path.stem for path in HERE.parent.rglob("*.py") if HERE not in path.parents}
    assert len({path.stem for path in FILES}) == len(FILES)
    assert not {path.stem for path in FILES} & others
    assert len(list(HERE.glob("*.py"))) <= 8


def test_folders_import_one_way():
    needs = defaultdict(set)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("chainrule.notes."):
                needs[path.relative_to(HERE).parts[0].removesuffix(".py")].add(node.module.split(".")[2])
    TopologicalSorter({folder: others - {folder} for folder, others in needs.items()}).prepare()  # CycleError: a circle


@pytest.mark.parametrize("module", MODULES)
def test_every_function_has_an_example_and_doctest_finds_it(module):
    loaded = import_module(f"chainrule.notes.{module}")
    run = {test.name.split(".")[-1] for test in doctest.DocTestFinder().find(loaded) if test.examples}
    own = {
        name for name in loaded.__all__ if isfunction(f := getattr(loaded, name)) and f.__module__ == loaded.__name__
    }
    assert own - run == set()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'linear_froward'"):
        _ = notes.linear_froward
