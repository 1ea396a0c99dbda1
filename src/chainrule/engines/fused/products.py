"""Matrix products: C = init + A B, each element one chain of fused multiply-adds over k in order.

So an element has the same bits whichever tile, vector width, block or thread worked it out, and whatever else was
worked out beside it: a row alone gives what it gives in a batch.

A tile holds MR rows by NV vectors of C in registers while k runs: at each k it loads NV vectors of B, and multiplies
them by MR numbers of A. (Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from chainrule.engines.fused.assembly import BYTES, I64, PTR, REAL, VOID, Code, Int, Kernel, Pointer, Value
from chainrule.engines.fused.target import Target


def tile(kernel: Kernel, dtype: str, MR: int, NV: int, masked: bool) -> Any:
    """A function C, ldc, A, asi, ask, B, ldb, K, init, ldi, count: one tile of MR rows by NV vectors.

    A[i, k] is at A + i asi + k ask bytes, all other strides are bytes too; ``count`` is how many lanes of the last
    vector exist where it is ``masked``; init[i, :] is what the chains begin with.
    """
    lanes, real = kernel.target.lanes(dtype), REAL[dtype]
    types = [PTR, I64, PTR, I64, I64, PTR, I64, I64, PTR, I64, I64]
    f: Any = ir.Function(kernel.module, ir.FunctionType(VOID, types), f"tile_{MR}_{NV}_{int(masked)}")
    f.linkage = "internal"
    f.attributes.add("noinline")
    for position in (0, 2, 5, 8):
        f.args[position].add_attribute("noalias")
    code = Code(kernel.module, f, kernel.target)
    C, ldc, A, asi, ask, B, ldb, K, init, ldi, count = f.args
    ldc, asi, ask, ldb, K, ldi, count = (Int(code, v) for v in (ldc, asi, ask, ldb, K, ldi, count))
    mask = code.first_lanes(count, lanes) if masked else None

    def vectors(p: Pointer) -> list[tuple[Pointer, Any]]:
        return [(p + j * lanes, mask if j == NV - 1 else None) for j in range(NV)]

    def rows(p: Any, stride: Int) -> list[Pointer]:
        return [Pointer(code, p, real).after(stride * i) for i in range(MR)]

    start = [p.load_vector(lanes, m) for row in rows(init, ldi) for p, m in vectors(row)]
    # bases three rows apart: x86 reaches base, base + stride and base + 2 stride without further registers
    bases = [Pointer(code, A, real).after(asi * i).value for i in range(0, MR, 3)]
    with code.loop(0, K, carried=[*start, B, *bases]) as loop:
        acc, (b_k, *a_k) = loop.values[: MR * NV], loop.values[MR * NV :]
        row = [p.load_vector(lanes, m) for p, m in vectors(Pointer(code, b_k, real))]
        new = []
        for i in range(MR):
            a = code.splat(Pointer(code, a_k[i // 3], real).after(asi * (i % 3)).load(), lanes)
            new += [code.fma(a, row[j], acc[i * NV + j]) for j in range(NV)]
        moved = [Pointer(code, b_k, real).after(ldb).value, *(Pointer(code, a, real).after(ask).value for a in a_k)]
        loop.next([*new, *moved])
    for i, row in enumerate(rows(C, ldc)):
        for j, (p, m) in enumerate(vectors(row)):
            p.store_vector(loop.values[i * NV + j], m)
    code.builder.ret_void()
    return f


# Rows of the tiles by number of vector registers: NV = 2 vectors wide, so 12 x 2 sums, 2 of B and 1 of A fill 27 of 32.
ROWS = {32: (12, 8, 4), 16: (6, 4, 2)}
WIDE = 2  # vectors of B in a tile
SINGLE = 4  # vectors where a tile has one row: enough independent chains to hide the latency of an addition
DEPTH = 192  # k at a time: a packed panel of B, DEPTH x 32 float32, takes 24 KiB of a first cache of 32
HEIGHT = 480  # rows of A at a time: HEIGHT x DEPTH float32 take 360 KiB of a second cache


def packing_bytes(target: Target) -> int:
    """What a thread needs to pack a panel of B and a block of A."""
    return DEPTH * (WIDE * target.vector_bytes + HEIGHT * BYTES["float64"])


def write_product(name: str, target: Target, dtype: str) -> str:
    """C = init + A B, straight from where the matrices stand, with

        C, ldc, A, asi, ask, B, ldb, init, ldi, M, N, K, by_columns

    Strides in elements: C[i, j] at C + i ldc + j, A[i, k] at A + i asi + k ask, B[k, j] at B + k ldb + j, and
    init[i, j] at init + i ldi + j (ldi = 0: one row for all, the biases). ``by_columns``: threads share the columns of
    C, else its rows.
    """
    product = _Product(name, target, dtype)
    kernel, columns, zero = product.kernel, product.columns, product.kernel.whole(0)
    with kernel.when(product.many > 0), kernel.loop(columns[0], columns[1], WIDE * product.lanes) as loop:
        product.panel(loop.i, product.rows[0], product.end, zero, product.K, None, None)
    product.single_rows()
    return kernel.finish()


def write_blocked(name: str, target: Target, dtype: str) -> str:
    """The same for large matrices, with two arguments more: ``packing``, where threads pack, and ``packs_A``.

    DEPTH rows of a panel of B are copied to one place, so that they stay in the first cache while the rows of A pass;
    where A is turned (asi = 1), so are the HEIGHT rows of A, which stay in the second cache while the panels of B pass.
    """
    product = _Product(name, target, dtype)
    kernel, b, size = product.kernel, product.kernel.builder, product.size
    packing, packs_A = kernel.number() + kernel.thread * packing_bytes(target), kernel.number()
    panel = Pointer(kernel, b.inttoptr(packing.value, PTR), product.real)
    block = panel.after(DEPTH * WIDE * target.vector_bytes)
    with (
        kernel.loop(0, product.K, DEPTH) as over_depth,
        kernel.loop(product.rows[0], product.end, HEIGHT) as over_blocks,
    ):
        k, top = over_depth.i, over_blocks.i
        depth, bottom = (product.K - k).least(DEPTH), (top + HEIGHT).least(product.end)
        with kernel.when(packs_A > 0):
            product.pack_A(block, top, bottom, k, depth)
        with kernel.loop(product.columns[0], product.columns[1], WIDE * product.lanes) as over_columns:
            j = over_columns.i
            product.pack_B(panel, j, k, depth)
            packed_A = Packed(block, packs_A > 0, top, depth * size)
            product.panel(j, top, bottom, k, depth, panel, packed_A)
    product.single_rows()
    return kernel.finish()


@dataclass(frozen=True)
class Packed:
    """Rows of A from ``top`` on, each tile's for itself: first all its rows at k = 0, then at k = 1; ``row``: bytes."""

    pointer: Pointer
    used: Value
    top: Int
    row: Int


class _Product:
    """What both kernels share: the arguments, the thread's part, and calls of tiles."""

    def __init__(self, name: str, target: Target, dtype: str) -> None:
        self.kernel = kernel = Kernel(name, target)
        self.real, self.size, self.lanes = REAL[dtype], BYTES[dtype], target.lanes(dtype)
        self.tiles = {shape: tile(kernel, dtype, *shape) for shape in _shapes(target)}
        self.C, self.ldc = kernel.address(self.real), kernel.number() * self.size
        self.A, self.asi, self.ask = kernel.address(self.real), kernel.number() * self.size, kernel.number() * self.size
        self.B, self.ldb = kernel.address(self.real), kernel.number() * self.size
        self.init, self.ldi = kernel.address(self.real), kernel.number() * self.size
        M, N, self.K, by_columns = (kernel.number() for _ in range(4))
        self.rows, self.columns = kernel.either(by_columns, M, N, WIDE * self.lanes)
        self.heights = ROWS[target.registers]
        self.many = (self.rows[1] - self.rows[0]).rounded_down(self.heights[-1])
        self.end = self.rows[0] + self.many

    def panel(
        self, j: Int, top: Int, bottom: Int, k: Int, depth: Int, B: Pointer | None, packed_A: Packed | None
    ) -> None:
        """The rows top..bottom-1 of a panel of columns, for ``depth`` k."""
        ldb = self.ldb if B is None else self.kernel.whole(WIDE * self.lanes * self.size)
        from_B = self.B + j if B is None else B

        def down(NV: int, masked: bool) -> None:
            start = top
            for MR in self.heights:
                stop = start + (bottom - start).rounded_down(MR)
                with self.kernel.loop(start, stop, MR) as loop:
                    if packed_A is not None:
                        self._fetch_ahead(loop.i + MR, j, MR, NV)
                    self._call((MR, NV, masked), loop.i, j, k, depth, from_B, ldb, packed_A)
                start = stop

        self._as_wide(j, down)

    def single_rows(self) -> None:
        """What is left: too few rows for a tile of several."""
        kernel, zero, lanes = self.kernel, self.kernel.whole(0), self.lanes
        with (
            kernel.loop(self.end, self.rows[1]) as over_rows,
            kernel.loop(self.columns[0], self.columns[1], SINGLE * lanes) as over_columns,
        ):
            i, j = over_rows.i, over_columns.i
            left = self.columns[1] - j
            for NV in range(1, SINGLE + 1):
                fits = left > (NV - 1) * lanes
                if NV < SINGLE:
                    fits = kernel.builder.and_(fits, left <= NV * lanes)
                with kernel.when(fits):
                    self._call((1, NV, True), i, j, zero, self.K, self.B + j, self.ldb, None)

    def pack_A(self, into: Pointer, top: Int, bottom: Int, k: Int, depth: Int) -> None:
        """The rows top..bottom-1 as Packed describes them, from an A whose rows stand beside each other (asi = 1)."""
        kernel, start = self.kernel, top
        for MR in self.heights:
            stop = start + (bottom - start).rounded_down(MR)
            with kernel.loop(start, stop, MR) as over_tiles, kernel.loop(0, depth) as over_k:
                i = over_tiles.i
                rows = self.A.after(i * self.size).after((k + over_k.i) * self.ask).load_vector(MR)
                (into + ((i - top) * depth + over_k.i * MR)).store_vector(rows)
            start = stop

    def pack_B(self, into: Pointer, j: Int, k: Int, depth: Int) -> None:
        """``depth`` rows of a panel, one after the other."""
        kernel, lanes = self.kernel, self.lanes

        def copy(NV: int, masked: bool) -> None:
            masks = [None] * (NV - 1) + [self._mask(j, NV) if masked else None]
            with kernel.loop(0, depth) as loop:
                row = self.B.after((k + loop.i) * self.ldb) + j
                for v, mask in enumerate(masks):
                    (into + (loop.i * (WIDE * lanes) + v * lanes)).store_vector(
                        (row + v * lanes).load_vector(lanes, mask)
                    )

        self._as_wide(j, copy)

    def _mask(self, j: Int, NV: int) -> Value:
        return self.kernel.first_lanes(self.columns[1] - j - (NV - 1) * self.lanes, self.lanes)

    def _call(
        self, shape: tuple[int, int, bool], i: Int, j: Int, k: Int, depth: Int, B: Pointer, ldb: Int, A: Packed | None
    ) -> None:
        b, (MR, NV, _) = self.kernel.builder, shape
        into = self.C.after(i * self.ldc) + j
        begins = k.equals(0)
        start = b.select(begins, (self.init.after(i * self.ldi) + j).value, into.value)
        ldi = b.select(begins, self.ldi.value, self.ldc.value)
        from_A, asi, ask = self.A.after(i * self.asi).after(k * self.ask).value, self.asi.value, self.ask.value
        if A is not None:
            packed = A.pointer.after((i - A.top) * A.row).value
            from_A = b.select(A.used, packed, from_A)
            asi = b.select(A.used, self.kernel.whole(self.size).value, asi)
            ask = b.select(A.used, self.kernel.whole(MR * self.size).value, ask)
        count = self.columns[1] - j - (NV - 1) * self.lanes
        strides = (into.value, self.ldc.value, from_A, asi, ask, B.value, ldb.value)
        b.call(self.tiles[shape], [*strides, depth.value, start, ldi, count.value])

    def _fetch_ahead(self, i: Int, j: Int, MR: int, NV: int) -> None:
        """The next tile's part of C: a tile begins with it, and would wait for it."""
        for r in range(MR):
            for v in range(NV):
                self.kernel.prefetch(self.C.after((i + r) * self.ldc) + (j + v * self.lanes))

    def _as_wide(self, j: Int, work: Callable[[int, bool], None]) -> None:
        """work(NV, masked), as wide as the columns that are left."""
        kernel, lanes, left = self.kernel, self.lanes, self.columns[1] - j
        with kernel.when(left >= WIDE * lanes):
            work(WIDE, False)
        with kernel.when(kernel.builder.and_(left > lanes, left < WIDE * lanes)):
            work(WIDE, True)
        with kernel.when(left <= lanes):
            work(1, True)


def _shapes(target: Target) -> list[tuple[int, int, bool]]:
    return [
        *((MR, NV, masked) for MR in ROWS[target.registers] for NV, masked in ((WIDE, False), (WIDE, True), (1, True))),
        *((1, NV, True) for NV in range(1, SINGLE + 1)),
    ]
