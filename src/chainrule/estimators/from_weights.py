"""Fitted estimators from the weights of a Keras or torch Sequential of dense layers: the same predictions."""

from collections.abc import Sized
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.estimators.dense_layers import dense_layers
from chainrule.estimators.labels import Labels

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


class FromWeights:
    """``from_weights``."""

    _y_numeric: bool

    @classmethod
    def from_weights(
        cls,
        weights: Any,
        *,
        layout: str | None = None,
        activation: Any = "relu",
        out_activation: str | None = None,
        classes: Any = None,
        dtype: Any = None,
        **parameters: Any,
    ) -> Any:
        """A fitted estimator with the weights of a network of dense layers, trained elsewhere.

            A[l] = g[l](A[l-1] @ kernel[l] + bias[l])      l = 1..L, A[0] = X (m, n[0]), kernel[l] (n[l-1], n[l])

        weights         ``keras_model.get_weights()``; ``torch_model.state_dict()``; or a list of arrays or tensors: the
                        weight of each layer, then its bias, and no bias where the layer has none (it becomes 0)
        layout          "keras": a weight is (inputs, outputs); "torch": (outputs, inputs). Needed with a list
        activation      of the hidden layers, one for all or one each, as the parameter of the estimator takes it, with
                        its own numbers: Keras' LeakyReLU is "leaky_relu(0.3)", torch's "leaky_relu"; "gelu" is the tanh
                        form, which both have under the name approximate
        out_activation  of the last layer, checked where it is given; None for that of the loss, also where the network
                        gives the numbers before it, as torch's do. MLPClassifier: "sigmoid" of one output (two
                        classes), "softmax" of several; "sigmoid" of several outputs without ``classes`` makes them
                        labels that do not exclude each other. MLPRegressor: "identity"; with loss="poisson" "exp"
        classes         MLPClassifier: the class of each output, in order, two for a single sigmoid (it is the
                        probability of the second); None for 0, 1, ...; ``classes_`` has them sorted
        dtype           "float32" or "float64"; None for that of the weights
        parameters      others of the estimator, for training that goes on: partial_fit, or fit with warm_start=True

        Two outputs under a softmax become one under a sigmoid, of the difference of the two: the same probabilities.

        RequestError: weights of other layers than dense ones, layers that do not fit together, numbers that are not
        finite, activations or classes that do not fit the layers.

        >>> from chainrule import MLPRegressor
        >>> weights = [np.array([[1.0, -1.0]]), np.zeros(2), np.array([[1.0], [1.0]]), np.zeros(1)]
        >>> model = MLPRegressor.from_weights(weights, layout="keras")
        >>> model.predict([[-3.0], [2.0]])  # relu(x) + relu(-x)
        array([3., 2.])
        """
        if "hidden_layer_sizes" in parameters:
            raise RequestError("hidden_layer_sizes follows from the weights: leave it out.")
        layers = dense_layers(weights, layout)
        hidden = [int(W_T.shape[1]) for W_T, _ in layers[:-1]]
        _require_activations(activation, len(hidden))
        dtype = _dtype(dtype, layers)
        layers = [(_within(W_T, dtype), _within(b, dtype)) for W_T, b in layers]
        link = _link(out_activation)
        kind: Any = cls
        ours = kind(hidden_layer_sizes=tuple(hidden), activation=activation, **parameters)
        ours._validate_params()
        if cls._y_numeric and classes is not None:
            raise RequestError("classes are for MLPClassifier: leave them out, or make one.")
        if not cls._y_numeric:
            ours._labels, layers[-1], link = _with_classes(*layers[-1], link, classes)
            ours.classes_ = ours._labels.classes
        n_in, n_out = layers[0][0].shape[0], layers[-1][0].shape[1]
        ours.n_features_in_ = n_in
        ours._begin(*ours._describe(np.empty((0, n_in), dtype), np.empty((0, n_out))), first=True)
        _require_outputs(ours, link, out_activation)
        ours.coefs_ = [W_T for W_T, _ in layers]
        ours.intercepts_ = [b for _, b in layers]
        ours._set_theta(ours._packed())
        return ours


def _require_outputs(ours: Any, link: str | None, given: str | None) -> None:
    """RequestError: a name that is not known, or a last layer that the loss does not have."""
    ours._network.formulas(np, ours._functions)
    if link not in (None, ours.out_activation_):
        raise RequestError(
            f"out_activation {given!r} was given, and that of loss {ours._network.loss!r} is {ours.out_activation_!r}: "
            "name a loss that has it, as loss='poisson' has 'exp', or leave out_activation out where the last layer "
            "gives the numbers before it."
        )
    levels = getattr(ours, "_levels", [])
    if levels and len(levels) != ours.n_outputs_:
        raise RequestError(
            f"loss {ours.loss!r} has {len(levels)} outputs, and the weights make {ours.n_outputs_}: name another loss."
        )


def _require_activations(activation: Any, hidden: int) -> None:
    several = isinstance(activation, Sized) and not isinstance(activation, str)
    if several and len(activation) != hidden:
        raise RequestError(
            f"activation has {len(activation)} functions, and the weights make {hidden} hidden layers: give one for "
            "all, or one each; that of the last layer is out_activation."
        )


def _dtype(dtype: Any, layers: list[tuple[Any, Any]]) -> str:
    if dtype is None:
        return np.result_type(*(array for layer in layers for array in layer)).name
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in ("float32", "float64"):
        raise RequestError(f"dtype is 'float32' or 'float64', or None for that of the weights; not {dtype!r}.")
    return name


def _link(out_activation: str | None) -> str | None:
    if out_activation is not None and out_activation not in LINKS:
        raise RequestError(f"out_activation is None or one of {', '.join(LINKS)}; not {out_activation!r}.")
    return None if out_activation is None else LINKS[out_activation]


def _with_classes(W_T: Any, b: Any, link: str | None, classes: Any) -> tuple[Labels, tuple[Any, Any], str | None]:
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


def _within(array: Any, dtype: str) -> Any:
    """The numbers in the dtype. RequestError: one that it cannot hold."""
    with np.errstate(over="ignore"):
        cast = np.asarray(array, dtype)
    if not np.isfinite(cast).all():
        raise RequestError(
            f"the weights reach {np.abs(array).max():g}, beyond what {dtype} holds: give dtype='float64'."
        )
    return cast
