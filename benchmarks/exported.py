"""Exported C: one row of 30 numbers through 30-64-64-1 in float32, compiled with plain -O2."""

import math
import subprocess
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import rounds
from benchmarks.tables import spread, table, verdict
from chainrule import train
from chainrule.export import export
from chainrule.model import Model

NANOSECONDS = 3000.0  # for one row
FLAGS = ("-std=c99", "-O2")
COLUMNS, TRAINED, TIMED = 30, 400, 200
CALLS = 2000  # in a round

DRIVER = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#define PREDICT_Y_DECLARATIONS_ONLY
#include "model.c"

static const row_of_y rows[] = {
%s
};

int main(int count, char **words)
{
    double sum = 0.0;
    for (int round = 0; round < atoi(words[count - 1]); round++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (int i = 0; i < %d; i++)
            sum += predict(&rows[i %% %d]);
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%%.17g\\n", (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec));
    }
    printf("%%.17g\\n", sum);
    return 0;
}
"""
# The answer as one number, which is checked.
ANSWER = {
    "regression": "static double predict(const row_of_y *row) { return predict_y(row); }\n",
    "classification": "static double predict(const row_of_y *row)\n{\n    double p[2];\n    predict_y(row, p);\n"
    "    return p[1];\n}\n",
}


@dataclass(frozen=True)
class Kind:
    """What is trained, for a moment: the numbers do not matter to the time."""

    activation: str
    task: str

    @property
    def name(self) -> str:
        return f"{self.activation}, {self.task}"


KINDS = (
    Kind("relu", "regression"),  # relu is what train takes where nothing is said
    Kind("relu", "classification"),
    Kind("tanh", "regression"),
    Kind("sigmoid", "classification"),
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=101, help="default %(default)s")
    parser.add_argument("--compiler", default="cc", help="default %(default)s")


def run(arguments: Namespace) -> dict[str, Any]:
    if arguments.rounds < 1:
        raise ValueError("at least one round")
    told = subprocess.run([arguments.compiler, "--version"], capture_output=True, text=True, check=True)
    return {
        "compiler": told.stdout.splitlines()[0],
        "flags": FLAGS,
        "calls": CALLS,
        "cases": [_time(kind, arguments) for kind in KINDS],
    }


def _time(kind: Kind, arguments: Namespace) -> dict[str, Any]:
    rounds.say(kind.name)
    model, rows = _trained(kind)
    with tempfile.TemporaryDirectory() as folder:
        taken = _run(model, rows, arguments, Path(folder))
    return {"name": kind.name, "n": model.network.n, "nanoseconds": rounds.summary([t / CALLS for t in taken])}


def _trained(kind: Kind) -> tuple[Model, dict[str, Any]]:
    rng = np.random.default_rng(0)
    columns = {f"x{j}": rng.normal(size=TRAINED).tolist() for j in range(COLUMNS)}
    y = sum(np.array(column) for column in columns.values())
    target = y.tolist() if kind.task == "regression" else np.where(y > 0.0, "yes", "no").tolist()
    options: dict[str, Any] = {"hidden": (64, 64), "activation": kind.activation, "epochs": 3, "task": kind.task}
    model = train(columns | {"y": target}, "y", test_fraction=0.0, **options)
    return model, {name: column[:TIMED] for name, column in columns.items()}


def _run(model: Model, rows: dict[str, Any], arguments: Namespace, folder: Path) -> list[float]:
    """Nanoseconds of each round. ValueError: the answers are not the model's."""
    export(model, folder / "model.c", "c")
    written = ",\n".join("{" + ", ".join(map(repr, row)) + "}" for row in zip(*rows.values(), strict=True))
    head, body = (DRIVER % (written, CALLS, TIMED)).split("int main")
    (folder / "main.c").write_text(f"{head}{ANSWER[model.target.task]}\nint main{body}")
    for part in ("model", "main"):
        command = [arguments.compiler, *FLAGS, "-c", f"{part}.c"]
        subprocess.run(command, cwd=folder, check=True)
    subprocess.run([arguments.compiler, "model.o", "main.o", "-lm", "-o", "timed"], cwd=folder, check=True)
    done = subprocess.run(["./timed", str(arguments.rounds)], cwd=folder, check=True, capture_output=True, text=True)
    *taken, total = map(float, done.stdout.split())
    of_rows = model.predict(rows) if model.target.task == "regression" else model.predict_proba(rows)[:, 1]
    expected = float(of_rows.sum()) * (CALLS / TIMED) * arguments.rounds
    if not math.isclose(total, expected, rel_tol=1e-3):
        raise ValueError(f"the C file answers {total}, and the model {expected}")
    return taken


def report(result: dict[str, Any]) -> list[str]:
    said = (
        f"Nanoseconds for one row: its numbers scaled, {'-'.join(map(str, result['cases'][0]['n']))}, the answer; "
        f"{result['compiler']}, {' '.join(result['flags'])}, one thread, {result['calls']:,} calls a round."
    )
    rows = [[case["name"], *spread(case["nanoseconds"])] for case in result["cases"]]
    is_met = all(case["nanoseconds"]["median"] <= NANOSECONDS for case in result["cases"])
    return [
        said,
        table(["", "median", "quartiles"], rows),
        f"One row (target: at most {NANOSECONDS / 1000:g} µs): {verdict(is_met)}",
    ]
