"""The proofs for *Logistic regression to one hidden layer*: the closing program, and the formulas before it."""

import numpy as np

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes import (
    da_dz,
    dL_da,
    negative_sum_of_weighted_logs,
    program_data,
    program_start,
    program_vectorized,
    sigmoid,
)
from chainrule.notes.array_checks import Floats
from tests.notes.errata_proofs.problem import differences, typed
from tests.notes.errata_proofs.proof import Proof, mistaken

_sigma = ACTIVATIONS["sigmoid"](np).g
_z = np.array([-2.0, 0.0, 0.5, 3.0])
_y = np.array([0.0, 1.0, 1.0, 0.0])


def _losses(z: Floats) -> Floats:
    return -_y * np.log(_sigma(z)) - (1 - _y) * np.log(1 - _sigma(z))


da_dz_sign = mistaken(
    "da/dz at four z",
    "sign-lost",
    lambda: da_dz(_sigma(_z)),
    lambda: differences(lambda v: np.sum(_sigma(v["z"])), {"z": _z}),
    fails=1.99,
)
dz_sign = mistaken(
    "dL/dz at four z",
    "sign-lost",
    lambda: dL_da(_sigma(_z), _y) * da_dz(_sigma(_z)),
    lambda: differences(lambda v: np.sum(_losses(v["z"])), {"z": _z}),
    fails=1.99,
)
exp_over_exp = mistaken(
    "sigmoid of 800 and 0",
    "overflowing-sigmoid",
    lambda: sigmoid(np.array([800.0, 0.0]))[0],
    lambda: [1.0, 0.5],
    fails="not finite",
)
sum_brackets = mistaken(
    "the negative log-likelihood of four examples",
    "sum-bracket-lost",
    lambda: negative_sum_of_weighted_logs(_sigma(_z), _y),
    lambda: -np.log(np.prod(np.where(_y == 1, _sigma(_z), 1 - _sigma(_z)))),
    fails=0.5,
)

_n = [3, 4, 1]
_A1 = np.arange(1.0, 21.0).reshape(4, 5)
W2_shape = Proof(
    "W[2] A[1] with ones for weights, in a 3-4-1 network",
    printed=typed("np.ones((n[2], n[2])) @ A1", n=_n, A1=_A1),
    correct=lambda: np.ones((_n[2], _n[1])) @ _A1,
    truth=lambda: _A1.sum(axis=0, keepdims=True),
    fails=ValueError,
    message="mismatch in its core dimension",
)
index_reversed = Proof(
    "the same for k = 2 (for k = 1 the index is right by accident)",
    printed=typed("np.ones((n[k], n[1-k])) @ A1", n=_n, A1=_A1, k=2),
    correct=typed("np.ones((n[k], n[k-1])) @ A1", n=_n, A1=_A1, k=2),
    truth=lambda: _A1.sum(axis=0, keepdims=True),
    fails=ValueError,
    message="mismatch in its core dimension",
)

_x, _row = program_data(m=50, rng=0)
_w, _b = program_start(rng=0)


def _losses_of_units(v: dict[str, Floats]) -> float:
    """Each row of w a logistic regression of its own, on the same y."""
    a = _sigma(v["w"] @ _x + v["b"])
    return float(-np.sum(_row * np.log(a) + (1 - _row) * np.log(1 - a)) / 50)


targets_in_a_column = Proof(
    "dz of four units for 1000 examples",
    printed=lambda: np.full((4, 1000), 0.5) - np.random.default_rng(0).integers(2, size=(1000, 1)),
    correct=lambda: np.full((4, 1000), 0.5) - program_data(rng=0)[1],
    truth=lambda: np.stack([0.5 - program_data(rng=0)[1][0]] * 4),
    fails=ValueError,
    message="operands could not be broadcast together with shapes (4,1000) (1000,1)",
)
entries = mistaken(
    "dw of four units",
    "product-by-entries",
    lambda: program_vectorized(_x, _row, _w, _b)["dw"],
    lambda: differences(lambda v: _losses_of_units({"w": v["w"], "b": _b}), {"w": _w}).reshape(4, 3),
    fails=ValueError,
    message="operands could not be broadcast together with shapes (3,50) (50,4)",
)
db_over_units = mistaken(
    "db of four units",
    "db-summed-over-units",
    lambda: program_vectorized(_x, _row, _w, _b)["db"],
    lambda: differences(lambda v: _losses_of_units({"w": _w, "b": v["b"]}), {"b": _b}).reshape(4, 1),
    fails="shape",
)


def _different_units() -> int:
    """How many rows of w differ after ten steps."""
    w, b = program_start(rng=0)
    for _ in range(10):
        step = program_vectorized(_x, _row, w, b)
        w, b = w - 0.5 * step["dw"], b - 0.5 * step["db"]
    return len(np.unique(w, axis=0))


equal_units = mistaken(
    "how many of the four units differ after ten steps", "zeros-for-weights", _different_units, lambda: 4.0, fails=0.7
)
indentation = Proof(
    "sigmoid of 0",
    printed=lambda: compile("def sigmoid(x):\nreturn 1 / (1 + np.exp(-x))", "printed", "exec"),
    correct=lambda: sigmoid(np.array([0.0]))[0],
    truth=lambda: [0.5],
    fails=IndentationError,
    message="expected an indented block",
)

PROOFS = {
    "logistic-1": exp_over_exp,
    "logistic-3": sum_brackets,
    "logistic-4": sum_brackets,
    "logistic-6": dz_sign,
    "logistic-7": da_dz_sign,
    "logistic-10": index_reversed,
    "logistic-11": index_reversed,
    "logistic-20": W2_shape,
    "logistic-24": indentation,
    "logistic-25": targets_in_a_column,
    "logistic-27": equal_units,
    "logistic-29": entries,
    "logistic-30": db_over_units,
}
