"""MLPRegressor: scikit-learn's, with what it lacks."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from chainrule.checkpoints import Checkpoint
from chainrule.estimators import number_targets
from chainrule.estimators.base import BaseMLP, partial_fit_available
from chainrule.estimators.estimator import Named
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.estimators.partial_fitting import partial_fit
from chainrule.formulas.losses import Loss
from chainrule.history import Callback


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron that predicts numbers: scikit-learn's MLPRegressor, faster, with what its users miss.

    Cost of a step:  J = sum_i w_i loss_i / S + alpha / (2 S) sum over weights w^2,  S = sum_i w_i;  loss_i is summed
    over the outputs.

    The parameters of ``sklearn.neural_network.MLPRegressor`` have its names, order, defaults and meaning. Beyond it
    ``loss`` may be any row of the losses for numbers ("absolute_error", "huber(delta=1.5)", "quantile(0.9)",
    "quantiles(0.1, 0.5, 0.9)", "gamma", "tweedie(power=1.3)") or a custom function in the form of a row. With
    "quantiles" a single target gets one prediction for each, (m, K), none of which cross. For the other parameters see
    MLPClassifier; ``class_weight`` is for classes only.

    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=0)
    >>> model = MLPRegressor("huber", (16,), learning_rate_init=0.01, random_state=0, max_iter=1000)
    >>> model.fit(X, y / 100).score(X, y / 100) > 0.9
    True

    Source: scikit-learn 1.9, sklearn.neural_network; the equations are those of ``chainrule.formulas``.
    """

    _counterpart = "MLPRegressor"
    _y_numeric = True

    def __init__(
        self,
        loss: Named = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Named | Sequence[Named] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        l1: float = 0.0,
        alpha_mode: str = "by_examples",
        clip_norm: float | None = None,
        averaging: float | None = None,
        initializer: str | None = None,
        scoring: Named | None = None,
        callbacks: Callback | Sequence[Callback] = (),
        max_time: float | None = None,
        checkpoint: str | PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        categorical_features: str | Sequence[Any] | None = "from_dtype",
        missing_values: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.l1 = l1
        self.alpha_mode = alpha_mode
        self.clip_norm = clip_norm
        self.averaging = averaging
        self.initializer = initializer
        self.scoring = scoring
        self.callbacks = callbacks
        self.max_time = max_time
        self.checkpoint = checkpoint
        self.resume = resume
        self.categorical_features = categorical_features
        self.missing_values = missing_values
        self.threads = threads

    @partial_fit_available
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One pass over some rows. Parameters set since the last call hold from here on: see MLPClassifier."""
        partial_fit(self, X, y, sample_weight)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2 of the predictions, with several quantiles of the one nearest to the median."""
        return number_targets.score(y, self.predict(X), sample_weight, self._fitted_loss)

    @property
    def _fitted_loss(self) -> Loss:
        return number_targets.fitted_loss(self._network, self._functions)

    def _targets(self, y: Any, incremental: bool) -> np.ndarray:
        return number_targets.targets(y, self.loss)

    def _known_targets(self, y: Any) -> np.ndarray:
        return number_targets.known_targets(y, self.loss, self._network, self._functions)

    def _loss_spec(self, names: ParameterNames) -> str:
        return number_targets.loss_spec(names, self.loss)

    def _answers(self, A_L: np.ndarray) -> np.ndarray:
        return number_targets.answers(A_L)

    def _score_answers(self, y: Any, A_L: np.ndarray, weight: np.ndarray | None) -> float:
        return number_targets.score(y, self._answers(A_L), weight, self._fitted_loss)
