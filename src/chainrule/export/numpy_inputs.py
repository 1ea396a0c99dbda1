"""Input layers in the exported Python file: A[0] of the numbers X and of codes."""

from collections.abc import Sequence

from chainrule.export.numpy_formulas import array, input_function
from chainrule.export.text import bracketed
from chainrule.export.traced_inputs import InputLayers, OfCodes, title
from chainrule.inputs import Columns
from chainrule.ir import describe


def functions_and_pieces(inputs: InputLayers, columns: Columns) -> tuple[list[str], list[str]]:
    """The functions e of the parts, one for all that have the same, and the pieces that A[0] is put together from."""
    functions: dict[str, str] = {}
    names: dict[str, str] = {}
    pieces: list[str] = []
    for i, layer in enumerate(inputs):
        if isinstance(layer, OfCodes):
            pieces.append(f"T{i}[:, codes[{layer.layer.columns[0]}]]")
            continue
        for q, part in enumerate(layer.parts):
            what = describe([part.e])
            name = names.setdefault(what, f"e{i}_{q}")
            if what not in functions:
                functions[what] = input_function(name, title(layer), part.e)
            x = f"X[{_rows(layer.layer.columns)}]"
            pieces.append(f"{name}({x}, p{i}).reshape({part.units * len(layer.layer.columns)}, -1)")
    if columns.handed_on:
        pieces.append(f"X[{_rows(columns.handed_on)}]")
    return list(functions.values()), pieces


def parameters(inputs: InputLayers) -> list[str]:
    """The numbers of the input layers."""
    written: list[str] = []
    for i, layer in enumerate(inputs):
        if isinstance(layer, OfCodes):
            written += [f"# {repr(title(layer))[1:-1]}", f"T{i} = {array(layer.T, layer.T)}"]
        else:
            written.append(f"# The parameters of an input layer, each (units, {len(layer.layer.columns)}, 1).")
            each = (f"    {V!r}: {array(values, values[..., 0])},\n" for V, values in layer.parameters.items())
            written.append(f"p{i} = {{\n{''.join(each)}}}")
    return written


def _rows(columns: Sequence[int]) -> str:
    if [*columns] == [*range(columns[0], columns[0] + len(columns))]:
        return f"{columns[0]}:{columns[0] + len(columns)}"
    return bracketed(map(str, columns), " " * 16)
