"""Wrong forms of the functions of *Theta notation*.

One function has many wrong forms, so its name stands here many times: the decorator keeps each.
"""
# ruff: noqa: F811 - the mistake that a form makes is named in its decorator
# pyright: reportRedeclaration=false

from inspect import unwrap  # of a switchable function: the right one

from chainrule.formulas.table import Array
from chainrule.notes.mistakes.mistake_registry import wrong_form
from chainrule.notes.theta import theta_accumulators, theta_example, theta_network
from chainrule.notes.theta.theta_example import sigmoid_slope
from chainrule.notes.theta.theta_network import ThetaList

__all__: list[str] = []


@wrong_form("sign-lost")
def delta3(y: Array, y_hat: Array, z3: Array, mean: bool = False) -> Array:
    return -unwrap(theta_example.delta3)(y, y_hat, z3, mean)


@wrong_form("sign-lost")
def delta_L(a_L: Array, y: Array) -> Array:
    return y - a_L


@wrong_form("delta-of-another-cost")
def delta3(y: Array, y_hat: Array, z3: Array, mean: bool = False) -> Array:
    return theta_example.dJ_dy_hat(y, y_hat, mean)


@wrong_form("sigmoid-slope-twice")
def delta_L(a_L: Array, y: Array) -> Array:
    return (a_L - y) * a_L * (1.0 - a_L)


@wrong_form("transpose-lost")
def dJ_dTheta2(a2: Array, delta3: Array) -> Array:
    return a2 @ delta3


@wrong_form("transpose-lost")
def wiki_delta(delta: Array, theta: Array, a: Array) -> Array:
    return delta @ theta[:, 1:] @ (a * (1.0 - a))


@wrong_form("transpose-lost")
def wiki_dJ_dtheta(delta: Array, a: Array) -> Array:
    return delta @ a


@wrong_form("transpose-lost")
def delta2(delta3: Array, Theta2: Array, z2: Array) -> Array:
    return (Theta2.T @ delta3) * sigmoid_slope(z2)  # as boxed; rows as examples need delta3 Theta2^T


@wrong_form("product-by-entries")
def delta2(delta3: Array, Theta2: Array, z2: Array) -> Array:
    return delta3 @ Theta2.T @ sigmoid_slope(z2)


@wrong_form("bias-row-kept")
def delta_l(Theta_l: Array, delta_next: Array, a_l: Array) -> Array:
    return (Theta_l.T @ delta_next) * a_l * (1.0 - a_l)


@wrong_form("accumulator-overwritten")
def accumulate(Delta_l: Array, a_l: Array, delta_next: Array) -> Array:
    return delta_next @ a_l.T


@wrong_form("lambda-on-bias")
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    return [(Delta_l + lambd * Theta_l) / m for Delta_l, Theta_l in zip(Delta, Theta, strict=True)]


@wrong_form("lambda-not-in-gradient")
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    return unwrap(theta_accumulators.D_from_Delta)(Delta, Theta, m, 0.0)


@wrong_form("missing-1/m")
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    return [m * D_l for D_l in unwrap(theta_accumulators.D_from_Delta)(Delta, Theta, m, lambd)]


@wrong_form("lambda-not-in-cost")
def theta_cost(Theta: ThetaList, X: Array, Y: Array, lambd: float = 0.0) -> float:
    return unwrap(theta_network.theta_cost)(Theta, X, Y, 0.0)
