"""The L-layer network: forward, cost, backward. One column is one example; indices are those of the notes.

    n[l]  units in layer l            A[0] = X   (n[0], m)     the inputs
    W[l]  (n[l], n[l-1])              A[L] = Y^  (n[L], m)     the predictions
    b[l]  (n[l], 1)                   dV = dJ/dV, shaped like V
    Z[l], A[l]  (n[l], m)             lists run over l; entries that do not exist are None

J = sum over examples i of share_i * loss_i + penalties.  share_i = w_i / S, (m,), is how much example i counts, with
S the sum of the weights w; 1/m where all weigh the same. It enters in two lines, J and dZ[L], and nowhere else:
every other equation carries it along, so each dV is literally the derivative of the reported J.
"""

from collections.abc import Callable, Sequence

from chainrule.formulas.losses import Loss
from chainrule.formulas.table import Array, Namespace

Layers = list[Array]  # what is worked out, indexed by l = 0..L
ByLayer = Sequence[Array]  # what is given by layer: W, b, g, slope; entry 0 is not used


def forward(W: ByLayer, b: ByLayer, g: ByLayer, X: Array) -> tuple[Layers, Layers]:
    """Z[1..L] and A[0..L], with A[0] = X.

    >>> import numpy as np
    >>> W, b = [None, np.array([[1.0, 2.0]])], [None, np.array([[3.0]])]
    >>> Z, A = forward(W, b, [None, np.tanh], np.array([[1.0], [-2.0]]))
    >>> Z[1].tolist(), A[1].tolist()
    ([[0.0]], [[0.0]])
    """
    L = len(W) - 1
    Z: Layers = [None] * (L + 1)
    A: Layers = [X] + [None] * L
    for l in range(1, L + 1):
        Z[l] = W[l] @ A[l - 1] + b[l]
        A[l] = g[l](Z[l])
    return Z, A


def share(xp: Namespace, w: Array) -> tuple[Array, Array]:
    """w / S, (m,), and S, the sum of the weights w, (m,)."""
    S = xp.sum(w)
    return w / S, S


def cost(xp: Namespace, loss: Loss, Z_L: Array, Y: Array, share: Array) -> Array:
    """J = sum_i share_i loss_i, summed over outputs too; without penalties."""
    return xp.sum(share * loss.value(Z_L, Y))


def output_delta(loss: Loss, Z_L: Array, Y: Array, share: Array) -> Array:
    """dZ[L] = dJ/dZ[L] = share * dloss/dZ[L]: (A[L] - Y)/m for the cross-entropies and least squares."""
    return share * loss.dZ(Z_L, Y)


def backward(
    xp: Namespace, W: ByLayer, slope: ByLayer, Z: Layers, A: Layers, dZ_L: Array, inputs: bool = False
) -> tuple[Layers, Layers, Layers, Layers]:
    """dW[1..L], db[1..L], dZ[1..L] and dA[1..L-1] from dZ[L].

    With ``inputs`` also dA[0] = dJ/dX; it costs as much as dW[1], so it is worked out only when asked for.
    """
    L = len(W) - 1
    dW: Layers = [None] * (L + 1)
    db: Layers = [None] * (L + 1)
    dA: Layers = [None] * (L + 1)
    dZ: Layers = [None] * L + [dZ_L]
    for l in range(L, 0, -1):
        dW[l] = dZ[l] @ A[l - 1].T
        db[l] = xp.sum(dZ[l], axis=1, keepdims=True)
        if l > 1 or inputs:
            dA[l - 1] = W[l].T @ dZ[l]
        if l > 1:
            dZ[l - 1] = dA[l - 1] * slope[l - 1](Z[l - 1], A[l - 1])
    return dW, db, dZ, dA


def dropped(
    g: Callable[[Array], Array], slope: Callable[[Array, Array], Array], D: Array
) -> tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]:
    """The activation of a layer with inverted dropout: A = D g(Z), so dA/dZ = D g'(Z).

    D holds 0 where a unit is dropped and 1/(1 - p) elsewhere, (n[l], m), so that A keeps its expected value and
    prediction needs no change. Srivastava et al. 2014, section 10.
    """
    return lambda Z: D * g(Z), lambda Z, A: D * slope(Z, g(Z))
