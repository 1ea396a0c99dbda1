"""What both estimators are to scikit-learn: fit and predict, tags and pickles around a network."""

from functools import cache, lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from chainrule.engines import Engine, make_engine
from chainrule.estimators.fitting import Fitting
from chainrule.estimators.from_weights import FromWeights
from chainrule.estimators.input_validation import dense, read_X
from chainrule.estimators.inspection import Looking
from chainrule.estimators.parameters import CONSTRAINTS
from chainrule.estimators.sklearn_conversion import Exchange
from chainrule.estimators.to_model import AsModel
from chainrule.network import Network
from chainrule.recipe import Recipe

ROWS = 4096  # of a sparse matrix that are made dense at a time for a prediction


@lru_cache(maxsize=32)
def predictor(network: Network, functions: tuple[tuple[str, Any], ...], threads: int | None) -> Engine:
    """An engine to predict with; estimators of one description share it."""
    return make_engine(network, Recipe(), dict(functions), threads)


def _is_stochastic(estimator: Any) -> bool:
    if estimator._minimizes:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The parameters of an estimator: scikit-learn reads the signature each time."""
    return tuple(kind._get_param_names())  # type: ignore[attr-defined]


# Settings that were found right before, of plain values alone: looking at forty of them takes longer than a small fit.
_RIGHT: set[tuple[Any, ...]] = set()
_MOST_RIGHT = 256
_PLAIN = (str, int, float, bool, type(None))


class BaseMLP(Looking, Exchange, FromWeights, AsModel, Fitting, BaseEstimator):
    """See MLPClassifier and MLPRegressor."""

    _parameter_constraints = CONSTRAINTS

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train on rows X (m, n_features) with targets y, (m,) or (m, n_outputs).

        sample_weight   (m,) how much each row counts; the cost is their weighted mean. A row of weight 2 is two rows,
                        in what is learnt of the columns of a data frame too; nothing is learnt from one of weight 0,
                        though its class is one of ``classes_``. What is held out is drawn by row
        X_val, y_val, sample_weight_val   rows to watch: their cost is noted after each epoch, and with
                        ``early_stopping`` they take the place of the ones that are held out of X

        ValueError: input or parameters that cannot be right, and a cost that stops being finite.
        """
        self._validate_params()
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def _validate_params(self) -> None:
        given = [vars(self).get(name) for name in _names(type(self))]
        plain = all(type(v) in _PLAIN or (type(v) is tuple and all(type(u) in _PLAIN for u in v)) for v in given)
        settings = (type(self), *((type(v), v) for v in given)) if plain else ()
        if settings and settings in _RIGHT:
            return
        super()._validate_params()
        if settings:
            if len(_RIGHT) >= _MOST_RIGHT:
                _RIGHT.clear()
            _RIGHT.add(settings)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Any:
        """Classes, or numbers, of rows X (m, n_features)."""
        check_is_fitted(self)
        return self._answers(self._A_L(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing_values == "impute"
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[arg-type]
        for name in ("_engine", "_made_with", "_theta", "_views"):  # machine addresses; and copies of what coefs_ holds
            state.pop(name, None)
        return state

    def _A_L(self, X: Any) -> Any:
        """The outputs of the network for rows X."""
        if self._reads:
            X = read_X(self, X)
        engine = predictor(self._network, tuple(self._functions.items()), self.threads)
        theta = self._packed()
        if not hasattr(X, "toarray"):
            return engine.predict(theta, X)
        X = X.tocsr()
        return np.concatenate(
            [engine.predict(theta, dense(X[i : i + ROWS], self._network.dtype)) for i in range(0, X.shape[0], ROWS)]
        )


partial_fit_available = available_if(_is_stochastic)
