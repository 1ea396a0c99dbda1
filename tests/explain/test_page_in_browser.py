"""The page in a real browser: Chromium, driven by Playwright. Skipped where either is missing.

The accessibility check takes axe from the package axe-playwright-python, and is skipped without it.
CHAINRULE_SCREENSHOTS names a folder for pictures of the page; without it they go to a temporary one.
"""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule import train
from chainrule.explain.page import RATES, WEB, explain
from chainrule.explain.trace import trace
from chainrule.explain.written import equation, stations
from tests import input_layers

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")

# Chooses every entry of the station that is open and not read before, and reads what the page says of it.
READ_STATION = """(read) => [...document.querySelectorAll('#station [data-entry]')].filter((cell) => {
  return !read.includes(cell.dataset.entry);
}).map((cell) => {
  cell.click();
  const all = [...document.querySelectorAll('#arithmetic li button')].find((b) => b.textContent.startsWith('show all'));
  if (all) all.click();
  const text = (id) => document.getElementById(id).textContent;
  return {
    entry: cell.dataset.entry, shown: cell.textContent, place: text('arithmetic-place'),
    equation: text('arithmetic-equation'), value: text('arithmetic-value'),
    terms: [...document.querySelectorAll('#arithmetic li')].map((li) =>
      [...li.querySelectorAll('.num, .op')].map((part) => part.textContent).join('')),
    factors: [...document.querySelectorAll('#arithmetic li')].map((li) =>
      [...li.querySelectorAll('[data-to]')].map((b) => b.dataset.to)),
  };
})"""


ROWS = 4


def make(outputs, **options):
    draw = np.random.default_rng(3)
    table = {"a": draw.normal(size=24).tolist(), "b": draw.normal(size=24).tolist(), "c": draw.normal(size=24).tolist()}
    if outputs == "number":
        table["y"] = [2 * a + b * c for a, b, c in zip(table["a"], table["b"], table["c"], strict=True)]
    else:
        table["y"] = [outputs[i % len(outputs)] for i in range(24)]
    for name in options.pop("without", ()):
        del table[name]
    model = train(table, "y", epochs=20, seed=1, **options)
    return model, {name: values[:ROWS] for name, values in table.items()}


CASES = {
    "classes": lambda: make("uvw", hidden=(3, 2), activation="tanh", l2=0.3),
    "number": lambda: make("number", hidden=(3,), activation="relu", loss="huber(0.5)", dtype="float64"),
    "no hidden layer": lambda: make("uv", hidden=(), loss="half_squared_error_sigmoid", l1=0.1),
    "two": lambda: make("uv", hidden=(4,), activation="sigmoid", without=("c",)),
    "input layers": lambda: (
        input_layers.model("all together"),
        {k: v[:ROWS] for k, v in input_layers.table().items()},
    ),
}


@pytest.fixture(scope="module")
def made():
    """Model, rows, page and trace by name, made once."""
    kept = {}

    def get(name):
        if name not in kept:
            model, table = CASES[name]()
            kept[name] = model, table, explain(model, table), trace(model, table)
        return kept[name]

    return get


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, made, tmp_path):
    """Opens a page by name; afterwards nothing was asked of a network and nothing went wrong."""
    contexts, asked, wrong = [], [], []

    def open_(name="classes", page=None, **options):
        path = tmp_path / f"{name}.html"
        (page or made(name)[2]).save(path, overwrite=True)
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(8000)
        tab.on("request", lambda request: None if request.url == path.as_uri() else asked.append(request.url))
        tab.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(path.as_uri())
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert asked == []
    assert wrong == []


def text(tab, selector):
    return tab.text_content(selector)


def station_of(tab):
    return int(re.match(r"Station (\d+)", text(tab, ".where"))[1]) - 1


def walk_of(model):
    return [("X" if model.network.inputs else "A", 0), *stations(model.network)]


def choose(tab, **choices):
    for name, value in choices.items():
        tab.select_option(f"#{name}-choice", value)


def parsed(key):
    name, *place = key.split(":")
    return name, *map(int, place)


@pytest.mark.parametrize("name", list(CASES))
def test_every_entry_of_every_station_is_explained_as_trace_explains_it(opened, made, name):
    model, _, _, t = made(name)
    tab, seen, keys_read = opened(name), set(), []
    for i, _ in enumerate(walk_of(model)):
        choose(tab, station=str(i))
        assert station_of(tab) == i
        for read in tab.evaluate(READ_STATION, keys_read):
            keys_read.append(read["entry"])
            kind, l, row, col = parsed(read["entry"])
            if kind in ("Y", "loss") or kind.startswith("new"):
                continue
            told = t.explain(kind, l, row, col)
            value = told.value + 0.0 if kind != "J" else t.J
            assert read["shown"] == f"{value:.4g}"
            assert read["equation"] == told.equation
            assert read["value"] == f"{told.value:.6g}"
            assert read["terms"] == [term.said for term in told.terms]
            if kind != "J":
                assert read["place"] == told.entry
                for keys, term in zip(read["factors"], told.terms, strict=True):
                    expected = {f"{f.name}:{f.layer}:{f.row}:{f.col}" for f in term.factors}
                    assert {key for key in keys if not key.startswith("Y")} == expected
            seen.add((kind, l, row, col))
    arrays = [(kind, l, V) for kind in ("W", "b", "Z", "A", "dA", "dZ", "dW", "db")
              for l, V in enumerate(getattr(t, kind)) if V is not None]  # fmt: skip
    arrays += [(kind, 0, V) for kind, V in t.before.items()]
    assert seen == {(kind, l, *place) for kind, l, V in arrays for place in np.ndindex(V.shape)} | {("J", 0, 0, 0)}


def test_input_layers_are_walked_through_in_the_theta_notation_and_lead_to_what_they_are_made_of(opened, made):
    model, _, _, t = made("input layers")
    tab = opened("input layers")
    walk = walk_of(model)
    choose(tab, notation="theta", examples="rows")
    read = {}
    for i in range(len(walk)):
        choose(tab, station=str(i))
        read |= {each["entry"]: each for each in tab.evaluate(READ_STATION, list(read))}
    for name, V in t.before.items():
        for row, col in np.ndindex(V.shape):
            turned = (col, row) if name in ("X", "codes") else (row, col)
            assert read[f"{name}:0:{row}:{col}"]["place"] == f"{name}[{turned[0]},{turned[1]}]"
            assert read[f"{name}:0:{row}:{col}"]["value"] == f"{V[row, col]:.6g}"
    for name in t.inputs:
        for row, col in np.ndindex(t.before[name].shape):
            moved = t.before[name][row, col] - RATES[4] * t.before[f"d{name}"][row, col]
            assert read[f"new{name}:0:{row}:{col}"]["value"] == f"{moved:.6g}"
    choose(tab, station=str(walk.index(("dinputs", 0))), notation="W,b", examples="columns")
    tab.click("#station [data-entry='dinputs[1].w:0:1:0']")
    tab.click("#arithmetic [data-to='X:0:2:1']")
    assert (station_of(tab), text(tab, "#arithmetic-place")) == (0, "X[2,1]")
    tab.click("#return")
    tab.click("#arithmetic [data-to^='dA:0:']")
    assert station_of(tab) == walk.index(("dA", 0))
    choose(tab, station="1")
    tab.click("#station [data-entry='A:0:2:0']")
    tab.click("#arithmetic [data-to='inputs[1].alpha:0:0:0']")
    assert (station_of(tab), text(tab, "#arithmetic-equation")) == (1, "a parameter of the network")
    assert text(tab, "#check") == "Passed"
    assert "d cos" not in text(tab, "#picture")
    assert "c cos 1" in text(tab, "#picture")


def test_numbers_are_written_as_python_writes_them(chromium):
    draw = np.random.default_rng(0)
    numbers = [0.0, -0.0, np.inf, -np.inf, np.nan, 0.40625, 0.40635, 2.5, -0.00001234565, 5e-324, 1.7e308, 1e22]
    numbers += [999999.5, 99995.0, 9999.5, 0.99995, 123456.5, 123457.5, 0.0001, 0.00009999995, 1234.5, 1235.5, 1e16]
    numbers += (draw.normal(size=400) * 10.0 ** draw.integers(-12, 12, size=400)).tolist()
    numbers += (draw.integers(-(2**24), 2**24, size=400) / 2.0 ** draw.integers(0, 24, size=400)).tolist()
    tab = chromium.new_page()
    try:
        code = (WEB / "format.js").read_text(encoding="utf-8").replace("export ", "")
        written = tab.evaluate(
            f"(all) => {{ {code}; return all.map((x) => [general(x, 4), general(x, 6)]); }}", numbers
        )
    finally:
        tab.close()
    assert written == [[f"{x:.4g}", f"{x:.6g}"] for x in numbers]


def test_through_all_stations_forwards_and_backwards(opened, made):
    model = made("classes")[0]
    tab = opened()
    last = len(walk_of(model)) - 1
    there = []
    for i in range(last + 1):
        assert station_of(tab) == i
        there.append(text(tab, "#station-title"))
        if i:
            sizes = equation(model.network, *walk_of(model)[i]).sizes
            assert text(tab, ".sizes") == f"Shapes: {sizes}, with m = {ROWS}"
        assert (tab.get_attribute("#step-button", "aria-disabled") == "true") == (i == last)
        tab.focus("#step-button")
        tab.keyboard.press("Enter")
    assert len(set(there)) == len(there)
    for i in range(last, -1, -1):
        assert (station_of(tab), text(tab, "#station-title")) == (i, there[i])
        tab.focus("#back-button")
        tab.keyboard.press("Enter")
    assert station_of(tab) == 0
    assert text(tab, "#live").startswith(f"Station 1 of {last + 1}: {there[0]}")


def test_playing_goes_on_by_itself_until_it_is_paused(opened):
    tab = opened()
    tab.clock.install()
    tab.click("#play-button")
    assert (text(tab, "#play-button"), tab.get_attribute("#play-button", "aria-pressed")) == ("❚❚Pause", "true")
    tab.clock.run_for(4000)
    assert station_of(tab) == 2
    tab.click("#play-button")
    tab.clock.run_for(4000)
    assert station_of(tab) == 2
    tab.click("#play-button")
    tab.clock.run_for(100_000)
    assert tab.get_attribute("#play-button", "aria-pressed") == "false"
    assert tab.get_attribute("#step-button", "aria-disabled") == "true"


def test_the_row_the_rate_and_the_update(opened, made):
    model, _, _, t = made("classes")
    tab = opened()
    choose(tab, station="1", row="3")
    assert text(tab, "#arithmetic-place") == "Z[1][0,3]"
    assert text(tab, "#arithmetic-value") == f"{t.Z[1][0, 3]:.6g}"
    assert "of row 3" in tab.get_attribute("svg.network", "aria-label")
    choose(tab, station=str(walk_of(model).index(("update", 2))))
    after = []
    for i, rate in enumerate(RATES):
        tab.fill("#rate-choice", str(i))
        assert text(tab, "#rate-text") == str(rate).removesuffix(".0")
        after.append(text(tab, "#cost-after"))
        for read in tab.evaluate(READ_STATION, []):
            kind, l, row, col = parsed(read["entry"])
            if kind.startswith("new"):
                name = kind.removeprefix("new")
                value = t[name, l][row, col] - rate * t[f"d{name}", l][row, col]
                assert (read["shown"], read["value"]) == (f"{value:.4g}", f"{value:.6g}")
    assert len(set(after)) == len(RATES)
    assert float(after[1]) < t.J


def test_the_theta_notation_and_examples_as_rows(opened, made):
    model, _, _, t = made("classes")
    tab = opened()
    choose(tab, notation="theta", examples="rows")
    keys_read = []
    for i, (name, l) in enumerate(walk_of(model)):
        choose(tab, station=str(i))
        if i:
            written = equation(model.network, name, l, "theta", "rows")
            assert tab.get_attribute(".equation math", "aria-label") == written.text
        for read in tab.evaluate(READ_STATION, keys_read):
            keys_read.append(read["entry"])
            kind, layer, row, col = parsed(read["entry"])
            if kind in ("Y", "loss", "J", "newW", "newb"):
                continue
            value = t[kind, layer][row, col] * (t.m if kind in ("dZ", "dA") else 1)
            assert float(read["value"]) == pytest.approx(value, rel=1e-5)
            said = [part for part in read["terms"] if not part.startswith(("g(", "softmax("))]
            if said:  # the terms that are shown add up to the entry
                assert sum(eval(part) for part in said) == pytest.approx(value, rel=1e-3, abs=1e-5)
    choose(tab, station="1")
    assert text(tab, "#arithmetic-equation") == "sum_k A(1)[0,k] Theta(1)[0,k+1] + Theta(1)[0,0]"
    assert tab.get_attribute("#station table", "aria-label") == "Z(2), 4 by 3"
    assert tab.locator("#station table").nth(1).get_attribute("aria-label") == "Theta(1), 3 by 4"
    tab.click('[data-entry="Z:1:2:3"]')
    assert text(tab, "#arithmetic-place") == "Z(2)[3,2]"
    choose(tab, station=str(walk_of(model).index(("dZ", 3))), notation="W,b", examples="columns")
    assert text(tab, "#arithmetic-place") == "dZ[3][0,0]"


def test_a_factor_leads_to_where_it_comes_from_and_back(opened, made):
    model, _, _, t = made("classes")
    tab = opened()
    choose(tab, station=str(walk_of(model).index(("dW", 1))))
    tab.click('#station [data-entry="dW:1:1:2"]')
    tab.click('#arithmetic [data-to="dZ:1:1:3"]')
    assert station_of(tab) == walk_of(model).index(("dZ", 1))
    assert text(tab, "#arithmetic-place") == "dZ[1][1,3]"
    assert text(tab, "#arithmetic-value") == f"{t.dZ[1][1, 3]:.6g}"
    assert tab.evaluate("document.activeElement.dataset.entry") == "dZ:1:1:3"
    assert tab.input_value("#row-choice") == "3"
    tab.click('#arithmetic [data-to="dA:1:1:3"]')
    tab.click('#arithmetic [data-to="W:2:1:1"]')
    assert station_of(tab) == walk_of(model).index(("Z", 2))
    assert tab.evaluate("document.activeElement.dataset.entry") == "W:2:1:1"
    assert text(tab, "#arithmetic-equation") == "a parameter of the network"
    for place in ("dA[1][1,3]", "dZ[1][1,3]", "dW[1][1,2]"):
        assert text(tab, "#return") == f"↩ back to {place}"
        tab.click("#return")
        assert text(tab, "#arithmetic-place") == place
    assert tab.locator("#return").count() == 0
    tab.locator("circle.unit").last.click()
    assert text(tab, "#arithmetic-place").startswith("dZ[3][2,")


def test_the_loss_of_a_row_leads_to_its_outputs_and_targets(opened, made):
    model, _, _, t = made("classes")
    tab = opened()
    choose(tab, station=str(walk_of(model).index(("J", 0))))
    tab.click('#station [data-entry="loss:0:0:2"]')
    assert text(tab, "#arithmetic-value") == f"{t.loss[2]:.6g}"
    leads_to = tab.evaluate("[...document.querySelectorAll('#arithmetic [data-to]')].map((b) => b.dataset.to)")
    assert leads_to == [f"{name}:{k}:2" for k in range(3) for name in ("A:3", "Y:0")]


def test_with_the_keyboard_alone(opened, made):
    t = made("classes")[3]
    tab = opened()

    def focused():
        return tab.evaluate("(document.activeElement.id || document.activeElement.dataset.entry || '')")

    def tab_to(wanted, most=40):
        for _ in range(most):
            tab.keyboard.press("Tab")
            if focused() == wanted:
                return
        raise AssertionError(f"{wanted} is not reached; at {focused()!r}")

    tab_to("back-button", 3)
    tab_to("step-button", 2)
    tab.keyboard.press("Enter")
    tab.keyboard.press("Space")
    assert station_of(tab) == 2
    assert focused() == "step-button"
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    tab_to("station-choice", 1)
    tab_to("row-choice", 1)
    tab_to("rate-choice", 1)
    tab.keyboard.press("ArrowRight")
    assert text(tab, "#rate-text") == "0.316"
    tab_to("A:1:0:0")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "End", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowUp"):
        tab.keyboard.press(key)
    assert focused() == "A:1:1:2"
    tab.keyboard.press("Enter")
    assert text(tab, "#arithmetic-value") == f"{t.A[1][1, 2]:.6g}"
    assert text(tab, "#live") == f"A[1][1,2] = g(Z[1][1,2]), g = tanh = g({t.Z[1][1, 2]:.6g}) = {t.A[1][1, 2]:.6g}"
    assert tab.locator("#station [aria-selected=true]").count() == 1
    tab.keyboard.press("Tab")  # the factor
    tab.keyboard.press("Enter")
    assert (station_of(tab), focused()) == (1, "Z:1:1:2")
    tab.keyboard.press("Control+Home")
    assert focused() == "Z:1:0:0"
    tab.keyboard.press("Control+End")
    assert focused() == "Z:1:2:3"
    for _ in range(3):
        tab.keyboard.press("ArrowDown")  # stays at the edge
    assert focused() == "Z:1:2:3"


def test_large_matrices_are_folded_and_the_arrow_keys_reach_all_of_them(opened):
    draw = np.random.default_rng(0)
    table = {f"x{k}": draw.normal(size=12).tolist() for k in range(70)} | {"y": ["u", "v", "w"] * 4}
    model = train(table, "y", hidden=(80,), epochs=1)
    t = trace(model, {name: values[:2] for name, values in table.items()})
    tab = opened("large", explain(model, table, rows=[0, 1]))
    choose(tab, station="1")
    assert "the first 24 are drawn" in text(tab, "#picture")
    W = tab.locator("#station figure").nth(1)
    assert W.locator("[role=gridcell]").count() == 32 * 32
    assert "of 80 and columns 0 to 31 of 70" in W.locator(".more").text_content()
    W.locator("[data-entry='W:1:31:31']").click()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")
    assert text(tab, "#arithmetic-place") == "W[1][32,69]"
    assert W.locator("[aria-selected=true]").text_content() == f"{t.W[1][32, 69]:.4g}"
    tab.locator("#station [data-entry='Z:1:3:1']").click()
    assert "(59 more terms: " in text(tab, "#arithmetic .rest")
    rest = sum(term.value for term in t.explain("Z", 1, 3, 1).terms[12:])
    assert f"(59 more terms: {rest:.6g})" in text(tab, "#arithmetic .rest")
    tab.click("#arithmetic .rest button")
    assert tab.locator("#arithmetic li").count() == 71


def test_numbers_that_are_not_finite_are_shown_as_such(opened, made):
    model, table, _, _ = made("classes")
    theta = model.theta.copy()
    theta[0] = np.inf
    tab = opened("broken", explain(replace(model, theta=theta), table))
    assert "not finite" in text(tab, "#notes")
    tab.click("#not-finite")
    assert text(tab, "#arithmetic-place") == "Z[1][0,0]"
    assert text(tab, "#arithmetic-value") in ("inf", "-inf")
    assert tab.locator("#station .not-finite").count() > 0
    choose(tab, station="7")
    assert text(tab, "#cost") == "inf"


def test_below_stand_curves_histograms_the_check_the_summary_and_the_boundary(opened, made):
    tab = opened("two")
    assert text(tab, "#check") == "Passed"
    assert tab.locator(".summary tbody tr").count() == 3
    assert tab.locator(".histograms svg").count() == 5
    assert tab.locator(".curve").count() == 2
    assert tab.locator(".boundary .point").count() == ROWS
    colours = tab.evaluate("""() => {
      const canvas = document.querySelector('canvas');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return new Set(Array.from({length: data.length / 4}, (_, i) => data.slice(4 * i, 4 * i + 3).join())).size;
    }""")
    assert colours > 5
    tab = opened("classes")
    assert tab.locator(".boundary").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(opened, made, scheme, tmp_path):
    model = made("classes")[0]
    tab = opened(viewport={"width": 360, "height": 740}, color_scheme=scheme, reduced_motion="reduce")
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
    for i, _ in enumerate(walk_of(model)):
        choose(tab, station=str(i))
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.evaluate("getComputedStyle(document.querySelector('.edges')).transitionDuration") == "0s"
    pictures = Path(os.environ.get("CHAINRULE_SCREENSHOTS", tmp_path))
    tab.screenshot(path=pictures / f"phone-{scheme}.png", full_page=True)
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.screenshot(path=pictures / f"wide-{scheme}.png", full_page=True)


def test_hostile_names_are_shown_as_text(opened):
    name = "</script><img src=x onerror=alert(1)>"
    table = {name: [1.0, 2.0, 3.0, 4.0] * 6, "y": [name, "b"] * 12}
    model = train(table, "y", hidden=(2,), epochs=1)
    tab = opened("hostile", explain(model, table, rows=[0, 1]))
    assert name in text(tab, "#station")
    assert tab.locator("img").count() == 0


def test_in_a_notebooks_frame_it_works_too(opened, made, chromium):
    context = chromium.new_context()
    try:
        tab = context.new_page()
        wrong = []
        tab.on("console", lambda message: wrong.append(message.text))
        tab.set_content(f"<body>{made('two')[2]._repr_html_()}</body>")
        frame = tab.frame_locator("iframe")
        frame.locator("#step-button").click()
        assert frame.locator("#station-title").text_content() == "Z[1]: weighted sums of layer 1"
        assert wrong == []
    finally:
        context.close()


@pytest.mark.parametrize(("name", "scheme"), [("classes", "light"), ("two", "dark")])
def test_axe_finds_nothing(opened, made, name, scheme):
    axe = pytest.importorskip("axe_playwright_python")
    tab = opened(name, color_scheme=scheme)
    tab.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    last = len(walk_of(made(name)[0])) - 1
    for station in (0, 1, last // 2, last):
        choose(tab, station=str(station))
        found = tab.evaluate("axe.run()")["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
