"""Input layers in programs: A[0] from rows of X and codes, and the gradients of their parameters from dA[0].

A[0] (m, n[0]) has parts side by side, each unit after unit: unit u of column j stands at u k + j, as its parameters do
in theta. So the k columns that a layer takes are copied side by side, once for each unit, and kernels walk over rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engines.fused.data_movement import rows_ahead
from chainrule.engines.fused.input_kernels import Lookup, NumberLayer, V_symbol, de_symbol, dV_symbol
from chainrule.engines.fused.kernel_selection import Parts
from chainrule.engines.fused.memory import MemoryBlock, stride
from chainrule.engines.fused.program import Program
from chainrule.engines.fused.signatures import Given, Matrix, Place
from chainrule.layout import Block as Parameters


class InputMemory:
    """What input layers need in a workspace for chunks of so many rows.

    X, codes   rows that are handed in; of a prediction they are copied to here
    copies     the columns that layer i takes, side by side, where these are numbers
    T_0        row 0 of T, where it looks up vectors
    learned    how many rows of A[0] the layers make, the first ones; ``dA`` is the gradient of these
    """

    def __init__(self, parts: Parts, block: MemoryBlock, chunk: int, training: bool, holds_rows: bool) -> None:
        dtype, columns = parts.dtype, parts.network.columns
        size = np.dtype(dtype).itemsize

        def matrix(cols: int) -> Matrix:
            apart = stride(cols, size)
            return Matrix(block.part(chunk * apart * size, dtype), apart, cols)

        self.X, self.codes = Matrix(Place("X", dtype), columns.numbers), Place("codes", "int64")
        if holds_rows:
            self.X, self.codes = matrix(columns.numbers), block.part(chunk * len(columns.levels) * 8, "int64")
        self.copies: dict[int, Matrix] = {}
        self.T_0: dict[int, Place] = {}
        for i, (layer, part) in enumerate(zip(parts.network.input_layers, parts.inputs, strict=True)):
            if isinstance(part, NumberLayer):
                self.copies[i] = matrix(part.copies * len(layer.columns))
            else:
                self.T_0[i] = block.part(part.units * size, dtype)
        self.learned = learned_rows(parts)
        if training:
            self.dA = matrix(self.learned)


def learned_rows(parts: Parts) -> int:
    """How many rows of A[0] input layers make."""
    return sum(layer.width for layer in parts.network.input_layers)


def row_numbers(parts: Parts) -> int:
    """How many numbers a row takes, beside those of A[0]."""
    copies = [part.copies * len(layer.columns) for layer, part in _numbers(parts)]
    return sum(copies) + learned_rows(parts)


def _numbers(parts: Parts) -> Iterator[tuple[Any, NumberLayer]]:
    for layer, part in zip(parts.network.input_layers, parts.inputs, strict=True):
        if isinstance(part, NumberLayer):
            yield layer, part


class InputPrograms:
    """Writes what input layers do into a program; ``picked`` says which rows, see ``picking``."""

    def __init__(self, parts: Parts, memory: InputMemory, A: Matrix, program: Program) -> None:
        self.parts = parts
        self.memory = memory
        self.A = A
        self.program = program
        self.size = np.dtype(parts.dtype).itemsize
        self.columns = parts.network.columns
        self.layers = list(zip(parts.network.input_layers, parts.inputs, strict=True))
        self.blocks: list[dict[str, Parameters]] = [{} for _ in self.layers]
        for block in parts.network.layout:
            layer, _, V = block.name.partition("].")
            if V:
                self.blocks[int(layer.removeprefix("inputs["))][V] = block

    def means(self) -> None:
        """T[0] of looked-up vectors."""
        for i, lookup in self._lookups():
            E = self._place("theta", self.blocks[i]["E"])
            self._call("mean", into=self.memory.T_0[i], E=E, levels=lookup.levels, units=lookup.units)

    def forward(self, picked: Mapping[str, Given]) -> None:
        """A[0]."""
        for i, (layer, part) in enumerate(self.layers):
            first = self.columns.first[i]
            if isinstance(part, Lookup):
                of_E: dict[str, Given] = {"E": self._place("theta", self.blocks[i]["E"]), "mean": self.memory.T_0[i]}
                of_E |= {"units": part.units, **self._codes(i)}
                self._call("lookup", into=self._from(self.A, first), **of_E, **picked)
                continue
            x, k = self.memory.copies[i], len(layer.columns)
            self._columns(x, layer.columns, part.copies, picked)
            for each in part.parts:
                known = {V_symbol(V): self._place("theta", block) for V, block in self.blocks[i].items()}
                into, cols = self._from(self.A, first), each.units * k
                self._formula(each.forward, rows=picked["rows"], cols=cols, x=x, A=into, **known)
                first += cols
        self._columns(self._from(self.A, self.memory.learned), self.columns.handed_on, 1, picked)

    def backward(self, picked: Mapping[str, Given]) -> None:
        """The gradients so far, from dA[0] of these rows: ``first`` is 0 for those of a batch with which they begin."""
        goes_on = int(picked["first"] != 0)
        for i, (layer, part) in enumerate(self.layers):
            first = self.columns.first[i]
            if isinstance(part, Lookup):
                dE, de = self._place("dtheta", self.blocks[i]["E"]), self._from(self.memory.dA, first)
                self._call("scatter", dE=dE, de=de, units=part.units, goes_on=goes_on, **self._codes(i), **picked)
                continue
            k = len(layer.columns)
            known: dict[str, Given] = {"rows": picked["rows"], "goes_on": goes_on, "x": self.memory.copies[i]}
            for number, each in enumerate(part.parts):
                known[de_symbol(number)] = self._from(self.memory.dA, first)
                first += each.units * k
            for V, block in self.blocks[i].items():
                known[V_symbol(V)], known[dV_symbol(V)] = self._place("theta", block), self._place("dtheta", block)
            for sums in part.sums:
                self._formula(sums.backward, cols=sums.units * k, **known)

    def fold(self) -> bool:
        """dE from dT of looked-up vectors, once all rows are in it; whether there are any."""
        for i, lookup in self._lookups():
            dE = self._place("dtheta", self.blocks[i]["E"])
            self._call("fold", dE=dE, levels=lookup.levels, units=lookup.units)
        return any(True for _ in self._lookups())

    def _columns(self, into: Matrix, columns: Sequence[int], copies: int, picked: Mapping[str, Given]) -> None:
        """Columns of X, so many copies of them side by side; those that follow each other are moved together."""
        starts = [i for i, j in enumerate(columns) if i == 0 or columns[i - 1] + 1 != j]
        ends = [i for i, j in enumerate(columns, 1) if i == len(columns) or columns[i] != j + 1]
        for start, end in zip(starts, ends, strict=True):
            of_X = {"into": self._from(into, start), "matrix": self._from(self.memory.X, columns[start])}
            count: dict[str, Given] = {"cols": end - start, "copies": copies, "apart": len(columns)}
            ahead = rows_ahead((end - start) * self.size)
            self._call("repeat", **of_X, **count, **picked, ahead=ahead)

    def _codes(self, i: int) -> dict[str, Given]:
        layer, _ = self.layers[i]
        (column,), levels = layer.columns, layer.levels
        assert levels is not None
        return {"codes": self.memory.codes + 8 * column, "apart": len(self.columns.levels), "levels": levels}

    def _lookups(self) -> Iterator[tuple[int, Lookup]]:
        for i, (_, part) in enumerate(self.layers):
            if isinstance(part, Lookup):
                yield i, part

    def _from(self, matrix: Matrix, column: int) -> Matrix:
        """A matrix from a column on."""
        return Matrix(matrix.place + column * self.size, matrix.stride)

    def _place(self, vector: str, block: Parameters) -> Place:
        return Place(vector, self.parts.dtype, block.offset * self.size)

    def _call(self, name: str, /, **given: Given) -> None:
        self.program.work(self.parts.common[name], given)

    def _formula(self, made: Any, **known: Given) -> None:
        self.program.work(made.kernel, {name: known[name] for name in made.kernel.signature.names})
