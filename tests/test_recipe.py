"""Recipe checks what it is given, writes it out in full, and turns m into batches and steps."""

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import RequestError
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.recipe import Recipe

FULL = Recipe("momentum(0.8)", 0.05, "staircase(3)", 7, 16, False, 1.0, 2**63, "accuracy", None, 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer of at least 1, not 0"),
        ({"epochs": 2.5}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"epochs": "10"}, "epochs"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"seed": 2**64}, r"seed must be below 2\^64"),
        ({"batch_size": 0}, r"batch_size must be an integer of at least 1 \(or 'auto'\), not 0"),
        ({"batch_size": "big"}, "batch_size"),
        ({"patience": 0}, r"patience must be an integer of at least 1 \(or none\)"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, not 0.0"),
        ({"learning_rate": -0.1}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"clip_norm": 0}, "clip_norm must be a number above 0"),
        ({"tol": -1e-9}, "tol must be a number of at least 0"),
        ({"tol": float("nan")}, "tol must be a number of at least 0"),
        ({"averaging": 0}, "averaging must be a number between 0 and 1, such as 0.955"),
        ({"averaging": 1.0}, "averaging must be a number between 0 and 1"),
        ({"averaging": float("nan")}, "averaging must be a number between 0 and 1"),
        ({"averaging": 0.9, "optimizer": "lbfgs"}, "lbfgs takes no steps"),
        ({"monitor": "acuracy"}, "monitor 'acuracy' is not known; did you mean 'accuracy'"),
        ({"optimizer": "adam(2)"}, "adam: beta1 is at least 0 and below 1, not 2"),
        ({"optimizer": "adam(fast)"}, "beta1 is a number, not 'fast'"),
        ({"optimizer": "adam(speed=1)"}, "adam takes beta1, beta2, eps"),
        ({"schedule": "adaptive(3)"}, "adaptive: factor is between 0 and 1"),
        ({"schedule": "cosine("}, "could not be read"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        Recipe(**arguments)


@pytest.mark.parametrize(
    "arguments", [{"learning_rate": "fast"}, {"clip_norm": "short"}, {"tol": "small"}, {"averaging": "much"}]
)
def test_a_word_where_a_number_belongs_is_refused(arguments):
    with pytest.raises(RequestError, match=next(iter(arguments))):
        Recipe(**arguments)


def test_an_unknown_row_is_refused_where_it_is_used():
    with pytest.raises(RequestError, match="did you mean 'adam'"):
        Recipe("adamm").make_optimizer(np)
    with pytest.raises(RequestError, match="did you mean 'cosine'"):
        Recipe(schedule="cosin").make_schedule()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_row_can_be_asked_for(optimizer, schedule):
    recipe = Recipe(optimizer, schedule=schedule)
    assert recipe.make_optimizer(np).learning_rate > 0
    assert recipe.make_schedule().multiplier(0, 1, 1, 0) > 0
    assert recipe.optimizer == OPTIMIZERS.canonical(optimizer)
    assert recipe.schedule == SCHEDULES.canonical(schedule)


@pytest.mark.parametrize("monitor", ["auto", "training_cost", "validation_cost", *METRICS])
def test_everything_can_be_watched(monitor):
    assert Recipe(monitor=monitor).monitor == monitor


@pytest.mark.parametrize("recipe", [Recipe(), FULL, replace(FULL, averaging=0.955)])
def test_json_and_back(recipe):
    text = json.dumps(recipe.to_dict())
    again = Recipe.from_dict(json.loads(text))
    assert again == recipe
    assert hash(again) == hash(recipe)


def test_a_recipe_without_averaging_says_nothing_of_it():
    assert "averaging" not in Recipe().to_dict()
    with pytest.raises(RequestError, match="averaging"):
        Recipe.from_dict(Recipe().to_dict() | {"averaging": None})


def test_numbers_from_numpy_are_plain_json_too():
    recipe = Recipe(
        epochs=np.int64(3), batch_size=np.int32(4), seed=np.uint64(5), patience=np.int64(6), tol=np.float32(0.5),
        learning_rate=np.float32(0.25), clip_norm=np.float64(2), shuffle=np.bool_(False),
    )  # fmt: skip
    plain = Recipe(
        epochs=3, batch_size=4, seed=5, patience=6, tol=0.5, learning_rate=0.25, clip_norm=2.0, shuffle=False
    )
    assert json.dumps(recipe.to_dict()) == json.dumps(plain.to_dict())


def test_json_with_an_unknown_entry():
    with pytest.raises(RequestError, match="speed"):
        Recipe.from_dict(Recipe().to_dict() | {"speed": 1})


def test_frozen_and_replaceable():
    with pytest.raises(FrozenInstanceError):
        FULL.epochs = 3
    assert replace(FULL, epochs=3).optimizer == FULL.optimizer


@given(st.integers(1, 500), st.integers(1, 300))
def test_steps_cover_every_example_once(m, batch_size):
    recipe = Recipe(batch_size=batch_size)
    size, steps = recipe.batch(m), recipe.steps_per_epoch(m)
    assert size == min(batch_size, m)
    assert (steps - 1) * size < m <= steps * size


def test_auto_batches_are_scikit_learns():
    assert [Recipe().batch(m) for m in (1, 150, 200, 5000)] == [1, 150, 200, 200]
