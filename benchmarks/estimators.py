"""Estimators: fits with default parameters beside scikit-learn's, on data sets of Python packages; single calls."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import fmean, stdev
from typing import Any

from benchmarks import rounds
from benchmarks.cases import Case
from benchmarks.estimators_data import SUITE, DataSet, chosen
from benchmarks.processes import Worker, WorkerDied
from benchmarks.rivals import Rival
from benchmarks.tables import absent, number, table, verdict

OURS, THEIRS = "chainrule", "scikit-learn"
LIBRARIES = {OURS: "chainrule", THEIRS: "sklearn.neural_network"}
TIMES_FASTER = {"float64": 5.0, "float32": 8.0}  # all fits of the suite together
ROUNDS = 11

# What is called, and how many times faster it is to be: names of its maker, and the rows it is made with.
CALLS = {
    "predict": (Case("predict of one row, 28-64-64-1", (28, 64, 64, 1), batch_size=200, rows=200), 3.0),
    "small_fit": (Case("fit of 100 rows, 10 epochs, 20-100-1", (20, 100, 1), batch_size=100, rows=100), 5.0),
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=5, help="of splits and models; default %(default)s")
    parser.add_argument("--data", default=",".join(SUITE), help="some of %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    if arguments.seeds < 1:
        raise ValueError("at least one seed")
    wanted = chosen(arguments.data)
    return {
        "seeds": arguments.seeds,
        "suite": len(SUITE),
        "cases": [_fit(each, dtype, arguments.seeds) for each in wanted for dtype in TIMES_FASTER],
        "calls": [_call(kind, dtype) for kind in CALLS for dtype in TIMES_FASTER],
    }


def _rivals(maker: str, dtype: str) -> list[Rival]:
    place = f"benchmarks.estimators_fits:make_{maker}"
    return [Rival(name, name, place, {"library": library, "dtype": dtype}) for name, library in LIBRARIES.items()]


def _fit(wanted: DataSet, dtype: str, seeds: int) -> dict[str, Any]:
    """Seed by seed, ours and then theirs."""
    case = Case(wanted.name, (), batch_size=0, rows=0)  # the data set tells the rest
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in LIBRARIES}
    with ExitStack() as stack:
        workers = {
            rival.name: stack.enter_context(Worker(rival, case, 1, "benchmarks.estimators_data:rows"))
            for rival in _rivals("fits", dtype)
        }
        for seed in range(seeds):
            rounds.say(f"{wanted.name}, {dtype}: seed {seed + 1} of {seeds}")
            for name, worker in workers.items():
                if worker.missing is None:
                    try:
                        told[name].append(worker.ask(do="tell"))
                    except WorkerDied as death:
                        worker.missing = str(death)
        missing = rounds.missing(workers)
    fits = {
        name: {part: [each[part] for each in told[name]] for part in ("seconds", "score", "epochs")}
        for name in LIBRARIES
        if name not in missing
    }
    sizes = next(({part: told[name][0][part] for part in ("rows", "columns")} for name in fits), {})
    return {"name": wanted.name, "task": wanted.task, "dtype": dtype, "missing": missing, "fits": fits} | sizes


def _call(kind: str, dtype: str) -> dict[str, Any]:
    case, target = CALLS[kind]
    with ExitStack() as stack:
        workers = {
            rival.name: stack.enter_context(Worker(rival, case, 1, "benchmarks.estimators_data:no_rows"))
            for rival in _rivals(kind, dtype)
        }
        per_call = rounds.take_turns(workers, ROUNDS, what=f"{case.name}, {dtype}")
        return {
            "name": case.name,
            "dtype": dtype,
            "target": target,
            "missing": rounds.missing(workers),
            "microseconds": {name: rounds.summary([1e6 * s for s in times]) for name, times in per_call.items()},
            "times_faster": rounds.ratio(per_call[THEIRS], per_call[OURS]) if len(per_call) == 2 else None,
        }


def report(result: dict[str, Any]) -> list[str]:
    measured = [case for case in result["cases"] if len(case["fits"]) == len(LIBRARIES)]
    said = (
        "MLPClassifier and MLPRegressor of both libraries with their default parameters, one thread, in turn. "
        f"{result['seeds']} seed(s), each of a split and its model; a quarter of the rows to test on. Score: accuracy, "
        "or R² in regression, on those rows, mean ± standard deviation over the seeds. Columns: after one-hot coding. "
        "Compiling is done before the clock starts."
    )
    missing = {
        f"{case['name']}, {case['dtype']}: {name}": why
        for case in result["cases"]
        for name, why in case["missing"].items()
    }
    tables = [_scores(measured), _seconds(measured), *_outcomes(measured, result["suite"])] if measured else []
    return [said, *tables, *absent(missing), *_calls(result["calls"])]


def _scores(cases: list[dict[str, Any]]) -> str:
    head = ["", "task", "rows", "columns", "", OURS, THEIRS, "difference", "worse by at most the spread"]
    lines = []
    for case in cases:
        scores = {name: case["fits"][name]["score"] for name in LIBRARIES}
        lines.append(
            [
                case["name"],
                case["task"],
                f"{case['rows']:,}",
                str(case["columns"]),
                case["dtype"],
                *(f"{fmean(each):.4f} ± {_spread(each):.4f}" for each in scores.values()),
                f"{_difference(case):+.4f}",
                verdict(_is_as_good(case)),
            ]
        )
    return "### Scores\n\n" + table(head, lines)


def _seconds(cases: list[dict[str, Any]]) -> str:
    head = ["", "", "epochs, ours", "theirs", "s, ours", "theirs", "times faster"]
    lines = []
    for case in cases:
        fits = [case["fits"][name] for name in LIBRARIES]
        seconds = [sum(each["seconds"]) for each in fits]
        epochs = [f"{fmean(each['epochs']):.0f}" for each in fits]
        lines.append([case["name"], case["dtype"], *epochs, *map(number, seconds), number(_times_faster([case]))])
    return "### Seconds of all fits\n\n" + table(head, lines)


def _outcomes(cases: list[dict[str, Any]], suite: int) -> list[str]:
    outcomes = []
    for dtype, target in TIMES_FASTER.items():
        of_dtype = [case for case in cases if case["dtype"] == dtype]
        if of_dtype:
            faster = _times_faster(of_dtype)
            outcomes.append(
                f"{dtype}: all fits of {len(of_dtype)} of {suite} data sets {number(faster)} times faster "
                f"(target: {target:g}): {verdict(faster >= target)}"
            )
    judged = [case for case in cases if _is_as_good(case) is not None]
    worse = [f"{case['name']} ({case['dtype']})" for case in judged if not _is_as_good(case)]
    outcomes.append(
        f"Scores below scikit-learn's by more than theirs spread from seed to seed: {', '.join(worse) or 'none'} "
        f"(target: none): {verdict(not worse if judged else None)}"
    )
    return outcomes


def _calls(calls: list[dict[str, Any]]) -> list[str]:
    head = ["", "", *(f"µs, {name}" for name in LIBRARIES), "times faster", "target", ""]
    lines = []
    for call in calls:
        times = [call["microseconds"].get(name) for name in LIBRARIES]
        faster = call["times_faster"]
        lines.append(
            [
                call["name"],
                call["dtype"],
                *("" if each is None else number(each["median"]) for each in times),
                "" if faster is None else number(faster),
                f"{call['target']:g}",
                verdict(None if faster is None else faster >= call["target"]),
            ]
        )
    missing = {f"{call['name']}: {name}": why for call in calls for name, why in call["missing"].items()}
    return ["### Single calls\n\n" + table(head, lines), *absent(missing)] if calls else []


def _times_faster(cases: Iterable[dict[str, Any]]) -> float:
    ours, theirs = (sum(sum(case["fits"][name]["seconds"]) for case in cases) for name in LIBRARIES)
    return theirs / ours


def _difference(case: dict[str, Any]) -> float:
    ours, theirs = (fmean(case["fits"][name]["score"]) for name in LIBRARIES)
    return ours - theirs


def _is_as_good(case: dict[str, Any]) -> bool | None:
    """None: one seed does not tell how much scores spread."""
    theirs = case["fits"][THEIRS]["score"]
    return _difference(case) >= -_spread(theirs) if len(theirs) > 1 else None


def _spread(scores: list[float]) -> float:
    return stdev(scores) if len(scores) > 1 else 0.0
