"""Rounds: contestants compute in turn, so that a machine that slows down does so for all of them.

Each round has an order of its own: the one before leaves the caches and the core's clock as it used them, which would
favour whoever always follows the same one. Ratios are taken within a round, and only then their median.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from math import ceil
from random import Random
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.processes import Worker, WorkerDied
from benchmarks.rivals import ENGINE

SECONDS_PER_ROUND = 0.3

# Threads of the last contestant may go on waiting actively for a moment; they must not share its successor's cores.
PAUSE = 0.05


def add_arguments(parser: ArgumentParser, rounds: int) -> None:
    """What most benchmarks ask."""
    parser.add_argument("--rounds", type=int, default=rounds, help="default %(default)s")
    parser.add_argument("--engine", default=ENGINE, choices=("fused", "reference"), help="default %(default)s")


def require_sense(arguments: Namespace, threads: int) -> None:
    """ValueError: no round, or more threads than cores."""
    if arguments.rounds < 1:
        raise ValueError("at least one round")
    if not 1 <= threads <= len(machine.usable_cores()):
        raise ValueError(f"{threads} threads: this machine lets us use {len(machine.usable_cores())} cores")


def take_turns(
    workers: Mapping[str, Worker], rounds: int, seconds: float = SECONDS_PER_ROUND, what: str = ""
) -> dict[str, list[float]]:
    """Seconds per epoch in each round, of those that took part in all of them; who died says so in ``missing``.

    A round of a contestant is as many whole epochs as last about so many seconds.
    """
    per_epoch: dict[str, list[float]] = {}
    for number in range(-1, rounds):
        say(f"{what}: {'finding out how long an epoch takes' if number < 0 else f'round {number + 1} of {rounds}'}")
        for name in Random(number).sample(list(workers), len(workers)):
            worker = workers[name]
            if worker.missing is None:
                time.sleep(PAUSE)
                try:
                    if number < 0:
                        worker.epochs_per_round = _epochs(worker, seconds)
                        per_epoch[name] = []
                    else:
                        taken = worker.seconds(worker.epochs_per_round)
                        per_epoch[name].append(taken / worker.epochs_per_round)
                except WorkerDied as death:
                    worker.missing = str(death)
    return {name: times for name, times in per_epoch.items() if workers[name].missing is None}


def missing(workers: Mapping[str, Worker]) -> dict[str, str]:
    """Who did not take part to the end, and why."""
    return {name: worker.missing for name, worker in workers.items() if worker.missing is not None}


def summary(values: Any) -> dict[str, Any]:
    """Median and quartiles, and what they come from."""
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return {"low_quartile": low, "median": median, "high_quartile": high, "rounds": list(map(float, values))}


def ratio(above: Any, below: Any) -> float:
    """The median of the ratios within each round."""
    return float(np.median(np.array(above) / np.array(below)))


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _epochs(worker: Worker, seconds: float) -> int:
    """How many epochs last about so long."""
    epochs, taken = 1, worker.seconds(1)
    while taken < seconds / 3:
        epochs *= 2
        taken = worker.seconds(epochs)
    return max(1, ceil(epochs * seconds / taken - 0.5))
