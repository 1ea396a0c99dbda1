"""How mistakes replace the notes' functions: ``switchable`` lets them, ``switched_on`` does it.

People use ``mistake``. It is in ``mistakes``, with all wrong forms, which need the functions that import this module.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["Mistake"]


@dataclass
class Mistake:
    """A wrong form of some of the notes' functions.

    name       how it is switched on
    what       what is wrong, in a sentence
    symptom    what a learner sees when training with it
    forms      the wrong functions, by the name of the function each replaces
    """

    name: str
    what: str
    symptom: str
    forms: dict[str, Callable[..., Any]] = field(default_factory=dict)


@dataclass
class Switch:
    """A mistake that is on, and whether one of its forms has been called since."""

    mistake: Mistake
    acted: bool = False


_on: ContextVar[Switch | None] = ContextVar("mistake", default=None)


def switchable(right: Callable[P, R]) -> Callable[P, R]:
    """Let mistakes replace this function (a decorator)."""

    @wraps(right)
    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        on = _on.get()
        form = on.mistake.forms.get(right.__name__) if on is not None else None
        if on is None or form is None:
            return right(*args, **kwargs)
        on.acted = True
        return form(*args, **kwargs)

    # doctest passes over a function whose globals are another module's, as those of this wrapper are
    right.__globals__.setdefault("__test__", {})[right.__name__] = right
    return function


@contextmanager
def switched_on(mistake: Mistake) -> Iterator[Switch]:
    """Inside, in this thread (or task) alone, the forms of the mistake stand in for the functions that they replace."""
    switch = Switch(mistake)
    token = _on.set(switch)
    try:
        yield switch
    finally:
        _on.reset(token)
