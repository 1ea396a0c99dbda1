"""log and exp by single IEEE operations in a written order: NumPy's own change bits with the processor."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOG2_E = 1.4426950408889634
# log 2 in two parts: an exponent times the first, which ends in zeros, is exact. Cody & Waite 1980.
_LN2, _LN2_REST = 0.6931471803691238, 1.9082149292705877e-10


def log(x: Floats) -> Floats:
    """log x, of x above 0.

    x = f 2^e with f in [sqrt 1/2, sqrt 2);  log f = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...),  s = (f - 1)/(f + 1).

    >>> log(np.array([1.0, 2.0, 1e-300])).tolist() == [0.0, 0.6931471805599453, -690.7755278982137]
    True
    """
    f, e = np.frexp(x)
    low = f < np.sqrt(0.5)
    f, e = np.where(low, 2.0 * f, f), e - low
    s = (f - 1.0) / (f + 1.0)
    series = np.zeros_like(s)
    for k in range(23, 0, -2):  # |s| < 0.1716: the next term is below 2^-60
        series = series * (s * s) + 1.0 / k
    return e * 0.6931471805599453 + 2.0 * s * series


def exp(x: Floats) -> Floats:
    """e^x, 0 below -745.

    x = n log 2 + r with |r| <= log(2) / 2;  e^x = 2^n (1 + r + r^2/2 + r^3/6 + ...).

    >>> exp(np.array([0.0, -1.0, -np.inf])).round(15).tolist()
    [1.0, 0.367879441171442, 0.0]
    """
    x = np.clip(x, -746.0, 710.0)
    n = np.rint(x * _LOG2_E)
    r = (x - n * _LN2) - n * _LN2_REST
    series = np.ones_like(r)
    for k in range(13, 0, -1):  # the next term is below 2^-57
        series = 1.0 + series * r / k
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(series, n.astype(np.int64))
