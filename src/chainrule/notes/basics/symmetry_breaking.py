"""Where the weights begin (*Deep learning basics*): small random numbers, and what zeros would do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.notes.basics.shallow_network import Named, shallow_descent
from chainrule.notes.building_blocks.initialization import generator
from chainrule.notes.switches import switchable

__all__ = ["Symmetry", "random_initialization", "why_not_zeros"]

Floats = NDArray[Any]


@switchable
def random_initialization(n_0: int, n_1: int, n_2: int, rng: Any = None) -> Named:
    """W[l] = np.random.randn(n_l, n_(l-1)) * 0.01, b[l] = np.zeros((n_l, 1)), for l = 1, 2: W1, b1, W2, b2.

    The document prints randn((2, 2)) and np.zero: neither runs. ``rng`` is a generator or its seed, or None for the
    global np.random.

    >>> np.random.seed(1)
    >>> random_initialization(2, 2, 1)["W1"].round(8).tolist()
    [[0.01624345, -0.00611756], [-0.00528172, -0.01072969]]
    """
    source = generator(rng)
    return {
        "W1": source.standard_normal((n_1, n_0)) * 0.01,
        "b1": np.zeros((n_1, 1)),
        "W2": source.standard_normal((n_2, n_1)) * 0.01,
        "b2": np.zeros((n_2, 1)),
    }


@dataclass(frozen=True)
class Symmetry:
    """What became of the hidden units in training.

    start         how the weights began: "zeros", "equal" or "random"
    difference    the largest difference between the weights of two hidden units, of W[1] and W[2], over all iterations
    moved         the largest change of a weight of W[1]
    costs         J before the first iteration and before the last
    """

    start: str
    difference: float
    moved: float
    costs: tuple[float, float]


def why_not_zeros(
    X: Floats, Y: Floats, n_1: int = 4, g: str = "tanh", alpha: float = 1.0, iterations: int = 500, seed: int = 0
) -> list[Symmetry]:
    """The same network trained from zeros, from equal weights of 0.5, and from random ones.

    Units with the same weights have the same a[1], so the same dW[1] and dW[2], and stay the same: n_1 hidden units do
    the work of one. From zeros, with g(0) = 0, nothing but b[2] moves at all: a[1] = 0 makes dW[2] = 0, and W[2] = 0
    makes dz[1] = 0. RequestError: fewer than two hidden units, or fewer than one iteration.

    >>> X, Y = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), np.array([[0, 1, 1, 0]])
    >>> zeros, equal, random = why_not_zeros(X, Y)
    >>> zeros.moved, equal.difference, random.difference > 1.0
    (0.0, 0.0, True)
    """
    if n_1 < 2 or iterations < 1:
        raise RequestError(f"expected at least 2 hidden units and 1 iteration, not {n_1} and {iterations}.")
    random = random_initialization(X.shape[0], n_1, Y.shape[0], seed)
    # the document's 0.01 leaves a plateau of thousands of iterations on small problems: shown from a larger start
    starts = {
        "zeros": {name: np.zeros_like(v) for name, v in random.items()},
        "equal": {name: np.full_like(v, 0.5 * (name[0] == "W")) for name, v in random.items()},
        "random": {name: 100.0 * v for name, v in random.items()},
    }
    found: list[Symmetry] = []
    for start, parameters in starts.items():
        first, difference, costs = parameters["W1"], 0.0, []
        for _ in range(iterations):
            parameters, J = shallow_descent(X, Y, parameters, alpha, 1, g)
            costs += J
            units = np.concatenate([parameters["W1"], parameters["W2"].T], axis=1)  # row j: the weights of unit j
            difference = max(difference, float(np.max(np.ptp(units, axis=0))))
        moved = float(np.max(np.abs(parameters["W1"] - first)))
        found.append(Symmetry(start, difference, moved, (costs[0], costs[-1])))
    return found
