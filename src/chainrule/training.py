"""Training: epochs of an engine until they are all done, nothing improves, or someone has seen enough."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from reprlib import repr as short
from typing import Any, Protocol

import numpy as np

from chainrule.arguments import instance
from chainrule.engines import Engine, State, without_effect
from chainrule.engines.checks import require_examples
from chainrule.engines.interrupting import ctrl_c_answered, ctrl_c_noted, sigterm_as_ctrl_c
from chainrule.errors import RequestError, RunError
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sources import Examples
from chainrule.watching import Callback, History, Watch, as_callbacks
from chainrule.weights import require_some

__all__ = ["Callback", "Diverged", "Fit", "History", "fit", "require_whole_cost"]


@dataclass(frozen=True)
class Fit:
    """The outcome: theta as a NumPy array (the best one where validation rows or a metric were watched), and how.

    ``state`` is the one after the last epoch that ended, or the step at which Ctrl-C ended it; ``waited`` is how many
    epochs before that brought no improvement.
    """

    theta: Any
    history: History
    state: State
    waited: int


class Diverged(RunError):
    """The cost stopped being finite.

    theta     the last good parameters, as a NumPy array
    epochs    how many epochs made them
    history   the epochs that were fine
    model     the Model with those parameters, where a Model was being trained
    """

    def __init__(self, message: str, theta: Any, epochs: int, history: History) -> None:
        super().__init__(message)
        self.theta = theta
        self.epochs = epochs
        self.history = history
        self.model: Any = None


class Keeper(Protocol):
    """Something that keeps where a run stands; see ``chainrule.Checkpoint``."""

    def begin(self, watch: Watch, training: Examples, validation: Examples | None) -> None:
        """Before the first step: bring the watch to where a run before this one stood, or keep where this one does."""
        ...

    def pause(self, step: int, end: int) -> int:
        """The step before which the run that stands at ``step`` is to pause, at most ``end``."""
        ...

    def paused(self, watch: Watch) -> None:
        """Between two steps, or two epochs: keep where the run stands, if it is time to."""
        ...

    def keep(self, watch: Watch) -> None:
        """Keep where the run stands."""
        ...


def fit(
    engine: Engine,
    training: Examples,
    validation: Examples | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    theta: Any | None = None,
    score: Callable[[Any], float] | None = None,
    samples: int = 0,
    checkpoint: Keeper | None = None,
) -> Fit:
    """Train by the engine's recipe, from its initial parameters or from ``theta``.

    callbacks    looked at after each epoch, one or a list; see ``Callback``
    score        a function of theta to watch in place of the recipe's monitor; more is better
    samples      examples seen before, for a schedule that counts them
    checkpoint   a ``Checkpoint``, where the run is kept, and from where it goes on

    Diverged: J or theta is not finite. RequestError: no training row counts, the recipe watches validation rows and
    there are none, or the optimizer cannot have dropout or a checkpoint. Ctrl-C ends training, and what it would have
    ended with at this epoch is the outcome; with a checkpoint SIGTERM does the same, and then ends the process.

    >>> from chainrule import Network, Recipe, make_engine
    >>> engine = make_engine(Network((1, 1)), Recipe("gradient_descent", learning_rate=0.5, epochs=100))
    >>> done = fit(engine, engine.examples([[-1.0], [1.0]], [[1.0], [5.0]]))
    >>> done.theta.round(2).tolist(), done.history.stopped
    ([2.0, 3.0], 'training cost did not improve by 0.0001 in 21 epochs')
    """
    if not hasattr(engine, "run") or not hasattr(engine, "network"):
        raise RequestError(f"engine is what make_engine(network, recipe) gives, not {short(engine)}.")
    for name, rows in (("training", training), ("validation", validation)):
        if rows is not None or name == "training":
            require_examples(instance(name, rows, Examples, "rows as engine.examples(X, Y) gives them"), engine.network)
    if score is not None and not callable(score):
        raise RequestError(f"score is a function of theta, not {short(score)}.")
    if checkpoint is not None and not hasattr(checkpoint, "begin"):
        raise RequestError(f"checkpoint is a Checkpoint, such as Checkpoint('run.ckpt'), not {short(checkpoint)}.")
    callbacks = as_callbacks(callbacks)
    require_some(engine.to_numpy(training.weight))
    minimizes = engine.optimizer.minimize is not None
    if minimizes and checkpoint:
        raise RequestError(
            f"{OPTIMIZERS.name(engine.recipe.optimizer)} keeps what it knows to itself, so that a run of it cannot be "
            "taken up again: leave the checkpoint out, or take another optimizer, such as adam."
        )
    begin = engine.start(theta)._replace(samples=samples)
    given = training, validation
    training = without_effect(engine, training)
    validation = validation and without_effect(engine, validation)
    watch = Watch(engine, training, validation, callbacks, begin, score)
    with ctrl_c_answered(), sigterm_as_ctrl_c() if checkpoint else contextlib.nullcontext():
        if checkpoint:
            checkpoint.begin(watch, *given)
        try:
            # Ctrl-C is looked for once, and not in every epoch, where nothing of the caller's runs between them
            with ctrl_c_noted() if watch.is_quiet and not minimizes else contextlib.nullcontext() as ctrl_c:
                if minimizes:
                    _minimize(engine, training, watch)
                else:
                    _steps(engine, training, watch, checkpoint)
            if ctrl_c:
                raise KeyboardInterrupt
            if checkpoint:
                checkpoint.keep(watch)
        except KeyboardInterrupt:
            watch.go_on(watch.now, watch.curves())
            watch.history.stopped = "interrupted"
            if checkpoint:
                with ctrl_c_noted():  # a second one does not keep it from being kept
                    checkpoint.keep(watch)
    return Fit(watch.outcome(), watch.history, watch.now.state, watch.now.waited)


def _steps(engine: Engine, training: Examples, watch: Watch, checkpoint: Keeper | None) -> None:
    """Epochs of first-order steps, from where the watch stands."""
    per_epoch = engine.recipe.steps_per_epoch(training.m)
    if watch.now.told < watch.now.epochs:  # the run before this one ended as they were told, or as one stopped it
        watch.tell()
    while not watch.history.stopped and not _stops(engine, watch):
        first = watch.now.epochs * per_epoch
        state = _epoch(engine, training, watch, first, first + per_epoch, checkpoint)
        watch.epoch_ends(state, state.cost_sum / state.weight_sum)
        if checkpoint:
            checkpoint.paused(watch)


def _stops(engine: Engine, watch: Watch) -> bool:
    """Whether the epochs are done, or have stalled for good; where the schedule answers to a stall, let it."""
    schedule, state = engine.schedule, watch.now.state
    if watch.now.epochs >= engine.recipe.epochs:
        watch.history.stopped = "all epochs done"
    elif watch.stalled():
        if state.rate <= schedule.least:
            watch.history.stopped = watch.no_improvement()
        else:
            watch.wait_again(state._replace(rate_scale=state.rate_scale * schedule.on_stall))
    return bool(watch.history.stopped)


def _epoch(engine: Engine, training: Examples, watch: Watch, first: int, end: int, checkpoint: Keeper | None) -> State:
    """The state after the steps of an epoch; some of them may be done already."""
    state = watch.now.state
    if state.step == first:
        state = state._replace(cost_sum=0.0, weight_sum=0.0)
        begun_with = None if watch.keeps_best or watch.knows_this_theta else engine.to_numpy(state.theta)
    else:
        begun_with = None  # the first step's cost was finite, and the watch knows what is good
    while state.step < end:
        with ctrl_c_noted() as ctrl_c:  # so that the state that is kept is the one its arrays belong to
            until = checkpoint.pause(state.step, end) if checkpoint else end
            state = engine.run(state, training, state.step, until)
            good = begun_with if state.step > first else None  # the first step's cost was finite
            watch.moved(state._replace(interrupted=False) if state.interrupted else state, good)
        if state.interrupted or ctrl_c:
            raise KeyboardInterrupt
        if state.diverged:
            raise _diverged(watch, engine.learning_rate)
        if checkpoint and state.step < end:
            checkpoint.paused(watch)
    if not engine.is_finite(state.theta):
        raise _diverged(watch, engine.learning_rate)
    return state


def require_whole_cost(network: Network, recipe: Recipe) -> None:
    """RequestError for what an optimiser that minimises the whole cost by itself cannot have."""
    usual = Recipe()
    unused = ("learning_rate", "schedule", "batch_size", "clip_norm")
    given = [name for name in unused if getattr(recipe, name) != getattr(usual, name)]
    if given:
        raise RequestError(
            f"{recipe.optimizer} takes all rows at once and finds its own step lengths: it has no use for "
            f"{', '.join(given)}. Leave that out, or take another optimizer, such as adam."
        )
    dropout = network.dropout
    if any(dropout if isinstance(dropout, tuple) else (dropout,)):
        raise RequestError(
            f"{recipe.optimizer} needs a cost that stays the same, and dropout changes it in every step. "
            "Set dropout to 0, or take another optimizer, such as adam."
        )


class _Enough(Exception):
    """Ends a search that is not ours from inside its callback."""


def _minimize(engine: Engine, training: Examples, watch: Watch) -> None:
    """An optimiser that drives itself over the whole cost; each of its iterations counts as an epoch."""
    minimize = engine.optimizer.minimize
    assert minimize is not None
    require_whole_cost(engine.network, engine.recipe)

    def at(theta: Any) -> Any:
        return engine.start(theta.astype(engine.network.dtype)).theta

    def cost_and_gradient(theta: Any) -> tuple[float, Any]:
        J, dtheta = engine.gradient(at(theta), training)
        return J, np.asarray(dtheta, np.float64)

    def on_iteration(theta: Any, J: float) -> None:
        if not (isfinite(J) and np.isfinite(theta).all()):
            raise _diverged(watch, 0.0)
        done = watch.now.state.step + 1
        state = watch.now.state._replace(theta=at(theta), step=done, updates=done, rate=0.0)
        watch.epoch_ends(state, J)
        watch.moved(state, good=state.theta)
        if watch.history.stopped or _stops(engine, watch):
            raise _Enough

    theta = np.asarray(engine.to_numpy(watch.now.state.theta), np.float64)
    with contextlib.suppress(_Enough), np.errstate(all="ignore"):  # what overflows shows in J
        J, dtheta = cost_and_gradient(theta)
        if not (isfinite(J) and np.isfinite(dtheta).all()):
            raise _diverged(watch, 0.0)
        found = minimize(cost_and_gradient, theta, engine.recipe.epochs, engine.recipe.tol, on_iteration)
        watch.history.stopped = f"{'converged' if found.converged else 'not converged'}: {found.why}"


def _diverged(watch: Watch, rate: float) -> Diverged:
    """The error for a run whose cost is not finite; rate 0 for an optimiser that has none."""
    epoch = len(watch.history) + 1
    watch.history.stopped = f"diverged in epoch {epoch}"
    at, advice = "", "Check the columns and the weights for extreme values."
    if rate:
        at = f" (learning rate {rate:g})"
        advice = f"Try a learning rate ten times lower, or limit the gradient with clip_norm=1. {advice}"
    return Diverged(
        f"the cost stopped being finite in epoch {epoch}{at}. {advice}",
        *watch.last_good(),
        watch.history,
    )
