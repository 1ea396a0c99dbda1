"""The shallow network: units stacked, derivatives for one and for m examples, the derivation of dz[1], its start."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import (
    derive_dz1,
    four_activations,
    layer_stacked,
    layer_unit_by_unit,
    random_initialization,
    shallow_backward,
    shallow_backward_one,
    shallow_cost,
    shallow_descent,
    shallow_dimensions,
    shallow_forward,
    shallow_update,
    why_not_zeros,
)

ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu"]
XOR = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), np.array([[0, 1, 1, 0]])


def problem(n_0=3, n_1=4, n_2=1, m=6, seed=0):
    random = np.random.default_rng(seed)
    parameters = {
        "W1": random.normal(size=(n_1, n_0)),
        "b1": random.normal(size=(n_1, 1)),
        "W2": random.normal(size=(n_2, n_1)),
        "b2": random.normal(size=(n_2, 1)),
    }
    return parameters, random.normal(size=(n_0, m)), random.integers(2, size=(n_2, m))


def by_autograd(parameters, X, Y, g):
    """J and its derivatives, from the document's formulas in torch."""
    torch = pytest.importorskip("torch")
    functions = {
        "sigmoid": lambda z: 1 / (1 + torch.exp(-z)),
        "tanh": lambda z: (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z)),
        "relu": lambda z: torch.clamp(z, min=0),
        "leaky_relu": lambda z: torch.maximum(0.01 * z, z),
    }
    p = {name: torch.tensor(v, requires_grad=True) for name, v in parameters.items()}
    a1 = functions[g](p["W1"] @ torch.tensor(X) + p["b1"])
    a2 = functions["sigmoid"](p["W2"] @ a1 + p["b2"])
    y = torch.tensor(Y, dtype=torch.float64)
    J = -torch.sum(y * torch.log(a2) + (1 - y) * torch.log(1 - a2)) / X.shape[1]
    J.backward()
    return J.item(), {f"d{name}": v.grad.numpy() for name, v in p.items()}


@pytest.mark.parametrize("g", ACTIVATIONS)
@pytest.mark.parametrize(("n_0", "n_1", "n_2", "m"), [(3, 4, 1, 6), (2, 2, 2, 5), (1, 5, 3, 1)])
def test_vectorised_derivatives_equal_autograd(g, n_0, n_1, n_2, m):
    parameters, X, Y = problem(n_0, n_1, n_2, m)
    forward = shallow_forward(X, parameters, g)
    J, expected = by_autograd(parameters, X, Y, g)
    found = shallow_backward(parameters, forward, X, Y, g)
    assert shallow_cost(forward, Y) == pytest.approx(J)
    for name, derivative in expected.items():
        np.testing.assert_allclose(found[name], derivative, rtol=1e-9, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("g", ACTIVATIONS)
def test_the_mean_over_single_examples_is_the_vectorised_derivative(g):
    parameters, X, Y = problem(n_2=2)
    together = shallow_backward(parameters, shallow_forward(X, parameters, g), X, Y, g)
    alone = []
    for i in range(X.shape[1]):
        x, y = X[:, [i]], Y[:, [i]]
        alone.append(shallow_backward_one(parameters, shallow_forward(x, parameters, g), x, y, g))
    for l in (1, 2):
        np.testing.assert_allclose(together[f"dZ{l}"], np.hstack([d[f"dz{l}"] for d in alone]), rtol=1e-12)
        np.testing.assert_allclose(together[f"dW{l}"], np.mean([d[f"dw{l}"] for d in alone], axis=0), rtol=1e-12)
        np.testing.assert_allclose(together[f"db{l}"], np.mean([d[f"db{l}"] for d in alone], axis=0), rtol=1e-12)


def test_columns_of_the_forward_pass_are_its_examples():
    parameters, X, _ = problem()
    together = shallow_forward(X, parameters)
    for i in range(X.shape[1]):
        for name, V in shallow_forward(X[:, [i]], parameters).items():
            np.testing.assert_allclose(together[name][:, [i]], V, rtol=1e-14)


def test_every_shape_is_the_listed_one():
    parameters, X, Y = problem(3, 4, 2, 6)
    shapes = shallow_dimensions(3, 4, 2, 6)
    forward = shallow_forward(X, parameters)
    for name, V in {**parameters, **forward, **shallow_backward(parameters, forward, X, Y)}.items():
        assert V.shape == shapes[f"{name[:-1]}[{name[-1]}]"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"W2": np.zeros((1, 5))}, r"layer 2: W is \(1, 5\) but A\[1\] has 4 rows"),
        ({"W1": np.zeros((4, 2))}, r"layer 1: W is \(4, 2\) but A\[0\] = X has 3 rows"),
        ({"b1": np.zeros((1, 4))}, r"layer 1: b is \(1, 4\)"),
        ({"W3": np.zeros((1, 1)), "b3": np.zeros((1, 1))}, "layers 1 and 2; these parameters have 3"),
    ],
)
def test_shapes_that_do_not_fit_are_named_with_their_layer(change, said):
    parameters, X, _ = problem()
    with pytest.raises(RequestError, match=said):
        shallow_forward(X, parameters | change)


def test_targets_of_another_shape_are_refused_by_cost_and_gradient():
    parameters, X, Y = problem()
    forward = shallow_forward(X, parameters)
    with pytest.raises(RequestError, match=r"Y is \(6, 1\) but A\[2\] is \(1, 6\)"):
        shallow_backward(parameters, forward, X, Y.T)
    with pytest.raises(RequestError, match=r"Y is \(6, 1\)"):
        shallow_cost(forward, Y.T)
    with pytest.raises(RequestError, match="one example is one column"):
        shallow_backward_one(parameters, forward, X, Y)


def test_units_one_by_one_are_the_stacked_layer():
    random = np.random.default_rng(0)
    W, b, x = random.normal(size=(4, 3)), random.normal(size=(4, 1)), random.normal(size=(3, 1))
    np.testing.assert_allclose(layer_unit_by_unit(W, b, x), layer_stacked(W, b, x), rtol=1e-14)
    by_hand = [sum(W[i, j] * x[j, 0] for j in range(3)) + b[i, 0] for i in range(4)]
    np.testing.assert_allclose(layer_stacked(W, b, x)[:, 0], by_hand, rtol=1e-14)
    for layer in (layer_unit_by_unit, layer_stacked):
        with pytest.raises(RequestError, match=r"W is \(4, 3\) but x has 2 rows"):
            layer(W, b, x[:2])
        with pytest.raises(RequestError, match="one column"):
            layer(W, b, np.zeros((3, 2)))


def test_activations_are_the_printed_formulas_with_their_derivatives():
    z = np.array([-3.0, -0.5, 0.25, 2.0])
    e = np.exp
    printed = {
        "sigmoid": lambda z: 1 / (1 + e(-z)),
        "tanh": lambda z: (e(z) - e(-z)) / (e(z) + e(-z)),
        "relu": lambda z: np.maximum(0, z),
        "leaky_relu": lambda z: np.maximum(0.01 * z, z),
    }
    found = four_activations(z)
    assert list(found) == list(printed)
    for name, (a, slope) in found.items():
        np.testing.assert_allclose(a, printed[name](z), rtol=1e-14)
        np.testing.assert_allclose(slope, (printed[name](z + 1e-6) - printed[name](z - 1e-6)) / 2e-6, atol=1e-9)


@pytest.mark.parametrize("g", ACTIVATIONS)
def test_each_step_of_the_derivation_holds_and_the_last_is_the_formula(g):
    parameters, X, Y = problem(3, 4, 2, 1)
    steps = derive_dz1(parameters, X, Y, g)
    assert len(steps) == 8
    assert max(step.error for step in steps) < 1e-8
    expected = shallow_backward_one(parameters, shallow_forward(X, parameters, g), X, Y, g)["dz1"]
    np.testing.assert_allclose(steps[-1].right, expected, rtol=1e-14)
    np.testing.assert_allclose(expected @ X.T, by_autograd(parameters, X, Y, g)[1]["dW1"], rtol=1e-9, atol=1e-13)


def test_a_step_without_its_transpose_would_show():
    parameters, X, Y = problem(3, 4, 4, 1)  # W[2] is square: the shapes fit without the transpose too
    step = derive_dz1(parameters, X, Y)[3]
    assert step.error < 1e-14
    wrong = parameters["W2"] @ (shallow_forward(X, parameters)["A2"] - Y)
    assert np.max(np.abs(step.left - wrong)) > 0.1


def test_update_takes_alpha_times_each_derivative_and_leaves_the_given_parameters_alone():
    parameters, X, Y = problem()
    before = {name: v.copy() for name, v in parameters.items()}
    d = shallow_backward(parameters, shallow_forward(X, parameters), X, Y)
    after = shallow_update(parameters, d, 0.5)
    for name in parameters:
        np.testing.assert_array_equal(parameters[name], before[name])
        np.testing.assert_allclose(after[name], before[name] - 0.5 * d[f"d{name}"])


def test_descent_learns_xor():
    X, Y = XOR
    random = np.random.default_rng(3)
    start = {name: 100 * v for name, v in random_initialization(2, 4, 1, random).items()}
    parameters, J = shallow_descent(X, Y, start, 1.0, 2000, g="tanh")
    assert J[0] > 0.5 > 0.02 > J[-1]
    assert (shallow_forward(X, parameters, "tanh")["A2"].round() == Y).all()


def test_random_start_is_numpys_randn_times_a_hundredth():
    np.random.seed(2)
    found = random_initialization(2, 4, 1)
    np.random.seed(2)
    np.testing.assert_array_equal(found["W1"], np.random.randn(4, 2) * 0.01)
    np.testing.assert_array_equal(found["W2"], np.random.randn(1, 4) * 0.01)
    assert found["b1"].tolist() == [[0.0]] * 4
    assert found["b2"].tolist() == [[0.0]]
    # published with the course whose notes these are, seed 2
    np.testing.assert_allclose(found["W1"][0], [-0.00416758, -0.00056267], atol=5e-9)


@pytest.mark.parametrize("g", ["tanh", "relu", "sigmoid"])
def test_equal_units_stay_equal_and_random_ones_part(g):
    X, Y = XOR[0], np.array([[0, 1, 1, 1]])  # with as many 0 as 1, zeros would be a stationary point for sigmoid too
    zeros, equal, random = why_not_zeros(X, Y, g=g, iterations=300)
    assert [found.start for found in (zeros, equal, random)] == ["zeros", "equal", "random"]
    assert zeros.difference == 0.0
    assert equal.difference == 0.0
    assert random.difference > 0.5
    assert equal.moved > 0.01
    assert (zeros.moved == 0.0) == (g != "sigmoid")  # g(0) = 0: nothing reaches W[1]


def test_only_the_random_start_learns_xor():
    zeros, equal, random = why_not_zeros(*XOR, iterations=1000)
    assert zeros.costs == pytest.approx((np.log(2), np.log(2)))
    assert equal.costs[1] > 0.4
    assert random.costs[1] < 0.1
    with pytest.raises(RequestError, match="at least 2 hidden units"):
        why_not_zeros(*XOR, n_1=1)
