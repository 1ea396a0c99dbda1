"""The protocol of ``chainrule.engines`` in compiled code."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from threading import RLock
from typing import Any, cast
from weakref import ref

import numpy as np

from chainrule.arguments import number
from chainrule.engines.checks import (
    REAL_KINDS,
    as_reals,
    read_codes,
    require_count,
    require_inputs,
    require_row,
    require_run,
    require_step_weight,
    require_steps_of,
)
from chainrule.engines.fused.gate import Gate, Rows, addresses, moments
from chainrule.engines.fused.kernel_registry import library
from chainrule.engines.fused.kernel_selection import Parts, known_parts
from chainrule.engines.fused.lowering import chunk_rows
from chainrule.engines.fused.memory import placed
from chainrule.engines.fused.processor import Processor, here
from chainrule.engines.fused.program import as_argument
from chainrule.engines.fused.program_cache import Programs, Ready
from chainrule.engines.fused.shuffling import Shuffling
from chainrule.engines.fused.signatures import At
from chainrule.engines.fused.step_state import FRAME, GO, STOP, Slot
from chainrule.engines.origin import require_origin
from chainrule.engines.protocol import State
from chainrule.engines.rates import require_rates, set_rates
from chainrule.engines.reference import Reference
from chainrule.engines.signals import ctrl_c_noted
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sources import Epoch, Examples, Source

# Between two looks at Ctrl-C a thread does about so many floating-point operations: a tenth of a second of a slow core.
BETWEEN_LOOKS = 2e9
UPDATE = 60  # what a parameter's update counts for in them: it waits for memory and for divisions
STEP = 2e4  # and a step, however small


@dataclass(frozen=True)
class BoundPrograms:
    """The programs of training steps, bound to arrays; kept while ``run`` is given the same ones.

    Bound anew in each epoch, a fit of 20 epochs of 100 x 4 rows, hidden 8, took 1.7 times as long; of 100 epochs, 2.1.

    vectors      theta and the moments, while they live
    examples     with their arrays, while they live: NumPy gives no array other memory while somebody refers to it
    copied       what is read in their place where they had to be copied: then it is for one run
    epoch        the rows in batches; collected in the order of the epoch unless they are one batch
    full, rest   a step, and the last one of an epoch where fewer rows are left for it
    transposition      what a step expects of the one before
    at_once      steps between two looks at Ctrl-C, for each thread
    """

    vectors: list[ref[Any]]
    examples: list[ref[Any]]
    copied: Rows | None
    epoch: Epoch
    full: Ready
    rest: Ready
    transposition: Ready
    at_once: float

    def is_of(self, state: State, examples: Examples) -> bool:
        """Whether it was made for these arrays, and the state's may still be written."""
        if examples is None or examples is not self.examples[0]() or len(state.moments) + 1 != len(self.vectors):
            return False
        for vector, known in zip((state.theta, *state.moments), self.vectors, strict=True):
            if vector is None or vector is not known() or not vector.flags.writeable:
                return False
        return True


class Fused:
    """See ``chainrule.engines``. Arrays of a state that ``run`` is given are moved on in place: use what it returns.

    threads   most threads to use; None for all that this process may have
    target    the processor to compile for; None for this one

    Untraceable: a custom function that cannot be compiled. UnsuitableProcessor: a machine without FMA.

    >>> engine = Fused(Network((2, 1), loss="binary_cross_entropy"), Recipe("gradient_descent", epochs=1))
    >>> examples = engine.examples([[0.0, 1.0], [1.0, 0.0]], [[0.0], [1.0]])
    >>> state = engine.run(engine.start(), examples, 0, 1)
    >>> state.updates, state.samples
    (1, 2)
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        functions: Functions | None = None,
        threads: int | None = None,
        target: Processor | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.xp = np
        self._plain = Reference(network, recipe, functions)
        self.loss, self.link = self._plain.loss, self._plain.link
        self.optimizer = self._plain.optimizer
        self.schedule = self._plain.schedule
        self.learning_rate = self._plain.learning_rate
        self.origin = self._plain.origin
        target = target or here()
        if functions:
            self._parts = Parts(network, recipe, functions, library(target))
        else:
            self._parts = known_parts(network, recipe.optimizer, recipe.averaging, recipe.clip_norm, target)
        n = network.n
        flops = 6.0 * sum(j * k for j, k in pairwise(n)) - (0.0 if network.inputs else 2.0 * n[0] * n[1])
        self._beside = UPDATE * network.size + STEP
        self._programs = Programs.from_pool(self._parts, flops, threads, owner=self)
        self._shuffling = Shuffling(recipe, self._programs.function("words"))
        size, dtype = network.size, network.dtype  # an engine that referred to itself would leave its programs too late
        self._vector = lambda values, number: placed(values, size, dtype, number)
        self._gate = Gate(network, self.optimizer, self._vector)
        self._strides = (np.dtype(dtype).itemsize,)  # of theta
        self._dtheta: Any = None
        self._rates: Any = np.zeros(0)
        self._own: dict[str, At] = {}
        # The program that predicted last, if one thread was enough. With the same theta and as many rows it takes half
        # the time (1 or 10 rows) or two thirds (1,000 rows), and an estimator's prediction 0.75 to 0.8 of it.
        self._last_prediction: Ready | None = None
        self._dtype = np.dtype(network.dtype)
        self._bound: BoundPrograms | None = None  # of the last run
        self._lock = RLock()  # an engine has one workspace: threads that share it take turns

    def examples(self, X: Any, Y: Any, weight: Any | None = None, codes: Any | None = None) -> Examples:
        """Rows, without a copy where they are in the network's dtype."""
        return self._plain.examples(X, Y, weight, codes)

    def start(self, theta: Any | None = None) -> State:
        """The state before the first step."""
        moments = [self._vector(0.0, number) for number, _ in enumerate(self.optimizer.state, 1)]
        return State(self._vector(self._plain.first_theta(theta), 0), tuple(moments), origin=self.origin)

    def is_finite(self, theta: Any) -> bool:
        """Every one of the parameters is finite."""
        theta = self._gate.vector("theta", theta)
        with self._lock:
            ready = self._programs.finite()
            ready.bind_theta(theta)
            ready.reals[Slot.J] = 0.0
            self._programs.run(ready)
            return bool(ready.words[Slot.STATUS] == GO)

    def to_numpy(self, theta: Any) -> Any:
        """A copy."""
        return self._plain.to_numpy(theta)

    def predict(self, theta: Any, X: Any, codes: Any | None = None) -> Any:
        """A[L] as rows; a row alone gives the same bits as in any batch."""
        X = np.asarray(X)
        with self._lock:
            ready = self._last_prediction
            if (
                ready is not None
                and codes is None is ready.codes
                and theta is not None
                and theta is ready.theta()
                and theta.strides == self._strides
                and theta.dtype is self._dtype
                and X.shape == ready.shape
                and X.dtype == self._dtype
            ):
                ready.inputs[...] = X
                ready.execute(ready.address)
                return ready.outputs.copy()
        if X.dtype.kind not in REAL_KINDS:
            X = as_reals("X", X, self._dtype)
        require_inputs(X, self.network)
        codes = read_codes(codes, len(X), self.network)
        # in a variable, so that a copy lives as long as its address is needed
        theta = self._gate.vector("theta", theta)
        m = len(X)
        chunk = chunk_rows(self._parts, m)
        with self._lock:
            if 0 < m <= chunk:
                return self._predicted(theta, X, codes).copy()
            A_L = np.empty((m, self.network.n[-1]), self.network.dtype)
            for first in range(0, m, chunk or 1):
                rows = slice(first, first + chunk)
                A_L[rows] = self._predicted(theta, X[rows], None if codes is None else codes[rows])
        return A_L

    def _predicted(self, theta: Any, X: Any, codes: Any) -> Any:
        """A[L] of a chunk, in memory that the next one uses too."""
        ready = self._programs.prediction(len(X))
        self._last_prediction = ready if ready.threads == 1 else None
        ready.bind_theta(theta)
        _copy(X, ready.inputs)
        if codes is not None:
            ready.codes[...] = codes
        self._programs.run(ready)
        return ready.outputs

    def cost(self, theta: Any, examples: Examples) -> float:
        """J without penalties and dropout."""
        theta, rows = self._gate.vector("theta", theta), self._gate.rows(examples)
        with self._lock:
            ready = self._programs.cost(rows.m)
            ready.words[: Slot.ARRIVED] = 0
            ready.reals[Slot.J] = nan  # and stays so where no example has a weight
            ready.bind(self._memory(rows, theta=theta))
            self._programs.run(ready)
            return float(ready.reals[Slot.J])

    def gradient(
        self, theta: Any, examples: Examples, step: int | None = None, S: float | None = None, row: int = 0
    ) -> tuple[float, Any]:
        """J and dtheta, penalties included."""
        theta, rows = self._gate.vector("theta", theta), self._gate.rows(examples)
        dropout, step, row = step is not None, require_count("step", step or 0), require_row(row, self.network)
        if S is not None:
            own = float(rows.weight.sum(dtype=np.float64))
            S = require_step_weight(S, own, rows.m, self.network.dtype)
        dtheta = np.full_like(theta, nan)  # and stays so where no example has a weight
        with self._lock:
            ready = self._programs.gradient(rows.m, dropout, S is not None, row)
            ready.words[: Slot.ARRIVED] = 0
            ready.words[Slot.STEP], ready.reals[Slot.S] = step, S or 0.0
            ready.reals[Slot.J] = nan
            ready.bind(self._memory(rows, theta=theta, dtheta=dtheta))
            self._programs.run(ready)
            return float(ready.reals[Slot.J]), dtheta

    def update(self, state: State, dtheta: Any, rate: float) -> State:
        """One step of the optimiser, on copies."""
        require_steps_of(self.recipe, self.optimizer)
        require_origin(state, self)
        t, rate = require_count("state.updates", state.updates) + 1, number("rate", rate)
        theta, *kept = self._gate.copies(state)
        dtheta = self._gate.vector("dtheta", dtheta)
        with self._lock:
            ready = self._programs.update()
            ready.words[Slot.T], ready.reals[Slot.RATE] = t, rate
            ready.bind(addresses(theta=theta, dtheta=dtheta, **moments(kept)))
            self._programs.run(ready)
        return state._replace(theta=theta, moments=tuple(kept), updates=t, rate=rate)

    def run(
        self, state: State, source: Source | Examples, first_step: int, last_step: int, rates: Any | None = None
    ) -> State:
        """Training steps first_step..last_step-1. Ctrl-C ends it early: the state says that it was interrupted."""
        require_steps_of(self.recipe, self.optimizer)
        last_step = require_run(state, first_step, last_step)
        rates = None if rates is None else require_rates(rates, last_step - first_step)
        require_origin(state, self)
        with self._lock, ctrl_c_noted() as ctrl_c:
            if isinstance(source, Examples) or not hasattr(source, "batch"):  # what is neither, the gate refuses
                examples = cast(Examples, source)
                state, bound = self._begin(state, examples, self.recipe.epoch)
                epoch, of_next = bound.epoch, lambda state: (state, bound)
            else:
                epoch = source.epoch
                of_next = lambda state: self._begin(state, source.batch(*epoch.at(state.step)), one_batch)  # noqa: E731
            while state.step < last_step and not (state.diverged or state.interrupted):
                state, bound = of_next(state)
                ahead = None if rates is None else rates[state.step - first_step :]
                state = self._within_epoch(state, bound, epoch, last_step, ctrl_c, ahead)
            return state  # in here: a moment later Ctrl-C could come between the arrays and what counts their steps

    def _within_epoch(
        self, state: State, bound: BoundPrograms, epoch: Epoch, last_step: int, ctrl_c: list[int], rates: Any | None
    ) -> State:
        """Steps up to ``last_step``, or to the end of the rows bound: those of an epoch, or of a batch of ``epoch``."""
        programs, full = self._programs, bound.full
        e, i = bound.epoch.at(state.step)
        first = bound.epoch.first(e)
        last_step = min(last_step, first + bound.epoch.steps)
        before = bound.epoch.rows(i).start
        of_steps = self._rates[: last_step - state.step]
        if rates is None:
            set_rates(of_steps, self, state, epoch)
        else:
            of_steps[:] = rates[: len(of_steps)]
        if not bound.epoch.is_one_batch:
            self._shuffling.order(e)
        frame, step = full.words, state.step
        counts, sums = (state.updates, state.samples, 0), (0.0, 0.0, 0.0, state.cost_sum, state.weight_sum)
        FRAME.pack_into(frame, 0, GO, before, step, 0, *sums, *counts, state.rate)
        programs.run(bound.transposition)
        status, whole = GO, min(last_step, first + bound.epoch.whole)
        while step < whole and status != STOP and not ctrl_c:
            programs.run(full, min(max(1, int(bound.at_once * full.count)), whole - step))
            status, _, step, *_ = FRAME.unpack_from(frame)
        if step < last_step and status != STOP and not ctrl_c:
            programs.run(bound.rest)
        status, _, step, *_, cost_sum, weight_sum, updates, samples, _, rate = FRAME.unpack_from(frame)
        counts, sums = (step, updates, samples), (cost_sum, weight_sum, rate)
        ended = status == STOP, bool(ctrl_c)
        return State(state.theta, state.moments, *counts, state.rate_scale, *sums, *ended, state.origin)

    def _begin(self, state: State, examples: Examples, epoch: Callable[[int], Epoch]) -> tuple[State, BoundPrograms]:
        """The state with arrays that may be written, and programs bound to them.

        epoch   how so many rows are gone through
        """
        bound = self._bound
        if bound is None or not bound.is_of(state, examples) or bound.epoch != epoch(bound.epoch.m):
            self._bound = None  # the programs are about to leave its memory
            rows = self._gate.rows(examples)
            state = self._gate.movable(state, rows)
            bound = self._bind(state, examples, rows, epoch(rows.m))
            if bound.copied is None:
                self._bound = bound
        else:
            read_codes(examples.codes, examples.m, self.network)  # they may have been changed since
        return state, bound

    def _bind(self, state: State, examples: Examples, rows: Rows, epoch: Epoch) -> BoundPrograms:
        """The programs of steps, bound to these arrays."""
        m, B, gathers = epoch.m, epoch.B, not epoch.is_one_batch
        # their memory first: zeros where something was freed are written at once, fresh ones where they are used
        programs = self._programs
        full, transposition = programs.training(B, B, gathers), programs.transposition(B, gathers)
        rest = programs.training(m % B, B, gathers) if m % B else full
        if len(self._rates) < epoch.steps:
            self._make_room(epoch.steps)
        if self._dtheta is None:
            self._dtheta = self._vector(0.0, 1 + len(state.moments))
        order = self._shuffling.prepare(m)
        memory = self._memory(rows, theta=state.theta, dtheta=self._dtheta, order=order, **moments(state.moments))
        for ready in (full, transposition, rest):
            ready.bind(memory)
        at_once = BETWEEN_LOOKS / (full.flops + self._beside)
        vectors = [ref(vector) for vector in (state.theta, *state.moments)]
        of_examples = [ref(given) for given in (examples, examples.X, examples.Y, examples.weight)]
        copied = rows if rows.copied else None
        return BoundPrograms(vectors, of_examples, copied, epoch, full, rest, transposition, at_once)

    def _make_room(self, steps: int) -> None:
        """For the learning rates of so many steps."""
        self._rates = np.zeros(steps)
        self._own = {"seed": At(as_argument(self.recipe.seed), "number"), **addresses(rates=self._rates)}

    def _memory(self, rows: Rows, **arrays: Any) -> dict[str, At]:
        """Where what a program works on is."""
        if not self._own:
            self._make_room(1)
        return self._own | addresses(rows, **arrays)


def one_batch(m: int) -> Epoch:
    """All rows at once."""
    return Epoch(m, m)


def _copy(rows: Any, into: Any) -> None:
    """Rows of any dtype. What that of ``into`` cannot hold becomes infinite, and shows in A[L]: no warning."""
    if rows.dtype == into.dtype:
        into[...] = rows
    else:
        with np.errstate(over="ignore"):
            into[...] = rows
