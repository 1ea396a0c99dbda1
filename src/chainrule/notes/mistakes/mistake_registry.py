"""All mistakes that can be switched on, by name, and how their wrong forms are entered."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from chainrule.notes.switches import Mistake

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["MISTAKES"]

MISTAKES: dict[str, Mistake] = {}


def wrong_form(name: str, what: str, symptom: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the function as the wrong form, under this mistake, of the notes' function with the same name."""

    def enter(form: Callable[P, R]) -> Callable[P, R]:
        MISTAKES.setdefault(name, Mistake(name, what, symptom)).forms[form.__name__] = form
        return form

    return enter


def also(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the function as one more wrong form of a mistake, which has been entered with its texts."""
    known = MISTAKES[name]
    return wrong_form(name, known.what, known.symptom)
