"""Mistakes that can be switched on: the notes' own models, trained with a well-known error built in.

    with notes.mistake("g-for-g-prime"):
        parameters, costs = notes.L_layer_model(X, Y, (2, 4, 1), 0.1, 500)

A mistake replaces functions of the notes by wrong forms, inside the ``with`` and in this thread (or task) alone. The
equations that the rest of the package uses know nothing of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from chainrule.errors import RequestError, nearest

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["MISTAKES", "Mistake", "mistake"]


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


MISTAKES: dict[str, Mistake] = {}

_on: ContextVar[Mistake | None] = ContextVar("mistake", default=None)


def switchable(right: Callable[P, R]) -> Callable[P, R]:
    """Let mistakes replace this function (a decorator)."""

    @wraps(right)
    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        on = _on.get()
        form = on.forms.get(right.__name__) if on is not None else None
        return right(*args, **kwargs) if form is None else form(*args, **kwargs)

    # doctest passes over a function whose globals are another module's, as those of this wrapper are
    right.__globals__.setdefault("__test__", {})[right.__name__] = right
    return function


def wrong_form(name: str, what: str, symptom: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the function as the wrong form, under this mistake, of the notes' function with the same name."""

    def enter(form: Callable[P, R]) -> Callable[P, R]:
        MISTAKES.setdefault(name, Mistake(name, what, symptom)).forms[form.__name__] = form
        return form

    return enter


@contextmanager
def mistake(name: str) -> Iterator[Mistake]:
    """Inside, the notes' functions make this mistake. RequestError: no such mistake.

    >>> import numpy as np
    >>> from chainrule.notes import mistake, relu_backward
    >>> dA, Z = np.array([[1.0, 1.0]]), np.array([[2.0, -3.0]])
    >>> with mistake("g-for-g-prime"):
    ...     relu_backward(dA, Z).tolist()
    [[2.0, 0.0]]
    >>> relu_backward(dA, Z).tolist()
    [[1.0, 0.0]]
    """
    import_module("chainrule.notes.wrong_forms")  # enters them
    if name not in MISTAKES:
        raise RequestError(f"no mistake is called {name!r}{nearest(name, MISTAKES)} There are: {', '.join(MISTAKES)}.")
    token = _on.set(MISTAKES[name])
    try:
        yield MISTAKES[name]
    finally:
        _on.reset(token)
