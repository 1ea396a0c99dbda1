"""chainrule: an engine driven by the package's own ``fit``, with all that it notes and watches after each epoch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import cases
from benchmarks.cases import Case
from benchmarks.data import Data, Layers
from chainrule.engines import Engine
from chainrule.network import Network, Parameters
from chainrule.recipe import Recipe
from chainrule.training import History, fit

NEVER = 2**31


def make_fused(network: Network, recipe: Recipe, threads: int) -> Engine:
    from chainrule.engines.fused import Fused

    return Fused(network, recipe, threads=threads)


def make_reference(network: Network, recipe: Recipe, _threads: int) -> Engine:
    """Its threads are those of the BLAS below NumPy, which takes their number from the environment."""
    from chainrule.engines.reference import Reference

    return Reference(network, recipe)


ENGINES: dict[str, Callable[[Network, Recipe, int], Engine]] = {"fused": make_fused, "reference": make_reference}


class EachEpoch:
    """``stops`` is asked after each epoch, with the number of epochs done and the parameters as they are.

    The number of epochs belongs to an engine's recipe; a callback changes it without a new engine.
    """

    def __init__(self, stops: Callable[[int, Parameters], bool]) -> None:
        self.stops = stops

    def on_epoch_end(self, history: History, parameters: Parameters) -> bool:
        return self.stops(len(history), parameters)


class Chainrule:
    def __init__(self, data: Data, engine: Engine, Y: Any | None = None) -> None:
        self.engine = engine
        self.examples = engine.examples(data.X, _targets(data, engine.network) if Y is None else Y)
        self.start = np.concatenate([part.ravel() for layer in data.layers for part in layer])

    def restart(self) -> None:
        self.theta: Any = self.start

    def train(self, epochs: int) -> None:
        self._fit(lambda done, _: done == epochs)

    def train_watched(self, stops: Callable[[Callable[[], Layers]], bool]) -> None:
        self._fit(lambda _, parameters: stops(lambda: _layers(parameters)))

    def layers(self) -> Layers:
        return _layers(Parameters(self.engine.network, self.theta))

    def _fit(self, stops: Callable[[int, Parameters], bool]) -> None:
        self.theta = fit(self.engine, self.examples, callbacks=[EachEpoch(stops)], theta=self.theta).theta


class StepsAlone(Chainrule):
    """The engine's steps without ``fit``: nothing is noted, watched or copied between epochs."""

    def restart(self) -> None:
        self.state = self.engine.start(self.start)

    def train(self, epochs: int) -> None:
        last = self.state.step + epochs * self.engine.recipe.steps_per_epoch(self.examples.m)
        self.state = self.engine.run(self.state, self.examples, self.state.step, last)


def make(case: Case, data: Data, threads: int, engine: str, seed: int = 0) -> Chainrule:
    network, recipe = _network_and_recipe(case)
    return Chainrule(data, ENGINES[engine](network, replace(recipe, seed=seed), threads))


def make_forced(case: Case, data: Data, _threads: int, count: int) -> Chainrule:
    """The compiled engine with so many threads, however small the work and however busy the machine."""
    from chainrule.engines.fused import threads

    threads.WORTH, threads.ADAPTS = 1.0, False  # for the process, which is the worker's own
    return make(case, data, count, "fused")


def make_behind(case: Case, data: Data, threads: int, layer: str) -> StepsAlone:
    """The compiled engine with an input layer that takes all columns; n[0] of the network is what it makes of them."""
    from chainrule.inputs import Input  # which a checkout of before may not have

    network, recipe = _network_and_recipe(case)
    width = Input(layer, tuple(range(case.n[0]))).width
    trainee = StepsAlone(data, make_fused(replace(network, n=(width, *case.n[1:]), inputs=layer), recipe, threads))
    trainee.start = trainee.engine.to_numpy(trainee.engine.start().theta)
    return trainee


def make_steps(case: Case, data: Data, threads: int) -> StepsAlone:
    """The compiled engine's steps without ``fit``."""
    network, recipe = _network_and_recipe(case)
    return StepsAlone(data, make_fused(network, recipe, threads))


def make_simplechains(case: Case, data: Data, threads: int, engine: str, fit: bool) -> Chainrule:
    """tanh, and squared error on the exponentials of 2 x 2 matrices, as in benchmarks/simplechains.py."""
    from scipy.linalg import expm

    network, recipe = _network_and_recipe(case)
    network = replace(network, activation="tanh", loss="half_squared_error")
    Y = expm(data.X.astype(np.float64).reshape(-1, 2, 2)).reshape(-1, 4)
    return (Chainrule if fit else StepsAlone)(data, ENGINES[engine](network, recipe, threads), Y)


def _network_and_recipe(case: Case) -> tuple[Network, Recipe]:
    network = Network(case.n, activation="relu", loss="binary_cross_entropy" if case.is_binary else "cross_entropy")
    recipe = Recipe(
        optimizer=f"adam({cases.BETA1}, {cases.BETA2}, {cases.EPSILON})",
        learning_rate=cases.LEARNING_RATE,
        epochs=NEVER,
        batch_size=case.batch_size,
        patience=None,
    )
    return network, recipe


def _targets(data: Data, network: Network) -> Any:
    outputs = network.n[-1]
    return data.labels[:, None] if outputs == 1 else np.eye(outputs, dtype=network.dtype)[data.labels]


def _layers(p: Parameters) -> Layers:
    return [(W.T.copy(), b.ravel().copy()) for W, b in zip(p.W[1:], p.b[1:], strict=True)]
