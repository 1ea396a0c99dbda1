"""What becomes of A[L] in every exported file: bounds of numbers, calibrated probabilities."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule import load, plan
from chainrule.data import Encoder
from chainrule.table_inputs import input_layers
from tests.export import models, test_c_file, test_numpy_file, test_onnx_file
from tests.export.models import BOTH, TABLE

REGRESSIONS = ("regression", "regression64", "poisson")


def bounded(kind):
    """A model of KINDS with bounds that many of its answers exceed."""
    base = models.model(kind)
    low, high = np.quantile(base.predict(TABLE), [0.3, 0.7])
    return replace(base, outputs=replace(base.outputs, bounds=(float(low), float(high))))


def assert_at_bounds(subject, answers):
    low, high = subject.outputs.bounds
    assert answers.min() == low
    assert answers.max() == high
    assert ((low < answers) & (answers < high)).any()


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_numbers_are_bounded_in_python_and_onnx(kind):
    subject = bounded(kind)
    file = test_numpy_file.loaded(subject)
    test_numpy_file.assert_same(file, subject, BOTH)
    assert_at_bounds(subject, file["predict"](BOTH))
    (answers,) = test_onnx_file.assert_answers(subject, TABLE, subject.predict(TABLE))
    assert_at_bounds(subject, answers)


@test_c_file.needs_compiler
def test_numbers_are_bounded_in_c(tmp_path):
    subjects = {kind: bounded(kind) for kind in REGRESSIONS}
    subjects["lost"] = replace(models.not_finite("regression"), outputs=bounded("regression").outputs)
    compiled = test_c_file.Compiled(subjects.items(), tmp_path, "-O2")
    for kind in REGRESSIONS:
        answers = compiled(kind, BOTH)
        test_c_file.assert_same(answers, subjects[kind], BOTH, kind)
        assert_at_bounds(subjects[kind], answers)
    assert np.isnan(compiled("lost", TABLE)).all()


def test_bounded_quantiles():
    base = models.model("quantile")
    network = replace(base.network, loss="quantiles(0.1, 0.5, 0.9)", n=(*base.network.n[:-1], 3))
    theta = np.random.default_rng(1).normal(size=network.size).astype("float32")
    outputs = replace(base.outputs, units=3, prior=(base.outputs.prior[0],) * 4, bounds=(9e3, 1.1e4))
    subject = replace(base, network=network, theta=theta, outputs=outputs)
    right = subject.predict(TABLE)
    np.testing.assert_allclose(test_numpy_file.loaded(subject)["predict"](TABLE), right, rtol=1e-5)
    test_onnx_file.assert_answers(subject, TABLE, right)
    assert right.shape == (len(TABLE["mass"]), 3)
    assert_at_bounds(subject, right)


CLASSIFICATIONS = ("classes", "k_sigmoids", "binary", "two_softmax")
CALIBRATIONS = {"softer": (0.3, 0.01), "sharper": (7.5, 1e-4), "as sharp as it goes": (8.886e6, 0.125)}


def calibrated(kind, how):
    base = models.model(kind)
    return replace(base, outputs=replace(base.outputs, calibration=CALIBRATIONS[how]))


@pytest.mark.parametrize("how", ["softer", "sharper"])
@pytest.mark.parametrize("kind", CLASSIFICATIONS)
def test_probabilities_are_calibrated_in_python_and_onnx(kind, how):
    subject, usual = calibrated(kind, how), models.model(kind)
    right = subject.predict_proba(TABLE)
    assert np.abs(right - usual.predict_proba(TABLE)).max() > 0.05
    np.testing.assert_array_equal(subject.predict(TABLE), usual.predict(TABLE))
    file = test_numpy_file.loaded(subject)
    tolerance = 1e-12 if subject.network.dtype == "float64" else 1e-5
    np.testing.assert_allclose(file["predict_proba"](TABLE), right, atol=tolerance)
    labels, probabilities = test_onnx_file.runs(test_onnx_file.to_onnx(subject)).run(
        None, test_onnx_file.inputs(subject, TABLE)
    )
    np.testing.assert_allclose(probabilities, right, atol=tolerance)
    assert labels.tolist() == file["predict"](TABLE).tolist() == subject.predict(TABLE).tolist()


@test_c_file.needs_compiler
def test_probabilities_are_calibrated_in_c(tmp_path):
    subjects = {f"{kind} {how}": calibrated(kind, how) for kind in CLASSIFICATIONS for how in ("softer", "sharper")}
    compiled = test_c_file.Compiled(subjects.items(), tmp_path, "-O2")
    for name, subject in subjects.items():
        test_c_file.assert_same(compiled(name, TABLE), subject, TABLE, name)


@test_c_file.needs_compiler
def test_a_calibration_without_limit_and_outputs_that_are_all_0(tmp_path):
    """What a network that knows every held-out row comes to; and probabilities that no class has more of."""
    silent = replace(models.silent(), outputs=calibrated("k_sigmoids", "sharper").outputs)
    subjects = {"sure": calibrated("two_softmax", "as sharp as it goes"), "silent": silent}
    compiled = test_c_file.Compiled(subjects.items(), tmp_path, "-O2")
    for name, subject in subjects.items():
        right = subject.predict_proba(TABLE)
        np.testing.assert_allclose(right.sum(axis=1), 1.0)
        np.testing.assert_allclose(test_numpy_file.loaded(subject)["predict_proba"](TABLE), right, atol=1e-7)
        np.testing.assert_allclose(compiled(name, TABLE)[0], right, atol=1e-7)
        session = test_onnx_file.runs(test_onnx_file.to_onnx(subject))
        np.testing.assert_allclose(session.run(None, test_onnx_file.inputs(subject, TABLE))[1], right, atol=1e-7)
    assert {*subjects["sure"].predict_proba(TABLE).ravel().tolist()} == {0.0625, 0.9375}


@test_c_file.needs_compiler
def test_everything_together(tmp_path):
    """Normal scores, some categories as features and some looked up, calibrated: trained, kept and written."""
    planned = plan({name: TABLE[name] for name in (*models.NAMES, "species")}, "species", epochs=5, hidden=(6,))
    rows = planned.split.train
    encoder = Encoder.fit(planned.table, planned.schema, rows, "normal", gaps=planned.encoder.gaps, look_up_from=5)
    assert [part.column for part in encoder.lookups] == ["zone"]
    assert "island=Dream" in encoder.feature_names
    n_0, inputs = input_layers(encoder, "cosine(4)", "lookup(3)")
    network = replace(planned.network, n=(n_0, *planned.network.n[1:]), inputs=inputs)
    trained = replace(planned, encoder=encoder, network=network).train()
    made = replace(trained, outputs=replace(trained.outputs, calibration=(0.5, 0.01)), report=None)
    made.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(BOTH), made.predict_proba(BOTH))
    test_numpy_file.assert_same(test_numpy_file.loaded(made), made, BOTH)
    test_onnx_file.assert_answers(made, TABLE, made.predict_proba(TABLE))
    test_c_file.assert_same(test_c_file.Compiled([("made", made)], tmp_path, "-O2")("made", BOTH), made, BOTH)
