"""What is noted of a training run, epoch by epoch, and those who look at it while it grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from reprlib import repr as short
from typing import Any, Protocol

from chainrule.arguments import listed
from chainrule.errors import RequestError
from chainrule.formulas.metrics import METRICS
from chainrule.network import Parameters
from chainrule.validation import record, require

CURVES = ("training_cost", "validation_cost", "score", "learning_rate")


@dataclass
class History:
    """What happened, epoch by epoch: lists of equal length, entry e for epoch e + 1.

    training_cost     mean J over the steps of the epoch, penalties and dropout included
    validation_cost   J of the validation rows after the epoch, without penalties and dropout; empty without such rows
    score             the metric or function that was watched, if one was; a metric is of the target as the network
                      learns it, so that rmse and mae of a standardised target count its standard deviations
    learning_rate     of the last step of the epoch
    monitor           what was watched; "score" for a function of the caller's
    best_epoch        the epoch with the best value of it, counted from 1; 0 before the first has ended
    stopped           why training ended
    """

    training_cost: list[float] = field(default_factory=list)
    validation_cost: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    monitor: str = "training_cost"
    best_epoch: int = 0
    stopped: str = ""

    def __len__(self) -> int:
        """Epochs that ended."""
        return len(self.training_cost)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; what is not finite becomes None."""
        return vars(self) | {name: [float(v) if isfinite(v) else None for v in getattr(self, name)] for name in CURVES}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "History":
        """Back from ``to_dict``; None becomes NaN. RequestError: no training has such a history."""
        curves = {name: [float | None] for name in CURVES}
        entries = record(description, "a history", **curves, monitor=str, best_epoch=int, stopped=str)
        entries |= {name: [nan if v is None else v for v in entries[name]] for name in CURVES}
        history = cls(**entries)
        epochs = len(history)
        for name in CURVES:
            absent = name in ("validation_cost", "score") and not entries[name]
            require(absent or len(entries[name]) == epochs, f"{name} is of {epochs} epochs", len(entries[name]))
        known = ("training_cost", "validation_cost", "score", *METRICS)
        require(history.monitor in known, f"the monitor is one of {', '.join(known)}", history.monitor)
        require(len(history.watched()) == epochs, "what was watched is noted", history.monitor)
        require(0 <= history.best_epoch <= epochs, f"the best of {epochs} epochs is one of them", history.best_epoch)
        require(not any(rate < 0.0 for rate in history.learning_rate), "a learning rate is 0 or more", "less")
        return history

    def watched(self) -> list[float]:
        """The values of the monitor."""
        return self.score if self.monitor in METRICS else getattr(self, self.monitor)  # a curve's own name

    @property
    def keeps_best(self) -> bool:
        """Whether the outcome is the best theta rather than the last: validation rows or a score are watched."""
        return self.monitor != "training_cost"

    def curves(self, epochs: int) -> dict[str, list[float]]:
        """The curves of so many epochs; an epoch that is interrupted at its end may be noted in part after them."""
        return {name: getattr(self, name)[:epochs] for name in CURVES}


class Callback(Protocol):
    """Something that looks on; training stops where it returns True."""

    def on_epoch_end(self, history: History, parameters: Parameters) -> bool | None:
        """After each epoch: the history so far, and theta with its views (not to be changed)."""
        ...


def as_callbacks(given: Any) -> tuple[Callback, ...]:
    """The callbacks, one, a list or None. RequestError: one that is none.

    >>> as_callbacks(print)
    Traceback (most recent call last):
    chainrule.errors.RequestError: a callback must have a method on_epoch_end(history, parameters), but ... has none.
    """
    each = (given,) if hasattr(given, "on_epoch_end") else () if given is None else listed(given)
    for callback in (given,) if each is None else each:
        if not hasattr(callback, "on_epoch_end"):
            raise RequestError(
                f"a callback must have a method on_epoch_end(history, parameters), but {short(callback)} has none."
            )
    return each or ()
