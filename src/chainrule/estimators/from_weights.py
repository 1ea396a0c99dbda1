"""Fitted estimators from the weights of a Keras or torch Sequential of dense layers: the same predictions."""

from collections.abc import Callable, Mapping, Sized
from typing import Any, TypeVar

import numpy as np

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.estimators.dense_layers import Layer, dense_layers
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.fitted_attributes import begin
from chainrule.estimators.labels import Labels
from chainrule.estimators.parameter_views import packed, set_theta
from chainrule.estimators.parameters import require_valid
from chainrule.estimators.user_functions import require_right_derivatives
from chainrule.formulas.losses import LOSSES

# Other libraries' names of the last layer's function, and the link of ours that it is
LINKS = {
    "identity": "identity",
    "linear": "identity",
    "sigmoid": "logistic",
    "logistic": "logistic",
    "softmax": "softmax",
    "exp": "exp",
    "exponential": "exp",
}


Kind = TypeVar("Kind", bound=Estimator)


def from_weights(
    make: Callable[..., Kind],
    weights: Any,
    layout: str | None,
    out_activation: str | None,
    classes: Any,
    dtype: Any,
    parameters: Mapping[str, Any],
) -> Kind:
    """As the method, ``make`` being the class; ``activation`` is among the parameters."""
    if "hidden_layer_sizes" in parameters:
        raise RequestError("hidden_layer_sizes follows from the weights: leave it out.")
    layers = dense_layers(weights, layout)
    hidden = [int(W_T.shape[1]) for W_T, _ in layers[:-1]]
    _require_activations(parameters["activation"], len(hidden))
    dtype = _dtype(dtype, layers)
    layers = [(_within(W_T, dtype), _within(b, dtype)) for W_T, b in layers]
    link = _link(out_activation)
    ours = make(hidden_layer_sizes=tuple(hidden), **parameters)
    require_valid(ours)
    if ours._y_numeric and classes is not None:
        raise RequestError("classes are for MLPClassifier: leave them out, or make one.")
    if not ours._y_numeric:
        ours._labels, layers[-1], link = _with_classes(*layers[-1], link, classes)
        ours.classes_ = ours._labels.classes
    n_in, n_out = layers[0][0].shape[0], layers[-1][0].shape[1]
    ours.n_features_in_ = n_in
    network, functions = translation.network(ours, n_in, n_out, dtype)
    require_right_derivatives(functions, network, np.empty((0, n_out)))
    begin(ours, network, functions, first=True)
    _require_outputs(ours, link, out_activation)
    ours.coefs_ = [W_T for W_T, _ in layers]
    ours.intercepts_ = [b for _, b in layers]
    set_theta(ours, packed(ours))
    return ours


def _require_outputs(ours: Estimator, link: str | None, given: str | None) -> None:
    """RequestError: a name that is not known, or a last layer that the loss does not have."""
    ours._network.formulas(np, ours._functions)
    if link not in (None, ours.out_activation_):
        raise RequestError(
            f"out_activation {given!r} was given, and that of loss {ours._network.loss!r} is {ours.out_activation_!r}: "
            "name a loss that has it, as loss='poisson' has 'exp', or leave out_activation out where the last layer "
            "gives the numbers before it."
        )
    loss = LOSSES.make(ours._network.loss, np, functions=ours._functions)
    if loss.one_target and len(loss.levels) != ours.n_outputs_:
        raise RequestError(
            f"loss {ours.loss!r} has {len(loss.levels)} outputs, and the weights make {ours.n_outputs_}: name another "
            "loss."
        )


def _require_activations(activation: Any, hidden: int) -> None:
    several = isinstance(activation, Sized) and not isinstance(activation, str)
    if several and len(activation) != hidden:
        raise RequestError(
            f"activation has {len(activation)} functions, and the weights make {hidden} hidden layers: give one for "
            "all, or one each; that of the last layer is out_activation."
        )


def _dtype(dtype: Any, layers: list[Layer]) -> str:
    if dtype is None:
        return np.result_type(*(array for layer in layers for array in layer)).name
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in ("float32", "float64"):
        raise RequestError(f"dtype must be 'float32' or 'float64', or None for that of the weights; not {dtype!r}.")
    return name


def _link(out_activation: str | None) -> str | None:
    if out_activation is not None and out_activation not in LINKS:
        raise RequestError(f"out_activation is None or one of {', '.join(LINKS)}; not {out_activation!r}.")
    return None if out_activation is None else LINKS[out_activation]


def _with_classes(W_T: np.ndarray, b: np.ndarray, link: str | None, classes: Any) -> tuple[Labels, Layer, str | None]:
    """The labels, the last layer with an output for each as an MLPClassifier has them, and the link that it then has.

    W_T (n[L-1], n[L]) and b (n[L],) are as they came.
    """
    n_out = len(b)
    if link == "logistic" and n_out > 1 and classes is None:
        return Labels(np.arange(n_out), "multilabel-indicator"), (W_T, b), link
    if link == "softmax" and n_out == 1:
        raise RequestError("a softmax of one output is 1 always: give out_activation='sigmoid', or the right weights.")
    K = max(n_out, 2)
    if link == "logistic" and n_out == 2:
        raise RequestError(
            "two sigmoids are not probabilities of two classes, which sum to 1: leave classes out where the labels do "
            "not exclude each other, or out_activation where the network was trained with a softmax."
        )
    given = np.arange(K) if classes is None else np.asarray(classes)
    try:
        known, order = np.unique(given, return_index=True)
    except TypeError:  # of kinds that have no order among them
        known = order = np.empty(0, np.intp)
    if given.shape != (K,) or len(known) != K:
        raise RequestError(
            f"classes are {K} different labels of one kind for weights of {n_out} output{'s' if n_out > 1 else ''}, "
            f"not {given.tolist()!r}: give them in the order of the outputs."
        )
    if n_out > 2:
        last = W_T[:, order], b[order]
    elif n_out == 2:  # e^z1 / (e^z0 + e^z1) = sigmoid(z1 - z0)
        first, second = order
        last = W_T[:, [second]] - W_T[:, [first]], b[[second]] - b[[first]]
    else:  # 1 - sigmoid(z) = sigmoid(-z)
        last = (W_T, b) if order[1] == 1 else (-W_T, -b)
    return Labels.of(known), last, "logistic" if (n_out, link) == (2, "softmax") else link


def _within(array: np.ndarray, dtype: str) -> np.ndarray:
    """The numbers in the dtype. RequestError: one that it cannot hold."""
    with np.errstate(over="ignore"):
        cast = np.asarray(array, dtype)
    if not np.isfinite(cast).all():
        raise RequestError(
            f"the weights reach {np.abs(array).max():g}, beyond what {dtype} holds: give dtype='float64'."
        )
    return cast
