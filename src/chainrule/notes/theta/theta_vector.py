"""*Theta notation* in practice: a random start, Theta as one vector, and the gradient held against differences.

The document does not print these; its course does, and Theta-notation code is seldom seen without them. The vector is
Octave's ``[Theta1(:); Theta2(:)]``: each matrix column after column, so its first s_2 numbers are the biases.
"""

from collections.abc import Callable, Sequence
from math import inf

import numpy as np

from chainrule.errors import RequestError
from chainrule.formulas.table import Array
from chainrule.notes.theta.theta_accumulators import theta_gradient
from chainrule.notes.theta.theta_network import Theta_shapes, ThetaList, layer_sizes, theta_cost

__all__ = [
    "check_theta_gradient",
    "numerical_gradient",
    "random_Theta",
    "relative_difference",
    "reroll",
    "unroll",
]


def random_Theta(s: Sequence[int], epsilon: float = 0.12, rng: np.random.Generator | int = 0) -> list[Array]:
    """Each entry uniform in [-epsilon, epsilon], biases too; rng is a generator or its seed.

    Equal entries would stay equal for ever: random ones break the symmetry. The course takes sqrt(6 / (s_l + s_(l+1)))
    for epsilon, which is 0.12 for 400 and 25 units.

    >>> [Theta_l.shape for Theta_l in random_Theta((2, 3, 1))]
    [(3, 3), (1, 4)]
    """
    rng = np.random.default_rng(rng)
    return [rng.random(shape) * 2.0 * epsilon - epsilon for shape in Theta_shapes(s)]


def unroll(Theta: ThetaList) -> Array:
    """One vector of all entries, column-major as Octave's [Theta1(:); Theta2(:)].

    >>> unroll([np.array([[1, 3], [2, 4]]), np.array([[5, 6, 7]])]).tolist()
    [1, 2, 3, 4, 5, 6, 7]
    """
    return np.concatenate([Theta_l.ravel(order="F") for Theta_l in Theta])


def reroll(vector: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """The matrices back from ``unroll``'s vector, as Octave's reshape makes them. RequestError: another length.

    >>> [Theta_l.tolist() for Theta_l in reroll(np.arange(1, 8), [(2, 2), (1, 3)])]
    [[[1, 3], [2, 4]], [[5, 6, 7]]]
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    if vector.shape != (sum(sizes),):
        raise RequestError(f"{list(shapes)} takes a vector of {sum(sizes)} numbers, not {vector.shape}")
    parts = np.split(vector, np.cumsum(sizes)[:-1])
    return [part.reshape(shape, order="F") for part, shape in zip(parts, shapes, strict=True)]


def numerical_gradient(J: Callable[[Array], float], vector: Array, epsilon: float = 1e-4) -> Array:
    """Entry p is (J(vector + epsilon e_p) - J(vector - epsilon e_p)) / (2 epsilon): two costs for every entry.

    RequestError: an epsilon that is not above 0.

    >>> numerical_gradient(lambda v: float(v[0] ** 2 + 3.0 * v[1]), np.array([2.0, 5.0])).round(6).tolist()
    [4.0, 3.0]
    """
    if not 0.0 < epsilon < inf:
        raise RequestError(f"epsilon must be a positive number, the step to both sides, not {epsilon!r}")
    gradient = np.zeros(vector.shape)
    for p in range(vector.size):
        e_p = np.zeros(vector.shape)
        e_p[p] = epsilon
        gradient[p] = (J(vector + e_p) - J(vector - e_p)) / (2.0 * epsilon)
    return gradient


def relative_difference(numerical: Array, exact: Array) -> float:
    """||numerical - exact|| / ||numerical + exact||; 0 where both are 0. The course expects less than 1e-9.

    RequestError: shapes that differ; one is minus the other, so that their sum is 0: a sign is wrong.

    >>> relative_difference(np.array([3.0]), np.array([1.0]))
    0.5
    """
    numerical, exact = np.asarray(numerical), np.asarray(exact)
    if numerical.shape != exact.shape:
        raise RequestError(f"numerical is {numerical.shape} but exact is {exact.shape}: they have the same shape")
    apart, together = (float(np.linalg.norm(v)) for v in (numerical - exact, numerical + exact))
    if together == 0.0 < apart:
        raise RequestError("numerical is -exact, so the denominator, the norm of their sum, is 0: a sign is wrong")
    return apart / together if apart > 0.0 else 0.0


def check_theta_gradient(Theta: ThetaList, X: Array, Y: Array, lambd: float = 0.0, epsilon: float = 1e-4) -> float:
    """The relative difference between D and central differences of J. RequestError: shapes that do not fit.

    >>> X, Y = np.array([[0.5, -1.0], [2.0, 0.1], [-0.3, 0.4]]), np.eye(2)[[0, 1, 1]]
    >>> check_theta_gradient(random_Theta((2, 4, 2)), X, Y, lambd=1.0) < 1e-9
    True
    """
    shapes = Theta_shapes(layer_sizes(Theta))

    def J(vector: Array) -> float:
        return theta_cost(reroll(vector, shapes), X, Y, lambd)

    exact = unroll(theta_gradient(Theta, X, Y, lambd))
    return relative_difference(numerical_gradient(J, unroll(Theta), epsilon), exact)
