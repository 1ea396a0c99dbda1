"""A row under a name of the user's own is to every part what it is under ours: nothing goes by names."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import MLPClassifier, MLPRegressor, Network, Recipe, RequestError, train
from chainrule.explain.diagnosis import diagnose
from chainrule.explain.page import _said
from chainrule.explain.subject import Subject
from chainrule.explain.written import equations
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.links import LINKS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.penalties import PENALTIES
from chainrule.network import Parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(3)
X, NOISE = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 1))
NUMBERS = {"a": X[:, 0], "b": X[:, 1], "y": np.exp(X[:, 0] + 0.3 * X[:, 2])}
CLASSES = {"a": X[:, 0], "b": X[:, 1], "y": np.where(X[:, 0] > 0.0, "yes", "no")}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


def of_net(activation="tanh", recipe=None, functions=None, bias=0.0):
    """A network with two of its units far out where ``bias`` is far from 0, on rows of numbers."""
    network = Network((3, 8, 4, 1), activation, dtype="float64")
    theta = network.initial(functions=functions)
    Parameters(network, theta).b[2][[0, 2]] = bias
    Y = X.sum(axis=1, keepdims=True) + NOISE
    names = ["a", "b", "c"], ["y"]
    return Subject(network, theta, X, Y, *names, recipe=recipe or {}, functions=functions or {})


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu"])
def test_an_activation_whose_units_are_saturated_or_dead(name):
    ours, own = of_net(name, bias=-900.0), of_net("mine", functions={"mine": ACTIVATIONS[name]}, bias=-900.0)
    found = diagnose(ours, None).findings
    assert found[0].name == ("dead relus" if name == "relu" else "saturated units")
    assert diagnose(own, None).findings == found


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_whose_update_is_written(name):
    network = Network((3, 4, 1))
    ours, own = (
        SimpleNamespace(network=network, recipe=Recipe(spec), functions={"mine": OPTIMIZERS[name]})
        for spec in (name, "mine")
    )
    assert equations(own) == equations(ours)
    said = [_said(of_net(recipe={"optimizer": o.recipe.optimizer}, functions=o.functions)) for o in (ours, own)]
    assert len(said[0]) == len(said[1]) == (3 if name == "gradient_descent" else 4)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_whose_slope_is_written(name):
    functions = {"mine": PENALTIES[name]}
    ours, own = (Network((3, 4, 1), penalties=f"{row}(0.3)") for row in (name, "mine"))
    lines = [equations(SimpleNamespace(network=n, recipe=None, functions=functions)) for n in (ours, own)]
    gradients = [[line for line in each.splitlines() if line.startswith("dW")] for each in lines]
    assert gradients[0] == gradients[1]


def test_a_penalty_without_a_written_slope_is_called_by_its_name():
    functions = {"mine": lambda xp, strength: replace(PENALTIES["l2"](xp, strength), slope_formula="")}
    of = SimpleNamespace(network=Network((3, 1), penalties="mine(0.3)"), recipe=None, functions=functions)
    assert "dW[1] = dZ[1] A[0].T + mine'(W[1])" in equations(of)


@pytest.mark.parametrize(
    ("table", "loss"), [(NUMBERS, "poisson"), (CLASSES, "binary_cross_entropy"), (CLASSES, "cross_entropy")]
)
def test_a_link_by_which_targets_become_outputs(table, loss):
    link = LOSSES.make(loss, np).link
    functions = {"mine": lambda xp: replace(LOSSES[loss](xp), link="my_link"), "my_link": LINKS[link]}
    given = {"hidden": (4,), "epochs": 3, "optimizer": "momentum"}
    monitor = "accuracy" if table is CLASSES else "rmse"
    ours = train(table, "y", loss=loss, monitor=monitor, **given)
    own = train(table, "y", loss="mine", functions=functions, monitor=monitor, **given)
    assert own.outputs == ours.outputs
    assert own.history.score == ours.history.score
    assert np.array_equal(own.theta, ours.theta)


def test_a_link_that_does_not_say_it_gives_probabilities_is_not_scored_by_them():
    functions = {
        "mine": lambda xp: replace(LOSSES["binary_cross_entropy"](xp), link="my_link"),
        "my_link": lambda xp: LINKS["sigmoid"](xp).g,
    }
    with pytest.raises(RequestError, match="monitor accuracy is of probabilities, which the link my_link"):
        train(CLASSES, "y", loss="mine", functions=functions, monitor="accuracy", epochs=2)


def three_quantiles(xp):
    return LOSSES["quantiles"](xp, 0.1, 0.5, 0.9)


def quantiles_of_none(xp):
    return LOSSES["quantiles"](xp)


def classes_apart(xp):
    return replace(LOSSES["cross_entropy"](xp), yes_or_no="half_squared_error_sigmoid")


def test_a_loss_of_several_outputs_for_one_target():
    ours = MLPRegressor("quantiles(0.1, 0.5, 0.9)", **SMALL).fit(X, X[:, 0])
    own = MLPRegressor(three_quantiles, **SMALL).fit(X, X[:, 0])
    assert np.array_equal(own.predict(X), ours.predict(X))
    assert own.score(X, X[:, 0]) == ours.score(X, X[:, 0])
    with pytest.raises(RequestError, match="needs its numbers"):
        MLPRegressor(quantiles_of_none, **SMALL).fit(X, X[:, 0])
    with pytest.raises(RequestError, match="needs its levels"):
        train(NUMBERS, "y", loss="quantiles_of_none", functions={"quantiles_of_none": quantiles_of_none})


def test_a_loss_with_another_row_in_its_place_for_yes_or_no():
    model = MLPClassifier(loss=classes_apart, **SMALL).fit(X, X[:, 0] > 0.0)
    assert model.network_.loss == "half_squared_error_sigmoid"
    several = MLPClassifier(loss=classes_apart, **SMALL).fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    assert several.network_.loss == "classes_apart"


def test_a_solver_for_the_whole_cost(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "mine", OPTIMIZERS["lbfgs"])
    ours = MLPRegressor(solver="lbfgs(5)", early_stopping=True, **SMALL).fit(X, X[:, 0])
    own = MLPRegressor(solver="mine(5)", early_stopping=True, **SMALL).fit(X, X[:, 0])
    assert own.loss_curve_ == ours.loss_curve_
    assert own.validation_scores_ is None
    assert not hasattr(own, "partial_fit")


def test_a_bounded_activation_says_how_steep_it_is_and_no_other_does():
    Z = np.linspace(-60.0, 60.0, 12_001)
    for name in ACTIVATIONS:
        row = ACTIVATIONS.make(name, np)
        A = row.g(Z)
        bounded = np.ptp(A[:100]) < 1e-3 and np.ptp(A[-100:]) < 1e-3
        steepest = np.broadcast_to(row.slope(Z, A), Z.shape).max() if bounded else None
        assert row.steepest == (None if steepest is None else pytest.approx(steepest))
