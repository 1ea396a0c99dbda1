"""A Model as one Python file that needs NumPy alone: preprocessing, the equations, the answer, and the numbers.

Nothing of the model becomes code but what is written here: texts go through ``repr``, numbers through their digits.
"""

import inspect
from collections.abc import Iterable

from chainrule.data.category_features import CategoryFeatures
from chainrule.data.columns import as_numbers
from chainrule.data.gaps import Gaps
from chainrule.data.normal_scale import NormalScale
from chainrule.data.numeric_features import NumericFeatures, Scale
from chainrule.export import cells
from chainrule.export.formulas import layers
from chainrule.export.numpy_formulas import TURNS, array, function
from chainrule.export.numpy_inputs import functions_and_pieces
from chainrule.export.numpy_inputs import parameters as input_parameters
from chainrule.export.text import bracketed, example, layer_name, network_line, used, version
from chainrule.export.traced_inputs import InputLayers, input_layers
from chainrule.formulas.calibration import LEAST
from chainrule.ir import describe
from chainrule.model import Model
from chainrule.network import Network
from chainrule.target_encoding import Outputs

# The functions of ``cells`` that a file needs for columns of each kind.
READ = {"columns", "cells_of", "is_missing", "read", "row_name", "require_numbers"}
SCALED = {"filled", "scaled"}
NUMBERS = READ | SCALED | {"number", "numbers"}
READERS = {
    "number": NUMBERS | {"number_features"},
    "boolean": NUMBERS | {"boolean", "boolean_features"},
    "date": READ | SCALED | {"date", "date_features"},
    "category": READ | {"number", "text", "level_places", "category_features"},
    "codes": READ | {"number", "text", "level_places", "category_codes"},
}


def content(model: Model) -> bytes:
    """The file, the same bytes for the same model. RequestError: a custom function that cannot be written."""
    inputs = input_layers(model)
    forward, numbers = _layers(model, inputs), _parameters(model, inputs)
    parts = [_head(model), _answer(model), forward, _features(model), _reading(model), numbers]
    return "\n\n\n".join(part.strip("\n") for part in parts).encode() + b"\n"


def _head(model: Model) -> str:
    """The docstring: what the file is, how to use it, what is in it; then the imports."""
    target, encoder = model.target, model.encoder
    table = "\n".join(f"        {part.column!r}: [{example(part)!r}],  # {part.kind}" for part in used(encoder))
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
ValueError: a column is missing, a cell is not what the column was at training, or a prediction is NaN.

Network  {network_line(model)}
"""
    escaped = doc.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    has_dates = any(part.kind == "date" for part in encoder.parts)
    return f'"""{escaped}"""\n\n' + ("import re\n\n" if has_dates else "") + "import numpy as np"


def _features(model: Model) -> str:
    encoder = model.encoder
    names = bracketed((repr(part.column) for part in used(encoder)), " " * 4)
    X = _array((_call(part, encoder.gaps) for part in encoder.parts), "np.float64")
    made, what = f"    return {X}\n", "what the columns become, in float64, one example a column"
    if encoder.lookups:
        X = X if encoder.parts else "np.empty((0, codes.shape[1]))"
        made = f"    codes = {_array((_codes_call(p, encoder.gaps) for p in encoder.lookups), 'np.int64')}\n"
        made += f"    return {X}, codes\n"
    return f'''
def features(table):
    """{_given(model.network)}: {what}."""
    column = columns(table, {names})
{made}'''


def _given(network: Network) -> str:
    """What the network is given."""
    if not network.inputs:
        return "A[0] (n[0], m)"
    numbers, codes = network.columns.numbers, len(network.columns.levels)
    return f"X ({numbers}, m)" + (f" and codes ({codes}, m)" if codes else "")


def _array(calls: Iterable[str], dtype: str) -> str:
    lines = "\n".join(calls)
    return f"np.array(\n        [\n{lines}\n        ],\n        {dtype},\n    )"


def _call(part: NumericFeatures | CategoryFeatures, gaps: Gaps) -> str:
    """The call that makes the features of a column."""
    if isinstance(part, CategoryFeatures):
        given = [_levels(part), f"rare={bool(part.pooled)}, {_gaps_of(part, gaps)}"]
    else:
        given = [*(_scale(s) for s in part.scales), f"gaps={part.indicator}"]
        given += ["to=normal_scores"] * isinstance(part.scales[0], NormalScale)
    return f"            *{_called(f'{part.kind}_features', part, given)}"


def _codes_call(part: CategoryFeatures, gaps: Gaps) -> str:
    """The call that makes the codes of a column."""
    return f"            {_called('category_codes', part, [_levels(part), _gaps_of(part, gaps)])}"


def _called(name: str, part: NumericFeatures | CategoryFeatures, given: list[str]) -> str:
    column, indent = repr(part.column), " " * 16
    arguments = f",\n{indent}".join([f"{column}, column[{column}]", *given])
    return f"{name}(\n{indent}{arguments},\n            ),"


def _levels(part: CategoryFeatures) -> str:
    return bracketed(map(repr, part.levels), " " * 16)


def _gaps_of(part: CategoryFeatures, gaps: Gaps) -> str:
    missing = "TEXT_GAPS" if (own := part.spelled_gaps(gaps)) == gaps.texts else repr(own)
    return f"gaps={part.gaps}, missing={missing}"


def _scale(scale: Scale | NormalScale) -> str:
    fill = None if scale.fill is None else float(scale.fill)
    if isinstance(scale, NormalScale):
        indent = " " * 20
        knots, z = (bracketed(map(repr, numbers), indent) for numbers in (scale.knots, scale.z))
        return f"(\n{indent}{fill!r},\n{indent}{knots},\n{indent}{z},\n{' ' * 16})"
    return repr((fill, float(scale.mean), float(scale.scale)))


def _layers(model: Model, inputs: InputLayers) -> str:
    """The functions g, one for all layers that have the same, and the forward pass; e too of input layers."""
    network = model.network
    functions, pieces = functions_and_pieces(inputs, network.columns)
    names: dict[str, str] = {}
    steps = []
    for l, A in enumerate(layers(network, model.functions), 1):
        what = describe([A])
        if what not in names:
            names[what] = f"g{l}"
            functions.append(function(names[what], layer_name(model, l), A))
        steps.append(f"        Z{l} = W{l} @ A{l - 1} + b{l}\n        A{l} = {names[what]}(Z{l})\n")
    functions = [text for name, text in TURNS.items() if any(f"{name}(" in f for f in functions)] + functions
    name, first = "A0", ""
    if inputs:
        name, first = "X", f"        A0 = np.concatenate({bracketed(pieces, ' ' * 8)})\n"
    forward = f'''
def forward({name}{", codes" if network.columns.levels else ""}):
    """A[L] (n[L], m) of the features {_given(network)}."""
    {name} = {name}.astype(np.{network.dtype})
    with np.errstate(all="ignore"):  # what overflows shows in A[L]
{first}{"".join(steps)}    require_numbers(A{network.L})
    return A{network.L}
'''
    return "\n\n".join([*functions, forward.lstrip("\n")])


def _answer(model: Model) -> str:
    target, outputs = model.target, model.outputs
    if target.task == "regression":
        what = f"quantiles {model.levels} of the target, (m, {outputs.units})" if outputs.units > 1 else "numbers (m,)"
        answers = f"forward({_read(model)})" + (".T" if outputs.units > 1 else "[0]")
        numbers = f"{answers}.astype(np.float64) * {float(outputs.scale)!r} + {float(outputs.shift)!r}"
        if outputs.bounds is not None:
            numbers = f"np.clip({numbers}, {outputs.bounds[0]!r}, {outputs.bounds[1]!r})"
        return f'''
def predict(table):
    """Predicted {what}, in the unit of the target."""
    return {numbers}
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
    A = forward({_read(model)}).astype(np.float64)
{distribution}{_calibration(outputs)}
    return np.ascontiguousarray(P.T)


def predict(table):
    """The likeliest class of each row (m,)."""
    return CLASSES[predict_proba(table).argmax(axis=1)]
'''


def _calibration(outputs: Outputs) -> str:
    """The lines that calibrate P, as ``formulas.calibration`` does."""
    if outputs.calibration is None:
        return ""
    tau, smoothing = outputs.calibration
    return f"""
    a = np.log(np.maximum(P, {LEAST!r}))
    E = np.exp({tau!r} * (a - a.max(axis=0)))
    P = {1.0 - smoothing!r} * E / E.sum(axis=0) + {smoothing!r} / len(P)"""


def _read(model: Model) -> str:
    return f"{'*' * bool(model.encoder.lookups)}features(table)"


def _reading(model: Model) -> str:
    """What reads the kinds of columns that there are."""
    kinds = [*(part.kind for part in model.encoder.parts), *["codes"] * bool(model.encoder.lookups)]
    needed = set[str]().union(*(READERS[kind] for kind in kinds))
    needed |= {"normal_scores"} if model.encoder.makes_normal_scores else set()
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


def _parameters(model: Model, inputs: InputLayers) -> str:
    p = model.parameters
    written = ["# The parameters: W[l] has a row for each unit of layer l and a column for each of the layer below."]
    for l in range(1, model.network.L + 1):
        written += [f"W{l} = {array(p.W[l], p.W[l])}", f"b{l} = {array(p.b[l], p.b[l].T)}"]
    return "\n".join([*written, *input_parameters(inputs)])
