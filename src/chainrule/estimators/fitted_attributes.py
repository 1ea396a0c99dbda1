"""The attributes that a fit leaves behind, and what it tells the user."""

from dataclasses import replace
from math import inf, isfinite, nan

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.errors import warn_caller
from chainrule.estimators import translation
from chainrule.estimators.callbacks import say
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.parameter_views import set_theta
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.training import Diverged, Fit


def begin(estimator: Estimator, network: Network, functions: Functions, first: bool) -> None:
    """The attributes before the first epoch; unless it is the ``first`` fit, training goes on from coefs_."""
    if not first:  # nothing is changed before it is known that the parameters fit
        shapes = [np.shape(c) for c in estimator.coefs_]
        wanted = list(zip(network.n, network.n[1:], strict=False))
        if shapes != wanted:
            raise ValueError(
                f"training goes on from coefs_ of the shapes {shapes}, and now {wanted} are asked for: keep "
                "hidden_layer_sizes and the number of outputs, or make a new estimator."
            )
        single = all(np.asarray(c).dtype == np.float32 for c in estimator.coefs_)
        network = replace(network, dtype="float32" if single else "float64")
    estimator._network, estimator._functions = network, functions
    estimator.n_outputs_ = network.n[-1]
    estimator.n_layers_ = len(network.n)
    estimator.out_activation_ = translation.out_activation(network.loss, functions)
    if first:
        for name in ("coefs_", "intercepts_", "_views"):
            vars(estimator).pop(name, None)
        _begin_records(estimator)


def _begin_records(estimator: Estimator) -> None:
    """The records of a training that has not begun; every method that reads one finds it."""
    stops_early = translation.stops_early(estimator)
    estimator.n_iter_ = estimator.t_ = estimator._epochs = 0
    estimator._no_improvement_count = 0
    estimator.loss_curve_ = []
    estimator.validation_loss_curve_ = []
    estimator._state = estimator._engine = None
    estimator.validation_scores_ = [] if stops_early else None
    estimator.best_validation_score_ = -inf if stops_early else None
    estimator.best_loss_ = None if stops_early else inf


def rescued(estimator: Estimator, error: Diverged) -> Fit:
    """What remains of a run whose cost was not finite: the best epoch where scores were watched."""
    if not (translation.stops_early(estimator) and error.epochs):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            f"preprocessed. ({error})"
        ) from error
    warn_caller(f"{error} The best epoch before that is kept.", ConvergenceWarning)
    return Fit(error.theta, error.history, None, 0)  # type: ignore[arg-type]


def conclude(estimator: Estimator, done: Fit) -> None:
    """The attributes after the last epoch, and what the user should be told."""
    history, minimizes = done.history, translation.minimizes(estimator)
    estimator.history_ = history
    set_theta(estimator, done.theta)
    estimator._state = None if done.state is None or minimizes else done.state._replace(theta=None)
    estimator.n_iter_ = len(history)
    if not minimizes:  # whose iterations are no epochs of a schedule
        estimator._epochs += estimator.n_iter_
    if done.state is not None:
        estimator.t_ = done.state.samples
    estimator.loss_curve_ += history.training_cost
    estimator.validation_loss_curve_ += history.validation_cost
    if estimator.loss_curve_:
        estimator.loss_ = estimator.loss_curve_[-1]
    estimator._no_improvement_count = done.waited
    if translation.stops_early(estimator):
        scores = [*(history.score or [-cost for cost in history.validation_cost])]
        if done.state is None:  # the epoch that diverged has no score
            scores.append(nan)
        estimator.validation_scores_ = [*(estimator.validation_scores_ or []), *scores]
        known = [s for s in estimator.validation_scores_ if isfinite(s)]
        estimator.best_validation_score_ = max(known, default=-inf)
    else:
        best = inf if estimator.best_loss_ is None else estimator.best_loss_
        estimator.best_loss_ = min([best, *history.training_cost])
    _tell(estimator, history.stopped)


def _tell(estimator: Estimator, stopped: str) -> None:
    """Warn where the run did not converge; say so where it did and ``verbose`` asks for it."""
    minimizes = translation.minimizes(estimator)
    if stopped == "interrupted":
        warn_caller("Training interrupted by user.")
    elif stopped.startswith("not converged") or (stopped == "all epochs done" and minimizes):
        warn_caller(
            f"{OPTIMIZERS.name(estimator.solver)} failed to converge after {estimator.n_iter_} iteration(s): "
            f"{stopped}. Increase max_iter or max_fun, or scale the data.",
            ConvergenceWarning,
        )
    elif stopped == "all epochs done":
        warn_caller(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
        )
    if estimator.verbose and "did not improve" in stopped:
        what = "Validation score" if translation.stops_early(estimator) else "Training loss"
        say(
            f"{what} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} consecutive "
            "epochs. Stopping."
        )
