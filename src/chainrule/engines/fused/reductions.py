"""Kernels that add up: a layer of one unit, the loss of each example, penalties and norms.

Every sum has LANES partial sums, combined in one order, so that no vector width, thread or batch changes a bit of it.
"""

from collections.abc import Mapping

from llvmlite import ir

from chainrule.engines.fused.codegen import Emitter, symbols_of
from chainrule.engines.fused.data_movement import places
from chainrule.engines.fused.elementwise import along
from chainrule.engines.fused.ir_builder import TYPES, Int, Kernel, Pointer, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import MATRIX, NUMBER, REAL, Argument, Signature
from chainrule.ir import Expression

# How many partial sums every sum has, whatever the vectors of the processor
LANES = 16

# Long vectors are summed in blocks of this many elements, each by one thread, and the blocks in order
BLOCK = 4096

# Accumulators that take turns where their order does not matter: enough to hide the latency of an addition
TOGETHER = 8


def tree(kernel: Kernel, vector: Value, op: str = "sum") -> Value:
    """All lanes combined in pairs, then the pairs in pairs, and so on: the same order on every processor."""
    lanes = vector.type.count
    while lanes > 1:
        lanes //= 2
        low, high = (
            kernel.builder.shuffle_vector(vector, vector, places(list(range(at, at + lanes)))) for at in (0, lanes)
        )
        vector = combined(kernel, op, low, high)
    return kernel.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def combined(kernel: Kernel, op: str, a: Value, b: Value) -> Value:
    """a + b, or the larger of both (NaN where either is)."""
    if op == "sum":
        return kernel.builder.fadd(a, b)
    larger = kernel.builder.select(kernel.builder.fcmp_ordered("<", a, b), b, a)
    return kernel.builder.select(kernel.builder.fcmp_unordered("uno", b, b), b, larger)


GEMV = Signature.of(Z=REAL, A=MATRIX, w=REAL, b=REAL, rows=NUMBER, K=NUMBER)


def write_gemv(name: str, target: Processor, dtype: str) -> str:
    """Z = A w + b, a matrix times a vector (gemv): a layer of one unit.

    Each row is LANES chains over every LANES-th k, added as a tree: the same for every vector width and batch.
    """
    kernel = Kernel(name, target, GEMV.in_dtype(dtype))
    real = TYPES[dtype]
    Z, (A, lda), w, b = kernel.address("Z"), kernel.matrix("A"), kernel.address("w"), kernel.address("b")
    rows, K = kernel.number("rows"), kernel.number("K")
    bias = b.load()
    start, stop = kernel.share(rows)
    full = K.rounded_down(LANES)
    mask = kernel.first_lanes(K - full, LANES)
    zero = ir.Constant(ir.VectorType(real, LANES), None)

    def work(i: Int, count: int) -> None:
        row = [A + (i + r) * lda for r in range(count)]
        with kernel.loop(0, full, LANES, carried=[zero] * count) as loop:
            weights = (w + loop.i).load_vector(LANES)
            loop.next([kernel.fma((row[r] + loop.i).load_vector(LANES), weights, loop.values[r]) for r in range(count)])
        weights = (w + full).load_vector(LANES, mask)
        for r in range(count):
            last = kernel.fma((row[r] + full).load_vector(LANES, mask), weights, loop.values[r])
            Z.store(kernel.builder.fadd(tree(kernel, last), bias), i + r)

    together = (stop - start).rounded_down(4)
    with kernel.loop(start, start + together, 4) as loop:
        work(loop.i, 4)
    with kernel.loop(start + together, stop) as loop:
        work(loop.i, 1)
    return kernel.finish()


def losses_signature(dtype: str, outputs: Mapping[str, Expression]) -> Signature:
    """What ``write_losses`` makes takes."""
    common = {"rows": NUMBER, "cols": NUMBER, "Y": MATRIX, "Z": MATRIX, "share": REAL, "losses": REAL}
    return Signature.of(**common, **({"dZ": MATRIX} if "dZ" in outputs else {})).in_dtype(dtype)


def write_losses(name: str, target: Processor, dtype: str, outputs: Mapping[str, Expression], single: bool) -> str:
    """The loss of each example, summed over its outputs, and dZ, where each output stands for itself.

    ``single``: one column.
    """
    kernel = Kernel(name, target, losses_signature(dtype, outputs))
    real, lanes = TYPES[dtype], LANES
    expressions = list(outputs.values())
    rows, cols = kernel.number("rows"), kernel.number("cols")
    matrices = {symbol: kernel.matrix(symbol) for symbol in ("Y", "Z")}
    share, losses = kernel.address("share"), kernel.address("losses")
    dZ, ld_dZ = kernel.matrix("dZ") if "dZ" in outputs else (share, rows)
    emitter = Emitter(kernel, lanes, {})
    emitter.prepare(expressions)
    start, stop = kernel.share(rows)
    zero = ir.Constant(ir.VectorType(real, lanes), None)

    def work(i: Int, j: Int, mask: Value) -> Value:
        """One vector: dZ is stored, the losses are returned."""
        symbols = {s: (p + (i * stride + j)).load_vector(lanes, mask) for s, (p, stride) in matrices.items()}
        symbols["share"] = (share + (i + j)).load_vector(lanes, mask) if single else kernel.splat(share.load(i), lanes)
        value, *delta = emitter.vectors(expressions, symbols)
        for d in delta:
            (dZ + (i * ld_dZ + j)).store_vector(d, mask)
        return value

    def one_row(j: Int, mask: Value) -> None:
        value = work(start, j, mask)
        (losses + (start + j)).store_vector(value, mask)

    if single:
        along(kernel, stop - start, lanes, one_row)
        return kernel.finish()
    full = cols.rounded_down(lanes)
    with kernel.loop(start, stop) as down:
        i = down.i
        with kernel.loop(0, full, lanes, carried=[zero]) as loop:
            loop.next([kernel.builder.fadd(loop.values[0], work(i, loop.i, None))])
        mask = kernel.first_lanes(cols - full, lanes)
        last = kernel.builder.select(mask, work(i, full, mask), zero)
        losses.store(tree(kernel, kernel.builder.fadd(loop.values[0], last)), i)
    return kernel.finish()


FINITE = Signature.of(length=NUMBER, x=REAL, into=REAL)


def write_finite(name: str, target: Processor, dtype: str) -> str:
    """For each BLOCK of a vector 0 where all its elements are finite, else NaN.

    x 0 is 0, or NaN where x is not finite. However many accumulators take turns, so that no addition waits for the
    last one, the outcome is the same.
    """
    kernel = Kernel(name, target, FINITE.in_dtype(dtype))
    real, lanes = TYPES[dtype], target.lanes(dtype)
    length, x, into = kernel.number("length"), kernel.address("x"), kernel.address("into")
    zero = ir.Constant(ir.VectorType(real, lanes), None)
    start, stop = kernel.share(length, BLOCK)

    def added(acc: Value, j: Int, mask: Value = None) -> Value:
        return kernel.fma((x + j).load_vector(lanes, mask), zero, acc)

    with kernel.loop(start, stop, BLOCK) as blocks:
        begin = blocks.i
        end = (begin + BLOCK).least(length)
        several = begin + (end - begin).rounded_down(TOGETHER * lanes)
        full = begin + (end - begin).rounded_down(lanes)
        with kernel.loop(begin, several, TOGETHER * lanes, carried=[zero] * TOGETHER) as loop:
            loop.next([added(acc, loop.i + v * lanes) for v, acc in enumerate(loop.values)])
        total = loop.values[0]
        for acc in loop.values[1:]:
            total = kernel.builder.fadd(total, acc)
        with kernel.loop(several, full, lanes, carried=[total]) as rest:
            rest.next([added(rest.values[0], rest.i)])
        mask = kernel.first_lanes(end - full, lanes)
        into.store(tree(kernel, added(rest.values[0], full, mask)), begin // BLOCK)
    return kernel.finish()


def partials_signature(dtype: str, terms: Mapping[str, Expression]) -> Signature:
    """What ``write_partials`` makes takes: a symbol is a vector, or a number that is the same for all."""
    symbols = [(str(s.value), Argument(s.dtype)) for s in symbols_of(list(terms.values()))]
    return Signature((("length", NUMBER), *symbols, *((term, Argument(dtype)) for term in terms)))


def write_partials(name: str, target: Processor, dtype: str, op: str, terms: Mapping[str, Expression]) -> str:
    """Sums, or the largest, of each term over each BLOCK of a long vector: one number a block and term."""
    kernel = Kernel(name, target, partials_signature(dtype, terms))
    real, lanes = TYPES[dtype], LANES
    expressions = list(terms.values())
    length = kernel.number("length")
    vectors: dict[str, Pointer] = {}
    uniform: dict[str, Value] = {}
    for s in symbols_of(expressions):
        pointer = kernel.address(s.value)
        if s.reach == "each":
            vectors[s.value] = pointer
        else:
            uniform[s.value] = pointer.load()
    into = [kernel.address(term) for term in terms]
    emitter = Emitter(kernel, lanes, uniform)
    emitter.prepare(expressions)
    start, stop = kernel.share(length, BLOCK)
    zero = ir.Constant(ir.VectorType(real, lanes), None)

    def at(j: Int, mask: Value) -> list[Value]:
        return emitter.vectors(expressions, {s: (p + j).load_vector(lanes, mask) for s, p in vectors.items()})

    with kernel.loop(start, stop, BLOCK) as blocks:
        begin = blocks.i
        end = (begin + BLOCK).least(length)
        full = begin + (end - begin).rounded_down(lanes)
        with kernel.loop(begin, full, lanes, carried=[zero] * len(terms)) as loop:
            loop.next([combined(kernel, op, a, v) for a, v in zip(loop.values, at(loop.i, None), strict=True)])
        mask = kernel.first_lanes(end - full, lanes)
        for acc, value, pointer in zip(loop.values, at(full, mask), into, strict=True):
            last = kernel.builder.select(mask, value, zero)
            pointer.store(tree(kernel, combined(kernel, op, acc, last), op), begin // BLOCK)
    return kernel.finish()
