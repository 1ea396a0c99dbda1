"""The exceptions that chainrule raises on purpose, and warnings that name the line of whoever called.

A message says what was expected, what came, and what to do. The command line prints it without a traceback and
turns the class into the exit code.
"""

import difflib
import re
import sys
import warnings
from collections.abc import Container, Iterable
from types import FrameType

# What calls an estimator for the user: meta-estimators, and what runs their fits.
_BETWEEN = frozenset({"chainrule", "sklearn", "joblib", "multiprocessing", "concurrent", "threading"})
_NUMBER = re.compile(r"\d[\d.,]*(e[+-]?\d+)?")


class ChainruleError(Exception):
    """Base of every error that chainrule raises on purpose."""


class RequestError(ChainruleError, ValueError):
    """The request was wrong: a file, an option, a column, a shape. Exit code 2."""


class RunError(ChainruleError, RuntimeError):
    """The request was fine and the run failed, as when a cost stops being finite. Exit code 1."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a sentence about ``name``: ``"; did you mean 'species'?"`` where it is close to one of ``names``.

    >>> nearest("specie", ["species", "island"])
    "; did you mean 'species'?"
    >>> nearest("zzz", ["species", "island"])
    '.'
    """
    spelled = {n.lower(): n for n in names}
    close = difflib.get_close_matches(str(name).lower(), list(spelled), n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else "."


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, naming the user's own line, also where a pipeline or a search stands between; once a call of that line.

    A search fits many times, and scikit-learn resets Python's own record of what was shown before each. What differs in
    its numbers alone counts as the same. In a worker process, where no line is the user's, each fit warns by itself.
    """
    caller, call, level = _caller(_BETWEEN)
    if caller is None:
        caller, call, level = _caller({"chainrule"})
    # The record lives as long as the call does: a frame keeps what is put beside its variables, and nothing else can
    # be told from the frame of an earlier call.
    said = call.f_locals.setdefault("_chainrule_warned", set())
    what = category, _NUMBER.sub("", message)
    if what not in said:
        warnings.warn(message, category, stacklevel=level)
        said.add(what)  # and not where the warning is an error: every fit is to fail then


def _caller(between: Container[str]) -> tuple[FrameType | None, FrameType, int]:
    """The nearest frame outside these packages, the one that it called, and the stacklevel of ``warn_caller`` for it.

    None for the first where every frame is inside.
    """
    call = sys._getframe(1)
    frame: FrameType | None = call.f_back
    level = 2
    while frame is not None and _package(frame) in between:
        call, frame, level = frame, frame.f_back, level + 1
    return frame, call, level


def _package(frame: FrameType) -> str:
    """The package of a frame's module; none for a package's own tests, which call as users do."""
    name = str(frame.f_globals.get("__name__", ""))
    return "" if ".tests." in name else name.partition(".")[0]
