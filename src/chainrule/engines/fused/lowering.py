"""The equations as programs: forward, cost, backward and update in kernel calls, for one batch size.

Rows are examples here, as users hand them over: A[l] is (m, n[l]) row by row, which is the notes' (n[l], m) column by
column; and W[l].T is what theta holds.

    forward    Z[l] = A[l-1] W[l].T + b[l];  A[l] = g(Z[l]) in the place of Z[l]
    backward   dW[l].T = A[l-1].T dZ[l];  db[l] = 1.T dZ[l];  dZ[l-1] = (dZ[l] W[l]) G[l-1]

G[l] is the slope of A[l]: worked out on the way back where A[l] tells it, else beside A[l], while Z[l] is there.

A batch is worked on in chunks of rows, so that what a chunk needs stays in the cache; dW[l] and db[l] go on from chunk
to chunk in the order of the rows, so chunks change no bit. Within a chunk a thread keeps its own rows from X to dZ[1];
then, behind a barrier, threads share the columns (or the rows) of dW[l].
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.engines.fused.data_movement import rows_ahead
from chainrule.engines.fused.input_lowering import InputMemory, InputPrograms, row_numbers
from chainrule.engines.fused.ir_builder import GRAIN
from chainrule.engines.fused.kernel_selection import Hidden, Parts, Reduction
from chainrule.engines.fused.memory import MemoryBlock, stride
from chainrule.engines.fused.program import Program
from chainrule.engines.fused.reductions import BLOCK
from chainrule.engines.fused.rowwise import transposed_bytes
from chainrule.engines.fused.signatures import Given, Made, Matrix, Place, Wanted
from chainrule.engines.fused.step_state import REALS, SLOTS, Kind, Slot
from chainrule.formulas.draws import Stream
from chainrule.layout import WEIGHT, Role

CACHE = 512 * 2**10  # bytes of activations and deltas that a chunk may take without leaving the second cache
MIN_ROWS = 576  # but a chunk has at least so many rows: fewer would use each weight too seldom
MAX_CHUNKS = 256  # a program stays short
PACKING = Place("packing", "bytes")  # where threads pack: one for all programs, since they take turns
ORDER = Place("order", "int64")  # of the rows in an epoch


def chunk_rows(parts: Parts, rows: int) -> int:
    """How many of the rows are worked on at a time: all of them, or a multiple of every tile's rows."""
    if rows <= MIN_ROWS:
        return rows
    row = (2 * sum(parts.network.n) + row_numbers(parts)) * np.dtype(parts.dtype).itemsize
    return min(rows, max(CACHE // row // 48 * 48, MIN_ROWS, rows // MAX_CHUNKS // 48 * 48))


def is_large(rows: int, depth: int, row_stride: int, size: int) -> bool:
    """Whether packing pays: a panel of B is used by many rows, and is too spread out to stay in the first cache."""
    return rows >= 96 and depth * row_stride * size > 48 * 2**10


class Workspace:
    """Memory for batches of at most so many rows, and what each part of it holds."""

    def __init__(self, parts: Parts, rows: int, threads: int, training: bool, gathers: bool) -> None:
        self.block = block = MemoryBlock("work")
        self.dtype = dtype = parts.dtype
        n, size = parts.network.n, np.dtype(dtype).itemsize
        chunk = chunk_rows(parts, rows)
        self.chunk = chunk

        def vector(count: int) -> Place:
            return block.part(count * size, dtype)

        def matrix(r: int, c: int) -> Matrix:
            return Matrix(vector(r * stride(c, size)), stride(c, size), c)

        nowhere = Matrix(Place("", dtype), 0)
        self.frame = block.part(8 * SLOTS, "int64")
        self.zeros, self.ones = vector(max(n)), vector(chunk)
        holds_A_0 = gathers or bool(parts.inputs)
        self.A = [matrix(chunk, u) if l > 0 or holds_A_0 else Matrix(Place("X", dtype), n[0]) for l, u in enumerate(n)]
        self.inputs = InputMemory(parts, block, chunk, training, gathers and not training) if parts.inputs else None
        if parts.by_example or parts.link_by_example:
            self.transposed = block.part(threads * transposed_bytes(parts.library.target, dtype, n[-1]), dtype)
        self.Y = matrix(chunk, n[-1]) if gathers else Matrix(Place("Y", dtype), n[-1])
        self.w, self.share, self.losses = (vector(rows) for _ in range(3))
        if training:
            self.G = [nowhere, *(matrix(chunk, u) for u in n[1:-1])]
            self.dA = matrix(chunk, max(n[1:-1], default=1))  # one stride for all layers, for the same reason as halves
            # W[l] is transposed for the way back, unless the product does that while it packs it; entry 0 is not used
            self.first_transposed = 1 if parts.inputs else 2  # from this layer on dA[l-1] is wanted
            self.packs = [j > 1 and is_large(chunk, j, stride(k, size), size) for k, j in pairwise((1, *n))]
            self.W = [
                nowhere if self.packs[l] or l < self.first_transposed else matrix(n[l], n[l - 1]) for l in range(len(n))
            ]
            # one for each layer: a thread that is a layer ahead must not write where another one still reads
            self.halves = [
                block.part(8 * ((GRAIN - 1 + chunk) * -(-u // 2) + 4) if p > 0.0 else 0, "int64")
                for u, p in zip(n[1:-1], parts.network.dropout, strict=True)  # type: ignore[arg-type]
            ]
            self.blocks = -(-parts.network.size // BLOCK)
            blocks = len(parts.network.layout.blocks)  # each may end with a part that is not full
            self.check, self.partials, self.penalty = (vector(self.blocks + blocks) for _ in range(3))
            self.known = [block.part(8, dtype) for _ in parts.reductions]
            # of each block, a number for each sum that the optimiser's step takes over it
            self.sums = [[block.part(8, dtype) for _ in range(parts.most_sums)] for _ in range(blocks)]
        block.make()
        self.words = block.view(self.frame, SLOTS, "int64")
        self.reals = block.view(self.frame, SLOTS, "float64")
        block.view(self.ones, chunk, dtype)[...] = 1.0

    def view(self, matrix: Matrix) -> Any:
        """A matrix of this workspace as an array, (rows, columns); None for one that is elsewhere."""
        if matrix.place.name != self.block.name:
            return None
        flat = self.block.view(matrix.place, self.chunk * matrix.stride, self.dtype)
        return flat.reshape(self.chunk, matrix.stride)[:, : matrix.columns]

    def slot(self, slot: Slot) -> Place:
        """Where a number of the frame stands."""
        return Place(self.block.name, "float64" if slot in REALS else "int64", self.frame.offset + 8 * int(slot))


@dataclass
class Stretch:
    """Entries of theta and of vectors like it, and where the numbers stand that are known of them by now."""

    start: int
    count: int
    known: dict[str, Given]


class Builder:
    """Writes programs for a network, over one workspace."""

    def __init__(self, parts: Parts, work: Workspace) -> None:
        self.parts = parts
        self.work = work
        self.n = parts.network.n
        self.L = parts.network.L
        self.size = np.dtype(parts.dtype).itemsize
        self.layout = parts.network.layout
        self.program = Program()
        self.inputs = InputPrograms(parts, work.inputs, work.A[0], self.program) if work.inputs else None

    def finished(self) -> Any:
        """The program so far."""
        return self.program.finished(self.parts.library)

    def _call(self, name: str, record: Kind = Kind.WORK, /, **given: Given) -> None:
        self.program.work(self.parts.common[name], given, record)

    def _formula(self, made: Made, **known: Given) -> None:
        """Call a kernel made from formulas; of what is known it is given what it takes."""
        kernel = made.kernel
        self.program.work(kernel, {name: known[name] for name in kernel.signature.names})

    def _vector(self, name: str, offset: int = 0) -> Place:
        """Where a vector that is handed in stands, or a part of it."""
        return Place(name, self.parts.dtype, offset)

    def _product(
        self, C: Matrix, A: Matrix, B: Matrix, init: Matrix, shape: tuple[int, int, int], transposed: bool = False
    ) -> None:
        """C = init + A B, or with A.T in the place of A where it is ``transposed``.

        Threads keep their rows of the batch from one product to the next; of the gradient they may share the columns.
        """
        into_gradient = C.place.name == "dtheta"
        M, N, K = shape
        by_columns = int(into_gradient and (N >= M or M == 1))
        given: dict[str, Given] = {"C": C, "A": A, "B": B, "init": init, "M": M, "N": N, "K": K}
        given |= {"by_columns": by_columns, "tiles": self.parts.tiles[transposed]}
        if is_large(M, K, B.stride, self.size):
            self._call("blocked" + "_transposed" * transposed, packing=PACKING, **given)
        else:
            self._call("product" + "_transposed" * transposed, **given)

    def _from(self, matrix: Matrix, first: int) -> Matrix:
        """What a chunk that begins at row ``first`` has of a matrix: all of one in the workspace, rows of X and Y."""
        if matrix.place.name == self.work.block.name:
            return matrix
        return Matrix(matrix.place + first * matrix.stride * self.size, matrix.stride)

    def _block(self, vector: str, name: str) -> Place:
        """Where theta, or a vector like it, has a block."""
        return self._vector(vector, self.layout[name].offset * self.size)

    def _weights(self, l: int) -> Matrix:
        return Matrix(self._block("theta", f"W[{l}]"), self.n[l])

    def enter(self, rows: int, first: int = 0, gathers: bool = False) -> None:
        """A[0], where input layers make it."""
        if self.inputs:
            self.inputs.forward(self._picked(rows, first, gathers))

    def forward(self, rows: int, activations: list[Made], first: int = 0, row: int = 0) -> None:
        """A[1..L-1] and Z[L]; and the slopes G where the kernels of the hidden layers give them.

        ``row``: where in its step a share of it begins, which decides the words of dropout.
        """
        work, n = self.work, self.n
        for l in range(1, self.L + 1):
            A, Z = self._from(work.A[l - 1], first), work.A[l]
            b = self._block("theta", f"b[{l}]")
            if n[l] == 1:
                self._call("gemv", Z=Z.place, A=A, w=self._weights(l).place, b=b, rows=rows, K=n[l - 1])
            else:
                self._product(Z, A, self._weights(l), Matrix(b, 0), (rows, n[l], n[l - 1]))
            if l < self.L:
                made = activations[l - 1]
                known: dict[str, Given] = {"Z": Z, "A": Z}
                if "G" in made.outputs:
                    known["G"] = work.G[l]
                if "half" in made.symbols:
                    known["half"] = self._words(rows, l, row + first)
                self._formula(made, rows=rows, cols=n[l], **known)

    def _words(self, rows: int, l: int, first: int) -> Matrix:
        """The random words of a layer with dropout, two units a word.

        They are drawn by whole groups of GRAIN rows, counted from the first row of the step: whole blocks of Philox.
        """
        per_row, words = -(-self.n[l] // 2), self.work.halves[l - 1]
        before = first % GRAIN
        key: dict[str, Given] = {"key_0": Place("seed", "number"), "key_1": int(Stream.DROPOUT)}
        of_layer: dict[str, Given] = {"step": self.work.slot(Slot.STEP), "place": l}
        of_rows: dict[str, Given] = {"first": first - before, "rows": before + rows, "per_row": per_row}
        self._call("words", into=words, **key, **of_rows, **of_layer)
        if before:
            self.program.barrier()  # the words that a thread has drawn are not those of its own rows
        return Matrix(Place(words.name, "int32", words.offset + 8 * before * per_row), 2 * per_row)

    def _picked(self, rows: int, first: int, gathers: bool) -> dict[str, Given]:
        """Rows of a chunk, in the order of the epoch where they are gathered."""
        order = ORDER if gathers else 0
        return {"order": order, "position": self.work.slot(Slot.POSITION), "first": first, "rows": rows}

    def losses(self, rows: int, first: int, delta: bool) -> None:
        """The loss of each example, and with ``delta`` dZ[L] in the place of Z[L]."""
        work, K = self.work, self.n[-1]
        made = self.parts.losses if delta else self.parts.values
        share, losses = work.share + first * self.size, work.losses + first * self.size
        Z, Y = work.A[-1], self._from(work.Y, first)
        room: dict[str, Given] = {"transposed": work.transposed} if self.parts.by_example else {}
        self._formula(made, rows=rows, cols=K, Z=Z, Y=Y, dZ=Z, share=share, losses=losses, **room)

    def backward_rows(self, rows: int, hidden: list[Hidden]) -> None:
        """dZ[L-1], ..., dZ[1]; those of layers with slopes in the places of these. dA[0] where input layers learn."""
        work, n = self.work, self.n
        for l in range(self.L, 1, -1):
            self._before(l, work.dA, n[l - 1], rows)
            G = work.G[l - 1]
            self._formula(hidden[l - 2].backward, rows=rows, cols=n[l - 1], dA=work.dA, A=work.A[l - 1], G=G, dZ=G)
        if work.inputs:
            self._before(1, work.inputs.dA, work.inputs.learned, rows)

    def _before(self, l: int, dA: Matrix, units: int, rows: int) -> None:
        """dA[l-1] = dZ[l] W[l], of so many units."""
        work, n, dZ, zeros = self.work, self.n, self._delta(l), Matrix(self.work.zeros, 0)
        if work.packs[l]:
            given: dict[str, Given] = {"M": rows, "N": units, "K": n[l], "by_columns": 0}
            given |= {"tiles": self.parts.tiles[False], "packing": PACKING}
            self._call("blocked_B_transposed", C=dA, A=dZ, B=self._weights(l), init=zeros, **given)
        else:
            # one row: W[l] and W[l].T are the same memory
            W = Matrix(self._weights(l).place, n[l - 1]) if n[l] == 1 else work.W[l]
            self._product(dA, dZ, W, zeros, (rows, units, n[l]))

    def _delta(self, l: int) -> Matrix:
        return self.work.A[-1] if l == self.L else self.work.G[l]

    def backward_weights(self, rows: int, first: int, gathers: bool) -> None:
        """dW[l] and db[l], and the gradients of input layers, from 0 in the first chunk, then going on."""
        work, n = self.work, self.n
        for l in range(1, self.L + 1):
            A, dZ = self._from(work.A[l - 1], first), self._delta(l)
            dW = Matrix(self._block("dtheta", f"W[{l}]"), n[l])
            db = Matrix(self._block("dtheta", f"b[{l}]"), n[l])
            zeros = Matrix(work.zeros, 0)
            if n[l] == 1:
                self._product(dW, dZ, A, dW if first else zeros, (1, n[l - 1], rows))
            else:
                self._product(dW, A, dZ, dW if first else zeros, (n[l - 1], n[l], rows), transposed=True)
            self._product(db, Matrix(work.ones, 0), dZ, db if first else zeros, (1, n[l], rows))
        if self.inputs:
            self.inputs.backward(self._picked(rows, first, gathers))

    def begin(self, rows: int, gathers: bool) -> None:
        """The numbers of the step."""
        work = self.work
        order = ORDER if gathers else 0
        given: dict[str, Given] = {
            "rates": Place("rates", "float64"),
            "weights": self._vector("weights"),
            "order": order,
        }
        self._call("begin", frame=work.frame, **given, rows=rows, w=work.w, share=work.share)
        self._begun()

    def begin_share(self, rows: int) -> None:
        """The numbers of a share of a step."""
        work = self.work
        self._call("begin share", frame=work.frame, weights=self._vector("weights"), rows=rows, share=work.share)
        self._begun()

    def _begun(self) -> None:
        """What all threads wait for before they begin with the rows."""
        if self.inputs:
            self.inputs.means()
        self.program.barrier(Kind.DECISION)

    def gradient(self, rows: int, gathers: bool, hidden: list[Hidden], of_share: bool = False, row: int = 0) -> None:
        """J and dtheta of a batch, or of a share of one that begins at ``row``; penalties included, checked."""
        work, parts, n = self.work, self.parts, self.n
        for first in range(0, rows, work.chunk):
            part = min(work.chunk, rows - first)
            if gathers:
                X = [] if self.inputs else [(work.A[0], "X", n[0])]
                for into, source, cols in (*X, (work.Y, "Y", n[-1])):
                    of_rows: dict[str, Given] = {"order": ORDER, "position": work.slot(Slot.POSITION), "first": first}
                    of_rows |= {"rows": part, "cols": cols, "ahead": rows_ahead(cols * self.size)}
                    self._call("gather", into=into, matrix=Matrix(self._vector(source), cols), **of_rows)
            self.enter(part, first, gathers)
            self.forward(part, [layer.forward for layer in hidden], first, row)
            self.losses(part, first, delta=True)
            self.backward_rows(part, hidden)
            self.program.barrier()
            self.backward_weights(part, first, gathers)
            self.program.barrier()
        if self.inputs and self.inputs.fold():
            self.program.barrier()
        self.total(rows)
        penalties = 0
        if parts.penalties:
            made, known = parts.penalties[of_share], {"S": work.slot(Slot.S), "part": work.slot(Slot.PART)}
            for block in (block for block in self.layout if block.role.penalised):
                theta, dtheta = (self._block(vector, block.name) for vector in ("theta", "dtheta"))
                matrices = {"theta": Matrix(theta, 1), "dtheta": Matrix(dtheta, 1)}
                self._formula(made.slopes, rows=block.size, cols=1, **known, **matrices)
                into = work.penalty + penalties * self.size
                self._formula(made.values, length=block.size, **known, theta=theta, dtheta=dtheta, penalty=into)
                penalties += -(-block.size // BLOCK)
            self.program.barrier()
        self.verdict_on("dtheta", penalties)

    def verdict_on(self, vector: str, penalties: int = 0) -> None:
        """J with so many parts of penalties; and whether it and the vector are finite."""
        work = self.work
        self._call("finite", length=self.parts.network.size, x=self._vector(vector), into=work.check)
        self.program.barrier()
        of_penalties: dict[str, Given] = {"penalties": work.penalty, "n_penalties": penalties}
        self._call("verdict", frame=work.frame, **of_penalties, checks=work.check, n_checks=work.blocks)
        self.program.barrier(Kind.DECISION)

    def total(self, rows: int) -> None:
        """J of the losses."""
        self._call("cost", frame=self.work.frame, share=self.work.share, losses=self.work.losses, rows=rows)

    def update(self) -> None:
        """The optimiser's step over all parameters."""
        work, parts = self.work, self.parts
        known: dict[str, Given] = {"rate": work.slot(Slot.RATE), "t": work.slot(Slot.T)}
        everything = Stretch(0, parts.network.size, known)
        for reduction, number in zip(parts.reductions, work.known, strict=True):
            self._reduce([(reduction, everything, number)])
        moved = self._moved(everything.known)
        for i in range(parts.most_sums):
            places = zip(moved, work.sums, strict=False)  # blocks that are one leave some over
            of_blocks = [(parts.updates[role].sums, stretch, into) for (role, stretch), into in places]
            self._reduce([(sums[i], stretch, into[i]) for sums, stretch, into in of_blocks if i < len(sums)])
        for role, stretch in moved:
            matrices = {name: Matrix(place, 1) for name, place in self._of_update(stretch).items()}
            self._formula(parts.updates[role].made, rows=stretch.count, cols=1, **stretch.known, **matrices)
        self.program.barrier()

    def _reduce(self, wanted: list[tuple[Reduction, Stretch, Place]]) -> None:
        """Reductions over stretches, into these places, where they are known from then on."""
        partials = self.work.partials
        combines: list[tuple[Wanted, dict[str, Given]]] = []
        for reduction, stretch, into in wanted:
            given = {**stretch.known, **self._of_update(stretch)}
            self._formula(reduction.partials, length=stretch.count, partials=partials, **given)
            parts = -(-stretch.count // BLOCK)
            combines.append((reduction.combine, {"into": into, "partials": partials, "count": parts}))
            partials += parts * self.size
            stretch.known[reduction.name] = into
        self.program.barrier()
        for combine, given in combines:
            self.program.work(combine, given)
        self.program.barrier()

    def _of_update(self, stretch: Stretch) -> dict[str, Place]:
        """Where a stretch of each vector stands that the optimiser's step reads."""
        moments = (name for name in self.parts.updates[WEIGHT].made.outputs if name != "theta")
        return {name: self._vector(name, stretch.start * self.size) for name in ("theta", "dtheta", *moments)}

    def _moved(self, known: dict[str, Given]) -> list[tuple[Role, Stretch]]:
        """The blocks by their roles; as one those that lie side by side and are moved alike, entry by entry."""
        updates = self.parts.updates
        moved: list[tuple[Role, Stretch]] = []
        for block in self.layout:
            alike = moved and updates[moved[-1][0]] == updates[block.role]
            if alike and not updates[block.role].sums:
                moved[-1][1].count += block.size
            else:
                moved.append((block.role, Stretch(block.offset, block.size, {**known})))
        return moved

    def transpose_weights(self) -> None:
        """W[l] from W[l].T, which dZ[l] is multiplied by on the way back."""
        for l in range(self.work.first_transposed, self.L + 1):
            if self.n[l] > 1 and not self.work.packs[l]:
                into, W = self.work.W[l], self._weights(l)
                self._call("transpose", into=into, matrix=W, rows=self.n[l - 1], cols=self.n[l])

    def end(self, rows: int) -> None:
        """Count the step."""
        self._call("end", Kind.ALWAYS, frame=self.work.frame, rows=rows)
        self.program.barrier(Kind.LAST)

    def link(self, rows: int) -> None:
        """A[L] in the place of Z[L]."""
        work, link, K = self.work, self.parts.link, self.n[-1]
        Z = work.A[-1]
        if link is None:
            return
        room: dict[str, Given] = {"transposed": work.transposed} if self.parts.link_by_example else {}
        self._formula(link, rows=rows, cols=K, Z=Z, A=Z, **room)
