"""A busy machine: one thread, several, and as many as the engine chooses, beside processes that compute."""

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

from benchmarks import machine, rounds
from benchmarks.cases import Case, chosen_cases
from benchmarks.processes import Worker
from benchmarks.rivals import Rival
from benchmarks.tables import absent, spread, table, title, verdict

CASES = "small,mnist,table"
BUSY = "0,1,2,4"
TARGET = 0.9  # of the speed of the faster of both
SETTLING = 3  # rounds, more than a second, that do not count
CHOSEN = "chosen"
MAKER = "benchmarks.rivals.chainrule_engines:make"

# It ends by itself when whoever started it is gone.
COMPUTING = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=11, help="default %(default)s")
    parser.add_argument("--cases", default=CASES, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="and cores; default %(default)s")
    parser.add_argument("--busy", default=BUSY, help="how many processes compute; default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, arguments.threads)
    counts = _counts(arguments.busy)
    return {
        "threads": arguments.threads,
        "cases": [_time(case, counts, arguments) for case in chosen_cases(arguments.cases)],
    }


def _counts(given: str) -> list[int]:
    """Numbers with commas between."""
    if not all(count.isdigit() for count in given.split(",")):
        raise ValueError(f"{given!r}: how many busy processes are numbers with commas between, such as {BUSY}")
    return [int(count) for count in given.split(",")]


def contestants(threads: int) -> dict[str, Rival]:
    """The compiled engine with one thread, with so many, and with the number that it chooses of them."""
    forced = [
        Rival(name, name, MAKER + "_forced", {"count": count})
        for name, count in (("1 thread", 1), (f"{threads} threads", threads))
    ]
    chosen = Rival(CHOSEN, CHOSEN, MAKER, {"engine": "fused"})
    return {rival.name: rival for rival in (*forced, chosen)}


def _time(case: Case, counts: list[int], arguments: Namespace) -> dict[str, Any]:
    beside = []
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(rival, case, arguments.threads))
            for name, rival in contestants(arguments.threads).items()
        }
        for count in counts:
            with computing(count, machine.usable_cores()[: arguments.threads]):
                what = f"{case.name} beside {count} busy processes"
                rounds.take_turns(workers, SETTLING, what=f"{what}, settling")
                per_epoch = rounds.take_turns(workers, arguments.rounds, what=what)
            beside.append({"busy": count} | _compared(case, per_epoch))
    return asdict(case) | {"missing": rounds.missing(workers), "beside": beside}


def _compared(case: Case, per_epoch: dict[str, list[float]]) -> dict[str, Any]:
    figures = {
        name: rounds.summary([1e6 * s / case.steps_per_epoch for s in times]) for name, times in per_epoch.items()
    }
    faster = min((name for name in figures if name != CHOSEN), key=lambda name: figures[name]["median"], default=None)
    speed = rounds.ratio(per_epoch[faster], per_epoch[CHOSEN]) if faster and CHOSEN in figures else None
    return {"microseconds": figures, "faster": faster, "speed": speed}


@contextmanager
def computing(count: int, cores: list[int]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Inside, so many processes compute on these cores and do nothing else."""
    command = [sys.executable, "-c", COMPUTING, ",".join(map(str, cores))]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def report(result: dict[str, Any]) -> list[str]:
    threads = result["threads"]
    names = list(contestants(threads))
    rows = []
    for case in result["cases"]:
        for beside in case["beside"]:
            figures, speed = beside["microseconds"], beside["speed"]
            cells = [cell for name in names for cell in (spread(figures[name]) if name in figures else ["", ""])]
            met = None if speed is None else speed >= TARGET
            shown = "" if speed is None else f"{speed:.2f}"
            rows.append([case["name"], str(beside["busy"]), *cells, shown, verdict(met)])
    head = ["", "busy", *(cell for name in names for cell in (f"{name}, µs per step", "quartiles"))]
    notes = [f"{title(case)}\n\n" + "\n\n".join(absent(case["missing"])) for case in result["cases"] if case["missing"]]
    said = (
        f"The compiled engine on {threads} cores, which so many busy processes share; the first second does not count. "
        f"Speed: of the number of threads that it chooses, against the faster of the fixed ones; target {TARGET:g}. "
        "Medians of the ratios within each round."
    )
    return [said, table([*head, "speed", ""], rows), *notes]
