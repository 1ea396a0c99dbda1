"""From rows to an ensemble: the members of a pack by its settings, their training, and what was chosen of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engines import Engine, make_engine
from chainrule.errors import RunError
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.table import Functions
from chainrule.history import CURVES, History
from chainrule.inputs import Input
from chainrule.network import Network
from chainrule.packs.pack import Member, fit_many
from chainrule.packs.presets import MemberSettings, Settings, hyperparameters, recipe
from chainrule.packs.selection import GreedyEnsemble, Watched, measure_by, measure_of
from chainrule.recipe import Recipe
from chainrule.sources import Examples
from chainrule.training import Fit, Keeper

Rows = NDArray[np.int64]

# n[0] and the input layers of a network, from the spec of the layer for its numbers, None for none
Layers = Callable[[str | None], tuple[int, tuple[Input, ...]]]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network of an ensemble.

    share     how much it counts in the mean of A[L]; the shares sum to 1
    history   up to the epoch whose theta it is
    """

    network: Network
    theta: NDArray[Any]
    recipe: Recipe
    history: History
    share: float


@dataclass(frozen=True, eq=False)
class EnsembleFit:
    """What a pack came to.

    networks       the ensemble, the largest share first
    predictions    its A[L] (m_v, n[L]) for the ``validation`` rows, none of which the networks behind it have learned
    validation     their places, ascending
    loss           of these, as it was chosen by
    rounds         epochs of the pack; ``why`` it ended
    """

    networks: tuple[TrainedNetwork, ...]
    predictions: NDArray[np.float64]
    validation: Rows
    loss: float
    rounds: int
    why: str


def mean_outputs(
    networks: Sequence[TrainedNetwork],
    X: Any,
    codes: Any | None = None,
    functions: Functions | None = None,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """A[L] (m, n[L]) of an ensemble, the mean of its networks' by their shares."""
    A_L = np.zeros((len(X), networks[0].network.n[-1]))
    named = tuple((functions or {}).items())
    for one in networks:
        A_L += one.share * _predictor(replace(one.network, dropout=0.0), named, threads).predict(one.theta, X, codes)
    return A_L


@lru_cache(maxsize=128)
def _predictor(network: Network, functions: tuple[tuple[str, Any], ...], threads: int | None) -> Engine:
    """An engine to predict with: networks of one description share it, since only theta differs."""
    return make_engine(network, Recipe(), dict(functions), threads)


def fit_ensemble(
    rows: Examples,
    layers: Layers,
    loss: str,
    of: Settings,
    parts: Sequence[tuple[Rows, Rows]],
    *,
    metric: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    max_time: float | None = None,
    checkpoint: Keeper | None = None,
    dtype: str = "float32",
) -> EnsembleFit:
    """Train a pack on rows, and choose an ensemble of it.

    rows     X, Y, weight and codes as NumPy arrays
    layers   what stands before W[1]
    loss     a row of LOSSES
    parts    (training rows, validation rows) of each fold, see ``chainrule.data.folds``
    metric   a row of METRICS to choose by; None for log-loss, the pinball loss or the squared error

    The seed draws the initial weights, the order of rows and dropout of every network. RunError: no network has made a
    finite prediction.
    """
    row = LOSSES.make(loss, np)
    measure = measure_of(row) if metric is None else measure_by(metric, row, loss)
    validation = np.sort(np.concatenate([part for _, part in parts]))
    examples: list[tuple[Examples, Examples]] = []
    members: list[Member] = []
    watched: list[Watched] = []
    groups: list[list[int]] = []
    for i in range(of.members):
        drawn = hyperparameters(i, of)
        network = _network(drawn, of, layers, loss, rows.Y.shape[1], dtype)
        groups.append([*range(len(members), len(members) + len(parts))])
        for f, part in enumerate(parts):
            engine = make_engine(network, recipe(drawn, of, _seed(seed, len(members))), threads=1)
            if len(examples) == f:  # the members of a fold share its rows
                examples.append((_some(engine, rows, part[0]), _some(engine, rows, part[1])))
            training, held_out = examples[f]
            watched.append(Watched(engine, held_out, measure, np.searchsorted(validation, part[1])))
            members.append(Member(engine, training, held_out, score=watched[-1]))
    weight = np.asarray(rows.weight, np.float64)[validation]
    even = bool((weight == weight[0]).all())
    ensemble = GreedyEnsemble(watched, groups, measure, None if even else weight, of.ensemble_patience, of.most_chosen)
    done = fit_many(members, threads=threads, max_time=max_time, observer=ensemble, checkpoint=checkpoint)
    if not ensemble.chosen:
        raise RunError("no network of the pack ended an epoch with finite predictions: give it more time, or rows.")
    return _outcome(rows, parts, validation, members, done, ensemble)


def _network(drawn: MemberSettings, of: Settings, layers: Layers, loss: str, units: int, dtype: str) -> Network:
    n_0, inputs = layers(f"cosine({of.units}, {drawn.init_scale!r})" if of.units > 1 else None)
    n = (n_0, *[of.width] * drawn.hidden_layers, units)
    return Network(n, "relu", loss, dropout=drawn.dropout, inputs=inputs, dtype=dtype)


def _seed(seed: int, member: int) -> int:
    """Of a network of the pack: other words of the random streams than any other network's of this or another seed."""
    return (seed * 2**16 + member) % 2**64


def _some(engine: Engine, rows: Examples, places: Rows) -> Examples:
    some = rows.take(places, np)
    return engine.examples(some.X, some.Y, some.weight, some.codes)


def _outcome(
    rows: Examples,
    parts: Sequence[tuple[Rows, Rows]],
    validation: Rows,
    members: Sequence[Member],
    done: Sequence[Fit],
    ensemble: GreedyEnsemble,
) -> EnsembleFit:
    share = 1.0 / (len(ensemble.chosen) * len(parts))
    networks: list[TrainedNetwork] = []
    predictions = np.zeros((len(validation), rows.Y.shape[1]))
    for snapshot in ensemble.chosen:
        for f, (i, epoch, theta) in enumerate(
            zip(ensemble.groups[snapshot.group], snapshot.epochs, snapshot.thetas, strict=True)
        ):
            engine, held_out = members[i].engine, members[i].validation
            assert held_out is not None
            A_L = engine.predict(theta, held_out.X, held_out.codes)
            predictions[np.searchsorted(validation, parts[f][1])] += A_L / len(ensemble.chosen)
            history = _until(done[i].history, epoch)
            networks.append(TrainedNetwork(engine.network, theta, engine.recipe, history, share))
    why = Counter(fit.history.stopped for fit in done).most_common(1)[0][0]
    return EnsembleFit(tuple(networks), predictions, validation, ensemble.value, ensemble.rounds, why)


def _until(history: History, epoch: int) -> History:
    """The history as it was after an epoch, which is the one that is kept."""
    curves = {name: getattr(history, name)[:epoch] for name in CURVES}
    return replace(history, **curves, best_epoch=epoch, stopped="chosen for an ensemble")
