"""Averaging: beside theta a running mean of it, which is what is validated, kept and predicted with.

    mean := averaging mean + (1 - averaging) theta        after each step; at first the theta that the first step gave

One more vector that the optimiser keeps: engines and checkpoints see nothing else of it.
"""

from dataclasses import replace

from chainrule.errors import RequestError
from chainrule.formulas.optimizers import Optimizer
from chainrule.formulas.table import Array

FORMULA = "mean := averaging mean + (1 - averaging) theta"


def averaged(plain: Optimizer, averaging: float, name: str) -> Optimizer:
    """The optimiser ``name``, whose last vector is the mean. Polyak & Juditsky 1992, with weights that fall off.

    RequestError: it takes no single steps.
    """
    its_step = plain.step
    if its_step is None:
        raise RequestError(
            f"{name} takes no steps of its own whose theta could be averaged: leave averaging out, or take another "
            "optimizer, such as adam."
        )

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, *state: Array) -> tuple[Array, ...]:
        *state_before, mean = state
        theta, *state_after = its_step(theta, dtheta, rate, t, decay, *state_before)
        kept = averaging * (t > 1)
        return theta, *state_after, kept * mean + (1.0 - kept) * theta

    def evaluated(theta: Array, *state: Array) -> Array:
        return state[-1]

    formula, state = f"{plain.formula};  {FORMULA}", (*plain.state, "mean")
    return replace(plain, step=step, formula=formula, state=state, evaluated=evaluated)
