"""What `chainrule.notes` offers: each public name means one thing, and its examples are run."""

import doctest
from collections import defaultdict
from importlib import import_module
from inspect import isfunction
from pathlib import Path

import pytest

from chainrule import notes

HERE = Path(notes.__file__).parent
MODULES = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")


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
