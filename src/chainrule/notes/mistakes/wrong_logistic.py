"""Wrong forms of the functions of *Deep learning basics* and *Logistic regression to one hidden layer*.

One function has many wrong forms, so its name stands here many times: the decorator keeps each.
"""
# ruff: noqa: F811 - the mistake that a form makes is named in its decorator
# pyright: reportRedeclaration=false

from collections.abc import Mapping
from inspect import unwrap  # of a switchable function: the right one
from typing import Any

import numpy as np

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.basics import logistic_regression, shallow_network, symmetry_breaking
from chainrule.notes.basics.logistic_regression import Floats, LogisticGradient
from chainrule.notes.basics.shallow_network import Named
from chainrule.notes.gradient_step import moved
from chainrule.notes.logistic import logistic_program
from chainrule.notes.mistakes.mistake_registry import wrong_form

__all__: list[str] = []


@wrong_form("transpose-lost")
def logistic_score(w: Floats, b: float, X: Floats) -> Floats:
    return np.dot(w, X) + b


@wrong_form("transpose-lost")
def deep_hidden_dz(w_next: Floats, dz_next: Floats, z: Floats, g: str) -> Floats:
    row = ACTIVATIONS.make(g, np)
    return w_next @ dz_next * row.slope(z, row.g(z))


@wrong_form("sign-lost")
def logistic_dZ(A: Floats, Y: Floats) -> Floats:
    return Y - A


@wrong_form("sign-lost")
def da_dz(a: Any) -> Any:
    return -a * (1 - a)


@wrong_form("z-for-a")
def logistic_dZ(A: Floats, Y: Floats) -> Floats:
    Z = np.log(A / (1.0 - A))
    return np.concatenate([A[:, :1], Z[:, 1:]], axis=1) - Y


@wrong_form("first-target-for-all")
def logistic_vectorized(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    return unwrap(logistic_regression.logistic_vectorized)(w, b, X, np.full_like(Y, Y[0, 0]))


@wrong_form("first-target-for-all")
def logistic_one_loop(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    return unwrap(logistic_regression.logistic_one_loop)(w, b, X, np.full_like(Y, Y[0, 0]))


@wrong_form("first-target-for-all")
def logistic_double_loop(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    return unwrap(logistic_regression.logistic_double_loop)(w, b, X, np.full_like(Y, Y[0, 0]))


@wrong_form("cost-bracket-misplaced")
def logistic_double_loop(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    dw, db, _ = unwrap(logistic_regression.logistic_double_loop)(w, b, X, Y)
    A, J, m = logistic_regression.logistic_forward(w, b, X), 0.0, X.shape[1]
    for a, y in zip(A[0], Y[0], strict=True):
        J += -(y * np.log(a) + (1 - y * np.log(1 - a)))
    return dw, db, float(J / m)


@wrong_form("missing-1/m")
def logistic_vectorized(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    dw, db, J = unwrap(logistic_regression.logistic_vectorized)(w, b, X, Y)
    m = X.shape[1]
    return dw * m, db * m, J


@wrong_form("sum-over-examples-missing")
def logistic_vectorized(w: Floats, b: float, X: Floats, Y: Floats) -> LogisticGradient:
    _, db, J = unwrap(logistic_regression.logistic_vectorized)(w, b, X, Y)
    return X * logistic_regression.logistic_dZ(logistic_regression.logistic_forward(w, b, X), Y) / X.shape[1], db, J


@wrong_form("w1-alone-updated")
def logistic_update(w: Floats, b: float, dw: Floats, db: float, alpha: float) -> tuple[Floats, float]:
    return np.concatenate([moved(w[:1], dw[:1], alpha), w[1:]]), b


@wrong_form("bias-not-updated")
def logistic_update(w: Floats, b: float, dw: Floats, db: float, alpha: float) -> tuple[Floats, float]:
    return moved(w, dw, alpha), b


@wrong_form("ascent")
def logistic_update(w: Floats, b: float, dw: Floats, db: float, alpha: float) -> tuple[Floats, float]:
    return moved(w, dw, -alpha), b + alpha * db


@wrong_form("missing-1/m-in-db")
def shallow_backward(
    parameters: Mapping[str, Floats], forward: Mapping[str, Floats], X: Floats, Y: Floats, g: str = "sigmoid"
) -> Named:
    d = unwrap(shallow_network.shallow_backward)(parameters, forward, X, Y, g)
    return d | {"db2": d["db2"] * X.shape[1]}  # as printed: db[1] has its 1/m


@wrong_form("zeros-for-weights")
def random_initialization(n_0: int, n_1: int, n_2: int, rng: Any = None) -> Named:
    parameters = unwrap(symmetry_breaking.random_initialization)(n_0, n_1, n_2, rng)
    return {name: np.zeros_like(value) for name, value in parameters.items()}


@wrong_form("zeros-for-weights")
def program_start(nx: int = 3, units: int = 4, rng: Any = None) -> tuple[Floats, Floats]:
    return np.zeros((units, nx)), np.zeros((units, 1))


@wrong_form("targets-in-a-column")
def program_data(m: int = 1000, nx: int = 3, rng: Any = None) -> tuple[Floats, Floats]:
    x, y = unwrap(logistic_program.program_data)(m, nx, rng)
    return x, y.T


@wrong_form("product-by-entries")
def program_vectorized(x: Floats, y: Floats, w: Floats, b: Floats) -> dict[str, Floats]:
    parts = unwrap(logistic_program.program_vectorized)(x, y, w, b)
    return parts | {"dw": x * parts["dz"].T / x.shape[1]}


@wrong_form("db-summed-over-units")
def program_vectorized(x: Floats, y: Floats, w: Floats, b: Floats) -> dict[str, Floats]:
    parts = unwrap(logistic_program.program_vectorized)(x, y, w, b)
    return parts | {"db": np.sum(parts["dz"]) / x.shape[1]}


@wrong_form("sum-bracket-lost")
def negative_sum_of_weighted_logs(a: Any, y: Any) -> float:
    a, y = np.asarray(a, float), np.asarray(y, float)
    return float(-np.sum(y * np.log(a)) + np.sum((1 - y) * np.log(1 - a)))
