"""Derivatives by differences: steps chosen by the function itself, an error with every number, and kinks told apart.

central     D(h) = (f(h) - f(-h)) / 2h
Ridders     D at h, h/4, h/16, ... extrapolated to h = 0; of all these the one with the least estimated error
one-sided   S(h) = (f(h) - 2 f(0) + f(-h)) / h, their difference: it shrinks as h does, but not at a kink
complex     Im f(ih) / h, without a difference, for functions that are written for complex numbers too
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import comb, isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], float]

EPS = float(np.finfo(np.float64).eps)
SHRINK = 4.0  # from one step to the next
STEPS = 9  # at most
COMPLEX = 1e-30


@dataclass(frozen=True)
class Derivative:
    """A number, how far it may be off, and whether f has one derivative there rather than one from each side."""

    value: float
    error: float
    smooth: bool


def noise(f: Function, v: Floats, d: Floats) -> float:
    """How much f(v) is off by rounding: the size of its fourth differences over steps so small that f itself has none.

    Moré & Wild 2011. At least that of one rounding.
    """
    f_0 = f(v)
    least = EPS * max(abs(f_0), 1e-300)
    size = float(np.linalg.norm(v)) / sqrt(v.size) or 1.0
    for step in (1e-10, 1e-8, 1e-6):
        values = np.array([f(v + i * step * size * d) for i in range(7)])
        if not np.isfinite(values).all():
            return least
        if len(np.unique(values)) > 3:
            spread = float(np.sqrt(np.mean(np.diff(values, 4) ** 2) / comb(8, 4)))
            return max(least, spread)
    return least


def derivative(f: Callable[[float], float], f_0: float, step: float, sigma: float) -> Derivative:
    """df(t)/dt at 0, from steps ``step``, ``step``/4, ...; sigma is the noise of f."""
    best, at = Derivative(0.0, float("inf"), True), 0
    tableau: list[list[float]] = []
    S: list[float] = []
    for k in range(STEPS):
        h = step / SHRINK**k
        above, below, rounding = f(h), f(-h), sigma / h
        finite = isfinite(above) and isfinite(below)
        row = [(above - below) / (2.0 * h)] if finite else []
        S.append((above - 2.0 * f_0 + below) / h if finite else float("inf"))
        for j, before in enumerate(tableau[-1] if tableau and finite else [], start=1):
            power = SHRINK ** (2 * j)
            row.append((power * row[-1] - before) / (power - 1.0))
            error = max(abs(row[j] - row[j - 1]), abs(row[j] - before)) + rounding
            if error < best.error:
                best, at = Derivative(row[j], error, True), k
        tableau.append(row)
        if best.error <= max(4.0 * rounding, 1e-10 * abs(best.value)) or rounding > best.error:
            break
    bent = at > 0 and abs(S[at]) > max(0.6 * abs(S[at - 1]), 20.0 * sigma * SHRINK**at / step, 1e-6 * abs(best.value))
    return Derivative(best.value, best.error, not bent and isfinite(best.error))


def along(f: Function, v: Floats, f_0: float, d: Floats, step: float, sigma: float) -> Derivative:
    """The derivative of f at v in direction d."""
    return derivative(lambda t: f(v + t * d), f_0, step, sigma)


def partials(
    f: Function,
    v: Floats,
    entries: Iterable[int],
    size: Floats,
    sigma: float,
    as_complex: Any = None,
    guess: Floats | None = None,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Of f at v by some entries: values, errors and whether smooth, each shaped like v; errors elsewhere are infinite.

    size         by entry, what a step is relative to
    as_complex   derivatives by complex steps, where f takes them
    guess        where a complex step gives just this, no difference is taken
    """
    value, error, smooth = np.zeros(v.size), np.full(v.size, np.inf), np.ones(v.size, bool)
    f_0 = f(v)
    share = first_step(f_0, sigma)
    w = v.copy()
    for i in entries:
        here = w[i]
        exact = as_complex(v, i) if as_complex is not None else None
        if exact is not None and guess is not None and abs(exact - guess[i]) <= 1e-9 * abs(exact):
            value[i], error[i] = exact, 10.0 * EPS * abs(exact)
            continue

        def moved(t: float, i: int = i, here: float = here) -> float:
            w[i] = here + t
            return f(w)

        found = derivative(moved, f_0, share * size[i], sigma)
        w[i] = here
        value[i], error[i], smooth[i] = found.value, found.error, found.smooth
        agree = exact is not None and abs(exact - found.value) <= 10.0 * found.error + 1e-7 * abs(exact)
        if exact is not None and agree and found.smooth:
            value[i], error[i] = exact, min(found.error, 10.0 * EPS * abs(exact))
    return value, error, smooth


def first_step(f_0: float, sigma: float) -> float:
    """The largest step, relative: rounding counts as sigma / h and what is left of the series as h^4."""
    return float(np.clip(2.0 * (sigma / max(abs(f_0), 1e-300)) ** 0.2, 1e-3, 0.1))


def complex_step(f: Callable[[Any], Any], v: Floats, lines: Iterable[tuple[Floats, Derivative]]) -> Any:
    """A function of (v, entry) giving the derivative by a complex step, or None where f does not take complex numbers.

    Functions that drop the imaginary part (abs, sign, comparisons) are found out along ``lines``: directions, and the
    derivatives of f along them by differences.
    """

    def by(direction: Any, at: Floats) -> float | None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                J = np.asarray(f(at + 1j * COMPLEX * direction))
            except Exception:  # whatever a function does that was written for real numbers
                return None
        if J.dtype.kind != "c" or J.size != 1:
            return None
        found = float(np.imag(J).reshape(()) / COMPLEX)
        return found if isfinite(found) else None

    for d, expected in lines:
        found = by(d, v)
        trusted = expected.smooth and expected.error <= 1e-6 * abs(expected.value)
        if not trusted or found is None or abs(found - expected.value) > 1e-5 * abs(expected.value):
            return None

    def entry(at: Floats, i: int) -> float | None:
        e = np.zeros(at.size)
        e[i] = 1.0
        return by(e, at)

    return entry


def elementwise(f: Callable[[Any], Any], Z: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The derivative of f at each entry of Z where f acts on each alone: values, errors, and whether smooth."""
    value, error, smooth = np.empty(Z.shape), np.empty(Z.shape), np.ones(Z.shape, bool)
    f_0 = np.broadcast_to(np.asarray(f(Z), np.float64), Z.shape)
    for place in np.ndindex(Z.shape):

        def moved(t: float, place: Any = place) -> float:
            V = Z.copy()
            V[place] += t
            return float(np.broadcast_to(f(V), Z.shape)[place])

        here = float(f_0[place])
        sigma = EPS * max(abs(here), 1e-3)
        found = derivative(moved, here, 1e-3 * max(abs(float(Z[place])), 1.0), 2.0 * sigma)
        value[place], error[place], smooth[place] = found.value, found.error, found.smooth
    return value, error, smooth
