"""Quantiles from training to the report: one column each, which never cross, with pinball loss and coverage."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from chainrule import RequestError, load, train
from chainrule.cli.main import main
from chainrule.explain import check_gradients, explain
from chainrule.explain.subject import average_row
from chainrule.export import export
from chainrule.formulas.quantile_metrics import coverage, pinball_loss, quantile
from chainrule.reports import Report

LEVELS = (0.1, 0.5, 0.9)
rng = np.random.default_rng(0)
x = rng.uniform(size=1200)
TABLE = {"x": x, "y": 10.0 * x + (0.5 + 3.0 * x) * rng.standard_normal(1200)}
RARE = {name: values[:7] for name, values in TABLE.items()}


@pytest.fixture(scope="module")
def model():
    return train(TABLE, "y", loss="quantiles(0.1, 0.5, 0.9)", hidden=(16,), epochs=100, learning_rate=0.01, seed=1)


@pytest.fixture(scope="module")
def single():
    return train(TABLE, "y", loss="quantile(0.9)", hidden=(16,), epochs=20, seed=1)


@pytest.mark.parametrize("weight", [None, rng.integers(1, 4, 200).astype(float)])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.8])
def test_pinball_loss_is_scikit_learns_and_quantiles_are_numpys(q, weight):
    y, predicted = np.random.default_rng(1).standard_normal((2, 200))
    expected = mean_pinball_loss(y, predicted, alpha=q, sample_weight=weight)
    assert pinball_loss(y, predicted, q, weight) == pytest.approx(expected, rel=1e-12)
    assert quantile(y, q, weight) == np.quantile(y, q, weights=weight, method="inverted_cdf")
    repeated = np.repeat(y <= predicted, 1 if weight is None else weight.astype(int))
    assert coverage(y, predicted, weight) == pytest.approx(repeated.mean(), rel=1e-12)


def test_each_level_is_a_column_and_columns_never_cross(model):
    assert model.levels == LEVELS
    predicted = model.predict(TABLE)
    assert predicted.shape == (1200, 3)
    assert (np.diff(predicted, axis=1) >= 0.0).all()
    columns = model.predictions(TABLE)
    assert list(columns) == ["predicted_y_0.1", "predicted_y_0.5", "predicted_y_0.9"]
    np.testing.assert_array_equal(np.column_stack(list(columns.values())), predicted)
    for k, q in enumerate(LEVELS):
        assert np.mean(TABLE["y"] <= predicted[:, k]) == pytest.approx(q, abs=0.07)


def test_the_report_has_pinball_loss_and_coverage_of_each_level(model, single):
    for of in (model, single):
        report = of.evaluate(TABLE)
        each = of.predict(TABLE).reshape(1200, -1)
        assert [score.level for score in report.quantiles] == list(of.levels)
        for k, score in enumerate(report.quantiles):
            assert score.pinball_loss == pytest.approx(mean_pinball_loss(TABLE["y"], each[:, k], alpha=score.level))
            assert score.coverage == np.mean(TABLE["y"] <= each[:, k])
            assert score.pinball_loss < score.baseline
        assert Report.from_dict(report.to_dict()) == report
        assert [s["level"] for s in of.report["quantiles"]] == list(of.levels)  # on the rows held out
    middle = model.predict(TABLE)[:, 1]
    assert model.evaluate(TABLE).scores["mae"] == pytest.approx(np.abs(TABLE["y"] - middle).mean())


def test_the_baseline_is_the_quantile_of_the_training_targets(model):
    rows = TABLE["y"]
    trivial = model.outputs.prior[1:]
    for score, constant in zip(model.evaluate(TABLE).quantiles, trivial, strict=True):
        assert score.baseline == pytest.approx(mean_pinball_loss(rows, np.full(1200, constant), alpha=score.level))
        assert np.mean(rows <= constant) == pytest.approx(score.level, abs=0.03)


def test_other_models_have_no_quantiles_in_their_report():
    report = train(TABLE, "y", hidden=(4,), epochs=2).report
    assert "quantiles" not in report
    assert Report.from_dict(report).quantiles == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": 1.0}, "ascend between 0 and 1"),
        ({"coverage": 1.5}, "coverage is from 0 to 1"),
        ({"pinball_loss": -1.0}, "from 0 on"),
        ({"baseline": float("inf")}, "from 0 on"),
        ({"coverage": None}, "coverage of a quantile's score"),
    ],
)
def test_a_report_that_nobody_makes_is_refused(model, change, said):
    report = model.evaluate(TABLE).to_dict()
    report["quantiles"][2] |= change
    with pytest.raises(RequestError, match=said):
        Report.from_dict(report)


def test_a_file_gives_back_the_same_quantiles(model, single, tmp_path):
    for k, of in enumerate((model, single)):
        of.save(tmp_path / f"{k}.model")
        again = load(tmp_path / f"{k}.model")
        np.testing.assert_array_equal(again.predict(TABLE), of.predict(TABLE))
        assert again.report == of.report


def test_a_report_on_other_quantiles_is_refused(model, single, tmp_path):
    with pytest.raises(RequestError, match=r"report is on the quantiles \(0.1, 0.5, 0.9\), not \[0.9\]"):
        replace(model, report=single.report).save(tmp_path / "other.model")


def test_a_file_without_quantiles_in_its_outputs_and_report_is_read(single, tmp_path):
    report = {name: entry for name, entry in single.report.items() if name != "quantiles"}
    older = replace(single, outputs=replace(single.outputs, prior=single.outputs.prior[:1]), report=report)
    older.save(tmp_path / "older.model")
    (score,) = load(tmp_path / "older.model").evaluate(TABLE).quantiles
    assert score.baseline is None
    assert score.pinball_loss == single.evaluate(TABLE).quantiles[0].pinball_loss


def test_exports_have_a_column_for_each_or_refuse(model, tmp_path):
    export(model, tmp_path / "q.py", "numpy")
    names = {}
    exec((tmp_path / "q.py").read_text(), names)
    np.testing.assert_allclose(names["predict"](TABLE), model.predict(TABLE), atol=1e-4)
    onnxruntime = pytest.importorskip("onnxruntime")
    export(model, tmp_path / "q.onnx", "onnx")
    (found,) = onnxruntime.InferenceSession(tmp_path / "q.onnx").run(None, {"x": TABLE["x"][:, None]})
    np.testing.assert_allclose(found, model.predict(TABLE), atol=1e-4)
    with pytest.raises(RequestError, match="this model predicts 3 quantiles: export it to onnx or numpy"):
        export(model, tmp_path / "q.c", "c")


def test_they_can_be_looked_into(model):
    assert check_gradients(model, RARE, None).ok
    assert "y 0.9" in explain(model, RARE).html
    assert explain(average_row(model)).html


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("quantiles", r"quantiles needs its levels here, such as quantiles\(0.1, 0.5, 0.9\)"),
        ("quantiles(0.9, 0.1)", "q ascend"),
        ("quantiles(0.1, 1.5)", "q ascend"),
        ("quantiles(a=0.1)", "does not fit"),
    ],
)
def test_levels_that_are_none_are_refused(loss, said):
    with pytest.raises(RequestError, match=said):
        train(TABLE, "y", loss=loss)


def test_classes_have_no_quantiles():
    with pytest.raises(RequestError, match="is for regression"):
        train({"x": x, "y": x > 0.5}, "y", loss="quantiles(0.1, 0.9)")


def test_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{a:.6f},{b:.6f}" for a, b in zip(TABLE["x"][:300], TABLE["y"][:300], strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    options = ["--target", "y", "--loss", "quantiles(0.1, 0.9)", "--epochs", "5", "--hidden", "8", "--threads", "1"]
    assert main(["train", "t.csv", *options]) == 0
    said = capsys.readouterr().out
    assert "quantiles(0.1, 0.9)" in said
    heading = next(line for line in said.splitlines() if "pinball loss" in line)
    assert "coverage" in heading
    assert {line.split()[0] for line in said.splitlines() if line.strip().startswith("0.")} >= {"0.1", "0.9"}
    assert main(["predict", "t.model", "t.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "predicted_y_0.1,predicted_y_0.9"
    assert len(lines) == 301
    assert main(["evaluate", "t.model", "t.csv", "--json"]) == 0
    (event,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert [score["level"] for score in event["quantiles"]] == [0.1, 0.9]
