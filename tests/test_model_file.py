"""Model files: what was saved comes back, damage is refused, own functions are asked for."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule import RequestError, load, model_file, train
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from tests.conftest import SMALL

EXAMPLES = Path(__file__).parents[1] / "examples"
PENGUINS, CARS = EXAMPLES / "penguins.csv", EXAMPLES / "auto_mpg.csv"
SHORT = {"epochs": 2, "hidden": (4,)}


def assert_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"small\.model"):
        load(path)


# --- round trips ---


@pytest.mark.parametrize(
    ("table", "target", "options"),
    [
        (PENGUINS, "species", {}),
        (
            PENGUINS,
            "species",
            {"loss": "binary_cross_entropy", "activation": ("tanh", "leaky_relu(0.2)"), "hidden": (5, 3)},
        ),
        (CARS, "mpg", {"dtype": "float64", "l2": 0.1, "dropout": 0.25}),
        (CARS, "mpg", {"loss": "tweedie(power=1.3)", "optimizer": "lbfgs", "hidden": ()}),
        (CARS, "cylinders", {"task": "classification", "test_fraction": 0.0}),
    ],
)
def test_another_process_predicts_the_same_bits(tmp_path, table, target, options):
    model = train(table, target, **(SHORT | options))
    model.save(tmp_path / "m.model")
    program = (
        "import sys; from chainrule import load; model = load('m.model');"
        "P = model.predict(sys.argv[1]) if model.target.task == 'regression' else model.predict_proba(sys.argv[1]);"
        "sys.stdout.buffer.write(P.tobytes())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(table)], capture_output=True, cwd=tmp_path, check=True)
    P = model.predict(table) if model.target.task == "regression" else model.predict_proba(table)
    assert done.stdout == P.tobytes()


def test_all_that_a_model_knows_comes_back(tmp_path):
    model = train(PENGUINS, "species", **SHORT)
    model.save(tmp_path / "m.model")
    again = load(tmp_path / "m.model")
    for name in ("network", "encoder", "target", "outputs", "recipe", "history", "report"):
        assert getattr(again, name) == getattr(model, name), name
    assert again.theta.tobytes() == model.theta.tobytes()
    assert again.theta.dtype == model.theta.dtype


def test_a_loaded_model_has_parameters_of_its_own_and_lets_go_of_the_file(path):
    theta = load(path).theta
    assert theta.flags.owndata
    assert theta.flags.writeable


def test_saving_twice_writes_the_same_bytes(small, path, tmp_path):
    for i in range(5):
        small.save(tmp_path / f"{i}.model")
        assert (tmp_path / f"{i}.model").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ['"sha256":"', '\\"sha256\\":\\"' + "0" * 64, "ünï ☃", '"}}', "\x00\n"])
def test_names_of_columns_and_classes_cannot_break_the_format(tmp_path, name):
    table = {name: SMALL["x"], "y": [name if y == "a" else "b" for y in SMALL["y"]]}
    model = train(table, "y", **SHORT)
    model.save(tmp_path / "m.model")
    again = load(tmp_path / "m.model")
    assert again.encoder.columns == [name]
    assert again.predict(table).tolist() == model.predict(table).tolist()


# --- damage ---


def test_every_truncation_is_refused(path):
    accepted = []
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        with contextlib.suppress(RequestError):
            load(path)
            accepted.append(length)
    assert accepted == []


def test_every_single_flipped_bit_is_refused(path):
    content = path.read_bytes()
    accepted = []
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(content):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), place)
                with contextlib.suppress(RequestError):
                    load(path)
                    accepted.append((place, bit))
            os.pwrite(file.fileno(), bytes([byte]), place)
    assert accepted == []
    load(path)


def test_no_control_character_of_a_file_reaches_a_message(path, monkeypatch):
    def parts(*_):
        raise ValueError("erases the screen: \x1b[2J")

    monkeypatch.setattr(model_file, "_parts", parts)
    with pytest.raises(RequestError, match="erases the screen") as refused:
        load(path)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("more", [b"\0", b"x" * 100])
def test_bytes_too_many_are_refused(path, more):
    assert_refused(path, path.read_bytes() + more)


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 100, b"PK\x03\x04" * 50, b"species,island\nAdelie,x\n"])
def test_other_files_are_refused(path, content):
    assert_refused(path, content)


def test_no_such_file_names_the_nearest(path):
    with pytest.raises(RequestError, match=r"no model file .*smal\.model.*did you mean 'small\.model'"):
        load(path.with_name("smal.model"))
    with pytest.raises(RequestError):
        load(path.parent)


# --- functions of one's own ---

OWN = {
    "activation": ("swoosh", lambda xp: ACTIVATIONS["tanh"](xp)),
    "loss": ("my_loss", lambda xp: LOSSES["cross_entropy"](xp)),
}


@pytest.mark.parametrize("kind", OWN)
def test_own_functions_must_be_handed_in_again(tmp_path, kind):
    name, function = OWN[kind]
    options = {"hidden": (3,), "epochs": 1, kind: name}
    model = train(PENGUINS, "species", functions={name: function}, **options)
    model.save(tmp_path / "m.model")
    with pytest.raises(RequestError, match=f"'{name}'.*functions="):
        load(tmp_path / "m.model")
    again = load(tmp_path / "m.model", functions={name: function})
    assert again.predict_proba(PENGUINS).tobytes() == model.predict_proba(PENGUINS).tobytes()


@pytest.mark.parametrize("kind", ["initializer", "optimizer", "schedule"])
def test_own_functions_that_only_training_needs_are_not_missed_in_predicting(tmp_path, kind):
    """Either ``load`` asks for them at once, or the model predicts without them."""
    own = {
        "initializer": lambda: INITIALIZERS["he_normal"](),
        "optimizer": lambda xp: OPTIMIZERS["adam"](xp),
        "schedule": lambda: SCHEDULES["constant"](),
    }[kind]
    model = train(PENGUINS, "species", hidden=(3,), epochs=1, functions={"mine": own}, **{kind: "mine"})
    model.save(tmp_path / "m.model")
    try:
        again = load(tmp_path / "m.model")
    except RequestError:
        again = load(tmp_path / "m.model", functions={"mine": own})
    assert again.predict(PENGUINS).tolist() == model.predict(PENGUINS).tolist()
