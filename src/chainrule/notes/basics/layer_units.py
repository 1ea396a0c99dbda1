"""The units of one layer (*Deep learning basics*): one by one, stacked into W x + b, and their four activations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import require_fit, require_matrices

__all__ = ["four_activations", "layer_stacked", "layer_unit_by_unit"]

Floats = NDArray[Any]


def four_activations(z: Floats) -> dict[str, tuple[Floats, Floats]]:
    """a and a' = da/dz of the document's four activations. It gives the derivatives of the first two alone.

        sigmoid      1 / (1 + e^-z)                   a (1 - a)
        tanh         (e^z - e^-z) / (e^z + e^-z)      1 - a^2
        relu         max(0, z)                        1 where z > 0, else 0
        leaky_relu   max(0.01 z, z)                   1 where z > 0, else 0.01

    >>> a, slope = four_activations(np.array([-2.0, 3.0]))["leaky_relu"]
    >>> a.tolist(), slope.tolist()
    ([-0.02, 3.0], [0.01, 1.0])
    """
    rows = {name: ACTIVATIONS[name](np) for name in ("sigmoid", "tanh", "relu", "leaky_relu")}
    return {name: (row.g(z), row.slope(z, row.g(z))) for name, row in rows.items()}


def layer_unit_by_unit(W: Floats, b: Floats, x: Floats) -> Floats:
    """z_i = w_i^T x + b_i, one unit after the other, (n, 1); row i of W is w_i^T.

    RequestError: W, b and the column x do not fit.

    >>> W, b, x = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[0.5], [0.0]]), np.ones((2, 1))
    >>> layer_unit_by_unit(W, b, x).tolist()
    [[3.5], [1.0]]
    """
    _require_layer(W, b, x)
    z = np.zeros((W.shape[0], 1))
    for i in range(W.shape[0]):
        w_i = W[i].reshape(-1, 1)
        z[i] = np.dot(w_i.T, x) + b[i]
    return z


def layer_stacked(W: Floats, b: Floats, x: Floats) -> Floats:
    """z = W x + b: the rows w_i^T stacked, all units at once; the same as ``layer_unit_by_unit``.

    >>> layer_stacked(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[0.5], [0.0]]), np.ones((2, 1))).tolist()
    [[3.5], [1.0]]
    """
    _require_layer(W, b, x)
    return W @ x + b


def _require_layer(W: Floats, b: Floats, x: Floats) -> None:
    require_matrices(W=W, b=b, x=x)
    require_fit("layer 1: ", W, b, "x", x)
    if x.shape[1] != 1:
        raise RequestError(f"x is {x.shape}: one example is one column, ({x.shape[0]}, 1).")
