"""*Multi-layer networks*: loops equal matrices, columns equal examples, and each dV is dJ/dV."""

import numpy as np
import pytest

from chainrule import notes
from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.network import Network, Parameters
from chainrule.notes.multi_layer import neurons

DIMS = (3, 5, 4, 2)
ALL = list(ACTIVATIONS)


def close(came, expected, rtol=1e-12):
    np.testing.assert_allclose(came, expected, rtol=rtol, atol=1e-14)


def problem(n=DIMS, hidden="tanh", m=6, seed=0):
    """A network with random weights and biases, and m examples."""
    network = notes.typical_network(n, hidden)
    rng = np.random.default_rng(seed)
    p = Parameters(network, rng.standard_normal(network.size) / 2)
    return network, p.W, p.b, rng.standard_normal((n[0], m)), rng.integers(0, 2, (n[-1], m)).astype(float)


def numerical(J, V, h=1e-6):
    slopes = np.empty(V.shape)
    for place in np.ndindex(V.shape):
        kept = V[place]
        V[place] = kept + h
        above = J()
        V[place] = kept - h
        slopes[place] = (above - J()) / (2 * h)
        V[place] = kept
    return slopes


def layer(n_prev=4, n=3, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in ((n, n_prev), (n, 1), (n_prev, 1), (n, 1))]


# --- one neuron: the loops are the matrices ---


@pytest.mark.parametrize(("n_prev", "n"), [(4, 3), (1, 1), (1, 5), (6, 1)])
def test_loops_over_neurons_equal_matrices(n_prev, n):
    W, b, a_prev, dz = layer(n_prev, n)
    close(notes.neuron_z(W, b, a_prev), notes.layer_z(W, b, a_prev))
    close(notes.neuron_dw(dz, a_prev), notes.layer_dW(dz, a_prev))
    close(notes.neuron_db(dz), notes.layer_db(dz))
    close(notes.neuron_da_prev(W, dz), notes.layer_da_prev(W, dz))


@pytest.mark.parametrize("activation", ALL)
def test_loops_over_neurons_equal_elementwise_products(activation):
    _, z, da, _ = layer(4, 4)
    close(notes.neuron_dz(da, z, activation), notes.layer_dz(da, z, activation))
    close(notes.neuron_a(z, activation), ACTIVATIONS.make(activation, np).g(z))


@pytest.mark.parametrize("activation", [name for name in ALL if not ACTIVATIONS.make(name, np).kinks])
def test_one_layer_against_central_differences(activation):
    W, b, a_prev, c = layer()

    def J():  # any function of a will do: here sum_j c_j a_j, with da_j = c_j
        return float(np.sum(c * notes.neuron_a(notes.neuron_z(W, b, a_prev), activation)))

    z = notes.neuron_z(W, b, a_prev)
    dz = notes.neuron_dz(c, z, activation)
    close(notes.neuron_dw(dz, a_prev), numerical(J, W), 1e-6)
    close(notes.neuron_db(dz), numerical(J, b), 1e-6)
    close(notes.neuron_da_prev(W, dz), numerical(J, a_prev), 1e-6)
    assert notes.neuron_dw(dz, a_prev).shape == W.shape
    assert notes.neuron_da_prev(W, dz).shape == a_prev.shape


# --- one example ---


@pytest.mark.parametrize("hidden", ["relu", "tanh"])
def test_one_example_layer_by_layer_is_made_of_its_neurons(hidden):
    network, W, b, X, Y = problem(hidden=hidden, m=1)
    z, a = notes.forward_example(network, W, b, X)
    dW, db, dz, da = notes.backward_example(network, W, z, a, notes.output_dA(a[-1], Y))
    activations = (None, *network.activation, "sigmoid")
    for l in range(network.L, 0, -1):
        close(z[l], notes.neuron_z(W[l], b[l], a[l - 1]))
        close(a[l], notes.neuron_a(z[l], activations[l]))
        close(dz[l], notes.neuron_dz(da[l], z[l], activations[l]))
        close(dW[l], notes.neuron_dw(dz[l], a[l - 1]))
        close(db[l], notes.neuron_db(dz[l]))
        close(da[l - 1], notes.neuron_da_prev(W[l], dz[l]))


def test_dimensions_of_one_example():
    network, W, b, X, Y = problem(m=1)
    z, a = notes.forward_example(network, W, b, X)
    dW, db, dz, da = notes.backward_example(network, W, z, a, notes.output_dA(a[-1], Y))
    named = {"W": W, "b": b, "Z": z, "dW": dW, "db": db, "dZ": dz}
    arrays = {f"{V}[{l}]": values[l] for V, values in named.items() for l in range(1, network.L + 1)}
    arrays |= {f"{V}[{l}]": values[l] for V, values in {"A": a, "dA": da}.items() for l in range(network.L + 1)}
    network.dimensions(1).check(arrays)


# --- m examples ---


@pytest.mark.parametrize("hidden", ["relu", "tanh"])
def test_column_i_belongs_to_example_i(hidden):
    network, W, b, X, Y = problem(hidden=hidden)
    m = X.shape[1]
    Z, A = notes.forward_examples(network, W, b, X)
    dW, db, dZ, dA = notes.backward_examples(network, W, Z, A, Y)
    sum_dW, sum_db = ([0.0] * (network.L + 1) for _ in range(2))
    for i in range(m):
        z, a = notes.forward_example(network, W, b, X[:, i : i + 1])
        one_dW, one_db, dz, da = notes.backward_example(network, W, z, a, notes.output_dA(a[-1], Y[:, i : i + 1]) / m)
        for l in range(1, network.L + 1):
            close(Z[l][:, i : i + 1], z[l])
            close(A[l][:, i : i + 1], a[l])
            close(dZ[l][:, i : i + 1], dz[l], 1e-10)
            close(dA[l - 1][:, i : i + 1], da[l - 1], 1e-10)
            sum_dW[l] = sum_dW[l] + one_dW[l]
            sum_db[l] = sum_db[l] + one_db[l]
    for l in range(1, network.L + 1):
        close(dW[l], sum_dW[l], 1e-10)
        close(db[l], sum_db[l], 1e-10)


@pytest.mark.parametrize("long_way", [False, True])
@pytest.mark.parametrize("n", [(3, 1), DIMS, (2, 3, 3, 3, 3, 1)], ids=str)
def test_m_examples_against_central_differences(n, long_way):
    network, W, b, X, Y = problem(n)

    def J():
        return notes.cost_of_examples(network, notes.forward_examples(network, W, b, X)[0], Y)

    Z, A = notes.forward_examples(network, W, b, X)
    dW, db, _, dA = notes.backward_examples(network, W, Z, A, Y, long_way=long_way)
    for l in range(1, network.L + 1):
        close(dW[l], numerical(J, W[l]), 2e-5)
        close(db[l], numerical(J, b[l]), 2e-5)
    close(dA[0], numerical(J, X), 2e-5)


@pytest.mark.parametrize("hidden", ["relu", "tanh"])
def test_m_examples_equal_autograd(hidden):
    torch = pytest.importorskip("torch")
    network, W, b, X, Y = problem(hidden=hidden)
    there = [(torch.tensor(np.array(w), requires_grad=True), torch.tensor(np.array(c), requires_grad=True))
             for w, c in zip(W[1:], b[1:], strict=True)]  # fmt: skip
    A_there = [torch.tensor(X, requires_grad=True)]
    for l, (w, c) in enumerate(there, start=1):
        g = torch.sigmoid if l == network.L else getattr(torch, hidden)
        A_there.append(g(w @ A_there[-1] + c))
        A_there[-1].retain_grad()
    J = torch.nn.functional.binary_cross_entropy(A_there[-1], torch.tensor(Y), reduction="sum") / X.shape[1]
    J.backward()
    Z, A = notes.forward_examples(network, W, b, X)
    dW, db, _, dA = notes.backward_examples(network, W, Z, A, Y)
    assert notes.cost_of_examples(network, Z, Y) == pytest.approx(J.item(), rel=1e-12)
    for l, (w, c) in enumerate(there, start=1):
        close(A[l], A_there[l].detach())
        close(dW[l], w.grad, 1e-10)
        close(db[l], c.grad, 1e-10)
        close(dA[l - 1], A_there[l - 1].grad, 1e-10)
    close(notes.output_dA(A[-1], Y), A_there[-1].grad, 1e-10)


# --- the output layer ---


def test_the_long_way_equals_the_shortcut_wherever_it_is_finite():
    Z = np.concatenate([np.linspace(-750.0, 50.0, 1601), [-800.0, 800.0]]).reshape(1, -1)
    A = ACTIVATIONS.make("sigmoid", np).g(Z)
    for Y in (np.zeros_like(Z), np.ones_like(Z)):
        short, long = notes.output_dZ(A, Y), notes.output_dZ_long_way(Z, A, Y)
        finite = np.isfinite(long)
        np.testing.assert_allclose(long[finite], short[finite], rtol=1e-13, atol=1e-320)
        assert np.isfinite(short).all()
        assert finite[np.abs(Z) < 36.0].all()
        assert not finite[Z > 40.0].any()  # A[L] rounds to 1: 0/0, or infinity times 0


def test_one_over_m_is_in_dZ_and_nowhere_else():
    network, W, b, X, Y = problem()
    twice = np.concatenate([X, X], axis=1), np.concatenate([Y, Y], axis=1)
    once = notes.backward_examples(network, W, *notes.forward_examples(network, W, b, X), Y)
    both = notes.backward_examples(network, W, *notes.forward_examples(network, W, b, twice[0]), twice[1])
    for l in range(1, network.L + 1):
        close(both[0][l], once[0][l])
        close(both[2][l][:, : X.shape[1]], once[2][l] / 2)
        close(once[0][l], once[2][l] @ notes.forward_examples(network, W, b, X)[1][l - 1].T)


def test_the_typical_network():
    network = notes.typical_network((4, 3, 3, 1))
    assert network.activation == ("relu", "relu")
    assert network.formulas(np).loss.link == "sigmoid"
    assert network.dtype == "float64"


# --- errors ---


def test_errors_name_the_layer():
    network, W, b, X, _ = problem()
    with pytest.raises(RequestError, match=r"layer 2: W is \(4, 3\) but a\[1\] has 5 rows"):
        notes.forward_examples(network, [None, W[1], W[2][:, :3], W[3]], b, X)
    with pytest.raises(RequestError, match=r"layer 1: W is \(5, 3\) but a\[0\] has 6 rows"):
        notes.forward_examples(network, W, b, X.T)
    with pytest.raises(RequestError, match=r"entries 0\.\.3"):
        notes.forward_examples(network, W[1:], b, X)
    with pytest.raises(RequestError, match=r"x is \(3, 6\): for one example it is a column"):
        notes.forward_example(network, W, b, X)
    with pytest.raises(RequestError, match=r"x has shape \(3,\).*reshape"):
        notes.forward_example(network, W, b, X[:, 0])


def test_errors_of_single_functions():
    W, _, a_prev, dz = layer()
    with pytest.raises(RequestError, match=r"W is \(3, 4\) but a_prev has 3 rows"):
        notes.neuron_z(W, dz, dz)
    with pytest.raises(RequestError, match=r"W is \(3, 4\) but dz has 4 rows"):
        notes.layer_da_prev(W, a_prev)
    with pytest.raises(RequestError, match=r"dz is \(3, 4\): for one example"):
        notes.layer_dW(W, a_prev)
    with pytest.raises(RequestError, match=r"da is \(3, 1\) but z is \(4, 1\)"):
        notes.neuron_dz(dz, a_prev, "relu")
    with pytest.raises(RequestError, match=r"Y is \(4, 1\) but AL is \(3, 1\)"):
        notes.output_dZ(dz, a_prev)


def test_what_is_true_of_the_sigmoid_output_alone_is_refused_elsewhere():
    _, W, b, X, Y = problem()
    softmax = Network(DIMS, "tanh", "cross_entropy", dtype="float64")
    Z, A = notes.forward_examples(softmax, W, b, X)
    with pytest.raises(RequestError, match=r"not of cross_entropy"):
        notes.backward_examples(softmax, W, Z, A, Y)
    with pytest.raises(RequestError, match=r"layer 3: softmax has no g'"):
        notes.forward_example(softmax, W, b, X[:, :1])
    smoothed = Network(DIMS, "tanh", "binary_cross_entropy(0.1)", dtype="float64")
    with pytest.raises(RequestError, match="plain binary_cross_entropy"):
        notes.backward_examples(smoothed, W, Z, A, Y)


def test_all_neuron_and_layer_functions_are_found_here():
    assert all(getattr(notes, name) is getattr(neurons, name) for name in neurons.__all__)
