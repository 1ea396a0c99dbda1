"""cos and sin of 2 pi t as compiled: the same bits on every processor, as near the exact value as a last place."""

from functools import cache

import mpmath
import numpy as np
import pytest

from chainrule.engines.fused.processor import here
from chainrule.formulas.turns import turns
from chainrule.ir import Tracer
from tests.engines.fused.evaluate import compiled
from tests.engines.fused.test_elementary import BITS, DTYPES, INF, TARGETS, error, same_bits

FARTHEST = 1.0  # units in the last place: what was found, rounded up


@cache
def of_t(dtype, target):
    """(cos, sin) of vectors."""
    trace = Tracer(dtype)
    cos, sin = turns(trace, trace.symbol("t"))
    run = compiled({"cos": cos, "sin": sin}, dtype, target)
    return lambda t: tuple(run(t=np.ascontiguousarray(t, dtype)).values())


def points(dtype, count, seed):
    """Eighths and quarters of turns with their neighbours; any bits, and numbers in the first turns."""
    draw = np.random.default_rng(seed)
    around = [np.arange(-33, 34).astype(dtype) / dtype(8)]
    for toward in (INF, -INF):
        for _ in range(3):
            around.append(np.nextafter(around[-1], dtype(toward)))
    whole = np.iinfo(BITS[dtype.__name__])
    bits = draw.integers(whole.min, whole.max, count, dtype=BITS[dtype.__name__]).view(dtype)
    near = draw.uniform(-3.0, 3.0, 3 * count)
    small = draw.normal(size=count) * 2.0 ** draw.uniform(-30, 3, count)
    ends = [0.0, -0.0, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, 2.0**24 + 2, 2.0**53, 1e9 + 0.25]
    return np.concatenate([*around, bits[np.isfinite(bits)], near.astype(dtype), small.astype(dtype), ends]).astype(
        dtype
    )


def exact(name, t):
    """Of a number, in 40 digits."""
    with mpmath.workdps(400):  # t may be large
        return getattr(mpmath, name)(2 * mpmath.mpf(float(t)))


def assert_near(dtype, count, seed):
    t = points(np.dtype(dtype).type, count, seed)
    results = [of_t(dtype, target)(t) for target in TARGETS]
    for which, name in enumerate(("cospi", "sinpi")):
        y = results[0][which]
        assert all(same_bits(y, r[which]) for r in results)
        errors = [error(of_y, exact(name, of_t), dtype) for of_t, of_y in zip(t, y, strict=True)]
        worst = int(np.argmax(errors))
        assert errors[worst] <= FARTHEST, f"{name}(2 {t[worst]!r}) = {y[worst]!r}: off by {errors[worst]}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_near_the_exact_value_and_the_same_bits_everywhere(dtype):
    assert_near(dtype, 300, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_near_the_exact_value_at_many_points(dtype):
    assert_near(dtype, 20_000, seed=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_quarters_of_a_turn_are_exact(dtype):
    t = np.array([-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1e6 + 0.25])
    cos, sin = of_t(dtype, here())(t)
    np.testing.assert_array_equal(cos, [1, 0, -1, 0, 1, 0, -1, 0, 1, 0])
    np.testing.assert_array_equal(sin, [0, 1, 0, -1, 0, 1, 0, -1, 0, 1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_what_is_not_finite_there_is_none(dtype):
    t = np.array([INF, -INF, np.nan], dtype)
    with np.errstate(invalid="ignore"):
        for result in (*of_t(dtype, here())(t), *turns(np, t)):
            assert np.isnan(result).all()


def test_numpys_are_the_same_but_for_rounding():
    t = points(np.float64, 300, 3)
    for ours, theirs in zip(of_t("float64", here())(t), turns(np, t), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1e-15)


def test_a_plain_number_keeps_its_name_too():
    trace = Tracer("float32")
    cos, sin = turns(trace, 0.125)
    assert (cos.op, cos.weak, sin.op, sin.weak) == ("cos_turns", True, "sin_turns", True)
