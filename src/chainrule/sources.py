"""Where the batches of a run come from: which rows batch i of epoch e holds, and where a step stands in its epoch.

Rows are the only form in which examples are stored. The notes' columns are made where equations need them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from chainrule.formulas import draws
from chainrule.formulas.table import Array, Namespace


@dataclass(frozen=True)
class Examples:
    """Rows: numbers X (m, numbers), Y (m, n[L]), and how much each counts, weight (m,).

    codes   integers (m, columns of codes) where an input layer takes some, else None
    """

    X: Array
    Y: Array
    weight: Array
    codes: Array | None = None

    @property
    def m(self) -> int:
        """How many there are."""
        return int(self.X.shape[0])

    def take(self, index: Array, xp: Namespace) -> "Examples":
        """Some of the rows, in the order of ``index``."""
        return self._each(lambda rows: xp.take(rows, index, axis=0))

    def part(self, rows: slice) -> "Examples":
        """Rows that follow each other, on the same memory."""
        return self._each(lambda array: array[rows, ...])

    def _each(self, some: Callable[[Array], Array]) -> "Examples":
        codes = None if self.codes is None else some(self.codes)
        return Examples(some(self.X), some(self.Y), some(self.weight), codes)


@dataclass(frozen=True)
class Epoch:
    """m rows in batches of B; the last batch has what is left over.

    >>> epoch = Epoch(m=10, B=4)
    >>> epoch.steps, epoch.whole, [epoch.rows(i) for i in range(3)]
    (3, 2, [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None)])
    >>> epoch.at(5), epoch.first(1)
    ((1, 2), 3)
    """

    m: int
    B: int

    @property
    def steps(self) -> int:
        """How many it has."""
        return -(-self.m // self.B)

    @property
    def whole(self) -> int:
        """How many of them have B rows."""
        return self.m // self.B

    @property
    def is_one_batch(self) -> bool:
        """All rows are in one batch, whose order does not matter."""
        return self.m <= self.B

    def at(self, step: int) -> tuple[int, int]:
        """(e, i): the step, counted over all epochs from 0, is that of batch i of epoch e."""
        return divmod(step, self.steps)

    def first(self, epoch: int) -> int:
        """The first step of an epoch."""
        return epoch * self.steps

    def rows(self, i: int) -> slice:
        """The places of the rows of batch i in the order of the epoch."""
        return slice(i * self.B, min((i + 1) * self.B, self.m))

    def seen(self, step: int) -> int:
        """How many rows all steps before this one saw."""
        epoch, i = self.at(step)
        return epoch * self.m + i * self.B


class Source(Protocol):
    """Batches of a run: the same ones whenever, and wherever, they are asked for."""

    @property
    def epoch(self) -> Epoch:
        """How many rows an epoch has, in batches of how many."""
        ...

    def batch(self, epoch: int, i: int) -> Examples:
        """Batch i of an epoch, both counted from 0."""
        ...


class InMemory:
    """Examples in memory as a source, in a new order in every epoch.

    shuffle   False: in every epoch the rows as they stand
    """

    def __init__(self, examples: Examples, epoch: Epoch, seed: int, shuffle: bool, xp: Namespace) -> None:
        self.examples = examples
        self.epoch = epoch
        self._seed = seed
        self._shuffle = shuffle
        self._xp = xp
        self._order: tuple[int, Any] | None = None  # of the last epoch that was asked for

    def batch(self, epoch: int, i: int) -> Examples:
        """Batch i of an epoch."""
        if self.epoch.is_one_batch:
            return self.examples
        rows = self.epoch.rows(i)
        if not self._shuffle:
            return self.examples.part(rows)
        if self._order is None or self._order[0] != epoch:
            order = draws.permutation(self.epoch.m, self._seed, draws.Stream.SHUFFLE, epoch)
            self._order = epoch, self._xp.asarray(order)
        return self.examples.take(self._order[1][rows], self._xp)
