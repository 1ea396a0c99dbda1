"""Links: what turns the pre-activations Z[L] of the last layer into the prediction A[L], with its derivative beside it.

    A[L] = g(Z[L])                    (n[L], m)
    dZ[L] = dZ(Z[L], A[L], dA[L])     the derivative with respect to Z[L] from that with respect to A[L], both (n[L], m)

A loss names its link. Training needs g alone, since the loss gives dZ[L] itself. To add a link, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.formulas.activations import ACTIVATIONS, log_1_plus_exp, sigma
from chainrule.formulas.table import Array, Functions, Namespace, Table


@dataclass(frozen=True)
class Link:
    """The function of the last layer.

    g, dZ           see the module; dZ is None where it is not known
    probabilities   A[L] are probabilities
    positive        A[L] takes every value above 0 and no other: targets keep their sign, and are scaled by their mean
    """

    g: Callable[[Array], Array]
    dZ: Callable[[Array, Array, Array], Array] | None = None
    probabilities: bool = False
    positive: bool = False


LINKS: Table[Link] = Table("link")


def link(name: str, xp: Namespace, functions: Functions | None = None) -> Link:
    """The link of a loss by its name; a user's own row may make g alone."""
    made = LINKS.make(name, xp, functions=functions)
    return made if isinstance(made, Link) else Link(made)  # pyright: ignore[reportUnnecessaryIsInstance]


def _of_activation(xp: Namespace, name: str, probabilities: bool = False) -> Link:
    """The link that is a row of ACTIVATIONS."""
    row = ACTIVATIONS[name](xp)

    def dZ(Z: Array, A: Array, dA: Array) -> Array:
        return dA * row.slope(Z, A)

    return Link(row.g, dZ, probabilities)


@LINKS.row
def identity(xp: Namespace) -> Link:
    """A = Z."""
    return _of_activation(xp, "identity")


@LINKS.row
def sigmoid(xp: Namespace) -> Link:
    """A = 1 / (1 + exp(-Z)): each output a probability of its own."""
    return _of_activation(xp, "sigmoid", probabilities=True)


@LINKS.row
def exponential(xp: Namespace) -> Link:
    """A = exp(Z): positive means; infinite above z = 709 (88 in float32)."""

    def dZ(Z: Array, A: Array, dA: Array) -> Array:
        return dA * A

    return Link(xp.exp, dZ, positive=True)


@LINKS.row
def softmax(xp: Namespace) -> Link:
    """A = exp(Z) / sum over outputs exp(Z): the probabilities of classes that exclude each other."""

    def g(Z: Array) -> Array:
        E = xp.exp(Z - xp.max(Z, axis=0, keepdims=True))
        return E / xp.sum(E, axis=0, keepdims=True)

    def dZ(Z: Array, A: Array, dA: Array) -> Array:
        return A * (dA - xp.sum(dA * A, axis=0, keepdims=True))

    return Link(g, dZ, probabilities=True)


@LINKS.row
def ascending(xp: Namespace) -> Link:
    """A_1 = Z_1, A_k = A_(k-1) + log(1 + exp(Z_k)): outputs that never cross."""

    def g(Z: Array) -> Array:
        return xp.concat(ascended(xp, Z), axis=0)

    def dZ(Z: Array, A: Array, dA: Array) -> Array:
        return through_ascended(xp, Z, each_output(dA))

    return Link(g, dZ)


def ascended(xp: Namespace, Z: Array) -> list[Array]:
    """The outputs of the link ``ascending``, one by one, (1, m) each."""
    first, *rises = each_output(Z)
    A = [first]
    for z in rises:
        A.append(A[-1] + log_1_plus_exp(xp, z))
    return A


def through_ascended(xp: Namespace, Z: Array, dA: list[Array]) -> Array:
    """dZ (n[L], m) of the link ``ascending``, from dA of each output, (1, m) each."""
    after = [sum(dA[k + 1 :], dA[k]) for k in range(len(dA))]  # z_k is part of a_k and of all outputs above
    rises = each_output(Z)[1:]
    return xp.concat([after[0], *(d * sigma(xp, z) for d, z in zip(after[1:], rises, strict=True))], axis=0)


def each_output(V: Array) -> list[Array]:
    """The outputs (n[L], m) one by one, (1, m) each."""
    return [V[k : k + 1, :] for k in range(V.shape[0])]
