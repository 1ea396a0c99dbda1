"""exp, expm1, log, log1p and tanh as compiled: the same bits on every processor, within 2 units in the last place."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from chainrule.engines.fused.processor import AVX2, here
from chainrule.ir import Tracer, Untraceable
from chainrule.ir.namespace import FUNCTIONS
from tests.engines.fused.evaluate import compiled, function_of_x

# How far from the exact value a result may be, in units of its last place: what was found, rounded up.
FARTHEST = {"exp": 1.0, "expm1": 1.6, "log": 1.0, "log1p": 1.2, "tanh": 1.4}
NAMES = list(FARTHEST)
DTYPES = ["float32", "float64"]
BITS = {"float32": np.int32, "float64": np.int64}
TARGETS = {here(), replace(AVX2, triple=here().triple)} if here().triple.startswith("x86_64") else {here()}
INF, NAN = np.inf, np.nan
ENDS = {  # x, the function of x
    "exp": [(-INF, 0.0), (INF, INF), (NAN, NAN), (0.0, 1.0), (-0.0, 1.0), (-2000.0, 0.0), (2000.0, INF), (3e38, INF)],
    "expm1": [(-INF, -1.0), (INF, INF), (NAN, NAN), (-2000.0, -1.0), (2000.0, INF), (-3e38, -1.0), (3e38, INF)],
    "log": [(0.0, -INF), (-0.0, -INF), (INF, INF), (NAN, NAN), (1.0, 0.0), (-1e-45, NAN), (-1.0, NAN), (-INF, NAN)],
    "log1p": [(-1.0, -INF), (INF, INF), (NAN, NAN), (-1.0000001, NAN), (-2.0, NAN), (-INF, NAN)],
    "tanh": [(-INF, -1.0), (INF, 1.0), (NAN, NAN), (-3e38, -1.0), (3e38, 1.0), (50.0, 1.0)],
}


def boundaries(dtype):
    """Where a formula changes: its polynomials' ends, its ranges' ends, the ends of the format; with neighbours."""
    f = np.finfo(dtype)
    largest, tiny, least = float(f.max), float(f.smallest_normal), float(f.smallest_subnormal)
    two = np.log(2.0)
    powers = 2.0 ** np.arange(f.minexp, f.maxexp, 5)
    places = [
        [np.log(largest), np.log(tiny), np.log(least), np.log(least) - two, two / 2, two / 4, np.log(3.0) / 2],
        (np.arange(-60, 61) + 0.5) * two,
        (np.arange(-60, 61) + 0.5) * two / 2,
        [18.0, 38.0, 89.0, 104.0, 710.0, 746.0, 9.01, 9.1, 19.06, 19.1, 0.25, 0.5, 1.0, 2.0],
        powers,
        1.5 * powers,
        1.5 * 2.0 ** np.arange(-3.0, 4.0) - 1.0,
        [0.0, largest, tiny, least, 2 * least, f.eps, f.eps / 2],
    ]
    around = [np.concatenate(places).astype(dtype)]
    with np.errstate(over="ignore"):
        for toward in (INF, -INF):
            step = around[0]
            for _ in range(3):
                step = np.nextafter(step, np.asarray(toward, dtype))
                around.append(step)
    x = np.concatenate(around)
    return np.concatenate([x, -x])


def points(name, dtype, count, seed):
    """The boundaries, and about as many random numbers as asked for: of any bits, and where the function varies."""
    draw = np.random.default_rng(seed)
    n = count // 5
    width = np.log(float(np.finfo(dtype).max)) * 1.2
    low, high = {
        "exp": (-width, width),
        "expm1": (-40.0, width),
        "log": (0.0, 3.0),
        "log1p": (-1.0, 3.0),
        "tanh": (-20.0, 20.0),
    }[name]
    bits = draw.integers(np.iinfo(BITS[dtype]).min, np.iinfo(BITS[dtype]).max, n, dtype=BITS[dtype])
    small = draw.normal(size=n) * 2.0 ** draw.uniform(-30, 3, n)
    varied = np.concatenate([draw.uniform(low, high, n), draw.normal(size=n), small, 1.0 + small])
    return np.concatenate([boundaries(dtype), bits.view(dtype), varied.astype(dtype)])


def same_bits(a, b):
    """Whether all numbers have the same bits, and NaN stands in the same places."""
    real = ~np.isnan(a)
    whole = BITS[a.dtype.name]
    return np.array_equal(np.isnan(a), np.isnan(b)) and np.array_equal(a[real].view(whole), b[real].view(whole))


def exact(name, x):
    """The function of a number in 40 digits; NaN and infinity as such."""
    x = mpmath.mpf(float(x))
    if mpmath.isnan(x):
        return x
    with mpmath.workdps(40):
        if name in ("log", "log1p"):
            zero = {"log": 0, "log1p": -1}[name]
            return getattr(mpmath, name)(x) if x > zero else (-mpmath.inf if x == zero else mpmath.nan)
        return getattr(mpmath, name)(max(-2000, min(2000, x)))  # beyond, the formats see no difference


def error(y, value, dtype):
    """|y - value| in units of the last place of the value's binade; infinity counts as the power of 2 that follows."""
    if mpmath.isnan(value):
        return 0.0 if np.isnan(y) else INF
    f = np.finfo(dtype)
    with mpmath.workdps(40):
        following = mpmath.mpf(2) ** f.maxexp
        value = max(-following, min(following, value))
        y = max(-following, min(following, mpmath.mpf(float(y))))
        exponent = mpmath.frexp(value)[1] - 1 if value else f.minexp
        exponent = max(f.minexp, min(f.maxexp - 1, exponent))
        return float(abs(y - value) / mpmath.mpf(2) ** (exponent - f.nmant))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_near_the_exact_value_and_the_same_bits_everywhere(name, dtype):
    x = points(name, dtype, 1200, seed=1)
    results = [function_of_x(name, dtype, target)(x) for target in TARGETS]
    assert all(same_bits(results[0], r) for r in results)
    errors = [error(y, exact(name, v), dtype) for v, y in zip(x, results[0], strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= FARTHEST[name], f"{name}({x[worst]!r}) = {results[0][worst]!r}: off by {errors[worst]}"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_near_the_exact_value_at_a_million_points(name, dtype):
    if np.finfo(np.longdouble).nmant < 63:
        pytest.skip("long double is no wider than float64 here")
    x = points(name, dtype, 1_000_000, seed=2)
    results = [function_of_x(name, dtype, target)(x) for target in TARGETS]
    assert all(same_bits(results[0], r) for r in results)
    f = np.finfo(dtype)
    following = np.ldexp(np.longdouble(1), f.maxexp)
    with np.errstate(all="ignore"):
        y = results[0].astype(np.longdouble)
        value = getattr(np, name)(x.astype(np.longdouble))
    assert np.array_equal(np.isnan(value), np.isnan(y))
    x, y, value = (a[~np.isnan(value)] for a in (x, y, value))
    y, value = np.clip(y, -following, following), np.clip(value, -following, following)
    exponent = np.clip(np.where(value == 0, f.minexp, np.frexp(value)[1] - 1), f.minexp, f.maxexp - 1)
    errors = np.ldexp(abs(y - value), f.nmant - exponent).astype(float)
    worst = int(np.argmax(errors))
    assert errors[worst] <= FARTHEST[name], f"{name}({x[worst]!r}) = {y[worst]!r}: off by {errors[worst]}"
    for i in [worst, *np.random.default_rng(3).integers(0, x.size, 2000)]:
        assert error(y[i], exact(name, x[i]), dtype) == pytest.approx(errors[i], abs=0.01), f"{name}({x[i]!r})"


@pytest.mark.parametrize("target", sorted(TARGETS, key=lambda t: t.cpu), ids=lambda t: t.cpu)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_ends(name, dtype, target):
    x, expected = np.array(ENDS[name], dtype).T
    np.testing.assert_array_equal(function_of_x(name, dtype, target)(x), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh"])
def test_zero_keeps_its_sign_and_what_is_near_it_its_value(name, dtype):
    tiny = np.finfo(dtype).smallest_normal
    x = np.array([0.0, -0.0, tiny, -tiny, tiny / 8, -tiny / 8, np.finfo(dtype).smallest_subnormal, -3e-30], dtype)
    y = function_of_x(name, dtype, here())(x)
    assert same_bits(x, y)


@pytest.mark.parametrize("name", NAMES)
def test_of_a_plain_number_it_is_worked_out_in_float64_and_takes_the_dtype_of_what_it_meets(name):
    trace = Tracer("float32")
    rate, x = trace.symbol("rate", "one", weak=True), trace.symbol("x")
    run = compiled({"y": x * getattr(trace, name)(rate), "two": x * getattr(trace, name)(0.7)}, "float32", here())
    result = run(x=np.ones(20, np.float32), rate=np.array([0.7]))
    expected = function_of_x(name, "float64", here())(np.array([0.7])).astype("float32")
    assert np.array_equal(result["y"], np.repeat(expected, 20))
    assert np.array_equal(result["two"], np.repeat(expected, 20))


def test_a_whole_number_is_refused():
    trace = Tracer("float32")
    with pytest.raises(Untraceable, match="exp of int64"):
        trace.exp(trace.symbol("t", "one", whole=True))


ALIKE = {
    "absolute": np.absolute,
    "fabs": np.fabs,
    "negative": np.negative,
    "positive": lambda x: np.positive(x) * 1.0,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "sqrt": lambda x: np.sqrt(np.abs(x)),
    "sign": np.sign,
    "floor": np.floor,
    "rint": np.rint,
    "clip": lambda x: np.clip(x, -0.5, 1.25),
    "clip below": lambda x: np.clip(x, -0.5, None),
    "maximum": lambda x: np.maximum(x, 0.25),
    "minimum": lambda x: np.minimum(0.25, x),
    "add": lambda x: np.add(x, x),
    "subtract": lambda x: np.subtract(1.0, x),
    "multiply": lambda x: np.multiply(x, 3.0),
    "divide": lambda x: np.divide(3.0, x),
    "true_divide": lambda x: np.true_divide(x, x),
    "power": lambda x: np.power(x, 2),
    "zeros_like": lambda x: np.zeros_like(x) * x,
    "ones_like": lambda x: np.ones_like(x) * x,
    "full_like": lambda x: np.full_like(x, 0.1) * x,
    "less": lambda x: np.where(np.less(x, 0.5), x, 2.0),
    "less_equal": lambda x: np.where(np.less_equal(x, 0.5), x, 2.0),
    "greater": lambda x: np.where(np.greater(x, 0.5), x, 2.0),
    "greater_equal": lambda x: np.where(np.greater_equal(x, 0.5), x, 2.0),
    "equal": lambda x: np.where(np.equal(x, 0.5), x, 2.0),
    "not_equal": lambda x: np.where(np.not_equal(x, 0.5), x, 2.0),
    "logical_and": lambda x: np.where(np.logical_and(x > 0.0, x < 0.5), x, 2.0),
    "logical_or": lambda x: np.where(np.logical_or(x < 0.0, x > 0.5), x, 2.0),
    "logical_not": lambda x: np.where(np.logical_not(x < 0.0), x, 2.0),
    "isnan": lambda x: np.where(np.isnan(x), 7.0, x),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ALIKE)
def test_numpys_functions_give_numpys_results(name, dtype):
    x = np.concatenate([np.random.default_rng(4).normal(size=100), [0.5, -0.5, 1.5, 1.0, -1.0, INF, -INF, NAN]])
    x = np.append(x, [0.0, -0.0]).astype(dtype)
    trace = Tracer(dtype)
    result = compiled({"y": ALIKE[name](trace.symbol("x"))}, dtype, here())(x=x)["y"]
    with np.errstate(all="ignore"):
        expected = ALIKE[name](x)
    assert expected.dtype == dtype
    np.testing.assert_array_equal(result, expected)


def test_logaddexp_is_as_near_as_its_operands_are_large():
    draw = np.random.default_rng(5)
    a, b = draw.normal(size=(2, 500)) * 10.0 ** draw.uniform(-3, 2, 500)
    a, b = np.append(a, [INF, -INF, INF, 3.0, NAN, 1.0]), np.append(b, [INF, -INF, -INF, 3.0, 1.0, NAN])
    trace = Tracer("float64")
    y = compiled({"y": np.logaddexp(trace.symbol("a"), trace.symbol("b"))}, "float64", here())(a=a, b=b)["y"]
    with np.errstate(all="ignore"):
        expected = np.logaddexp(a.astype(np.longdouble), b.astype(np.longdouble)).astype(float)
    same = np.isnan(y) & np.isnan(expected) | (y == expected)
    y, expected, a, b = (v[~same] for v in (y, expected, a, b))
    largest = np.max(np.abs([expected, a, b]), axis=0)
    assert np.all(abs(y - expected) <= 3 * np.spacing(largest))


@pytest.mark.parametrize(("call", "op"), [(np.max, "max"), (np.amax, "max"), (np.sum, "sum")])
def test_reductions(call, op):
    trace = Tracer("float32")
    x = trace.symbol("x")
    assert call(x, axis=0, keepdims=True).op == f"{op}_outputs"
    assert call(x).op == f"{op}_all"


def test_a_sum_over_examples_has_a_number_for_each_unit():
    trace = Tracer("float32")
    w, x, share = trace.symbol("w", "unit", rows=3), trace.symbol("x"), trace.symbol("share", "example")
    total = np.sum(w * x, axis=-1, keepdims=True)
    assert (total.op, total.reach, total.rows) == ("sum_examples", "unit", 3)
    assert (w * 2.0 + total).reach == "unit"
    assert (w * share).reach == (w + x).reach == "each"
    for refused in (lambda: np.sum(w, axis=-1, keepdims=True), lambda: np.max(x, axis=-1, keepdims=True)):
        with pytest.raises(Untraceable):
            refused()
    with pytest.raises(Untraceable, match="several outputs"):
        trace.concat([w, w])


def test_every_function_of_numpys_name_is_one_of_numpys():
    assert all(hasattr(np, name) for name in FUNCTIONS)
