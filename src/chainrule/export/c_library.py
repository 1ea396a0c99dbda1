"""What the exported C file calls: readers of cells, and functions without branches. It takes those that it needs."""

import re
from collections.abc import Mapping

READERS = {
    "scaled": """
/* (value - mean) / scale, with the fill in a gap; wrong where training would have refused the value. */
static double scaled(double value, double fill, double mean, double scale, int *wrong)
{
    const double x = ((isnan(value) ? fill : value) - mean) / scale;
    *wrong |= fabs(value) > 1e100 || !(fabs(x) <= 1e15);
    return x;
}
""",
    "normal_score": """
/* z of the value, with the fill in a gap: linear between the knots, outside them that of the nearest; wrong where
 * training would have refused the value. */
static double normal_score(double value, double fill, const double *knots, const double *z, int count, int *wrong)
{
    const double x = isnan(value) ? fill : value;
    int low = 0, high = count - 1;
    *wrong |= fabs(value) > 1e100 || isnan(x);
    if (!(x > knots[low]))
        return z[low];
    if (x >= knots[high])
        return z[high];
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (x >= knots[middle])
            low = middle;
        else
            high = middle;
    }
    return z[low] + (x - knots[low]) / (knots[high] - knots[low]) * (z[high] - z[low]);
}
""",
    "truth": """
static double truth(double value, int *wrong)
{
    *wrong |= !isnan(value) && value != 0.0 && value != 1.0;
    return value;
}
""",
    "calendar": """
/* Year, month, day of the week from Monday = 0, and the days since 1970 themselves; NAN gives four of it.
 * Years begin in March here, and 400 of them are an era: Hinnant 2013, chrono-compatible low-level date algorithms. */
static void calendar(double days, double part[4], int *wrong)
{
    part[0] = part[1] = part[2] = part[3] = days;
    if (isnan(days))
        return;
    if (!(fabs(days) < 1e8)) {
        *wrong = 1;
        return;
    }
    const long day = (long)floor(days);
    const long since = day + 719468;
    const long era = (since >= 0 ? since : since - 146096) / 146097;
    const long of_era = since - 146097 * era;
    const long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const long of_year = of_era - (365 * year + year / 4 - year / 100);
    const long from_march = (5 * of_year + 2) / 153;
    const long month = from_march < 10 ? from_march + 3 : from_march - 9;
    part[0] = (double)(400 * era + year + (month <= 2));
    part[1] = (double)month;
    part[2] = (double)(((day + 3) % 7 + 7) % 7);
}
""",
    "level": """
/* The place of the text among the sorted levels; those of others and gaps are handed in. A text among those that are
 * missing, which end with NULL, is a gap. */
static int level(const char *text, const char *const *levels, int count, int others, int gaps,
                 const char *const *missing)
{
    int found = others;
    for (; text != NULL && *missing != NULL; missing++)
        if (strcmp(text, *missing) == 0)
            text = NULL;
    if (text == NULL || *text == '\\0') {
        found = gaps;
    } else {
        int low = 0;
        while (low < count) {
            const int middle = low + (count - low) / 2;
            const int order = strcmp(text, levels[middle]);
            if (order == 0) {
                found = middle;
                break;
            }
            if (order < 0)
                count = middle;
            else
                low = middle + 1;
        }
    }
    return found;
}
""",
    "category": """
/* X[k] = 1, where k is the place of the text; -1 as the place of others or gaps is no place. */
static void category(const char *text, const char *const *levels, int count, int others, int gaps,
                     const char *const *missing, double *X)
{
    const int k = level(text, levels, count, others, gaps, missing);
    if (k >= 0)
        X[k] = 1.0;
}
""",
}


def needed(helpers: Mapping[str, str], text: str) -> str:
    """Those of the helpers, each after what it calls, that the text calls."""
    found: list[str] = []
    for name, source in reversed(list(helpers.items())):
        if re.search(rf"\b{name}\(", text + "".join(found)):
            found.insert(0, source)
    return "".join(found)


def _of_both_types(name: str, source: str) -> dict[str, str]:
    """A helper for float and one for double."""
    return {
        f"{name}_{kind}": source.replace("REAL", kind).replace("BITS", bits).replace("SUFFIX", suffix)
        for kind, bits, suffix in (("float", "uint32_t", "f"), ("double", "uint64_t", ""))
    }


FUNCTIONS = {
    **_of_both_types(
        "chosen",
        """
/* a where the condition holds, else b, without a branch. */
static inline REAL chosen_REAL(int condition, REAL a, REAL b)
{
    BITS x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    const BITS mask = 0u - (BITS)(condition != 0);
    x = (x & mask) | (y & ~mask);
    memcpy(&a, &x, sizeof a);
    return a;
}
""",
    ),
    **_of_both_types(
        "maximum",
        """
/* The larger one; NAN where one is. */
static inline REAL maximum_REAL(REAL x, REAL y)
{
    return chosen_REAL((x > y) | (x != x), x, y);
}
""",
    ),
    **_of_both_types(
        "minimum",
        """
/* The smaller one; NAN where one is. */
static inline REAL minimum_REAL(REAL x, REAL y)
{
    return chosen_REAL((x < y) | (x != x), x, y);
}
""",
    ),
    **_of_both_types(
        "sign",
        """
/* -1, 0 or 1; NAN of NAN. */
static inline REAL sign_REAL(REAL x)
{
    return chosen_REAL(x != x, x, (REAL)((x > 0) - (x < 0)));
}
""",
    ),
    **_of_both_types(
        "cos_turns",
        """
/* cos(2 pi t); whole turns come off first, which is exact. */
static inline REAL cos_turns_REAL(REAL t)
{
    return cosSUFFIX(6.283185307179586SUFFIX * (t - rintSUFFIX(t)));
}
""",
    ),
    **_of_both_types(
        "sin_turns",
        """
/* sin(2 pi t). */
static inline REAL sin_turns_REAL(REAL t)
{
    return sinSUFFIX(6.283185307179586SUFFIX * (t - rintSUFFIX(t)));
}
""",
    ),
    "power_of_2": """
static inline float power_of_2(uint32_t k)
{
    const uint32_t bits = (k + 127u) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}
""",
    "exponential": """
/* e^x = (1 + p) 2^k 2^half: 1.5 2^23 rounds the exponent to an integer in the last bits, log 2 is taken off in two
 * parts, and the polynomial is that of expf in Moshier's Cephes library. The C library has exp too, but that is called
 * for one number at a time. */
static inline float exponential(float x, uint32_t *k, uint32_t *half)
{
    const float shifted = x * 1.44269504f + 12582912.0f;
    const float whole = shifted - 12582912.0f;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    *half = ((bits - 0x4B000000u) >> 1) - 0x200000u;
    *k = bits - 0x4B400000u - *half;
    return p * (r * r) + r;
}
""",
    "exp_float": """
/* e^x; beyond -104 and 89 it is 0 and infinite. */
static inline float exp_float(float x)
{
    const float below = chosen_float(x > 89.0f, 89.0f, x);
    uint32_t k, half;
    const float p = exponential(chosen_float(below < -104.0f, -104.0f, below), &k, &half);
    return (1.0f + p) * power_of_2(half) * power_of_2(k);
}
""",
    "expm1_float": """
/* e^x - 1, exact near 0 too; below -30 it is -1, beyond 89 infinite. */
static inline float expm1_float(float x)
{
    const float below = chosen_float(x > 89.0f, 89.0f, x);
    uint32_t k, half;
    const float p = exponential(chosen_float(below < -30.0f, -30.0f, below), &k, &half);
    return (power_of_2(k) * p + (power_of_2(k) - power_of_2(0u - half))) * power_of_2(half);
}
""",
    "tanh_float": """
/* e / (e + 2) with e = e^2x - 1; beyond 10 it is 1. */
static inline float tanh_float(float x)
{
    const float below = chosen_float(x > 10.0f, 10.0f, x);
    const float e = expm1_float(2.0f * chosen_float(below < -10.0f, -10.0f, below));
    return e / (e + 2.0f);
}
""",
}
