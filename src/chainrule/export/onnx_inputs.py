"""Input layers as nodes of an ONNX graph: A[0] of the numbers X and of codes."""

from collections.abc import Sequence

from chainrule.export.onnx_graph import OnnxGraph
from chainrule.export.traced_inputs import OfCodes, OfNumbers, input_layers
from chainrule.model import Model


def first_layer(graph: OnnxGraph, model: Model, X: str, codes: Sequence[str]) -> str:
    """A[0], (N, n[0]), of X (N, numbers) and of columns of codes, (N, 1) each."""
    inputs, handed_on = input_layers(model), model.network.columns.handed_on
    pieces: list[str] = []
    for i, layer in enumerate(inputs):
        if isinstance(layer, OfCodes):
            T = graph.constant(layer.T.T, f"inputs[{i}].T")
            code = graph.columns(codes[layer.layer.columns[0]], 0)
            pieces.append(graph.node("Gather", T, code, axis=0))
        else:
            pieces += _of_numbers(graph, i, layer, X)
    if handed_on:
        pieces.append(graph.columns(X, handed_on))
    return graph.node("Concat", *pieces, axis=1, name="A[0]")


def _of_numbers(graph: OnnxGraph, i: int, layer: OfNumbers, X: str) -> list[str]:
    """The parts that a layer makes: of x (N, 1, k) and parameters (units, k), (N, units, k); each as (N, units k)."""
    columns = layer.layer.columns
    x = graph.node("Unsqueeze", graph.columns(X, columns), axes=[1])
    p = {V: graph.constant(values[..., 0], f"inputs[{i}].{V}") for V, values in layer.parameters.items()}
    e = graph.write([part.e for part in layer.parts], x, [None] * len(layer.parts), p)
    flat = (graph.number([0, part.units * len(columns)], "int64") for part in layer.parts)  # 0: as many rows
    return [graph.node("Reshape", value, shape) for value, shape in zip(e, flat, strict=True)]
