"""TabularClassifier: an ensemble of small networks, without a choice to make."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags, column_or_1d
from sklearn.utils._param_validation import StrOptions

from chainrule.errors import RequestError
from chainrule.estimators import class_targets
from chainrule.estimators.labels import Labels
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.estimators.tabular import TabularEstimator
from chainrule.estimators.tabular_model import ensemble_of_classes, several_targets
from chainrule.formulas.calibration import calibrated, fit_calibration
from chainrule.formulas.weighted import shares
from chainrule.packs import EnsembleFit

if TYPE_CHECKING:
    from chainrule.ensemble import Ensemble


class TabularClassifier(ClassifierMixin, TabularEstimator):
    """Classes of rows of a table, by an ensemble of small networks that are trained side by side.

    preset                 "fast", "default" or "best": how much is tried, see ``chainrule.packs.presets``
    class_weight           "balanced", or a weight for each class, as MLPClassifier has it
    calibrate              whether the probabilities of classes that exclude each other are calibrated, by the
                           temperature that is best on rows which the networks have not learned
    metric                 by what the ensemble is chosen: a row of METRICS, such as "roc_auc"; None for log-loss
    max_time               seconds after which training ends with the best ensemble so far; None for no limit. Only this
                           looks at the clock: without it the same seed gives the same bits on any machine
    categorical_features   as of MLPClassifier
    random_state           of the parts of the rows, initial weights, orders and dropout
    threads                at most so many networks at once; None for what the machine offers. It changes no bit

    Attributes: ``classes_``, ``networks_`` (of the ensemble, with theta, history and share), ``validation_loss_``,
    ``n_iter_`` (epochs of the pack), ``n_features_in_``, ``feature_names_in_``.

    >>> X = {"dose": [1.0, 2.0, 3.0, 4.0] * 20, "sex": ["f", "m", "m", "f"] * 20}
    >>> import pandas as pd
    >>> model = TabularClassifier(random_state=0).fit(pd.DataFrame(X), ["no", "no", "yes", "yes"] * 20)
    >>> model.predict(pd.DataFrame({"dose": [1.0, 4.0], "sex": ["f", "m"]})).tolist()
    ['no', 'yes']
    """

    classes_: np.ndarray
    _labels: Labels
    _y_numeric = False
    _parameter_constraints = TabularEstimator._parameter_constraints | {
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "calibrate": ["boolean"],
    }
    _calibration: tuple[float, float] | None
    _class_shares: np.ndarray

    def __init__(
        self,
        preset: str = "default",
        *,
        class_weight: str | Mapping[Any, float] | list[Mapping[int, float]] | None = None,
        calibrate: bool = False,
        metric: str | None = None,
        max_time: float | None = None,
        categorical_features: Any = "from_dtype",
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
    ) -> None:
        self.preset = preset
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.metric = metric
        self.max_time = max_time
        self.categorical_features = categorical_features
        self.random_state = random_state
        self.threads = threads

    def predict(self, X: Any) -> Any:
        """The likeliest class of each row, (m,); in multi-label the indicator, (m, K)."""
        A_L = self._A_L(X)
        return self._labels.decode(A_L)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (m, K), in the order of ``classes_``; in multi-label of each by itself."""
        P = self._probabilities(self._A_L(X))
        return P if self._calibration is None else calibrated(P.T, *self._calibration).T

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of ``predict_proba``, (m, K)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _ensemble(self, target: str) -> "Ensemble":
        if self._labels.multilabel:
            raise several_targets(f"is multi-label, with {len(self.classes_)} labels")
        learned = self._labels, self._class_shares, self._calibration
        return ensemble_of_classes(self.networks_, self._encoder, target, *learned)

    def _probabilities(self, A_L: np.ndarray) -> np.ndarray:
        """Before they are calibrated."""
        if A_L.shape[1] == 1:
            return np.column_stack([1 - A_L, A_L])
        return A_L if self._labels.multilabel else A_L / A_L.sum(axis=1, keepdims=True)

    def _standardized(self, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if not self._labels.multilabel:
            self._class_shares = shares(self._labels.codes_of_targets(Y)[0], len(self.classes_), weight)
        return Y

    def _learn_from_validation(self, found: EnsembleFit, Y: np.ndarray, weight: np.ndarray) -> None:
        self._calibration = None
        if self.calibrate and len(self.classes_) > 1:
            P = self._probabilities(found.predictions)
            self._calibration = fit_calibration(P.T, self._labels.codes_of_targets(Y)[0], weight)

    def _learned_targets(self, y: np.ndarray) -> np.ndarray:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._labels = Labels.fit(y)
        self.classes_ = self._labels.classes
        self._labels.require_class_weight(self.class_weight)
        if self.calibrate and self._labels.multilabel:
            raise RequestError("calibrate=True is for classes that exclude each other, and these labels do not.")
        return self._labels.encode(y).astype(np.float64)

    def _strata(self, Y: np.ndarray) -> np.ndarray:
        return np.unique(Y, axis=0, return_inverse=True)[1].reshape(-1)

    def _loss_spec(self) -> str:
        return class_targets.loss_spec(self._labels, ParameterNames(), "log_loss")

    def _row_weights(self, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        by_class = self._labels.weights(self.class_weight, Y, weight)
        return weight if by_class is None else weight * by_class

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
