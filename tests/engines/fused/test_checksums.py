"""Recorded runs: the same bits on every machine, today and later.

``checksums.json`` holds the SHA-256 of theta and of the predictions after some steps of small runs, in which every
activation, loss, penalty, input layer and optimiser that takes steps has its part; see ``recorded_runs``. A new row
has a run that is not recorded yet. One command, from the root of the repository, records what is missing and leaves the
rest:

    python -m tests.engines.fused.test_checksums

A change that is meant to change bits (another order of a sum, a better polynomial) deletes the file first.

The data are made from integers by single IEEE operations; the rates too (no cosine, no powers), since Python takes
those from the system's library, which may round them otherwise elsewhere.
"""

import json
from pathlib import Path

import pytest

from chainrule.engines.fused import Fused
from chainrule.formulas.activations import ACTIVATIONS, Activation
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS, Optimizer
from chainrule.formulas.penalties import PENALTIES, Penalty
from tests.engines.fused.configurations import STEPPING, checksum, rows
from tests.engines.fused.recorded_runs import EPOCHS, SPECS, part, parts, runs

RECORDED = Path(__file__).parent / "checksums.json"
RUNS = runs()


def checksums(given):
    """Of theta and of the predictions after the epochs."""
    engine = Fused(given.network, given.recipe)
    examples = engine.examples(*rows(given))
    steps = EPOCHS * given.recipe.steps_per_epoch(given.m)
    state = engine.run(engine.start(), examples, 0, steps)
    assert (state.step, state.diverged) == (steps, False)
    return {
        "theta": checksum(state.theta),
        "predictions": checksum(engine.predict(state.theta, examples.X, examples.codes)),
    }


def recorded():
    return json.loads(RECORDED.read_text()) if RECORDED.exists() else {}


def record():
    """Write what the runs that are not recorded give now beside what is."""
    before = recorded()
    lines = [f"{json.dumps(name)}: {json.dumps(before.get(name) or checksums(RUNS[name]))}" for name in RUNS]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(RUNS.keys() - before.keys())} runs recorded in {RECORDED}, of {len(RUNS)}")


@pytest.mark.parametrize("name", RUNS)
def test_bits_are_those_recorded(name):
    known = recorded()
    assert name in known, "not recorded yet: python -m tests.engines.fused.test_checksums"
    assert checksums(RUNS[name]) == known[name], RUNS[name]


def test_the_recorded_runs_are_these():
    assert list(recorded()) == list(RUNS)


NEW_ROWS = [
    (ACTIVATIONS, lambda xp: Activation(lambda Z: Z, lambda Z, A: xp.ones_like(Z), "z", "a test")),
    (LOSSES, LOSSES["half_squared_error"]),
    (OPTIMIZERS, lambda xp: Optimizer(lambda theta, dtheta, rate, t, decay: (theta,), "theta", "a test", 0.1)),
    (PENALTIES, lambda xp: Penalty(lambda w, S: w, lambda w, S: xp.ones_like(w), "w", "a test")),
    (INPUTS, INPUTS["scale"]),
]


@pytest.mark.parametrize(("table", "row"), NEW_ROWS, ids=[table.kind for table, _ in NEW_ROWS])
def test_a_new_row_leaves_the_runs_of_others_and_has_its_own(table, row, monkeypatch):
    monkeypatch.setitem(table, "a_new_row", row)
    after = runs([(other, ["a_new_row", *specs] if other is table else specs) for other, specs in SPECS])
    own = {f"{table.kind} a_new_row {dtype}" for dtype in ("float32", "float64")}
    assert {name: given for name, given in after.items() if name not in own} == RUNS
    assert own <= set(after)


def test_everything_has_a_part():
    seen = {one for given in RUNS.values() for one in parts(given)}
    for table, specs in SPECS:
        assert {part(table, spec) for spec in specs} <= seen
        assert {table.name(spec) for spec in specs} == set(STEPPING if table is OPTIMIZERS else table)
    networks = [given.network for given in RUNS.values()]
    assert {0, 1, 2, 3} <= {network.L - 1 for network in networks}
    assert any(any(network.dropout) for network in networks)
    recipes = [given.recipe for given in RUNS.values()]
    assert {r.shuffle for r in recipes} == {True, False}
    assert any(r.clip_norm for r in recipes)
    assert {given.weights for given in RUNS.values()} == {"ones", "random", "some zero"}


if __name__ == "__main__":
    record()
