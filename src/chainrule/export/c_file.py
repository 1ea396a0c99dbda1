"""A Model as one C99 file that needs C's own library alone: preprocessing, the equations, the answer, the numbers.

Nothing of the model becomes code but what is written here: names are turned into identifiers, texts into literals and
comments that nothing in them can end, numbers into their exact hexadecimal digits.

Loops have bounds that the compiler knows, run over units and have no branches, so that it computes several units at
once without being asked to change the order of a sum.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.data.category_features import CategoryFeatures
from chainrule.data.numeric_features import NumericFeatures
from chainrule.errors import RequestError
from chainrule.export.c_features import features, taken
from chainrule.export.c_formulas import belong_together, function, loop
from chainrule.export.c_inputs import functions_and_steps
from chainrule.export.c_inputs import parameters as input_parameters
from chainrule.export.c_library import FUNCTIONS, needed
from chainrule.export.c_names import REALS, CNames, comment, double, literal, quoted, real
from chainrule.export.formulas import layers
from chainrule.export.text import bracketed, example, layer_name, network_line, used, version
from chainrule.export.traced_inputs import InputLayers, input_layers
from chainrule.formulas.calibration import LEAST
from chainrule.ir import describe
from chainrule.model import Model
from chainrule.target_encoding import Outputs

FOUR = 4  # units side by side in the smallest registers, and terms of a sum in one pass over the units


def content(model: Model) -> bytes:
    """The file, the same bytes for the same model.

    RequestError: a custom function that cannot be written; a text with a zero character, which ends C's texts;
    several quantiles.
    """
    if model.target.task == "regression" and model.outputs.units > 1:
        raise RequestError(
            f"a C file returns one number, but this model predicts {model.outputs.units} quantiles: export it to "
            "onnx or numpy, or train a model for each quantile."
        )
    names, inputs = CNames(model), input_layers(model)
    parts = [
        _head(model, names),
        _declarations(model, names),
        f"#ifndef {names.only}\n\n#include <math.h>\n#include <stdint.h>\n#include <string.h>",
        features(model, names),
        _layers(model, inputs),
        _answer(model, names),
        _parameters(model, inputs),
        f"#endif /* {names.only} */",
    ]
    return "\n\n".join(part.strip("\n") for part in parts).encode() + b"\n"


def _head(model: Model, names: CNames) -> str:
    """What the file is and how it is used."""
    target, parts = model.target, used(model.encoder)
    given = [f".{names.members[part.column]} = {_cell(part)}" for part in parts]
    row = bracketed(given, " *     ", "{}")
    if target.task == "regression":
        use = f"double number = {names.predict}(&row);  // NAN: see below"
        refused = "NAN"
    else:
        use = (
            f"double probability[{len(target.classes)}];  // of {names.classes}[0], [1], ...\n"
            f" *     int k = {names.predict}(&row, probability);  // the likeliest is {names.classes}[k]; -1: see below"
        )
        refused = "-1"
    return f"""/*
 * Predicts {quoted(target.name)} by a neural network. Written by {version()}.
 *
 * C99 and its mathematical functions are all it needs: cc -std=c99 -O2 -c model.c, and -lm for the program. Where
 * model.c is this file, another file, in C or in C++, calls it so:
 *
 *     #define {names.only}
 *     #include "model.c"
 *
 *     {names.row} row = {row};
 *     {use}
 *
 * Every member must be set: NAN in a number, NULL or "" in a text, where the value is missing. Texts are in UTF-8.
 * The answer is {refused} where the row has a value that training would have refused: an infinite one, one beyond 1e100
 * or 1e15 standard deviations from the mean, a boolean that is not 0 or 1, a gap where the model takes none; and
 * where values become too large within the network, so that the prediction is NaN.
 * Nothing is allocated or changed, so that any number of threads may call it.
 *
 * Network  {comment(network_line(model))}
 */"""


def _cell(part: NumericFeatures | CategoryFeatures) -> str:
    """Such a value as the training rows had, in C."""
    cell = example(part)
    if isinstance(part, CategoryFeatures):
        return literal(cell)
    if part.kind == "date":
        return f"{int(np.datetime64(cell, 'D').astype(np.int64))}.0"
    return repr(float(cell))


def _declarations(model: Model, names: CNames) -> str:
    members = [_member(part, names.members[part.column]) for part in used(model.encoder)]
    if model.target.task == "regression":
        interface = f"double {names.predict}(const {names.row} *row);"
    else:
        K = len(model.target.classes)
        interface = (
            f"extern const char *const {names.classes}[{K}];\n\n"
            f"int {names.predict}(const {names.row} *row, double probability[{K}]);"
        )
    rows = "\n".join(f"    {member}" for member in members)
    return f"""
#ifndef {names.declared}
#define {names.declared}

#ifdef __cplusplus
extern "C" {{
#endif

typedef struct {{
{rows}
}} {names.row};

{interface}

#ifdef __cplusplus
}}
#endif

#endif
"""


def _member(part: NumericFeatures | CategoryFeatures, name: str) -> str:
    column = quoted(part.column)
    if isinstance(part, CategoryFeatures):
        return f"const char *{name}; /* {column}: {part.kind} */"
    unit = {"number": "", "boolean": ", 1 or 0", "date": ": days since 1970-01-01, with the time of day as a fraction"}
    takes = ", never missing" if part.scales[0].fill is None else ""
    return f"double {name}; /* {column}: {part.kind}{unit[part.kind]}{takes} */"


def _width(n: int) -> int:
    """How many units a layer of n is given: as many as fill the registers."""
    return n if n == 1 else -(-n // FOUR) * FOUR


def _layers(model: Model, inputs: InputLayers) -> str:
    """The functions g, one for all layers that have the same, and the forward pass; e too of input layers."""
    network = model.network
    kind, n = REALS[network.dtype], network.n
    functions, first = functions_and_steps(inputs, network.columns, network.dtype)
    names: dict[Any, str] = {}
    steps = []
    for l, A in enumerate(layers(network, model.functions), 1):
        together = belong_together(A)
        what = (describe([A]), n[l] if together else None)
        if what not in names:
            names[what] = f"g{l}"
            title = comment(layer_name(model, l))
            functions.append(function(names[what], title, A, n[l]))
        steps.append(_step(l, n[l - 1], n[l], kind, l == network.L))
        if together:
            steps.append(f"    {names[what]}(Z{l}, A{l});\n")
        else:
            steps.append(loop("j", 0, _width(n[l]), f"A{l}[j] = {names[what]}(Z{l}[j]);", 4))
    of = ", ".join(f"const {array}" for array in taken(network).values())
    forward = f"""
/* A[L] of the features. */
static void forward({of}, {kind} A{network.L}[{_width(n[-1])}])
{{
    {kind} A0[{n[0]}];
{first}{"".join(steps)}}}
"""
    text = "".join(functions)
    return needed(FUNCTIONS, text) + text + "\n" + _shapes(model, inputs) + forward


def _shapes(model: Model, inputs: InputLayers) -> str:
    """The parameters before they have values: the numbers come last in the file."""
    network = model.network
    arrays = [
        f"static const {REALS[network.dtype]} W{l}[{network.n[l - 1]}][{_width(network.n[l])}], "
        f"b{l}[{_width(network.n[l])}];\n"
        for l in range(1, network.L + 1)
    ]
    of_inputs = "\n * p0_w[u][j] is the w of unit u on column j, T0[c] what a code c becomes." if inputs else ""
    arrays += [f"{declared};\n" for declared, _ in input_parameters(inputs, network.dtype)]
    return (
        "/* W1[k][j] is the weight of unit j on unit k of the layer below. Units of zeros fill each layer up to a\n"
        f" * multiple of {FOUR}, which compilers compute at once.{of_inputs} */\n" + "".join(arrays)
    )


def _step(l: int, n_in: int, n: int, kind: str, is_last: bool) -> str:
    """Z[l] of A[l-1]: terms are added in order, FOUR in each pass over the units."""
    width, full = _width(n), n_in - n_in % FOUR
    terms = [f"W{l}[{k}][j] * A{l - 1}[{k}]" for k in ("k", *(f"k + {i}" for i in range(1, FOUR)))]
    sum_ = f"\n{' ' * 16}+ ".join([f"Z{l}[j] + {terms[0]}", " + ".join(terms[1:])])
    inner = loop("j", 0, width, f"Z{l}[j] = {sum_};", 8).rstrip("\n")
    rest = loop("j", 0, width, f"Z{l}[j] = Z{l}[j] + W{l}[k][j] * A{l - 1}[k];", 8).rstrip("\n")
    own = "" if is_last else f", A{l}[{width}]"
    return (
        f"\n    {kind} Z{l}[{width}]{own};\n"
        + loop("j", 0, width, f"Z{l}[j] = b{l}[j];", 4)
        + (loop("k", 0, full, inner, 4, f" += {FOUR}") if full else "")
        + (loop("k", full, n_in, rest, 4) if full < n_in else "")
    )


def _answer(model: Model, names: CNames) -> str:
    target, outputs, network = model.target, model.outputs, model.network
    row = f"const {names.row} *row"
    arrays = [*taken(network).values(), f"{REALS[network.dtype]} A[{_width(network.n[-1])}]"]
    begin, given = "".join(f"    {array};\n" for array in arrays), ", ".join(taken(network))
    if target.task == "regression":
        number = f"(double)A[0] * {double(outputs.scale)} + {double(outputs.shift)}"
        answer = f"    return {number};\n"
        if outputs.bounds is not None:
            low, high = map(double, outputs.bounds)
            answer = f"    const double y = {number};\n    return y < {low} ? {low} : y > {high} ? {high} : y;\n"
        return f"""
double {names.predict}({row})
{{
{begin}    if (!features(row, {given}))
        return NAN;
    forward({given}, A);
{answer}}}
"""
    K = len(target.classes)
    if outputs.units == 1:
        answer = """    probability[0] = 1.0 - (double)A[0];
    probability[1] = (double)A[0];
"""
    else:
        answer = f"""    double total = 0.0;
    for (int k = 0; k < {K}; k++)
        total += (double)A[k];
    for (int k = 0; k < {K}; k++)
        probability[k] = total > 0.0 ? (double)A[k] / total : 1.0 / {K}.0;
"""
    classes = bracketed((literal(str(label)) for label in target.classes), "", "{}")
    return f"""
const char *const {names.classes}[{K}] = {classes};

int {names.predict}({row}, double probability[{K}])
{{
{begin}    if (!features(row, {given}))
        return -1;
    forward({given}, A);
    for (int k = 0; k < {network.n[-1]}; k++)
        if (isnan(A[k]))
            return -1;
{answer}{_calibration(outputs, K)}    int best = 0;
    for (int k = 1; k < {K}; k++)
        if (probability[k] > probability[best])
            best = k;
    return best;
}}
"""


def _calibration(outputs: Outputs, K: int) -> str:
    """The lines that calibrate the probabilities, as ``formulas.calibration`` does."""
    if outputs.calibration is None:
        return ""
    tau, smoothing = outputs.calibration
    return f"""    double largest = {double(LEAST)}, sum = 0.0;
    for (int k = 0; k < {K}; k++)
        largest = fmax(largest, probability[k]);
    for (int k = 0; k < {K}; k++) {{
        probability[k] = exp({double(tau)} * (log(fmax({double(LEAST)}, probability[k])) - log(largest)));
        sum += probability[k];
    }}
    for (int k = 0; k < {K}; k++)
        probability[k] = {double(1.0 - smoothing)} * probability[k] / sum + {double(smoothing)} / {K}.0;
"""


def _parameters(model: Model, inputs: InputLayers) -> str:
    network, p = model.network, model.parameters
    written = ["/* The parameters. */"]
    for l in range(1, network.L + 1):
        n_in, n, kind = network.n[l - 1], network.n[l], REALS[network.dtype]
        zeros = ["0"] * (_width(n) - n)

        def row(values: Iterable[Any], zeros: list[str] = zeros) -> list[str]:
            return [*(real(v, network.dtype) for v in values), *zeros]

        rows = "\n".join(f"    {bracketed(row(weights), '    ', '{}')}," for weights in p.W[l].T)
        written.append(f"static const {kind} W{l}[{n_in}][{_width(n)}] = {{\n{rows}\n}};")
        written.append(f"static const {kind} b{l}[{_width(n)}] = {bracketed(row(p.b[l][:, 0]), '', '{}')};")
    written += [f"{declared} = {values};" for declared, values in input_parameters(inputs, network.dtype)]
    return "\n\n".join(written)
