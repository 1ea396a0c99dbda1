"""One contestant in a process of its own: it answers requests, one JSON object a line.

First line in: what to become. First line out: {"thread_pools": [...], "seconds": {...}, ...} once it has trained one
epoch, or {"missing": reason}. From then on:

    {"do": "time", "epochs": n}     {"seconds": s}     a fresh start, one epoch that does not count, then n that do
    {"do": "loss", "epochs": n}     {"before": a, "after": b}     training loss before and after n epochs
    {"do": "reach", "accuracy": a, "epochs": n}     {"seconds": s, "epochs": e, "accuracy": b}     see ``_Reach``
    {"do": "memory"}     {"before": a, "prepared": b, "peak": c}     bytes: with the data, made, at most
    {"do": "tell"}     what the contestant tells of itself
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from benchmarks import resident
from benchmarks.machine import pin_to_cores


def main() -> None:
    running = time.monotonic()
    # libraries may print; only answers may go where answers are read
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.loads(sys.stdin.readline())
    pin_to_cores(request["threads"])  # before any library looks how many cores there are
    try:
        serve = _Service(request, running)
    except Exception as error:  # whatever keeps a rival from running is what the table must say
        _answer(answers, {"missing": f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]})
        return
    _answer(answers, serve.introduction())
    for line in sys.stdin:
        _answer(answers, serve.answer(json.loads(line)))


class _Service:
    """``seconds``: how long each part of the start took; the clock is one for all processes."""

    def __init__(self, request: dict[str, Any], running: float) -> None:
        start = time.monotonic()
        make = _named(request["maker"])
        imported = time.monotonic()
        from benchmarks.cases import Case

        case = Case(**request["case"] | {"n": tuple(request["case"]["n"])})
        self.data = _named(request["data"])(case)
        resident.forget_peak()
        self.memory_before = resident.now()
        with_data = time.monotonic()
        self.trainee = make(case, self.data, request["threads"], **request["options"])
        self.memory_made = resident.now()
        self.trainee.restart()
        self.trainee.train(1)  # compiles what is to be compiled
        self.seconds = {
            "interpreter": running - request["born"],
            "import": imported - start,
            "first epoch": time.monotonic() - with_data,
        }

    def introduction(self) -> dict[str, Any]:
        from threadpoolctl import threadpool_info

        pools = [{name: value for name, value in pool.items() if name != "filepath"} for pool in threadpool_info()]
        flops = getattr(self.trainee, "flops_per_epoch", None)
        return {"thread_pools": pools, "flops_per_epoch": flops, "seconds": self.seconds}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        return getattr(self, f"_{request.pop('do')}")(**request)

    def _time(self, epochs: int) -> dict[str, Any]:
        self.trainee.restart()
        self.trainee.train(1)  # another process has had the caches since
        start = time.perf_counter()
        counted = self.trainee.train(epochs)
        return {"seconds": time.perf_counter() - start if counted is None else counted}

    def _loss(self, epochs: int) -> dict[str, Any]:
        from benchmarks.data import training_loss

        self.trainee.restart()
        before = training_loss(self.data, self.trainee.layers())
        self.trainee.train(epochs)
        return {"before": before, "after": training_loss(self.data, self.trainee.layers())}

    def _reach(self, accuracy: float, epochs: int) -> dict[str, Any]:
        self.trainee.restart()
        reach = _Reach(self.data, accuracy, epochs)
        self.trainee.train_watched(reach)
        return {"seconds": reach.seconds, "epochs": reach.epochs, "accuracy": reach.accuracy}

    def _memory(self) -> dict[str, Any]:
        return {"before": self.memory_before, "prepared": self.memory_made, "peak": resident.peak()}

    def _tell(self) -> dict[str, Any]:
        return self.trainee.tell()


class _Reach:
    """Asked after each epoch: is this accuracy on the test rows enough, or are these epochs? The clock stands still."""

    def __init__(self, data: Any, enough: float, most: int) -> None:
        self.data, self.enough, self.most = data, enough, most
        self.seconds, self.epochs, self.accuracy = 0.0, 0, 0.0
        self.running_since = time.perf_counter()

    def __call__(self, layers: Callable[[], Any]) -> bool:
        from benchmarks.data import accuracy

        self.seconds += time.perf_counter() - self.running_since
        self.epochs += 1
        self.accuracy = accuracy(self.data, layers())
        self.running_since = time.perf_counter()
        return self.accuracy >= self.enough or self.epochs >= self.most


def _named(place: str) -> Any:
    """What "module:name" stands for."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
