"""A whole ``fit`` of scikit-learn's digits with MLPClassifier's own settings; an "epoch" is a fit."""

import warnings
from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.data import Data


class ScikitLearn:
    def __init__(self, data: Data, max_iter: int) -> None:
        self.data = data
        self.max_iter = max_iter

    def restart(self) -> None:
        """Each fit begins anew."""

    def train(self, epochs: int) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for _ in range(epochs):
                self.model = MLPClassifier(random_state=0, max_iter=self.max_iter).fit(self.data.X, self.data.labels)

    def tell(self) -> dict[str, Any]:
        accuracy = float(np.mean(self.model.predict(self.data.X) == self.data.labels))
        return {"epochs": self.model.n_iter_, "cost": float(self.model.loss_), "accuracy": accuracy}


class Chainrule:
    """The same settings and as many epochs; the first weights are of the same distribution."""

    def __init__(self, case: Case, data: Data, threads: int, engine: str, epochs: int) -> None:
        self.case, self.data, self.threads, self.engine, self.epochs = case, data, threads, engine, epochs

    def restart(self) -> None:
        """Each fit begins anew."""

    def train(self, epochs: int) -> None:
        from benchmarks.rivals.chainrule_engines import ENGINES
        from chainrule import Network, Recipe, fit

        for _ in range(epochs):
            network = Network(
                self.case.n,
                "relu",
                "cross_entropy",
                penalties="l2(0.0001)",
                initializer="xavier_uniform",
                dtype="float64",
            )
            recipe = Recipe("adam", learning_rate=0.001, epochs=self.epochs, batch_size=200, patience=None)
            self.used = ENGINES[self.engine](network, recipe, self.threads)
            classes = np.eye(self.case.n[-1])[self.data.labels]
            self.done = fit(self.used, self.used.examples(self.data.X, classes))

    def tell(self) -> dict[str, Any]:
        answers = self.used.predict(self.done.theta, self.data.X).argmax(axis=1)
        return {
            "epochs": len(self.done.history),
            "cost": self.done.history.training_cost[-1],
            "accuracy": float(np.mean(answers == self.data.labels)),
        }


def make_scikit_learn(_case: Case, data: Data, _threads: int, max_iter: int) -> ScikitLearn:
    return ScikitLearn(data, max_iter)


def make_chainrule(case: Case, data: Data, threads: int, engine: str, epochs: int) -> Chainrule:
    return Chainrule(case, data, threads, engine, epochs)
