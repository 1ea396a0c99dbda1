"""Training: epochs of an engine until they are all done, nothing improves, or someone has seen enough.

``fit`` checks what it is asked and makes a ``Run``, which reads from top to bottom.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from reprlib import repr as short
from typing import Any, NamedTuple

from chainrule.arguments import instance
from chainrule.engines import Engine, State, without_effect
from chainrule.engines.checks import require_examples
from chainrule.engines.signals import ctrl_c_answered, ctrl_c_noted, sigterm_as_ctrl_c
from chainrule.errors import RequestError, RunError
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.history import Callback, History, as_callbacks
from chainrule.monitoring import Monitor, evaluated
from chainrule.network import Parameters
from chainrule.sources import Examples
from chainrule.whole_cost import minimize, require_whole_cost

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


def fit(
    engine: Engine,
    training: Examples,
    validation: Examples | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    theta: Any | None = None,
    score: Callable[[Any], float] | None = None,
    samples: int = 0,
    checkpoint: "Keeper | None" = None,
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
    if checkpoint is not None and not hasattr(checkpoint, "begin"):
        raise RequestError(f"checkpoint must be a Checkpoint, such as Checkpoint('run.ckpt'), not {short(checkpoint)}.")
    callbacks = as_callbacks(callbacks)
    run = Run.of(engine, training, validation, callbacks, theta, score, samples, checkpoint)
    keeper, minimizes = run.keeper, engine.optimizer.minimize is not None
    if minimizes and checkpoint:
        raise RequestError(
            f"{OPTIMIZERS.name(engine.recipe.optimizer)} does not expose its state, so a run of it cannot be resumed: "
            "leave the checkpoint out, or use another optimizer, such as adam."
        )
    if minimizes:
        require_whole_cost(engine.network, engine.recipe)
    with ctrl_c_answered(), sigterm_as_ctrl_c() if checkpoint else contextlib.nullcontext():
        keeper.begin(run)
        try:
            if minimizes:
                run.minimize()
            else:
                run.train()
            keeper.keep(run)
        except KeyboardInterrupt:
            run.interrupt()
            with ctrl_c_noted():  # a second one does not keep it from being kept
                keeper.keep(run)
    return run.outcome()


class RunState(NamedTuple):
    """Where a run stands between two steps: with the history of its first ``epochs``, all that it takes to go on.
    It is replaced as a whole, so that whatever interrupts finds one or the other.

    state            of the engine
    epochs           that have ended, with their curves
    epochs_notified  how many of them the callbacks were notified of without stopping the run
    waited           how many epochs ago the last improvement was
    best             the theta with the best value of the monitor, as a NumPy array, where it is kept
    best_value       that value, negated where more is better
    best_epoch       the epoch that had it
    good             a theta, as a NumPy array, whose cost is known to be finite
    good_epochs      how many epochs made it
    """

    state: State
    epochs: int = 0
    epochs_notified: int = 0
    waited: int = 0
    best: Any = None
    best_value: float = inf
    best_epoch: int = 0
    good: Any = None
    good_epochs: int = 0


@dataclass(eq=False)
class Run:
    """One training run, from where it stands until something ends it.

    given     the rows to learn from and those to be watched on, as they came; ``training``: the first, without those
              that cannot count
    history   the curves so far, and in the end why it ended
    now       where it stands
    """

    engine: Engine
    given: tuple[Examples, Examples | None]
    training: Examples
    monitor: Monitor
    callbacks: Sequence[Callback]
    keeper: "Keeper"
    history: History
    now: RunState
    _parameters: Parameters | None = field(default=None, init=False)

    @classmethod
    def of(
        cls,
        engine: Engine,
        training: Examples,
        validation: Examples | None = None,
        callbacks: Sequence[Callback] = (),
        theta: Any | None = None,
        score: Callable[[Any], float] | None = None,
        samples: int = 0,
        keeper: "Keeper | None" = None,
    ) -> "Run":
        """A run that has not begun; see ``fit``. RequestError: what it is asked cannot be right."""
        if not hasattr(engine, "run") or not hasattr(engine, "network"):
            raise RequestError(f"engine must come from make_engine(network, recipe), not {short(engine)}.")
        for name, rows in {"training": training, "validation": training if validation is None else validation}.items():
            require_examples(instance(name, rows, Examples, "rows as engine.examples(X, Y) gives them"), engine.network)
        if score is not None and not callable(score):
            raise RequestError(f"score must be a function of theta, not {short(score)}.")
        begin = engine.start(theta)._replace(samples=samples)
        counting = without_effect(engine, training, "training row")
        monitor = Monitor(engine, counting, validation and without_effect(engine, validation, "validation row"), score)
        now = RunState(begin, good=engine.to_numpy(evaluated(engine, begin)))
        history = History(monitor=monitor.name)
        return cls(engine, (training, validation), counting, monitor, callbacks, keeper or Keeper(), history, now)

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.now.state.step

    @property
    def position(self) -> tuple[Any, ...]:
        """The objects that are others as soon as it stands elsewhere."""
        return (self.now,)

    def train(self) -> None:
        """Epochs of first-order steps."""
        self._notify()  # of the epoch at which the run before this one ended, where they stopped it or were not told
        while not self.is_over():
            self.epoch()

    def epoch(self) -> None:
        """The steps of an epoch, or what is left of them. Diverged; KeyboardInterrupt, where Ctrl-C is noted."""
        state = self._steps()
        self._end_epoch(state, state.cost_sum / state.weight_sum)

    def minimize(self) -> None:
        """An optimiser that drives itself over the whole cost: each of its iterations counts as an epoch."""

        def is_over(state: State, J: float) -> bool:
            self._end_epoch(state, J, good=self.engine.to_numpy(evaluated(self.engine, state)))
            return self.is_over()

        why = minimize(self.engine, self.training, self.now.state, is_over)
        self.history.stopped = self.history.stopped or why

    def _steps(self) -> State:
        """The state after the steps of an epoch; some of them may be done already."""
        engine, now, state = self.engine, self.now, self.now.state
        epoch = engine.recipe.epoch(self.training.m)
        first, end = epoch.first(now.epochs), epoch.first(now.epochs + 1)
        known = begun_with = now.good, now.good_epochs
        if state.step == first:
            state = state._replace(cost_sum=0.0, weight_sum=0.0)
            if now.best is None and now.good_epochs < now.epochs:  # else there is a theta to fall back on
                begun_with = engine.to_numpy(evaluated(engine, state)), now.epochs
        while state.step < end:
            with ctrl_c_noted() as ctrl_c:  # so that the state that is kept is the one its arrays belong to
                state = engine.run(state, self.training, state.step, self.keeper.pause(state.step, end))
                good, good_epochs = begun_with if state.step > first else known  # the first step's cost was finite
                stood = state._replace(interrupted=False) if state.interrupted else state
                self.now = now._replace(state=stood, good=good, good_epochs=good_epochs)
            if state.interrupted or ctrl_c:
                raise KeyboardInterrupt
            if state.diverged:
                raise self.diverge()
            if state.step < end:
                self.keeper.paused(self)
        return state

    def _end_epoch(self, state: State, training_cost: float, good: Any = None) -> None:
        """Note its costs, keep theta where it is the best so far, tell the callbacks, let the keeper look at the time.

        ``good``: the theta of the epoch, where it has this very cost.
        """
        history, now, theta = self.history, self.now, evaluated(self.engine, state)
        if state.diverged or not self.engine.is_finite(state.theta):
            raise self.diverge()
        history.training_cost.append(training_cost)
        history.learning_rate.append(state.rate)
        value = self.monitor.note(history, theta)
        epochs = len(history)
        waited = 0 if value < now.best_value - self.engine.recipe.tol else now.waited + 1
        best = now.best, now.best_value, now.best_epoch
        if value < now.best_value:
            history.best_epoch = epochs
            best = self.engine.to_numpy(theta) if history.keeps_best else None, value, epochs
        known = (now.good, now.good_epochs) if good is None else (good, epochs)
        self.now = RunState(state, epochs, now.epochs_notified if self.callbacks else epochs, waited, *best, *known)
        self._notify()
        self.keeper.paused(self)

    def _notify(self) -> None:
        """Tell the callbacks of the last epoch; where one of them stops the run, it stays untold."""
        if self.now.epochs_notified == self.now.epochs:
            return
        theta = evaluated(self.engine, self.now.state)
        if self._parameters is None or self._parameters.theta is not theta:  # an engine may move theta on in place
            self._parameters = Parameters(self.engine.network, theta, self.engine.xp)
        answers = [callback.on_epoch_end(self.history, self._parameters) for callback in self.callbacks]
        if not any(answers):
            self.now = self.now._replace(epochs_notified=self.now.epochs)

    def is_over(self) -> bool:
        """Whether the run ends after this epoch, and why; a stall may lower the rate instead."""
        history, recipe, schedule = self.history, self.engine.recipe, self.engine.schedule
        now, state = self.now, self.now.state
        if now.epochs_notified < now.epochs:
            history.stopped = "a callback stopped it"
        elif now.epochs >= recipe.epochs:
            history.stopped = "all epochs done"
        elif recipe.patience is not None and now.waited > recipe.patience:
            if state.rate <= schedule.least:
                what = history.monitor.replace("_", " ")
                history.stopped = f"{what} did not improve by {recipe.tol:g} in {now.waited} epochs"
            else:
                self.now = now._replace(state=state._replace(rate_scale=state.rate_scale * schedule.on_stall), waited=0)
        return bool(history.stopped)

    def diverge(self) -> Diverged:
        """The end of a run whose cost or theta is not finite: with its best theta, or else the last good one."""
        self.now = self.now._replace(state=self.now.state._replace(diverged=True))  # also where theta alone is not
        now, epoch = self.now, len(self.history) + 1
        self.history.stopped = f"diverged in epoch {epoch}"
        at, advice = "", "Check the columns and the weights for extreme values."
        if self.engine.optimizer.minimize is None:
            at = f" (learning rate {self.engine.learning_rate:g})"
            advice = f"Try a learning rate ten times lower, or clip the gradient with clip_norm=1. {advice}"
        kept = (now.good, now.good_epochs) if now.best is None else (now.best, now.best_epoch)
        return Diverged(f"the cost stopped being finite in epoch {epoch}{at}. {advice}", *kept, self.history)

    def interrupt(self) -> None:
        """End it where it stands: between two steps, with what is noted of the epochs that ended."""
        self.go_on(self.now, self.history.curves(self.now.epochs))
        self.history.stopped = "interrupted"

    def outcome(self) -> Fit:
        """With the best theta where it is kept, else the last."""
        now = self.now
        theta = self.engine.to_numpy(evaluated(self.engine, now.state)) if now.best is None else now.best
        return Fit(theta, self.history, now.state, now.waited)

    def go_on(self, saved: RunState, curves: Mapping[str, list[float]]) -> None:
        """Stand where a run stood, with the curves that it had noted."""
        for name, curve in curves.items():
            getattr(self.history, name)[:] = curve
        self.history.best_epoch = saved.best_epoch
        self.now = saved


class Keeper:
    """Keeps nothing of a run, and never makes it pause: see ``chainrule.Checkpoint`` for one that keeps it.

    What is said of a run here holds for a pack of them too, see ``chainrule.packs``, which pauses between two rounds.
    """

    def begin(self, run: Any) -> None:
        """Before the first step: bring the run to where one before it stood, or keep where it begins."""

    def pause(self, step: int, end: int) -> int:
        """The step before which the run that stands at ``step`` is to pause, at most ``end``."""
        return end

    def paused(self, run: Any) -> None:
        """Between two steps, or two epochs: keep where the run stands, if it is time to."""

    def keep(self, run: Any) -> None:
        """Keep where the run stands."""
