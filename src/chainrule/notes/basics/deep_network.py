"""The L-layer network of *Deep learning basics*: a layer forwards with its cache, and backwards from the cache.

    w[l], dw[l]  (n[l], n[l-1])      b[l], db[l]  (n[l], 1)      Z[l], A[l], dZ[l]  (n[l], m)

The document writes the backward pass for one example and the shapes for m; here it is written for m, with 1/m in dw
and db, which for m = 1 is what the document prints.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.network import Network, Shape
from chainrule.notes.array_checks import (
    require_between_0_and_1,
    require_examples,
    require_fit,
    require_matrices,
    require_parameters,
)
from chainrule.notes.switches import switchable

__all__ = [
    "DeepCache",
    "deep_backward",
    "deep_dimensions",
    "deep_forward",
    "deep_hidden_dz",
    "deep_layer_backward",
    "deep_layer_forward",
]

Floats = NDArray[Any]


class DeepCache(NamedTuple):
    """What the backward pass of a layer needs. The document lists z, w and b; dw = dz a_prev^T needs a[l-1] too."""

    a_prev: Floats
    z: Floats
    w: Floats
    b: Floats


def deep_layer_forward(a_prev: Floats, w: Floats, b: Floats, g: str, l: int = 1) -> tuple[Floats, DeepCache]:
    """z[l] = w[l] a[l-1] + b[l], a[l] = g[l](z[l]): a[l] and the cache. RequestError: the shapes of layer l.

    >>> a, cache = deep_layer_forward(np.array([[2.0]]), np.array([[1.0], [-1.0]]), np.zeros((2, 1)), "relu")
    >>> a.tolist(), cache.z.tolist()
    ([[2.0], [0.0]], [[2.0], [-2.0]])
    """
    require_matrices(a_prev=a_prev, w=w, b=b)
    require_fit(f"layer {l}: ", w, b, f"A[{l - 1}]", a_prev)
    z = w @ a_prev + b
    return ACTIVATIONS.make(g, np).g(z), DeepCache(a_prev, z, w, b)


def deep_forward(
    X: Floats, parameters: Mapping[str, Floats], activations: Sequence[str]
) -> tuple[Floats, list[DeepCache]]:
    """For l = 1, 2, ..., L: a[L] = y^ and the caches of all layers. ``activations`` names g[1], ..., g[L].

    >>> parameters = {"W1": np.eye(2), "b1": np.zeros((2, 1)), "W2": np.ones((1, 2)), "b2": np.zeros((1, 1))}
    >>> deep_forward(np.array([[1.0], [-1.0]]), parameters, ("tanh", "sigmoid"))[0].tolist()
    [[0.5]]
    """
    L = require_parameters(X, parameters)
    if len(activations) != L:
        raise RequestError(f"expected an activation for each of the {L} layers; got {len(activations)}.")
    a, caches = X, list[DeepCache]()
    for l in range(1, L + 1):
        a, cache = deep_layer_forward(a, parameters[f"W{l}"], parameters[f"b{l}"], activations[l - 1], l)
        caches.append(cache)
    return a, caches


def deep_layer_backward(dz: Floats, cache: DeepCache) -> tuple[Floats, Floats, Floats]:
    """dw[l] = (1/m) dz[l] a[l-1]^T, db[l] = (1/m) sum over columns of dz[l], da[l-1] = w[l]^T dz[l].

    RequestError: dz is not shaped like the layer's z.

    >>> cache = DeepCache(np.array([[2.0, 0.0]]), np.zeros((1, 2)), np.array([[3.0]]), np.zeros((1, 1)))
    >>> [v.tolist() for v in deep_layer_backward(np.array([[1.0, 2.0]]), cache)]
    [[[1.0]], [[1.5]], [[3.0, 6.0]]]
    """
    if np.shape(dz) != cache.z.shape:
        raise RequestError(f"dz is {np.shape(dz)} but z is {cache.z.shape}: they have the same shape.")
    m = dz.shape[1]
    require_examples(m)
    dw = dz @ cache.a_prev.T / m
    db = np.sum(dz, axis=1, keepdims=True) / m
    da_prev = cache.w.T @ dz
    return dw, db, da_prev


@switchable
def deep_hidden_dz(w_next: Floats, dz_next: Floats, z: Floats, g: str) -> Floats:
    """dz[l] = da[l] * g[l]'(z[l]) = w[l+1]^T dz[l+1] * g[l]'(z[l]).

    The document forgets the transpose: an error of shapes, unless n[l] = n[l+1]; then it is silently wrong.
    RequestError: the shapes do not fit.

    >>> deep_hidden_dz(np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[1.0], [-1.0]]), "relu").tolist()
    [[3.0], [0.0]]
    """
    if w_next.shape != (dz_next.shape[0], z.shape[0]):
        raise RequestError(
            f"w[l+1] is {w_next.shape}, but dz[l+1] has {dz_next.shape[0]} rows and z[l] has {z.shape[0]}."
        )
    row = ACTIVATIONS.make(g, np)
    return w_next.T @ dz_next * row.slope(z, row.g(z))


def deep_backward(A_L: Floats, Y: Floats, caches: Sequence[DeepCache], activations: Sequence[str]) -> dict[str, Floats]:
    """dW and db of all layers, from dz[L] = a[L] - y (a sigmoid output with cross-entropy) down to l = 1.

    RequestError: Y is not shaped like A[L], or outside [0, 1]; g[L] is not "sigmoid".

    >>> parameters = {"W1": np.eye(2), "b1": np.zeros((2, 1)), "W2": np.ones((1, 2)), "b2": np.zeros((1, 1))}
    >>> A_L, caches = deep_forward(np.array([[1.0], [-1.0]]), parameters, ("relu", "sigmoid"))
    >>> grads = deep_backward(A_L, np.array([[1.0]]), caches, ("relu", "sigmoid"))
    >>> grads["dW1"][0].round(4).tolist()
    [-0.2689, 0.2689]
    """
    if np.shape(Y) != A_L.shape:
        raise RequestError(f"Y is {np.shape(Y)} but A[L] is {A_L.shape}: one column for each example.")
    require_between_0_and_1(Y=Y)
    if len(activations) != len(caches) or not caches:
        raise RequestError(f"expected an activation for each of the {len(caches)} caches; got {len(activations)}.")
    if activations[-1] != "sigmoid":
        raise RequestError(f"dz[L] = a[L] - y holds for a sigmoid output, not for {activations[-1]!r}.")
    grads: dict[str, Floats] = {}
    dz = A_L - Y
    for l in range(len(caches), 0, -1):
        grads[f"dW{l}"], grads[f"db{l}"], _ = deep_layer_backward(dz, caches[l - 1])
        if l > 1:
            dz = deep_hidden_dz(caches[l - 1].w, dz, caches[l - 2].z, activations[l - 2])
    return grads


def deep_dimensions(n: Sequence[int], m: int) -> dict[str, Shape]:
    """The shapes of w[l], b[l], Z[l], A[l] and their derivatives, for n[0], ..., n[L] units and m examples.

    >>> deep_dimensions((5, 4, 3, 1), 7)["W[3]"], deep_dimensions((5, 4, 3, 1), 7)["dZ[2]"]
    ((1, 3), (3, 7))
    """
    return Network(tuple(n)).dimensions(m)
