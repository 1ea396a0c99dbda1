"""*Building blocks*: the functions of an L-layer network under the names, signatures and caches of the document.

    initialize_parameters(_deep) -> L_model_forward -> compute_cost -> L_model_backward -> update_parameters

One column is one example. L counts the layers with weights, so ``layer_dims`` has L + 1 entries. The document's own
convention for gradients: dW and db carry 1/m and are dJ/dW, dJ/db; dA and dZ are m dJ/dA, m dJ/dZ, the derivatives of
each example's own loss. The models that these blocks build are in ``models``.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS, Activation
from chainrule.formulas.losses import LOSSES
from chainrule.notes.descent import all_moved
from chainrule.notes.initialization import (
    INITIALIZATIONS,
    ParameterDict,
    generator,
    initialize_parameters,
    initialize_parameters_deep,
)
from chainrule.notes.shapes import (
    Floats,
    require_between_0_and_1,
    require_examples,
    require_fit,
    require_matrices,
    require_parameters,
    require_same_shape,
    reshaped,
)
from chainrule.notes.switches import switchable

LinearCache = tuple[Floats, Floats, Floats]  # A_prev, W, b
Cache = tuple[LinearCache, Floats]  # and Z

__all__ = [
    "INITIALIZATIONS",
    "L_model_backward",
    "L_model_forward",
    "compute_cost",
    "generator",
    "initialize_parameters",
    "initialize_parameters_deep",
    "linear_activation_backward",
    "linear_activation_forward",
    "linear_backward",
    "linear_forward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "update_parameters",
]


@switchable
def linear_forward(A: Floats, W: Floats, b: Floats) -> tuple[Floats, LinearCache]:
    """Z = W A + b, b added to every column, and the cache (A, W, b).

    A (n[l-1], m), W (n[l], n[l-1]), b (n[l], 1), Z (n[l], m). RequestError: shapes that do not fit.

    >>> Z, cache = linear_forward(np.array([[1.0], [2.0]]), np.array([[3.0, 4.0]]), np.array([[5.0]]))
    >>> Z.tolist(), len(cache)
    ([[16.0]], 3)
    """
    require_matrices(A=A, W=W, b=b)
    require_fit("", W, b, "A", A)
    return np.dot(W, A) + b, (A, W, b)


@switchable
def sigmoid(Z: Floats) -> tuple[Floats, Floats]:
    """A = 1 / (1 + e^-Z), shaped like Z, and the cache Z. The printed form overflows for z far below 0; this does not.

    >>> A, cache = sigmoid(np.array([[0.0, -1000.0]]))
    >>> A.tolist(), cache.tolist()
    ([[0.5, 0.0]], [[0.0, -1000.0]])
    """
    return _row("sigmoid").g(Z), Z


@switchable
def relu(Z: Floats) -> tuple[Floats, Floats]:
    """A = max(0, Z), shaped like Z, and the cache Z.

    >>> relu(np.array([[2.0, -3.0]]))[0].tolist()
    [[2.0, 0.0]]
    """
    return _row("relu").g(Z), Z


@switchable
def linear_activation_forward(A_prev: Floats, W: Floats, b: Floats, activation: str) -> tuple[Floats, Cache]:
    """A = g(W A_prev + b), (n[l], m), and the cache ((A_prev, W, b), Z).

    ``activation`` is "sigmoid" or "relu" as printed, or any other row of ACTIVATIONS, "tanh" above all.
    RequestError: shapes that do not fit, an activation that is not known.

    >>> A, (linear_cache, Z) = linear_activation_forward(np.ones((2, 1)), np.eye(2), np.zeros((2, 1)), "relu")
    >>> A.tolist(), Z.tolist()
    ([[1.0], [1.0]], [[1.0], [1.0]])
    """
    Z, linear_cache = linear_forward(A_prev, W, b)
    if activation == "sigmoid":
        A, activation_cache = sigmoid(Z)
    elif activation == "relu":
        A, activation_cache = relu(Z)
    else:
        A, activation_cache = _row(activation).g(Z), Z
    return A, (linear_cache, activation_cache)


def L_model_forward(
    X: Floats, parameters: Mapping[str, Floats], *, hidden_activation: str = "relu"
) -> tuple[Floats, list[Cache]]:
    """A[L] by [LINEAR -> RELU] (L - 1) times, then LINEAR -> SIGMOID; and the caches of layers 1..L.

    A[0] = X (n[0], m); A[L] (n[L], m), any n[L]: the document's assert forbids more than one output.
    RequestError naming the layer: a parameter is missing, or shapes do not fit.

    >>> parameters = {"W1": np.eye(2), "b1": np.zeros((2, 1)), "W2": np.array([[1.0, -1.0]]), "b2": np.zeros((1, 1))}
    >>> AL, caches = L_model_forward(np.array([[3.0], [3.0]]), parameters)
    >>> AL.tolist(), len(caches)
    ([[0.5]], 2)
    """
    L = require_parameters(X, parameters)
    caches: list[Cache] = []
    A = X
    for l in range(1, L + 1):
        activation = hidden_activation if l < L else "sigmoid"
        A, cache = linear_activation_forward(A, parameters[f"W{l}"], parameters[f"b{l}"], activation)
        caches.append(cache)
    return A, caches


@switchable
def compute_cost(AL: Floats, Y: Floats, *, Z: Floats | None = None) -> float:
    """J = -1/m sum_i sum_k [y log a + (1 - y) log(1 - a)], a = A[L], summed over outputs k where there are several.

    AL, Y (n[L], m). 0 log 0 counts as 0. Where A[L] has rounded to 0 or 1 on the wrong side, the least loss that rounds
    so is taken, and J stays finite: 708 for a = 0, y = 1 and 37 for a = 1, y = 0 in float64. With Z = Z[L] (n[L], m) at
    hand, J = 1/m sum [log(1 + e^z) - z y], the same function, is exact there too.
    RequestError: shapes that differ, A[L] or Y outside [0, 1].

    >>> AL, Y = np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 0]])
    >>> print(round(compute_cost(AL, Y), 12))
    0.279776563579
    >>> compute_cost(np.array([[1.0]]), np.array([[0]]), Z=np.array([[800.0]]))
    800.0
    """
    require_same_shape(AL, Y)
    require_between_0_and_1(Y=Y)
    if np.any((AL < 0.0) | (AL > 1.0)):
        raise RequestError(
            f"AL is between 0 and 1, as a sigmoid gives it; here it goes from {AL.min():g} to {AL.max():g}."
        )
    m = AL.shape[1]
    if Z is not None:
        if np.shape(Z) != AL.shape:
            raise RequestError(f"Z is {np.shape(Z)} but AL is {AL.shape}: they have the same shape.")
        nothing_lost = not np.isnan(AL).any()  # by a sigmoid that overflows, as when that mistake is on
        return float(np.sum(_cross_entropy(Z, Y))) / m if nothing_lost else float("nan")
    a, rest = _never_zero(AL)
    return np.sum(Y * -np.log(a) + (1.0 - Y) * -np.log(rest)) / m


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
        raise RequestError("caches are those of the layers 1..L, as L_model_forward gives them; here there are none.")
    a, rest = _never_zero(AL)
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


_cross_entropy = LOSSES["binary_cross_entropy"](np).value


@lru_cache
def _row(activation: str) -> Activation:
    return ACTIVATIONS.make(activation, np)


def _activation_backward(dA: Floats, Z: Floats, activation: str) -> Floats:
    if np.shape(dA) != np.shape(Z):
        raise RequestError(f"dA is {np.shape(dA)} but Z is {np.shape(Z)}: they have the same shape.")
    row = _row(activation)
    return dA * row.slope(Z, row.g(Z))


def _never_zero(AL: Floats) -> tuple[Floats, Floats]:
    """A[L] and 1 - A[L], with the least that rounds to 0 in place of 0, so that their logs and inverses are finite.

    Near 0 that is the smallest normal number; near 1 the number before it is farther away, half its distance counts.
    """
    limits = np.finfo(np.result_type(AL, np.float32))
    rest = 1.0 - AL
    return np.where(np.abs(AL) < limits.tiny, limits.tiny, AL), np.where(rest == 0.0, limits.epsneg / 2.0, rest)
