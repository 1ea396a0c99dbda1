"""From rows to an ensemble: what comes back is what was chosen, and each of its networks has its own bits again."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from chainrule import Input, RequestError, RunError, fit, make_engine
from chainrule.data.folds import parts
from chainrule.packs.ensemble_fit import fit_ensemble
from chainrule.packs.presets import PRESETS, Settings, hyperparameters, recipe, settings
from chainrule.sources import Examples

SMALL = Settings(members=3, width=8, units=3, epochs=6, batch_size=16, ensemble_patience=4)


def layers(numeric):
    """Two numbers that a layer takes, and one that is handed on."""
    inputs = (Input(numeric, (0, 1)),) if numeric else ()
    return 1 + sum(layer.width for layer in inputs) if inputs else 3, inputs


def table(task="regression", m=90):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, 3))
    y = X[:, 0] * X[:, 1] + X[:, 2]
    Y = y[:, None] if task == "regression" else np.eye(3)[np.digitize(y, [-0.7, 0.7])]
    return Examples(X, Y, np.ones(m))


def strata(rows):
    return np.arange(rows.m) % 4


@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize(("task", "loss"), [("regression", "half_squared_error"), ("classes", "cross_entropy")])
def test_the_loss_and_the_predictions_are_those_of_the_networks(task, loss, folds):
    rows, of = table(task), replace(SMALL, folds=folds)
    cut = parts(strata(rows), folds, of.validation_fraction, seed=0)
    found = fit_ensemble(rows, layers, loss, of, cut, seed=5, threads=2)
    assert found.validation.tolist() == sorted(np.concatenate([v for _, v in cut]))
    assert sum(n.share for n in found.networks) == pytest.approx(1.0)
    A, into = np.zeros_like(found.predictions), len(found.networks) // folds
    for i, one in enumerate(found.networks):
        places = cut[i % folds][1]
        A_L = make_engine(one.network, one.recipe).predict(one.theta, rows.X[places])
        A[np.searchsorted(found.validation, places)] += A_L / into
    assert found.predictions == pytest.approx(A)
    Y = rows.Y[found.validation]
    loss_now = mean_squared_error(Y, A) if task == "regression" else -np.log(A[Y.astype(bool)]).mean()
    assert found.loss == pytest.approx(loss_now, rel=1e-6)


def test_each_network_is_what_its_recipe_makes_of_its_rows_alone():
    rows = table()
    cut = parts(strata(rows), 3, 0.0, seed=1)
    found = fit_ensemble(rows, layers, "half_squared_error", replace(SMALL, folds=3), cut, threads=2)
    for i, one in enumerate(found.networks):
        epochs = len(one.history)
        assert 1 <= epochs == one.history.best_epoch
        engine = make_engine(one.network, replace(one.recipe, epochs=epochs, patience=None))
        some = rows.take(cut[i % 3][0], np)
        assert fit(engine, engine.examples(some.X, some.Y)).theta.tobytes() == one.theta.tobytes()


def test_the_seed_decides_and_the_number_of_threads_does_not():
    rows = table()
    cut = parts(strata(rows), 1, 0.2, seed=0)
    thetas = [
        [n.theta.tobytes() for n in fit_ensemble(rows, layers, "half_squared_error", SMALL, cut, **how).networks]
        for how in ({"threads": 1}, {"threads": 2}, {"seed": 1})
    ]
    assert thetas[0] == thetas[1] != thetas[2]


def test_weights_count_and_a_row_of_weight_zero_is_none():
    rows = table()
    cut = parts(strata(rows), 1, 0.2, seed=0)
    wild = replace(rows, Y=np.where(np.arange(rows.m)[:, None] % 5 == 0, 1e6, rows.Y))
    none = (np.arange(rows.m) % 5 != 0).astype(float)
    first, second = (
        fit_ensemble(replace(some, weight=none), layers, "half_squared_error", SMALL, cut) for some in (rows, wild)
    )
    assert first.loss == second.loss
    assert [n.theta.tobytes() for n in first.networks] == [n.theta.tobytes() for n in second.networks]


def test_a_metric_may_choose():
    rows = table("classes")
    cut = parts(strata(rows), 1, 0.3, seed=0)
    found = fit_ensemble(rows, layers, "cross_entropy", SMALL, cut, metric="accuracy")
    right = found.predictions.argmax(axis=1) == rows.Y[found.validation].argmax(axis=1)
    assert found.loss == pytest.approx(-right.mean())


def test_a_time_limit_within_the_first_round_leaves_an_ensemble_of_those_that_ended_an_epoch():
    rows = table(m=3000)
    cut = parts(strata(rows), 1, 0.2, seed=0)
    of = replace(SMALL, members=400, epochs=10**6, width=64)
    found = fit_ensemble(rows, layers, "half_squared_error", of, cut, max_time=1.0, threads=1)
    assert found.rounds == 1
    assert {len(one.history) for one in found.networks} == {1}


def test_no_time_for_an_epoch_is_said():
    rows = table(m=60_000)
    cut = parts(strata(rows), 1, 0.2, seed=0)
    with pytest.raises(RunError, match="no network of the pack ended an epoch"):
        fit_ensemble(rows, layers, "half_squared_error", replace(SMALL, width=512), cut, max_time=1e-4)


def test_members_differ_and_are_always_the_same():
    of = settings("default", 10_000)
    drawn = [hyperparameters(i, of) for i in range(of.members)]
    assert len({*drawn}) == of.members
    assert sum(one.dropout == 0.0 for one in drawn) == pytest.approx(of.members / 2, abs=2)
    for name in ("learning_rate", "weight_decay", "init_scale"):
        low, high = getattr(of, name)
        values = [getattr(one, name) for one in drawn]
        assert low <= min(values) < (low * high) ** 0.5 < max(values) <= high
    assert {one.hidden_layers for one in drawn} == {*of.hidden_layers}
    assert f"weight_decay={drawn[0].weight_decay})" in recipe(drawn[0], of, 3).optimizer


def test_presets_know_the_size_of_the_table():
    assert [settings(preset, 10_000).members for preset in PRESETS] == sorted(
        settings(preset, 10_000).members for preset in PRESETS
    )
    assert settings("default", 500).folds > 1 == settings("default", 50_000).folds
    sizes = [settings("default", m).batch_size for m in (100, 2_000, 5_000, 20_000, 100_000, 10**6)]
    assert sizes == [32, 64, 128, 256, 512, 1024]
    with pytest.raises(RequestError, match="fast"):
        settings("slow", 100)
