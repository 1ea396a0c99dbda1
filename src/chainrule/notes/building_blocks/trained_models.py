"""The models that *Building blocks* builds: a two-layer and an L-layer network, trained by gradient descent.

They call the public building blocks, so a mistake that is switched on acts in training too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.penalties import PENALTIES
from chainrule.notes.array_checks import Floats, require_matrices
from chainrule.notes.building_blocks.blocks_backward import L_model_backward, update_parameters
from chainrule.notes.building_blocks.blocks_forward import Cache, L_model_forward, compute_cost
from chainrule.notes.building_blocks.hyperparameters import Hyperparameters
from chainrule.notes.building_blocks.initialization import (
    ParameterDict,
    generator,
    initialize_parameters,
    initialize_parameters_deep,
)

__all__ = ["L_layer_model", "predict", "two_layer_model"]

EVERY = 100  # iterations from one entry of costs to the next


def two_layer_model(
    X: Floats,
    Y: Floats,
    layers_dims: Sequence[int],
    learning_rate: float = 0.0075,
    num_iterations: int = 3000,
    print_cost: bool = False,
    *,
    initialization: str = "normal*0.01",
    momentum: float = 0.0,
    mini_batch_size: int | None = None,
    lambd: float = 0.0,
    rng: Any = None,
    hidden_activation: str = "relu",
) -> tuple[ParameterDict, list[float]]:
    """LINEAR -> RELU -> LINEAR -> SIGMOID, layers_dims = (n_x, n_h, n_y): ``L_layer_model`` with L = 2.

    >>> X, Y = np.array([[0.0, 1.0, 2.0, 3.0]]), np.array([[0, 0, 1, 1]])
    >>> parameters, costs = two_layer_model(X, Y, (1, 4, 1), 0.5, 2000, initialization="he", rng=0)
    >>> predict(X, Y, parameters).tolist()
    Accuracy: 1.0
    [[0, 0, 1, 1]]
    """
    if len(layers_dims) != 3:
        raise RequestError(f"layers_dims is (n_x, n_h, n_y) for two layers, not {tuple(layers_dims)}.")
    told = Hyperparameters(
        tuple(layers_dims), learning_rate, num_iterations, initialization, momentum, mini_batch_size, lambd,
        hidden_activation,
    )  # fmt: skip
    return _train(X, Y, told, partial(initialize_parameters, *told.layers_dims), print_cost, rng)


def L_layer_model(
    X: Floats,
    Y: Floats,
    layers_dims: Sequence[int],
    learning_rate: float = 0.0075,
    num_iterations: int = 3000,
    print_cost: bool = False,
    *,
    initialization: str = "normal*0.01",
    momentum: float = 0.0,
    mini_batch_size: int | None = None,
    lambd: float = 0.0,
    rng: Any = None,
    hidden_activation: str = "relu",
) -> tuple[ParameterDict, list[float]]:
    """[LINEAR -> RELU] (L - 1) times -> LINEAR -> SIGMOID by gradient descent: parameters, and J every 100 iterations.

    X (n[0], m); Y (n[L], m) of 0 and 1; layers_dims = (n[0], ..., n[L]). An iteration is one update of the parameters.

    initialization      "normal*0.01" as printed, "1/sqrt(n)" or "he"; see ``initialize_parameters_deep``
    momentum            beta in v := beta v + (1 - beta) dW, W := W - learning_rate v, and so for b; an average, so it
                        smooths the steps and does not lengthen them
    mini_batch_size     examples an iteration, in a new random order after each pass; None for all
    lambd               of the penalty lambda/(2m) sum of W^2, m the examples of the iteration
    rng                 where initial weights and orders come from; None for the global ``np.random``, or a seed
    hidden_activation   a row of ACTIVATIONS

    ``costs`` holds J of all examples, penalty included, before iterations 0, 100, 200, ..., so not yet after the last
    one; ``print_cost`` prints them. J is found on Z[L], so it is right where A[L] has rounded to 0 or 1 too.
    RequestError: shapes that do not fit, targets that are not 0 or 1, numbers that make no sense.

    >>> X, Y = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), np.array([[0, 1, 1, 0]])
    >>> parameters, costs = L_layer_model(
    ...     X, Y, (2, 4, 3, 1), 1.0, 1000, initialization="1/sqrt(n)", rng=0, hidden_activation="tanh"
    ... )
    >>> len(costs), costs[-1] < 0.1
    (10, True)
    """
    told = Hyperparameters(
        tuple(layers_dims), learning_rate, num_iterations, initialization, momentum, mini_batch_size, lambd,
        hidden_activation,
    )  # fmt: skip
    return _train(X, Y, told, partial(initialize_parameters_deep, told.layers_dims), print_cost, rng)


def predict(
    X: Floats, y: Floats | None, parameters: Mapping[str, Floats], *, hidden_activation: str = "relu"
) -> Floats:
    """1 where A[L] > 0.5, else 0, (n[L], m); prints the share that equals y, as the course does, unless y is None.

    >>> predict(np.array([[-1.0, 2.0]]), None, {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}).tolist()
    [[0, 1]]
    """
    AL, _ = L_model_forward(X, parameters, hidden_activation=hidden_activation)
    p = (AL > 0.5).astype(np.int64)
    if y is not None:
        if np.shape(y) != p.shape:
            raise RequestError(f"y is {np.shape(y)} but the predictions are {p.shape}: one column for each example.")
        print(f"Accuracy: {np.mean(p == y)}")
    return p


def _train(
    X: Floats, Y: Floats, told: Hyperparameters, initialize: Callable[..., ParameterDict], print_cost: bool, rng: Any
) -> tuple[ParameterDict, list[float]]:
    X, Y = _examples(X, Y, told)
    rng = None if rng is None else generator(rng)
    parameters = initialize(**_asked(initialization=told.initialization, rng=rng))
    velocity: ParameterDict = {}
    batches = _batches(X, Y, told.mini_batch_size, rng)
    costs: list[float] = []
    with np.errstate(all="ignore"):  # what overflows shows in the costs
        for i in range(told.num_iterations):
            if i % EVERY == 0:
                costs.append(_cost(parameters, X, Y, told))
                if print_cost:
                    print(f"Cost after iteration {i}: {costs[-1]}")
            grads = _gradients(parameters, *next(batches), told)
            if told.momentum:
                velocity = _moving_average(velocity, grads, told.momentum)
                grads = velocity
            parameters = update_parameters(parameters, grads, told.learning_rate)
    return parameters, costs


def _cost(parameters: ParameterDict, X: Floats, Y: Floats, told: Hyperparameters) -> float:
    """J of all examples, penalty included."""
    AL, caches = L_model_forward(X, parameters, **_asked(hidden_activation=told.hidden_activation))
    penalty = PENALTIES["l2"](np, told.lambd)
    penalties = sum(np.sum(penalty.value(W, X.shape[1])) for W in _weights(parameters).values())
    return float(compute_cost(AL, Y, Z=caches[-1][1]) + penalties)


def _gradients(
    parameters: ParameterDict, X: Floats, X_again: Floats, Y: Floats, told: Hyperparameters
) -> dict[str, Floats]:
    """dW[1..L] and db[1..L] of J on these examples, penalty included; X_again is X, laid out for dZ[1] X^T."""
    hidden = _asked(hidden_activation=told.hidden_activation)
    AL, caches = L_model_forward(X, parameters, **hidden)
    grads = L_model_backward(AL, Y, [_for_backward(caches[0], X_again), *caches[1:]], **hidden)
    grads = {f"d{name}": grads[f"d{name}"] for name in parameters}
    if told.lambd:
        penalty = PENALTIES["l2"](np, told.lambd)
        for name, W in _weights(parameters).items():
            grads[f"d{name}"] = grads[f"d{name}"] + penalty.slope(W, X.shape[1])
    return grads


def _moving_average(velocity: ParameterDict, grads: dict[str, Floats], beta: float) -> ParameterDict:
    """v := beta v + (1 - beta) grads, v = 0 at first."""
    return {name: beta * velocity.get(name, 0.0) + (1.0 - beta) * gradient for name, gradient in grads.items()}


def _weights(parameters: ParameterDict) -> ParameterDict:
    return {name: value for name, value in parameters.items() if name.startswith("W")}


def _for_backward(cache: Cache, X_again: Floats) -> Cache:
    """Layer 1's cache, so that backward takes no longer than it must.

    Nobody needs dA[0] = W[1]^T dZ[1]; for wide inputs it costs a third of an iteration. Without W[1]'s columns it costs
    nothing. Where they do not outnumber the rows they stay, so that a mistaken W[1] dZ[1] fails or runs as it would.
    """
    (_, W, b), Z = cache
    return (X_again, W[:, :0] if W.shape[1] > W.shape[0] else W, b), Z


def _batches(X: Floats, Y: Floats, size: int | None, rng: Any) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Mini-batches (X, X_again, Y) for ever: all in a new order, ``size`` at a time; the last of a pass may be smaller.

    Without mini-batches X_again is a copy of X with each example's numbers side by side. W[1] X is faster on rows that
    are contiguous, dZ[1] X^T on columns; for 12288 inputs the copy saves 8 % of an iteration.
    """
    m = X.shape[1]
    if size is None or size >= m:
        X_again = np.asfortranarray(X)
        while True:
            yield X, X_again, Y
    while True:
        order = generator(rng).permutation(m)
        for start in range(0, m, size):
            some = order[start : start + size]
            X_i = X[:, some]
            yield X_i, X_i, Y[:, some]


def _examples(X: Floats, Y: Floats, told: Hyperparameters) -> tuple[Floats, Floats]:
    X, Y = np.asarray(X), np.asarray(Y)
    require_matrices(X=X, Y=Y)
    told.network.dimensions(np.shape(X)[1]).check({"X": np.asarray(X), "Y": np.asarray(Y)})
    if not np.isin(Y, (0, 1)).all():
        raise RequestError(f"Y must hold only 0 and 1, not {np.setdiff1d(Y, (0, 1))[0]!s}: is it a class number?")
    return np.ascontiguousarray(X, np.float64), np.asarray(Y, np.float64)


def _asked(**options: Any) -> dict[str, Any]:
    """The options that are not as printed: a mistaken form may know the document's arguments alone."""
    printed = {"initialization": "normal*0.01", "rng": None, "hidden_activation": "relu"}
    return {name: value for name, value in options.items() if value is not printed[name] and value != printed[name]}
