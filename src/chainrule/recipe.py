"""How a network is trained: the hyperparameters that are not part of the network or of its cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from reprlib import repr as short
from typing import Any

import numpy as np

from chainrule.arguments import instance, integer, number
from chainrule.errors import RequestError, nearest
from chainrule.formulas.averaging import averaged
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS, Optimizer
from chainrule.formulas.schedules import SCHEDULES, Schedule
from chainrule.formulas.table import Functions, Namespace
from chainrule.sources import Epoch, Examples, InMemory
from chainrule.validation import record, require_spec

COSTS = ("training_cost", "validation_cost")


@dataclass(frozen=True)
class Recipe:
    """How theta is moved, in which batches, for how long.

    optimizer      a row of OPTIMIZERS
    learning_rate  the notes' alpha; None for what suits the optimiser
    schedule       a row of SCHEDULES
    epochs         most passes over the training rows (the notes' iterations are steps: epochs x batches)
    batch_size     examples a step; "auto" for min(200, m); more than there are means all
    shuffle        a new order of the rows in every epoch
    clip_norm      longest dtheta, in Euclidean length; None for any
    seed           of the initial weights, the order of rows and dropout
    monitor        what is watched: "training_cost", "validation_cost" or a row of METRICS; "auto" for the validation
                   cost, or the training cost where there are no validation rows or the schedule is ``adaptive``
    patience       epochs without an improvement before training stops; None never stops
    tol            an improvement counts if it is larger than this
    averaging      beta of the running mean of theta that takes its place in all but the steps: each step leaves
                   beta of it; None for theta itself

    RequestError: numbers or names that make no sense.
    """

    optimizer: str = "adam"
    learning_rate: float | None = None
    schedule: str = "constant"
    epochs: int = 200
    batch_size: int | str = "auto"
    shuffle: bool = True
    clip_norm: float | None = None
    seed: int = 0
    monitor: str = "auto"
    patience: int | None = 20
    tol: float = 1e-4
    averaging: float | None = None

    def __post_init__(self) -> None:
        """Check every number; write every number of a known row."""
        checked: dict[str, Any] = {
            "epochs": integer("epochs", self.epochs, 1),
            "seed": integer("seed", self.seed, 0),
            "batch_size": _batch_size(self.batch_size),
            "patience": None if self.patience is None else integer("patience", self.patience, 1, " (or none)"),
            "learning_rate": None if self.learning_rate is None else _number("learning_rate", self.learning_rate),
            "clip_norm": None if self.clip_norm is None else _number("clip_norm", self.clip_norm),
            "tol": _number("tol", self.tol, zero_too=True),
            "averaging": None if self.averaging is None else _beta(self.averaging),
            "shuffle": bool(instance("shuffle", self.shuffle, (bool, np.bool_), "True or False")),
        }
        if checked["seed"] >= 2**64:
            raise RequestError(f"seed must be below 2^64, not {self.seed}.")
        known = ("auto", *COSTS, *METRICS)
        if not isinstance(self.monitor, str) or self.monitor not in known:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RequestError(
                f"monitor {short(self.monitor)} is not known{nearest(short(self.monitor), known)} "
                f"Known: {', '.join(known)}."
            )
        for field, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            spec = getattr(self, field)
            require_spec(field, spec)
            if table.name(spec) in table:
                table.make(spec, *([None] if table is OPTIMIZERS else []))  # each row checks its own numbers
                checked[field] = table.canonical(spec)
        for field, value in checked.items():
            object.__setattr__(self, field, value)
        if self.averaging is not None and OPTIMIZERS.name(self.optimizer) in OPTIMIZERS:
            self.make_optimizer(None)  # averaging is not for each

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; ``averaging`` only where there is one, so that recipes from before it read as they did."""
        return {name: value for name, value in asdict(self).items() if name != "averaging" or value is not None}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Recipe":
        """Back from ``to_dict``. RequestError: entries that are unknown, missing, of another type, or make no sense."""
        names = dict.fromkeys(("optimizer", "schedule", "monitor"), str)
        numbers = {"learning_rate": float | None, "clip_norm": float | None, "tol": float, "shuffle": bool}
        counts = {"epochs": int, "batch_size": int | str, "seed": int, "patience": int | None}
        if isinstance(description, dict) and "averaging" in description:
            numbers["averaging"] = float
        return cls(**record(description, "a recipe", **names, **numbers, **counts))

    def batch(self, m: int) -> int:
        """Examples a step, out of m."""
        return min(200 if self.batch_size == "auto" else int(self.batch_size), m)

    def epoch(self, m: int) -> Epoch:
        """m rows in its batches."""
        return Epoch(m, self.batch(m))

    def steps_per_epoch(self, m: int) -> int:
        """Steps an epoch; the last one takes what is left over."""
        return self.epoch(m).steps

    def source(self, examples: Examples, xp: Namespace) -> InMemory:
        """Examples in memory as the source of its batches."""
        return InMemory(examples, self.epoch(examples.m), self.seed, self.shuffle, xp)

    def make_optimizer(self, xp: Namespace, functions: Functions | None = None) -> Optimizer:
        """The optimiser on ``xp``, with averaging where that is asked for."""
        row = OPTIMIZERS.make(self.optimizer, xp, functions=functions)
        return row if self.averaging is None else averaged(row, self.averaging, OPTIMIZERS.name(self.optimizer))

    def make_schedule(self, functions: Functions | None = None) -> Schedule:
        """The schedule."""
        return SCHEDULES.make(self.schedule, functions=functions)


def _batch_size(given: Any) -> int | str:
    auto = isinstance(given, str) and given == "auto"
    return "auto" if auto else integer("batch_size", given, 1, " (or 'auto')")


def _beta(given: Any) -> float:
    said = "a number between 0 and 1, such as 0.955 (or none)"
    beta = number("averaging", given, said)
    if not 0.0 < beta < 1.0:
        raise RequestError(f"averaging must be {said}, not {given!r}.")
    return beta


def _number(name: str, given: Any, zero_too: bool = False) -> float:
    """The number as a float. RequestError: it is not a finite number above 0 (or 0, with ``zero_too``)."""
    said = f"a number {'of at least 0' if zero_too else 'above 0'}"
    value = number(name, given, said)
    if not (value > 0.0 or (zero_too and value == 0.0)):
        raise RequestError(f"{name} must be {said}, not {given!r}.")
    return value
