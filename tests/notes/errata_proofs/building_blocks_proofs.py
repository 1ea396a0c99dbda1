"""The proofs for *Building blocks*: a 3-4-3-1 network on eight examples, unless it says otherwise."""

from typing import Any

import numpy as np

from chainrule.formulas import equations
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.notes import (
    L_model_backward,
    L_model_forward,
    compute_cost,
    initialize_parameters_deep,
    linear_activation_forward,
    linear_forward,
    relu,
    sigmoid,
    update_parameters,
)
from chainrule.notes.array_checks import Floats
from tests.notes.errata_proofs.problem import differences, joined, typed
from tests.notes.errata_proofs.proof import Proof, mistaken

_dims = (3, 4, 3, 1)
_random = np.random.default_rng(1)
_X = _random.standard_normal((3, 8))
_Y = np.array([[0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]])
_parameters = {
    name: value if name[0] == "W" else 0.1 * _random.standard_normal(value.shape)
    for name, value in initialize_parameters_deep(_dims, initialization="he", rng=_random).items()
}
_hidden = ("W1", "b1", "W2", "b2")


def _J(parameters: Any) -> float:
    return compute_cost(L_model_forward(_X, parameters)[0], _Y)


def _hidden_gradient() -> Floats:
    AL, caches = L_model_forward(_X, _parameters)
    return joined(L_model_backward(AL, _Y, caches), _hidden)


def _true_hidden_gradient() -> Floats:
    hidden = {name: _parameters[name] for name in _hidden}
    return differences(lambda v: _J({**_parameters, **v}), hidden)


def _forward(parameters: dict[str, Floats], X: Floats) -> Floats:
    """A[L] by the package's own equations."""
    L = len(parameters) // 2
    W = [None, *(parameters[f"W{l}"] for l in range(1, L + 1))]
    b = [None, *(parameters[f"b{l}"] for l in range(1, L + 1))]
    g = [None, *["relu"] * (L - 1), "sigmoid"]
    return equations.forward(W, b, [name and ACTIVATIONS[name](np).g for name in g], X)[1][L]


g_for_g_prime = mistaken(
    "the gradient of the hidden layers", "g-for-g-prime", _hidden_gradient, _true_hidden_gradient, fails=0.3
)
relu_slope = mistaken(
    "the gradient of the hidden layers", "relu-slope-is-dA", _hidden_gradient, _true_hidden_gradient, fails=0.3
)
maximun = Proof(
    "relu of three numbers",
    printed=typed("np.maximun(0,Z)", Z=np.array([[-1.0, 0.0, 2.0]])),
    correct=lambda: relu(np.array([[-1.0, 0.0, 2.0]]))[0],
    truth=lambda: [[0.0, 0.0, 2.0]],
    fails=AttributeError,
    message="has no attribute 'maximun'",
)
last_layer = mistaken(
    "A[L] of a network made with layer_dims = (3, 4, 3, 1)",
    "last-layer-not-created",
    lambda: L_model_forward(_X, initialize_parameters_deep(_dims, rng=0))[0],
    lambda: _forward(initialize_parameters_deep(_dims, rng=0), _X),
    fails="shape",
)


def _signal(initialization: str) -> float:
    """How large A[5] is beside X, in a relu network of 6 layers with 200 units each."""
    random = np.random.default_rng(0)
    X = random.standard_normal((200, 100))
    parameters = initialize_parameters_deep([200] * 7, initialization=initialization, rng=random)
    _, caches = L_model_forward(X, parameters)
    (A_5, _, _), _ = caches[5]
    return float(np.sqrt(np.mean(A_5**2) / np.mean(X**2)))


small_weights = Proof(
    "A[5] beside X, root mean squares, in 6 relu layers of 200 units, where 1 keeps the signal (the correct form: he)",
    printed=lambda: _signal("normal*0.01"),
    correct=lambda: _signal("he"),
    truth=lambda: 1.0,
    fails=0.99,
    within=0.25,
)
one_output = Proof(
    "A[2] of a 3-4-3 network",
    printed=lambda: _asserted(_forward(initialize_parameters_deep((3, 4, 3), rng=0), _X)),
    correct=lambda: L_model_forward(_X, initialize_parameters_deep((3, 4, 3), rng=0))[0],
    truth=lambda: _forward(initialize_parameters_deep((3, 4, 3), rng=0), _X),
    fails=AssertionError,
)


def _asserted(AL: Floats) -> Floats:
    if AL.shape != (1, _X.shape[1]):  # the document's assert, which no -O turns off
        raise AssertionError
    return AL


log_of_0 = mistaken(
    "J where a prediction has been rounded to 1, rightly",
    "log-of-0",
    lambda: compute_cost(np.array([[1.0, 0.5]]), np.array([[1.0, 0.0]])),
    lambda: np.log(2.0) / 2.0,
    fails="not finite",
)

_sure = {"W1": np.array([[40.0]]), "b1": np.array([[0.0]])}
_x, _y = np.array([[1.0, 1.0, -0.02]]), np.array([[1.0, 0.0, 1.0]])


def _printed_dW() -> Floats:
    AL, _ = L_model_forward(_x, _sure)
    dAL = -(np.divide(_y, AL) - np.divide(1 - _y, 1 - AL))
    return (dAL * AL * (1 - AL) @ _x.T / 3)[0]


def _correct_dW() -> Floats:
    AL, caches = L_model_forward(_x, _sure)
    return L_model_backward(AL, _y, caches)["dW1"][0]


y_over_a = Proof(
    "dW of one unit where A = 1 to the last bit",
    printed=_printed_dW,
    correct=_correct_dW,
    truth=lambda: differences(
        lambda v: np.mean(LOSSES["binary_cross_entropy"](np).value(v["W1"] @ _x, _y)), {"W1": _sure["W1"]}
    ),
    fails="not finite",
)


def _raising_overflow() -> Floats:
    with np.errstate(over="raise"):
        return 1 / (1 + np.exp(-np.array([-800.0, 0.0])))


overflow = Proof(
    "sigmoid of -800 and 0, with floating-point errors raised (else it warns, and is right)",
    printed=_raising_overflow,
    correct=lambda: sigmoid(np.array([-800.0, 0.0]))[0],
    truth=lambda: [0.0, 0.5],
    fails=FloatingPointError,
    message="overflow encountered in exp",
)


def _stepped(updated: Any = update_parameters) -> Floats:
    start = {name: value.copy() for name, value in _parameters.items()}
    updated(start, {f"d{name}": np.ones_like(value) for name, value in start.items()}, 0.5)
    return start["W1"]


update_in_place = mistaken(
    "the caller's W1 after one update", "update-in-place", _stepped, lambda: _parameters["W1"], fails=0.1
)


def _printed_cost(AL: Floats, Y: Floats) -> float:
    return -1 / Y.shape[1] * np.sum(np.multiply(Y, np.log(AL)) + np.multiply(1 - Y, np.log(1 - AL)))


targets_in_a_column = Proof(
    "J where Y is (m, 1)",
    printed=lambda: _printed_cost(_forward(_parameters, _X), _Y.T),
    correct=lambda: compute_cost(_forward(_parameters, _X), _Y.T.reshape(1, 8)),
    truth=lambda: (
        -np.mean([np.log(a if y else 1 - a) for a, y in zip(_forward(_parameters, _X)[0], _Y[0], strict=True)])
    ),
    fails=1.0,
)


def _two_activations(Z: Floats, activation: str) -> Floats:
    if activation == "sigmoid":
        A, _ = sigmoid(Z)
    elif activation == "relu":
        A, _ = relu(Z)
    return A  # pyright: ignore[reportPossiblyUnboundVariable] - that is the mistake


any_activation = Proof(
    'one layer with activation="tanh"',
    printed=lambda: _two_activations(_parameters["W1"] @ _X, "tanh"),
    correct=lambda: linear_activation_forward(_X, _parameters["W1"], 0 * _parameters["b1"], "tanh")[0],
    truth=lambda: np.tanh(_parameters["W1"] @ _X),
    fails=UnboundLocalError,
    message="local variable 'A'",
)
one_line = Proof(
    "Z of one layer",
    printed=lambda: compile("def linear_forward(A, W, b): Z = np.dot(W,A) + b cache = (A, W, b)", "printed", "exec"),
    correct=lambda: linear_forward(_X, _parameters["W1"], _parameters["b1"])[0],
    truth=lambda: _parameters["W1"] @ _X + _parameters["b1"],
    fails=SyntaxError,
    message="invalid syntax",
)

PROOFS = {
    "building-blocks-12": last_layer,
    "building-blocks-13": small_weights,
    "building-blocks-15": one_line,
    "building-blocks-16": overflow,
    "building-blocks-17": any_activation,
    "building-blocks-18": one_output,
    "building-blocks-21": targets_in_a_column,
    "building-blocks-22": log_of_0,
    "building-blocks-25": g_for_g_prime,
    "building-blocks-26": maximun,
    "building-blocks-27": relu_slope,
    "building-blocks-31": y_over_a,
    "building-blocks-32": update_in_place,
}
