"""Tiles: a few rows and vectors of C = init + A B, held in registers while k runs.

At each k a tile loads its vectors of B, and multiplies them by one number of A for each of its rows; so every element
of C is one chain of fused multiply-adds over k in order. (Goto & van de Geijn 2008, "Anatomy of high-performance
matrix multiplication".)

All tiles that matrices of one form need are compiled once, in a module with a table of their addresses. What drives
them (``products.py``) looks them up there, so several drivers share them.
"""

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from chainrule.engines.fused.ir_builder import I64, PTR, TYPES, VOID, Code, Int, Pointer
from chainrule.engines.fused.processor import Processor

# C, ldc, A, lda, B, ldb, K, init, ldi, count
CALL = ir.FunctionType(VOID, [PTR, I64] * 3 + [I64, PTR, I64, I64])

# Rows of a tile by its vectors, largest first, for 32 and for 16 vector registers: the sums, a row of B and a number of
# A have to fit. A tile that is wider takes fewer loads for its sums.
HEIGHTS = {
    32: {1: (12, 8, 4), 2: (12, 8, 4), 3: (8, 4), 4: (6, 4, 2)},
    16: {1: (6, 4, 2), 2: (6, 4, 2)},
}
ALONE = 4  # vectors where a tile has one row: enough independent chains to hide the latency of an addition
PACKED = 2  # vectors where A is packed: a high tile uses longer what is packed
UNROLLED = 2  # k in an iteration of a tile that is met often


@dataclass(frozen=True)
class Shape:
    """A tile: rows, vectors of columns, is the last one masked, is A transposed."""

    rows: int
    vectors: int
    masked: bool
    transposed: bool

    def __str__(self) -> str:
        return f"tile_{self.rows}_{self.vectors}{'_masked' * self.masked}{'_transposed' * self.transposed}"


@dataclass(frozen=True)
class Section:
    """Tiles for panels of at most ``wide`` vectors: a part of the table.

    First the tiles of a full panel, highest first; then those of a last panel of 1, 2, ..., ``wide`` vectors, the last
    one masked. Each list has as many ``entries``; an entry is two numbers, the rows of a tile and its address.

    first     where the part begins, in numbers
    heights   rows of the tiles of a full panel
    """

    first: int
    wide: int
    entries: int
    heights: tuple[int, ...]


class TileTable:
    """Which tiles there are for A as it stands, or ``transposed``, and where the table has them.

    panels   the widest tiles; the last has one row, for what is left below
    packed   for an A that was packed for them; only where it is transposed
    alone    tiles of one row
    """

    def __init__(self, target: Processor, transposed: bool) -> None:
        self.shapes: list[Shape] = []
        self._transposed = transposed
        heights = HEIGHTS[target.registers]
        self.panels = self._section([(*heights[v], 1) for v in sorted(heights)])
        self.packed = self._section([heights[PACKED]] * PACKED) if transposed else None
        self.alone = self._section([(1,)] * ALONE)

    def _section(self, heights: list[tuple[int, ...]]) -> Section:
        """Of tiles with these rows where they have one vector, two, ..."""
        wide, entries = len(heights), max(map(len, heights))
        section = Section(2 * len(self.shapes), wide, entries, heights[-1])
        for vectors, masked in ((wide, False), *((v, True) for v in range(1, wide + 1))):
            rows = heights[vectors - 1]
            for height in (*rows, *rows[-1:] * (entries - len(rows))):  # an entry met again finds no rows left
                self.shapes.append(Shape(height, vectors, masked, self._transposed))
        return section


def write_tiles(name: str, target: Processor, dtype: str, transposed: bool) -> str:
    """The table under this name, and its tiles."""
    module: Any = ir.Module(name)
    module.triple = target.triple
    shapes = TileTable(target, transposed).shapes
    made = {shape: _tile(module, target, dtype, shape) for shape in dict.fromkeys(shapes)}
    content = [n for shape in shapes for n in (ir.Constant(I64, shape.rows), made[shape].ptrtoint(I64))]
    table: Any = ir.GlobalVariable(module, ir.ArrayType(I64, len(content)), name)
    table.initializer = ir.Constant(table.value_type, content)
    table.global_constant = True
    return str(module)


def _tile(module: Any, target: Processor, dtype: str, shape: Shape) -> Any:
    """A function C, ldc, A, lda, B, ldb, K, init, ldi, count: one tile.

    Strides are bytes. A[i, k] is at A + i lda + k, or where A is transposed at A + k lda + i; ``count`` is how many
    lanes of the last vector exist where it is ``masked``; init[i, :] is what the chains begin with.
    """
    lanes, real = target.lanes(dtype), TYPES[dtype]
    f: Any = ir.Function(module, CALL, f"{module.name}_{shape}")
    f.linkage = "internal"
    for position in (0, 2, 4, 7):
        f.args[position].add_attribute("noalias")
    code = Code(module, f, target)
    C, A, B, init = (Pointer(code, f.args[position], real) for position in (0, 2, 4, 7))
    ldc, lda, ldb, K, ldi, count = (Int(code, f.args[position]) for position in (1, 3, 5, 6, 8, 9))
    mask = code.first_lanes(count, lanes) if shape.masked else None

    def vectors(p: Pointer) -> list[tuple[Pointer, Any]]:
        return [(p + j * lanes, mask if j == shape.vectors - 1 else None) for j in range(shape.vectors)]

    acc = [p.load_vector(lanes, m) for i in range(shape.rows) for p, m in vectors(init.after(ldi * i))]
    starts = [A] if shape.transposed else [A.after(lda * i) for i in range(shape.rows)]
    pointers = [B.value, *(code.opaque_pointer(p).value for p in starts)]
    done = code.whole(0)
    often = not shape.masked and shape.rows > 1
    for unroll in (UNROLLED, 1) if often else (1,):
        stop = K.rounded_down(unroll)
        with code.loop(done, stop, unroll, carried=[*acc, *pointers]) as loop:
            sums, (b_k, *a_k) = list(loop.values[: len(acc)]), loop.values[len(acc) :]
            B_k, A_k = Pointer(code, b_k, real), [Pointer(code, a, real) for a in a_k]
            for _ in range(unroll):
                row = [p.load_vector(lanes, m) for p, m in vectors(B_k)]
                for i in range(shape.rows):
                    a = code.splat((A_k[0] + i if shape.transposed else A_k[i]).load(), lanes)
                    for j in range(shape.vectors):
                        sums[i * shape.vectors + j] = code.fma(a, row[j], sums[i * shape.vectors + j])
                B_k, A_k = B_k.after(ldb), [p.after(lda) if shape.transposed else p + 1 for p in A_k]
            loop.next([*sums, B_k.value, *(p.value for p in A_k)])
        acc, pointers, done = loop.values[: len(acc)], loop.values[len(acc) :], stop
    for i in range(shape.rows):
        for j, (p, m) in enumerate(vectors(C.after(ldc * i))):
            p.store_vector(acc[i * shape.vectors + j], m)
    code.builder.ret_void()
    return f
