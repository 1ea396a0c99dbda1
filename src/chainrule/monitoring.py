"""What is watched while a network trains: of which theta, on which rows, and how good it is."""

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import numpy as np

from chainrule.engines import Engine, State
from chainrule.errors import RequestError
from chainrule.formulas.metrics import METRICS, require_suits
from chainrule.history import History
from chainrule.sources import Examples


def evaluated(engine: Engine, state: State) -> Any:
    """The theta that is scored, shown to callbacks, kept and handed back; an array of the engine, not to be changed.

    Where the optimiser keeps a mean of theta it is that mean, from the first step on.
    """
    its_own = engine.optimizer.evaluated
    if its_own is None or state.updates == 0:
        return state.theta
    with np.errstate(all="ignore"):  # what overflows shows in what is scored
        return its_own(state.theta, *state.moments)


class Monitor:
    """The value by which one theta is better than another.

    name    a curve of the history, a row of METRICS, or "score" for the caller's function
    score   what the curve ``score`` is, as a function of theta; None where there is no such curve

    RequestError: the recipe's monitor needs rows that are not there, or is not defined on them.
    """

    def __init__(
        self,
        engine: Engine,
        training: Examples,
        validation: Examples | None,
        score: Callable[[Any], float] | None = None,
    ) -> None:
        name = engine.recipe.monitor if score is None else "score"
        if name == "auto":
            # a schedule that answers to stalls reads the training cost
            reads_training_cost = validation is None or engine.schedule.on_stall < 1.0
            name = "training_cost" if reads_training_cost else "validation_cost"
        if name == "validation_cost" and validation is None:
            raise RequestError("monitor 'validation_cost' needs validation rows: set a validation fraction above 0.")
        self.name = name
        self.score = score
        self._more_is_better = score is not None
        if name in METRICS:
            self.score = _metric(engine, name, validation or training)
            self._more_is_better = METRICS.make(name).more_is_better
        self._engine, self._validation = engine, validation

    def note(self, history: History, theta: Any) -> float:
        """Add the validation cost and the score of theta to the history: the value watched, negated where more is
        better."""
        if self._validation is not None:
            history.validation_cost.append(self._engine.cost(theta, self._validation))
        if self.score is not None:
            history.score.append(self.score(theta))
        value = history.watched()[-1]
        return -value if self._more_is_better else value


def _metric(engine: Engine, name: str, rows: Examples) -> Callable[[Any], float]:
    """The metric of the rows as a function of theta; NaN, which is no improvement, where a prediction is not finite.

    RequestError: it does not suit the loss, or has no value on these rows, whatever A[L] is.
    """
    require_suits(name, engine.loss, engine.link, engine.network.loss)
    metric = METRICS.make(name)

    def of_outputs(A_L: Any) -> float:
        Y, weight = (np.asarray(engine.to_numpy(V), np.float64) for V in (rows.Y, rows.weight))
        return metric.score(Y.T, A_L, weight)

    def of_theta(theta: Any) -> float:
        A_L = engine.predict(theta, rows.X, rows.codes).T
        return of_outputs(A_L) if np.isfinite(A_L).all() else nan  # from NaN a class could be read

    if isnan(of_outputs(np.full(tuple(rows.Y.shape)[::-1], 0.5))):
        raise RequestError(
            f"monitor {name} is not defined on the watched rows (one class alone, or a target that does not "
            "vary): choose another monitor, or more validation rows."
        )
    return of_theta
