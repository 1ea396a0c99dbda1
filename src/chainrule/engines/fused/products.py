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

from chainrule.engines.fused.assembly import BYTES, GRAIN, I64, PTR, REAL, VOID, Code, Int, Kernel, Pointer, Value
from chainrule.engines.fused.moves import turned_square
from chainrule.engines.fused.target import Target


@dataclass(frozen=True)
class Shape:
    """A tile: rows, vectors of columns, is the last one masked, is A turned, how many k in a turn of its loop."""

    rows: int
    vectors: int
    masked: bool
    turned: bool
    unrolled: int

    def __str__(self) -> str:
        return f"tile_{self.rows}_{self.vectors}{'_masked' * self.masked}{'_turned' * self.turned}"


def tile(kernel: Kernel, dtype: str, shape: Shape) -> Any:
    """A function C, ldc, A, lda, B, ldb, K, init, ldi, count: one tile.

    Strides are bytes. A[i, k] is at A + i lda + k, or where A is turned at A + k lda + i; ``count`` is how many lanes
    of the last vector exist where it is ``masked``; init[i, :] is what the chains begin with.
    """
    lanes, real = kernel.target.lanes(dtype), REAL[dtype]
    f: Any = ir.Function(kernel.module, ir.FunctionType(VOID, [PTR, I64] * 3 + [I64, PTR, I64, I64]), str(shape))
    f.linkage = "internal"
    f.attributes.add("noinline")
    for position in (0, 2, 4, 7):
        f.args[position].add_attribute("noalias")
    code = Code(kernel.module, f, kernel.target)
    C, A, B, init = (Pointer(code, f.args[position], real) for position in (0, 2, 4, 7))
    ldc, lda, ldb, K, ldi, count = (Int(code, f.args[position]) for position in (1, 3, 5, 6, 8, 9))
    mask = code.first_lanes(count, lanes) if shape.masked else None

    def vectors(p: Pointer) -> list[tuple[Pointer, Any]]:
        return [(p + j * lanes, mask if j == shape.vectors - 1 else None) for j in range(shape.vectors)]

    acc = [p.load_vector(lanes, m) for i in range(shape.rows) for p, m in vectors(init.after(ldi * i))]
    starts = [A] if shape.turned else [A.after(lda * i) for i in range(shape.rows)]
    pointers = [B.value, *(code.opaque_pointer(p).value for p in starts)]
    done = code.whole(0)
    for turn in dict.fromkeys((shape.unrolled, 1)):
        stop = K.rounded_down(turn)
        with code.loop(done, stop, turn, carried=[*acc, *pointers]) as loop:
            sums, (b_k, *a_k) = list(loop.values[: len(acc)]), loop.values[len(acc) :]
            B_k, A_k = Pointer(code, b_k, real), [Pointer(code, a, real) for a in a_k]
            for _ in range(turn):
                row = [p.load_vector(lanes, m) for p, m in vectors(B_k)]
                for i in range(shape.rows):
                    a = code.splat((A_k[0] + i if shape.turned else A_k[i]).load(), lanes)
                    for j in range(shape.vectors):
                        sums[i * shape.vectors + j] = code.fma(a, row[j], sums[i * shape.vectors + j])
                B_k, A_k = B_k.after(ldb), [p.after(lda) if shape.turned else p + 1 for p in A_k]
            loop.next([*sums, B_k.value, *(p.value for p in A_k)])
        acc, pointers, done = loop.values[: len(acc)], loop.values[len(acc) :], stop
    for i in range(shape.rows):
        for j, (p, m) in enumerate(vectors(C.after(ldc * i))):
            p.store_vector(acc[i * shape.vectors + j], m)
    code.builder.ret_void()
    return f


# Rows of a tile by its vectors, largest first, for 32 and for 16 vector registers: the sums, a row of B and a number of
# A have to fit. A tile that is wider takes fewer loads for its sums.
HEIGHTS = {
    32: {1: (12, 8, 4), 2: (12, 8, 4), 3: (8, 4), 4: (6, 4, 2)},
    16: {1: (6, 4, 2), 2: (6, 4, 2)},
}
SINGLE = 4  # vectors where a tile has one row: enough independent chains to hide the latency of an addition
TURNED = 2  # vectors where A is packed too: a high tile uses longer what it packs
DEPTH = 512  # k at a time: more of them pass through C less often
HEIGHT = 528  # rows of A at a time: HEIGHT x DEPTH float32 take 1 MiB, a second cache or a part of it
GROUP = 8  # panels that are packed together where B is large, ROWS by ROWS: each row lies in another page of memory
ROWS = 4
SMALL = 2**19  # bytes of a B that stays in the second cache: its panels are packed one by one
TOGETHER = 16  # k of a turned A that are packed at a time: lines of memory that stay in the first cache


def widest(target: Target) -> int:
    """Vectors in the widest tile, and in the widest packed panel of B."""
    return max(HEIGHTS[target.registers])


def panel_bytes(target: Target) -> int:
    """A packed panel, and lines between: panels a power of two apart would compete for the same lines of a cache."""
    return DEPTH * widest(target) * target.vector_bytes + 256


def packing_bytes(target: Target) -> int:
    """What a thread needs to pack a group of panels of B and a block of A."""
    return GROUP * panel_bytes(target) + DEPTH * HEIGHT * BYTES["float64"]


def write_product(name: str, target: Target, dtype: str, turned: bool) -> str:
    """C = init + A B, straight from where the matrices stand, with

        C, ldc, A, lda, B, ldb, init, ldi, M, N, K, by_columns

    Strides in elements: C[i, j] at C + i ldc + j, B[k, j] at B + k ldb + j, init[i, j] at init + i ldi + j (ldi = 0:
    one row for all, the biases), and A[i, k] at A + i lda + k, or, where A is ``turned``, at A + k lda + i.
    ``by_columns``: threads share the columns of C, else its rows.
    """
    product = _Product(name, target, dtype, turned, wide=widest(target), unrolled=1)
    kernel, columns, zero = product.kernel, product.columns, product.kernel.whole(0)
    with kernel.when(product.many > 0), kernel.loop(columns[0], columns[1], product.width) as loop:
        product.panel(loop.i, product.rows[0], product.end, zero, product.K, None, None)
    product.single_rows()
    return kernel.finish()


def write_blocked(name: str, target: Target, dtype: str, turned: bool, B_turned: bool = False) -> str:
    """The same for large matrices, with one argument more: ``packing``, where threads pack.

    DEPTH rows of a panel of B are copied to one place, so that they stay near while the rows of A pass; where A is
    turned, so are HEIGHT of its rows, which stay in the second cache while the panels of B pass. Of a large B, a group
    of panels is copied row by row. Where B is ``B_turned``, B[k, j] is at B + j ldb + k, and is turned while it is
    copied; all rows of A then go through the panels, since B cannot be read in place.
    """
    product = _Product(name, target, dtype, turned, wide=TURNED if turned else widest(target), unrolled=2)
    kernel, b, size = product.kernel, product.kernel.builder, product.size
    packing = kernel.number() + kernel.thread * packing_bytes(target)
    panels = Pointer(kernel, b.inttoptr(packing.value, PTR), product.real)
    block = panels.after(GROUP * panel_bytes(target))
    if B_turned:
        product.end, product.heights = product.rows[1], {v: (*rows, 1) for v, rows in product.heights.items()}
        group, some = kernel.whole(product.width), kernel.whole(DEPTH)
    else:
        large = product.K * product.ldb > SMALL
        group, some = (
            Int(kernel, b.select(large, *(kernel.whole(n).value for n in either)))
            for either in ((GROUP * product.width, product.width), (ROWS, DEPTH))
        )
    pack_B = product.pack_turned_B if B_turned else product.pack_B
    with (
        kernel.loop(0, product.K, DEPTH) as over_depth,
        kernel.loop(product.rows[0], product.end, HEIGHT) as over_blocks,
    ):
        k, top = over_depth.i, over_blocks.i
        depth, bottom = (product.K - k).least(DEPTH), (top + HEIGHT).least(product.end)
        if turned:
            product.pack_A(block, top, bottom, k, depth)
        packed_A = Packed(block, top, depth * size) if turned else None
        with kernel.loop(product.columns[0], product.columns[1], group) as over_groups:
            first, last = over_groups.i, (over_groups.i + group).least(product.columns[1])

            def packed(j: Int, first: Int = first) -> Pointer:
                return panels.after((j - first) // product.width * panel_bytes(target))

            with kernel.loop(0, depth, some) as over_k, kernel.loop(first, last, product.width) as over_columns:
                rows = over_k.i, (over_k.i + some).least(depth)
                pack_B(packed(over_columns.i), over_columns.i, k, rows)
            with kernel.loop(first, last, product.width) as over_columns:
                product.panel(over_columns.i, top, bottom, k, depth, packed(over_columns.i), packed_A)
    if not B_turned:
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

    def __init__(self, name: str, target: Target, dtype: str, turned: bool, wide: int, unrolled: int) -> None:
        self.kernel = kernel = Kernel(name, target)
        self.turned, self.wide, self.unrolled = turned, wide, unrolled
        self.real, self.size, self.lanes = REAL[dtype], BYTES[dtype], target.lanes(dtype)
        self.width = self.wide * self.lanes
        self.dtype = dtype
        self.heights = HEIGHTS[target.registers]
        self.tiles: dict[Shape, Any] = {}
        self.C, self.ldc = kernel.address(self.real), kernel.number() * self.size
        self.A, self.lda = kernel.address(self.real), kernel.number() * self.size
        self.B, self.ldb = kernel.address(self.real), kernel.number() * self.size
        self.init, self.ldi = kernel.address(self.real), kernel.number() * self.size
        M, N, self.K, by_columns = (kernel.number() for _ in range(4))
        self.rows, self.columns = kernel.either(by_columns, M, N, self.width)
        self.many = (self.rows[1] - self.rows[0]).rounded_down(GRAIN)
        self.end = self.rows[0] + self.many

    def panel(
        self, j: Int, top: Int, bottom: Int, k: Int, depth: Int, B: Pointer | None, packed_A: Packed | None
    ) -> None:
        """The rows top..bottom-1 of a panel of columns, for ``depth`` k."""
        ldb = self.ldb if B is None else self.kernel.whole(self.width * self.size)
        from_B = self.B + j if B is None else B

        def down(NV: int, masked: bool) -> None:
            start = top
            for rows in self.heights[NV if packed_A is None else self.wide]:  # A is packed for the widest tile
                stop = start + (bottom - start).rounded_down(rows)
                with self.kernel.loop(start, stop, rows) as loop:
                    i = loop.i
                    if B is not None:
                        self._fetch_ahead(i + rows, j, rows, NV)
                    A, lda = self._A(i, k), self.lda
                    if packed_A is not None:
                        A = packed_A.pointer.after((i - packed_A.top) * packed_A.row)
                        lda = self.kernel.whole(rows * self.size)
                    unrolled = 1 if masked else self.unrolled  # the last panel is one of many: less to compile
                    self._call(Shape(rows, NV, masked, self.turned, unrolled), i, j, k, depth, A, lda, from_B, ldb)
                start = stop

        self._as_wide(j, down, self.wide)

    def single_rows(self) -> None:
        """What is left: too few rows for a tile of several."""
        kernel, zero, lanes = self.kernel, self.kernel.whole(0), self.lanes
        with (
            kernel.loop(self.end, self.rows[1]) as over_rows,
            kernel.loop(self.columns[0], self.columns[1], SINGLE * lanes) as over_columns,
        ):
            i, j = over_rows.i, over_columns.i

            def along(NV: int, masked: bool) -> None:
                shape = Shape(1, NV, masked, self.turned, 1)
                self._call(shape, i, j, zero, self.K, self._A(i, zero), self.lda, self.B + j, self.ldb)

            self._as_wide(j, along, SINGLE)

    def pack_A(self, into: Pointer, top: Int, bottom: Int, k: Int, depth: Int) -> None:
        """The rows top..bottom-1 of a turned A as Packed describes them."""
        kernel, start = self.kernel, top
        for rows in self.heights[self.wide]:
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
        """Some rows of a panel that begins at k, one after the other."""
        kernel, lanes = self.kernel, self.lanes

        def copy(NV: int, masked: bool) -> None:
            masks = [None] * (NV - 1) + [self._mask(j, NV) if masked else None]
            with kernel.loop(*rows) as loop:
                row = self.B.after((k + loop.i) * self.ldb) + j
                for v, mask in enumerate(masks):
                    (into + (loop.i * self.width + v * lanes)).store_vector((row + v * lanes).load_vector(lanes, mask))

        self._as_wide(j, copy, self.wide)

    def pack_turned_B(self, into: Pointer, j: Int, k: Int, rows: tuple[Int, Int]) -> None:
        """The same rows where B is turned: squares of lanes x lanes, of which no column beyond the last is read."""
        kernel, lanes, last = self.kernel, self.lanes, self.columns[1] - 1
        with kernel.loop(0, self.width, lanes) as across, kernel.loop(*rows, lanes) as down:
            mask = kernel.first_lanes(rows[1] - down.i, lanes)
            square = [
                (self.B.after((j + across.i + c).least(last) * self.ldb) + (k + down.i)).load_vector(lanes, mask)
                for c in range(lanes)
            ]
            for r, vector in enumerate(turned_square(kernel, square)):
                (into + ((down.i + r) * self.width + across.i)).store_vector(vector)

    def _A(self, i: Int, k: Int) -> Pointer:
        """Where A[i, k] stands."""
        return self.A.after(k * self.lda) + i if self.turned else self.A.after(i * self.lda) + k

    def _mask(self, j: Int, NV: int) -> Value:
        return self.kernel.first_lanes(self.columns[1] - j - (NV - 1) * self.lanes, self.lanes)

    def _call(
        self, shape: Shape, i: Int, j: Int, k: Int, depth: Int, A: Pointer, lda: Int, B: Pointer, ldb: Int
    ) -> None:
        b = self.kernel.builder
        into = self.C.after(i * self.ldc) + j
        begins = k.equals(0)
        start = b.select(begins, (self.init.after(i * self.ldi) + j).value, into.value)
        ldi = b.select(begins, self.ldi.value, self.ldc.value)
        count = self.columns[1] - j - (shape.vectors - 1) * self.lanes
        matrices = [into.value, self.ldc.value, A.value, lda.value, B.value, ldb.value]
        if shape not in self.tiles:
            self.tiles[shape] = tile(self.kernel, self.dtype, shape)
        b.call(self.tiles[shape], [*matrices, depth.value, start, ldi, count.value])

    def _fetch_ahead(self, i: Int, j: Int, rows: int, NV: int) -> None:
        """The next tile's part of C: a tile begins with it, and would wait for it."""
        for r in range(rows):
            for v in range(NV):
                self.kernel.prefetch(self.C.after((i + r) * self.ldc) + (j + v * self.lanes))

    def _as_wide(self, j: Int, work: Callable[[int, bool], None], wide: int) -> None:
        """work(NV, masked) with ``wide`` vectors, or as many as the columns that are left need."""
        kernel, lanes, left = self.kernel, self.lanes, self.columns[1] - j
        with kernel.when(left >= wide * lanes):
            work(wide, False)
        for vectors in range(1, wide + 1):
            some = kernel.builder.and_(left > (vectors - 1) * lanes, left <= vectors * lanes)
            with kernel.when(kernel.builder.and_(some, left < wide * lanes)):
                work(vectors, True)
