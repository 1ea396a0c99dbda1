"""The memory of an engine: one block for all that lives as long as a batch, and where each part of it stands."""

from typing import Any

import numpy as np

from chainrule.engines.fused.program import Place
from chainrule.network import Network

ALIGNMENT = 64  # a cache line, and the widest vector


def stride(cols: int, itemsize: int) -> int:
    """Elements from one row to the next. Rows a multiple of 1 KiB apart would compete for the same lines of a cache."""
    apart = cols * itemsize
    return cols + ALIGNMENT // itemsize if apart >= 1024 and apart % 1024 == 0 else cols


class Block:
    """Memory under one name, laid out part after part, then made at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.array: Any = None
        self.address = 0

    def part(self, bytes_: int) -> Place:
        """Room for so many bytes, on a cache line of its own."""
        at = self.size
        self.size += -(-bytes_ // ALIGNMENT) * ALIGNMENT
        return Place(self.name, at)

    def make(self) -> int:
        """Its address; zeros at first."""
        self.array = np.zeros(self.size + ALIGNMENT, np.uint8)
        self.address = -(-self.array.ctypes.data // ALIGNMENT) * ALIGNMENT
        return self.address

    def view(self, place: Place, count: int, dtype: str) -> Any:
        """A part of it as an array."""
        start = self.address - self.array.ctypes.data + place.offset
        return self.array[start : start + count * np.dtype(dtype).itemsize].view(dtype)


class Layout:
    """Where W[l].T, b[l] stand in theta, in bytes.

    >>> Layout(Network((2, 3, 1))).b
    [0, 24, 48]
    """

    def __init__(self, network: Network) -> None:
        size = np.dtype(network.dtype).itemsize
        self.W, self.b = [0], [0]
        at = 0
        for n_in, n_out in zip(network.n, network.n[1:], strict=False):
            self.W.append(at)
            at += n_in * n_out * size
            self.b.append(at)
            at += n_out * size
