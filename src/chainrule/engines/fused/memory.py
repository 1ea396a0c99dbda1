"""The memory of an engine: one block for all that lives as long as a batch, and where each part of it stands."""

from typing import Any

import numpy as np

from chainrule.engines.fused.gate import at
from chainrule.engines.fused.signatures import Place

ALIGNMENT = 64  # a cache line, and the widest vector
PAGE = 4096
APART = 11 * ALIGNMENT


def stride(cols: int, itemsize: int) -> int:
    """Elements from one row to the next. Rows a multiple of 1 KiB apart would compete for the same lines of a cache."""
    apart = cols * itemsize
    return cols + ALIGNMENT // itemsize if apart >= 1024 and apart % 1024 == 0 else cols


def placed(values: Any, size: int, dtype: str, number: int) -> Any:
    """A vector of these values (one for all, or so many) on a cache line; those of other numbers begin elsewhere in
    their pages: where several are walked together, those that begin alike compete for the same lines of a cache."""
    bytes_ = size * np.dtype(dtype).itemsize
    buffer = np.empty(bytes_ + PAGE, np.uint8)
    start = (number * APART - at(buffer).address) % PAGE
    vector = buffer[start : start + bytes_].view(dtype)
    vector[...] = values
    return vector


class MemoryBlock:
    """Memory under one name, laid out part after part, then made at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.array: Any = None
        self.address = 0

    def part(self, bytes_: int, kind: str) -> Place:
        """Room for so many bytes, on a cache line of its own; ``kind`` says what stands there."""
        at = self.size
        self.size += -(-bytes_ // ALIGNMENT) * ALIGNMENT
        return Place(self.name, kind, at)

    def make(self) -> None:
        """Zeros at first; from here on it has an address."""
        self.array = np.zeros(self.size + ALIGNMENT, np.uint8)
        self.address = -(-at(self.array).address // ALIGNMENT) * ALIGNMENT

    def view(self, place: Place, count: int, dtype: str) -> Any:
        """A part of it as an array."""
        start = self.address - at(self.array).address + place.offset
        return self.array[start : start + count * np.dtype(dtype).itemsize].view(dtype)
