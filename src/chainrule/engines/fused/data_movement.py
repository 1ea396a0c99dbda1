"""Kernels that move numbers, or draw them: gathering rows, transposing matrices, random words."""

from typing import Any

from llvmlite import ir

from chainrule.engines.fused.elementwise import along
from chainrule.engines.fused.ir_builder import BYTES, I64, Int, Kernel, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import INT64, MATRIX, NUMBER, Signature

AHEAD = 2**14  # bytes of rows that are fetched before they are copied, of this batch or the next
MAX_AHEAD = 64  # rows: so far beyond its end the order is read
LINE = 64  # bytes that come together


def rows_ahead(row_bytes: int) -> int:
    """How many rows before they are copied their memory is asked for."""
    return max(1, min(MAX_AHEAD, AHEAD // row_bytes))


GATHER = Signature.of(
    into=MATRIX,
    matrix=MATRIX,
    order=INT64,
    position=INT64,  # where it stands
    first=NUMBER,
    rows=NUMBER,
    cols=NUMBER,
    ahead=NUMBER,
)


def write_gather(name: str, target: Processor, dtype: str) -> str:
    """into[i, :] = matrix[order[position + first + i], :].

    Rows in a random order are in no cache, so row i + ahead is fetched while row i is copied.
    """
    kernel = Kernel(name, target, GATHER.in_dtype(dtype))
    lanes = target.lanes(dtype)
    (into, ld_into), (source, ld_source) = kernel.matrix("into"), kernel.matrix("matrix")
    order, position, first = kernel.address("order"), kernel.address("position"), kernel.number("first")
    rows, cols, ahead = kernel.number("rows"), kernel.number("cols"), kernel.number("ahead")
    order = order + (Int(kernel, position.load()) + first)
    start, stop = kernel.share(rows)
    with kernel.loop(start, stop) as loop:
        i = loop.i
        later = source + Int(kernel, order.load(i + ahead)) * ld_source
        with kernel.loop(0, cols, LINE // BYTES[dtype]) as lines:
            kernel.prefetch(later + lines.i, to_write=False)
        row = source + Int(kernel, order.load(i)) * ld_source

        def copy(j: Int, mask: Value) -> None:
            (into + (i * ld_into + j)).store_vector((row + j).load_vector(lanes, mask), mask)

        along(kernel, cols, lanes, copy)
    return kernel.finish()


TRANSPOSE = Signature.of(into=MATRIX, matrix=MATRIX, rows=NUMBER, cols=NUMBER)  # as many as the matrix has


def write_transpose(name: str, target: Processor, dtype: str) -> str:
    """into[j, i] = matrix[i, j]; squares of lanes x lanes are transposed in registers."""
    kernel = Kernel(name, target, TRANSPOSE.in_dtype(dtype))
    lanes = target.lanes(dtype)
    (into, ld_into), (matrix, ld_matrix) = kernel.matrix("into"), kernel.matrix("matrix")
    rows, right = kernel.number("rows"), kernel.number("cols")
    start, stop = kernel.share(rows)

    def square(i: Int, j: Int, masked: bool) -> None:
        def load(r: int) -> Value:
            p = matrix + ((i + r) * ld_matrix + j)
            if not masked:
                return p.load_vector(lanes)
            inside = Int(kernel, kernel.builder.select(i + r < stop, (right - j).value, kernel.whole(0).value))
            return p.load_vector(lanes, kernel.first_lanes(inside, lanes))

        transposed = transposed_square(kernel, [load(r) for r in range(lanes)])
        for c, vector in enumerate(transposed):
            p = into + ((j + c) * ld_into + i)
            if masked:
                inside = Int(kernel, kernel.builder.select(j + c < right, (stop - i).value, kernel.whole(0).value))
                p.store_vector(vector, kernel.first_lanes(inside, lanes))
            else:
                p.store_vector(vector)

    with kernel.loop(start, stop, lanes) as down, kernel.loop(0, right, lanes) as across:
        i, j = down.i, across.i
        full = kernel.builder.and_(i + lanes <= stop, j + lanes <= right)
        with kernel.when(full):
            square(i, j, masked=False)
        with kernel.when(kernel.builder.not_(full)):
            square(i, j, masked=True)
    return kernel.finish()


def transposed_square(kernel: Kernel, rows: list[Value]) -> list[Value]:
    """The columns of a square held as rows: halves are exchanged between rows 1, 2, 4, ... apart."""
    lanes = len(rows)
    rows = list(rows)
    apart = 1
    while apart < lanes:
        low = [l if not l & apart else l - apart + lanes for l in range(lanes)]
        high = [l + apart if not l & apart else l + lanes for l in range(lanes)]
        for r in range(lanes):
            if not r & apart:
                a, b = rows[r], rows[r + apart]
                rows[r] = kernel.builder.shuffle_vector(a, b, places(low))
                rows[r + apart] = kernel.builder.shuffle_vector(a, b, places(high))
        apart *= 2
    return rows


def places(places: list[int]) -> Value:
    """A constant that says which lanes a shuffle takes."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)


# Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3": Philox4x64, 10 rounds
_MULTIPLY = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_KEY_STEP = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10


WORDS = Signature.of(
    into=INT64,
    key_0=NUMBER,
    key_1=NUMBER,
    first=NUMBER,  # row
    rows=NUMBER,
    per_row=NUMBER,
    step=INT64,  # where the first number of the place stands
    place=NUMBER,  # its second
)


def write_words(name: str, target: Processor) -> str:
    """Philox words, those of ``formulas.draws.words``, so many a row, the rows one after the other."""
    kernel = Kernel(name, target, WORDS)
    b = kernel.builder
    into = kernel.address("into")
    keys = [kernel.number("key_0").value, kernel.number("key_1").value]
    first, rows, per_row = kernel.number("first"), kernel.number("rows"), kernel.number("per_row")
    step, place = Int(kernel, kernel.address("step").load()), kernel.number("place")
    start, stop = kernel.share(rows)  # whole groups of GRAIN = 4 rows, so whole blocks of 4 words
    skipped = first * per_row // 4
    end = (stop * per_row + 3) // 4
    with kernel.loop(start * per_row // 4, end) as loop:
        # NumPy raises the counter before it makes a block: the first is that of counter 1
        counter = [(loop.i + skipped + 1).value, step.value, place.value, ir.Constant(I64, 0)]
        key = list(keys)
        for _ in range(_ROUNDS):
            (high_0, low_0), (high_2, low_2) = (_wide(b, counter[2 * i], _MULTIPLY[i]) for i in range(2))
            counter = [b.xor(b.xor(high_2, counter[1]), key[0]), low_2, b.xor(b.xor(high_0, counter[3]), key[1]), low_0]
            key = [b.add(k, ir.Constant(I64, s)) for k, s in zip(key, _KEY_STEP, strict=True)]
        for w, word in enumerate(counter):
            (into + (loop.i * 4 + w)).store(word)
    return kernel.finish()


def _wide(b: Any, value: Value, factor: int) -> tuple[Value, Value]:
    """The high and the low half of a product of 64-bit numbers."""
    i128 = ir.IntType(128)
    product = b.mul(b.zext(value, i128), ir.Constant(i128, factor))
    return b.trunc(b.lshr(product, ir.Constant(i128, 64)), I64), b.trunc(product, I64)
