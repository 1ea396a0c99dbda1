"""What the proofs run on: small fixed problems, central differences, and printed code as it was typed."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Form = Callable[[], Any]

STEP = 1e-6


def differences(J: Callable[[Mapping[str, Floats]], Any], at: Mapping[str, Floats]) -> Floats:
    """DJ by every entry of every array, one after the other: (J(v + h) - J(v - h)) / 2h.

    >>> differences(lambda v: float(v["W1"][0, 0] ** 2), {"W1": np.array([[3.0]])}).round(6).tolist()
    [6.0]
    """
    v = {name: np.array(array, float) for name, array in at.items()}
    quotients: list[float] = []
    for array in v.values():
        for index in np.ndindex(array.shape):
            here = array[index]
            array[index] = here + STEP
            above = float(J(v))
            array[index] = here - STEP
            below = float(J(v))
            array[index] = here
            quotients.append((above - below) / (2.0 * STEP))
    return np.array(quotients)


def joined(grads: Mapping[str, Floats], names: Any) -> Floats:
    """DV for each of the names V, one after the other, as ``differences`` has them.

    >>> grads = {"dW1": np.array([[1.0, 2.0]]), "db1": np.array([[3.0]]), "dA0": np.zeros((1, 1))}
    >>> joined(grads, ("W1", "b1")).tolist()
    [1.0, 2.0, 3.0]
    """
    return np.concatenate([np.ravel(grads[f"d{name}"]) for name in names])


def typed(code: str, **names: Any) -> Form:
    """What is printed, typed in as it stands: an expression over ``np`` and the names given.

    >>> typed("w * x", w=2, x=3)()
    6
    """
    return lambda: eval(code, {"np": np, **names})
