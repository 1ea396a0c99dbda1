"""Numbers as normal scores: where a value stands among the training rows, as a quantile of N(0, 1).

What scikit-learn's QuantileTransformer comes to, fitted on values with a little noise, as the noise vanishes: equal
values share the rank in their middle, no random number is drawn, and knots are values that training rows had.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import LARGEST
from chainrule.formulas import weighted
from chainrule.formulas.draws import normal_quantile
from chainrule.validation import require

ROWS_PER_KNOT, FEWEST_KNOTS, MOST_KNOTS = 30, 10, 1000
LEAST_RANK = 2.0**-53  # 1 minus it is the largest number below 1, so that every z is finite
LARGEST_Z = 8.3  # z of that is 8.21


@dataclass(frozen=True)
class NormalScale:
    """Missing values become ``fill``, or are refused where it is None; then x becomes z.

        z(v) = Phi^-1(rank of v),   rank of v = (rows below v + half of the rows equal to v) / m

    at each knot v; between knots z is linear in x, and outside them it is that of the nearest: no value, however far
    out, makes a large one. All values of the training rows are knots where there are at most
    T = max(10, min(m / 30, 1000)) of them, else those at T evenly spaced quantiles, the least and the largest included.

    Raises RequestError (``require_usual``) for knots and z that no column has.

    >>> scale = NormalScale.fit(np.array([1.0, 2.0, 2.0, 5.0]))
    >>> scale.knots, [round(z, 3) for z in scale.z]
    ((1.0, 2.0, 5.0), [-1.15, 0.0, 1.15])
    >>> scale.apply(np.array([-1e30, 1.5, np.nan, 1e30])).round(3).tolist()
    [-1.15, -0.575, 0.0, 1.15]
    """

    # Of a feature that varies: a narrower one would be nothing but the rounding of ranks.
    least_range: ClassVar = 1e-6
    fill: float | None
    knots: tuple[float, ...]
    z: tuple[float, ...]

    @classmethod
    def fit(cls, values: NDArray[np.float64], weight: NDArray[np.float64] | None = None) -> "NormalScale":
        """Median, knots and their z, of ``values`` (m,), NaN in the gaps, which have no rank.

        ``weight``, (m,), above 0, is how much each row counts in a rank; T counts rows.
        """
        known = ~np.isnan(values)
        values = values[known] + 0.0  # no -0, which equals 0 and is written otherwise
        w = None if weight is None else weight[known]
        v, place = np.unique(values, return_inverse=True)
        rows = np.bincount(place, None if w is None else weighted.scaled(w))
        up_to = np.cumsum(rows)
        rank = (up_to - rows / 2.0) / up_to[-1]
        T = max(FEWEST_KNOTS, min(len(values) // ROWS_PER_KNOT, MOST_KNOTS))
        if len(v) > T:
            quantiles = np.arange(T) / (T - 1.0) * (1.0 - weighted.SAME) * up_to[-1]
            kept = np.unique([0, *np.searchsorted(up_to, quantiles), len(v) - 1])
            v, rank = v[kept], rank[kept]
        z = normal_quantile(np.clip(rank, LEAST_RANK, 1.0 - LEAST_RANK))
        return cls(weighted.median(values, w), tuple(v.tolist()), tuple(z.tolist()))

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """z (m,), none of them NaN where there is a ``fill``; single operations, so the same bits everywhere."""
        filled = values if self.fill is None else np.where(np.isnan(values), self.fill, values)
        knots, z = np.array([*self.knots, np.inf]), np.array([*self.z, self.z[-1]])
        x = np.clip(filled, knots[0], knots[-2])
        k = np.searchsorted(knots[:-1], x, side="right") - 1  # the last knot at or below x
        return z[k] + (x - knots[k]) / (knots[k + 1] - knots[k]) * (z[k + 1] - z[k])

    @property
    def usual(self) -> float:
        """A value such as the training rows had."""
        return self.knots[len(self.knots) // 2] if self.fill is None else self.fill

    def require_usual(self, what: str) -> None:
        """RequestError: values that no column has."""
        v, z = self.knots, self.z
        usual = len(v) == len(z) >= 1 and all(a < b for a, b in pairwise(v)) and all(a <= b for a, b in pairwise(z))
        usual = usual and all(abs(a) <= LARGEST for a in v) and all(abs(a) <= LARGEST_Z for a in z)
        usual = usual and (self.fill is None or v[0] <= self.fill <= v[-1])
        require(usual, f"{what} has knots that ascend, a median between them, and as many z up to {LARGEST_Z}", self)
