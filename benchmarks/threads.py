"""Threads: a step with one thread beside the same step with two."""

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from benchmarks import rounds
from benchmarks.cases import CASES, Case, chosen_cases
from benchmarks.processes import Worker
from benchmarks.rivals import Rival, ours
from benchmarks.tables import absent, spread, table, title, verdict

# Where a step is long enough to be shared; elsewhere a second thread may idle, but not stand in the way.
TARGETS = {"table": 1.8, "wide": 1.8}
NOT_SLOWER = 0.97  # two measurements of the same thing differ by so much


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=15)
    parser.add_argument("--cases", default=",".join(CASES), help="some of %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="beside one; default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, arguments.threads)
    rival = ours(arguments.engine)
    return {
        "rival": rival.name,
        "threads": arguments.threads,
        "cases": [_time(case, rival, arguments) for case in chosen_cases(arguments.cases)],
    }


def _time(case: Case, rival: Rival, arguments: Namespace) -> dict[str, Any]:
    counts = (1, arguments.threads)
    with ExitStack() as stack:
        workers = {str(count): stack.enter_context(Worker(rival, case, count)) for count in counts}
        per_epoch = rounds.take_turns(workers, arguments.rounds, what=case.name)
    one, more = (per_epoch.get(str(count)) for count in counts)
    return asdict(case) | {
        "missing": rounds.missing(workers),
        "microseconds": {
            name: rounds.summary([1e6 * s / case.steps_per_epoch for s in times]) for name, times in per_epoch.items()
        },
        "times_faster": rounds.ratio(one, more) if one and more else None,
    }


def report(result: dict[str, Any]) -> list[str]:
    rows = []
    for case in result["cases"]:
        target, faster = TARGETS.get(case["name"], NOT_SLOWER), case["times_faster"]
        cells = [cell for figures in case["microseconds"].values() for cell in spread(figures)]
        if faster is not None:
            rows.append([case["name"], *cells, f"{faster:.2f}", f"{target:g}", verdict(faster >= target)])
    head = ["", "1 thread, µs per step", "quartiles", f"{result['threads']} threads", "quartiles"]
    notes = [f"{title(case)}\n\n" + "\n\n".join(absent(case["missing"])) for case in result["cases"] if case["missing"]]
    said = (
        f"{result['rival']}, each process kept on as many cores as it has threads. Times faster: the median of the "
        f"ratios within each round. Where no gain is asked for, {NOT_SLOWER} counts as not slower."
    )
    return [said, table([*head, "times faster", "target", ""], rows), *notes]
