"""The equations of a network, with its own layers and sizes, as text, LaTeX and MathML, in two notations.

    notation    "W,b"      layers 0..L, W[l] and b[l] apart, dV = dJ/dV             (Deep learning course notes)
                "theta"    layers 1..L+1, Theta^(l) with the biases in front, delta (Machine learning course notes)
    examples    "columns"  one column an example        "rows"  one row an example

Each equation is a list of ``pieces``; a piece knows how it is written in each form. ``updates`` has those of the step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from reprlib import repr as short
from typing import Any

import numpy as np

from chainrule.arguments import instance, is_integer, one_of
from chainrule.errors import RequestError
from chainrule.explain import written_inputs
from chainrule.explain.formula_reader import expression
from chainrule.explain.pieces import (
    BECOMES,
    EQUALS,
    FORMS,
    MINUS,
    ONE,
    PLUS,
    TIMES,
    M,
    Piece,
    applied,
    bracketed,
    joined,
    number,
    over,
    sum_over,
    sym,
    word,
    words,
)
from chainrule.explain.subject import names_of_columns, network_of
from chainrule.explain.updates import Line, averaging_lines, update_lines
from chainrule.explain.written_inputs import Names
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.links import Link, link
from chainrule.formulas.losses import LOSSES, Loss
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.table import Functions
from chainrule.network import Network

NOTATIONS = ("W,b", "theta")
EXAMPLES = ("columns", "rows")


@dataclass(frozen=True)
class Equation:
    """One equation in three forms, and the shapes of what stands in it."""

    text: str
    latex: str
    mathml: str
    sizes: str


def equation(
    network: Network,
    name: str,
    l: int = 0,
    notation: str = "W,b",
    examples: str = "columns",
    functions: Functions | None = None,
    columns: Names = ((), ()),
) -> Equation:
    """The equation of a station: J (of no layer), or Z, A, dZ, dA, dW, db, update of layer l; D where it has dropout.

    Where there are input layers, also A, dA, dinputs and update of layer 0, a line for each statement; ``columns`` are
    the names of the columns of numbers, and of those of codes.

    The update is that of plain gradient descent. RequestError: a notation, an order of examples or a station that does
    not exist.
    """
    instance("network", network, Network, "a Network")
    one_of("notation", notation, NOTATIONS)
    one_of("examples", examples, EXAMPLES)
    letters = _Letters(network, notation, examples, functions, columns)
    station = (name, l) if isinstance(name, str) and is_integer(l) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    if station not in stations(network):
        raise RequestError(
            f"there is no equation {short(name)} of layer {short(l)} in a network of {network.L} layers."
        )
    lines = _lines(letters, name, l)
    if len(lines) == 1:
        return _equation(*lines[0])
    return _equation(_below_each_other(lines), lines[-1][1] if name == "A" else "those of the parameters")


def _equation(piece: Piece, sizes: str) -> Equation:
    said = piece.text
    display = f'<math display="block" xmlns="http://www.w3.org/1998/Math/MathML" aria-label="{escape(said, True)}">'
    return Equation(said, piece.latex.replace("  ", " "), f"{display}<mrow>{piece.mathml}</mrow></math>", sizes)


def _below_each_other(lines: Sequence[Line]) -> Piece:
    """Equations as lines of one."""
    pieces = [piece for piece, _ in lines]
    latex = " \\\\ ".join(f"& {piece.latex}" for piece in pieces)
    table = "".join(f"<mtr><mtd>{piece.mathml}</mtd></mtr>" for piece in pieces)
    return Piece(
        "\n".join(piece.text for piece in pieces),
        f"\\begin{{aligned}} {latex} \\end{{aligned}}",
        f'<mtable columnalign="left">{table}</mtable>',
    )


def stations(network: Network) -> list[tuple[str, int]]:
    """All of one step of training, in order."""
    L = network.L
    dropped = {l for l, p in enumerate(network.dropout, start=1) if p > 0.0}  # pyright: ignore[reportArgumentType]
    forward = [(name, l) for l in range(1, L + 1) for name in ("Z", *(["D"] if l in dropped else []), "A")]
    backward = [(name, l) for l in range(L, 0, -1) for name in (*(["dA"] if l < L else []), "dZ", "dW", "db")]
    updates = [("update", l) for l in range(1, L + 1)]
    if not network.inputs:
        return [*forward, ("J", 0), *backward, *updates]
    return [("A", 0), *forward, ("J", 0), *backward, ("dA", 0), ("dinputs", 0), *updates, ("update", 0)]


def equations(model: Any, notation: str = "W,b", examples: str = "columns", form: str = "text") -> str:
    """All equations of a training step of a Model, a fitted estimator or a Network, with their sizes.

    As text, or as lines of LaTeX or MathML. The update is the one that the model was trained with: its optimiser with
    its numbers, the learning rate and its schedule, clipping, dropout. A Network alone has no optimiser; its update is
    that of gradient descent. RequestError: a notation, an order of examples or a form that does not exist.

    >>> print(equations(Network((2, 3, 1), "tanh", "binary_cross_entropy")).splitlines()[0])
    Z[1] = W[1] A[0] + b[1]                                     (3, m) = (3, 2) (2, m) + (3, 1)
    >>> from chainrule import train
    >>> table = {"dose": [1.0, 2.0, 3.0, 4.0] * 10, "cured": ["no", "no", "yes", "yes"] * 10}
    >>> model = train(table, "cured", hidden=(3,), epochs=5, optimizer="momentum", learning_rate=0.05)
    >>> for line in equations(model).splitlines()[-3:]:
    ...     print(line)
    alpha = 0.05
    v := 0.9 v - alpha dtheta                                   0 at first
    theta := theta + v                                          theta: all W[l] and b[l], (10,)
    """
    one_of("form", form, FORMS)
    network = network_of(model)
    functions = getattr(model, "functions", getattr(model, "functions_", None))
    recipe = getattr(model, "recipe", getattr(model, "recipe_", None))
    one_of("notation", notation, NOTATIONS)
    one_of("examples", examples, EXAMPLES)
    letters = _Letters(network, notation, examples, functions, names_of_columns(model))
    walk = [(name, line) for name, l in stations(network) for line in _lines(letters, name, l)]
    lines = [line for name, line in walk if name != "update"]
    if recipe is not None:
        lines += update_lines(network, recipe, functions, notation == "theta")
    if recipe is None or recipe.make_optimizer(np, functions).plain:
        lines += [line for name, line in walk if name == "update"]
    if recipe is not None:
        lines += averaging_lines(recipe)
    made = [_equation(*line) for line in lines]
    if form == "text":
        return "\n".join(f"{e.text:<58}  {e.sizes}".rstrip() for e in made)
    if form == "latex":
        lines = " \\\\\n".join(_aligned(e.latex) for e in made)
        return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"
    return "\n".join(e.mathml for e in made)


def _aligned(latex: str) -> str:
    """A line of LaTeX with a mark where it is aligned."""
    if latex.startswith("\\text"):  # words, which may have any sign
        return f"& {latex}"
    return latex.replace(" = ", " &= ", 1).replace(" := ", " &:= ", 1)


class _Letters:
    """The letters of a notation, and what follows from it."""

    def __init__(
        self, network: Network, notation: str, examples: str, functions: Functions | None, columns: Names
    ) -> None:
        self.network = network
        self.columns = columns
        self.functions = functions
        self.loss = LOSSES.make(network.loss, np, functions=functions)
        self.link = link(self.loss.link, np, functions)
        self.n, self.L = network.n, network.L
        self.theta = notation == "theta"
        self.rows = examples == "rows"

    def V(self, letter: str, l: int, d: bool = False, T: bool = False) -> Piece:
        """Z, A or dZ of layer l; the theta notation counts layers from 1, and says delta for m dZ."""
        if not self.theta:
            return sym(letter, l, d=d, T=T)
        return sym("delta" if d and letter == "Z" else letter, l + 1, True, T=T)

    def P(self, letter: str, l: int, d: bool = False, T: bool = False) -> Piece:
        """W, b, Theta of layer l."""
        return sym(letter, l, self.theta, d=d, T=T)

    def drops(self, l: int) -> bool:
        """Whether layer l has dropout."""
        return l < self.L and self.network.dropout[l - 1] > 0.0  # pyright: ignore[reportIndexIssue]

    def D(self, l: int) -> Piece:
        """The mask of dropout of layer l; the theta notation has another D."""
        return sym("R", l + 1, True) if self.theta else sym("D", l)

    def with_ones(self, l: int, T: bool = False) -> Piece:
        """A of layer l with the unit that is always 1, as the theta notation has it."""
        A = self.V("A", l)
        inner = Piece(
            f"[1, {A.text}]",
            f"[\\mathbf{{1}}, {A.latex}]",
            f"<mrow><mo>[</mo><mn>1</mn><mo>,</mo>{A.mathml}<mo>]</mo></mrow>",
        )
        if not self.rows:
            inner = Piece(
                inner.text.replace(", ", "; "),
                inner.latex.replace("}, ", "}; "),
                inner.mathml.replace("<mo>,</mo>", "<mo>;</mo>"),
            )
        if not T:
            return inner
        return Piece(f"{inner.text}.T", f"{inner.latex}^{{T}}", f"<msup>{inner.mathml}<mi>T</mi></msup>")

    def shape(self, l: int, one: bool = False) -> str:
        """Of a quantity of the units of layer l."""
        units = self.n[l] + one
        return f"(m, {units})" if self.rows else f"({units}, m)"

    def penalties(self, l: int) -> tuple[list[Piece], str]:
        """What the penalties add to the gradient of the weights of layer l."""
        W = self.P("Theta" if self.theta else "W", l)
        pieces = []
        for spec in self.network.penalties:
            formula = PENALTIES.make(spec, np, functions=self.functions).slope_formula
            numbers = {name: number(value) for name, value in PENALTIES.numbers(spec, self.functions).items()}
            names = numbers | {"w": W, "S": M}
            factors = [[expression(part, names) for part in factor.split("/")] for factor in formula.split()]
            pieces += [PLUS, *(over(*parts) if len(parts) > 1 else parts[0] for parts in factors)]
            if not formula:
                pieces.append(applied(PENALTIES.name(spec), W, prime=True))
        return pieces, " (not for the biases)" if pieces and self.theta else ""


def _Z(s: _Letters, l: int) -> tuple[Piece, str]:
    left, k, j = s.V("Z", l), s.n[l - 1], s.n[l]
    if s.theta:
        Theta = s.P("Theta", l, T=s.rows)
        right = joined(s.with_ones(l - 1), Theta) if s.rows else joined(Theta, s.with_ones(l - 1))
        theirs = f"({k + 1}, {j})" if s.rows else f"({j}, {k + 1})"
        order = (s.shape(l - 1, True), theirs) if s.rows else (theirs, s.shape(l - 1, True))
        return joined(left, EQUALS, right), f"{s.shape(l)} = {order[0]} {order[1]}"
    W, A, b = s.P("W", l, T=s.rows), s.V("A", l - 1), s.P("b", l, T=s.rows)
    if s.rows:
        return joined(left, EQUALS, A, W, PLUS, b), f"{s.shape(l)} = {s.shape(l - 1)} ({k}, {j}) + (1, {j})"
    return joined(left, EQUALS, W, A, PLUS, b), f"{s.shape(l)} = ({j}, {k}) {s.shape(l - 1)} + ({j}, 1)"


def _D(s: _Letters, l: int) -> tuple[Piece, str]:
    """Inverted dropout: a mask, drawn anew in each step, by which A keeps its expected value."""
    p = number(float(s.network.dropout[l - 1]))  # pyright: ignore[reportIndexIssue]
    kept = over(ONE, bracketed(ONE, MINUS, p))
    entry = joined(s.D(l), EQUALS, Piece("0", "0", "<mn>0</mn>"), words(" with chance "), p, words(", else "), kept)
    return entry, f"{s.shape(l)}, each entry for itself; none in prediction"


def _A(s: _Letters, l: int) -> tuple[Piece, str]:
    g = s.loss.link if l == s.L else s.network.activation[l - 1]
    z = ""
    if l < s.L and ACTIVATIONS.name(g) in ACTIVATIONS:
        z = f"{ACTIVATIONS.name(g)}(z) = {ACTIVATIONS.make(g, np).formula}"
    dropped = [s.D(l), TIMES] if s.drops(l) else []
    said = joined(s.V("A", l), EQUALS, *dropped, applied(ACTIVATIONS.name(g), s.V("Z", l)))
    return said, f"{s.shape(l)}{';  ' + z if z else ''}"


def _J(s: _Letters, _: int) -> tuple[Piece, str]:
    loss = Piece("loss_i", "\\mathcal{L}_i", "<msub><mi>ℒ</mi><mi>i</mi></msub>")
    pieces = [sym("J"), EQUALS, over(ONE, M), sum_over("i", loss)]
    for spec in s.network.penalties:
        pieces += [PLUS, word(PENALTIES.brief(spec, s.functions))]
    return joined(*pieces), f"loss = {s.loss.formula}"


def _dZ(s: _Letters, l: int) -> tuple[Piece, str]:
    dZ = s.V("Z", l, d=True)
    if l == s.L:
        if _residual(s.loss, s.link, s.n[l]):
            residual = (s.V("A", l), MINUS, sym("Y"))
            right = joined(*residual) if s.theta else bracketed(*residual)
        else:
            Z = s.V("Z", l)
            right = Piece(
                f"dloss/d{Z.text}",
                f"\\frac{{d\\mathcal{{L}}}}{{d{Z.latex}}}",
                f"<mfrac><mi>dℒ</mi><mrow><mi>d</mi>{Z.mathml}</mrow></mfrac>",
            )
        return joined(dZ, EQUALS, *([] if s.theta else [over(ONE, M)]), right), s.shape(l)
    g = s.network.activation[l - 1]
    slope = applied(ACTIVATIONS.name(g), s.V("Z", l), prime=True)
    dropped = [s.D(l), TIMES] if s.drops(l) else []
    if s.theta:
        return joined(dZ, EQUALS, bracketed(_chained(s, l)), TIMES, *dropped, slope), f"{s.shape(l)}, without the bias"
    return joined(dZ, EQUALS, s.V("A", l, d=True), TIMES, *dropped, slope), s.shape(l)


def _chained(s: _Letters, l: int) -> Piece:
    """W[l+1].T dZ[l+1]."""
    W = s.P("Theta" if s.theta else "W", l + 1, T=not s.rows)
    dZ = s.V("Z", l + 1, d=True)
    return joined(dZ, W) if s.rows else joined(W, dZ)


def _dA(s: _Letters, l: int) -> tuple[Piece, str]:
    j, k = s.n[l + 1], s.n[l] + s.theta
    order = (s.shape(l + 1), f"({j}, {k})") if s.rows else (f"({k}, {j})", s.shape(l + 1))
    left = sym("A", l + 1, True, d=True) if s.theta else s.V("A", l, d=True)
    return joined(left, EQUALS, _chained(s, l)), f"{s.shape(l, s.theta)} = {order[0]} {order[1]}"


def _dW(s: _Letters, l: int) -> tuple[Piece, str]:
    k, j = s.n[l - 1] + s.theta, s.n[l]
    A = s.with_ones(l - 1, T=not s.rows) if s.theta else s.V("A", l - 1, T=not s.rows)
    dZ = s.V("Z", l, d=True, T=s.rows)
    penalties, remark = s.penalties(l)
    left = [s.P("D", l), EQUALS, over(ONE, M)] if s.theta else [s.P("W", l, d=True), EQUALS]
    order = (f"({j}, m)", f"(m, {k})")
    return joined(*left, dZ, A, *penalties), f"({j}, {k}) = {order[0]} {order[1]}{remark}"


def _db(s: _Letters, l: int) -> tuple[Piece, str]:
    if s.theta:
        D = s.P("D", l)
        first = Piece(
            f"{D.text}[:, 0]",
            f"{D.latex}_{{:,0}}",
            f"<msub>{D.mathml}<mrow><mo>:</mo><mo>,</mo><mn>0</mn></mrow></msub>",
        )
        return joined(first, EQUALS, over(ONE, M), sum_over("i", _of_example(s.V("Z", l, d=True)))), f"({s.n[l]}, 1)"
    return joined(s.P("b", l, d=True), EQUALS, sum_over("i", _of_example(s.V("Z", l, d=True)))), f"({s.n[l]}, 1)"


def _of_example(V: Piece) -> Piece:
    return Piece(f"{V.text}_i", f"{V.latex}{{}}_i", f"<msub>{V.mathml}<mi>i</mi></msub>")


def _update(s: _Letters, l: int) -> tuple[Piece, str]:
    alpha = sym("alpha")
    if s.theta:
        Theta = s.P("Theta", l)
        return joined(Theta, BECOMES, Theta, MINUS, alpha, s.P("D", l)), f"({s.n[l]}, {s.n[l - 1] + 1})"
    comma = Piece(";  ", ",\\quad ", "<mo>,</mo><mspace width='1em'></mspace>")
    steps = [joined(P, BECOMES, P, MINUS, alpha, s.P(v, l, d=True)) for v in ("W", "b") for P in [s.P(v, l)]]
    return Piece(*(f"{getattr(steps[0], f)}{getattr(comma, f)}{getattr(steps[1], f)}" for f in FORMS)), (
        f"({s.n[l]}, {s.n[l - 1]}), ({s.n[l]}, 1)"
    )


def _lines(s: _Letters, name: str, l: int) -> list[Line]:
    """The equation of a station; of input layers, all of theirs."""
    if l > 0 or name in ("J", "dA"):
        return [_STATIONS[name](s, l)]
    if name == "A":
        return written_inputs.forward_lines(s.network, s.columns, s.V("A", 0), s.rows)
    if name == "update":
        return written_inputs.update_lines(s.network)
    dA_0 = joined(over(ONE, M), sym("A", 1, True, d=True)) if s.theta else s.V("A", 0, d=True)  # delta is m dZ
    return written_inputs.backward_lines(s.network, s.columns, dA_0)


def _residual(loss: Loss, link: Link, K: int) -> bool:
    """Whether dZ[L] is A[L] - Y for one example, as where the link is the loss's own."""
    Z = np.linspace(-1.2, 1.7, 3 * K).reshape(K, 3)
    Y = np.eye(K)[:, [0, -1, 0]] if K > 1 else np.array([[0.0, 1.0, 1.0]])
    return bool(np.allclose(loss.dZ(Z, Y), link.g(Z) - Y, rtol=1e-12, atol=1e-12))


_STATIONS: dict[str, Callable[[_Letters, int], tuple[Piece, str]]] = {
    "Z": _Z, "D": _D, "A": _A, "J": _J, "dZ": _dZ, "dA": _dA, "dW": _dW, "db": _db, "update": _update,
}  # fmt: skip
