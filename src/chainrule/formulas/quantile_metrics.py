"""How good predicted quantiles are: the pinball loss, the coverage, and the quantiles of numbers without a model.

``weight`` is how much each example counts, (m,); None counts all the same. A target y and a prediction of its
q-quantile are (m,) each.
"""

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas import weighted

Floats = NDArray[np.float64]


def pinball_loss(y: Floats, predicted: Floats, q: float, weight: Floats | None = None) -> float:
    """Mean of max(q (y - a), (q - 1) (y - a)), a the prediction, in the unit of the target. Koenker & Bassett 1978.

    Least, on average, where a is the q-quantile: the larger error is that on the side which is to be rare.

    >>> pinball_loss(np.array([1.0, 3.0]), np.array([2.0, 2.0]), 0.75)
    0.5
    """
    return weighted.mean(np.maximum(q * (y - predicted), (q - 1.0) * (y - predicted)), weight)


def coverage(y: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """Share of examples whose y is at most the prediction; q where the prediction is the q-quantile.

    >>> coverage(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 2.0, 5.0]))
    0.75
    """
    return weighted.mean((y <= predicted).astype(np.float64), weight)


def quantile(values: Floats, q: float, weight: Floats | None = None) -> float:
    """The least of the values (m,) that at least a share q of them does not exceed; the best constant by pinball loss.

    >>> quantile(np.array([4.0, 1.0, 3.0, 2.0]), 0.5), quantile(np.array([1.0, 2.0]), 0.5, np.array([1.0, 3.0]))
    (2.0, 2.0)
    """
    order = np.argsort(values, kind="stable")
    up_to: Floats = np.cumsum(np.ones(len(values)) if weight is None else weight[order])
    enough = up_to >= q * up_to[-1] * (1.0 - weighted.SAME)
    return float(values[order[enough.argmax()]])
