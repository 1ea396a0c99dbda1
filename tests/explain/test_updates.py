"""The update is written as it was done: evaluated as written, it moves theta as the optimiser's own step does."""

import re
from math import cos, floor, pi
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule import MLPClassifier, Network, Recipe, train
from chainrule.explain import equations
from chainrule.explain.written import FORMS, NOTATIONS
from chainrule.formulas.optimizers import OPTIMIZERS, Optimizer, clipped
from chainrule.formulas.schedules import SCHEDULES
from chainrule.formulas.table import Table
from tests.blocks import is_weight

NETWORK = Network((2, 3, 1), "tanh", dtype="float64")
# numbers that are nobody's defaults
OTHER = {"beta": 0.83, "beta1": 0.84, "beta2": 0.97, "rho": 0.85, "eps": 1e-3, "weight_decay": 0.2, "memory": 7}
TABLE = {"dose": [1.0, 2.0, 3.0, 4.0] * 10, "cured": ["no", "no", "yes", "yes"] * 10}


def written(network=NETWORK, functions=None, notation="W,b", form="text", **recipe):
    model = SimpleNamespace(network=network, recipe=Recipe(**recipe), functions=functions or {})
    return equations(model, notation, form=form).splitlines()


def with_other_numbers(name):
    numbers = {number: OTHER[number] for number in OPTIMIZERS.numbers(name) if number in OTHER}
    return f"{name}({', '.join(f'{k}={v}' for k, v in numbers.items())})" if numbers else name


def as_python(text):
    text = re.sub(r"(?<=[\w)]) (?=[\w(])", "*", text.replace("||dtheta||", "norm(dtheta)"))
    return text.replace("^", "**")


def run(lines, values):
    """Carry the written statements out, one after the other; those of W and b by layer, and sentences, are left out."""
    for line in lines:
        if " = " not in line and ":=" not in line:
            continue
        left, right = re.fullmatch(r"(\w+) :?= (.*?)(?:  .*)?", line).groups()
        values[left] = eval(as_python(right), {"sqrt": np.sqrt, "norm": np.linalg.norm}, values)
        if left == "w":
            values["theta"] = np.where(values["decay"] == 1.0, values["w"], values["theta"])
    return values


STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).minimize is None and name != "gradient_descent"]


@pytest.mark.parametrize("clip_norm", [None, 0.7])
@pytest.mark.parametrize("name", STEPPING)
def test_evaluated_as_written_the_update_is_that_of_the_optimizer(name, clip_norm):
    spec = with_other_numbers(name)
    lines = written(optimizer=spec, learning_rate=0.03, clip_norm=clip_norm)
    lines = lines[next(i for i, line in enumerate(lines) if line.startswith("alpha")) :]
    row = OPTIMIZERS.make(spec, np)
    rng, decay = np.random.default_rng(0), is_weight(NETWORK).astype(float)
    theta = rng.normal(size=NETWORK.size)
    state = [np.zeros(NETWORK.size) for _ in row.state]
    values = {"theta": theta, "decay": decay} | dict(zip(row.state, state, strict=True))
    for t in range(1, 4):
        dtheta = rng.normal(size=NETWORK.size)
        given = dtheta if clip_norm is None else clipped(np, dtheta, clip_norm)
        theta, *state = row.step(theta, given, 0.03, t, decay, *state)
        values = run(lines, values | {"dtheta": dtheta, "t": t, "w": values["theta"]})
        np.testing.assert_allclose(values["theta"], theta, rtol=1e-12)


@pytest.mark.parametrize("name", [*STEPPING, "gradient_descent"])
def test_the_mean_is_written_last(name):
    lines = written(optimizer=name, averaging=0.8)
    assert lines[:-1] == written(optimizer=name)
    assert lines[-1].startswith("mean := 0.8 mean + (1 - 0.8) theta  ")
    assert run(lines[-1:], {"mean": 2.0, "theta": 3.0})["mean"] == pytest.approx(2.2, rel=1e-15)


def test_gradient_descent_is_written_by_layer_with_its_rate():
    lines = written(optimizer="gradient_descent", learning_rate=0.25)
    assert lines[-3] == "alpha = 0.25"
    assert lines[-2].startswith("W[1] := W[1] - alpha dW[1];  b[1] := b[1] - alpha db[1]")
    assert equations(NETWORK).splitlines() == [line for line in lines if not line.startswith("alpha")]


def test_lbfgs_is_written_with_its_memory_and_no_rate():
    lines = written(optimizer="lbfgs(memory=7)")
    assert "theta := theta - step H dtheta" in lines[-2]
    assert lines[-1] == "step by a line search, H from the last 7 steps and gradients"
    assert not [line for line in lines if line.startswith("alpha")]


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("warm_up_cosine", "adaptive")])
def test_evaluated_as_written_the_rate_is_that_of_the_schedule(name):
    (line,) = [line for line in written(learning_rate=0.03, schedule=name) if line.startswith("alpha")]
    right = as_python(re.fullmatch(r"alpha = (.*?)(?:  .*)?", line)[1])
    for step in (0, 7, 160, 199):
        names = {"step": step, "steps": 200, "steps_per_epoch": 5, "epoch": step // 5, "samples": 40 * step}
        names |= {"cos": cos, "pi": pi, "floor": floor, "min": min}
        expected = 0.03 * SCHEDULES.make(name).multiplier(step, 5, 200, 40 * step)
        assert eval(right, names) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_in_words_stands_there_in_words(name):
    (line,) = [line for line in written(schedule=name) if line.startswith("alpha")]
    assert name in ("constant", "warm_up", "cosine") or line.startswith("alpha = 0.001 (")


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_optimizer_in_every_form(name, notation):
    network = Network((2, 3, 4, 1), "tanh", dropout=(0.25, 0.0), dtype="float64")
    counts = set()
    for form in FORMS:
        lines = written(network, notation=notation, form=form, optimizer=name, schedule="cosine", clip_norm=2.0)
        if form == "mathml":
            assert [ElementTree.fromstring(line) for line in lines]
        if form == "latex":
            lines = lines[1:-1]
            assert all(line.count("{") == line.count("}") for line in lines)
        counts.add(len(lines))
    assert len(counts) == 1


@pytest.mark.parametrize(("notation", "mask"), [("W,b", "D[2]"), ("theta", "R(3)")])
def test_dropout_stands_where_it_acts(notation, mask):
    network = Network((2, 3, 4, 1), "tanh", dropout=(0.0, 0.25))
    lines = equations(network, notation).splitlines()
    assert [line for line in lines if mask in line] == [
        line for line in lines if line.startswith((mask, f"A{mask[1:]}", f"dZ{mask[1:]}", f"delta{mask[1:]}"))
    ]
    assert sum(mask in line for line in lines) == 3
    assert any(line.startswith(f"{mask} = 0 with chance 0.25") for line in lines)


def test_a_model_and_an_estimator_show_how_they_were_trained():
    options = {"hidden": (3,), "epochs": 2, "test_fraction": 0.0}
    model = train(TABLE, "cured", optimizer="adamw(weight_decay=0.3)", learning_rate=0.02, dropout=0.5, **options)
    lines = equations(model).splitlines()
    assert "alpha = 0.02" in lines
    assert any(line.startswith("w := w - alpha 0.3 w") for line in lines)
    assert any(line.startswith("D[1] = 0 with chance 0.5") for line in lines)
    X, y = np.array(TABLE["dose"])[:, None], TABLE["cured"]
    estimator = MLPClassifier(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0).fit(X, y)
    assert "theta := theta - step H dtheta" in equations(estimator)
    estimator.set_params(solver="adam")  # not what it was trained with
    assert "theta := theta - step H dtheta" in equations(estimator)


def test_an_optimizer_of_the_users_own_is_written_as_it_says():
    def mine(xp, pull=0.5):
        def step(theta, dtheta, rate, t, decay):
            return (theta - rate * pull * dtheta,)

        return Optimizer(step, "theta := theta - rate pull dtheta;  a note: 100 % mine & {new}", "here", 0.1)

    assert isinstance(OPTIMIZERS, Table)
    for form in FORMS:
        lines = written(functions={"mine": mine}, form=form, optimizer="mine(0.25)")
        if form == "text":
            assert lines[-2].startswith("theta := theta - alpha 0.25 dtheta")
            assert lines[-1] == "a note: 100 % mine & {new}"
        if form == "mathml":
            assert [ElementTree.fromstring(line) for line in lines]
