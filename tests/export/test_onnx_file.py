"""ONNX files, run by onnxruntime: what they answer is what the model answers, and A[0] is what its encoder makes."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from chainrule import RequestError, train
from chainrule.data.category_features import CategoryFeatures
from chainrule.engines.reference import Reference
from chainrule.export import export, onnx_file
from chainrule.export.onnx_file import content, to_onnx
from chainrule.export.onnx_graph import OnnxGraph
from chainrule.formulas.activations import Activation
from chainrule.ir import Tracer
from chainrule.recipe import Recipe
from tests.export.models import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    GAPS,
    KINDS,
    OWN,
    TABLE,
    UNSEEN,
    model,
    strange,
    strange_rows,
    with_activation,
    with_gaps,
    with_loss,
)

# In shares of the largest answer, or of the target's scale where that is larger; 5e-7 and 8e-16 were measured.
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
DTYPES = list(TOLERANCE)
EXAMPLES = Path(__file__).parents[2] / "examples"
# A double cannot hold so many days to the microsecond.
FAR_OUT = UNSEEN | {"seen": [text if text is None else text.removesuffix(".999999") for text in UNSEEN["seen"]]}
TABLES = {"seen": TABLE, "unseen": FAR_OUT}


def runs(proto):
    onnx.checker.check_model(proto, full_check=True)
    return onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])


def inputs(model, table):
    """The columns as a user hands them over."""
    made = {}
    for part in (*model.encoder.parts, *model.encoder.lookups):
        cells = table[part.column]
        if isinstance(part, CategoryFeatures):
            values = np.array(["" if cell is None else cell for cell in cells], object)
        elif part.kind == "date":
            moments = np.array(["NaT" if cell is None else cell for cell in cells], "M8[us]")
            values = (moments - np.datetime64(0, "us")) / np.timedelta64(1, "D")
        else:
            values = np.array([np.nan if cell is None else cell for cell in cells], np.float64)
        made[part.column] = values[:, None]
    return made


def expected(model, table):
    """What the reference engine answers: probabilities or numbers."""
    A_L = Reference(model.network, Recipe(), model.functions).predict(model.theta, *model.rows(model.read(table)))
    return model.outputs.probabilities(A_L) if model.target.task == "classification" else model.outputs.numbers(A_L)


def assert_close(model, answer, right):
    """As close as the dtype allows to the largest of the answers, or to the target's scale."""
    assert answer.dtype == np.float64
    assert answer.shape == right.shape
    shift, scale = model.outputs.shift, model.outputs.scale
    size = max(1.0, np.abs((right - shift) / scale).max()) * scale
    assert np.abs(answer - right).max() <= TOLERANCE[model.network.dtype] * size


def assert_answers(model, table, right=None):
    answers = runs(to_onnx(model)).run(None, inputs(model, table))
    assert_close(model, answers[-1], expected(model, table) if right is None else right)
    if model.target.task == "classification":
        assert answers[0].tolist() == model.target.labels(answers[1].argmax(axis=1))
    return answers


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_the_models(kind, table):
    subject, rows = model(kind), TABLES[table]
    if subject.target.task == "regression":
        assert_answers(subject, rows, subject.predict(rows))
    else:
        labels, _ = assert_answers(subject, rows, subject.predict_proba(rows))
        assert labels.tolist() == subject.predict(rows).tolist()


def test_what_spells_a_missing_value_is_missing():
    assert_answers(with_gaps(), GAPS, with_gaps().predict(GAPS))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_every_activation(activation, dtype):
    assert_answers(with_activation(activation, dtype), TABLE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_every_loss(loss, dtype):
    assert_answers(with_loss(loss, dtype), TABLE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OWN)
def test_functions_of_ones_own(name, dtype):
    assert_answers(with_activation(name, dtype, OWN), TABLE)


@pytest.mark.parametrize(
    ("file", "target", "drop"),
    [("penguins", "species", ()), ("auto_mpg", "mpg", ("name",)), ("breast_cancer", "diagnosis", ())],
)
def test_example_tables(file, target, drop):
    path = EXAMPLES / f"{file}.csv"
    subject = train(path, target, drop=drop, epochs=3, hidden=(16, 8))
    table = subject.read(path)
    answers = assert_answers(subject, table.to_pydict())
    if target != "mpg":
        assert answers[0].tolist() == subject.predict(path).tolist()


def features(subject, table):
    proto = to_onnx(subject)
    of_type = helper.np_dtype_to_tensor_dtype(np.dtype(subject.network.dtype))
    proto.graph.output.append(helper.make_tensor_value_info("A[0]", of_type, ["N", subject.network.n[0]]))
    return runs(proto).run(["A[0]"], inputs(subject, table))[0]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ["classes", "regression64"])
def test_features_have_the_bits_of_the_encoder(kind, table):
    subject = model(kind)
    right = subject.encoder.transform(subject.read(TABLES[table])).astype(subject.network.dtype)
    assert features(subject, TABLES[table]).tobytes() == right.tobytes()


def test_dates_of_ten_thousand_years():
    """Year, month, day of the week and day, to the bit: on random days, at the ends of years, and on leap days."""
    rng = np.random.default_rng(0)
    years = [century + y for century in range(100, 9900, 100) for y in (0, 1, 3, 4)]
    ends = [f"{y:04d}-{day}" for y in years for day in ("01-01", "02-28", "03-01", "12-31")]
    days = np.concatenate([rng.integers(-700_000, 2_900_000, 5000), np.array(ends, "M8[D]").astype(np.int64)])
    moments = days.astype("M8[D]") + rng.integers(0, 86_400, days.shape).astype("m8[s]")
    table = {"seen": moments.astype(str).tolist(), "y": rng.normal(size=len(days)).tolist()}
    subject = train(table, "y", dtype="float64", hidden=(), epochs=1)
    right = subject.encoder.transform(subject.read(table))
    assert features(subject, table).tobytes() == right.tobytes()


ONE_KIND = {
    "numbers without gaps": {"x": [0.5, 1.0, 2.0, 4.0] * 5, "z": [3, 1, 4, 1, 5] * 4},
    "levels without rare ones": {"x": ["a", "b", "c", "a"] * 5},
    "levels with rare ones": {"x": ["a", "b", "rare", "a", *["a", "b"] * 8]},
    "levels with gaps": {"x": ["a", "b", None, "a"] * 5},
    "rare levels alone": {"x": ["a", "b", *[None] * 18]},
    "booleans": {"x": [True, False, None, True] * 5},
}
STRANGERS = {"x": ["a", "b", "c", "rare", "new", "", None]}


@pytest.mark.parametrize("name", ONE_KIND)
def test_tables_of_one_kind_of_column(name):
    table = ONE_KIND[name] | {"y": ["yes", "no", "no", "yes"] * 5}
    subject = train(table, "y", hidden=(3,), epochs=1)
    for rows in (table, STRANGERS if "levels" in name else {c: [None, 1.0, 0.0] for c in table}):
        right = subject.encoder.transform(subject.read(rows)).astype(np.float32)
        assert features(subject, rows).tobytes() == right.tobytes()
        assert_answers(subject, rows)


def test_one_row_answers_as_among_many():
    subject = model("classes")
    session, columns = runs(to_onnx(subject)), inputs(subject, TABLE)
    _, P = session.run(None, columns)
    for i in range(0, len(P), 7):
        _, alone = session.run(None, {name: values[i : i + 1] for name, values in columns.items()})
        np.testing.assert_allclose(alone, P[i : i + 1], rtol=0.0, atol=TOLERANCE["float32"])
    labels, none = session.run(None, {name: values[:0] for name, values in columns.items()})
    assert (labels.shape, none.shape) == ((0,), (0, 3))


@pytest.mark.parametrize(
    ("classes", "value_type", "dtype"),
    [
        (["b", "a"], "text", object),
        ([7, 3], "integer", np.int64),
        ([2**53, 0], "integer", np.int64),
        ([True, False], "boolean", np.bool_),
        ([0.5, -1.5], "number", np.float64),
    ],
)
def test_labels_are_of_the_type_of_the_classes(classes, value_type, dtype):
    table = {"x": [0.5, 1.0, 2.0, 4.0] * 5, "y": [classes[i % 2] for i in range(20)]}
    subject = train(table, "y", task="classification", hidden=(), epochs=1)
    labels, _ = assert_answers(subject, table)
    assert (subject.target.value_type, labels.dtype) == (value_type, dtype)
    assert labels.tolist() == subject.predict(table).tolist()


def test_strange_names():
    labels, _ = assert_answers(strange(), strange_rows())
    assert labels.tolist() == strange().predict(strange_rows()).tolist()


def test_columns_that_are_called_as_values_are():
    names = ["label", "probabilities", "predicted", "A[0]", "Z[1]", "W[1]", "values", "Add", "classes", "1.0 float64"]
    rng = np.random.default_rng(0)
    table = {name: rng.normal(size=30).tolist() for name in names}
    for target, given in {"y": ["a", "b", "c"] * 10, "n": rng.normal(size=30).tolist()}.items():
        subject = train(table | {target: given}, target, hidden=(3,), epochs=1)
        session = runs(to_onnx(subject))
        assert [i.name for i in session.get_inputs()] == names
        assert_answers(subject, table)
    assert [o.name for o in session.get_outputs()] == ["predicted 2"]


def test_outputs_that_are_all_0_give_each_class_the_same():
    """K sigmoids of -300 are 0 in float32."""
    subject = model("k_sigmoids")
    theta = np.zeros_like(subject.theta)
    theta[-3:] = -300.0
    _, P = assert_answers(replace(subject, theta=theta), TABLE)
    assert (P == 1.0 / 3.0).all()


def test_a_gap_that_is_refused_elsewhere_gives_nan():
    subject = model("regression")
    mass = subject.encoder.parts[0]
    refusing = replace(mass, scales=(replace(mass.scales[0], fill=None),))
    encoder = replace(subject.encoder, parts=(refusing, *subject.encoder.parts[1:]))
    (answer,) = runs(to_onnx(replace(subject, encoder=encoder))).run(None, inputs(subject, TABLE))
    gaps = np.array([cell is None for cell in TABLE["mass"]])
    assert np.isnan(answer[gaps]).all()
    assert_close(subject, answer[~gaps], subject.predict(TABLE)[~gaps])


# expressions


def value(formula, Z, rows=None):
    """What a graph of one formula (xp, Z) makes of Z, (N, n)."""
    trace = Tracer(str(Z.dtype))
    A = formula(trace, trace.symbol("Z", rows=rows))
    if A.dtype == "bool":
        A = trace.where(A, 1.0, 0.0)
    graph = OnnxGraph(taken=["Z"])
    (name,) = graph.write([trace.cast(A, trace.dtype)], "Z", ["A"])
    graph.node("Identity", name, name="answer")
    ends = [
        [helper.make_tensor_value_info(end, helper.np_dtype_to_tensor_dtype(Z.dtype), ["N", None])]
        for end in ("Z", "answer")
    ]
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "formula", *ends, graph.constants),
        opset_imports=[helper.make_opsetid("", onnx_file.OPSET)],
        ir_version=onnx_file.IR,
    )
    return runs(proto).run(None, {"Z": Z})[0]


inf, nan = np.inf, np.nan
SPECIAL = [
    [nan, inf, -inf, 0.0],
    [-0.0, 0.5, 1.5, 2.5],
    [-0.5, -1.5, -1.0, 1.0],
    [-2.0, 3.7, -3.7, 1e-30],
    [2000.0, 0.25, -2000.0, 1e30],
]
OPERATIONS = {
    "add, sub, mul, div": lambda xp, Z: (Z + 2.0) * (1.0 - Z) / (Z + 3.25),
    "neg, abs": lambda xp, Z: -Z + abs(Z),
    "sqrt": lambda xp, Z: xp.sqrt(Z),
    "floor": lambda xp, Z: xp.floor(Z),
    "rint": lambda xp, Z: xp.rint(Z),
    "exp": lambda xp, Z: xp.exp(Z),
    "expm1": lambda xp, Z: xp.expm1(Z),
    "log": lambda xp, Z: xp.log(Z),
    "log1p": lambda xp, Z: xp.log1p(Z),
    "tanh": lambda xp, Z: xp.tanh(Z),
    "sign": lambda xp, Z: xp.sign(Z),
    "relu": lambda xp, Z: xp.maximum(Z, 0.0),
    "maximum": lambda xp, Z: xp.maximum(Z, 0.5 * Z),
    "maximum of 0": lambda xp, Z: xp.maximum(0.0, Z),
    "minimum": lambda xp, Z: xp.minimum(Z, 0.7),
    "comparisons": lambda xp, Z: (Z < 1.0) * 1.0 + (Z <= 1.0) * 2.0 + (Z > 1.0) * 4.0 + (Z >= 1.0) * 8.0,
    "equality": lambda xp, Z: (Z == 1.5) * 1.0 + (Z != 1.5) * 2.0,
    "logic": lambda xp, Z: ((Z > 0.0) & (Z < 2.0)) | ~(Z < 3.0),
    "sums of booleans": lambda xp, Z: ((Z > 0.0) + (Z < 2.0)) * Z + ((Z > 0.0) * (Z < 2.0)) * 2.0,
    "where": lambda xp, Z: xp.where(Z > 0.0, Z, 7.0),
    "where of booleans": lambda xp, Z: xp.where(Z > 0.0, Z < 1.0, Z > -1.0),
    "booleans that are equal": lambda xp, Z: ((Z > 0.0) != (Z < 1.0)) & ((Z > -1.0) == (Z < 2.0)),
    "numbers of float64": lambda xp, Z: Z * (xp.exp(-0.5) + np.pi),
    "the symbol": lambda xp, Z: Z,
    "a constant": lambda xp, Z: xp.ones_like(Z) * 0.25,
    "sum": lambda xp, Z: Z / xp.sum(Z * Z, axis=0, keepdims=True),
    "max": lambda xp, Z: Z - xp.max(Z, axis=0, keepdims=True),
    "softmax": lambda xp, Z: exp_from(xp, Z, Z) / total(xp, exp_from(xp, Z, Z)),
    "softmax that overflows": lambda xp, Z: exp_from(xp, Z, 0.5 * Z) / total(xp, exp_from(xp, Z, 0.5 * Z)),
    "shares of another sum": lambda xp, Z: exp_from(xp, Z, Z) / total(xp, exp_from(xp, 0.5 * Z, Z)),
    "outputs": lambda xp, Z: Z[1:2, :] * Z + Z[-1:, :],
    "stack": lambda xp, Z: xp.concat([Z[0:1, :], xp.zeros_like(Z[1:2, :]), xp.exp(Z[2:3, :]), Z[0:1, :]], axis=0),
}


def exp_from(xp, Z, other):
    """exp(Z - max(other))."""
    return xp.exp(Z - xp.max(other, axis=0, keepdims=True))


def total(xp, E):
    return xp.sum(E, axis=0, keepdims=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_numpys(name, dtype):
    Z = np.array(SPECIAL, dtype)
    with np.errstate(all="ignore"):
        right = np.broadcast_to(OPERATIONS[name](np, Z.T), Z.T.shape).T.astype(dtype)
    np.testing.assert_allclose(value(OPERATIONS[name], Z, rows=4), right, rtol=8.0 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["expm1", "log1p"])
def test_small_arguments_keep_their_digits(name, dtype):
    """exp(x) - 1 and log(1 + x) as they stand have none left of 1e-9 in float32."""
    size = np.geomspace(1e-30, 0.9, 2001)
    x = np.concatenate([-size, size, 10.0 * size]).astype(dtype)[:, None]
    right = getattr(np, name)(x.astype(np.longdouble))
    answer = value(lambda xp, Z: getattr(xp, name)(Z), x)
    assert float(np.abs(answer / right - 1.0).max()) <= 6.0 * np.finfo(dtype).eps


def test_one_operator_where_onnx_has_one():
    found = [node.op_type for node in to_onnx(model("classes")).graph.node]
    assert (found.count("Relu"), found.count("Softmax"), found.count("Exp"), found.count("Max")) == (2, 1, 0, 0)


# the file


def test_another_runtime_agrees():
    """onnx's own evaluator, which is NumPy, knows the operators by their specification alone."""
    subject = model("classes")
    labels, P = ReferenceEvaluator(to_onnx(subject)).run(None, inputs(subject, FAR_OUT))
    assert_close(subject, P, expected(subject, FAR_OUT))
    assert labels.tolist() == subject.predict(FAR_OUT).tolist()


def test_the_file_describes_itself():
    proto = to_onnx(model("classes"))
    properties = {entry.key: json.loads(entry.value) for entry in proto.metadata_props}
    kinds = {"mass": "number", "count": "number", "tame": "boolean", "seen": "date", "island": "category"}
    assert properties["columns"] == kinds | {"zone": "category"}
    assert properties["classes"] == ["Adelie", 'Chin"strap\\\n*/', "Gentoo"]
    assert properties["features"] == model("classes").encoder.feature_names
    assert (properties["target"], properties["task"]) == ("species", "classification")
    assert (proto.producer_name, proto.ir_version) == ("chainrule", 7)
    assert {entry.domain: entry.version for entry in proto.opset_import} == {"": 12, "ai.onnx.ml": 2}
    assert "days since 1970-01-01" in proto.graph.input[3].doc_string


def test_without_categories_the_operators_for_machine_learning_are_not_asked_for(small):
    assert [entry.domain for entry in to_onnx(small).opset_import] == [""]


def test_export_writes_the_same_bytes_each_time(tmp_path):
    export(model("regression"), tmp_path / "price.onnx", "onnx")
    assert (tmp_path / "price.onnx").read_bytes() == content(model("regression"))
    session = onnxruntime.InferenceSession(tmp_path / "price.onnx", providers=["CPUExecutionProvider"])
    (answer,) = session.run(["predicted"], inputs(model("regression"), TABLE))
    assert_close(model("regression"), answer, model("regression").predict(TABLE))


# what is refused


@pytest.mark.parametrize(
    ("g", "reason"),
    [
        (lambda Z: np.maximum(Z > 0.0, Z < 1.0) * Z, "two booleans.*where"),
        (lambda Z: np.sin(Z), "mine.*sin"),
    ],
)
def test_functions_without_a_form(g, reason):
    own = {"mine": lambda xp: Activation(g, lambda Z, A: Z, "", "")}
    with pytest.raises(RequestError, match=reason):
        to_onnx(with_activation("mine", functions=own))


def test_without_onnx_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "chainrule.export.onnx_file")
    with pytest.raises(RequestError, match="pip install onnx"):
        export(model("classes"), tmp_path / "it.onnx", "onnx")
    assert not any(tmp_path.iterdir())


def test_more_than_a_file_holds(monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 100)
    with pytest.raises(RequestError, match="2 GiB"):
        to_onnx(model("classes"))
