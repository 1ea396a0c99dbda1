"""*Building blocks*, forwards: the functions of an L-layer network under the document's names, with its caches.

    initialize_parameters(_deep) -> L_model_forward -> compute_cost -> L_model_backward -> update_parameters

One column is one example. L counts the layers with weights, so ``layer_dims`` has L + 1 entries. The first step is in
``initialization``, the last two are in ``blocks_backward``, the models that these blocks build in ``trained_models``.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS, Activation
from chainrule.formulas.losses import LOSSES
from chainrule.notes.array_checks import (
    Floats,
    require_between_0_and_1,
    require_fit,
    require_matrices,
    require_parameters,
    require_same_shape,
)
from chainrule.notes.switches import switchable

LinearCache = tuple[Floats, Floats, Floats]  # A_prev, W, b
Cache = tuple[LinearCache, Floats]  # and Z

__all__ = [
    "L_model_forward",
    "compute_cost",
    "linear_activation_forward",
    "linear_forward",
    "relu",
    "sigmoid",
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
    return activation_row("sigmoid").g(Z), Z


@switchable
def relu(Z: Floats) -> tuple[Floats, Floats]:
    """A = max(0, Z), shaped like Z, and the cache Z.

    >>> relu(np.array([[2.0, -3.0]]))[0].tolist()
    [[2.0, 0.0]]
    """
    return activation_row("relu").g(Z), Z


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
        A, activation_cache = activation_row(activation).g(Z), Z
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
            f"AL must be between 0 and 1, as a sigmoid gives it, but it goes from {AL.min():g} to {AL.max():g}."
        )
    m = AL.shape[1]
    if Z is not None:
        if np.shape(Z) != AL.shape:
            raise RequestError(f"Z is {np.shape(Z)} but AL is {AL.shape}: they have the same shape.")
        nothing_lost = not np.isnan(AL).any()  # by a sigmoid that overflows, as when that mistake is on
        return float(np.sum(_cross_entropy(Z, Y))) / m if nothing_lost else float("nan")
    a, rest = never_zero(AL)
    return np.sum(Y * -np.log(a) + (1.0 - Y) * -np.log(rest)) / m


_cross_entropy = LOSSES["binary_cross_entropy"](np).value


@lru_cache
def activation_row(activation: str) -> Activation:
    """The row of ACTIVATIONS, for NumPy arrays."""
    return ACTIVATIONS.make(activation, np)


def never_zero(AL: Floats) -> tuple[Floats, Floats]:
    """A[L] and 1 - A[L], with the least that rounds to 0 in place of 0, so that their logs and inverses are finite.

    Near 0 that is the smallest normal number; near 1 the number before it is farther away, half its distance counts.
    """
    limits = np.finfo(np.result_type(AL, np.float32))
    rest = 1.0 - AL
    return np.where(np.abs(AL) < limits.tiny, limits.tiny, AL), np.where(rest == 0.0, limits.epsneg / 2.0, rest)
