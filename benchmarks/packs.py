"""Packs: sixteen networks side by side on two threads, on one, and each by itself in turn."""

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from benchmarks import rounds
from benchmarks.tables import table, verdict

MEMBERS, NUMBERS, HIDDEN, B, ROWS = 16, 28, (128, 128), 256, 8192
EPOCHS = 4

# How many times as fast as the other.
TARGETS = {("two threads", "one thread"): 1.85, ("one thread", "each by itself"): 0.95}

# Not a target: what the two cores do for processes that share nothing, each with half of the members.
CEILING = {("two processes", "each by itself"): None}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=11, help="default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, 2)
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for number in range(-1, arguments.rounds):
        rounds.say(f"packs: {'compiling' if number < 0 else f'round {number + 1} of {arguments.rounds}'}")
        for name in Random(number).sample(list(WAYS), len(WAYS)):
            members = _members()
            began = time.perf_counter()
            WAYS[name](members)
            if number >= 0:
                seconds[name].append(time.perf_counter() - began)
    return {"seconds": {name: rounds.summary(taken) for name, taken in seconds.items()}}


def _members() -> list[Any]:
    """Of different recipes; the rows are shared. What is not training is done before."""
    from chainrule import Network, Recipe, make_engine
    from chainrule.packs import Member

    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, NUMBERS), dtype=np.float32)
    network = Network((NUMBERS, *HIDDEN, 1))
    made = [
        make_engine(
            network, Recipe("adamw", 1e-4 * (i + 1), epochs=EPOCHS, batch_size=B, patience=None, seed=i), threads=1
        )
        for i in range(MEMBERS)
    ]
    rows = made[0].examples(X, X[:, :1] * X[:, 1:2])
    return [Member(engine, rows) for engine in made]


def _apart(members: list[Any]) -> None:
    from chainrule import fit

    for member in members:
        fit(member.engine, member.training)


def _together(threads: int) -> Callable[[list[Any]], None]:
    def train(members: list[Any]) -> None:
        from chainrule.packs import fit_many

        fit_many(members, threads=threads)

    return train


def _processes(members: list[Any]) -> None:
    """Half of them in a process of its own, which shares nothing: what two cores of this machine can do."""
    child = os.fork()
    if child == 0:
        _apart(members[::2])
        os._exit(0)
    _apart(members[1::2])
    os.waitpid(child, 0)


WAYS: dict[str, Callable[[list[Any]], None]] = {
    "two threads": _together(2),
    "one thread": _together(1),
    "each by itself": _apart,
    "two processes": _processes,
}


def ratios(result: dict[str, Any]) -> list[tuple[str, str, float, float | None]]:
    """(the faster, the slower, how many times as fast, the target)."""
    seconds = result["seconds"]
    return [
        (fast, slow, rounds.ratio(seconds[slow]["rounds"], seconds[fast]["rounds"]), least)
        for (fast, slow), least in (TARGETS | CEILING).items()
    ]


def report(result: dict[str, Any]) -> list[str]:
    seconds = result["seconds"]
    n = "-".join(map(str, (NUMBERS, *HIDDEN, 1)))
    said = (
        f"{MEMBERS} networks of {n}, {EPOCHS} epochs of {ROWS:,} rows in batches of {B}, AdamW, float32. Each by "
        "itself: one after the other, by one thread; two processes: half of them in each. Ratios within a round, then "
        "their median."
    )
    times = table(["", "seconds"], [[name, f"{figures['median']:.3f}"] for name, figures in seconds.items()])
    rows = [
        [
            f"{fast} beside {slow}",
            f"{ratio:.2f}",
            "" if least is None else f"{least:g}",
            "" if least is None else verdict(ratio >= least),
        ]
        for fast, slow, ratio, least in ratios(result)
    ]
    return [said, times, table(["", "times as fast", "target", ""], rows)]
