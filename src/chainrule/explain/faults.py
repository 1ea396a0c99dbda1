"""A mistake that has been recognised in a gradient."""

from dataclasses import dataclass

from chainrule.known_mistakes import KNOWN_MISTAKES


@dataclass(frozen=True)
class Fault:
    """A mistake that has been recognised: its name, what is wrong, how it shows, what to do, and where it was seen."""

    name: str
    what: str
    shows: str
    advice: str
    where: str = ""

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return " ".join(filter(None, (f"{self.name}{where}:", self.what, self.shows, self.advice)))


def fault(name: str, where: str = "") -> Fault:
    """The fault of that name, seen somewhere."""
    text = KNOWN_MISTAKES[name]
    return Fault(name, text.what, text.shows, text.advice, where)
