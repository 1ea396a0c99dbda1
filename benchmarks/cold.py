"""Cold start: a fresh process until its first epoch is done, with and without what an earlier one has compiled."""

import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks import rounds
from benchmarks.cases import Case, chosen_cases
from benchmarks.processes import Worker
from benchmarks.rivals import RIVALS, Rival, ours
from benchmarks.tables import absent, number, table, title, verdict

# Where chainrule and torch.compile keep what they have compiled. JAX keeps nothing unless it is asked to.
CACHES = ("CHAINRULE_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")

TIMES_JAX = 2.0
SECONDS_UNTIL_FITTING = 0.4
LATER_EPOCHS = 3  # the fastest of them is what the first would have taken, had all been ready
PARTS = ("interpreter", "import", "first epoch", "until fitting")


@dataclass(frozen=True)
class Start:
    """A rival, and whether it finds what an earlier process has compiled."""

    name: str
    rival: Rival
    is_warm: bool = False


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=5)
    parser.add_argument("--cases", default="small,table", help="default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, 1)
    rival = ours(arguments.engine)
    starts = [
        Start(f"{rival.name}, nothing compiled", rival),
        Start(f"{rival.name}, compiled before", rival, is_warm=True),
        Start("JAX scan", RIVALS["JAX scan"]),
        Start("torch eager", RIVALS["torch eager"]),
        Start("torch compile, nothing compiled", RIVALS["torch compile"]),
        Start("torch compile, compiled before", RIVALS["torch compile"], is_warm=True),
        Start("scikit-learn", RIVALS["scikit-learn"]),
    ]
    return {
        "ours": [start.name for start in starts[:2]],
        "rounds": arguments.rounds,
        "cases": [_time(case, starts, arguments.rounds) for case in chosen_cases(arguments.cases)],
    }


def _time(case: Case, starts: list[Start], count: int) -> dict[str, Any]:
    taken: dict[str, list[dict[str, float]]] = {start.name: [] for start in starts}
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        filled = {
            start.rival.name: stack.enter_context(tempfile.TemporaryDirectory()) for start in starts if start.is_warm
        }
        for number_ in range(-1, count):  # the first does not count: it reads the libraries from the disk
            for start in starts:
                rounds.say(f"{case.name}: {start.name}, start {number_ + 1} of {count}")
                if start.name in missing:
                    continue
                with tempfile.TemporaryDirectory() as empty:
                    folder = filled[start.rival.name] if start.is_warm else empty
                    seconds, reason = _start(start.rival, case, folder)
                if reason is not None:
                    missing[start.name] = reason
                elif number_ >= 0:
                    taken[start.name].append(seconds)
    seconds = {
        name: {part: rounds.summary([run[part] for run in runs]) for part in PARTS}
        for name, runs in taken.items()
        if name not in missing
    }
    return asdict(case) | {"missing": missing, "seconds": seconds}


def _start(rival: Rival, case: Case, cache: str) -> tuple[dict[str, float], str | None]:
    def environment(threads: int) -> dict[str, str]:
        return rival.environment(threads) | dict.fromkeys(CACHES, cache)

    with Worker(replace(rival, environment=environment), case, threads=1) as worker:
        if worker.missing is not None:
            return {}, worker.missing
        seconds = worker.introduction["seconds"]
        later = min(worker.seconds(1) for _ in range(LATER_EPOCHS))
        return seconds | {"until fitting": max(0.0, seconds["first epoch"] - later)}, None


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"Medians of {result['rounds']} fresh processes each, in turn, one core. Interpreter: from the call of the "
        "operating system to the first line of Python. Import: the library and NumPy; chainrule loads its engine "
        "later, within the first epoch. First epoch: from there, the rows in memory, to the end of the first epoch. "
        "Until fitting: the first epoch less a later one."
    )
    return [said, *(_case(case, result["ours"]) for case in result["cases"])]


def _case(case: dict[str, Any], ours: list[str]) -> str:
    seconds = {name: {part: f["median"] for part, f in parts.items()} for name, parts in case["seconds"].items()}
    rows = [[name, *(number(1e3 * parts[part]) for part in PARTS)] for name, parts in seconds.items()]
    cold, warm = (seconds.get(name) for name in ours)
    jax = seconds.get("JAX scan")
    times = cold["first epoch"] / jax["first epoch"] if cold and jax else None
    until = warm["until fitting"] if warm else None
    said = [
        _outcome("First use, nothing compiled: first epoch", times, "times that of JAX", TIMES_JAX),
        _outcome("Later processes:", until, "s until fitting", SECONDS_UNTIL_FITTING),
    ]
    head = ["", *(f"{part}, ms" for part in PARTS)]
    return "\n\n".join([title(case), table(head, rows), *absent(case["missing"]), *said])


def _outcome(what: str, measured: float | None, unit: str, most: float) -> str:
    value = "" if measured is None else f" {measured:.3g}"
    return f"{what}{value} {unit} (target: at most {most:g}): {verdict(None if measured is None else measured <= most)}"
