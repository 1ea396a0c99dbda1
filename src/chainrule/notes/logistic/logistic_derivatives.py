"""The chain rule for logistic regression (*Logistic regression to one hidden layer*), factor by factor.

    L = -y log a - (1 - y) log(1 - a)        a = sigmoid(z)        z = w_1 x_1 + w_2 x_2 + ... + b

    dL/dw_1 = dz/dw_1 . da/dz . dL/da = x_1 (a - y)

``a`` and ``y`` are numbers from 0 to 1, or those of m examples. RequestError: others.
"""

from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.notes.array_checks import require_between_0_and_1, require_examples
from chainrule.notes.switches import switchable

__all__ = [
    "average_over_examples",
    "dL_da",
    "dL_db",
    "dL_dw",
    "dL_dz",
    "da_dz",
    "dz_db",
    "dz_dw",
]


def dL_da(a: Any, y: Any) -> Any:
    """dL/da = -y/a + (1 - y)/(1 - a), for L = -y log a - (1 - y) log(1 - a). RequestError: a is 0 or 1.

    >>> float(dL_da(0.5, 1)), float(dL_da(0.75, 0))
    (-2.0, 4.0)
    """
    a, y = np.asarray(a, float), np.asarray(y, float)
    require_between_0_and_1(a=a, y=y)
    if ((a == 0) | (a == 1)).any():
        raise RequestError("dL/da has no value where a is 0 or 1; dL/dz = a - y does: see dL_dz.")
    return -y / a + (1 - y) / (1 - a)


@switchable
def da_dz(a: Any) -> Any:
    """da/dz = a (1 - a), for a = sigmoid(z): positive, since a grows with z. (The document prints -a (1 - a).)

    >>> da_dz(0.5)
    0.25
    """
    return a * (1 - a)


def dz_dw(x: Any, j: int) -> Any:
    """dz/dw_j = x_j, for z = w_1 x_1 + w_2 x_2 + ... + b; j counts from 1. ``x`` is (n_x,), or (n_x, m) for m examples.

    RequestError: x has no feature j.

    >>> float(dz_dw([7.0, 8.0], 2))
    8.0
    """
    x = np.asarray(x, float)
    if not 1 <= j <= len(x):
        raise RequestError(f"x has the features 1 to {len(x)}; there is no x_{j}.")
    return x[j - 1]


def dz_db() -> float:
    """dz/db = 1.

    >>> dz_db()
    1.0
    """
    return 1.0


def dL_dz(a: Any, y: Any) -> Any:
    """dL/dz = dL/da . da/dz = [-y/a + (1 - y)/(1 - a)] . [a (1 - a)] = a - y, taken in the last form.

    The last form has a value where a is 0 or 1 too. With the minus that the document prints in da/dz it were y - a.

    >>> float(dL_dz(0.75, 1)), float(dL_da(0.75, 1) * da_dz(0.75)), float(dL_dz(1.0, 1))
    (-0.25, -0.25, 0.0)
    """
    require_between_0_and_1(a=a, y=y)
    return np.asarray(a, float) - np.asarray(y, float)


def dL_dw(x: Any, a: Any, y: Any, j: int) -> Any:
    """dL/dw_j = dz/dw_j . da/dz . dL/da = x_j (a - y); the document writes it out for j = 1 and 2.

    >>> float(dL_dw([2.0, 3.0], 0.75, 1, 2))
    -0.75
    """
    return dz_dw(x, j) * dL_dz(a, y)


def dL_db(a: Any, y: Any) -> Any:
    """dL/db = dz/db . da/dz . dL/da = 1 . (a - y).

    >>> float(dL_db(0.75, 1))
    -0.25
    """
    return dz_db() * dL_dz(a, y)


def average_over_examples(dL: Any) -> float:
    """dJ/dw_j = (1/m) sum_i dL(i)/dw_j, and so for b: ``dL`` holds the derivative of each example's loss.

    >>> X, a, y = [[1.0, 3.0]], [0.5, 0.5], [0, 1]
    >>> average_over_examples(dL_dw(X, a, y, 1)), average_over_examples(dL_db(a, y))
    (-0.5, 0.0)
    """
    require_examples(np.size(dL))
    return float(np.mean(dL))
