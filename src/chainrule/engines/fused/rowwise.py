"""Kernels for formulas in which the outputs of an example belong together: softmax, several quantiles.

As many examples as a vector has lanes are transposed, so that a lane is an example; the results are transposed back.
The terms of a sum over outputs are then added in the order of the outputs, whatever the width of the vectors.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chainrule.engines.fused.codegen import Emitter, symbols_of
from chainrule.engines.fused.data_movement import transposed_square
from chainrule.engines.fused.elementwise import along, map_signature
from chainrule.engines.fused.ir_builder import BYTES, Int, Kernel, Pointer, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.reductions import combined
from chainrule.engines.fused.signatures import Argument, Signature
from chainrule.ir import Expression, walk

MATRICES = 3  # that a kernel transposes: Z, Y, and what comes of them


def transposed_bytes(target: Processor, dtype: str, outputs: int) -> int:
    """What a thread needs to transpose a vector of examples: so many matrices, of all their outputs."""
    lanes = target.lanes(dtype)
    return MATRICES * -(-outputs // lanes) * lanes * lanes * BYTES[dtype]


def by_example_signature(dtype: str, outputs: Mapping[str, Expression]) -> Signature:
    """That of a map, and at the end memory for ``transposed_bytes`` a thread. A result may replace a symbol."""
    return Signature((*map_signature(dtype, outputs).arguments, ("transposed", Argument(dtype))))


def write_by_example(name: str, target: Processor, dtype: str, outputs: Mapping[str, Expression]) -> str:
    """Formulas in which the outputs of an example belong together."""
    kernel = Kernel(name, target, by_example_signature(dtype, outputs))
    lanes = target.lanes(dtype)
    expressions = list(outputs.values())
    examples, K = kernel.number("rows"), kernel.number("cols")
    symbols = {s.value: _place(kernel, s.value, s.reach) for s in symbols_of(expressions)}
    into = {name: _place(kernel, name, e.reach) for name, e in outputs.items()}
    room = (K + (lanes - 1)).rounded_down(lanes) * lanes
    transposed = kernel.address("transposed") + kernel.thread * room * MATRICES
    matrices = [name for name, (_, stride) in (symbols | into).items() if stride is not None]
    assert len(matrices) <= MATRICES, matrices
    column = {name: transposed + room * which for which, name in enumerate(matrices)}
    emitter = Emitter(kernel, lanes, {})
    emitter.prepare(expressions)
    start, stop = kernel.share(examples)

    def work(j: Int, mask: Value) -> None:
        i = start + j
        last = (stop - 1).least(i + (lanes - 1))
        known: dict[Expression, Value] = {}
        stacked: dict[Expression, list[Value]] = {}
        numbers = {}
        for s, (pointer, stride) in symbols.items():
            if stride is None:
                numbers[s] = (pointer + i).load_vector(lanes, mask)
            else:
                with _squares(kernel, pointer, stride, i, last, K, column[s], lanes) as (rows, columns, inside):
                    square = transposed_square(kernel, [row.load_vector(lanes, inside) for row in rows])
                    for place, vector in zip(columns, square, strict=True):
                        place.store_vector(vector)

        def at(k: Int, wanted: list[Expression]) -> list[Value]:
            read = {
                s.value: (column[s.value] + k * lanes).load_vector(lanes)
                for s in symbols_of(wanted)
                if s.value in column
            }
            chosen = {e: _one_of(kernel, parts, k) for e, parts in stacked.items()}
            return emitter.vectors(wanted, numbers | read, known | chosen)

        for e in walk(expressions):
            if e.op in ("sum_outputs", "max_outputs"):
                op = e.op.removesuffix("_outputs")
                first = at(kernel.whole(0), [e.args[0]])
                with kernel.loop(1, K, carried=first) as loop:
                    (value,) = at(loop.i, [e.args[0]])
                    loop.next([combined(kernel, op, loop.values[0], value)])
                known[e] = loop.values[0]
            elif e.op == "output":
                (known[e],) = at(kernel.whole(e.value), [e.args[0]])
            elif e.op == "stack":
                stacked[e] = at(kernel.whole(0), list(e.args))
        by_example = {name: e for name, e in outputs.items() if e.reach == "example"}
        by_output = {name: e for name, e in outputs.items() if e.reach != "example"}
        for name, value in zip(by_example, at(kernel.whole(0), list(by_example.values())), strict=True):
            (into[name][0] + i).store_vector(value, mask)
        if by_output:
            with kernel.loop(0, K) as loop:
                for name, value in zip(by_output, at(loop.i, list(by_output.values())), strict=True):
                    (column[name] + loop.i * lanes).store_vector(value)
        for name in by_output:
            pointer, stride = into[name]
            assert stride is not None
            with _squares(kernel, pointer, stride, i, last, K, column[name], lanes) as (rows, columns, inside):
                square = transposed_square(kernel, [place.load_vector(lanes) for place in columns])
                # backwards: what the missing rows hold, the last row overwrites
                for row, vector in reversed(list(zip(rows, square, strict=True))):
                    row.store_vector(vector, inside)

    along(kernel, stop - start, lanes, work)
    return kernel.finish()


@contextmanager
def _squares(
    kernel: Kernel, matrix: Pointer, stride: Int, i: Int, last: Int, K: Int, columns: Pointer, lanes: int
) -> Iterator[tuple[list[Pointer], list[Pointer], Value]]:
    """Square by square of the rows i..last: where these stand, where they stand as columns, a mask for the rows.

    ``lanes`` rows make a square: the last one is also in the places of those that are missing.
    """
    rows = [matrix + (i + r).least(last) * stride for r in range(lanes)]
    with kernel.loop(0, K, lanes) as across:
        mask = kernel.first_lanes(K - across.i, lanes)
        yield [row + across.i for row in rows], [columns + (across.i + c) * lanes for c in range(lanes)], mask


def _one_of(kernel: Kernel, parts: list[Value], k: Int) -> Value:
    """parts[k]."""
    chosen = parts[-1]
    for j, part in enumerate(parts[:-1]):
        chosen = kernel.builder.select(k.equals(j), part, chosen)
    return chosen


def _place(kernel: Kernel, name: str, reach: str) -> tuple[Pointer, Int | None]:
    """The address of a matrix and its stride; of a number for each example, and None."""
    return (kernel.address(name), None) if reach == "example" else kernel.matrix(name)
