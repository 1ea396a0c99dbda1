"""Numbers below the smallest normal one are 0 while compiled code runs, and what they were before and after."""

import numpy as np
import pytest

from chainrule import Network, Recipe
from chainrule.engines.fused import Fused
from chainrule.engines.fused import threads as of_engine

SUBNORMAL = {"float32": 1e-40, "float64": 1e-310}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_moment_whose_gradient_is_gone_reaches_0(dtype, threads, monkeypatch):
    """In plain arithmetic 0.9 times the smallest number rounds to that number again, and stays."""
    monkeypatch.setattr(of_engine, "WORTH", 1e-9)  # threads are used however small the work
    monkeypatch.setattr(of_engine, "ADAPTS", False)
    smallest = np.finfo(dtype).smallest_subnormal
    assert np.array(0.9, dtype) * smallest == smallest
    engine = Fused(Network((2, 1), dtype=dtype), Recipe("adam", shuffle=False, epochs=4000), threads=threads)
    state = engine.start()
    first, rest = (engine.examples([[1.0, x]] * 8, [[1.0]] * 8) for x in (1.0, 0.0))
    state = engine.run(state, first, 0, 1)
    assert (state.moments[0] != 0).all()
    state = engine.run(state, rest, 1, 4000 if dtype == "float32" else 8000)
    assert state.moments[0][1] == 0.0  # of the weight whose input is 0 since
    assert state.moments[1][1] > 0.0  # 0.999^t falls more slowly


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_computes_with_tiny_numbers_as_before(dtype):
    engine = Fused(Network((1, 1), dtype=dtype), Recipe("gradient_descent"))
    tiny = np.array([SUBNORMAL[dtype]] * 64, dtype)
    before = (tiny * np.array(0.5, dtype)).tobytes()
    answer = engine.predict(np.array([1.0, 0.0], dtype), tiny[:, None])
    assert not answer.any()
    assert (tiny * np.array(0.5, dtype)).tobytes() == before
    assert tiny[0] * 0.5 != 0.0
