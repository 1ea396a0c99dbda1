"""Formulas of the tables as pieces, read token by token.

    v := beta v + (1 - beta) dtheta     names and numbers side by side are a product; + - / ^ ( ) and name(...) as usual
    T[:, 0] = E[:, 0] + mean(E[:, 1:])  name[...] is an entry or a part of an array

What cannot be read so, such as a sentence, is written as it stands.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from chainrule.explain.pieces import (
    FORMS,
    MINUS,
    NEGATIVE,
    PLUS,
    SIDE_BY_SIDE,
    Piece,
    bracketed,
    joined,
    number,
    sym,
    word,
    words,
)

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(\w+\[[^]]*\])|([A-Za-z_]\w*)(\()?|([-+/^(),]))")
_COMMA = Piece(", ", ", ", "<mo>,</mo>")
_SURROUNDED = {  # functions that are no name before brackets: text, LaTeX, MathML
    "sqrt": ("sqrt({})", "\\sqrt{{{}}}", "<msqrt>{}</msqrt>"),
    "floor": ("floor({})", "\\lfloor {} \\rfloor", "<mrow><mo>⌊</mo>{}<mo>⌋</mo></mrow>"),
}


def expression(text: str, names: Mapping[str, Piece]) -> Piece:
    r"""The formula; a name stands for its piece in ``names``, or for itself.

    >>> expression("alpha T[:, k]^2", {"alpha": sym("alpha")}).latex
    '\\alpha   T_{:, k}^{2}'
    """
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
            digits, entry, name, opened, sign = found.groups()
            kind = "number" if digits else "entry" if entry else ("call" if opened else "name") if name else sign
            self.tokens.append((kind, digits or entry or name or sign))
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
        negative = self.next("-")
        total = self.product()
        if negative:
            total = _Part(_attached(NEGATIVE, total.piece))
        while sign := self.next("+", "-"):
            total = _Part(joined(total.piece, PLUS if sign == "+" else MINUS, self.product().piece))
        return total

    def product(self) -> _Part:
        product = self.power()
        while self.tokens and self.tokens[0][0] in ("/", "number", "entry", "name", "call", "("):
            if self.next("/"):
                product = _quotient(product, self.power())
            else:
                product = _Part(joined(product.piece, SIDE_BY_SIDE, self.power().piece))
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
        if entry := self.next("entry"):
            name, inside = entry[:-1].split("[")
            of = self.names.get(name) or _named(name)
            subscript = f"<msub>{of.mathml}<mtext>{inside}</mtext></msub>"
            return _Part(Piece(entry, f"{of.latex}_{{{inside}}}", subscript))
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
        inner = _attached(*arguments)
        if name in _SURROUNDED:
            text, latex, mathml = _SURROUNDED[name]
            return Piece(text.format(inner.text), latex.format(inner.latex), mathml.format(inner.mathml))
        return joined(word(name), bracketed(inner))

    def _close(self) -> None:
        if not self.next(")"):
            raise _NotAnExpression


def _attached(*pieces: Piece) -> Piece:
    """One after the other, without spaces."""
    return Piece(*("".join(getattr(piece, form) for piece in pieces) for form in FORMS))


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
