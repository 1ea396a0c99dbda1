"""The shallow network (*Deep learning basics*): one hidden layer, forwards and backwards, one example and m at once.

    x = a[0]  ->  z[1] = W[1] x + b[1]  ->  a[1] = g(z[1])  ->  z[2] = W[2] a[1] + b[2]  ->  a[2] = sigmoid(z[2]) = y^

    X (n_0, m)    W1 (n_1, n_0)  b1 (n_1, 1)  Z1, A1 (n_1, m)    W2 (n_2, n_1)  b2 (n_2, 1)  Z2, A2 (n_2, m)

The document has g = sigmoid; any activation may stand there, by its name. dz, dZ belong to one example each; the 1/m
stands in dW and db.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.network import Network, Shape
from chainrule.notes.array_checks import (
    require_between_0_and_1,
    require_entries,
    require_examples,
    require_matrices,
    require_parameters,
)
from chainrule.notes.gradient_step import all_moved
from chainrule.notes.switches import switchable

__all__ = [
    "shallow_backward",
    "shallow_backward_one",
    "shallow_cost",
    "shallow_descent",
    "shallow_dimensions",
    "shallow_forward",
    "shallow_update",
]

Floats = NDArray[Any]
Named = dict[str, Floats]

sigma = ACTIVATIONS["sigmoid"](np).g


def shallow_dimensions(n_0: int, n_1: int, n_2: int, m: int) -> dict[str, Shape]:
    """The shape of everything, as the document lists it, and of every derivative (that of what it is derived by).

    >>> shapes = shallow_dimensions(3, 4, 1, 10)
    >>> shapes["W[1]"], shapes["A[1]"], shapes["dW[2]"], shapes["A[2]"]
    ((4, 3), (4, 10), (1, 4), (1, 10))
    """
    return Network((n_0, n_1, n_2)).dimensions(m)


def shallow_forward(X: Floats, parameters: Mapping[str, Floats], g: str = "sigmoid") -> Named:
    """Z1, A1, Z2, A2 of m examples, the columns of X: Z[1] = W[1] X + b[1], A[1] = g(Z[1]), ...

    The same lines serve one example, x of shape (n_0, 1). RequestError names the layer whose shapes do not fit.

    >>> parameters = {"W1": np.ones((5, 3)), "b1": np.zeros((5, 1)), "W2": np.ones((1, 5)), "b2": np.zeros((1, 1))}
    >>> shallow_forward(np.ones((4, 2)), parameters)
    Traceback (most recent call last):
    chainrule.errors.RequestError: layer 1: W is (5, 3) but A[0] = X has 4 rows.
    >>> shallow_forward(np.zeros((3, 2)), parameters)["A1"].tolist()[0]
    [0.5, 0.5]
    """
    _require_shallow(X, parameters)
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = ACTIVATIONS.make(g, np).g(Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = sigma(Z2)
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def shallow_cost(forward: Mapping[str, Floats], Y: Floats) -> float:
    """J = (1/m) sum_i L(a[2](i), y(i)), worked out from Z2 so that it is finite; summed over outputs too.

    >>> shallow_cost({"Z2": np.zeros((1, 4))}, np.array([[0, 1, 1, 0]]))
    0.6931471805599453
    """
    require_entries("forward", forward, "Z2")
    _require_targets(forward["Z2"], Y)
    return float(np.sum(LOSSES["binary_cross_entropy"](np).value(forward["Z2"], Y)) / Y.shape[1])


@switchable
def shallow_backward_one(
    parameters: Mapping[str, Floats], forward: Mapping[str, Floats], x: Floats, y: Floats, g: str = "sigmoid"
) -> Named:
    """The derivatives of L for one example: dz2, dw2, db2, dz1, dw1, db1. ``forward`` is ``shallow_forward(x, ...)``.

        dz[2] = a[2] - y                       dw[2] = dz[2] a[1]^T    db[2] = dz[2]
        dz[1] = W[2]^T dz[2] * g'(z[1])        dw[1] = dz[1] x^T       db[1] = dz[1]

    * is element by element; ``derive_dz1`` derives dz[1]. RequestError: x is not one column, y not like a[2].

    >>> parameters = {"W1": np.zeros((2, 1)), "b1": np.zeros((2, 1)), "W2": np.ones((1, 2)), "b2": -np.ones((1, 1))}
    >>> x, y = np.array([[2.0]]), np.array([[1.0]])
    >>> d = shallow_backward_one(parameters, shallow_forward(x, parameters), x, y)
    >>> d["dz2"].tolist(), d["dz1"].tolist(), d["dw1"].tolist()  # a[2] = 1/2, g' = 1/4
    ([[-0.5]], [[-0.125], [-0.125]], [[-0.25], [-0.25]])
    """
    require_matrices(x=x)
    if x.shape[1] != 1:
        raise RequestError(f"x is {x.shape}: one example is one column, ({x.shape[0]}, 1).")
    _require_pass(parameters, forward)
    z1, a1, a2 = forward["Z1"], forward["A1"], forward["A2"]
    _require_targets(a2, y)
    slope = ACTIVATIONS.make(g, np).slope
    dz2 = a2 - y
    dw2 = dz2 @ a1.T
    db2 = dz2
    dz1 = parameters["W2"].T @ dz2 * slope(z1, a1)
    dw1 = dz1 @ x.T
    db1 = dz1
    return {"dz2": dz2, "dw2": dw2, "db2": db2, "dz1": dz1, "dw1": dw1, "db1": db1}


@switchable
def shallow_backward(
    parameters: Mapping[str, Floats], forward: Mapping[str, Floats], X: Floats, Y: Floats, g: str = "sigmoid"
) -> Named:
    """The derivatives for m examples: dZ2, dW2, db2, dZ1, dW1, db1; dW and db are those of J.

        dZ[2] = A[2] - Y                       dW[2] = (1/m) dZ[2] A[1]^T    db[2] = (1/m) sum over columns of dZ[2]
        dZ[1] = W[2]^T dZ[2] * g'(Z[1])        dW[1] = (1/m) dZ[1] X^T       db[1] = (1/m) sum over columns of dZ[1]

    The document leaves the 1/m out of db[2]. RequestError: Y is not shaped like A[2].

    >>> parameters = {"W1": np.zeros((2, 1)), "b1": np.zeros((2, 1)), "W2": np.ones((1, 2)), "b2": -np.ones((1, 1))}
    >>> X, Y = np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]])
    >>> d = shallow_backward(parameters, shallow_forward(X, parameters), X, Y)
    >>> d["db2"].tolist(), d["dW1"].tolist()
    ([[-0.5]], [[-0.125], [-0.125]])
    """
    _require_pass(parameters, forward)
    require_matrices(X=X)
    Z1, A1, A2 = forward["Z1"], forward["A1"], forward["A2"]
    _require_targets(A2, Y)
    slope = ACTIVATIONS.make(g, np).slope
    m = X.shape[1]
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = parameters["W2"].T @ dZ2 * slope(Z1, A1)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}


def shallow_update(parameters: Mapping[str, Floats], d: Mapping[str, Floats], alpha: float) -> Named:
    """W[l] := W[l] - alpha dW[l], b[l] := b[l] - alpha db[l], for both layers; new arrays of the same precision.

    RequestError: a gradient is missing.

    >>> shallow_update({"b1": np.array([[1.0]])}, {"db1": np.array([[4.0]])}, alpha=0.5)["b1"].tolist()
    [[-1.0]]
    """
    return all_moved(parameters, d, alpha)


def shallow_descent(
    X: Floats, Y: Floats, parameters: Mapping[str, Floats], alpha: float, iterations: int, g: str = "sigmoid"
) -> tuple[Named, list[float]]:
    """Gradient descent: the parameters after the iterations, and J before each of them.

    >>> X, Y = np.array([[-1.0, 1.0]]), np.array([[0, 1]])
    >>> start = {"W1": np.array([[0.1]]), "b1": np.zeros((1, 1)), "W2": np.array([[0.1]]), "b2": np.zeros((1, 1))}
    >>> parameters, J = shallow_descent(X, Y, start, 1.0, 100, g="tanh")
    >>> J[99] < 0.05 < J[0]
    True
    """
    parameters = dict(parameters)
    costs: list[float] = []
    for _ in range(iterations):
        forward = shallow_forward(X, parameters, g)
        costs.append(shallow_cost(forward, Y))
        parameters = shallow_update(parameters, shallow_backward(parameters, forward, X, Y, g), alpha)
    return parameters, costs


def _require_shallow(X: Floats, parameters: Mapping[str, Floats]) -> None:
    L = require_parameters(X, parameters)
    if L != 2:
        raise RequestError(f"a shallow network has the layers 1 and 2; these parameters have {L}.")


def _require_pass(parameters: Mapping[str, Floats], forward: Mapping[str, Floats]) -> None:
    require_entries("parameters", parameters, "W2")
    require_entries("forward", forward, "Z1", "A1", "A2")


def _require_targets(A2: Floats, Y: Floats) -> None:
    if np.shape(Y) != np.shape(A2):
        raise RequestError(f"layer 2: Y is {np.shape(Y)} but A[2] is {np.shape(A2)}: one column for each example.")
    require_matrices(Y=Y)
    require_examples(np.shape(Y)[1])
    require_between_0_and_1(Y=Y)
