"""How mistakes replace the notes' functions: ``switchable`` lets them, ``wrong_form`` enters one, ``switched_on`` acts.

``mistakes`` is what people use. It lies apart, since it holds all wrong forms, and those need the functions themselves.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

__all__: list[str] = []


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


ENTERED: dict[str, Mistake] = {}

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


def wrong_form(name: str, what: str, symptom: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the function as the wrong form, under this mistake, of the notes' function with the same name."""

    def enter(form: Callable[P, R]) -> Callable[P, R]:
        ENTERED.setdefault(name, Mistake(name, what, symptom)).forms[form.__name__] = form
        return form

    return enter


@contextmanager
def switched_on(mistake: Mistake) -> Iterator[Switch]:
    """Inside, in this thread (or task) alone, the forms of the mistake stand in for the functions that they replace."""
    switch = Switch(mistake)
    token = _on.set(switch)
    try:
        yield switch
    finally:
        _on.reset(token)
