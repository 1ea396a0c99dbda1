"""Where each parameter stands in theta, and what it is: blocks with a name, a shape, a role and an offset.

theta is one vector. Layer after layer it holds first W[l].T row by row, then b[l]: so W[l].T is C-contiguous, what a
product reads row by row, and what scikit-learn calls ``coefs_[l-1]``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from chainrule.formulas.table import Array, Namespace

Shape = tuple[int, ...]

# A transposed block is copied so many rows at a time: the lines of both sides stay in the cache.
STRIP = 128


@dataclass(frozen=True)
class Role:
    """What a block of parameters is to optimisers and penalties.

    rate        factor on the learning rate
    decay       factor on the weight decay that an optimiser may have
    penalised   whether penalties count its entries
    """

    name: str
    rate: float = 1.0
    decay: float = 0.0
    penalised: bool = False


WEIGHT = Role("weight", decay=1.0, penalised=True)
BIAS = Role("bias")
INPUT = Role("input")


@dataclass(frozen=True)
class Block:
    """Parameters that belong together.

    name         such as "W[2]"
    shape        of its view
    offset       how many entries of theta come before it
    transposed   theta holds the transpose of the view, row by row
    """

    name: str
    shape: Shape
    role: Role
    offset: int
    transposed: bool = False

    @property
    def size(self) -> int:
        """How many entries it has."""
        return prod(self.shape)

    @property
    def place(self) -> slice:
        """Its entries in theta."""
        return slice(self.offset, self.offset + self.size)

    def view(self, theta: Array, xp: Namespace) -> Array:
        """Its part of theta, in its shape."""
        part = theta[self.place]
        return xp.reshape(part, self.shape[::-1]).T if self.transposed else xp.reshape(part, self.shape)


class Layout:
    """The blocks of theta, in their order.

    >>> layout = Layout(dense((2, 3, 1)))
    >>> [(block.name, block.shape, block.offset) for block in layout]
    [('W[1]', (3, 2), 0), ('b[1]', (3, 1), 6), ('W[2]', (1, 3), 9), ('b[2]', (1, 1), 12)]
    >>> layout.size
    13
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self.size = sum(block.size for block in blocks)
        self._by_name = {block.name: block for block in blocks}

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __getitem__(self, name: str) -> Block:
        return self._by_name[name]

    def views(self, theta: Array, xp: Namespace) -> dict[str, Array]:
        """The blocks of theta (or of a vector like it) by name, in their shapes, on the same memory."""
        return {block.name: block.view(theta, xp) for block in self.blocks}

    def vector(self, arrays: Mapping[str, Array], xp: Namespace) -> Array:
        """A vector like theta, (size,), from arrays by name."""
        first = next(iter(arrays.values()))
        into = xp.empty((self.size,), dtype=first.dtype)
        for name, view in self.views(into, xp).items():
            rows = view.shape[0]
            for start in range(0, rows, STRIP):
                part = slice(start, min(start + STRIP, rows))
                view[part, ...] = arrays[name][part, ...]
        return into


def dense(n: Sequence[int]) -> list[Block]:
    """W[l] (n[l], n[l-1]) and b[l] (n[l], 1) of the dense layers l = 1..L."""
    blocks: list[Block] = []
    offset = 0
    for l, (n_in, n_out) in enumerate(pairwise(n), 1):
        W = Block(f"W[{l}]", (n_out, n_in), WEIGHT, offset, transposed=True)
        b = Block(f"b[{l}]", (n_out, 1), BIAS, offset + W.size)
        blocks += [W, b]
        offset += W.size + b.size
    return blocks
