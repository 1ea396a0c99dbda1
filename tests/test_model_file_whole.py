"""What training makes is written and read back to the bit, odd tables included; what would not load is not written."""

import datetime
import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from chainrule import Diverged, RequestError, load, train
from chainrule.container import unseal
from chainrule.errors import RunError

START = datetime.date(1, 1, 1)
ODD = {
    "constant": [7.0] * 59 + [8.0],
    "largest": [1e100, -1e100, 3.0] * 20,
    "all the largest": [1e100] * 59 + [None],
    "least": [i * 5e-324 for i in range(60)],
    "narrow": [1.0 + i * 2.0**-52 for i in range(60)],
    "zeros": [0.0, -0.0, 1.0] * 20,
    "whole": [10**15 + i * i for i in range(60)],
    "sparse": [None] * 50 + [float(i) for i in range(10)],
    "true": [i % 7 < 3 for i in range(60)],
    "maybe": [None if i % 4 == 1 else i % 3 == 0 for i in range(60)],
    "early": [START + datetime.timedelta(i * i) for i in range(60)],
    "late": [None if i % 9 == 2 else datetime.datetime(9999, 12, 31, i % 24) for i in range(60)],
    "text": [f"level {i % 11}" for i in range(60)],
    "rare": ["common"] * 55 + ["a", "b", "c", "d", None],
    "odd": [["\x00", "\u202e", " ", "\U0001f600", "Ünï"][i % 5] for i in range(60)],
    "(rare)": ["(rare)", "(other)", None] * 20,
}
TARGETS = {
    "text": [["b", "a", "ü"][i % 3] for i in range(60)],
    "true or false": [i % 4 == 0 for i in range(60)],
    "integers": [[-5, 0, 2**53][i % 3] for i in range(60)],
    "zeros of both signs": [[0.0, -0.0, 1.0][i % 3] for i in range(60)],
    "numbers": [i * 1.5 for i in range(60)],
    "large numbers": [i * 1e98 for i in range(60)],
    "nearly the same": [1.0] * 59 + [1.0 + 2.0**-52],
}


def same_after_loading(model, path):
    model.save(path)
    again = load(path, model.functions)
    for name in ("network", "encoder", "target", "outputs", "recipe", "report", "made_with"):
        assert getattr(again, name) == getattr(model, name), name
    assert json.dumps(again.history.to_dict()) == json.dumps(model.history.to_dict())
    assert again.theta.tobytes() == model.theta.tobytes()
    return again


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("test_fraction", [0.0, 0.2])
def test_odd_tables_make_models_that_load(tmp_path, target, test_fraction):
    table = ODD | {"y": TARGETS[target]}
    model = train(table, "y", hidden=(2,), epochs=1, test_fraction=test_fraction, clip_norm=1.0)
    again = same_after_loading(model, tmp_path / "m.model")
    assert again.predict(table).tolist() == model.predict(table).tolist()


def test_zeros_of_both_signs_are_one_class():
    model = train({"x": [0.5, 1, 2] * 20, "y": [0.0, -0.0, 1.0] * 20}, "y", epochs=1, hidden=())
    assert model.target.classes == (0, 1)
    assert model.report is not None
    assert sum(map(sum, model.report["confusion"])) == model.report["rows"]


def test_a_run_that_diverged_or_was_interrupted_makes_a_model_that_loads(tmp_path):
    table = {"x": [float(i) for i in range(60)], "y": [float(i * i) for i in range(60)]}
    options = {"hidden": (3,), "optimizer": "gradient_descent"}
    with pytest.raises(Diverged) as failed:
        train(table, "y", learning_rate=1e30, epochs=5, **options)
    same_after_loading(failed.value.model, tmp_path / "diverged.model")

    class Impatient:
        def on_epoch_end(self, history, parameters):
            raise KeyboardInterrupt

    model = train(table, "y", epochs=5, learning_rate=1e-3, callbacks=[Impatient()], **options)
    same_after_loading(model, tmp_path / "interrupted.model")


def test_answers_beyond_what_a_number_holds_are_infinite_and_those_that_are_none_an_error(tmp_path):
    """No training ends so; parameters that someone made up may."""
    table = {"x": [float(i) for i in range(60)], "y": [1e98 * i for i in range(60)]}
    model = train(table, "y", hidden=(2,), epochs=1, dtype="float64", activation="identity")
    replace(model, theta=np.full_like(model.theta, 1e150)).save(tmp_path / "m.model")
    assert np.isposinf(load(tmp_path / "m.model").predict({"x": [59.0]})).all()
    opposed = replace(model, theta=1e300 * np.array([1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0]))  # infinity - infinity
    with pytest.raises(RunError, match=r"the prediction for row 1 .*is NaN"):
        opposed.predict({"x": [59.0]})


# --- what cannot be loaded is not saved ---


CANNOT = {
    "finite": lambda model: replace(model, theta=model.theta * np.float32(np.nan)),
    "float32": lambda model: replace(model, theta=model.theta.astype(np.float64)),
    "theta is": lambda model: replace(model, theta=model.theta[1:]),
    "versions": lambda model: replace(model, made_with={"chainrule": 1}),
    "a report is described by": lambda model: replace(model, report={"rows": 3}),
    "not JSON serializable": lambda model: replace(model, report={"rows": np.int64(3)}),
    "neither shifted": lambda model: replace(model, outputs=replace(model.outputs, shift=1.0)),
}


@pytest.mark.parametrize("piece", CANNOT)
def test_a_model_that_would_not_load_is_not_saved(small, tmp_path, piece):
    with pytest.raises(RequestError, match=f"^this model cannot be saved: .*{piece}"):
        CANNOT[piece](small).save(tmp_path / "m.model")
    assert list(tmp_path.iterdir()) == []


# --- the safetensors library ---


def test_the_safetensors_library_reads_the_same(path):
    description, arrays = unseal(path.read_bytes(), "it")
    with safe_open(path, "np") as file:
        assert list(file.keys()) == ["theta"]
        assert file.get_tensor("theta").tobytes() == arrays["theta"].tobytes()
        said = json.loads(file.metadata()["chainrule"])
    assert {name: value for name, value in said.items() if name != "sha256"} == description


def test_the_safetensors_library_writes_the_same_bytes(path):
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    assert to_bytes(load_file(path), metadata) == path.read_bytes()
