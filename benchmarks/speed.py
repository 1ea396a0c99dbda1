"""Speed: microseconds per training step, every contestant in turn, round after round.

In a round each contestant computes once for about the same time while the others wait, so a machine that slows down
or speeds up does so for all of them; ratios are taken within a round, and only then the median over rounds.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from math import ceil
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.cases import CASES, Case
from benchmarks.processes import Worker, WorkerDied
from benchmarks.rivals import PEAK, RIVALS, Rival, chosen

SECONDS_PER_ROUND = 0.3

# Threads of the last contestant may go on waiting actively for a moment; they must not share its successor's cores.
PAUSE = 0.05

# All rows of one batch are in every step, in whatever order: what all must learn alike but for rounding.
ONE_BATCH_STEPS = 20
ONE_BATCH_TOLERANCE = 0.01

# Here the order of rows tells; between two orders "wide" differs by a tenth.
CHECK_EPOCHS = 3
EPOCHS_TOLERANCE = 0.2


def add_arguments(parser: ArgumentParser) -> None:
    families = list(dict.fromkeys(rival.family for rival in RIVALS.values()))
    parser.add_argument("--cases", default=",".join(CASES), help="some of %(default)s")
    parser.add_argument("--rivals", help=f"families or single forms (default: {','.join(families)})")
    parser.add_argument("--rounds", type=int, default=15, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="for each contestant; default %(default)s")
    parser.add_argument("--check", action="store_true", help="time nothing; show that all of them learn the same")


def run(arguments: Namespace) -> dict[str, Any]:
    """The result, as it is written to a file. ValueError: a case or rival that is not known, too many threads."""
    cases = [_case(name) for name in arguments.cases.split(",")]
    rivals = chosen(arguments.rivals.split(",")) if arguments.rivals else list(RIVALS.values())
    if not 1 <= arguments.threads <= len(machine.usable_cores()):
        raise ValueError(f"{arguments.threads} threads: this machine lets us use {len(machine.usable_cores())} cores")
    if arguments.rounds < 1:
        raise ValueError("at least one round")
    result = {
        "kind": "check" if arguments.check else "speed",
        "machine": machine.describe(),
        "threads": arguments.threads,
    }
    if arguments.check:
        return result | {
            "one_batch_steps": ONE_BATCH_STEPS,
            "epochs": CHECK_EPOCHS,
            "tolerance": {"one_batch": ONE_BATCH_TOLERANCE, "epochs": EPOCHS_TOLERANCE},
            "cases": [check_case(case, rivals, arguments.threads) for case in cases],
        }
    return result | {
        "rounds": arguments.rounds,
        "seconds_per_round": SECONDS_PER_ROUND,
        "cases": [time_case(case, rivals, arguments.rounds, arguments.threads) for case in cases],
    }


def time_case(
    case: Case, rivals: Sequence[Rival], rounds: int, threads: int, seconds: float = SECONDS_PER_ROUND
) -> dict[str, Any]:
    """Everything measured for one case."""
    with ExitStack() as stack:
        contestants = [*rivals, PEAK]
        workers: dict[str, Worker] = {}
        for rival in contestants:
            _say(f"{case.name}: starting {rival.name}")
            workers[rival.name] = stack.enter_context(Worker(rival, case, threads))
        epochs = {name: _epochs(worker, seconds) for name, worker in workers.items() if worker.missing is None}
        per_epoch: dict[str, list[float]] = {name: [] for name in epochs}
        for number in range(rounds):
            _say(f"{case.name}: round {number + 1} of {rounds}")
            for name, worker in workers.items():
                if worker.missing is None:
                    time.sleep(PAUSE)
                    try:
                        per_epoch[name].append(worker.seconds(epochs[name]) / epochs[name])
                    except WorkerDied as death:
                        worker.missing = str(death)
    peak = workers[PEAK.name]
    flops = peak.introduction.get("flops_per_epoch")
    gflops = None if peak.missing else [threads * flops / s / 1e9 for s in per_epoch[PEAK.name]]
    entries = {rival.name: _missing(rival, workers[rival.name].missing) for rival in rivals}
    steps = {
        rival.name: 1e6 * np.array(per_epoch[rival.name]) / case.steps_per_epoch
        for rival in rivals
        if workers[rival.name].missing is None
    }
    for rival in rivals:
        if rival.name in steps:
            entries[rival.name] |= _figures(rival.name, steps, case.flops_per_step, gflops) | {
                "epochs_per_round": epochs[rival.name],
                "thread_pools": workers[rival.name].introduction["thread_pools"],
            }
    return asdict(case) | {
        "flops_per_step": case.flops_per_step,
        "peak_gflops": {"missing": peak.missing, "rounds": gflops},
        "rivals": entries,
        "best_forms": best_forms(entries),
    }


def best_forms(entries: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The fastest form of each family, by its median."""
    best: dict[str, str] = {}
    for name, entry in entries.items():
        holder = best.get(entry["family"])
        if entry["missing"] is None and (
            holder is None or entry["microseconds"]["median"] < entries[holder]["microseconds"]["median"]
        ):
            best[entry["family"]] = name
    return best


def check_case(case: Case, rivals: Sequence[Rival], threads: int) -> dict[str, Any]:
    """Training loss of each rival after steps on one batch and after a few epochs of all rows, by the same judge."""
    entries: dict[str, dict[str, Any]] = {}
    parts = {"one_batch": (replace(case, rows=case.batch_size), ONE_BATCH_STEPS), "epochs": (case, CHECK_EPOCHS)}
    for rival in rivals:
        _say(f"{case.name}: {rival.name}")
        entries[rival.name] = _missing(rival, None)
        for part, (rows, epochs) in parts.items():
            with Worker(rival, rows, threads) as worker:
                if worker.missing is not None:
                    entries[rival.name] = _missing(rival, worker.missing)
                    break
                before, after = worker.losses(epochs)
                entries[rival.name][part] = {"before": before, "after": after}
    took_part = [entry for entry in entries.values() if entry["missing"] is None]
    spread = {part: _spread([entry[part]["after"] for entry in took_part]) for part in parts}
    return asdict(case) | {"rivals": entries, "spread": spread}


def _epochs(worker: Worker, seconds: float) -> int:
    """How many epochs last about so long."""
    epochs, taken = 1, worker.seconds(1)
    while taken < seconds / 3:
        epochs *= 2
        taken = worker.seconds(epochs)
    return max(1, ceil(epochs * seconds / taken - 0.5))


def _spread(losses: list[float]) -> float:
    return (max(losses) - min(losses)) / float(np.median(losses)) if losses else 0.0


def _figures(
    name: str, steps: dict[str, np.ndarray], flops: int, peak_gflops: list[float] | None
) -> dict[str, dict[str, Any] | float | None]:
    mine = steps[name]
    low, median, high = np.quantile(mine, (0.25, 0.5, 0.75)).tolist()
    share = None if peak_gflops is None else float(np.median(flops / mine / 1e3 / peak_gflops))
    return {
        "microseconds": {"low_quartile": low, "median": median, "high_quartile": high, "rounds": mine.tolist()},
        "share_of_peak": share,
        "ratio_to": {other: float(np.median(mine / theirs)) for other, theirs in steps.items()},
    }


def _missing(rival: Rival, reason: str | None) -> dict[str, Any]:
    return {"family": rival.family, "missing": reason}


def _case(name: str) -> Case:
    if name not in CASES:
        raise ValueError(f"{name!r} is no case. Cases: {', '.join(CASES)}.")
    return CASES[name]


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
