"""scikit-learn: MLPClassifier, by its own ``fit``.

One ``fit`` runs all the epochs asked for. What it does once, before the first (checking the input, coding the labels),
does not count: its users spread that over many more epochs than a round has. What it does in every epoch does.
Stopping early is set out of reach. ``warm_start`` makes it begin with the weights it has; every ``fit`` has a new Adam.
"""

import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks import cases
from benchmarks.cases import Case
from benchmarks.data import Data, Layers

NEVER = 2**31


class EpochsTimed(MLPClassifier):
    """Knows how long the epochs of its last ``fit`` took."""

    def _fit_stochastic(self, *arguments: Any) -> None:  # scikit-learn's loop over the epochs
        start = time.perf_counter()
        super()._fit_stochastic(*arguments)
        self.epochs_seconds_ = time.perf_counter() - start


class ScikitLearn:
    def __init__(self, case: Case, data: Data) -> None:
        self.data = data
        self.model = EpochsTimed(
            hidden_layer_sizes=case.n[1:-1],
            activation="relu",
            solver="adam",
            alpha=0.0,
            batch_size=case.batch_size,
            learning_rate_init=cases.LEARNING_RATE,
            beta_1=cases.BETA1,
            beta_2=cases.BETA2,
            epsilon=cases.EPSILON,
            max_iter=1,
            shuffle=True,
            random_state=np.random.RandomState(0),  # an int would repeat the same orders in every fit
            tol=0.0,
            n_iter_no_change=NEVER,
            warm_start=True,
        )
        self.train(1)  # makes the weights that restart overwrites

    def restart(self) -> None:
        for W, b, (W_start, b_start) in zip(self.model.coefs_, self.model.intercepts_, self.data.layers, strict=True):
            W[...] = W_start
            b[...] = b_start

    def train(self, epochs: int) -> float:
        self.model.set_params(max_iter=epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(self.data.X, self.data.labels)
        return self.model.epochs_seconds_

    def layers(self) -> Layers:
        return [(W.copy(), b.copy()) for W, b in zip(self.model.coefs_, self.model.intercepts_, strict=True)]


def make(case: Case, data: Data, _threads: int) -> ScikitLearn:
    return ScikitLearn(case, data)
