"""One neuron, and one layer, of *Multi-layer networks*: each derivative as a loop over scalars, and as a matrix.

    neuron_...   the scalar equations of the document, looped over j (neurons of layer l) and k (those of layer l-1)
    layer_...    the matrix form of each

All for one example: z, a, dz, da are columns (n[l], 1), and dV is dJ/dV. An activation is named by its row in
ACTIVATIONS. RequestError: shapes that do not fit.
"""

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import Floats, require_fit, require_matrices

__all__ = [
    "layer_dW",
    "layer_da_prev",
    "layer_db",
    "layer_dz",
    "layer_z",
    "neuron_a",
    "neuron_da_prev",
    "neuron_db",
    "neuron_dw",
    "neuron_dz",
    "neuron_z",
]


def neuron_z(W: Floats, b: Floats, a_prev: Floats) -> Floats:
    """z_j = sum over k of w_jk a_k[l-1] + b_j for each neuron j, (n[l], 1).

    W (n[l], n[l-1]), b (n[l], 1), a_prev (n[l-1], 1).

    >>> neuron_z(np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[4.0], [5.0]])).tolist()
    [[17.0]]
    """
    _require_example(W, b, a_prev)
    z = np.zeros(b.shape)
    for j in range(W.shape[0]):
        z[j, 0] = b[j, 0]
        for k in range(W.shape[1]):
            z[j, 0] += W[j, k] * a_prev[k, 0]
    return z


def neuron_a(z: Floats, activation: str) -> Floats:
    """a_j = g(z_j) for each neuron j, (n[l], 1).

    >>> neuron_a(np.array([[2.0], [-1.0]]), "relu").tolist()
    [[2.0], [0.0]]
    """
    g = ACTIVATIONS.make(activation, np).g
    return np.array([[g(z_j)] for z_j in require_column("z", z)])


def neuron_dz(da: Floats, z: Floats, activation: str) -> Floats:
    """dJ/dz_j = dJ/da_j g'(z_j) for each neuron j, all (n[l], 1).

    >>> neuron_dz(np.array([[5.0], [5.0]]), np.array([[2.0], [-1.0]]), "relu").tolist()
    [[5.0], [0.0]]
    """
    _require_alike(da, z)
    row = ACTIVATIONS.make(activation, np)
    pairs = zip(require_column("da", da), require_column("z", z), strict=True)
    return np.array([[da_j * row.slope(z_j, row.g(z_j))] for da_j, z_j in pairs])


def neuron_dw(dz: Floats, a_prev: Floats) -> Floats:
    """dJ/dw_jk = dJ/dz_j a_k[l-1] for each neuron j and each of its weights k, (n[l], n[l-1]).

    In z_j = sum over k' of w_jk' a_k' + b_j only the term k' = k knows w_jk; the document sums over k itself there.

    >>> neuron_dw(np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    return np.array([[dz_j * a_k for a_k in require_column("a_prev", a_prev)] for dz_j in require_column("dz", dz)])


def neuron_db(dz: Floats) -> Floats:
    """dJ/db_j = dJ/dz_j for each neuron j, (n[l], 1).

    >>> neuron_db(np.array([[1.0], [2.0]])).tolist()
    [[1.0], [2.0]]
    """
    return np.array([[dz_j] for dz_j in require_column("dz", dz)])


def neuron_da_prev(W: Floats, dz: Floats) -> Floats:
    """dJ/da_k[l-1] = sum over j of dJ/dz_j w_jk for each neuron k of the layer before, (n[l-1], 1).

    Neuron k acts on J through every z_j of layer l; the document's last line loses the sum.

    >>> neuron_da_prev(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]])).tolist()
    [[31.0], [42.0]]
    """
    _require_rows(W, dz)
    da_prev = np.zeros((W.shape[1], 1))
    for k in range(W.shape[1]):
        for j in range(W.shape[0]):
            da_prev[k, 0] += dz[j, 0] * W[j, k]
    return da_prev


def layer_z(W: Floats, b: Floats, a_prev: Floats) -> Floats:
    """z[l] = W[l] a[l-1] + b[l], (n[l], 1).

    >>> layer_z(np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[4.0], [5.0]])).tolist()
    [[17.0]]
    """
    _require_example(W, b, a_prev)
    return W @ a_prev + b


def layer_dz(da: Floats, z: Floats, activation: str) -> Floats:
    """dz[l] = da[l] * g[l]'(z[l]), element by element, all (n[l], 1); as it stands, dZ from dA and Z for m examples.

    >>> layer_dz(np.array([[5.0], [5.0]]), np.array([[2.0], [-1.0]]), "relu").tolist()
    [[5.0], [0.0]]
    """
    _require_alike(da, z)
    row = ACTIVATIONS.make(activation, np)
    return da * row.slope(z, row.g(z))


def layer_dW(dz: Floats, a_prev: Floats) -> Floats:
    """dW[l] = dz[l] a[l-1]^T, (n[l], n[l-1]).

    >>> layer_dW(np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    require_column("dz", dz)
    require_column("a_prev", a_prev)
    return dz @ a_prev.T


def layer_db(dz: Floats) -> Floats:
    """db[l] = dz[l], (n[l], 1).

    >>> layer_db(np.array([[1.0], [2.0]])).tolist()
    [[1.0], [2.0]]
    """
    require_column("dz", dz)
    return dz.copy()


def layer_da_prev(W: Floats, dz: Floats) -> Floats:
    """da[l-1] = W[l]^T dz[l], (n[l-1], 1).

    >>> layer_da_prev(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]])).tolist()
    [[31.0], [42.0]]
    """
    _require_rows(W, dz)
    return W.T @ dz


def require_column(name: str, v: Floats) -> Floats:
    """The numbers of a column (n, 1).

    >>> require_column("z", np.zeros((3, 2)))
    Traceback (most recent call last):
    chainrule.errors.RequestError: z is (3, 2): for one example it is a column, (3, 1).
    """
    require_matrices(**{name: v})
    if v.shape[1] != 1:
        raise RequestError(f"{name} is {v.shape}: for one example it is a column, ({v.shape[0]}, 1).")
    return v[:, 0]


def _require_example(W: Floats, b: Floats, a_prev: Floats) -> None:
    require_matrices(W=W, b=b)
    require_column("a_prev", a_prev)
    require_fit("", W, b, "a_prev", a_prev)


def _require_rows(W: Floats, dz: Floats) -> None:
    require_column("dz", dz)
    if len(W) != len(dz):
        raise RequestError(f"W is {W.shape} but dz has {len(dz)} rows.")


def _require_alike(da: Floats, z: Floats) -> None:
    if np.shape(da) != np.shape(z):
        raise RequestError(f"da is {np.shape(da)} but z is {np.shape(z)}: they have the same shape.")
