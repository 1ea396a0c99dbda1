"""Between notations: the same parameters as W[l] and b[l], as a dict, as a list of Theta, as theta of a Network.

    W, b          [None, W[1], ..., W[L]], [None, b[1], ..., b[L]]; as in ``chainrule.Parameters``
    parameters    {"W1": ..., "b1": ..., ...}, of *Building blocks*: relu in hidden layers, sigmoid at the output
    Theta         [Theta(1), ..., Theta(L)] of *Theta notation*, biases in column 0: sigmoid in every layer
    theta         one vector, beside the Network that names its activations and its loss

A dict or a list of matrices does not say which activation and which cost it was trained with. So only networks whose
activations and loss are those that the document supposes are put into its notation; others are refused, rather than
be read there as a different function. Dropout and penalties play no part in what a trained network predicts: they are
not carried, and stay as they are where a Network or a Model is handed in to put the parameters back into.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.table import Array, Functions
from chainrule.network import Network, Parameters
from chainrule.notes.theta.theta_network import ThetaList, layer_sizes

if TYPE_CHECKING:
    from chainrule.model import Model

__all__ = [
    "model_from_Theta",
    "model_from_parameters",
    "model_to_Theta",
    "model_to_parameters",
    "network_from_Theta",
    "network_from_parameters",
    "network_to_Theta",
    "network_to_parameters",
    "row_theta_from_wb",
    "theta_from_wb",
    "wb_from_row_theta",
    "wb_from_theta",
]

ByLayer = Sequence[Array]  # entry 0 is None


def theta_from_wb(W: ByLayer, b: ByLayer) -> list[Array]:
    """Theta(l) = [b[l], W[l]], (n[l], n[l-1] + 1), for l = 1..L. RequestError: a b[l] that is not W[l]'s.

    >>> theta_from_wb([None, np.array([[1.0, 2.0]])], [None, np.array([[3.0]])])[0].tolist()
    [[3.0, 1.0, 2.0]]
    """
    if len(W) != len(b):
        raise RequestError(f"W has {len(W) - 1} layers but b has {len(b) - 1}")
    for l in range(1, len(W)):
        if W[l].ndim != 2 or b[l].shape != (W[l].shape[0], 1):
            raise RequestError(f"layer {l}: W is {W[l].shape} but b is {b[l].shape}")
        if l > 1 and W[l].shape[1] != W[l - 1].shape[0]:
            raise RequestError(f"layer {l}: W is {W[l].shape} but A[{l - 1}] has {W[l - 1].shape[0]} rows")
    return [np.hstack([b[l], W[l]]) for l in range(1, len(W))]


def wb_from_theta(Theta: ThetaList) -> tuple[list[Array], list[Array]]:
    """W[l] = Theta(l)[:, 1:] and b[l] = Theta(l)[:, 0:1], views of it; entry 0 is None. RequestError: shapes.

    >>> W, b = wb_from_theta([np.array([[3.0, 1.0, 2.0]])])
    >>> W[1].tolist(), b[1].tolist()
    ([[1.0, 2.0]], [[3.0]])
    """
    layer_sizes(Theta)
    return [None, *(Theta_l[:, 1:] for Theta_l in Theta)], [None, *(Theta_l[:, 0:1] for Theta_l in Theta)]


def row_theta_from_wb(W: ByLayer, b: ByLayer) -> list[Array]:
    """Theta(l) = W[l]^T, (n[l-1], n[l]), of the document's first half, z = a Theta. RequestError: a bias is not 0.

    >>> row_theta_from_wb([None, np.array([[1.0, 2.0]])], [None, np.array([[0.0]])])[0].tolist()
    [[1.0], [2.0]]
    """
    for l in range(1, len(W)):
        if np.any(b[l]):
            raise RequestError(f"layer {l}: b is not 0, and the first half of 'Theta notation' has no biases")
    return [W[l].T for l in range(1, len(W))]


def wb_from_row_theta(Theta: ThetaList) -> tuple[list[Array], list[Array]]:
    """W[l] = Theta(l)^T and b[l] = 0, from the Theta(l) (n[l-1], n[l]) of the first half; entry 0 is None.

    >>> W, b = wb_from_row_theta([np.array([[1.0], [2.0]])])
    >>> W[1].tolist(), b[1].tolist()
    ([[1.0, 2.0]], [[0.0]])
    """
    return [None, *(Theta_l.T for Theta_l in Theta)], [None, *(np.zeros((Theta_l.shape[1], 1)) for Theta_l in Theta)]


def network_to_parameters(network: Network, theta: Array, hidden_activation: str = "relu") -> dict[str, Array]:
    """{"W1": ..., "b1": ..., ...} for ``L_model_forward(X, parameters)``: copies of the views W[l], b[l] of theta.

    Hidden layers of another activation than relu go with ``hidden_activation``, here and there. RequestError: the
    network's activations are others, or its loss is not the cross-entropy of sigmoids.

    >>> network = Network((2, 1), loss="binary_cross_entropy", dtype="float64")
    >>> {name: V.tolist() for name, V in network_to_parameters(network, np.array([1.0, 2.0, 3.0])).items()}
    {'W1': [[1.0, 2.0]], 'b1': [[3.0]]}
    """
    _require(network, hidden_activation, "Building blocks")
    p = Parameters(network, theta)
    return {f"{name}{l}": V[l].copy() for l in range(1, network.L + 1) for name, V in (("W", p.W), ("b", p.b))}


def network_from_parameters(
    parameters: Mapping[str, Array], hidden_activation: str = "relu", network: Network | None = None
) -> tuple[Network, Array]:
    """(Network, theta) from the dict; the network is made in float64, or is the one given. RequestError: no fit.

    >>> network, theta = network_from_parameters({"W1": np.array([[1.0, 2.0]]), "b1": np.array([[3.0]])})
    >>> network.n, network.loss, theta.tolist()
    ((2, 1), 'binary_cross_entropy(smoothing=0)', [1.0, 2.0, 3.0])
    """
    L = len(parameters) // 2
    names = {f"{name}{l}" for l in range(1, L + 1) for name in "Wb"}
    if not parameters or set(parameters) != names:
        raise RequestError(f"parameters must be W1, b1, ..., WL, bL, not {', '.join(parameters) or 'none'}")
    W, b = ([None, *(parameters[f"{name}{l}"] for l in range(1, L + 1))] for name in "Wb")
    return _put_together(W, b, hidden_activation, "Building blocks", network)


def network_to_Theta(network: Network, theta: Array) -> list[Array]:
    """[Theta(1), ..., Theta(L)] for ``h_Theta(Theta, X)``. RequestError: not sigmoids throughout, or another loss.

    >>> network = Network((2, 1), loss="binary_cross_entropy", dtype="float64")
    >>> [Theta_l.tolist() for Theta_l in network_to_Theta(network, np.array([1.0, 2.0, 3.0]))]
    [[[3.0, 1.0, 2.0]]]
    """
    _require(network, "sigmoid", "Theta notation")
    p = Parameters(network, theta)
    return theta_from_wb(p.W, p.b)


def network_from_Theta(Theta: ThetaList, network: Network | None = None) -> tuple[Network, Array]:
    """(Network, theta) from the list; the network is made in float64, or is the one given. RequestError: no fit.

    >>> network, theta = network_from_Theta([np.array([[3.0, 1.0, 2.0]])])
    >>> network.n, theta.tolist()
    ((2, 1), [1.0, 2.0, 3.0])
    """
    return _put_together(*wb_from_theta(Theta), "sigmoid", "Theta notation", network)


def model_to_parameters(model: "Model", hidden_activation: str = "relu") -> dict[str, Array]:
    """The dict of a trained Model; see ``network_to_parameters``. Its inputs are what ``model.encoder`` makes.

    >>> from chainrule import train
    >>> table = {"x": [0.0, 1.0] * 20, "y": ["no", "yes"] * 20}
    >>> model = train(table, "y", hidden=(), epochs=1)
    >>> {name: V.shape for name, V in model_to_parameters(model).items()}
    {'W1': (1, 1), 'b1': (1, 1)}
    """
    _require(model.network, hidden_activation, "Building blocks", model.functions)
    return network_to_parameters(model.network, model.theta, hidden_activation)


def model_from_parameters(parameters: Mapping[str, Array], model: "Model", hidden_activation: str = "relu") -> "Model":
    """The Model with these parameters in place of its own. RequestError: they are not those of its network.

    >>> from chainrule import train
    >>> table = {"x": [0.0, 1.0] * 20, "y": ["no", "yes"] * 20}
    >>> model = train(table, "y", hidden=(), epochs=1)
    >>> parameters = {"W1": np.array([[10.0]]), "b1": np.array([[0.0]])}
    >>> model_from_parameters(parameters, model).predict(table)[:2].tolist()
    ['no', 'yes']
    """
    _require(model.network, hidden_activation, "Building blocks", model.functions)
    return replace(model, theta=network_from_parameters(parameters, hidden_activation, model.network)[1])


def model_to_Theta(model: "Model") -> list[Array]:
    """The Theta of a trained Model; see ``network_to_Theta``.

    >>> from chainrule import train
    >>> table = {"x": [0.0, 1.0] * 20, "y": ["no", "yes"] * 20}
    >>> model = train(table, "y", hidden=(), epochs=1)
    >>> [Theta_l.shape for Theta_l in model_to_Theta(model)]
    [(1, 2)]
    """
    _require(model.network, "sigmoid", "Theta notation", model.functions)
    return network_to_Theta(model.network, model.theta)


def model_from_Theta(Theta: ThetaList, model: "Model") -> "Model":
    """The Model with these Theta in place of its own parameters. RequestError: they are not those of its network.

    >>> from chainrule import train
    >>> table = {"x": [0.0, 1.0] * 20, "y": ["no", "yes"] * 20}
    >>> model = train(table, "y", hidden=(), epochs=1)
    >>> model_from_Theta([np.array([[0.0, -10.0]])], model).predict(table)[:2].tolist()
    ['yes', 'no']
    """
    _require(model.network, "sigmoid", "Theta notation", model.functions)
    return replace(model, theta=network_from_Theta(Theta, model.network)[1])


def _put_together(
    W: ByLayer, b: ByLayer, hidden_activation: str, title: str, network: Network | None
) -> tuple[Network, Array]:
    Theta = theta_from_wb(W, b)  # checks the shapes
    n = layer_sizes(Theta)
    if network is None:
        network = Network(n, hidden_activation, "binary_cross_entropy", dtype="float64")
    _require(network, hidden_activation, title)
    for l in range(1, max(len(n), len(network.n))):
        if n[: l + 1] != network.n[: l + 1]:
            raise RequestError(f"layer {l}: the parameters are for n = {n}, but the network has n = {network.n}")
    theta = np.zeros(network.size, network.dtype)
    p = Parameters(network, theta)
    for l in range(1, network.L + 1):
        p.W[l][...], p.b[l][...] = W[l], b[l]
    return network, theta


def _require(network: Network, hidden_activation: str, title: str, functions: Functions | None = None) -> None:
    """The notation supposes these activations and this loss, as the package's own tables have them."""
    wanted = Network(network.n, hidden_activation, "binary_cross_entropy")
    for l, (found, needed) in enumerate(zip(network.activation, wanted.activation, strict=True), start=1):
        if found != needed or found in (functions or {}):
            advice = f"; pass hidden_activation={found!r}" if title == "Building blocks" else ""
            raise RequestError(f"layer {l}: {title!r} assumes {needed} here, but the network has {found}{advice}")
    if network.loss != wanted.loss or "binary_cross_entropy" in (functions or {}):
        raise RequestError(
            f"layer {network.L}: {title!r} assumes a sigmoid output with the cross-entropy, {wanted.loss}, but the "
            f"network has {network.loss}"
        )
