"""The inputs on which ``check`` compares: drawn once and for all, of every shape that tells a mistake from the truth.

One example, one unit, square and other layers, negative and large Z. The first case is the one that tells most: its
n[l], n[l-1] and m all differ. Later ones are square, where a lost transpose is no error of shapes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.formulas import draws
from chainrule.notes.array_checks import Floats
from chainrule.notes.basics.shallow_network import shallow_forward
from chainrule.notes.building_blocks.blocks_forward import L_model_forward
from chainrule.notes.building_blocks.initialization import INITIALIZATIONS

__all__: list[str] = []

SEED = 20_317
LAYERS = ((3, 4, 5), (4, 4, 6), (3, 3, 3), (1, 3, 4), (3, 2, 1), (1, 1, 1))  # n[l], n[l-1], m
NETWORKS = (((4, 3, 2, 1), 5), ((3, 3, 3, 1), 4), ((2, 1), 6), ((3, 4, 1), 1), ((1, 1, 1), 3))  # n[0..L], m


@dataclass(frozen=True)
class Case:
    """Arguments by name, in the order in which they are handed over; options go to functions that take them."""

    name: str
    given: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)


def drawn(n: int, m: int, *place: int) -> Floats:
    """Normal numbers, (n, m), a hundredth or more away from 0: there relu has no slope to agree on."""
    values = draws.normal(n * m, SEED, draws.Stream.INITIALIZE, *place).reshape(n, m)
    return np.where(np.abs(values) < 0.01, 0.5, values)


def targets(m: int, *place: int) -> Floats:
    """Zeros and ones in a row, both where there are two examples or more; the first is 1."""
    Y = (drawn(1, m, *place) > 0.0).astype(float)
    Y[0, 0] = 1.0
    Y[0, 1:2] = 0.0
    return Y


def _layer(i: int) -> tuple[str, Floats, Floats, Floats, Floats]:
    n, n_prev, m = LAYERS[i]
    A_prev, W, b, over_Z = drawn(n_prev, m, i, 1), drawn(n, n_prev, i, 2), drawn(n, 1, i, 3), drawn(n, m, i, 4)
    return f"{_count(n, 'unit')} from {n_prev}, {_count(m, 'example')}", A_prev, W, b, over_Z


def _linear_forward() -> list[Case]:
    return [Case(name, {"A": A, "W": W, "b": b}) for name, A, W, b, _ in map(_layer, range(len(LAYERS)))]


def _with_activation(make: Callable[[Floats, Floats, Floats, Floats, str], dict[str, Any]]) -> list[Case]:
    return [
        Case(f"{name}, {activation}", make(A_prev, W, b, over_Z, activation))
        for name, A_prev, W, b, over_Z in map(_layer, range(len(LAYERS)))
        for activation in ("relu", "sigmoid")
    ]


def _layer_cache(A_prev: Floats, W: Floats, b: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    return (A_prev, W, b), W @ A_prev + b


def _activation() -> list[Case]:
    cases = [Case(name, {"Z": Z}) for name, _, _, _, Z in map(_layer, range(len(LAYERS)))]
    return [*cases, Case("Z from -1000 to 1000", {"Z": np.array([[-1000.0, -30.0, 2.0], [30.0, 800.0, 1000.0]])})]


def _activation_backward() -> list[Case]:
    cases = [Case(c.name, {"dA": drawn(*c.given["Z"].shape, 20 + i), "cache": c.given["Z"]})
             for i, c in enumerate(_activation())]  # fmt: skip
    return [*cases, Case("every Z below 0", {"dA": drawn(2, 3, 30), "cache": -np.abs(drawn(2, 3, 31))})]


def _linear_backward() -> list[Case]:
    return [Case(name, {"dZ": dZ, "cache": (A, W, b)}) for name, A, W, b, dZ in map(_layer, range(len(LAYERS)))]


def network(i: int) -> tuple[str, dict[str, Floats], Floats, Floats]:
    """What it is, parameters with biases that are not 0, X and Y."""
    n, m = NETWORKS[i]
    parameters: dict[str, Floats] = {}
    for l in range(1, len(n)):
        parameters |= {f"W{l}": drawn(n[l], n[l - 1], i, 5, l), f"b{l}": drawn(n[l], 1, i, 6, l)}
    name = f"network {'-'.join(map(str, n))}, {_count(m, 'example')}"
    return name, parameters, drawn(n[0], m, i, 7), targets(m, i, 8)


def _networks() -> list[tuple[str, dict[str, Floats], Floats, Floats]]:
    return [network(i) for i in range(len(NETWORKS))]


def _model_backward() -> list[Case]:
    cases: list[Case] = []
    for name, parameters, X, Y in _networks():
        AL, caches = L_model_forward(X, parameters)
        cases.append(Case(name, {"AL": AL, "Y": Y, "caches": caches}))
    return cases


def _cost() -> list[Case]:
    cases = [
        Case(_count(m, "example"), {"AL": 1.0 / (1.0 + np.exp(-drawn(1, m, m, 9))), "Y": targets(m, m, 10)})
        for m in (5, 8, 1)
    ]
    sure = {"AL": np.array([[1.0, 0.0, 0.25, 0.75]]), "Y": np.array([[1.0, 0.0, 0.0, 1.0]])}
    one = {"AL": np.array([[0.75]]), "Y": np.array([[0.0]])}
    return [*cases, Case("1 example, y = 0", one), Case("predictions of exactly 1 and 0 that are right", sure)]


def _update() -> list[Case]:
    return [
        Case(name, {"parameters": parameters, "grads": _grads(parameters, i), "learning_rate": 0.3})
        for i, (name, parameters, _, _) in enumerate(_networks())
    ]


def _grads(parameters: dict[str, Floats], i: int) -> dict[str, Floats]:
    grads = {f"d{name}": drawn(*V.shape, i, 11, k) for k, (name, V) in enumerate(parameters.items())}
    return grads | {"dA0": np.ones((1, 1))}  # L_model_backward gives these too


def _regression() -> list[Case]:
    return [
        Case(f"{_count(n, 'feature')}, {_count(m, 'example')}",
             {"w": drawn(n, 1, i, 12), "b": 0.4 + i, "X": drawn(n, m, i, 13), "Y": targets(m, i, 14)})
        for i, (n, m) in enumerate(((3, 5), (4, 4), (2, 1), (1, 6), (1, 1)))
    ]  # fmt: skip


def _without_Y(case: Case) -> Case:
    return Case(case.name, {name: value for name, value in case.given.items() if name != "Y"})


def _regression_dZ() -> list[Case]:
    return [Case(c.name, {"A": 1.0 / (1.0 + np.exp(-drawn(*c.given["Y"].shape, i, 15))), "Y": c.given["Y"]})
            for i, c in enumerate(_regression())]  # fmt: skip


def _regression_update() -> list[Case]:
    return [
        Case(c.name, {"w": c.given["w"], "b": c.given["b"], "dw": drawn(*c.given["w"].shape, i, 16), "db": -0.7,
                      "alpha": 0.2})
        for i, c in enumerate(_regression())
    ]  # fmt: skip


def _shallow() -> list[Case]:
    made = [made for made in _networks() if len(made[1]) == 4]
    n, m = (4, 3, 1), 5  # n_0, n_1 and m all differ
    parameters = {"W1": drawn(3, 4, 40), "b1": drawn(3, 1, 41), "W2": drawn(1, 3, 42), "b2": drawn(1, 1, 43)}
    first = (f"network {'-'.join(map(str, n))}, {m} examples", parameters, drawn(4, m, 44), targets(m, 45))
    return [
        Case(name, {"parameters": p, "forward": shallow_forward(X, p), "X": X, "Y": Y})
        for name, p, X, Y in (first, *made)
    ]


def _starts() -> list[Case]:
    return [Case("3 inputs, 5 hidden units, 2 outputs", {"n_x": 3, "n_h": 5, "n_y": 2}),
            Case("20 inputs, 30 hidden units, 1 output", {"n_x": 20, "n_h": 30, "n_y": 1})]  # fmt: skip


def _deep_starts() -> list[Case]:
    cases = [Case(f"layer_dims {list(n)}", {"layer_dims": list(n)}) for n in ((5, 4, 3), (60, 40, 30, 20, 1), (30, 1))]
    return cases + [
        Case(f"layer_dims [400, 30, 1], {name}", {"layer_dims": [400, 30, 1]}, {"initialization": name})
        for name in INITIALIZATIONS
    ]


def _numerical() -> list[Case]:
    costs: list[tuple[str, Callable[[Floats], float], Floats]] = [
        ("v_1^2 + 3 v_2", lambda v: float(v[0] ** 2 + 3.0 * v[1]), np.array([2.0, 5.0])),
        ("sum of sin v_k", lambda v: float(np.sum(np.sin(v))), drawn(1, 6, 50)[0]),
        ("exp(v_1 v_2) + v_3^3", lambda v: float(np.exp(v[0] * v[1]) + v[2] ** 3), drawn(1, 3, 51)[0]),
    ]
    return [Case(name, {"J": J, "vector": vector}) for name, J, vector in costs]


INPUTS: dict[str, Callable[[], list[Case]]] = {
    "sigmoid": _activation,
    "relu": _activation,
    "linear_forward": _linear_forward,
    "linear_activation_forward": lambda: _with_activation(
        lambda A, W, b, _, activation: {"A_prev": A, "W": W, "b": b, "activation": activation}
    ),
    "L_model_forward": lambda: [Case(name, {"X": X, "parameters": p}) for name, p, X, _ in _networks()],
    "compute_cost": _cost,
    "relu_backward": _activation_backward,
    "sigmoid_backward": _activation_backward,
    "linear_backward": _linear_backward,
    "linear_activation_backward": lambda: _with_activation(
        lambda A, W, b, dA, activation: {"dA": dA, "cache": _layer_cache(A, W, b), "activation": activation}
    ),
    "L_model_backward": _model_backward,
    "update_parameters": _update,
    "initialize_parameters": _starts,
    "initialize_parameters_deep": _deep_starts,
    "logistic_score": lambda: [_without_Y(case) for case in _regression()],
    "logistic_forward": lambda: [_without_Y(case) for case in _regression()],
    "logistic_dZ": _regression_dZ,
    "logistic_double_loop": _regression,
    "logistic_one_loop": _regression,
    "logistic_vectorized": _regression,
    "logistic_update": _regression_update,
    "shallow_backward": _shallow,
    "numerical_gradient": _numerical,
}


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
