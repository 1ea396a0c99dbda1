"""Random numbers as functions of (seed, stream, place): the same bits on every machine.

NumPy's ``Generator`` does not promise that its normals or permutations stay the same between versions; the raw words
of its Philox bit generator do not change (NEP 19). Everything here is made from those words by integer arithmetic, or
by single IEEE operations in a written order, so no processor and no version can change a bit.

Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x64, 10 rounds).
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.portable import log

BLOCK = 2**16  # numbers that are worked on at a time, so that intermediate ones take little memory


class Stream(IntEnum):
    """What a word is drawn for; two streams never share a word."""

    INITIALIZE = 1
    SHUFFLE = 2
    DROPOUT = 3
    SPLIT = 4
    INPUTS = 5


def words(count: int, seed: int, stream: Stream, *place: int, first: int = 0) -> NDArray[np.uint64]:
    """``count`` 64-bit words of Philox with key (seed, stream), from counter (0, *place) on.

    ``place`` is up to three non-negative integers, such as (step, layer); so many words as ``first`` are left out.

    >>> words(2, 0, Stream.SHUFFLE, 3).tolist() == words(5, 0, Stream.SHUFFLE, 3)[:2].tolist()
    True
    >>> words(2, 0, Stream.SHUFFLE, 3, first=5).tolist() == words(7, 0, Stream.SHUFFLE, 3)[5:].tolist()
    True
    """
    block, skipped = divmod(first, 4)  # a counter makes four words
    counter = np.zeros(4, np.uint64)
    counter[0], counter[1 : 1 + len(place)] = block, place
    key = np.array([seed, int(stream)], np.uint64)
    drawn = np.random.Philox(key=key, counter=counter).random_raw(skipped + count)
    return np.asarray(drawn, np.uint64)[skipped:]


def uniform(count: int, seed: int, stream: Stream, *place: int) -> NDArray[np.float64]:
    """``count`` numbers strictly between 0 and 1: the middles of 2^52 equal intervals.

    >>> bool((uniform(1000, 0, Stream.SPLIT) < 1).all())
    True
    """
    drawn = words(count, seed, stream, *place)
    drawn >>= np.uint64(12)
    u = drawn.astype(np.float64)
    u += 0.5
    u *= 2.0**-52
    return u


def permutation(m: int, seed: int, stream: Stream, *place: int) -> NDArray[np.int64]:
    """A random order of 0..m-1.

    Each index rides in the low bits of its own random word; sorting the words shuffles the indices. The words differ
    in their low bits, so the order is unique and no sorting algorithm can change it.

    >>> permutation(5, 0, Stream.SHUFFLE).tolist() == sorted(range(5))
    False
    """
    low = low_bits(m)
    word = (words(m, seed, stream, *place) & ~low) | np.arange(m, dtype=np.uint64)
    return (np.sort(word) & low).astype(np.int64)


def low_bits(m: int) -> np.uint64:
    """A mask of the bits that hold an index below m."""
    return np.uint64((1 << max(m - 1, 1).bit_length()) - 1)


def kept(p: float, n: int, m: int, seed: int, step: int, l: int, row: int = 0) -> NDArray[np.bool_]:
    """Which of the n units of layer l are kept for each of the m examples of a step, (n, m): each with chance 1 - p.

    Half a word decides each unit; an example's words stand together, so that any range of examples can be drawn alone:
    here m of them from place ``row`` on.

    >>> bool(abs(kept(0.25, 50, 400, 0, 7, 1).mean() - 0.75) < 0.01)
    True
    """
    per_example = -(-n // 2)
    drawn = words(m * per_example, seed, Stream.DROPOUT, step, l, first=row * per_example)
    halves = drawn.astype("<u8").view("<u4")
    return (halves.reshape(m, 2 * per_example)[:, :n] >= round(p * 2**32)).T


def normal(count: int, seed: int, stream: Stream, *place: int) -> NDArray[np.float64]:
    """``count`` numbers from N(0, 1): the inverse of the normal distribution at uniform places.

    Wichura 1988, Algorithm AS 241 (PPND16), about 1e-16 relative.

    >>> z = normal(10_000, 0, Stream.INITIALIZE)
    >>> bool(abs(z.mean()) < 0.03 and abs(z.std() - 1) < 0.03)
    True
    """
    u = uniform(count, seed, stream, *place)
    for start in range(0, count, BLOCK):
        u[start : start + BLOCK] = normal_quantile(u[start : start + BLOCK])
    return u


def truncated_normal(count: int, seed: int, stream: Stream, *place: int) -> NDArray[np.float64]:
    """``count`` numbers from N(0, 1) on condition that they lie in [-3, 3], by the inverse as well.

    >>> z = truncated_normal(10_000, 0, Stream.INPUTS)
    >>> bool(abs(z).max() < 3.0), float(z.std().round(2))
    (True, 0.99)
    """
    below = 0.0013498980316300946  # P(N(0, 1) < -3)
    return normal_quantile(below + (1.0 - 2.0 * below) * uniform(count, seed, stream, *place))


def normal_quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """z with P(N(0, 1) < z) = p, for p strictly between 0 and 1.

    >>> normal_quantile(np.array([0.5, 0.975])).round(12).tolist()
    [0.0, 1.95996398454]
    """
    q = p - 0.5
    r = np.sqrt(-log(np.minimum(p, 1.0 - p)))
    middle = q * _ratio(0.180625 - q * q, _MIDDLE)
    tail = np.where(r <= 5.0, _ratio(r - 1.6, _NEAR_TAIL), _ratio(r - 5.0, _FAR_TAIL))
    return np.where(np.abs(q) <= 0.425, middle, np.copysign(tail, q))


def _ratio(x: NDArray[np.float64], coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> NDArray[np.float64]:
    numerator, denominator = (np.zeros_like(x) for _ in range(2))
    for a, b in zip(*(reversed(c) for c in coefficients), strict=True):
        numerator = numerator * x + a
        denominator = denominator * x + b
    return numerator / denominator


# Wichura 1988, Algorithm AS 241, routine PPND16: numerator and denominator, constant term first.
_MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_NEAR_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip
