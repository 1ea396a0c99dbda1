"""Kernels of looked-up vectors: E is (levels, units), a row for each level; row 0 of T also has the mean of the others.

    T[0] = E[0] + mean of E[1:];  T[k] = E[k]        into[i] = T[code of row i]
    dT[k] = sum over rows with code k of de          dE[0] = dT[0];  dE[k] = dT[k] + dT[0] / (levels - 1)

On the way back threads share the levels, and each goes through all rows in order: no thread or chunk changes a bit.
"""

from typing import Any

from llvmlite import ir

from chainrule.engines.fused.elementwise import along
from chainrule.engines.fused.ir_builder import TYPES, Int, Kernel, Pointer, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.row_gather import PICKED, Picked
from chainrule.engines.fused.signatures import INT64, MATRIX, NUMBER, REAL, Signature

# Codes of one column, which stand ``apart`` from row to row; and how many levels it has
CODES = {"codes": INT64, "apart": NUMBER, "levels": NUMBER}

MEAN = Signature.of(into=REAL, E=REAL, levels=NUMBER, units=NUMBER)


def write_mean(name: str, target: Processor, dtype: str) -> str:
    """into = T[0]; the levels are added in order."""
    kernel = Kernel(name, target, MEAN.in_dtype(dtype))
    b, lanes = kernel.builder, target.lanes(dtype)
    into, E, levels, units = kernel.address("into"), kernel.address("E"), *_numbers(kernel, "levels", "units")
    start, stop = kernel.share(units, lanes)
    others = _others(kernel, levels, dtype)

    def work(j: Int, mask: Value) -> None:
        with kernel.loop(1, levels, carried=[_zeros(dtype, lanes)]) as loop:
            loop.next([b.fadd(loop.values[0], (E + (loop.i * units + (start + j))).load_vector(lanes, mask))])
        own = (E + (start + j)).load_vector(lanes, mask)
        (into + (start + j)).store_vector(b.fadd(own, b.fdiv(loop.values[0], others)), mask)

    along(kernel, stop - start, lanes, work)
    return kernel.finish()


LOOKUP = Signature.of(into=MATRIX, E=REAL, mean=REAL, units=NUMBER, **CODES, **PICKED)


def write_lookup(name: str, target: Processor, dtype: str) -> str:
    """into[i] = T[code]; ``mean`` is T[0]."""
    kernel = Kernel(name, target, LOOKUP.in_dtype(dtype))
    lanes = target.lanes(dtype)
    (into, ld_into), E, mean = kernel.matrix("into"), kernel.address("E"), kernel.address("mean")
    units = kernel.number("units")
    code_of = _Codes(kernel)
    picked = Picked(kernel)

    def work(i: Int, row: Int) -> None:
        code = code_of(row)
        chosen = kernel.builder.select(code.equals(0), mean.value, (E + code * units).value)
        vector = Pointer(kernel, chosen, TYPES[dtype])

        def copy(j: Int, mask: Value) -> None:
            (into + (i * ld_into + j)).store_vector((vector + j).load_vector(lanes, mask), mask)

        along(kernel, units, lanes, copy)

    picked.each(*kernel.share(picked.rows), work)
    return kernel.finish()


SCATTER = Signature.of(dE=REAL, de=MATRIX, units=NUMBER, goes_on=NUMBER, **CODES, **PICKED)


def write_scatter(name: str, target: Processor, dtype: str) -> str:
    """dT[code] += de[i], row by row; from 0 where it does not go on."""
    kernel = Kernel(name, target, SCATTER.in_dtype(dtype))
    b, lanes = kernel.builder, target.lanes(dtype)
    dE, (de, ld_de) = kernel.address("dE"), kernel.matrix("de")
    units, goes_on = _numbers(kernel, "units", "goes_on")
    code_of = _Codes(kernel)
    picked = Picked(kernel)
    first, last = kernel.share(code_of.levels, 1)
    own = dE + first * units
    with kernel.when(goes_on.equals(0)):
        zeros = kernel.splat(b.sitofp(kernel.opaque(0).value, TYPES[dtype]), lanes)  # else LLVM calls memset
        along(kernel, (last - first) * units, lanes, lambda j, mask: (own + j).store_vector(zeros, mask))

    def work(i: Int, row: Int) -> None:
        code = code_of(row)

        def add(j: Int, mask: Value) -> None:
            into = dE + (code * units + j)
            added = (de + (i * ld_de + j)).load_vector(lanes, mask)
            into.store_vector(b.fadd(into.load_vector(lanes, mask), added), mask)

        with kernel.when(b.and_(first <= code, code < last)):
            along(kernel, units, lanes, add)

    picked.each(kernel.whole(0), picked.rows, work)
    return kernel.finish()


FOLD = Signature.of(dE=REAL, levels=NUMBER, units=NUMBER)


def write_fold(name: str, target: Processor, dtype: str) -> str:
    """dE from dT, in its place: what the mean in T[0] hands on to the others."""
    kernel = Kernel(name, target, FOLD.in_dtype(dtype))
    b, lanes = kernel.builder, target.lanes(dtype)
    dE, levels, units = kernel.address("dE"), *_numbers(kernel, "levels", "units")
    others = _others(kernel, levels, dtype)
    first, last = kernel.share(levels - 1, 1)
    with kernel.loop(first + 1, last + 1) as loop:

        def add(j: Int, mask: Value) -> None:
            into = dE + (loop.i * units + j)
            part = b.fdiv((dE + j).load_vector(lanes, mask), others)
            into.store_vector(b.fadd(into.load_vector(lanes, mask), part), mask)

        along(kernel, units, lanes, add)
    return kernel.finish()


class _Codes:
    """The code of a row; it takes the arguments of CODES.

    They were looked at before (``checks.read_codes``). But should somebody change them while this runs, what is not
    among the levels counts as the last one: addresses are made of codes.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._codes, self._apart = kernel.address("codes"), kernel.number("apart")
        self.levels = kernel.number("levels")

    def __call__(self, row: Int) -> Int:
        b, code = self._kernel.builder, self._codes.load(row * self._apart)
        last = (self.levels - 1).value
        return Int(self._kernel, b.select(b.icmp_unsigned("<", code, last), code, last))


def _numbers(kernel: Kernel, *names: str) -> tuple[Int, ...]:
    return tuple(kernel.number(name) for name in names)


def _zeros(dtype: str, lanes: int) -> Any:
    return ir.Constant(ir.VectorType(TYPES[dtype], lanes), None)


def _others(kernel: Kernel, levels: Int, dtype: str) -> Value:
    """levels - 1 in every lane."""
    number = kernel.builder.sitofp((levels - 1).value, TYPES[dtype])
    return kernel.splat(number, kernel.target.lanes(dtype))
