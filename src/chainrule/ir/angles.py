"""cos and sin of 2 pi t in single operations: within a unit in the last place of the exact value, everywhere.

t = n + q/4 + s with integers n and q and |s| <= 1/8: three differences, all of them exact, so nothing is lost for a
large t either. By q, the result is the cosine or the sine of 2 pi s, with its sign or the other one.

    sin 2 pi s = s 2 pi + s^3 p(s^2)         2 pi as the sum of two numbers of the format
    cos 2 pi s = 1 + s^2 c(s^2)

p and c are polynomials: Remez exchange for the smallest largest relative error of the sine, and absolute error of the
cosine, in 50 digits, then rounded to the format (the lowest coefficients first, the others fitted again after each).
"""

from chainrule.ir.expressions import Expression
from chainrule.ir.single_operations import FORMATS, fma, from_bits, polynomial, real_function, select, to_bits

_TWO_PI = {"float32": 6.2831855, "float64": 6.283185307179586}
# What is missing there from 2 pi; then (sin(2 pi s) / s - 2 pi) / s^2 for |s| <= 1/8
_P = {
    "float32": (-1.7484555e-07, -41.34167, 81.59343, -75.427544),
    "float64": (
        2.4492935982947064e-16,
        -41.34170224039967,
        81.60524927596379,
        -76.70585970743242,
        42.05868532732583,
        -15.093818531642938,
        3.7811253742029707,
    ),
}
# (cos(2 pi s) - 1) / s^2 for |s| <= 1/8
_C = {
    "float32": (-19.739208, 64.93914, -85.42312, 58.561153),
    "float64": (
        -19.739208802178716,
        64.93939402266663,
        -85.45681720595773,
        60.244641219098966,
        -26.42624017902629,
        7.902577355284659,
        -1.687229874540502,
    ),
}


@real_function
def cos_turns(t: Expression) -> Expression:
    """cos 2 pi t; NaN where t is not finite."""
    s, q = _reduced(t)
    return _signed(select((q & 1) != 0, _sine(s), _cosine(s)), q + 1)


@real_function
def sin_turns(t: Expression) -> Expression:
    """sin 2 pi t; NaN where t is not finite."""
    s, q = _reduced(t)
    return _signed(select((q & 1) != 0, _cosine(s), _sine(s)), q)


def _reduced(t: Expression) -> tuple[Expression, Expression]:
    """s, and bits that end in those of q."""
    magic = FORMATS[t.dtype].magic
    r = t - t.trace.rint(t)
    rounded = fma(r, 4.0, magic)
    return fma(rounded - magic, -0.25, r), to_bits(rounded)


def _sine(s: Expression) -> Expression:
    return fma(s, _TWO_PI[s.dtype], s * polynomial(s * s, _P[s.dtype]))


def _cosine(s: Expression) -> Expression:
    return fma(s * s, polynomial(s * s, _C[s.dtype]), 1.0)


def _signed(size: Expression, q: Expression) -> Expression:
    """The other sign where q / 2 is odd: 1 added to the sign's bit changes it."""
    to_the_sign = {"float32": 30, "float64": 62}[size.dtype]
    return from_bits(to_bits(size) + ((q & 2) << to_the_sign))
