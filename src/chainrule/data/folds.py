"""Validation rows of the networks of an ensemble: one part, or folds that together are all rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.splits import group_codes, split
from chainrule.formulas.draws import Stream, permutation

Rows = NDArray[np.int64]


def parts(
    strata: Rows, folds: int, validation_fraction: float, seed: int, groups: Sequence[Any] | None = None
) -> list[tuple[Rows, Rows]]:
    """(training rows, validation rows) of each fold, or of the one part where ``folds`` is 1; places among the rows.

    With ``groups``, labels (m,), all rows of a group are on one side.
    """
    if folds == 1:
        one = split(
            len(strata),
            validation_fraction=validation_fraction,
            test_fraction=0.0,
            seed=seed,
            strata=strata if groups is None else None,
            groups=groups,
        )
        return [(one.train, one.validation)]
    fold = fold_of_rows(strata, folds, seed) if groups is None else fold_of_groups(groups, folds, seed)
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(folds)]


def fold_of_rows(strata: Rows, folds: int, seed: int) -> Rows:
    """(m,) the fold of each row: every fold has its share of each stratum, as nearly as whole rows allow.

    >>> fold_of_rows(np.array([0, 0, 0, 1, 1, 1]), 3, seed=0)
    array([0, 2, 1, 2, 1, 0])
    """
    drawn = permutation(len(strata), seed, Stream.SPLIT)
    in_order = drawn[np.argsort(strata[drawn], kind="stable")]
    fold = np.empty(len(strata), np.int64)
    fold[in_order] = np.arange(len(strata)) % folds
    return fold


def fold_of_groups(groups: Sequence[Any], folds: int, seed: int) -> Rows:
    """(m,) the fold of each row, the same for all rows of a group: the largest group first, to the emptiest fold.

    >>> fold_of_groups(["a", "a", "a", "b", "b", "c"], 2, seed=0).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    of_row = group_codes(groups, len(groups))
    sizes = np.bincount(of_row)
    drawn = permutation(len(sizes), seed, Stream.SPLIT)
    filled, fold = np.zeros(folds, np.int64), np.empty(len(sizes), np.int64)
    for group in drawn[np.argsort(-sizes[drawn], kind="stable")]:
        fold[group] = filled.argmin()
        filled[fold[group]] += sizes[group]
    return fold[of_row]


def strata_of_numbers(y: NDArray[np.float64], size: int = 20) -> Rows:
    """Rows of similar numbers, some ``size`` in each stratum, so that every part has small and large ones."""
    strata = np.empty(len(y), np.int64)
    strata[np.argsort(y, kind="stable")] = np.arange(len(y)) // size
    return strata
