"""Input layers in compiled code: what the reference engine gives, and the same bits in any chunks, threads, vectors."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule.engines import SlowerEngine, make_engine
from chainrule.engines.fused import Fused, Untraceable, lowering
from chainrule.engines.fused import threads as of_machine
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.formulas.input_layers import INPUTS, InputLayer, Parameter
from chainrule.inputs import Input
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.test_equals_reference import DTYPES, TOLERANCE, apart, assert_states_agree
from tests.engines.fused.test_same_bits import narrower

# A layer or several, and how many columns of numbers are handed on beside them
LAYERS = {
    "scale": ([Input("scale", (0, 1, 2))], 0),
    "cosine": ([Input("cosine(4, init_scale=0.5)", (0, 1, 2))], 0),
    "cosine of one column": ([Input("cosine(2)", (0,))], 1),
    "cosine of many": ([Input("cosine(7)", tuple(range(19)))], 0),
    "lookup": ([Input("lookup(3)", (0,), levels=5)], 0),
    "lookup of two levels": ([Input("lookup(1)", (0,), levels=2)], 2),
    "lookup of many": ([Input("lookup(18)", (0,), levels=70)], 0),
    "some handed on": ([Input("scale", (2,)), Input("scale", (5, 4))], 4),
    "all kinds": (
        [
            Input("lookup(3)", (1,), levels=4),
            Input("cosine(5)", (7, 0, 1, 3)),
            Input("scale", (2,)),
            Input("lookup(17)", (0,), levels=9),
            Input("cosine(3, init_scale=2)", (8,)),
        ],
        3,
    ),
}
HIDDEN = {"none": (), "one unit": (1,), "two layers": (9, 20)}


def network_of(name, hidden=(9, 6), outputs=2, dtype="float64", **more):
    """A network with these layers."""
    layers, handed_on = LAYERS[name]
    n_0 = sum(layer.width for layer in layers) + handed_on
    return Network((n_0, *hidden, outputs), "tanh", dtype=dtype, inputs=tuple(layers), **more)


def rows_of(network, m, seed=0):
    """X, Y, weights, codes."""
    draw = np.random.default_rng(seed)
    codes = [draw.integers(0, levels, m) for levels in network.columns.levels]
    X = draw.normal(size=(m, network.columns.numbers))
    weight = draw.uniform(0.1, 1.0, m) * (draw.random(m) > 0.2)
    return X, draw.normal(size=(m, network.n[-1])), weight, np.stack(codes, axis=1) if codes else None


def theta_of(network, seed=1):
    """Parameters none of which is what it begins with: a scale of 1 would prove nothing."""
    return (0.5 * np.random.default_rng(seed).normal(size=network.size)).astype(network.dtype)


def engines(network, recipe, threads=1):
    return Fused(network, recipe, threads=threads), Reference(network, recipe)


def dense_size(network):
    """How many parameters stand before those of input layers."""
    return next(block.offset for block in network.layout if block.name.startswith("inputs"))


def assert_same(network, recipe, m=37, steps=4):
    fused, reference = engines(network, recipe)
    tolerance, theta = TOLERANCE[network.dtype], theta_of(network)
    X, Y, weight, codes = rows_of(network, m)
    examples = reference.examples(X, Y, weight, codes)
    assert apart(fused.predict(theta, X, codes), reference.predict(theta, X, codes)) <= tolerance
    assert fused.cost(theta, examples) == pytest.approx(reference.cost(theta, examples), rel=10 * tolerance)
    for step in (None, 3):
        (cost, dtheta), (J, expected) = (e.gradient(theta, examples, step) for e in (fused, reference))
        assert cost == pytest.approx(J, rel=10 * tolerance)
        before, of_inputs = np.split(np.stack([dtheta, expected]), [dense_size(network)], 1)
        assert apart(*before) <= tolerance
        assert apart(*of_inputs) <= tolerance
    ours, theirs = (e.run(e.start(theta), examples, 0, steps) for e in (fused, reference))
    assert_states_agree(ours, theirs, 10 * tolerance)


def test_every_row_is_here():
    assert {INPUTS.name(layer.layer) for layers, _ in LAYERS.values() for layer in layers} == set(INPUTS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("name", LAYERS)
def test_what_the_reference_engine_gives(name, hidden, dtype):
    assert_same(
        network_of(name, HIDDEN[hidden], 1 if hidden == "none" else 2, dtype), Recipe("momentum", batch_size=16)
    )


@pytest.mark.parametrize("batch_size", [1, 36, 37, 38])
@pytest.mark.parametrize("shuffle", [True, False])
def test_in_batches(batch_size, shuffle):
    assert_same(network_of("all kinds"), Recipe("gradient_descent", batch_size=batch_size, shuffle=shuffle))


@pytest.mark.parametrize("dtype", DTYPES)
def test_with_all_that_training_has(dtype):
    more = {"dropout": (0.2, 0.5), "penalties": ("l2(0.1)", "l1(0.01)")}
    recipe = Recipe("gradient_descent", schedule="warm_up_cosine(2)", batch_size=30, clip_norm=0.5, seed=3)
    assert_same(network_of("all kinds", dtype=dtype, **more), recipe, m=100, steps=8)
    assert_same(network_of("all kinds", dtype="float64", **more), replace(recipe, optimizer="adamw"), m=100, steps=8)


def made(network, m=333, threads=1, target=None):
    """What an engine makes of a network: numbers whose bits may depend on nothing else."""
    engine = Fused(network, Recipe("momentum", batch_size=200), threads=threads, target=target)
    X, Y, weight, codes = rows_of(network, m)
    examples, theta = engine.examples(X, Y, weight, codes), theta_of(network)
    J, dtheta = engine.gradient(theta, examples, 4)
    after = engine.run(engine.start(theta), examples, 0, 5).theta
    return J, dtheta, after, engine.cost(theta, examples), engine.predict(theta, X, codes)


@pytest.fixture
def many_threads(monkeypatch):
    monkeypatch.setattr(of_machine, "WORTH", 1e-9)
    monkeypatch.setattr(of_machine, "ADAPTS", False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_threads_vectors_and_chunks_change_nothing(name, dtype, many_threads, monkeypatch):
    network = network_of(name, (20, 33), 3, dtype, dropout=0.2)
    alone = made(network)
    for count, target in ((2, None), (3, None), (1, narrower()), (3, narrower())):
        assert all(map(np.array_equal, made(network, threads=count, target=target), alone)), (count, target)
    monkeypatch.setattr(lowering, "CACHE", 0)
    for least, count in ((48, 1), (96, 3)):
        monkeypatch.setattr(lowering, "MIN_ROWS", least)
        assert all(map(np.array_equal, made(network, threads=count), alone)), (least, count)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_row_alone_is_predicted_as_in_any_batch(name, dtype):
    network = network_of(name, dtype=dtype)
    engine, theta = Fused(network, Recipe()), theta_of(network)
    X, _, _, codes = rows_of(network, 60)
    all_at_once = engine.predict(theta, X, codes)
    for size in (1, 2, 7, 48):
        parts = [slice(i, i + size) for i in range(0, 60, size)]
        each = [engine.predict(theta, X[part], None if codes is None else codes[part]) for part in parts]
        assert np.array_equal(np.concatenate(each), all_at_once), size


def test_large_products_are_packed_on_the_way_to_inputs_too(many_threads):
    network = Network((8 * 90, 130, 1), "tanh", inputs="cosine(8)", dtype="float32")
    alone, together = made(network, 250), made(network, 250, threads=3)
    assert all(map(np.array_equal, alone, together))
    assert_same(network, Recipe("gradient_descent", batch_size=200), m=250, steps=2)


@pytest.mark.parametrize("count", [1, 3])
def test_shares_of_a_step_add_up(count, many_threads):
    network = network_of("all kinds", dropout=(0.2, 0.0), penalties="l2(0.1)")
    engine, theta = Fused(network, Recipe(), threads=count), theta_of(network)
    given = rows_of(network, 50)
    J, dtheta = engine.gradient(theta, engine.examples(*given), 4)
    S = float(given[2].sum())
    shares = [
        engine.gradient(theta, engine.examples(*(V[first:last] for V in given)), 4, S, first)
        for first, last in ((0, 13), (13, 14), (14, 50))
    ]
    assert sum(J for J, _ in shares) == pytest.approx(J, rel=1e-12)
    assert apart(sum(dtheta for _, dtheta in shares), dtheta) <= TOLERANCE["float64"]


# codes


def test_levels_that_no_row_has_get_what_the_mean_hands_on():
    network = network_of("lookup")
    fused, reference = engines(network, Recipe())
    X, Y, weight, codes = rows_of(network, 20)
    for codes_of in (np.zeros_like(codes), np.full_like(codes, 4), np.minimum(codes, 2)):
        examples = fused.examples(X, Y, weight, codes_of)
        (_, dtheta), (_, expected) = (e.gradient(theta_of(network), examples) for e in (fused, reference))
        assert apart(dtheta, expected) <= TOLERANCE["float64"]


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int32, ">i8"])
def test_codes_of_other_integers_are_the_same_codes(kind):
    network = network_of("all kinds")
    engine, theta = Fused(network, Recipe()), theta_of(network)
    X, _, _, codes = rows_of(network, 20)
    assert np.array_equal(engine.predict(theta, X, codes.astype(kind)), engine.predict(theta, X, codes))
    assert np.array_equal(engine.predict(theta, X, np.asfortranarray(codes)), engine.predict(theta, X, codes))


def test_codes_in_any_memory_are_the_same_codes():
    network = network_of("all kinds")
    engine, theta = Fused(network, Recipe(batch_size=8)), theta_of(network)
    X, Y, weight, codes = rows_of(network, 20)
    examples = engine.examples(X, Y, weight, codes)
    expected = engine.run(engine.start(theta), examples, 0, 5).theta
    unaligned = np.frombuffer(b"\0" + codes.tobytes(), np.int64, offset=1).reshape(codes.shape)
    read_only = codes.copy()
    read_only.flags.writeable = False
    for form in (unaligned, read_only, codes.copy(order="F"), codes[::-1].copy()[::-1], codes.astype(">i8")):
        of_form = replace(examples, codes=form)
        assert np.array_equal(engine.run(engine.start(theta), of_form, 0, 5).theta, expected)


@pytest.mark.parametrize("engine_of", [Fused, Reference])
@pytest.mark.parametrize(("column", "code"), [(0, -1), (0, 9), (1, 4), (1, 2**40)])
def test_codes_that_a_column_does_not_have_are_refused(engine_of, column, code):
    network = network_of("all kinds")
    engine, theta = engine_of(network, Recipe(batch_size=8)), theta_of(network)
    X, Y, weight, codes = rows_of(network, 20)
    examples = engine.examples(X, Y, weight, codes)
    wrong = codes.copy()
    wrong[13, column] = code
    of_wrong, said = replace(examples, codes=wrong), f"column {column}.*row 13 has {code}"
    for call in (
        lambda: engine.predict(theta, X, wrong),
        lambda: engine.examples(X, Y, weight, wrong),
        lambda: engine.cost(theta, of_wrong),
        lambda: engine.gradient(theta, of_wrong),
        lambda: engine.run(engine.start(theta), of_wrong, 0, 1),
    ):
        with pytest.raises(RequestError, match=said):
            call()
    state = engine.run(engine.start(theta), examples, 0, 1)
    examples.codes[13, column] = code  # of the arrays that this run had
    with pytest.raises(RequestError, match=said):
        engine.run(state, examples, 1, 2)


# what is not finite


@pytest.mark.parametrize("name", ["scale", "cosine"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_that_is_not_finite_leaves_theta_as_it_began(name, value):
    network = network_of(name)
    fused, reference = engines(network, Recipe("gradient_descent", batch_size=10, shuffle=False))
    X, Y, _, codes = rows_of(network, 30)
    X[15, 1] = value
    examples = fused.examples(X, Y, None, codes)
    with np.errstate(invalid="ignore"):
        ours, theirs = (e.run(e.start(theta_of(network)), examples, 0, 3) for e in (fused, reference))
    assert ours.diverged
    assert_states_agree(ours, theirs, TOLERANCE["float64"])


@pytest.mark.parametrize("name", LAYERS)
def test_a_parameter_that_is_not_finite_is_found(name):
    network = network_of(name)
    engine, theta = Fused(network, Recipe()), theta_of(network)
    assert engine.is_finite(theta)
    theta[-1] = np.nan
    assert not engine.is_finite(theta)


# layers that are not in the table


def bend(xp, forward=None, backward=None, parts=(2,), blocks=None, takes="numbers"):
    """e = c tanh(s x), two units a column."""
    blocks = blocks or (lambda k: {V: Parameter((2, k, 1), lambda *place: np.array(0.5)) for V in ("c", "s")})

    def its_forward(p, x):
        return (p["c"] * xp.tanh(p["s"] * x),)

    def its_backward(p, x, de):
        t = xp.tanh(p["s"] * x)
        each = {"c": de[0] * t, "s": de[0] * p["c"] * (1.0 - t * t) * x}
        return {V: xp.sum(dV, axis=-1, keepdims=True) for V, dV in each.items()}

    made = lambda given, own: (lambda *args: given(xp, *args)) if given else own  # noqa: E731
    names, pass_ = tuple(map(str, range(sum(parts)))), (made(forward, its_forward), made(backward, its_backward))
    slopes = "t = tanh(s x); dc = sum_i de t; ds = sum_i de c (1 - t^2) x"
    return InputLayer(takes, names, parts, blocks, *pass_, None, "e = c tanh(s x)", slopes, "a test")


def with_bend(monkeypatch, name="bend", **given):
    """A network with such a layer under a name of its own: engines remember what they have made of a network."""
    monkeypatch.setitem(INPUTS, name, lambda xp: bend(xp, **given))
    return Network((2 * 3 + 1, 5, 1), "tanh", dtype="float64", inputs=(Input(name, (0, 1, 3)),))


def test_one_that_is_elementwise_is_compiled(monkeypatch):
    assert_same(with_bend(monkeypatch), Recipe("momentum", batch_size=16))


def summed(xp, V):
    return xp.sum(V, axis=-1, keepdims=True)


NOT_COMPILED = {
    "a sum over units": (
        {"forward": lambda xp, p, x: (p["c"] * x - xp.sum(p["c"] * x, axis=0, keepdims=True),)},
        "sum over units or examples inside",
    ),
    "a function that is not there": ({"forward": lambda xp, p, x: (p["c"] * p["s"] * xp.arctan(x),)}, "arctan"),
    "no sum": (
        {"backward": lambda xp, p, x, de: {"c": 2.0 * summed(xp, de[0]), "s": summed(xp, de[0])}},
        "gradient of c is not a sum over examples",
    ),
    "parameters of other units": (
        {
            "blocks": lambda k: {
                "c": Parameter((2, k, 1), lambda *place: np.array(0.5)),
                "s": Parameter((1, k, 1), lambda *place: np.array(0.5)),
            }
        },
        "another number of units",
    ),
}


@pytest.mark.parametrize("name", NOT_COMPILED)
def test_one_that_cannot_be_compiled_is_run_by_the_reference_engine_and_says_why(name, monkeypatch):
    given, reason = NOT_COMPILED[name]
    network = with_bend(monkeypatch, own := name.replace(" ", "_"), **given)
    with pytest.warns(SlowerEngine, match=f"input layer '{own}'.*{reason}"):
        assert isinstance(make_engine(network, Recipe()), Reference)


def test_of_layers_for_categories_lookup_alone_is_compiled(monkeypatch):
    monkeypatch.setitem(INPUTS, "another", lambda xp, d: INPUTS.make("lookup(2)", xp))
    with pytest.raises(Untraceable, match=r"another\(d=2\).*lookup alone is compiled"):
        Fused(Network((2, 1), inputs=(Input("another(2)", (0,), levels=3),)), Recipe())
