"""Input layers: a step with one before W[1], beside the same step without it."""

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from typing import Any

from benchmarks import rounds
from benchmarks.cases import Case
from benchmarks.processes import Worker
from benchmarks.rivals import Rival
from benchmarks.tables import absent, spread, table, verdict

MAKERS = "benchmarks.rivals.chainrule_engines"
NUMBERS = 28
HIDDEN = (128, 128, 1)
B, STEPS = 256, 100

# By layer: how many rows of A[0] it makes of each number, and how many times as long a step may take as that of a
# plain network whose n[0] is as large.
TARGETS = {"cosine(8)": (8, 1.5), "scale": (1, 1.15)}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=21, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, arguments.threads)
    each = [_time(layer, arguments) for layer in TARGETS]
    return {"threads": arguments.threads, "layers": each}


def _time(layer: str, arguments: Namespace) -> dict[str, Any]:
    units, _ = TARGETS[layer]
    behind = Case(layer, (NUMBERS, *HIDDEN), B, B * STEPS)
    plain = Case("plain", (NUMBERS * units, *HIDDEN), B, B * STEPS)
    makers = {
        layer: (Rival(layer, layer, f"{MAKERS}:make_behind", {"layer": layer}), behind),
        "plain": (Rival("plain", "plain", f"{MAKERS}:make_steps"), plain),
    }
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(*of, arguments.threads)) for name, of in makers.items()}
        per_epoch = rounds.take_turns(workers, arguments.rounds, what=layer)
    times = [per_epoch.get(name) for name in makers]
    return {
        "layer": layer,
        "n": plain.n,
        "missing": rounds.missing(workers),
        "microseconds": {name: rounds.summary([1e6 * s / STEPS for s in taken]) for name, taken in per_epoch.items()},
        "times_as_long": rounds.ratio(*times) if all(times) else None,
    }


def report(result: dict[str, Any]) -> list[str]:
    rows, notes = [], []
    for each in result["layers"]:
        notes += absent(each["missing"])
        if each["times_as_long"] is not None:
            cells = [cell for figures in each["microseconds"].values() for cell in spread(figures)]
            most, taken = TARGETS[each["layer"]][1], each["times_as_long"]
            n = "-".join(map(str, each["n"]))
            rows.append([f"{each['layer']}, {n}", *cells, f"{taken:.2f}", f"{most:g}", verdict(taken <= most)])
    head = ["", "µs per step", "quartiles", "plain", "quartiles", "times as long", "target", ""]
    said = (
        f"{NUMBERS} numbers, batches of {B}, Adam, float32, threads: {result['threads']}; beside a plain network whose "
        "n[0] is as large. Times as long: the median of the ratios within each round."
    )
    return [said, table(head, rows), *notes]
