"""Recorded runs: the same bits on every machine, today and later.

``checksums.json`` holds the SHA-256 of theta and of the predictions after some steps of small runs, in which every
activation, loss and optimiser that takes steps has its part. A change that is meant to change bits (another order of a
sum, a better polynomial) records them anew, which one command does, from the root of the repository:

    python -m tests.engines.fused.test_checksums

The data are made from integers by single IEEE operations; the rates too (no cosine, no powers), since Python takes
those from the system's library, which may round them otherwise elsewhere.
"""

import json
from itertools import cycle, islice
from pathlib import Path

import pytest

from chainrule.engines.fused import Fused
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.configurations import STEPPING, Configuration, checksum, rows
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_LOSSES

RECORDED = Path(__file__).parent / "checksums.json"
EPOCHS = 3
LATER = ["quantiles", "quantiles(0.1, 0.5, 0.9)"]  # rows that came when the others had been recorded


def runs():
    """The runs by name, each in both dtypes."""
    first = [loss for loss in ALL_LOSSES if loss not in LATER]
    count = max(len(ALL_ACTIVATIONS), len(first), len(STEPPING))
    each = zip(
        range(count + 1 + len(LATER)),
        [*islice(cycle(first), count + 1), *LATER],
        cycle([*STEPPING, "adam(0.8)"]),
        cycle([(9,), (17, 6), (5, 33, 8), (12, 4)]),
        cycle(["constant", "inverse_time(0.5)", "warm_up(2)"]),
        strict=False,
    )
    for i, loss, optimizer, hidden, schedule in each:
        hidden = hidden if i != count else ()
        outputs = 3 if loss.startswith(("cross_entropy", "quantiles(")) else 1 + i % 2
        for dtype in ("float32", "float64"):
            network = Network(
                (1 + 3 * i % 20, *hidden, outputs),
                tuple(ALL_ACTIVATIONS[(i + 5 * l) % len(ALL_ACTIVATIONS)] for l in range(len(hidden))),
                loss,
                0.25 if i % 3 == 0 else 0.0,
                [(), ("l2(0.1)",), ("l1(0.01)", "l2_fixed(0.02)")][i % 3],
                dtype=dtype,
            )
            recipe = Recipe(
                optimizer,
                0.01,
                schedule,
                epochs=EPOCHS,
                batch_size=[7, 16, 41, 60][i % 4],
                shuffle=i % 5 > 0,
                clip_norm=0.5 if i % 4 == 1 else None,
                seed=i,
            )
            given = Configuration(network, recipe, 41, ["ones", "random", "some zero"][i // 2 % 3])
            yield f"{i} {dtype}", given


RUNS = dict(runs())


def checksums(given):
    """Of theta and of the predictions after the epochs."""
    engine = Fused(given.network, given.recipe)
    examples = engine.examples(*rows(given))
    steps = EPOCHS * given.recipe.steps_per_epoch(given.m)
    state = engine.run(engine.start(), examples, 0, steps)
    assert (state.step, state.diverged) == (steps, False)
    return {"theta": checksum(state.theta), "predictions": checksum(engine.predict(state.theta, examples.X))}


def record():
    """Write what the runs give now."""
    lines = [f"{json.dumps(name)}: {json.dumps(checksums(given))}" for name, given in RUNS.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(lines)} runs recorded in {RECORDED}")


@pytest.mark.parametrize("name", RUNS)
def test_bits_are_those_recorded(name):
    recorded = json.loads(RECORDED.read_text())
    assert checksums(RUNS[name]) == recorded[name], RUNS[name]


def test_the_recorded_runs_are_these():
    assert list(json.loads(RECORDED.read_text())) == list(RUNS)


def test_everything_has_a_part():
    parts = " ".join(str(given) for given in RUNS.values())
    for name in (*ACTIVATIONS, *LOSSES, *STEPPING, "l1", "l2", "l2_fixed"):
        assert name in parts
    used = {a for given in RUNS.values() for a in given.network.activation}
    assert {ACTIVATIONS.canonical(a) for a in ALL_ACTIVATIONS} <= used
    networks = [given.network for given in RUNS.values()]
    assert {0, 1, 2, 3} <= {network.L - 1 for network in networks}
    assert any(any(network.dropout) for network in networks)
    recipes = [given.recipe for given in RUNS.values()]
    assert {r.shuffle for r in recipes} == {True, False}
    assert any(r.clip_norm for r in recipes)
    assert {given.weights for given in RUNS.values()} == {"ones", "random", "some zero"}


if __name__ == "__main__":
    record()
