"""A run takes no memory that grows with its steps: what it needs is made before the first one."""

import gc
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from chainrule.engines.fused import Fused
from chainrule.network import Network
from chainrule.recipe import Recipe

M, B = 2000, 2  # a thousand steps an epoch
RATE = 8 + 56  # bytes that a step's learning rate takes, as a number of Python's too while the list of them is made


def made(schedule="constant", batch_size=B, shuffle=True):
    network = Network((6, 8, 5, 2), "tanh", "cross_entropy", 0.2, "l2(0.1)")
    recipe = Recipe("adam", schedule=schedule, batch_size=batch_size, shuffle=shuffle, clip_norm=1.0, epochs=10_000)
    engine = Fused(network, recipe, threads=1)
    rng = np.random.default_rng(0)
    return engine, engine.examples(rng.normal(size=(M, 6)), np.eye(2)[rng.integers(0, 2, M)])


def peak(engine, examples, steps):
    """Bytes at most, above what there was, while so many steps run."""
    state = engine.start()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        engine.run(state, examples, 0, steps)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_steps_of_an_epoch_take_no_memory_but_their_rates(schedule, shuffle):
    engine, examples = made(schedule, shuffle=shuffle)
    engine.run(engine.start(), examples, 0, 1000)
    few, many = (peak(engine, examples, steps) for steps in (10, 1000))
    assert many - few <= 2 * RATE * 990 + 2000


def test_epochs_take_no_memory():
    engine, examples = made(batch_size=M // 2)
    engine.run(engine.start(), examples, 0, 4)
    few, many = (peak(engine, examples, steps) for steps in (10, 400))
    assert many - few <= 2000


def test_what_is_kept_does_not_grow():
    engine, examples = made(batch_size=200)
    engine.run(engine.start(), examples, 0, 30)
    gc.collect()
    tracemalloc.start()
    try:
        kept = []
        for _ in range(3):
            engine.run(engine.start(), examples, 0, 300)
            gc.collect()
            kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kept[2] - kept[0] <= 2000


RESIDENT = """
import gc, sys
import numpy as np
from tests.engines.fused.test_no_allocation import made

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

engine, examples = made(batch_size=20)
engine.run(engine.start(), examples, 0, 1000)
state = engine.start()
before = resident()
engine.run(state, examples, 0, 30_000)
print(resident() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="where Linux tells of memory")
def test_resident_memory_is_stable():
    places = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RESIDENT],
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": places},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2**20
