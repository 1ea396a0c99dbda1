"""Initialisers: draws have the variance of the formula, and are the same bits everywhere and always."""

from hashlib import sha256
from math import sqrt

import numpy as np
import pytest

from chainrule.formulas.initializers import INITIALIZERS
from chainrule.network import Network, Parameters
from tests.formulas.problems import spec

N_IN, N_OUT = 60, 90

# the variance of one weight, with n_in = n[l-1] and n_out = n[l]; a uniform on (-a, a) has a^2 / 3
VARIANCE = {
    "zeros": 0.0,
    "normal": 0.01**2,
    "lecun_normal": 1 / N_IN,
    "lecun_uniform": 1 / N_IN,
    "xavier_normal": 2 / (N_IN + N_OUT),
    "xavier_uniform": 2 / (N_IN + N_OUT),
    "he_normal": 2 / N_IN,
    "he_uniform": 2 / N_IN,
}

# the first 16 digits of sha256 of theta of Network((3, 5, 2)) with seed 7, in float64;
# a change here breaks "same seed, same bits"
RECORDED = {
    "zeros": "fbc9dfbf8bac9c20",
    "normal": "d7b701e5565c48cc",
    "lecun_normal": "24ad0eae616fc5a1",
    "lecun_uniform": "fe34ae958ac16898",
    "xavier_normal": "0303c9f59a0bd2a6",
    "xavier_uniform": "c041e5ff93269032",
    "he_normal": "e30c723cd79a7cf6",
    "he_uniform": "085d011c3b398301",
}


def weights(initializer, n=(N_IN, N_OUT), seed=0):
    network = Network(n, initializer=initializer, dtype="float64")
    return Parameters(network, network.initial(seed)).W


@pytest.mark.parametrize("name", INITIALIZERS)
def test_variance_of_the_draws(name):
    W = weights(spec(INITIALIZERS, name))[1]
    row = INITIALIZERS.make(spec(INITIALIZERS, name))
    scale = row.scale(N_IN, N_OUT)
    variance = scale**2 / (1 if row.draw == "normal" else 3)
    assert variance == pytest.approx(VARIANCE.get(name, variance), rel=1e-14)
    # of N draws the sample variance is within 4 of its standard errors, sqrt(2/N) relative for a normal
    assert W.var() == pytest.approx(variance, rel=4 * sqrt(2 / W.size))
    assert abs(W.mean()) <= 4 * sqrt(variance / W.size)
    if row.draw == "uniform":
        assert 0.99 * scale < np.abs(W).max() < scale


def test_normal_takes_its_scale():
    assert weights("normal(0.5)")[1].std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_same_bits_for_the_same_seed(name):
    network = Network((3, 5, 2), initializer=spec(INITIALIZERS, name), dtype="float64")
    theta = network.initial(7)
    assert theta.tobytes() == network.initial(7).tobytes()
    if name != "zeros":
        assert theta.tobytes() != network.initial(8).tobytes()


@pytest.mark.parametrize("name", RECORDED)
def test_same_bits_as_recorded(name):
    theta = Network((3, 5, 2), initializer=name, dtype="float64").initial(7)
    assert sha256(theta.astype("<f8").tobytes()).hexdigest()[:16] == RECORDED[name]


@pytest.mark.parametrize("name", INITIALIZERS)
def test_biases_begin_at_zero_and_layers_differ(name):
    network = Network((4, 4, 4), initializer=spec(INITIALIZERS, name), dtype="float64")
    p = Parameters(network, network.initial(1))
    assert not p.b[1].any()
    assert not p.b[2].any()
    if name != "zeros":
        assert not (p.W[1] == p.W[2]).any()


def test_float32_is_float64_rounded():
    wide, narrow = (Network((3, 5, 2), dtype=dtype).initial(3) for dtype in ("float64", "float32"))
    assert narrow.dtype == np.float32
    assert np.array_equal(wide.astype(np.float32), narrow)


def test_auto_takes_what_suits_each_layer():
    n = (6, 7, 8, 2)
    auto = Network(n, ("selu", "relu"), dtype="float64").initial(4)
    W = Parameters(Network(n, dtype="float64"), auto).W
    for l, name in [(1, "lecun_normal"), (2, "he_normal"), (3, "xavier_uniform")]:
        assert np.array_equal(W[l], weights(name, n, seed=4)[l])
