"""*Building blocks*, backwards: from dA[L] to the gradients of every layer, and the step of gradient descent.

The document's own convention for gradients: dW and db carry 1/m and are dJ/dW, dJ/db; dA and dZ are m dJ/dA, m dJ/dZ,
the derivatives of each example's own loss.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.errors import RequestError
from chainrule.notes.array_checks import (
    Floats,
    require_between_0_and_1,
    require_examples,
    require_matrices,
    require_same_shape,
    reshaped,
)
from chainrule.notes.building_blocks.blocks_forward import Cache, LinearCache, activation_row, never_zero
from chainrule.notes.building_blocks.initialization import ParameterDict
from chainrule.notes.gradient_step import all_moved
from chainrule.notes.switches import switchable

__all__ = [
    "L_model_backward",
    "linear_activation_backward",
    "linear_backward",
    "relu_backward",
    "sigmoid_backward",
    "update_parameters",
]


@switchable
def relu_backward(dA: Floats, cache: Floats) -> Floats:
    """dZ = dA * 1[Z > 0] from the cache Z; all (n[l], m). ("Its derivative is just dA" holds only where Z > 0.)

    >>> relu_backward(np.array([[5.0, 5.0]]), np.array([[2.0, -3.0]])).tolist()
    [[5.0, 0.0]]
    """
    return _activation_backward(dA, cache, "relu")


@switchable
def sigmoid_backward(dA: Floats, cache: Floats) -> Floats:
    """dZ = dA * s (1 - s), s = sigmoid(Z), from the cache Z; all (n[l], m).

    >>> sigmoid_backward(np.array([[8.0]]), np.array([[0.0]])).tolist()
    [[2.0]]
    """
    return _activation_backward(dA, cache, "sigmoid")


@switchable
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    """dA_prev = W^T dZ, dW = 1/m dZ A_prev^T, db = 1/m sum_i dZ^(i), from the cache (A_prev, W, b).

    dZ (n[l], m), dA_prev like A_prev, dW like W, db like b. With 1/m, dW and db are derivatives of the cost J, not of
    the loss as the document has it. RequestError: dZ does not have W's rows and A_prev's columns.

    >>> cache = (np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[0.0]]))
    >>> [V.tolist() for V in linear_backward(np.array([[1.0, -1.0]]), cache)]
    [[[3.0, -3.0]], [[-0.5]], [[0.0]]]
    """
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    if np.shape(dZ) != (W.shape[0], m):
        raise RequestError(f"dZ is {np.shape(dZ)}, but W is {W.shape} and A_prev has {m} columns.")
    require_examples(m)
    share_dZ = dZ / m  # where 1/m costs least: dW is the larger matrix for wide inputs
    return np.dot(W.T, dZ), np.dot(share_dZ, A_prev.T), share_dZ.sum(axis=1, keepdims=True)


@switchable
def linear_activation_backward(dA: Floats, cache: Cache, activation: str) -> tuple[Floats, Floats, Floats]:
    """dA_prev, dW, db of a layer from its dA: dZ = dA * g'(Z), then ``linear_backward``.

    The document prints dZ = dA * g(Z): the derivative g' is meant. ``activation`` as in ``linear_activation_forward``.

    >>> cache = ((np.array([[2.0]]), np.array([[3.0]]), np.array([[0.0]])), np.array([[6.0]]))
    >>> [V.tolist() for V in linear_activation_backward(np.array([[1.0]]), cache, "relu")]
    [[[3.0]], [[2.0]], [[1.0]]]
    """
    linear_cache, Z = cache
    if activation == "relu":
        dZ = relu_backward(dA, Z)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, Z)
    else:
        dZ = _activation_backward(dA, Z, activation)
    return linear_backward(dZ, linear_cache)


@switchable
def L_model_backward(
    AL: Floats, Y: Floats, caches: Sequence[Cache], *, hidden_activation: str = "relu"
) -> dict[str, Floats]:
    """The gradients dW1, db1, ..., dWL, dbL and dA0, ..., dA{L-1}, from dA[L] = -(Y/A[L] - (1-Y)/(1-A[L])) backwards.

    AL, Y (n[L], m). The long way, dA[L] * g'(Z[L]), is 0/0 or inf * 0 where A[L] is exactly 0 or 1; there dZ[L] is
    A[L] - Y, what it equals everywhere else. As in the document Y is reshaped to A[L]'s shape, where that is a single
    row or column: then (m,) and (m, 1) can mean one thing only. RequestError: another Y, Y outside [0, 1].

    >>> from chainrule.notes import L_model_forward
    >>> AL, caches = L_model_forward(np.array([[2.0]]), {"W1": np.array([[0.0]]), "b1": np.array([[0.0]])})
    >>> L_model_backward(AL, np.array([[1.0]]), caches)["dW1"].tolist()
    [[-1.0]]
    """
    require_matrices(AL=AL)
    Y = reshaped(Y, AL.shape)
    require_same_shape(AL, Y)
    require_between_0_and_1(Y=Y)
    L = len(caches)
    if L == 0:
        raise RequestError("caches is empty: it must hold those of layers 1..L, as L_model_forward returns them.")
    a, rest = never_zero(AL)
    dAL = -(np.divide(Y, a) - np.divide(1.0 - Y, rest))
    rounded = (a != AL) | (rest != 1.0 - AL)
    grads: dict[str, Floats] = {}
    if rounded.any():
        linear_cache, Z = caches[L - 1]
        dZ = np.where(rounded, AL - Y, sigmoid_backward(dAL, Z))
        grads[f"dA{L - 1}"], grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(dZ, linear_cache)
    else:
        of_layer = linear_activation_backward(dAL, caches[L - 1], "sigmoid")
        grads[f"dA{L - 1}"], grads[f"dW{L}"], grads[f"db{L}"] = of_layer
    for l in range(L - 1, 0, -1):
        of_layer = linear_activation_backward(grads[f"dA{l}"], caches[l - 1], hidden_activation)
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = of_layer
    return grads


@switchable
def update_parameters(
    parameters: Mapping[str, Floats], grads: Mapping[str, Floats], learning_rate: float
) -> ParameterDict:
    """W[l] := W[l] - learning_rate dW[l], b[l] := b[l] - learning_rate db[l], in a new dict.

    The document writes into the caller's dict; here that stays as it was. Each parameter keeps its precision; integers
    become float64. RequestError: a gradient is missing.

    >>> update_parameters({"W1": np.array([[1.0]])}, {"dW1": np.array([[2.0]])}, 0.1)["W1"].tolist()
    [[0.8]]
    """
    return all_moved(parameters, grads, learning_rate)


def _activation_backward(dA: Floats, Z: Floats, activation: str) -> Floats:
    if np.shape(dA) != np.shape(Z):
        raise RequestError(f"dA is {np.shape(dA)} but Z is {np.shape(Z)}: they have the same shape.")
    row = activation_row(activation)
    return dA * row.slope(Z, row.g(Z))
