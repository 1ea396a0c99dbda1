"""What the files that people read share: formulas as text, lines of a bearable length, words about the model."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.category_features import CategoryFeatures
from chainrule.data.encoding import Encoder
from chainrule.data.numeric_features import NumericFeatures
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.losses import LOSSES
from chainrule.inputs import Input
from chainrule.ir import Expression, walk
from chainrule.model import Model

WIDTH = 110  # of a line of constants
LONGEST = 80  # characters; a longer part of a formula is given a name

# How tightly an operator holds what stands beside it, the same in Python and in C.
_SUM, _PRODUCT, _MINUS, ATOM = 2, 3, 4, 5
INFIX = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), 1),
    "add": _SUM,
    "sub": _SUM,
    "mul": _PRODUCT,
    "div": _PRODUCT,
}
SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
}


class Language:
    """How a language writes what is no operator between two others."""

    def number(self, e: Expression) -> str:
        """A constant."""
        raise NotImplementedError

    def call(self, e: Expression, args: list[str]) -> str:
        """An operation as a call, or in brackets of its own."""
        raise NotImplementedError

    def symbol(self, e: Expression) -> str:
        """The name of what is handed in."""
        return e.value

    def use(self, name: str, e: Expression) -> str:
        """What has been given a name, where it is used."""
        return name

    def stands_alone(self, e: Expression) -> bool:
        """Whether an operation needs a line of its own."""
        return False


@dataclass(frozen=True)
class Line:
    """``name`` is ``text``, which is what ``e`` computes."""

    name: str
    e: Expression
    text: str


def formula(A: Expression, language: Language) -> tuple[list[Line], str]:
    """The text of an expression, and the lines before it: what is used twice, or would be too long, has a name."""
    uses = Counter(part for e in walk([A]) for part in e.args)
    lines: list[Line] = []
    written: dict[Expression, tuple[str, int]] = {}
    for e in walk([A]):
        text, strength = _text(e, [written[part] for part in e.args], language)
        shared = e is not A and (uses[e] > 1 or len(text) > LONGEST)
        if e.args and (shared or language.stands_alone(e)):
            lines.append(Line(f"t{len(lines) + 1}", e, text))
            text, strength = language.use(lines[-1].name, e), ATOM
        written[e] = (text, strength)
    return lines, written[A][0]


def _text(e: Expression, parts: list[tuple[str, int]], language: Language) -> tuple[str, int]:
    if e.op == "symbol":
        return language.use(language.symbol(e), e), ATOM
    if e.is_number:
        text = language.number(e)
        return text, _MINUS if text.startswith("-") else ATOM
    if e.op == "neg":
        return f"-{_held(parts[0], ATOM)}", _MINUS
    if e.op in INFIX:
        strength = INFIX[e.op]
        comparison = strength < _SUM  # which Python would chain
        left, right = _held(parts[0], strength + comparison), _held(parts[1], strength + 1)
        return f"{left} {SIGNS[e.op]} {right}", strength
    return language.call(e, [text for text, _ in parts]), ATOM


def _held(part: tuple[str, int], strength: int) -> str:
    text, own = part
    return text if own >= strength else f"({text})"


def rows_of(items: Iterable[str], room: int) -> Iterator[list[str]]:
    """The items in rows that are at most ``room`` long with two characters between them, where an item is no longer."""
    row: list[str] = []
    length = 0
    for item in items:
        if row and length + len(item) > room:
            yield row
            row, length = [], 0
        row.append(item)
        length += len(item) + 2
    yield row


def bracketed(items: Iterable[str], indent: str, brackets: str = "[]") -> str:
    """The items in brackets, on one line where that fits, which begins after ``indent``."""
    items = list(items)
    line = f"{brackets[0]}{', '.join(items)}{brackets[1]}"
    if len(indent) + len(line) <= WIDTH:
        return line
    rows = (f"{indent}    {', '.join(row)},\n" for row in rows_of(items, WIDTH - len(indent) - 4))
    return f"{brackets[0]}\n{''.join(rows)}{indent}{brackets[1]}"


def version() -> str:
    """Who writes the file."""
    from chainrule import __version__

    return f"chainrule {__version__}"


def network_line(model: Model) -> str:
    """The network in one line."""
    network = model.network
    inputs = "".join(f"{INPUTS.brief(i.layer)} of {_taken(i)}; " for i in network.input_layers)
    return inputs + network.brief(model.functions)


def _taken(layer: Input) -> str:
    k = len(layer.columns)
    return f"{k} column{'s' * (k > 1)}" if layer.takes_numbers else f"{layer.levels} levels"


def layer_name(model: Model, l: int) -> str:
    """The activation of a hidden layer, or the link of the loss."""
    network = model.network
    if l < network.L:
        return ACTIVATIONS.brief(network.activation[l - 1], model.functions)
    return f"the link of {LOSSES.brief(network.loss, model.functions)}"


def used(encoder: Encoder) -> list[NumericFeatures | CategoryFeatures]:
    """The columns that a table must have: those of X, then those of codes."""
    return [*encoder.parts, *encoder.lookups]


def example(part: NumericFeatures | CategoryFeatures) -> Any:
    """A cell such as the training rows had: a number, a boolean, a date as text, or a level."""
    if isinstance(part, CategoryFeatures):
        return (*part.levels, *part.pooled, "")[0]
    usual = part.scales[-1].usual  # of a date, that of the days
    if part.kind == "date":
        return str(np.datetime64(int(usual), "D"))
    return usual >= 0.5 if part.kind == "boolean" else float(f"{usual:.6g}")
