"""Optimisers that drive themselves over the whole cost, such as L-BFGS: theirs are iterations, not steps."""

import contextlib
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from chainrule.engines import Engine, State
from chainrule.errors import RequestError
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sources import Examples


class _Enough(Exception):
    """Ends a search that is not ours from inside its callback."""


def require_whole_cost(network: Network, recipe: Recipe) -> None:
    """RequestError for what an optimiser that minimises the whole cost by itself cannot have."""
    usual = Recipe()
    unused = ("learning_rate", "schedule", "batch_size", "clip_norm")
    given = [name for name in unused if getattr(recipe, name) != getattr(usual, name)]
    if given:
        raise RequestError(
            f"{recipe.optimizer} uses all rows at once and finds its own step lengths: it does not use "
            f"{', '.join(given)}. Leave that out, or choose another optimizer, such as adam."
        )
    dropout = network.dropout
    if any(dropout if isinstance(dropout, tuple) else (dropout,)):
        raise RequestError(
            f"{recipe.optimizer} needs a cost that stays the same, and dropout changes it in every step. "
            "Set dropout to 0, or choose another optimizer, such as adam."
        )


def minimize(engine: Engine, training: Examples, state: State, is_over: Callable[[State, float], bool]) -> str:
    """Iterations from ``state`` on, until ``is_over(state, J)`` after one of them: why they ended by themselves.

    Where J or dtheta is not finite the state says that it diverged, and ``is_over`` is to raise.
    """
    recipe, search = engine.recipe, engine.optimizer.minimize
    assert search is not None

    def at(theta: Any) -> Any:
        return engine.start(theta.astype(engine.network.dtype)).theta

    def cost_and_gradient(theta: Any) -> tuple[float, Any]:
        J, dtheta = engine.gradient(at(theta), training)
        return J, np.asarray(engine.to_numpy(dtheta), np.float64)

    def on_iteration(theta: Any, J: float) -> None:
        nonlocal state
        done = state.step + 1
        state = state._replace(theta=at(theta), step=done, updates=done, diverged=not isfinite(J))
        if is_over(state, J):
            raise _Enough

    theta = np.asarray(engine.to_numpy(state.theta), np.float64)
    with np.errstate(all="ignore"), contextlib.suppress(_Enough):  # what overflows shows in J
        J, dtheta = cost_and_gradient(theta)
        if not (isfinite(J) and np.isfinite(dtheta).all()):
            is_over(state._replace(diverged=True), J)
        found = search(cost_and_gradient, theta, recipe.epochs, recipe.tol, on_iteration)
        return f"{'converged' if found.converged else 'not converged'}: {found.why}"
    return ""
