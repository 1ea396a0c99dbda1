"""Parameters that change between two calls of partial_fit: the optimiser goes on where its state fits, or afresh.

What is right is computed by the reference engine, from the same weights.
"""

import copy
import pickle
from itertools import permutations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from chainrule import MLPClassifier, MLPRegressor
from chainrule.engines import State
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(4)
X = RNG.normal(size=(90, 3))
Y = (X[:, 0] + 0.3 * RNG.normal(size=90) > 0.4).astype(int)
TARGET = 3 * X[:, 0]
BASE = {"hidden_layer_sizes": (4, 4), "activation": "tanh", "batch_size": 40, "random_state": 0}

# What a change does to the state of the optimiser: KEPT, AFRESH, or the reason for which it is refused
KEPT, AFRESH = "kept", "afresh"
ADAM = {
    "hidden_layer_sizes": ((4, 5), "keep hidden_layer_sizes"),
    "activation": ("relu", AFRESH),
    "solver": ("adamw", AFRESH),
    "alpha": (0.3, KEPT),
    "batch_size": (30, KEPT),
    "learning_rate": ("inverse_time", KEPT),
    "learning_rate_init": (0.02, KEPT),
    "power_t": (0.9, KEPT),
    "max_iter": (7, KEPT),
    "shuffle": (False, KEPT),
    "random_state": (9, KEPT),
    "tol": (0.1, KEPT),
    "verbose": (2, KEPT),
    "warm_start": (True, KEPT),
    "momentum": (0.5, KEPT),
    "nesterovs_momentum": (False, KEPT),
    "early_stopping": (True, "does not support early_stopping"),
    "validation_fraction": (0.3, KEPT),
    "beta_1": (0.5, AFRESH),
    "beta_2": (0.9, AFRESH),
    "epsilon": (0.01, KEPT),
    "n_iter_no_change": (2, KEPT),
    "max_fun": (5, KEPT),
    "loss": ("log_loss(smoothing=0.2)", AFRESH),
    "class_weight": ({0: 1.0, 1: 3.0}, KEPT),
    "dropout": (0.4, KEPT),
    "l1": (0.01, KEPT),
    "alpha_mode": ("fixed", KEPT),
    "clip_norm": (0.01, KEPT),
    "averaging": (0.9, "does not support averaging"),
    "initializer": ("he_normal", KEPT),
    "scoring": ("roc_auc", KEPT),
    "callbacks": ([], KEPT),
    "max_time": (9.0, KEPT),
    "checkpoint": ("never_written.ckpt", KEPT),
    "resume": (True, KEPT),
    "categorical_features": (None, KEPT),
    "missing_values": ("error", KEPT),
    "threads": (1, KEPT),
}
SGD = {
    "momentum": (0.5, KEPT),
    "nesterovs_momentum": (False, AFRESH),
    "solver": ("rmsprop", AFRESH),
    "learning_rate": ("adaptive", KEPT),
    "learning_rate_init": (0.02, KEPT),
    "power_t": (0.9, KEPT),
    "beta_1": (0.5, KEPT),
    "beta_2": (0.9, KEPT),
    "epsilon": (0.01, KEPT),
}


def reference(model, state, weights):
    """The parameters after one more pass over the rows, by the equations as written."""
    recipe = translation.recipe(model)
    engine = Reference(model.network_, recipe)
    examples = engine.examples(X, Y[:, None].astype(float), weights)
    per_epoch = recipe.steps_per_epoch(len(X))
    step = model._epochs * per_epoch
    return engine.run(state._replace(step=step, origin=None), examples, step, step + per_epoch).theta


def test_the_table_has_every_parameter():
    assert set(ADAM) == set(MLPClassifier().get_params())


@pytest.mark.parametrize(
    ("solver", "name"), [*(("adam", name) for name in ADAM), *(("sgd", name) for name in SGD)], ids=str
)
def test_each_parameter_is_gone_on_with_or_begun_afresh_with_and_never_mixed(solver, name):
    other, effect = (ADAM if solver == "adam" else SGD)[name]
    model = MLPClassifier(**BASE | {"solver": solver})
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1])
    state = copy.deepcopy(model._state)._replace(theta=model.theta_.copy())
    before = copy.deepcopy(model).set_params(**{name: other})
    model.set_params(**{name: other})
    if effect not in (KEPT, AFRESH):
        probabilities = model.predict_proba(X)
        with pytest.raises(ValueError, match=effect):
            model.partial_fit(X, Y)
        assert np.array_equal(model.predict_proba(X), probabilities)
        return
    model.partial_fit(X, Y)
    before._network = model.network_  # the description, and the place in the run before that pass
    weights = compute_sample_weight(model.class_weight, Y)
    if effect == KEPT:
        start = state
    else:
        moments = OPTIMIZERS.make(translation.recipe(before).optimizer, None).state
        start = State(state.theta, tuple(np.zeros_like(state.theta) for _ in moments), samples=state.samples)
    expected = reference(before, start, weights)
    assert np.abs(model.theta_ - expected).max() < 1e-9
    assert np.abs(model.theta_ - state.theta).max() > 1e-4


STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, None).step is not None]
PAIRS = [*permutations(STEPPING, 2), ("sgd", "adam"), ("adam", "sgd"), ("rmsprop", "sgd")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_another_solver_begins_as_if_with_these_weights_and_goes_downhill(one, other):
    rate = 0.001 if "lamb" in (one, other) else 0.01  # each of its steps is so many times as long as the weights
    given = {"batch_size": 90, "learning_rate_init": rate, "random_state": 0, "alpha": 0.0}
    model = MLPRegressor(hidden_layer_sizes=(), solver=one, **given)
    for _ in range(30):
        model.partial_fit(X, TARGET)
    weights = [*model.coefs_, *model.intercepts_]
    anew = MLPRegressor.from_weights([w.copy() for w in weights], layout="keras", solver=other, **given)
    model.set_params(solver=other)
    losses = []
    for _ in range(20):
        losses.append(model.partial_fit(X, TARGET).loss_)
        anew.partial_fit(X, TARGET)
    assert np.abs(model.theta_ - anew.theta_).max() < 1e-12
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(("then", "now"), [(0.0, 0.9), (0.9, 0.0)])
def test_momentum_comes_and_goes(then, now):
    model = MLPRegressor(solver="sgd", momentum=then, hidden_layer_sizes=(), random_state=0)
    losses = [model.partial_fit(X, TARGET).loss_ for _ in range(3)]
    model.set_params(momentum=now)
    losses += [model.partial_fit(X, TARGET).loss_ for _ in range(3)]
    assert losses == sorted(losses, reverse=True)


def test_a_network_that_was_grown_by_hand_goes_on():
    model = MLPClassifier((20,), max_iter=1, random_state=0).fit(X, Y)
    probabilities = model.predict_proba(X)
    model.set_params(hidden_layer_sizes=(400,))
    model.coefs_ = [
        np.c_[model.coefs_[0], 0.1 * np.random.default_rng(5).normal(size=(3, 380))],
        np.r_[model.coefs_[1], np.zeros((380, 1))],
    ]
    model.intercepts_ = [np.r_[model.intercepts_[0], np.zeros(380)], model.intercepts_[1]]
    model.partial_fit(X, Y)
    assert model._state.updates == 1
    assert model.network_.n == (3, 400, 1)
    assert np.abs(model.predict_proba(X) - probabilities).max() < 0.1


def test_parameters_of_another_dtype_begin_the_moments_afresh_in_it():
    model = MLPRegressor(**BASE).partial_fit(X, TARGET)
    model.coefs_ = [c.astype(np.float32) for c in model.coefs_]
    model.partial_fit(X, TARGET)
    assert model.theta_.dtype == model._state.moments[0].dtype == np.float32
    assert model._state.updates == 3
    model.partial_fit(X.astype(np.float32), TARGET.astype(np.float32))
    assert model._state.updates == 6


def test_rows_of_another_dtype_change_nothing():
    rows = X.astype(np.float32)
    pair = [MLPRegressor(**BASE).partial_fit(rows.astype(np.float64), TARGET) for _ in range(2)]
    for model, given in zip(pair, (rows, rows.astype(np.float64)), strict=True):
        model.partial_fit(given, TARGET)
    assert np.array_equal(pair[0].theta_, pair[1].theta_)
    assert pair[0].theta_.dtype == np.float64


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("coefs_", lambda arrays: arrays[:1]),
        ("intercepts_", lambda arrays: [*arrays, arrays[0]]),
        ("intercepts_", lambda arrays: [arrays[0][:-1], *arrays[1:]]),
        ("coefs_", lambda arrays: [arrays[0].T, *arrays[1:]]),
    ],
)
@pytest.mark.parametrize("method", ["predict", "partial_fit"])
def test_parameters_of_other_shapes_are_refused_by_name(name, wrong, method):
    model = MLPRegressor(**BASE).fit(X, TARGET)
    setattr(model, name, wrong(getattr(model, name)))
    with pytest.raises(ValueError, match=name):
        model.predict(X) if method == "predict" else model.partial_fit(X, TARGET)


def test_a_function_that_is_defined_anew_under_its_name_is_the_one_that_trains():
    def named(row):
        def bent(xp):
            return ACTIVATIONS.make(row, xp)

        return bent

    model = MLPRegressor(**BASE | {"activation": named("tanh")})
    plain = MLPRegressor(**BASE | {"activation": "tanh"})
    for estimator, other in ((model, named("identity")), (plain, "identity")):
        estimator.partial_fit(X, TARGET).set_params(activation=other).partial_fit(X, TARGET)
    assert np.abs(model.theta_ - plain.theta_).max() < 1e-12


def test_a_call_that_is_refused_leaves_the_functions_of_the_network():
    def bent(xp):
        return ACTIVATIONS.make("tanh", xp)

    model = MLPRegressor(**BASE | {"activation": bent}).fit(X, TARGET)
    predicted = model.predict(X)
    with pytest.raises(ValueError, match="keep hidden_layer_sizes"):
        model.set_params(activation="relu", hidden_layer_sizes=(7,)).partial_fit(X, TARGET)
    assert np.array_equal(model.predict(X), predicted)


def test_stalls_count_anew_with_another_rate_and_costs_of_another_loss_do_not_compare():
    given = {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e6, "n_iter_no_change": 2, "random_state": 0}
    model = MLPRegressor(hidden_layer_sizes=(), **given)
    for _ in range(5):
        model.partial_fit(X, TARGET)
    assert model._state.rate_scale == pytest.approx(0.2)
    model.set_params(learning_rate_init=0.01).partial_fit(X, TARGET)
    assert model._state.rate == 0.01
    least = model.best_loss_
    model.set_params(loss="absolute_error", tol=0.0).partial_fit(X, 100 * TARGET)
    assert model.best_loss_ == model.loss_ > least


@pytest.mark.parametrize("schedule", ["cosine", "warm_up_cosine"])
def test_a_schedule_that_has_ended_stays_there_and_says_so(schedule):
    model = MLPRegressor(**BASE, learning_rate=schedule, max_iter=12, n_iter_no_change=99).fit(X, TARGET)
    theta = model.theta_.copy()
    for _ in range(30):
        with pytest.warns(UserWarning, match=f"'{schedule}' has ended.*max_iter=12"):
            model.partial_fit(X, TARGET)
    assert np.array_equal(model.theta_, theta)
    assert model._state.rate == 0.0


def test_the_schedule_counts_the_epochs_of_all_fits_that_went_on_from_each_other():
    given = {"warm_start": True, "max_iter": 3, "n_iter_no_change": 99, "learning_rate": "inverse_time"}
    model = MLPRegressor(**BASE, **given).fit(X, TARGET).fit(X, TARGET)
    for epoch in (6, 7):
        model.partial_fit(X, TARGET)
        assert model._state.rate == pytest.approx(0.001 / (1 + epoch))


def test_iterations_of_lbfgs_are_no_epochs_of_a_schedule():
    model = MLPRegressor(**BASE | {"solver": "lbfgs", "max_iter": 30}).fit(X, TARGET)
    model.set_params(solver="adam", learning_rate="cosine", max_iter=10).partial_fit(X, TARGET)
    assert model._state.rate == pytest.approx(0.001 * (1 + np.cos(np.pi * 2 / 30)) / 2)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_estimators_that_an_older_version_pickled_go_on(solver):
    model = MLPRegressor(**BASE, solver=solver).partial_fit(X, TARGET)
    older = copy.deepcopy(model)
    older._state = State(*older._state[:11])  # as it was before it said what it is for
    older = pickle.loads(pickle.dumps(older))
    assert older._state.origin is None
    again = pickle.loads(pickle.dumps(model))
    for estimator in (model, older, again):
        estimator.partial_fit(X, TARGET)
    assert np.array_equal(model.theta_, older.theta_)
    assert np.array_equal(model.theta_, again.theta_)
    older = copy.deepcopy(older)
    older._state = State(*older._state[:11])
    older.set_params(solver="momentum" if solver == "adam" else "adam").partial_fit(X, TARGET)
    assert older._state.updates == 3


def test_a_call_that_fails_leaves_no_moments_behind():
    model = MLPRegressor(**BASE, solver="sgd").partial_fit(X, TARGET)
    good = [array.copy() for array in (*model.coefs_, *model.intercepts_)]
    with pytest.raises(ValueError, match="non-finite"):
        model.set_params(learning_rate_init=1e300).partial_fit(X, TARGET)
    model.coefs_, model.intercepts_ = good[:3], good[3:]
    model.set_params(learning_rate_init=0.001).partial_fit(X, TARGET)
    assert np.isfinite(model.theta_).all()


def test_ctrl_c_ends_a_partial_fit_whose_state_is_whole():
    model = MLPRegressor(**BASE).partial_fit(X, TARGET)
    before, run = model.theta_.copy(), model._engine.run

    def interrupted(state, examples, first, last):
        return run(state, examples, first, first + 1)._replace(interrupted=True)

    model._engine.run = interrupted
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, TARGET)
    model._engine.run = run
    assert model._state.updates == 4
    assert not np.array_equal(model.theta_, before)
    assert model.partial_fit(X, TARGET)._state.updates == 7
    assert len(model.loss_curve_) == 2


def test_a_minimiser_has_no_partial_fit():
    model = MLPRegressor(**BASE).partial_fit(X, TARGET).set_params(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    assert model.set_params(warm_start=True, max_iter=3).fit(X, TARGET).n_iter_ == 3


def test_rows_that_all_weigh_0_are_refused_and_nothing_is_lost():
    model = MLPClassifier(**BASE).partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(RequestError, match="weight 0"):
        model.set_params(class_weight={0: 0.0, 1: 0.0}).partial_fit(X, Y)
    assert model.set_params(class_weight=None).partial_fit(X, Y)._state.updates == 6


def test_a_loss_that_is_set_after_a_fit_is_not_that_of_the_fit_yet():
    model = MLPRegressor("quantiles(0.1, 0.5, 0.9)", (4,), random_state=0, max_iter=20).fit(X, TARGET)
    score = model.score(X, TARGET)
    model.set_params(loss="squared_error")
    assert model.score(X, TARGET) == score
    assert model.encoded(X, TARGET)[1].shape == (90, 3)
