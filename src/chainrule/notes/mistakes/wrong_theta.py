"""Wrong forms of the functions of *Theta notation*.

One function has many wrong forms, so its name stands here many times: the decorator keeps each.
"""
# ruff: noqa: F811 - what a form gets wrong is said in its decorator
# pyright: reportRedeclaration=false

from inspect import unwrap  # of a switchable function: the right one

from chainrule.formulas.table import Array
from chainrule.notes.mistakes.mistake_registry import also, wrong_form
from chainrule.notes.theta import theta_accumulators, theta_example, theta_network
from chainrule.notes.theta.theta_example import sigmoid_slope
from chainrule.notes.theta.theta_network import ThetaList

__all__: list[str] = []


@also("sign-lost")
def delta3(y: Array, y_hat: Array, z3: Array, mean: bool = False) -> Array:
    return -unwrap(theta_example.delta3)(y, y_hat, z3, mean)


@also("sign-lost")
def delta_L(a_L: Array, y: Array) -> Array:
    return y - a_L


@wrong_form(
    "delta-of-another-cost",
    "delta = y_hat - y, which belongs to the cross-entropy, with the cost 1/2 sum (y - y_hat)^2.",
    "The gradient of the cost reported is wrong, each example by its own factor 1 / (y_hat (1 - y_hat)), 4 or more; "
    "the cost falls, so training looks right.",
)
def delta3(y: Array, y_hat: Array, z3: Array, mean: bool = False) -> Array:
    return theta_example.dJ_dy_hat(y, y_hat, mean)


@also("sigmoid-slope-twice")
def delta_L(a_L: Array, y: Array) -> Array:
    return (a_L - y) * a_L * (1.0 - a_L)


@also("transpose-lost")
def dJ_dTheta2(a2: Array, delta3: Array) -> Array:
    return a2 @ delta3


@also("transpose-lost")
def wiki_delta(delta: Array, theta: Array, a: Array) -> Array:
    return delta @ theta[:, 1:] @ (a * (1.0 - a))


@also("transpose-lost")
def wiki_dJ_dtheta(delta: Array, a: Array) -> Array:
    return delta @ a


@also("transpose-lost")
def delta2(delta3: Array, Theta2: Array, z2: Array) -> Array:
    return (Theta2.T @ delta3) * sigmoid_slope(z2)  # as boxed; rows as examples need delta3 Theta2^T


@also("product-by-entries")
def delta2(delta3: Array, Theta2: Array, z2: Array) -> Array:
    return delta3 @ Theta2.T @ sigmoid_slope(z2)


@wrong_form(
    "bias-row-kept",
    "delta(l) = Theta(l)^T delta(l+1) * a(l) * (1 - a(l)) with the row of the bias unit, which has no delta.",
    "ValueError where the accumulator is added to: delta(l) has s_l + 1 rows and Delta(l-1) has s_l.",
)
def delta_l(Theta_l: Array, delta_next: Array, a_l: Array) -> Array:
    return (Theta_l.T @ delta_next) * a_l * (1.0 - a_l)


@wrong_form(
    "accumulator-overwritten",
    "Delta := delta a^T, where Delta := Delta + delta a^T is meant.",
    "The loop over examples keeps the last example alone, and J's gradient is wrong; the form for all examples at once "
    "is right, so the two differ.",
)
def accumulate(Delta_l: Array, a_l: Array, delta_next: Array) -> Array:
    return delta_next @ a_l.T


@wrong_form(
    "lambda-on-bias",
    "lambda Theta_ij is added for j = 0 too: the biases are penalised in D, and not in J.",
    "D is wrong in column 0 alone, by lambda/m Theta_i0; the cost falls, and its gradient does not come to 0.",
)
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    return [(Delta_l + lambd * Theta_l) / m for Delta_l, Theta_l in zip(Delta, Theta, strict=True)]


@wrong_form(
    "lambda-not-in-gradient",
    "dJ/dTheta = 1/m sum of a delta, without the lambda that J has.",
    "Right for lambda = 0; else D is wrong but for the biases', the weights grow as if there were no penalty, "
    "and the cost rises after a while.",
)
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    return unwrap(theta_accumulators.D_from_Delta)(Delta, Theta, m, 0.0)


@also("missing-1/m")
def D_from_Delta(Delta: ThetaList, Theta: ThetaList, m: int, lambd: float = 0.0) -> list[Array]:
    return [m * D_l for D_l in unwrap(theta_accumulators.D_from_Delta)(Delta, Theta, m, lambd)]


@wrong_form(
    "lambda-not-in-cost",
    "J is reported without its penalty, while D contains it.",
    "Training is right and the reported cost too low, so that a gradient check fails.",
)
def theta_cost(Theta: ThetaList, X: Array, Y: Array, lambd: float = 0.0) -> float:
    return unwrap(theta_network.theta_cost)(Theta, X, Y, 0.0)
