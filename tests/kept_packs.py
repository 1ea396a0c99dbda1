"""Packs that are kept, cut short and taken up again, like the runs of tests/kept_runs.py:

python -m tests.kept_packs FILE '{"run": {...}, "keep": {...}, "ignores_ctrl_c": false}'
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule import Network, Recipe, make_engine
from chainrule.checkpoints import Checkpoint
from chainrule.data.folds import parts
from chainrule.formulas.losses import LOSSES
from chainrule.packs import GreedyEnsemble, Member, Observer, Watched, fit_many, measure_of
from chainrule.training import Fit
from tests.kept_runs import bits, digest, main


@dataclass(frozen=True)
class Pack:
    """Groups of unlike networks on 60 rows in steps of 8, the first of which diverges in its third epoch.

    groups      each of one network a fold
    observed    an ensemble is chosen, and ends the pack after ``patience`` rounds
    leaves      the patience of each network
    """

    groups: int = 4
    folds: int = 1
    threads: int = 2
    observed: bool = True
    patience: int = 30
    epochs: int = 14
    leaves: int | None = 5
    width: int = 6
    rows: int = 60
    learning_rate: float = 0.01
    seed: int = 0
    dtype: str = "float32"
    of_last: str = "float64"

    def make(self) -> tuple[list[Member], GreedyEnsemble]:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(self.rows, 3))
        Y = X[:, :1] * X[:, 1:2] + X[:, 2:3] + 0.3 * rng.normal(size=(self.rows, 1))
        cut = parts(np.zeros(self.rows, np.int64), self.folds, 0.25, seed=0)
        places = np.sort(np.concatenate([part for _, part in cut]))
        measure = measure_of(LOSSES.make("half_squared_error", np))
        members: list[Member] = []
        watched: list[Watched] = []
        for i in range(self.groups):
            for training, held_out in cut:
                engine = make_engine(self._network(i), self._recipe(i, len(members)), threads=1)
                held = engine.examples(X[held_out], Y[held_out])
                watched.append(Watched(engine, held, measure, np.searchsorted(places, held_out)))
                members.append(Member(engine, engine.examples(X[training], Y[training]), held, score=watched[-1]))
        numbers = range(len(members))
        groups = [numbers[g * self.folds : (g + 1) * self.folds] for g in range(self.groups)]
        return members, GreedyEnsemble(watched, groups, measure, None, self.patience)

    def _network(self, i: int) -> Network:
        n = (3, *[self.width] * (i % 3), 1)
        dtype = self.of_last if i == self.groups - 1 else self.dtype
        return Network(n, "tanh", dropout=0.1 * (i % 2) if len(n) > 2 else 0.0, dtype=dtype)

    def _recipe(self, i: int, member: int) -> Recipe:
        how = Recipe(epochs=self.epochs, batch_size=8, patience=self.leaves, tol=0.0, seed=self.seed + member)
        if i == 0:  # without a hidden layer: the error grows by some factor in each step
            return replace(how, optimizer="gradient_descent", learning_rate=30.0)
        each = ("adamw(weight_decay=0.01)", "lamb", "momentum")
        how = replace(how, optimizer=each[i % 3], learning_rate=self.learning_rate)
        return replace(how, averaging=0.9 if i % 2 else None, schedule="adaptive" if i == 2 else "constant")

    def fit(
        self, checkpoint: Any = None, observer: Observer | None = None, **how: Any
    ) -> tuple[list[Fit], GreedyEnsemble]:
        members, ensemble = self.make()
        observer = observer or (ensemble if self.observed else None)
        return fit_many(members, checkpoint=checkpoint, observer=observer, **{"threads": self.threads} | how), ensemble

    def bits(self, checkpoint: Any = None, **how: Any) -> dict[str, Any]:
        """All that comes of it, as plain JSON; of a curve its length and a digest, since a pipe takes 64 kB at once."""
        done, ensemble = self.fit(checkpoint, **how)
        reasons = [one.history.stopped for one in done]
        return {
            "stopped": next((why for why in reasons if why in ("interrupted", "time limit")), ""),
            "members": [{name: _short(value) for name, value in bits(one).items()} for one in done],
            "rounds": [ensemble.rounds, ensemble.best_round],
            "value": ensemble.value.hex(),
            "chosen": [[s.group, *s.epochs, *map(digest, s.thetas), digest(s.E)] for s in ensemble.chosen],
            "E": [None if w.best is None else digest(w.best) for w in ensemble.watched],
        }


def _short(value: Any) -> Any:
    return [len(value), digest(np.array([float.fromhex(x) for x in value]))] if isinstance(value, list) else value


class Stopped(Checkpoint):
    """A checkpoint whose pack is cut after so many rounds, by what is raised there."""

    def __init__(self, path: Any, rounds: int, by: BaseException, **options: Any) -> None:
        super().__init__(path, **{"seconds": 0.0, "resume": True} | options)
        self._rounds, self._by = rounds, by

    def paused(self, run: Any) -> None:
        super().paused(run)
        if run.rounds == self._rounds:
            raise self._by


if __name__ == "__main__":
    main(Pack)
