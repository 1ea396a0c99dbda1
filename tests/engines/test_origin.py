"""A state goes on where its moments mean what the engine takes them for, and nowhere else."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from chainrule import Network, Recipe
from chainrule.engines import State
from chainrule.engines.fused import Fused
from chainrule.engines.origin import carried_on
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.inputs import Input
from chainrule.sources import Examples

NETWORK = Network((3, 4, 1), activation="tanh")
STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, None).step is not None]
ENGINES = pytest.mark.parametrize("kind", [Reference, Fused])

rng = np.random.default_rng(3)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))


def trained(kind, network=NETWORK, recipe=None, functions=None, **more):
    """An engine, and its state after two epochs, the rate lowered by a stall."""
    engine = kind(network, recipe or Recipe(**more), functions)
    state = engine.run(engine.start()._replace(rate_scale=0.5), engine.examples(X, Y), 0, 2)
    return engine, state


@ENGINES
@pytest.mark.parametrize(("one", "other"), list(permutations(STEPPING, 2)))
def test_moments_of_another_optimiser_are_refused_and_begun_afresh(kind, one, other):
    _, state = trained(kind, optimizer=one)
    engine = kind(NETWORK, Recipe(other))
    examples = engine.examples(X, Y)
    with pytest.raises(RequestError, match=f"another optimizer: {one}.* and this engine's is {other}"):
        engine.run(state, examples, 2, 3)
    with pytest.raises(RequestError, match="another optimizer"):
        engine.update(state, np.ones(NETWORK.size), 0.1)
    afresh = carried_on(engine, state.theta, state)
    assert [float(np.abs(moment).max()) for moment in afresh.moments] == [0.0] * len(engine.optimizer.state)
    assert (afresh.step, afresh.samples, afresh.updates, afresh.rate_scale) == (2, 16, 0, 1.0)
    assert engine.run(afresh, examples, 2, 3).updates == 1


OTHERS = {
    "more units": (Network((3, 5, 1), activation="tanh"), {}),
    "activation": (Network((3, 4, 1), activation="relu"), {}),
    "loss": (Network((3, 4, 1), activation="tanh", loss="absolute_error"), {}),
    "dtype": (Network((3, 4, 1), activation="tanh", dtype="float64"), {}),
    "beta1": (NETWORK, {"optimizer": "adam(beta1=0.8)"}),
    "beta2": (NETWORK, {"optimizer": "adam(beta2=0.9)"}),
}


@ENGINES
@pytest.mark.parametrize("what", OTHERS)
def test_another_function_or_another_correction_begins_the_moments_afresh(kind, what):
    network, more = OTHERS[what]
    _, state = trained(kind)
    engine = kind(network, Recipe(**more))
    with pytest.raises(RequestError, match=r"another (network|optimizer)"):
        engine.run(state, engine.examples(X, Y), 2, 3)
    afresh = carried_on(engine, engine.start().theta, state)
    assert (afresh.updates, afresh.step, afresh.moments[0].shape) == (0, 2, (network.size,))


SAME = {
    "the same": ({}, {}),
    "penalty": ({"penalties": ("l2(0.1)",)}, {}),
    "dropout": ({"dropout": 0.5}, {}),
    "epsilon": ({}, {"optimizer": "adam(eps=1e-3)"}),
    "batch size": ({}, {"batch_size": 4}),
    "clipping": ({}, {"clip_norm": 1.0}),
    "epochs": ({}, {"epochs": 3}),
    "seed": ({}, {"seed": 5}),
}


@ENGINES
@pytest.mark.parametrize("what", SAME)
def test_what_leaves_the_moments_their_meaning_goes_on_with_them(kind, what):
    described, more = SAME[what]
    _, state = trained(kind)
    engine = kind(Network((3, 4, 1), activation="tanh", **described), Recipe(**more))
    on = carried_on(engine, state.theta, state)
    assert all(a is b for a, b in zip(on.moments, state.moments, strict=True))
    assert (on.updates, on.rate_scale, on.origin) == (2, 0.5, engine.origin)
    engine.run(on, engine.examples(X, Y), on.step, on.step + 1)


@ENGINES
@pytest.mark.parametrize("more", [{"learning_rate": 0.02}, {"schedule": "cosine"}], ids=str)
def test_what_stalls_made_of_another_rate_begins_afresh_alone(kind, more):
    _, state = trained(kind)
    on = carried_on(kind(NETWORK, Recipe(**more)), state.theta, state)
    assert (on.updates, on.rate_scale) == (2, 1.0)


def test_a_function_of_the_same_name_is_another_one():
    def bent(xp):
        return ACTIVATIONS.make("tanh", xp)

    def straight(xp):
        return ACTIVATIONS.make("identity", xp)

    network = Network((3, 4, 1), activation="bent")
    _, state = trained(Reference, network, functions={"bent": bent})
    engine = Reference(network, Recipe(), {"bent": straight})
    with pytest.raises(RequestError, match="other functions of the same names"):
        engine.run(state, engine.examples(X, Y), 2, 3)
    assert carried_on(engine, state.theta, state).updates == 0
    same = Reference(network, Recipe(), {"bent": bent, "unused": straight})
    assert carried_on(same, state.theta, state).updates == 2


@ENGINES
def test_a_state_of_an_older_version_goes_on_where_its_moments_fit(kind):
    engine, state = trained(kind)
    older = State(*state[:11])
    assert older.origin is None
    on = carried_on(engine, state.theta, older)
    assert (on.updates, on.origin) == (2, engine.origin)
    fewer = carried_on(kind(NETWORK, Recipe("momentum")), state.theta, older)
    larger = carried_on(kind(Network((3, 9, 1)), Recipe()), None, older)
    assert fewer.updates == larger.updates == 0


@ENGINES
def test_the_columns_of_input_layers_are_part_of_what_moments_are_of(kind):
    one, other = (replace(NETWORK, inputs=Input("scale", (j,))) for j in range(2))
    _, state = trained(kind, one)
    with pytest.raises(RequestError, match="another network"):
        kind(other, Recipe()).run(state, Examples(X, Y, np.ones(8)), 2, 3)
