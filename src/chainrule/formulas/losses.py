"""Losses, each on the pre-activations Z[L] of the last layer: link and loss as one row, finite where the pair is.

    A[L] = link(Z[L])             what the network predicts
    value(Z, Y)                   the loss of each example: (n[L], m), or (1, m) where the outputs belong together
    dZ(Z, Y)                      its derivative with respect to Z, (n[L], m)

The cost J sums the values over outputs and takes the weighted mean over examples; no row knows of m. Defined on Z
a loss stays right where A[L] rounds to 0 or 1: for z = 800, y = 0 the textbook form -log(1 - A) is infinite, this
one 800. To add a loss, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from chainrule.errors import RequestError
from chainrule.formulas.activations import above_zero, log_1_plus_exp, sigma
from chainrule.formulas.links import ascended, each_output, softmax, through_ascended
from chainrule.formulas.table import Array, Namespace, Table, require_number


@dataclass(frozen=True)
class Loss:
    """A loss on Z[L] with its link.

    link          name of the row in LINKS that turns Z[L] into the prediction A[L]
    value, dZ     see the module
    formula       the loss of one output in z (pre-activation), a (prediction), y (target)
    source        where it comes from
    task          "classification" or "regression"
    lowest, highest, excluded   the targets it is defined for: lowest <= y <= highest, without the excluded ends
    elementwise   False where the outputs of one example belong together (softmax)
    kink          True where the derivative jumps at z = y
    levels        q of each output, ascending, where outputs are q-quantiles of one target; empty where they are not
    one_target    True where all outputs are predictions of one target, as several quantiles are
    yes_or_no     the row that takes this one's place where classes do not exclude each other; "" for none
    """

    link: str
    value: Callable[[Array, Array], Array]
    dZ: Callable[[Array, Array], Array]
    formula: str
    source: str
    task: str
    lowest: float = -inf
    highest: float = inf
    excluded: tuple[float, ...] = ()
    elementwise: bool = True
    kink: bool = False
    levels: tuple[float, ...] = ()
    one_target: bool = False
    yes_or_no: str = ""


LOSSES: Table[Loss] = Table(
    "loss",
    aliases={
        "mse": "half_squared_error",
        "squared_error": "half_squared_error",
        "mae": "absolute_error",
        "log_loss": "cross_entropy",
        "bce": "binary_cross_entropy",
    },
)


@LOSSES.row
def half_squared_error(xp: Namespace) -> Loss:
    """Least squares: halved, so that dZ is the plain residual."""

    def value(Z: Array, Y: Array) -> Array:
        return 0.5 * (Z - Y) * (Z - Y)

    def dZ(Z: Array, Y: Array) -> Array:
        return Z - Y

    return Loss("identity", value, dZ, "(a - y)^2 / 2, a = z", "Gauss 1809", "regression")


@LOSSES.row
def half_squared_error_sigmoid(xp: Namespace) -> Loss:
    """Least squares on a sigmoid output, as course notes use it for a first derivation; it is not convex."""

    def value(Z: Array, Y: Array) -> Array:
        A = sigma(xp, Z)
        return 0.5 * (A - Y) * (A - Y)

    def dZ(Z: Array, Y: Array) -> Array:
        A = sigma(xp, Z)
        return (A - Y) * A * (1.0 - A)

    formula = "(a - y)^2 / 2, a = sigmoid(z)"
    source = "Rumelhart, Hinton & Williams 1986"
    return Loss("sigmoid", value, dZ, formula, source, "classification", lowest=0.0, highest=1.0)


@LOSSES.row
def binary_cross_entropy(xp: Namespace, smoothing: float = 0.0) -> Loss:
    """Minus the log-likelihood of independent yes/no outputs; with K outputs, the K sigmoids of multi-label nets.

    -(y log a + (1 - y) log(1 - a)) = log(1 + e^z) - z y,  with y -> (1 - smoothing) y + smoothing / 2.
    """
    require_number(0.0 <= smoothing < 1.0, "binary_cross_entropy", "smoothing is at least 0 and below 1", smoothing)

    def smooth(Y: Array) -> Array:
        return (1.0 - smoothing) * Y + 0.5 * smoothing

    def value(Z: Array, Y: Array) -> Array:
        return log_1_plus_exp(xp, Z) - Z * smooth(Y)

    def dZ(Z: Array, Y: Array) -> Array:
        return sigma(xp, Z) - smooth(Y)

    formula = "-(y log a + (1 - y) log(1 - a)), a = sigmoid(z)"
    source = "Cox 1958; smoothing: Szegedy et al. 2016"
    return Loss("sigmoid", value, dZ, formula, source, "classification", lowest=0.0, highest=1.0)


@LOSSES.row
def cross_entropy(xp: Namespace, smoothing: float = 0.0) -> Loss:
    """Minus the log-likelihood of one class out of K; each column of Y sums to 1.

    -sum_k y_k log a_k = log(sum_k e^z_k) - sum_k y_k z_k,  with y -> (1 - smoothing) y + smoothing / K.
    """
    require_number(0.0 <= smoothing < 1.0, "cross_entropy", "smoothing is at least 0 and below 1", smoothing)

    def smooth(Y: Array) -> Array:
        return (1.0 - smoothing) * Y + smoothing / Y.shape[0]

    def value(Z: Array, Y: Array) -> Array:
        V = Z - xp.max(Z, axis=0, keepdims=True)  # the same loss, since the y_k sum to 1, and cannot overflow
        log_sum = xp.log(xp.sum(xp.exp(V), axis=0, keepdims=True))
        return log_sum - xp.sum(smooth(Y) * V, axis=0, keepdims=True)

    def dZ(Z: Array, Y: Array) -> Array:
        return softmax(xp).g(Z) - smooth(Y)

    formula = "-sum_k y_k log a_k, a = softmax(z)"
    source = "Bridle 1990; smoothing: Szegedy et al. 2016"
    return Loss(
        "softmax",
        value,
        dZ,
        formula,
        source,
        "classification",
        lowest=0.0,
        highest=1.0,
        elementwise=False,
        yes_or_no="binary_cross_entropy",
    )


@LOSSES.row
def absolute_error(xp: Namespace) -> Loss:
    """Least absolute deviations: predicts the median."""

    def value(Z: Array, Y: Array) -> Array:
        return xp.abs(Z - Y)

    def dZ(Z: Array, Y: Array) -> Array:
        return xp.sign(Z - Y)

    return Loss("identity", value, dZ, "|a - y|, a = z", "Laplace 1774", "regression", kink=True)


@LOSSES.row
def huber(xp: Namespace, delta: float = 1.0) -> Loss:
    """Squared near zero, absolute beyond delta: outliers pull with a bounded force."""
    require_number(delta > 0.0, "huber", "delta is above 0", delta)

    def value(Z: Array, Y: Array) -> Array:
        r = xp.abs(Z - Y)
        c = xp.minimum(r, delta)
        return c * (r - 0.5 * c)

    def dZ(Z: Array, Y: Array) -> Array:
        return xp.maximum(xp.minimum(Z - Y, delta), -delta)

    formula = "c (r - c/2), r = |a - y|, c = min(r, delta), a = z"
    return Loss("identity", value, dZ, formula, "Huber 1964", "regression")


@LOSSES.row
def quantile(xp: Namespace, q: float = 0.5) -> Loss:
    """The pinball loss: predicts the q-quantile."""
    require_number(0.0 < q < 1.0, "quantile", "q is between 0 and 1", q)

    def value(Z: Array, Y: Array) -> Array:
        return xp.maximum(q * (Y - Z), (q - 1.0) * (Y - Z))

    def dZ(Z: Array, Y: Array) -> Array:
        return (1.0 - q) * above_zero(xp, Z - Y) - q * above_zero(xp, Y - Z)

    formula = "max(q (y - a), (q - 1) (y - a)), a = z"
    source = "Koenker & Bassett 1978"
    return Loss("identity", value, dZ, formula, source, "regression", kink=True, levels=(q,))


@LOSSES.row
def quantiles(xp: Namespace, *q: float) -> Loss:
    """The pinball losses of several quantiles at once, q ascending, one output each, which never cross.

    Without numbers the K outputs share the range evenly, q_k = k / (K + 1). Every row of Y is the same target.
    """
    for low, high in pairwise((0.0, *q, 1.0)):
        require_number(low < high, "quantiles", "q ascend, between 0 and 1", high if high < 1.0 else low)

    def levels(Z: Array) -> list[float]:
        K = Z.shape[0]
        if q and len(q) != K:
            raise RequestError(f"quantiles({', '.join(f'{p:g}' for p in q)}) takes {len(q)} outputs, not {K}.")
        return list(q) or [(k + 1) / (K + 1) for k in range(K)]

    def value(Z: Array, Y: Array) -> Array:
        rows = zip(levels(Z), ascended(xp, Z), each_output(Y), strict=True)
        first, *others = (xp.maximum(p * (y - a), (p - 1.0) * (y - a)) for p, a, y in rows)
        return sum(others, first)

    def dZ(Z: Array, Y: Array) -> Array:
        rows = zip(levels(Z), ascended(xp, Z), each_output(Y), strict=True)
        dA = [(1.0 - p) * above_zero(xp, a - y) - p * above_zero(xp, y - a) for p, a, y in rows]
        return through_ascended(xp, Z, dA)

    formula = "sum_k max(q_k (y - a_k), (q_k - 1) (y - a_k)), a_1 = z_1, a_k = a_(k-1) + log(1 + e^z_k)"
    source = "Koenker & Bassett 1978; the link: Dugas et al. 2001"
    return Loss(
        "ascending",
        value,
        dZ,
        formula,
        source,
        "regression",
        elementwise=False,
        kink=True,
        levels=q,
        one_target=True,
    )


@LOSSES.row
def poisson(xp: Namespace) -> Loss:
    """Minus the Poisson log-likelihood without its constant log y!; infinite above z = 709 (88 in float32)."""

    def value(Z: Array, Y: Array) -> Array:
        return xp.exp(Z) - Y * Z

    def dZ(Z: Array, Y: Array) -> Array:
        return xp.exp(Z) - Y

    formula = "a - y log a, a = exp(z)"
    return Loss("exponential", value, dZ, formula, "Nelder & Wedderburn 1972", "regression", lowest=0.0)


@LOSSES.row
def gamma(xp: Namespace) -> Loss:
    """Half the gamma deviance without its constant; infinite below z = -709 (-88 in float32)."""

    def value(Z: Array, Y: Array) -> Array:
        return Z + Y * xp.exp(-Z)

    def dZ(Z: Array, Y: Array) -> Array:
        return 1.0 - Y * xp.exp(-Z)

    formula = "log a + y / a, a = exp(z)"
    source = "McCullagh & Nelder 1989, section 8.2"
    return Loss("exponential", value, dZ, formula, source, "regression", lowest=0.0, excluded=(0.0,))


@LOSSES.row
def tweedie(xp: Namespace, power: float = 1.5) -> Loss:
    """Half the Tweedie deviance without its constant, 1 < power < 2: zeros and positive amounts in one target.

    Infinite where e^((2 - power) z) or e^((1 - power) z) is: for power 1.5, beyond |z| = 1419 (177 in float32).
    """
    p = power
    require_number(1.0 < p < 2.0, "tweedie", "power is between 1 and 2", p)

    def y_a(Z: Array, Y: Array) -> Array:
        """y a^(1 - p); the sign of y keeps 0 times infinity out where y = 0."""
        return Y * xp.exp(xp.sign(Y) * (1.0 - p) * Z)

    def value(Z: Array, Y: Array) -> Array:
        return xp.exp((2.0 - p) * Z) / (2.0 - p) - y_a(Z, Y) / (1.0 - p)

    def dZ(Z: Array, Y: Array) -> Array:
        return xp.exp((2.0 - p) * Z) - y_a(Z, Y)

    formula = "a^(2 - p) / (2 - p) - y a^(1 - p) / (1 - p), p = power, a = exp(z)"
    return Loss("exponential", value, dZ, formula, "Jorgensen 1987", "regression", lowest=0.0)
