"""The notation of *Logistic regression to one hidden layer*, as printed: w_(j,p)^[k], x_p^(i), a_j^[k](i), n^[k].

Everything counts from 1, but k = 0 is the input layer. Indices below and above are given by name.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas import equations
from chainrule.network import Network, Parameters
from chainrule.notes.array_checks import require_parameters

__all__ = ["Notation", "network_3_4_1"]

Floats = NDArray[Any]


class Notation:
    """A network's parameters and its activations on X, (n^[0], m), by their printed names.

        m, n(k)                      examples; nodes in layer k
        x(i=i), x(p=p, i=i)          x^(i) as a column, x_p^(i)
        W(k), w(j=j, k=k), b(k)      W^[k] (n^[k], n^[k-1]), w_j^[k] (1, n^[k-1]), b^[k] (n^[k], 1)
        w(j=j, p=p, k=k)             w_(j,p)^[k]: the weight of feature p for node j of layer k
        A(k), a(k=k)                 A^[k] = a^[k] (n^[k], m), A^[0] = X
        a(j=j, k=k), a(j=j, k=k, i=i)    a_j^[k] (1, m), a_j^[k](i)

    ``parameters`` are W1, b1, ..., WL, bL; a ``network`` says what the activations are, and without one they are tanh
    in hidden layers and sigmoid at the output. RequestError: an index that is not there. (The document prints n^[1-k]
    for n^[k-1], and leaves the shape of b^[k] out.)

    >>> net = network_3_4_1(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    >>> net.m, net.n(0), net.n(1), net.n(2), net.x(p=3, i=2)
    (2, 3, 4, 1, 6.0)
    >>> net.w(j=4, p=2, k=1) == float(net.W(1)[3, 1]), net.a(j=4, k=1).shape
    (True, (1, 2))
    >>> net.w(j=5, k=1)
    Traceback (most recent call last):
    chainrule.errors.RequestError: layer 1 has the nodes j = 1 to 4, not 5.
    """

    def __init__(self, parameters: Mapping[str, Floats], X: Floats, network: Network | None = None) -> None:
        L = require_parameters(X, parameters)
        self._W: list[Any] = [None, *(parameters[f"W{k}"] for k in range(1, L + 1))]
        self._b: list[Any] = [None, *(parameters[f"b{k}"] for k in range(1, L + 1))]
        n = (X.shape[0], *(len(W) for W in self._W[1:]))
        network = network or Network(n, "tanh", "binary_cross_entropy", dtype="float64")
        if network.n != n:
            raise RequestError(f"the network has n = {network.n}, but these parameters and X have {n}.")
        self.network = network
        self.m: int = X.shape[1]
        self._Z, self._A = equations.forward(self._W, self._b, network.formulas(np).g, X)  # pyright: ignore[reportArgumentType]

    @classmethod
    def of(cls, network: Network, theta: Floats, X: Floats) -> "Notation":
        """The same for a network of the package and its theta.

        >>> network = Network((3, 4, 1), "relu", "binary_cross_entropy")
        >>> Notation.of(network, network.initial(seed=0), np.ones((3, 2))).A(2).shape
        (1, 2)
        """
        views = Parameters(network, theta)
        named = {f"{v}{k}": getattr(views, v)[k] for k in range(1, network.L + 1) for v in "Wb"}
        return cls(named, X, network)

    def n(self, k: int) -> int:
        """n^[k]: nodes in layer k."""
        return len(self.A(k))

    def W(self, k: int) -> Floats:
        """W^[k], (n^[k], n^[k-1])."""
        return self._W[self._layer(k, 1)]

    def b(self, k: int) -> Floats:
        """b^[k], (n^[k], 1)."""
        return self._b[self._layer(k, 1)]

    def w(self, *, j: int, k: int, p: int | None = None) -> Any:
        """w_j^[k], (1, n^[k-1]); with p the number w_(j,p)^[k]."""
        row = self.W(k)[[self._index("node", "j", j, self.n(k), k)]]
        return row if p is None else float(row[0, self._index("feature", "p", p, row.shape[1], k)])

    def x(self, *, i: int, p: int | None = None) -> Any:
        """x^(i), (n^[0], 1); with p the number x_p^(i)."""
        column = self.A(0)[:, [self._example(i)]]
        return column if p is None else float(column[self._index("feature", "p", p, self.n(0), 0), 0])

    def z(self, *, k: int, j: int | None = None, i: int | None = None) -> Any:
        """z^[k] = W^[k] a^[k-1] + b^[k], (n^[k], m); with j and i as ``a``."""
        return self._of(self._Z[self._layer(k, 1)], k, j, i)

    def A(self, k: int) -> Floats:
        """A^[k], (n^[k], m); A^[0] = X."""
        return self._A[self._layer(k, 0)]

    def a(self, *, k: int, j: int | None = None, i: int | None = None) -> Any:
        """a^[k] = A^[k]; with j its row a_j^[k], (1, m); with i its column a^[k](i); with both a number."""
        return self._of(self.A(k), k, j, i)

    @property
    def y_hat(self) -> Floats:
        """y^ = a^[L], (n^[L], m)."""
        return self._A[-1]

    def _of(self, V: Floats, k: int, j: int | None, i: int | None) -> Any:
        if j is not None:
            V = V[[self._index("node", "j", j, len(V), k)]]
        if i is not None:
            V = V[:, [self._example(i)]]
        return float(V[0, 0]) if j is not None and i is not None else V

    def _layer(self, k: int, first: int) -> int:
        if not first <= k < len(self._W):
            raise RequestError(f"the layers are k = {first} to {len(self._W) - 1}, not {k}.")
        return k

    def _example(self, i: int) -> int:
        if not 1 <= i <= self.m:
            raise RequestError(f"the examples are i = 1 to {self.m}, not {i}.")
        return i - 1

    @staticmethod
    def _index(what: str, letter: str, index: int, count: int, k: int) -> int:
        if not 1 <= index <= count:
            raise RequestError(f"layer {k} has the {what}s {letter} = 1 to {count}, not {index}.")
        return index - 1


def network_3_4_1(X: Floats, hidden: str = "tanh", seed: int = 0) -> Notation:
    """The document's network: three features, four hidden nodes, one output, on X (3, m), with random weights.

        a^[0] = X
        a^[1] = g(W^[1] a^[0] + b^[1])               the hidden layer, which the document leaves out
        a^[2] = sigmoid(W^[2] a^[1] + b^[2]) = y^

    >>> net = network_3_4_1(np.ones((3, 5)))
    >>> net.W(1).shape, net.b(1).shape, net.W(2).shape, net.b(2).shape, net.y_hat.shape
    ((4, 3), (4, 1), (1, 4), (1, 1), (1, 5))
    """
    network = Network((3, 4, 1), hidden, "binary_cross_entropy", dtype="float64")
    return Notation.of(network, network.initial(seed), X)
