"""Computation graphs (*Deep learning basics*): named nodes, values forwards, derivatives backwards.

Every node is one number with a name. Forwards, a node is worked out from its inputs; backwards, it hands on to each
of its inputs  d(input) += (local derivative) * d(node).  'dv' is the derivative of the last node with respect to v,
as the document names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import RequestError, nearest
from chainrule.notes.basics.graphs.graph_operations import OPERATIONS, Operation

__all__ = ["Graph", "Node"]


@dataclass(frozen=True)
class Node:
    """A number with a name. ``operation`` is None for an input; ``wanted`` is False where no derivative is asked for.

    ``inputs`` are names of earlier nodes, or numbers written out: the 3 of J = 3 v.
    """

    name: str
    operation: Operation | None = None
    inputs: tuple[str | float, ...] = ()
    wanted: bool = True

    @property
    def formula(self) -> str:
        """What it is worked out from: ``b c``; nothing for an input."""
        return self.operation.formula(*_written(self.inputs)) if self.operation else ""


class Graph:
    """A graph that is built node by node, and run in both directions. The last node is the one that is derived.

    >>> graph = Graph()
    >>> graph.parameter("b", 3)
    >>> graph.parameter("c", 2)
    >>> graph.node("u", "*", "b", "c")
    >>> graph.forward()
    {'b': 3.0, 'c': 2.0, 'u': 6.0}
    >>> graph.backward()
    {'du': 1.0, 'dc': 3.0, 'db': 2.0}
    >>> graph.forward(b=5)["u"]
    10.0
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, float] = {}  # of the inputs

    def parameter(self, name: str, value: float) -> None:
        """An input whose derivative is asked for: w_1, b. RequestError: the value is not a finite number."""
        self._enter_input(Node(name), value)

    def given(self, name: str, value: float) -> None:
        """An input that is data, x_1 or y: it has a value, and no derivative is worked out. RequestError: as above."""
        self._enter_input(Node(name, wanted=False), value)

    def node(self, name: str, operation: str, *inputs: str | float) -> None:
        """A node worked out from earlier ones by a row of OPERATIONS. RequestError: no such row, input or number."""
        if operation not in OPERATIONS:
            known = ", ".join(repr(sign) for sign in OPERATIONS)
            raise RequestError(f"node {name}: no operation is called {operation!r}. There are: {known}.")
        row = OPERATIONS[operation]
        if not row.fits(len(inputs)):
            raise RequestError(f"node {name}: {operation!r} takes {row.takes} inputs, not {len(inputs)}.")
        for given in inputs:
            if not isinstance(given, str):
                _number(f"node {name}: an input", given)
            elif given not in self.nodes:
                raise RequestError(
                    f"node {name}: its input {given!r} does not exist yet{nearest(given, self.nodes)} "
                    f"There are: {', '.join(self.nodes) or 'no nodes'}."
                )
        self._enter(Node(name, row, inputs, any(self.nodes[v].wanted for v in inputs if isinstance(v, str))))

    def _enter_input(self, node: Node, value: Any) -> None:
        number = _number(str(node.name), value)
        self._enter(node)
        self.values[node.name] = number

    def _enter(self, node: Node) -> None:
        if not isinstance(node.name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RequestError(f"the name of a node must be a string such as 'b', not {node.name!r}.")
        if node.name in self.nodes:
            raise RequestError(f"node {node.name} exists already: names of nodes are unique.")
        self.nodes[node.name] = node

    @property
    def last(self) -> Node:
        """The node that all derivatives are of."""
        if not self.nodes:
            raise RequestError("the graph is empty: start with parameter('b', 3.0).")
        return next(reversed(self.nodes.values()))

    def forward(self, **values: float) -> dict[str, float]:
        """The value of every node, in order; ``values`` are new numbers for inputs.

        RequestError: a name that is no input, a new value that is not a finite number, a node that is not finite (the
        logarithm of 0, a division by 0).
        """
        for name, number in values.items():
            if name not in self.values:
                raise RequestError(f"{name} is not an input of this graph. Its inputs: {', '.join(self.values)}.")
            self.values[name] = _number(name, number)
        value: dict[str, float] = {}
        for node in self.nodes.values():
            if node.operation is None:
                value[node.name] = self.values[node.name]
                continue
            inputs = _numbers(node, value)
            with np.errstate(all="ignore"):  # said in words below
                value[node.name] = float(node.operation.f(*map(np.float64, inputs)))
            if not np.isfinite(value[node.name]):
                at = ", ".join(f"{v} = {number:g}" for v, number in zip(node.inputs, inputs, strict=True))
                raise RequestError(f"node {node.name}: {node.formula} is {value[node.name]} at {at}.")
        return value

    def backward(self) -> dict[str, float]:
        """'dv' for every node v on which a derivative is wanted, from the last node back.

        d(last) = 1; then each node, last first, adds  (local derivative) * d(node)  to each of its inputs. A node
        that is used twice is added to twice: the chain rule's sum over paths. RequestError: as ``forward``, and a
        derivative that is not finite.
        """
        value = self.forward()
        d = {name: 0.0 for name in reversed(self.nodes) if self.nodes[name].wanted}
        d[self.last.name] = 1.0
        for node in reversed(self.nodes.values()):
            if node.operation is None or not node.wanted:
                continue
            with np.errstate(all="ignore"):  # of an input that no derivative is wanted of
                local = node.operation.local(np.float64(value[node.name]), *map(np.float64, _numbers(node, value)))
            for given, slope in zip(node.inputs, local, strict=True):
                if given in d:
                    d[str(given)] += float(slope) * d[node.name]
                    if not np.isfinite(d[str(given)]):
                        raise RequestError(f"d{given} is {d[str(given)]} at node {node.name} = {value[node.name]:g}.")
        return {f"d{name}": derivative for name, derivative in d.items()}

    def chain(self, name: str) -> str:
        """How 'd' of a node is worked out, as text: ``c du``; a sum where the node is used more than once.

        RequestError: there is no such node.

        >>> graph = Graph()
        >>> graph.parameter("b", 3)
        >>> graph.node("u", "*", "b", 2)
        >>> graph.node("J", "+", "u", "b")
        >>> graph.chain("b")
        '2 du + dJ'
        """
        if name not in self.nodes:
            raise RequestError(
                f"no node is called {name!r}{nearest(str(name), self.nodes)} "
                f"There are: {', '.join(self.nodes) or 'no nodes'}."
            )
        terms: list[str] = []
        for node in self.nodes.values():
            if node.operation is not None:
                local = node.operation.local_text(node.name, *_written(node.inputs))
                used = zip(node.inputs, local, strict=True)
                terms += [_product(text, f"d{node.name}") for given, text in used if given == name]
        return " + ".join(terms).replace("+ -", "- ")

    def text(self) -> str:
        """The graph as a tree of text: values on the left, derivatives on the right; see ``graphs.example_graph``."""
        value, d = self.forward(), self.backward()
        left: list[str] = []
        right: list[str] = []
        shown: set[str] = set()

        def draw(name: str, first: str, rest: str) -> None:
            node = self.nodes[name]
            again = name in shown and node.operation is not None
            formula = f"{node.formula} = " if node.formula and not again else ""
            left.append(f"{first}{name} = {formula}{value[name] + 0.0:.6g}" + (" (above)" if again else ""))
            chain = f"{self.chain(name)} = " if node != self.last else ""
            right.append(f"d{name} = {chain}{d[f'd{name}'] + 0.0:.6g}" if node.wanted and name not in shown else "")
            shown.add(name)
            below = [] if again else list(dict.fromkeys(v for v in node.inputs if isinstance(v, str)))
            for v in below:
                end = v == below[-1]
                draw(v, rest + ("└─ " if end else "├─ "), rest + ("   " if end else "│  "))

        draw(self.last.name, "", "")
        width = max(map(len, left)) + 3
        return "\n".join(f"{a:<{width}}{b}".rstrip() for a, b in zip(left, right, strict=True))

    def svg(self) -> str:
        """The graph as a picture: arrows forwards, each node's value above it, its derivative below."""
        from chainrule.notes.basics.graphs.graph_picture import picture

        return picture(self)


def _number(name: str, value: Any) -> float:
    """The value as a float. RequestError: it is not a finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise RequestError(f"{name} must be a finite number, not {value!r}.")
    return number


def _written(inputs: Sequence[str | float]) -> list[str]:
    return [v if isinstance(v, str) else f"{v:g}" for v in inputs]


def _numbers(node: Node, value: dict[str, float]) -> list[float]:
    return [value[v] if isinstance(v, str) else float(v) for v in node.inputs]


def _product(local: str, d: str) -> str:
    return {"1": d, "-1": f"-{d}"}.get(local, f"{local} {d}")
