"""One contestant in a process of its own: it answers requests, one JSON object a line.

First line in: what to become. First line out: {"thread_pools": [...], ...} once it has trained one epoch, or
{"missing": reason}. From then on:

    {"do": "time", "epochs": n}     {"seconds": s}     a fresh start, one epoch that does not count, then n that do
    {"do": "loss", "epochs": n}     {"before": a, "after": b}     training loss before and after n epochs
"""

import importlib
import json
import os
import sys
import time
from typing import Any, TextIO

from benchmarks.machine import pin_to_cores


def main() -> None:
    # libraries may print; only answers may go where answers are read
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.loads(sys.stdin.readline())
    pin_to_cores(request["threads"])  # before any library looks how many cores there are
    try:
        serve = _Service(request)
    except Exception as error:  # whatever keeps a rival from running is what the table must say
        _answer(answers, {"missing": f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]})
        return
    _answer(answers, serve.introduction())
    for line in sys.stdin:
        _answer(answers, serve.answer(json.loads(line)))


class _Service:
    def __init__(self, request: dict[str, Any]) -> None:
        from benchmarks.cases import Case
        from benchmarks.data import synthetic_data

        module, function = request["maker"].split(":")
        case = Case(**request["case"] | {"n": tuple(request["case"]["n"])})
        self.data = synthetic_data(case)
        make = getattr(importlib.import_module(module), function)
        self.trainee = make(case, self.data, request["threads"], **request["options"])
        self.trainee.restart()
        self.trainee.train(1)  # compiles what is to be compiled

    def introduction(self) -> dict[str, Any]:
        from threadpoolctl import threadpool_info

        pools = [{name: value for name, value in pool.items() if name != "filepath"} for pool in threadpool_info()]
        return {"thread_pools": pools, "flops_per_epoch": getattr(self.trainee, "flops_per_epoch", None)}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "time":
            self.trainee.restart()
            self.trainee.train(1)  # another process has had the caches since
            start = time.perf_counter()
            counted = self.trainee.train(request["epochs"])
            return {"seconds": time.perf_counter() - start if counted is None else counted}
        from benchmarks.data import training_loss

        self.trainee.restart()
        before = training_loss(self.data, self.trainee.layers())
        self.trainee.train(request["epochs"])
        return {"before": before, "after": training_loss(self.data, self.trainee.layers())}


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
