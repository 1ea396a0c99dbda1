"""Workers as seen from the runner: started in an environment of known variables, asked one at a time, closed."""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from benchmarks.cases import Case
from benchmarks.rivals import Rival

ROOT = Path(__file__).resolve().parent.parent

# Where set, these force OpenBLAS to kernels or block sizes of another processor than the one it runs on, which can
# halve the speed of every rival that computes with it.
REMOVED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")

SYNTHETIC = "benchmarks.data:synthetic_data"

THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class WorkerDied(RuntimeError):
    """A worker ended without an answer; the message is the last that it wrote to stderr."""


def environment(rival: Rival, threads: int) -> dict[str, str]:
    """That of the runner, without what would slow a rival down, and with the thread count for every library."""
    variables = {name: value for name, value in os.environ.items() if name not in REMOVED}
    return variables | dict.fromkeys(THREAD_COUNTS, str(threads)) | rival.environment(threads)


class Worker:
    """A rival in its own process. ``missing`` says why it cannot take part, or is None.

    ``data``: the function of a case that has the rows, as module:name.
    """

    def __init__(self, rival: Rival, case: Case, threads: int, data: str = SYNTHETIC) -> None:
        born = time.monotonic()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=environment(rival, threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        request = {"maker": rival.maker, "options": rival.options, "threads": threads}
        try:
            self.introduction: dict[str, Any] = self.ask(**request, case=asdict(case), data=data, born=born)
        except WorkerDied as death:
            self.introduction = {"missing": str(death)}
        self.missing: str | None = self.introduction.get("missing")
        self.epochs_per_round = 1

    def seconds(self, epochs: int) -> float:
        return self.ask(do="time", epochs=epochs)["seconds"]

    def losses(self, epochs: int) -> tuple[float, float]:
        """Training loss at the start and after so many epochs."""
        answer = self.ask(do="loss", epochs=epochs)
        return answer["before"], answer["after"]

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request, as ``worker.py`` lists them. WorkerDied: there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerDied(self._last_words()) from None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerDied(self._last_words())
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # a worker that has died no longer reads what is left in the buffer
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last_words(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"exit status {status}: {lines[-1] if lines else 'no message'}"
