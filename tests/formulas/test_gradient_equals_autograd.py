"""J and dtheta are what torch works out by automatic differentiation of its own functions."""

import numpy as np
import pytest

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.penalties import PENALTIES
from chainrule.inputs import Input
from chainrule.network import Network, Parameters
from tests.formulas.problems import (
    ALL_ACTIVATIONS,
    ALL_INPUTS,
    ALL_LOSSES,
    ALL_PENALTIES,
    before,
    distance,
    engine_for,
    problem,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional
CLOSE = 1e-10

# torch's own by name of the row; each takes z and the row's numbers
ACTIVATIONS_THERE = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda z, negative_slope: F.leaky_relu(z, negative_slope),
    "elu": lambda z, alpha: F.elu(z, alpha),
    "selu": F.selu,
    "softplus": lambda z: F.softplus(z, threshold=1000.0),
    "silu": F.silu,
    "mish": F.mish,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
}


def pinball(z, y, q):
    return torch.where(y > z, q * (y - z), (1 - q) * (z - y))


def tweedie(z, y, power):
    a = torch.exp(z)
    return a ** (2 - power) / (2 - power) - y * a ** (1 - power) / (1 - power)


# each gives the loss of every example and output, (K, m), or (m,) where outputs belong together
LOSSES_THERE = {
    "half_squared_error": lambda z, y: F.mse_loss(z, y, reduction="none") / 2,
    "half_squared_error_sigmoid": lambda z, y: F.mse_loss(torch.sigmoid(z), y, reduction="none") / 2,
    "binary_cross_entropy": lambda z, y, smoothing: F.binary_cross_entropy_with_logits(
        z, y * (1 - smoothing) + smoothing / 2, reduction="none"
    ),
    "cross_entropy": lambda z, y, smoothing: F.cross_entropy(z.T, y.T, label_smoothing=smoothing, reduction="none"),
    "absolute_error": lambda z, y: F.l1_loss(z, y, reduction="none"),
    "huber": lambda z, y, delta: F.huber_loss(z, y, delta=delta, reduction="none"),
    "quantile": pinball,
    "poisson": lambda z, y: F.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none"),
    "gamma": lambda z, y: -torch.distributions.Gamma(1.0, torch.exp(-z)).log_prob(y),  # shape 1: log a + y / a
    "tweedie": tweedie,
}

PENALTIES_THERE = {
    "l2": lambda w, S, strength: strength * w.square() / (2 * S),
    "l2_fixed": lambda w, S, strength: strength * w.square() / 2,
    "l1": lambda w, S, strength: strength * w.abs() / S,
}


def cosine(p, x):
    waves = p["alpha"] * torch.cos(2 * torch.pi * (p["w"] * x + p["b"])) + p["beta"]
    return torch.cat([p["alpha_x"] * x + p["beta_x"], waves]).reshape(-1, x.shape[-1])


def lookup(p, c):
    vectors = p["E"].T.clone()
    vectors[0] = vectors[0] + vectors[1:].mean(0)
    return F.embedding(c, vectors).T


# each gives the rows of A[0] that the layer makes, from its parameters by name
INPUTS_THERE = {"scale": lambda p, x: p["s"][0] * x, "cosine": cosine, "lookup": lookup}


def from_torch(theirs, table, spec):
    """Torch's function for a row; for a row that torch knows nothing of, the row's own value on tensors."""
    name = table.name(spec)
    if name in theirs:
        return lambda *tensors: theirs[name](*tensors, **table.numbers(spec))
    row = table.make(spec, pytest.importorskip("array_api_compat.torch"))
    return row.g if hasattr(row, "g") else row.value


def cost_there(network, theta, examples, weight):
    p = Parameters(network, theta, torch)
    X = torch.tensor(np.asarray(examples.X.T))
    made = []
    for i, layer in enumerate(network.input_layers):
        own = {V.removeprefix(f"inputs[{i}]."): view for V, view in p.views.items() if V.startswith(f"inputs[{i}].")}
        takes = list(layer.columns)
        x = X[takes] if layer.takes_numbers else torch.tensor(np.asarray(examples.codes[:, takes[0]]))
        made.append(INPUTS_THERE[INPUTS.name(layer.layer)](own, x))
    A = torch.cat([*made, X[list(network.columns.handed_on)]])
    for l in range(1, network.L + 1):
        A = p.W[l] @ A + p.b[l]
        if l < network.L:
            A = from_torch(ACTIVATIONS_THERE, ACTIVATIONS, network.activation[l - 1])(A)
    losses = from_torch(LOSSES_THERE, LOSSES, network.loss)(A, torch.tensor(np.asarray(examples.Y.T)))
    w = torch.tensor(weight)
    J = (losses.reshape(-1, len(weight)).sum(0) * w).sum() / w.sum()
    for penalty in network.penalties:
        J = J + sum(from_torch(PENALTIES_THERE, PENALTIES, penalty)(W, w.sum()).sum() for W in p.W[1:])
    return J


def assert_same_as_autograd(network):
    weight = np.array([1.0, 0.5, 2.0, 0.0, 1.0, 3.0])
    engine = engine_for(network)
    theta, examples = problem(engine, 6, weight)
    leaf = torch.tensor(theta, requires_grad=True)
    J_there = cost_there(network, leaf, examples, weight)
    J_there.backward()
    cost, dtheta = engine.gradient(theta, examples)
    assert cost == pytest.approx(J_there.item(), rel=CLOSE)
    assert distance(dtheta, leaf.grad) < CLOSE


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_every_activation(activation):
    assert_same_as_autograd(Network((3, 4, 3, 2), activation, dtype="float64"))


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_every_loss(loss):
    assert_same_as_autograd(Network((3, 4, 3), "tanh", loss, dtype="float64"))


@pytest.mark.parametrize("penalty", ALL_PENALTIES)
def test_every_penalty(penalty):
    assert_same_as_autograd(Network((3, 4, 2), "tanh", penalties=(penalty,), dtype="float64"))


@pytest.mark.parametrize("handed_on", [0, 2])
@pytest.mark.parametrize("layer", ALL_INPUTS)
def test_every_input_layer(layer, handed_on):
    assert_same_as_autograd(before(layer, Network((1, 4, 2), "tanh", dtype="float64"), handed_on))


def test_input_layers_side_by_side():
    inputs = (Input("lookup(3)", (1,), levels=3), Input("cosine(4)", (3, 0)), Input("scale", (4,)))
    inputs = (*inputs, Input("lookup(2)", (0,), levels=5))
    network = Network((3 + 8 + 1 + 2 + 2, 4, 2), "tanh", penalties="l2(0.3)", dtype="float64", inputs=inputs)
    assert network.columns.handed_on == (1, 2)
    assert_same_as_autograd(network)


@pytest.mark.parametrize("hidden", [(), (4,), (5, 4, 3, 4)], ids=len)
def test_every_depth(hidden):
    mix = ("selu", "sigmoid", "mish", "tanh")[: len(hidden)]
    network = Network((3, *hidden, 3), mix, "cross_entropy(0.1)", penalties=("l2(0.3)", "l1(0.2)"), dtype="float64")
    assert_same_as_autograd(network)
