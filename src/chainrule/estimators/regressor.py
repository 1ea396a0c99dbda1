"""MLPRegressor: scikit-learn's, with what it lacks."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.estimators.base import BaseMLP, partial_fit_available
from chainrule.formulas.losses import LOSSES, Loss


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron that predicts numbers: scikit-learn's MLPRegressor, faster, with what its users miss.

    Cost of a step:  J = sum_i w_i loss_i / S + alpha / (2 S) sum over weights w^2,  S = sum_i w_i;  loss_i is summed
    over the outputs.

    The parameters of ``sklearn.neural_network.MLPRegressor`` have its names, order, defaults and meaning. Beyond it
    ``loss`` may be any row of the losses for numbers ("absolute_error", "huber(delta=1.5)", "quantile(0.9)",
    "quantiles(0.1, 0.5, 0.9)", "gamma", "tweedie(power=1.3)") or a function of one's own in the form of a row. With
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

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
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
        dropout: Any = 0.0,
        l1: float = 0.0,
        alpha_mode: str = "by_examples",
        clip_norm: float | None = None,
        initializer: str | None = None,
        scoring: Any = None,
        callbacks: Any = (),
        max_time: float | None = None,
        checkpoint: Any = None,
        resume: bool = False,
        categorical_features: Any = "from_dtype",
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """One pass over some rows. Parameters set since the last call hold from here on: see MLPClassifier."""
        return self._partial_fit(X, y, sample_weight)

    _y_numeric = True

    def _targets(self, y: Any, incremental: bool) -> Any:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        Y = self._checked(np.asarray(y).reshape(len(y), -1), "y")
        if self._levels and Y.shape[1] > 1:
            raise RequestError(f"loss {self.loss!r} predicts quantiles of one target, and y has {Y.shape[1]} columns.")
        return np.repeat(Y, len(self._levels), axis=1) if self._levels else Y

    def _known_targets(self, y: Any) -> Any:
        Y = self._checked(np.asarray(y, np.float64).reshape(len(y), -1), "y_val")
        levels = _levels(LOSSES.make(self._network.loss, np, functions=self._functions))
        if levels and Y.shape[1] == 1:
            return np.repeat(Y, len(levels), axis=1)
        if Y.shape[1] != self.n_outputs_:
            raise RequestError(f"y_val has {Y.shape[1]} columns, and y has {self.n_outputs_}: give as many.")
        return Y

    def _checked(self, Y: Any, name: str) -> Any:
        """Y. RequestError: a number that the loss is not defined for."""
        names = translation.ParameterNames()
        spec = self._loss_spec(names)
        row = LOSSES.make(spec, np, functions=names.functions)
        outside = (row.lowest > Y) | (row.highest < Y) | np.isin(Y, row.excluded)
        if outside.any():
            i, k = (int(v) for v in np.unravel_index(outside.argmax(), Y.shape))
            least = f"above {row.lowest:g}" if row.lowest in row.excluded else f"from {row.lowest:g} on"
            raise RequestError(
                f"loss {self.loss!r} takes targets {least}, and {name} is {Y[i, k]:g} in row {i}. Choose another loss, "
                "or leave such rows out."
            )
        return Y

    def _loss_spec(self, names: translation.ParameterNames) -> str:
        spec = names.spec(LOSSES, self.loss)
        if LOSSES.make(spec, np, functions=names.functions).task != "regression":
            raise RequestError(f"loss {spec} is for classification: use MLPClassifier, or another loss.")
        return spec

    @property
    def _levels(self) -> list[float]:
        """The quantiles that are asked for; none for another loss."""
        names = translation.ParameterNames()
        row = LOSSES.make(names.spec(LOSSES, self.loss), np, functions=names.functions)
        if row.one_target and not row.levels:
            raise RequestError(f"loss {self.loss!r} needs its numbers here, such as 'quantiles(0.1, 0.5, 0.9)'.")
        return _levels(row)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2 of the predictions, with several quantiles of the one nearest to the median."""
        return float(r2_score(y, self._scored(self.predict(X)), sample_weight=sample_weight))

    def _scored(self, predicted: Any) -> Any:
        # of the fit: the parameter may be another by now
        levels = _levels(LOSSES.make(self._network.loss, np, functions=self._functions))
        if not levels:
            return predicted
        return predicted.reshape(len(predicted), -1)[:, int(np.abs(np.array(levels) - 0.5).argmin())]

    def _require_class_weight(self) -> None:
        """There is none: numbers have no classes."""

    def _class_weights(self, Y: Any, weight: Any) -> Any:
        return None

    def _answers(self, A_L: Any) -> Any:
        return A_L[:, 0] if A_L.shape[1] == 1 else A_L

    def _score_answers(self, y: Any, A_L: Any, weight: Any) -> float:
        return float(r2_score(y, self._scored(self._answers(A_L)), sample_weight=weight))


def _levels(loss: Loss) -> list[float]:
    """The quantiles of one target, an output each; none of another loss."""
    return list(loss.levels) if loss.one_target else []
