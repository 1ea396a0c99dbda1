"""One more form of a mistake that has been described."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from chainrule.notes.switches import ENTERED, wrong_form

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["also"]


def also(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the function as one more wrong form of a mistake, which has been entered with its texts."""
    known = ENTERED[name]
    return wrong_form(name, known.what, known.symptom)
