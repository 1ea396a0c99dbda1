"""The attributes that a fit leaves behind, and what it tells the user."""

from math import inf, isfinite, nan
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from chainrule.errors import warn_caller
from chainrule.estimators import translation
from chainrule.estimators.callbacks import say
from chainrule.estimators.parameter_views import Holding
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.training import Diverged, Fit


class Recording(Holding):
    """What is recorded before the first epoch and after the last."""

    max_iter: int
    tol: float
    verbose: Any
    n_iter_no_change: float
    best_loss_: float | None
    validation_scores_: list[float] | None
    _epochs: int
    _no_improvement_count: int
    solver: str
    early_stopping: bool
    loss_curve_: list[float]
    validation_loss_curve_: list[float]

    @property
    def _minimizes(self) -> bool:
        return translation.minimizes(self)

    @property
    def _stops_early(self) -> bool:
        """early_stopping, which lbfgs passes over, as in scikit-learn."""
        return self.early_stopping and not self._minimizes

    def _begin_records(self) -> None:
        """The records of a training that has not begun; every method that reads one finds it."""
        self.n_iter_ = self.t_ = self._epochs = 0
        self._no_improvement_count = 0
        self.loss_curve_ = []
        self.validation_loss_curve_ = []
        self._state = self._engine = None
        self.validation_scores_ = [] if self._stops_early else None
        self.best_validation_score_: Any = -inf if self._stops_early else None
        self.best_loss_ = None if self._stops_early else inf

    def _diverged(self, error: Diverged) -> Fit:
        """What remains of a run whose cost was not finite: the best epoch where scores were watched."""
        if not (self._stops_early and error.epochs):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                f"preprocessed. ({error})"
            ) from error
        warn_caller(f"{error} The best epoch before that is kept.", ConvergenceWarning)
        return Fit(error.theta, error.history, None, 0)  # type: ignore[arg-type]

    def _conclude(self, done: Fit) -> None:
        """The attributes after the last epoch, and what the user should be told."""
        history = done.history
        self.history_ = history
        self._set_theta(done.theta)
        self._state = None if done.state is None or self._minimizes else done.state._replace(theta=None)
        self.n_iter_ = len(history)
        if not self._minimizes:  # whose iterations are no epochs of a schedule
            self._epochs += self.n_iter_
        if done.state is not None:
            self.t_ = done.state.samples
        self.loss_curve_ += history.training_cost
        self.validation_loss_curve_ += history.validation_cost
        if self.loss_curve_:
            self.loss_ = self.loss_curve_[-1]
        self._no_improvement_count = done.waited
        if self._stops_early:
            scores = [*(history.score or [-cost for cost in history.validation_cost])]
            if done.state is None:  # the epoch that diverged has no score
                scores.append(nan)
            self.validation_scores_ = [*(self.validation_scores_ or []), *scores]
            known = [s for s in self.validation_scores_ if isfinite(s)]
            self.best_validation_score_ = max(known, default=-inf)
        else:
            self.best_loss_ = min([inf if self.best_loss_ is None else self.best_loss_, *history.training_cost])
        if history.stopped == "interrupted":
            warn_caller("Training interrupted by user.")
        elif history.stopped.startswith("not converged") or (history.stopped == "all epochs done" and self._minimizes):
            warn_caller(
                f"{OPTIMIZERS.name(self.solver)} failed to converge after {self.n_iter_} iteration(s): "
                f"{history.stopped}. Increase max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
            )
        elif history.stopped == "all epochs done":
            warn_caller(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
            )
        if self.verbose and "did not improve" in history.stopped:
            what = "Validation score" if self._stops_early else "Training loss"
            say(
                f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs. "
                "Stopping."
            )
