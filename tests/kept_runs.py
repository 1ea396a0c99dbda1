"""Runs that are kept, cut short and taken up again: in this process, or in one of their own that can be killed.

    python -m tests.kept_runs FILE '{"run": {...}, "keep": {...}, "ignores_ctrl_c": false}'

trains the run of these settings with a checkpoint in FILE, from where the last such process ended. It prints "begun"
once it stands there, and at the end one line of JSON: ``bits`` of the outcome, and what it was warned of.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.checkpoints import Checkpoint
from chainrule.engines import Examples
from chainrule.engines.fused import Fused, threads
from chainrule.engines.reference import Reference
from chainrule.formulas import draws
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.training import Fit, fit
from tests.formulas.problems import targets

ROOT = Path(__file__).parents[1]
ANY_WORK = 1e-9  # threads are used however small the work


@contextmanager
def little_room(folder: Path, size: str) -> Iterator[bool]:
    """A disk of so many bytes, where this process may mount one: whether it may."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)


@dataclass(frozen=True)
class Run:
    """What is trained: 46 rows in steps of 8, unless it says otherwise; the last step of an epoch has fewer.

    engine    "fused" or "reference"
    weights   "ones", "random", or "some zero", a whole step of them among them where the rows are not shuffled
    watched   with 13 validation rows
    recipe    the settings of the recipe, as (name, value)
    """

    engine: str = "reference"
    threads: int = 1
    n: tuple[int, ...] = (3, 5, 4, 1)
    activation: str = "tanh"
    loss: str = "half_squared_error"
    dropout: float = 0.2
    penalties: tuple[str, ...] = ("l2(0.01)",)
    dtype: str = "float32"
    rows: int = 46
    weights: str = "random"
    watched: bool = True
    recipe: tuple[tuple[str, Any], ...] = ()

    def recipe_of(self, **changes: Any) -> Recipe:
        usual = {"learning_rate": 0.01, "epochs": 5, "batch_size": 8, "clip_norm": 1.0, "patience": None, "seed": 3}
        return Recipe(**usual | dict(self.recipe) | changes)

    def make(self, **changes: Any) -> tuple[Any, Examples, Examples | None]:
        """The engine, the training rows and the validation rows; ``changes`` are of the recipe."""
        network = Network(
            self.n, self.activation, self.loss, self.dropout, self.penalties, initializer="normal", dtype=self.dtype
        )
        recipe = self.recipe_of(**changes)
        if self.engine == "fused":
            engine: Any = Fused(network, recipe, threads=self.threads)
        else:
            engine = Reference(network, recipe)
        return engine, self._examples(engine, self.rows, 0), self._examples(engine, 13, 1) if self.watched else None

    def _examples(self, engine: Any, m: int, part: int) -> Examples:
        n, K = self.n[0], self.n[-1]
        X = draws.normal(m * n, part, draws.Stream.SPLIT, m, n).reshape(m, n)
        w = draws.uniform(m, part, draws.Stream.SPLIT, m)
        zero = np.where(w < 0.4, 0.0, w)
        zero[8:16] = 0.0
        weights = {"ones": np.ones(m), "random": w + 0.1, "some zero": zero}[self.weights]
        return engine.examples(X, targets(self.loss, K, m, np.random.default_rng(part)), weights)

    def fit(self, checkpoint: Any = None, callbacks: Any = (), **changes: Any) -> Fit:
        engine, training, validation = self.make(**changes)
        return fit(engine, training, validation, callbacks, checkpoint=checkpoint)

    def bits(self, checkpoint: Any = None) -> dict[str, Any]:
        """All that comes of it, as plain JSON."""
        return bits(self.fit(checkpoint))

    @property
    def per_epoch(self) -> int:
        return self.recipe_of().steps_per_epoch(self.rows)

    @property
    def steps(self) -> int:
        """In all its epochs."""
        return self.recipe_of().epochs * self.per_epoch


class Killed(BaseException):
    """What a run that is killed sees of it, which is nothing: no one may catch this."""


class Cut(Checkpoint):
    """A checkpoint whose run goes on from there, and ends at a step: killed, or by Ctrl-C, so that it is kept first."""

    def __init__(self, path: Any, at: int, by: type[BaseException] = KeyboardInterrupt, **options: Any) -> None:
        super().__init__(path, **{"seconds": None, "resume": True} | options)
        self._at, self._by = at, by

    def pause(self, step: int, end: int) -> int:
        end = super().pause(step, end)
        return min(end, self._at) if self._at > step else end

    def paused(self, run: Any) -> None:
        super().paused(run)
        if run.now.state.step >= self._at:
            raise self._by


def cut(run: Run, path: Any, at: int, by: type[BaseException] = KeyboardInterrupt, **options: Any) -> None:
    """Train until that step."""
    try:
        done = run.fit(Cut(path, at, by, **options))
    except Killed:
        return
    assert (done.history.stopped, done.state.step) == ("interrupted", at)


def resumed(run: Run, path: Any, **changes: Any) -> Fit:
    """Train to the end, from where the last one ended."""
    return run.fit(Checkpoint(path, seconds=None, resume=True), **changes)


def bits(done: Fit) -> dict[str, Any]:
    """All that an outcome holds, exactly, as plain JSON."""
    state = {name: value for name, value in done.state._asdict().items() if name not in ("theta", "moments")}
    return {
        "theta": digest(done.theta),
        "theta of the state": digest(done.state.theta),
        **{f"moment {i}": digest(moment) for i, moment in enumerate(done.state.moments)},
        **{name: _exact(value) for name, value in {**state, **vars(done.history), "waited": done.waited}.items()},
    }


def digest(array: Any) -> str:
    """Of its dtype and all its bits."""
    return f"{array.dtype} {sha256(np.ascontiguousarray(array)).hexdigest()}"


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return [_exact(one) for one in value]
    return float(value).hex() if isinstance(value, float) else value


def command(path: Any, run: Any, ignores_ctrl_c: bool = False, **keep: Any) -> list[str]:
    """What starts the run in a process of its own; ``keep`` are options of its checkpoint."""
    given = json.dumps({"run": asdict(run), "keep": keep, "ignores_ctrl_c": ignores_ctrl_c})
    return [sys.executable, "-m", type(run).__module__, str(path), given]


def environment() -> dict[str, str]:
    """With this chainrule, wherever it is installed."""
    import chainrule

    paths = [str(ROOT), str(Path(chainrule.__file__).parents[1])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


class Begun(Checkpoint):
    """Says so when the run stands where it goes on from."""

    def begin(self, *given: Any) -> None:
        super().begin(*given)
        print("begun", flush=True)


def main(kind: Any = Run) -> None:
    path, given = sys.argv[1], json.loads(sys.argv[2])
    threads.WORTH, threads.ADAPTS = ANY_WORK, False
    logging.disable(logging.WARNING)
    # whatever started this; a shell starts what is to run in the background with Ctrl-C ignored
    signal.signal(signal.SIGINT, signal.SIG_IGN if given["ignores_ctrl_c"] else signal.default_int_handler)
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in given["run"].items()}
    run = kind(**settings)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        outcome = run.bits(Begun(path, **{"seconds": None, "resume": True} | given["keep"]))
    print(json.dumps({"bits": outcome, "warned": [str(one.message) for one in warned]}), flush=True)


if __name__ == "__main__":
    main()
