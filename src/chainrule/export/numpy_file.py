"""A Model as one Python file that needs NumPy alone: preprocessing, the equations, the answer, and the numbers.

Nothing of the model becomes code but what is written here: texts go through ``repr``, numbers through their digits.
"""

import inspect
from typing import Any

import numpy as np

from chainrule.data.columns import as_numbers
from chainrule.data.features import CategoryFeatures, NumericFeatures, Scale
from chainrule.data.gaps import Gaps
from chainrule.export import cells
from chainrule.export.formulas import layers
from chainrule.export.text import (
    WIDTH,
    Language,
    bracketed,
    example,
    family,
    formula,
    layer_name,
    network_line,
    rows_of,
    version,
)
from chainrule.ir import Expression, describe
from chainrule.model import Model

LOGICAL = {"and": "logical_and", "or": "logical_or", "not": "logical_not"}

# The functions of ``cells`` that a file needs for columns of each kind.
READ = {"columns", "cells_of", "is_missing", "read", "row_name", "require_numbers"}
NUMBERS = READ | {"number", "numbers", "scaled"}
READERS = {
    "number": NUMBERS | {"number_features"},
    "boolean": NUMBERS | {"boolean", "boolean_features"},
    "date": READ | {"scaled", "date", "date_features"},
    "category": READ | {"number", "text", "category_features"},
}


def content(model: Model) -> bytes:
    """The file, the same bytes for the same model. RequestError: a function of one's own that cannot be written."""
    parts = [_head(model), _answer(model), _layers(model), _features(model), _reading(model), _parameters(model)]
    return "\n\n\n".join(part.strip("\n") for part in parts).encode() + b"\n"


def _head(model: Model) -> str:
    """The docstring: what the file is, how to use it, what is in it; then the imports."""
    target, encoder = model.target, model.encoder
    table = "\n".join(f"        {part.column!r}: [{example(part)!r}],  # {family(part)}" for part in encoder.parts)
    if target.task == "regression":
        names, uses = "predict", "predict(table)  # numbers, (m,)"
    else:
        names = "predict, predict_proba"
        uses = (
            "predict(table)  # labels, (m,)\n"
            f"    predict_proba(table)  # probabilities, (m, {len(target.classes)}), in the order of CLASSES"
        )
    doc = f"""Predicts {target.name!r} by a neural network. Written by {version()}; it needs NumPy alone.

Where this file is model.py:

    from model import {names}

    table = {{
{table}
    }}
    {uses}

A table has a list or an array for each column, None, NaN or "" where a cell is missing, or a text in NUMBER_GAPS or
TEXT_GAPS; other columns may be there.
ValueError: a column is missing, a cell is not what the column was at training, or an answer is no number.

Network  {network_line(model)}
"""
    escaped = doc.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    has_dates = any(_kind(part) == "date" for part in encoder.parts)
    return f'"""{escaped}"""\n\n' + ("import re\n\n" if has_dates else "") + "import numpy as np"


def _features(model: Model) -> str:
    parts = model.encoder.parts
    names = bracketed((repr(part.column) for part in parts), " " * 4)
    calls = "\n".join(_call(part, model.encoder.gaps) for part in parts)
    return f'''
def features(table):
    """A[0] (n[0], m): what the columns become, in float64, one example a column."""
    column = columns(table, {names})
    return np.array(
        [
{calls}
        ],
        np.float64,
    )
'''


def _call(part: NumericFeatures | CategoryFeatures, gaps: Gaps) -> str:
    """The call that makes the features of a column."""
    indent, name = " " * 16, repr(part.column)
    if isinstance(part, CategoryFeatures):
        missing = "TEXT_GAPS" if (own := part.spelled_gaps(gaps)) == gaps.texts else repr(own)
        flags = f"rare={bool(part.pooled)}, gaps={part.gaps}, missing={missing}"
        given = [bracketed(map(repr, part.levels), indent), flags]
    else:
        given = [*(_scale(s) for s in part.scales), f"gaps={part.indicator}"]
    arguments = f",\n{indent}".join([f"{name}, column[{name}]", *given])
    return f"            *{_kind(part)}_features(\n{indent}{arguments},\n            ),"


def _scale(scale: Scale) -> str:
    fill = None if scale.fill is None else float(scale.fill)
    return repr((fill, float(scale.mean), float(scale.scale)))


def _layers(model: Model) -> str:
    """The functions g, one for all layers that have the same, and the forward pass."""
    network = model.network
    functions: list[str] = []
    names: dict[str, str] = {}
    steps = []
    for l, A in enumerate(layers(network, model.functions), 1):
        what = describe([A])
        if what not in names:
            names[what] = f"g{l}"
            functions.append(_function(names[what], layer_name(model, l), A))
        steps.append(f"        Z{l} = W{l} @ A{l - 1} + b{l}\n        A{l} = {names[what]}(Z{l})\n")
    forward = f'''
def forward(A0):
    """A[L] (n[L], m) of the features A[0] (n[0], m)."""
    A0 = A0.astype(np.{network.dtype})
    with np.errstate(all="ignore"):  # what overflows shows in A[L]
{"".join(steps)}    require_numbers(A{network.L})
    return A{network.L}
'''
    return "\n\n".join([*functions, forward.lstrip("\n")])


def _function(name: str, what: str, A: Expression) -> str:
    lines, result = formula(A, _Python())
    body = "".join(f"    {line.name} = {line.text}\n" for line in lines)
    if A.reach != "each":
        result = f"np.full_like(Z, {result})"
    return f"# {repr(what)[1:-1]}\ndef {name}(Z):\n{body}    return {result}\n"


class _Python(Language):
    def number(self, e: Expression) -> str:
        if not np.isfinite(e.value):
            return {"inf": "np.inf", "-inf": "-np.inf"}.get(str(e.value), "np.nan")
        return digits(np.dtype(e.dtype).type(e.value))

    def call(self, e: Expression, args: list[str]) -> str:
        if e.op == "cast":
            return f"np.{e.dtype}({args[0]})"
        if e.op in ("sum_outputs", "max_outputs"):
            return f"np.{e.op[:3]}({args[0]}, axis=0, keepdims=True)"
        if e.op == "output":
            return f"({args[0]})[{e.value} : {e.value + 1}]"
        if e.op == "stack":
            rows = (
                a if p.reach == "example" else f"np.full_like(Z[:1], {a})" for p, a in zip(e.args, args, strict=True)
            )
            return f"np.concatenate([{', '.join(rows)}])"
        if e.op == "select" and not e.weak and all(branch.is_number for branch in e.args[1:]):
            args[1:] = (f"np.{e.dtype}({a})" for a in args[1:])  # two plain numbers would make float64
        name = "where" if e.op == "select" else LOGICAL.get(e.op, e.op)
        return f"np.{name}({', '.join(args)})"


def _answer(model: Model) -> str:
    target, outputs = model.target, model.outputs
    if target.task == "regression":
        what = f"quantiles {model.levels} of the target, (m, {outputs.units})" if outputs.units > 1 else "numbers (m,)"
        answers = "forward(features(table))" + (".T" if outputs.units > 1 else "[0]")
        return f'''
def predict(table):
    """Predicted {what}, in the unit of the target."""
    return {answers}.astype(np.float64) * {float(outputs.scale)!r} + {float(outputs.shift)!r}
'''
    K = len(target.classes)
    if outputs.units == 1:
        distribution = "    P = np.concatenate([1.0 - A, A])"
    else:
        distribution = f"""    total = A.sum(axis=0)
    P = np.where(total > 0.0, A / np.where(total > 0.0, total, 1.0), {1.0 / K!r})"""
    return f'''
CLASSES = np.array({bracketed(map(repr, target.classes), "")})


def predict_proba(table):
    """Probabilities of the classes (m, {K}), in the order of CLASSES."""
    A = forward(features(table)).astype(np.float64)
{distribution}
    return np.ascontiguousarray(P.T)


def predict(table):
    """The likeliest class of each row (m,)."""
    return CLASSES[predict_proba(table).argmax(axis=1)]
'''


def _reading(model: Model) -> str:
    """What reads the kinds of columns that there are."""
    needed = set[str]().union(*(READERS[_kind(part)] for part in model.encoder.parts))
    blocks = inspect.getsource(cells).split("\n\n\n")
    functions = [block for block in blocks if block.partition("(")[0].removeprefix("def ") in needed]
    return "\n\n\n".join([_gaps(model.encoder.gaps), *functions])


def _gaps(gaps: Gaps) -> str:
    """The spellings of a missing value, and the numbers among them."""
    among_numbers = ["", *gaps.numbers] if gaps.numbers else []
    return "\n".join(
        f"{name} = {bracketed(map(repr, values), '')}"
        for name, values in (
            ("NUMBER_GAPS", among_numbers),
            ("GAP_NUMBERS", as_numbers(gaps.numbers)),
            ("TEXT_GAPS", gaps.texts),
        )
    )


def _kind(part: NumericFeatures | CategoryFeatures) -> str:
    return "category" if isinstance(part, CategoryFeatures) else part.kind


def _parameters(model: Model) -> str:
    network, p = model.network, model.parameters
    written = ["# The parameters: W[l] has a row for each unit of layer l and a column for each of the layer below."]
    for l in range(1, network.L + 1):
        for name, array, units in ((f"W{l}", p.W[l], p.W[l]), (f"b{l}", p.b[l], p.b[l].T)):
            rows = (" ".join(row) for unit in units for row in rows_of(map(digits, unit), WIDTH))
            text = "\n".join(["", *rows, ""])
            written.append(f'{name} = np.fromstring("""{text}""", np.{network.dtype}, sep=" ").reshape{array.shape}')
    return "\n".join(written)


def digits(value: Any) -> str:
    """The shortest digits that become the same number, also where they are read as float64 and rounded."""
    text = str(value)
    return text if type(value)(float(text)) == value else repr(float(value))
