"""Arrays of every form to every method: a right result or a clean error, and what may not be written stays as it is."""

import gc
import os
import subprocess
import sys
from weakref import ref

import numpy as np
import pytest

from chainrule.engines import Examples, State
from chainrule.engines.fused import Fused
from chainrule.engines.fused.gate import is_own
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.forms import SAME, SHARED

PARTS = {"fused": 1500, "reference": 1500, "classifier": 100, "regressor": 100, "elsewhere": 40}


@pytest.mark.parametrize("part", PARTS)
def test_every_form_of_every_array(part, tmp_path):
    """In a process of its own, with an allocator that looks at what it is given back: a crash is a failure here."""
    log = tmp_path / "cases"
    places = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    watchful = {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engines.gate_cases", part, str(log)],
        text=True,
        capture_output=True,
        env={**os.environ, **watchful, "PYTHONPATH": places},
        timeout=300,
    )
    last = (log.read_text().splitlines() or ["nothing"])[-1] if log.exists() else "nothing"
    assert done.returncode == 0, f"it ended with {done.returncode} in: {last}\n{done.stderr}"
    *faults, count = done.stdout.splitlines()
    assert not faults, "\n".join(faults)
    assert int(count.split()[0]) >= PARTS[part]


@pytest.mark.parametrize("form", SAME)
def test_what_is_shared_or_read_only_is_not_ones_own(form):
    mine = form in ("plain", "backwards", "a part of a larger one", "a view of a view")
    if form in SHARED or mine:
        assert is_own(SAME[form](np.arange(6.0))) == mine


# what runs again and again


NETWORK = Network((3, 4, 2), "tanh", "half_squared_error")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype(np.float32), RNG.normal(size=(20, 2)).astype(np.float32)


def engine(optimizer="adam"):
    return Fused(NETWORK, Recipe(optimizer, batch_size=8, epochs=5))


def numbers(state):
    return [np.array(v) for v in (state.theta, *state.moments)]


def assert_equal(given, expected):
    assert len(given) == len(expected)
    for a, b in zip(given, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("form", ["plain", *SHARED])
def test_a_state_is_copied_once_at_most(form):
    fused = engine()
    examples = fused.examples(X, Y)
    begin = fused.start()
    begin = begin._replace(theta=SAME[form](begin.theta), moments=tuple(SAME[form](m) for m in begin.moments))
    first = fused.run(begin, examples, 0, 2)
    second = fused.run(first, examples, 2, 5)
    given, after_one, after_two = ((s.theta, *s.moments) for s in (begin, first, second))
    assert all((a is b) == (form == "plain") for a, b in zip(given, after_one, strict=True))
    assert all(a is b for a, b in zip(after_one, after_two, strict=True))


def test_a_state_of_one_vector_in_several_places_is_as_one_of_several_vectors():
    """Zeros for both moments, the same ones: the reference engine writes none of them."""
    zeros = np.zeros(NETWORK.size, np.float32)
    fused, plain = engine(), Reference(NETWORK, engine().recipe)
    theta = fused.start().theta.copy()
    examples = fused.examples(X, Y)
    expected = plain.run(State(theta.copy(), (zeros, zeros)), examples, 0, 5)
    found = fused.run(State(theta.copy(), (zeros, zeros)), examples, 0, 5)
    for a, b in zip(numbers(found), numbers(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["X", "weight"])
def test_examples_that_overlap_theta_are_not_written(name):
    network = Network((3, 4, 2), "tanh", "half_squared_error")
    fused = Fused(network, Recipe(batch_size=8))
    memory = np.abs(np.random.default_rng(1).normal(size=200)).astype(np.float32)
    theta, rows = memory[: network.size], memory[: 20 * 3].reshape(20, 3)
    weight = memory[:20] if name == "weight" else np.ones(20, np.float32)
    examples = Examples(rows if name == "X" else X, Y, weight)
    apart = Examples(*(np.array(v, order="K") for v in (examples.X, examples.Y, examples.weight)))
    moments = tuple(np.zeros(network.size, np.float32) for _ in range(2))
    expected = fused.run(State(theta.copy(), tuple(m.copy() for m in moments)), apart, 0, 3)
    before = memory.copy()
    found = fused.run(State(theta, moments), examples, 0, 3)
    assert_equal(numbers(found), numbers(expected))
    np.testing.assert_array_equal(memory, before)


def test_a_state_that_became_read_only_between_two_runs_is_no_longer_written():
    fused = engine()
    examples = fused.examples(X, Y)
    state = fused.run(fused.start(), examples, 0, 2)
    kept = numbers(state)
    state.theta.setflags(write=False)
    fused.run(state, examples, 2, 5)
    np.testing.assert_array_equal(state.theta, kept[0])


def test_examples_that_have_to_be_copied_are_read_anew_in_each_run():
    wide = np.repeat(X, 2, axis=1)
    fused = engine()
    examples = Examples(wide[:, ::2], Y, np.ones(20, np.float32))
    state = fused.run(fused.start(), examples, 0, 3)
    wide *= 2.0
    found = fused.run(state, examples, 3, 6)
    other = engine()
    expected = other.run(other.run(other.start(), other.examples(X, Y), 0, 3), other.examples(2.0 * X, Y), 3, 6)
    assert_equal(numbers(found), numbers(expected))


def test_runs_on_copies_leave_nothing_behind_for_the_runs_after_them():
    """Of A, of something that is copied, of A again: the programs have to go back to A."""
    fused, other = engine(), engine()
    ours = fused.examples(X, Y)
    mine, elsewhere = fused.start(), fused.start()
    expected = numbers(other.run(other.start(), other.examples(X, Y), 0, 6))
    mine = fused.run(mine, ours, 0, 3)
    fused.run(elsewhere, Examples(np.repeat(X, 2, axis=1)[:, ::2], Y, np.ones(20, np.float32)), 0, 3)
    del elsewhere
    gc.collect()
    junk = [np.full(NETWORK.size, 7.0, np.float32) for _ in range(50)]
    assert_equal(numbers(fused.run(mine, ours, 3, 6)), expected)
    assert all((a == 7.0).all() for a in junk)


def test_copies_of_examples_are_let_go_of():
    fused = engine()
    wide = np.repeat(X, 2, axis=1)
    examples = Examples(wide[:, ::2], Y.copy(), np.ones(20, np.float32))
    fused.run(fused.start(), examples, 0, 3)
    held = [ref(wide), ref(examples.Y)]
    del wide, examples
    gc.collect()
    assert [array() for array in held] == [None, None]


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
@pytest.mark.parametrize("change", ["shape", "strides", "dtype"])
def test_a_theta_that_was_given_another_form_in_place_is_looked_at_again(change):
    fused = engine()
    theta = fused.start().theta.copy()
    known = fused.predict(theta, X[:1])
    np.testing.assert_array_equal(fused.predict(theta, X[:1]), known)
    if change == "shape":
        theta.shape = (NETWORK.size, 1)
        with pytest.raises(RequestError, match="theta must hold"):
            fused.predict(theta, X[:1])
        return
    if change == "strides":
        theta.strides = (0,)
    else:
        theta.dtype = np.int32
    expected = Reference(NETWORK, Recipe()).predict(theta.copy(), X[:1])
    np.testing.assert_allclose(fused.predict(theta, X[:1]), expected, rtol=1e-5)


def test_after_few_rows_there_is_room_for_the_rates_of_many():
    fused, other = engine(), engine()
    fused.run(fused.start(), fused.examples(X[:4], Y[:4]), 0, 1)
    rates = np.array([0.01, 0.1, 0.05])
    found, expected = (each.run(each.start(), each.examples(X, Y), 0, 3, rates) for each in (fused, other))
    assert_equal(numbers(found), numbers(expected))


def test_rows_of_another_number_are_not_spread_over_those_of_the_last_prediction():
    fused, plain = engine(), Reference(NETWORK, Recipe())
    theta = fused.start().theta.copy()
    for m in (4, 4, 1, 1, 20):
        np.testing.assert_allclose(fused.predict(theta, X[:m]), plain.predict(theta, X[:m]), rtol=1e-5)


def test_rows_of_another_dtype_are_looked_at_though_the_last_ones_had_their_shape():
    fused = engine()
    theta, rows = fused.start().theta.copy(), X[:1]
    fused.predict(theta, rows)
    large = rows * np.float64(1e300)  # infinite in float32, and no warning
    expected = Reference(NETWORK, Recipe()).predict(theta, large)
    np.testing.assert_allclose(fused.predict(theta, large), expected, rtol=1e-5)
    fused.predict(theta, rows)
    for dtype in (str, complex):
        with pytest.raises(RequestError, match="X must hold real numbers"):
            fused.predict(theta, rows.astype(dtype))


def test_numpy_gives_no_other_memory_to_an_array_that_an_engine_has_looked_at():
    fused = engine()
    theta = fused.start().theta.copy()
    fused.predict(theta, X[:1])
    with pytest.raises(ValueError, match="resize"):
        theta.resize(1000, refcheck=False)


def test_no_theta_is_not_the_theta_that_is_no_more():
    fused = engine()
    fused.predict(fused.start().theta, X[:1])
    gc.collect()
    with pytest.raises(RequestError, match="theta must hold real numbers, not NoneType"):
        fused.predict(None, X[:1])


def test_no_arrays_are_not_those_that_are_no_more():
    fused = engine()
    state = fused.run(fused.start(), fused.examples(X, Y), 0, 2)
    gc.collect()
    with pytest.raises(AttributeError, match="NoneType"):
        fused.run(state, None, 2, 3)
    with pytest.raises(RequestError, match="must hold real numbers, not NoneType"):
        fused.run(State(None, (None, None), step=2), fused.examples(X, Y), 2, 3)


# the same words in both engines

ENGINES = pytest.mark.parametrize("Engine", [Fused, Reference])
NO_COUNTS = [np.array([1, 2]), np.array([]), np.ones((1, 2), int), True, -1, 2**63, 1.0, "1", None]


@ENGINES
def test_messages(Engine):
    at_work = Engine(NETWORK, Recipe("momentum"))
    state, examples = at_work.start(), at_work.examples(X, Y)
    size = NETWORK.size
    for message, call in {
        f"dtheta must hold {size} numbers for n = (3, 4, 2), not (3,).": lambda: at_work.update(state, np.ones(3), 0.1),
        f"moments[0] must hold {size} numbers for n = (3, 4, 2), not (5,).": lambda: at_work.run(
            state._replace(moments=(np.ones(5),)), examples, 0, 1
        ),
        "the state holds 0 moments, and this optimizer keeps ": lambda: at_work.run(
            state._replace(moments=()), examples, 0, 1
        ),
        "theta must hold real numbers, not an array of complex128.": lambda: at_work.cost(
            np.ones(size, complex), examples
        ),
        "X (20, 3), Y (20, 1), weight (20,). Make them by this engine's examples(X, Y, weight).": lambda: at_work.cost(
            state.theta, Examples(examples.X, examples.Y[:, 1:], examples.weight)
        ),
        "last_step must be an integer from 0 to 2^63 - 1, not 1.5.": lambda: at_work.run(state, examples, 0, 1.5),
        "last_step must be at least first_step, 3, not 2.": lambda: at_work.run(state._replace(step=3), examples, 3, 2),
        "rate must be a finite number, not nan.": lambda: at_work.update(state, np.ones(size), float("nan")),
    }.items():
        with pytest.raises(RequestError) as refused:
            call()
        assert message in str(refused.value)


@pytest.mark.parametrize("step", NO_COUNTS, ids=repr)
@ENGINES
def test_counts_of_every_kind_are_integers_or_refused(Engine, step):
    engine = Engine(Network((2, 1), dtype="float64"), Recipe())
    examples = engine.examples([[0.0, 1.0], [1.0, 0.0]], [[0.0], [1.0]])
    with pytest.raises(RequestError, match="must be an integer from 0 to"):
        engine.run(engine.start(), examples, 0, step)


def test_whether_theta_is_finite_does_not_depend_on_the_last_cost():
    fused = engine()
    theta = fused.start().theta
    rows = fused.examples(np.full((1, 3), np.nan), Y[:1])
    assert np.isnan(fused.gradient(theta, rows)[0])
    assert fused.is_finite(theta)
