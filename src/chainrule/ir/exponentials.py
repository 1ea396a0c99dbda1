"""exp, expm1 and tanh in single operations: within 1, 1.6 and 1.4 units in the last place of the exact value.

e^x = 2^n e^r, where n is the integer nearest to x / log 2 and r = x - n log 2 is worked out in two steps, the
first exact (Cody & Waite 1980, Software Manual for the Elementary Functions). e^r = 1 + r + r^2 c(r), with c a
polynomial whose first coefficient is exact: Remez exchange for the smallest largest relative error of e^r - 1, in 50
digits, then rounded to the format (float32: the lowest coefficients first, the others fitted again after each).
"""

from chainrule.ir.expressions import Expression
from chainrule.ir.single_operations import (
    FORMATS,
    copysign,
    fma,
    from_bits,
    maximum,
    minimum,
    polynomial,
    real_function,
    select,
    shifted_down,
    to_bits,
)

# (e^r - 1 - r) / r^2 for |r| <= log(2) / 2
_C = {
    "float32": (0.5, 0.16666548, 0.041666824, 0.008366109, 0.0013900832),
    "float64": (
        0.5,
        0.16666666666666602,
        0.04166666666661988,
        0.00833333333338841,
        0.0013888888920557698,
        0.00019841269709366848,
        2.480151627727469e-05,
        2.755742493848406e-06,
        2.762225882335016e-07,
        2.5045989535061966e-08,
    ),
}
# (e^2r - 1 - 2r) / r^2 for -log(2) / 4 <= r <= log(3) / 2
_C_TANH = {
    "float32": (2.0, 1.3333329, 0.6666623, 0.2667096, 0.08896174, 0.024325501, 0.008724977),
    "float64": (
        2.0,
        1.3333333333333326,
        0.6666666666666379,
        0.2666666666668958,
        0.08888888889131386,
        0.025396825374874563,
        0.006349206306431919,
        0.0014109355523324078,
        0.0002821853309270642,
        5.129933089388809e-05,
        8.593394334953175e-06,
        1.2303005824796342e-06,
        2.6667699668363e-07,
    ),
}
_LOG2_E = 1.4426950408889634

# Beyond these the result no longer changes: e^x is 0 or infinite, e^x - 1 is -1 or infinite, tanh is 1.
_EXP_ENDS = {"float32": (-104.0, 89.0), "float64": (-746.0, 710.0)}
_EXPM1_ENDS = {"float32": (-18.0, 89.0), "float64": (-38.0, 710.0)}
_TANH_END = {"float32": 9.1, "float64": 19.1}
_LOG3_HALF = 0.5493061443340548  # tanh is 1/2 here


@real_function
def exp(x: Expression) -> Expression:
    """e^x. 2^n is applied in two halves: it may be too small, or too large by one, for the format."""
    form = FORMATS[x.dtype]
    low, high = _EXP_ENDS[x.dtype]
    x = minimum(maximum(x, low), high)
    shift = form.magic + 2 * form.bias  # both exponents' bias, so that the bits are those of the two halves
    t = fma(x, _LOG2_E, shift)
    n = t - shift
    r = fma(n, -form.ln2_rest, fma(n, -form.ln2, x))
    both = to_bits(t)
    half = shifted_down(both, 1)
    p = fma(fma(polynomial(r, _C[x.dtype]), r, 1.0), r, 1.0)
    return p * from_bits(half << form.fraction) * from_bits((both - half) << form.fraction)


@real_function
def expm1(x: Expression) -> Expression:
    """e^x - 1 = 2^n (r + r^2 c(r)) + (2^n - 1), in negatives so that -0 stays -0."""
    form = FORMATS[x.dtype]
    low, high = _EXPM1_ENDS[x.dtype]
    x = minimum(maximum(x, low), high)
    shift = form.magic + form.bias
    t = fma(x, _LOG2_E, shift)
    n = t - shift
    exact = fma(n, -form.ln2, x)
    rest = n * form.ln2_rest
    r = exact - rest
    top = minimum(t, shift + form.bias)  # 2^n is finite: where n is one larger, the result is doubled
    s = from_bits(to_bits(top) << form.fraction)
    w = fma(r * r, -polynomial(r, _C[x.dtype]), rest)
    y = fma(s, -w, fma(s, exact, -(1.0 - s)))
    return fma(y, t - top, y)


@real_function
def tanh(x: Expression) -> Expression:
    """With q = e^2a - 1, a = |x|: tanh a = 1 - 2 / (q + 2) where that is above 1/2.

    Below, n is 0, q = 2a + a^2 c(a), and tanh a = q / (q + 2) = a - a (q - a c(a)) / (q + 2): little is taken from a.
    """
    form = FORMATS[x.dtype]
    a = minimum(abs(x), _TANH_END[x.dtype])
    above = a > _LOG3_HALF
    shift = form.magic + form.bias
    t = select(above, fma(a, 2.0 * _LOG2_E, shift), shift)
    n = t - shift
    r = fma(n, -0.5 * form.ln2_rest, fma(n, -0.5 * form.ln2, a))
    s = from_bits(to_bits(t) << form.fraction)
    c = polynomial(r, _C_TANH[x.dtype])
    q = fma(r * r, c, r + r)  # 2^n (1 + q) = e^2a
    ratio = select(above, 2.0, r * fma(-r, c, q)) / fma(s, q, s + 1.0)
    return copysign(select(above, 1.0, r) - ratio, x)
