"""Small trained models over one table with every kind of column, gaps and all, for the tests of every exported file."""

from dataclasses import replace
from functools import cache

import numpy as np

from chainrule import Network, Recipe, train
from chainrule.engines.reference import Reference
from chainrule.formulas.activations import ACTIVATIONS, Activation
from chainrule.formulas.losses import LOSSES
from chainrule.model import Model
from tests.blocks import is_weight

ROWS = 90
NAMES = ["mass", "count", "tame", "seen", "island", "zone"]
# Names that end a string, a comment or a line wherever they are not escaped, and some that only look alike.
STRANGE = ['"""*/', "it's\n\\", "int", "INT", "??/", "größe %s {x}\u202e", "", "2nd"]


def _table():
    rng = np.random.default_rng(7)
    days = rng.integers(-9000, 20000, ROWS)
    moments = (days.astype("M8[D]").astype("M8[m]") + rng.integers(0, 1440, ROWS)).astype(str)
    columns = {
        "mass": [None if i % 9 == 4 else float(x) for i, x in enumerate(rng.normal(50.0, 20.0, ROWS))],
        "count": rng.integers(0, 40, ROWS).tolist(),
        "tame": [None if i % 11 == 3 else bool(x) for i, x in enumerate(rng.integers(0, 2, ROWS))],
        "seen": [None if i % 13 == 5 else text for i, text in enumerate(moments.tolist())],
        "island": [None if i % 17 == 6 else ["Biscoe", "Dream", "Torgersen"][i % 3] for i in range(ROWS)],
        "zone": ["rare one" if i == 8 else ["1", "2.5", "030", 'a"\\*/'][i % 4] for i in range(ROWS)],
    }
    score = np.array(columns["count"]) - 20.0 + 8.0 * (np.arange(ROWS) % 3)
    columns |= {
        "species": [["Gentoo", "Adelie", 'Chin"strap\\\n*/'][k] for k in np.digitize(score, [-4.0, 10.0])],
        "cured": ["no" if s < 0 else "yes" for s in score],
        "alive": [bool(s < 0) for s in score],
        "stars": [int(k) for k in np.digitize(score, [-8.0, 2.0, 14.0])],
        "price": (1e4 + 300.0 * score + rng.normal(size=ROWS)).tolist(),
        "visits": rng.poisson(np.exp(0.05 * score)).astype(float).tolist(),
    }
    return columns


TABLE = _table()
TARGETS = ["species", "cured", "alive", "stars", "price", "visits"]

# Rows that training did not have: gaps everywhere, unseen levels, dates before 1970, all far out.
UNSEEN = {
    "mass": [None, -1e9, 1e12, 0.0, 50.0],
    "count": [None, -1_000_000, 10**9, 0, 3],
    "tame": [None, True, False, None, True],
    "seen": [None, "1600-02-29 23:59:59.999", "9999-12-31", "1969-12-31T23:59", "2000-02-29"],
    "island": [None, "Atlantis", "biscoe", "Dream ", "Torgersen"],
    "zone": [None, "rare one", "never seen", "2.50", "030"],
}
BOTH = {name: [*TABLE[name], *UNSEEN[name]] for name in NAMES}

# What is trained, by name: the target, and the options that differ.
KINDS = {
    "classes": ("species", {}),
    "k_sigmoids": ("species", {"loss": "binary_cross_entropy"}),
    "binary": ("cured", {}),
    "two_softmax": ("cured", {"loss": "cross_entropy", "dtype": "float64", "activation": "tanh"}),
    "booleans": ("alive", {"activation": ("tanh", "relu")}),
    "integers": ("stars", {"hidden": ()}),
    "regression": ("price", {}),
    "regression64": ("price", {"dtype": "float64", "activation": "tanh"}),
    "poisson": ("visits", {"loss": "poisson", "task": "regression"}),
    "quantile": ("price", {"loss": "quantile(0.9)", "hidden": (3,)}),
}


@cache
def model(kind: str) -> Model:
    """A model of one of KINDS, trained for a moment on TABLE."""
    target, options = KINDS[kind]
    table = {name: TABLE[name] for name in (*NAMES, target)}
    usual = {"hidden": (6, 5), "epochs": 2, "seed": 3, "learning_rate": 0.03, "test_fraction": 0.0}
    return train(table, target, **(usual | options))


@cache
def with_gaps() -> Model:
    """A model of columns whose text and numbers spell that a value is missing."""
    table = {
        "mass": ["?" if i % 9 == 4 else "-9" if i % 7 == 3 else str(i % 13) for i in range(ROWS)],
        "tame": [-9 if i % 11 == 3 else i % 2 for i in range(ROWS)],
        "island": [" ?" if i % 8 == 6 else ["none", "NA", "Dream"][i % 3] for i in range(ROWS)],
        "score": [float(i % 10) for i in range(ROWS)],
    }
    return train(table, "score", hidden=(4,), epochs=2, seed=3, missing=["-9"], task="regression")


# Rows for it: numbers, texts.
GAPS = {
    "mass": [-9.0, None, 4.0, 0.0, 5.0, -9.0, 1.0],
    "tame": [-9.0, 0.0, 1.0, None, -9.0, 0.0, 1.0],
    "island": [" ?", "NA", "?", "none", "-9", "nan", ""],
}


def not_finite(kind: str) -> Model:
    """A model of KINDS one of whose weights is NaN, and another infinite."""
    base = model(kind)
    theta = base.theta.copy()
    theta[0], theta[-1] = np.nan, np.inf
    return replace(base, theta=theta)


def silent() -> Model:
    """K sigmoids that are all 0, which says nothing of the class."""
    base = model("k_sigmoids")
    theta = base.theta.copy()
    theta[-3:] = -1e5
    return replace(base, theta=theta)


@cache
def strange() -> Model:
    """A model whose columns have the names in STRANGE, with levels and classes of the same texts."""
    rng = np.random.default_rng(8)
    table = {name: rng.normal(size=60).tolist() for name in STRANGE[:-1]}
    table[STRANGE[-1]] = [STRANGE[i % 6] for i in range(60)]
    table['the "target"??/'] = [STRANGE[i % 3] for i in range(60)]
    return train(table, 'the "target"??/', hidden=(4,), epochs=1, test_fraction=0.0)


def strange_rows() -> dict[str, list]:
    """Rows for ``strange``."""
    rng = np.random.default_rng(9)
    numbers = {name: rng.normal(size=12).tolist() for name in strange().encoder.columns[:-1]}
    return numbers | {STRANGE[-1]: [*STRANGE[:6], "else", None, *STRANGE[:4]]}


def with_activation(activation: str, dtype: str = "float32", functions=None) -> Model:
    """A regression model with this activation in both hidden layers and weights large enough to bend."""
    return _with_network(model("regression"), functions, activation=activation, dtype=dtype)


def with_loss(loss: str, dtype: str = "float32", activation="relu", functions=None) -> Model:
    """A model with this loss, of the task it is for: three classes, or numbers."""
    task = LOSSES.make(loss, np).task
    base = model("k_sigmoids" if task == "classification" else "regression")
    return _with_network(base, functions, loss=loss, dtype=dtype, activation=activation)


def mine(xp):
    """An activation of a user's own, with conditions, booleans that count, a shared part, and brackets."""

    def g(Z):
        share = xp.exp(-abs(Z))
        counted = (Z > 0.25) * 0.5 + (Z <= -1.0)
        curved = xp.where((Z > 0.25) | (Z < -2.0), share / 3.0, xp.sign(Z) * xp.sqrt(abs(Z))) + share**3 * counted
        below = -xp.maximum(Z, -3.0) - xp.where(Z > 1.5, xp.ones_like(Z), 0.0)
        return curved - (share - (0.5 - xp.minimum(Z, 2.0)) / (1.0 + share)) - (-below)

    return Activation(g, lambda Z, A: xp.ones_like(Z), "mine", "a test")


def over_units(xp):
    """An activation in which the units of a layer belong together, which no engine but the reference runs."""

    def g(Z):
        share = xp.exp(Z - xp.max(Z, axis=0, keepdims=True))
        first_is_one = [xp.ones_like(Z[:1, :]), *(Z[k : k + 1, :] for k in range(1, Z.shape[0]))]
        steps = xp.floor(Z) * xp.minimum(Z[1:2, :], 0.5)
        return share / xp.sum(share, axis=0, keepdims=True) + steps + xp.concat(first_is_one, axis=0)

    return Activation(g, lambda Z, A: xp.ones_like(Z), "over units", "a test")


def quarter(xp):
    """An activation that does not ask for Z."""
    return Activation(lambda Z: 0.25 * xp.ones_like(Z), lambda Z, A: 0.0 * Z, "1/4", "a test")


OWN = {"mine": mine, "over_units": over_units, "quarter": quarter}


def _with_network(base: Model, functions=None, **changes) -> Model:
    """The model with another network of the same sizes and weights of its own, which the reference engine answers."""
    network = replace(base.network, **changes)
    theta = 2.0 * network.initial(5, functions)
    theta += np.where(is_weight(network), 0.0, 0.3).astype(network.dtype)
    made = replace(base, network=network, theta=theta, functions=functions or {})
    vars(made)["engine"] = Reference(network, Recipe(), functions)  # it defines what is right, and compiles nothing
    return made


ALL_ACTIVATIONS = (*ACTIVATIONS, "leaky_relu(0.2)", "elu(alpha=0.5)")
ALL_LOSSES = (*LOSSES, "huber(delta=0.5)", "tweedie(power=1.2)")


# Operations by themselves, and values at which they differ from what is written first.
OPERATIONS = {
    "arithmetic": lambda xp, Z: (Z + 2.0) * (1.0 - Z) / (Z + 3.25) - -Z / abs(Z),
    "functions": lambda xp, Z: xp.exp(Z) + xp.expm1(-Z) * xp.tanh(Z),
    "logarithms": lambda xp, Z: xp.log(Z) + xp.log1p(Z) * xp.sqrt(Z),
    "whole": lambda xp, Z: xp.floor(Z) + 10.0 * xp.rint(Z) + 100.0 * xp.sign(Z),
    "larger": lambda xp, Z: xp.maximum(Z, 0.5 * Z) + xp.maximum(1.0, Z),
    "smaller": lambda xp, Z: xp.minimum(Z, 0.7) - xp.minimum(0.25, 2.0 * Z),
    "order": lambda xp, Z: (Z < 1.0) * 1.0 + (Z <= 1.0) * 2.0 + (Z > 1.0) * 4.0 + (Z >= 1.0) * 8.0,
    "equality": lambda xp, Z: (Z == 1.5) * 1.0 + (Z != 1.5) * 2.0,
    "logic": lambda xp, Z: (((Z > 0.0) & (Z < 2.0)) | ~(Z < 3.0)) * 1.0 + ((Z > 0.0) + (Z < 2.0)) * Z,
    "choice": lambda xp, Z: xp.where(Z > 0.3, Z * Z, -1.0) + xp.where(Z < 0.0, xp.ones_like(Z), 0.0),
    "choice of truths": lambda xp, Z: xp.where(xp.where(Z > 0.0, Z < 1.0, Z < -1.0), Z, 0.5),
    "limits": lambda xp, Z: xp.clip(Z, -1.5, 2.0) + 0.1 * xp.clip(Z, None, 1.0),
    "powers": lambda xp, Z: Z**3 - Z**-2 + Z**0.5,
    "sums": lambda xp, Z: Z / xp.sum(abs(Z), axis=0, keepdims=True) + xp.max(Z, axis=0, keepdims=True),
    "outputs": lambda xp, Z: Z - xp.exp(-abs(Z[2:3, :])) * xp.maximum(Z, 1.0)[1:2, :],
}
SPECIAL = np.array(
    [
        [np.nan, np.inf, -np.inf, 0.0, 3.0],
        [-0.0, 0.5, 1.5, 2.5, 0.3],
        [-0.5, -1.5, -1.0, 1.0, -2.5],
        [-2.0, 3.7, -3.7, 1e-30, 2.0],
        [90.0, 0.25, -90.0, 1e15, -1e-7],
        [0.7, 1.0, 1e-3, -0.3, 100.0],
    ]
)


def with_operations(dtype: str) -> Model:
    """A model whose hidden layers, of six units each, are OPERATIONS in their order."""

    def row(operation):
        return lambda xp: Activation(lambda Z: operation(xp, Z), lambda Z, A: xp.ones_like(Z), "operation", "a test")

    functions = {f"operation_{i}": row(operation) for i, operation in enumerate(OPERATIONS.values())}
    base = model("regression")
    n = (base.network.n[0], *(6 for _ in functions), 1)
    network = Network(n, tuple(functions), base.network.loss, dtype=dtype)
    return replace(base, network=network, theta=np.zeros(network.size, dtype), functions=functions)


def operated(name: str, dtype: str) -> np.ndarray:
    """What NumPy makes of SPECIAL."""
    with np.errstate(all="ignore"):
        return OPERATIONS[name](np, SPECIAL.astype(dtype))
