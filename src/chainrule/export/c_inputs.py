"""Input layers in the exported C file: A[0] of the numbers X and of codes."""

from collections.abc import Iterator, Sequence

from chainrule.export.c_formulas import input_function, loop
from chainrule.export.c_names import REALS, comment, real
from chainrule.export.text import bracketed
from chainrule.export.traced_inputs import InputLayers, OfCodes, OfNumbers, TracedPart, title
from chainrule.inputs import Columns
from chainrule.ir import describe


def functions_and_steps(inputs: InputLayers, columns: Columns, dtype: str) -> tuple[list[str], str]:
    """The functions e of the parts, one for all that have the same, and the statements that make A0."""
    functions: dict[str, str] = {}
    names: dict[str, str] = {}
    steps: list[str] = []
    first = 0
    for i, layer in enumerate(inputs):
        if isinstance(layer, OfCodes):
            units = len(layer.T)
            steps.append(
                loop("u", 0, units, f"A0[{_after(first, 'u')}] = T{i}[codes[{layer.layer.columns[0]}]][u];", 4)
            )
            first += units
            continue
        k = len(layer.layer.columns)
        x = _columns(f"columns{i}", layer.layer.columns, "j", steps)
        for q, part in enumerate(layer.parts):
            what = describe([part.e])
            name = names.setdefault(what, f"e{i}_{q}")
            if what not in functions:
                functions[what] = input_function(name, comment(title(layer)), part.e, part.parameters)
            given = ", ".join([f"({REALS[dtype]})X[{x}]", *_parameters(i, layer, part)])
            of_unit = loop("j", 0, k, f"A0[{_after(first, f'{k} * u + j')}] = {name}({given});", 8).rstrip("\n")
            steps.append(loop("u", 0, part.units, of_unit, 4))
            first += part.units * k
    if columns.handed_on:
        x = _columns("handed_on", columns.handed_on, "k", steps)
        steps.append(loop("k", 0, len(columns.handed_on), f"A0[{_after(first, 'k')}] = ({REALS[dtype]})X[{x}];", 4))
    return list(functions.values()), "".join(steps)


def _columns(name: str, columns: Sequence[int], index: str, steps: list[str]) -> str:
    """Which column the index means, with an array of them among the statements where they do not follow each other."""
    if [*columns] == [*range(columns[0], columns[0] + len(columns))]:
        return _after(columns[0], index)
    steps.append(f"    static const int {name}[] = {bracketed(map(str, columns), '    ', '{}')};\n")
    return f"{name}[{index}]"


def _after(first: int, index: str) -> str:
    return f"{first} + {index}" if first else index


def _parameters(i: int, layer: OfNumbers, part: TracedPart) -> Iterator[str]:
    for V in part.parameters:
        units, k, _ = layer.parameters[V].shape
        yield f"p{i}_{V}[{'u' if units > 1 else 0}][{'j' if k > 1 else 0}]"


def parameters(inputs: InputLayers, dtype: str) -> list[tuple[str, str]]:
    """The arrays of the input layers, as what declares each and as its numbers."""
    arrays: list[tuple[str, str]] = []
    for i, layer in enumerate(inputs):
        if isinstance(layer, OfCodes):
            of_layer = {f"T{i}": layer.T.T}
        else:
            of_layer = {f"p{i}_{V}": values[..., 0] for V, values in layer.parameters.items()}
        for name, values in of_layer.items():
            rows = "\n".join(f"    {bracketed((real(v, dtype) for v in row), '    ', '{}')}," for row in values)
            units, k = values.shape
            arrays.append((f"static const {REALS[dtype]} {name}[{units}][{k}]", f"{{\n{rows}\n}}"))
    return arrays
