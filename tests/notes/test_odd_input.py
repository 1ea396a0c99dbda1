"""The notes' functions refuse what they cannot answer for, and take what is only written another way."""

import subprocess
import sys

import numpy as np
import pytest

import chainrule.notes as notes
from chainrule.errors import RequestError

rng = np.random.default_rng(0)
AL = np.array([[0.25, 0.5, 0.75]])
Y = np.array([[0.0, 1.0, 1.0]])
PARAMETERS = {
    "W1": rng.normal(size=(2, 2)),
    "b1": np.zeros((2, 1)),
    "W2": rng.normal(size=(1, 2)),
    "b2": np.zeros((1, 1)),
}
X = rng.normal(size=(2, 3))
ACTIVATIONS = ("tanh", "sigmoid")
THETA = [np.column_stack([PARAMETERS[f"b{l}"], PARAMETERS[f"W{l}"]]) for l in (1, 2)]


def fresh(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_mistakes_are_all_there_at_once():
    assert fresh("import chainrule.notes as n; print(len(n.MISTAKES))") == ["32"]
    assert fresh("from chainrule.notes.mistakes.mistake_registry import MISTAKES; print(len(MISTAKES))") == ["32"]
    assert fresh("import sys, chainrule.notes; print('chainrule.notes.mistakes' in sys.modules)") == ["False"]


@pytest.mark.parametrize(
    ("mistake", "call"),
    [
        ("lambda-not-in-cost", lambda: notes.L_layer_model(X, Y, (2, 2, 1), 0.1, 1)),
        ("w1-alone-updated", lambda: notes.update_parameters({"W1": Y}, {"dW1": Y}, 0.1)),
        ("relu-slope-is-dA", lambda: notes.L_layer_model(X, Y, (2, 2, 1), 0.1, 1, hidden_activation="tanh")),
        ("missing-1/m", lambda: notes.deep_layer_backward(Y, notes.DeepCache(X, Y, PARAMETERS["W2"], Y))),
    ],
)
def test_a_mistake_that_cannot_act_says_so(mistake, call):
    with (
        pytest.warns(UserWarning, match=f"'{mistake}' has changed nothing: it is one of") as said,
        notes.mistake(mistake),
    ):
        call()
    assert said[0].filename == __file__


def test_a_mistake_that_does_not_know_sigmoid_hidden_layers_says_so():
    AL, caches = notes.L_model_forward(X, PARAMETERS, hidden_activation="sigmoid")
    with pytest.raises(RequestError, match="hidden layers alone"), notes.mistake("g-for-g-prime"):
        notes.L_model_backward(AL, Y, caches, hidden_activation="sigmoid")


CROSS_ENTROPIES = {
    "compute_cost": lambda y: notes.compute_cost(AL, y),
    "compute_cost of Z": lambda y: notes.compute_cost(AL, y, Z=AL),
    "L_model_backward": lambda y: notes.L_model_backward(AL, y, notes.L_model_forward(X, PARAMETERS)[1]),
    "theta_cost": lambda y: notes.theta_cost(THETA, X.T, y.T),
    "theta_gradient": lambda y: notes.theta_gradient(THETA, X.T, y.T),
    "delta_L": lambda y: notes.delta_L(AL, y),
    "wiki_dJ_da": lambda y: notes.wiki_dJ_da(AL, y),
    "cost_of_examples": lambda y: notes.cost_of_examples(notes.typical_network((2, 1)), [None, AL], y),
    "output_dZ": lambda y: notes.output_dZ(AL, y),
    "output_dA": lambda y: notes.output_dA(AL, y),
    "output_dZ_long_way": lambda y: notes.output_dZ_long_way(AL, AL, y),
    "dZ_L_as": lambda y: notes.dZ_L_as(AL, y, "Building blocks"),
    "shallow_cost": lambda y: notes.shallow_cost({"Z2": AL}, y),
    "shallow_backward": lambda y: notes.shallow_backward(PARAMETERS, notes.shallow_forward(X, PARAMETERS), X, y),
    "logistic_dZ": lambda y: notes.logistic_dZ(AL, y),
    "logistic_vectorized": lambda y: notes.logistic_vectorized(np.zeros((2, 1)), 0.0, X, y),
    "program_vectorized": lambda y: notes.program_vectorized(X, y, np.zeros((1, 2)), np.zeros((1, 1))),
    "deep_backward": lambda y: notes.deep_backward(
        *(lambda A, caches: (A, y, caches))(*notes.deep_forward(X, PARAMETERS, ACTIVATIONS)),  # noqa: PLC3002
        ACTIVATIONS,
    ),
    "cross_entropy_loss": lambda y: notes.cross_entropy_loss(AL, y),
    "likelihood_of_one": lambda y: notes.likelihood_of_one(AL, y),
    "likelihood_of_predictions": lambda y: notes.likelihood_of_predictions(AL, y),
    "negative_log_of_product": lambda y: notes.negative_log_of_product(AL, y),
    "negative_sum_of_logs": lambda y: notes.negative_sum_of_logs(AL, y),
    "negative_sum_of_log_powers": lambda y: notes.negative_sum_of_log_powers(AL, y),
    "negative_sum_of_weighted_logs": lambda y: notes.negative_sum_of_weighted_logs(AL, y),
    "dL_da": lambda y: notes.dL_da(AL, y),
    "dL_dz": lambda y: notes.dL_dz(AL, y),
}  # fmt: skip


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_targets_of_the_cross_entropy_are_from_0_to_1(name):
    CROSS_ENTROPIES[name](Y)
    for wrong in (2.0, -1.0, np.nan):
        targets = Y.copy()
        targets[0, 1] = wrong
        with pytest.raises(RequestError):
            CROSS_ENTROPIES[name](targets)


# --- steps ---

STEPS = {
    "update_parameters": lambda V, dV: notes.update_parameters({"W1": V}, {"dW1": dV}, 0.5)["W1"],
    "shallow_update": lambda V, dV: notes.shallow_update({"W1": V}, {"dW1": dV}, 0.5)["W1"],
    "logistic_update": lambda V, dV: notes.logistic_update(V, 0.0, dV, 0.0, 0.5)[0],
    "until_convergence": lambda V, dV: notes.until_convergence(
        {"W": V}, lambda p: (0.0, {"dW": dV if np.array_equal(p["W"], V) else np.zeros_like(dV)}), 0.5
    ).parameters["W"],
}


@pytest.mark.parametrize("gradient", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8, bool])
@pytest.mark.parametrize("name", STEPS)
def test_a_step_keeps_the_precision_and_takes_integers(name, dtype, gradient):
    V, dV = np.array([[1, 0], [1, 1]], dtype), np.array([[3, 1], [2, 0]], gradient)
    kept = V.copy()
    moved = STEPS[name](V, dV)
    assert moved.dtype == (dtype if np.issubdtype(dtype, np.floating) else np.float64)
    np.testing.assert_array_equal(moved, [[-0.5, -0.5], [0.0, 1.0]])
    np.testing.assert_array_equal(V, kept)


@pytest.mark.parametrize("update", [notes.update_parameters, notes.shallow_update])
def test_a_step_without_its_gradient_names_it(update):
    with pytest.raises(RequestError, match="db1 is missing"):
        update({"W1": Y, "b1": Y}, {"dW1": Y}, 0.1)


# --- costs at saturation ---


def test_the_reported_cost_is_that_of_Z():
    X, Y = np.array([[400.0, -300.0]]), np.array([[0, 1]])
    _, costs = notes.L_layer_model(X, Y, (1, 1), 1e-9, 1, rng=0)
    w = notes.initialize_parameters_deep((1, 1), rng=0)["W1"][0, 0]
    assert costs == pytest.approx([np.mean(np.logaddexp(0.0, [400.0 * w, 300.0 * w]))], rel=1e-12)
    big = {"W1": np.array([[2.0]]), "b1": np.zeros((1, 1))}
    AL, caches = notes.L_model_forward(X, big)
    assert notes.compute_cost(AL, Y, Z=caches[-1][1]) == pytest.approx((800.0 + 600.0) / 2.0)
    assert notes.compute_cost(AL, Y) < 400.0  # from A[L] alone no more can be told
    with pytest.raises(RequestError, match=r"Z is \(1, 1\)"):
        notes.compute_cost(AL, Y, Z=np.zeros((1, 1)))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_Y_is_reshaped_as_the_document_does_it(shape):
    AL, caches = notes.L_model_forward(X, PARAMETERS)
    right, found = (notes.L_model_backward(AL, y, caches) for y in (Y, Y.reshape(shape)))
    assert all(np.array_equal(found[name], right[name]) for name in right)


def test_Y_that_can_be_read_in_two_orders_is_not_reshaped():
    two = {"W1": np.ones((2, 2)), "b1": np.zeros((2, 1))}
    AL, caches = notes.L_model_forward(X, two)
    with pytest.raises(RequestError, match=r"Y is \(3, 2\) but AL is \(2, 3\)"):
        notes.L_model_backward(AL, np.zeros((3, 2)), caches)


# --- divisions, and what is missing ---


def test_a_difference_from_its_negative_is_refused():
    v = np.array([1.0, -2.0])
    assert notes.relative_difference(v, v) == notes.relative_difference(0 * v, 0 * v) == 0.0
    with pytest.raises(RequestError, match="a sign is wrong"):
        notes.relative_difference(v, -v)
    with pytest.raises(RequestError, match="the same shape"):
        notes.relative_difference(v, v[:, None])


NO_EXAMPLES = np.zeros((1, 0))


@pytest.mark.parametrize(
    "call",
    [
        lambda: notes.compute_cost(NO_EXAMPLES, NO_EXAMPLES),
        lambda: notes.output_dZ(NO_EXAMPLES, NO_EXAMPLES),
        lambda: notes.linear_backward(NO_EXAMPLES, (NO_EXAMPLES, np.zeros((1, 1)), np.zeros((1, 1)))),
        lambda: notes.logistic_one_loop(np.zeros((1, 1)), 0.0, NO_EXAMPLES, NO_EXAMPLES),
        lambda: notes.logistic_vectorized(np.zeros((1, 1)), 0.0, NO_EXAMPLES, NO_EXAMPLES),
        lambda: notes.program_vectorized(NO_EXAMPLES, NO_EXAMPLES, np.zeros((1, 1)), np.zeros((1, 1))),
        lambda: notes.shallow_cost({"Z2": NO_EXAMPLES}, NO_EXAMPLES),
        lambda: notes.average_over_examples([]),
        lambda: notes.D_from_Delta([np.zeros((1, 2))], [np.zeros((1, 2))], 0),
        lambda: notes.convert({}, "Building blocks", "Theta notation", 0),
        lambda: notes.dZ_L_as(NO_EXAMPLES, NO_EXAMPLES, "Multi-layer networks"),
    ],
)
def test_no_examples_are_refused(call):
    with pytest.raises(RequestError, match="there is no example"):
        call()


def graph(*steps, **values):
    made = notes.Graph()
    for name, value in values.items():
        made.parameter(name, value)
    for step in steps:
        made.node(*step)
    return made


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: graph(("q", "/", "u", "v"), u=1, v=0).forward(), "node q: u/v is inf at u = 1, v = 0"),
        (lambda: graph(("q", "/", "u", "v"), u=0, v=0).forward(), "node q: u/v is nan"),
        (lambda: graph(("q", "/", "u", "v"), u=1, v=2).forward(v=0), "node q"),
        (lambda: graph(("q", "/", "u", "v"), u=1e-200, v=1e-200).backward(), "dv is -inf at node q"),
        (lambda: graph(("L", "cross_entropy", "a", "y"), a=0.5, y=2).forward(), "from 0 to 1"),
        (lambda: graph(u="one"), "u must be a finite number, not 'one'"),
        (lambda: graph(u=float("nan")), "u must be a finite number"),
        (lambda: graph(u=1).forward(u=None), "u must be a finite number, not None"),
        (lambda: graph(("q", "*", "u", None), u=1), "node q: an input must be a finite number, not None"),
        (lambda: graph(u=1).chain("v"), "no node is called 'v'"),
        (lambda: notes.Graph().parameter(3, 1.0), "the name of a node must be a string"),
    ],
)
def test_a_graph_says_where_it_has_no_value(call, said):
    with pytest.raises(RequestError, match=said):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: notes.linear_forward([[1.0]], np.eye(1), np.zeros((1, 1))), r"A is \[\[1.0\]\]: an array is needed"),
        (lambda: notes.shallow_backward(PARAMETERS, {}, X, Y), "Z1 is missing"),
        (lambda: notes.shallow_cost({}, Y), "Z2 is missing"),
        (lambda: notes.L_model_backward(AL, Y, []), "caches is empty"),
        (lambda: notes.deep_backward(AL, Y, [], ()), "expected an activation for each"),
        (lambda: notes.theta_backward(THETA, {}, Y.T), r"a must hold a\(1\)"),
        (lambda: notes.theta_cost([[[1.0, 2.0]]], X.T, Y.T), "Theta is a list of arrays"),
        (lambda: notes.hidden_units_as_regressions({}, X), "W1 is missing"),
        (lambda: notes.numerical_gradient(sum, np.ones(2), 0.0), "epsilon must be a positive number"),
        (lambda: notes.derive_dz1({}, X[:, :1], Y[:, :1]), "W1 is missing"),
    ],
)
def test_what_is_missing_is_named(call, said):
    with pytest.raises(RequestError, match=said):
        call()
