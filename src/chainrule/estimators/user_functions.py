"""A user's own activation or loss is held against numerical derivatives before it trains anything."""

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.table import Functions
from chainrule.network import Network

STEP = 1e-5
TOLERANCE = 1e-4  # of what is compared, relative where it is large: the error of a central difference is far below
POINTS = np.array([-3.1, -1.7, -0.9, -0.3, -0.05, 0.04, 0.35, 0.8, 1.6, 2.9])
EXAMPLES = 32


def require_right_derivatives(functions: Functions, network: Network, Y: np.ndarray) -> None:
    """RequestError where slope is not the derivative of g, or dZ not that of value; it names the place and by how much.

    Y  the encoded targets, (m, n[L]); the first ones are used
    """
    for name in functions:
        if name in network.activation:
            _check_activation(name, functions)
        if name == network.loss:
            _check_loss(name, functions, np.asarray(Y[:EXAMPLES], np.float64).T)


def _check_activation(name: str, functions: Functions) -> None:
    row = ACTIVATIONS.make(name, np, functions=functions)
    Z = np.array([z for z in POINTS if all(abs(z - kink) > 10 * STEP for kink in row.kinks)])
    given = np.asarray(row.slope(Z, row.g(Z))) * np.ones_like(Z)
    expected = (row.g(Z + STEP) - row.g(Z - STEP)) / (2.0 * STEP)
    wrong = _wrong(given, expected)
    if wrong.any():
        i = int(wrong.argmax())
        raise RequestError(
            f"activation {name!r}: slope gives {given[i]:.6g} at z = {Z[i]:g}, and the derivative of g there is "
            f"{expected[i]:.6g}, by central differences; off by {given[i] - expected[i]:.2g}. Correct slope(Z, A), or "
            "name in kinks where g has no derivative."
        )


def _check_loss(name: str, functions: Functions, Y: np.ndarray) -> None:
    row = LOSSES.make(name, np, functions=functions)
    Z = np.resize(POINTS, Y.shape)
    given = np.asarray(row.dZ(Z, Y)) * np.ones_like(Z)
    expected = np.empty_like(Z)
    for k in range(len(Z)):
        E = np.zeros_like(Z)
        E[k] = STEP
        expected[k] = np.sum(row.value(Z + E, Y) - row.value(Z - E, Y), axis=0) / (2.0 * STEP)
    wrong = _wrong(given, expected)
    if row.kink:
        wrong &= np.abs(Z - Y) > 10 * STEP
    if wrong.any():
        k, i = (int(v) for v in np.unravel_index(wrong.argmax(), wrong.shape))
        raise RequestError(
            f"loss {name!r}: dZ gives {given[k, i]:.6g} for example {i}, output {k} (z = {Z[k, i]:g}, "
            f"y = {Y[k, i]:g}), and the derivative of value there is {expected[k, i]:.6g}, by central differences; off "
            f"by {given[k, i] - expected[k, i]:.2g}. Correct dZ(Z, Y)."
        )


def _wrong(given: np.ndarray, expected: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return ~(np.abs(given - expected) <= TOLERANCE * np.maximum(1.0, np.abs(expected)))
