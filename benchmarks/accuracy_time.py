"""Time to an accuracy: how long until so many unseen rows are told right, all from the same weights."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks import rounds
from benchmarks.cases import Case
from benchmarks.processes import Worker, WorkerDied
from benchmarks.rivals import RIVALS, Rival, ours
from benchmarks.tables import absent, number, spread, table, title


@dataclass(frozen=True)
class Task:
    """accuracy: on the test rows, checked after each epoch; most: epochs, where it is never reached."""

    case: Case
    data: str
    accuracy: float
    most: int
    about: str


TASKS = {
    task.case.name: task
    for task in (
        Task(
            Case("digits", (64, 64, 10), batch_size=32, rows=44 * 32),
            "benchmarks.real_data:digits",
            accuracy=0.96,
            most=100,
            about="scikit-learn's digits, 389 of them to test",
        ),
        Task(
            Case("noisy", (28, 64, 64, 1), batch_size=64, rows=800 * 64),
            "benchmarks.real_data:noisy_rule",
            accuracy=0.84,
            most=40,
            about="a rule with a tenth of the labels turned over: 0.9 is the best there can be",
        ),
    )
}
RIVAL_NAMES = ("JAX scan (flat parameters)", "torch eager (epoch gathered)", "scikit-learn")


def add_arguments(parser: ArgumentParser) -> None:
    rounds.add_arguments(parser, rounds=5)
    parser.add_argument("--tasks", default=",".join(TASKS), help="some of %(default)s")
    parser.add_argument("--epochs", type=int, help="at most; default: by task")


def run(arguments: Namespace) -> dict[str, Any]:
    rounds.require_sense(arguments, 1)
    names = arguments.tasks.split(",")
    if not set(names) <= set(TASKS):
        raise ValueError(f"{arguments.tasks!r}: tasks are {', '.join(TASKS)}.")
    rivals = [ours(arguments.engine), *(RIVALS[name] for name in RIVAL_NAMES)]
    tasks = [replace(TASKS[name], most=arguments.epochs or TASKS[name].most) for name in names]
    return {"rounds": arguments.rounds, "cases": [_time(task, rivals, arguments.rounds) for task in tasks]}


def _time(task: Task, rivals: list[Rival], count: int) -> dict[str, Any]:
    """Each run has another order of the rows, the same for nobody: luck has its part, and shows in the quartiles."""
    runs: dict[str, list[dict[str, Any]]] = {rival.name: [] for rival in rivals}
    missing: dict[str, str] = {}
    for seed in range(count):
        for rival in rivals:
            if rival.name in missing:
                continue
            rounds.say(f"{task.case.name}: {rival.name}, run {seed + 1} of {count}")
            seeded = replace(rival, options=rival.options | {"seed": seed})
            with Worker(seeded, task.case, threads=1, data=task.data) as worker:
                try:
                    if worker.missing is None:
                        request = {"do": "reach", "accuracy": task.accuracy, "epochs": task.most}
                        runs[rival.name].append(worker.ask(**request))
                except WorkerDied as death:
                    worker.missing = str(death)
                if worker.missing is not None:
                    missing[rival.name] = worker.missing
    return asdict(task.case) | {
        "accuracy": task.accuracy,
        "about": task.about,
        "missing": missing,
        "reached": {
            name: {part: rounds.summary([run[part] for run in each]) for part in ("seconds", "epochs", "accuracy")}
            for name, each in runs.items()
            if name not in missing
        },
    }


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"{result['rounds']} runs each, in turn, one core; the same network, first weights, learning rate and batches; "
        "every run has its own order of rows. The clock stands still while the test rows are judged. Compiling is done "
        "before: see `cold`."
    )
    return [said, *map(_case, result["cases"])]


def _case(case: dict[str, Any]) -> str:
    rows = []
    for name, figures in case["reached"].items():
        short = sum(a < case["accuracy"] for a in figures["accuracy"]["rounds"])
        note = f"not reached in {short} of {len(figures['accuracy']['rounds'])}" if short else ""
        rows.append([name, *spread(figures["seconds"], 1e3), number(figures["epochs"]["median"]), note])
    head = ["", f"ms to {case['accuracy']:g}", "quartiles", "epochs", ""]
    return "\n\n".join([f"{title(case)}: {case['about']}", table(head, rows), *absent(case["missing"])])
