"""Logistic regression (*Deep learning basics*): the same gradient by two loops, by one loop, and by none.

    X   (n_x, m)   one example a column        w   (n_x, 1)        b   a number
    Y   (1, m)     each 0 or 1                 dw  (n_x, 1)        db  a number

dz = a - y belongs to one example; the 1/m stands in dw, db and J.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.notes.array_checks import require_between_0_and_1, require_examples, require_matrices
from chainrule.notes.gradient_step import moved
from chainrule.notes.switches import switchable

__all__ = [
    "logistic_dZ",
    "logistic_descent",
    "logistic_double_loop",
    "logistic_forward",
    "logistic_one_loop",
    "logistic_score",
    "logistic_update",
    "logistic_vectorized",
    "stack_examples",
]

Floats = NDArray[Any]
LogisticGradient = tuple[Floats, float, float]  # dw, db, J

sigma = ACTIVATIONS["sigmoid"](np).g
loss_on_z = LOSSES["binary_cross_entropy"](np).value  # L(sigmoid(z), y), finite for every z


def stack_examples(examples: Iterable[tuple[Any, float]]) -> tuple[Floats, Floats]:
    """X = [x(1) x(2) ... x(m)], (n_x, m), and Y, (1, m), from the pairs (x(1), y(1)), ..., (x(m), y(m)).

    RequestError: no example, or examples with different numbers of features.

    >>> X, Y = stack_examples([([1, 2, 3], 0), ([4, 5, 6], 1)])
    >>> X.tolist(), Y.tolist()
    ([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], [[0.0, 1.0]])
    """
    pairs = [(np.asarray(x, float).reshape(-1), float(y)) for x, y in examples]
    if not pairs:
        raise RequestError("expected at least one example (x, y); got none.")
    n_x = pairs[0][0].size
    for i, (x, _) in enumerate(pairs, start=1):
        if x.size != n_x:
            raise RequestError(f"x({i}) has {x.size} features, but x(1) has {n_x}.")
    return np.stack([x for x, _ in pairs], axis=1), np.array([[y for _, y in pairs]])


@switchable
def logistic_score(w: Floats, b: float, X: Floats) -> Floats:
    """Z = w^T X + b, (1, m). The document prints np.dot(w, x) + b: w and x are both columns, so it is np.dot(w.T, x).

    RequestError: w is not a column as long as X has rows.

    >>> logistic_score(np.array([[1.0], [2.0]]), 0.5, np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[1.5, 2.5]]
    """
    require_matrices(w=w, X=X)
    if w.shape != (X.shape[0], 1):
        raise RequestError(f"w is {w.shape} but X is {X.shape}: w must be ({X.shape[0]}, 1), one weight for each row.")
    return np.dot(w.T, X) + b


def logistic_forward(w: Floats, b: float, X: Floats) -> Floats:
    """A = y^ = P(y = 1 | x) = sigmoid(w^T X + b), (1, m).

    >>> logistic_forward(np.zeros((2, 1)), 0.0, np.ones((2, 3))).tolist()
    [[0.5, 0.5, 0.5]]
    """
    return sigma(logistic_score(w, b, X))


@switchable
def logistic_dZ(A: Floats, Y: Floats) -> Floats:
    """dz = A - Y = (a(1) - y(1)  a(2) - y(2)  ...  a(m) - y(m)), (1, m); the document prints z(2) for a(2).

    RequestError: Y is not shaped like A. (Y of shape (m, 1) would be broadcast to (m, m) without a word.)

    >>> logistic_dZ(np.array([[0.75, 0.25]]), np.array([[1.0, 0.0]])).tolist()
    [[-0.25, 0.25]]
    """
    if np.shape(Y) != np.shape(A):
        raise RequestError(f"Y is {np.shape(Y)} but A is {np.shape(A)}: one target for each example, in a row.")
    require_between_0_and_1(Y=Y)
    return A - Y


@switchable
def logistic_double_loop(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    """dw, db, J by a loop over the examples with a loop over the features in it (the document writes out n_x = 2).

    J += -[y log a + (1 - y) log(1 - a)];  dz = a - y;  dw_1 += x_1 dz;  dw_2 += x_2 dz;  db += dz;  all /= m.
    (The document closes the bracket of (1 - y) too late.) The loss is worked out from z, so that it is finite.

    >>> X, Y = np.array([[1.0, 3.0]]), np.array([[0, 1]])
    >>> dw, db, J = logistic_double_loop(np.zeros((1, 1)), 0.0, X, Y)
    >>> dw.tolist(), db, J
    ([[-0.5]], 0.0, 0.6931471805599453)
    """
    _require_regression(w, X, Y)
    n_x, m = X.shape
    J, dw, db = 0.0, np.zeros((n_x, 1)), 0.0
    for i in range(m):
        z = b
        for j in range(n_x):
            z += w[j, 0] * X[j, i]
        a = sigma(z)
        J += loss_on_z(z, Y[0, i])
        dz = a - Y[0, i]
        for j in range(n_x):
            dw[j, 0] += X[j, i] * dz
        db += dz
    return dw / m, float(db / m), float(J / m)


@switchable
def logistic_one_loop(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    """dw, db, J by one loop, over the examples: dw = np.zeros((n_x, 1)), then dw += x(i) dz(i).

    >>> X, Y = np.array([[1.0, 3.0]]), np.array([[0, 1]])
    >>> logistic_one_loop(np.zeros((1, 1)), 0.0, X, Y)[0].tolist()
    [[-0.5]]
    """
    _require_regression(w, X, Y)
    n_x, m = X.shape
    J, dw, db = 0.0, np.zeros((n_x, 1)), 0.0
    for i in range(m):
        x = X[:, i : i + 1]
        z = np.dot(w.T, x).item() + b
        a = sigma(z)
        J += loss_on_z(z, Y[0, i])
        dz = a - Y[0, i]
        dw += x * dz
        db += dz
    return dw / m, float(db / m), float(J / m)


@switchable
def logistic_vectorized(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    """dw, db, J without a loop: dw = (1/m) X dZ^T, db = (1/m) np.sum(dZ).

    X dZ^T is the sum x(1) dz(1) + ... + x(m) dz(m), (n_x, 1); the document prints the terms side by side.

    >>> X, Y = np.array([[1.0, 3.0]]), np.array([[0, 1]])
    >>> logistic_vectorized(np.zeros((1, 1)), 0.0, X, Y)[0].tolist()
    [[-0.5]]
    """
    _require_regression(w, X, Y)
    m = X.shape[1]
    Z = logistic_score(w, b, X)
    A = sigma(Z)
    J = np.sum(loss_on_z(Z, Y)) / m
    dZ = logistic_dZ(A, Y)
    dw = X @ dZ.T / m
    db = np.sum(dZ) / m
    return dw, float(db), float(J)


@switchable
def logistic_update(w: Floats, b: float, dw: Floats, db: float, alpha: float) -> tuple[Floats, float]:
    """w := w - alpha dw, b := b - alpha db: every weight, and b. (The document's loop moves w_1 alone.)

    >>> w, b = logistic_update(np.array([[1.0], [2.0]]), 0.0, np.array([[1.0], [-1.0]]), 2.0, alpha=0.5)
    >>> w.tolist(), b
    ([[0.5], [2.5]], -1.0)
    """
    return moved(w, dw, alpha), b - alpha * db


def logistic_descent(
    X: Floats, Y: Floats, alpha: float, iterations: int, w: Floats | None = None, b: float = 0.0
) -> tuple[Floats, float, list[float]]:
    """Gradient descent from w (zeros, unless given) and b: w, b and J before each of the iterations.

    >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
    >>> w, b, J = logistic_descent(X, Y, alpha=1.0, iterations=100)
    >>> (logistic_forward(w, b, X) > 0.5).tolist(), J[0] > J[50] > J[99]
    ([[False, False, True, True]], True)
    """
    require_matrices(X=X)
    w = np.zeros((X.shape[0], 1)) if w is None else w
    costs: list[float] = []
    for _ in range(iterations):
        dw, db, J = logistic_vectorized(w, b, X, Y)
        w, b = logistic_update(w, b, dw, db, alpha)
        costs.append(J)
    return w, b, costs


def _require_regression(w: Floats, X: Floats, Y: Floats) -> None:
    require_matrices(w=w, X=X)
    if w.shape != (X.shape[0], 1):
        raise RequestError(f"w is {w.shape} but X is {X.shape}: w must be ({X.shape[0]}, 1), one weight for each row.")
    if np.shape(Y) != (1, X.shape[1]):
        raise RequestError(f"Y is {np.shape(Y)} but X is {X.shape}: Y must be (1, {X.shape[1]}), one for each column.")
    require_examples(X.shape[1])
    if not np.isin(Y, (0, 1)).all():
        raise RequestError("Y must hold only 0 and 1, the class of each example.")
