"""SimpleChains: the task of the article that made SimpleChains.jl known, beside the time it gives.

A 4-32-16-4 network learns the exponential of 2 x 2 matrices from 10,000 of them, all in every step, by Adam. (Elrod,
Korsbo & Rackauckas 2022, https://julialang.org/blog/2022/04/simple-chains/)
"""

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from benchmarks import machine, rounds
from benchmarks.cases import Case
from benchmarks.processes import Worker
from benchmarks.rivals import Rival
from benchmarks.tables import absent, spread, table, title

CASE = Case("simplechains", (4, 32, 16, 4), batch_size=10_000, rows=10_000)
PUBLISHED_MICROSECONDS, PUBLISHED_CORES = 41, 18


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=15)
    parser.add_argument("--threads", default="1,2", help="default %(default)s")


def run(arguments: Namespace, case: Case = CASE) -> dict[str, Any]:
    counts = [int(count) for count in arguments.threads.split(",")]
    for count in counts:
        rounds.require_sense(arguments, count)
    maker = "benchmarks.rivals.chainrule_engines:make_simplechains"
    with ExitStack() as stack:
        workers = {}
        for fit in (True, False):
            name = f"chainrule {arguments.engine}, {'fit' if fit else 'its steps alone'}"
            rival = Rival(name, name, maker, {"engine": arguments.engine, "fit": fit})
            for count in counts:
                workers[f"{name}, {count} thread(s)"] = stack.enter_context(Worker(rival, case, count))
        per_epoch = rounds.take_turns(workers, arguments.rounds, what=case.name)
    return asdict(case) | {
        "missing": rounds.missing(workers),
        "microseconds": {name: rounds.summary([1e6 * s for s in times]) for name, times in per_epoch.items()},
        "usable_cores": len(machine.usable_cores()),
    }


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"Microseconds per epoch, which is one step. {PUBLISHED_MICROSECONDS} µs on {PUBLISHED_CORES} cores is the "
        "figure of SimpleChains.jl's authors, on their machine, and not measured here."
    )
    rows = [[name, *spread(figures)] for name, figures in result["microseconds"].items()]
    rows.append([f"SimpleChains.jl, {PUBLISHED_CORES} cores, as published", str(PUBLISHED_MICROSECONDS), ""])
    return [title(result), said, table(["", "µs per epoch", "quartiles"], rows), *absent(result["missing"])]
