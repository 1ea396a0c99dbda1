"""The proofs for *Deep learning basics*: three features, eight examples."""

from typing import Any

import numpy as np

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.notes import (
    deep_backward,
    deep_forward,
    initialize_parameters_deep,
    logistic_double_loop,
    logistic_dZ,
    logistic_forward,
    logistic_score,
    logistic_update,
    logistic_vectorized,
    random_initialization,
    shallow_backward,
    shallow_cost,
    shallow_forward,
)
from chainrule.notes.basics.logistic_regression import Floats
from tests.notes.errata_proofs.problem import differences, joined, typed
from tests.notes.errata_proofs.proof import Proof, mistaken

_random = np.random.default_rng(2)
_X = _random.standard_normal((3, 8))
_Y = np.array([[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]])
_w, _b = _random.standard_normal((3, 1)), 0.3
_loss = LOSSES["binary_cross_entropy"](np).value


def _true_J(v: Any) -> float:
    """J straight from z = w_1 x_1 + w_2 x_2 + w_3 x_3 + b."""
    return float(np.mean(_loss(sum(v["w"][j, 0] * _X[j] for j in range(3)) + v["b"][0], _Y[0])))


_at = {"w": _w, "b": np.array([_b])}


def _gradient() -> Floats:
    dw, db, _ = logistic_vectorized(_w, _b, _X, _Y)
    return np.append(dw, db)


def _true_gradient() -> Floats:
    return differences(_true_J, _at)


first_target_J = mistaken(
    "J", "first-target-for-all", lambda: logistic_vectorized(_w, _b, _X, _Y)[2], lambda: _true_J(_at), fails=0.05
)
first_target_gradient = mistaken("dw and db", "first-target-for-all", _gradient, _true_gradient, fails=0.3)
bracket = mistaken(
    "J of the loop",
    "cost-bracket-misplaced",
    lambda: logistic_double_loop(_w, _b, _X, _Y)[2],
    lambda: _true_J(_at),
    fails=0.3,
)
nothing_to_add_to = Proof(
    "dw and db by the loop, typed as printed",
    printed=lambda: exec("for i in range(8):\n    J += 1.0\n    dw_1 += 1.0", {}),
    correct=lambda: np.append(*logistic_double_loop(_w, _b, _X, _Y)[:2]),
    truth=_true_gradient,
    fails=NameError,
    message="name 'J' is not defined",
)
w1_alone = mistaken(
    "w and b after one step",
    "w1-alone-updated",
    lambda: _stepped(),
    lambda: np.append(_w, _b) - 0.5 * _true_gradient(),
    fails=0.03,
)


def _stepped() -> Floats:
    dw, db, _ = logistic_vectorized(_w, _b, _X, _Y)
    return np.append(*logistic_update(_w, _b, dw, db, 0.5))


dot_w_x = Proof(
    "Z, where w is a column",
    printed=typed("np.dot(w,x)+b", w=_w, x=_X, b=_b),
    correct=lambda: logistic_score(_w, _b, _X),
    truth=lambda: [[sum(_w[j, 0] * _X[j, i] for j in range(3)) + _b for i in range(8)]],
    fails=ValueError,
    message="shapes (3,1) and (3,8) not aligned",
)
w_caret_T = Proof(
    "Z",
    printed=typed("np.dot(w^T, X)+b", w=_w, X=_X, b=_b),
    correct=lambda: logistic_score(_w, _b, _X),
    truth=dot_w_x.truth,
    fails=NameError,
    message="name 'T' is not defined",
)
z_for_a = mistaken("dw and db", "z-for-a", _gradient, _true_gradient, fails=0.3)
columns_for_sum = Proof(
    "dw",
    printed=lambda: _X * logistic_dZ(logistic_forward(_w, _b, _X), _Y) / 8,
    correct=lambda: logistic_vectorized(_w, _b, _X, _Y)[0],
    truth=lambda: _true_gradient()[:3].reshape(3, 1),
    fails="shape",
)

_shallow = {
    "W1": _random.standard_normal((4, 3)),
    "b1": _random.standard_normal((4, 1)),
    "W2": _random.standard_normal((1, 4)),
    "b2": _random.standard_normal((1, 1)),
}


def _db2() -> Floats:
    return shallow_backward(_shallow, shallow_forward(_X, _shallow), _X, _Y)["db2"][0]


db2 = mistaken(
    "db[2] for 8 examples",
    "missing-1/m-in-db",
    _db2,
    lambda: differences(lambda v: shallow_cost(shallow_forward(_X, {**_shallow, **v}), _Y), {"b2": _shallow["b2"]}),
    fails=6.9,
)  # m - 1
randn = Proof(
    "the shape of W[1], as ones",
    printed=typed("np.random.randn((2,2))*0.01"),
    correct=lambda: np.ones_like(random_initialization(2, 2, 1, 0)["W1"]),
    truth=lambda: np.ones((2, 2)),
    fails=TypeError,
    message="'tuple' object cannot be interpreted as an integer",
)
zero = Proof(
    "the shape of b[1], as ones",
    printed=typed("np.zero((2,1))"),
    correct=lambda: np.ones_like(random_initialization(2, 2, 1, 0)["b1"]),
    truth=lambda: np.ones((2, 1)),
    fails=AttributeError,
    message="has no attribute 'zero'",
)

_square = initialize_parameters_deep((3, 3, 3, 3), initialization="he", rng=3)
_Y3 = (_random.standard_normal((3, 8)) > 0).astype(float)
_g = ("tanh", "tanh", "sigmoid")


def _square_gradient() -> Floats:
    A_L, caches = deep_forward(_X, _square, _g)
    return joined(deep_backward(A_L, _Y3, caches, _g), _square)


def _square_J(v: Any) -> float:
    A = _X
    for l in (1, 2):
        A = ACTIVATIONS["tanh"](np).g(v[f"W{l}"] @ A + v[f"b{l}"])
    return float(np.sum(_loss(v["W3"] @ A + v["b3"], _Y3)) / 8)


transpose = mistaken(
    "the gradient of a 3-3-3-3 network, where the shapes do not object",
    "transpose-lost",
    _square_gradient,
    lambda: differences(_square_J, _square),
    fails=0.3,
)

PROOFS = {
    "basics-10": first_target_J,
    "basics-11": first_target_gradient,
    "basics-12": nothing_to_add_to,
    "basics-13": bracket,
    "basics-14": w1_alone,
    "basics-15": dot_w_x,
    "basics-16": z_for_a,
    "basics-17": columns_for_sum,
    "basics-18": w_caret_T,
    "basics-25": db2,
    "basics-27": randn,
    "basics-28": zero,
    "basics-32": transpose,
}
