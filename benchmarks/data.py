"""The rows that every contestant trains on, the weights it starts from, and the judge of what it has learnt."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import Case

SEED = 20240229

# Labels that nothing can predict keep gradients alive: with all labels learnable, numbers would shrink towards the
# denormal ones, which some processors compute slowly and some libraries round to 0.
RANDOM_LABELS = 0.25

Layers = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Data:
    """X (rows, n[0]) float32; labels (rows,) int64; layers: W (n[l-1], n[l]) and b (n[l],) at the start.

    X_test and labels_test: more of them, where an accuracy is asked for.
    """

    X: NDArray[np.float32]
    labels: NDArray[np.int64]
    layers: Layers
    X_test: NDArray[np.float32] | None = None
    labels_test: NDArray[np.int64] | None = None


def synthetic_data(case: Case) -> Data:
    """Standard normal inputs, labelled by a random linear rule except for a share of random labels."""
    random = np.random.default_rng(SEED)
    classes = max(2, case.n[-1])
    X = random.standard_normal((case.rows, case.n[0]), dtype=np.float32)
    labels = (X @ random.standard_normal((case.n[0], classes), dtype=np.float32)).argmax(axis=1)
    is_random = random.random(case.rows) < RANDOM_LABELS
    labels[is_random] = random.integers(0, classes, is_random.sum())
    return Data(X, labels, first_layers(case, random))


def first_layers(case: Case, random: np.random.Generator) -> Layers:
    """Weights to start from, as He et al. (2015) draw them for relu."""
    return [
        (
            (np.sqrt(2.0 / n_in) * random.standard_normal((n_in, n_out))).astype(np.float32),
            np.zeros(n_out, np.float32),
        )
        for n_in, n_out in pairwise(case.n)
    ]


def training_loss(data: Data, layers: Layers) -> float:
    """Mean cross-entropy over all rows, in float64: one judge for everyone's parameters."""
    Z = _logits(data.X, layers)
    Z -= Z.max(axis=1, keepdims=True)
    log_share = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    return float(-log_share[np.arange(len(Z)), data.labels].mean())


def accuracy(data: Data, layers: Layers) -> float:
    """Share of the test rows whose label has the highest output."""
    return float((_logits(data.X_test, layers).argmax(axis=1) == data.labels_test).mean())


def _logits(X: Any, layers: Layers) -> NDArray[np.float64]:
    A = X.astype(np.float64)
    for W, b in layers[:-1]:
        A = np.maximum(A @ W + b, 0.0)
    W, b = layers[-1]
    Z = A @ W + b
    return np.hstack([np.zeros_like(Z), Z]) if Z.shape[1] == 1 else Z  # the sigmoid of z is the softmax of (0, z)
