"""What is noted, compared and kept while a network trains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan, nan
from reprlib import repr as short
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule.arguments import listed
from chainrule.engines import Engine, State
from chainrule.errors import RequestError
from chainrule.formulas.metrics import METRICS, require_suits
from chainrule.network import Parameters
from chainrule.records import record, require
from chainrule.sources import Examples
from chainrule.weights import require_some

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


class Callback(Protocol):
    """Something that looks on; training stops where it returns True."""

    def on_epoch_end(self, history: History, parameters: Parameters) -> bool | None:
        """After each epoch: the history so far, and theta with its views (not to be changed)."""
        ...


class Standing(NamedTuple):
    """Where a run stands between two steps: with the history of its first ``epochs``, all that it takes to go on.

    It is replaced as a whole, so that whatever interrupts finds one or the other.

    state        of the engine
    epochs       that have ended, with all that is noted of them
    told         how many of them the callbacks have been told of, and none stopped there
    waited       how many epochs ago the last improvement was
    best         the theta with the best value of the monitor, as a NumPy array, where it is kept
    best_value   that value, turned so that less is better; ``best_epoch``: the epoch that had it
    good         a theta, as a NumPy array, whose cost is known to be finite; ``good_epochs``: how many epochs made it
    """

    state: State
    epochs: int = 0
    told: int = 0
    waited: int = 0
    best: Any = None
    best_value: float = inf
    best_epoch: int = 0
    good: Any = None
    good_epochs: int = 0


def as_callbacks(given: Any) -> tuple[Callback, ...]:
    """The callbacks, one, a list or None. RequestError: one that is none.

    >>> as_callbacks(print)
    Traceback (most recent call last):
    chainrule.errors.RequestError: a callback has the method on_epoch_end(history, parameters), and ... has none.
    """
    each = (given,) if hasattr(given, "on_epoch_end") else () if given is None else listed(given)
    for callback in (given,) if each is None else each:
        if not hasattr(callback, "on_epoch_end"):
            raise RequestError(
                f"a callback has the method on_epoch_end(history, parameters), and {short(callback)} has none."
            )
    return each or ()


class Watch:
    """Follows one training run.

    history    the curves so far
    now        where it stands
    engine     whose state that is
    restores   the outcome is the best theta rather than the last: validation rows or a score are watched
    """

    def __init__(
        self,
        engine: Engine,
        training: Examples,
        validation: Examples | None,
        callbacks: Sequence[Callback],
        state: State,
        score: Callable[[Any], float] | None = None,
    ) -> None:
        monitor = "score" if score else engine.recipe.monitor
        if monitor == "auto":
            # a schedule that answers to stalls reads the training cost
            reads_training_cost = validation is None or engine.schedule.on_stall < 1.0
            monitor = "training_cost" if reads_training_cost else "validation_cost"
        if monitor == "validation_cost" and validation is None:
            raise RequestError("monitor 'validation_cost' needs validation rows: set a validation fraction above 0.")
        if validation is not None:
            require_some(engine.to_numpy(validation.weight), "validation row")
        self.history = History(monitor=monitor)
        self.now = Standing(state, good=engine.to_numpy(state.theta))
        self.restores = monitor != "training_cost"
        self.engine = engine
        self._validation = validation
        self._callbacks = callbacks
        self._parameters: Parameters | None = None
        self._metric = METRICS.make(monitor) if monitor in METRICS else None
        self._score = score
        self._more_is_better = score is not None or (self._metric is not None and self._metric.more_is_better)
        self._scores = score is not None or self._metric is not None
        self._scored = validation or training
        if self._metric is not None:
            self._require_defined(monitor)

    def moved(self, state: State, good: Any | None = None) -> None:
        """Steps were done. ``good``: the theta that the epochs so far made, a NumPy array, if its cost is finite."""
        if good is None:
            self.now = self.now._replace(state=state)
        else:
            self.now = self.now._replace(state=state, good=good, good_epochs=self.now.epochs)

    def epoch_ends(self, state: State, training_cost: float) -> None:
        """Note the costs, keep theta where it is the best so far, tell the callbacks."""
        history, recipe, now = self.history, self.engine.recipe, self.now
        history.training_cost.append(training_cost)
        history.learning_rate.append(state.rate)
        if self._validation is not None:
            history.validation_cost.append(self.engine.cost(state.theta, self._validation))
        if self._scores:
            score = self._score or self._of_metric
            history.score.append(score(state.theta))
        value = history.watched()[-1]
        if self._more_is_better:
            value = -value
        epochs = len(history)
        waited = 0 if value < now.best_value - recipe.tol else now.waited + 1
        best = now.best, now.best_value, now.best_epoch
        if value < now.best_value:
            history.best_epoch = epochs
            best = self.engine.to_numpy(state.theta) if self.restores else None, value, epochs
        told = now.told if self._callbacks else epochs
        self.now = Standing(state, epochs, told, waited, *best, now.good, now.good_epochs)
        if self._callbacks:
            self.tell()

    def tell(self) -> None:
        """Tell the callbacks of the last epoch that ended, where they may stop the run."""
        if self._any_stops(self.now.state.theta):
            self.history.stopped = "a callback stopped it"
        else:
            self.now = self.now._replace(told=self.now.epochs)

    def curves(self) -> dict[str, list[float]]:
        """The curves of the epochs that have ended; an epoch that is interrupted at its end may be noted in part."""
        return {name: getattr(self.history, name)[: self.now.epochs] for name in CURVES}

    def go_on(self, standing: Standing, curves: Mapping[str, list[float]]) -> None:
        """Stand where a run stood, with the curves that it had noted."""
        for name in CURVES:
            getattr(self.history, name)[:] = curves[name]
        self.history.best_epoch = standing.best_epoch
        self.now = standing

    def _any_stops(self, theta: Any) -> bool:
        if self._parameters is None or self._parameters.theta is not theta:  # an engine may move theta on in place
            self._parameters = Parameters(self.engine.network, theta, self.engine.xp)
        answers = [callback.on_epoch_end(self.history, self._parameters) for callback in self._callbacks]
        return any(answers)

    def stalled(self) -> bool:
        """More epochs without an improvement than the recipe has patience for."""
        patience = self.engine.recipe.patience
        return patience is not None and self.now.waited > patience

    def wait_again(self, state: State) -> None:
        """Go on with another state, and count epochs without an improvement from 0."""
        self.now = self.now._replace(state=state, waited=0)

    def no_improvement(self) -> str:
        """Why training stops when it has stalled."""
        what = self.history.monitor.replace("_", " ")
        return f"{what} did not improve by {self.engine.recipe.tol:g} in {self.now.waited} epochs"

    @property
    def is_quiet(self) -> bool:
        """Nothing of the caller's runs between two epochs."""
        return not self._callbacks and not self._scores

    @property
    def keeps_best(self) -> bool:
        """There is a best theta, and it is what remains of a run that fails."""
        return self.now.best is not None

    @property
    def knows_this_theta(self) -> bool:
        """Between two epochs: the theta to fall back on is the one that the run stands at."""
        return self.now.good_epochs == self.now.epochs

    def outcome(self) -> Any:
        """The theta that training is for: the best or the last."""
        return self.engine.to_numpy(self.now.state.theta) if self.now.best is None else self.now.best

    def last_good(self) -> tuple[Any, int]:
        """The theta to keep where a run has failed, and how many epochs made it."""
        now = self.now
        return (now.good, now.good_epochs) if now.best is None else (now.best, now.best_epoch)

    def _require_defined(self, monitor: str) -> None:
        """RequestError: the metric does not suit the loss, or has no value on the watched rows, whatever A[L] is."""
        require_suits(monitor, self.engine.loss, self.engine.network.loss)
        if isnan(self._score_of(np.full(self._scored.Y.T.shape, 0.5))):
            raise RequestError(
                f"monitor {monitor} is not defined on the watched rows (one class alone, or a target that does not "
                "vary): watch something else, or more rows."
            )

    def _of_metric(self, theta: Any) -> float:
        """The metric; NaN, which is no improvement, where a prediction is not finite: a class could be read from it."""
        A_L = self.engine.predict(theta, self._scored.X, self._scored.codes).T
        return self._score_of(A_L) if np.isfinite(A_L).all() else nan

    def _score_of(self, A_L: Any) -> float:
        assert self._metric is not None
        Y, weight = (np.asarray(V, np.float64) for V in (self._scored.Y.T, self._scored.weight))
        return self._metric.score(Y, A_L, weight)
