"""Programs: what they keep in memory, and that an engine takes up those of one that is no more."""

import gc

import numpy as np
import pytest

from chainrule.engines.fused import Fused, program_cache
from chainrule.engines.fused.lowering import PACKING
from chainrule.engines.fused.program_cache import Programs
from chainrule.network import Network
from chainrule.recipe import Recipe

SLOPE_FROM_A = ("identity", "sigmoid", "tanh", "relu")
SLOPE_FROM_Z = ("leaky_relu", "elu", "selu", "softplus", "silu", "mish", "gelu")


def trained(network, m=40, threads=1):
    """An engine after an epoch."""
    fused = Fused(network, Recipe("adam", batch_size=m // 2), threads=threads)
    rng = np.random.default_rng(0)
    examples = fused.examples(rng.normal(size=(m, network.n[0])), rng.normal(size=(m, network.n[-1])))
    state = fused.run(fused.start(), examples, 0, 2)
    assert fused.is_finite(state.theta)  # as after each epoch of a fit: a program of its own
    return fused


def parts(name, **more):
    return Fused(Network((3, 5, 1), name, **more), Recipe("adam"))._parts


@pytest.mark.parametrize("name", SLOPE_FROM_A)
def test_a_slope_that_A_tells_is_not_kept(name):
    (layer,) = parts(name).hidden
    assert layer.forward.outputs == ("A",)
    assert set(layer.backward.symbols) <= {"dA", "A"}


@pytest.mark.parametrize("name", SLOPE_FROM_Z)
def test_any_other_slope_is_kept_beside_A(name):
    (layer,) = parts(name).hidden
    assert layer.forward.outputs == ("A", "G")
    assert set(layer.backward.symbols) == {"dA", "G"}


def test_with_dropout_the_slope_is_kept_since_A_no_longer_tells_it():
    of_relu = parts("relu", dropout=0.5)
    assert of_relu.hidden[0].forward.outputs == ("A", "G")
    assert of_relu.still[0].forward.outputs == ("A",)


def test_only_programs_that_pack_have_room_for_it():
    small, large = trained(Network((3, 5, 1))), trained(Network((300, 200, 100, 1)), m=400)
    assert not small._programs._packing
    packs = [ready for ready in large._programs._programs.values() if PACKING.name in ready.finished.kinds]
    assert packs
    assert all(ready.packing is large._programs._packing[1] for ready in packs)


def test_the_default_network_of_the_estimators_leaves_its_programs_to_the_next(monkeypatch):
    network = Network((4, 100, 3), "relu", "half_squared_error", dtype="float64")
    first = trained(network, m=300)
    programs, written = first._programs, list(first._programs._programs)
    del first
    gc.collect()
    monkeypatch.setattr(Programs, "__init__", lambda *_: pytest.fail("written anew"))
    second = trained(network, m=300)
    assert second._programs is programs
    assert list(programs._programs) == written


@pytest.mark.parametrize(("beyond", "kept"), [(0, True), (1, False)])
def test_the_pool_keeps_programs_of_so_much_memory_at_most(beyond, kept, monkeypatch):
    first = trained(Network((3, 5, 1), dropout=0.211 + beyond / 100))  # of their own: none in the pool yet
    known = first._programs
    blocks = [*(work.block for work in known._works.values()), *known._packing.values()]
    monkeypatch.setattr(program_cache, "MAX_POOLED_BYTES", sum(block.size for block in blocks) - beyond)
    pool = first._parts.pool[1]
    del first
    gc.collect()
    assert pool == [known] * kept


def test_the_pool_keeps_programs_of_so_many_engines_at_most():
    several = [trained(Network((3, 5, 1), dropout=0.237)) for _ in range(program_cache.MAX_POOLED + 1)]
    pool = several[0]._parts.pool[1]
    assert pool == []
    del several
    gc.collect()
    assert len(pool) == program_cache.MAX_POOLED


def test_programs_for_ever_other_numbers_of_rows_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(program_cache, "MAX_PROGRAMS", 4)
    fused = Fused(Network((3, 5, 1), dropout=0.253), Recipe())
    theta = fused.start().theta
    for m in range(1, 12):
        fused.cost(theta, fused.examples(np.zeros((m, 3)), np.zeros((m, 1))))
        assert len(fused._programs._programs) <= 4
        assert len(fused._programs._works) <= 4


def test_predictions_of_many_numbers_of_rows_share_a_workspace():
    fused = Fused(Network((3, 5, 1), dropout=0.257), Recipe())
    for m in range(5, 9):
        fused.predict(fused.start().theta, np.zeros((m, 3)))
    assert len({id(ready.work) for ready in fused._programs._programs.values()}) == 1
