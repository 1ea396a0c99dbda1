"""What is added to scikit-learn's parameters does what it says."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.utils.class_weight import compute_sample_weight

from chainrule import MLPClassifier, MLPRegressor
from chainrule.formulas.activations import ACTIVATIONS, Activation
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.losses import LOSSES, Loss
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from tests.estimators.rows import MULTI, RARE, SMALL, TARGET, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE_STEP = {
    "solver": "gradient_descent",
    "max_iter": 1,
    "batch_size": 150,
    "learning_rate_init": 1.0,
    "random_state": 0,
}


def weights(model):
    return np.concatenate([np.ravel(v) for v in [*model.coefs_, *model.intercepts_]])


def same(one, other):
    return np.array_equal(weights(one), weights(other))


def start(**given):
    """The parameters before the first step: the rate is next to nothing."""
    return MLPRegressor(**SMALL | ONE_STEP | {"learning_rate_init": 1e-300} | given).fit(X, TARGET)


def gradient(**given):
    """dtheta of the first step."""
    return weights(start()) - weights(MLPRegressor(**SMALL | ONE_STEP | given).fit(X, TARGET))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 7.0}, {1: 3.0}], ids=str)
def test_class_weights_are_the_sample_weights_that_scikit_learn_makes_of_them(class_weight):
    more = np.random.default_rng(13).uniform(0.5, 2.0, size=150)
    made = compute_sample_weight(class_weight, RARE)
    assert same(
        MLPClassifier(**SMALL, class_weight=class_weight).fit(X, RARE), MLPClassifier(**SMALL).fit(X, RARE, made)
    )
    if class_weight == "balanced":  # the sums of the weights of the classes are to be equal, so these count
        made = more.sum() / (2 * np.bincount(RARE, more))[RARE]
    both = MLPClassifier(**SMALL, class_weight=class_weight).fit(X, RARE, more)
    assert same(both, MLPClassifier(**SMALL).fit(X, RARE, more * made))
    assert not same(both, MLPClassifier(**SMALL).fit(X, RARE, more))


def test_balance_finds_more_of_a_rare_class():
    plain, balanced = (
        MLPClassifier(**SMALL | {"max_iter": 60}, class_weight=w).fit(X, RARE) for w in (None, "balanced")
    )
    assert balanced.predict(X).sum() > plain.predict(X).sum()


def test_dropout_of_one_number_is_that_of_each_layer_and_predictions_are_without_it():
    one = MLPRegressor(**SMALL, dropout=0.3).fit(X, TARGET)
    for given in ([0.3, 0.3], np.full(2, 0.3), np.float64(0.3)):
        assert same(one, MLPRegressor(**SMALL, dropout=given).fit(X, TARGET))
    assert not same(one, MLPRegressor(**SMALL, dropout=[0.3, 0.0]).fit(X, TARGET))
    assert not same(one, MLPRegressor(**SMALL).fit(X, TARGET))
    assert np.array_equal(one.predict(X), one.predict(X))
    A = np.maximum(np.maximum(X @ one.coefs_[0] + one.intercepts_[0], 0) @ one.coefs_[1] + one.intercepts_[1], 0)
    assert one.predict(X) == pytest.approx((A @ one.coefs_[2] + one.intercepts_[2])[:, 0], abs=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_that_of_the_prediction_and_trains(name):
    g = ACTIVATIONS.make(name, np).g
    model = MLPRegressor(**SMALL | {"max_iter": 30}, activation=name).fit(X, TARGET)
    assert model.loss_ < model.loss_curve_[0]
    A = g(g(X @ model.coefs_[0] + model.intercepts_[0]) @ model.coefs_[1] + model.intercepts_[1])
    assert model.predict(X) == pytest.approx((A @ model.coefs_[2] + model.intercepts_[2])[:, 0], abs=1e-6)


def bent(xp, k=2.0):
    """A tanh of one's own, with a number of its own."""
    return Activation(lambda Z: xp.tanh(Z / k), lambda Z, A: (1.0 - A * A) / k, "tanh(z / k)", "this test")


def test_each_layer_may_have_an_activation_of_its_own_or_ones_own():
    model = MLPRegressor(**SMALL, activation=["leaky_relu(0.2)", bent]).fit(X, TARGET)
    Z = X @ model.coefs_[0] + model.intercepts_[0]
    A = np.tanh((np.where(Z > 0, Z, 0.2 * Z) @ model.coefs_[1] + model.intercepts_[1]) / 2)
    assert model.predict(X) == pytest.approx((A @ model.coefs_[2] + model.intercepts_[2])[:, 0], abs=1e-9)
    one = MLPRegressor(**SMALL, activation="tanh").fit(X, TARGET)
    for several in (["tanh", "tanh"], ("tanh", "tanh"), np.array(["tanh", "tanh"])):
        assert same(one, MLPRegressor(**SMALL, activation=several).fit(X, TARGET))


def half_of_squares(xp):
    return Loss("identity", lambda Z, Y: 0.5 * (Z - Y) * (Z - Y), lambda Z, Y: Z - Y, "", "this test", "regression")


def test_a_loss_of_ones_own_trains_as_the_row_that_it_copies():
    own = MLPRegressor(half_of_squares, **SMALL).fit(X, TARGET)
    assert weights(own) == pytest.approx(weights(MLPRegressor(**SMALL).fit(X, TARGET)), abs=1e-12)


@pytest.mark.parametrize("spec", [name for name in LOSSES if name != "quantiles"] + ["quantiles(0.2, 0.8)"])
def test_every_loss_trains(spec):
    row = LOSSES.make(spec, np)
    if row.task == "regression":
        y = np.exp(TARGET) if row.lowest == 0.0 else TARGET
        model = MLPRegressor(spec, **SMALL | {"max_iter": 30}).fit(X, y)
        assert np.isfinite(model.predict(X)).all()
    else:
        model = MLPClassifier(loss=spec, **SMALL | {"max_iter": 30}).fit(X, RARE if row.elementwise else MULTI)
        assert model.predict_proba(X).min() > 0.0
    assert model.loss_ < model.loss_curve_[0]


def test_smoothed_labels_cost_what_the_formula_says():
    model = MLPClassifier(loss="log_loss(smoothing=0.2)", **SMALL | ONE_STEP, alpha=0.0).fit(X, MULTI)
    before = MLPClassifier(**SMALL | ONE_STEP | {"learning_rate_init": 1e-300}).fit(X, MULTI).predict_proba(X)
    Y = 0.8 * np.eye(3)[MULTI] + 0.2 / 3
    assert model.loss_ == pytest.approx(-(Y * np.log(before)).sum(axis=1).mean(), rel=1e-12)


def test_quantiles_never_cross_and_cover_what_they_say():
    rng = np.random.default_rng(14)
    rows = rng.uniform(-2, 2, size=(1500, 1))
    y = rows[:, 0] + (0.3 + 0.2 * np.abs(rows[:, 0])) * rng.normal(size=1500)
    given = {"hidden_layer_sizes": (16,), "max_iter": 60, "random_state": 0, "learning_rate_init": 0.01}
    model = MLPRegressor("quantiles(0.1, 0.5, 0.9)", **given).fit(rows, y)
    Q = model.predict(rows)
    assert Q.shape == (1500, 3)
    assert (np.diff(Q, axis=1) > 0).all()
    assert (y[:, None] < Q).mean(axis=0) == pytest.approx([0.1, 0.5, 0.9], abs=0.05)
    single = MLPRegressor("quantile(0.9)", **given).fit(rows, y)
    assert (y < single.predict(rows)).mean() == pytest.approx(0.9, abs=0.05)
    assert model.score(rows, y) == pytest.approx(r2_score(y, Q[:, 1]))


@pytest.mark.parametrize("spec", [name for name in OPTIMIZERS if name != "lbfgs"] + ["adamw(weight_decay=0.5)"])
def test_every_optimizer_lowers_the_cost(spec):
    model = MLPRegressor(solver=spec, **SMALL | {"max_iter": 20}).fit(X, TARGET)
    assert model.loss_ < 0.9 * model.loss_curve_[0]


@pytest.mark.parametrize("spec", [*SCHEDULES, "staircase(every=2, factor=0.5)"])
def test_every_schedule_sets_the_rate_of_any_solver(spec):
    model = MLPRegressor(learning_rate=spec, **SMALL | {"max_iter": 4, "batch_size": 150}).fit(X, TARGET)
    multiplier = SCHEDULES.make(spec).multiplier
    expected = [0.03 * multiplier(e, 1, 4, e * 150) for e in range(4)]
    assert model.history_.learning_rate == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("mode", ["by_examples", "fixed"])
def test_alpha_counts_by_examples_or_not(mode):
    slope = (gradient(alpha=6.0, alpha_mode=mode) - gradient(alpha=0.0)) / (6.0 / 150 if mode == "by_examples" else 6.0)
    begun = start()
    expected = np.concatenate([*map(np.ravel, begun.coefs_), *(0.0 * b for b in begun.intercepts_)])
    assert slope == pytest.approx(expected, abs=1e-9)


def test_l1_adds_the_sign_of_each_weight_and_leaves_smaller_ones():
    slope = (gradient(l1=6.0, alpha=0.0) - gradient(alpha=0.0)) / (6.0 / 150)
    begun = start()
    expected = np.concatenate([*(np.sign(c).ravel() for c in begun.coefs_), *(0.0 * b for b in begun.intercepts_)])
    assert slope == pytest.approx(expected, abs=1e-9)
    sizes = [np.abs(MLPRegressor(**SMALL | {"max_iter": 50}, l1=l1).fit(X, TARGET).coefs_[0]).sum() for l1 in (0, 5.0)]
    assert sizes[1] < 0.9 * sizes[0]


def test_clip_norm_shortens_the_gradient_and_keeps_its_direction():
    free, clipped = gradient(), gradient(clip_norm=0.01)
    assert np.linalg.norm(free) > 0.1
    assert np.linalg.norm(clipped) == pytest.approx(0.01, rel=1e-9)
    assert clipped == pytest.approx(free * 0.01 / np.linalg.norm(free), abs=1e-12)


def test_averaging_keeps_the_mean_of_the_parameters_after_each_step():
    each = []

    class Looking:
        def on_epoch_end(self, history, parameters):
            each.append(parameters.theta.copy())

    given = SMALL | {"max_iter": 5, "batch_size": len(X)}
    MLPRegressor(**given, callbacks=Looking()).fit(X, TARGET)
    mean, *later = each
    for theta in later:
        mean = 0.8 * mean + 0.2 * theta
    model = MLPRegressor(**given, averaging=0.8).fit(X, TARGET)
    assert model.theta_ == pytest.approx(mean, rel=1e-12)
    assert model.to_model().recipe == model.recipe_
    assert np.array_equal(model.to_model().theta, model.theta_)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_draw_at_the_scale_of_their_row(name):
    begun = start(initializer=name, hidden_layer_sizes=(300, 4))
    scale = INITIALIZERS.make(name).scale(300, 4) / (np.sqrt(3) if name.endswith("uniform") else 1)
    assert begun.coefs_[1].std() == pytest.approx(scale, rel=0.1)
    assert np.abs(begun.intercepts_[0]).max() < 1e-200


def test_the_initializer_auto_suits_the_activation():
    for activation, suits in (("relu", "he_normal"), ("tanh", "xavier_uniform")):
        auto = start(initializer="auto", activation=activation)
        assert np.array_equal(auto.coefs_[0], start(initializer=suits, activation=activation).coefs_[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_any_number_of_threads_gives_the_same(threads):
    given = {"hidden_layer_sizes": (32,), "max_iter": 2, "batch_size": 700, "random_state": 0}
    rows = np.random.default_rng(15).normal(size=(1400, 8))
    usual = MLPRegressor(**given).fit(rows, rows[:, 0])
    assert same(usual, MLPRegressor(**given, threads=threads).fit(rows, rows[:, 0]))
