"""Sums over examples, for each unit: the gradients of an input layer's parameters.

Threads share the units, and each sum goes on row by row, from one chunk of a batch to the next: no thread, vector width
or chunk changes a bit of it.
"""

from collections.abc import Mapping

from llvmlite import ir

from chainrule.engines.fused.codegen import Emitter, symbols_of
from chainrule.engines.fused.elementwise import along
from chainrule.engines.fused.ir_builder import TYPES, Int, Kernel, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import NUMBER, Argument, Signature
from chainrule.ir import Expression, walk


def unit_sums_signature(dtype: str, terms: Mapping[str, Expression]) -> Signature:
    """What ``write_unit_sums`` makes takes: a symbol is a matrix, or where it reaches a unit a number for each column;
    each sum likewise. ``goes_on``: 0 where the sums begin with these rows."""
    symbols = [(str(s.value), Argument(s.dtype, s.reach == "each")) for s in symbols_of(list(terms.values()))]
    sums = [(name, Argument(dtype)) for name in terms]
    return Signature((("rows", NUMBER), ("cols", NUMBER), ("goes_on", NUMBER), *symbols, *sums))


def write_unit_sums(name: str, target: Processor, dtype: str, terms: Mapping[str, Expression]) -> str:
    """sum[j] (+)= the term at (i, j), for each row i in order."""
    kernel = Kernel(name, target, unit_sums_signature(dtype, terms))
    b, lanes = kernel.builder, target.lanes(dtype)
    expressions = list(terms.values())
    rows, cols, goes_on = (kernel.number(name) for name in ("rows", "cols", "goes_on"))
    matrices, by_column = {}, {}
    for s in symbols_of(expressions):
        if s.reach == "each":
            matrices[s.value] = kernel.matrix(s.value)
        else:
            by_column[s.value] = kernel.address(s.value)
    sums = [kernel.address(name) for name in terms]
    emitter = Emitter(kernel, lanes, {})
    emitter.prepare(expressions)
    of_units = [e for e in walk(expressions) if e.reach == "unit"]
    zero = ir.Constant(ir.VectorType(TYPES[dtype], lanes), None)
    start, stop = kernel.share(cols, lanes)

    def work(j: Int, mask: Value) -> None:
        at = {name: (p + (start + j)).load_vector(lanes, mask) for name, p in by_column.items()}
        known = dict(zip(of_units, emitter.vectors(of_units, at), strict=True))
        places = [p + (start + j) for p in sums]
        before = [b.select(goes_on > 0, p.load_vector(lanes, mask), zero) for p in places]
        with kernel.loop(0, rows, carried=before) as down:
            elements = {
                name: (p + (down.i * stride + (start + j))).load_vector(lanes, mask)
                for name, (p, stride) in matrices.items()
            }
            added = emitter.vectors(expressions, elements, known)
            down.next([b.fadd(so_far, term) for so_far, term in zip(down.values, added, strict=True)])
        for p, total in zip(places, down.values, strict=True):
            p.store_vector(total, mask)

    along(kernel, stop - start, lanes, work)
    return kernel.finish()
