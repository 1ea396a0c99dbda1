"""Whatever explains a network knows its input layers: every row of INPUTS, with parameters drawn at random.

What is expected comes from A[0] worked out number by number, and from the reference engine.
"""

import base64
import json
import re
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from chainrule.engines.reference import Reference
from chainrule.explain import check_gradients, diagnose, equations, explain, plots, trace
from chainrule.explain.findings import MAX_ROWS
from chainrule.explain.input_units import statements
from chainrule.explain.page import RATES, _count
from chainrule.explain.plots import GradientNorms, plot_activations, plot_decision_boundary
from chainrule.explain.subject import Subject, average_row
from chainrule.explain.written import EXAMPLES, NOTATIONS, equation, stations
from chainrule.formulas.input_layers import INPUTS
from chainrule.inputs import Input, InputLayers
from chainrule.network import Network, Parameters
from chainrule.propagation import Propagation
from chainrule.recipe import Recipe
from tests.input_layers import CASES, NUMBERS, SPECS, drawn, expected_A_0, model, network, table, without_input_layers

matplotlib.use("Agg")


def subject(name, m=6, seed=0, **options):
    of = network(name, **options)
    theta, X, codes, Y = drawn(of, m, seed)
    categories = [f"category {q}" for q in range(len(of.columns.levels))]
    return Subject(of, theta, X, Y, NUMBERS[: X.shape[1]], ["p", "q"], codes=codes, categories=categories)


def expected_A(of):
    """A[0..L] from A[0] worked out by hand, for tanh and the identity behind it."""
    A = [expected_A_0(of.network, of.theta, of.X, of.codes)]
    p = Parameters(of.network, of.theta)
    for l in range(1, of.network.L + 1):
        Z = p.W[l] @ A[-1] + p.b[l]
        A.append(np.tanh(Z) if l < of.network.L else Z)
    return A


def engine_of(of):
    engine = Reference(replace(of.network, dtype="float64"), Recipe())
    return engine, engine.examples(of.X, of.targets, codes=of.codes)


@pytest.mark.parametrize("name", CASES)
def test_the_pass_begins_with_what_the_equations_give_number_by_number(name):
    of = subject(name)
    A = Propagation(of.network).forward(of.theta, of.X.T, None if of.codes is None else of.codes.T)[1]
    np.testing.assert_allclose(A[0], expected_A(of)[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_what_leaves_the_layers_out_is_seen(name, monkeypatch):
    """The other tests prove something only where A[0] is another one without the layers."""
    of = subject(name)
    without_input_layers(monkeypatch)
    A = Propagation(of.network).forward(of.theta, of.X.T, None if of.codes is None else of.codes.T)[1]
    assert A[0].shape == expected_A(of)[0].shape
    assert not np.allclose(A[0], expected_A(of)[0])


@pytest.mark.parametrize("name", INPUTS)
def test_a_row_names_its_units_and_states_each_part_and_each_slope(name):
    row = INPUTS.make(SPECS[name], np)
    assert len(row.names) == len(set(row.names)) == row.units == sum(row.parts)
    assert len(statements(row.equation)) >= len(row.parts)
    assert {f"d{V}" for V in row.blocks(3)} <= {each.defines for each in statements(row.slopes)}


# trace


@pytest.mark.parametrize("name", CASES)
def test_a_trace_has_the_pass_and_the_gradient_of_the_engine(name):
    of = subject(name)
    t, (engine, examples) = trace(of, None), engine_of(of)
    for V, expected in zip(t.A, expected_A(of), strict=True):
        np.testing.assert_allclose(V, expected, rtol=1e-11, atol=1e-13)
    J, dtheta = engine.gradient(of.theta, examples)
    assert pytest.approx(J, rel=1e-12) == t.J
    views = of.network.layout.views(dtheta, np)
    for block in t.inputs:
        np.testing.assert_array_equal(t.inputs[block], of.network.layout.views(of.theta, np)[block])
        np.testing.assert_allclose(t.dinputs[block], views[block], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(t.dA[0], t.W[1].T @ t.dZ[1], rtol=1e-12)
    shapes = of.network.dimensions(t.m)
    assert {key: shapes[key] for key in t.shapes()} == t.shapes()
    assert {block for block in shapes if block.startswith(("inputs", "dinputs"))} == {
        key for key in t.shapes() if key.startswith(("inputs", "dinputs"))
    }
    for block in (*t.inputs, "A[0]", "dA[0]", *(f"d{block}" for block in t.dinputs)):
        assert f"\n{block} (" in str(t)


@pytest.mark.parametrize("name", CASES)
def test_the_arithmetic_of_every_entry_before_layer_1_adds_up_to_it(name):
    t = trace(subject(name), None)
    for array, l in [*((key, 0) for key in t.before), ("A", 0), ("dA", 0)]:
        V = t.array(array, l)
        for row, col in np.ndindex(V.shape):
            a = t.explain(array, l, row, col)
            assert a.value == V[row, col]
            if array == "A" or array.startswith("d"):
                assert sum(term.value for term in a.terms) == pytest.approx(V[row, col], rel=1e-9, abs=1e-12)
            for term in a.terms:
                for f in term.factors:
                    assert t.array(f.name, f.layer)[f.row, f.col] == f.value


def test_an_entry_names_its_layer_its_column_and_its_numbers():
    t = trace(subject("all together"), None)
    a = t.explain("A", 0, 2, 1)  # of "length cos 1"
    assert a.equation == "e_u = alpha cos(2 pi t) + beta; t = w x + b, for cosine(d=3, init_scale=0.5) of c"
    assert [f"{f}" for f in a.terms[0].factors] == [
        *(f"inputs[1].{V}[0,0]" for V in ("w", "b", "alpha", "beta")), "X[2,1]"]  # fmt: skip
    assert t.explain("A", 0, 7, 1).equation == "X[1,1], which is handed on"
    code_0 = int(np.flatnonzero(t.subject.codes[:, 0] == 0)[0])
    assert len(t.explain("A", 0, 4, code_0).terms[0].factors) == 5  # the mean of all levels, and the code
    assert t.subject.units == ["d", "c", "c cos 1", "c cos 2", "category 0 1", "category 0 2", "a", "b", "e"]


@pytest.mark.parametrize("name", CASES)
def test_a_unit_has_the_name_of_the_column_that_it_depends_on(name):
    of = subject(name, m=12)
    before, units = expected_A(of)[0], of.units
    assert len(set(units)) == len(units) == of.network.n[0]
    moved = [(column, replace(of, X=of.X + np.eye(of.X.shape[1])[j])) for j, column in enumerate(of.inputs)]
    for q, column in enumerate(of.categories):
        codes = of.codes.copy()
        codes[:, q] = (codes[:, q] + 1) % of.network.columns.levels[q]
        moved.append((column, replace(of, codes=codes)))
    for column, other in moved:
        changed = np.any(expected_A(other)[0] != before, axis=1)
        assert changed.tolist() == [f"{unit} ".startswith(f"{column} ") for unit in units]


def test_numbers_that_are_not_finite_are_found_before_layer_1():
    of = subject("all together")
    X = of.X.copy()
    X[2, 1] = np.nan
    assert trace(replace(of, X=X), None).not_finite() == "X[1,2] is nan"
    theta = of.theta.copy()
    theta[of.network.layout["inputs[1].alpha"].place] = np.inf
    assert trace(replace(of, theta=theta), None).not_finite() == "inputs[1].alpha[0,0] is inf"


# the gradient check


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_check_differentiates_by_every_block(name):
    of = subject(name)
    report = check_gradients(of, None)
    assert report.ok, report
    assert [check.name for check in report.arrays] == [block.name for block in of.network.layout]
    assert [check.shape for check in report.arrays] == [block.shape for block in of.network.layout]
    assert all(check.checked for check in report.arrays)


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_gradient_of_any_block_is_found(name, monkeypatch):
    right = InputLayers.backward
    for block in [block.name for block in network(name).layout if block.name.startswith("inputs")]:

        def wrong(self, *given, block=block):
            gradient = right(self, *given)
            return gradient | {block: 0.9 * gradient[block]}

        monkeypatch.setattr(InputLayers, "backward", wrong)
        report = check_gradients(subject(name), None)
        assert not report.ok
        assert [check.name for check in report.arrays if not check.ok] == [block]
        assert (report.fault.name, report.fault.where) == ("input-layer-wrong", block)


def test_a_slope_that_is_left_out_or_in_another_place_is_named(monkeypatch):
    right = InputLayers.backward
    of = subject("cosine")

    def report_with(change):
        monkeypatch.setattr(InputLayers, "backward", lambda *given: change(right(*given)))
        return check_gradients(of, None).fault

    found = report_with(lambda g: g | {"inputs[0].w": 0.0 * g["inputs[0].w"]})
    assert (found.name, found.where) == ("layer-zero", "inputs[0].w")
    swapped = report_with(lambda g: g | {"inputs[0].w": g["inputs[0].b"], "inputs[0].b": g["inputs[0].w"]})
    assert (swapped.name, swapped.where) == ("layers-swapped", "inputs[0].w, inputs[0].b")


# equations


def product(text):
    """A statement's right side as Python has it: names side by side are a product, sum_i a sum over all behind it."""
    if text.startswith("sum_i "):
        return f"sum_i({product(text.removeprefix('sum_i '))})"
    return re.sub(r"(?<=[\w)\]]) (?=[\w(])", " * ", text)


def worked_out(said, names):
    """All that the statements say, each as soon as what it uses is there."""
    waiting = list(said)
    while waiting:
        before = len(waiting)
        for each in list(waiting):
            try:
                state(each, names)
            except NameError:
                continue
            waiting.remove(each)
        assert len(waiting) < before, f"{waiting} use what nothing says"


def state(each, names):
    """Work out one; what is stated by level is filled level by level, T[:, 0] and T[:, k]."""
    right, _, when = each.right.partition(" for ")
    if "[" not in each.left:
        names[each.left] = eval(product(right), names)
        return
    V, levels = each.defines, names["levels"]
    made = names.get(V, np.full((len(names["E"]), levels), np.nan)).copy()
    for k in [0] if each.left.endswith("0]") else range(levels):
        if when == "c_i = k":
            made[:, k] = names["de"][:, names["c"] == k].sum(axis=1)
        elif not when or eval(when, {"k": k}):
            made[:, k] = eval(product(right), names | {"k": k})
    if not np.isnan(made).any() or V not in names:
        names[V] = made


@pytest.mark.parametrize("name", CASES)
def test_the_equations_as_they_are_written_give_the_pass_and_the_gradient(name):
    of = subject(name)
    t = trace(of, None)
    lines = [re.split(r" {2,}", line)[0] for line in equations(of.network).splitlines()]
    forward = lines[: next(i for i, line in enumerate(lines) if line.startswith("Z[1] = "))]
    backward = lines[lines.index("dA[0] = W[1].T dZ[1]") + 1 :]
    made, first = [], 0
    for i, layer in enumerate(of.network.input_layers):
        own = {block.split(".")[1]: V for block, V in t.inputs.items() if block.startswith(f"inputs[{i}].")}
        given = of.X.T[list(layer.columns)] if layer.takes_numbers else of.codes[:, layer.columns[0]]
        names = {"sin": np.sin, "cos": np.cos, "pi": np.pi, "mean": lambda V: V.mean(axis=1), "levels": layer.levels,
                 "sum_i": lambda V: V.sum(axis=-1, keepdims=True), "x": given, "c": given, **own}  # fmt: skip
        of_parts = said_of(forward, i)
        de = t.dA[0][first : first + layer.width]
        first += layer.width
        worked_out(of_parts, names)
        parts = [each.left for each in of_parts[: len(layer.row(np).parts)]]
        made += [names[part].reshape(-1, t.m) for part in parts]
        place = 0
        for part in parts:
            rows = names[part].reshape(-1, t.m).shape[0]
            names[f"d{part}"] = de[place : place + rows].reshape(names[part].shape)
            place += rows
        worked_out(said_of(backward, i), names)
        for V in own:
            np.testing.assert_allclose(names[f"d{V}"], t.dinputs[f"inputs[{i}].{V}"], rtol=1e-9, atol=1e-13)
            assert f"inputs[{i}].{V} := inputs[{i}].{V} - alpha dinputs[{i}].{V}" in lines
    handed_on = of.X.T[list(of.network.columns.handed_on)]
    np.testing.assert_allclose(np.concatenate([*made, handed_on]), t.A[0], rtol=1e-9, atol=1e-12)


def said_of(lines, i):
    """The statements below the heading of an input layer."""
    start = next(k for k, line in enumerate(lines) if line.startswith(f"inputs[{i}]: ")) + 1
    said = []
    for line in lines[start:]:
        if line.startswith(("inputs[", "A[0] =", "W[1] :=")):
            break
        said += statements(line)
    return said


@pytest.mark.parametrize("name", CASES)
def test_equations_name_columns_sources_and_rows_of_A_0(name):
    made = model(name)
    of = made.network
    written = equations(made)
    for i, layer in enumerate(of.input_layers):
        names = made.encoder.feature_names if layer.takes_numbers else [p.column for p in made.encoder.lookups]
        columns = ", ".join(names[j] for j in layer.columns)
        (line,) = (line for line in written.splitlines() if line.startswith(f"inputs[{i}]: ") and "de:" not in line)
        assert line.startswith(f"inputs[{i}]: {layer.layer} of {columns}")
        assert line.endswith(f"  {layer.row(np).source}")
    covered = [range(int(a), int(b or a) + 1) for a, b in re.findall(r"rows? (\d+)(?: to (\d+))? of A\[0\]", written)]
    made_of_layers = sum(layer.width for layer in of.input_layers)
    assert [row for part in covered for row in part] == list(range(made_of_layers))
    for block in of.layout:
        if block.name.startswith("inputs"):
            assert str(block.shape) in written


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_station_is_written_in_every_form(notation, examples):
    from xml.etree import ElementTree

    of = network("all together")
    walk = stations(of)
    assert (walk[0], walk[-1]) == (("A", 0), ("update", 0))
    for name, l in walk:
        made = equation(of, name, l, notation, examples, columns=(NUMBERS, ["the & <category>"]))
        ElementTree.fromstring(made.mathml)
        assert made.latex.count("{") == made.latex.count("}")
        assert made.text
    assert ("A", 0) not in stations(Network((2, 1)))
    for line in equations(of, notation, examples, "latex").splitlines()[1:-1]:
        assert line.count("&") == 1


# diagnosis


@pytest.mark.parametrize("name", CASES)
def test_a_diagnosis_looks_behind_the_input_layers(name):
    """Where they give 0 for every row, and nothing is handed on, the outputs do not depend on the rows."""
    of = subject(name, m=40)
    assert "constant outputs" not in {found.name for found in diagnose(of, None).findings}
    views = of.network.layout.views(theta := of.theta.copy(), np)
    for block, V in views.items():
        if block.startswith("inputs"):
            V[...] = 0.0
    views["W[1]"][:, of.network.n[0] - len(of.network.columns.handed_on) :] = 0.0
    assert "constant outputs" in {found.name for found in diagnose(replace(of, theta=theta), None).findings}


def test_a_diagnosis_takes_the_codes_of_the_rows_that_it_traces():
    of = subject("all together", m=MAX_ROWS + 50)
    found = diagnose(of, None)
    assert found.rows == (MAX_ROWS + 50, MAX_ROWS)


def test_categories_that_are_constant_repeat_another_or_tell_the_target():
    of = Network((6, 4, 1), "tanh", inputs=tuple(Input("lookup(2)", (q,), levels=4) for q in range(3)), dtype="float64")
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    codes = np.stack([first, np.ones(60, int), second], axis=1)
    Y = np.array([0.3, 2.0, -1.0, 5.0])[first][:, None]
    made = Subject(
        of, rng.normal(size=of.size), np.zeros((60, 0)), Y, [], ["y"], codes=codes, categories=["p", "q", "r"]
    )
    found = {finding.name: finding for finding in diagnose(made, None).findings}
    assert found["constant inputs"].columns == ("q",)
    assert found["target leakage"].columns == ("p",)
    assert "duplicate inputs" not in found
    codes[:, 1] = np.array([2, 3, 1, 0])[first]
    found = {finding.name: finding for finding in diagnose(replace(made, codes=codes), None).findings}
    assert found["duplicate inputs"].columns == ("p", "q")


# plots


@pytest.mark.parametrize("name", CASES)
def test_plots_of_activations_are_of_the_pass(name, monkeypatch):
    drawn_ = []
    monkeypatch.setattr(plots, "_histogram", lambda ax, V, *_: drawn_.append(V))
    of = subject(name)
    plot_activations(of, None)
    for V, expected in zip(drawn_, expected_A(of)[1:], strict=True):
        np.testing.assert_allclose(V, expected, rtol=1e-11, atol=1e-13)
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("name", CASES)
def test_lengths_of_gradients_are_of_the_pass(name):
    of = subject(name)
    A, W = expected_A(of), Parameters(of.network, of.theta).W
    dZ_2 = (A[2] - of.Y.T) / len(of.X)
    dZ_1 = W[2].T @ dZ_2 * (1.0 - A[1] ** 2)
    norms = GradientNorms(of.network, of.X, of.Y, codes=of.codes)
    norms.on_epoch_end(None, Parameters(of.network, of.theta))
    dW = [dZ_1 @ A[0].T, dZ_2 @ A[1].T]
    np.testing.assert_allclose(norms.norms, [[np.linalg.norm(V) for V in dW]], rtol=1e-10)


@pytest.mark.filterwarnings("ignore:not compiled")
def test_a_boundary_is_what_the_model_predicts_between_its_rows(monkeypatch):
    seen = []
    monkeypatch.setattr(plots, "_regions", lambda ax, first, second, answer, *_: seen.append((first, second, answer)))
    inputs = (Input("cosine(3, 0.5)", (0, 1)),)
    made = model("cosine")
    columns = {key: table()[key] for key in ("a", "b", "y")}
    parts = tuple(part for part in made.encoder.parts if part.column in columns)
    of = replace(made.network, n=(6, 4, 3), inputs=inputs)
    made = replace(made, network=of, encoder=replace(made.encoder, parts=parts), theta=drawn(of).theta)
    plot_decision_boundary(made, columns, points=9)
    first, second, answer = seen[0]
    at = {"a": first.ravel(), "b": second.ravel()}
    A_0 = expected_A_0(of, made.theta, made.encoder.transform(made.read(at)), None)
    p = Parameters(of, made.theta.astype(np.float64))
    Z = p.W[2] @ np.tanh(p.W[1] @ A_0 + p.b[1]) + p.b[2]
    assert answer.ravel().tolist() == [made.target.classes[k] for k in Z.argmax(axis=0)]
    matplotlib.pyplot.close("all")


# the page


def content_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)
    return json.loads(found[1])


def unpacked(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), f"<f{packed['bytes']}").reshape(packed["shape"])


@pytest.mark.parametrize("name", CASES)
def test_the_page_has_the_numbers_of_the_trace_and_costs_of_the_engine(name):
    of = subject(name)
    t, content = trace(of, None), content_of(explain(of, None))
    arrays = {key: unpacked(packed) for key, packed in content["arrays"].items()}
    np.testing.assert_array_equal(arrays["A[0]"], t.A[0])
    np.testing.assert_array_equal(arrays["dA[0]"], t.dA[0])
    for key, V in t.before.items():
        np.testing.assert_array_equal(arrays[f"{key}[0]"], V)
    for key, V in t.dinputs.items():
        by_row = arrays[f"d{key} by row[0]"]
        np.testing.assert_allclose(by_row.sum(axis=1), V.ravel(), rtol=1e-9, atol=1e-13)
    engine, examples = engine_of(of)
    costs = [engine.gradient(of.theta - rate * t.dtheta, examples)[0] for rate in RATES]
    np.testing.assert_allclose(arrays["after[0]"][0], costs, rtol=1e-12)
    assert content["check"]["ok"]
    assert content["units"] == of.units
    shown = [row[1:3] for row in content["summary"] if row[0] == "0"]
    assert shown[: len(of.network.input_layers)] == [
        [f"inputs[{i}]", str(layer.width)] for i, layer in enumerate(of.network.input_layers)
    ]
    assert sum(int(units) for _, units in shown) == of.network.n[0]
    assert sum(V.nbytes for V in arrays.values()) <= _count(of.network, t.m, 8) + 8 * (len(RATES) + 3 * t.m + of.Y.size)


def test_the_boundary_of_the_page_is_of_the_two_columns_that_the_network_takes():
    of = Network((6, 3, 2), "tanh", inputs=Input("cosine(3, 0.5)", (0, 1)), dtype="float64")
    theta, X, _, Y = drawn(of)
    made = Subject(of, theta, X, Y, ["a", "b"], ["p", "q"])
    boundary = content_of(explain(made, None))["boundary"]
    x, y = (np.linspace(boundary["low"][k], boundary["high"][k], boundary["grid"]) for k in (0, 1))
    rows = np.array([[a, b] for b in y for a in x])
    on_grid = replace(made, X=rows, Y=np.zeros((len(rows), 2)))
    np.testing.assert_allclose(unpacked(boundary["strength"]).ravel(), expected_A(on_grid)[-1][0], rtol=1e-5, atol=1e-6)
    wide = Network((2, 3, 2), "tanh", inputs=(Input("lookup(2)", (0,), levels=3),))
    assert wide.columns.numbers == 0
    codes = Subject(wide, drawn(wide).theta, np.zeros((7, 0)), drawn(wide).Y, [], ["p", "q"], codes=drawn(wide).codes,
                    categories=["c"])  # fmt: skip
    assert content_of(explain(codes, None))["boundary"] is None


@pytest.mark.parametrize("name", CASES)
def test_a_model_is_explained_with_the_numbers_and_codes_of_its_table(name):
    made = model(name)
    rows = made.read(table())
    X, codes = made.rows(rows)
    expected = expected_A_0(made.network, made.theta, X, codes)
    t = trace(made, table())
    np.testing.assert_allclose(t.A[0], expected, rtol=1e-6, atol=1e-6)
    assert check_gradients(made, table()).ok
    page = content_of(explain(made, table(), rows=[5, 2]))
    np.testing.assert_allclose(unpacked(page["arrays"]["A[0]"]), expected[:, [5, 2]], rtol=1e-6, atol=1e-6)
    for i, layer in enumerate(made.network.input_layers):
        if layer.levels is not None:  # E has a column for each code
            (part,) = (made.encoder.lookups[k] for k in layer.columns)
            names = ["(unseen)", *part.levels, *["(missing)"] * part.gaps]
            assert page["before"]["columns"][f"inputs[{i}].E"] == [f"{part.column}={name}" for name in names]
    one = average_row(made)
    assert (one.X == 0.0).all()
    assert one.codes is None or (one.codes == 0).all()
    assert explain(one).html
