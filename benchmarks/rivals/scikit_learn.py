"""scikit-learn: MLPClassifier, by its own ``fit``.

One ``fit`` runs all the epochs asked for. What it does once, before the first (checking the input, coding the labels),
does not count: its users spread that over many more epochs than a round has. What it does in every epoch does.
Stopping early is set out of reach. ``warm_start`` makes it begin with the weights it has; every ``fit`` has a new Adam.
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks import cases
from benchmarks.cases import Case
from benchmarks.data import Data, Layers

NEVER = 2**31


class Watched(MLPClassifier):
    """Begins with weights that are given; knows how long the epochs of its last ``fit`` took; may be told to stop."""

    stops_: Callable[[Callable[[], Layers]], bool] | None = None

    def begin_with(self, layers: Layers) -> "Watched":
        self.start_ = layers
        return self

    def _init_coef(self, *_: Any) -> tuple[Any, Any]:  # scikit-learn's draw of one layer, the first layer first
        W, b = self.start_[len(self.coefs_)]
        return W.copy(), b.copy()

    def _fit_stochastic(self, *arguments: Any) -> None:  # scikit-learn's loop over the epochs
        start = time.perf_counter()
        super()._fit_stochastic(*arguments)
        self.epochs_seconds_ = time.perf_counter() - start

    def _update_no_improvement_count(self, *arguments: Any) -> None:  # what it does after each epoch
        super()._update_no_improvement_count(*arguments)
        if self.stops_ is not None and self.stops_(self.layers):
            self._no_improvement_count = self.n_iter_no_change + 1

    def layers(self) -> Layers:
        return [(W.copy(), b.copy()) for W, b in zip(self.coefs_, self.intercepts_, strict=True)]


class ScikitLearn:
    def __init__(self, case: Case, data: Data, seed: int) -> None:
        self.case = case
        self.data = data
        self.random = np.random.RandomState(seed)  # an int would repeat the same orders in every fit

    def restart(self) -> None:
        self.model = Watched(
            hidden_layer_sizes=self.case.n[1:-1],
            activation="relu",
            solver="adam",
            alpha=0.0,
            batch_size=self.case.batch_size,
            learning_rate_init=cases.LEARNING_RATE,
            beta_1=cases.BETA1,
            beta_2=cases.BETA2,
            epsilon=cases.EPSILON,
            max_iter=1,
            shuffle=True,
            random_state=self.random,
            tol=0.0,
            n_iter_no_change=NEVER,
            warm_start=True,
        ).begin_with(self.data.layers)

    def train(self, epochs: int) -> float:
        self.model.set_params(max_iter=epochs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(self.data.X, self.data.labels)
        return self.model.epochs_seconds_

    def train_watched(self, stops: Callable[[Callable[[], Layers]], bool]) -> None:
        self.model.stops_ = stops
        self.train(NEVER)

    def layers(self) -> Layers:
        return self.model.layers() if hasattr(self.model, "coefs_") else self.data.layers


def make(case: Case, data: Data, _threads: int, seed: int = 0) -> ScikitLearn:
    return ScikitLearn(case, data, seed)
