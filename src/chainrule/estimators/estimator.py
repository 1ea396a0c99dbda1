"""What the functions of this package work on: an estimator's parameters, what it has learned, and what its kind adds.

They take the estimator, as methods would, so that its class is scikit-learn's contract and nothing else.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.checkpoints import Checkpoint
from chainrule.engines import Engine, State
from chainrule.estimators.labels import Labels
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.formulas.table import Functions
from chainrule.history import Callback, History
from chainrule.network import Network
from chainrule.recipe import Recipe

if TYPE_CHECKING:
    from chainrule.data import Encoder

Named = str | Callable[..., Any]  # a row of a table, or a custom function in the form of a row


class Estimator(BaseEstimator):
    """An MLPClassifier or an MLPRegressor."""

    # Parameters
    hidden_layer_sizes: int | Sequence[int]
    activation: Named | Sequence[Named]
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    loss: Named
    dropout: float | Sequence[float]
    l1: float
    alpha_mode: str
    clip_norm: float | None
    averaging: float | None = None  # also of estimators that were pickled before there was one
    initializer: str | None
    scoring: Named | None
    callbacks: Callback | Sequence[Callback]
    max_time: float | None
    checkpoint: str | PathLike[str] | Checkpoint | None
    resume: bool
    categorical_features: str | Sequence[Any] | None
    missing_values: str
    threads: int | None

    # scikit-learn's attributes
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    classes_: np.ndarray
    n_features_in_: int
    n_outputs_: int
    n_layers_: int
    out_activation_: str
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float]
    history_: History

    # What else a fit leaves
    _network: Network
    _functions: Functions = MappingProxyType({})  # the user's own
    _encoder: "Encoder | None" = None
    _columns: list[str]  # that the encoder has learned from
    _labels: Labels
    _seed: int | None = None
    _recipe: Recipe | None = None
    _state: State | None = None  # without theta
    _epochs = 0  # of all calls that went on from each other
    _no_improvement_count: int
    _theta: np.ndarray
    _views: tuple[np.ndarray, ...] = ()  # of _theta
    _engine: Engine | None = None  # of the last partial_fit
    _made_with: tuple[Any, ...] | None = None  # what it was made with

    # What the two kinds know each by itself
    _counterpart: str  # the name of scikit-learn's class, also of subclasses that have names of their own
    _y_numeric: bool

    @abstractmethod
    def _targets(self, y: np.ndarray, incremental: bool) -> np.ndarray:
        """Y (m, n_outputs) from y as it was read; learns the classes where they are not known yet."""

    @abstractmethod
    def _known_targets(self, y: np.ndarray) -> np.ndarray:
        """Y of validation rows."""

    @abstractmethod
    def _loss_spec(self, names: ParameterNames) -> str:
        """The row of LOSSES. RequestError: one that does not suit the targets."""

    def _require_class_weight(self) -> None:
        """RequestError: a class_weight that cannot be right for the classes."""

    def _class_weights(self, Y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """How much each training row counts by its class, (m,); None where all count the same."""

    @abstractmethod
    def _answers(self, A_L: np.ndarray) -> np.ndarray:
        """Classes, or numbers, from the outputs of the network."""

    @abstractmethod
    def _score_answers(self, y: np.ndarray, A_L: np.ndarray, weight: np.ndarray | None) -> float:
        """Accuracy, or R2, of the outputs of the network."""

    @abstractmethod
    def _A_L(self, X: Any) -> np.ndarray:
        """The outputs of the network for rows X, (m, n_outputs)."""
