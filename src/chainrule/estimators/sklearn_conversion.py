"""Fitted estimators from scikit-learn's MLP and back: the same parameters, the same predictions."""

import inspect
from copy import copy
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.estimators.labels import Labels

ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}  # ours, theirs
LOSSES = {"half_squared_error": "squared_error", "poisson": "poisson"}
ATTRIBUTES = (
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "n_outputs_",
    "n_layers_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
)
SETTINGS = {"solver": ("lbfgs", "sgd", "adam"), "learning_rate": ("constant", "invscaling", "adaptive")}


class Exchange:
    """``from_sklearn`` and ``to_sklearn``."""

    _counterpart: str  # the name of scikit-learn's class, also of subclasses that have names of their own

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Any:
        """An estimator with the parameters, settings and records of scikit-learn's fitted one.

        RequestError: it is of another class. NotFittedError: it is not fitted.
        """
        theirs = getattr(neural_network, cls._counterpart)
        if not isinstance(fitted, theirs):
            raise RequestError(
                f"expected a fitted sklearn.neural_network.{cls._counterpart}, not {type(fitted).__name__}."
            )
        check_is_fitted(fitted)
        settings, taken = _settings(fitted, theirs), inspect.signature(cls).parameters
        ours: Any = cls(**{name: value for name, value in settings.items() if name in taken})
        vars(ours).update(settings)  # also what the constructor of a subclass sets by itself
        if "classes_" in vars(fitted):
            binarizer = fitted._label_binarizer
            indicator = (
                binarizer.inverse_transform(np.zeros((1, len(fitted.classes_)))) if binarizer.sparse_input_ else None
            )
            ours._labels = Labels(fitted.classes_, binarizer.y_type_, None if indicator is None else type(indicator))
        n = [fitted.coefs_[0].shape[0], *(c.shape[1] for c in fitted.coefs_)]
        names = translation.ParameterNames()
        dtype = "float32" if fitted.coefs_[0].dtype == np.float32 else "float64"
        network = translation.network(ours, names, n[0], n[-1], ours._loss_spec(names), dtype)
        ours._begin(network, {}, first=True)  # all that a fit leaves: scikit-learn's lbfgs keeps no curve, for one
        vars(ours).update(_records(fitted))
        ours.coefs_ = [np.array(c) for c in fitted.coefs_]
        ours.intercepts_ = [np.array(b) for b in fitted.intercepts_]
        ours._set_theta(ours._packed())
        return ours

    def to_sklearn(self) -> Any:
        """scikit-learn's estimator with these parameters, settings and records.

        A loss, solver or learning_rate that it does not have becomes its own; predictions stay the same.

        RequestError: something that scikit-learn's cannot have: another activation, one for each layer, another link,
        an encoder of categories or gaps. NotFittedError.
        """
        me: Any = self
        check_is_fitted(me)
        network = me._network
        activations = set(network.activation) or {"relu"}
        link_fits = me.out_activation_ in ("identity", "logistic", "softmax", "exp")
        for holds, what in (
            (len(activations) == 1 and activations <= set(ACTIVATIONS), f"the activations {network.activation}"),
            (link_fits, f"the link {me.out_activation_!r}"),
            (me._encoder is None, "an encoder of categories or missing values"),
        ):
            if not holds:
                raise RequestError(f"scikit-learn's {me._counterpart} cannot have {what}; it has no such thing.")
        theirs = getattr(neural_network, me._counterpart)
        accepted = inspect.signature(theirs).parameters
        settings = _settings(me, theirs)
        settings["activation"] = ACTIVATIONS[activations.pop()]
        if "loss" in accepted:
            exponential = me.out_activation_ == "exp"
            settings["loss"] = LOSSES.get(network.loss, "poisson" if exponential else "squared_error")
        usual = {name: parameter.default for name, parameter in accepted.items()}
        for name, known in SETTINGS.items():
            if settings[name] not in known:
                settings[name] = usual[name]
        other = theirs(**settings)
        vars(other).update(_records(me))
        if "classes_" in vars(me):
            other._label_binarizer = me._labels.binarizer()
        other.coefs_ = [np.array(c) for c in me.coefs_]
        other.intercepts_ = [np.array(b) for b in me.intercepts_]
        if me.best_validation_score_ is not None:  # what a warm start falls back on that finds no better score
            other._best_coefs = [c.copy() for c in other.coefs_]
            other._best_intercepts = [b.copy() for b in other.intercepts_]
        return other


def _settings(estimator: Any, theirs: type) -> dict[str, Any]:
    """The parameters of scikit-learn's class; a subclass may set some of them by itself and have others too."""
    accepted = inspect.signature(theirs).parameters
    return {name: value for name, value in vars(estimator).items() if name in accepted}


def _records(estimator: Any) -> dict[str, Any]:
    """What a fit has left; copies, since partial_fit appends to lists."""
    return {name: copy(vars(estimator)[name]) for name in ATTRIBUTES if name in vars(estimator)}
