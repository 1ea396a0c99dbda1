"""One hidden layer (*Logistic regression to one hidden layer*): its units, their flat regions, and convergence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError, RunError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import require_entries
from chainrule.notes.basics.logistic_regression import logistic_forward
from chainrule.notes.basics.shallow_network import (
    Named,
    shallow_backward,
    shallow_cost,
    shallow_forward,
    shallow_update,
)
from chainrule.notes.gradient_step import all_moved

__all__ = [
    "Converged",
    "DyingUnit",
    "dying_relu",
    "hidden_units_as_regressions",
    "low_gradient_share",
    "shallow_descent_until_convergence",
    "until_convergence",
]

Floats = NDArray[Any]


def hidden_units_as_regressions(parameters: Mapping[str, Floats], X: Floats) -> Floats:
    """A[1] of a sigmoid hidden layer as n[1] logistic regressions: unit j has w = w_j^T and b = b_j of its own.

    Equal to ``shallow_forward(X, parameters)["A1"]``: "like logistic regression, but repeated".

    >>> parameters = {"W1": np.array([[1.0], [-1.0]]), "b1": np.zeros((2, 1))}
    >>> hidden_units_as_regressions(parameters, np.array([[0.0, 800.0]])).tolist()
    [[0.5, 1.0], [0.5, 0.0]]
    """
    require_entries("parameters", parameters, "W1", "b1")
    W, b = parameters["W1"], parameters["b1"]
    return np.concatenate([logistic_forward(W[[j]].T, b[j, 0], X) for j in range(len(W))])


def low_gradient_share(
    activation: str, threshold: float = 0.01, lowest: float = -10.0, highest: float = 10.0, points: int = 100_000
) -> float:
    """Which share of the z from ``lowest`` to ``highest`` has |g'(z)| < threshold: there a unit hardly learns.

    Measured at the middles of ``points`` equal intervals. The document says that relu has no such region: it has none
    above 0, and the gradient is exactly 0 everywhere below. RequestError: an interval without length.

    >>> [round(low_gradient_share(g), 3) for g in ("sigmoid", "tanh", "relu", "leaky_relu(0.02)")]
    [0.542, 0.701, 0.5, 0.0]
    """
    if not lowest < highest or points < 1:
        raise RequestError(f"expected lowest < highest and at least one point; got {lowest}, {highest} and {points}.")
    row = ACTIVATIONS.make(activation, np)
    z = lowest + (highest - lowest) * (np.arange(points) + 0.5) / points
    return float(np.mean(np.abs(row.slope(z, row.g(z))) < threshold))


@dataclass(frozen=True)
class DyingUnit:
    """A hidden unit in training.

    activation            of the hidden layer
    active                for how many of the m examples a[1] is above 0, before training and after
    largest_gradient      the largest |entry| of its row of dW[1] and db[1] over all iterations
    moved                 the largest change of its weights and its b
    """

    activation: str
    active: tuple[int, int]
    largest_gradient: float
    moved: float


def dying_relu(
    activation: str = "relu", b: float = -10.0, m: int = 50, alpha: float = 0.5, iterations: int = 200, seed: int = 0
) -> DyingUnit:
    """Train a 3-4-1 network whose first hidden unit begins with the bias b, on features between -1 and 1.

    With relu and b = -10 the unit is 0 for every example, so its gradient is exactly 0, and it stays as it is for
    ever. With leaky_relu it moves.

    >>> dead = dying_relu()
    >>> dead.active, dead.largest_gradient, dead.moved
    ((0, 0), 0.0, 0.0)
    >>> dying_relu("leaky_relu").moved > 0
    True
    """
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (3, m))
    Y = (X[:1] + X[1:2] > 0).astype(float)
    start = {
        "W1": random.normal(size=(4, 3)),
        "b1": np.array([[b], [0.0], [0.0], [0.0]]),
        "W2": random.normal(size=(1, 4)),
        "b2": np.zeros((1, 1)),
    }
    parameters, largest = start, 0.0
    for _ in range(iterations):
        d = shallow_backward(parameters, shallow_forward(X, parameters, activation), X, Y, activation)
        largest = max(largest, float(np.max(np.abs(d["dW1"][0]))), float(np.abs(d["db1"][0, 0])))
        parameters = shallow_update(parameters, d, alpha)
    active = [int(np.sum(shallow_forward(X, p, activation)["A1"][0] > 0)) for p in (start, parameters)]
    moved = max(float(np.max(np.abs(parameters[v][0] - start[v][0]))) for v in ("W1", "b1"))
    return DyingUnit(activation, (active[0], active[1]), largest, moved)


@dataclass(frozen=True)
class Converged:
    """Where gradient descent ended: the parameters, J there, the gradient's length, the iterations it took."""

    parameters: Named
    J: float
    gradient_norm: float
    iterations: int


def until_convergence(
    parameters: Mapping[str, Floats],
    cost_and_gradient: Callable[[Mapping[str, Floats]], tuple[float, Mapping[str, Floats]]],
    alpha: float,
    tol: float = 1e-6,
    max_iterations: int = 100_000,
) -> Converged:
    """V := V - alpha dV for every parameter V, "until convergence": until the gradient's length is below ``tol``.

    ``cost_and_gradient(parameters)`` gives J and {"dV": ...}. The length is sqrt(sum of the squares of all entries of
    all dV); at a minimum it is 0. RunError: J stops being finite, or it is not so far after ``max_iterations``.

    >>> def parabola(p):
    ...     return float(p["b"][0, 0] ** 2), {"db": 2 * p["b"]}
    >>> found = until_convergence({"b": np.array([[9.0]])}, parabola, alpha=0.25)
    >>> found.iterations, found.gradient_norm < 1e-6  # 18 / 2^25 is the first below 1e-6
    (25, True)
    """
    parameters = dict(parameters)
    iteration = 0
    while True:
        J, d = cost_and_gradient(parameters)
        require_entries("the gradient", d, *(f"d{name}" for name in parameters))
        norm = float(np.sqrt(sum(np.sum(np.square(d[f"d{name}"])) for name in parameters)))
        if not isfinite(J) or not isfinite(norm):
            raise RunError(f"J is {J} after {iteration} iterations: alpha = {alpha:g} is too large.")
        if norm < tol:
            return Converged(parameters, J, norm, iteration)
        if iteration == max_iterations:
            raise RunError(
                f"after {iteration} iterations the gradient's length is {norm:.3g}, not below tol = {tol:g}: "
                "give more iterations, another alpha, or a larger tol."
            )
        parameters = all_moved(parameters, d, alpha)
        iteration += 1


def shallow_descent_until_convergence(
    X: Floats,
    Y: Floats,
    parameters: Mapping[str, Floats],
    alpha: float,
    tol: float = 1e-6,
    max_iterations: int = 100_000,
    g: str = "tanh",
) -> Converged:
    """The document's algorithm: compute y^(i) for all i, the partial derivatives, update, repeat until convergence.

    >>> X, Y = np.array([[-1.0, 1.0, 1.0]]), np.array([[0, 1, 0]])
    >>> start = {"W1": np.array([[0.5]]), "b1": np.zeros((1, 1)), "W2": np.array([[0.5]]), "b2": np.zeros((1, 1))}
    >>> found = shallow_descent_until_convergence(X, Y, start, alpha=1.0, tol=1e-3)
    >>> found.gradient_norm < 1e-3, shallow_forward(X, found.parameters, "tanh")["A2"].round(1).tolist()
    (True, [[0.0, 0.5, 0.5]])
    """

    def cost_and_gradient(parameters: Mapping[str, Floats]) -> tuple[float, Named]:
        forward = shallow_forward(X, parameters, g)
        return shallow_cost(forward, Y), shallow_backward(parameters, forward, X, Y, g)

    return until_convergence(parameters, cost_and_gradient, alpha, tol, max_iterations)
