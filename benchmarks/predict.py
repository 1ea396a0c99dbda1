"""Prediction: one row, and many, through 28-64-64-1 in float32."""

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

from benchmarks import rounds
from benchmarks.cases import CASES, Case
from benchmarks.processes import Worker
from benchmarks.rivals import RIVALS, Rival
from benchmarks.tables import absent, number, table, verdict

MICROSECONDS = 5.0  # for one row


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=11)
    parser.add_argument("--rows", default="1,16,256,4096,65536", help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="for each contestant; default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, arguments.threads)
    place = "benchmarks.rivals.predictors"
    name = f"chainrule {arguments.engine}"
    rivals = [
        Rival(name, name, f"{place}:make_chainrule", {"engine": arguments.engine}),
        Rival("scikit-learn", "scikit-learn", f"{place}:make_scikit_learn"),
        Rival("torch", "torch", f"{place}:make_torch"),
        Rival("JAX jit", "JAX", f"{place}:make_jax", environment=RIVALS["JAX scan"].environment),
    ]
    cases = [replace(CASES["small"], rows=int(rows), batch_size=int(rows)) for rows in arguments.rows.split(",")]
    return {
        "ours": name,
        "threads": arguments.threads,
        "cases": [_time(case, rivals, arguments) for case in cases],
    }


def _time(case: Case, rivals: list[Rival], arguments: Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        workers = {rival.name: stack.enter_context(Worker(rival, case, arguments.threads)) for rival in rivals}
        per_call = rounds.take_turns(workers, arguments.rounds, what=f"{case.rows} row(s)")
        first = {name: workers[name].ask(do="tell")["first"] for name in per_call}
    return asdict(case) | {
        "missing": rounds.missing(workers),
        "microseconds": {name: rounds.summary([1e6 * s for s in times]) for name, times in per_call.items()},
        "first": first,
    }


def report(result: dict[str, Any]) -> list[str]:
    cases = result["cases"]
    names = list(dict.fromkeys(name for case in cases for name in case["microseconds"]))
    rows = [[name, *(_cell(case["microseconds"].get(name)) for case in cases)] for name in names]
    said = (
        f"Microseconds a call, medians, {result['threads']} thread(s): rows as a NumPy array, probabilities as "
        "another, by engine.predict, predict_proba, a model in inference mode, a jitted function."
    )
    head = ["", *(f"{case['rows']:,} row{'s' if case['rows'] > 1 else ''}" for case in cases)]
    missing = {name: reason for case in cases for name, reason in case["missing"].items()}
    one = [case["microseconds"].get(result["ours"]) for case in cases if case["rows"] == 1]
    outcome = []
    if one:
        taken = one[0]["median"] if one[0] else None
        is_met = None if taken is None else taken <= MICROSECONDS
        outcome = [f"One row by {result['ours']} (target: at most {MICROSECONDS:g} µs): {verdict(is_met)}"]
    return [said, table(head, rows), *outcome, *absent(missing)]


def _cell(figures: dict[str, Any] | None) -> str:
    return "" if figures is None else number(figures["median"])
