"""log and log1p in single operations: within 1 and 1.2 units in the last place of the exact value, everywhere.

x = 2^e (1 + f) with 1 + f between 3/4 and 3/2, so log x = e log 2 + log(1 + f). (With these bounds, not sqrt(1/2) and
sqrt(2), f is exact enough also where log1p has to round it: below 1/4 where it is negative.)

    float32   log(1 + f) = f - f^2 h(f)
    float64   log(1 + f) = f - (f^2/2 - s (f^2/2 + s^2 l(s^2))),  s = f / (2 + f)      (FreeBSD msun, e_log.c)

h and l are polynomials: Remez exchange for the smallest largest relative error of the logarithm, in 50 digits, then
rounded to the format (float32: the lowest coefficients first, the others fitted again after each).
"""

from math import inf, nan

from chainrule.ir.expressions import Expression
from chainrule.ir.single_operations import (
    FORMATS,
    fma,
    from_bits,
    polynomial,
    real_function,
    select,
    shifted_down,
    to_bits,
    to_real,
)

# (f - log(1 + f)) / f^2 for -1/4 <= f <= 1/2
_H = (0.5, -0.33333448, 0.25000086, -0.19990918, 0.16647755, -0.14478518, 0.13157023, -0.10453405, 0.045010768)
# (log((1 + s) / (1 - s)) - 2s) / s^3 as a polynomial in s^2, for the same f
_L = (
    0.6666666666667271,
    0.39999999996160457,
    0.28571429395489767,
    0.2222213848640951,
    0.18186356652657998,
    0.15250177521081718,
    0.15368272893832427,
)


@real_function
def log(x: Expression) -> Expression:
    """The natural logarithm."""
    form = FORMATS[x.dtype]
    small = x < form.smallest_normal
    scaled = select(small, x * 2.0**form.fraction, x)
    moved = _minus_exponent(scaled)
    f = from_bits(to_bits(scaled) + moved) - 1.0
    return _with_ends(_sum(moved, f, select(small, x.like(form.fraction), 0.0)), x, 0.0)


@real_function
def log1p(x: Expression) -> Expression:
    """log(1 + x). e is that of 1 + x rounded, but f = 2^-e x + (2^-e - 1) does not suffer from that rounding."""
    form = FORMATS[x.dtype]
    moved = _minus_exponent(1.0 + x)
    s = from_bits(moved + ((form.bias + 2) << form.fraction)) * 0.25  # 2^-e: it may be below the normal numbers
    return _with_ends(_sum(moved, fma(x, s, -(1.0 - s)), None), x, -1.0)


def _minus_exponent(x: Expression) -> Expression:
    """-e in the place of the exponent's bits, all other bits 0."""
    form = FORMATS[x.dtype]
    bits = to_bits(x)
    bits_of_one_and_a_half = (2 * form.bias + 1) << (form.fraction - 1)
    return (bits_of_one_and_a_half - bits) & (-1 << form.fraction)


def _sum(moved: Expression, f: Expression, extra: Expression | None) -> Expression:
    """e log 2 + log(1 + f), given -e as bits (``extra`` is added to it), in negatives so that -0 stays -0."""
    form = FORMATS[f.dtype]
    if f.dtype == "float32":
        unit = 2.0**form.fraction  # the bits as an integer are -e times this
        k = to_real(moved)
        k = k if extra is None else k + extra * unit
        square = f * f
        rest = fma(square, polynomial(f, _H), k * (form.ln2_rest / unit))
    else:
        unit = 1.0
        k = _low_bits(moved)
        k = k if extra is None else k + extra
        square = 0.5 * f * f
        s = f / (2.0 + f)
        z = s * s
        rest = fma(-s, fma(z, polynomial(z, _L), square), fma(k, form.ln2_rest, square))
    return fma(k, -form.ln2 / unit, f - rest)


def _low_bits(moved: Expression) -> Expression:
    """-e as a real, by way of the low bits of 2^fraction: AVX2 has no conversion from int64."""
    form = FORMATS["float64"]
    bias = form.bias + 2
    bits = shifted_down(moved + (bias << form.fraction), form.fraction) + to_bits(
        moved.trace.constant(2.0**52, "float64")
    )
    return from_bits(bits) - (2.0**form.fraction + bias)


def _with_ends(y: Expression, x: Expression, zero: float) -> Expression:
    """y for x above ``zero``, where the logarithm is -inf; inf of inf, NaN below and of NaN."""
    return select(x <= zero, select(x < zero, x.like(nan), -inf), select(x < inf, y, x))
