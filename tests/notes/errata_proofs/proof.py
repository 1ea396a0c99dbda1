"""A proof of an erratum: the printed form and the correct one, both run on a small fixed problem."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.notes import mistake

Form = Callable[[], Any]
WITHIN = 1e-7  # relative error of a right gradient against central differences


@dataclass(frozen=True)
class Outcome:
    """What came of a form: the exception, the wrong shape, numbers that are not finite, or its relative error."""

    failure: str  # "", or the exception's name, or "shape", or "not finite"
    text: str  # for people
    relative_error: float = float("nan")


@dataclass(frozen=True)
class Proof:
    """The place as printed and as it should be, run.

    quantity   what both forms give, in words
    printed    the form that the document prints; it fails
    correct    the right form
    truth      the same by other means: central differences of J, or a definition
    fails      how the printed form fails: an exception, "shape", "not finite", or the least relative error
    message    a piece of the exception's message
    within     the largest relative error of the correct form
    """

    quantity: str
    printed: Form
    correct: Form
    truth: Form
    fails: type[Exception] | Literal["shape", "not finite"] | float
    message: str = ""
    within: float = WITHIN

    def outcome(self, form: Form) -> Outcome:
        """What comes of one of the two forms."""
        right = np.asarray(self.truth(), float)
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(form(), float)
        except (ArithmeticError, AssertionError, AttributeError, ChainruleError, LookupError, NameError, SyntaxError,
                TypeError, ValueError) as error:  # fmt: skip
            return Outcome(type(error).__name__, f"{type(error).__name__}: {error}")
        if value.shape != right.shape:
            return Outcome("shape", f"shape {value.shape} instead of {right.shape}")
        if not np.isfinite(value).all():
            return Outcome("not finite", "nan" if np.isnan(value).any() else "infinite")
        off = float(np.linalg.norm(value - right) / np.linalg.norm(right))
        return Outcome("", f"relative error {off:.2g}", off)

    def printed_fails(self) -> bool:
        """Whether the printed form fails in the way that is stated."""
        found = self.outcome(self.printed)
        if isinstance(self.fails, (int, float)):
            return found.failure == "" and found.relative_error > self.fails
        if isinstance(self.fails, str):
            return found.failure == self.fails
        return found.failure == self.fails.__name__ and self.message in found.text

    def correct_passes(self) -> bool:
        """Whether the correct form has the right shape and numbers."""
        found = self.outcome(self.correct)
        return found.failure == "" and found.relative_error < self.within

    def measured(self) -> str:
        """How the printed form fails, in words that are the same on every machine."""
        if isinstance(self.fails, type):
            return f"{self.fails.__name__}: {self.message}".removesuffix(": ")
        return self.outcome(self.printed).text


def mistaken(quantity: str, name: str, form: Form, truth: Form, fails: Any, message: str = "") -> Proof:
    """A proof whose printed form is the correct one with a mistake switched on."""

    def printed() -> Any:
        with mistake(name):
            return form()

    return Proof(quantity, printed, form, truth, fails, message)
