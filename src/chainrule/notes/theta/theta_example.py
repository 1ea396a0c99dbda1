"""*Theta notation*, first half: regression by a 2-3-1 network without biases, one row for each example.

    X       (m, s1)     z2 = X Theta1     a2 = g(z2)       Theta1  (s1, s2)
    y       (m, K)      z3 = a2 Theta2    y_hat = g(z3)    Theta2  (s2, K)

Any number of examples m and units will do. g is the sigmoid, at the output too, so y has to lie between 0 and 1: the
document's choice, which keeps the derivation short; regression as a rule has a linear output. J sums over examples,
as the document writes it; ``mean=True`` divides by m, "more accurate" in its words, and 1/m then stands in delta3.
"""

from typing import NamedTuple

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.table import Array
from chainrule.notes.gradient_step import moved
from chainrule.notes.switches import switchable

__all__ = [
    "RegressionExample",
    "dJ_dTheta1",
    "dJ_dTheta2",
    "dJ_dTheta2_by_example",
    "dJ_dy_hat",
    "delta2",
    "delta3",
    "regression_cost",
    "regression_descent",
    "regression_example",
    "regression_forward",
    "sigmoid_slope",
]

_sigmoid = ACTIVATIONS["sigmoid"](np).g
_half_squared_error = LOSSES["half_squared_error"](np)


class RegressionExample(NamedTuple):
    """Every quantity of the worked example, in the order in which it is found."""

    z2: Array
    a2: Array
    z3: Array
    y_hat: Array
    J: float
    delta3: Array
    dJ_dTheta2: Array
    delta2: Array
    dJ_dTheta1: Array


def regression_example(X: Array, y: Array, Theta1: Array, Theta2: Array, mean: bool = False) -> RegressionExample:
    """The whole example, forwards and backwards. RequestError: shapes that do not fit.

    >>> Theta1, Theta2 = np.zeros((2, 3)), np.zeros((3, 1))
    >>> found = regression_example(np.array([[0.3, 1.0], [0.5, 0.2]]), np.array([[1.0], [1.0]]), Theta1, Theta2)
    >>> found.y_hat.tolist(), found.J, found.delta3.tolist()
    ([[0.5], [0.5]], 0.25, [[-0.125], [-0.125]])
    >>> found.dJ_dTheta2.tolist(), found.dJ_dTheta1.shape
    ([[-0.125], [-0.125], [-0.125]], (2, 3))
    """
    z2, a2, z3, y_hat = regression_forward(X, Theta1, Theta2)
    J = regression_cost(y, y_hat, mean)
    d3 = delta3(y, y_hat, z3, mean)
    d2 = delta2(d3, Theta2, z2)
    return RegressionExample(z2, a2, z3, y_hat, J, d3, dJ_dTheta2(a2, d3), d2, dJ_dTheta1(X, d2))


def regression_forward(X: Array, Theta1: Array, Theta2: Array) -> tuple[Array, Array, Array, Array]:
    """z2 = X Theta1, a2 = g(z2), z3 = a2 Theta2, y_hat = g(z3). RequestError: shapes that do not fit.

    >>> regression_forward(np.ones((4, 2)), np.zeros((3, 3)), np.zeros((3, 1)))
    Traceback (most recent call last):
    chainrule.errors.RequestError: layer 2: Theta1 is (3, 3) but X has 2 columns
    """
    _require_product("layer 2", "Theta1", Theta1, "X", X)
    z2 = X @ Theta1
    a2 = _sigmoid(z2)
    _require_product("layer 3", "Theta2", Theta2, "a2", a2)
    z3 = a2 @ Theta2
    return z2, a2, z3, _sigmoid(z3)


def regression_cost(y: Array, y_hat: Array, mean: bool = False) -> float:
    """J = 1/2 sum (y - y_hat)^2, or 1/(2m) sum (y - y_hat)^2. RequestError: y and y_hat of different shapes.

    >>> regression_cost(np.array([[1.0], [0.0]]), np.array([[0.5], [1.0]]))
    0.625
    """
    return float(_half_squared_error.value(y_hat, y).sum()) / _divisor(y, y_hat, mean)


def dJ_dy_hat(y: Array, y_hat: Array, mean: bool = False) -> Array:
    """dJ/dy_hat = -(y - y_hat), (m, K): with respect to y_hat, where the document prints y, which is data.

    >>> dJ_dy_hat(np.array([[1.0]]), np.array([[0.75]])).tolist()
    [[-0.25]]
    """
    return -(y - y_hat) / _divisor(y, y_hat, mean)


def sigmoid_slope(z: Array) -> Array:
    """g'(z) = e^-z / (1 + e^-z)^2 = g(z) (1 - g(z)), shaped like z.

    The first form, at |z|: g' is even, and e^-|z| cannot overflow.

    >>> sigmoid_slope(np.array([0.0, -800.0])).tolist()
    [0.25, 0.0]
    """
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


@switchable
def delta3(y: Array, y_hat: Array, z3: Array, mean: bool = False) -> Array:
    """delta3 = -(y - y_hat) * g'(z3), element by element, (m, K).

    The document has the minus in its equation (1) and loses it where it defines delta3.

    >>> delta3(np.array([[1.0]]), np.array([[0.5]]), np.array([[0.0]])).tolist()
    [[-0.125]]
    """
    return dJ_dy_hat(y, y_hat, mean) * sigmoid_slope(z3)


@switchable
def dJ_dTheta2(a2: Array, delta3: Array) -> Array:
    """dJ/dTheta2 = a2^T delta3, (s2, K): since z3 = a2 Theta2, dz3/dTheta2 = a2, and the product sums over examples.

    The document prints the matrix a2 where its transpose is meant: row j is sum_i a2[i, j] delta3[i].

    >>> dJ_dTheta2(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]])).tolist()
    [[31.0], [42.0]]
    """
    _require_rows("layer 3", "a2", a2, "delta3", delta3)
    return a2.T @ delta3


def dJ_dTheta2_by_example(a2: Array, delta3: Array) -> Array:
    """The same by the sum rule, (s2, K): dJ/dTheta2 = sum over examples i of dJ_i/dTheta2.

    >>> dJ_dTheta2_by_example(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]])).tolist()
    [[31.0], [42.0]]
    """
    _require_rows("layer 3", "a2", a2, "delta3", delta3)
    dTheta2 = np.zeros((a2.shape[1], delta3.shape[1]))
    for i in range(a2.shape[0]):
        for j in range(a2.shape[1]):
            dTheta2[j] += a2[i, j] * delta3[i]
    return dTheta2


@switchable
def delta2(delta3: Array, Theta2: Array, z2: Array) -> Array:
    """delta2 = (delta3 Theta2^T) * g'(z2), (m, s2): since z3 = a2 Theta2, dz3/da2 = Theta2.

    The boxed form of the document, Theta^T delta g'(z), is that of examples in columns, without its *.

    >>> delta2(np.array([[2.0]]), np.array([[1.0], [3.0]]), np.zeros((1, 2))).tolist()
    [[0.5, 1.5]]
    """
    _require_product("layer 2", "Theta2.T", Theta2.T, "delta3", delta3)
    if z2.shape != (delta3.shape[0], Theta2.shape[0]):
        raise RequestError(f"layer 2: delta3 Theta2.T is {(delta3.shape[0], Theta2.shape[0])} but z2 is {z2.shape}")
    return (delta3 @ Theta2.T) * sigmoid_slope(z2)


@switchable
def dJ_dTheta1(X: Array, delta2: Array) -> Array:
    """dJ/dTheta1 = X^T delta2 = X^T [(delta3 Theta2^T) * g'(z2)], (s1, s2): since z2 = X Theta1, dz2/dTheta1 = X.

    >>> dJ_dTheta1(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]])).tolist()
    [[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]]
    """
    _require_rows("layer 2", "X", X, "delta2", delta2)
    return X.T @ delta2


def regression_descent(
    X: Array, y: Array, Theta1: Array, Theta2: Array, learning_rate: float, iterations: int, mean: bool = False
) -> tuple[Array, Array, list[float]]:
    """Theta1 and Theta2 after so many steps of Theta := Theta - alpha dJ/dTheta, and J before each step.

    >>> X, y = np.array([[0.3, 1.0], [0.5, 0.2]]), np.array([[0.9], [0.6]])
    >>> Theta1, Theta2, costs = regression_descent(X, y, np.eye(2, 3), np.ones((3, 1)), 5.0, 300)
    >>> len(costs), costs[0] > 10 * costs[-1]
    (300, True)
    """
    costs: list[float] = []
    for _ in range(iterations):
        now = regression_example(X, y, Theta1, Theta2, mean)
        costs.append(now.J)
        Theta1 = moved(Theta1, now.dJ_dTheta1, learning_rate)
        Theta2 = moved(Theta2, now.dJ_dTheta2, learning_rate)
    return Theta1, Theta2, costs


def _divisor(y: Array, y_hat: Array, mean: bool) -> int:
    """M in J = 1/(2M) sum; targets of another shape would be broadcast to m by m numbers in silence."""
    if y.shape != y_hat.shape:
        raise RequestError(f"layer 3: y is {y.shape} but y_hat is {y_hat.shape}; reshape y, one row for each example")
    return y.shape[0] if mean else 1


def _require_product(layer: str, right: str, B: Array, left: str, A: Array) -> None:
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[0]:
        columns = f"has {A.shape[1]} columns" if A.ndim == 2 else f"is {A.shape}, one row for each example wanted"
        raise RequestError(f"{layer}: {right} is {B.shape} but {left} {columns}")


def _require_rows(layer: str, one: str, A: Array, other: str, B: Array) -> None:
    if A.ndim != 2 or B.ndim != 2 or A.shape[0] != B.shape[0]:
        raise RequestError(f"{layer}: {one} is {A.shape} but {other} is {B.shape}: one row for each example in both")
