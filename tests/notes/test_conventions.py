"""Between notations: gradients, parameters and predictions stay what they are, whoever writes them down."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import Network, Parameters, Recipe, make_engine
from chainrule.errors import RequestError
from chainrule.notes import (
    CONVENTIONS,
    L_model_backward,
    L_model_forward,
    columns_from_rows,
    convert,
    dW_as,
    dZ_L_as,
    gradients_as,
    h_Theta,
    linear_backward,
    mixed_dW,
    model_from_parameters,
    model_from_Theta,
    model_to_parameters,
    model_to_Theta,
    network_from_parameters,
    network_from_Theta,
    network_to_parameters,
    network_to_Theta,
    regression_example,
    row_theta_from_wb,
    rows_from_columns,
    theta_backward,
    theta_cost,
    theta_forward,
    theta_from_wb,
    theta_gradient,
    times_1_over_m,
    wb_from_row_theta,
    wb_from_theta,
)

FIRST_HALF = "Theta notation, first half"
WITH_BIASES = [title for title in CONVENTIONS if title != FIRST_HALF]
sizes = st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple)


def case(n=(3, 4, 2), m=5, activation="sigmoid", loss="binary_cross_entropy", seed=0, **options):
    """A network in float64, its theta, and columns X, Y."""
    network = Network(n, activation, loss, dtype="float64", **options)
    rng = np.random.default_rng(seed)
    Y = rng.integers(0, 2, (n[-1], m)).astype(float)
    return network, rng.normal(size=network.size), rng.normal(size=(n[0], m)), Y


def same(one, other, rtol=1e-12):
    return one.keys() == other.keys() and all(
        one[name].shape == other[name].shape and np.allclose(one[name], other[name], rtol=rtol, atol=1e-14)
        for name in one
    )


# gradients


def test_the_table_says_where_1_over_m_is():
    assert {title: convention.one_over_m for title, convention in CONVENTIONS.items()} == {
        "Multi-layer networks": "dZ[L]",
        "Building blocks": "dW and db",
        "Deep learning basics": "dW and db",
        "Logistic regression to one hidden layer": "dW and db",
        "Theta notation, first half": "nowhere",
        "Theta notation": "D",
    }
    assert [title for title, c in CONVENTIONS.items() if c.counts_input] == [FIRST_HALF, "Theta notation"]
    assert [title for title, c in CONVENTIONS.items() if c.rows] == [FIRST_HALF]


def test_multi_layer_networks_writes_the_derivatives_of_J_themselves():
    network, theta, X, Y = case()
    engine = make_engine(network, Recipe())
    examples = engine.examples(X.T, Y.T)
    _, dtheta = engine.gradient(theta, examples)
    exact = Parameters(network, dtheta)
    grads = gradients_as(network, theta, X, Y, "Multi-layer networks")
    for l in (1, 2):
        assert np.allclose(grads[f"dW{l}"], exact.W[l], rtol=1e-13)
        assert np.allclose(grads[f"db{l}"], exact.b[l], rtol=1e-13)
    assert np.allclose(grads["dZ2"].sum(axis=1, keepdims=True), grads["db2"], rtol=1e-13)  # no 1/m is left for db
    assert set(grads) == {"dW1", "db1", "dZ1", "dW2", "db2", "dZ2", "dA1"}


@given(n=sizes, m=st.integers(1, 6))
def test_building_blocks_own_backward_pass_is_its_column_of_the_table(n, m):
    network, theta, X, Y = case(n, m, "relu")
    AL, caches = L_model_forward(X, network_to_parameters(network, theta))
    found = L_model_backward(AL, Y, caches)
    del found["dA0"]
    expected = gradients_as(network, theta, X, Y, "Building blocks")
    assert same(found, {name: V for name, V in expected.items() if "dZ" not in name}, rtol=1e-9)


@given(n=sizes, m=st.integers(1, 6))
def test_theta_notation_s_own_backward_pass_is_its_column_of_the_table(n, m):
    network, theta, X, Y = case(n, m)
    Theta = network_to_Theta(network, theta)
    _, a = theta_forward(Theta, X.T)
    found = {f"delta{l}": d for l, d in theta_backward(Theta, a, Y.T).items()}
    found |= {f"D{l}": D_l for l, D_l in enumerate(theta_gradient(Theta, X.T, Y.T), start=1)}
    expected = gradients_as(network, theta, X, Y, "Theta notation")
    assert same({name: V for name, V in expected.items() if not name.startswith("da")}, found, rtol=1e-10)


def test_the_first_half_s_own_example_is_its_column_of_the_table():
    network, theta, X, Y = case((2, 3, 1), loss="half_squared_error_sigmoid")
    p = Parameters(network, theta)
    for b in p.b[1:]:
        b[...] = 0.0
    found = regression_example(X.T, Y.T, *row_theta_from_wb(p.W, p.b))
    expected = gradients_as(network, theta, X, Y, FIRST_HALF)
    del expected["da2"]
    names = ("dJ_dTheta1", "dJ_dTheta2", "delta2", "delta3")
    assert same(expected, {name: getattr(found, name) for name in names}, rtol=1e-11)


@pytest.mark.parametrize(("source", "to"), list(permutations(WITH_BIASES, 2)))
def test_converting_gives_what_the_other_document_writes(source, to):
    network, theta, X, Y = case((3, 4, 3, 2), m=7)
    written = {title: gradients_as(network, theta, X, Y, title) for title in (source, to)}
    assert same(convert(written[source], source, to, m=7), written[to])


@pytest.mark.parametrize("other", WITH_BIASES)
def test_to_the_first_half_and_back_without_biases(other):
    network, theta, X, Y = case(m=7)
    for b in Parameters(network, theta).b[1:]:
        b[...] = 0.0
    first_half = gradients_as(network, theta, X, Y, FIRST_HALF)
    if other == "Theta notation":  # its D has a place for the biases, which the first half does not know
        with pytest.raises(RequestError, match="layer 1: D1 holds dW and db, and db is missing"):
            convert(first_half, FIRST_HALF, other, 7)
        return
    weights = {k: V for k, V in gradients_as(network, theta, X, Y, other).items() if not k.startswith("db")}
    assert same(convert(first_half, FIRST_HALF, other, 7), weights)
    assert same(convert(weights, other, FIRST_HALF, 7), first_half)


def test_the_same_dZ_as_each_document_has_it():
    network, theta, X, Y = case((2, 1), m=4)
    Theta = network_to_Theta(network, theta)
    A_minus_Y = h_Theta(Theta, X.T).T - Y
    for title, name, factor in [
        ("Multi-layer networks", "dZ1", 1 / 4),
        ("Building blocks", "dZ1", 1.0),
        ("Deep learning basics", "dZ1", 1.0),
        ("Logistic regression to one hidden layer", "dZ1", 1.0),
        ("Theta notation", "delta2", 1.0),
    ]:
        assert np.allclose(gradients_as(network, theta, X, Y, title)[name], factor * A_minus_Y, rtol=1e-13)


def test_mixing_two_documents_counts_1_over_m_twice_or_not_at_all():
    m = 5
    network, theta, X, Y = case((3, 2), m)
    A_L = h_Theta(network_to_Theta(network, theta), X.T).T
    right = gradients_as(network, theta, X, Y, "Multi-layer networks")["dW1"]
    cache = (X, Parameters(network, theta).W[1], Parameters(network, theta).b[1])
    _, wrong, _ = linear_backward(dZ_L_as(A_L, Y, "Multi-layer networks"), cache)  # 1/m in dZ, and again in dW
    assert np.allclose(wrong, right / m, rtol=1e-12)
    for dZ_from in WITH_BIASES:
        for dW_from in CONVENTIONS:
            times = times_1_over_m(dZ_from, dW_from)
            mixed = mixed_dW(A_L, Y, X, dZ_from, dW_from)
            assert np.allclose(mixed, right * m ** (1.0 - times), rtol=1e-12)
            if dZ_from == dW_from:
                assert times == 1
    assert times_1_over_m("Multi-layer networks", "Deep learning basics") == 2
    assert times_1_over_m("Theta notation", "Multi-layer networks") == 0
    assert times_1_over_m(FIRST_HALF, FIRST_HALF) == 0  # its J is a sum


def test_rows_and_columns_are_the_same_memory():
    X = np.arange(6.0).reshape(2, 3)
    assert rows_from_columns(X).shape == (3, 2)
    assert np.shares_memory(rows_from_columns(X), X)
    assert np.array_equal(columns_from_rows(rows_from_columns(X)), X)


# parameters


@given(sizes)
def test_W_and_b_to_Theta_and_back(n):
    network, theta, *_ = case(n)
    p = Parameters(network, theta)
    Theta = theta_from_wb(p.W, p.b)
    for l in range(1, network.L + 1):
        assert np.array_equal(Theta[l - 1][:, 1:], p.W[l])
        assert np.array_equal(Theta[l - 1][:, 0:1], p.b[l])
    W, b = wb_from_theta(Theta)
    assert W[0] is b[0] is None
    assert all(np.array_equal(W[l], p.W[l]) and np.array_equal(b[l], p.b[l]) for l in range(1, network.L + 1))


def test_Theta_of_the_first_half_is_W_transposed():
    network, theta, X, Y = case((2, 3, 1))
    p = Parameters(network, theta)
    Theta = row_theta_from_wb(p.W, [None, np.zeros((3, 1)), np.zeros((1, 1))])
    W, b = wb_from_row_theta(Theta)
    assert all(np.array_equal(W[l], p.W[l]) for l in (1, 2))
    y_hat = regression_example(X.T, Y.T, *Theta).y_hat
    assert np.allclose(y_hat, h_Theta(theta_from_wb(W, b), X.T), rtol=1e-13)


@given(sizes)
def test_network_to_parameters_and_back(n):
    network, theta, X, _ = case(n, activation="relu", dropout=0.2, penalties=("l2(0.5)",))
    parameters = network_to_parameters(network, theta)
    AL, _ = L_model_forward(X, parameters)
    assert np.allclose(make_engine(network, Recipe()).predict(theta, X.T), AL.T, rtol=1e-13)
    again, back = network_from_parameters(parameters)
    assert np.array_equal(back, theta)
    assert again == replace(network, dropout=0.0, penalties=())
    kept, back = network_from_parameters(parameters, network=network)
    assert kept is network
    assert np.array_equal(back, theta)


def test_other_hidden_activations_go_by_name():
    network, theta, X, _ = case(activation="tanh")
    parameters = network_to_parameters(network, theta, hidden_activation="tanh")
    AL, _ = L_model_forward(X, parameters, hidden_activation="tanh")
    assert np.allclose(make_engine(network, Recipe()).predict(theta, X.T), AL.T, rtol=1e-13)
    assert network_from_parameters(parameters, "tanh")[0] == network


@given(sizes)
def test_network_to_Theta_and_back(n):
    network, theta, X, _ = case(n)
    Theta = network_to_Theta(network, theta)
    assert np.allclose(make_engine(network, Recipe()).predict(theta, X.T), h_Theta(Theta, X.T), rtol=1e-13)
    again, back = network_from_Theta(Theta)
    assert again == network
    assert np.array_equal(back, theta)


def test_the_l2_penalty_of_a_network_is_lambda():
    network, theta, X, Y = case(penalties=("l2(0.7)",))
    engine = make_engine(network, Recipe())
    J, dtheta = engine.gradient(theta, engine.examples(X.T, Y.T))
    Theta = network_to_Theta(network, theta)
    assert np.isclose(theta_cost(Theta, X.T, Y.T, 0.7), J, rtol=1e-13)
    D = network_to_Theta(network, dtheta)
    for l, D_l in enumerate(theta_gradient(Theta, X.T, Y.T, 0.7)):
        assert np.allclose(D_l, D[l], rtol=1e-12, atol=1e-15)


def test_copies_do_not_move_the_network():
    network, theta, _, _ = case()
    before = theta.copy()
    network_to_Theta(network, theta)[0][...] = 0.0
    network_to_parameters(network, theta, "sigmoid")["W1"][...] = 0.0
    assert np.array_equal(theta, before)


WIDTH = np.random.default_rng(0).normal(size=90)
TABLE = {
    "width": WIDTH.tolist(),
    "height": np.random.default_rng(1).normal(size=90).tolist(),
    "kind": np.array(["small", "odd", "large"])[np.digitize(WIDTH, [-0.4, 0.4])].tolist(),
}


def trained(activation, **options):
    return chainrule.train(TABLE, "kind", activation=activation, hidden=(4,), epochs=20, learning_rate=0.1, **options)


def predictions(model):
    return model.predict_proba(TABLE), model.predict(TABLE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "to", "back"),
    [
        ("relu", model_to_parameters, model_from_parameters),
        ("sigmoid", model_to_Theta, model_from_Theta),
    ],
)
def test_a_trained_model_predicts_the_same_after_the_round_trip(activation, to, back, dtype):
    model = trained(activation, loss="binary_cross_entropy", dtype=dtype)
    blank = replace(model, theta=np.zeros_like(model.theta))
    returned = back(to(model), blank)
    assert returned.theta.dtype == model.theta.dtype
    for one, other, without in zip(predictions(returned), predictions(model), predictions(blank), strict=True):
        assert np.array_equal(one, other)
        assert not np.array_equal(one, without)


def test_a_trained_model_predicts_the_same_in_the_notation_s_own_words():
    for activation in ("relu", "sigmoid"):
        model = trained(activation, loss="binary_cross_entropy", dtype="float64")
        X = model.encoder.transform(model.read(TABLE)).astype(float)
        if activation == "relu":
            A_L = L_model_forward(X.T, model_to_parameters(model))[0].T
        else:
            A_L = h_Theta(model_to_Theta(model), X)
        P = A_L / A_L.sum(axis=1, keepdims=True)  # K sigmoids as chances of classes that exclude each other
        assert np.allclose(P, model.predict_proba(TABLE), rtol=1e-12)


# what a notation cannot say is refused


def ones(*shape):
    return np.ones(shape)


def of(activation, loss):
    network, theta, _, _ = case(activation=activation, loss=loss)
    return network, theta


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: network_to_Theta(*of("relu", "binary_cross_entropy")),
            "layer 1: .* assumes sigmoid here",
        ),
        (lambda: network_to_Theta(*of("sigmoid", "cross_entropy")), "layer 2: .* network has cross_entropy"),
        (lambda: network_to_Theta(*of("sigmoid", "half_squared_error_sigmoid")), "layer 2: .* sigmoid output with the"),
        (lambda: network_to_Theta(*of("sigmoid", "binary_cross_entropy(0.1)")), "layer 2: .*smoothing=0.1"),
        (lambda: network_to_parameters(*of("tanh", "binary_cross_entropy")), "pass hidden_activation='tanh'"),
        (
            lambda: network_to_parameters(*of("relu", "half_squared_error")),
            "layer 2: .* has half_squared_error",
        ),
        (lambda: network_from_Theta([ones(1, 4)], of("relu", "binary_cross_entropy")[0]), "layer 1: .* relu"),
        (lambda: network_from_Theta([ones(4, 4)], case()[0]), r"layer 2: .* n = \(3, 4\), .* n = \(3, 4, 2\)"),
        (lambda: network_from_Theta([ones(4, 4), ones(2, 4)]), r"layer 2: Theta\(2\) is \(2, 4\)"),
        (lambda: network_from_parameters({"W1": ones(2, 2)}), "W1, b1, ..., WL, bL, not W1"),
        (lambda: network_from_parameters({}), "not none"),
        (lambda: network_from_parameters({"W1": ones(2, 2), "b1": ones(2)}), r"layer 1: W is \(2, 2\) but b is \(2,\)"),
        (
            lambda: network_from_parameters({"W1": ones(2, 2), "b1": ones(2, 1), "W2": ones(1, 3), "b2": ones(1, 1)}),
            r"layer 2: W is \(1, 3\) but A\[1\] has 2 rows",
        ),
        (lambda: theta_from_wb([None, ones(2, 2)], [None]), "W has 1 layers but b has 0"),
        (lambda: row_theta_from_wb([None, ones(2, 2)], [None, ones(2, 1)]), "layer 1: b is not 0"),
        (lambda: gradients_as(*case(), FIRST_HALF), "biases other than 0"),
        (lambda: convert({"db1": ones(1, 1)}, "Building blocks", FIRST_HALF, 5), "layer 1: .* has no b"),
        (lambda: convert({"dW1": ones(1, 1)}, "Building blocks", "Theta notation", 5), "layer 1: D1 .* db is missing"),
        (
            lambda: convert({"dZ1": ones(1, 4)}, "Building blocks", "Theta notation", 5),
            r"dZ1 is .* 5 examples",
        ),
        (lambda: convert({"delta2": ones(5, 1)}, "Theta notation", "Building blocks", 5), r"delta2 is \(5, 1\)"),
        (lambda: convert({"D1": ones(1, 2)}, "Building blocks", "Theta notation", 5), "'D1' is no gradient in"),
        (lambda: convert({}, "Building blocks", "Theta", 5), "no document is called 'Theta'"),
        (lambda: rows_from_columns(ones(3)), r"shape \(3,\)"),
        (lambda: dZ_L_as(ones(1, 3), ones(3), "Building blocks"), r"layer L: A\[L\] is \(1, 3\) but Y is \(3,\)"),
        (lambda: dW_as(ones(1, 3), ones(2, 3), "nothing"), "no document is called 'nothing'"),
    ],
)
def test_what_cannot_be_said_is_refused(call, said):
    with pytest.raises(RequestError, match=said):
        call()


@pytest.mark.parametrize(
    "call",
    [model_to_Theta, model_to_parameters, lambda m: model_from_Theta([], m), lambda m: model_from_parameters({}, m)],
)
def test_a_model_that_the_notation_cannot_say(call):
    with pytest.raises(RequestError, match="assumes"):
        call(trained("tanh"))


def test_a_function_of_one_s_own_under_the_name_of_a_row_is_not_that_row():
    model = trained("relu", loss="binary_cross_entropy")
    for name in ("relu", "binary_cross_entropy"):
        with pytest.raises(RequestError, match="assumes"):
            model_to_parameters(replace(model, functions={name: lambda xp: None}))
