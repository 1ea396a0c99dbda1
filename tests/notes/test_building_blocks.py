"""The blocks of *Building blocks* give what the document's own lines give, and true derivatives."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.notes import (
    L_model_backward,
    L_model_forward,
    compute_cost,
    initialize_parameters,
    initialize_parameters_deep,
    linear_activation_backward,
    linear_activation_forward,
    linear_backward,
    linear_forward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    update_parameters,
)
from chainrule.notes.building_blocks import blocks_backward, blocks_forward, initialization

DIMS = (4, 5, 3, 2)
SMOOTH = [name for name in ACTIVATIONS if not ACTIVATIONS.make(name, np).kinks]


def network_and_examples(dims=DIMS, m=7, seed=0):
    rng = np.random.default_rng(seed)
    parameters = initialize_parameters_deep(dims, initialization="he", rng=rng)
    parameters = {name: V + 0.1 * rng.standard_normal(V.shape) for name, V in parameters.items()}
    return parameters, rng.standard_normal((dims[0], m)), rng.integers(0, 2, (dims[-1], m))


def slope_of(J, V, place, h=1e-6):
    kept = V[place]
    V[place] = kept + h
    above = J()
    V[place] = kept - h
    below = J()
    V[place] = kept
    return (above - below) / (2 * h)


def numerical(J, V):
    return np.array([slope_of(J, V, place) for place in np.ndindex(V.shape)]).reshape(V.shape)


# --- numbers that the course publishes for these functions, from the arrays that its exercise draws ---


def drawn(seed, *shapes):
    random = np.random.RandomState(seed)
    return [random.randn(*shape) for shape in shapes]


def assert_published(came, published):
    np.testing.assert_allclose(came, published, rtol=0, atol=5.1e-9)  # eight decimals are printed


def test_published_initial_parameters_of_two_layers():
    np.random.seed(1)
    parameters = initialize_parameters(3, 2, 1)
    assert_published(parameters["W1"], [[0.01624345, -0.00611756, -0.00528172], [-0.01072969, 0.00865408, -0.02301539]])
    assert_published(parameters["W2"], [[0.01744812, -0.00761207]])
    assert not parameters["b1"].any()
    assert parameters["b1"].shape == (2, 1)
    assert parameters["b2"].shape == (1, 1)


def test_published_initial_parameters_of_L_layers():
    np.random.seed(3)
    parameters = initialize_parameters_deep([5, 4, 3])
    assert_published(parameters["W1"][0], [0.01788628, 0.0043651, 0.00096497, -0.01863493, -0.00277388])
    assert_published(parameters["W2"][2], [-0.00768836, -0.00230031, 0.00745056, 0.01976111])


def test_published_linear_forward():
    A, W, b = drawn(1, (3, 2), (1, 3), (1, 1))
    Z, cache = linear_forward(A, W, b)
    assert_published(Z, [[3.26295337, -1.23429987]])
    assert all(came is given for came, given in zip(cache, (A, W, b), strict=True))


@pytest.mark.parametrize(
    ("activation", "published"), [("sigmoid", [[0.96890023, 0.11013289]]), ("relu", [[3.43896131, 0.0]])]
)
def test_published_linear_activation_forward(activation, published):
    A_prev, W, b = drawn(2, (3, 2), (1, 3), (1, 1))
    A, (linear_cache, Z) = linear_activation_forward(A_prev, W, b, activation)
    assert_published(A, published)
    assert all(came is given for came, given in zip(linear_cache, (A_prev, W, b), strict=True))
    np.testing.assert_array_equal(Z, W @ A_prev + b)


def test_published_L_model_forward():
    X, W1, b1, W2, b2 = drawn(1, (4, 2), (3, 4), (3, 1), (1, 3), (1, 1))
    AL, caches = L_model_forward(X, {"W1": W1, "b1": b1, "W2": W2, "b2": b2})
    assert_published(AL, [[0.17007265, 0.2524272]])
    assert len(caches) == 2


@pytest.mark.parametrize(("Y", "published"), [([[1, 1, 1]], 0.41493159961539694), ([[1, 1, 0]], 0.2797765635793422)])
def test_published_cost(Y, published):
    cost = compute_cost(np.array([[0.8, 0.9, 0.4]]), np.array(Y))
    assert cost == pytest.approx(published, rel=1e-14)
    assert cost.shape == ()


def test_published_linear_backward():
    dZ, A, W, b = drawn(1, (1, 2), (3, 2), (1, 3), (1, 1))
    dA_prev, dW, db = linear_backward(dZ, (A, W, b))
    assert_published(dA_prev, [[0.51822968, -0.19517421], [-0.40506361, 0.15255393], [2.37496825, -0.89445391]])
    assert_published(dW, [[-0.10076895, 1.40685096, 1.64992505]])
    assert_published(db, [[0.50629448]])


@pytest.mark.parametrize(
    ("activation", "dA_prev", "dW", "db"),
    [
        (
            "sigmoid",
            [[0.11017994, 0.01105339], [0.09466817, 0.00949723], [-0.05743092, -0.00576154]],
            [[0.10266786, 0.09778551, -0.01968084]],
            [[-0.05729622]],
        ),
        (
            "relu",
            [[0.44090989, 0.0], [0.37883606, 0.0], [-0.2298228, 0.0]],
            [[0.44513824, 0.37371418, -0.10478989]],
            [[-0.20837892]],
        ),
    ],
)
def test_published_linear_activation_backward(activation, dA_prev, dW, db):
    dA, A, W, b, Z = drawn(2, (1, 2), (3, 2), (1, 3), (1, 1), (1, 2))
    for came, published in zip(
        linear_activation_backward(dA, ((A, W, b), Z), activation), (dA_prev, dW, db), strict=True
    ):
        assert_published(came, published)


def test_published_L_model_backward():
    # the exercise draws A[L] from a normal distribution, so one of its "probabilities" is above 1
    AL, A1, W1, b1, Z1, A2, W2, b2, Z2 = drawn(
        3, (1, 2), (4, 2), (3, 4), (3, 1), (3, 2), (3, 2), (1, 3), (1, 1), (1, 2)
    )
    grads = L_model_backward(AL, np.array([[1, 0]]), [((A1, W1, b1), Z1), ((A2, W2, b2), Z2)])
    assert_published(
        grads["dW1"],
        [
            [0.41010002, 0.07807203, 0.13798444, 0.10502167],
            [0, 0, 0, 0],
            [0.05283652, 0.01005865, 0.01777766, 0.0135308],
        ],
    )
    assert_published(grads["db1"], [[-0.22007063], [0.0], [-0.02835349]])
    assert_published(grads["dA1"], [[0.12913162, -0.44014127], [-0.14175655, 0.48317296], [0.01663708, -0.05670698]])
    assert sorted(grads) == ["dA0", "dA1", "dW1", "dW2", "db1", "db2"]


def test_published_update():
    shapes = (3, 4), (3, 1), (1, 3), (1, 1)
    parameters = dict(zip(("W1", "b1", "W2", "b2"), drawn(2, *shapes), strict=True))
    grads = dict(zip(("dW1", "db1", "dW2", "db2"), drawn(3, *shapes), strict=True))
    updated = update_parameters(parameters, grads, 0.1)
    assert_published(updated["W1"][0], [-0.59562069, -0.09991781, -2.14584584, 1.82662008])
    assert_published(updated["b1"], [[-0.04659241], [-1.28888275], [0.53405496]])
    assert_published(updated["W2"], [[-0.55569196, 0.0354055, 1.32964895]])
    assert_published(updated["b2"], [[-0.84610769]])


# --- the gradients ---


@pytest.mark.parametrize("hidden_activation", SMOOTH)
@pytest.mark.parametrize("dims", [(3, 1), DIMS, (2, 3, 4, 3, 2, 1)], ids=str)
def test_gradients_are_the_derivatives_of_the_cost(hidden_activation, dims):
    parameters, X, Y = network_and_examples(dims)

    def J():
        return compute_cost(L_model_forward(X, parameters, hidden_activation=hidden_activation)[0], Y)

    AL, caches = L_model_forward(X, parameters, hidden_activation=hidden_activation)
    grads = L_model_backward(AL, Y, caches, hidden_activation=hidden_activation)
    for name, V in parameters.items():
        np.testing.assert_allclose(grads[f"d{name}"], numerical(J, V), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(grads["dA0"] / X.shape[1], numerical(J, X), rtol=1e-6, atol=1e-8)  # m times dJ/dA


def test_gradients_of_relu_equal_autograd():
    torch = pytest.importorskip("torch")
    parameters, X, Y = network_and_examples()
    leaves = {name: torch.tensor(V, requires_grad=True) for name, V in parameters.items()}
    A1 = torch.relu(leaves["W1"] @ torch.tensor(X) + leaves["b1"])
    A2 = torch.relu(leaves["W2"] @ A1 + leaves["b2"])
    A3 = torch.sigmoid(leaves["W3"] @ A2 + leaves["b3"])
    A1.retain_grad()
    J = torch.nn.functional.binary_cross_entropy(A3, torch.tensor(Y, dtype=torch.float64), reduction="sum") / 7
    J.backward()
    AL, caches = L_model_forward(X, parameters)
    grads = L_model_backward(AL, Y, caches)
    np.testing.assert_allclose(AL, A3.detach(), rtol=1e-13)
    assert compute_cost(AL, Y) == pytest.approx(J.item(), rel=1e-13)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(grads[f"d{name}"], leaf.grad, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(grads["dA1"], 7 * A1.grad, rtol=1e-11, atol=1e-14)


def test_activation_and_its_backward():
    Z, dA = np.array([[-2.0, -0.0, 0.0, 3.0]]), np.array([[5.0, 6.0, 7.0, 8.0]])
    assert relu(Z)[0].tolist() == [[0, 0, 0, 3]]
    assert relu(Z)[1] is Z
    assert relu_backward(dA, Z).tolist() == [[0, 0, 0, 8]]
    s = 1 / (1 + np.exp(-Z))
    np.testing.assert_allclose(sigmoid(Z)[0], s, rtol=1e-15)
    assert sigmoid(Z)[1] is Z
    np.testing.assert_allclose(sigmoid_backward(dA, Z), dA * s * (1 - s), rtol=1e-14)


# --- where rounding makes A[L] 0 or 1 ---


def test_cost_is_finite_where_predictions_round_to_0_or_1():
    assert compute_cost(np.array([[0.0, 1.0]]), np.array([[0, 1]])) == 0.0
    # the least loss that rounds so: 1 - a = 2^-54, and a = 2^-1022
    assert compute_cost(np.array([[1.0]]), np.array([[0]])) == pytest.approx(54 * np.log(2))
    assert compute_cost(np.array([[0.0]]), np.array([[1]])) == pytest.approx(1022 * np.log(2))
    assert compute_cost(np.array([[1.0]], np.float32), np.array([[0]])) == pytest.approx(25 * np.log(2))


def test_cost_is_the_one_on_Z_wherever_no_rounding_spoils_it():
    Z = np.linspace(-30.0, 15.0, 91).reshape(1, -1)
    for Y in (np.zeros_like(Z), np.ones_like(Z)):
        J = np.mean(LOSSES.make("binary_cross_entropy", np).value(Z, Y))
        assert compute_cost(sigmoid(Z)[0], Y) == pytest.approx(J, rel=1e-9)


@pytest.mark.parametrize("z", [-800.0, -709.5, -700.0, -40.0, 0.3, 36.0, 37.5, 40.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_backward_starts_from_AL_minus_Y_whatever_rounds(z, y):
    Z = np.array([[z]])
    A, _ = sigmoid(Z)
    grads = L_model_backward(A, np.array([[y]]), [((np.array([[2.0]]), np.array([[1.0]]), np.array([[0.0]])), Z)])
    np.testing.assert_allclose(grads["db1"], A - y, rtol=1e-14)
    np.testing.assert_allclose(grads["dW1"], 2 * (A - y), rtol=1e-14)


def test_one_rounded_prediction_leaves_the_others_alone():
    X, W, b = np.array([[1.0, 50.0, -2.0]]), np.array([[1.0]]), np.array([[0.0]])
    AL, caches = L_model_forward(X, {"W1": W, "b1": b})
    Y = np.array([[0, 0, 1]])
    assert AL[0, 1] == 1.0
    np.testing.assert_allclose(L_model_backward(AL, Y, caches)["dW1"], (AL - Y) @ X.T / 3, rtol=1e-14)


# --- initial weights ---


@pytest.mark.parametrize(
    ("initialization", "scale"), [("normal*0.01", 0.01), ("1/sqrt(n)", 1 / np.sqrt(50)), ("he", np.sqrt(2 / 50))]
)
def test_initializations_are_the_draws_of_randn_scaled(initialization, scale):
    np.random.seed(5)
    parameters = initialize_parameters_deep([50, 4], initialization=initialization)
    np.testing.assert_allclose(parameters["W1"], np.random.RandomState(5).randn(4, 50) * scale, rtol=1e-15)


def test_a_generator_or_a_seed_takes_the_place_of_the_global_state():
    np.random.seed(9)
    before = np.random.get_state()[1].tolist()
    by_seed = initialize_parameters(3, 2, 1, rng=4)
    by_generator = initialize_parameters_deep((3, 2, 1), rng=np.random.default_rng(4))
    assert all(np.array_equal(by_seed[name], by_generator[name]) for name in by_generator)
    assert np.random.get_state()[1].tolist() == before


def test_two_layers_are_a_case_of_L_layers():
    np.random.seed(2)
    two = initialize_parameters(3, 4, 2)
    np.random.seed(2)
    deep = initialize_parameters_deep([3, 4, 2])
    assert list(two) == list(deep) == ["W1", "b1", "W2", "b2"]
    assert all(np.array_equal(two[name], deep[name]) for name in two)


# --- what goes in stays as it was ---


def test_update_leaves_the_given_parameters_alone():
    parameters, X, Y = network_and_examples()
    before = {name: V.copy() for name, V in parameters.items()}
    AL, caches = L_model_forward(X, parameters)
    grads = L_model_backward(AL, Y, caches)
    gradients = {name: V.copy() for name, V in grads.items()}
    updated = update_parameters(parameters, grads, 0.5)
    assert all(np.array_equal(parameters[name], before[name]) for name in before)
    assert all(np.array_equal(grads[name], gradients[name]) for name in gradients)
    assert all(np.allclose(updated[name], before[name] - 0.5 * grads[f"d{name}"]) for name in before)


# --- errors ---


def zeros(*shape):
    return np.zeros(shape)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: linear_forward(zeros(3), zeros(2, 3), zeros(2, 1)), r"A has shape \(3,\).*A\.reshape\(-1, 1\)"),
        (lambda: linear_forward(zeros(3, 5), zeros(5, 4), zeros(5, 1)), r"W is \(5, 4\) but A has 3 rows"),
        (lambda: linear_forward(zeros(3, 5), zeros(2, 3), zeros(1, 2)), r"b is \(1, 2\) but W is \(2, 3\)"),
        (lambda: linear_forward(zeros(3, 5), zeros(2, 3), zeros(2)), r"b has shape \(2,\)"),
        (lambda: linear_activation_forward(zeros(3, 5), zeros(2, 3), zeros(2, 1), "rleu"), "relu"),
        (lambda: linear_activation_backward(zeros(1, 1), ((zeros(1, 1),) * 3, zeros(1, 1)), "thanh"), "tanh"),
        (lambda: linear_backward(zeros(2, 4), (zeros(3, 5), zeros(2, 3), zeros(2, 1))), r"dZ is \(2, 4\).*5 columns"),
        (lambda: relu_backward(zeros(2, 4), zeros(2, 5)), r"dA is \(2, 4\) but Z is \(2, 5\)"),
        (lambda: compute_cost(zeros(1, 4), zeros(4)), r"Y is \(4,\) but AL is \(1, 4\).*Y\.reshape\(\(1, 4\)\)"),
        (lambda: compute_cost(zeros(1, 4), zeros(4, 1)), r"Y is \(4, 1\) but AL is \(1, 4\)"),
        (lambda: compute_cost(zeros(1, 1) + 1.5, zeros(1, 1)), "between 0 and 1"),
        (lambda: L_model_backward(zeros(1, 4), zeros(2, 4), []), r"Y is \(2, 4\)"),
        (lambda: initialize_parameters_deep([4]), "n must hold the units of each layer"),
        (lambda: initialize_parameters(4, 0, 1), "n must hold the units of each layer"),
        (lambda: initialize_parameters(4, 2, 1, initialization="normal"), r"one of normal\*0\.01, 1/sqrt\(n\), he"),
    ],
)  # fmt: skip
def test_errors_say_what_came(call, said):
    with pytest.raises(RequestError, match=said):
        call()


def test_errors_of_a_network_name_the_layer():
    parameters = {"W1": zeros(3, 2), "b1": zeros(3, 1), "W2": zeros(5, 4), "b2": zeros(5, 1)}
    with pytest.raises(RequestError, match=r"layer 2: W is \(5, 4\) but A\[1\] has 3 rows"):
        L_model_forward(zeros(2, 7), parameters)
    with pytest.raises(RequestError, match=r"layer 1: W is \(3, 2\) but A\[0\] = X has 7 rows"):
        L_model_forward(zeros(7, 2), parameters)
    with pytest.raises(RequestError, match=r"layer 2: b is \(3, 1\)"):
        L_model_forward(zeros(2, 7), parameters | {"W2": zeros(5, 3), "b2": zeros(3, 1)})
    with pytest.raises(RequestError, match="parameters must be W1, b1"):
        L_model_forward(zeros(2, 7), {"W1": zeros(3, 2)})


# --- mistakes, and doctests of what they can replace ---

SWITCHABLE = {
    "initialize_parameters", "initialize_parameters_deep", "linear_forward", "sigmoid", "relu",
    "linear_activation_forward", "compute_cost", "relu_backward", "sigmoid_backward", "linear_backward",
    "linear_activation_backward", "L_model_backward", "update_parameters",
}  # fmt: skip


def test_what_a_mistake_can_replace_is_decorated_and_its_doctest_is_seen():
    modules = (initialization, blocks_forward, blocks_backward)
    public = {name: getattr(module, name) for module in modules for name in module.__all__}
    assert {name for name, value in public.items() if hasattr(value, "__wrapped__")} == SWITCHABLE
    assert {name for module in modules for name in module.__test__} == SWITCHABLE
