"""What is trained: five networks, from one whose step is almost all overhead to one that is almost all arithmetic.

All use Adam, float32, relu in the hidden layers, and no penalty. One output means the sigmoid and binary cross-entropy,
several mean softmax and cross-entropy over integer classes.
"""

from dataclasses import dataclass
from itertools import pairwise

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Case:
    """n: units by layer, inputs first. rows: an integer of batches, so that every step is a full one."""

    name: str
    n: tuple[int, ...]
    batch_size: int
    rows: int

    @property
    def steps_per_epoch(self) -> int:
        return self.rows // self.batch_size

    @property
    def flops_per_step(self) -> int:
        """Of the matrix products alone: Z, dW and dA of each layer; nothing needs dA of the inputs."""
        products = [2 * self.batch_size * n_in * n_out for n_in, n_out in pairwise(self.n)]
        return 3 * sum(products) - products[0]

    @property
    def is_binary(self) -> bool:
        return self.n[-1] == 1


CASES = {
    case.name: case
    for case in (
        Case("tiny", (64, 32, 10), batch_size=32, rows=200 * 32),
        Case("small", (28, 64, 64, 1), batch_size=64, rows=200 * 64),
        Case("mnist", (784, 128, 64, 10), batch_size=128, rows=100 * 128),
        Case("table", (28, 256, 256, 256, 1), batch_size=256, rows=100 * 256),
        Case("wide", (1024, 1024, 1024, 1024, 10), batch_size=512, rows=6 * 512),
    )
}


def chosen_cases(names: str) -> list[Case]:
    """Those of names with commas between. ValueError names one that is not known."""
    unknown = [name for name in names.split(",") if name not in CASES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no case. Cases: {', '.join(CASES)}.")
    return [CASES[name] for name in names.split(",")]
