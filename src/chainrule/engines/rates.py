"""The learning rates of training steps: the recipe's, or those that are handed in."""

from typing import Any

import numpy as np

from chainrule.engines.checks import as_reals
from chainrule.engines.protocol import Engine, State
from chainrule.errors import RequestError
from chainrule.sources import Epoch


def set_rates(rates: Any, engine: Engine, state: State, epoch: Epoch) -> None:
    """Into ``rates``, a place each, the recipe's for the steps from ``state`` on, all of one epoch.

    rate = alpha * multiplier * rate_scale
    """
    alpha, multiplier = engine.learning_rate, engine.schedule.multiplier
    first, (_, i) = state.step, epoch.at(state.step)
    shared = epoch.steps, epoch.first(engine.recipe.epochs), state.samples - epoch.rows(i).start
    each = [first] if engine.schedule.by_epoch else range(first, first + len(rates))
    rates[:] = [alpha * multiplier(step, *shared) * state.rate_scale for step in each]


def require_rates(rates: Any, count: int) -> Any:
    """Rates that are handed in, as float64, (count,). RequestError: another number of them, or one not finite."""
    rates = as_reals("rates", rates, "float64")
    if rates.shape != (count,):
        raise RequestError(
            f"rates must be the learning rates of {count} steps, ({count},), not {rates.shape}: give one a step, or "
            "None for those of the recipe."
        )
    if not np.isfinite(rates).all():
        place = int(np.isfinite(rates).argmin())
        raise RequestError(f"rates must be finite, not {rates[place]}, as entry {place} is.")
    return rates
