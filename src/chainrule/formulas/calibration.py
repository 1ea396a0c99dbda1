"""Calibrated probabilities: a temperature for all, found where the log-loss of held-out examples is least.

P are probabilities of the classes, (K, m), ``codes`` the right classes and ``weight`` how much each example counts,
(m,); None counts all the same.

Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks"; the bisection and the smoothing as in
Berta, Holzmueller, Jordan & Bach 2025, "Rethinking early stopping: refine, then calibrate".
"""

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas import portable, weighted

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LARGEST_LOG_TAU = 16.0
BISECTIONS = 30
LEAST = 2.220446049250313e-16  # probabilities count as no less, so that they have logarithms: eps of float64


def calibrated(P: Floats, tau: float, smoothing: float) -> Floats:
    """(1 - smoothing) p^tau / sum_c p_c^tau + smoothing / K.

    >>> calibrated(np.array([[0.2], [0.8]]), 0.5, 0.0).round(4).tolist()
    [[0.3333], [0.6667]]
    """
    return (1.0 - smoothing) * _softmax(tau * _logits(P)) + smoothing / len(P)


def fit_calibration(P: Floats, codes: Codes, weight: Floats | None = None) -> tuple[float, float]:
    """(tau, smoothing) of :func:`calibrated`, from examples that P was not fitted to.

    tau has the least log-loss: with a_c = log p_c, its slope in tau is mean_i(sum_c a_c p_c^tau / sum_c p_c^tau - a_y),
    which rises with tau, and 30 bisections of log tau between -16 and 16 find where it is 0. Four digits are kept.
    The smoothing is 1 / (n + 1), n being how many examples count: as if one more had been wrong.

    >>> sure = np.array([[0.99, 0.99, 0.99, 0.01], [0.01, 0.01, 0.01, 0.99]])
    >>> fit_calibration(sure, np.array([0, 0, 1, 1]))
    (0.2391, 0.2)
    """
    a = _logits(P)
    right = np.take_along_axis(a, codes[None], axis=0)[0]
    low, high = -LARGEST_LOG_TAU, LARGEST_LOG_TAU
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        p = _softmax(float(portable.exp(np.array(middle))) * a)
        slope = weighted.mean((a * p).sum(axis=0) - right, weight)
        if slope == 0.0:  # flat: all classes are equally likely whatever tau is, or the right one is certain
            low = high = middle
        low, high = (low, middle) if slope > 0.0 else (middle, high)
    tau = float(portable.exp(np.array(0.5 * (low + high))))
    n = len(codes) if weight is None else int((weight > 0.0).sum())
    return float(f"{tau:.4g}"), 1.0 / (n + 1)


def _logits(P: Floats) -> Floats:
    """log p, 0 for the likeliest class of each example."""
    a = portable.log(np.maximum(P, LEAST))
    return a - a.max(axis=0)


def _softmax(logits: Floats) -> Floats:
    """Of logits of which the largest is 0."""
    e = portable.exp(logits)
    return e / e.sum(axis=0)
