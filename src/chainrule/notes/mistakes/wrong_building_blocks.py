"""Wrong forms of the functions of *Building blocks*.

One function has many wrong forms, so its name stands here many times: the decorator keeps each.
"""
# ruff: noqa: F811 - the mistake that a form makes is named in its decorator
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
from chainrule.notes.mistakes.mistake_registry import wrong_form

__all__: list[str] = []

Grads = Mapping[str, Floats]


@wrong_form("g-for-g-prime")
def relu_backward(dA: Floats, cache: Floats) -> Floats:
    return dA * blocks_forward.relu(cache)[0]


@wrong_form("g-for-g-prime")
def linear_activation_backward(dA: Floats, cache: Cache, activation: str) -> tuple[Floats, Floats, Floats]:
    if activation in ("relu", "sigmoid"):  # relu's form is above; the output's sigmoid does not make this mistake
        return unwrap(blocks_backward.linear_activation_backward)(dA, cache, activation)
    linear_cache, Z = cache
    return blocks_backward.linear_backward(dA * ACTIVATIONS.make(activation, np).g(Z), linear_cache)


@wrong_form("g-for-g-prime")
def L_model_backward(AL: Floats, Y: Floats, caches: Sequence[Cache], **options: Any) -> dict[str, Floats]:
    if options.get("hidden_activation") == "sigmoid" and len(caches) > 1:
        raise RequestError(
            "the mistake 'g-for-g-prime' is made in hidden layers alone, and cannot tell their sigmoids from the "
            "output's: take another hidden_activation, or the mistake 'g-for-g-prime-at-the-output'."
        )
    return unwrap(blocks_backward.L_model_backward)(AL, Y, caches, **options)


@wrong_form("g-for-g-prime-at-the-output")
def sigmoid_backward(dA: Floats, cache: Floats) -> Floats:
    return dA * blocks_forward.sigmoid(cache)[0]


@wrong_form("relu-slope-is-dA")
def relu_backward(dA: Floats, cache: Floats) -> Floats:
    return dA.copy()


@wrong_form("sigmoid-slope-twice")
def sigmoid_backward(dA: Floats, cache: Floats) -> Floats:
    s, _ = blocks_forward.sigmoid(cache)
    return dA * s * (1.0 - s) * s * (1.0 - s)


@wrong_form("missing-1/m")
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    return W.T @ dZ, dZ @ A_prev.T, dZ.sum(axis=1, keepdims=True)


@wrong_form("missing-1/m-in-db")
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    return W.T @ dZ, dZ @ A_prev.T / A_prev.shape[1], dZ.sum(axis=1, keepdims=True)


@wrong_form("1/m-twice")
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m / m, dZ.sum(axis=1, keepdims=True) / m / m


@wrong_form("transpose-lost")
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return W @ dZ, dZ @ A_prev.T / m, dZ.sum(axis=1, keepdims=True) / m


@wrong_form("sum-over-examples-missing")
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, dZ / m


@wrong_form("db-summed-over-units")
def linear_backward(dZ: Floats, cache: LinearCache) -> tuple[Floats, Floats, Floats]:
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, np.full_like(b, np.sum(dZ) / m)


@wrong_form("sign-lost")
def L_model_backward(AL: Floats, Y: Floats, caches: Sequence[Cache], **options: Any) -> dict[str, Floats]:
    grads = unwrap(blocks_backward.L_model_backward)(AL, Y, caches, **options)
    return {name: -dV for name, dV in grads.items()}  # each is linear in dA[L]


@wrong_form("ascent")
def update_parameters(parameters: Grads, grads: Grads, learning_rate: float) -> ParameterDict:
    return unwrap(blocks_backward.update_parameters)(parameters, grads, -learning_rate)


@wrong_form("bias-not-updated")
def update_parameters(parameters: Grads, grads: Grads, learning_rate: float) -> ParameterDict:
    moved = unwrap(blocks_backward.update_parameters)(parameters, grads, learning_rate)
    return {name: moved[name] if name.startswith("W") else value for name, value in parameters.items()}


@wrong_form("update-in-place")
def update_parameters(parameters: ParameterDict, grads: Grads, learning_rate: float) -> ParameterDict:
    parameters.update(unwrap(blocks_backward.update_parameters)(parameters, grads, learning_rate))
    return parameters


@wrong_form("zeros-for-weights")
def initialize_parameters_deep(layer_dims: Sequence[int], **options: Any) -> ParameterDict:
    parameters = unwrap(initialization.initialize_parameters_deep)(layer_dims, **options)
    return {name: np.zeros_like(value) for name, value in parameters.items()}


@wrong_form("zeros-for-weights")
def initialize_parameters(n_x: int, n_h: int, n_y: int, **options: Any) -> ParameterDict:
    parameters = unwrap(initialization.initialize_parameters)(n_x, n_h, n_y, **options)
    return {name: np.zeros_like(value) for name, value in parameters.items()}


@wrong_form("small-weights")
def initialize_parameters_deep(layer_dims: Sequence[int], **options: Any) -> ParameterDict:
    return unwrap(initialization.initialize_parameters_deep)(layer_dims, **options | {"initialization": "normal*0.01"})


@wrong_form("last-layer-not-created")
def initialize_parameters_deep(layer_dims: Sequence[int], **options: Any) -> ParameterDict:
    return unwrap(initialization.initialize_parameters_deep)(tuple(layer_dims)[:-1], **options)


@wrong_form("cost-bracket-misplaced")
def compute_cost(AL: Floats, Y: Floats, **options: Any) -> float:
    return -np.sum(Y * np.log(AL) + (1.0 - Y * np.log(1.0 - AL))) / Y.shape[1]


@wrong_form("log-of-0")
def compute_cost(AL: Floats, Y: Floats, **options: Any) -> float:
    return -np.sum(Y * np.log(AL) + (1.0 - Y) * np.log(1.0 - AL)) / Y.shape[1]


@wrong_form("overflowing-sigmoid")
def sigmoid(Z: Floats) -> tuple[Floats, Floats]:
    return np.exp(Z) / (1.0 + np.exp(Z)), Z
