"""Growth: how the time grows with rows, width, depth, batch size and threads.

One thing changes along each axis and all else stays. A contestant whose epoch has become too long goes no further.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, rounds
from benchmarks.cases import Case
from benchmarks.processes import Worker
from benchmarks.rivals import RIVALS, Rival, ours
from benchmarks.tables import absent, number, table

SECONDS_PER_ROUND = 0.15
TOO_LONG = 0.7  # seconds for an epoch: at the next point it would be several times that
MIN_STEPS, MAX_STEPS = 4, 100
FLOPS_PER_EPOCH = 5e9  # what lies between: about 0.05 s where a core does 10^11 a second


@dataclass(frozen=True)
class Axis:
    """values; the case and number of threads at each; whether an epoch or a step is what is timed."""

    name: str
    values: tuple[int, ...]
    case: Callable[[int], Case]
    unit: str = "step"
    threads: Callable[[int], int] = lambda _: 1
    about: str = ""


def _steps(n: tuple[int, ...], batch_size: int) -> Case:
    """A case with as many rows as make an epoch of sensible length."""
    one = Case("growth", n, batch_size, batch_size)
    steps = int(np.clip(FLOPS_PER_EPOCH / one.flops_per_step, MIN_STEPS, MAX_STEPS))
    return Case("growth", n, batch_size, steps * batch_size)


def axes() -> list[Axis]:
    cores = len(machine.usable_cores())
    counts = tuple(sorted({*(2**k for k in range(cores.bit_length()) if 2**k <= cores), cores}))
    wide = (28, 512, 512, 512, 1)
    return [
        Axis(
            "rows",
            tuple(4**k for k in range(4, 10)),
            lambda rows: Case("growth", (28, 64, 64, 1), 64, rows),
            unit="epoch",
            about="28-64-64-1, batch 64",
        ),
        Axis(
            "width",
            tuple(2**k for k in range(3, 12)),
            lambda width: _steps((28, width, width, 1), 128),
            about="28-width-width-1, batch 128",
        ),
        Axis(
            "depth",
            tuple(2**k for k in range(6)),
            lambda depth: _steps((28, *(64,) * depth, 1), 64),
            about="28-64-...-64-1, so many hidden layers, batch 64",
        ),
        Axis(
            "batch",
            tuple(4**k for k in range(7)),
            lambda batch: _steps((28, 64, 64, 1), batch),
            about="28-64-64-1",
        ),
        Axis(
            "threads",
            counts,
            lambda _: _steps(wide, 512),
            threads=lambda count: count,
            about=f"{'-'.join(map(str, wide))}, batch 512",
        ),
    ]


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=3)
    parser.add_argument("--axes", default="rows,width,depth,batch,threads", help="some of %(default)s")
    parser.add_argument("--quick", action="store_true", help="every other point, one round")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, 1)
    known = {axis.name: axis for axis in axes()}
    names = arguments.axes.split(",")
    if not set(names) <= set(known):
        raise ValueError(f"{arguments.axes!r}: axes are {', '.join(known)}.")
    rivals = [ours(arguments.engine), RIVALS["JAX scan"], RIVALS["scikit-learn"]]
    count = 1 if arguments.quick else arguments.rounds
    return {
        "rounds": count,
        "cases": [measure(known[name], rivals, count, 2 if arguments.quick else 1) for name in names],
    }


def measure(axis: Axis, rivals: list[Rival], count: int, stride: int) -> dict[str, Any]:
    """Microseconds of a step or an epoch, by contestant and value."""
    values = axis.values[::stride] if len(axis.values) > 2 else axis.values
    points: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    going = list(rivals)
    for value in values:
        if not going:
            break
        case, threads = axis.case(value), axis.threads(value)
        with ExitStack() as stack:
            workers = {rival.name: stack.enter_context(Worker(rival, case, threads)) for rival in going}
            per_epoch = rounds.take_turns(workers, count, SECONDS_PER_ROUND, f"{axis.name} {value}")
        missing |= rounds.missing(workers)
        parts = 1 if axis.unit == "epoch" else case.steps_per_epoch
        points.append(
            {
                "value": value,
                "case": asdict(case),
                "threads": threads,
                "microseconds": {
                    name: rounds.summary([1e6 * s / parts for s in times]) for name, times in per_epoch.items()
                },
            }
        )
        slow = {name for name, times in per_epoch.items() if np.median(times) > TOO_LONG and axis.name != "threads"}
        going = [rival for rival in going if rival.name not in slow | missing.keys()]
    return {"name": axis.name, "unit": axis.unit, "about": axis.about, "missing": missing, "points": points}


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"Medians of {result['rounds']} round(s), one core each but where threads grow. A cell is empty where the "
        "contestant's epoch had become too long for this benchmark."
    )
    return [said, *map(_case, result["cases"])]


def _case(case: dict[str, Any]) -> str:
    names = contestants(case)
    rows = [
        [f"{point['value']:,}", *(_cell(point["microseconds"].get(name)) for name in names)] for point in case["points"]
    ]
    heading = f"### {case['name']}\n\nMicroseconds per {case['unit']}: {case['about']}"
    return "\n\n".join([heading, table([case["name"], *names], rows), *absent(case["missing"])])


def contestants(case: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for point in case["points"] for name in point["microseconds"]))


def _cell(figures: dict[str, Any] | None) -> str:
    return "" if figures is None else number(figures["median"])


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """A picture of each axis."""
    from benchmarks.growth_plots import picture

    return [picture(case, folder / f"growth_{case['name']}.svg") for case in result["cases"]]
