"""A program: kernels in order, with their arguments, for memory that is named later.

    program.work(kernel, rows, cols, Place("A1"), ld)       a call; a Place is an address: a name and an offset
    program.barrier()                                       all threads wait for each other

``bind`` puts addresses in the places of names; the same program then runs on that memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines.fused.library import Library
from chainrule.engines.fused.steps import Kind


@dataclass(frozen=True)
class Place:
    """An address in memory that has a name, so many bytes from its beginning."""

    name: str
    offset: int = 0

    def __add__(self, bytes_: int) -> "Place":
        return Place(self.name, self.offset + bytes_)


@dataclass(frozen=True)
class Address:
    """The address of what the library makes under a name, to be handed to a kernel."""

    name: str


class Program:
    """Kernels in order; see the module."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, int, Kind]] = []
        self._arguments: list[int] = []
        self._named: list[tuple[int, str]] = []
        self._addresses: list[tuple[int, str]] = []

    def work(self, kernel: str, *arguments: int | Place | Address, kind: Kind = Kind.WORK) -> None:
        """Call a kernel."""
        self._calls.append((kernel, len(self._arguments), kind))
        for argument in arguments:
            if isinstance(argument, Place):
                self._named.append((len(self._arguments), argument.name))
                argument = argument.offset
            elif isinstance(argument, Address):
                self._addresses.append((len(self._arguments), argument.name))
                argument = 0
            self._arguments.append(argument)

    def barrier(self, kind: Kind = Kind.BARRIER) -> None:
        """All threads wait for each other."""
        self._calls.append(("", 0, kind))

    def finished(self, library: Library) -> "Finished":
        """With its kernels made."""
        library.make([*(kernel for kernel, _, _ in self._calls if kernel), *(name for _, name in self._addresses)])
        offsets = np.array([*self._arguments, 0], np.int64)
        for place, name in self._addresses:
            offsets[place] = library.address(name)
        names = list(dict.fromkeys(name for _, name in self._named))
        at = np.array([place for place, _ in self._named], np.intp)
        which = np.array([names.index(name) for _, name in self._named], np.intp)
        arguments = offsets.copy()
        begin = address(arguments)
        records = np.array(
            [
                (library.address(kernel) if kernel else 0, begin + 8 * first, kind)
                for kernel, first, kind in self._calls
            ],
            np.int64,
        ).reshape(-1, 3)
        return Finished(records, arguments, offsets[at], at, which, names)


@dataclass
class Finished:
    """A program whose kernels are known; ``bind`` gives it memory."""

    records: Any
    arguments: Any
    offsets: Any
    at: Any
    which: Any
    names: list[str]
    bound: tuple[int, ...] = ()

    def bind(self, memory: Mapping[str, int]) -> None:
        """Addresses by name. The records point into the arguments, so nothing else needs to change."""
        addresses = tuple([memory[name] for name in self.names])
        if addresses != self.bound:
            self.arguments[self.at] = self.offsets + np.array(addresses, np.int64)[self.which]
            self.bound = addresses


def as_argument(word: int) -> int:
    """A number below 2^64 as the int64 with the same bits."""
    return int(np.array(word, np.uint64).view(np.int64))


def address(array: Any) -> int:
    """Where the numbers of an array begin."""
    return int(array.__array_interface__["data"][0])
