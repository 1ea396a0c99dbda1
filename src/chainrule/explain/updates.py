"""How theta was moved, in writing: the learning rate, clipping and the optimiser's own formula, with its numbers.

The formulas are those of the tables of optimisers and schedules, read token by token:

    v := beta v + (1 - beta) dtheta     names and numbers side by side are a product; + - / ^ ( ) and name(...) as usual

A statement that cannot be read so, such as a sentence, is written as it stands.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from chainrule.explain.pieces import BECOMES, EQUALS, MINUS, PLUS, Piece, bracketed, joined, sym, word
from chainrule.formulas import averaging
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_]\w*)(\()?|([-+/^(),]))")
_SIDE_BY_SIDE = Piece(" ", " ", "")
_COMMA = Piece(", ", ", ", "<mo>,</mo>")
_NORM = Piece("||dtheta||", "\\lVert d\\theta \\rVert", "<mrow><mo>‖</mo><mi>d</mi><mi>θ</mi><mo>‖</mo></mrow>")
_SURROUNDED = {  # functions that are no name before brackets: text, LaTeX, MathML
    "sqrt": ("sqrt({})", "\\sqrt{{{}}}", "<msqrt>{}</msqrt>"),
    "floor": ("floor({})", "\\lfloor {} \\rfloor", "<mrow><mo>⌊</mo>{}<mo>⌋</mo></mrow>"),
}
ALPHA, THETA, DTHETA = sym("alpha"), sym("theta"), sym("theta", d=True)

Line = tuple[Piece, str]  # an equation, and what stands beside it


def update_lines(network: Network, recipe: Recipe, functions: Functions | None, theta_notation: bool) -> list[Line]:
    """One line for the rate, for clipping and for each statement of the optimiser; gradient descent has none itself.

    Its two statements are written by layer, as the notes have them. For averaging see ``averaging_lines``.
    """
    optimizer = OPTIMIZERS.make(recipe.optimizer, np, functions=functions)
    gradients = "all D(l)" if theta_notation else "all dW[l] and db[l]"
    moved = f"{'all Theta(l)' if theta_notation else 'all W[l] and b[l]'}, ({network.size},)"
    if optimizer.whole_blocks:
        moved = "the weights of each layer by themselves, and the biases"
    sizes = {
        "theta": f"theta: {moved}",
        "w": "w: the weights, without the biases",
        **dict.fromkeys(optimizer.state, "0 at first"),
    }
    lines: list[Line] = []
    if optimizer.minimize is None:
        lines.append(_rate(recipe, recipe.learning_rate or optimizer.learning_rate, functions))
        if recipe.clip_norm is not None:
            lines.append((_clipping(recipe.clip_norm), f"dtheta: {gradients}, ({network.size},)"))
    if optimizer.plain:
        return lines
    numbers = {name: number(value) for name, value in OPTIMIZERS.numbers(recipe.optimizer, functions).items()}
    names = numbers | {"rate": ALPHA, "theta": THETA, "dtheta": DTHETA}
    for statement in filter(None, (part.strip() for part in optimizer.formula.split(";"))):
        name = re.match(r"\w*", statement)
        lines.append((_statement(statement, names), sizes.get(name[0] if name else "", "")))
    return lines


def averaging_lines(recipe: Recipe) -> list[Line]:
    """The line of the mean that is what the network is in the end; none where theta is that."""
    if recipe.averaging is None:
        return []
    names = {"theta": THETA, "averaging": number(recipe.averaging)}
    return [(_statement(averaging.FORMULA, names), "mean: what is kept; at first theta after the first step")]


def number(value: float) -> Piece:
    """A number with all of its digits.

    >>> number(1e-8).latex
    '10^{-8}'
    """
    text = str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return Piece(text, text, f"<mn>{text}</mn>")
    first, ten = ("", "10") if mantissa == "1" else (f"{mantissa} \\cdot ", "10")
    power = f"<msup><mn>10</mn><mn>{int(exponent)}</mn></msup>"
    times = "" if mantissa == "1" else f"<mn>{mantissa}</mn><mo>·</mo>"
    return Piece(text, f"{first}{ten}^{{{int(exponent)}}}", f"<mrow>{times}{power}</mrow>")


def words(text: str) -> Piece:
    """A sentence."""
    escaped = re.sub(r"([&%$#_{}])", r"\\\1", text)
    return Piece(text, f"\\text{{{escaped}}}", f"<mtext>{text.replace('&', '&amp;').replace('<', '&lt;')}</mtext>")


def _rate(recipe: Recipe, rate: float, functions: Functions | None) -> Line:
    schedule = recipe.make_schedule(functions)
    if schedule.formula == "1":
        return joined(ALPHA, EQUALS, number(rate)), ""
    numbers = {name: number(value) for name, value in SCHEDULES.numbers(recipe.schedule, functions).items()}
    by_step = bracketed(expression(schedule.formula, numbers))
    return joined(ALPHA, EQUALS, number(rate), _SIDE_BY_SIDE, by_step), "at each step"


def _clipping(largest: float) -> Piece:
    return _statement(
        "dtheta := dtheta min(1, largest / length)", {"dtheta": DTHETA, "largest": number(largest), "length": _NORM}
    )


def _statement(statement: str, names: Mapping[str, Piece]) -> Piece:
    left, becomes, right = statement.partition(":=")
    if not becomes:
        return words(re.sub(r"`(\w+)`", lambda m: names[m[1]].text if m[1] in names else m[1], statement))
    return joined(expression(left, names), BECOMES, expression(right, names))


def expression(text: str, names: Mapping[str, Piece]) -> Piece:
    """The text of a formula, with what its names stand for; as words where it is no expression."""
    reader = _Reader(text, names)
    try:
        part = reader.sum()
    except _NotAnExpression:
        return words(text.strip())
    return part.piece if reader.at_end else words(text.strip())


class _NotAnExpression(Exception):
    """The text is something else."""


class _Part(NamedTuple):
    """A part of an expression; ``inner`` is what stands in its brackets, where it is in brackets."""

    piece: Piece
    inner: Piece | None = None

    @property
    def bare(self) -> Piece:
        return self.inner or self.piece


class _Reader:
    """Reads an expression from left to right: sums of products of powers."""

    def __init__(self, text: str, names: Mapping[str, Piece]) -> None:
        self.names = names
        self.tokens: list[tuple[str, str]] = []  # what it is, and how it is written
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                self.tokens.append(("strange", text[place:]))
                break
            digits, name, opened, sign = found.groups()
            kind = "number" if digits else ("call" if opened else "name") if name else sign
            self.tokens.append((kind, digits or name or sign))
            place = found.end()

    @property
    def at_end(self) -> bool:
        return not self.tokens

    def next(self, *kinds: str) -> str | None:
        """How the next token is written, which is then read, if it is of these kinds."""
        if not self.tokens or self.tokens[0][0] not in kinds:
            return None
        return self.tokens.pop(0)[1]

    def sum(self) -> _Part:
        total = self.product()
        while sign := self.next("+", "-"):
            total = _Part(joined(total.piece, PLUS if sign == "+" else MINUS, self.product().piece))
        return total

    def product(self) -> _Part:
        product = self.power()
        while self.tokens and self.tokens[0][0] in ("/", "number", "name", "call", "("):
            if self.next("/"):
                product = _quotient(product, self.power())
            else:
                product = _Part(joined(product.piece, _SIDE_BY_SIDE, self.power().piece))
        return product

    def power(self) -> _Part:
        base = self.single()
        if not self.next("^"):
            return base
        exponent = self.power()
        return _Part(
            Piece(
                f"{base.piece.text}^{exponent.piece.text}",
                f"{base.piece.latex}^{{{exponent.bare.latex}}}",
                f"<msup><mrow>{base.piece.mathml}</mrow><mrow>{exponent.bare.mathml}</mrow></msup>",
            )
        )

    def single(self) -> _Part:
        if text := self.next("number"):
            return _Part(number(float(text)))
        if name := self.next("name"):
            return _Part(self.names.get(name) or _named(name))
        if self.next("("):
            inner = self.sum().piece
            self._close()
            return _Part(bracketed(inner), inner)
        if name := self.next("call"):
            return _Part(self.call(name))
        raise _NotAnExpression

    def call(self, name: str) -> Piece:
        arguments = [self.sum().piece]
        while self.next(","):
            arguments += [_COMMA, self.sum().piece]
        self._close()
        inner = Piece(*("".join(getattr(a, form) for a in arguments) for form in ("text", "latex", "mathml")))
        if name in _SURROUNDED:
            text, latex, mathml = _SURROUNDED[name]
            return Piece(text.format(inner.text), latex.format(inner.latex), mathml.format(inner.mathml))
        return joined(word(name), bracketed(inner))

    def _close(self) -> None:
        if not self.next(")"):
            raise _NotAnExpression


def _named(name: str) -> Piece:
    if name == "pi":
        return Piece("pi", "\\pi", "<mi>π</mi>")
    return sym(name) if len(name) == 1 else word(name)


def _quotient(above: _Part, below: _Part) -> _Part:
    return _Part(
        Piece(
            f"{above.piece.text} / {below.piece.text}",
            f"\\frac{{{above.bare.latex}}}{{{below.bare.latex}}}",
            f"<mfrac><mrow>{above.bare.mathml}</mrow><mrow>{below.bare.mathml}</mrow></mfrac>",
        )
    )
