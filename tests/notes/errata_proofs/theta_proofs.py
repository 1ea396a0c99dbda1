"""The proofs for *Theta notation*: its 2-3-1 example with its three examples, and a 2-3-2 network with bias units."""

from typing import Any

import numpy as np

from chainrule.notes import (
    D_from_Delta,
    Delta_by_example,
    h_Theta,
    regression_cost,
    regression_example,
    regression_forward,
    sigmoid_slope,
    theta_backward,
    theta_cost,
    theta_forward,
    theta_gradient,
    wiki_delta,
    wiki_dJ_dtheta,
)
from chainrule.notes.array_checks import Floats
from tests.notes.errata_proofs.problem import differences, typed
from tests.notes.errata_proofs.proof import Proof, mistaken

_random = np.random.default_rng(4)
_X = _random.standard_normal((3, 2))
_y = np.array([[0.9], [0.2], [0.6]])
_Theta1, _Theta2 = _random.standard_normal((2, 3)), _random.standard_normal((3, 1))


def _regression_J(v: Any) -> float:
    *_, y_hat = regression_forward(_X, v.get("Theta1", _Theta1), v.get("Theta2", _Theta2))
    return regression_cost(_y, y_hat)


def _dTheta1() -> Floats:
    return regression_example(_X, _y, _Theta1, _Theta2).dJ_dTheta1


def _dTheta2() -> Floats:
    return regression_example(_X, _y, _Theta1, _Theta2).dJ_dTheta2


def _true_dTheta1() -> Floats:
    return differences(_regression_J, {"Theta1": _Theta1}).reshape(2, 3)


def _true_dTheta2() -> Floats:
    return differences(_regression_J, {"Theta2": _Theta2}).reshape(3, 1)


_of_Theta2 = "dJ/dTheta2 of the 2-3-1 example"
_of_Theta1 = "dJ/dTheta1 of the 2-3-1 example; with three examples the shapes do not object"

sign = mistaken(_of_Theta2, "sign-lost", _dTheta2, _true_dTheta2, fails=1.99)
a2_not_transposed = mistaken(
    _of_Theta2 + "; with three examples the shapes do not object", "transpose-lost", _dTheta2, _true_dTheta2, fails=0.1
)
another_cost = mistaken(
    "dJ/dTheta2 of the 2-3-1 example, J = 1/2 sum (y - y_hat)^2",
    "delta-of-another-cost",
    _dTheta2,
    _true_dTheta2,
    fails=1.0,
)
boxed = mistaken(_of_Theta1, "transpose-lost", _dTheta1, _true_dTheta1, fails=0.3)
matrix_products = mistaken(_of_Theta1, "product-by-entries", _dTheta1, _true_dTheta1, fails=0.3)


def _star() -> Floats:
    _, a2, _, y_hat = regression_forward(_X, _Theta1, _Theta2)
    return -(_y - y_hat) * (y_hat * (1 - y_hat)) * a2


by_examples = Proof(_of_Theta2, _star, _dTheta2, _true_dTheta2, fails="shape")


def _printed_slope() -> Floats:
    z = np.array([-800.0, 0.0])
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


overflow = Proof(
    "g' of -800 and 0",
    printed=_printed_slope,
    correct=lambda: sigmoid_slope(np.array([-800.0, 0.0])),
    truth=lambda: [0.0, 0.25],
    fails="not finite",
)

_Theta = [_random.standard_normal((3, 3)), _random.standard_normal((2, 4))]
_Y = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])


def _flat(D: list[Floats]) -> Floats:
    return np.concatenate([np.ravel(D_l) for D_l in D])


def _true_gradient(lam: float = 0.0) -> Floats:
    return differences(lambda v: theta_cost(list(v.values()), _X, _Y, lam), _named())


def _named() -> dict[str, Floats]:
    return {"Theta1": _Theta[0], "Theta2": _Theta[1]}


bias_row = mistaken(
    "D of a 2-3-2 network",
    "bias-row-kept",
    lambda: _flat(theta_gradient(_Theta, _X, _Y)),
    _true_gradient,
    fails=ValueError,
    message="operands could not be broadcast together with shapes (3,3) (4,3)",
)
lambda_missing = mistaken(
    "D of a 2-3-2 network, lambda = 1",
    "lambda-not-in-gradient",
    lambda: _flat(theta_gradient(_Theta, _X, _Y, 1.0)),
    lambda: _true_gradient(1.0),
    fails=0.3,
)
bias_unit_of_x = Proof(
    "h of the first example",
    printed=typed("Theta[0] @ x", Theta=_Theta, x=_X[0]),
    correct=lambda: h_Theta(_Theta, _X[:1])[0],
    truth=lambda: _sigma(_Theta[1] @ np.append(1.0, _sigma(_Theta[0] @ np.append(1.0, _X[0])))),
    fails=ValueError,
    message="mismatch in its core dimension",
)


def _sigma(z: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-z))


loop_variable = Proof(
    "D of a 2-3-2 network by the loop, typed as printed",
    printed=typed("[X[t] for i in range(3)]", X=_X),
    correct=lambda: _flat(D_from_Delta(Delta_by_example(_Theta, _X, _Y), _Theta, 3)),
    truth=_true_gradient,
    fails=NameError,
    message="name 't' is not defined",
)

_, _a = theta_forward(_Theta, _X)
_delta = theta_backward(_Theta, _a, _Y)


def _true_dTheta(l: int) -> Floats:
    """3 dJ/dTheta(l): the wiki sums over examples."""
    start = 0 if l == 1 else _Theta[0].size
    return 3.0 * _true_gradient()[start : start + _Theta[l - 1].size].reshape(_Theta[l - 1].shape)


wiki_outer = mistaken(
    "dJ/dtheta(2) of a 2-3-2 network",
    "transpose-lost",
    lambda: wiki_dJ_dtheta(_delta[3], _a[2]),
    lambda: _true_dTheta(2),
    fails=ValueError,
    message="mismatch in its core dimension",
)
wiki_delta_order = mistaken(
    "dJ/dtheta(1) of a 2-3-2 network, by delta(2)",
    "transpose-lost",
    lambda: wiki_delta(_delta[3], _Theta[1], _a[2][1:]) @ _a[1].T,
    lambda: _true_dTheta(1),
    fails=ValueError,
    message="mismatch in its core dimension",
)
wiki_first_layer = Proof(
    "dJ/dtheta(1) of a 2-3-2 network",
    printed=typed("((aL - y) @ theta @ (a * (1 - a))) @ a1", aL=_a[3], y=_Y.T, theta=_Theta[1], a=_a[2], a1=_a[1]),
    correct=lambda: wiki_dJ_dtheta(wiki_delta(_delta[3], _Theta[1], _a[2][1:]), _a[1]),
    truth=lambda: _true_dTheta(1),
    fails=ValueError,
    message="mismatch in its core dimension",
)

PROOFS = {
    "theta-7": overflow,
    "theta-10": by_examples,
    "theta-13": a2_not_transposed,
    "theta-14": sign,
    "theta-16": boxed,
    "theta-18": matrix_products,
    "theta-24": another_cost,
    "theta-26": bias_row,
    "theta-27": lambda_missing,
    "theta-28": loop_variable,
    "theta-29": bias_unit_of_x,
    "theta-30": bias_row,
    "theta-32": wiki_outer,
    "theta-33": wiki_delta_order,
    "theta-34": wiki_delta_order,
    "theta-35": wiki_first_layer,
}
