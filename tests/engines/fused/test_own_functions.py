"""A user's own activation and loss: compiled like any row, or handed to the reference engine with the reason why."""

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from chainrule.engines import SlowerEngine, make_engine
from chainrule.engines.fused import Fused, Untraceable
from chainrule.engines.reference import Reference
from chainrule.formulas.activations import Activation
from chainrule.formulas.losses import Loss
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.test_equals_reference import TOLERANCE, apart, assert_states_agree


def activation(g, slope):
    """An activation of one's own, from g(xp, Z) and slope(xp, Z, A)."""
    return lambda xp: Activation(lambda Z: g(xp, Z), lambda Z, A: slope(xp, Z, A), "mine", "me")


def loss(value, dZ, link="identity", **more):
    """A loss of one's own, from value(xp, Z, Y) and dZ(xp, Z, Y)."""
    return lambda xp: Loss(link, lambda Z, Y: value(xp, Z, Y), lambda Z, Y: dZ(xp, Z, Y), "", "", "regression", **more)


def logistic(xp, Z):
    return 1.0 / (1.0 + xp.exp(-Z))


ACTIVATIONS = {
    "by the namespace": activation(lambda xp, Z: Z * logistic(xp, 2 * Z), lambda xp, Z, A: gated_slope(xp, Z)),
    "by NumPy": activation(lambda _, Z: Z * logistic(np, 2 * Z), lambda _, Z, A: gated_slope(np, Z)),
    "where": activation(lambda _, Z: np.where(Z > 0, Z, 0.1 * Z), lambda _, Z, A: np.where(Z > 0, 1.0, 0.1)),
    "of two conditions": activation(
        lambda xp, Z: xp.where((Z > -1) & (Z < 1), Z, xp.sign(Z)),
        lambda xp, Z, A: xp.where((Z <= -1) | (Z >= 1), 0.0, 1.0) + 0 * Z,
    ),
    "clip": activation(lambda _, Z: np.clip(Z, -0.5, 0.5), lambda xp, Z, A: xp.sign(xp.maximum(0.5 - abs(Z), 0.0))),
    "roots": activation(lambda _, Z: Z / np.sqrt(1 + Z**2), lambda _, Z, A: 1 / ((1 + Z**2) * np.sqrt(1 + Z * Z))),
    "cube": activation(lambda _, Z: 0.1 * Z**3 + np.power(Z, 2), lambda _, Z, A: 0.3 * np.square(Z) + 2.0 * Z),
    "absolute": activation(lambda _, Z: np.abs(Z), lambda _, Z, A: np.sign(Z)),
    "logarithm": activation(lambda _, Z: np.sign(Z) * np.log1p(abs(Z)), lambda _, Z, A: np.exp(-np.log1p(np.abs(Z)))),
    "a constant": activation(lambda xp, Z: Z, lambda xp, Z, A: xp.ones_like(Z)),
}


def gated_slope(xp, Z):
    s = logistic(xp, 2 * Z)
    return s + 2 * Z * s * (1 - s)


LOSSES = {
    "log cosh": loss(
        lambda xp, Z, Y: xp.abs(Z - Y) + xp.log1p(xp.exp(-2 * xp.abs(Z - Y))), lambda xp, Z, Y: xp.tanh(Z - Y)
    ),
    "by NumPy": loss(lambda _, Z, Y: np.logaddexp(Z - Y, Y - Z), lambda _, Z, Y: np.tanh(Z - Y)),
    "where": loss(
        lambda _, Z, Y: np.where(Z > Y, Z - Y, 2 * (Y - Z)), lambda _, Z, Y: np.where(Z > Y, 1.0, -2.0) + 0.0 * Z
    ),
    "positive": loss(lambda xp, Z, Y: xp.exp(Z) - Y * Z, lambda xp, Z, Y: xp.exp(Z) - Y, "exponential"),
    "over outputs": loss(
        lambda xp, Z, Y: xp.sum((Z - Y) ** 2, axis=0, keepdims=True),
        lambda xp, Z, Y: 2 * (Z - Y),
        elementwise=False,
    ),
    "softmax": loss(
        lambda _, Z, Y: np.log(np.sum(np.exp(Z), axis=0, keepdims=True)) - np.sum(Y * Z, axis=0, keepdims=True),
        lambda _, Z, Y: np.exp(Z) / np.sum(np.exp(Z), axis=0, keepdims=True) - Y,
        "softmax",
        elementwise=False,
    ),
}


def assert_equal_to_reference(network, functions):
    recipe = Recipe("gradient_descent", batch_size=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fused = make_engine(network, recipe, functions, threads=1)
    assert isinstance(fused, Fused)
    reference = Reference(network, recipe, functions)
    rng = np.random.default_rng(0)
    Y = rng.uniform(0.1, 1.0, (37, network.n[-1]))
    examples = reference.examples(rng.normal(size=(37, 5)), Y / Y.sum(axis=1, keepdims=True))
    theta = 2 * reference.start().theta
    tolerance = TOLERANCE[network.dtype]
    assert apart(fused.predict(theta, examples.X), reference.predict(theta, examples.X)) <= tolerance
    assert abs(fused.cost(theta, examples) - reference.cost(theta, examples)) <= 10 * tolerance
    assert apart(fused.gradient(theta, examples, 2)[1], reference.gradient(theta, examples, 2)[1]) <= tolerance
    ours, theirs = (engine.run(engine.start(), examples, 0, 3) for engine in (fused, reference))
    assert_states_agree(ours, theirs, 10 * tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_own_activations(name, dtype):
    network = Network((5, 9, 2), "mine", dtype=dtype, dropout=0.25)
    assert_equal_to_reference(network, {"mine": ACTIVATIONS[name]})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_own_losses(name, outputs, dtype):
    assert_equal_to_reference(Network((5, 9, outputs), "tanh", "mine", dtype=dtype), {"mine": LOSSES[name]})


# what cannot be compiled


def looped(_, Z):
    return np.array([max(z, 0.0) for z in Z.ravel()]).reshape(Z.shape)


def branching(_, Z):
    return Z if np.all(Z > 0) else 0.5 * Z


def branching_on_each(_, Z):
    return Z if Z > 0 else 0.5 * Z


def in_place(_, Z):
    A = Z.copy()
    A[Z < 0] = 0.0
    return A


NOT_COMPILED = {
    "a function that is not there": (lambda _, Z: np.sin(Z), "sin"),
    "a loop": (looped, ""),
    "a branch": (branching, ""),
    "in place": (in_place, ""),
    "linear algebra": (lambda _, Z: Z / np.linalg.norm(Z), "norm"),
    "a power of a power": (lambda _, Z: np.abs(Z) ** 1.5, "1.5"),
    "another axis": (lambda _, Z: Z - np.mean(Z), "mean"),
    "a sum over units": (lambda _, Z: Z - np.sum(Z, axis=0, keepdims=True), "sum over units"),
    "a sum over examples": (lambda _, Z: Z - np.sum(Z, axis=-1, keepdims=True), "sum over units or examples"),
    "a plain number": (lambda _, Z: Z * float(Z[0, 0]), ""),
    "an array of the user's": (lambda _, Z: Z + np.array([[0.1]]), ""),
    "a library's own": (lambda _, Z: np.frompyfunc(lambda z: z + 1.0, 1, 1)(Z).astype(float), ""),
}


@pytest.mark.parametrize("name", NOT_COMPILED)
def test_what_cannot_be_compiled_is_run_by_the_reference_engine_and_says_why(name):
    g, reason = NOT_COMPILED[name]
    functions = {"my_own": activation(g, lambda xp, Z, A: np.ones_like(Z))}
    network, recipe = Network((3, 4, 2), "my_own", dtype="float64"), Recipe("gradient_descent", batch_size=8)
    with pytest.warns(SlowerEngine, match=f"my_own.*{reason}") as warned:
        engine = make_engine(network, recipe, functions)
    assert isinstance(engine, Reference)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    rng = np.random.default_rng(0)
    examples = engine.examples(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    state = engine.run(engine.start(), examples, 0, 3)
    assert (state.step, state.diverged) == (3, False)


def test_a_branch_on_each_element_says_what_to_write_instead():
    functions = {"my_own": activation(branching_on_each, lambda xp, Z, A: np.ones_like(Z))}
    with pytest.raises(Untraceable, match=r"my_own.*where\(condition, a, b\)"):
        Fused(Network((3, 4, 2), "my_own"), Recipe(), functions)


def test_a_loss_that_cannot_be_compiled_is_named_too():
    functions = {"my_loss": loss(lambda xp, Z, Y: np.sin(Z - Y), lambda xp, Z, Y: np.cos(Z - Y))}
    with pytest.warns(SlowerEngine, match=r"my_loss.*(sin|cos)"):
        make_engine(Network((3, 4, 2), "tanh", "my_loss"), Recipe(), functions)


def test_a_loss_over_all_examples_is_not_compiled():
    functions = {"my_loss": loss(lambda xp, Z, Y: Z - xp.sum(Z, axis=-1, keepdims=True), lambda xp, Z, Y: Z)}
    with pytest.warns(SlowerEngine, match=r"my_loss.*sum over examples"):
        make_engine(Network((3, 4, 2), "tanh", "my_loss"), Recipe(), functions)


@pytest.mark.parametrize("error", [KeyError("k"), ZeroDivisionError("z"), IndexError("i"), RuntimeError("r")])
def test_a_function_that_fails_on_symbols_alone_is_not_compiled(error):
    def g(_, Z):
        if isinstance(Z, np.ndarray):
            return Z
        raise error

    with pytest.warns(SlowerEngine, match="my_own"):
        make_engine(Network((3, 4, 2), "my_own"), Recipe(), {"my_own": activation(g, lambda xp, Z, A: Z * 0 + 1)})


# two rows that differ in a constant are two kernels

CONSTANTS = [0.01, 0.2, 0.2 + 2**-54, 0.0, -0.0, 1.0, -1.0, 2.5e-308, 1e300]

BY_CONSTANTS = """
import json, sys
import numpy as np
from chainrule.engines.fused import Fused
from chainrule.formulas.activations import Activation
from chainrule.network import Network
from chainrule.recipe import Recipe


def scaled(c):
    # 1 / (c / Z) tells 0.0 from -0.0
    return lambda xp: Activation(lambda Z: Z * c + c, lambda Z, A: c + 0.0 * Z, "", "")


def signed(c):
    return lambda xp: Activation(lambda Z: 1.0 / xp.where(Z > 0, c, c), lambda Z, A: Z, "", "")


def predicted(spec, functions=None):
    # the unit's own Z comes through: one unit, weight 1, then weight 1
    network = Network((1, 1, 1), spec, dtype="float64")
    engine = Fused(network, Recipe(), functions)
    return engine.predict(np.array([1.0, 0.0, 1.0, 0.0]), [[-3.0], [2.0]]).ravel().tolist()


def all_of_them(constants):
    made = {}
    for c in constants:
        made[f"leaky_relu {c!r}"] = predicted(f"leaky_relu({c!r})")
        made[f"own {c!r}"] = predicted("mine", {"mine": scaled(c)})
        made[f"sign {c!r}"] = predicted("mine", {"mine": signed(c)})
    return made


if __name__ == "__main__":
    print(json.dumps(all_of_them([float(word) for word in sys.argv[1:]])))
"""


def expected(c):
    Z = np.array([-3.0, 2.0])
    with np.errstate(divide="ignore", over="ignore"):
        inverse = float(np.float64(1.0) / np.float64(c))
    return {
        f"leaky_relu {c!r}": (np.maximum(Z, 0) + c * np.minimum(Z, 0)).tolist(),
        f"own {c!r}": (Z * c + c).tolist(),
        f"sign {c!r}": [inverse, inverse],
    }


def test_rows_that_differ_in_a_constant_never_share_a_kernel():
    here = {}
    exec(compile(BY_CONSTANTS, "by_constants", "exec"), here)
    made = here["all_of_them"](CONSTANTS)
    assert made == {k: v for c in CONSTANTS for k, v in expected(c).items()}


def test_nor_through_the_disk(tmp_path):
    environment = {**os.environ, "CHAINRULE_CACHE_DIR": str(tmp_path)}
    made = {}
    for c in (0.01, 0.2, 0.0, -0.0, 0.2):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", BY_CONSTANTS, repr(c)],
            text=True,
            capture_output=True,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        assert made == expected(c)
        assert list(map(str, made[f"leaky_relu {c!r}"])) == list(map(str, expected(c)[f"leaky_relu {c!r}"]))
    assert len(list(tmp_path.glob("*.code"))) > 8


SLOWER = pytest.mark.filterwarnings("ignore::chainrule.engines.SlowerEngine")


@pytest.mark.parametrize(
    "g",
    [
        lambda Z: ((Z > 0.0) + (Z < 1.0)) * Z,
        lambda Z: ((Z > 0.0) * (Z < 1.0)) * Z,
        lambda Z: ((Z > 0.0) == (Z < 1.0)) * Z,
        lambda Z: ((Z > 0.0) & ~(Z < 1.0)) * Z,
        lambda Z: (Z > 0.0) * 2.0 + (Z < 1.0),
        pytest.param(lambda Z: np.maximum(Z > 0.0, Z < 1.0) * Z, marks=SLOWER),
        pytest.param(lambda Z: ((Z > 0.0) < (Z < 1.0)) * Z, marks=SLOWER),
    ],
)
def test_truth_values_count_as_numpy_has_it_or_are_left_to_the_reference_engine(g):
    own = {"mine": lambda xp: Activation(g, lambda Z, A: np.ones_like(Z), "", "")}
    network = Network((1, 4, 1), "mine", dtype="float64")
    theta, X = network.initial(3, own), np.linspace(-3.0, 3.0, 25)[:, None]
    right = Reference(network, Recipe(), own).predict(theta, X)
    np.testing.assert_allclose(make_engine(network, Recipe(), own).predict(theta, X), right, rtol=1e-14, atol=1e-14)
