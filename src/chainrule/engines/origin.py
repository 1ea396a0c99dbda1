"""What the moments of a state are of: under another optimiser, or for another network, they mean something else.

Two optimisers may keep as many vectors of the same length, as ``rmsprop`` and ``momentum`` do: one holds squares of
gradients, the other a velocity. Going on with those of the other walks uphill without a word.
"""

from typing import Any

from chainrule.engines.protocol import Engine, MomentsOf, Origin, State
from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS, Optimizer
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe


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
        # a row of the user's own may be made of one of ours, and have none of its numbers
        corrected = [f"{label}={numbers[label]!r}" for label in optimizer.corrected_by if label in numbers]
        rule += f"({', '.join(corrected)})" if corrected else ""
    if recipe.averaging is not None:
        rule += ", averaged"
    own: tuple[tuple[str, object], ...] = ()
    if functions:
        rows = {name, LOSSES.name(network.loss), *map(ACTIVATIONS.name, activation)}
        own = tuple((row, functions[row]) for row in sorted(functions.keys() & rows))
    inputs = (network.inputs,) if network.inputs else ()
    of = MomentsOf(rule, (network.n, activation, network.loss, network.dtype, *inputs), own)
    return Origin(of, recipe.schedule, recipe.learning_rate or optimizer.learning_rate)


def require_origin(state: State, engine: Engine) -> None:
    """RequestError where the moments of a state are of another optimiser or network than the engine's."""
    if state.origin is engine.origin or state.origin is None:
        return
    then, now = state.origin.moments, engine.origin.moments
    if then != now:
        what = "optimizer" if then.optimizer != now.optimizer else "network"
        before, here = (getattr(of, what) for of in (then, now))
        said = f"{before}, and this engine's is {here}" if before != here else "other functions of the same names"
        raise RequestError(
            f"the moments of this state belong to another {what}: {said}. Start them from zero with "
            "engine.start(state.theta)._replace(step=state.step, samples=state.samples)."
        )


def carried_on(engine: Engine, theta: Any, state: State | None) -> State:
    """The state at ``theta`` from which the engine goes on where ``state`` stood.

    What fits the engine is kept. The moments, and with them ``updates`` and ``rate_scale``, begin afresh where they are
    of another optimiser or network; ``rate_scale`` alone where the schedule or the learning rate is another. The place
    in the run stays.
    """
    if state is None:
        return engine.start(theta)
    if not _moments_fit(state, engine):
        return engine.start(theta)._replace(step=state.step, samples=state.samples)
    made_for, now = state.origin, engine.origin
    if made_for is not None and made_for[1:] != now[1:]:
        state = state._replace(rate_scale=1.0)
    return state._replace(theta=theta, origin=now)


def _moments_fit(state: State, engine: Engine) -> bool:
    """Whether the moments are those that the engine's optimiser keeps; by number, shape and dtype where it is all."""
    if state.origin is not None:
        return state.origin is engine.origin or state.origin.moments == engine.origin.moments
    network = engine.network
    return len(state.moments) == len(engine.optimizer.state) and all(
        moment.shape == (network.size,) and str(moment.dtype).endswith(network.dtype) for moment in state.moments
    )
