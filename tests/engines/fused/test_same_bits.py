"""The same seed gives the same bits: on any number of threads, any width of vectors, in any chunks and batches."""

import json

import numpy as np
import pytest

from benchmarks import same_bits
from chainrule.engines.fused import Fused, lowering, threads
from chainrule.engines.fused.processor import AVX2, AVX512, NEON, here
from chainrule.formulas.input_layers import INPUTS
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused import configurations
from tests.engines.fused.configurations import bits, configuration, differing, rows
from tests.formulas.problems import ALL_INPUTS

ANY_WORK = 1e-9
CONFIGURATIONS = 20


def narrower():
    """A target of narrower vectors that this machine runs; its own where there is none."""
    own = here()
    return AVX2 if own.vector_bytes == AVX512.vector_bytes else own


@pytest.fixture
def many_threads(monkeypatch):
    """As many threads as are asked for, however small the work."""
    monkeypatch.setattr(threads, "WORTH", ANY_WORK)
    monkeypatch.setattr(threads, "ADAPTS", False)


@pytest.mark.parametrize("number", range(CONFIGURATIONS))
def test_any_configuration(number, many_threads):
    given = configuration(number)
    alone = bits(given)
    for count in (2, 3, 4):
        assert not differing(alone, bits(given, threads=count)), (count, given)
    assert not differing(alone, bits(given, target=narrower(), threads=1 + number % 3)), given


@pytest.mark.parametrize("table", ["ACTIVATIONS", "LOSSES", "PENALTIES"])
def test_a_new_row_leaves_the_configurations_that_do_not_have_it(table, monkeypatch):
    before = [str(configuration(number)) for number in range(100)]
    monkeypatch.setattr(configurations, f"ALL_{table}", ["a_new_row", *getattr(configurations, f"ALL_{table}")])
    after = [str(configuration(number)) for number in range(100)]
    changed = [now for now, then in zip(after, before, strict=True) if now != then]
    assert 0 < len(changed) < 60
    assert all("a_new_row" in now for now in changed)


def test_configurations_have_input_layers_of_every_kind():
    found = [[layer.layer for layer in configuration(number).network.input_layers] for number in range(200)]
    assert {INPUTS.canonical(spec) for spec in ALL_INPUTS} == {layer for layers in found for layer in layers}
    assert {0, 1, 2} <= {len(layers) for layers in found}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "n", [(5, 200, 16, 100, 3), (40, 1, 130, 1), (3, 64, 64, 64, 20), (2, 7, 300, 5, 9, 1), (30, 2), (100, 1)]
)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_threads_stay_out_of_each_others_rows(n, dropout, dtype, many_threads):
    # layers of different widths: a thread that is a layer ahead must not write where another still reads
    network = Network(n, "tanh", dropout=dropout, dtype=dtype)
    recipe = Recipe("momentum", batch_size=160)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(450, n[0])), rng.normal(size=(450, n[-1]))
    alone, *together = (Fused(network, recipe, threads=t) for t in (1, 2, 3, 4))
    examples = alone.examples(X, Y)
    expected = alone.run(alone.start(), examples, 0, 10).theta
    for engine in together:
        for _ in range(3):
            assert np.array_equal(engine.run(engine.start(), examples, 0, 10).theta, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
def test_a_row_alone_is_predicted_as_in_any_batch(number, dtype):
    given = configuration(number, dtype)
    engine = Fused(given.network, given.recipe)
    theta = engine.start().theta
    X, codes = (np.repeat(V, 3, axis=0)[:80] for V in rows(given)[::3])
    all_at_once = engine.predict(theta, X, codes)
    for size in (1, 2, 3, 7, 48):
        parts = [engine.predict(theta, X[i : i + size], codes[i : i + size]) for i in range(0, len(X), size)]
        assert np.array_equal(np.concatenate(parts), all_at_once, equal_nan=True), size
    assert np.array_equal(engine.predict(theta, np.asfortranarray(X), codes), all_at_once, equal_nan=True)
    assert np.array_equal(engine.predict(theta, X[::-2], codes[::-2]), all_at_once[::-2], equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy"])
@pytest.mark.parametrize("count", [1, 3])
def test_chunks_change_nothing(dtype, loss, count, many_threads, monkeypatch):
    network = Network((6, 20, 33, 3), "tanh", loss, (0.2, 0.5), "l2(0.1)", dtype=dtype)
    recipe = Recipe(batch_size=200)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(333, 6)), np.eye(3)[rng.integers(0, 3, 333)]

    def made():
        engine = Fused(network, recipe, threads=count)
        examples = engine.examples(X, Y)
        J, dtheta = engine.gradient(engine.start().theta, examples, 4)
        state = engine.run(engine.start(), examples, 0, 5)
        return J, dtheta, state.theta, engine.cost(state.theta, examples), engine.predict(state.theta, X)

    whole = made()
    for cache, least in ((0, 48), (0, 96), (0, 144), (48 * 1000, 48)):
        monkeypatch.setattr(lowering, "CACHE", cache)
        monkeypatch.setattr(lowering, "MIN_ROWS", least)
        assert all(map(np.array_equal, made(), whole)), (cache, least)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_products_are_packed_and_split_without_a_trace(dtype, many_threads):
    network = Network((300, 260, 257, 130), "relu", dtype=dtype)
    recipe = Recipe("gradient_descent", batch_size=150)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(250, 300)), rng.normal(size=(250, 130))

    def made(count, target):
        engine = Fused(network, recipe, threads=count, target=target)
        examples = engine.examples(X, Y)
        state = engine.run(engine.start(), examples, 0, 3)
        return state.theta, engine.predict(state.theta, X), engine.predict(state.theta, X[7:8])

    alone = made(1, here())
    assert np.array_equal(alone[1][7:8], alone[2])
    for count, target in ((2, here()), (3, here()), (1, narrower()), (4, narrower())):
        assert all(map(np.array_equal, made(count, target), alone)), (count, target)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("averaging", [None, 0.9])
def test_sums_over_blocks_of_any_size(averaging, dtype, many_threads):
    # one entry, some, a part that is full, several; more blocks than threads, and sums that take turns
    network = Network((64, 64, 200, 1, 65, 3), "tanh", "half_squared_error", 0.1, dtype=dtype)
    recipe = Recipe("lamb", batch_size=20, clip_norm=0.1, averaging=averaging)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 64)), rng.normal(size=(50, 3))

    def made(count, target):
        engine = Fused(network, recipe, threads=count, target=target)
        state = engine.run(engine.start(), engine.examples(X, Y), 0, 7)
        return [state.theta, *state.moments]

    alone = made(1, here())
    assert all(np.isfinite(vector).all() for vector in alone)
    for count, target in ((2, here()), (3, here()), (4, here()), (1, narrower()), (3, narrower())):
        for _ in range(3):
            assert all(map(np.array_equal, made(count, target), alone)), (count, target)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("m", [600, 601, 1000])
def test_costs_of_more_rows_than_a_chunk(m, count, many_threads):
    # a thread that is a chunk ahead must not write where another still reads
    network = Network((5, 80, 40, 3), "tanh")
    alone, together = (Fused(network, Recipe(), threads=t) for t in (1, count))
    rng = np.random.default_rng(0)
    examples = alone.examples(rng.normal(size=(m, 5)), rng.normal(size=(m, 3)))
    theta = alone.start().theta
    J = alone.cost(theta, examples)
    assert {together.cost(theta, examples) for _ in range(100)} == {J}


def test_the_long_search_tells_what_differs(many_threads, monkeypatch, tmp_path, capsys):
    out = tmp_path / "same_bits.json"
    monkeypatch.setattr(same_bits, "THREADS", (1, 1))
    assert same_bits.main(["--configurations", "2", "--out", str(out)]) == 0
    told = json.loads(out.read_text())
    assert (told["kind"], told["configurations"], told["different"]) == ("same_bits", 2, [])
    monkeypatch.setattr(same_bits, "bits", lambda given, count, target: {"theta": str(target.vector_bytes), "J": "0"})
    monkeypatch.setattr(same_bits, "targets", lambda: {"wide": AVX512, "narrow": AVX2})
    assert same_bits.main(["--configurations", "1", "--out", str(out)]) == 1
    assert {(d["vectors"], d["differs"]) for d in json.loads(out.read_text())["different"]} == {("narrow", "theta")}
    assert "0, 1 threads, narrow: theta differs" in capsys.readouterr().out


def test_the_same_engine_used_again_gives_the_same(many_threads):
    given = configuration(4)
    engine = Fused(given.network, given.recipe, threads=2)
    examples = engine.examples(*rows(given))
    first, second = (engine.run(engine.start(), examples, 0, 5).theta for _ in range(2))
    assert np.array_equal(first, second)


def test_this_machine_is_one_of_those_known():
    assert here().vector_bytes in {AVX512.vector_bytes, AVX2.vector_bytes, NEON.vector_bytes}
