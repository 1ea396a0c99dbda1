"""Parameters against hyperparameters, and the dimensions that follow from both (*Building blocks*)."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.network import Network

__all__ = ["Hyperparameters", "dimension_table", "parameters_and_hyperparameters"]


@dataclass(frozen=True)
class Hyperparameters:
    """What a run is told, as against what it learns: the document's list, with the defaults of its models.

    layers_dims         units by layer (n[0], ..., n[L]): L layers with weights, L - 1 of them hidden
    learning_rate       alpha
    num_iterations      updates of the parameters
    initialization      "normal*0.01", "1/sqrt(n)" or "he"
    momentum            beta of the moving average of gradients; 0 for none
    mini_batch_size     examples an iteration; None for all
    lambd               strength of the regularisation lambda/(2m) sum of W^2
    hidden_activation   g[1..L-1]; g[L] is the sigmoid

    RequestError: numbers that make no sense, an activation that is not known.

    >>> Hyperparameters((12288, 20, 7, 5, 1)).hidden_units
    (20, 7, 5)
    """

    layers_dims: tuple[int, ...]
    learning_rate: float = 0.0075
    num_iterations: int = 3000
    initialization: str = "normal*0.01"
    momentum: float = 0.0
    mini_batch_size: int | None = None
    lambd: float = 0.0
    hidden_activation: str = "relu"

    def __post_init__(self) -> None:
        """Check every number."""
        _require("learning_rate", "a number above 0", self.learning_rate, 0.0 < self.learning_rate < inf)
        _require("num_iterations", "an integer from 0 on", self.num_iterations, _whole(self.num_iterations, 0))
        _require("momentum", "at least 0 and below 1", self.momentum, 0.0 <= self.momentum < 1.0)
        size = self.mini_batch_size
        _require("mini_batch_size", "an integer from 1 on, or None", size, size is None or _whole(size, 1))
        _require("lambd", "a number from 0 on", self.lambd, 0.0 <= self.lambd < inf)
        object.__setattr__(self, "layers_dims", self.network.n)

    @property
    def network(self) -> Network:
        """The same network in the package's own terms."""
        penalties = (f"l2({self.lambd})",) if self.lambd else ()
        network = Network(tuple(self.layers_dims), self.hidden_activation, "binary_cross_entropy", 0.0, penalties)
        network.formulas(np)  # an activation that is not known fails here
        return network

    @property
    def hidden_units(self) -> tuple[int, ...]:
        """n[1..L-1]."""
        return self.layers_dims[1:-1]


def parameters_and_hyperparameters(hyperparameters: Hyperparameters) -> dict[str, dict[str, Any]]:
    """What a run learns, with shapes, and what it is told: {"parameters": ..., "hyperparameters": ...}, plain JSON.

    >>> both = parameters_and_hyperparameters(Hyperparameters((4, 3, 1), learning_rate=0.1))
    >>> both["parameters"]
    {'W1': (3, 4), 'b1': (3, 1), 'W2': (1, 3), 'b2': (1, 1), 'numbers in all': 19}
    >>> both["hyperparameters"]["learning_rate"], both["hyperparameters"]["hidden_layers"]
    (0.1, 1)
    """
    network = hyperparameters.network
    shapes = network.dimensions(1)
    learned = {f"{V}{l}": shapes[f"{V}[{l}]"] for l in range(1, network.L + 1) for V in "Wb"}
    told = asdict(hyperparameters) | {
        "hidden_layers": network.L - 1,
        "hidden_units": hyperparameters.hidden_units,
        "output_activation": "sigmoid",
    }
    return {"parameters": learned | {"numbers in all": network.size}, "hyperparameters": told}


def dimension_table(layer_dims: tuple[int, ...], m: int) -> list[str]:
    r"""The shape of every W, b, Z, A of an L-layer network on m examples, a line of text for each layer.

    W[l] (n[l], n[l-1]), b[l] (n[l], 1), Z[l] and A[l] (n[l], m), each dV like V. "Z[l] = A[l]: (n[L], m)", as printed,
    is about shapes alone, and the l-th layer has n[l] rows.

    >>> print(*dimension_table((4, 3, 1), 10), sep="\n")
    l  W[l], dW[l]  b[l], db[l]  Z[l], dZ[l]  A[l], dA[l]
    0                                         (4, 10)
    1  (3, 4)       (3, 1)       (3, 10)      (3, 10)
    2  (1, 3)       (1, 1)       (1, 10)      (1, 10)
    """
    network = Network(tuple(layer_dims))
    shapes = network.dimensions(m)
    rows = [["l", *(f"{V}[l], d{V}[l]" for V in "WbZA")]]
    rows += [[str(l), *(str(shapes.get(f"{V}[{l}]", "")) for V in "WbZA")] for l in range(network.L + 1)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]


def _whole(number: Any, least: int) -> bool:
    return hasattr(number, "__index__") and not isinstance(number, bool) and number >= least


def _require(name: str, expected: str, came: Any, holds: bool) -> None:
    if not holds:
        raise RequestError(f"{name} is {expected}, not {came!r}.")
