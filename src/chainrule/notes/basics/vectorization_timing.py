"""What loops cost (*Deep learning basics*, vectorisation): the three ways to one gradient, timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.notes.basics.logistic_regression import logistic_double_loop, logistic_one_loop, logistic_vectorized

__all__ = ["TimingTable", "timing_table"]


@dataclass(frozen=True)
class TimingTable:
    """Seconds for one gradient, by way; printed as a table."""

    n_x: int
    m: int
    seconds: dict[str, float]

    def times_slower(self) -> dict[str, float]:
        """By how much each is slower than the vectorised form."""
        return {way: seconds / self.seconds["vectorized"] for way, seconds in self.seconds.items()}

    def __str__(self) -> str:
        """The table."""
        lines = [f"{f'n_x = {self.n_x}, m = {self.m}':<26}{'ms a gradient':>14}{'times slower':>14}"]
        for way, times in self.times_slower().items():
            lines.append(f"{way:<26}{1e3 * self.seconds[way]:>14.3f}{times:>14.1f}")
        return "\n".join(lines)


def timing_table(n_x: int = 20, m: int = 1000, repeats: int = 3, seed: int = 0) -> TimingTable:
    """How long the three ways take for the same gradient, the best of some runs each; differs from run to run.

    RequestError: sizes below 1.

    >>> list(timing_table(2, 50).seconds)
    ['loops over i and j', 'loop over i', 'vectorized']
    """
    if min(n_x, m, repeats) < 1:
        raise RequestError(f"n_x, m and repeats must be positive integers, not {n_x}, {m} and {repeats}.")
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(n_x, m)), random.integers(2, size=(1, m))
    w, b = random.normal(size=(n_x, 1)), 0.1
    ways: dict[str, Callable[..., Any]] = {
        "loops over i and j": logistic_double_loop,
        "loop over i": logistic_one_loop,
        "vectorized": logistic_vectorized,
    }

    def once(way: Callable[..., Any]) -> float:
        start = time.perf_counter()
        way(w, b, X, Y)
        return time.perf_counter() - start

    return TimingTable(n_x, m, {name: min(once(way) for _ in range(repeats)) for name, way in ways.items()})
