"""An erratum: what a document prints, what is wrong with it, and what it should say."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Erratum", "Severity"]

Severity = Literal["A", "B", "C"]


@dataclass(frozen=True)
class Erratum:
    """One mistake of one document.

    id         "building-blocks-1", in the order of the document
    document   its title
    quote      a short verbatim piece, found nowhere else among the document's errata
    wrong      what is wrong with it
    correct    what it should say
    severity   A: wrong numbers, or does not run as printed; B: wrong or contradictory mathematics that a careful reader
               repairs; C: a slip of typing or extraction
    measured   what the printed form gives when it is run: the quantity, and how far off it is; every A has it
    mistake    the name of the same mistake in ``notes.mistake``
    """

    id: str
    document: str
    quote: str
    wrong: str
    correct: str
    severity: Severity
    measured: str = ""
    mistake: str | None = None
