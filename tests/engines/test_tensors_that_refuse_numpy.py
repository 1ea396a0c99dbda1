"""The reference engine on torch hands no tensor to NumPy: here they refuse it, as those on a GPU do."""

import numpy as np
import pytest

from chainrule.checkpoints import Checkpoint
from chainrule.engines.reference import as_numpy
from chainrule.errors import RequestError
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.inputs import Input
from chainrule.network import Network
from chainrule.training import fit
from tests.formulas.problems import ALL_PENALTIES, distance, engine_for, targets

CLOSE = 1e-12
OPTIMIZER_NAMES = list(OPTIMIZERS)
STEPWISE = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step]
NETWORKS = {
    "no hidden layer": Network((3, 2), loss="poisson", penalties=("l1(0.1)",), dtype="float64"),
    "dropout and penalties": Network(
        (3, 5, 4, 2), ("relu", "gelu"), dropout=(0.3, 0.5), penalties=tuple(ALL_PENALTIES), dtype="float64"
    ),
    "classes": Network((3, 4, 3), "silu", "cross_entropy", 0.2, ("l2(0.1)",), dtype="float64"),
    "quantiles": Network((3, 4, 3), "tanh", "quantiles(0.1, 0.5, 0.9)", dtype="float64"),
    "input layers": Network(
        (7, 4, 2),
        "tanh",
        penalties=("l2(0.1)",),
        dtype="float64",
        inputs=[Input("scale", (0,)), Input("cosine(3)", (2,)), Input("lookup(2)", (0,), levels=4)],
    ),
    "yes or no": Network((3, 6, 1), "elu", "binary_cross_entropy", penalties=("l2_fixed(0.1)",), dtype="float64"),
}
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 3.0, 0.0, 1.5, 2.5, 1.0, 0.0])
M = len(WEIGHT)


def refuse(*_, **__):
    raise AssertionError("a tensor was handed to NumPy")


@pytest.fixture
def torch(monkeypatch):
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat.torch")
    for name in ("__array__", "__array_wrap__", "numpy", "tolist"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    monkeypatch.setattr(torch.Tensor, "__array_ufunc__", None, raising=False)
    return torch


@pytest.fixture
def xp(torch):
    return pytest.importorskip("array_api_compat.torch")


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


def both(xp, network, weight=WEIGHT, **recipe):
    """The engine on NumPy and on torch, and for each of them theta and the same examples."""
    here, there = engine_for(network, **recipe), engine_for(network, xp=xp, **recipe)
    rng = np.random.default_rng(0)
    theta, X = 0.6 * rng.normal(size=network.size), rng.normal(size=(M, network.columns.numbers))
    codes = rng.integers(0, 4, (M, 1)) if network.columns.levels else None
    Y = targets(network.loss, network.n[-1], M, rng)
    if network.loss.startswith("quantiles"):
        Y = np.repeat(Y[:, :1], network.n[-1], axis=1)
    return [(engine, engine.start(theta).theta, engine.examples(X, Y, weight, codes)) for engine in (here, there)]


def same(engine, tensor, expected):
    assert not isinstance(tensor, np.ndarray)
    assert distance(engine.to_numpy(tensor), expected) < CLOSE


def test_tensors_refuse(torch):
    tensor = torch.ones(3)
    for use in (np.asarray, np.sum, np.isfinite, lambda t: np.ones(3) + t, lambda t: t.numpy(), np.ascontiguousarray):
        with pytest.raises((AssertionError, TypeError)):
            use(tensor)


class Elsewhere:
    """Numbers on a device that DLPack gives number 2, kDLCUDA: handed over only where they are asked for on the CPU."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, *, dl_device, **given):
        assert dl_device == (1, 0)
        return self.numbers.__dlpack__(**given)


def test_what_is_on_another_device_is_fetched():
    numbers = np.arange(6.0).reshape(2, 3)
    fetched = as_numpy(Elsewhere(numbers))
    assert not np.shares_memory(fetched, numbers)
    np.testing.assert_array_equal(fetched, numbers)


def test_predict_cost_and_gradient(xp, network):
    (here, theta, examples), (there, theta_there, examples_there) = both(xp, network)
    predicted = there.predict(theta_there, examples.X, examples.codes)
    assert isinstance(predicted, np.ndarray)
    assert distance(predicted, here.predict(theta, examples.X, examples.codes)) < CLOSE
    assert distance(predicted, there.predict(theta_there, examples_there.X, examples_there.codes)) < CLOSE
    assert there.cost(theta_there, examples_there) == pytest.approx(here.cost(theta, examples), rel=CLOSE)
    for given in ({}, {"step": 4}, {"step": 4, "S": 50.0, "row": 7}):
        J, dtheta = here.gradient(theta, examples, **given)
        J_there, dtheta_there = there.gradient(theta_there, examples_there, **given)
        assert J_there == pytest.approx(J, rel=CLOSE)
        same(there, dtheta_there, dtheta)
    assert there.is_finite(theta_there)
    assert not there.is_finite(theta_there * float("inf"))


@pytest.mark.parametrize("optimizer", STEPWISE)
def test_steps_of_every_optimizer(xp, optimizer):
    recipe = {"optimizer": optimizer, "batch_size": 4, "epochs": 3, "clip_norm": 0.4}
    (here, theta, examples), (there, theta_there, examples_there) = both(
        xp, NETWORKS["dropout and penalties"], **recipe
    )
    one, other = here.start(theta), there.start(theta_there)
    one, other = here.run(one, examples, 0, 8), there.run(other, examples_there, 0, 8)
    _, dtheta = here.gradient(theta, examples)
    one, other = here.update(one, dtheta, 0.01), there.update(other, xp.asarray(dtheta), 0.01)
    for moved, expected in zip((other.theta, *other.moments), (one.theta, *one.moments), strict=True):
        same(there, moved, expected)
    assert other.cost_sum == pytest.approx(one.cost_sum, rel=CLOSE)
    assert (other.updates, other.samples) == (one.updates, one.samples)


@pytest.mark.parametrize("optimizer", OPTIMIZER_NAMES)
def test_fit_with_every_optimizer(xp, optimizer):
    network = Network((3, 4, 2), "tanh", penalties=("l2(0.1)",), dtype="float64")
    minimizes = optimizer not in STEPWISE
    recipe = {"optimizer": optimizer, "epochs": 4, "monitor": "validation_cost", "patience": 3}
    recipe |= {} if minimizes else {"batch_size": 4, "learning_rate": 0.01}
    of_both = both(xp, network, **recipe)
    one, other = (fit(engine, examples, examples, theta=theta) for engine, theta, examples in of_both)
    assert isinstance(other.theta, np.ndarray)
    assert distance(other.theta, one.theta) < (1e-6 if minimizes else CLOSE)
    assert other.history.training_cost == pytest.approx(one.history.training_cost, rel=1e-6 if minimizes else CLOSE)


def test_fit_of_every_network(xp, network):
    of_both = both(xp, network, epochs=3, batch_size=5, learning_rate=0.01)
    one, other = (fit(engine, examples, theta=theta) for engine, theta, examples in of_both)
    assert distance(other.theta, one.theta) < CLOSE


def test_a_metric_is_watched(xp):
    recipe = {"epochs": 3, "batch_size": 4, "monitor": "r2"}
    of_both = both(xp, Network((3, 4, 2), "tanh", dtype="float64"), **recipe)
    one, other = (fit(engine, examples, examples, theta=theta) for engine, theta, examples in of_both)
    assert other.history.score == pytest.approx(one.history.score, rel=1e-9)


def test_a_run_is_kept_and_taken_up(xp, tmp_path):
    def trained(epochs, checkpoint=None):
        recipe = {"epochs": epochs, "batch_size": 4, "patience": None}
        _, (engine, theta, examples) = both(xp, NETWORKS["dropout and penalties"], **recipe)
        return fit(engine, examples, theta=theta, checkpoint=checkpoint)

    trained(2, Checkpoint(tmp_path / "run"))
    taken_up = trained(4, Checkpoint(tmp_path / "run", resume=True))
    np.testing.assert_array_equal(taken_up.theta, trained(4).theta)


def test_rows_and_parameters_may_be_tensors(xp, torch, network):
    (here, theta, examples), (there, _, examples_there) = both(xp, network)
    X, Y = (xp.asarray(np.array(V), dtype=torch.float32) for V in (examples.X, examples.Y))
    codes = examples_there.codes
    handed_over = there.examples(X, Y, xp.asarray(WEIGHT), codes)
    for name in ("X", "Y", "weight"):
        given, made = getattr(handed_over, name), getattr(examples_there, name)
        assert given.dtype == torch.float64
        assert distance(there.to_numpy(given), there.to_numpy(made)) < 1e-7
    state = there.start(xp.asarray(theta, dtype=torch.float32))
    assert state.theta.dtype == torch.float64
    A_L = here.predict(theta, examples.X, examples.codes)
    assert distance(there.predict(state.theta, X, codes), A_L) < 1e-6


def test_a_source_may_hand_over_arrays_of_numpy(xp, network):
    """Its batches become tensors, batch by batch."""
    (here, theta, examples), (there, theta_there, examples_there) = both(xp, network, batch_size=4, epochs=2)
    source = here.recipe.source(examples, np)
    state, state_there = here.start(theta), there.start(theta_there)
    moved = there.run(state_there, source, 0, 6)
    same(there, moved.theta, here.run(state, examples, 0, 6).theta)
    same(there, moved.theta, there.to_numpy(there.run(state_there, examples_there, 0, 6).theta))


def test_start_copies_what_it_is_given(xp):
    _, (there, theta, _) = both(xp, NETWORKS["classes"])
    before, state = there.to_numpy(theta), there.start(theta)
    theta[:] = 0.0
    same(there, state.theta, before)


def test_a_tensor_of_the_wrong_shape_is_refused(xp):
    _, (there, theta, examples) = both(xp, NETWORKS["classes"])
    with pytest.raises(RequestError, match="theta must hold"):
        there.start(theta[1:])
    with pytest.raises(RequestError, match="X must be"):
        there.examples(examples.X.T, examples.Y)
    with pytest.raises(RequestError, match="X must be"):
        there.predict(theta, examples.X.T)
