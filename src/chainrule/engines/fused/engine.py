"""The protocol of ``chainrule.engines`` in compiled code."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from threading import RLock
from typing import Any
from weakref import ref

import numpy as np

from chainrule.engines import Examples, State, require_inputs, require_step
from chainrule.engines.fused.building import chunk_rows
from chainrule.engines.fused.library import library
from chainrule.engines.fused.memory import placed
from chainrule.engines.fused.parts import Parts, known_parts
from chainrule.engines.fused.program import address, as_argument
from chainrule.engines.fused.programs import Programs, Ready
from chainrule.engines.fused.shuffling import Shuffling
from chainrule.engines.fused.steps import FRAME, GO, STOP, Slot
from chainrule.engines.fused.target import Target, here
from chainrule.engines.interrupting import ctrl_c_noted
from chainrule.engines.origin import require_origin
from chainrule.engines.reference import Reference
from chainrule.formulas.table import Functions
from chainrule.network import Network, require_theta
from chainrule.recipe import Recipe

# Between two looks at Ctrl-C a thread does about so many floating-point operations: a tenth of a second of a slow core.
BETWEEN_LOOKS = 2e9
UPDATE = 60  # what a parameter's update counts for in them: it waits for memory and for divisions
STEP = 2e4  # and a step, however small


@dataclass(frozen=True)
class Course:
    """What training steps need that stays the same while their arrays do.

    arrays       theta, the moments and the examples, while they live
    B            rows a step; ``per_epoch`` steps, of which ``whole`` have so many
    gathers      rows are collected in the order of the epoch: there is more than one step
    full, rest   a step, and the last one of an epoch where fewer rows are left for it
    turning      what a step expects of the one before
    at_once      steps between two looks at Ctrl-C, for each thread
    """

    arrays: list[ref[Any]]
    B: int
    per_epoch: int
    whole: int
    gathers: bool
    full: Ready
    rest: Ready
    turning: Ready
    at_once: float

    def is_of(self, given: Sequence[Any]) -> bool:
        """Whether it was made for these arrays."""
        return len(given) == len(self.arrays) and all(a is b() for a, b in zip(given, self.arrays, strict=True))


class Fused:
    """See ``chainrule.engines``. Arrays of a state that ``run`` is given are moved on in place: use what it returns.

    threads   most threads to use; None for all that this process may have
    target    the processor to compile for; None for this one

    Untraceable: a function of one's own that cannot be compiled. UnsuitableProcessor: a machine without FMA.

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
        target: Target | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.xp = np
        self._plain = Reference(network, recipe, functions)
        self.loss = self._plain.loss
        self.optimizer = self._plain.optimizer
        self.schedule = self._plain.schedule
        self.learning_rate = self._plain.learning_rate
        self.origin = self._plain.origin
        target = target or here()
        if functions:
            self._parts = Parts(network, recipe, functions, library(target))
        else:
            self._parts = known_parts(network, recipe.optimizer, recipe.clip_norm, target)
        n = network.n
        flops = 6.0 * sum(j * k for j, k in pairwise(n)) - 2.0 * n[0] * n[1]
        self._beside = UPDATE * network.size + STEP
        self._programs = Programs.taken_up(self._parts, flops, threads, by=self)
        self._shuffling = Shuffling(recipe, self._programs.function("words"))
        self._dtheta: Any = None
        self._rates = np.zeros(1)
        self._predicts: Ready | None = None  # what predicted last, if one thread was enough
        self._dtype = np.dtype(network.dtype)
        self._course: Course | None = None  # of the last run
        self._lock = RLock()  # an engine has one workspace: threads that share it take turns

    def examples(self, X: Any, Y: Any, weight: Any | None = None) -> Examples:
        """Rows as columns, without a copy where they are in the network's dtype."""
        return self._plain.examples(X, Y, weight)

    def start(self, theta: Any | None = None) -> State:
        """The state before the first step."""
        moments = [self._vector(0.0, number) for number, _ in enumerate(self.optimizer.state, 1)]
        return State(self._vector(self._plain.first_theta(theta), 0), tuple(moments), origin=self.origin)

    def is_finite(self, theta: Any) -> bool:
        """Every one of the parameters is finite."""
        theta = self._parameters(theta)
        with self._lock:
            ready = self._programs.finite()
            ready.bind_theta(theta)
            ready.reals[Slot.J] = 0.0
            self._programs.run(ready)
            return bool(ready.words[Slot.STATUS] == GO)

    def to_numpy(self, theta: Any) -> Any:
        """A copy."""
        return self._plain.to_numpy(theta)

    def predict(self, theta: Any, X: Any) -> Any:
        """A[L] as rows; a row alone gives the same bits as in any batch."""
        X = np.asarray(X)
        with self._lock:
            ready = self._predicts
            if ready is not None and theta is ready.theta() and X.shape == ready.shape and X.dtype == self._dtype:
                ready.inputs[...] = X  # as the last time: what comes below would take as long as a row
                ready.execute(ready.address)
                return ready.outputs.copy()
        require_inputs(X, self.network)
        m = len(X)
        chunk = chunk_rows(self._parts, m)
        with self._lock:
            if 0 < m <= chunk:
                return self._predicted(theta, X).copy()
            A_L = np.empty((m, self.network.n[-1]), self.network.dtype)
            for first in range(0, m, chunk or 1):
                A_L[first : first + chunk] = self._predicted(theta, X[first : first + chunk])
        return A_L

    def _predicted(self, theta: Any, X: Any) -> Any:
        """A[L] of a chunk, in memory that the next one uses too."""
        ready = self._programs.prediction(len(X))
        self._predicts = ready if ready.threads == 1 else None
        theta = self._parameters(theta)  # in a variable, so that a copy lives as long as its address is needed
        ready.bind_theta(theta)
        _copy(X, ready.inputs)
        self._programs.run(ready)
        return ready.outputs

    def cost(self, theta: Any, examples: Examples) -> float:
        """J without penalties and dropout."""
        theta = self._parameters(theta)
        with self._lock:
            ready = self._programs.cost(examples.m)
            ready.words[: Slot.ARRIVED] = 0
            ready.reals[Slot.J] = nan  # and stays so where no example has a weight
            ready.bind(self._addresses(examples, theta=theta))
            self._programs.run(ready)
            return float(ready.reals[Slot.J])

    def gradient(self, theta: Any, examples: Examples, step: int | None = None) -> tuple[float, Any]:
        """J and dtheta, penalties included."""
        theta = self._parameters(theta)
        dtheta = np.full_like(theta, nan)  # and stays so where no example has a weight
        with self._lock:
            ready = self._programs.gradient(examples.m, step is not None)
            ready.words[: Slot.ARRIVED] = 0
            ready.words[Slot.STEP] = step or 0
            ready.reals[Slot.J] = nan
            ready.bind(self._addresses(examples, theta=theta, dtheta=dtheta))
            self._programs.run(ready)
            return float(ready.reals[Slot.J]), dtheta

    def update(self, state: State, dtheta: Any, rate: float) -> State:
        """One step of the optimiser, on copies."""
        require_origin(state, self)
        theta, *moments = (np.array(v) for v in (state.theta, *state.moments))
        dtheta = np.ascontiguousarray(dtheta, self.network.dtype)
        with self._lock:
            ready = self._programs.update()
            ready.words[Slot.T], ready.reals[Slot.RATE] = state.updates + 1, rate
            ready.bind({"theta": address(theta), "dtheta": address(dtheta), **_moments(moments)})
            self._programs.run(ready)
        return state._replace(theta=theta, moments=tuple(moments), updates=state.updates + 1, rate=rate)

    def run(self, state: State, examples: Examples, first_step: int, last_step: int) -> State:
        """Training steps first_step..last_step-1. Ctrl-C ends it early: the state says that it was interrupted."""
        require_step(state, first_step)
        require_origin(state, self)
        with self._lock, ctrl_c_noted() as ctrl_c:
            while state.step < last_step and not (state.diverged or state.interrupted):
                state = self._within_epoch(state, self._course_of(state, examples), last_step, ctrl_c)
            return state  # in here: a moment later Ctrl-C could come between the arrays and what counts their steps

    def _within_epoch(self, state: State, course: Course, last_step: int, ctrl_c: list[int]) -> State:
        """Steps up to ``last_step``, or to the end of the epoch."""
        programs, per_epoch, full = self._programs, course.per_epoch, course.full
        epoch = state.step // per_epoch
        first = epoch * per_epoch
        last_step = min(last_step, first + per_epoch)
        before = (state.step - first) * course.B  # rows of this epoch
        self._set_rates(state, last_step - state.step, per_epoch, state.samples - before)
        if course.gathers:
            self._shuffling.order(epoch)
        frame, step = full.words, state.step
        counts, sums = (state.updates, state.samples, 0), (0.0, 0.0, 0.0, state.cost_sum, state.weight_sum)
        FRAME.pack_into(frame, 0, GO, before, step, 0, *sums, *counts, state.rate)
        programs.run(course.turning)
        status, whole = GO, min(last_step, first + course.whole)
        while step < whole and status != STOP and not ctrl_c:
            programs.run(full, min(max(1, int(course.at_once * full.count)), whole - step))
            status, _, step, *_ = FRAME.unpack_from(frame)
        if step < last_step and status != STOP and not ctrl_c:
            programs.run(course.rest)
        status, _, step, *_, cost_sum, weight_sum, updates, samples, _, rate = FRAME.unpack_from(frame)
        counts, sums = (step, updates, samples), (cost_sum, weight_sum, rate)
        ended = status == STOP, bool(ctrl_c)
        return State(state.theta, state.moments, *counts, state.rate_scale, *sums, *ended, state.origin)

    def _set_rates(self, state: State, count: int, per_epoch: int, before_epoch: int) -> None:
        """The learning rates of the next steps of this epoch."""
        steps, scale = per_epoch * self.recipe.epochs, self.learning_rate
        multiplier = self.schedule.multiplier
        if self.schedule.by_epoch:
            self._rates[:count] = scale * multiplier(state.step, per_epoch, steps, before_epoch) * state.rate_scale
            return
        of_step = range(state.step, state.step + count)
        self._rates[:count] = [
            scale * multiplier(s, per_epoch, steps, before_epoch) * state.rate_scale for s in of_step
        ]

    def _course_of(self, state: State, examples: Examples) -> Course:
        """What steps of these arrays need; made anew only where an array is another one."""
        given = (state.theta, *state.moments, examples)
        if self._course is None or not self._course.is_of(given):
            m = examples.m
            B, per_epoch = self.recipe.batch(m), self.recipe.steps_per_epoch(m)
            gathers = m > B
            # their memory first: zeros where something was freed are written at once, fresh ones where they are used
            programs = self._programs
            full, turning = programs.training(B, B, gathers), programs.turning(B, gathers)
            rest = programs.training(m % B, B, gathers) if m % B else full
            if len(self._rates) < per_epoch:
                self._rates = np.zeros(per_epoch)
            if self._dtheta is None:
                self._dtheta = self._vector(0.0, 1 + len(state.moments))
            memory = {
                **self._addresses(examples, theta=state.theta, dtheta=self._dtheta),
                **_moments(state.moments),
                "order": address(self._shuffling.prepare(m)),
            }
            for ready in (full, turning, rest):
                ready.bind(memory)
            at_once = BETWEEN_LOOKS / (full.flops + self._beside)
            arrays = [ref(array) for array in given]
            self._course = Course(arrays, B, per_epoch, m // B, gathers, full, rest, turning, at_once)
        return self._course

    def _parameters(self, theta: Any) -> Any:
        """theta as compiled code reads it."""
        theta = np.ascontiguousarray(theta, self.network.dtype)
        require_theta(theta, self.network)
        return theta

    def _vector(self, values: Any, number: int) -> Any:
        """A vector like theta."""
        return placed(values, self.network.size, self.network.dtype, number)

    def _addresses(self, examples: Examples, **arrays: Any) -> dict[str, int]:
        data = {"X": examples.X.T, "Y": examples.Y.T, "weights": examples.weight, "rates": self._rates, **arrays}
        return {"seed": as_argument(self.recipe.seed), **{name: address(array) for name, array in data.items()}}


def _copy(rows: Any, into: Any) -> None:
    """Rows of any dtype. What that of ``into`` cannot hold becomes infinite, and shows in A[L]: no warning."""
    if rows.dtype == into.dtype:
        into[...] = rows
    else:
        with np.errstate(over="ignore"):
            into[...] = rows


def _moments(moments: Sequence[Any]) -> dict[str, int]:
    return {f"moment {i}": address(moment) for i, moment in enumerate(moments)}
