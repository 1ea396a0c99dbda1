"""Engines: the same answers, computed in different places. ``protocol`` is what they have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from chainrule.arguments import instance
from chainrule.engines.protocol import Engine, State
from chainrule.errors import warn_caller
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sample_weights import require_some
from chainrule.sources import Examples

__all__ = ["Engine", "Examples", "SlowerEngine", "State", "limited_threads", "make_engine", "without_effect"]


def without_effect(engine: Engine, examples: Examples, which: str = "row") -> Examples:
    """The examples, those of weight 0 replaced by the first that counts; the same where every one counts.

    The share of such a row in the cost is 0 times its loss, which is NaN where the loss is not finite: what it holds
    must not reach the cost. RequestError: none counts; ``which`` is what the message calls them.
    """
    weight = engine.to_numpy(examples.weight)
    require_some(weight, which)
    none = weight == 0.0
    if not none.any():
        return examples
    stand_in = np.where(none, none.argmin(), np.arange(len(weight)))
    X, Y = (engine.to_numpy(V)[stand_in] for V in (examples.X, examples.Y))
    codes = None if examples.codes is None else engine.to_numpy(examples.codes)[stand_in]
    return engine.examples(X, Y, weight, codes)


class SlowerEngine(UserWarning):
    """The reference engine does what the compiled one cannot do."""


def make_engine(
    network: Network, recipe: Recipe, functions: Functions | None = None, threads: int | None = None
) -> Engine:
    """The fastest engine that can do it: compiled code, or the reference engine, with a warning that says why.

    threads   most threads to use; None for as many as this process may have and the work is worth

    RequestError: something else than a Network and a Recipe.
    """
    instance("network", network, Network, "a Network, such as Network((4, 8, 3))")
    instance("recipe", recipe, Recipe, "a Recipe, such as Recipe(epochs=100)")
    if functions is not None:
        instance("functions", functions, Mapping, "a dict of custom functions by name")
    from chainrule.engines.fused import Fused, UnsuitableProcessor, Untraceable
    from chainrule.engines.reference import Reference

    try:
        return Fused(network, recipe, functions, threads)
    except (Untraceable, UnsuitableProcessor) as reason:
        warn_caller(f"not compiled, so training is slower: {reason}", SlowerEngine)
        return Reference(network, recipe, functions)


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Inside, the libraries that compute use at most so many threads; None leaves them as they are."""
    if threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads):
        yield
