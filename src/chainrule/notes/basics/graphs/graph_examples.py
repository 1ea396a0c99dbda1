"""The computation graphs of *Deep learning basics*: J = 3 (a + b c), the loss of one example, the cost of m.

z = w^T x + b  ->  a = sigmoid(z)  ->  L(a, y)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.notes.basics.graphs.computation_graph import Graph

__all__ = ["cost_graph", "example_graph", "logistic_graph"]


def example_graph(a: float = 5.0, b: float = 3.0, c: float = 2.0) -> Graph:
    """J = 3 (a + b c), by way of u = b c and v = a + u.

    >>> print(example_graph().text())
    J = 3 v = 33        dJ = 1
    └─ v = a + u = 11   dv = 3 dJ = 3
       ├─ a = 5         da = dv = 3
       └─ u = b c = 6   du = dv = 3
          ├─ b = 3      db = c du = 6
          └─ c = 2      dc = b du = 9
    """
    graph = Graph()
    graph.parameter("a", a)
    graph.parameter("b", b)
    graph.parameter("c", c)
    graph.node("u", "*", "b", "c")
    graph.node("v", "+", "a", "u")
    graph.node("J", "*", 3, "v")
    return graph


def logistic_graph(w: Sequence[float], x: Sequence[float], b: float, y: float, elementary: bool = False) -> Graph:
    """L(a, y) of one example of logistic regression, in the document's three boxes.

    'da' = -y/a + (1 - y)/(1 - a),  'dz' = da a (1 - a) = a - y,  'dw_1' = x_1 dz,  'db' = dz.

    With ``elementary`` the same in products, sums and logarithms: more nodes, the same derivatives. RequestError:
    as many weights as features are expected; a that rounds to 0 or 1 (there 'da' does not exist; a - y still does).

    >>> graph = logistic_graph([1.0, -2.0], [2.0, 0.5], b=0.0, y=1)
    >>> d = graph.backward()
    >>> round(d["dz"], 9) == round(graph.forward()["a"] - 1, 9), d["dw_1"] == 2.0 * d["dz"]
    (True, True)
    """
    _same_length(w, x)
    graph = Graph()
    for j, (w_j, x_j) in enumerate(zip(w, x, strict=True), start=1):
        graph.parameter(f"w_{j}", w_j)
        graph.given(f"x_{j}", x_j)
    graph.parameter("b", b)
    graph.given("y", y)
    pairs = [(f"w_{j}", f"x_{j}") for j in range(1, len(w) + 1)]
    if elementary:
        for j, pair in enumerate(pairs, start=1):
            graph.node(f"p_{j}", "*", *pair)
        graph.node("z", "+", *(f"p_{j}" for j in range(1, len(w) + 1)), "b")
        graph.node("a", "sigmoid", "z")
        graph.node("r", "log", "a")
        graph.node("c", "-", 1, "a")
        graph.node("t", "log", "c")
        graph.node("q", "-", 1, "y")
        graph.node("u", "*", "y", "r")
        graph.node("v", "*", "q", "t")
        graph.node("s", "+", "u", "v")
        graph.node("L", "*", -1, "s")
    else:
        graph.node("z", "w^T x + b", *(name for pair in pairs for name in pair), "b")
        graph.node("a", "sigmoid", "z")
        graph.node("L", "cross_entropy", "a", "y")
    return graph


def cost_graph(w: Sequence[float], X: Any, b: float, Y: Sequence[float]) -> Graph:
    """J = (1/m) (L^(1) + ... + L^(m)): m times the graph of one example, all with the same w and b. X is (n_x, m).

    'dw_1' comes out as (1/m) sum_i x_1^(i) (a^(i) - y^(i)), since w_1 is used m times. 'dz^(i)' is here the derivative
    of J, so it holds the 1/m too.

    >>> graph = cost_graph([0.0], [[1.0, 3.0]], b=0.0, Y=[0, 1])
    >>> d = graph.backward()  # a = 1/2 for both: dw_1 = (1 (1/2 - 0) + 3 (1/2 - 1)) / 2
    >>> d["dw_1"], d["db"], d["dz^(1)"]
    (-0.5, 0.0, 0.25)
    """
    columns = np.asarray(X, float)
    if columns.ndim != 2 or columns.shape[1] != len(Y):
        raise RequestError(f"X is (n_x, m), one column for each of the {len(Y)} targets, not {columns.shape}.")
    _same_length(w, columns[:, 0])
    graph = Graph()
    for j, w_j in enumerate(w, start=1):
        graph.parameter(f"w_{j}", w_j)
    graph.parameter("b", b)
    for i in range(1, len(Y) + 1):
        pairs: list[str] = []
        for j in range(1, len(w) + 1):
            graph.given(f"x_{j}^({i})", columns[j - 1, i - 1])
            pairs += [f"w_{j}", f"x_{j}^({i})"]
        graph.given(f"y^({i})", Y[i - 1])
        graph.node(f"z^({i})", "w^T x + b", *pairs, "b")
        graph.node(f"a^({i})", "sigmoid", f"z^({i})")
        graph.node(f"L^({i})", "cross_entropy", f"a^({i})", f"y^({i})")
    losses = [f"L^({i})" for i in range(1, len(Y) + 1)]
    if len(losses) > 1:
        graph.node("S", "+", *losses)
    graph.node("J", "/", "S" if len(losses) > 1 else losses[0], len(losses))
    return graph


def _same_length(w: Sequence[float], x: Any) -> None:
    if len(w) != len(x) or len(w) == 0:
        raise RequestError(
            f"expected one weight for each feature, at least one; got {len(w)} weights, {len(x)} features."
        )
