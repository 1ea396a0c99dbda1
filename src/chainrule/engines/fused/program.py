"""A program: kernels in order, with their arguments, for memory that is named later.

    program.work(kernel, {"rows": 3, "cols": 4, "Z": Matrix(Place("work", "float32"), 4)})     a call
    program.barrier()                                                  all threads wait for each other

A Place is an address: a name and an offset. ``bind`` puts addresses in the places of names; the same program then runs
on that memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines.fused.gate import at
from chainrule.engines.fused.kernel_registry import Library
from chainrule.engines.fused.signatures import At, Given, KernelTable, Place, Wanted
from chainrule.engines.fused.step_state import Kind


class Program:
    """Kernels in order; see the module."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, int, Kind]] = []
        self._arguments: list[int] = []
        self._later: list[tuple[int, Place | KernelTable]] = []

    def work(self, kernel: Wanted, given: Mapping[str, Given], record: Kind = Kind.WORK) -> None:
        """Call a kernel with what it takes, by name. TypeError: it takes other arguments."""
        first = len(self._arguments)
        self._calls.append((kernel.name, first, record))
        numbers, later = kernel.signature.packed(given)
        self._arguments += numbers
        self._later += [(first + position, what) for position, what in later]

    def barrier(self, kind: Kind = Kind.BARRIER) -> None:
        """All threads wait for each other."""
        self._calls.append(("", 0, kind))

    def finished(self, library: Library) -> "Finished":
        """With its kernels made."""
        tables = [(position, what.name) for position, what in self._later if isinstance(what, KernelTable)]
        library.make([*(kernel for kernel, _, _ in self._calls if kernel), *(name for _, name in tables)])
        offsets = np.array([*self._arguments, 0], np.int64)
        for position, name in tables:
            offsets[position] = library.address(name)
        places = [(position, what) for position, what in self._later if isinstance(what, Place)]
        kinds: dict[str, set[str]] = {}
        for name, kind in {(place.name, place.kind) for _, place in places}:
            kinds.setdefault(name, set()).add(kind)
        numbers = {name: number for number, name in enumerate(kinds)}
        positions = np.array([position for position, _ in places], np.intp)
        which = np.array([numbers[place.name] for _, place in places], np.intp)
        arguments = offsets.copy()
        begin = at(arguments).address
        records = np.array(
            [
                (library.address(kernel) if kernel else 0, begin + 8 * first, kind)
                for kernel, first, kind in self._calls
            ],
            np.int64,
        ).reshape(-1, 3)
        return Finished(records, arguments, offsets[positions], positions, which, kinds)


@dataclass
class Finished:
    """A program whose kernels are known; ``bind`` gives it memory.

    kinds   what stands in memory of a name, or in parts of it
    """

    records: Any
    arguments: Any
    offsets: Any
    positions: Any
    which: Any
    kinds: dict[str, set[str]]
    bound: tuple[int, ...] = ()
    right: tuple[str, ...] = ()  # kinds of memory that were found to be right

    def bind(self, memory: Mapping[str, At]) -> None:
        """Addresses by name. The records point into the arguments, so nothing else needs to change.

        TypeError: something of another kind is there; the engine's own blocks, of bytes, are for any.
        """
        addresses, given = zip(*[memory[name] for name in self.kinds], strict=True) if self.kinds else ((), ())
        if addresses != self.bound:
            if given != self.right:
                for kind, (name, kinds) in zip(given, self.kinds.items(), strict=True):
                    if kind != "bytes" and kinds != {kind}:
                        raise TypeError(f"{name} is of {kind}, and the program takes {kinds} there")
                self.right = given
            self.arguments[self.positions] = self.offsets + np.array(addresses, np.int64)[self.which]
            self.bound = addresses


def as_argument(word: int) -> int:
    """A number below 2^64 as the int64 with the same bits."""
    return int(np.array(word, np.uint64).view(np.int64))
