"""Memory: the most that training takes above what the process has with its libraries and rows loaded."""

import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

from benchmarks import rounds
from benchmarks.cases import CASES, Case, chosen_cases
from benchmarks.processes import Worker, WorkerDied
from benchmarks.rivals import RIVALS, Rival, ours
from benchmarks.tables import absent, number, table, title
from chainrule.engines.fused.matmul import packing_bytes
from chainrule.engines.fused.processor import here

ADAM_STATE = 2  # vectors as long as theta
FLOAT32 = 4
MIB = 2**20


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=3)
    parser.add_argument("--cases", default=",".join(CASES), help="some of %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, 1)
    mine = ours(arguments.engine)
    rivals = {mine.name: mine} | {
        name: RIVALS[name] for name in ("JAX scan", "torch eager", "torch compile", "scikit-learn")
    }
    return {
        "rounds": arguments.rounds,
        "cases": [_measure(case, mine, rivals, arguments.rounds) for case in chosen_cases(arguments.cases)],
    }


def formula(case: Case, keeps_best: bool = False, threads: int = 1) -> dict[str, int]:
    """Bytes that training needs: theta, its gradient and Adam's state; a batch and what is computed of it; packing."""
    size = sum(n_in * n_out + n_out for n_in, n_out in pairwise(case.n))
    return {
        "parameters": FLOAT32 * size * (ADAM_STATE + 2 + keeps_best),
        "batch": FLOAT32 * case.batch_size * (case.n[0] + 2 * sum(case.n[1:])),  # X, and A and dZ of each layer
        "packing": packing_bytes(here()) * threads,
    }


def _measure(case: Case, mine: Rival, rivals: dict[str, Rival], count: int) -> dict[str, Any]:
    above: dict[str, list[dict[str, float]]] = {name: [] for name in (*rivals, f"{mine.name}, compiling")}
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory())  # the first start fills it: that one compiles
        for number_ in range(count + 1):
            for name, rival in rivals.items():
                if name in missing or (number_ == 0 and rival is not mine):
                    continue
                rounds.say(f"{case.name}: {name}, start {number_} of {count}")
                figures, reason = _start(rival, case, cache)
                if reason is not None:
                    missing[name] = reason
                else:
                    above[f"{name}, compiling" if number_ == 0 else name].append(figures)
    return asdict(case) | {
        "missing": missing,
        "formula": formula(case),
        "bytes": {
            name: {part: rounds.summary([figures[part] for figures in runs]) for part in ("prepared", "peak")}
            for name, runs in above.items()
            if runs and name not in missing
        },
    }


def _start(rival: Rival, case: Case, cache: str) -> tuple[dict[str, float], str | None]:
    with Worker(
        replace(rival, environment=lambda threads: rival.environment(threads) | {"CHAINRULE_CACHE_DIR": cache}), case, 1
    ) as worker:
        if worker.missing is not None:
            return {}, worker.missing
        try:
            worker.seconds(1)
            there = worker.ask(do="memory")
        except WorkerDied as death:
            return {}, str(death)
    return {part: there[part] - there["before"] for part in ("prepared", "peak")}, None


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"MiB above what the process has after import and with the rows loaded; medians of {result['rounds']} fresh "
        "processes, one core, three epochs. Prepared: made ready to train, with what is loaded or compiled only then, "
        "and the rows in the library's own form. Peak: the most there was, compiling included. Between: what training "
        "added. Formula: theta, its gradient and Adam's two vectors; a batch of rows, activations and deltas; packing."
    )
    return [said, *map(_case, result["cases"])]


def _case(case: dict[str, Any]) -> str:
    rows = []
    for name, figures in case["bytes"].items():
        prepared, peak = (figures[part]["median"] / MIB for part in ("prepared", "peak"))
        rows.append([name, number(prepared), number(peak), number(peak - prepared)])
    parts = case["formula"]
    rows.append(["formula", "", "", number(sum(parts.values()) / MIB)])
    terms = ", ".join(f"{name} {number(size / MIB)}" for name, size in parts.items())
    return "\n\n".join(
        [title(case), table(["", "prepared", "peak", "between"], rows), f"Formula: {terms}.", *absent(case["missing"])]
    )
