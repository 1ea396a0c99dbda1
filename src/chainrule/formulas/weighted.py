"""Statistics in which a row of weight w counts as w rows, and a row of weight 0 as none.

``weight``, (m,), is how much each row counts; None counts all the same. Integer weights give what the rows give when
each is repeated as often as its weight says; a common factor of the weights changes nothing. What a row of weight 0
holds is never looked at, be it NaN.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# Sums of weights that differ by less than this share of the whole are equal: rounding may part them.
SAME = 1e-12


def mean(values: Floats, weight: Floats | None = None) -> float:
    """sum_i w_i x_i / sum_i w_i.

    >>> mean(np.array([1.0, 2.0, np.nan]), np.array([3.0, 1.0, 0.0]))
    1.25
    """
    values, w = _counted(values, weight)
    return float(values.mean() if w is None else (w * values).sum() / w.sum())


def deviation(values: Floats, weight: Floats | None = None) -> float:
    """The population deviation: sqrt(sum_i w_i (x_i - mean)^2 / sum_i w_i); 0 where all values are the same."""
    values, w = _counted(values, weight)
    if len(values) and values.min() == values.max():  # the mean of equal numbers may be off by a rounding
        return 0.0
    return float(values.std()) if w is None else float(np.sqrt(mean((values - mean(values, w)) ** 2, w)))


def median(values: Floats, weight: Floats | None = None) -> float:
    """The value with half of the weight below it and half above, or the mean of two where half lies between them.

    >>> median(np.array([1.0, 2.0, 5.0]), np.array([1.0, 1.0, 2.0])), np.median([1.0, 2.0, 5.0, 5.0])
    (3.5, np.float64(3.5))
    """
    values, w = _counted(values, weight)
    if w is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    up_to: Floats = np.cumsum(w[order])
    half = float(up_to[-1]) / 2.0
    lower = int(np.searchsorted(up_to, half * (1.0 - SAME)))  # the first with half of the weight at or below it
    upper = int(np.searchsorted(up_to, half * (1.0 + SAME), side="right"))  # the first with more than half
    return float(np.mean(values[order[[lower, upper]]]))


def shares(codes: Codes, K: int, weight: Floats | None = None) -> Floats:
    """The share of each class in all, (K,), from the classes of rows, (m,).

    >>> shares(np.array([0, 1, 1]), 3, np.array([2.0, 1.0, 1.0])).tolist()
    [0.5, 0.5, 0.0]
    """
    codes, w = _counted(codes, weight)
    if w is None:
        return np.bincount(codes, minlength=K) / len(codes)
    return np.bincount(codes, w, minlength=K) / w.sum()


def scaled(weight: Floats) -> Floats:
    """The weights divided by a power of two, the largest being from 1/2 to 1: sums and products stay in range."""
    return np.ldexp(weight, -int(np.frexp(weight.max(initial=0.0))[1]))


def _counted(values: NDArray[Any], weight: Floats | None) -> tuple[NDArray[Any], Floats | None]:
    """What counts, and how much, in range; None where that is all the same, so that it is computed as without."""
    if weight is None:
        return values, None
    w = np.asarray(weight, np.float64)
    counts = w > 0.0
    if not counts.all():
        values, w = values[counts], w[counts]
    return values, None if len(w) == 0 or w.min() == w.max() else scaled(w)
