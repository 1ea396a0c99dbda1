"""The exceptions that chainrule raises on purpose.

A message says what was expected, what came, and what to do. The command line prints it without a traceback and
turns the class into the exit code.
"""

import difflib
from collections.abc import Iterable


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
    close = difflib.get_close_matches(name.lower(), list(spelled), n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else "."
