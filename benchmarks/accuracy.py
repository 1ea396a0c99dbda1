"""Accuracy: libraries with their defaults on public tables in two halves, and the time that their fits take."""

import json
import os
import select
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import accuracy_tables, machine, rounds
from benchmarks.accuracy_data import DEVELOPMENT, HALVES, SEEDS, UNTOUCHED, DataSet, chosen, require_packages
from benchmarks.accuracy_learners import LEARNERS, Entry, entry, present_version
from benchmarks.accuracy_results import Filed, Result
from benchmarks.kept import RESULTS
from benchmarks.processes import REMOVED, ROOT, THREAD_COUNTS

report = accuracy_tables.report


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--half", choices=HALVES, default=DEVELOPMENT, help="default %(default)s")
    parser.add_argument(
        "--learner",
        action="append",
        help=f"one of {', '.join(LEARNERS)}, with options such as CatBoost:depth=8; may be given again; default: all",
    )
    parser.add_argument("--data", help="names of data sets with commas between; default: all of the half")
    parser.add_argument(
        "--again",
        action="append",
        default=[],
        help="a learner whose results are replaced where they failed, or are of another version, or badly timed",
    )
    parser.add_argument(
        "--timing",
        choices=("reliable", "unreliable"),
        default="reliable",
        help="unreliable: other programs compute meanwhile; --again replaces such results",
    )
    parser.add_argument("--threads", type=int, default=2, help="default %(default)s")
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds that a fit may take; default %(default)s")
    parser.add_argument("--filed", action="store_true", help="fit nothing: the tables of what is on file")


def run(arguments: Namespace) -> dict[str, Any]:
    data = chosen(arguments.half, arguments.data.split(",") if arguments.data else None)
    again = set(arguments.again)
    entries = [entry(text) for text in dict.fromkeys([*(arguments.learner or LEARNERS), *arguments.again])]
    if arguments.half == UNTOUCHED and any(each.options for each in entries):
        raise ValueError("learners with options of their own are compared on the development half alone")
    if not 1 <= arguments.threads <= len(machine.usable_cores()):
        raise ValueError(f"threads: from 1 to {len(machine.usable_cores())} here, not {arguments.threads}")
    folder = arguments.out.parent if arguments.out else RESULTS / machine.slug(machine.processor())
    filed = {each.text: Filed(folder / "accuracy", each.text) for each in entries}
    if not arguments.filed:
        require_packages(data)
        with _sigterm_ends_fits():
            for wanted in data:
                for each in entries:
                    _fit(wanted, each, filed[each.text], arguments, is_again=each.text in again)
    return gathered(arguments.half, data, entries, filed)


def gathered(half: str, data: list[DataSet], entries: list[Entry], filed: dict[str, Filed]) -> dict[str, Any]:
    """What is on file of the data sets and learners, as ``report`` wants it."""
    cases = []
    for wanted in data:
        found = {each.text: filed[each.text].of(wanted.name) for each in entries}
        learners = {name: _of_splits(results) for name, results in found.items() if len(results) == len(SEEDS)}
        sizes = {(each["rows"], each["columns"]) for results in found.values() for each in results if "rows" in each}
        if sizes:
            rows, columns = sizes.pop()
            about = {"name": wanted.name, "task": wanted.task, "rows": rows, "columns": columns}
            cases.append(about | {"learners": learners})
    versions = {
        each.text: sorted({f"{each.kind.package} {result['version']}" for result in filed[each.text].results.values()})
        for each in entries
    }
    return {
        "kind": f"accuracy_{half}",
        "half": half,
        "splits": len(SEEDS),
        "wanting": [wanted.name for wanted in data if wanted.name not in {case["name"] for case in cases}],
        "slow": [each.text for each in entries if each.kind.is_slow],
        "ours": [each.text for each in entries if each.kind.package == "chainrule"],
        "versions": {name: found for name, found in versions.items() if found},
        "cases": cases,
    }


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    from benchmarks.accuracy_plots import picture

    return [picture(result, folder / f"{result['kind']}.svg")] if result["cases"] else []


@contextmanager
def _sigterm_ends_fits() -> Iterator[None]:
    """The fit in progress has a process of its own, which would go on."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _of_splits(results: list[Result]) -> dict[str, Any]:
    results = sorted(results, key=lambda each: each["seed"])
    failed = [each["error"] for each in results if "error" in each]
    if failed:
        return {"error": failed[0]}
    return {
        "scores": {metric: [each["scores"][metric] for each in results] for metric in results[0]["scores"]},
        "fit_seconds": [each["fit_seconds"] for each in results],
        "predict_seconds": [each["predict_seconds"] for each in results],
        "is_timed": all(each["timing"] == "reliable" for each in results),
    }


def _fit(data: DataSet, learner: Entry, filed: Filed, arguments: Namespace, *, is_again: bool) -> None:
    """Each split that is wanting, in one process; a result is filed when it comes."""
    version = present_version(learner.kind.package)
    if version is None or (learner.kind.is_slow and not data.slow_rivals):
        return
    current = {"version": version, "timing": arguments.timing, "threads": arguments.threads}
    seeds = filed.wanting(data.name, SEEDS, current if is_again else None)
    while seeds:
        rounds.say(f"{data.name}: {learner.text}, splits {', '.join(map(str, seeds))}")
        for answer in _answers(data, learner, seeds, arguments.threads, arguments.limit):
            ended = datetime.now(UTC).isoformat(timespec="seconds")
            filed.put({"data": data.name, "learner": learner.text} | answer | current | {"ended": ended})
            seeds = seeds[1:]


def _answers(data: DataSet, learner: Entry, seeds: list[int], threads: int, limit: float) -> Iterator[Result]:
    """What the process tells after each split; where it ends before, or takes too long, an error in its place."""
    environment = {name: value for name, value in os.environ.items() if name not in REMOVED}
    request = {"data": data.name, "learner": learner.text, "seeds": seeds, "threads": threads}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.accuracy_fits"],
        cwd=ROOT,
        env=environment | dict.fromkeys(THREAD_COUNTS, str(threads)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # a line that lies in a buffer would be hidden from select
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with process.stdin as file:
                file.write(json.dumps(request).encode())
            for seed in seeds:
                if not select.select([process.stdout], [], [], limit)[0]:
                    yield {"seed": seed, "error": f"no end within {limit:g} s"}
                    return
                line = process.stdout.readline()
                if not line:
                    yield {"seed": seed, "error": f"the process ended: {process.wait()}"}
                    return
                yield json.loads(line)
        finally:
            process.kill()
