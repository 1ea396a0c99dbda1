"""A model as an ONNX file, from the columns of a table to labels, probabilities or numbers.

Inputs, one for each column that the model uses, named like it, each (N, 1):

    number, boolean   double; NaN where missing, booleans as 1 and 0
    date              double: days since 1970-01-01 (UTC), the time of day as a fraction; NaN where missing
    category          string; "" where missing, as is any of the spellings of a missing value that the model has

Outputs of a classification are ``label`` (N,), as text, int64, bool or double like the classes, and ``probabilities``
(N, K), double; of a regression ``predicted`` (N,), or (N, K) of K quantiles, double. Where a column has such a name, a
number stands behind it.

Preprocessing is in float64, the layers in the dtype of the network. The graph cannot refuse what ``Model.predict``
refuses: a gap in a column that takes none gives NaN (and the label of NaN means nothing), and an infinite number, or
one absurdly far out, gives something. Days lose digits with the distance from 1970: more than 285 years from it, the
last microsecond before midnight may count as midnight.

Any runtime that has the operators can run it; with onnxruntime, networks in float64 need version 1.18 or later (those
before merge a layer and its activation into an operator that they lack in float64, unless told not to optimise).
"""

import json
from itertools import accumulate, count, islice
from math import nan

import numpy as np

from chainrule.data.category_features import CategoryFeatures
from chainrule.data.columns import as_numbers
from chainrule.data.encoding import Encoder
from chainrule.data.gaps import Gaps
from chainrule.data.numeric_features import NumericFeatures
from chainrule.errors import RequestError
from chainrule.export.formulas import layers
from chainrule.formulas.calibration import LEAST
from chainrule.ir import Expression, Tracer
from chainrule.model import Model

try:
    from onnx import ModelProto, TensorProto, ValueInfoProto, helper
except ImportError as absent:
    raise RequestError(
        "an ONNX file is written with the package onnx, which is not installed: pip install onnx."
    ) from absent

from chainrule.export.onnx_graph import OnnxGraph
from chainrule.export.onnx_inputs import first_layer
from chainrule.export.onnx_scales import scaled
from chainrule.export.text import used

# The first with LessOrEqual and GreaterOrEqual; all else is in it or before. May 2020, onnx 1.7 and onnxruntime 1.3,
# which read format (IR) 7. LabelEncoder is from version 2 of the operators for machine learning.
OPSET, IR, ML_OPSET = 12, 7, 2
MAX_BYTES = 2**31 - 1  # of one protocol buffer
INPUTS = {
    "number": (TensorProto.DOUBLE, "a number; NaN where missing"),
    "boolean": (TensorProto.DOUBLE, "1 for true, 0 for false, NaN where missing"),
    "date": (TensorProto.DOUBLE, "days since 1970-01-01 UTC, the time of day as a fraction; NaN where missing"),
    "category": (TensorProto.STRING, 'text; "" where missing'),
}
LABELS = {
    "text": (TensorProto.STRING, object),
    "boolean": (TensorProto.BOOL, np.bool_),
    "integer": (TensorProto.INT64, np.int64),
    "number": (TensorProto.DOUBLE, np.float64),
}


def content(model: Model) -> bytes:
    """The bytes of the file. RequestError: as ``to_onnx``."""
    return to_onnx(model).SerializeToString(deterministic=True)


def to_onnx(model: Model) -> ModelProto:
    """The model in ONNX, as the module says.

    RequestError: a custom function that cannot be written in ONNX; more parameters than such a file holds.

    >>> import chainrule
    >>> model = chainrule.train({"dose": [1, 2, 3, 4] * 20, "cured": ["no", "no", "yes", "yes"] * 20}, "cured")
    >>> proto = to_onnx(model)
    >>> [value.name for value in proto.graph.input], [value.name for value in proto.graph.output]
    (['dose'], ['label', 'probabilities'])
    """
    from chainrule import __version__

    if model.theta.nbytes > MAX_BYTES:
        raise RequestError(
            f"an ONNX file holds at most 2 GiB, and the parameters alone are {model.theta.nbytes} bytes."
        )
    kinds = {part.column: part.kind for part in used(model.encoder)}
    graph = OnnxGraph(taken=kinds)
    A = _features(graph, model.encoder, model.network.dtype, "X" if model.network.inputs else "A[0]")
    if model.network.inputs:
        A = first_layer(graph, model, A, [_code(graph, part, model.encoder.gaps) for part in model.encoder.lookups])
    p = model.parameters
    for l, formula in enumerate(layers(model.network, model.functions), start=1):
        W, b = graph.constant(p.W[l], f"W[{l}]"), graph.constant(p.b[l][:, 0], f"b[{l}]")
        Z = graph.node("Gemm", A, W, b, transB=1, name=f"Z[{l}]")
        (A,) = graph.write([formula], Z, [f"A[{l}]"])
    answers = _numbers(graph, model, A) if model.target.task == "regression" else _classes(graph, model, A)
    domains = {"": OPSET, "ai.onnx.ml": ML_OPSET} if "category" in kinds.values() else {"": OPSET}
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "chainrule",
            [
                helper.make_tensor_value_info(name, INPUTS[kind][0], ["N", 1], INPUTS[kind][1])
                for name, kind in kinds.items()
            ],
            answers,
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in domains.items()],
        ir_version=IR,
        producer_name="chainrule",
        producer_version=__version__,
        doc_string=f"Predicts {model.target.name!r} from {len(kinds)} columns: {model.target.task}.",
    )
    helper.set_model_props(proto, _properties(model, kinds))
    return proto


def _properties(model: Model, kinds: dict[str, str]) -> dict[str, str]:
    """What a reader of the file may want to know of the model, each as JSON."""
    properties = {
        "columns": kinds,
        "target": model.target.name,
        "task": model.target.task,
        "classes": model.target.classes,
        "features": model.encoder.feature_names,
        "network": model.network.to_dict(),
    }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in properties.items()}


def _features(graph: OnnxGraph, encoder: Encoder, dtype: str, name: str) -> str:
    """A[0] or X, as ``name`` says: the numbers of all columns scaled at once, which were missing, the categories."""
    pieces: list[str] = []
    gap_numbers = as_numbers(encoder.gaps.numbers)
    numeric = [part for part in encoder.parts if isinstance(part, NumericFeatures)]
    scales = [scale for part in numeric for scale in part.scales]
    starts = accumulate((len(part.scales) for part in numeric), initial=0)
    gaps = [start for start, part in zip(starts, numeric, strict=False) if part.indicator]
    if numeric:
        values = graph.node(
            "Concat", *(v for part in numeric for v in _values(graph, part, gap_numbers)), axis=1, name="values"
        )
        missing = graph.node("IsNaN", values, name="missing")
        fill = graph.constant(np.array([nan if s.fill is None else s.fill for s in scales]), "fill")
        filled = graph.node("Where", missing, fill, values, name="filled")
        pieces.append(graph.cast(scaled(graph, filled, scales), dtype))
        if gaps:
            pieces.append(graph.cast(graph.columns(missing, gaps), dtype))
    pieces += [
        _levels(graph, part, encoder.gaps, dtype) for part in encoder.parts if isinstance(part, CategoryFeatures)
    ]
    of_values, of_gaps, of_levels = count(), count(len(scales)), count(len(scales) + len(gaps))
    places: list[int] = []  # in what was put together, of each feature of the encoder
    for part in encoder.parts:
        if isinstance(part, NumericFeatures):
            places += [*islice(of_values, len(part.scales)), *islice(of_gaps, int(part.indicator))]
        else:
            places += islice(of_levels, len(part.names))
    if not pieces:
        return ""
    if places == sorted(places):
        return graph.node("Concat", *pieces, axis=1, name=name)
    return graph.columns(graph.node("Concat", *pieces, axis=1), places, name)


def _values(graph: OnnxGraph, part: NumericFeatures, gaps: list[float]) -> list[str]:
    """The numbers that a value stands for, (N, 1) each: one, or four for a date; NaN for numbers that mean a gap."""
    if part.kind != "date":
        value = part.column
        for gap in gaps:
            value = graph.node("Where", graph.node("Equal", value, graph.number(gap)), graph.number(nan), value)
        return [value]
    calendar = _calendar(Tracer("float64").symbol("days"))
    return [*graph.write(calendar, part.column, part.names[: len(calendar)]), part.column]


def _calendar(days: Expression) -> list[Expression]:
    """Year, month and day of the week (Monday is 0) from the days since 1970-01-01, Gregorian at all times.

    Hinnant 2014, chrono-Compatible Low-Level Date Algorithms, ``civil_from_days``: years begin in March here, so that
    the day a leap year has more is the last one.
    """
    floor = days.trace.floor

    def whole(x: Expression, y: float) -> Expression:
        """Floor of x / y for integers; the half keeps rounding, here of x times 1/y, away from the next one."""
        return floor((x + 0.5) / y)

    day = floor(days)
    since = day + 719_468.0  # days from 0000-03-01
    era = whole(since, 146_097.0)  # of 400 years
    of_era = since - 146_097.0 * era
    leap = whole(of_era, 1_460.0) - whole(of_era, 36_524.0) + whole(of_era, 146_096.0)
    year = whole(of_era - leap, 365.0)
    of_year = of_era - (365.0 * year + whole(year, 4.0) - whole(year, 100.0))
    month = whole(5.0 * of_year + 2.0, 153.0)  # March is 0
    next_year = whole(month, 10.0)  # 1 in January and February
    thursday = day + 3.0  # 1970-01-01 was one
    return [400.0 * era + year + next_year, month + 3.0 - 12.0 * next_year, thursday - 7.0 * whole(thursday, 7.0)]


def _levels(graph: OnnxGraph, part: CategoryFeatures, gaps: Gaps, dtype: str) -> str:
    """1 in the column of its level, else 0, (N, levels): no column is number -1."""
    rare = len(part.levels) if part.pooled else -1
    gap = len(part.names) - 1 if part.gaps else -1
    place = _place(graph, part, gaps, 0, gap, rare)
    return graph.cast(graph.node("Equal", place, graph.number(range(len(part.names)), "int64")), dtype)


def _code(graph: OnnxGraph, part: CategoryFeatures, gaps: Gaps) -> str:
    """The code of its level, (N, 1)."""
    return _place(graph, part, gaps, 1, len(part.levels) + 1 if part.gaps else 0, 0)


def _place(graph: OnnxGraph, part: CategoryFeatures, gaps: Gaps, first: int, gap: int, other: int) -> str:
    """A number for each level, from the ``first`` on, for a gap, and for any other text, (N, 1)."""
    missing = ["", *part.spelled_gaps(gaps)]
    return graph.node(
        "LabelEncoder",
        part.column,
        keys_strings=[*part.levels, *missing],
        values_int64s=[*range(first, first + len(part.levels)), *[gap] * len(missing)],
        default_int64=other,
        domain="ai.onnx.ml",
        name=f"{part.column} level",
    )


def _classes(graph: OnnxGraph, model: Model, A: str) -> list[ValueInfoProto]:
    """The outputs ``label`` and ``probabilities``; these as ``chainrule.formulas.metrics.probabilities`` has them."""
    K, A, one = len(model.target.classes), graph.cast(A, "float64"), graph.number(1.0)
    calibration = model.outputs.calibration
    name = "probabilities" if calibration is None else None
    if model.outputs.units == 1:
        P = graph.node("Concat", graph.node("Sub", one, A), A, axis=1, name=name)
    else:
        total = graph.node("ReduceSum", A, axes=[1])
        silent = graph.node("LessOrEqual", total, graph.number(0.0))  # NaN is not, and stays NaN
        shares = graph.node("Div", A, graph.node("Where", silent, one, total))
        P = graph.node("Where", silent, graph.number(1.0 / K), shares, name=name)
    if calibration is not None:
        P = _calibrated(graph, P, K, *calibration)
    of_type, dtype = LABELS[model.target.value_type]
    classes = graph.constant(np.array(model.target.classes, dtype), "classes")
    label = graph.node("Gather", classes, graph.node("ArgMax", P, axis=1, keepdims=0), axis=0, name="label")
    return [
        helper.make_tensor_value_info(label, of_type, ["N"]),
        helper.make_tensor_value_info(P, TensorProto.DOUBLE, ["N", K]),
    ]


def _calibrated(graph: OnnxGraph, P: str, K: int, tau: float, smoothing: float) -> str:
    """Probabilities as ``chainrule.formulas.calibration.calibrated`` has them."""
    least = graph.number(LEAST)
    a = graph.node("Log", graph.node("Where", graph.node("Less", P, least), least, P))
    below = graph.node("Sub", a, graph.node("ReduceMax", a, axes=[1]))
    e = graph.node("Exp", graph.node("Mul", graph.number(tau), below))
    p = graph.node("Div", graph.node("Mul", graph.number(1.0 - smoothing), e), graph.node("ReduceSum", e, axes=[1]))
    return graph.node("Add", p, graph.number(smoothing / K), name="probabilities")


def _numbers(graph: OnnxGraph, model: Model, A: str) -> list[ValueInfoProto]:
    """The output ``predicted``, in the unit of the target: (N,), or (N, K) of K quantiles."""
    K = model.outputs.units
    scale, shift = graph.number(model.outputs.scale), graph.number(model.outputs.shift)
    numbers = graph.cast(A, "float64")
    if K == 1:
        numbers = graph.columns(numbers, 0)
    bounds = model.outputs.bounds
    in_unit = graph.node("Add", graph.node("Mul", numbers, scale), shift, name="predicted" if bounds is None else None)
    predicted = in_unit
    if bounds is not None:
        predicted = graph.clip(in_unit, *map(graph.number, bounds), name="predicted")
    return [helper.make_tensor_value_info(predicted, TensorProto.DOUBLE, ["N"] if K == 1 else ["N", K])]
