"""Contestants that predict: NumPy rows in, NumPy probabilities out; an "epoch" is a call."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.data import Data


class Predictor:
    def __init__(self, predict: Callable[[Any], Any], X: Any) -> None:
        self.predict, self.X = predict, X

    def restart(self) -> None:
        """Nothing is kept between calls."""

    def train(self, epochs: int) -> None:
        predict, X = self.predict, self.X
        for _ in range(epochs):
            predict(X)

    def tell(self) -> dict[str, Any]:
        """The probability of class 1 of the first row."""
        return {"first": float(np.asarray(self.predict(self.X))[0].ravel()[-1])}


def make_chainrule(case: Case, data: Data, threads: int, engine: str) -> Predictor:
    from benchmarks.rivals.chainrule_engines import make

    trained = make(case, data, threads, engine)
    return Predictor(lambda X: trained.engine.predict(trained.start, X), data.X)


def make_scikit_learn(case: Case, data: Data, threads: int) -> Predictor:
    from dataclasses import replace

    from benchmarks.rivals.scikit_learn import make

    both = np.arange(4) % 2  # a classifier must have seen both classes
    trained = make(
        replace(case, batch_size=4), replace(data, X=np.resize(data.X, (4, case.n[0])), labels=both), threads
    )
    trained.restart()
    trained.train(1)
    for layer, (W, b) in enumerate(data.layers):
        trained.model.coefs_[layer][...] = W
        trained.model.intercepts_[layer][...] = b
    return Predictor(trained.model.predict_proba, data.X)


def make_torch(case: Case, data: Data, threads: int) -> Predictor:
    import torch

    from benchmarks.rivals.pytorch import make

    trained = make(case, data, threads, gather="batch")
    trained.restart()
    model = torch.nn.Sequential(*trained.model, torch.nn.Sigmoid()).eval()

    @torch.inference_mode()
    def predict(X: Any) -> Any:
        return model(torch.from_numpy(X)).numpy()

    return Predictor(predict, data.X)


def make_jax(case: Case, data: Data, _threads: int) -> Predictor:
    import jax
    import jax.numpy as jnp

    @jax.jit
    def forward(layers: Any, X: Any) -> Any:
        *hidden, (W_out, b_out) = layers
        A = X
        for W, b in hidden:
            A = jax.nn.relu(A @ W + b)
        return jax.nn.sigmoid(A @ W_out + b_out)

    layers = jax.tree.map(jnp.asarray, data.layers)
    return Predictor(lambda X: np.asarray(forward(layers, X)), data.X)
