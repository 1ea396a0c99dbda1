"""The programs of an engine, each written when it is first needed, and run on as many threads as it is worth."""

from collections.abc import Callable, Mapping
from functools import cached_property
from time import perf_counter, process_time
from typing import Any
from weakref import finalize, ref

import numpy as np

from chainrule.engines.fused import threads
from chainrule.engines.fused.barrier import way_to_sleep
from chainrule.engines.fused.compiling import ALONE, EXECUTE, KERNEL
from chainrule.engines.fused.executor import RUN, equal_parts
from chainrule.engines.fused.gate import addresses, at
from chainrule.engines.fused.kernel_selection import Parts
from chainrule.engines.fused.lowering import PACKING, Builder, Workspace
from chainrule.engines.fused.matmul import packing_bytes
from chainrule.engines.fused.memory import MemoryBlock
from chainrule.engines.fused.program import Finished
from chainrule.engines.fused.signatures import At, Given
from chainrule.engines.fused.step_state import STOP, Slot
from chainrule.engines.fused.thread_choice import Choice

MAX_PROGRAMS = 64  # that are kept: one for each number of rows that was asked for

# An engine returns its programs to a pool, for the next one of the same parts. Without it every fit but the first, of
# 100 x 4 rows, hidden 8, took 1.8 times as long for 1 epoch, 1.4 for 20 (MLPClassifier 1.5 and 1.2), 1.1 for 100.
MAX_POOLED = 2  # engines' programs
MAX_POOLED_BYTES = 2**23  # of each


class Ready:
    """A program in its workspace, to be bound to memory and executed.

    words, reals      the frame of the workspace, as int64 and as float64
    inputs, outputs   of a prediction: where its rows go, of this shape, and where A[L] is then
    codes             where their codes go; None where there are none
    flops             what one pass of it costs
    threads           how many of them are worth it on a quiet machine
    choice            how many of these do it; None where one does it all
    parts             of the work that each of so many threads does, by their number, see ``driver``
    execute           a function of its address, which runs it by one thread
    packing           where its threads pack; None where they need not
    """

    def __init__(
        self,
        finished: Finished,
        work: Workspace,
        flops: float,
        threads: int,
        execute: Callable[[int], None],
        sleeping: tuple[int, int, int],
        packing: MemoryBlock | None,
    ) -> None:
        self.finished = finished
        self.work = work
        self.flops = flops
        self.threads = threads
        self.execute = execute
        self.packing = packing
        self.words, self.reals = work.words, work.reals
        self.inputs: Any = None
        self.codes: Any = None
        self.shape: tuple[int, ...] = ()
        self.outputs: Any = None
        self.theta: Callable[[], Any] = lambda: None  # what it is bound to where only theta changes, while that lives
        self._memory: Any = None  # what it is bound to
        way, wait, wake = sleeping
        given: dict[str, Given] = {
            "frame": At(work.block.address + work.frame.offset, "int64"),
            "records": at(finished.records),
            "count": len(finished.records),
            "times": 1,
            "way": int(way),
            "wait": wait,
            "wake": wake,
            "parts": 0,  # see ``divide``
        }
        self.arguments = np.array(RUN.packed(given)[0], np.int64)
        self.address = at(self.arguments).address
        self.times = 1
        self.choice = Choice(threads) if threads > 1 else None
        self.parts: dict[int, Any] = {}

    @property
    def count(self) -> int:
        """How many threads do it now."""
        return self.choice.count if self.choice and threads.ADAPTS else self.threads

    def divide(self, count: int) -> None:
        """The work is for so many threads now."""
        if count not in self.parts:
            self.parts[count] = equal_parts(count)
        self.arguments[-1] = at(self.parts[count]).address

    def bind(self, memory: Mapping[str, At]) -> None:
        """Addresses of what is not in the workspace."""
        if memory is not self._memory:
            blocks = (self.work.block, self.packing) if self.packing else (self.work.block,)
            self.finished.bind({**{block.name: At(block.address, "bytes") for block in blocks}, **memory})
            self._memory = memory

    def bind_theta(self, theta: Any) -> None:
        """Of a program that needs nothing but theta; it is for the caller to keep it."""
        if self.theta() is not theta:
            self.theta = ref(theta)
            self.bind(addresses(theta=theta))


class Programs:
    """Writes, keeps and runs programs for batches of any size."""

    def __init__(self, parts: Parts, flops: float, asked: int | None) -> None:
        self._parts = parts
        self._flops = flops  # of one row, forward and backward
        self._asked = asked  # how many threads
        self._programs: dict[tuple[Any, ...], Ready] = {}
        self._works: dict[tuple[Any, ...], Workspace] = {}
        self._packing: dict[int, MemoryBlock] = {}  # by the number of threads
        self._sleeping = way_to_sleep()
        self._execute = self.function("execute", EXECUTE)
        self._execute_alone: Callable[[int], None] = self.function("execute_alone", ALONE)

    def function(self, name: str, signature: Any = KERNEL) -> Callable[..., None]:
        """A kernel to be called by itself."""
        kernel = self._parts.common[name].name
        self._parts.library.make([kernel])
        return signature(self._parts.library.address(kernel))

    @classmethod
    def from_pool(cls, parts: Parts, flops: float, asked: int | None, owner: object) -> "Programs":
        """Programs of the pool, or new ones, for as long as their owner, an engine, lives."""
        try:
            programs = parts.pool.setdefault(asked, []).pop()
        except IndexError:
            programs = cls(parts, flops, asked)
        finalize(owner, programs._return_to_pool).atexit = False
        return programs

    def _return_to_pool(self) -> None:
        pool = self._parts.pool[self._asked]
        blocks = [*(work.block for work in self._works.values()), *self._packing.values()]
        if len(pool) < MAX_POOLED and sum(block.size for block in blocks) <= MAX_POOLED_BYTES:
            pool.append(self)

    @cached_property
    def _most_threads(self) -> int:
        """Asked for only where the work is large: looking at all loaded libraries takes longer than a small fit."""
        return threads.allowed(self._asked)

    def _worthwhile(self, flops: float) -> int:
        return threads.worthwhile(flops, self._most_threads) if flops >= 2 * threads.WORTH else 1

    def run(self, ready: Ready, times: int = 1) -> None:
        """Execute a program so many times."""
        if ready.choice is not None:
            self._run_by_choice(ready, ready.choice, times)
            return
        if times != ready.times:
            ready.arguments[3] = ready.times = times
        ready.execute(ready.address)

    def _run_by_choice(self, ready: Ready, choice: Choice, times: int) -> None:
        """The same in pieces, after which the number of threads may change."""
        while times > 0:
            count, now = choice.next(times) if threads.ADAPTS else (ready.threads, times)
            began, computed = perf_counter(), process_time()
            self._execute_by(count, ready, now)
            choice.took(now, perf_counter() - began, process_time() - computed)
            times -= now
            if ready.words[Slot.STATUS] == STOP:
                return

    def _execute_by(self, count: int, ready: Ready, times: int) -> None:
        if times != ready.times:
            ready.arguments[3] = ready.times = times
        if count == 1:
            ready.execute(ready.address)
            return
        ready.divide(count)
        if not threads.run(lambda thread, of: self._execute(ready.address, thread, of), count):
            ready.execute(ready.address)

    def training(self, rows: int, most: int, gathers: bool) -> Ready:
        """A training step of ``rows`` rows, in the workspace of steps of up to ``most``."""
        key = ("training", rows, most, gathers)
        if key in self._programs:
            return self._programs[key]

        def write(b: Builder) -> None:
            b.begin(rows, gathers)
            b.gradient(rows, gathers, self._parts.hidden)
            b.update()
            b.transpose_weights()
            b.end(rows)

        return self._ready(key, (most, True, gathers), rows, write)

    def transposition(self, most: int, gathers: bool) -> Ready:
        """What a training step expects of the one before."""
        return self._ready(("transposition", most, gathers), (most, True, gathers), 1, Builder.transpose_weights)

    def gradient(self, rows: int, dropout: bool, of_share: bool = False, row: int = 0) -> Ready:
        """J and dtheta of a step, or of a share of one; ``row``, where in its step it begins, matters to dropout."""
        hidden = self._parts.hidden if dropout else self._parts.still
        row = row if hidden != self._parts.still else 0

        def write(b: Builder) -> None:
            b.transpose_weights()
            b.program.barrier()
            if of_share:
                b.begin_share(rows)
            else:
                b.begin(rows, False)
            b.gradient(rows, False, hidden, of_share, row)

        return self._ready(("gradient", rows, dropout, of_share, row), (rows, True, False), rows, write)

    def update(self) -> Ready:
        """One step of the optimiser."""
        return self._ready(("update",), (1, True, False), 1, Builder.update)

    def finite(self) -> Ready:
        """Whether theta is finite."""
        return self._ready(("finite",), (1, True, False), 1, lambda b: b.verdict_on("theta"))

    def cost(self, rows: int) -> Ready:
        """J without penalties and dropout."""

        def write(b: Builder) -> None:
            b.begin(rows, False)
            for first in range(0, rows, b.work.chunk):
                part = min(b.work.chunk, rows - first)
                b.enter(part, first)
                b.forward(part, self._parts.plain, first)
                b.losses(part, first, delta=False)
                b.program.barrier()  # the next chunk uses the same memory
            b.total(rows)

        return self._ready(("cost", rows), (rows, False, False), rows / 3, write)

    def prediction(self, rows: int) -> Ready:
        """A[L] from rows that are copied into the workspace."""
        key = ("prediction", rows)
        if key in self._programs:
            return self._programs[key]

        def write(b: Builder) -> None:
            if b.inputs:
                b.inputs.means()
                b.program.barrier()
            b.enter(rows)
            b.forward(rows, self._parts.plain)
            b.link(rows)

        roomy = 1 << (rows - 1).bit_length()  # one workspace serves many numbers of rows
        ready = self._ready(key, (roomy, False, True), rows / 3, write)
        work = ready.work
        X = work.inputs.X if work.inputs else work.A[0]
        ready.inputs, ready.outputs = work.view(X)[:rows], work.view(work.A[-1])[:rows]
        ready.shape = ready.inputs.shape
        columns = len(self._parts.network.columns.levels)
        if work.inputs and columns:
            ready.codes = work.block.view(work.inputs.codes, rows * columns, "int64").reshape(rows, columns)
        return ready

    def _ready(
        self, key: tuple[Any, ...], place: tuple[int, bool, bool], rows: float, write: Callable[[Builder], None]
    ) -> Ready:
        ready = self._programs.get(key)
        if ready is None:
            if len(self._programs) >= MAX_PROGRAMS:
                self._programs.clear()
                self._works.clear()
            if place not in self._works:
                count = self._worthwhile(self._flops * place[0])
                self._works[place] = Workspace(self._parts, place[0], count, *place[1:])
            builder = Builder(self._parts, self._works[place])
            write(builder)
            flops = self._flops * rows
            count = self._worthwhile(flops)
            finished = builder.finished()
            packing = self._room_to_pack(count) if PACKING.name in finished.kinds else None
            ready = self._programs[key] = Ready(
                finished, builder.work, flops, count, self._execute_alone, self._sleeping, packing
            )
        return ready

    def _room_to_pack(self, count: int) -> MemoryBlock:
        """Memory in which so many threads pack."""
        if count not in self._packing:
            block = self._packing[count] = MemoryBlock(PACKING.name)
            block.part(count * packing_bytes(self._parts.library.target), "bytes")
            block.make()
        return self._packing[count]
