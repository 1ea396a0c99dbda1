"""Ready-made callbacks: scikit-learn's lines, a progress bar, a log of JSON lines, a limit on the time.

A callback is any object with ``on_epoch_end(history, parameters)``; training stops where it returns True.
"""

import json
import sys
from contextlib import suppress
from math import isfinite
from time import monotonic
from typing import Any

from chainrule.errors import RequestError, warn_caller
from chainrule.history import CURVES, History
from chainrule.network import Parameters
from chainrule.progress import ProgressBar

__all__ = ["JsonLinesLog", "MaxTime", "PrintedLines", "ProgressBar"]


class MaxTime:
    """Stops training after the epoch in which so many seconds have passed since it was made.

    The parameter ``max_time`` of an estimator counts anew in each fit.

    >>> MaxTime(60.0).on_epoch_end(History(), None)
    False
    """

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def on_epoch_end(self, history: History, parameters: Parameters | None) -> bool:
        """True when the time is up."""
        return monotonic() >= self._end


class JsonLinesLog:
    """Writes one JSON object an epoch to a file: epoch, and the last value of each curve, null where it is not finite.

    The first epoch of a fit replaces an older log; RequestError: it cannot. A log that cannot be written later on, as
    on a full disk, ends there with a warning, and training goes on.
    """

    def __init__(self, path: Any) -> None:
        self.path = path
        self._ended = False

    def on_epoch_end(self, history: History, parameters: Parameters | None) -> None:
        """Append a line; the first epoch begins the file."""
        begins = len(history) == 1
        if self._ended and not begins:
            return
        last = {name: getattr(history, name)[-1] for name in CURVES if getattr(history, name)}
        curves = {name: value if isfinite(value) else None for name, value in last.items()}
        try:
            with open(self.path, "w" if begins else "a", encoding="utf-8") as file:
                file.write(json.dumps({"epoch": len(history), **curves}) + "\n")
        except OSError as error:
            if begins:
                raise RequestError(f"cannot write the log {str(self.path)!r}: {error.strerror}.") from error
            warn_caller(f"the log {str(self.path)!r} ends: {error.strerror}. Training goes on.")
            self._ended = True
        else:
            self._ended = False


class PrintedLines:
    """scikit-learn's own lines."""

    def on_epoch_end(self, history: History, parameters: Parameters | None) -> None:
        """Print the epoch."""
        say(f"Iteration {len(history)}, loss = {history.training_cost[-1]:.8f}")
        if history.score:
            say(f"Validation score: {history.score[-1]:f}")


def shows_bar(verbose: Any) -> bool:
    """Whether ``verbose`` asks for a bar here: 1 or True, on a terminal."""
    return verbose in (True, 1) and _is_terminal(sys.stdout)


def say(line: str) -> None:
    """Print a line of progress; where standard output is closed or full, the line is lost, and not the run."""
    with suppress(OSError, ValueError):
        print(line)


def _is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal: not one without ``isatty``, a closed one, or the None of a windowed program."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False
