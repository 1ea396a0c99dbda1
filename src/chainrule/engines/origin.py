"""What the moments of a state are of: under another optimiser, or for another network, they mean something else.

Two optimisers may keep as many vectors of the same length, as ``rmsprop`` and ``momentum`` do: one holds squares of
gradients, the other a velocity. Going on with those of the other walks uphill without a word.
"""

from typing import NamedTuple

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS, Optimizer
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe


class MomentsOf(NamedTuple):
    """Which rule keeps the moments, and of what function they are gradients.

    optimizer   the row, with those of its numbers by which it corrects for the start at zero
    network     its sizes, activations, loss and dtype; penalties and dropout leave the gradient what it is
    functions   those of these rows that are the user's own
    """

    optimizer: str
    network: tuple[tuple[int, ...], tuple[str, ...], str, str]
    functions: tuple[tuple[str, object], ...]


class Origin(NamedTuple):
    """What a state was made for: its moments, and the schedule and learning rate that ``rate_scale`` multiplies."""

    moments: MomentsOf
    schedule: str
    learning_rate: float


def origin(network: Network, recipe: Recipe, optimizer: Optimizer, functions: Functions | None) -> Origin:
    """The origin of the states of an engine.

    >>> recipe = Recipe()
    >>> origin(Network((2, 1)), recipe, recipe.make_optimizer(None), None).moments.optimizer
    'adam(beta1=0.9, beta2=0.999)'
    """
    name, activation = OPTIMIZERS.name(recipe.optimizer), tuple(network.activation)
    rule = name
    if optimizer.corrected_by:
        numbers = OPTIMIZERS.numbers(recipe.optimizer, functions)
        rule += f"({', '.join(f'{label}={numbers[label]!r}' for label in optimizer.corrected_by)})"
    own: tuple[tuple[str, object], ...] = ()
    if functions:
        rows = {name, LOSSES.name(network.loss), *map(ACTIVATIONS.name, activation)}
        own = tuple((row, functions[row]) for row in sorted(functions.keys() & rows))
    of = MomentsOf(rule, (network.n, activation, network.loss, network.dtype), own)
    return Origin(of, recipe.schedule, recipe.learning_rate or optimizer.learning_rate)
