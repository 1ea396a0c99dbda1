"""Initial parameters (*Building blocks*): W[l] drawn at random, b[l] zero, in the document's dict."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.network import Network
from chainrule.notes.array_checks import Floats
from chainrule.notes.switches import switchable

ParameterDict = dict[str, Floats]  # "W1", "b1", ..., "WL", "bL"

__all__ = ["INITIALIZATIONS", "generator", "initialize_parameters", "initialize_parameters_deep"]

# What the course writes after randn(n[l], n[l-1]), and the row that it is
INITIALIZATIONS = {"normal*0.01": "normal(scale=0.01)", "1/sqrt(n)": "lecun_normal", "he": "he_normal"}


@switchable
def initialize_parameters(
    n_x: int, n_h: int, n_y: int, *, initialization: str = "normal*0.01", rng: Any = None
) -> ParameterDict:
    """Parameters of a network with one hidden layer: W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1).

    W = randn * 0.01, b = 0; see ``initialize_parameters_deep``, of which this is the case L = 2.

    >>> np.random.seed(1)
    >>> initialize_parameters(3, 2, 1)["W2"].round(8).tolist()
    [[0.01744812, -0.00761207]]
    """
    return _drawn((n_x, n_h, n_y), initialization, rng)


@switchable
def initialize_parameters_deep(
    layer_dims: Sequence[int], *, initialization: str = "normal*0.01", rng: Any = None
) -> ParameterDict:
    """Parameters of an L-layer network, L = len(layer_dims) - 1: W[l] (n[l], n[l-1]) drawn, b[l] (n[l], 1) zero.

    W[l] = randn(n[l], n[l-1]) * 0.01 for l = 1..L. The document says that L does not count the input layer and loops
    over range(1, L): with that L the last layer would be missing. Its 0.01 makes deep networks hard to train; the
    course's other choices are ``initialization="1/sqrt(n)"``, randn / sqrt(n[l-1]), and ``"he"``,
    randn * sqrt(2 / n[l-1]).

    Draws come from the global ``np.random`` as printed, or from ``rng``: anything with ``standard_normal``, or a seed.
    RequestError: fewer than two layers, sizes below 1, an initialisation that is not known.

    >>> np.random.seed(3)
    >>> parameters = initialize_parameters_deep([5, 4, 3])
    >>> parameters["W1"][0, :3].round(8).tolist(), parameters["b2"].shape
    ([0.01788628, 0.0043651, 0.00096497], (3, 1))
    """
    return _drawn(layer_dims, initialization, rng)


def _drawn(layer_dims: Sequence[int], initialization: str, rng: Any) -> ParameterDict:
    if initialization not in INITIALIZATIONS:
        raise RequestError(f"initialization is one of {', '.join(INITIALIZATIONS)}; not {initialization!r}.")
    n = Network(tuple(layer_dims)).n
    scale = INITIALIZERS.make(INITIALIZATIONS[initialization]).scale
    source = generator(rng)
    parameters: ParameterDict = {}
    for l in range(1, len(n)):
        parameters[f"W{l}"] = source.standard_normal((n[l], n[l - 1])) * scale(n[l - 1], n[l])
        parameters[f"b{l}"] = np.zeros((n[l], 1))
    return parameters


def generator(rng: Any) -> Any:
    """What draws: the global ``np.random`` where ``rng`` is None, a new generator from a seed, or ``rng`` itself.

    >>> generator(np.int64(3)).standard_normal() == generator(3).standard_normal()
    True
    """
    if rng is None:
        return np.random
    return np.random.default_rng(rng) if isinstance(rng, (int, np.integer)) else rng
