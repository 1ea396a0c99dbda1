"""*Theta notation*, second half: bias units, K sigmoid outputs, their cost, and the "errors" delta.

    L        number of layers, the input counted          s_l    units of layer l, without its bias unit
    Theta    [Theta(1), ..., Theta(L-1)];  Theta(l) is (s_(l+1), s_l + 1), column j = 0 for the biases
    X, Y     (m, s_1), (m, K): one row for each example; Y is 0 or 1, in each of K = s_L questions of its own
    a, z, delta    by layer: a[1]..a[L], z[2]..z[L], delta[2]..delta[L]; one column for each example

a[l] is (s_l + 1, m) for l < L: row 0 is the bias unit, a_0 = 1, so that a[1][1] is x_1, as in a_1^(1) = x_1. a[L] has
no bias unit, nor has any z or delta. Every layer's g is the sigmoid. Delta and D: see ``theta_accumulators``.
"""

from collections.abc import Sequence
from itertools import pairwise
from reprlib import repr as short

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.table import Array
from chainrule.notes.array_checks import require_arrays, require_between_0_and_1
from chainrule.notes.switches import switchable

__all__ = [
    "Theta_shapes",
    "delta_L",
    "delta_l",
    "h_Theta",
    "layer_sizes",
    "theta_backward",
    "theta_cost",
    "theta_forward",
]

ThetaList = Sequence[Array]
ByLayer = dict[int, Array]

_sigmoid = ACTIVATIONS["sigmoid"](np).g
_cross_entropy = LOSSES["binary_cross_entropy"](np)


def Theta_shapes(s: Sequence[int]) -> list[tuple[int, int]]:
    """(s_(l+1), s_l + 1) for l = 1..L-1: rows for the next layer's units, columns for this one's and its bias unit.

    >>> Theta_shapes((400, 25, 10))
    [(25, 401), (10, 26)]
    """
    return [(after, before + 1) for before, after in pairwise(s)]


def layer_sizes(Theta: ThetaList) -> tuple[int, ...]:
    """(s_1, ..., s_L). RequestError: a Theta that does not take what the one before it gives.

    >>> layer_sizes([np.zeros((25, 401)), np.zeros((10, 26))])
    (400, 25, 10)
    """
    if isinstance(Theta, str) or not all(hasattr(Theta_l, "shape") for Theta_l in Theta):
        raise RequestError(f"Theta is a list of arrays, one for each layer but the last, not {short(Theta)}")
    if not Theta or any(Theta_l.ndim != 2 or 0 in Theta_l.shape or Theta_l.shape[1] < 2 for Theta_l in Theta):
        shapes = [Theta_l.shape for Theta_l in Theta]
        raise RequestError(f"Theta is a list of matrices (s_(l+1), s_l + 1), one for each layer but the last: {shapes}")
    for l, (before, after) in enumerate(pairwise(Theta), start=2):
        if after.shape[1] != before.shape[0] + 1:
            raise RequestError(
                f"layer {l}: Theta({l}) is {after.shape} but layer {l} has {before.shape[0]} units: with the bias unit "
                f"that is {before.shape[0] + 1} columns"
            )
    return (Theta[0].shape[1] - 1, *(Theta_l.shape[0] for Theta_l in Theta))


def theta_forward(Theta: ThetaList, X: Array) -> tuple[ByLayer, ByLayer]:
    """z[2..L] and a[1..L]: a(1) = x with a_0 = 1 on top; z(l+1) = Theta(l) a(l); a(l) = g(z(l)), with a_0 = 1 on top.

    RequestError: shapes that do not fit.

    >>> z, a = theta_forward([np.array([[0.0, 1.0, -1.0]])], np.array([[3.0, 3.0]]))
    >>> a[1].tolist(), z[2].tolist(), a[2].tolist()
    ([[1.0], [3.0], [3.0]], [[0.0]], [[0.5]])
    """
    s = layer_sizes(Theta)
    require_arrays(X=X)
    if X.ndim != 2 or X.shape[1] != s[0]:
        raise RequestError(f"layer 1: Theta(1) is {Theta[0].shape}, for {s[0]} inputs, but X is {X.shape}")
    L = len(s)
    z: ByLayer = {}
    a: ByLayer = {1: _with_bias_unit(X.T)}
    for l, Theta_l in enumerate(Theta, start=1):
        z[l + 1] = Theta_l @ a[l]
        a[l + 1] = _sigmoid(z[l + 1])
        if l + 1 < L:
            a[l + 1] = _with_bias_unit(a[l + 1])
    return z, a


def h_Theta(Theta: ThetaList, X: Array) -> Array:
    """The hypothesis, (m, K): entry (i, k) is (h_Theta(x^(i)))_k, the chance that example i is a k.

    >>> h_Theta([np.zeros((3, 3))], np.ones((1, 2))).tolist()
    [[0.5, 0.5, 0.5]]
    """
    _, a = theta_forward(Theta, X)
    return a[len(a)].T


@switchable
def theta_cost(Theta: ThetaList, X: Array, Y: Array, lambd: float = 0.0) -> float:
    """J = -1/m sum_i sum_k [y_k log h_k + (1 - y_k) log(1 - h_k)] + lambda/(2m) sum of Theta(l)[:, 1:]^2.

    Logistic regression's cost for each of K sigmoids, which the document calls multi-class (a softmax has another). Its
    brackets leave the second term outside the sum. Found from z(L), where the logarithms of h cannot be infinite.
    Biases are not penalised: i runs from 1, and column 0 holds them. RequestError: shapes that do not fit, targets
    outside [0, 1].

    >>> J = theta_cost([np.zeros((2, 3))], np.ones((5, 2)), np.eye(2)[[0, 0, 1, 1, 1]])
    >>> bool(np.isclose(J, 2 * np.log(2)))
    True
    """
    z, _ = theta_forward(Theta, X)
    z_L, m = z[len(Theta) + 1], require_targets(Theta, X, Y)
    l2 = PENALTIES["l2"](np, lambd)
    penalty = sum(float(l2.value(Theta_l[:, 1:], m).sum()) for Theta_l in Theta)
    return float(_cross_entropy.value(z_L, Y.T).sum()) / m + penalty


@switchable
def delta_L(a_L: Array, y: Array) -> Array:
    """delta(L) = a(L) - y, (K, m): the "error" of the output for the cross-entropy. For 1/2 (y - a)^2 see delta3.

    >>> delta_L(np.array([[0.75]]), np.array([[1.0]])).tolist()
    [[-0.25]]
    """
    if a_L.shape != y.shape:
        raise RequestError(f"layer L: a(L) is {a_L.shape} but y is {y.shape}; one column for each example in both")
    require_between_0_and_1(y=y)
    return a_L - y


@switchable
def delta_l(Theta_l: Array, delta_next: Array, a_l: Array) -> Array:
    """delta(l) = (Theta(l)[:, 1:]^T delta(l+1)) * a(l) * (1 - a(l)), (s_l, m), for l = L-1..2; * is element by element.

    a_l (s_l + 1, m) has the bias unit in row 0. No weight leads to that unit, so it has no delta: its row is left out
    of Theta^T and of a, which the document does not say.

    >>> delta_l(np.array([[9.0, 2.0, 4.0]]), np.array([[1.0]]), np.array([[1.0], [0.5], [0.5]])).tolist()
    [[0.5], [1.0]]
    """
    if Theta_l.shape != delta_next.shape[:1] + a_l.shape[:1] or delta_next.shape[1:] != a_l.shape[1:]:
        raise RequestError(
            f"layer l: Theta(l) is {Theta_l.shape} but delta(l+1) is {delta_next.shape} and a(l), with its bias unit, "
            f"{a_l.shape}; (s_(l+1), s_l + 1), (s_(l+1), m) and (s_l + 1, m) fit"
        )
    return (Theta_l[:, 1:].T @ delta_next) * a_l[1:] * (1.0 - a_l[1:])


def theta_backward(Theta: ThetaList, a: ByLayer, Y: Array) -> ByLayer:
    """delta[L..2], from a[1..L] and Y (m, K): delta(L), then delta(L-1), delta(L-2), ..., delta(2).

    >>> Theta = [np.ones((3, 3)), np.ones((1, 4))]
    >>> _, a = theta_forward(Theta, np.ones((5, 2)))
    >>> {l: d.shape for l, d in theta_backward(Theta, a, np.ones((5, 1))).items()}
    {3: (1, 5), 2: (3, 5)}
    """
    L = len(Theta) + 1
    if missing := [l for l in range(1, L + 1) if l not in a]:
        raise RequestError(f"layer {missing[0]}: a must hold a(1), ..., a({L}), as theta_forward returns them")
    delta: ByLayer = {L: delta_L(a[L], Y.T)}
    for l in range(L - 1, 1, -1):
        delta[l] = delta_l(Theta[l - 1], delta[l + 1], a[l])
    return delta


def require_targets(Theta: ThetaList, X: Array, Y: Array) -> int:
    """The number of examples, m. RequestError: not K targets for each, or others than 0 to 1.

    Targets of another shape would be broadcast in silence.

    >>> require_targets([np.zeros((3, 3))], np.zeros((5, 2)), np.zeros((5, 3)))
    5
    """
    require_arrays(X=X, Y=Y)
    m, K = X.shape[0], layer_sizes(Theta)[-1]
    if m == 0 or Y.shape != (m, K):
        raise RequestError(f"layer {len(Theta) + 1}: X is {X.shape} and K = {K}, but Y is {Y.shape}; (m, K) fits")
    require_between_0_and_1(Y=Y)
    return m


def _with_bias_unit(a: Array) -> Array:
    return np.vstack([np.ones((1, a.shape[1]), a.dtype), a])
