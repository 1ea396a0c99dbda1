"""Rows with an answer that is known beforehand: scikit-learn's digits, and a rule that nobody can follow entirely."""

from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.data import SEED, Data, first_layers

FLIPPED = 0.1  # labels of ``noisy_rule`` that tell the opposite: the best accuracy there can be is 1 - FLIPPED
NOISY_TEST_ROWS = 20_000
HIGHEST_PIXEL = 16.0


def digits_as_they_are(case: Case) -> Data:
    """All 1797 rows, float64, pixels from 0 to 16, as ``load_digits`` has them."""
    X, labels = _digits()
    return Data(X, labels, first_layers(case, np.random.default_rng(SEED)))


def digits(case: Case) -> Data:
    """case.rows of them to learn from and the others to be tested on, drawn at random; pixels from 0 to 1."""
    random = np.random.default_rng(SEED)
    X, labels = _digits()
    order = random.permutation(len(X))
    X, labels = (X[order] / HIGHEST_PIXEL).astype(np.float32), labels[order]
    return Data(X[: case.rows], labels[: case.rows], first_layers(case, random), X[case.rows :], labels[case.rows :])


def noisy_rule(case: Case) -> Data:
    """Standard normal inputs; the label is the sign of a sum of two products, and the opposite for one row in ten."""
    random = np.random.default_rng(SEED)
    X = random.standard_normal((case.rows + NOISY_TEST_ROWS, case.n[0]), dtype=np.float32)
    labels = (X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] > 0.0).astype(np.int64)
    labels ^= random.random(len(X)) < FLIPPED
    return Data(X[: case.rows], labels[: case.rows], first_layers(case, random), X[case.rows :], labels[case.rows :])


def _digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    return digits.data, digits.target.astype(np.int64)
