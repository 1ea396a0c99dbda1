"""Input layers: which columns they take, how A[0] is put together, what they start with, and what is refused."""

import re

import numpy as np
import pytest

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.input_layers import INPUTS
from chainrule.inputs import MAX_COLUMNS, MAX_LEVELS, Columns, Input
from chainrule.network import Network, Parameters
from chainrule.propagation import Propagation
from chainrule.recipe import Recipe
from tests.formulas.problems import ALL_INPUTS, before, codes_for, distance
from tests.input_layers import IS_FOR_NUMBERS, SPECS

MIXED = (Input("scale", (3, 1)), Input("lookup(2)", (0,), levels=3))


def test_a_0_has_the_outputs_of_the_layers_and_then_what_is_handed_on():
    network = Network((2 + 2 + 2, 3), inputs=MIXED, dtype="float64")
    assert network.columns == Columns(numbers=4, levels=(3,), first=(0, 2), handed_on=(0, 2))
    rng = np.random.default_rng(0)
    theta = rng.normal(size=network.size)
    p = Parameters(network, theta).views
    X, codes = rng.normal(size=(4, 7)), rng.integers(0, 3, (1, 7))
    A_0 = Propagation(network).forward(theta, X, codes)[1][0]
    s, E = p["inputs[0].s"][0], p["inputs[1].E"]
    T = np.array([E[:, 0] + E[:, 1:].mean(axis=1), E[:, 1], E[:, 2]]).T
    np.testing.assert_allclose(A_0, np.concatenate([s[0] * X[[3]], s[1] * X[[1]], T[:, codes[0]], X[[0, 2]]]))


def test_one_name_takes_all_columns():
    network = Network((24, 5, 1), inputs="cosine(8)")
    assert network.inputs == (Input("cosine(8)", (0, 1, 2)),)
    assert network.columns.numbers == 3


@pytest.mark.parametrize("layer", ALL_INPUTS)
def test_a_description_comes_back(layer):
    network = before(layer, Network((1, 3, 1)))
    assert Network.from_dict(network.to_dict()) == network
    assert "inputs" not in Network((2, 1)).to_dict()


@pytest.mark.parametrize("layer", ALL_INPUTS)
def test_dense_layers_start_as_they_do_without(layer):
    network = before(layer, Network((1, 3, 1)))
    plain = Network(network.n)
    assert np.array_equal(network.initial(7)[: plain.size], plain.initial(7))


def test_first_values():
    inputs = (Input("scale", (0,)), Input("cosine(5, 2)", tuple(range(1, 201))), Input("lookup(4)", (0,), levels=300))
    network = Network((1 + 1000 + 4, 1), inputs=inputs, dtype="float64")
    p = Parameters(network, network.initial(3)).views
    assert p["inputs[0].s"].tolist() == [[[1.0]]]
    w = p["inputs[1].w"]
    assert 5.5 < np.abs(w).max() < 6.0  # 3 deviations of 2
    assert w.std() == pytest.approx(2.0 * 0.9866, rel=0.05)  # of a normal between -3 and 3
    assert all(not p[f"inputs[1].{V}"].any() for V in ("b", "alpha", "beta", "beta_x"))
    assert (p["inputs[1].alpha_x"] == 1.0).all()
    E = p["inputs[2].E"]
    assert not E[:, 0].any()
    assert 0.48 < np.abs(E[:, 1:]).max() <= 0.5
    assert np.unique(E[:, 1:]).size == 4 * 299
    assert not np.array_equal(network.initial(4)[-network.size + 1006 :], network.initial(3)[-network.size + 1006 :])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", SPECS)
def test_a_network_whose_inputs_all_are_learned_has_a_slope_at_its_start(name, activation):
    """An A[0] of zeros, with biases of 0, is where relu has no slope: such a network would stand still for ever."""
    layer = Input(SPECS[name], (0, 1, 2)) if IS_FOR_NUMBERS[name] else Input(SPECS[name], (0,), levels=4)
    network = Network((layer.width, 16, 16, 1), activation, inputs=layer, dtype="float64")
    engine = Reference(network, Recipe())
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(50, 3)), None
    if not IS_FOR_NUMBERS[name]:
        X, codes = X[:, :0], rng.integers(4, size=(50, 1))
    _, dtheta = engine.gradient(network.initial(0), engine.examples(X, rng.normal(size=(50, 1)), codes=codes))
    slopes = Parameters(network, dtheta).views
    assert all(slopes[f"{V}[{l}]"].any() for l in (1, 2, 3) for V in "Wb")
    assert any(values.any() for block, values in slopes.items() if block.startswith("inputs"))


def test_a_code_that_no_row_trains_is_the_mean_of_the_others():
    network = Network((3, 4, 1), "tanh", inputs=Input("lookup(3)", (0,), levels=4), dtype="float64")
    engine = Reference(network, Recipe("adamw(weight_decay=0.1)", epochs=5, learning_rate=0.1))
    codes = np.array([[1], [2], [3], [1], [2]])
    none = np.zeros((5, 0))
    examples = engine.examples(none, np.arange(5.0)[:, None], codes=codes)
    theta = engine.run(engine.start(), examples, 0, 5).theta
    A_0 = Propagation(network).forward(theta, np.zeros((0, 4)), np.arange(4)[None])[1][0]
    np.testing.assert_allclose(A_0[:, 0], A_0[:, 1:].mean(axis=1), rtol=1e-14)
    assert distance(A_0, 0.0 * A_0) > 0.1
    trained = engine.examples(none, np.arange(5.0)[:, None], codes=np.array([[0], [2], [3], [1], [2]]))
    theta = engine.run(engine.start(), trained, 0, 5).theta
    A_0 = Propagation(network).forward(theta, np.zeros((0, 4)), np.arange(4)[None])[1][0]
    assert distance(A_0[:, 0], A_0[:, 1:].mean(axis=1)) > 0.01


@pytest.mark.parametrize("layer", ALL_INPUTS)
def test_the_slope_by_x(layer):
    network = before(layer, Network((1, 4, 1), "tanh", dtype="float64"), handed_on=2)
    of, m, h = Propagation(network), 5, 1e-5
    rng = np.random.default_rng(0)
    theta, X = rng.normal(size=network.size), rng.normal(size=(network.columns.numbers, m))
    codes = codes_for(network, m, rng)
    codes = None if codes is None else codes.T
    Z, A = of.forward(theta, X, codes)
    found = of.input_gradient(theta, X, Z, A, np.ones((1, m)), codes)
    for j in range(network.columns.numbers):
        up, down = X.copy(), X.copy()
        up[j] += h
        down[j] -= h
        quotient = (of.forward(theta, up, codes)[0][-1] - of.forward(theta, down, codes)[0][-1]) / (2 * h)
        np.testing.assert_allclose(found[j], quotient[0], rtol=1e-7, atol=1e-8)


def of(n_0, *inputs):
    return lambda: Network((n_0, 1), inputs=inputs)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda: Input("cosin(8)", (0,)),
            "input layer 'cosin' is not known; did you mean 'cosine'? Known: scale, cosine, lookup.",
        ),
        (lambda: Input("cosine(1)", (0,)), "cosine: d is an integer from 2 to 65536, not 1."),
        (lambda: Input("cosine(2.5)", (0,)), "cosine: d is an integer from 2 to 65536, not 2.5."),
        (lambda: Input("cosine(4, 0)", (0,)), "cosine: init_scale is above 0, not 0."),
        (lambda: Input("cosine", (0,)), "input layer 'cosine' needs its number: 'cosine(d=...)'."),
        (lambda: Input("scale", ()), "columns of an input layer must be integers of at least 0, not ()."),
        (lambda: Input("scale", (0, -1)), "columns of an input layer must be integers of at least 0, not (0, -1)."),
        (lambda: Input("scale", (1, 1)), "an input layer must take each of its columns once, not (1, 1)."),
        (lambda: Input("scale", (0,), levels=3), "scale takes columns of numbers, which have no levels"),
        (lambda: Input("lookup(4)", (0,)), "lookup(4) takes one column of codes and needs its number of levels"),
        (lambda: Input("lookup(4)", (0, 1), levels=3), "lookup(4) takes one column of codes"),
        (
            lambda: Input("lookup(4)", (0,), levels=1),
            "levels of a column of codes must be an integer from 2 to 16777216, not 1.",
        ),
        (of(2, Input("cosine(3)", (0,))), "at least 3 here, not 2."),
        (
            of(4, Input("cosine(3)", (2,))),
            "with n[0] = 4 there are 2 columns of numbers; an input layer takes column 2.",
        ),
        (of(2, Input("scale", (0,)), Input("scale", (0,))), "two input layers take the same column"),
        (of(2, *[Input("lookup(1)", (0,), levels=2)] * 2), "two input layers take the same column"),
        (
            of(1, Input("lookup(1)", (1,), levels=2)),
            "columns of codes are 0..0, each taken by an input layer; not [1].",
        ),
        (lambda: Network((10, 1), inputs="cosine(4)"), "n[0] = 10 is no multiple of 4."),
        (lambda: Network((4, 1), inputs="lookup(4)"), "lookup(4) takes one column of codes"),
        (lambda: Network((4, 1), inputs=7), "inputs must be Input('cosine(8)', columns), one or a list, not 7."),
    ],
)
def test_refused(ask, said):
    with pytest.raises(RequestError) as error:
        ask()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (None, "lookup(d=2) takes codes of categories: pass codes (2, 1)."),
        ([[0], [3]], "codes of column 0 are 0 to 2; row 1 has 3."),
        ([[-1], [0]], "codes of column 0 are 0 to 2; row 0 has -1."),
        ([[0.0], [1.0]], "codes must be integers (2, 1)"),
        ([0, 1], "codes must be integers (2, 1), one column for each that input layers take, not int64 (2,)."),
    ],
)
def test_refused_codes(codes, said):
    engine = Reference(Network((6, 3), inputs=MIXED), Recipe())
    X, Y = np.zeros((2, 4)), np.zeros((2, 3))
    for call in (lambda: engine.examples(X, Y, codes=codes), lambda: engine.predict(engine.start().theta, X, codes)):
        with pytest.raises(RequestError) as error:
            call()
        assert said in str(error.value)


def test_every_row_says_what_it_is():
    for name in INPUTS:
        row = INPUTS.make(next(layer for layer in ALL_INPUTS if INPUTS.name(layer) == name), np)
        assert re.match(r"e(_\w+)? = ", row.equation)
        assert row.source


def test_layers_of_one_kind_start_with_other_values():
    twice = tuple(Input("lookup(2)", (j,), levels=3) for j in range(2))
    network = Network((4, 1), inputs=twice, dtype="float64")
    views = Parameters(network, network.initial(1)).views
    assert (views["inputs[0].E"][:, 1:] != views["inputs[1].E"][:, 1:]).all()


@pytest.mark.parametrize("kind", [Reference, Fused])
def test_parameters_of_input_layers_neither_decay_nor_are_penalised(kind):
    network = Network((2, 3, 1), "tanh", inputs="scale", penalties="l2_fixed(0.5)", dtype="float64")
    engine = kind(network, Recipe("adamw(weight_decay=0.5)"))
    theta = np.ones(network.size)
    after = Parameters(network, engine.update(engine.start(theta), np.zeros(network.size), 0.1).theta).views
    for block in network.layout:
        assert after[block.name] == pytest.approx(0.95 if block.name[0] == "W" else 1.0), block.name
    X, Y = np.zeros((4, 2)), engine.predict(theta, np.zeros((4, 2)))  # no loss: what is left is the penalties'
    dtheta = Parameters(network, engine.gradient(theta, engine.examples(X, Y))[1]).views
    for block in network.layout:
        assert dtheta[block.name] == pytest.approx(0.5 if block.name[0] == "W" else 0.0, abs=1e-12), block.name


@pytest.mark.parametrize("most", [{"columns": (MAX_COLUMNS,)}, {"columns": (0,), "levels": MAX_LEVELS + 1}])
def test_more_columns_or_levels_than_any_table_has_are_refused(most):
    with pytest.raises(RequestError, match=r"integers? (from|of at least)"):
        Input("lookup(2)" if "levels" in most else "scale", **most)
    with pytest.raises(RequestError, match=f"{MAX_COLUMNS} columns of numbers at most"):
        Network((MAX_COLUMNS + 1, 1), inputs=Input("scale", (0,)))
