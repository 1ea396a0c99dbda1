"""Training watches what it is told to, stops when it says, and hands back the best it has seen."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import Optimizer
from chainrule.monitoring import Monitor
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.training import Diverged, fit
from tests.formulas.problems import engine_for

RNG = np.random.default_rng(3)
X, X_VALID = RNG.normal(size=(40, 3)), RNG.normal(size=(30, 3))


def noisy(engine, rows):
    """Targets that are mostly noise, so that a long training makes the validation cost worse."""
    y = rows[:, :1] * 0.3 + np.random.default_rng(len(rows)).normal(size=(len(rows), 1))
    return engine.examples(rows, (y > 0) if engine.network.loss.startswith("binary") else y)


OVERFITTING = {"learning_rate": 0.03, "epochs": 60, "patience": None, "batch_size": 8}


def overfitting(**recipe):
    given = OVERFITTING | recipe
    network = Network((3, 30, 1), "tanh", "binary_cross_entropy", dtype="float64")
    engine = engine_for(network, **given)
    return engine, noisy(engine, X), noisy(engine, X_VALID)


class Watcher:
    """A callback that notes what it is shown, and stops or raises after so many epochs."""

    def __init__(self, stop_after=None, raises=None):
        self.seen, self.thetas = [], []
        self.stop_after, self.raises = stop_after, raises

    def on_epoch_end(self, history, parameters):
        self.seen.append(len(history))
        self.thetas.append(parameters.theta.copy())
        if self.stop_after == len(history):
            if self.raises:
                raise self.raises
            return True
        return None


def test_history_has_one_entry_an_epoch():
    engine, training, validation = overfitting(epochs=4, monitor="accuracy")
    history = fit(engine, training, validation).history
    assert [len(v) for v in (history.training_cost, history.validation_cost, history.score)] == [4, 4, 4]
    assert history.learning_rate == [0.03] * 4
    assert history.stopped == "all epochs done"
    assert history.watched() is history.score


def test_costs_in_the_history_are_those_of_the_engine():
    engine, training, validation = overfitting(epochs=3, batch_size=40)
    watcher = Watcher()
    history = fit(engine, training, validation, [watcher]).history
    assert history.validation_cost == [engine.cost(theta, validation) for theta in watcher.thetas]
    before = [engine.start().theta, *watcher.thetas]  # one step an epoch: its J is that before the step
    assert history.training_cost == pytest.approx([engine.gradient(t, training, 0)[0] for t in before[:3]], rel=1e-13)


@pytest.mark.parametrize("monitor", ["auto", "validation_cost", "accuracy", "log_loss", "roc_auc"])
def test_the_best_parameters_are_handed_back(monitor):
    engine, training, validation = overfitting(monitor=monitor)
    found = fit(engine, training, validation)
    watched = found.history.watched()
    more_is_better = monitor in METRICS and METRICS.make(monitor).more_is_better
    best = max(watched) if more_is_better else min(watched)
    assert watched[found.history.best_epoch - 1] == best
    assert watched.index(best) == found.history.best_epoch - 1, "the first of equals"
    assert found.history.best_epoch < len(found.history), "the run went on after its best epoch"
    if monitor in METRICS:
        A = engine.predict(found.theta, X_VALID).T
        assert METRICS.make(monitor).score(np.asarray(validation.Y).T, A, validation.weight) == best
    else:
        assert engine.cost(found.theta, validation) == best


def test_the_training_cost_hands_back_the_last_parameters():
    engine, training, validation = overfitting(epochs=5, monitor="training_cost")
    found = fit(engine, training, validation)
    assert np.array_equal(found.theta, found.state.theta)
    assert len(found.history.validation_cost) == 5


def test_a_metric_is_watched_on_training_rows_where_there_are_no_others():
    engine, training, _ = overfitting(epochs=5, monitor="accuracy")
    found = fit(engine, training)
    assert max(found.history.score) == found.history.score[found.history.best_epoch - 1]
    assert found.history.validation_cost == []


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_stops_after_more_than_patience_epochs_without_an_improvement_like_scikit_learn(patience):
    from sklearn.neural_network import MLPRegressor

    # with a tol that nothing reaches only the first epoch improves
    engine, training, _ = overfitting(patience=patience, tol=1e6)
    history = fit(engine, training).history
    theirs = MLPRegressor(hidden_layer_sizes=(3,), tol=1e6, n_iter_no_change=patience).fit(X, X[:, 0])
    assert len(history) == theirs.n_iter_ == patience + 2
    assert "training cost did not improve by 1e+06" in history.stopped


@pytest.mark.parametrize("monitor", ["training_cost", "validation_cost", "log_loss"])
@pytest.mark.parametrize("tol", [0.0, 0.01])
def test_the_first_streak_that_is_too_long_ends_it(monitor, tol):
    engine, training, validation = overfitting(patience=3, tol=tol, monitor=monitor, epochs=300)
    history = fit(engine, training, validation).history
    best, streak, ends = np.inf, 0, None
    for epoch, value in enumerate(history.watched(), start=1):
        streak = 0 if value < best - tol else streak + 1
        best = min(best, value)
        if streak > 3 and ends is None:
            ends = epoch
    assert ends == len(history)
    assert ends < 300
    assert monitor.replace("_", " ") in history.stopped.replace("_", " ")


def test_no_patience_never_stops():
    engine, training, _ = overfitting(patience=None, tol=1e6, epochs=30)
    assert len(fit(engine, training).history) == 30


def test_adaptive_lowers_the_rate_at_each_stall_and_stops_at_its_least():
    engine, training, validation = overfitting(schedule="adaptive(0.1, 1e-4)", patience=1, tol=1e6, epochs=50)
    history = fit(engine, training, validation).history
    assert history.monitor == "training_cost", "a stall is one of the training cost"
    # the first epoch improves, the next two do not; from then on every second one stalls
    assert history.learning_rate == pytest.approx([0.03] * 3 + [3e-3] * 2 + [3e-4] * 2 + [3e-5] * 2)
    assert "did not improve" in history.stopped


@pytest.mark.parametrize("schedule", ["constant", "inverse_time", "exponential(0.5)", "cosine", "inverse_scaling"])
def test_the_rate_in_the_history_is_that_of_the_last_step(schedule):
    engine, training, _ = overfitting(schedule=schedule, epochs=4)
    rates, update = [], engine._updated
    engine._updated = lambda state, dtheta, rate: rates.append(rate) or update(state, dtheta, rate)
    history = fit(engine, training).history
    assert history.learning_rate == pytest.approx(rates[4::5], rel=1e-14)


def test_callbacks_see_a_growing_history_and_may_stop():
    engine, training, _ = overfitting()
    first, second = Watcher(stop_after=3), Watcher()
    found = fit(engine, training, callbacks=[first, second])
    assert first.seen == second.seen == [1, 2, 3], "each is told, also of the last epoch"
    assert found.history.stopped == "a callback stopped it"
    assert np.array_equal(found.theta, first.thetas[-1])


def test_ctrl_c_hands_back_the_best_so_far():
    engine, training, validation = overfitting()
    watcher = Watcher(stop_after=40, raises=KeyboardInterrupt)
    found = fit(engine, training, validation, [watcher])
    assert found.history.stopped == "interrupted"
    assert found.history.best_epoch < 40
    assert engine.cost(found.theta, validation) == min(found.history.validation_cost)


def test_ctrl_c_leaves_the_state_where_it_was():
    engine, training, validation = overfitting()
    watcher = Watcher(stop_after=4, raises=KeyboardInterrupt)
    state = fit(engine, training, validation, [watcher]).state
    assert state.step == 4 * 5
    assert np.array_equal(state.theta, watcher.thetas[-1])


def test_goes_on_from_a_given_theta():
    engine, training, _ = overfitting(epochs=1, optimizer="gradient_descent", shuffle=False)
    twice = fit(engine, training, theta=fit(engine, training).theta).theta
    longer = Reference(engine.network, replace(engine.recipe, epochs=2))
    assert np.array_equal(twice, fit(longer, training).theta)


def test_lbfgs_is_watched_like_every_optimizer():
    engine, training, validation = overfitting(optimizer="lbfgs", learning_rate=None, batch_size="auto", tol=0.0)
    watcher = Watcher()
    found = fit(engine, training, validation, [watcher])
    history = found.history
    assert watcher.seen == list(range(1, len(history) + 1))
    assert engine.cost(found.theta, validation) == min(history.validation_cost)
    assert history.best_epoch < len(history)
    assert (np.diff(history.training_cost) < 0).all()
    assert found.state.updates == len(history)
    stopped = fit(engine, training, validation, [Watcher(stop_after=2)])
    assert (len(stopped.history), stopped.history.stopped) == (2, "a callback stopped it")


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_one_function_says_which_theta_is_evaluated(optimizer, monkeypatch):
    """It is that theta which is scored, shown, kept and handed back; training goes on from its own."""
    steps = {} if optimizer == "adam" else {"learning_rate": None, "batch_size": "auto"}
    engine, training, validation = overfitting(optimizer=optimizer, epochs=6, **steps)
    plain = Watcher()
    costs = fit(engine, training, validation, plain).history.training_cost
    monkeypatch.setattr("chainrule.training.evaluated", lambda engine, state: 0.5 * state.theta)
    halved = Watcher()
    done = fit(engine, training, validation, halved)
    history = done.history
    assert history.training_cost == costs
    assert all(np.array_equal(half, 0.5 * theta) for half, theta in zip(halved.thetas, plain.thetas, strict=True))
    assert history.validation_cost == [engine.cost(theta, validation) for theta in halved.thetas]
    assert np.array_equal(done.theta, halved.thetas[history.best_epoch - 1])
    last = fit(engine, training)
    assert np.array_equal(last.theta, 0.5 * last.state.theta)


def constant(kind=Reference, **recipe):
    """An engine, and rows from which nothing is learnt: J and dtheta are 0."""
    engine = kind(Network((1, 1), initializer="zeros", dtype="float64"), Recipe(**recipe))
    return engine, engine.examples([[0.0], [0.0]], [[0.0], [0.0]])


def test_with_a_tolerance_of_0_the_same_value_again_is_no_improvement():
    engine, training = constant(tol=0.0, patience=3, epochs=50)
    done = fit(engine, training, score=lambda theta: 1.0)
    assert (len(done.history), done.waited) == (5, 4)  # the first improves upon nothing, four more do not


def test_a_rate_that_has_come_to_the_least_is_lowered_no_more():
    engine, training = constant(
        optimizer="gradient_descent", learning_rate=1.0, schedule="adaptive(0.5, least=0.25)", patience=1, epochs=50
    )
    rates = fit(engine, training).history.learning_rate
    assert sorted(set(rates)) == [0.25, 0.5, 1.0]
    assert len(rates) < 50


def test_examples_that_were_seen_before_count():
    engine, training = constant(epochs=3)
    assert fit(engine, training, samples=100).state.samples == 100 + 3 * 2


@pytest.mark.parametrize("kind", [Reference, Fused])
def test_the_best_theta_is_kept_while_others_take_its_place(kind):
    _, training, validation = overfitting()
    engine = kind(Network((3, 30, 1), "tanh", "binary_cross_entropy", dtype="float64"), Recipe(**OVERFITTING))
    watcher = Watcher()
    done = fit(engine, training, validation, [watcher])
    assert done.history.best_epoch < len(done.history)
    assert done.theta.tobytes() == watcher.thetas[done.history.best_epoch - 1].tobytes()


def test_validation_rows_that_do_not_count_are_refused():
    engine, training, validation = overfitting()
    with pytest.raises(RequestError, match="validation row"):
        fit(engine, training, replace(validation, weight=np.zeros(30)))


@pytest.mark.parametrize("kind", [Reference, Fused])
def test_a_gradient_that_is_not_finite_ends_a_run_though_its_cost_is(kind):
    engine = kind(Network((1, 1), initializer="zeros"), Recipe("gradient_descent"))
    examples = engine.examples([[1e35]], [[1e10]])
    assert np.isfinite(engine.cost(engine.start().theta, examples))
    state = engine.run(engine.start(), examples, 0, 1)
    assert (state.diverged, state.step, state.theta.tolist()) == (True, 0, [0.0, 0.0])


@pytest.mark.parametrize("kind", [Reference, Fused])
def test_a_theta_whose_cost_is_not_finite_is_not_handed_back_as_good(kind):
    engine = kind(Network((1, 1), dtype="float64"), Recipe("gradient_descent", 1e200))  # one step an epoch
    training = engine.examples([[1.0], [2.0]], [[1.0], [1.0]])
    with pytest.raises(Diverged, match="in epoch 2") as stopped:
        fit(engine, training)
    assert stopped.value.theta.tolist() == engine.start().theta.tolist()
    assert stopped.value.epochs == 0


def test_a_metric_of_predictions_that_are_not_finite_is_nan():
    engine, training, _ = overfitting(monitor="accuracy")
    score = Monitor(engine, training, None).score
    assert 0.0 < score(engine.start().theta) < 1.0
    assert np.isnan(score(np.full(engine.network.size, np.nan)))


def test_a_minimiser_whose_gradient_or_cost_overflows_diverges():
    engine = engine_for(Network((1, 1), initializer="zeros"), optimizer="lbfgs")
    with pytest.raises(Diverged):
        fit(engine, engine.examples([[1e35]], [[1e10]]))

    def minimize(cost_and_gradient, theta, iterations, tolerance, on_iteration):
        on_iteration(theta, np.inf)

    def runaway(xp):
        return Optimizer(None, "", "", 1.0, minimize=minimize)

    engine = engine_for(Network((1, 1)), functions={"runaway": runaway}, optimizer="runaway")
    with pytest.raises(Diverged):
        fit(engine, engine.examples([[1.0]], [[1.0]]))
