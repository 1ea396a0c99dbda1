"""Options of ``plan`` in the words of ``Network`` and ``Recipe``: specs, sizes, names of columns."""

from reprlib import repr as short
from typing import Any

import numpy as np

from chainrule.arguments import is_integer, listed, number
from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.schedules import SCHEDULES
from chainrule.formulas.table import Functions
from chainrule.validation import require_spec


def optimizer_spec(name: str, momentum: float | None, functions: Functions | None) -> str:
    """The optimiser's spec with its momentum number set, where one is given."""
    if momentum is None:
        return "adam" if is_auto(name) else name
    name = "momentum" if is_auto(name) else name
    require_spec("optimizer", name)
    beta = number("momentum", momentum, "a finite number, the beta of the optimizer")
    its_name = OPTIMIZERS.make(name, np, functions=functions).momentum
    if its_name is None:
        raise RequestError(
            f"optimizer {name} has no momentum. Optimizers with momentum: {', '.join(_with_momentum())}."
        )
    numbers = OPTIMIZERS.numbers(name, functions) | {its_name: beta}
    return f"{OPTIMIZERS.name(name)}({', '.join(f'{k}={float(v)!r}' for k, v in numbers.items())})"


def _with_momentum() -> list[str]:
    return [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).momentum is not None]


def penalty_specs(**strengths: Any) -> tuple[str, ...]:
    """A spec for each strength that is not 0."""
    numbers = {name: number(name, strength, "a finite number of at least 0") for name, strength in strengths.items()}
    return tuple(f"{name}({strength!r})" for name, strength in numbers.items() if strength != 0.0)


def hidden_sizes(hidden: Any) -> tuple[int, ...]:
    """The units of each hidden layer, given one or several."""
    each = listed(hidden)
    sizes = (hidden,) if each is None else each
    if any(not is_integer(u) or u < 1 for u in sizes):
        raise RequestError(f"hidden must hold the units of each hidden layer, positive integers, not {short(hidden)}.")
    return tuple(int(u) for u in sizes)


def one_or_each(given: Any) -> Any:
    """What ``Network`` takes: one for all layers, or a tuple with one for each."""
    each = listed(given)
    return given if each is None else each


def is_auto(given: Any) -> bool:
    """Whether the choice is left to ``plan``."""
    return isinstance(given, str) and given == "auto"


def column_names(option: str, given: Any) -> tuple[str, ...]:
    """The names of columns, one or several. RequestError: something else."""
    names = (given,) if isinstance(given, str) else listed(given)
    if names is None or not all(isinstance(name, str) for name in names):
        raise RequestError(f"{option} must be a column name or a list of them, not {short(given)}.")
    return names


def require_new_names(functions: Functions | None) -> None:
    """A stored spec must mean one thing, so a custom function cannot take the name of a row."""
    for table in (ACTIVATIONS, LOSSES, INITIALIZERS, PENALTIES, OPTIMIZERS, SCHEDULES):
        for name in functions or {}:
            if name in table:
                raise RequestError(
                    f"{name!r} is already the name of a built-in {table.kind}: give your function another name."
                )
