"""*Theta notation*: the two derivations that it quotes, step by step, in the letters of those it quotes.

Hinton: one logistic unit, y its output and t its target.    x (m, inputs), y and t (m,)
The course wiki: cross-entropy and sigmoids, layer by layer.   a, z, y: columns; theta(l) is Theta(l)
"""

from typing import NamedTuple

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.table import Array
from chainrule.notes.array_checks import require_between_0_and_1
from chainrule.notes.switches import switchable
from chainrule.notes.theta.theta_network import ThetaList, theta_forward

__all__ = [
    "WikiSteps",
    "hinton_E",
    "hinton_dE_dw",
    "hinton_dE_dy",
    "hinton_dy_dw",
    "wiki_dJ_da",
    "wiki_dJ_dtheta",
    "wiki_da_dz",
    "wiki_delta",
    "wiki_delta_L",
    "wiki_steps",
]


def hinton_E(y: Array, t: Array) -> float:
    """E = 1/2 sum_n (t^n - y^n)^2.

    >>> hinton_E(np.array([0.5, 1.0]), np.array([1.0, 0.0]))
    0.625
    """
    return 0.5 * float(np.sum((t - y) ** 2))


def hinton_dE_dy(y: Array, t: Array) -> Array:
    """dE/dy^n = -(t^n - y^n), (m,).

    >>> hinton_dE_dy(np.array([0.75]), np.array([1.0])).tolist()
    [-0.25]
    """
    if y.shape != t.shape:
        raise RequestError(f"y is {y.shape} but t is {t.shape}: an output and a target for each case")
    return -(t - y)


def hinton_dy_dw(x: Array, y: Array) -> Array:
    """dy^n/dw_i = (dz/dw_i) (dy/dz) = x_i^n y^n (1 - y^n), (m, inputs).

    >>> hinton_dy_dw(np.array([[2.0, 4.0]]), np.array([0.5])).tolist()
    [[0.5, 1.0]]
    """
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise RequestError(f"x is {x.shape} but y is {y.shape}: a row of x and an output for each case")
    return x * (y * (1.0 - y))[:, None]


def hinton_dE_dw(x: Array, y: Array, t: Array) -> Array:
    """dE/dw_i = sum_n (dy^n/dw_i) (dE/dy^n) = -sum_n x_i^n y^n (1 - y^n) (t^n - y^n), (inputs,).

    >>> hinton_dE_dw(np.array([[2.0, 4.0]]), np.array([0.5]), np.array([1.0])).tolist()
    [-0.25, -0.5]
    """
    return np.sum(hinton_dy_dw(x, y) * hinton_dE_dy(y, t)[:, None], axis=0)


def wiki_dJ_da(a: Array, y: Array) -> Array:
    """dJ/da = (y - 1)/(a - 1) - y/a, for J = -y log a - (1 - y) log(1 - a) of one example.

    RequestError: an a that is 0 or 1, where the logarithms end; delta_L needs no division and is right there too.

    >>> wiki_dJ_da(np.array([0.5]), np.array([1.0])).tolist()
    [-2.0]
    """
    require_between_0_and_1(y=y)
    if ((a <= 0.0) | (a >= 1.0)).any():
        raise RequestError("layer L: dJ/da is defined for a between 0 and 1, and some a is not; use delta_L(a, y)")
    return (y - 1.0) / (a - 1.0) - y / a


def wiki_da_dz(a: Array) -> Array:
    """da/dz = a (1 - a), given a = g(z), g = 1 / (1 + e^-z).

    >>> wiki_da_dz(np.array([0.5])).tolist()
    [0.25]
    """
    return a * (1.0 - a)


def wiki_delta_L(a: Array, y: Array) -> Array:
    """delta(L) = (dJ/da(L)) (da(L)/dz(L)), the long way to a(L) - y.

    >>> wiki_delta_L(np.array([0.5]), np.array([1.0])).tolist()
    [-0.5]
    """
    return wiki_dJ_da(a, y) * wiki_da_dz(a)


@switchable
def wiki_delta(delta: Array, theta: Array, a: Array) -> Array:
    """delta(L-1) = (dz(L)/da(L-1))^T delta(L) * da(L-1)/dz(L-1) = theta^T delta * a (1 - a), a without its bias unit.

    dz(L)/da(L-1) = theta(L-1) without its bias column. The document writes delta theta a (1 - a): no transpose, in an
    order that cannot be multiplied, and no element-by-element product.

    >>> wiki_delta(np.array([[1.0]]), np.array([[9.0, 2.0, 4.0]]), np.array([[0.5], [0.5]])).tolist()
    [[0.5], [1.0]]
    """
    if theta.shape != (delta.shape[0], a.shape[0] + 1) or delta.shape[1:] != a.shape[1:]:
        raise RequestError(f"layer L-1: theta is {theta.shape} but delta is {delta.shape} and a is {a.shape}")
    return (theta[:, 1:].T @ delta) * wiki_da_dz(a)


@switchable
def wiki_dJ_dtheta(delta: Array, a: Array) -> Array:
    """dJ/dtheta(L-1) = delta(L) a(L-1)^T, since dz(L)/dtheta(L-1) = a(L-1); a with its bias unit. Sums over columns.

    The document writes (a(L) - y) (a(L-1)), which is not the outer product that it has to be.

    >>> wiki_dJ_dtheta(np.array([[2.0], [3.0]]), np.array([[1.0], [5.0]])).tolist()
    [[2.0, 10.0], [3.0, 15.0]]
    """
    if delta.ndim != 2 or a.ndim != 2 or delta.shape[1] != a.shape[1]:
        raise RequestError(f"delta is {delta.shape} but a is {a.shape}: one column for each example in both")
    return delta @ a.T


class WikiSteps(NamedTuple):
    """Every step of the wiki's derivation for L = 3; columns are examples, the derivatives by theta are summed."""

    dJ_da3: Array
    da3_dz3: Array
    delta3: Array
    dJ_dtheta2: Array
    da2_dz2: Array
    delta2: Array
    dJ_dtheta1: Array


def wiki_steps(theta: ThetaList, X: Array, Y: Array) -> WikiSteps:
    """The derivation for a 3-layer network, theta = [theta(1), theta(2)], on rows X and Y. RequestError: other lengths.

    >>> steps = wiki_steps([np.zeros((4, 3)), np.zeros((1, 5))], np.ones((1, 2)), np.ones((1, 1)))
    >>> steps.delta3.tolist(), steps.dJ_dtheta2.tolist()
    ([[-0.5]], [[-0.5, -0.25, -0.25, -0.25, -0.25]])
    """
    if len(theta) != 2:
        raise RequestError(f"the derivation is for L = 3 layers, that is 2 matrices theta, not {len(theta)}")
    _, a = theta_forward(theta, X)
    delta3 = wiki_delta_L(a[3], Y.T)
    delta2 = wiki_delta(delta3, theta[1], a[2][1:])
    return WikiSteps(
        dJ_da3=wiki_dJ_da(a[3], Y.T),
        da3_dz3=wiki_da_dz(a[3]),
        delta3=delta3,
        dJ_dtheta2=wiki_dJ_dtheta(delta3, a[2]),
        da2_dz2=wiki_da_dz(a[2][1:]),
        delta2=delta2,
        dJ_dtheta1=wiki_dJ_dtheta(delta2, a[1]),
    )
