"""Small problems with known answers: networks, examples that a loss is defined for, and difference quotients."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.engines import Examples
from chainrule.engines.reference import Reference
from chainrule.formulas import draws, equations
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.table import Table
from chainrule.inputs import Input
from chainrule.network import Network, Parameters
from chainrule.recipe import Recipe

STEP = 1e-4  # of the difference quotient: its error is about STEP^4 from the formula and 1e-16 / STEP from rounding
MARGIN = 5e-3  # how far a problem keeps from every kink; a step of one parameter moves Z by a few STEP


def spec(table: Table[Any], name: str, number: float = 0.3) -> str:
    """A spec of the row, with ``number`` for a number that has no default."""
    parameters = inspect.signature(table[name]).parameters.values()
    needed = [p.name for p in parameters if p.name != "xp" and p.default is p.empty and p.kind != p.VAR_POSITIONAL]
    return name + (f"({', '.join(f'{label}={number}' for label in needed)})" if needed else "")


def specs(table: Table[Any], *with_numbers: str) -> list[str]:
    """Every row of a table, and some of them with numbers of their own."""
    return [*(spec(table, name) for name in table), *with_numbers]


ALL_ACTIVATIONS = specs(ACTIVATIONS, "leaky_relu(0.2)", "elu(0.5)")
ALL_LOSSES = specs(
    LOSSES, "binary_cross_entropy(0.1)", "cross_entropy(0.1)", "huber(0.4)", "quantile(0.8)", "tweedie(1.2)"
)
ALL_PENALTIES = specs(PENALTIES)
ALL_INPUTS = [spec(INPUTS, name, 3) for name in INPUTS]


def before(layer: str, network: Network, handed_on: int = 1) -> Network:
    """The network behind an input layer: three columns of numbers or one of codes, and others that are handed on."""
    takes = INPUTS.make(layer, np).takes
    one = Input(layer, (2, 0, 1)) if takes == "numbers" else Input(layer, (0,), levels=4)
    return replace(network, n=(one.width + handed_on, *network.n[1:]), inputs=(one,))


def codes_for(network: Network, m: int, rng: np.random.Generator) -> np.ndarray | None:
    """Random codes, (m, columns of codes)."""
    levels = network.columns.levels
    return np.stack([rng.integers(0, K, m) for K in levels], axis=1) if levels else None


def targets(loss: str, K: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Targets (m, K) that the loss is defined for, its closed ends among them."""
    row = LOSSES.make(loss, np)
    if not row.elementwise:
        Y = rng.dirichlet(np.ones(K), m)
        Y[::2] = np.eye(K)[rng.integers(0, K, len(Y[::2]))]
        return Y
    low, high = max(row.lowest, -2.0), min(row.highest, 3.0)
    Y = rng.uniform(low, high, (m, K))
    for end in (row.lowest, row.highest):
        if np.isfinite(end) and end not in row.excluded:
            Y[rng.random((m, K)) < 0.25] = end
    return Y


def engine_for(network: Network, xp: Any = np, functions: Any = None, **recipe: Any) -> Reference:
    return Reference(network, Recipe(**recipe), functions, xp)


def problem(
    engine: Reference, m: int = 5, weight: np.ndarray | None = None, step: int | None = None, seed: int = 0
) -> tuple[np.ndarray, Examples]:
    """theta and examples at which J of the engine is smooth: redrawn until every kink is farther than MARGIN."""
    network = engine.network
    for attempt in range(200):
        rng = np.random.default_rng([seed, attempt])
        theta = 0.6 * rng.normal(size=network.size)
        X = rng.normal(size=(m, network.columns.numbers))
        Y = targets(network.loss, network.n[-1], m, rng)
        examples = engine.examples(X, Y, weight, codes_for(network, m, rng))
        if clearance(engine, theta, examples, step) > MARGIN:
            return theta, examples
    raise AssertionError(f"no draw keeps {network} away from its kinks")


def clearance(engine: Reference, theta: np.ndarray, examples: Examples, step: int | None) -> float:
    """The distance of the nearest pre-activation, residual or weight to a kink."""
    network, formulas = engine.network, engine.propagation.formulas
    p = Parameters(network, theta)
    g = list(formulas.g)
    for l, chance in enumerate(network.dropout, start=1):
        if step is not None and chance > 0:
            kept = draws.kept(chance, network.n[l], examples.m, engine.recipe.seed, step, l)
            g[l], _ = equations.dropped(g[l], formulas.slope[l], kept / (1 - chance))
    codes = None if examples.codes is None else examples.codes.T
    A_0 = engine.propagation.inputs.forward(p.views, examples.X.T, codes)
    Z, _ = equations.forward(p.W, p.b, g, A_0)
    rows = [ACTIVATIONS.make(a, np, functions=engine._functions) for a in network.activation]
    gaps = [np.abs(Z[l] - kink) for l, row in enumerate(rows, start=1) for kink in row.kinks]
    if formulas.loss.kink:
        gaps.append(np.abs(Z[-1] - examples.Y.T))
    if any(penalty.kink for penalty in formulas.penalties):
        gaps.append(np.abs(theta))
    return min((float(gap.min()) for gap in gaps), default=np.inf)


def difference_quotient(f: Callable[[np.ndarray], float], theta: np.ndarray) -> np.ndarray:
    """df/dtheta by central differences of fourth order: (8 (f(+h) - f(-h)) - (f(+2h) - f(-2h))) / 12h."""
    n = np.zeros(len(theta))
    for k in range(len(theta)):
        h = np.zeros(len(theta))
        h[k] = STEP
        n[k] = (8.0 * (f(theta + h) - f(theta - h)) - (f(theta + 2 * h) - f(theta - 2 * h))) / (12.0 * STEP)
    return n


def distance(a: Any, b: Any) -> float:
    """|a - b| / (|a| + |b|), Euclidean; 0 where both are zero."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    both = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / both) if both > 0 else 0.0


def gradient_error(engine: Reference, theta: np.ndarray, examples: Examples, step: int | None = None) -> float:
    """How far dtheta is from the difference quotient of the J that is reported with it."""
    _, dtheta = engine.gradient(theta, examples, step)
    return distance(dtheta, difference_quotient(lambda t: engine.gradient(t, examples, step)[0], theta))


def small(**changes: Any) -> Network:
    """A network with one hidden layer, in float64."""
    return replace(Network((3, 4, 1), "tanh", dtype="float64"), **changes)
