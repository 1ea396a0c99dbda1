"""Networks, recipes and data drawn at random from everything there is, and what training makes of them, in bits.

Nothing here depends on NumPy's generators or on a library of functions: the same number gives the same configuration
and the same data on every machine.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from chainrule.engines import Examples, State
from chainrule.engines.fused import Fused
from chainrule.engines.fused.processor import Processor
from chainrule.formulas import draws
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.inputs import Input
from chainrule.layout import INPUT
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_INPUTS, ALL_LOSSES, ALL_PENALTIES

STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step is not None]


@dataclass(frozen=True)
class Configuration:
    """A network, how it is trained, and on how many rows with which weights ("ones", "random", "some zero")."""

    network: Network
    recipe: Recipe
    m: int
    weights: str = "ones"

    def describe(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def configuration(number: int, dtype: str | None = None) -> Configuration:
    """The configuration of a number."""
    # the one method of random.Random whose numbers are promised to stay: random()
    chance = random.Random(number).random

    def one_of(choices: Any) -> Any:
        return choices[int(chance() * len(choices))]

    def lot(what: str, spec: str) -> float:
        return int(sha256(f"{number} {what} {spec}".encode()).hexdigest()[:13], 16) / 16**13

    def row(what: str, specs: list[str]) -> str:
        """The row whose lot is the least: a new row takes its share of the configurations, and leaves the others."""
        return min(specs, key=lambda spec: lot(what, spec))

    def units(least: int, most: int) -> int:
        """Small numbers as often as large ones."""
        highest = one_of([high for high in (least + 3, 16, 64, 256) if high < most] + [most])
        return least + int(chance() * (highest - least + 1))

    loss = row("loss", ALL_LOSSES)
    hidden = one_of((0, 1, 1, 2, 2, 3, 4))
    outputs = max(one_of((1, 1, 2, 3, units(1, 40))), 2 if loss.startswith("cross_entropy") else 1)
    network = Network(
        (units(1, 60), *(units(1, 90) for _ in range(hidden)), outputs),
        tuple(row(f"activation {l}", ALL_ACTIVATIONS) for l in range(hidden)),
        loss,
        tuple(one_of((0.0, 0.0, 0.1, 0.5)) for _ in range(hidden)),
        tuple(p for p in ALL_PENALTIES if lot("penalty", p) < 0.25),
        dtype=dtype or one_of(("float32", "float64")),
    )
    m = units(1, 900)
    optimizer = row("optimizer", STEPPING)
    recipe = Recipe(
        optimizer,
        0.1 * OPTIMIZERS.make(optimizer, np).learning_rate,
        row("schedule", list(SCHEDULES)),
        epochs=3,
        batch_size=one_of((1 if m < 40 else 30, units(1, m), m, m + 1, "auto")),
        shuffle=chance() < 0.7,
        clip_norm=one_of((None, None, 0.01, 1.0)),
        seed=int(chance() * 2**63) * 2 + 1 if chance() < 0.5 else number,
    )
    weights = one_of(("ones", "random", "some zero"))
    recipe = replace(recipe, averaging=one_of((None, None, 0.9)))
    return Configuration(behind_input_layers(network, lot), recipe, m, weights)


def behind_input_layers(network: Network, lot: Callable[[str, str], float]) -> Network:
    """The network behind those layers to which the lot falls; what it had for inputs is handed on beside them.

    A layer takes every second of its columns, from the last one on.
    """
    inputs: list[Input] = []
    numbers = codes = 0
    for spec in ALL_INPUTS:
        if lot("input layer", spec) >= 0.25:
            continue
        size = int(lot("its size", spec) * 9)
        if INPUTS.make(spec, np).takes == "numbers":
            inputs.append(Input(spec, tuple(range(numbers + 2 * size, numbers - 1, -2))))
            numbers += 2 * size + 1
        else:
            inputs.append(Input(spec, (codes,), levels=2 + size**2))
            codes += 1
    taken = sum(len(layer.columns) for layer in inputs if layer.takes_numbers)
    n_0 = sum(layer.width for layer in inputs) + numbers - taken + network.n[0]
    return replace(network, n=(n_0, *network.n[1:]), inputs=tuple(inputs))


def rows(given: Configuration) -> tuple[Any, Any, Any, Any]:
    """X, Y, the weights and codes: Y defined for the loss, its closed ends among them."""
    m, n, K = given.m, given.network.columns.numbers, given.network.n[-1]
    X = draws.normal(m * n, 1, draws.Stream.SPLIT, m, n).reshape(m, n)
    u = draws.uniform(m * K, 2, draws.Stream.SPLIT, m, K).reshape(m, K)
    w = draws.uniform(m, 3, draws.Stream.SPLIT, m)
    loss = LOSSES.make(given.network.loss, np)
    low, high = max(loss.lowest, -2.0), min(loss.highest, 3.0)
    Y = low + (high - low) * u
    if not loss.elementwise:
        Y = (u == u.max(axis=1, keepdims=True)).astype(np.float64)
    elif loss.lowest == 0.0 and 0.0 not in loss.excluded:
        Y[u < 0.25] = 0.0
    if loss.highest == 1.0:
        Y[u > 0.75] = 1.0
    weights = {"ones": np.ones(m), "random": w + 0.1, "some zero": np.where(w < 0.4, 0.0, w)}
    if given.weights == "some zero" and given.recipe.shuffle is False:
        weights["some zero"][: given.recipe.batch(m)] = 0.0  # a whole batch of them
    levels = np.array(given.network.columns.levels, np.int64)
    codes = draws.uniform(m * len(levels), 4, draws.Stream.SPLIT, m, len(levels)).reshape(m, len(levels)) * levels
    return X, Y, weights[given.weights], codes.astype(np.int64)


def bits(given: Configuration, threads: int = 1, target: Processor | None = None) -> dict[str, str]:
    """A checksum of each thing that an engine makes: of predictions, cost, gradients, and of two epochs and a half."""
    engine = Fused(given.network, given.recipe, threads=threads, target=target)
    examples = engine.examples(*rows(given))
    return dict(checksums(engine, examples, steps(given)))


def steps(given: Configuration) -> tuple[int, int]:
    """Where the run of ``bits`` is looked at: in the middle of an epoch, and in the middle of a later one."""
    per_epoch = given.recipe.steps_per_epoch(given.m)
    return per_epoch // 2 + 1, 2 * per_epoch + per_epoch // 2 + 1


def checksums(engine: Fused, examples: Examples, stops: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """Name and checksum of each thing."""
    state = engine.start(first_theta(engine.network))
    yield "predict", checksum(engine.predict(state.theta, examples.X, examples.codes))
    if float(examples.weight.sum()) > 0.0:
        yield "cost", checksum(engine.cost(state.theta, examples))
        yield "gradient", checksum(*engine.gradient(state.theta, examples))
        yield "gradient with dropout", checksum(*engine.gradient(state.theta, examples, 5))
    for stop in stops:
        state = engine.run(state, examples, state.step, stop)
        yield f"theta after {stop} steps", checksum(state.theta)
        yield f"state after {stop} steps", checksum(*numbers(state))
        if state.diverged:
            return
    yield "predict after", checksum(engine.predict(state.theta, examples.X, examples.codes))


def first_theta(network: Network) -> Any:
    """That of the network, with the parameters of input layers moved: nearly all of them begin as 0 or 1."""
    theta = network.initial()
    for block in network.layout:
        if block.role is INPUT:
            theta[block.place] += 0.5 * draws.normal(block.size, 5, draws.Stream.SPLIT, block.offset)
    return theta


def numbers(state: State) -> list[Any]:
    """All the numbers that a state holds."""
    others = (v for k, v in state._asdict().items() if k not in ("theta", "moments", "origin"))
    return [state.theta, *state.moments, *others]


def checksum(*values: Any) -> str:
    """Of the bits of numbers and arrays. Every NaN counts as the same one: no processor promises which it makes."""
    taken = sha256()
    for value in values:
        array = np.atleast_1d(np.array(value))
        if array.dtype.kind == "f":
            array[np.isnan(array)] = np.nan
        taken.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return taken.hexdigest()


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names of the things that are not the same."""
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]
