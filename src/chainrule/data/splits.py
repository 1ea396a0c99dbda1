"""Cut the rows of a table into training, validation and test rows."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from reprlib import repr as short

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.arguments import is_number
from chainrule.errors import RequestError
from chainrule.formulas.draws import Stream, permutation

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row indices, ascending: each row of the table is in exactly one part."""

    train: Rows
    validation: Rows
    test: Rows


def split(
    m: int,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    strata: ArrayLike | None = None,
    groups: Iterable[object] | None = None,
) -> Split:
    """Draw validation and test rows out of ``m``; the same ``seed`` draws the same rows on every machine.

    With ``strata``, class codes (m,), each part has its share of every class as nearly as whole rows allow, and
    training has a row of every class. With ``groups``, labels (m,), all rows of a group go to one part; the sizes then
    miss what was asked by at most half of the smallest group that is left, unless the groups are so few that a part
    takes what it can get. With both, groups are kept whole and the classes are only checked: training must have them
    all.

    Raises RequestError for fractions that are negative or leave no training row, for more parts than rows or groups,
    for a missing group label, and where a class cannot be had in training.

    >>> parts = split(10, validation_fraction=0.2, test_fraction=0.2, seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (6, 2, 2)
    """
    n_validation, n_test = _sizes(m, validation_fraction, test_fraction)
    codes = None if strata is None else _one_per_row(np.asarray(strata), m, "strata")
    if groups is not None:
        part = _by_groups(group_codes(groups, m), n_validation, n_test, seed)
        _require_all_classes(codes, part)
    else:
        part = _by_classes(np.zeros(m, np.int64) if codes is None else codes, n_validation, n_test, seed)
    return Split(*(np.flatnonzero(part == p) for p in (TRAIN, VALIDATION, TEST)))


TRAIN, VALIDATION, TEST = range(3)


def _sizes(m: int, validation_fraction: float, test_fraction: float) -> tuple[int, int]:
    """How many rows to draw for validation and test."""
    asked = {"validation": validation_fraction, "test": test_fraction}
    for name, fraction in asked.items():
        if not is_number(fraction) or not 0 <= fraction < 1:
            raise RequestError(f"the {name} fraction must be at least 0 and below 1, not {short(fraction)}.")
    if validation_fraction + test_fraction >= 1:
        raise RequestError(
            f"the fractions {validation_fraction} for validation and {test_fraction} for test leave no training row."
        )
    sizes = {name: math.floor(m * fraction + 0.5) for name, fraction in asked.items()}
    for name, fraction in asked.items():
        if fraction > 0 and not sizes[name]:
            raise RequestError(
                f"a {name} part of {fraction:g} of {m} rows is less than half a row: ask for more, or for 0."
            )
    if sum(sizes.values()) >= m:
        raise RequestError(f"{m} rows are too few for parts of {asked}: no row is left for training. Ask for less.")
    return sizes["validation"], sizes["test"]


def _by_classes(codes: NDArray, n_validation: int, n_test: int, seed: int) -> Rows:
    """(m,) the part of each row, drawn class by class."""
    m = len(codes)
    classes, code, count = np.unique(codes, return_inverse=True, return_counts=True)
    room = count - 1  # one row of each class stays in training
    if n_validation + n_test > room.sum():
        raise RequestError(
            f"{m} rows of {len(classes)} classes are too few to draw {n_validation} for validation and {n_test} for "
            "test and keep one row of each class for training. Ask for smaller parts."
        )
    from_test = _shares(n_test, count, room)
    from_validation = _shares(n_validation, count, room - from_test)
    order = permutation(m, seed, Stream.SPLIT)
    order = order[np.argsort(code[order], kind="stable")]  # class after class, shuffled within each
    rank = np.arange(m) - np.repeat(np.cumsum(count) - count, count)  # place of a row in its own class
    ends_test = from_test[code[order]]
    ends_validation = ends_test + from_validation[code[order]]
    part = np.empty(m, np.int64)
    part[order] = np.where(rank < ends_test, TEST, np.where(rank < ends_validation, VALIDATION, TRAIN))
    return part


def _shares(total: int, count: Rows, room: Rows) -> Rows:
    """``total`` dealt out in proportion to ``count``, by largest remainder, with no class above its ``room``."""
    quota = total * count / count.sum()
    share = np.minimum(np.floor(quota).astype(np.int64), room)
    for _ in range(total - int(share.sum())):
        lack = np.where(share < room, quota - share, -np.inf)
        share[np.argmax(lack)] += 1
    return share


def _by_groups(code: Rows, n_validation: int, n_test: int, seed: int) -> Rows:
    """(m,) the part of each row, drawn group by group."""
    size = np.bincount(code)
    wanted = [(part, n) for part, n in ((TEST, n_test), (VALIDATION, n_validation)) if n]
    if len(size) < len(wanted) + 1:
        raise RequestError(
            f"{len(size)} groups are too few for {len(wanted) + 1} parts that share no group. Ask for fewer parts."
        )
    free = permutation(len(size), seed, Stream.SPLIT).tolist()
    part_of_group = np.full(len(size), TRAIN)
    for place, (part, n) in enumerate(wanted):
        keep = len(wanted) - place  # groups to leave for the parts to come, training among them
        taken = _take(free, size, n, at_most=len(free) - keep)
        part_of_group[taken] = part
        free = [g for g in free if part_of_group[g] == TRAIN]
    return part_of_group[code]


def _take(free: list[int], size: Rows, n: int, at_most: int) -> list[int]:
    """One to ``at_most`` of the groups in ``free``, of about ``n`` rows: all that fit in turn, then the best last."""
    taken: list[int] = []
    lack = n
    for g in free:
        if size[g] <= lack and len(taken) < at_most:
            taken.append(g)
            lack -= int(size[g])
    if len(taken) < at_most:
        smallest = min(set(free).difference(taken), key=lambda g: (size[g], g))
        if not taken or size[smallest] - lack < lack:
            taken.append(smallest)
    return taken


def group_codes(groups: Iterable[object], m: int) -> Rows:
    """(m,) group numbers, in order of first appearance."""
    number: dict[object, int] = {}
    labels = groups.tolist() if isinstance(groups, np.ndarray) else getattr(groups, "to_pylist", lambda: list(groups))()
    for row, label in enumerate(labels):
        if label is None or label != label:  # NaN is not itself
            raise RequestError(
                f"the group is missing in row {row + 1}: fill it in, or drop the row. "
                "A row without a group may belong to any part."
            )
    return _one_per_row(np.array([number.setdefault(label, len(number)) for label in labels], np.int64), m, "groups")


def _one_per_row(labels: NDArray, m: int, what: str) -> NDArray:
    if labels.shape != (m,):
        raise RequestError(f"{what} must hold one label for each of the {m} rows, not the shape {labels.shape}.")
    return labels


def _require_all_classes(codes: NDArray | None, part: Rows) -> None:
    if codes is None:
        return
    absent = np.setdiff1d(codes, codes[part == TRAIN])
    if len(absent):
        raise RequestError(
            f"class {absent[0]} has no group in training: all its rows went to validation or test. Try another seed or "
            "smaller fractions."
        )
