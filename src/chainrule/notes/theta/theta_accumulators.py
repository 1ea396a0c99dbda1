"""*Theta notation*, second half: the accumulators Delta, D = dJ/dTheta, and gradient descent with it.

Delta and D are lists like Theta: [Delta(1), ..., Delta(L-1)], each (s_(l+1), s_l + 1), column j = 0 for the biases.
The rest of the notation is that of ``theta_network``.
"""

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.table import Array
from chainrule.notes.array_checks import require_examples
from chainrule.notes.gradient_step import moved
from chainrule.notes.switches import switchable
from chainrule.notes.theta.theta_network import ThetaList, require_targets, theta_backward, theta_cost, theta_forward

__all__ = [
    "D_from_Delta",
    "Delta_by_entry",
    "Delta_by_example",
    "Delta_vectorized",
    "accumulate",
    "dJ_dTheta_ij",
    "theta_descent",
    "theta_gradient",
]


@switchable
def accumulate(Delta_l: Array, a_l: Array, delta_next: Array) -> Array:
    """Delta(l) := Delta(l) + delta(l+1) a(l)^T, (s_(l+1), s_l + 1): entry (i, j) gains a_j delta_i.

    With several columns in a_l and delta_next the product sums over them: all examples at once.

    >>> accumulate(np.ones((1, 2)), np.array([[1.0], [5.0]]), np.array([[2.0]])).tolist()
    [[3.0, 11.0]]
    """
    if a_l.ndim != 2 or delta_next.ndim != 2 or a_l.shape[1] != delta_next.shape[1]:
        raise RequestError(
            f"layer l: a(l) is {a_l.shape} but delta(l+1) is {delta_next.shape}: one column for each example"
        )
    return Delta_l + delta_next @ a_l.T


def Delta_by_example(Theta: ThetaList, X: Array, Y: Array) -> list[Array]:
    """The algorithm as printed: Delta := 0; for t = 1 to m: forward, delta(L), deltas down to 2, accumulate.

    The document calls the loop's variable i, and t in its body; i and j are the indices of the entries.

    >>> Theta, X, Y = [np.ones((3, 3)), np.ones((1, 4))], np.eye(2), np.ones((2, 1))
    >>> np.allclose(Delta_by_example(Theta, X, Y)[0], Delta_vectorized(Theta, X, Y)[0])
    True
    """
    m = require_targets(Theta, X, Y)
    Delta = [np.zeros(Theta_l.shape) for Theta_l in Theta]
    for t in range(m):
        x_t, y_t = X[t : t + 1], Y[t : t + 1]  # 1.  a(1) := x(t)
        _, a = theta_forward(Theta, x_t)  # 2.  a(2), ..., a(L)
        delta = theta_backward(Theta, a, y_t)  # 3., 4.  delta(L), ..., delta(2)
        for l in range(1, len(Theta) + 1):  # 5.  Delta(l) := Delta(l) + delta(l+1) a(l)^T
            Delta[l - 1] = accumulate(Delta[l - 1], a[l], delta[l + 1])
    return Delta


def Delta_by_entry(Theta: ThetaList, X: Array, Y: Array) -> list[Array]:
    """The same with step 5 entry by entry: Delta_ij := Delta_ij + a_j delta_i.

    >>> Delta_by_entry([np.zeros((1, 2))], np.array([[3.0]]), np.array([[1.0]]))[0].tolist()
    [[-0.5, -1.5]]
    """
    m = require_targets(Theta, X, Y)
    Delta = [np.zeros(Theta_l.shape) for Theta_l in Theta]
    for t in range(m):
        _, a = theta_forward(Theta, X[t : t + 1])
        delta = theta_backward(Theta, a, Y[t : t + 1])
        for l in range(1, len(Theta) + 1):
            for i in range(Theta[l - 1].shape[0]):
                for j in range(Theta[l - 1].shape[1]):
                    Delta[l - 1][i, j] += a[l][j, 0] * delta[l + 1][i, 0]
    return Delta


def Delta_vectorized(Theta: ThetaList, X: Array, Y: Array) -> list[Array]:
    """The same for all m examples at once: Delta(l) = delta(l+1) a(l)^T with a column for each.

    >>> Delta_vectorized([np.zeros((1, 2))], np.array([[3.0]]), np.array([[1.0]]))[0].tolist()
    [[-0.5, -1.5]]
    """
    require_targets(Theta, X, Y)
    _, a = theta_forward(Theta, X)
    delta = theta_backward(Theta, a, Y)
    return [accumulate(np.zeros(Theta_l.shape), a[l], delta[l + 1]) for l, Theta_l in enumerate(Theta, start=1)]


@switchable
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    """D_ij = (Delta_ij + lambda Theta_ij) / m for j > 0, Delta_ij / m for j = 0, for each layer: dJ/dTheta.

    >>> D_from_Delta([np.array([[2.0, 4.0]])], [np.array([[5.0, 3.0]])], m=2, lambd=10.0)[0].tolist()
    [[1.0, 17.0]]
    """
    require_examples(m)
    D: list[Array] = []
    for Delta_l, Theta_l in zip(Delta, Theta, strict=True):
        D_l = Delta_l / m
        D_l[:, 1:] = (Delta_l[:, 1:] + lambd * Theta_l[:, 1:]) / m
        D.append(D_l)
    return D


def theta_gradient(Theta: ThetaList, X: Array, Y: Array, lambd: float = 0.0) -> list[Array]:
    """D = dJ/dTheta of theta_cost, a list like Theta. RequestError: shapes that do not fit.

    >>> theta_gradient([np.zeros((1, 2))], np.array([[3.0], [1.0]]), np.array([[1.0], [0.0]]))[0].tolist()
    [[0.0, -0.5]]
    """
    return D_from_Delta(Delta_vectorized(Theta, X, Y), Theta, X.shape[0], lambd)


def dJ_dTheta_ij(Theta: ThetaList, X: Array, Y: Array, l: int, i: int, j: int, lambd: float = 0.0) -> float:
    """One entry, as the document sums it: 1/m sum_t a_j^(t)(l) delta_i^(t)(l+1), and lambda/m Theta_ij for j > 0.

    i counts units from 1, j from 0, which is the bias unit. The document leaves lambda out here; D has it.

    >>> dJ_dTheta_ij([np.zeros((1, 2))], np.array([[3.0], [1.0]]), np.array([[1.0], [0.0]]), l=1, i=1, j=1)
    -0.5
    """
    m = require_targets(Theta, X, Y)
    _, a = theta_forward(Theta, X)
    delta = theta_backward(Theta, a, Y)
    total = sum(float(a[l][j, t] * delta[l + 1][i - 1, t]) for t in range(m))
    return total / m + (lambd / m * float(Theta[l - 1][i - 1, j]) if j > 0 else 0.0)


def theta_descent(
    Theta: ThetaList, X: Array, Y: Array, alpha: float, iterations: int, lambd: float = 0.0
) -> tuple[list[Array], list[float]]:
    """Theta after so many steps of Theta(l) := Theta(l) - alpha D(l), and J before each of them.

    >>> X, Y = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])
    >>> Theta, costs = theta_descent([np.zeros((1, 2))], X, Y, alpha=5.0, iterations=100)
    >>> from chainrule.notes import h_Theta
    >>> h_Theta(Theta, X).round().tolist(), costs[0] > 10 * costs[-1]
    ([[0.0], [1.0]], True)
    """
    Theta, costs = list(Theta), []
    for _ in range(iterations):
        costs.append(theta_cost(Theta, X, Y, lambd))
        D = theta_gradient(Theta, X, Y, lambd)
        Theta = [moved(Theta_l, D_l, alpha) for Theta_l, D_l in zip(Theta, D, strict=True)]
    return Theta, costs
