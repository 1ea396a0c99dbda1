"""The diffs that CONTRIBUTING.md shows are rows that work."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from chainrule import Network, Recipe
from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.explain.checking import check_gradients
from chainrule.explain.subject import Subject
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.schedules import SCHEDULES
from tests.formulas.problems import gradient_error

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
DIFFS = re.findall(r"```diff\n\+\+\+ src/(\S+)\.py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
TABLES = (ACTIVATIONS, LOSSES, OPTIMIZERS, PENALTIES, SCHEDULES, INITIALIZERS, METRICS, INPUTS)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 2))


@pytest.fixture(scope="module")
def added():
    """The names of the new rows by table; the tables have them while the tests run."""
    before = [dict(table) for table in TABLES]
    for module, diff in DIFFS:
        assert all(line.startswith("+") for line in diff.splitlines())
        code = "\n".join(line[1:] for line in diff.splitlines())
        exec(code, dict(vars(import_module(module.replace("/", ".")))))
    names = {
        table.kind: [name for name in table if name not in known] for table, known in zip(TABLES, before, strict=True)
    }
    yield names
    for table, known in zip(TABLES, before, strict=True):
        for name in set(table) - set(known):
            del table[name]


def network(added, **changes):
    given = {"activation": "activation", "loss": "loss", "initializer": "initializer"}
    rows = {option: added[kind][0] for option, kind in given.items()}
    penalty = f"{added['penalty'][0]}(0.1)"
    return Network((3, 4, 5, 2), **rows, penalties=penalty, dtype="float64", **changes)


def test_there_is_one_row_for_each_table(added):
    assert len(DIFFS) == len(TABLES)
    assert {kind: len(names) for kind, names in added.items()} == {table.kind: 1 for table in TABLES}


def test_both_engines_train_with_them_and_the_gradient_is_right(added):
    recipe = Recipe(added["optimizer"][0], 0.01, added["schedule"][0], epochs=3, batch_size=16)
    states = []
    for kind in (Reference, Fused):
        engine = kind(network(added), recipe)
        states.append(engine.run(engine.start(), engine.examples(X, Y), 0, 9))
    np.testing.assert_allclose(states[1].theta, states[0].theta, rtol=1e-12, atol=1e-12)
    found = check_gradients(Subject(network(added), states[0].theta, X, Y, ["a", "b", "c"], ["d", "e"]), None)
    assert found.ok, str(found)


def test_the_gradient_of_the_input_layer_is_right(added):
    engine = Reference(network(added, inputs=added["input layer"][0]), Recipe())
    theta = 0.5 * np.random.default_rng(1).normal(size=engine.network.size)
    assert gradient_error(engine, theta, engine.examples(X, Y)) < 1e-7


def test_the_metric_is_what_it_says(added):
    score = METRICS.make(added["metric"][0]).score
    assert score(np.array([[1.0, 2.0, 9.0]]), np.array([[1.5, 2.0, 0.0]]), np.array([1.0, 1.0, 0.0])) == 0.5
