"""*Multi-layer networks*: forward and backward propagation for one neuron, for one example, and for m examples.

    neuron_...     the scalar derivatives of the document as loops over j and k   (in ``neurons``)
    layer_...      their matrix forms                                             (in ``neurons``)
    ..._example    all layers for one example: z, a, dz, da are columns (n[l], 1)
    ..._examples   all layers for m examples: column i of Z[l] belongs to x(i)

Each dV here is dJ/dV itself: 1/m is inside dZ[L], and dW and db have none. W, b, z, a, ... are lists over l = 0..L;
entries that do not exist are None. A layer's activation is named by its row in ACTIVATIONS.
"""

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas import equations
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.equations import ByLayer, Layers
from chainrule.network import Network
from chainrule.notes.array_checks import (
    Floats,
    require_between_0_and_1,
    require_fit,
    require_matrices,
    require_same_shape,
)
from chainrule.notes.multi_layer.neurons import (
    layer_da_prev,
    layer_db,
    layer_dW,
    layer_dz,
    layer_z,
    require_column,
)

__all__ = [
    "backward_example",
    "backward_examples",
    "cost_of_examples",
    "forward_example",
    "forward_examples",
    "output_dA",
    "output_dZ",
    "output_dZ_long_way",
    "typical_network",
]


def typical_network(n: tuple[int, ...], hidden: str = "relu") -> Network:
    """The document's typical architecture: relu or tanh in layers 1..L-1, sigmoid in layer L, cross-entropy.

    >>> network = typical_network((4, 3, 1), "tanh")
    >>> network.activation, network.loss, network.L
    (('tanh',), 'binary_cross_entropy(smoothing=0)', 2)
    """
    return Network(n, hidden, "binary_cross_entropy", dtype="float64")


def forward_example(network: Network, W: ByLayer, b: ByLayer, x: Floats) -> tuple[Layers, Layers]:
    """z[l] = W[l] a[l-1] + b[l], a[l] = g[l](z[l]) for l = 1..L: the columns z[1..L] and a[0..L] of one example.

    a[0] = x, (n[0], 1); a[L] = y^. RequestError: x is not a column, or shapes that do not fit a layer.

    >>> W, b = [None, np.array([[1.0, 2.0]])], [None, np.array([[-2.0]])]
    >>> z, a = forward_example(typical_network((2, 1)), W, b, np.array([[0.0], [1.0]]))
    >>> z[1].tolist(), a[1].tolist()
    ([[0.0]], [[0.5]])
    """
    require_column("x", x)
    _require_layers(network, W, b, x)
    z: Layers = [None] * (network.L + 1)
    a: Layers = [x] + [None] * network.L
    for l in range(1, network.L + 1):
        z[l] = layer_z(W[l], b[l], a[l - 1])
        a[l] = ACTIVATIONS.make(_activation(network, l), np).g(z[l])
    return z, a


def backward_example(
    network: Network, W: ByLayer, z: Layers, a: Layers, da_L: Floats
) -> tuple[Layers, Layers, Layers, Layers]:
    """dW[1..L], db[1..L], dz[1..L] and da[0..L] of one example from da[L] = dJ/da[L], by the four equations

    dz[l] = da[l] * g[l]'(z[l]),  dW[l] = dz[l] a[l-1]^T,  db[l] = dz[l],  da[l-1] = W[l]^T dz[l],  l = L..1.

    >>> W, b = [None, np.array([[1.0, 2.0]])], [None, np.array([[-2.0]])]
    >>> z, a = forward_example(typical_network((2, 1)), W, b, np.array([[0.0], [1.0]]))
    >>> dW, db, dz, da = backward_example(typical_network((2, 1)), W, z, a, np.array([[4.0]]))
    >>> dW[1].tolist(), db[1].tolist(), da[0].tolist()
    ([[0.0, 1.0]], [[1.0]], [[1.0], [2.0]])
    """
    L = network.L
    dW: Layers = [None] * (L + 1)
    db: Layers = [None] * (L + 1)
    dz: Layers = [None] * (L + 1)
    da: Layers = [None] * L + [da_L]
    for l in range(L, 0, -1):
        dz[l] = layer_dz(da[l], z[l], _activation(network, l))
        dW[l] = layer_dW(dz[l], a[l - 1])
        db[l] = layer_db(dz[l])
        da[l - 1] = layer_da_prev(W[l], dz[l])
    return dW, db, dz, da


def forward_examples(network: Network, W: ByLayer, b: ByLayer, X: Floats) -> tuple[Layers, Layers]:
    """Z[l] = W[l] A[l-1] + b[l], A[l] = g[l](Z[l]), (n[l], m): column i belongs to x(i). b[l] is added to every column.

    >>> W, b = [None, np.array([[1.0, 2.0]])], [None, np.array([[-2.0]])]
    >>> Z, A = forward_examples(typical_network((2, 1)), W, b, np.array([[0.0, 2.0], [1.0, 0.0]]))
    >>> A[1].tolist()
    [[0.5, 0.5]]
    """
    require_matrices(X=X)
    _require_layers(network, W, b, X)
    return equations.forward(W, b, network.formulas(np).g, X)


def backward_examples(
    network: Network, W: ByLayer, Z: Layers, A: Layers, Y: Floats, *, long_way: bool = False
) -> tuple[Layers, Layers, Layers, Layers]:
    """dW[l] = dZ[l] A[l-1]^T, db[l] = sum over i of dZ[l](i), dA[l-1] = W[l]^T dZ[l], dZ[l] = dA[l] * g[l]'(Z[l]).

    Returns dW[1..L], db[1..L], dZ[1..L], dA[0..L-1]. It begins with ``output_dZ``, or ``output_dZ_long_way``, so it is
    for networks with sigmoid output and cross-entropy.

    >>> W, b = [None, np.array([[1.0, 2.0]])], [None, np.array([[-2.0]])]
    >>> Z, A = forward_examples(typical_network((2, 1)), W, b, np.array([[0.0, 2.0], [1.0, 0.0]]))
    >>> dW, db, dZ, dA = backward_examples(typical_network((2, 1)), W, Z, A, np.array([[0.0, 1.0]]))
    >>> dZ[1].tolist(), dW[1].tolist(), db[1].tolist()
    ([[0.25, -0.25]], [[-0.5, 0.25]], [[0.0]])
    """
    _require_cross_entropy(network)
    dZ_L = output_dZ_long_way(Z[-1], A[-1], Y) if long_way else output_dZ(A[-1], Y)
    return equations.backward(np, W, network.formulas(np).slope, Z, A, dZ_L, inputs=True)


def cost_of_examples(network: Network, Z: Layers, Y: Floats) -> float:
    """J = -1/m sum over i of [Y(i) log A[L](i) + (1 - Y(i)) log(1 - A[L](i))], worked out on Z[L].

    >>> network, Z = typical_network((2, 1)), [None, np.array([[0.0, 800.0]])]
    >>> round(cost_of_examples(network, Z, np.array([[1.0, 0.0]])), 6)
    400.346574
    """
    _require_cross_entropy(network)
    require_same_shape(Z[-1], Y)
    require_between_0_and_1(Y=Y)
    share, _ = equations.share(np, np.ones(Y.shape[1]))
    return float(equations.cost(np, network.formulas(np).loss, Z[-1], Y, share))


def output_dZ(A_L: Floats, Y: Floats) -> Floats:
    """dZ[L] = 1/m (A[L] - Y), where backward propagation starts; all (n[L], m).

    >>> output_dZ(np.array([[0.5, 1.0]]), np.array([[1.0, 1.0]])).tolist()
    [[-0.25, 0.0]]
    """
    require_same_shape(A_L, Y)
    require_between_0_and_1(Y=Y)
    return (A_L - Y) / Y.shape[1]


def output_dA(A_L: Floats, Y: Floats) -> Floats:
    """dA[L] = dJ/dA[L] = -1/m [Y / A[L] - (1 - Y) / (1 - A[L])]; infinite or nan where A[L] is 0 or 1.

    >>> output_dA(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])).tolist()
    [[-1.0, 1.0]]
    """
    require_same_shape(A_L, Y)
    require_between_0_and_1(A_L=A_L, Y=Y)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return -1.0 / Y.shape[1] * (Y / A_L - (1.0 - Y) / (1.0 - A_L))


def output_dZ_long_way(Z_L: Floats, A_L: Floats, Y: Floats) -> Floats:
    """dZ[L] = dA[L] * sigmoid'(Z[L]) with sigmoid' = A[L] * (1 - A[L]); equals ``output_dZ`` wherever it is finite.

    >>> output_dZ_long_way(np.array([[0.0]]), np.array([[0.5]]), np.array([[1.0]])).tolist()
    [[-0.5]]
    """
    with np.errstate(invalid="ignore"):
        return output_dA(A_L, Y) * ACTIVATIONS["sigmoid"](np).slope(Z_L, A_L)


def _activation(network: Network, l: int) -> str:
    """The activation of layer l. In the last it is the loss's link, which must act on each unit by itself."""
    if l < network.L:
        return network.activation[l - 1]
    link = network.formulas(np).loss.link
    if link not in ACTIVATIONS:
        raise RequestError(f"layer {l}: {link} has no g' that is taken element by element; use a sigmoid output.")
    return link


def _require_layers(network: Network, W: ByLayer, b: ByLayer, X: Floats) -> None:
    if not len(W) == len(b) == network.L + 1:
        raise RequestError(
            f"W and b must have the entries 0..{network.L} (entry 0 is not used), not {len(W)} and {len(b)} entries."
        )
    A, name_of_A = X, "a[0]"
    for l in range(1, network.L + 1):
        require_fit(f"layer {l}: ", W[l], b[l], name_of_A, A)
        A, name_of_A = W[l], f"a[{l}]"  # a[l] has as many rows as W[l]


def _require_cross_entropy(network: Network) -> None:
    if network.loss != typical_network((1, 1)).loss:
        raise RequestError(f"the shortcut (A[L] - Y)/m is that of plain binary_cross_entropy, not of {network.loss}.")
