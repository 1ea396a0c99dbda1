"""The page as a file: what is in it, that it asks for nothing, and what is refused."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from chainrule import MLPClassifier, RequestError, train
from chainrule.engines.reference import Reference
from chainrule.explain import page as pages
from chainrule.explain.page import Page, explain
from chainrule.explain.trace import trace
from chainrule.recipe import Recipe

SCRIPTY = "</script><img src=x onerror=alert(1)>"


def table_of(columns, rows, classes=("u", "v", "w"), seed=0):
    draw = np.random.default_rng(seed)
    table = {f"x{k}": draw.normal(size=rows).tolist() for k in range(columns)}
    return table | {"y": [classes[i % len(classes)] for i in range(rows)]}


def content_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)[1])


def array_of(content, key):
    packed = content["arrays"][key]
    dtype = {4: "<f4", 8: "<f8"}[packed["bytes"]]
    return np.frombuffer(base64.b64decode(packed["data"]), dtype).reshape(packed["shape"])


@pytest.fixture(scope="module")
def table():
    return table_of(3, 40)


@pytest.fixture(scope="module")
def model(table):
    return train(table, "y", hidden=(4, 3), activation="tanh", epochs=5)


@pytest.fixture(scope="module")
def page(model, table):
    return explain(model, table, rows=range(6))


def test_every_number_of_the_trace_is_in_the_page_bit_for_bit(model, table, page):
    t = trace(model, {name: values[:6] for name, values in table.items()})
    content = content_of(page)
    for name in ("W", "b", "Z", "A", "dA", "dZ", "dW", "db"):
        for l, V in enumerate(getattr(t, name)):
            if V is not None:
                assert array_of(content, f"{name}[{l}]").astype(np.float64).tobytes() == V.astype("<f8").tobytes()
    assert array_of(content, "J[0]")[0, 0] == t.J
    assert array_of(content, "loss[0]")[0].tolist() == t.loss.tolist()


def test_the_costs_after_the_step_are_the_engines(model, table, page):
    t = trace(model, {name: values[:6] for name, values in table.items()})
    engine = Reference(replace(model.network, dtype="float64"), Recipe())
    examples = engine.examples(t.subject.X, t.subject.targets)
    after = array_of(content_of(page), "after[0]")[0]
    assert len(after) == 9
    assert after[0] < t.J
    for rate, cost in zip(pages.RATES, after, strict=True):
        assert cost == pytest.approx(engine.cost(t.subject.theta - rate * t.dtheta, examples), rel=1e-12)


def test_the_policy_allows_nothing_but_the_pages_own_script_and_style(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.html)[1]
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert "*" not in policy
    for directive, start, end in (
        ("script-src", '<script type="module">', "</script>"),
        ("style-src", "<style>", "</style>"),
    ):
        inline = page.html.split(start)[1].split(end)[0]
        assert allowed[directive] == f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"
    assert not re.search(r"<[^>]+\sstyle=", page.html.split('id="data"')[0])


def test_nothing_in_the_page_comes_from_elsewhere(page):
    addresses = set(re.findall(r"(?:https?|wss?|ftp)://[^\s\"'<>\\]*", page.html))
    assert {a.split("/")[2] for a in addresses} <= {"www.w3.org"}  # names of SVG and MathML, which nobody fetches
    assert not re.search(r"<(?:link|img|iframe|object|embed|base)\b|\bsrc\s*=|@import|url\(", page.html)
    assert not re.search(
        r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|eval)\s*\(|\bimport\s*\(", page.html
    )


def test_the_script_is_the_modules_without_imports_and_exports():
    script = pages.script()
    assert not re.search(r"^\s*(?:import|export)\b", script, re.MULTILINE)
    declared = re.findall(r"^(?:async\s+)?(?:function|class|const|let)\s+(\w+)", script, re.MULTILINE)
    assert len(declared) == len(set(declared)), "two modules use one name at their top level"
    assert {f"{name}.js" for name in pages.MODULES} == {file.name for file in pages.WEB.glob("*.js")}


def test_each_module_stands_after_those_it_imports_from():
    for place, name in enumerate(pages.MODULES):
        text = (pages.WEB / f"{name}.js").read_text(encoding="utf-8")
        for used in re.findall(r'from "\./([\w-]+)\.js"', text):
            assert pages.MODULES.index(used) < place


def test_each_module_imports_names_that_are_exported():
    for name in pages.MODULES:
        text = (pages.WEB / f"{name}.js").read_text(encoding="utf-8")
        for names, used in re.findall(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";', text, re.MULTILINE):
            exported = (pages.WEB / f"{used}.js").read_text(encoding="utf-8")
            for wanted in names.replace(",", " ").split():
                assert re.search(rf"^export (?:function|class|const) {wanted}\b", exported, re.MULTILINE), (
                    name,
                    wanted,
                )
                assert len(re.findall(rf"\b{wanted}\b", text)) > 1, f"{name}.js imports {wanted} and does not use it"


def test_names_from_the_table_cannot_become_markup(table):
    evil = {SCRIPTY: table["x0"], "x": table["x1"], "y": [SCRIPTY, "b"] * 20}
    page = explain(train(evil, "y", hidden=(2,), epochs=1), evil, rows=[0, 1])
    assert "<img" not in page.html
    assert page.html.count("</script>") == 2
    assert SCRIPTY in content_of(page)["inputs"]


def test_a_four_layer_network_of_300_units_stays_below_the_limit():
    table = table_of(100, 16)
    model = train(table, "y", hidden=(100, 60, 37), epochs=1)
    assert sum(model.network.n) == 300
    assert model.network.L == 4
    assert len(explain(model, table, rows=range(8)).html.encode()) < 1_500_000


def test_a_network_too_large_for_a_page_is_refused_with_what_to_do():
    table = table_of(4, 16)
    model = train(table, "y", hidden=(400, 400), epochs=1)
    with pytest.raises(RequestError, match=r"2,000,000 bytes .*\(4, 400, 400, 3\).*smaller.*rows=\[0, 1\].*trace"):
        explain(model, table)


def test_more_rows_than_fit_are_left_out_and_the_page_says_so(model, table):
    page = explain(model, table)
    assert content_of(page)["m"] == 32
    assert page.notes == tuple(content_of(page)["notes"])
    assert page.notes[0].startswith("40 rows were given, and the first 32 are shown.")
    assert "32 are shown" in repr(page)
    assert explain(model, table, rows=range(32)).notes == ()


@pytest.mark.parametrize("rows", [slice(2, 8, 2), [2, 4, 6], (np.int64(2), 4, 6), np.array([2, 4, 6])])
def test_rows_are_those_asked_for(model, table, rows):
    content = content_of(explain(model, table, rows=rows))
    assert content["rows"] == ["2", "4", "6"]
    t = trace(model, {name: values[2:8:2] for name, values in table.items()})
    assert array_of(content, "A[0]").tolist() == t.A[0].tolist()
    assert array_of(content, "Y[0]").tolist() == t.subject.targets.T.tolist()


@pytest.mark.parametrize("rows", [[], [40], [-1], [0.5], 3, "12", [True, False], slice(40, 50), [None]])
def test_rows_that_are_not_there_are_refused(model, table, rows):
    with pytest.raises(RequestError, match="integers from 0 to 39"):
        explain(model, table, rows=rows)


def test_targets_may_come_apart_from_the_table(model, table):
    X = {name: values for name, values in table.items() if name != "y"}
    page = explain(model, X, table["y"], rows=[1, 3])
    assert page.html == explain(model, table, rows=[1, 3]).html
    with pytest.raises(RequestError, match="targets"):
        explain(model, X, rows=[1])


def test_estimators_with_x_and_y():
    X = np.random.default_rng(0).normal(size=(20, 3))
    y = np.where(X[:, 0] > 0.0, "yes", "no")
    model = MLPClassifier((4,), max_iter=20, tol=10.0, n_iter_no_change=2).fit(X, y)
    content = content_of(explain(model, X, y, rows=[3, 5]))
    assert content["classes"] == ["no", "yes"]
    assert np.allclose(array_of(content, "A[2]")[0], model.predict_proba(X[[3, 5]])[:, 1])
    with pytest.raises(RequestError, match="targets"):
        explain(model, X, rows=[3])


def test_no_rows_and_tables_that_do_not_fit_are_refused(model, table):
    with pytest.raises(RequestError, match="rows to explain are needed"):
        explain(model)
    with pytest.raises(RequestError, match="x2"):
        explain(model, {"x0": [1.0], "x1": [2.0], "y": ["u"]})
    with pytest.raises(RequestError, match="expected a Model"):
        explain("model", table)


def test_numbers_that_are_not_finite_are_kept_and_the_page_says_where_they_begin(model, table):
    theta = model.theta.copy()
    theta[0] = np.inf
    page = explain(replace(model, theta=theta), table, rows=[0, 1])
    content = content_of(page)
    assert page.notes[-1].startswith("Not every number is finite. The first that is not: Z[1][0,0] is ")
    assert content["notFinite"] | {"text": ""} == {"text": "", "name": "Z", "layer": 1, "row": 0, "col": 0}
    assert np.isinf(array_of(content, "W[1]")[0, 0])
    assert content["check"]["ok"] is None


def test_the_gradient_check_is_in_the_page(page):
    assert content_of(page)["check"]["ok"] is True


def test_penalties_have_their_slopes(table):
    model = train(table, "y", hidden=(2,), epochs=1, l2=0.5)
    content = content_of(explain(model, table, rows=[0, 1, 2, 3]))
    assert np.allclose(array_of(content, "penalty0[1]"), 0.5 / 4 * array_of(content, "W[1]"))


def test_predictions_over_two_inputs_only(table, page):
    assert content_of(page)["boundary"] is None
    two = {name: table[name] for name in ("x0", "x1", "y")}
    model = train(two, "y", hidden=(3,), epochs=2)
    boundary = content_of(explain(model, two, rows=range(4)))["boundary"]
    assert len(boundary["winner"]) == boundary["grid"] ** 2
    A_L = Reference(model.network, Recipe()).predict(model.theta, np.array([boundary["low"]], np.float32))
    assert boundary["winner"][0] == A_L.argmax()


def test_long_histories_are_thinned_out(model, table):
    long = replace(model.history, training_cost=[1.0] * 2500, validation_cost=[float("inf")] * 2500)
    history = content_of(explain(replace(model, history=long), table, rows=[0]))["history"]
    assert (history["epochs"], history["stride"]) == (2500, 3)
    assert history["curves"]["validation"] == [None] * 834


def test_saving_is_whole_or_not_at_all(page, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    page.save(path)
    assert path.read_bytes() == page.html.encode()
    with pytest.raises(RequestError, match="exists"):
        page.save(path)
    page.save(str(path), overwrite=True)

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(RequestError, match="No space left"):
        Page("other").save(path, overwrite=True)
    assert path.read_bytes() == page.html.encode()
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(("place", "said"), [("", "is a folder"), ("none/page.html", "there is no folder")])
def test_places_that_cannot_be_written_to(page, tmp_path, place, said):
    with pytest.raises(RequestError, match=said):
        page.save(tmp_path / place)


def test_in_a_notebook_the_page_is_a_frame_of_fixed_height(page):
    start, document, rest = page._repr_html_().split('"', 2)
    assert start == "<iframe srcdoc="
    assert unescape(document) == page.html
    assert 'height="900"' in rest


def test_the_same_model_and_rows_give_the_same_page(model, table, page):
    assert explain(model, table, rows=range(6)).html == page.html


def test_the_modules_are_valid_javascript(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    for name in pages.MODULES:
        copy = tmp_path / f"{name}.mjs"
        copy.write_text((pages.WEB / f"{name}.js").read_text(encoding="utf-8"), encoding="utf-8")
        subprocess.run([node, "--check", str(copy)], check=True, timeout=60)
