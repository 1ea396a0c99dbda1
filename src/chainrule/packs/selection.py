"""The ensemble that is chosen while a pack trains: greedily, after each round, on rows that its networks do not see.

After a round the pool is: groups that have stopped, at their best; groups that run, as they are; and the snapshots of
the present ensemble. From the best one on, the one is added whose share lowers the loss of the mean most, until nothing
does or ``MAX_CHOSEN`` are in it. It takes the place of the present ensemble where it is better; and when that has not
happened for so many rounds, the pack ends. Selection with early snapshots: TabPack, arXiv 2607.05380; greedy selection:
Caruana et al. 2004.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.engines import Engine
from chainrule.errors import RequestError
from chainrule.formulas.links import link
from chainrule.formulas.losses import Loss
from chainrule.formulas.metrics import METRICS, require_suits
from chainrule.monitoring import evaluated
from chainrule.packs.pack import Observer, Pack
from chainrule.sources import Examples
from chainrule.training import Run

Floats = NDArray[np.float64]

MAX_CHOSEN = 16
SMALLEST = 1e-7  # probability that counts; one sure mistake is not to decide alone
DIGITS = 12  # of a loss that decide: sums and logarithms of other processors may differ in the last of 16


class Measure(NamedTuple):
    """A loss of predictions whose mean can be taken cheaply.

    of          E (m, q), affine in A[L] (m, n[L]): what the loss needs of predictions; the E of a mean is the mean of E
    loss        (K,) of E (K, m, q), the mean over examples by weight (m,)
    name        by which another one is told from it
    """

    of: Callable[[Floats, Floats], Floats]
    loss: Callable[[Floats, Floats | None], Floats]
    name: str = "a measure of the caller's"


def _mean(each: Floats, weight: Floats | None) -> Floats:
    """(K,) of losses (K, m)."""
    return each.mean(axis=1) if weight is None else each @ (weight / weight.sum())


def _log_loss(E: Floats, weight: Floats | None) -> Floats:
    return _mean(-np.log(np.maximum(E, SMALLEST)).sum(axis=2), weight)


def _of_right_class(Y: Floats, A: Floats) -> Floats:
    """The probability of the right class, (m, 1); Y is one-hot."""
    return (A * Y).sum(axis=1, keepdims=True)


def _of_each_label(Y: Floats, A: Floats) -> Floats:
    """The probability of what each of several yes-or-no targets is, (m, q)."""
    return np.where(Y > 0.5, A, 1.0 - A)


def _residual(Y: Floats, A: Floats) -> Floats:
    return Y - A


def _squared_error(E: Floats, weight: Floats | None) -> Floats:
    return _mean((E * E).sum(axis=2), weight)


def _pinball(levels: Sequence[float]) -> Callable[[Floats, Floats | None], Floats]:
    q = np.array(levels)
    return lambda E, weight: _mean(np.maximum(q * E, (q - 1.0) * E).sum(axis=2), weight)


def measure_of(loss: Loss) -> Measure:
    """By what the ensemble of networks with this loss is chosen: log-loss, the pinball loss or the squared error."""
    if loss.levels:
        return Measure(_residual, _pinball(loss.levels), f"pinball loss of {loss.levels}")
    if loss.task == "classification" and link(loss.link, np).probabilities:
        return Measure(_of_each_label if loss.elementwise else _of_right_class, _log_loss, "log-loss")
    return Measure(_residual, _squared_error, "squared error")


def measure_by(name: str, loss: Loss, loss_name: str) -> Measure:
    """By a row of METRICS, negative where more is better. RequestError: it does not suit the loss."""
    require_suits(name, loss, link(loss.link, np), loss_name)
    metric = METRICS.make(name)
    sign = -1.0 if metric.more_is_better else 1.0

    def scores(E: Floats, weight: Floats | None) -> Floats:
        _, m, both = E.shape
        w = np.ones(m) if weight is None else weight
        A, Y = E[:, :, : both // 2], E[0, :, both // 2 :]
        return np.array([sign * metric.score(Y.T, each.T, w) for each in A])

    return Measure(lambda Y, A: np.concatenate([A, Y], axis=1), scores, name)  # the mean of Y is Y


class Watched:
    """The score of a member of a pack: minus its loss on its validation rows; the predictions are kept for the choice.

    rows   the places of its validation rows among those by which the ensemble is chosen
    """

    def __init__(self, engine: Engine, validation: Examples, measure: Measure, rows: slice | NDArray[np.int64]) -> None:
        self.rows = rows
        self.E: Floats | None = None  # of the last theta
        self.best: Floats | None = None
        self._engine, self._validation, self._measure = engine, validation, measure
        to_numpy = engine.to_numpy
        self._Y = np.asarray(to_numpy(validation.Y), np.float64)
        weight = np.asarray(to_numpy(validation.weight), np.float64)
        self._weight: Floats | None = None if (weight == weight[0]).all() else weight

    def __call__(self, theta: Any) -> float:
        """Minus the loss; NaN where a prediction is not finite."""
        self.E = self.predicted(theta)
        return -float(self._measure.loss(self.E[None], self._weight)[0])

    def predicted(self, theta: Any) -> Floats:
        """The E of a theta."""
        A = self._engine.predict(theta, self._validation.X, self._validation.codes)
        return self._measure.of(self._Y, A.astype(np.float64))


class Candidate(NamedTuple):
    """Networks that count as one: a group, its members as they are or at their best.

    group    its number
    epochs   of each of its members
    E        of all rows by which the ensemble is chosen, see ``Measure``
    thetas   gives the parameters of each member
    """

    group: int
    epochs: tuple[int, ...]
    E: Floats
    thetas: Callable[[], list[Any]]


@dataclass(frozen=True)
class Snapshot:
    """What the ensemble has of one group: see ``Candidate``."""

    group: int
    epochs: tuple[int, ...]
    thetas: tuple[Any, ...]
    E: Floats


class GreedyEnsemble(Observer):
    """Chooses an ensemble of the groups of a pack, round by round.

    groups     the members of each, whose validation rows are all rows by which it is chosen, each once
    patience   rounds without an improvement after which the pack ends
    chosen     the present ensemble
    value      its loss
    rounds     rounds that it was looked for; ``best_round``: the one that found it
    """

    def __init__(
        self,
        watched: Sequence[Watched],
        groups: Sequence[Sequence[int]],
        measure: Measure,
        weight: Floats | None,
        patience: int,
        most: int = MAX_CHOSEN,
    ) -> None:
        self.watched, self.groups, self.measure = watched, groups, measure
        self.weight, self.patience, self.most = weight, patience, most
        self.chosen: tuple[Snapshot, ...] = ()
        self.value = inf
        self.rounds = self.best_round = 0

    def has_seen_enough(self, pack: Pack) -> bool:
        """Look for a better ensemble; whether there has been none for too long."""
        self.rounds += 1
        for run, watched in zip(pack.runs, self.watched, strict=True):
            if run.now.best_epoch == run.now.epochs > 0:
                watched.best = watched.E
        pool = self._pool(pack.runs)
        if pool:
            chosen, value = greedy(np.stack([c.E for c in pool]), self.measure, self.weight, self.most)
            if value < self.value:
                self.chosen = tuple(
                    Snapshot(c.group, c.epochs, tuple(c.thetas()), c.E) for c in (pool[i] for i in chosen)
                )
                self.value, self.best_round = value, self.rounds
        return self.rounds - self.best_round >= self.patience

    def identity(self) -> Mapping[str, Any]:
        """See ``Observer``."""
        groups = [[*members] for members in self.groups]
        return {"measure": self.measure.name, "patience": self.patience, "most": self.most, "groups": groups}

    def state(self) -> tuple[Mapping[str, Any], Sequence[NDArray[Any]]]:
        """See ``Observer``. Predictions are no part of it: they are made again of the thetas."""
        chosen = [[snapshot.group, *snapshot.epochs] for snapshot in self.chosen]
        thetas = [theta for snapshot in self.chosen for theta in snapshot.thetas]
        return {"best_round": self.best_round, "chosen": chosen}, [np.array([self.value]), *thetas]

    def go_on(self, pack: Pack, seen: Mapping[str, Any], vectors: Sequence[NDArray[Any]]) -> None:
        """See ``Observer``."""
        best_round, chosen, ((value,), *thetas) = seen["best_round"], seen["chosen"], vectors
        if best_round not in range(pack.rounds + 1) or isnan(value):
            raise ValueError(f"{best_round!r} is none of {pack.rounds} rounds, or {value} no loss")
        each = dict(enumerate(self.groups))
        if len(thetas) != sum(len(each[group]) for group, *_ in chosen):
            raise ValueError("it has other vectors than it has chosen")
        rest = iter(thetas)
        self.chosen = tuple(self._snapshot(group, epochs, pack.runs, rest) for group, *epochs in chosen)
        self.value, self.rounds, self.best_round = float(value), pack.rounds, best_round
        for run, watched in zip(pack.runs, self.watched, strict=True):
            now = run.now
            watched.E = watched.best = None if now.best is None else watched.predicted(now.best)
            if now.best_epoch < now.epochs and not now.state.diverged:  # in mid-epoch: before it is used, it is another
                watched.E = watched.predicted(evaluated(run.engine, now.state))

    def _snapshot(self, group: int, epochs: Sequence[int], runs: Sequence[Run], thetas: Iterator[Any]) -> Snapshot:
        """What was chosen of a group, with its predictions. ValueError: there can be no such."""
        members = self.groups[group]
        each = tuple(next(thetas).copy() for _ in members)
        for i, epoch, theta in zip(members, epochs, each, strict=True):
            network = runs[i].engine.network
            is_theta = theta.shape == (network.size,) and theta.dtype == network.dtype
            if not is_theta or epoch not in range(1, runs[i].now.epochs + 1):
                raise ValueError(f"members[{i}] cannot have been chosen so")
        E = self._together(members, [self.watched[i].predicted(theta) for i, theta in zip(members, each, strict=True)])
        return Snapshot(group, tuple(epochs), each, E)

    def _pool(self, runs: Sequence[Run]) -> list[Candidate]:
        """Every candidate once, those whose predictions are finite."""
        pool = {(s.group, s.epochs): Candidate(s.group, s.epochs, s.E, lambda s=s: [*s.thetas]) for s in self.chosen}
        for g, members in enumerate(self.groups):
            each = [(runs[i], self.watched[i]) for i in members]
            states = [_at_best(*one) if one[0].history.stopped else _as_it_is(*one) for one in each]
            if any(E is None for _, E, _ in states):
                continue
            epochs = tuple(epoch for epoch, _, _ in states)
            if (g, epochs) not in pool:
                E = self._together(members, [E for _, E, _ in states])
                pool[g, epochs] = Candidate(g, epochs, E, lambda states=states: [theta() for _, _, theta in states])
        return [candidate for candidate in pool.values() if np.isfinite(candidate.E).all()]

    def _together(self, members: Sequence[int], each: Sequence[Any]) -> Floats:
        """The E of all rows, from those of each member's own."""
        if len(members) == 1:
            return each[0]
        E = np.empty((sum(len(part) for part in each), each[0].shape[1]))
        for i, part in zip(members, each, strict=True):
            E[self.watched[i].rows] = part
        return E


def _as_it_is(run: Run, watched: Watched) -> tuple[int, Floats | None, Callable[[], Any]]:
    return run.now.epochs, watched.E, lambda: run.engine.to_numpy(evaluated(run.engine, run.now.state))


def _at_best(run: Run, watched: Watched) -> tuple[int, Floats | None, Callable[[], Any]]:
    return run.now.best_epoch, watched.best, lambda: run.now.best


def greedy(E: Floats, measure: Measure, weight: Floats | None, most: int = MAX_CHOSEN) -> tuple[list[int], float]:
    """Which of the candidates E (K, m, q) an ensemble has, the best first, and its loss.

    RequestError: there are none.

    >>> squared = Measure(lambda Y, A: Y - A, lambda E, weight: (E**2).mean(axis=(1, 2)))
    >>> greedy(np.array([[[2.0]], [[-1.0]], [[5.0]]]), squared, None)
    ([1, 0], 0.25)
    """
    if not len(E):
        raise RequestError("an ensemble is chosen of candidates, and there are none.")
    losses = _rounded(measure.loss(E, weight))
    chosen = [int(losses.argmin())]
    value, total = float(losses[chosen[0]]), E[chosen[0]].copy()
    left = np.ones(len(E), bool)
    left[chosen] = False
    while left.any() and len(chosen) < most:
        places = np.flatnonzero(left)
        losses = _rounded(measure.loss((total + E[places]) / (len(chosen) + 1), weight))
        best = int(losses.argmin())
        if not losses[best] < value:
            break
        value, next_one = float(losses[best]), int(places[best])
        chosen.append(next_one)
        total += E[next_one]
        left[next_one] = False
    return chosen, value


def _rounded(losses: Floats) -> Floats:
    """To so many digits that every processor decides the same; NaN is never chosen."""
    return np.array([inf if isnan(loss) else float(f"{loss:.{DIGITS}g}") for loss in losses.tolist()])
