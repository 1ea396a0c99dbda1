"""Normal scores in every exported file: at knots, between them, far outside, in gaps."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from chainrule import plan
from chainrule.data import Encoder
from chainrule.data.normal_scale import NormalScale
from chainrule.data.numeric_features import NumericFeatures
from chainrule.export import FORMATS, content
from tests.export import models, test_c_file, test_numpy_file, test_onnx_file
from tests.export.models import BOTH, KINDS, NAMES, TABLE

CASES = ("classes", "regression", "regression64")


@cache
def model(kind):
    """A model of KINDS whose encoder makes normal scores."""
    base = models.model(kind)
    planned = plan({name: TABLE[name] for name in (*NAMES, KINDS[kind][0])}, KINDS[kind][0], test_fraction=0.0)
    encoder = Encoder.fit(planned.table, planned.schema, planned.split.train, "normal", gaps=base.encoder.gaps)
    assert encoder.feature_names == base.encoder.feature_names
    assert encoder.makes_normal_scores
    return replace(base, encoder=encoder)


def rows(kind):
    """The rows of every test, and those at all knots of a column, beside them and beyond, dates and texts repeated."""
    knots = np.array(model(kind).encoder.parts[0].scales[0].knots)
    mass = [*knots, *np.nextafter(knots, np.inf), *np.nextafter(knots, -np.inf), *(0.5 * (knots[1:] + knots[:-1]))]
    mass += [-1e99, 1e30, -1e-300]
    repeated = {name: [BOTH[name][i % len(BOTH[name])] for i in range(len(mass))] for name in NAMES}
    return {name: [*BOTH[name], *(mass if name == "mass" else repeated[name])] for name in NAMES}


@pytest.mark.parametrize("kind", CASES)
def test_the_python_file_gives_the_same_bits(kind):
    subject, table = model(kind), rows(kind)
    file = test_numpy_file.loaded(subject)
    np.testing.assert_array_equal(file["features"](table).T, subject.encoder.transform(subject.read(table)))
    test_numpy_file.assert_same(file, subject, table)


@pytest.mark.parametrize("kind", CASES)
def test_the_onnx_file_gives_the_same_bits(kind):
    subject, table = (
        model(kind),
        rows(kind) | {"seen": [f"2024-02-{1 + i % 29:02}" for i in range(len(rows(kind)["seen"]))]},
    )
    right = subject.predict_proba if subject.target.task == "classification" else subject.predict
    test_onnx_file.assert_answers(subject, table, right(table))
    wide = replace(subject.network, dtype="float64")
    features = test_onnx_file.features(replace(subject, network=wide, theta=subject.theta.astype("float64")), table)
    np.testing.assert_array_equal(features, subject.encoder.transform(subject.read(table)))


@test_c_file.needs_compiler
def test_the_c_file_answers_as_the_model(tmp_path):
    compiled = test_c_file.Compiled([(kind, model(kind)) for kind in CASES], tmp_path, "-O2")
    for kind in CASES:
        test_c_file.assert_same(compiled(kind, rows(kind)), model(kind), rows(kind), kind)


def one_number(scale):
    """A model of one column on this scale, linear in its z."""
    base = models.model("regression64")
    network = replace(base.network, n=(1, 1), activation=(), dropout=0.0)
    encoder = Encoder((NumericFeatures("x", "number", (scale,), indicator=False),), gaps=base.encoder.gaps)
    return replace(base, encoder=encoder, network=network, theta=np.array([1.0, 0.0]))


@test_c_file.needs_compiler
@pytest.mark.parametrize("count", [1, 2, 3, 4, 1000])
def test_any_number_of_knots_is_searched(count, tmp_path):
    rng = np.random.default_rng(count)
    knots, z = np.sort(rng.normal(size=count)), np.sort(rng.uniform(-5, 5, count))
    subject = one_number(NormalScale(float(knots[count // 2]), tuple(knots.tolist()), tuple(z.tolist())))
    table = {"x": [*knots, *rng.normal(size=300), -1e9, 1e9, None]}
    right = subject.predict(table)
    np.testing.assert_array_equal(test_numpy_file.loaded(subject)["predict"](table), right)
    test_onnx_file.assert_answers(subject, table, right)
    compiled = test_c_file.Compiled([("x", subject)], tmp_path, "-O2")
    np.testing.assert_allclose(compiled("x", table), right, rtol=1e-12)


@test_c_file.needs_compiler
def test_what_training_would_refuse_has_no_answer(tmp_path):
    subject = one_number(NormalScale(None, (1.0, 2.0), (-1.0, 1.0)))
    file = test_numpy_file.loaded(subject)
    for cell in (None, np.inf, 1.1e100):
        with pytest.raises(ValueError, match=r"takes none|infinite|beyond"):
            file["predict"]({"x": [cell]})
    session = test_onnx_file.runs(test_onnx_file.to_onnx(subject))
    assert np.isnan(session.run(None, {"x": np.array([[np.nan]])})[0])
    compiled = test_c_file.Compiled([("x", subject)], tmp_path, "-O2")
    row = test_c_file.structures(subject, {"x": [1.5]})[0]
    predict = compiled.loaded.predict_y0
    predict.restype = test_c_file.ctypes.c_double
    for value in (1.5, 1e100, -1e100, np.nan, -np.inf, 1.1e100):
        row.member_0 = value
        assert np.isnan(predict(test_c_file.ctypes.byref(row))) != (abs(value) <= 1e100)


@pytest.mark.parametrize("to", FORMATS)
def test_files_of_other_models_have_nothing_of_it(to):
    assert b"normal" not in content(models.model("classes"), to)
