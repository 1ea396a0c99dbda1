"""Fitted estimators from scikit-learn's MLP and back: the same parameters, the same predictions."""

import inspect
from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

import numpy as np
from sklearn import neural_network
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.fitted_attributes import begin
from chainrule.estimators.labels import Labels
from chainrule.estimators.parameter_views import packed, set_theta

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


Kind = TypeVar("Kind", bound=Estimator)


def from_sklearn(kind: type[Kind], fitted: Any) -> Kind:
    """As the method of the class ``kind``."""
    theirs = getattr(neural_network, kind._counterpart)
    if not isinstance(fitted, theirs):
        raise RequestError(
            f"expected a fitted sklearn.neural_network.{kind._counterpart}, not {type(fitted).__name__}."
        )
    check_is_fitted(fitted)
    make: Callable[..., Kind] = kind
    settings, taken = _settings(fitted, theirs), inspect.signature(kind).parameters
    ours = make(**{name: value for name, value in settings.items() if name in taken})
    vars(ours).update(settings)  # also what the constructor of a subclass sets by itself
    if "classes_" in vars(fitted):
        binarizer = fitted._label_binarizer
        indicator = (
            binarizer.inverse_transform(np.zeros((1, len(fitted.classes_)))) if binarizer.sparse_input_ else None
        )
        ours._labels = Labels(fitted.classes_, binarizer.y_type_, None if indicator is None else type(indicator))
    n = [fitted.coefs_[0].shape[0], *(c.shape[1] for c in fitted.coefs_)]
    network, functions = translation.network(ours, n[0], n[-1], fitted.coefs_[0].dtype)
    begin(ours, network, functions, first=True)  # all that a fit leaves: scikit-learn's lbfgs keeps no curve, for one
    vars(ours).update(_records(fitted))
    ours.coefs_ = [np.array(c) for c in fitted.coefs_]
    ours.intercepts_ = [np.array(b) for b in fitted.intercepts_]
    set_theta(ours, packed(ours))
    return ours


def to_sklearn(estimator: Estimator) -> Any:
    """As the method."""
    network = estimator._network
    activations = set(network.activation) or {"relu"}
    link_fits = estimator.out_activation_ in ("identity", "logistic", "softmax", "exp")
    for holds, what in (
        (len(activations) == 1 and activations <= set(ACTIVATIONS), f"the activations {network.activation}"),
        (link_fits, f"the link {estimator.out_activation_!r}"),
        (estimator._encoder is None, "an encoder of categories or missing values"),
    ):
        if not holds:
            raise RequestError(f"scikit-learn's {estimator._counterpart} cannot have {what}; it has no such thing.")
    theirs = getattr(neural_network, estimator._counterpart)
    accepted = inspect.signature(theirs).parameters
    settings = _settings(estimator, theirs)
    settings["activation"] = ACTIVATIONS[activations.pop()]
    if "loss" in accepted:
        exponential = estimator.out_activation_ == "exp"
        settings["loss"] = LOSSES.get(network.loss, "poisson" if exponential else "squared_error")
    usual = {name: parameter.default for name, parameter in accepted.items()}
    for name, known in SETTINGS.items():
        if settings[name] not in known:
            settings[name] = usual[name]
    other = theirs(**settings)
    vars(other).update(_records(estimator))
    if "classes_" in vars(estimator):
        other._label_binarizer = estimator._labels.binarizer()
    other.coefs_ = [np.array(c) for c in estimator.coefs_]
    other.intercepts_ = [np.array(b) for b in estimator.intercepts_]
    if estimator.best_validation_score_ is not None:  # what a warm start falls back on that finds no better score
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
