"""A grade: what ``check`` found, in words."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.notes.grading.comparison import relative_error

__all__ = ["Grade"]


@dataclass(frozen=True, eq=False, repr=False)
class Grade:
    """What ``check`` found; true where the function is right, and printed as a sentence or two.

    function        the one of the notes that it was compared with
    case            the hidden case on which it failed first, or how many cases it passed
    part            which part of the result is wrong: "dW"; "" where there is one part only
    expected, got   that part; ``got`` is the exception where there was one
    likely          what is wrong, as far as it can be told
    advice          what to do
    """

    ok: bool
    function: str
    case: str
    part: str = ""
    expected: Any = None
    got: Any = None
    likely: str = ""
    advice: str = ""

    def __bool__(self) -> bool:
        """Whether the function is right."""
        return self.ok

    def __repr__(self) -> str:
        """The grade in words."""
        if self.ok:
            return f"{self.function}: right, on {self.case}."
        return " ".join(filter(None, (self._found(), self.likely, self.advice)))

    def _found(self) -> str:
        where = f'on case "{self.case}"'
        if isinstance(self.got, Exception):
            return f"{self.function}: {type(self.got).__name__} {where}: {self.got}"
        if self.expected is None:
            return f"{self.function}: not as it should be {where}."
        what, came, meant = self.part or "the result", np.shape(self.got), np.shape(self.expected)
        if not isinstance(self.got, np.ndarray):
            found = f"{self.got!r}, where an array {meant} is meant"
        elif came != meant:
            found = f"shape {came}, where {meant} is meant"
        elif not np.isfinite(self.got).all():
            found = f"{self.got.flat[np.argmin(np.isfinite(self.got))]} in it"
        else:
            found = f"relative error {relative_error(self.got, self.expected):.2g}"
        return f"{self.function}: {what} is wrong ({found} {where})."
