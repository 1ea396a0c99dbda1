"""Element by element: kernels made from expressions.

A matrix whose rows follow each other without a gap is walked as one long row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.engines.fused.codegen import Emitter, symbols_of
from chainrule.engines.fused.ir_builder import Int, Kernel, Pointer, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import NUMBER, Argument, Signature
from chainrule.ir import Expression


@dataclass(frozen=True)
class MatrixArgument:
    """Where a matrix stands, and the distance between its rows in elements."""

    pointer: Pointer
    stride: Int

    def row(self, i: Int) -> Pointer:
        """Row i."""
        return self.pointer + i * self.stride


def map_signature(dtype: str, outputs: Mapping[str, Expression]) -> Signature:
    """What ``write_map`` and ``write_by_example`` make takes: rows, cols, each symbol (in the order of names), each
    output. What reaches each element is a matrix; what reaches an example stands once for every row, and what reaches a
    unit once for every column; else it is one number's address (float64 where it is weak, int64 where it is whole)."""
    symbols = [(str(s.value), Argument(s.dtype, s.reach == "each")) for s in symbols_of(list(outputs.values()))]
    into = [(name, Argument(dtype, e.reach != "example")) for name, e in outputs.items()]
    return Signature((("rows", NUMBER), ("cols", NUMBER), *symbols, *into))


def write_map(name: str, target: Processor, dtype: str, outputs: Mapping[str, Expression], single: bool = False) -> str:
    """The kernel that works the outputs out. ``single``: there is one column, so a number for every row is a vector."""
    kernel = Kernel(name, target, map_signature(dtype, outputs))
    expressions = list(outputs.values())
    rows, cols = kernel.number("rows"), kernel.number("cols")
    uniform: dict[str, Value] = {}
    matrices: dict[str, MatrixArgument] = {}
    by_row: dict[str, Pointer] = {}
    by_column: dict[str, Pointer] = {}
    for symbol in symbols_of(expressions):
        if symbol.reach == "one":
            uniform[symbol.value] = kernel.address(symbol.value).load()
        elif symbol.reach == "example":
            by_row[symbol.value] = kernel.address(symbol.value)
        elif symbol.reach == "unit":
            by_column[symbol.value] = kernel.address(symbol.value)
        else:
            matrices[symbol.value] = MatrixArgument(*kernel.matrix(symbol.value))
    into = {o: MatrixArgument(*kernel.matrix(o)) for o in outputs}
    lanes = target.lanes(dtype)
    emitter = Emitter(kernel, lanes, uniform)
    emitter.prepare(expressions)
    start, stop = kernel.share(rows)
    step, length = start * 0 + 1, cols
    if (not by_row or single) and not by_column:
        whole = [m.stride.equals(cols) for m in (*matrices.values(), *into.values())]
        flat = whole[0]
        for w in whole[1:]:
            flat = kernel.builder.and_(flat, w)
        step = Int(kernel, kernel.builder.select(flat, (stop - start).value, step.value))
        length = Int(kernel, kernel.builder.select(flat, ((stop - start) * cols).value, cols.value))

    def work(i: Int, j: Int, mask: Any) -> None:
        values = {name: (m.row(i) + j).load_vector(lanes, mask) for name, m in matrices.items()}
        for name, p in by_row.items():
            values[name] = (p + (i + j)).load_vector(lanes, mask) if single else kernel.splat(p.load(i), lanes)
        values |= {name: (p + j).load_vector(lanes, mask) for name, p in by_column.items()}
        for m, value in zip(into.values(), emitter.vectors(expressions, values), strict=True):
            (m.row(i) + j).store_vector(value, mask)

    with kernel.when(start < stop), kernel.loop(start, stop, step) as over_rows:
        along(kernel, length, lanes, lambda j, mask: work(over_rows.i, j, mask))
    return kernel.finish()


def along(kernel: Kernel, length: Int, lanes: int, work: Any) -> None:
    """work(j, None) for every full vector of a row, work(j, mask) for what is left."""
    full = length.rounded_down(lanes)
    with kernel.loop(0, full, lanes) as loop:
        work(loop.i, None)
    with kernel.when(full < length):
        work(full, kernel.first_lanes(length - full, lanes))
