"""Network is plain names and numbers; Parameters are views of one vector; Dimensions hold arrays to their shapes."""

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.links import LINKS
from chainrule.formulas.losses import LOSSES
from chainrule.network import Network, Parameters

sizes = st.lists(st.integers(1, 6), min_size=2, max_size=6).map(tuple)
FULL = Network((4, 8, 5, 3), ("tanh", "elu(0.5)"), "huber(2)", (0.0, 0.25), ("l2(0.1)", "l1(0.01)"), "normal(0.1)")


@given(sizes)
def test_theta_is_each_weight_transposed_and_then_its_bias(n):
    network = Network(n, dtype="float64")
    theta = np.arange(network.size, dtype=float)
    p = Parameters(network, theta)
    order = np.concatenate([v.ravel() for l in range(1, network.L + 1) for v in (p.W[l].T, p.b[l])])
    assert np.array_equal(order, theta)
    assert np.array_equal(network.layout.vector(p.views, np), theta)


@given(sizes)
def test_views_share_the_memory_of_theta(n):
    network = Network(n, dtype="float64")
    theta = np.zeros(network.size)
    p = Parameters(network, theta)
    assert p.theta is theta
    for l in range(1, network.L + 1):
        assert p.W[l].shape == (n[l], n[l - 1])
        assert p.b[l].shape == (n[l], 1)
        assert p.W[l].T.flags.c_contiguous
        assert np.shares_memory(p.W[l], theta)
        p.W[l][...], p.b[l][...] = 2 * l, 2 * l + 1
    expected = [value for l in range(1, len(n)) for value in [2 * l] * (n[l] * n[l - 1]) + [2 * l + 1] * n[l]]
    assert theta.tolist() == expected
    assert p.W[0] is None
    assert p.b[0] is None


@given(sizes)
def test_weights_decay_and_are_penalised_and_biases_are_not(n):
    network = Network(n)
    roles = {block.name: (block.role.rate, block.role.decay, block.role.penalised) for block in network.layout}
    layers = range(1, network.L + 1)
    assert roles == {f"W[{l}]": (1.0, 1.0, True) for l in layers} | {f"b[{l}]": (1.0, 0.0, False) for l in layers}


@given(sizes)
def test_blocks_follow_each_other_and_fill_theta(n):
    layout = Network(n).layout
    ends = np.cumsum([0, *(block.size for block in layout)])
    assert [block.offset for block in layout] == ends[:-1].tolist()
    assert layout.size == ends[-1]


def test_theta_of_the_wrong_length():
    with pytest.raises(RequestError, match=r"67 numbers for n = \(4, 8, 3\), not \(66,\)"):
        Parameters(Network((4, 8, 3)), np.zeros(66))


@given(sizes, st.integers(0, 9))
def test_dimensions_name_every_quantity(n, m):
    shapes = Network(n).dimensions(m)
    L = len(n) - 1
    expected = {"X": (n[0], m), "Y": (n[L], m), "A[0]": (n[0], m), "dA[0]": (n[0], m)}
    for l in range(1, L + 1):
        for d in ("", "d"):
            expected |= {f"{d}W[{l}]": (n[l], n[l - 1]), f"{d}b[{l}]": (n[l], 1)}
            expected |= {f"{d}Z[{l}]": (n[l], m), f"{d}A[{l}]": (n[l], m)}
    assert shapes == expected


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W[2]", (8, 3), r"W\[2\] must be \(3, 8\), not \(8, 3\): n\[2\] = 3 rows and 8 columns; is it transposed\?"),
        ("dZ[1]", (8, 9), r"dZ\[1\] must be \(8, 10\), not \(8, 9\): n\[1\] = 8 rows and 10 columns\."),
        ("X", (10, 4), r"X must be \(4, 10\).*n\[0\] = 4 rows.*transposed"),
        ("Y", (3,), r"Y must be \(3, 10\), not \(3,\)"),
        ("W[3]", (3, 3), r"W\[3\] is not a quantity of this network"),
    ],
)
def test_a_wrong_shape_is_named(name, shape, message):
    shapes = Network((4, 8, 3)).dimensions(10)
    with pytest.raises(RequestError, match=message):
        shapes.check({"b[1]": np.zeros((8, 1)), name: np.zeros(shape)})


def test_right_shapes_pass():
    shapes = Network((4, 8, 3)).dimensions(10)
    shapes.check({name: np.zeros(shape) for name, shape in shapes.items()})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": (4,)}, "n must hold the units of each layer"),
        ({"n": ()}, "n must hold the units of each layer"),
        ({"n": (4, 0, 1)}, r"not \(4, 0, 1\)"),
        ({"n": (4, -2, 1)}, "positive integers"),
        ({"n": (4, 2.5, 1)}, "positive integers"),
        ({"n": (4, True, 1)}, "positive integers"),
        ({"dropout": 1.0}, "dropout must be a probability, at least 0 and below 1, not 1.0"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": float("nan")}, "dropout"),
        ({"dropout": (0.1, 0.1)}, "dropout: expected one for all 1 hidden layers, or 1 of them; got 2"),
        ({"activation": ("relu", "relu")}, "activation: expected one for all 1 hidden layers.*got 2"),
        ({"activation": "relu(3)"}, "relu takes no numbers"),
        ({"loss": "huber(x)"}, "delta is a number"),
        ({"loss": "huber(-1)"}, "huber: delta is above 0"),
        ({"penalties": ("l2",)}, "needs its number"),
        ({"penalties": ("l2(-1)",)}, "l2: strength is at least 0"),
        ({"dtype": "float16"}, "dtype must be 'float32' or 'float64', not 'float16'"),
        ({"initializer": "normal(a)"}, "scale is a number"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        Network(**({"n": (4, 3, 1)} | arguments))


def test_an_unknown_name_is_refused_where_it_is_used():
    with pytest.raises(RequestError, match="did you mean 'tanh'"):
        Network((4, 3, 1), "tahn").formulas(np)


def test_every_list_is_written_in_full():
    network = Network([np.int64(4), 8, 5, 3], "leaky_relu", "huber", 0.5, ["l2(1e-4)"], dtype="float64")
    assert network.n == (4, 8, 5, 3)
    assert network.activation == ("leaky_relu(negative_slope=0.01)",) * 2
    assert network.loss == "huber(delta=1)"
    assert network.dropout == (0.5, 0.5)
    assert network.penalties == ("l2(strength=0.0001)",)


@pytest.mark.parametrize("network", [Network((1, 1)), FULL, Network((2, 3, 1), "mine(2)", "own")])
def test_json_and_back(network):
    text = json.dumps(network.to_dict())
    again = Network.from_dict(json.loads(text))
    assert again == network
    assert hash(again) == hash(network)
    assert json.dumps(again.to_dict()) == text


@pytest.mark.parametrize("change", [lambda d: d.pop("n"), lambda d: d.update(speed=1)])
def test_json_with_a_missing_or_an_unknown_entry(change):
    description = FULL.to_dict()
    change(description)
    with pytest.raises(RequestError, match="a network is described by"):
        Network.from_dict(description)


def test_frozen():
    with pytest.raises(FrozenInstanceError):
        FULL.loss = "huber"


def test_sizes():
    assert (FULL.L, FULL.size) == (3, 4 * 8 + 8 + 8 * 5 + 5 + 5 * 3 + 3)
    assert (Network((7, 2)).L, Network((7, 2)).size) == (1, 16)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_last_activation_is_the_link_of_the_loss(loss):
    Z = np.array([[0.3, -2.0], [1.0, 0.5]])
    formulas = Network((4, 3, 2), "tanh", loss).formulas(np)
    assert np.array_equal(formulas.g[2](Z), LINKS.make(LOSSES.make(loss, np).link, np).g(Z))
    assert np.array_equal(formulas.g[1](Z), np.tanh(Z))
    assert formulas.g[0] is formulas.slope[0] is formulas.slope[2] is None


def test_a_function_of_ones_own_may_share_a_name_with_the_table():
    own = {"relu": lambda xp: ACTIVATIONS["tanh"](xp)}
    assert Network((1, 1, 1), "relu").formulas(np, own).g[1](np.array(1.0)) == np.tanh(1.0)


def test_seeds_are_below_two_to_the_64():
    network = Network((1, 1))
    assert network.initial(2**64 - 1).tolist() != network.initial(0).tolist()
    for seed in (2**64, -1, 0.5):
        with pytest.raises(RequestError, match="seed"):
            network.initial(seed)
