"""Wrong forms of the functions of *Building blocks*.

One function has many wrong forms, so its name stands here many times: the decorator keeps each.
"""
# ruff: noqa: F811 - what a form gets wrong is said in its decorator
# pyright: reportRedeclaration=false

from collections.abc import Mapping, Sequence
from inspect import unwrap  # of a switchable function: the right one
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import Floats
from chainrule.notes.building_blocks import blocks_backward, blocks_forward, initialization
from chainrule.notes.building_blocks.blocks_forward import Cache, LinearCache
from chainrule.notes.building_blocks.initialization import ParameterDict
from chainrule.notes.mistakes.mistake_registry import also, wrong_form

__all__: list[str] = []

Grads = Mapping[str, Floats]


@wrong_form(
    "g-for-g-prime",
    "dZ = dA * g(Z) in the hidden layers, where the derivative g'(Z) is meant.",
    "The last layer's gradient is right and all before it are wrong, by a third of their size or more; the cost "
    "falls at first, then wanders and stays high.",
)
def relu_backward(dA: Floats, cache: Floats) -> Floats:
    return dA * blocks_forward.relu(cache)[0]


@also("g-for-g-prime")
def linear_activation_backward(dA: Floats, cache: Cache, activation: str) -> tuple[Floats, Floats, Floats]:
    if activation in ("relu", "sigmoid"):  # relu's form is above; the output's sigmoid does not make this mistake
        return unwrap(blocks_backward.linear_activation_backward)(dA, cache, activation)
    linear_cache, Z = cache
    return blocks_backward.linear_backward(dA * ACTIVATIONS.make(activation, np).g(Z), linear_cache)


@also("g-for-g-prime")
def L_model_backward(AL: Floats, Y: Floats, caches: Sequence[Cache], **options: Any) -> dict[str, Floats]:
    if options.get("hidden_activation") == "sigmoid" and len(caches) > 1:
        raise RequestError(
            "the mistake 'g-for-g-prime' is made in hidden layers alone, and does not tell their sigmoids from the "
            "output's: take another hidden_activation, or the mistake 'g-for-g-prime-at-the-output'."
        )
    return unwrap(blocks_backward.L_model_backward)(AL, Y, caches, **options)


@wrong_form(
    "g-for-g-prime-at-the-output",
    "dZ[L] = dA[L] * g(Z[L]): the sigmoid itself, where its derivative is meant.",
    "Every gradient is wrong by several times its size, and the cost shoots up.",
)
def sigmoid_backward(dA: Floats, cache: Floats) -> Floats:
    return dA * blocks_forward.sigmoid(cache)[0]


@wrong_form(
    "relu-slope-is-dA",
    "dZ = dA for relu: its slope is taken to be 1 where Z <= 0 too. Nets without relu are not touched.",
    "The last layer's gradient is right and all before it are wrong, by a third of their size or more; the cost falls, "
    "and gets stuck well above where it should.",
)
def relu_backward(dA: Floats, cache: Floats) -> Floats:
    return dA.copy()


@wrong_form(
    "sigmoid-slope-twice",
    "The slope of the output's sigmoid is applied again to A[L] - Y, which contains it already.",
    "Every gradient is wrong, that of the last layer less than a quarter of the right one; the cost falls, slowly.",
)
def sigmoid_backward(dA: Floats, cache: Floats) -> Floats:
    s, _ = blocks_forward.sigmoid(cache)
    return dA * s * (1.0 - s) * s * (1.0 - s)


@wrong_form(
    "missing-1/m",
    "dW = dZ A_prev^T and db = sum of dZ, without 1/m, where dZ does not contain it either.",
    "Every gradient is m times too large, its direction right; the cost explodes or is stuck at a plateau, unless the "
    "learning rate is m times smaller.",
)
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    return W.T @ dZ, dZ @ A_prev.T, dZ.sum(axis=1, keepdims=True)


@wrong_form(
    "missing-1/m-in-db",
    "db = sum of dZ, without the 1/m that dW has.",
    "dW is right and db m times too large: the biases jump, and the cost leaps up at once.",
)
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    return W.T @ dZ, dZ @ A_prev.T / A_prev.shape[1], dZ.sum(axis=1, keepdims=True)


@wrong_form(
    "1/m-twice",
    "1/m is counted in dZ[L], as one document has it, and again in dW and db, as another has it.",
    "Every gradient is m times too small, its direction right; the cost falls, m times too slowly.",
)
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m / m, dZ.sum(axis=1, keepdims=True) / m / m


@wrong_form(
    "transpose-lost",
    "A transpose is lost: W dZ where W^T dZ is meant, w x where w^T x is.",
    "ValueError, unless the layer is square; then it runs, and the gradients of all layers before it are wrong.",
)
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return W @ dZ, dZ @ A_prev.T / m, dZ.sum(axis=1, keepdims=True) / m


@wrong_form(
    "sum-over-examples-missing",
    "One column for each example is left where their sum is meant: db = dZ / m.",
    "The gradient has m columns, and so has the parameter after one step: RequestError at the next forward pass. "
    "(Plain NumPy broadcasts in silence, and fails with other examples.)",
)
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, dZ / m


@wrong_form(
    "db-summed-over-units",
    "db = np.sum(dZ) / m: one number for all the units of a layer.",
    "dW is right, and db too where a layer has one unit; elsewhere all biases of a layer move together, and the cost "
    "still falls.",
)
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, np.full_like(b, np.sum(dZ) / m)


@wrong_form(
    "sign-lost",
    "A sign is lost on the way to the output's delta: Y - A where A - Y is meant.",
    "Every gradient is the right one times -1; the cost rises from the first step on.",
)
def L_model_backward(AL: Floats, Y: Floats, caches: Sequence[Cache], **options: Any) -> dict[str, Floats]:
    grads = unwrap(blocks_backward.L_model_backward)(AL, Y, caches, **options)
    return {name: -dV for name, dV in grads.items()}  # each is linear in dA[L]


@wrong_form(
    "ascent",
    "W := W + learning_rate dW, where minus is meant.",
    "The gradient is right; the cost rises from the first step on.",
)
def update_parameters(parameters: Grads, grads: Grads, learning_rate: float) -> ParameterDict:
    return unwrap(blocks_backward.update_parameters)(parameters, grads, -learning_rate)


@wrong_form(
    "bias-not-updated",
    "W is updated, b is not.",
    "The gradient is right and the cost falls, to a higher place; every b is 0 for ever.",
)
def update_parameters(parameters: Grads, grads: Grads, learning_rate: float) -> ParameterDict:
    moved = unwrap(blocks_backward.update_parameters)(parameters, grads, learning_rate)
    return {name: moved[name] if name.startswith("W") else value for name, value in parameters.items()}


@wrong_form(
    "update-in-place",
    "The new parameters are written into the caller's dictionary.",
    "Training is right; but the initial parameters are gone, and a second run from them begins where the first ended.",
)
def update_parameters(parameters: ParameterDict, grads: Grads, learning_rate: float) -> ParameterDict:
    parameters.update(unwrap(blocks_backward.update_parameters)(parameters, grads, learning_rate))
    return parameters


@wrong_form(
    "zeros-for-weights",
    "All weights begin at 0.",
    "The hidden units of a layer stay equal. With relu or tanh nothing but the last bias moves, and the cost stays "
    "near log 2, where it was.",
)
def initialize_parameters_deep(layer_dims: Sequence[int], **options: Any) -> ParameterDict:
    parameters = unwrap(initialization.initialize_parameters_deep)(layer_dims, **options)
    return {name: np.zeros_like(value) for name, value in parameters.items()}


@also("zeros-for-weights")
def initialize_parameters(n_x: int, n_h: int, n_y: int, **options: Any) -> ParameterDict:
    parameters = unwrap(initialization.initialize_parameters)(n_x, n_h, n_y, **options)
    return {name: np.zeros_like(value) for name, value in parameters.items()}


@wrong_form(
    "small-weights",
    "W = randn * 0.01 in every layer of a deep network, whatever initialisation is asked for.",
    "The signal shrinks by about 0.01 sqrt(n) from layer to layer, the gradient likewise; the cost stays near log 2, "
    "with four layers for thousands of iterations.",
)
def initialize_parameters_deep(layer_dims: Sequence[int], **options: Any) -> ParameterDict:
    return unwrap(initialization.initialize_parameters_deep)(layer_dims, **options | {"initialization": "normal*0.01"})


@wrong_form(
    "last-layer-not-created",
    "for l in range(1, L) makes the layers 1 to L - 1, where L does not count the input.",
    "RequestError from the cost: A[L] has the rows of the last hidden layer. If that has a single unit there is no "
    "error, and a smaller network is trained.",
)
def initialize_parameters_deep(layer_dims: Sequence[int], **options: Any) -> ParameterDict:
    return unwrap(initialization.initialize_parameters_deep)(tuple(layer_dims)[:-1], **options)


@wrong_form(
    "cost-bracket-misplaced",
    "-[y log a + (1 - y log(1 - a))]: the bracket is closed too late.",
    "The cost reported is negative, and falls without end, while the parameters are trained as ever: it falls for the "
    "wrong reason, and is not the function whose gradient is taken.",
)
def compute_cost(AL: Floats, Y: Floats, **options: Any) -> float:
    return -np.sum(Y * np.log(AL) + (1.0 - Y * np.log(1.0 - AL))) / Y.shape[1]


@wrong_form(
    "log-of-0",
    "log A[L] and log(1 - A[L]) are taken as printed, also where A[L] has been rounded to 0 or 1.",
    "All is right until an output is so sure that it is rounded to 0 or 1: then the cost is nan, though the network is "
    "fine.",
)
def compute_cost(AL: Floats, Y: Floats, **options: Any) -> float:
    return -np.sum(Y * np.log(AL) + (1.0 - Y) * np.log(1.0 - AL)) / Y.shape[1]


@wrong_form(
    "overflowing-sigmoid",
    "A = e^Z / (1 + e^Z), which is inf / inf for large Z.",
    "All is right until some Z is above 709: then A, and from there on everything, is nan.",
)
def sigmoid(Z: Floats) -> tuple[Floats, Floats]:
    return np.exp(Z) / (1.0 + np.exp(Z)), Z
