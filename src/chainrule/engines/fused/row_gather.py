"""Rows that a kernel picks, in the order of an epoch or as they stand; and columns of them repeated side by side."""

from collections.abc import Callable

from chainrule.engines.fused.data_movement import LINE
from chainrule.engines.fused.elementwise import along
from chainrule.engines.fused.ir_builder import BYTES, I64, PTR, Int, Kernel, Pointer, Value
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import INT64, MATRIX, NUMBER, Argument, Signature

# Row i is order[position + first + i], or first + i where no order is given
PICKED = {
    "order": Argument("int64", may_be_absent=True),
    "position": INT64,  # where it stands
    "first": NUMBER,
    "rows": NUMBER,
}


class Picked:
    """The rows that a kernel is to pick; it takes the arguments of PICKED."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._order, self._position = kernel.word("order"), kernel.address("position")
        self._first, self.rows = kernel.number("first"), kernel.number("rows")

    def ordered(self, i: Int) -> Int:
        """Row number i of the order."""
        kernel = self.kernel
        order = Pointer(kernel, kernel.builder.inttoptr(self._order.value, PTR), I64)
        return Int(kernel, order.load(Int(kernel, self._position.load()) + self._first + i))

    def each(
        self,
        start: Int,
        stop: Int,
        work: Callable[[Int, Int], None],
        before: Callable[[Int], None] = lambda i: None,
    ) -> None:
        """work(i, row) for i = start..stop-1; where there is an order, before(i) first."""
        with self.kernel.when(self._order.equals(0)), self.kernel.loop(start, stop) as loop:
            work(loop.i, self._first + loop.i)
        with self.kernel.when(self._order > 0), self.kernel.loop(start, stop) as loop:
            before(loop.i)
            work(loop.i, self.ordered(loop.i))


REPEAT = Signature.of(into=MATRIX, matrix=MATRIX, **PICKED, cols=NUMBER, copies=NUMBER, apart=NUMBER, ahead=NUMBER)


def write_repeat(name: str, target: Processor, dtype: str) -> str:
    """into[i, u apart + j] = matrix[row, j] for u < copies, where the rows are PICKED."""
    kernel = Kernel(name, target, REPEAT.in_dtype(dtype))
    lanes = target.lanes(dtype)
    (into, ld_into), (source, ld_source) = kernel.matrix("into"), kernel.matrix("matrix")
    picked = Picked(kernel)
    cols, copies, apart = kernel.number("cols"), kernel.number("copies"), kernel.number("apart")
    ahead = kernel.number("ahead")

    def work(i: Int, row: Int) -> None:
        def copy(j: Int, mask: Value) -> None:
            numbers = (source + (row * ld_source + j)).load_vector(lanes, mask)
            with kernel.loop(0, copies) as over_copies:
                (into + (i * ld_into + over_copies.i * apart + j)).store_vector(numbers, mask)

        along(kernel, cols, lanes, copy)

    def fetch(row: Int) -> None:
        with kernel.loop(0, cols, LINE // BYTES[dtype]) as lines:
            kernel.prefetch(source + (row * ld_source + lines.i), to_write=False)

    start, stop = kernel.share(picked.rows)
    picked.each(start, stop, work, lambda i: fetch(picked.ordered(i + ahead)))
    return kernel.finish()
