"""Parts of an equation, each written in three forms: text, LaTeX and MathML."""

import re
from dataclasses import dataclass
from html import escape

FORMS = ("text", "latex", "mathml")
GREEK = {"Theta": "Θ", "theta": "θ", "delta": "δ", "Delta": "Δ", "alpha": "α", "beta": "β", "lambda": "λ"}


@dataclass(frozen=True)
class Piece:
    """A part of an equation in three forms; ``mathml`` without the <math> around it."""

    text: str
    latex: str
    mathml: str


def sym(letter: str, l: int | None = None, round_brackets: bool = False, d: bool = False, T: bool = False) -> Piece:
    """A letter with its layer, dV where ``d``, transposed where ``T``."""
    greek = letter in GREEK
    base = GREEK.get(letter, letter)
    text, latex = ("d" * d) + letter, ("d" * d) + (f"\\{letter}" if greek else letter)
    mathml = f"<mrow><mi>d</mi><mi>{base}</mi></mrow>" if d else f"<mi>{base}</mi>"  # two letters in one are upright
    if l is not None:
        left, right = "()" if round_brackets else "[]"
        above = f"<mrow><mo>{left}</mo><mn>{l}</mn><mo>{right}</mo>{'<mi>T</mi>' if T else ''}</mrow>"
        return Piece(
            f"{text}{left}{l}{right}{'.T' * T}",
            f"{latex}^{{{left}{l}{right}{' T' * T}}}",
            f"<msup>{mathml}{above}</msup>",
        )
    if T:
        return Piece(f"{text}.T", f"{latex}^{{T}}", f"<msup>{mathml}<mi>T</mi></msup>")
    return Piece(text, latex, mathml)


def op(text: str, latex: str | None = None, mathml: str | None = None) -> Piece:
    """An operator, with its spaces."""
    return Piece(f" {text} ", f" {latex or text} ", f"<mo>{escape(mathml or text)}</mo>")


def word(text: str) -> Piece:
    """A name, such as that of a function."""
    return Piece(text, f"\\mathrm{{{text.replace('_', chr(92) + '_')}}}", f"<mi>{escape(text)}</mi>")


def joined(*pieces: Piece) -> Piece:
    """One after the other; a product where nothing stands between."""
    texts: list[str] = []
    for p in pieces:
        apart = texts and not texts[-1].endswith((" ", "(", "'")) and not p.text.startswith((" ", ")", "'", "("))
        texts.append(" " + p.text if apart else p.text)
    return Piece("".join(texts), " ".join(p.latex for p in pieces), "".join(p.mathml for p in pieces))


def bracketed(*pieces: Piece) -> Piece:
    """In round brackets."""
    inner = joined(*pieces)
    return Piece(f"({inner.text})", f"({inner.latex})", f"<mrow><mo>(</mo>{inner.mathml}<mo>)</mo></mrow>")


def over(above: Piece, below: Piece) -> Piece:
    """A fraction."""
    return Piece(
        f"({above.text}/{below.text})",
        f"\\frac{{{above.latex}}}{{{below.latex}}}",
        f"<mfrac><mrow>{above.mathml}</mrow><mrow>{below.mathml}</mrow></mfrac>",
    )


def sum_over(index: str, of: Piece) -> Piece:
    """A sum over an index."""
    return Piece(
        f"sum_{index} {of.text}",
        f"\\sum_{{{index}}} {of.latex}",
        f"<munder><mo>∑</mo><mi>{index}</mi></munder>{of.mathml}",
    )


EQUALS, PLUS, MINUS, BECOMES = op("="), op("+"), op("-", mathml="−"), op(":=", ":=", "≔")
NEGATIVE = Piece("-", "-", MINUS.mathml)
SIDE_BY_SIDE = Piece(" ", " ", "<mspace width='0.15em'></mspace>")
NO_BREAK_SPACE = "\u00a0"
TIMES = op("*", "\\odot", "⊙")  # element by element
M = sym("m")
ONE = Piece("1", "1", "<mn>1</mn>")


def applied(name: str, *argument: Piece, prime: bool = False) -> Piece:
    """g(z), or g'(z)."""
    g = word(name)
    if prime:
        g = Piece(f"{g.text}'", f"{g.latex}'", f"<msup>{g.mathml}<mo>′</mo></msup>")
    return joined(g, bracketed(*argument))


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
    return Piece(text, f"\\text{{{escaped}}}", f"<mtext>{_kept(text)}</mtext>")


def _kept(text: str) -> str:
    """As MathML shows it: spaces at the ends would be dropped."""
    inner = text.strip(" ")
    before, after = (NO_BREAK_SPACE * len(part) for part in text.split(inner, 1)) if inner else ("", "")
    return f"{before}{inner.replace('&', '&amp;').replace('<', '&lt;')}{after}"
