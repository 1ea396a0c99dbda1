"""Schedules: what the learning rate is multiplied by, step after step.

    multiplier(step, steps_per_epoch, steps, samples)

    step              0 in the first step of the run
    steps_per_epoch   how many steps an epoch has
    steps             how many steps the run has, if it is not stopped
    samples           examples seen before this epoch

A schedule that ends stays where it ended: steps may follow the last one of the run, in ``partial_fit``.

To add a schedule, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, pi

from chainrule.formulas.table import Table, require_number


@dataclass(frozen=True)
class Schedule:
    """A multiplier of the learning rate, and what becomes of it when the training cost stops falling.

    on_stall   the rate is multiplied by this when the training cost has stalled, instead of stopping; 1 to stop
    least      training stops once a stall has brought the rate to this or below
    by_epoch   the multiplier is the same in all steps of an epoch
    """

    multiplier: Callable[[int, int, int, int], float]
    formula: str
    source: str
    on_stall: float = 1.0
    least: float = inf
    by_epoch: bool = False


SCHEDULES: Table[Schedule] = Table(
    "schedule", aliases={"invscaling": "inverse_scaling", "step": "staircase", "warmup": "warm_up"}
)


@SCHEDULES.row
def constant() -> Schedule:
    """The same rate throughout."""
    return Schedule(lambda step, steps_per_epoch, steps, samples: 1.0, "1", "course notes", by_epoch=True)


@SCHEDULES.row
def inverse_time(decay: float = 1.0) -> Schedule:
    """The 1/t decay of the course: rate / (1 + decay epoch)."""
    require_number(decay >= 0.0, "inverse_time", "decay is at least 0", decay)

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        return 1.0 / (1.0 + decay * (step // steps_per_epoch))

    return Schedule(multiplier, "1 / (1 + decay epoch)", "Robbins & Monro 1951; course notes", by_epoch=True)


@SCHEDULES.row
def inverse_scaling(power: float = 0.5) -> Schedule:
    """Scikit-learn's ``invscaling``: falls from epoch to epoch with the examples seen."""
    require_number(power >= 0.0, "inverse_scaling", "power is at least 0", power)

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        return 1.0 / _power(samples + 1, power)

    return Schedule(multiplier, "1 / (samples + 1)^power", "scikit-learn, SGDOptimizer.iteration_ends", by_epoch=True)


@SCHEDULES.row
def staircase(every: float = 30, factor: float = 0.1) -> Schedule:
    """Multiplied by ``factor`` every ``every`` epochs."""
    require_number(every >= 1.0, "staircase", "every is at least 1", every)
    require_number(factor > 0.0, "staircase", "factor is above 0", factor)

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        return _power(factor, (step // steps_per_epoch) // every)

    return Schedule(multiplier, "factor^floor(epoch / every)", "He et al. 2016, section 3.4", by_epoch=True)


@SCHEDULES.row
def exponential(factor: float = 0.95) -> Schedule:
    """Multiplied by ``factor`` every epoch."""
    require_number(factor > 0.0, "exponential", "factor is above 0", factor)

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        return _power(factor, step // steps_per_epoch)

    return Schedule(multiplier, "factor^epoch", "course notes", by_epoch=True)


@SCHEDULES.row
def cosine() -> Schedule:
    """From the full rate to 0 along half a cosine over the whole run; 0 beyond it."""

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        return 0.5 * (1.0 + cos(pi * min(step, steps) / steps))

    return Schedule(multiplier, "(1 + cos(pi step / steps)) / 2", "Loshchilov & Hutter 2017, eq. 5")


@SCHEDULES.row
def warm_up(epochs: float = 5) -> Schedule:
    """Rises in a straight line to the full rate during the first ``epochs`` epochs, then stays."""
    require_number(epochs > 0.0, "warm_up", "epochs is above 0", epochs)

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        return min(1.0, (step + 1) / (epochs * steps_per_epoch))

    return Schedule(multiplier, "min(1, (step + 1) / (epochs steps_per_epoch))", "Goyal et al. 2017, section 2.2")


@SCHEDULES.row
def warm_up_cosine(epochs: float = 5) -> Schedule:
    """A warm-up, then the cosine over the steps that are left; beyond the run as at its end.

    A run that is no longer than the warm-up ends as far up as the warm-up has come.
    """
    rise = warm_up(epochs).multiplier
    fall = cosine().multiplier

    def multiplier(step: int, steps_per_epoch: int, steps: int, samples: int) -> float:
        risen, step = int(epochs * steps_per_epoch), min(step, steps)
        if step < risen:
            return rise(step, steps_per_epoch, steps, samples)
        return fall(step - risen, steps_per_epoch, max(steps - risen, 1), samples)

    return Schedule(multiplier, "warm_up, then cosine", "Goyal et al. 2017; Loshchilov & Hutter 2017")


@SCHEDULES.row
def adaptive(factor: float = 0.2, least: float = 1e-6) -> Schedule:
    """Reads the training cost: each time it stalls, the rate is multiplied by ``factor``; stops at ``least``."""
    require_number(0.0 < factor < 1.0, "adaptive", "factor is between 0 and 1", factor)
    require_number(least > 0.0, "adaptive", "least is above 0", least)
    formula = "1, times factor at each stall of the training cost"
    source = "scikit-learn, SGDOptimizer.trigger_stopping"
    return Schedule(lambda step, steps_per_epoch, steps, samples: 1.0, formula, source, factor, least, by_epoch=True)


def _power(base: float, exponent: float) -> float:
    """base^exponent; infinite beyond what a float holds, where Python raises."""
    try:
        return float(base**exponent)
    except OverflowError:
        return inf
