"""What becomes of A[L] in every exported file: bounds of numbers."""

from dataclasses import replace

import numpy as np
import pytest

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
