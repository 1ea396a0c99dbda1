"""One dial: what a pack is made of, by the preset and the size of the table. Each number that follows from one is here.

    preset     members on large tables   what it is for
    fast       6, half as wide           a first look
    default    16
    best       32, more patient          where a better prediction is worth more time

Sources of the numbers: TabPack (arXiv 2607.05380) for the ranges that are drawn from, patience and batch sizes;
RealMLP (arXiv 2407.04491) for batch sizes of small tables; the rest on the development half of ``python -m benchmarks
accuracy``, see docs/decisions/0036-packs.md.
"""

from dataclasses import dataclass, replace
from math import exp, log

from chainrule.arguments import one_of
from chainrule.recipe import Recipe

SMALL = 2000  # rows below which one validation part is noise: folds take its place


@dataclass(frozen=True)
class Settings:
    """What a pack is made of.

    members              groups: in each one network for each fold
    folds                validation parts that together are all rows; 1 for one part of ``validation_fraction``
    width, units         of hidden layers, and of the ``cosine`` input of each number; 1 for none
    hidden_layers        how many of them, member after member
    epochs               most passes over the rows
    patience             epochs without improvement after which a network leaves
    ensemble_patience    rounds after which the pack ends when the ensemble has not improved
    most_chosen          most groups in the ensemble
    learning_rate, weight_decay, init_scale   ranges that are drawn from, evenly in the logarithm
    dropout              the most; half of the members have none
    """

    members: int = 16
    folds: int = 1
    validation_fraction: float = 0.15
    width: int = 128
    units: int = 8
    hidden_layers: tuple[int, ...] = (1, 2, 3)
    batch_size: int = 256
    epochs: int = 400
    patience: int = 16
    ensemble_patience: int = 32
    most_chosen: int = 16
    averaging: float | None = 0.955
    learning_rate: tuple[float, float] = (3e-4, 5e-3)
    weight_decay: tuple[float, float] = (1e-3, 1.0)
    init_scale: tuple[float, float] = (0.01, 10.0)
    dropout: float = 0.5


# By how many rows there are at most: examples a step.
BATCH_SIZES = {1_000: 32, 3_000: 64, 6_000: 128, 40_000: 256, 150_000: 512}
LARGEST_BATCH = 1024

PRESETS = {
    "fast": Settings(members=6, ensemble_patience=16, patience=8, width=64, units=4),
    "default": Settings(),
    "best": Settings(members=32, ensemble_patience=48, patience=24),
}


def settings(preset: str, m: int) -> Settings:
    """Of a pack on m rows. RequestError: no such preset."""
    one_of("preset", preset, tuple(PRESETS))
    chosen = PRESETS[preset]
    batch_size = next((B for most, B in BATCH_SIZES.items() if m <= most), LARGEST_BATCH)
    if m < SMALL:
        chosen = replace(chosen, folds=5, members=max(3, chosen.members // 2))
    return replace(chosen, batch_size=batch_size)


@dataclass(frozen=True)
class MemberSettings:
    """What distinguishes one member of a pack from the next."""

    hidden_layers: int
    learning_rate: float
    weight_decay: float
    dropout: float
    init_scale: float


def hyperparameters(i: int, of: Settings) -> MemberSettings:
    """Of member i, from i alone: a Halton sequence fills the ranges more evenly than chance, and the code that is
    compiled for a member is found in the cache by every later pack.

    >>> hyperparameters(0, Settings())
    MemberSettings(hidden_layers=1, learning_rate=0.00122, weight_decay=0.01, dropout=0.0, init_scale=0.027)
    """
    u = [radical_inverse(i + 1, base) for base in (2, 3, 5, 7)]
    return MemberSettings(
        hidden_layers=of.hidden_layers[i % len(of.hidden_layers)],
        learning_rate=float(f"{_between(of.learning_rate, u[0]):.3g}"),
        weight_decay=float(f"{_between(of.weight_decay, u[1]):.2g}"),
        dropout=round(max(0.0, 2.0 * u[2] - 1.0) * of.dropout, 2),
        init_scale=float(f"{_between(of.init_scale, u[3]):.2g}"),
    )


def recipe(member: MemberSettings, of: Settings, seed: int) -> Recipe:
    """How a member is trained."""
    return Recipe(
        f"adamw(weight_decay={member.weight_decay!r})",
        learning_rate=member.learning_rate,
        epochs=of.epochs,
        batch_size=of.batch_size,
        patience=of.patience,
        tol=0.0,
        averaging=of.averaging,
        seed=seed,
    )


def radical_inverse(i: int, base: int) -> float:
    """The digits of i mirrored at the point: the van der Corput sequence. Halton 1960.

    >>> [radical_inverse(i, 2) for i in (1, 2, 3, 4)]
    [0.5, 0.25, 0.75, 0.125]
    """
    value, place = 0.0, 1.0 / base
    while i:
        i, digit = divmod(i, base)
        value += digit * place
        place /= base
    return value


def _between(ends: tuple[float, float], u: float) -> float:
    return exp(log(ends[0]) + u * (log(ends[1]) - log(ends[0])))
