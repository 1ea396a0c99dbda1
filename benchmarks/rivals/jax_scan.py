"""JAX: a whole epoch as one compiled ``lax.scan``, Adam written into its body, the old state's memory given away.

The order of rows comes from NumPy: ``jax.random.permutation`` sorts, which takes longer on a CPU. ``flat`` keeps all
parameters in one vector, so that Adam is one loop over it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from benchmarks.cases import BETA1, BETA2, EPSILON, LEARNING_RATE, Case
from benchmarks.data import Data, Layers


class JaxScan:
    def __init__(self, case: Case, data: Data, flat: bool, seed: int) -> None:
        self.case = case
        self.random = np.random.default_rng(seed)
        self.start = data.layers
        self.X, self.labels = jnp.asarray(data.X), jnp.asarray(data.labels.astype(np.int32))
        _, as_layers = ravel_pytree(data.layers)
        self.as_layers = jax.jit(as_layers) if flat else (lambda parameters: parameters)
        self.from_layers = (lambda layers: ravel_pytree(layers)[0]) if flat else (lambda layers: layers)
        inside = as_layers if flat else (lambda parameters: parameters)
        self._epoch = jax.jit(partial(_epoch, inside, case.is_binary), donate_argnums=0)

    def restart(self) -> None:
        # copies, since the compiled epoch takes over the memory of its state
        parameters = self.from_layers(jax.tree.map(jnp.array, self.start))
        zeros = partial(jax.tree.map, jnp.zeros_like)
        self.state = (parameters, zeros(parameters), zeros(parameters), jnp.zeros((), jnp.float32))

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.random.permutation(self.case.rows).astype(np.int32).reshape(-1, self.case.batch_size)
            self.state = self._epoch(self.state, order, self.X, self.labels)
        jax.block_until_ready(self.state)

    def train_watched(self, stops: Callable[[Callable[[], Layers]], bool]) -> None:
        self.train(1)
        while not stops(self.layers):
            self.train(1)

    def layers(self) -> Layers:
        return [(np.array(W), np.array(b)) for W, b in self.as_layers(self.state[0])]


def _epoch(as_layers: Any, is_binary: bool, state: Any, order: Any, X: Any, labels: Any) -> Any:
    def loss(parameters: Any, x: Any, y: Any) -> Any:
        *hidden, (W_out, b_out) = as_layers(parameters)
        a = x
        for W, b in hidden:
            a = jax.nn.relu(a @ W + b)
        z = a @ W_out + b_out
        if is_binary:
            return jnp.mean(jax.nn.softplus(z[:, 0]) - y * z[:, 0])
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], axis=1)[:, 0])

    def step(state: Any, rows: Any) -> tuple[Any, None]:
        parameters, m, v, t = state
        gradient = jax.grad(loss)(parameters, X[rows], labels[rows])
        t = t + 1.0
        m = jax.tree.map(lambda m, g: BETA1 * m + (1.0 - BETA1) * g, m, gradient)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1.0 - BETA2) * g * g, v, gradient)
        m_scale, v_scale = 1.0 / (1.0 - BETA1**t), 1.0 / (1.0 - BETA2**t)
        parameters = jax.tree.map(
            lambda p, m, v: p - LEARNING_RATE * (m * m_scale) / (jnp.sqrt(v * v_scale) + EPSILON), parameters, m, v
        )
        return (parameters, m, v, t), None

    return jax.lax.scan(step, state, order)[0]


def make(case: Case, data: Data, _threads: int, flat: bool, seed: int = 0) -> JaxScan:
    return JaxScan(case, data, flat, seed)
