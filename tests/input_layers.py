"""Networks with input layers for tests of whatever uses one: every row of INPUTS alone, and mixtures of them.

``network(name)``, ``drawn(network)`` and ``expected_A_0`` are for all that takes numbers and codes; ``model(name)`` is
a Model on ``table()``, for what takes a table. Parameters are drawn at random and never the initial ones: a scale of 1
would prove nothing. ``without_input_layers(monkeypatch)`` leaves the layers out of every pass: a test of something
that computes is seen to fail with it.
"""

from dataclasses import replace
from math import cos, pi
from typing import NamedTuple

import numpy as np

from chainrule import Network, train
from chainrule.data import Encoder, infer_schema, read_table
from chainrule.formulas.input_layers import INPUTS
from chainrule.inputs import Input, InputLayers

NUMBERS = ("a", "b", "c", "d", "e")

# Of each row of INPUTS: a spec for its tests.
SPECS = {"scale": "scale", "cosine": "cosine(3, 0.5)", "lookup": "lookup(2)"}
assert set(SPECS) == set(INPUTS), "give a new input layer its spec here"

IS_FOR_NUMBERS = {name: INPUTS.make(spec, np).takes == "numbers" for name, spec in SPECS.items()}

# By name: the layers, and how many columns of numbers there are. Some columns come out of order, or are handed on.
CASES: dict[str, tuple[tuple[Input, ...], int]] = {}
for _name, _spec in SPECS.items():
    if IS_FOR_NUMBERS[_name]:
        CASES[_name] = ((Input(_spec, (0, 1, 2)),), 3)
        CASES[f"{_name}, columns handed on"] = ((Input(_spec, (3, 1)),), 4)
    else:
        CASES[_name] = ((Input(_spec, (0,), levels=4),), 0)
        CASES[f"{_name}, numbers beside it"] = ((Input(_spec, (1,), levels=3), Input(_spec, (0,), levels=5)), 2)
CASES["all together"] = (
    tuple(
        Input(spec, (3 - k,)) if IS_FOR_NUMBERS[name] else Input(spec, (0,), levels=4)
        for k, (name, spec) in enumerate(SPECS.items())
    ),
    5,
)

NUMBERS_ALONE = tuple(name for name, (inputs, _) in CASES.items() if all(layer.takes_numbers for layer in inputs))


class Drawn(NamedTuple):
    """theta, and rows: X (m, numbers), codes (m, columns of codes) or None, Y (m, n[L])."""

    theta: np.ndarray
    X: np.ndarray
    codes: np.ndarray | None
    Y: np.ndarray


def network(name, hidden=(4,), outputs=2, activation="tanh", loss="half_squared_error", dtype="float64", **more):
    """A network with the input layers of a case."""
    inputs, numbers = CASES[name]
    made = sum(layer.width for layer in inputs)
    handed_on = numbers - sum(len(layer.columns) for layer in inputs if layer.takes_numbers)
    return Network((made + handed_on, *hidden, outputs), activation, loss, inputs=inputs, dtype=dtype, **more)


def drawn(network, m=7, seed=0):
    """Parameters and rows, all at random; targets are classes where the loss is one of classes."""
    rng = np.random.default_rng(seed)
    K = network.n[-1]
    Y = np.eye(K)[rng.integers(K, size=m)] if "cross_entropy" in network.loss and K > 1 else rng.uniform(0, 1, (m, K))
    levels = network.columns.levels
    codes = np.stack([rng.integers(0, size, m) for size in levels], axis=1) if levels else None
    theta = rng.normal(size=network.size).astype(network.dtype)
    return Drawn(theta, rng.normal(size=(m, network.columns.numbers)), codes, Y)


def expected_A_0(network, theta, X, codes):
    """A[0] (n[0], m) by the equations of the layers, number by number."""
    of = network.layout.views(np.asarray(theta, np.float64), np)
    rows, taken = [], set()
    for i, layer in enumerate(network.inputs):
        p = {name.split(".")[1]: V for name, V in of.items() if name.startswith(f"inputs[{i}].")}
        rows += _BY_HAND[INPUTS.name(layer.layer)](p, X, codes, layer.columns)
        taken |= {*layer.columns} if layer.takes_numbers else set()
    rows += [X[:, j] for j in range(X.shape[1]) if j not in taken]
    return np.array(rows)


def _scale(p, X, _, columns):
    return [[p["s"][0, k, 0] * x for x in X[:, j]] for k, j in enumerate(columns)]


def _cosine(p, X, _, columns):
    own = [[p["alpha_x"][0, k, 0] * x + p["beta_x"][0, k, 0] for x in X[:, j]] for k, j in enumerate(columns)]
    waves = []
    for u in range(p["w"].shape[0]):
        for k, j in enumerate(columns):
            w, b, alpha, beta = (p[name][u, k, 0] for name in ("w", "b", "alpha", "beta"))
            waves.append([alpha * cos(2 * pi * (w * x + b)) + beta for x in X[:, j]])
    return own + waves


def _lookup(p, _, codes, columns):
    others = p["E"][:, 1:]
    vector = {0: p["E"][:, 0] + others.mean(axis=1)} | {k: p["E"][:, k] for k in range(1, p["E"].shape[1])}
    return list(np.array([vector[int(c)] for c in codes[:, columns[0]]]).T)


_BY_HAND = {"scale": _scale, "cosine": _cosine, "lookup": _lookup}


def table(m=24, seed=0):
    """Five columns of numbers, three of categories, g4 with four levels and so on, and the target "y", a class."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=m).round(3).tolist() for name in NUMBERS}
    columns |= {f"g{k}": rng.permutation([f"{chr(112 + i % k)}" for i in range(m)]).tolist() for k in (4, 3, 2)}
    return columns | {"y": [("u", "v", "w")[i % 3] for i in range(m)]}


def model(name, hidden=(4,), seed=0, **options):
    """A Model on ``table()`` with the input layers of a case, its parameters drawn at random."""
    inputs, numbers = CASES[name]
    of = network(name, hidden, outputs=3, loss="cross_entropy", dtype="float32")
    used = [*NUMBERS[:numbers], *(f"g{levels - 1}" for levels in of.columns.levels), "y"]
    columns = {name: values for name, values in table().items() if name in used}
    made = train(columns, "y", hidden=hidden, epochs=1, test_fraction=0.0, activation="tanh", **options)
    of = replace(made.network, n=of.n, inputs=inputs)
    rows = read_table(columns)
    encoder = Encoder.fit(rows, infer_schema(rows, keep_out=["y"]), range(rows.num_rows), look_up_from=1)
    assert encoder.levels == of.columns.levels
    return replace(made, network=of, encoder=encoder, theta=drawn(of, seed=seed).theta)


def without_input_layers(monkeypatch):
    """Every pass takes the first n[0] numbers of a row for A[0], or 0 where there are fewer."""

    def forward(self, views, X, codes):
        n_0 = X.shape[0] + sum(layer.width - len(layer.columns) * layer.takes_numbers for layer in self.inputs)
        return np.concatenate([X, np.zeros((n_0, X.shape[1]))])[:n_0]

    monkeypatch.setattr(InputLayers, "forward", forward)
