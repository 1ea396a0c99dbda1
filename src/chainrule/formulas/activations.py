"""Activations: A = g(Z) with its derivative beside it, dA/dZ = slope(Z, A).

A row is written with functions that act on one element as they do on an array (no ``where``, no masks), so that the
same lines run on NumPy arrays, on tensors, and compiled as scalar functions. To add an activation, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

from chainrule.formulas.table import Array, Namespace, Table


@dataclass(frozen=True)
class Activation:
    """The function of a layer and its derivative.

    g(Z)          the activations A, shaped like Z
    slope(Z, A)   dA/dZ element by element, shaped like Z; by A alone where that tells it, so that Z need not be kept
    formula       g as text, in z
    source        where it comes from
    kinks         the z at which g has no derivative (slope gives 0, or the one-sided value from below)
    initializer   the initial weights that suit it
    steepest      the largest slope of a g that is bounded on both sides: units at its ends hardly learn; else None
    """

    g: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    formula: str
    source: str
    kinks: tuple[float, ...] = ()
    initializer: str = "xavier_uniform"
    steepest: float | None = None


ACTIVATIONS: Table[Activation] = Table(
    "activation", aliases={"logistic": "sigmoid", "linear": "identity", "swish": "silu"}
)


def sigma(xp: Namespace, Z: Array) -> Array:
    """1 / (1 + e^-z) without overflow: e^min(z, 0) / (1 + e^-|z|)."""
    return xp.exp(xp.minimum(Z, 0.0)) / (1.0 + xp.exp(-xp.abs(Z)))


def log_1_plus_exp(xp: Namespace, Z: Array) -> Array:
    """log(1 + e^z) without overflow: max(z, 0) + log(1 + e^-|z|)."""
    return xp.maximum(Z, 0.0) + xp.log1p(xp.exp(-xp.abs(Z)))


def above_zero(xp: Namespace, Z: Array) -> Array:
    """1 where z > 0, else 0."""
    return xp.maximum(xp.sign(Z), 0.0)


@ACTIVATIONS.row
def identity(xp: Namespace) -> Activation:
    """A = Z: linear regression's output."""

    def g(Z: Array) -> Array:
        return Z

    def slope(Z: Array, A: Array) -> Array:
        return xp.ones_like(Z)

    return Activation(g, slope, "z", "linear")


@ACTIVATIONS.row
def sigmoid(xp: Namespace) -> Activation:
    """The logistic function; scikit-learn calls it ``logistic``."""

    def g(Z: Array) -> Array:
        return sigma(xp, Z)

    def slope(Z: Array, A: Array) -> Array:
        return A * (1.0 - A)

    return Activation(g, slope, "1 / (1 + exp(-z))", "Verhulst 1838", steepest=0.25)


@ACTIVATIONS.row
def tanh(xp: Namespace) -> Activation:
    """The hyperbolic tangent."""

    def g(Z: Array) -> Array:
        return xp.tanh(Z)

    def slope(Z: Array, A: Array) -> Array:
        return 1.0 - A * A

    return Activation(g, slope, "tanh(z)", "LeCun et al. 1998, Efficient BackProp", steepest=1.0)


@ACTIVATIONS.row
def relu(xp: Namespace) -> Activation:
    """The rectified linear unit."""

    def g(Z: Array) -> Array:
        return xp.maximum(Z, 0.0)

    def slope(Z: Array, A: Array) -> Array:
        return above_zero(xp, A)  # a > 0 exactly where z > 0

    return Activation(g, slope, "max(z, 0)", "Nair & Hinton 2010", (0.0,), "he_normal")


@ACTIVATIONS.row
def leaky_relu(xp: Namespace, negative_slope: float = 0.01) -> Activation:
    """A relu whose units cannot die."""

    def g(Z: Array) -> Array:
        return xp.maximum(Z, 0.0) + negative_slope * xp.minimum(Z, 0.0)

    def slope(Z: Array, A: Array) -> Array:
        return negative_slope + (1.0 - negative_slope) * above_zero(xp, Z)

    formula = "max(z, 0) + negative_slope min(z, 0)"
    return Activation(g, slope, formula, "Maas, Hannun & Ng 2013", (0.0,), "he_normal")


@ACTIVATIONS.row
def elu(xp: Namespace, alpha: float = 1.0) -> Activation:
    """The exponential linear unit."""

    def g(Z: Array) -> Array:
        return xp.maximum(Z, 0.0) + alpha * xp.expm1(xp.minimum(Z, 0.0))

    def slope(Z: Array, A: Array) -> Array:
        positive = above_zero(xp, Z)
        return positive + (1.0 - positive) * alpha * xp.exp(xp.minimum(Z, 0.0))

    formula = "max(z, 0) + alpha (exp(min(z, 0)) - 1)"
    return Activation(g, slope, formula, "Clevert, Unterthiner & Hochreiter 2016", (0.0,), "he_normal")


@ACTIVATIONS.row
def selu(xp: Namespace) -> Activation:
    """An elu scaled so that activations keep mean 0 and variance 1."""
    scale, alpha = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, eq. 14

    def g(Z: Array) -> Array:
        return scale * (xp.maximum(Z, 0.0) + alpha * xp.expm1(xp.minimum(Z, 0.0)))

    def slope(Z: Array, A: Array) -> Array:
        positive = above_zero(xp, Z)
        return scale * (positive + (1.0 - positive) * alpha * xp.exp(xp.minimum(Z, 0.0)))

    formula = "1.0507 (max(z, 0) + 1.6733 (exp(min(z, 0)) - 1))"
    return Activation(g, slope, formula, "Klambauer et al. 2017", (0.0,), "lecun_normal")


@ACTIVATIONS.row
def softplus(xp: Namespace) -> Activation:
    """A smooth relu."""

    def g(Z: Array) -> Array:
        return log_1_plus_exp(xp, Z)

    def slope(Z: Array, A: Array) -> Array:
        return sigma(xp, Z)

    return Activation(g, slope, "log(1 + exp(z))", "Dugas et al. 2001", initializer="he_normal")


@ACTIVATIONS.row
def silu(xp: Namespace) -> Activation:
    """z times its own sigmoid, also known as swish."""

    def g(Z: Array) -> Array:
        return Z * sigma(xp, Z)

    def slope(Z: Array, A: Array) -> Array:
        s = sigma(xp, Z)
        return s + A * (1.0 - s)

    return Activation(g, slope, "z / (1 + exp(-z))", "Elfwing, Uchibe & Doya 2018", initializer="he_normal")


@ACTIVATIONS.row
def mish(xp: Namespace) -> Activation:
    """z times the tanh of its softplus."""

    def g(Z: Array) -> Array:
        return Z * xp.tanh(log_1_plus_exp(xp, Z))

    def slope(Z: Array, A: Array) -> Array:
        t = xp.tanh(log_1_plus_exp(xp, Z))
        return t + Z * sigma(xp, Z) * (1.0 - t * t)

    return Activation(g, slope, "z tanh(log(1 + exp(z)))", "Misra 2020", initializer="he_normal")


@ACTIVATIONS.row
def gelu(xp: Namespace) -> Activation:
    """The Gaussian error linear unit in its tanh form: erf is in neither NumPy nor the array API."""
    c, k = sqrt(2.0 / pi), 0.044715  # Hendrycks & Gimpel 2016, section 2

    def g(Z: Array) -> Array:
        return 0.5 * Z * (1.0 + xp.tanh(c * (Z + k * Z * Z * Z)))

    def slope(Z: Array, A: Array) -> Array:
        V = xp.maximum(xp.minimum(Z, 30.0), -30.0)  # beyond, t is 1 or -1 and only z^3 could overflow
        t = xp.tanh(c * (V + k * V * V * V))
        return 0.5 * (1.0 + t) + 0.5 * V * (1.0 - t * t) * c * (1.0 + 3.0 * k * V * V)

    formula = "z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))"
    return Activation(g, slope, formula, "Hendrycks & Gimpel 2016", initializer="he_normal")
