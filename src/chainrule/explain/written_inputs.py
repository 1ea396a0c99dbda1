"""The equations of input layers, forward, backward and of the update, as their rows state them.

The letters are those of one layer; the line above says which layer it is and which columns it takes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.explain.formula_reader import expression
from chainrule.explain.input_units import blocks_of, column_names, name_of, own_blocks, statements
from chainrule.explain.pieces import BECOMES, EQUALS, GREEK, MINUS, Piece, joined, number, sum_over, sym, word, words
from chainrule.explain.updates import Line
from chainrule.inputs import Input
from chainrule.layout import Block
from chainrule.network import Network

Names = tuple[Sequence[str], Sequence[str]]  # of the columns of numbers, and of those of codes

SHOWN = 8  # columns that a line names

_LETTER = re.compile(rf"(d?)({'|'.join(GREEK)}|[A-Za-z])(?:_(\w))?")


def forward_lines(network: Network, names: Names, A_0: Piece, rows: bool) -> list[Line]:
    """e of each input layer, and how A[0] is put together. ``rows``: one row of A[0] is an example."""
    lines: list[Line] = []
    for i, layer in enumerate(network.input_layers):
        row, own = layer.row(np), own_blocks(network, i)
        lines.append((_head(i, layer, names), row.source))
        first, k = network.columns.first[i], len(layer.columns)
        for part, statement in enumerate(statements(row.equation)):
            size = _of_parameters(own, statement.names)
            if part < len(row.parts):
                last = first + row.parts[part] * k - 1
                where = f"row {first}" if first == last else f"rows {first} to {last}"
                where = f"{where.replace('row', 'column') if rows else where} of {A_0.text}"
                size = f"{where}; {size}" if size else where
                first = last + 1
            lines.append((_statement(statement.left, statement.right), size))
    said = f"e of {', '.join(f'inputs[{i}]' for i in range(len(network.input_layers)))}"
    handed_on = [name_of(j, names[0]) for j in network.columns.handed_on]
    said += f", then {_some(handed_on)}" if handed_on else ""
    size = (network.n[0], "m")
    shape = f"({', '.join(map(str, reversed(size) if rows else size))})"
    return [*lines, (joined(A_0, EQUALS, words(said)), shape)]


def backward_lines(network: Network, names: Names, dA_0: Piece) -> list[Line]:
    """dV of each of their parameters V."""
    lines: list[Line] = []
    for i, layer in enumerate(network.input_layers):
        row, own = layer.row(np), own_blocks(network, i)
        lines.append((joined(_head(i, layer, names), words("; de: its part of "), dA_0), ""))
        for statement in statements(row.slopes):
            block = own.get(statement.defines.removeprefix("d"))
            size = str(block.shape) if block is not None and statement.defines.startswith("d") else ""
            lines.append((_statement(statement.left, statement.right), size))
    return lines


def update_lines(network: Network) -> list[Line]:
    """The step of plain gradient descent, for each of their parameters."""
    alpha, lines = sym("alpha"), list[Line]()
    for block in blocks_of(network):
        V, dV = named(block.name), named(f"d{block.name}")
        rate = [] if block.role.rate == 1.0 else [number(block.role.rate)]
        lines.append((joined(V, BECOMES, V, MINUS, *rate, alpha, dV), str(block.shape)))
    return lines


def named(block: str) -> Piece:
    """A block "inputs[0].w", or its slope "dinputs[0].w"."""
    whose, letter = block.split(".")
    i = whose[whose.index("[") :]
    d, V = "d" * whose.startswith("d"), _letter(letter)
    return Piece(
        block, f"{d}\\mathrm{{inputs}}{i}.{V.latex}", f"<mrow><mi>{d}inputs{i}</mi><mo>.</mo>{V.mathml}</mrow>"
    )


def _head(i: int, layer: Input, names: Names) -> Piece:
    columns = column_names(layer, *names)
    levels = "" if layer.levels is None else f", codes 0 to {layer.levels - 1}"
    return words(f"inputs[{i}]: {layer.layer} of {_some(columns)}{levels}")


def _some(columns: Sequence[str]) -> str:
    """The first of them by name."""
    return ", ".join(columns[:SHOWN]) + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")


def _of_parameters(own: Mapping[str, Block], used: set[str]) -> str:
    """The shapes of the parameters that are used."""
    by_shape: dict[Any, list[str]] = {}
    for V, block in own.items():
        if V in used:
            by_shape.setdefault(block.shape, []).append(V)
    return ", ".join(f"{', '.join(letters)} {shape}" for shape, letters in by_shape.items())


def _statement(left: str, right: str) -> Piece:
    said, _, when = right.partition(" for ")
    condition = [words(f" for {when}")] if when else []
    pieces = dict(_pieces(f"{left} {said}"))
    return joined(expression(left, pieces), EQUALS, expression(said, pieces), *condition)


def _pieces(text: str) -> Iterator[tuple[str, Piece]]:
    """The names of a text, as they are written."""
    empty = Piece("", "", "")
    total = sum_over("i", empty)
    for name in re.findall(r"[A-Za-z]\w*", text):
        if name == "sum_i":
            yield name, Piece("sum_i", total.latex.strip(), total.mathml)
        elif _LETTER.fullmatch(name) and name != "pi":
            yield name, _letter(name)


def _letter(name: str) -> Piece:
    """A letter with what stands before and below it: w, dbeta, alpha_x, de_u."""
    found = _LETTER.fullmatch(name)
    if found is None:
        return word(name)
    d, letter, below = found.groups()
    base = sym(letter, d=bool(d))
    if not below:
        return base
    return Piece(name, f"{base.latex}_{{{below}}}", f"<msub>{base.mathml}<mi>{below}</mi></msub>")
