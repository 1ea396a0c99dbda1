"""``partial_fit``: one pass over some rows, from where the last one ended."""

from math import inf
from typing import Any

from chainrule.engines import State, make_engine, without_effect
from chainrule.engines.origin import carried_on
from chainrule.engines.signals import ctrl_c_noted
from chainrule.errors import RequestError, warn_caller
from chainrule.estimators import translation
from chainrule.estimators.callbacks import PrintedLines
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.parameter_views import packed, set_theta
from chainrule.estimators.parameters import require_valid
from chainrule.estimators.training_rows import EncodedRows, begin_with
from chainrule.history import History, as_callbacks
from chainrule.monitoring import evaluated
from chainrule.sample_weights import require_some


def partial_fit(estimator: Estimator, X: Any, y: Any, sample_weight: Any) -> None:
    """As the method ``partial_fit``."""
    require_valid(estimator)
    if estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    if estimator.averaging is not None:
        raise RequestError(
            "partial_fit does not support averaging: the mean is over the steps of one run, and each call goes on from "
            "coefs_. Leave averaging out, or use fit."
        )
    as_callbacks(estimator.callbacks)
    training, _ = begin_with(estimator, X, y, sample_weight, incremental=True)
    _train_one_epoch(estimator, training)


def _train_one_epoch(estimator: Estimator, training: EncodedRows) -> None:
    recipe = estimator._recipe = translation.recipe(estimator)
    made_with = estimator._network, recipe, estimator._functions, estimator.threads
    if estimator._engine is None or estimator._made_with != made_with:  # to keep it saves 12 % of a call with 50 rows
        estimator._engine, estimator._made_with = make_engine(*made_with), made_with
    engine = estimator._engine
    examples = without_effect(engine, engine.examples(training.X, training.Y, training.weight))
    require_some(examples.weight, "row")
    theta = packed(estimator) if hasattr(estimator, "coefs_") else engine.start().theta
    known, estimator._state = estimator._state, None  # so that moments of a call that fails are not gone on with
    state = carried_on(engine, theta, known)
    predicted_with = evaluated(engine, state)
    if predicted_with is not state.theta:  # coefs_ are that theta; the one of the steps lies as far on the other side
        state = state._replace(theta=theta + (theta - predicted_with))
    _begin_stalls(estimator, known, state)
    epoch = recipe.epoch(examples.m)
    step, end = epoch.first(estimator._epochs), epoch.first(estimator._epochs + 1)
    state = state._replace(step=step, samples=estimator.t_, cost_sum=0.0, weight_sum=0.0)
    with ctrl_c_noted() as ctrl_c:
        state = engine.run(state, examples, step, end)
        set_theta(estimator, evaluated(engine, state))
        if state.diverged or not engine.is_finite(state.theta):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to "
                f"be preprocessed. (learning rate {state.rate:g}; try a lower one.)"
            )
        estimator._state = state._replace(theta=None, interrupted=False)
        estimator.t_ = state.samples
    if state.interrupted or ctrl_c:
        raise KeyboardInterrupt
    estimator.n_iter_ = 1
    estimator._epochs += 1
    estimator.loss_ = state.cost_sum / state.weight_sum
    estimator.loss_curve_.append(estimator.loss_)
    if estimator.verbose:
        PrintedLines().on_epoch_end(History(training_cost=estimator.loss_curve_), None)
    _note_stall(estimator, engine.schedule.on_stall)
    if state.rate == 0.0:
        warn_caller(
            f"partial_fit changed nothing: learning_rate={estimator.learning_rate!r} has ended, after max_iter="
            f"{estimator.max_iter} epochs, where the rate is 0. Take one that does not end, such as 'constant', or "
            "raise max_iter."
        )


def _begin_stalls(estimator: Estimator, known: State | None, state: State) -> None:
    """Count stalls anew where the optimiser, the network or the learning rate are others than before."""
    if known is None or known.origin is None or state.origin is None or known.origin == state.origin:
        return
    estimator._no_improvement_count = 0
    if known.origin.moments[1:] != state.origin.moments[1:]:  # costs of another function do not compare
        estimator.best_loss_ = inf


def _note_stall(estimator: Estimator, on_stall: float) -> None:
    """Count an epoch without improvement; after too many of them the learning rate is multiplied by ``on_stall``."""
    best = inf if estimator.best_loss_ is None else estimator.best_loss_
    stalled = estimator.loss_ > best - estimator.tol
    estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalled else 0
    estimator.best_loss_ = min(best, estimator.loss_)
    state = estimator._state
    if state is not None and estimator._no_improvement_count > estimator.n_iter_no_change and on_stall < 1.0:
        estimator._state = state._replace(rate_scale=state.rate_scale * on_stall)
        estimator._no_improvement_count = 0
