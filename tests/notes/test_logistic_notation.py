"""Printed names give the printed numbers: indices from 1, nodes below, layers and examples above."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.network import Network
from chainrule.notes import Notation, network_3_4_1, shallow_forward

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(3, 5))
PARAMETERS = {
    "W1": RANDOM.normal(size=(4, 3)),
    "b1": RANDOM.normal(size=(4, 1)),
    "W2": RANDOM.normal(size=(1, 4)),
    "b2": RANDOM.normal(size=(1, 1)),
}
NET = Notation(PARAMETERS, X)


def test_sizes_and_shapes_are_those_of_the_list():
    assert NET.m == 5
    assert [NET.n(k) for k in (0, 1, 2)] == [3, 4, 1]
    for k in (1, 2):
        assert NET.W(k).shape == (NET.n(k), NET.n(k - 1))
        assert NET.w(j=1, k=k).shape == (1, NET.n(k - 1))
        assert NET.b(k).shape == (NET.n(k), 1)
    for k in (0, 1, 2):
        assert NET.A(k).shape == NET.a(k=k).shape == (NET.n(k), NET.m)
        assert NET.a(j=1, k=k).shape == (1, NET.m)
        assert NET.a(k=k, i=1).shape == (NET.n(k), 1)
    assert NET.x(i=1).shape == (3, 1)


def test_indices_count_from_1_in_the_printed_order():
    for p in (1, 2, 3):
        for i in range(1, 6):
            assert NET.x(p=p, i=i) == X[p - 1, i - 1] == NET.a(j=p, k=0, i=i)
        for j in (1, 2, 3, 4):
            assert NET.w(j=j, p=p, k=1) == PARAMETERS["W1"][j - 1, p - 1]
    assert NET.w(j=1, p=4, k=2) == PARAMETERS["W2"][0, 3]
    np.testing.assert_array_equal(NET.A(0), X)


def test_the_forward_pass_unit_by_unit_and_example_by_example():
    for i in range(1, 6):
        for j in (1, 2, 3, 4):
            z = sum(NET.w(j=j, p=p, k=1) * NET.x(p=p, i=i) for p in (1, 2, 3)) + NET.b(1)[j - 1, 0]
            assert NET.z(j=j, k=1, i=i) == pytest.approx(z)
            assert NET.a(j=j, k=1, i=i) == pytest.approx(np.tanh(z))
        z = sum(NET.w(j=1, p=p, k=2) * NET.a(j=p, k=1, i=i) for p in (1, 2, 3, 4)) + NET.b(2)[0, 0]
        assert NET.y_hat[0, i - 1] == NET.a(j=1, k=2, i=i) == pytest.approx(1 / (1 + np.exp(-z)))
    np.testing.assert_allclose(NET.A(2), shallow_forward(X, PARAMETERS, "tanh")["A2"], rtol=1e-14)


def test_a_network_of_the_package_is_read_by_the_same_names():
    network = Network((3, 5, 4, 2), ("relu", "tanh"), "cross_entropy", dtype="float64")
    net = Notation.of(network, network.initial(3), X)
    assert [net.n(k) for k in range(4)] == [3, 5, 4, 2]
    assert (net.A(1) >= 0).all()
    np.testing.assert_allclose(net.y_hat.sum(axis=0), 1.0)
    with pytest.raises(RequestError, match="the network has n = "):
        Notation(PARAMETERS, X, network)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
def test_the_3_4_1_network(hidden):
    net = network_3_4_1(X, hidden, seed=1)
    parameters = {f"{v}{k}": getattr(net, v)(k) for k in (1, 2) for v in "Wb"}
    for name, V in shallow_forward(X, parameters, hidden).items():
        found = net.A(int(name[1])) if name[0] == "A" else net.z(k=int(name[1]))
        np.testing.assert_allclose(found, V, rtol=1e-13)
    with pytest.raises(RequestError, match=r"W is \(4, 3\)|X must be|has 2 rows"):
        network_3_4_1(X[:2])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: NET.W(0), "layers are k = 1 to 2, not 0"),
        (lambda: NET.A(3), "layers are k = 0 to 2, not 3"),
        (lambda: NET.n(-1), "layers are k = 0 to 2, not -1"),
        (lambda: NET.w(j=0, k=1), "layer 1 has the nodes j = 1 to 4, not 0"),
        (lambda: NET.w(j=1, p=4, k=1), "layer 1 has the features p = 1 to 3, not 4"),
        (lambda: NET.x(i=6), "examples are i = 1 to 5, not 6"),
        (lambda: NET.x(p=4, i=1), "layer 0 has the features p = 1 to 3, not 4"),
        (lambda: NET.a(j=5, k=1), "layer 1 has the nodes j = 1 to 4, not 5"),
    ],
)
def test_an_index_that_is_not_there_is_said(ask, said):
    with pytest.raises(RequestError, match=said):
        ask()
