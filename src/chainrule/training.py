"""Training: epochs of an engine, watched: both cost curves, stopping, the best parameters kept, callbacks."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Any, Protocol

import numpy as np

from chainrule.engines import Engine, Examples, State
from chainrule.errors import RequestError, RunError
from chainrule.formulas.metrics import METRICS
from chainrule.network import Parameters


@dataclass
class History:
    """What happened, epoch by epoch: lists of equal length, entry e for epoch e + 1.

    training_cost     mean J over the steps of the epoch, penalties and dropout included
    validation_cost   J of the validation rows after the epoch, without penalties and dropout; empty without such rows
    score             the metric that was watched, if one was
    learning_rate     of the last step of the epoch
    monitor           what was watched
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

    def watched(self) -> list[float]:
        """The values of the monitor."""
        return self.score if self.monitor in METRICS else getattr(self, self.monitor)


class Callback(Protocol):
    """Something that looks on; training stops where it returns True."""

    def on_epoch_end(self, history: History, parameters: Parameters) -> bool | None:
        """After each epoch: the history so far, and theta with its views (not to be changed)."""
        ...


@dataclass(frozen=True)
class Fit:
    """The outcome: theta as a NumPy array (the best one where validation rows or a metric were watched), and how."""

    theta: Any
    history: History
    state: State


class Diverged(RunError):
    """J stopped being finite. ``theta`` holds the last good parameters, ``history`` the epochs that were fine."""

    def __init__(self, message: str, theta: Any, history: History) -> None:
        super().__init__(message)
        self.theta = theta
        self.history = history
        self.model: Any = None  # whoever trains a Model puts the one with the last good parameters here


def fit(
    engine: Engine,
    training: Examples,
    validation: Examples | None = None,
    callbacks: Sequence[Callback] = (),
    theta: Any | None = None,
) -> Fit:
    """Train by the engine's recipe, from its initial parameters or from ``theta``.

    Diverged: J is not finite. RequestError: no training row counts, or the recipe watches validation rows and there
    are none. Ctrl-C ends training, and the best parameters so far are the outcome.
    """
    if not float(training.weight.sum()) > 0.0:
        raise RequestError("every training row has weight 0: nothing to learn from. Give some rows a weight above 0.")
    watch = _Watch(engine, training, validation, callbacks)
    state = engine.start(theta)
    best = engine.to_numpy(state.theta)
    try:
        state = (_steps if engine.optimizer.minimize is None else _minimize)(engine, state, training, watch)
        last = engine.to_numpy(state.theta)
    except KeyboardInterrupt:
        watch.history.stopped = "interrupted"
        last = best if watch.best is None else watch.best
    return Fit(watch.best if watch.restores and watch.best is not None else last, watch.history, state)


def _steps(engine: Engine, state: State, training: Examples, watch: "_Watch") -> State:
    """Epochs of first-order steps, until they are all done, nothing improves, or a callback has seen enough."""
    recipe, schedule = engine.recipe, engine.schedule
    per_epoch = recipe.steps_per_epoch(training.m)
    for _ in range(recipe.epochs):
        before = state
        state = engine.run(replace(state, cost_sum=0.0, weight_sum=0.0), training, state.step, state.step + per_epoch)
        if state.diverged:
            raise watch.diverged(before.theta, engine.learning_rate)
        multiplier = schedule.multiplier(state.step - 1, per_epoch, per_epoch * recipe.epochs, state.samples)
        rate = engine.learning_rate * multiplier * state.rate_scale
        watch.epoch_ends(state.theta, state.cost_sum / state.weight_sum, rate)
        if watch.history.stopped:
            break
        if watch.stalled():
            if rate <= schedule.least:
                watch.history.stopped = watch.no_improvement()
                break
            state = replace(state, rate_scale=state.rate_scale * schedule.on_stall)
            watch.waited = 0
    return state


class _Enough(Exception):
    """Ends a search that is not ours from inside its callback."""


def _minimize(engine: Engine, state: State, training: Examples, watch: "_Watch") -> State:
    """An optimiser that drives itself over the whole cost; each of its iterations counts as an epoch."""
    minimize = engine.optimizer.minimize
    assert minimize is not None
    dtype = engine.network.dtype

    if any(engine.network.dropout):  # type: ignore[arg-type]
        raise RequestError(
            f"{engine.recipe.optimizer} needs a cost that stays the same, and dropout changes it in every step. "
            "Set dropout to 0, or take another optimizer, such as adam."
        )

    def cost_and_gradient(theta: Any) -> tuple[float, Any]:
        J, dtheta = engine.gradient(engine.start(theta.astype(dtype)).theta, training)
        return J, np.asarray(dtheta, np.float64)

    def on_iteration(theta: Any, J: float) -> None:
        nonlocal state
        if not (isfinite(J) and np.isfinite(theta).all()):
            raise watch.diverged(state.theta, engine.learning_rate)
        moved = engine.start(theta.astype(dtype)).theta
        state = replace(state, theta=moved, step=state.step + 1, updates=state.updates + 1)
        watch.epoch_ends(state.theta, J, engine.learning_rate)
        if not watch.history.stopped and watch.stalled():
            watch.history.stopped = watch.no_improvement()
        if watch.history.stopped:
            raise _Enough

    theta = np.asarray(engine.to_numpy(state.theta), np.float64)
    with contextlib.suppress(_Enough), np.errstate(all="ignore"):  # what overflows shows in J
        minimize(cost_and_gradient, theta, engine.recipe.epochs, engine.recipe.tol, on_iteration)
        if len(watch.history) < engine.recipe.epochs:
            watch.history.stopped = "converged: the gradient is close to zero, or no step lowers the cost"
    return state


class _Watch:
    """What is noted, compared and kept after each epoch."""

    def __init__(
        self, engine: Engine, training: Examples, validation: Examples | None, callbacks: Sequence[Callback]
    ) -> None:
        recipe = engine.recipe
        monitor = recipe.monitor
        if monitor == "auto":
            # a schedule that answers to stalls reads the training cost
            reads_training_cost = validation is None or engine.schedule.on_stall < 1.0
            monitor = "training_cost" if reads_training_cost else "validation_cost"
        if monitor == "validation_cost" and validation is None:
            raise RequestError("monitor 'validation_cost' needs validation rows: set a validation fraction above 0.")
        self.engine = engine
        self.validation = validation
        self.callbacks = callbacks
        self.metric = METRICS.make(monitor) if monitor in METRICS else None
        self.scored = validation or training
        self.history = History(monitor=monitor, stopped="")
        self.restores = monitor != "training_cost"
        self.best: Any | None = None
        self.best_value = inf
        self.waited = 0

    def epoch_ends(self, theta: Any, training_cost: float, rate: float) -> None:
        """Note the costs, keep theta where it is the best so far, tell the callbacks."""
        history = self.history
        history.training_cost.append(training_cost)
        history.learning_rate.append(rate)
        if self.validation is not None:
            history.validation_cost.append(self.engine.cost(theta, self.validation))
        if self.metric is not None:
            history.score.append(self._score(theta))
        value = history.watched()[-1]
        if self.metric is not None and self.metric.more_is_better:
            value = -value
        self.waited = 0 if value < self.best_value - self.engine.recipe.tol else self.waited + 1
        if value < self.best_value:
            self.best_value, self.best = value, self.engine.to_numpy(theta)
            history.best_epoch = len(history)
        parameters = Parameters(self.engine.network, theta, self.engine.xp)
        answers = [callback.on_epoch_end(history, parameters) for callback in self.callbacks]  # each is told
        if any(answers):
            history.stopped = "a callback stopped it"
        if len(history) == self.engine.recipe.epochs:
            history.stopped = history.stopped or "all epochs done"

    def stalled(self) -> bool:
        """More epochs without an improvement than the recipe has patience for."""
        patience = self.engine.recipe.patience
        return patience is not None and self.waited > patience

    def no_improvement(self) -> str:
        """Why training stops when it has stalled."""
        what = self.history.monitor.replace("_", " ")
        return f"{what} did not improve by {self.engine.recipe.tol:g} in {self.waited} epochs"

    def diverged(self, theta: Any, rate: float) -> Diverged:
        """The error that names the epoch; with the best parameters, or those before the first epoch."""
        epoch = len(self.history) + 1
        self.history.stopped = f"diverged in epoch {epoch}"
        last_good = self.engine.to_numpy(theta) if self.best is None else self.best
        return Diverged(
            f"the cost stopped being finite in epoch {epoch} (learning rate {rate:g}). Try a learning rate ten times "
            "lower, or limit the gradient with clip_norm=1; check the columns for extreme values.",
            last_good,
            self.history,
        )

    def _score(self, theta: Any) -> float:
        assert self.metric is not None
        A_L = self.engine.predict(theta, self.scored.X.T).T
        Y, weight = (np.asarray(V, np.float64) for V in (self.scored.Y, self.scored.weight))
        return self.metric.score(Y, np.asarray(A_L, np.float64), weight)
