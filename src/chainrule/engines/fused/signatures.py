"""What kernels take, as a contract: the name and the kind of each argument, in order.

A kernel gets a vector of int64, in which an address looks like any other number, so that two arguments in each other's
places would corrupt memory. Therefore nobody counts places: the code of a kernel takes its arguments by name
(``assembly.Function``), who calls it hands them over by name (``program.Program.work``), and one Signature holds for
both.

    GATHER = Signature.of(into=MATRIX, matrix=MATRIX, order=INT64, ...)
    kernel.matrix("into")                                       in the kernel: a pointer and a stride
    program.work(gather, {"into": A, "matrix": X, ...})         in a program
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Place(NamedTuple):
    """An address in memory that has a name, so many bytes from its beginning; ``kind`` says what stands there."""

    name: str
    kind: str
    offset: int = 0

    def __add__(self, bytes_: int) -> "Place":  # type: ignore[override]
        return Place(self.name, self.kind, self.offset + bytes_)


class Matrix(NamedTuple):
    """A matrix in memory: where, elements from row to row, and how many of them it has (0: not of interest)."""

    place: Place
    stride: int
    columns: int = 0


class KernelTable(NamedTuple):
    """The table that the library makes under a name, to be handed to a kernel."""

    name: str


class At(NamedTuple):
    """An address that is known already, and the kind of what stands there."""

    address: int
    kind: str


Given = int | Place | Matrix | KernelTable | At


class Argument(NamedTuple):
    """What a kernel takes: a number, or the address of what is of a kind."""

    kind: str  # "number"; of what stands at an address: a dtype, "real" for the network's, "table", "bytes"
    is_matrix: bool = False  # the address, and as one argument more the elements from row to row
    may_be_absent: bool = False  # 0 where there is none

    def __str__(self) -> str:
        if self.kind == "number":
            return "a number"
        return (
            f"{'a matrix' if self.is_matrix else 'the address'} of {self.kind}{' or 0' if self.may_be_absent else ''}"
        )


NUMBER, TABLE, MEMORY = Argument("number"), Argument("table"), Argument("bytes")
REAL, FLOAT64, INT64 = Argument("real"), Argument("float64"), Argument("int64")
MATRIX = Argument("real", is_matrix=True)


@dataclass(frozen=True)
class Signature:
    """Names and kinds of a kernel's arguments. A name that comes twice, read and written, is the same memory."""

    arguments: tuple[tuple[str, Argument], ...]

    @classmethod
    def of(cls, **arguments: Argument) -> "Signature":
        """Of these arguments, in this order."""
        return cls(tuple(arguments.items()))

    @cached_property
    def names(self) -> frozenset[str]:
        """What ``packed`` is to be given."""
        return frozenset(name for name, _ in self.arguments)

    @property
    def slots(self) -> list[tuple[str, Argument]]:
        """Name and kind of each number of a kernel's vector."""
        slots: list[tuple[str, Argument]] = []
        for name, argument in self.arguments:
            slots.append((name, argument))
            if argument.is_matrix:
                slots.append((f"stride of {name}", NUMBER))
        return slots

    def in_dtype(self, dtype: str) -> "Signature":
        """With this dtype as the network's."""
        return Signature(tuple((name, a._replace(kind=dtype) if a.kind == "real" else a) for name, a in self.arguments))

    def packed(self, given: Mapping[str, Given]) -> tuple[list[int], list[tuple[int, Place | KernelTable]]]:
        """What is given by name as the numbers that the kernel takes; and which of them wait for an address, of what.

        TypeError: a name too many or too few, or another kind.

        >>> Signature.of(rows=NUMBER, Z=Argument("float32", is_matrix=True)).packed({"rows": 3, "Z": 4})
        Traceback (most recent call last):
        TypeError: Z must be a matrix of float32, not 4
        """
        numbers: list[int] = []
        later: list[tuple[int, Place | KernelTable]] = []
        if given.keys() != self.names:
            missing, unknown = sorted(self.names - given.keys()), sorted(given.keys() - self.names)
            raise TypeError(f"arguments that are missing: {missing}; that the kernel does not take: {unknown}")
        for name, argument in self.arguments:
            kind, is_matrix, may_be_absent = argument
            value = given[name]
            if type(value) is int:
                fits = kind == "number" or (may_be_absent and value == 0)
                numbers.append(value)
            elif type(value) is Matrix:
                place = value.place
                fits = is_matrix and kind == place.kind
                later.append((len(numbers), place))
                numbers += (place.offset, value.stride)
            elif type(value) is Place:
                fits = kind == value.kind and not is_matrix
                later.append((len(numbers), value))
                numbers.append(value.offset)
            elif type(value) is At:
                fits = kind == value.kind and not is_matrix
                numbers.append(value.address)
            else:
                fits = kind == "table" and type(value) is KernelTable
                later.append((len(numbers), value))  # type: ignore[arg-type]
                numbers.append(0)
            if not fits:
                raise TypeError(f"{name} must be {argument}, not {value!r}")
        return numbers, later


class Wanted(NamedTuple):
    """A kernel that the library has under a name, and what it takes."""

    name: str
    signature: Signature


@dataclass(frozen=True)
class Made:
    """A kernel made from formulas, with the symbols it reads and the outputs it writes, as its arguments have them."""

    kernel: Wanted
    symbols: tuple[str, ...]
    outputs: tuple[str, ...]
