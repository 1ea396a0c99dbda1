"""All mistakes that can be switched on, by name, and how their wrong forms are entered."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from chainrule.known_mistakes import KNOWN_MISTAKES
from chainrule.notes.switches import Mistake

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["MISTAKES"]

MISTAKES: dict[str, Mistake] = {}


def wrong_form(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the function as the wrong form, under this mistake, of the notes' function with the same name."""
    text = KNOWN_MISTAKES[name]
    symptom = f"{text.shows} {text.training}".rstrip()

    def enter(form: Callable[P, R]) -> Callable[P, R]:
        MISTAKES.setdefault(name, Mistake(name, text.what, symptom)).forms[form.__name__] = form
        return form

    return enter
