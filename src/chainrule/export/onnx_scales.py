"""Numbers and parts of dates scaled, all columns at once, as nodes of an ONNX graph."""

from collections.abc import Sequence

import numpy as np

from chainrule.data.normal_scale import NormalScale
from chainrule.data.numeric_features import Scale
from chainrule.export.onnx_graph import OnnxGraph


def scaled(graph: OnnxGraph, filled: str, scales: Sequence[Scale | NormalScale]) -> str:
    """The features of values without gaps, (N, columns) each, in float64."""
    linear = {j: scale for j, scale in enumerate(scales) if isinstance(scale, Scale)}
    normal = {j: scale for j, scale in enumerate(scales) if isinstance(scale, NormalScale)}
    if not normal:
        return _standardized(graph, filled, [*linear.values()])
    scores = _normal_scores(graph, graph.columns(filled, [*normal]), [*normal.values()])
    if not linear:
        return scores
    features = _standardized(graph, graph.columns(filled, [*linear]), [*linear.values()])
    together = graph.node("Concat", features, scores, axis=1)
    return graph.columns(together, np.argsort([*linear, *normal]), name="numbers")


def _standardized(graph: OnnxGraph, values: str, scales: Sequence[Scale]) -> str:
    mean = graph.constant(np.array([s.mean for s in scales]), "mean")
    scale = graph.constant(np.array([s.scale for s in scales]), "scale")
    return graph.node("Div", graph.node("Sub", values, mean), scale, name="scaled")


def _normal_scores(graph: OnnxGraph, values: str, scales: Sequence[NormalScale]) -> str:
    """z of each value, by binary search in all columns at once.

    The knots of all columns stand one after the other, each padded with infinity to a power of two; ``k`` is the place
    there of the last knot at or below the value.
    """
    halvings = max(len(scale.knots) for scale in scales).bit_length()
    size = 2**halvings
    knots, z = np.full((len(scales), size), np.inf), np.empty((len(scales), size))
    for j, scale in enumerate(scales):
        count = len(scale.knots)
        knots[j, :count], z[j, :count], z[j, count:] = scale.knots, scale.z, scale.z[-1]
    ends = graph.number([s.knots[0] for s in scales]), graph.number([s.knots[-1] for s in scales])
    x = graph.clip(values, *ends)
    all_knots, all_z = graph.constant(knots.ravel(), "knots"), graph.constant(z.ravel(), "z")
    k = graph.number(np.arange(len(scales)) * size, "int64")
    for i in reversed(range(halvings)):
        step = graph.number(2**i, "int64")
        further = graph.node("GreaterOrEqual", x, graph.node("Gather", all_knots, graph.node("Add", k, step), axis=0))
        k = graph.node("Add", k, graph.node("Mul", graph.cast(further, "int64"), step))
    above = graph.node("Add", k, graph.number(1, "int64"))
    x_0, x_1 = (graph.node("Gather", all_knots, at, axis=0) for at in (k, above))
    z_0, z_1 = (graph.node("Gather", all_z, at, axis=0) for at in (k, above))
    part = graph.node("Div", graph.node("Sub", x, x_0), graph.node("Sub", x_1, x_0))
    return graph.node("Add", z_0, graph.node("Mul", part, graph.node("Sub", z_1, z_0)), name="normal scores")
