"""The operations of a computation graph (*Deep learning basics*), each with its local derivatives beside it.

    u = b c         du/db = c            du/dc = b
    a = sigmoid(z)  da/dz = a (1 - a)

To add an operation, write one row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import require_between_0_and_1

__all__ = ["OPERATIONS", "Operation"]


@dataclass(frozen=True)
class Operation:
    """What a node does with its inputs v_1, v_2, ...

    f(*v)                      the value
    local(value, *v)           d value / d v_i, one for each input
    formula(*names)            f as text
    local_text(name, *names)   the local derivatives as text, ``name`` being the node itself
    takes                      how many inputs, as text
    fits(count)                whether it takes that many

    >>> OPERATIONS["*"].f(2.0, 3.0), OPERATIONS["*"].local(6.0, 2.0, 3.0)
    (6.0, (3.0, 2.0))
    """

    f: Callable[..., float]
    local: Callable[..., Sequence[float]]
    formula: Callable[..., str]
    local_text: Callable[..., Sequence[str]]
    takes: str
    fits: Callable[[int], bool]


OPERATIONS: dict[str, Operation] = {}


def _row(sign: str, takes: int, formula: str, *local_text: str) -> Callable[..., None]:
    """Enter f and local under ``sign``. In the texts {u} and {v} are the inputs and {a} is the node itself."""

    def enter(f: Callable[..., float], local: Callable[..., Sequence[float]]) -> None:
        def written(*names: str) -> str:
            return formula.format(**dict(zip("uv", names, strict=False)))

        def written_local(name: str, *names: str) -> list[str]:
            return [text.format(a=name, **dict(zip("uv", names, strict=False))) for text in local_text]

        OPERATIONS[sign] = Operation(f, local, written, written_local, str(takes), lambda count: count == takes)

    return enter


OPERATIONS["+"] = Operation(
    f=lambda *v: sum(v),
    local=lambda value, *v: [1.0] * len(v),
    formula=lambda *names: " + ".join(names),
    local_text=lambda name, *names: ["1"] * len(names),
    takes="2 or more",
    fits=lambda count: count >= 2,
)
_row("-", 2, "{u} - {v}", "1", "-1")(lambda u, v: u - v, lambda d, u, v: (1.0, -1.0))
_row("*", 2, "{u} {v}", "{v}", "{u}")(lambda u, v: u * v, lambda p, u, v: (v, u))
_row("/", 2, "{u}/{v}", "(1/{v})", "(-{u}/{v}^2)")(np.divide, lambda q, u, v: (1.0 / v, -u / (v * v)))
_row("exp", 1, "exp({u})", "{a}")(np.exp, lambda a, u: (a,))
_row("log", 1, "log({u})", "(1/{u})")(np.log, lambda a, u: (1.0 / u,))

for _name, _formula, _slope in (
    ("sigmoid", "\N{GREEK SMALL LETTER SIGMA}({u})", "{a} (1 - {a})"),
    ("tanh", "tanh({u})", "(1 - {a}^2)"),
    ("relu", "max(0, {u})", "({u} > 0)"),
):
    _g = ACTIVATIONS[_name](np)
    _row(_name, 1, _formula, _slope)(_g.g, lambda a, z, slope=_g.slope: (slope(z, a),))


def _cross_entropy(a: float, y: float) -> float:
    require_between_0_and_1(y=y)
    return -(y * np.log(a) + (1.0 - y) * np.log(1.0 - a))


# L(a, y) as the document draws it, one box
_row(
    "cross_entropy",
    2,
    "-({v} log {u} + (1 - {v}) log(1 - {u}))",
    "(-{v}/{u} + (1 - {v})/(1 - {u}))",
    "log((1 - {u})/{u})",
)(
    _cross_entropy,
    lambda L, a, y: (-y / a + (1.0 - y) / (1.0 - a), np.log((1.0 - a) / a)),
)


def _partners(v: Sequence[float]) -> list[float]:
    """Of w_1, x_1, w_2, x_2, ..., b the factor that each stands beside: x_1, w_1, x_2, w_2, ..., 1."""
    return [partner for w, x in zip(v[:-1:2], v[1::2], strict=True) for partner in (x, w)] + [1.0]


# z = w^T x + b, one box too
OPERATIONS["w^T x + b"] = Operation(
    f=lambda *v: sum(w * x for w, x in zip(v[:-1:2], v[1::2], strict=True)) + v[-1],
    local=lambda z, *v: _partners(v),
    formula=lambda *v: " + ".join([*(f"{w} {x}" for w, x in zip(v[:-1:2], v[1::2], strict=True)), v[-1]]),
    local_text=lambda z, *v: [n for w, x in zip(v[:-1:2], v[1::2], strict=True) for n in (x, w)] + ["1"],
    takes="an odd number (w_1, x_1, w_2, x_2, ..., b)",
    fits=lambda count: count >= 3 and count % 2 == 1,
)
