"""The runs whose checksums are recorded, by name. What one of them is depends on nothing but its own line or name.

A row that no run of ``TOGETHER`` has gets a run of its own, named after it: a new row of any table leaves the runs of
all others as they are.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.table import Table
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.configurations import STEPPING, Configuration
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_INPUTS, ALL_LOSSES, ALL_PENALTIES, before

EPOCHS = 3
ROWS = 41
DTYPES = ("float32", "float64")

# Rows that are looked at together: loss, optimiser and the activations of the hidden layers, by number of the run
TOGETHER: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("half_squared_error", "gradient_descent", ("identity",)),
    ("half_squared_error_sigmoid", "momentum", ("sigmoid", "selu")),
    ("binary_cross_entropy", "averaged_momentum", ("tanh", "softplus", "elu(0.5)")),
    ("cross_entropy", "nesterov", ("relu", "silu")),
    ("absolute_error", "rmsprop", ("leaky_relu",)),
    ("huber", "adam", ("elu", "gelu")),
    ("quantile", "adamw", ("selu", "leaky_relu(0.2)", "relu")),
    ("poisson", "adam(0.8)", ("softplus", "elu(0.5)")),
    ("gamma", "gradient_descent", ("silu",)),
    ("tweedie", "momentum", ("mish", "sigmoid")),
    ("binary_cross_entropy(0.1)", "averaged_momentum", ("gelu", "tanh", "softplus")),
    ("cross_entropy(0.1)", "nesterov", ("leaky_relu(0.2)", "relu")),
    ("huber(0.4)", "rmsprop", ("elu(0.5)",)),
    ("quantile(0.8)", "adam", ("identity", "elu")),
    ("tweedie(1.2)", "adamw", ("sigmoid", "selu", "leaky_relu(0.2)")),
    ("half_squared_error", "adam(0.8)", ()),
    ("quantiles", "gradient_descent", ("relu",)),
    ("quantiles(0.1, 0.5, 0.9)", "momentum", ("leaky_relu", "mish")),
)

# Every row that has a part in steps, some with numbers of their own
SPECS: Sequence[tuple[Table[Any], Sequence[str]]] = (
    (ACTIVATIONS, ALL_ACTIVATIONS),
    (LOSSES, ALL_LOSSES),
    (OPTIMIZERS, STEPPING),
    (PENALTIES, ALL_PENALTIES),
    (INPUTS, ALL_INPUTS),
)


def runs(specs: Sequence[tuple[Table[Any], Sequence[str]]] = SPECS) -> dict[str, Configuration]:
    """The runs by name, each in both dtypes."""
    made = {f"{i} {dtype}": _together(i, dtype) for i in range(len(TOGETHER)) for dtype in DTYPES}
    seen = {one for given in made.values() for one in parts(given)}
    left = [(table, spec) for table, each in specs for spec in each if part(table, spec) not in seen]
    return made | {
        f"{table.kind} {spec} {dtype}": _alone(table, spec, dtype) for table, spec in left for dtype in DTYPES
    }


def parts(given: Configuration) -> Iterator[tuple[str, str]]:
    """The rows that have a part in a run."""
    network = given.network
    yield from (part(ACTIVATIONS, a) for a in network.activation)
    yield part(LOSSES, network.loss)
    yield part(OPTIMIZERS, given.recipe.optimizer)
    yield from (part(PENALTIES, p) for p in network.penalties)
    yield from (part(INPUTS, layer.layer) for layer in network.input_layers)


def part(table: Table[Any], spec: str) -> tuple[str, str]:
    """A row with its numbers; of a penalty the row alone, since all strengths are the same code."""
    return table.kind, table.name(spec) if table is PENALTIES else table.canonical(spec)


def _together(i: int, dtype: str) -> Configuration:
    loss, optimizer, activations = TOGETHER[i]
    hidden = [(9,), (17, 6), (5, 33, 8), (12, 4)][i % 4][: len(activations)]
    outputs = 3 if loss.startswith(("cross_entropy", "quantiles(")) else 1 + i % 2
    network = Network(
        (1 + 3 * i % 20, *hidden, outputs),
        activations,
        loss,
        0.25 if i % 3 == 0 else 0.0,
        [(), ("l2(0.1)",), ("l1(0.01)", "l2_fixed(0.02)")][i % 3],
        dtype=dtype,
    )
    recipe = Recipe(
        optimizer,
        0.01,
        ["constant", "inverse_time(0.5)", "warm_up(2)"][i % 3],
        epochs=EPOCHS,
        batch_size=[7, 16, 41, 60][i % 4],
        shuffle=i % 5 > 0,
        clip_norm=0.5 if i % 4 == 1 else None,
        seed=i,
    )
    return Configuration(network, recipe, ROWS, ["ones", "random", "some zero"][i // 2 % 3])


def _alone(table: Table[Any], spec: str, dtype: str) -> Configuration:
    """A run that differs from other such runs in this one row."""
    row = {table.kind: spec}
    network = Network(
        (7, 17, 6, 3),
        row.get(ACTIVATIONS.kind, "tanh"),
        row.get(LOSSES.kind, "half_squared_error"),
        penalties=row.get(PENALTIES.kind, ()),
        dtype=dtype,
    )
    if INPUTS.kind in row:
        network = before(spec, network)
    recipe = Recipe(row.get(OPTIMIZERS.kind, "momentum"), 0.01, epochs=EPOCHS, batch_size=16)
    return Configuration(network, recipe, ROWS, "random")
