"""Contestants of ``estimators``: both libraries' classifiers and regressors, with their default parameters."""

import time
import warnings
from importlib import import_module
from itertools import count
from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.estimators_data import CLASSES, Rows, split


class Fits:
    """Fits a data set; with each ``tell``, the split and the weights of the next seed."""

    def __init__(self, rows: Rows, library: str, dtype: str) -> None:
        name = "MLPClassifier" if rows.task == CLASSES else "MLPRegressor"
        self.make = getattr(import_module(library), name)
        self.rows, self.dtype = rows, dtype
        self.seeds = count()

    def restart(self) -> None:
        """Every fit starts anew."""

    def train(self, _epochs: int) -> None:
        """Compiles what is to be compiled."""
        data = split(self.rows, 0, self.dtype)
        self.make(random_state=0, max_iter=1).fit(data.X, data.y)

    def tell(self) -> dict[str, Any]:
        """The untimed epoch before is for the caches, which another process has had since."""
        seed = next(self.seeds)
        data = split(self.rows, seed, self.dtype)
        self.make(random_state=seed, max_iter=1).fit(data.X, data.y)
        model = self.make(random_state=seed)
        start = time.perf_counter()
        model.fit(data.X, data.y)
        seconds = time.perf_counter() - start
        return {
            "seconds": seconds,
            "score": float(model.score(data.X_test, data.y_test)),
            "epochs": int(model.n_iter_),
            "rows": len(data.y) + len(data.y_test),
            "columns": data.X.shape[1],
        }


class Calls:
    """An "epoch" is a call of a function."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def restart(self) -> None:
        """Nothing is kept between calls."""

    def train(self, epochs: int) -> None:
        call = self.call
        for _ in range(epochs):
            call()


def make_fits(_case: Case, rows: Rows, threads: int, library: str, dtype: str) -> Fits:
    _prepare(threads)
    return Fits(rows, library, dtype)


def make_predict(case: Case, _data: None, threads: int, library: str, dtype: str) -> Calls:
    """``predict`` of one row."""
    _prepare(threads)
    X, y = _made_up_rows(case, dtype)
    model = import_module(library).MLPClassifier(case.n[1:-1], random_state=0, max_iter=1).fit(X, y)
    row = X[:1]
    return Calls(lambda: model.predict(row))


def make_small_fit(case: Case, _data: None, threads: int, library: str, dtype: str) -> Calls:
    """``fit`` of ten epochs."""
    _prepare(threads)
    X, y = _made_up_rows(case, dtype)
    make = import_module(library).MLPClassifier
    return Calls(lambda: make(max_iter=10, random_state=0).fit(X, y))


def _made_up_rows(case: Case, dtype: str) -> tuple[Any, Any]:
    X = np.random.default_rng(0).standard_normal((case.rows, case.n[0]))
    return X.astype(dtype), (X[:, 0] + X[:, 1] > 0.0).astype(np.int64)


def _prepare(threads: int) -> None:
    """So many threads in every library, and no word of training that ends before it has converged."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    warnings.simplefilter("ignore", ConvergenceWarning)
