"""Matrix products: C = init + A B, each element one chain of fused multiply-adds over k in order.

So an element has the same bits whichever tile, vector width, block or thread worked it out, and whatever else was
worked out beside it: a row alone gives what it gives in a batch.

Here columns are split into panels and rows into tiles; the arithmetic is in ``tiles.py``.
"""

from dataclasses import dataclass

from chainrule.engines.fused.data_movement import transposed_square
from chainrule.engines.fused.ir_builder import BYTES, GRAIN, PTR, TYPES, Int, Kernel, Pointer, Value
from chainrule.engines.fused.microkernels import CALL, HEIGHTS, Section, TileTable
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import MATRIX, MEMORY, NUMBER, TABLE, Signature

DEPTH = 512  # k at a time: more of them pass through C less often
HEIGHT = 528  # rows of A at a time: HEIGHT x DEPTH float32 take 1 MiB, a second cache or a part of it
GROUP = 8  # panels that are packed together where B is large, ROWS by ROWS: each row lies in another page of memory
ROWS = 4
SMALL = 2**19  # bytes of a B that stays in the second cache: its panels are packed one by one
TOGETHER = 16  # k of a transposed A that are packed at a time: lines of memory that stay in the first cache


def panel_bytes(target: Processor) -> int:
    """A packed panel, and lines between: panels a power of two apart would compete for the same lines of a cache."""
    return DEPTH * max(HEIGHTS[target.registers]) * target.vector_bytes + 256


def packing_bytes(target: Processor) -> int:
    """What a thread needs to pack a group of panels of B and a block of A."""
    return GROUP * panel_bytes(target) + DEPTH * HEIGHT * BYTES["float64"]


PRODUCT = Signature.of(
    tiles=TABLE,  # for such an A
    C=MATRIX,
    A=MATRIX,
    B=MATRIX,
    init=MATRIX,
    M=NUMBER,
    N=NUMBER,
    K=NUMBER,
    by_columns=NUMBER,  # 1: threads share the columns of C, 0: its rows
)
BLOCKED = Signature((*PRODUCT.arguments, ("packing", MEMORY)))  # where threads pack


def write_product(name: str, target: Processor, dtype: str, transposed: bool) -> str:
    """C = init + A B, straight from where the matrices stand.

    Strides in elements: C[i, j] at C + i ldc + j, B[k, j] at B + k ldb + j, init[i, j] at init + i ldi + j (ldi = 0:
    one row for all, the biases), and A[i, k] at A + i lda + k, or, where A is ``transposed``, at A + k lda + i.
    """
    product = _Product(name, target, dtype, transposed, PRODUCT)
    kernel, columns, zero = product.kernel, product.columns, product.kernel.whole(0)
    with kernel.when(product.many > 0), kernel.loop(columns[0], columns[1], product.width) as loop:
        product.panel(loop.i, product.rows[0], product.end, zero, product.K)
    product.single_rows()
    return kernel.finish()


def write_blocked(name: str, target: Processor, dtype: str, transposed: bool, B_transposed: bool = False) -> str:
    """The same for large matrices.

    DEPTH rows of a panel of B are copied to one place, so that they stay near while the rows of A pass; where A is
    transposed, so are HEIGHT of its rows, which stay in the second cache while the panels of B pass. Of a large B, a
    group of panels is copied row by row. Where B is ``B_transposed``, B[k, j] is at B + j ldb + k, and is transposed
    while it is copied; all rows of A then go through the panels, since B cannot be read in place.
    """
    product = _Product(name, target, dtype, transposed, BLOCKED, packs_A=transposed)
    kernel, b, size = product.kernel, product.kernel.builder, product.size
    packing = kernel.word("packing") + kernel.thread * packing_bytes(target)
    panels = Pointer(kernel, b.inttoptr(packing.value, PTR), product.real)
    block = panels.after(GROUP * panel_bytes(target))
    if B_transposed:
        product.end = product.rows[1]
        group, some = kernel.whole(product.width), kernel.whole(DEPTH)
    else:
        large = product.K * product.ldb > SMALL
        group, some = (
            Int(kernel, b.select(large, *(kernel.whole(n).value for n in either)))
            for either in ((GROUP * product.width, product.width), (ROWS, DEPTH))
        )
    pack_B = product.pack_transposed_B if B_transposed else product.pack_B
    with (
        kernel.loop(0, product.K, DEPTH) as over_depth,
        kernel.loop(product.rows[0], product.end, HEIGHT) as over_blocks,
    ):
        k, top = over_depth.i, over_blocks.i
        depth, bottom = (product.K - k).least(DEPTH), (top + HEIGHT).least(product.end)
        if transposed:
            product.pack_A(block, top, bottom, k, depth)
        packed_A = Packed(block, top, depth * size) if transposed else None
        with kernel.loop(product.columns[0], product.columns[1], group) as over_groups:
            first, last = over_groups.i, (over_groups.i + group).least(product.columns[1])

            def packed(j: Int, first: Int = first) -> Pointer:
                return panels.after((j - first) // product.width * panel_bytes(target))

            with kernel.loop(0, depth, some) as over_k, kernel.loop(first, last, product.width) as over_columns:
                rows = over_k.i, (over_k.i + some).least(depth)
                pack_B(packed(over_columns.i), over_columns.i, k, rows)
            with kernel.loop(first, last, product.width) as over_columns:
                product.panel(over_columns.i, top, bottom, k, depth, packed(over_columns.i), packed_A)
    if not B_transposed:
        product.single_rows()
    return kernel.finish()


@dataclass(frozen=True)
class Packed:
    """Rows of A from ``top`` on, each tile's for itself: first all its rows at k = 0, then at k = 1; ``row``: bytes."""

    pointer: Pointer
    top: Int
    row: Int


class _Product:
    """What both kernels share: the arguments, the thread's part, and calls of tiles."""

    def __init__(
        self, name: str, target: Processor, dtype: str, transposed: bool, signature: Signature, packs_A: bool = False
    ) -> None:
        self.kernel = kernel = Kernel(name, target, signature.in_dtype(dtype))
        self.transposed = transposed
        self.real, self.size, self.lanes = TYPES[dtype], BYTES[dtype], target.lanes(dtype)
        self.table = TileTable(target, transposed)
        section = self.table.packed if packs_A else self.table.panels
        assert section is not None, "only an A that is transposed is packed"
        self.section, self.width = section, section.wide * self.lanes
        self.tiles = kernel.address("tiles")
        self.C, self.ldc = self._matrix("C")
        self.A, self.lda = self._matrix("A")
        self.B, self.ldb = self._matrix("B")
        self.init, self.ldi = self._matrix("init")
        M, N, self.K, by_columns = (kernel.number(name) for name in ("M", "N", "K", "by_columns"))
        self.rows, self.columns = kernel.either(by_columns, M, N, self.width)
        self.many = (self.rows[1] - self.rows[0]).rounded_down(GRAIN)
        self.end = self.rows[0] + self.many

    def _matrix(self, name: str) -> tuple[Pointer, Int]:
        """Where a matrix stands, and the bytes from one row to the next."""
        pointer, stride = self.kernel.matrix(name)
        return pointer, stride * self.size

    def panel(
        self,
        j: Int,
        top: Int,
        bottom: Int,
        k: Int,
        depth: Int,
        B: Pointer | None = None,
        packed_A: Packed | None = None,
    ) -> None:
        """The rows top..bottom-1 of a panel of columns, for ``depth`` k."""
        kernel = self.kernel
        tiles, count = self._tiles(self.section, j)
        ldb = self.ldb if B is None else kernel.whole(self.width * self.size)
        from_B = self.B + j if B is None else B
        start = top
        for entry in range(self.section.entries):
            rows, tile = Int(kernel, tiles.load(2 * entry)), tiles.load(2 * entry + 1)
            with kernel.loop(start, bottom - rows + 1, rows) as loop:
                i = loop.i
                if B is not None:
                    self._fetch_ahead(i + rows, j, rows)
                A, lda = self._A(i, k), self.lda
                if packed_A is not None:
                    A, lda = packed_A.pointer.after((i - packed_A.top) * packed_A.row), rows * self.size
                self._call(tile, i, j, k, depth, A, lda, from_B, ldb, count)
            start = loop.i

    def single_rows(self) -> None:
        """What is left: too few rows for a tile of several."""
        kernel, zero, section = self.kernel, self.kernel.whole(0), self.table.alone
        with (
            kernel.loop(self.end, self.rows[1]) as over_rows,
            kernel.loop(self.columns[0], self.columns[1], section.wide * self.lanes) as over_columns,
        ):
            i, j = over_rows.i, over_columns.i
            tiles, count = self._tiles(section, j)
            self._call(tiles.load(1), i, j, zero, self.K, self._A(i, zero), self.lda, self.B + j, self.ldb, count)

    def pack_A(self, into: Pointer, top: Int, bottom: Int, k: Int, depth: Int) -> None:
        """The rows top..bottom-1 of a transposed A as Packed describes them."""
        kernel, start = self.kernel, top
        for rows in self.section.heights:
            lanes, mask = rows, None
            if kernel.target.masks_freely:  # one masked move instead of two
                lanes = 1 << (rows - 1).bit_length()
                mask = kernel.first_lanes(kernel.whole(rows), lanes) if rows < lanes else None
            stop = start + (bottom - start).rounded_down(rows)
            with kernel.loop(0, depth, TOGETHER) as over_depth, kernel.loop(start, stop, rows) as over_tiles:
                i, first = over_tiles.i, over_depth.i
                with kernel.loop(first, (first + TOGETHER).least(depth)) as over_k:
                    values = self._A(i, k + over_k.i).load_vector(lanes, mask)
                    (into + ((i - top) * depth + over_k.i * rows)).store_vector(values, mask)
            start = stop

    def pack_B(self, into: Pointer, j: Int, k: Int, rows: tuple[Int, Int]) -> None:
        """Some rows of a panel that begins at k, one after the other; zeros beyond the last column."""
        kernel, lanes, left = self.kernel, self.lanes, self.columns[1] - j
        places = range(0, self.width, lanes)
        is_full = left >= self.width
        for condition, masks in (
            (is_full, [None for _ in places]),
            (kernel.builder.not_(is_full), [kernel.first_lanes(left - v, lanes) for v in places]),
        ):
            with kernel.when(condition), kernel.loop(*rows) as loop:
                row = self.B.after((k + loop.i) * self.ldb) + j
                for v, mask in zip(places, masks, strict=True):
                    (into + (loop.i * self.width + v)).store_vector((row + v).load_vector(lanes, mask))

    def pack_transposed_B(self, into: Pointer, j: Int, k: Int, rows: tuple[Int, Int]) -> None:
        """The same rows where B is transposed: squares of lanes x lanes, of which no column beyond the last is read."""
        kernel, lanes, last = self.kernel, self.lanes, self.columns[1] - 1
        with kernel.loop(0, self.width, lanes) as across, kernel.loop(*rows, lanes) as down:
            mask = kernel.first_lanes(rows[1] - down.i, lanes)
            square = [
                (self.B.after((j + across.i + c).least(last) * self.ldb) + (k + down.i)).load_vector(lanes, mask)
                for c in range(lanes)
            ]
            for r, vector in enumerate(transposed_square(kernel, square)):
                (into + ((down.i + r) * self.width + across.i)).store_vector(vector)

    def _A(self, i: Int, k: Int) -> Pointer:
        """Where A[i, k] stands."""
        return self.A.after(k * self.lda) + i if self.transposed else self.A.after(i * self.lda) + k

    def _tiles(self, section: Section, j: Int) -> tuple[Pointer, Int]:
        """The tiles for the columns from j on: their place in the table, and how many lanes their last vector has."""
        kernel, lanes, left = self.kernel, self.lanes, self.columns[1] - j
        is_full = left >= section.wide * lanes
        needed = (left + (lanes - 1)) // lanes

        def either(if_full: int, otherwise: Int) -> Int:
            return Int(kernel, kernel.builder.select(is_full, kernel.whole(if_full).value, otherwise.value))

        last = (either(section.wide, needed) - 1) * lanes
        return self.tiles + (either(0, needed) * (2 * section.entries) + section.first), left - last

    def _call(
        self, tile: Value, i: Int, j: Int, k: Int, depth: Int, A: Pointer, lda: Int, B: Pointer, ldb: Int, count: Int
    ) -> None:
        b = self.kernel.builder
        into = self.C.after(i * self.ldc) + j
        begins = k.equals(0)
        start = b.select(begins, (self.init.after(i * self.ldi) + j).value, into.value)
        ldi = b.select(begins, self.ldi.value, self.ldc.value)
        matrices = [into.value, self.ldc.value, A.value, lda.value, B.value, ldb.value]
        b.call(b.inttoptr(tile, CALL.as_pointer()), [*matrices, depth.value, start, ldi, count.value])

    def _fetch_ahead(self, i: Int, j: Int, rows: Int) -> None:
        """The next tile's part of C: a tile begins with it, and would wait for it."""
        with self.kernel.loop(0, rows) as loop:
            row = self.C.after((i + loop.i) * self.ldc) + j
            for v in range(0, self.width, self.lanes):
                self.kernel.prefetch(row + v)
