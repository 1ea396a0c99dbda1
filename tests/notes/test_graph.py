"""Computation graphs: the document's numbers and names, derivatives that are derivatives, pictures that say so."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import OPERATIONS, Graph, cost_graph, example_graph, logistic_graph, logistic_vectorized
from chainrule.notes.basics.graphs.graph_picture import ROW

SVG = "{http://www.w3.org/2000/svg}"


def test_the_example_at_5_3_2():
    graph = example_graph(a=5, b=3, c=2)
    assert graph.forward() == {"a": 5, "b": 3, "c": 2, "u": 6, "v": 11, "J": 33}
    assert graph.backward() == {"dJ": 1, "dv": 3, "da": 3, "du": 3, "db": 6, "dc": 9}


def test_new_values_run_through_the_same_graph():
    graph = example_graph()
    assert graph.forward(a=1, b=-1)["J"] == 3 * (1 + -1 * 2)
    assert graph.backward()["dc"] == -3
    with pytest.raises(RequestError, match=r"u is not an input of this graph\. Its inputs: a, b, c"):
        graph.forward(u=1)


@pytest.mark.parametrize("y", [0, 1, 0.25])
@pytest.mark.parametrize("elementary", [False, True])
def test_the_loss_of_one_example_has_the_documents_derivatives(elementary, y):
    w, x, b = [0.5, -1.0, 2.0], [1.5, 2.0, -0.25], 0.3
    graph = logistic_graph(w, x, b, y, elementary)
    value, d = graph.forward(), graph.backward()
    a = 1 / (1 + np.exp(-(np.dot(w, x) + b)))
    assert value["a"] == pytest.approx(a)
    assert value["L"] == pytest.approx(-(y * np.log(a) + (1 - y) * np.log(1 - a)))
    assert d["da"] == pytest.approx(-y / a + (1 - y) / (1 - a))
    assert d["dz"] == pytest.approx(a - y)
    assert [d[f"dw_{j}"] for j in (1, 2, 3)] == pytest.approx([x_j * (a - y) for x_j in x])
    assert d["db"] == pytest.approx(a - y)
    assert "dx_1" not in d
    assert "dy" not in d


@pytest.mark.parametrize("m", [1, 3])
def test_the_cost_of_m_examples_has_the_vectorised_gradient(m):
    random = np.random.default_rng(0)
    w, X, Y = random.normal(size=(2, 1)), random.normal(size=(2, m)), random.integers(2, size=(1, m))
    graph = cost_graph(w[:, 0].tolist(), X, 0.1, Y[0].tolist())
    d = graph.backward()
    dw, db, J = logistic_vectorized(w, 0.1, X, Y)
    assert [d["dw_1"], d["dw_2"]] == pytest.approx(dw[:, 0].tolist())
    assert d["db"] == pytest.approx(db)
    assert graph.forward()["J"] == pytest.approx(J)


COUNTS = {sign: next(count for count in (1, 2, 3, 5) if row.fits(count)) for sign, row in OPERATIONS.items()}


@pytest.mark.parametrize("sign", OPERATIONS)
def test_local_derivatives_are_difference_quotients(sign):
    v = np.array([0.3, 0.6, -0.7, 1.1, 0.9])[: COUNTS[sign]]
    row, h = OPERATIONS[sign], 1e-6
    local = row.local(row.f(*v), *v)
    steps = h * np.eye(len(v))
    assert list(local) == pytest.approx([(row.f(*(v + s)) - row.f(*(v - s))) / (2 * h) for s in steps], abs=1e-8)


@pytest.mark.parametrize("sign", OPERATIONS)
def test_texts_mean_what_is_computed(sign):
    names, v = list("pqrst")[: COUNTS[sign]], [0.3, 0.6, -0.7, 1.1, 0.9]
    row = OPERATIONS[sign]
    value = row.f(*v[: COUNTS[sign]])
    known = {
        **dict(zip(names, v, strict=False)),
        "N": value,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "max": max,
        **{name: getattr(np, name) for name in ("log", "exp", "tanh")},
    }

    def computed(text):
        text = text.replace("\N{GREEK SMALL LETTER SIGMA}", "sigmoid").replace("^", "**")
        text = re.sub(r"log (\w+)", r"log(\1)", text)
        text = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", text)  # side by side is a product
        return float(eval(text, known))

    assert computed(row.formula(*names)) == pytest.approx(value)
    local = row.local(value, *v[: COUNTS[sign]])
    assert [computed(text) for text in row.local_text("N", *names)] == pytest.approx(list(local))


def test_a_node_used_twice_sums_over_both_paths():
    graph = Graph()
    graph.parameter("x", 3)
    graph.node("s", "*", "x", "x")
    graph.node("J", "+", "s", "x")
    assert graph.backward()["dx"] == 2 * 3 + 1
    assert graph.chain("x") == "x ds + x ds + dJ"


def test_names_and_numbers_of_inputs_are_checked():
    graph = Graph()
    with pytest.raises(RequestError, match="the graph is empty"):
        graph.backward()
    graph.parameter("alpha", 1)
    with pytest.raises(RequestError, match="alpha exists already"):
        graph.given("alpha", 2)
    with pytest.raises(RequestError, match="node u: its input 'alpa' does not exist yet; did you mean 'alpha'"):
        graph.node("u", "exp", "alpa")
    with pytest.raises(RequestError, match=r"node u: no operation is called '\^'"):
        graph.node("u", "^", "alpha", 2)
    with pytest.raises(RequestError, match=r"node u: '\*' takes 2 inputs, not 1"):
        graph.node("u", "*", "alpha")
    with pytest.raises(RequestError, match="an odd number"):
        graph.node("u", "w^T x + b", "alpha", "alpha")


def test_a_logarithm_of_nothing_names_its_node():
    with pytest.raises(RequestError, match=r"node L: .* is nan at a = 1, y = 1"):
        logistic_graph([1.0], [800.0], 0.0, 1).forward()
    graph = Graph()
    graph.parameter("p", 0)
    graph.node("q", "log", "p")
    with pytest.raises(RequestError, match=r"node q: log\(p\) is -inf at p = 0"):
        graph.forward()


def test_sizes_of_w_and_x_must_agree():
    with pytest.raises(RequestError, match="2 weights, 1 features"):
        logistic_graph([1.0, 2.0], [1.0], 0.0, 1)
    with pytest.raises(RequestError, match=r"X is \(n_x, m\)"):
        cost_graph([1.0], [[1.0, 2.0]], 0.0, [1])


ALL = {
    "example": example_graph,
    "loss": lambda: logistic_graph([1.0, -2.0], [2.0, 0.5], 0.1, 1),
    "elementary": lambda: logistic_graph([1.0, -2.0], [2.0, 0.5], 0.1, 1, elementary=True),
    "cost": lambda: cost_graph([0.3, -0.2], [[1.0, 3.0], [2.0, -1.0]], 0.1, [0, 1]),
}


@pytest.mark.parametrize("name", ALL)
def test_text_shows_every_value_and_every_derivative_once(name):
    graph = ALL[name]()
    text = graph.text()
    for node, value in graph.forward().items():
        assert re.search(rf"(?<!\w){re.escape(node)} = (.* = )?{re.escape(f'{value + 0.0:.6g}')}(?!\d)", text)
    for d, derivative in graph.backward().items():
        right = [line.split("   ")[-1].strip() for line in text.splitlines()]
        (shown,) = [part for part in right if part.startswith(f"{d} = ")]
        assert shown.endswith(f" = {derivative + 0.0:.6g}")


def test_text_refers_back_to_what_it_has_shown():
    lines = ALL["elementary"]().text().splitlines()
    assert [line.split("─ ")[1] for line in lines if "(above)" in line] == ["a = 0.75026 (above)"]
    assert sum("z = p_1 + p_2 + b" in line for line in lines) == 1


@pytest.mark.parametrize("name", ALL)
def test_picture_shows_every_node_value_and_derivative_inside_its_frame(name):
    graph = ALL[name]()
    root = ET.fromstring(graph.svg())
    width, height = (float(v) for v in root.get("viewBox").split()[2:])
    texts = ["".join(t.itertext()).replace("\N{MINUS SIGN}", "-") for t in root.iter(f"{SVG}text")]
    assert "derivative" in " ".join(texts)
    for node, value in graph.forward().items():
        assert f"{value + 0.0:.4g}" in texts
        plain = re.sub("[_^]", "", node)
        assert any(t == plain or t.startswith(f"{plain} = ") for t in texts)
    for d, derivative in graph.backward().items():
        assert f"{re.sub('[_^]', '', d)} = {derivative + 0.0:.4g}" in texts
    boxes = [{k: float(r.get(k)) for k in ("x", "y", "width", "height")} for r in root.findall(f"{SVG}rect")[1:]]
    assert len(boxes) == len(graph.nodes)
    for box in boxes:
        assert 0 < box["x"] < box["x"] + box["width"] < width
        assert 0 < box["y"] < box["y"] + box["height"] < height
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            beside = one["x"] >= other["x"] + other["width"] or other["x"] >= one["x"] + one["width"]
            assert beside or abs(one["y"] - other["y"]) >= ROW - 1e-6


@pytest.mark.parametrize("name", ALL)
def test_arrows_lead_from_each_input_rightwards_to_its_node(name):
    graph = ALL[name]()
    root = ET.fromstring(graph.svg())
    boxes = [{k: float(r.get(k)) for k in ("x", "y", "width", "height")} for r in root.findall(f"{SVG}rect")[1:]]
    where = dict(zip(graph.nodes, boxes, strict=True))
    lines = [p.get("d") for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "1.3"]
    drawn = set()
    for d in lines:
        numbers = [float(v) for v in re.findall(r"-?\d+\.\d", d)]
        (x0, y0), (x1, y1) = numbers[:2], numbers[-2:]
        assert x1 > x0

        def at(x, y):
            return next(
                v
                for v, box in where.items()
                if box["x"] - 2 <= x <= box["x"] + box["width"] + 2 and box["y"] <= y <= box["y"] + box["height"]
            )

        drawn.add((at(x0, y0), at(x1, y1)))
    middle = {v: round(box["x"] + box["width"] / 2, 0) for v, box in where.items()}
    column = {v: sorted(set(middle.values())).index(x) for v, x in middle.items()}
    for v in graph.values:  # an input stands just left of its first use
        assert column[v] == min(column[user] for given, user in drawn if given == v) - 1
    assert drawn == {(v, n.name) for n in graph.nodes.values() for v in n.inputs if isinstance(v, str)}
    assert len(lines) == len(drawn)
