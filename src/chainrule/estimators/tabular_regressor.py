"""TabularRegressor: an ensemble of small networks, without a choice to make."""

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import Interval

from chainrule.data.folds import strata_of_numbers
from chainrule.errors import RequestError
from chainrule.estimators import number_targets
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.estimators.tabular import TabularEstimator
from chainrule.estimators.tabular_model import ensemble_of_numbers, several_targets
from chainrule.formulas.losses import LOSSES

if TYPE_CHECKING:
    from chainrule.ensemble import Ensemble

LOSSES_OF_TABLES = ("half_squared_error", "quantiles")


class TabularRegressor(RegressorMixin, TabularEstimator):
    """Numbers of rows of a table, by an ensemble of small networks that are trained side by side.

    preset                 "fast", "default" or "best": how much is tried, see ``chainrule.packs.presets``
    loss                   "squared_error", or quantiles of one target such as "quantiles(0.1, 0.5, 0.9)"
    margin                 predictions stay within the range of the training targets, and so much of it beyond on either
                           side; None for no bounds
    metric                 by what the ensemble is chosen: a row of METRICS, such as "mae"; None for the loss
    max_time, categorical_features, random_state, threads   as of TabularClassifier

    Attributes: as of TabularClassifier.

    >>> import numpy as np
    >>> x = np.linspace(-3, 3, 200)[:, None]
    >>> model = TabularRegressor(random_state=0).fit(x, np.sin(x[:, 0]))
    >>> bool(abs(model.predict([[1.5]])[0] - np.sin(1.5)) < 0.1)
    True
    """

    _y_numeric = True
    _parameter_constraints = TabularEstimator._parameter_constraints | {
        "loss": [str],
        "margin": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        loss: str = "squared_error",
        margin: float | None = 0.0,
        metric: str | None = None,
        max_time: float | None = None,
        categorical_features: Any = "from_dtype",
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
    ) -> None:
        self.preset = preset
        self.loss = loss
        self.margin = margin
        self.metric = metric
        self.max_time = max_time
        self.categorical_features = categorical_features
        self.random_state = random_state
        self.threads = threads

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (m,), or (m, n_outputs) of several targets or quantiles."""
        y = self._A_L(X) * self._scale + self._shift
        if self._bounds is not None:
            y = np.clip(y, *self._bounds)
        return number_targets.answers(y)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2; with several quantiles of the one nearest to the median."""
        return number_targets.score(y, self.predict(X), sample_weight, LOSSES.make(self._loss_spec(), np))

    def _ensemble(self, target: str) -> "Ensemble":
        if self._targets > 1:
            raise several_targets(f"has {self._targets} targets")
        bounds = None if self._bounds is None else [ends[0] for ends in self._bounds]
        return ensemble_of_numbers(self.networks_, self._encoder, target, self._shift[0], self._scale[0], bounds)

    def _learned_targets(self, y: np.ndarray) -> np.ndarray:
        self._targets = 1 if y.ndim == 1 else y.shape[1]
        return number_targets.targets(y, self.loss).astype(np.float64)

    def _standardized(self, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        some, w = Y[weight > 0.0], weight[weight > 0.0]
        low, high = some.min(axis=0), some.max(axis=0)
        beyond = None if self.margin is None else self.margin * (high - low)
        self._bounds = None if beyond is None else (low - beyond, high + beyond)
        self._shift = np.average(some, axis=0, weights=w)
        spread = np.sqrt(np.average((some - self._shift) ** 2, axis=0, weights=w))
        self._scale = np.where((high > low) & (spread > 0.0), spread, 1.0)
        return (Y - self._shift) / self._scale

    def _strata(self, Y: np.ndarray) -> np.ndarray:
        return strata_of_numbers(Y[:, 0])

    def _loss_spec(self) -> str:
        spec = number_targets.loss_spec(ParameterNames(), self.loss)
        if LOSSES.name(spec) not in LOSSES_OF_TABLES:
            raise RequestError(f"loss must be 'squared_error', or such as 'quantiles(0.1, 0.9)', not {self.loss!r}.")
        return spec
