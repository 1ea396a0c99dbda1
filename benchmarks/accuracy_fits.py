"""A process of ``accuracy``: fits one learner to splits of one data set, and writes a line of JSON after each.

The request is JSON on stdin: data, learner, seeds, threads.
"""

import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.accuracy_data import NUMBER, PACKAGES, SUITE, DataSet, Table, read, splits
from benchmarks.accuracy_learners import Entry, entry

PREDICTED = 10_000  # rows of which prediction is timed


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    request = json.load(sys.stdin)
    data = next(each for each in SUITE if each.name == request["data"])
    table = read(data)
    for seed in request["seeds"]:
        answers.write(json.dumps(attempt(data, table, entry(request["learner"]), seed, request["threads"])) + "\n")
        answers.flush()


def attempt(data: DataSet, table: Table, asked: Entry, seed: int, threads: int) -> dict[str, Any]:
    """What a fit brought, or ``error``: why there is none."""
    train, test = splits(table, data.task, seed)
    told = {
        "seed": seed,
        "rows": len(train),
        "test_rows": len(test),
        "columns": table.X.shape[1],
        "source": f"{PACKAGES[data.source][0]} {version(PACKAGES[data.source][0])}",
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return told | _fit(data, table, asked, seed, threads)
    except Exception as error:
        return told | {"error": f"{type(error).__name__}: {error}"[:500]}


def _fit(data: DataSet, table: Table, asked: Entry, seed: int, threads: int) -> dict[str, Any]:
    train, test = splits(table, data.task, seed)
    X, y, X_test = table.X.iloc[train], table.y[train], table.X.iloc[test]
    learner = asked.kind.make(data.task, seed, threads, **asked.options)
    start = time.perf_counter()
    learner.fit(X, y)
    fitted = time.perf_counter()
    predictions = learner.predict(X_test)
    many = X_test.iloc[np.resize(np.arange(len(test)), PREDICTED)]
    begun = time.perf_counter()
    learner.predict(many)
    ended = time.perf_counter()
    return {
        "scores": scores(data.task, table.y[test], predictions),
        "fit_seconds": fitted - start,
        "predict_seconds": ended - begun,
    }


def scores(task: str, y: Any, predictions: Any) -> dict[str, float]:
    """By name. ValueError: a prediction is no number."""
    from sklearn import metrics

    P = np.asarray(predictions, dtype=np.float64)
    if not np.isfinite(P).all():
        raise ValueError("a prediction is not finite")
    if task == NUMBER:
        P = P.reshape(len(y))
        return {"rmse": float(np.sqrt(np.mean((P - y) ** 2))), "r2": float(metrics.r2_score(y, P))}
    P = P / P.sum(axis=1, keepdims=True)
    told = P[:, 1] if P.shape[1] == 2 else P
    return {
        "auc": float(metrics.roc_auc_score(y, told, multi_class="ovr")),
        "accuracy": float(np.mean(P.argmax(axis=1) == y)),
        "log_loss": float(metrics.log_loss(y, P)),
    }


if __name__ == "__main__":
    main()
