"""Checkpoints: where a run or a pack of them stands, in a sealed file, so that it goes on from there to the same bits.

    run.ckpt            the last state that was kept
    run.ckpt.previous   the one before it

Each is written whole under another name before it takes this one; so at any instant one of the two is whole, and a run
goes on from the newer one that is. The random numbers of a step are functions of the seed and the step, so they need no
keeping. A run of other data or other settings is refused. ``contents`` and ``pack_contents`` say what is kept.
"""

import logging
import os
import stat
import time
import warnings
from math import inf
from numbers import Real
from pathlib import Path
from typing import Any

from chainrule.arguments import instance
from chainrule.checkpoints.contents import RunContents
from chainrule.checkpoints.pack_contents import PackContents
from chainrule.container import NotSealed, read_sealed, seal, unseal
from chainrule.errors import RequestError
from chainrule.files import PartialFile, remove_leftovers, require_place
from chainrule.packs.pack import Pack
from chainrule.training import Keeper, Run

KIND = "checkpoint"
SECONDS = 60.0
LOOK = 0.25  # seconds of steps between two looks at the clock

_log = logging.getLogger("chainrule")


class CheckpointNotWritten(UserWarning):
    """The disk refused a checkpoint; training goes on, and the one before is there still."""


class Checkpoint(Keeper):
    """Where ``fit`` keeps a run, or ``fit_many`` a pack, and from where it goes on.

    path        the file
    seconds     keep it when so many have passed; None: only by ``steps``
    steps       keep it when so many steps have been done; None: only by ``seconds``
    resume      go on from what is there; where there is nothing yet, begin, and say so
    overwrite   begin anew, and replace what is there

    The file is also written before the first step, after the last, on Ctrl-C, and on SIGTERM. ``epochs`` may be raised
    when a run goes on: 10 + 10 epochs are 20, bit for bit (with a schedule that does not look at how many there are).
    A run that a callback has stopped asks the callbacks again, and goes on unless one of them stops it. A pack is kept
    between its rounds, all members in one file; ``steps`` are those of all together.

    RequestError: ``seconds`` or ``steps`` make no sense. Where the run begins: there is a checkpoint and neither
    ``resume`` nor ``overwrite``; it is damaged, or of another run; the place cannot be written to.

    >>> import tempfile
    >>> from chainrule import Network, Recipe, fit, make_engine
    >>> path = Path(tempfile.mkdtemp()) / "run.ckpt"
    >>> def run(epochs, **how):
    ...     engine = make_engine(Network((1, 3, 1)), Recipe(epochs=epochs))
    ...     return fit(engine, engine.examples([[-1.0], [1.0]], [[1.0], [5.0]]), **how).theta
    >>> part, rest = (run(epochs, checkpoint=Checkpoint(path, resume=True)) for epochs in (10, 20))
    >>> rest.tobytes() == run(20).tobytes()
    True
    """

    def __init__(
        self,
        path: Any,
        *,
        seconds: float | None = SECONDS,
        steps: int | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        if seconds is not None and not (isinstance(seconds, Real) and 0.0 <= seconds < inf):
            raise RequestError(f"a checkpoint is written every so many seconds, a number from 0 on, not {seconds!r}.")
        if steps is not None and (isinstance(steps, bool) or not hasattr(steps, "__index__") or steps < 1):
            raise RequestError(f"a checkpoint is written every so many steps, an integer from 1 on, not {steps!r}.")
        self.path = Path(path)
        if not self.path.name:
            raise RequestError(f"a checkpoint is a file, and {str(path)!r} names none: name a file in that folder.")
        self.previous = self.path.with_name(f"{self.path.name}.previous")
        self.seconds = seconds
        self.steps = steps
        self.resume = resume
        self.overwrite = overwrite
        self._contents: Any = None  # RunContents, or PackContents
        self._kept: tuple[Any, ...] = ()
        self._kept_at, self._kept_step = 0.0, 0
        self._paused_at, self._paused_step = 0.0, 0
        self._pace = 1  # steps between two looks at the clock
        self._rotates = True  # the newer file is whole, so that it may take the place of the one before it
        self._failed = False

    @property
    def exists(self) -> bool:
        """There is something to go on from."""
        return self.path.exists() or self.previous.exists()

    def require_free(self) -> None:
        """RequestError: there is a run that is neither to go on nor to be replaced; there is no such folder."""
        for path in (self.path, self.previous):
            mode = require_place(path)
            if mode is not None and not stat.S_ISREG(mode):
                raise RequestError(f"a checkpoint is a file, and {str(path)!r} is a device or a pipe: name another.")
        if self.exists and not (self.resume or self.overwrite):
            raise RequestError(
                f"{str(self.path)!r} already holds a run. To resume it, use --resume (resume=True in Python); "
                "to start over and replace it, --force (overwrite=True)."
            )

    def begin(self, run: Run | Pack) -> None:
        """Before the first step: bring the run to where the last run stood, or keep where this one begins."""
        self.require_free()
        self._contents = PackContents(run) if isinstance(run, Pack) else RunContents(run)
        remove_leftovers(self.path)
        if self.exists and self.resume:
            self._go_on(run)
            _log.info("resuming from %s: %s", self.path, self._contents.progress(run))
            self._is_kept(run)
            return
        if self.resume:
            _log.warning("no checkpoint %s yet: starting from the beginning", self.path)
        try:
            self._write(run, first=True)
        except OSError as error:
            raise RequestError(f"cannot write {str(self.path)!r}: {error.strerror}.") from error

    def pause(self, step: int, end: int) -> int:
        """The step before which to pause: where it is time by steps, or for a look at the clock."""
        self._paused_at, self._paused_step = time.monotonic(), step
        ends = [end]
        if self.steps is not None:
            ends.append(max(self._kept_step + self.steps, step + 1))
        if self.seconds is not None:
            ends.append(step + self._pace)
        return min(ends)

    def paused(self, run: Run | Pack) -> None:
        """Keep where the run stands, if it is time to."""
        now, step = time.monotonic(), run.step
        done = step - self._paused_step
        if done:  # the next look at the clock is after LOOK seconds, as far as is known yet
            self._pace = max(1, min(2 * self._pace, int(done * LOOK / max(now - self._paused_at, 1e-9))))
        by_clock = self.seconds is not None and now - self._kept_at >= self.seconds
        if by_clock or (self.steps is not None and step - self._kept_step >= self.steps):
            self.keep(run)

    def keep(self, run: Run | Pack) -> None:
        """Keep where the run stands. A disk that refuses is no reason to stop: CheckpointNotWritten, once."""
        if _same(run.position, self._kept):
            return
        try:
            self._write(run)
            self._failed = False
        except OSError as error:
            self._kept_at, self._kept_step = time.monotonic(), run.step  # try again when it is time again
            if not self._failed:
                warnings.warn(
                    f"the checkpoint {str(self.path)!r} could not be written: {error.strerror}. The one before it is "
                    "kept, and training goes on.",
                    CheckpointNotWritten,
                    stacklevel=2,
                )
            self._failed = True

    def _write(self, run: Run | Pack, first: bool = False) -> None:
        """The new file, whole, before the old one gives way: to another name, or for good."""
        with PartialFile(self.path) as part:
            part.fill(seal(*self._contents.packed(run)))
            if first:
                self.previous.unlink(missing_ok=True)
            elif self._rotates and self.path.exists():
                self.path.replace(self.previous)
            part.take_name(overwrite=True)
        self._rotates = True
        self._is_kept(run)

    def _is_kept(self, run: Run | Pack) -> None:
        self._kept, self._kept_at, self._kept_step = run.position, time.monotonic(), run.step

    def _go_on(self, run: Run | Pack) -> None:
        """From the newer of the two files that is whole. RequestError: neither is, or it is of another run."""
        damage: list[str] = []
        for path in (self.path, self.previous):
            if not path.exists():
                continue
            name = repr(str(path))
            try:
                self._contents.go_on(run, *unseal(read_sealed(path, KIND), name, KIND), name)
            except NotSealed as error:
                damage.append(str(error))
                continue
            self._rotates = path == self.path
            for line in damage:
                _log.warning("%s Resuming from the one before it, %s.", line, path)
            return
        raise RequestError(
            f"{' '.join(damage)} To start over, use --force without --resume (overwrite=True in Python)."
        )


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """The very same objects."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def as_checkpoint(given: Any, resume: bool) -> Checkpoint | None:
    """The Checkpoint that a path stands for. RequestError: there is nothing to resume."""
    if given is None:
        if resume:
            raise RequestError("resume needs a checkpoint to resume from: give checkpoint too.")
        return None
    if isinstance(given, Checkpoint):
        if resume and not given.resume:
            raise RequestError("whether to resume is set on the Checkpoint itself: Checkpoint(path, resume=True).")
        return given
    instance("checkpoint", given, (str, os.PathLike), "a path, or a Checkpoint")
    return Checkpoint(given, resume=resume)
