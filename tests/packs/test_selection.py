"""The ensemble of a pack: chosen greedily by the loss of the mean, of networks now, at their best, or before."""

from itertools import count

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_pinball_loss, mean_squared_error, roc_auc_score

from chainrule import Network, Recipe, RequestError, make_engine
from chainrule.formulas.losses import LOSSES
from chainrule.packs import Member, fit_many
from chainrule.packs.selection import GreedyEnsemble, Watched, greedy, measure_by, measure_of

CASES = {
    "half_squared_error": (1, "regression"),
    "quantiles(0.1, 0.5, 0.9)": (3, "quantiles"),
    "binary_cross_entropy": (1, "binary"),
    "cross_entropy": (4, "classes"),
}


def predictions(name, K=6, m=50):
    """Y (m, n) and A (K, m, n), as a network with this loss predicts, and the loss of one A by another library."""
    n, kind = CASES[name]
    rng = np.random.default_rng(len(name))
    if kind == "classes":
        codes = rng.integers(n, size=m)
        A = rng.dirichlet(np.ones(n), size=(K, m))
        return np.eye(n)[codes], A, lambda A, w: log_loss(codes, A, sample_weight=w, labels=range(n))
    if kind == "binary":
        y = rng.integers(2, size=m)
        A = rng.uniform(0.01, 0.99, size=(K, m, 1))
        return y[:, None].astype(float), A, lambda A, w: log_loss(y, A[:, 0], sample_weight=w)
    y = rng.normal(size=m)
    A = y[None, :, None] + rng.normal(size=(K, m, n)) + rng.normal(size=(K, 1, 1))
    if kind == "quantiles":
        return (
            np.repeat(y[:, None], n, axis=1),
            A,
            lambda A, w: sum(
                mean_pinball_loss(y, A[:, k], sample_weight=w, alpha=q) for k, q in enumerate((0.1, 0.5, 0.9))
            ),
        )
    return y[:, None], A, lambda A, w: mean_squared_error(y, A[:, 0], sample_weight=w)


def greedily(losses_of, K, most):
    """The choice, written as it is said."""
    chosen = [min(range(K), key=lambda i: losses_of([i]))]
    while len(chosen) < min(most, K):
        i = min((i for i in range(K) if i not in chosen), key=lambda i: losses_of([*chosen, i]))
        if losses_of([*chosen, i]) >= losses_of(chosen):
            break
        chosen.append(i)
    return chosen, losses_of(chosen)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_the_choice_is_the_greedy_one_by_the_loss_of_the_mean(name, weighted):
    Y, A, loss = predictions(name)
    w = np.random.default_rng(1).uniform(0.0, 2.0, len(Y)) if weighted else None
    measure = measure_of(LOSSES.make(name, np))
    E = np.stack([measure.of(Y, each) for each in A])
    for most in (1, 3, 6):
        chosen, value = greedy(E, measure, w, most)
        expected, its_loss = greedily(lambda some: loss(A[some].mean(axis=0), w), len(A), most)
        assert chosen == expected
        assert value == pytest.approx(its_loss, rel=1e-9)


def test_a_metric_may_choose():
    Y, A, _ = predictions("binary_cross_entropy")
    measure = measure_by("roc_auc", LOSSES.make("binary_cross_entropy", np), "binary_cross_entropy")
    E = np.stack([measure.of(Y, each) for each in A])
    auc = lambda some: -roc_auc_score(Y[:, 0], A[some].mean(axis=0)[:, 0])  # noqa: E731
    chosen, value = greedy(E, measure, None)
    assert (chosen, value) == (greedily(auc, len(A), 16)[0], pytest.approx(greedily(auc, len(A), 16)[1]))
    with pytest.raises(RequestError, match="r2"):
        measure_by("r2", LOSSES.make("binary_cross_entropy", np), "binary_cross_entropy")


def pack(folds=1, epochs=12, K=3, patience=50, learning_rate=0.01):
    """K groups over one validation part, or one member for each fold."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    Y = X[:, :1] * X[:, 1:2] + 0.3 * rng.normal(size=(90, 1))
    place = np.arange(90) % 3 if folds == 3 else np.where(np.arange(90) < 30, 0, -1)
    measure = measure_of(LOSSES.make("half_squared_error", np))
    members, watched, groups, number = [], [], [], count()
    for k in range(K):
        groups.append([next(number) for _ in range(folds)])
        for f in range(folds):
            recipe = Recipe("adam", learning_rate * (k + 1), epochs=epochs, patience=3, seed=k, batch_size=16)
            engine = make_engine(Network((3, 8, 1)), recipe, threads=1)
            out = np.flatnonzero(place == f)
            validation = engine.examples(X[out], Y[out])
            watched.append(Watched(engine, validation, measure, out))
            members.append(Member(engine, engine.examples(X[place != f], Y[place != f]), validation, score=watched[-1]))
    rows = np.concatenate([np.flatnonzero(place == f) for f in range(folds)])
    ensemble = GreedyEnsemble(watched, groups, measure, None, patience)
    return members, ensemble, X[np.sort(rows)], Y[np.sort(rows)], place


@pytest.mark.parametrize("folds", [1, 3])
def test_the_value_is_the_loss_of_the_chosen_networks_on_rows_that_they_did_not_learn(folds):
    members, ensemble, X, Y, _ = pack(folds)
    fit_many(members, observer=ensemble, threads=2)
    assert 1 <= len(ensemble.chosen) <= 16
    A = np.zeros((len(ensemble.chosen), *Y.shape))
    for s, snapshot in enumerate(ensemble.chosen):
        assert len(snapshot.thetas) == folds
        for i, theta in zip(ensemble.groups[snapshot.group], snapshot.thetas, strict=True):
            rows = ensemble.watched[i].rows
            A[s][rows] = members[i].engine.predict(theta, X[rows])
    assert ensemble.value == pytest.approx(mean_squared_error(Y, A.mean(axis=0)), rel=1e-6)


def test_a_group_that_has_stopped_takes_part_at_its_best():
    members, ensemble, X, Y, _ = pack(epochs=400, patience=500, learning_rate=0.1)
    done = fit_many(members, observer=ensemble)
    assert all("did not improve" in one.history.stopped for one in done)
    best = min(mean_squared_error(Y, m.engine.predict(d.theta, X)) for m, d in zip(members, done, strict=True))
    assert ensemble.value <= best * (1 + 1e-6)


def test_the_pack_ends_when_the_ensemble_has_not_improved_for_so_many_rounds():
    members, ensemble, *_ = pack(epochs=1000, patience=2, learning_rate=0.1)
    done = fit_many(members, observer=ensemble)
    assert "the pack has ended" in {one.history.stopped for one in done}
    assert ensemble.rounds == ensemble.best_round + 2 == max(len(one.history) for one in done)


def test_the_choice_is_the_same_for_any_number_of_threads():
    found = []
    for threads in (1, 3):
        members, ensemble, *_ = pack(3)
        fit_many(members, observer=ensemble, threads=threads)
        found.append([(s.group, s.epochs, [t.tobytes() for t in s.thetas]) for s in ensemble.chosen])
    assert found[0] == found[1]


def test_predictions_that_are_not_finite_are_no_candidate():
    squared = measure_of(LOSSES.make("half_squared_error", np))
    E = np.array([[[np.nan]], [[1.0]], [[2.0]]])
    assert greedy(E, squared, None) == ([1], 1.0)
    with pytest.raises(RequestError, match="there are none"):
        greedy(np.empty((0, 3, 1)), squared, None)
