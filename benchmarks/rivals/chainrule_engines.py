"""chainrule: an engine driven by the package's own ``fit``, with all that it notes and watches after each epoch."""

from typing import Any

import numpy as np

from benchmarks import cases
from benchmarks.cases import Case
from benchmarks.data import Data, Layers
from chainrule.engines import Engine
from chainrule.engines.reference import Reference
from chainrule.network import Network, Parameters
from chainrule.recipe import Recipe
from chainrule.training import History, fit

NEVER = 2**31


class StopAfter:
    """The number of epochs belongs to an engine's recipe; a callback changes it without a new engine."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, history: History, _parameters: Parameters) -> bool:
        return len(history) == self.epochs


class Chainrule:
    def __init__(self, data: Data, engine: Engine) -> None:
        self.engine = engine
        Y = data.labels[:, None] if engine.network.n[-1] == 1 else np.eye(engine.network.n[-1])[data.labels]
        self.examples = engine.examples(data.X, Y)
        self.start = np.concatenate([part.ravel() for layer in data.layers for part in layer])

    def restart(self) -> None:
        self.theta: Any = self.start

    def train(self, epochs: int) -> None:
        self.theta = fit(self.engine, self.examples, callbacks=[StopAfter(epochs)], theta=self.theta).theta

    def layers(self) -> Layers:
        p = Parameters(self.engine.network, self.theta)
        return [(W.T.copy(), b.ravel().copy()) for W, b in zip(p.W[1:], p.b[1:], strict=True)]


def make_reference(case: Case, data: Data, _threads: int) -> Chainrule:
    return Chainrule(data, Reference(*_network_and_recipe(case)))


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
