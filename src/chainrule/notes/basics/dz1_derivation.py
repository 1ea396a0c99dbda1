"""dz[1] step by step: what *Deep learning basics* leaves to matrix calculus, as equations that can be run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.notes.array_checks import require_entries
from chainrule.notes.basics.shallow_network import shallow_forward

__all__ = ["DerivationStep", "derive_dz1"]

Floats = NDArray[Any]


@dataclass(frozen=True)
class DerivationStep:
    """One equation: why it holds, and the numbers on both of its sides."""

    equation: str
    why: str
    left: Floats
    right: Floats

    @property
    def error(self) -> float:
        """The largest difference between the two sides."""
        return float(np.max(np.abs(self.left - self.right)))

    def __str__(self) -> str:
        """The equation and why it holds."""
        return f"{self.equation:<58}{self.why}"


def derive_dz1(
    parameters: Mapping[str, Floats], x: Floats, y: Floats, g: str = "sigmoid", h: float = 1e-6
) -> list[DerivationStep]:
    """dz[1] = W[2]^T dz[2] * g'(z[1]), derived for one example from the definition, each step checked by numbers.

    Where a derivative stands on the left, the left side is a difference quotient with step h; where a rewriting
    stands there, it is the line before. So every step stands on its own, with an error of rounding or of h^2.

    >>> parameters = {"W1": np.eye(2), "b1": np.zeros((2, 1)), "W2": np.array([[1.0, -2.0]]), "b2": np.zeros((1, 1))}
    >>> steps = derive_dz1(parameters, np.array([[0.5], [-1.0]]), np.array([[1.0]]))
    >>> print(steps[-1].equation, max(step.error for step in steps) < 1e-9)
    dz[1] = W[2]^T dz[2] * g'(z[1]) True
    """
    require_entries("parameters", parameters, "W1", "b1", "W2", "b2")
    if not h > 0.0:
        raise RequestError(f"h must be a positive number, the step of the difference quotients, not {h!r}.")
    W2, b2 = parameters["W2"], parameters["b2"]
    row = ACTIVATIONS.make(g, np)
    loss = LOSSES["binary_cross_entropy"](np).value
    forward = shallow_forward(x, parameters, g)
    z1, a1, z2, a2 = forward["Z1"], forward["A1"], forward["Z2"], forward["A2"]

    def L(z2: Floats) -> Floats:
        return np.sum(loss(z2, y)).reshape(1, 1)

    def z2_of(a1: Floats) -> Floats:
        return W2 @ a1 + b2

    dz2 = a2 - y
    dz2_da1 = _jacobian(z2_of, a1, h)  # [k, j] = dz[2]_k / da[1]_j
    da1_dz1 = _jacobian(row.g, z1, h)  # [j, i] = da[1]_j / dz[1]_i
    n_1, n_2 = len(z1), len(z2)
    sum_over_k = np.array([[sum(W2[k, j] * dz2[k, 0] for k in range(n_2))] for j in range(n_1)])
    da1 = W2.T @ dz2
    slope = row.slope(z1, a1)
    sum_over_j = np.array([[sum(da1_dz1[j, i] * da1[j, 0] for j in range(n_1))] for i in range(n_1)])
    dz1 = da1 * slope
    return [
        DerivationStep(
            "dz[2]_k = dL/dz[2]_k = a[2]_k - y_k",
            "cross-entropy of a sigmoid",
            _jacobian(L, z2, h).T,
            dz2,
        ),
        DerivationStep(
            "dz[2]_k / da[1]_j = W[2]_kj",
            "z[2]_k = sum_j W[2]_kj a[1]_j + b[2]_k is linear in a[1]",
            dz2_da1,
            W2,
        ),
        DerivationStep(
            "da[1]_j = dL/da[1]_j = sum_k W[2]_kj dz[2]_k",
            "chain rule: a[1]_j acts on L through every z[2]_k",
            _jacobian(lambda a: L(z2_of(a)), a1, h).T,
            sum_over_k,
        ),
        DerivationStep(
            "sum_k W[2]_kj dz[2]_k = (W[2]^T dz[2])_j",
            "column j of W[2] is row j of W[2]^T: here the transpose comes from",
            sum_over_k,
            da1,
        ),
        DerivationStep(
            "da[1]_j / dz[1]_i = g'(z[1]_j) if i = j, else 0",
            "each unit's a depends on its own z alone: the Jacobian is diagonal",
            da1_dz1,
            np.diag(slope[:, 0]),
        ),
        DerivationStep(
            "dz[1]_i = dL/dz[1]_i = sum_j (da[1]_j / dz[1]_i) da[1]_j",
            "chain rule: z[1]_i could act through every a[1]_j",
            _jacobian(lambda z: L(z2_of(row.g(z))), z1, h).T,
            sum_over_j,
        ),
        DerivationStep(
            "sum_j (da[1]_j / dz[1]_i) da[1]_j = da[1]_i g'(z[1]_i)",
            "only j = i is left of the sum: here the * comes from",
            sum_over_j,
            dz1,
        ),
        DerivationStep(
            "dz[1] = W[2]^T dz[2] * g'(z[1])",
            "all i at once",
            _jacobian(lambda z: L(z2_of(row.g(z))), z1, h).T,
            W2.T @ dz2 * slope,
        ),
    ]


def _jacobian(f: Callable[[Floats], Floats], v: Floats, h: float) -> Floats:
    """Entry [k, j] = df_k / dv_j by central differences, of a function from column to column."""
    columns: list[Floats] = []
    for j in range(len(v)):
        step = np.zeros_like(v)
        step[j] = h
        columns.append((f(v + step) - f(v - step)) / (2 * h))
    return np.concatenate(columns, axis=1)
