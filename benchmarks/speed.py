"""Speed: microseconds per training step, every contestant in turn, round after round."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case, chosen_cases
from benchmarks.processes import Worker
from benchmarks.rivals import PEAK, RIVALS, Rival, before, chosen
from benchmarks.rounds import SECONDS_PER_ROUND, ratio, require_sense, say, summary, take_turns

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
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="also chainrule as that folder has it")
    parser.add_argument("--rounds", type=int, default=15, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="for each contestant; default %(default)s")
    parser.add_argument("--check", action="store_true", help="time nothing; show that all of them learn the same")


def run(arguments: Namespace) -> dict[str, Any]:
    """The result, as it is written to a file. ValueError: a case or rival that is not known, too many threads."""
    cases = chosen_cases(arguments.cases)
    rivals = chosen(arguments.rivals.split(",")) if arguments.rivals else list(RIVALS.values())
    if arguments.before:
        rivals.append(before(arguments.before))
    require_sense(arguments, arguments.threads)
    result = {"kind": "check" if arguments.check else "speed", "threads": arguments.threads}
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
            say(f"{case.name}: starting {rival.name}")
            workers[rival.name] = stack.enter_context(Worker(rival, case, threads))
        per_epoch = take_turns(workers, rounds, seconds, case.name)
    peak = workers[PEAK.name]
    flops: Any = peak.introduction.get("flops_per_epoch")
    gflops = None if peak.missing else [threads * flops / s / 1e9 for s in per_epoch[PEAK.name]]
    entries = {rival.name: _missing(rival, workers[rival.name].missing) for rival in rivals}
    steps = {
        rival.name: 1e6 * np.array(per_epoch[rival.name]) / case.steps_per_epoch
        for rival in rivals
        if rival.name in per_epoch
    }
    for name in steps:
        entries[name] |= _figures(name, steps, case.flops_per_step, gflops)
        entries[name]["epochs_per_round"] = workers[name].epochs_per_round
        entries[name]["thread_pools"] = workers[name].introduction["thread_pools"]
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
        say(f"{case.name}: {rival.name}")
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


def _spread(losses: list[float]) -> float:
    return (max(losses) - min(losses)) / float(np.median(losses)) if losses else 0.0


def _figures(
    name: str, steps: dict[str, np.ndarray], flops: int, peak_gflops: list[float] | None
) -> dict[str, dict[str, Any] | float | None]:
    mine = steps[name]
    return {
        "microseconds": summary(mine),
        "share_of_peak": None if peak_gflops is None else float(np.median(flops / mine / 1e3 / peak_gflops)),
        "ratio_to": {other: ratio(mine, theirs) for other, theirs in steps.items()},
    }


def _missing(rival: Rival, reason: str | None) -> dict[str, Any]:
    return {"family": rival.family, "missing": reason}
