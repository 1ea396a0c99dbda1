"""The reference engine: the equations as written, on any array namespace. It defines what is right.

No function of NumPy's touches an array of another namespace: what comes in becomes one of the engine's own, ``_own``,
and what is promised as NumPy's goes out by ``as_numpy``.
"""

from math import isfinite
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.arguments import number
from chainrule.engines.checks import (
    as_reals,
    moment_name,
    read_codes,
    require_count,
    require_examples,
    require_inputs,
    require_moments,
    require_row,
    require_run,
    require_step_weight,
    require_steps_of,
)
from chainrule.engines.origin import origin, require_origin
from chainrule.engines.protocol import State
from chainrule.engines.rates import require_rates, set_rates
from chainrule.engines.signals import ctrl_c_noted
from chainrule.formulas import draws
from chainrule.formulas.optimizers import clipped
from chainrule.formulas.table import Array, Functions, Namespace
from chainrule.network import Network, require_theta
from chainrule.propagation import Propagation
from chainrule.recipe import Recipe
from chainrule.sample_weights import require_weights
from chainrule.sources import Examples, Source

# Predicting and costing go through this many examples at a time, so that memory does not grow with m.
CHUNK = 8192

# An optimiser's step goes through this many parameters at a time, so that its intermediate vectors stay in the cache,
# unless it takes sums over a block.
BLOCK = 16384

CPU = 1  # DLPack's number for it, kDLCPU


class Reference:
    """See ``chainrule.engines``.

    >>> engine = Reference(Network((2, 1), loss="binary_cross_entropy"), Recipe("gradient_descent", epochs=1))
    >>> examples = engine.examples([[0.0, 1.0], [1.0, 0.0]], [[0.0], [1.0]])
    >>> state = engine.run(engine.start(), examples, 0, 1)
    >>> state.updates, state.samples
    (1, 2)
    """

    def __init__(
        self, network: Network, recipe: Recipe, functions: Functions | None = None, xp: Namespace = np
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.xp = xp
        self.propagation = Propagation(network, xp, functions)
        self.loss, self.link = self.propagation.formulas.loss, self.propagation.formulas.link
        self.optimizer = recipe.make_optimizer(xp, functions)
        self.schedule = recipe.make_schedule(functions)
        self.learning_rate = recipe.learning_rate or self.optimizer.learning_rate
        self.origin = origin(network, recipe, self.optimizer, functions)
        self._functions = functions
        self._array = type(xp.empty((0,)))

    def examples(self, X: Any, Y: Any, weight: Any | None = None, codes: Any | None = None) -> Examples:
        """Rows in the network's dtype; those that have it already stay where they are."""
        X, Y = (self.xp.asarray(self._as_rows(name, V)) for name, V in (("X", X), ("Y", Y)))
        X, Y = (V if V.ndim > 1 else self.xp.reshape(V, (1, -1)) for V in (X, Y))
        m = X.shape[0]
        self.network.dimensions(m).check({"X": X.T, "Y": Y.T})
        dtype = self.network.dtype
        w = np.ones(m, dtype)
        if weight is not None:
            w = require_weights(as_reals("weight", self._for_numpy(weight), "float64"), m, dtype)
        c = read_codes(self._for_numpy(codes), m, self.network)
        return Examples(X, Y, self.xp.asarray(w), None if c is None else self.xp.asarray(c))

    def start(self, theta: Any | None = None) -> State:
        """The state before the first step."""
        theta = self.xp.asarray(np.array(self.first_theta(self._for_numpy(theta))))
        return State(theta, tuple(self.xp.zeros_like(theta) for _ in self.optimizer.state), origin=self.origin)

    def first_theta(self, theta: Any | None) -> Any:
        """What training begins with: the given theta in the network's dtype, or the network's initial one."""
        if theta is None:
            return self.network.initial(self.recipe.seed, self._functions)
        theta = as_reals("theta", theta, self.network.dtype)
        require_theta(theta, self.network)
        return theta

    def predict(self, theta: Any, X: Any, codes: Any | None = None) -> Any:
        """A[L] as rows."""
        X = self._as_rows("X", X)
        require_inputs(X, self.network)
        codes = read_codes(self._for_numpy(codes), len(X), self.network)
        theta = self._vector("theta", theta)
        A_L: list[Any] = []
        with np.errstate(all="ignore"):  # what overflows shows in A[L]
            for part in _slices(len(X), CHUNK):
                c = None if codes is None else self.xp.asarray(codes[part]).T
                A_L.append(as_numpy(self.propagation.forward(theta, self.xp.asarray(X[part]).T, c)[1][-1]).T)
        return np.concatenate(A_L) if A_L else np.zeros((0, self.network.n[-1]), self.network.dtype)

    def cost(self, theta: Any, examples: Examples) -> float:
        """J without penalties and dropout."""
        theta, examples = self._vector("theta", theta), self._examples(examples)
        S = self.xp.sum(examples.weight)
        J = 0.0
        with np.errstate(all="ignore"):  # what overflows shows in J
            for part in _slices(examples.m, CHUNK):
                columns = _columns(examples.part(part))
                J += float(self.propagation.cost(theta, *columns, S=S, penalties=False))
        return J

    def gradient(
        self, theta: Any, examples: Examples, step: int | None = None, S: float | None = None, row: int = 0
    ) -> tuple[float, Any]:
        """J and dtheta, penalties included."""
        step, row = None if step is None else require_count("step", step), require_row(row, self.network)
        theta, examples = self._vector("theta", theta), self._examples(examples)
        if S is not None:
            S = require_step_weight(S, float(self.xp.sum(examples.weight)), examples.m, self.network.dtype)
        return self._gradient(theta, examples, step, S, row)

    def _gradient(
        self, theta: Array, examples: Examples, step: int | None, S: float | None = None, row: int = 0
    ) -> tuple[float, Array]:
        dropped = {} if step is None else self._dropped(step, examples.m, row)
        done = self.propagation.backward(theta, *_columns(examples), S=S, dropped=dropped)
        return float(done.J), self.propagation.dtheta(done)

    def update(self, state: State, dtheta: Any, rate: float) -> State:
        """One step of the optimiser."""
        require_steps_of(self.recipe, self.optimizer)
        require_origin(state, self)
        updates, rate = require_count("state.updates", state.updates), number("rate", rate)
        state, dtheta = self._state(state), self._vector("dtheta", dtheta)
        return self._updated(state._replace(updates=updates), dtheta, rate)

    def _updated(self, state: State, dtheta: Array, rate: float) -> State:
        step, t = self.optimizer.step, state.updates + 1
        assert step is not None
        if self.recipe.clip_norm is not None:
            dtheta = clipped(self.xp, dtheta, self.recipe.clip_norm)
        old = (state.theta, *state.moments)
        theta, *moments = new = [self.xp.empty_like(vector) for vector in old]
        for block in self.network.layout:
            for part in _slices(block.size, block.size if self.optimizer.whole_blocks else BLOCK, block.offset):
                before, *kept = (vector[part] for vector in old)
                moved = step(before, dtheta[part], rate * block.role.rate, t, block.role.decay, *kept)
                for vector, values in zip(new, moved, strict=True):
                    vector[part] = values
        return state._replace(theta=theta, moments=tuple(moments), updates=t, rate=rate)

    def run(
        self, state: State, source: Source | Examples, first_step: int, last_step: int, rates: Any | None = None
    ) -> State:
        """Training steps first_step..last_step-1."""
        require_steps_of(self.recipe, self.optimizer)
        last_step = require_run(state, first_step, last_step)
        rates = None if rates is None else require_rates(rates, last_step - first_step)
        require_origin(state, self)
        are_checked = isinstance(source, Examples)
        if isinstance(source, Examples):
            source = self.recipe.source(self._examples(source), self.xp)
        state, epoch = self._state(state), source.epoch
        rate = np.empty(1)
        with np.errstate(all="ignore"), ctrl_c_noted() as ctrl_c:  # what overflows shows in J
            for step in range(first_step, last_step):
                if ctrl_c:
                    return state._replace(interrupted=True)
                e, i = epoch.at(step)
                batch = source.batch(e, i) if are_checked else self._examples(source.batch(e, i))
                S = float(self.xp.sum(batch.weight))
                if S > 0.0:
                    J, dtheta = self._gradient(state.theta, batch, step)
                    if not (isfinite(J) and isfinite(float(self.xp.sum(dtheta)))):
                        return state._replace(step=step, diverged=True)
                    if rates is None:
                        set_rates(rate, self, state, epoch)
                    else:
                        rate = rates[step - first_step :]
                    state = self._updated(state, dtheta, float(rate[0]))
                    state = state._replace(cost_sum=state.cost_sum + S * J, weight_sum=state.weight_sum + S)
                state = state._replace(step=step + 1, samples=state.samples + batch.m)
        return state

    def is_finite(self, theta: Any) -> bool:
        """Every one of the parameters is finite."""
        return bool(self.xp.all(self.xp.isfinite(self._vector("theta", theta))))

    def to_numpy(self, theta: Any) -> Any:
        """A copy as a NumPy array."""
        return as_numpy(theta)

    def _as_rows(self, name: str, V: Any) -> Any:
        """C-contiguous rows in the network's dtype: of this engine's namespace where they come so, else of NumPy."""
        if self._is_own(V):
            return self._own(name, V)
        return np.ascontiguousarray(as_reals(name, V, self.network.dtype))

    def _is_own(self, given: Any) -> bool:
        """Whether it is an array of this engine's namespace, which is not NumPy."""
        return self.xp is not np and isinstance(given, self._array)

    def _for_numpy(self, given: Any) -> Any:
        """What is read by NumPy: an array of this engine's namespace as one of NumPy's."""
        return as_numpy(given) if self._is_own(given) else given

    def _own(self, name: str, given: Any) -> Array:
        """What a caller hands in, as an array of this engine's namespace and dtype."""
        if not self._is_own(given):
            given = as_reals(name, given, self.network.dtype)
        return self.xp.asarray(given, dtype=getattr(self.xp, self.network.dtype))

    def _vector(self, name: str, given: Any) -> Array:
        """A vector with a number for each parameter."""
        vector = self._own(name, given)
        require_theta(vector, self.network, name)
        return vector

    def _state(self, state: State) -> State:
        """With vectors of this network and optimiser."""
        require_moments(state, self.optimizer)
        moments = tuple(self._vector(moment_name(i), moment) for i, moment in enumerate(state.moments))
        return state._replace(theta=self._vector("theta", state.theta), moments=moments)

    def _examples(self, examples: Examples) -> Examples:
        """Examples of this network."""
        require_examples(examples, self.network)
        X, Y, weight = (self._own(name, getattr(examples, name)) for name in ("X", "Y", "weight"))
        codes = examples.codes
        if codes is not None:  # a negative one would look up a level from the end, without a word
            codes = self.xp.asarray(read_codes(as_numpy(codes), examples.m, self.network))
        return Examples(X, Y, weight, codes)

    def _dropped(self, step: int, m: int, row: int) -> dict[int, Array]:
        """D[l] of the layers with dropout in a training step, for m examples from place ``row`` on."""
        masks: dict[int, Array] = {}
        for l, p in enumerate(cast(tuple[float, ...], self.network.dropout), start=1):
            if p > 0.0:
                kept = draws.kept(p, self.network.n[l], m, self.recipe.seed, step, l, row)
                masks[l] = self.xp.asarray((kept / (1.0 - p)).astype(self.network.dtype))
        return masks


def _columns(examples: Examples) -> tuple[Array, Array, Array, Array | None]:
    """X, Y, w and codes with an example in each column, as the equations have them: here alone rows are transposed."""
    return examples.X.T, examples.Y.T, examples.weight, None if examples.codes is None else examples.codes.T


def as_numpy(array: Any) -> NDArray[Any]:
    """A copy as a NumPy array, of an array of any namespace: by DLPack where it is not NumPy's own."""
    if isinstance(array, np.ndarray) or not hasattr(array, "__dlpack__"):
        return np.array(array)
    is_here = array.__dlpack_device__()[0] == CPU
    return np.array(np.from_dlpack(array) if is_here else np.from_dlpack(array, device="cpu"))


def _slices(length: int, size: int, begin: int = 0) -> list[slice]:
    end = begin + length
    return [slice(start, min(start + size, end)) for start in range(begin, end, size)]
