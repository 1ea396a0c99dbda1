"""Digits: a whole fit of scikit-learn's digits with scikit-learn's own settings, by both."""

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from benchmarks import rounds
from benchmarks.cases import Case
from benchmarks.processes import Worker
from benchmarks.rivals import Rival
from benchmarks.tables import absent, number, spread, table, title, verdict

CASE = Case("digits", (64, 100, 10), batch_size=200, rows=1797)
ROWS = "benchmarks.real_data:digits_as_they_are"
TIMES_FASTER = 6.0


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=9)
    parser.add_argument("--threads", type=int, default=1, help="for both; default %(default)s")
    parser.add_argument("--max-iter", type=int, default=200, help="most epochs; default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, arguments.threads)
    place = "benchmarks.rivals.digits_fit"
    theirs = Rival("scikit-learn", "scikit-learn", f"{place}:make_scikit_learn", {"max_iter": arguments.max_iter})
    with ExitStack() as stack:
        workers = {theirs.name: stack.enter_context(Worker(theirs, CASE, arguments.threads, ROWS))}
        told = {}
        if workers[theirs.name].missing is None:
            told[theirs.name] = workers[theirs.name].ask(do="tell")
        epochs = told[theirs.name]["epochs"] if told else arguments.max_iter
        name = f"chainrule {arguments.engine}"
        mine = Rival(name, name, f"{place}:make_chainrule", {"engine": arguments.engine, "epochs": epochs})
        workers[name] = stack.enter_context(Worker(mine, CASE, arguments.threads, ROWS))
        if workers[name].missing is None:
            told[name] = workers[name].ask(do="tell")
        per_fit = rounds.take_turns(workers, arguments.rounds, what=CASE.name)
    return asdict(CASE) | {
        "threads": arguments.threads,
        "missing": rounds.missing(workers),
        "told": told,
        "seconds": {name: rounds.summary(times) for name, times in per_fit.items()},
        "times_faster": rounds.ratio(*per_fit.values()) if len(per_fit) == 2 else None,
    }


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"Whole fits, {result['threads']} thread(s), float64: Adam, learning rate 0.001, alpha 0.0001 as l2(0.0001), "
        "and as many epochs as scikit-learn takes until it stops by itself. Making the network, checking and coding "
        "the rows count; compiling, which the first fit does, does not. Cost: of the last epoch, penalty included. "
        "Accuracy: on the rows it learnt from."
    )
    rows = []
    for name, figures in result["seconds"].items():
        told = result["told"][name]
        cells = [str(told["epochs"]), f"{told['cost']:.5f}", f"{told['accuracy']:.4f}"]
        rows.append([name, *spread(figures, 1e3), *cells])
    faster = result["times_faster"]
    outcome = f"{'' if faster is None else f'{number(faster)} times faster '}(target: {TIMES_FASTER:g}): "
    outcome += verdict(None if faster is None else faster >= TIMES_FASTER)
    head = ["", "ms", "quartiles", "epochs", "final cost", "accuracy"]
    return [title(result), said, table(head, rows), outcome, *absent(result["missing"])]
