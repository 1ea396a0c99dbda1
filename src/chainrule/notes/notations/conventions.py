"""Between notations: where each document puts 1/m, what its dZ means, how it counts layers, where its examples lie.

``CONVENTIONS`` is the table, by the documents' titles; ``convert`` writes gradients of one document as another's. J is
the mean cost over m examples, and l = 1..L are the layers that have weights, unless a document is being quoted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.errors import RequestError, nearest
from chainrule.formulas import equations
from chainrule.formulas.table import Array
from chainrule.network import Network, Parameters
from chainrule.notes.array_checks import require_examples

__all__ = [
    "CONVENTIONS",
    "Convention",
    "columns_from_rows",
    "convert",
    "gradients_as",
    "rows_from_columns",
]

# How a document calls the gradients by A, Z and its parameters; {l} is its own number of the layer
_NAMES = {
    "W, b": {"A": "dA{l}", "Z": "dZ{l}", "W": "dW{l}", "b": "db{l}"},
    "Theta": {"A": "da{l}", "Z": "delta{l}", "Theta": "D{l}"},  # biases in column 0
    "Theta without biases": {"A": "da{l}", "Z": "delta{l}", "W": "dJ_dTheta{l}"},
}


@dataclass(frozen=True)
class Convention:
    """How one document writes the gradient of a network.

    title          of the document
    per_example    dZ and dA are derivatives of each example's own loss, m dJ/dZ and m dJ/dA; else dJ/dZ and dJ/dA
    summed         dW and db are derivatives of the sum over examples, m dJ/dW and m dJ/db; else dJ/dW and dJ/db
    counts_input   the input is layer 1, so that what others call a[l] is a^(l+1)
    rows           examples are rows, so that every matrix is the transpose of the others'
    parameters     "W, b", "Theta" or "Theta without biases"
    """

    title: str
    per_example: bool
    summed: bool = False
    counts_input: bool = False
    rows: bool = False
    parameters: str = "W, b"

    @property
    def one_over_m(self) -> str:
        """Where the document writes 1/m: "dZ[L]", "dW and db", "D" or "nowhere".

        >>> CONVENTIONS["Building blocks"].one_over_m
        'dW and db'
        """
        if not self.per_example:
            return "dZ[L]"
        if self.summed:
            return "nowhere"
        return "D" if self.parameters == "Theta" else "dW and db"

    @property
    def names(self) -> Mapping[str, str]:
        """What the gradients by A, Z, W, b or Theta are called."""
        return _NAMES[self.parameters]

    def read(self, name: str) -> tuple[str, int]:
        """What a name stands for: one of A, Z, W, b, Theta, and l, the input being layer 0. RequestError: not a name.

        >>> CONVENTIONS["Theta notation"].read("delta3")
        ('Z', 2)
        """
        for kind, template in self.names.items():
            match = re.fullmatch(template.format(l=r"(\d+)"), name)
            if match:
                return kind, int(match[1]) - self._offset(kind)
        known = ", ".join(template.format(l="1") for template in self.names.values())
        raise RequestError(f"{name!r} is no gradient in {self.title!r}, which has {known} and so on for other layers")

    def write(self, kind: str, l: int) -> str:
        """The name for the gradient by A, Z, W, b or Theta of layer l. RequestError: the document has no such thing.

        >>> CONVENTIONS["Theta notation"].write("Z", 2)
        'delta3'
        """
        if kind not in self.names:
            raise RequestError(f"layer {l}: {self.title!r} has no {kind}, so that d{kind}{l} cannot be written in it")
        return self.names[kind].format(l=l + self._offset(kind))

    def _offset(self, kind: str) -> int:
        """A and Z of the first layer with weights have number 2 where the input counts; its W or Theta has 1."""
        return 1 if self.counts_input and kind in ("A", "Z") else 0


CONVENTIONS: dict[str, Convention] = {
    convention.title: convention
    for convention in (
        Convention("Multi-layer networks", per_example=False),
        Convention("Building blocks", per_example=True),
        Convention("Deep learning basics", per_example=True),
        Convention("Logistic regression to one hidden layer", per_example=True),
        Convention("Theta notation, first half", True, True, True, rows=True, parameters="Theta without biases"),
        Convention("Theta notation", per_example=True, counts_input=True, parameters="Theta"),
    )
}


def convert(grads: Mapping[str, Array], source: str, to: str, m: int) -> dict[str, Array]:
    """The same gradients in the notation of another document; source and to are titles, m the number of examples.

    RequestError: an unknown title or name, dZ or dA for another number of examples, something that the other notation
    cannot say (a bias in the first half of *Theta notation*; D without both dW and db).

    >>> grads = {"dZ1": np.array([[0.5, -0.25]]), "dW1": np.array([[3.0]]), "db1": np.array([[0.25]])}
    >>> in_theta = convert(grads, "Multi-layer networks", "Theta notation", m=2)
    >>> {name: value.tolist() for name, value in in_theta.items()}
    {'delta2': [[1.0, -0.5]], 'D1': [[0.25, 3.0]]}
    """
    require_examples(m)
    return _written(_read(grads, convention_of(source), m), convention_of(to), m)


def gradients_as(network: Network, theta: Array, X: Array, Y: Array, title: str) -> dict[str, Array]:
    """All gradients of J, penalties left out, of a network on columns X (n[0], m), Y (n[L], m), as a document has them.

    dA[L] and dA[0] are not among them: no weight's gradient needs them.

    >>> network = Network((2, 1), loss="binary_cross_entropy", dtype="float64")
    >>> gradients_as(network, np.zeros(3), np.ones((2, 4)), np.ones((1, 4)), "Theta notation")["D1"].tolist()
    [[-0.5, -0.5, -0.5]]
    """
    network.dimensions(X.shape[1]).check({"X": X, "Y": Y})
    f, p = network.formulas(np), Parameters(network, theta)
    Z, A = equations.forward(p.W, p.b, f.g, X)
    share, _ = equations.share(np, np.ones(X.shape[1]))
    dZ_L = equations.output_delta(f.loss, Z[-1], Y, share)
    dW, db, dZ, dA = equations.backward(np, p.W, f.slope, Z, A, dZ_L)
    to = convention_of(title)
    found = {"A": dA, "Z": dZ, "W": dW, "b": db}
    if "b" not in to.names and "Theta" not in to.names:
        if any(np.any(b) for b in p.b[1:]):
            raise RequestError(f"this network has biases other than 0, and {title!r} has none")
        del found["b"]
    exact = {(kind, l): V for kind, by_layer in found.items() for l, V in enumerate(by_layer) if V is not None}
    return _written(exact, to, X.shape[1])


def rows_from_columns(V: Array) -> Array:
    """Examples as rows, (m, n), from examples as columns, (n, m): the transpose, in the same memory.

    >>> rows_from_columns(np.array([[1, 2, 3]])).tolist()
    [[1], [2], [3]]
    """
    if V.ndim != 2:
        raise RequestError(f"an array of shape {V.shape} has no rows and columns; reshape it to (n, m) or (m, n) first")
    return V.T


def columns_from_rows(V: Array) -> Array:
    """Examples as columns, (n, m), from examples as rows, (m, n).

    >>> columns_from_rows(np.array([[1], [2], [3]])).tolist()
    [[1, 2, 3]]
    """
    return rows_from_columns(V)


def convention_of(title: str) -> Convention:
    """The row of CONVENTIONS. RequestError: no such title.

    >>> convention_of("Building blocks").per_example
    True
    """
    if title not in CONVENTIONS:
        known = ", ".join(map(repr, CONVENTIONS))
        raise RequestError(f"no document is called {title!r}{nearest(title, CONVENTIONS)} There are: {known}")
    return CONVENTIONS[title]


Exact = dict[tuple[str, int], Array]  # dJ/dA, dJ/dZ, dJ/dW, dJ/db by ("A", l), ...: columns, the input as layer 0


def _read(grads: Mapping[str, Array], source: Convention, m: int) -> Exact:
    exact: Exact = {}
    for name, value in grads.items():
        kind, l = source.read(name)
        V = rows_from_columns(value) if source.rows else value
        if kind in ("A", "Z") and (V.ndim != 2 or V.shape[1] != m):
            raise RequestError(
                f"layer {l}: {name} is {value.shape}, which is not a derivative for each of {m} examples"
            )
        V = V / m if (source.per_example if kind in ("A", "Z") else source.summed) else V
        if kind == "Theta":
            exact["W", l], exact["b", l] = V[:, 1:], V[:, 0:1]
        else:
            exact[kind, l] = V
    return exact


def _written(exact: Exact, to: Convention, m: int) -> dict[str, Array]:
    grads: dict[str, Array] = {}
    for (kind, l), V in exact.items():
        if kind in ("W", "b") and "Theta" in to.names:
            missing = {("W", l), ("b", l)} - set(exact)
            if missing:
                raise RequestError(
                    f"layer {l}: {to.write('Theta', l)} holds dW and db, and d{missing.pop()[0]} is missing"
                )
            kind, V = "Theta", np.hstack([exact["b", l], exact["W", l]])
        V = V * m if (to.per_example if kind in ("A", "Z") else to.summed) else V
        grads[to.write(kind, l)] = columns_from_rows(V) if to.rows else V
    return grads
