"""Input layers in every exported file: each row of INPUTS, alone and together, with parameters drawn at random."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from chainrule import RequestError, train
from chainrule.data.category_features import CategoryFeatures
from chainrule.engines.reference import Reference
from chainrule.export import FORMATS, content
from chainrule.formulas.input_layers import INPUTS, InputLayer, Parameter
from chainrule.formulas.turns import turns
from chainrule.inputs import Input
from chainrule.recipe import Recipe
from tests.export import models, test_c_file, test_numpy_file, test_onnx_file
from tests.export.models import BOTH, TABLE
from tests.input_layers import IS_FOR_NUMBERS, SPECS

DTYPES = ["float32", "float64"]
ROWS = {name: spec for name, spec in SPECS.items() if IS_FOR_NUMBERS[name]}
OF_CODES = {name: spec for name, spec in SPECS.items() if not IS_FOR_NUMBERS[name]}


def encoded(base, looked_up, numbers=True):
    """The encoder of a model, its categories looked up or not, with the other columns or without them."""
    parts = base.encoder.parts
    categories = tuple(part for part in parts if isinstance(part, CategoryFeatures)) if looked_up else ()
    return replace(
        base.encoder, parts=tuple(p for p in parts if p not in categories) if numbers else (), lookups=categories
    )


def with_inputs(base, inputs, looked_up=False, numbers=True, dtype="float32", seed=1):
    """The model with these input layers, and parameters drawn at random; the reference engine says what is right."""
    encoder = encoded(base, looked_up, numbers)
    taken = sum(len(layer.columns) for layer in inputs if layer.takes_numbers)
    n_0 = sum(layer.width for layer in inputs) + len(encoder.feature_names) - taken
    network = replace(base.network, n=(n_0, *base.network.n[1:]), inputs=tuple(inputs), dtype=dtype, activation="tanh")
    theta = np.random.default_rng(seed).normal(scale=0.6, size=network.size).astype(dtype)
    made = replace(base, encoder=encoder, network=network, theta=theta)
    vars(made)["engine"] = Reference(network, Recipe())
    return made


def levels(q):
    """How many codes a column that is looked up has."""
    return encoded(models.model("classes"), looked_up=True).levels[q]


@cache
def model(case, dtype):
    """A model of one of CASES."""
    kind, inputs, options = CASES[case]
    return with_inputs(models.model(kind), inputs(), dtype=dtype, **options)


# By name: the kind of model, its layers, and how its columns are encoded.
CASES = {}
for _name, _spec in ROWS.items():
    CASES[_name] = ("regression", lambda spec=_spec: [Input(spec, tuple(range(19)))], {})
    CASES[f"{_name}, columns handed on"] = ("classes", lambda spec=_spec: [Input(spec, (8, 0, 2))], {})
    CASES[f"{_name}, twice"] = ("binary", lambda spec=_spec: [Input(spec, (0, 1, 2)), Input(spec, (5,))], {})
for _name, _spec in OF_CODES.items():

    def _both(spec=_spec):
        return [Input(spec, (1,), levels(1)), Input(spec, (0,), levels(0))]

    CASES[_name] = ("classes", _both, {"looked_up": True})
    CASES[f"{_name}, nothing else"] = ("regression", _both, {"looked_up": True, "numbers": False})
CASES["all together"] = (
    "regression",
    lambda: [
        *(Input(spec, (7 - 2 * i, 2 * i)) for i, spec in enumerate(ROWS.values())),
        *(Input(spec, (q,), levels(q)) for q, spec in enumerate([*OF_CODES.values()] * 2)),
    ],
    {"looked_up": True},
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_the_python_file_answers_as_the_model_does(case, dtype):
    made = model(case, dtype)
    file = test_numpy_file.loaded(made)
    test_numpy_file.assert_same(file, made, BOTH)
    read = file["features"](BOTH)
    X, codes = made.rows(made.read(BOTH))
    np.testing.assert_array_equal(read[0] if codes is not None else read, X.T)
    if codes is not None:
        np.testing.assert_array_equal(read[1], codes.T)
    A = file["forward"](*(read if codes is not None else [read]))
    assert A.dtype == dtype


@test_c_file.needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_c_file_answers_as_the_model_does(dtype, tmp_path):
    compiled = test_c_file.Compiled([(case, model(case, dtype)) for case in CASES], tmp_path, "-O1")
    for case in CASES:
        test_c_file.assert_same(compiled(case, BOTH), model(case, dtype), BOTH, case)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_the_onnx_file_answers_as_the_model_does(case, dtype):
    made = model(case, dtype)
    for table in test_onnx_file.TABLES.values():
        test_onnx_file.assert_answers(made, table)
    session = test_onnx_file.runs(test_onnx_file.to_onnx(made))
    none = {name: values[:0] for name, values in test_onnx_file.inputs(made, TABLE).items()}
    assert len(session.run(None, none)[-1]) == 0


@test_c_file.needs_compiler
def test_a_trained_model_is_written(tmp_path):
    """As a user has it: chosen by name for a table, trained and answered by the compiled engine."""
    table = {name: TABLE[name] for name in (*models.NAMES, "species")}
    options = {"hidden": (6,), "epochs": 5, "learning_rate": 0.05, "test_fraction": 0.0}
    made = train(table, "species", numeric_inputs="cosine(4)", category_inputs="lookup(3)", **options)
    assert [layer.layer for layer in made.network.inputs][1:] == ["lookup(d=3)"] * 2
    test_numpy_file.assert_same(test_numpy_file.loaded(made), made, BOTH)
    test_onnx_file.assert_answers(made, TABLE, made.predict_proba(TABLE))
    test_c_file.assert_same(test_c_file.Compiled([("trained", made)], tmp_path, "-O2")("trained", BOTH), made, BOTH)


@pytest.mark.parametrize("case", CASES)
def test_every_parameter_counts(case):
    """What an exported file leaves out would be seen: each block of an input layer changes the answers."""
    made = model(case, "float64")
    X, codes = made.rows(made.read(TABLE))
    right = made.engine.predict(made.theta, X, codes)
    for block in list(made.network.layout)[2 * made.network.L :]:
        theta = made.theta.copy()
        theta[block.place] = made.network.initial()[block.place]
        assert np.abs(made.engine.predict(theta, X, codes) - right).max() > 1e-3, block.name


def test_every_row_is_written():
    of_numbers, of_codes = {*ROWS}, {*OF_CODES}
    assert of_numbers | of_codes == {*INPUTS}
    assert all(name in CASES for name in INPUTS)


# Rows of one's own


def _of_numbers(parts, blocks, forward):
    """A row of which nothing but predictions is asked."""
    return InputLayer(
        takes="numbers",
        names=tuple(f"unit {u}" for u in range(sum(parts))),
        parts=parts,
        blocks=blocks,
        forward=forward,
        backward=None,
        inputs=None,
        equation="e = mine",
        slopes="",
        source="a test",
    )


def bent(xp):
    """Parts of one unit and of two, one without x; parameters the same for all columns or units, one of no effect."""

    def blocks(k):
        at = {"a": (2, 1, 1), "c": (1, k, 1), "d": (2, k, 1), "class": (1, 1, 1), "t1": (2, k, 1), "none": (1, 2, 1)}
        return {name: Parameter(shape, lambda *place: np.zeros(1)) for name, shape in at.items()}

    def forward(p, x):
        cos, sin = turns(xp, p["d"] * x)
        own = xp.where((x > p["c"]) & (x < 2.0), x, -0.5) / p["class"]
        waves = xp.where(x > p["a"], sin, 2.0 * cos) + p["t1"] * cos
        return own, waves, p["d"] + p["a"] + xp.zeros_like(x)

    return _of_numbers((1, 2, 2), blocks, forward)


def test_a_row_of_ones_own_is_written(monkeypatch, tmp_path):
    monkeypatch.setitem(INPUTS, "bent", bent)
    for dtype in DTYPES:
        made = with_inputs(models.model("regression"), [Input("bent", (0, 3, 2)), Input("bent", (8,))], dtype=dtype)
        test_numpy_file.assert_same(test_numpy_file.loaded(made), made, TABLE)
        test_onnx_file.assert_answers(made, TABLE)
        (tmp_path / dtype).mkdir()
        compiled = test_c_file.Compiled([("bent", made)], tmp_path / dtype, "-O2")
        test_c_file.assert_same(compiled("bent", TABLE), made, TABLE)


def _elementwise(forward, shape=None):
    def row(xp):
        def blocks(k):
            return {"s": Parameter(shape or (1, k, 1), lambda *place: np.ones(1))}

        return _of_numbers((1,), blocks, lambda p, x: (forward(xp, p, x),))

    return row


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize(
    ("name", "forward", "shape", "why"),
    [
        ("sorts", lambda xp, p, x: p["s"] * xp.sort(x), None, "sort is not among the functions"),
        ("sums", lambda xp, p, x: p["s"] * xp.sum(x, axis=-1, keepdims=True) + x, None, "it uses sum_examples"),
        ("tops", lambda xp, p, x: p["s"] * xp.max(x, axis=0, keepdims=True) + x, None, "it uses max_outputs"),
        ("asks", lambda xp, p, x: x if p["s"] > 0.0 else -x, None, "'if' asks for a value"),
        ("flat", lambda xp, p, x: p["s"] * x, (1,), r"its parameter s is \(1,\), not \(1, 2, 1\)"),
        ("high", lambda xp, p, x: p["s"] * x, (3, 2, 1), r"its parameter s is \(3, 2, 1\), not \(1, 2, 1\)"),
    ],
)
def test_a_row_that_cannot_be_written_is_refused_by_name(monkeypatch, to, name, forward, shape, why):
    monkeypatch.setitem(INPUTS, name, _elementwise(forward, shape))
    made = with_inputs(models.model("regression"), [Input(name, (0, 1))])
    with pytest.raises(RequestError, match=f"input layer '{name}' cannot be exported: {why}"):
        content(made, to)
