"""The rows that a network is made of, each on its own: is slope the derivative of g, and dZ that of value?"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.explain import differences
from chainrule.explain.faults import Fault, fault
from chainrule.explain.structure import Floats
from chainrule.explain.subject import Subject
from chainrule.formulas.activations import ACTIVATIONS, sigma
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.penalties import PENALTIES
from chainrule.propagation import Propagation

POINTS = np.array([-3.1, -1.7, -0.9, -0.3, -0.05, 0.04, 0.35, 0.8, 1.6, 2.9])
EXAMPLES = 16
RELATIVE = 1e-6


def wrong_rows(of: Subject) -> Iterator[Fault]:
    """A fault for each function of the network that is not the derivative of its partner, with the place.

    The functions of the package are proven by its own tests; the user's are looked at here.
    """
    network, functions = of.network, of.functions
    with np.errstate(all="ignore"):
        for spec in dict.fromkeys(network.activation):
            if ACTIVATIONS.name(spec) in functions:
                yield from _activation(of, spec)
        if LOSSES.name(network.loss) in functions:
            yield from _loss(of)
        for spec in network.penalties:
            if PENALTIES.name(spec) in functions:
                yield from _penalty(of, spec)


def _activation(of: Subject, spec: str) -> Iterator[Fault]:
    row = ACTIVATIONS.make(spec, np, functions=of.functions)
    Z = np.array([z for z in POINTS if all(abs(z - kink) > 1e-2 for kink in row.kinks)])
    A = row.g(Z)
    given = np.broadcast_to(np.asarray(row.slope(Z, A), np.float64), Z.shape)
    right, error, smooth = differences.elementwise(row.g, Z)
    wrong = _wrong(given, right, error) & smooth
    if wrong.any():
        i = _worst(given, right, wrong)
        forms = {
            "g-for-g-prime": A,
            "sign-lost": -right,
            "factor-2": 2.0 * right,
            "relu-slope-is-dA" if np.allclose(right, Z > 0.0) else "slope-left-out": np.ones_like(Z),
            "hidden-slope-twice": right**2,
        }
        said = f"activation {spec!r}: slope gives {given[i]:.6g} at z = {Z[i]:g}, and g' is {right[i]:.6g}"
        yield fault(_named(given, forms, smooth, "wrong-slope"), said)


def _loss(of: Subject) -> Iterator[Fault]:
    network = of.network
    row = LOSSES.make(network.loss, np, functions=of.functions)
    propagation = Propagation(network, np, of.functions)
    some = of.take(slice(0, EXAMPLES)).examples
    Y = some["Y"]
    Z_L = propagation.forward(of.theta.astype(np.float64), some["X"], some["codes"])[0][-1]
    for Z in (Z_L, np.resize(POINTS, Z_L.shape)):
        given = np.broadcast_to(np.asarray(row.dZ(Z, Y), np.float64), Z.shape)
        right, error, smooth = _by_output(row.value, Z, Y)
        if row.kink:
            smooth &= np.abs(Z - Y) > 1e-2
        wrong = _wrong(given, right, error) & smooth
        if wrong.any():
            k, i = _worst(given, right, wrong)
            s = sigma(np, Z)
            m = float(len(of.X))
            forms = {
                "sign-lost": -right,
                "factor-2": 2.0 * right,
                "factor-1/2": right / 2.0,
                "1/m-twice": right / m,
                "missing-1/m": right * m,
                "sigmoid-slope-twice": right * s * (1.0 - s),
                "delta-of-another-cost": right / (s * (1.0 - s)),
                "g-for-g-prime-at-the-output": right / (1.0 - s),
                "z-for-a": right + Z - s,
            }
            said = (
                f"loss {network.loss!r}: dZ gives {given[k, i]:.6g} for output {k} of row {i} (z = {Z[k, i]:.4g}, "
                f"y = {Y[k, i]:g}), and the derivative of value is {right[k, i]:.6g}"
            )
            yield fault(_named(given, forms, smooth, "wrong-dZ"), said)
            return


def _by_output(value: Any, Z: Floats, Y: Floats) -> tuple[Floats, Floats, Any]:
    """The derivative of each example's loss by each of its outputs."""
    right, error, smooth = np.empty(Z.shape), np.empty(Z.shape), np.ones(Z.shape, bool)
    for k, i in np.ndindex(Z.shape):
        z, y = Z[:, i : i + 1], Y[:, i : i + 1]
        e = (np.arange(len(Z)) == k)[:, None] * 1.0

        def loss(t: float, z: Floats = z, y: Floats = y, e: Floats = e) -> float:
            return float(np.sum(value(z + t * e, y)))

        here = loss(0.0)
        sigma = 4.0 * differences.EPS * max(abs(here), 1e-3)
        found = differences.derivative(loss, here, 1e-3 * max(abs(float(Z[k, i])), 1.0), sigma)
        right[k, i], error[k, i], smooth[k, i] = found.value, found.error, found.smooth
    return right, error, smooth


def _penalty(of: Subject, spec: str) -> Iterator[Fault]:
    row = PENALTIES.make(spec, np, functions=of.functions)
    S, w = float(len(of.X)), POINTS
    given = np.broadcast_to(np.asarray(row.slope(w, S), np.float64), w.shape)
    right, error, smooth = differences.elementwise(lambda V: row.value(V, S), w)
    wrong = _wrong(given, right, error) & smooth
    if wrong.any():
        i = _worst(given, right, wrong)
        forms = {
            "lambda-not-in-gradient": np.zeros_like(w),
            "lambda-wrong-sign": -right,
            "lambda-factor-2": 2.0 * right,
            "lambda-not-divided-by-m": S * right,
            "lambda-divided-by-m-again": right / S,
        }
        said = f"penalty {spec!r}: slope gives {given[i]:.6g} at w = {w[i]:g}, and the derivative is {right[i]:.6g}"
        yield fault(_named(given, forms, smooth, "wrong-penalty-slope"), said)


def _wrong(given: Floats, right: Floats, error: Floats) -> Any:
    return ~(np.abs(given - right) <= RELATIVE * np.maximum(np.abs(right), 1e-2) + 10.0 * error)


def _worst(given: Floats, right: Floats, wrong: Any) -> Any:
    apart = np.where(wrong, np.abs(given - right), -1.0)
    at = np.unravel_index(int(np.nan_to_num(apart, nan=np.inf).argmax()), given.shape)
    return tuple(int(i) for i in at) if given.ndim > 1 else int(at[0])


def _named(given: Floats, forms: Mapping[str, Floats], smooth: Any, otherwise: str) -> str:
    """The first of the forms that is what was given."""
    for name, V in forms.items():
        if np.allclose(given[smooth], V[smooth], rtol=1e-5, atol=1e-9):
            return name
    return otherwise
