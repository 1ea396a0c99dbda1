"""One HTML file that walks through one step of training of a network on given rows; it needs no network connection.

Python works every number out (``trace``, the reference engine in float64) and writes it into the page, byte for byte;
the scripts in ``web/`` only show them. A policy in the page forbids the browser to fetch anything.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engines.reference import Reference
from chainrule.ensemble import one_network
from chainrule.errors import RequestError
from chainrule.explain import arithmetic
from chainrule.explain.checking import check_gradients
from chainrule.explain.input_units import blocks_of, column_names, forward_statements, units
from chainrule.explain.subject import Subject, subject
from chainrule.explain.trace import NAMES, Trace, trace
from chainrule.explain.written import EXAMPLES, NOTATIONS, equation, stations
from chainrule.files import Claim
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.penalties import PENALTIES
from chainrule.formulas.table import Table
from chainrule.inputs import Input
from chainrule.model import Model
from chainrule.network_views import HEAD, layer_table
from chainrule.recipe import Recipe

MAX_ROWS = 32
MAX_BYTES = 2_000_000  # of numbers, before they are written as text
MAX_EPOCHS = 1000  # points of a loss curve
MAX_CHECKED = 20_000  # parameters; the check of a larger network takes longer than a page should
RATES = (0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0)
GRID = 64  # predictions a side, for the decision boundary
HEIGHT = 900  # of the page inside a notebook

WEB = Path(__file__).parent / "web"
# In this order, so that every module stands after those it imports from
MODULES = ("format", "elements", "data", "letters", "arithmetic", "views", "matrix", "network-picture", "charts",
           "below", "controls", "main")  # fmt: skip

_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|class|const|let)\b)", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A whole HTML document as text, and what to know about it: rows left out, numbers that are not finite."""

    html: str
    notes: tuple[str, ...] = ()

    def save(self, path: Any, overwrite: bool = False) -> None:
        """Write it to a file, whole or not at all. RequestError: the file exists, or cannot be written."""
        with Claim(Path(path), overwrite=overwrite) as claim:
            claim.write(self.html.encode())

    def _repr_html_(self) -> str:
        """The page inline in a notebook."""
        return (
            f'<iframe srcdoc="{escape(self.html, True)}" title="One step of training" sandbox="allow-scripts" '
            f'width="100%" height="{HEIGHT}" style="border: 1px solid #8886; border-radius: 8px"></iframe>'
        )

    def __repr__(self) -> str:
        said = "".join(f"; {note}" for note in self.notes)
        return f"Page({len(self.html.encode()):,} bytes{said})"


def explain(model: Any, X: Any = None, y: Any = None, rows: Sequence[int] | slice | None = None) -> Page:
    """The page on one step of training of a Model or a fitted estimator on rows of X, at most 32 of them.

    rows    the places of the rows to take, counted from 0; None for all, or the first 32 with a note that says so

    RequestError: no rows or targets, rows that do not fit the model, a network with too many numbers for a page.

    >>> from chainrule import train
    >>> table = {"dose": [1.0, 2.0, 3.0, 4.0] * 4, "cured": ["no", "no", "yes", "yes"] * 4}
    >>> page = explain(train(table, "cured", hidden=(3,), epochs=5, test_fraction=0.0), table, rows=[0, 3])
    >>> "http://" in page.html.replace("http://www.w3.org/", ""), page.notes
    (False, ())
    """
    of, row_names, notes = _chosen(model, X, y, rows)
    of.targets  # noqa: B018  the message where there are none
    numbers = _count(of.network, len(of.X), 8)
    if numbers > MAX_BYTES:
        raise RequestError(
            f"a page holds at most {MAX_BYTES:,} bytes of numbers, and a network of n = {of.network.n} with "
            f"{len(of.X)} rows has {numbers:,}. Explain a smaller one, take fewer rows (rows=[0, 1]), or use "
            "chainrule.explain.trace, which has no limit."
        )
    t = trace(of, None)
    if found := t.not_finite():
        notes.append(f"Not every number is finite. The first that is not: {found}.")
    return Page(_html(_content(t, row_names, _classes(model, of), notes)), tuple(notes))


def _chosen(model: Any, X: Any, y: Any, rows: Any) -> tuple[Subject, list[str], list[str]]:
    """The rows to show, their names (their places in what was given), and what to say of those left out."""
    if X is None and not isinstance(model, Subject):
        raise RequestError("rows to explain are needed: give X, a table or an array of a few rows (with y).")
    model = one_network(model)
    if isinstance(model, Model):
        X = model.read(X)
        places, notes = _places(X.num_rows, rows)
        of = subject(model, X.take(places), None if y is None else _taken(y, X.num_rows, places))
    else:
        of = subject(model, X, y)
        places, notes = _places(len(of.X), rows)
        of = of.take(places)
    return of, [str(i) for i in places], notes


def _taken(y: Any, count: int, places: NDArray[np.int64]) -> Any:
    """The targets of these rows. RequestError: y is not one for each row of X."""
    try:
        values = np.asarray(y)
    except ValueError as error:  # rows of different lengths
        raise RequestError(f"y is one target for each of the {count} rows: {error}") from error
    if values.shape not in ((count,), (count, 1)):
        raise RequestError(f"y has the shape {values.shape} for {count} rows: give one target for each row.")
    return values.reshape(-1)[places]


def _classes(model: Any, of: Subject) -> list[str]:
    """What the marks of the rows stand for; a single output has two classes."""
    known = getattr(getattr(model, "target", None), "classes", getattr(model, "classes_", ()))
    if len(known) == max(2, len(of.outputs)):
        return [str(name) for name in known]
    return [str(name) for name in of.outputs] if len(of.outputs) > 1 else [f"{of.outputs[0]}: 0", f"{of.outputs[0]}: 1"]


def _places(count: int, rows: Any) -> tuple[NDArray[np.int64], list[str]]:
    if isinstance(rows, slice):
        given: Any = range(count)[rows]
    else:
        given = range(count) if rows is None else rows
    try:
        places = [int(i) for i in given]
        whole = all(not isinstance(i, (bool, np.bool_)) and int(i) == i for i in given)
    except (TypeError, ValueError):
        places, whole = [], False
    if not whole or not places or not all(0 <= i < count for i in places):
        raise RequestError(f"rows must be indices of rows, integers from 0 to {count - 1}, at least one; not {rows!r}.")
    if len(places) <= MAX_ROWS:
        return np.array(places), []
    note = (
        f"{len(places):,} rows were given, and the first {MAX_ROWS} are shown. To see others, select them: rows=[...]."
    )
    return np.array(places[:MAX_ROWS]), [note]


def _count(network: Any, m: int, size: int) -> int:
    """At most how many bytes of numbers a page has: parameters with their slopes, penalties' slopes, the passes."""
    penalised = sum(block.size for block in network.layout if block.role.penalised)
    learned = sum(block.size for block in blocks_of(network))  # each with what every row adds to its slope
    return size * (2 * network.size + penalised * len(network.penalties) + m * (5 * sum(network.n) + learned))


def _content(t: Trace, row_names: Sequence[str], classes: Sequence[str], notes: Sequence[str]) -> dict[str, Any]:
    """All that the page knows, as plain JSON; arrays in base64."""
    of, network = t.subject, t.subject.network
    loss = t.formulas.loss
    of_pass = replace(of, network=replace(network, dropout=0.0))  # as the trace's
    walk = [("X" if network.inputs else "A", 0), *stations(of_pass.network)]
    return {
        "n": network.n,
        "L": t.L,
        "m": t.m,
        "activation": [*network.activation, loss.link],
        "link": loss.link,
        "elementwise": loss.elementwise,
        "loss": network.loss,
        "formula": loss.formula,
        "task": loss.task,
        "penalties": network.penalties,
        "inputs": [str(name) for name in of.inputs],
        "units": of.units,
        "before": _before(t) if network.inputs else None,
        "outputs": [str(name) for name in of.outputs],
        "classes": classes,
        "rows": row_names,
        "stations": [{"name": name, "layer": l} for name, l in walk],
        "equations": {
            f"{notation} {examples}": [_equation(of_pass, name, l, notation, examples) for name, l in walk]
            for notation in NOTATIONS
            for examples in EXAMPLES
        },
        "sums": [{name: asdict(each) for name, each in arithmetic.sums(t, l).items()} for l in range(t.L + 1)],
        "arrays": {name: _packed(V) for name, V in _arrays(t)},
        "rates": RATES,
        "summary": _summary(of),
        "said": _said(of),
        "history": _history(of.history),
        "check": _check(t),
        "boundary": _boundary(of) if network.columns.numbers == 2 and of.codes is None else None,
        "notFinite": _not_finite(t),
        "notes": notes,
    }


def _equation(of: Subject, name: str, l: int, notation: str, examples: str) -> dict[str, str] | None:
    if name == "X" or (name == "A" and l == 0 and not of.network.inputs):
        return None
    e = equation(of.network, name, l, notation, examples, of.functions, (of.inputs, of.categories))
    return {"text": e.text, "mathml": e.mathml, "sizes": e.sizes}


def _before(t: Trace) -> dict[str, Any]:
    """What stands before A[0]: how each of its units is made, and the names of what the parameters belong to."""
    of, network = t.subject, t.subject.network
    made: list[dict[str, Any]] = []
    for j, unit in enumerate(units(network)):
        if unit.i is None:
            made.append({"given": ["X", unit.column]})
            continue
        row = network.input_layers[unit.i].row(np)
        by_row = [arithmetic.factors_of_unit(t, unit, i) for i in range(t.m)]
        made.append(
            {
                "given": [by_row[0][-1].name, unit.column],
                "equation": t.explain("A", 0, j, 0).equation,
                "left": forward_statements(row, unit.part)[0].left,
                "factors": _once([[[f.name, f.row, f.col] for f in factors[:-1]] for factors in by_row]),
            }
        )
    columns = {
        block.name: _heads(layer, of) for i, layer in enumerate(network.input_layers) for block in blocks_of(network, i)
    }
    slopes = {f"d{name}": t.explain(f"d{name}").equation for name in t.inputs}
    given = [name for name in ("X", "codes") if len(t.before.get(name, ()))]
    return {"given": given, "categories": list(of.categories), "made": made, "columns": columns, "slopes": slopes}


def _once(by_row: list[Any]) -> list[Any]:
    """One for all rows where they are all the same."""
    return by_row[:1] if all(each == by_row[0] for each in by_row) else by_row


def _heads(layer: Input, of: Subject) -> list[str]:
    """What the columns of the parameters of an input layer belong to."""
    if layer.levels is None:
        return column_names(layer, of.inputs, of.categories)
    return list(of.levels[layer.columns[0]]) if of.levels else [f"code {code}" for code in range(layer.levels)]


def _arrays(t: Trace) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every array of the page by its name there: those of the trace, and what the arithmetic needs besides."""
    for name in NAMES:
        for l, V in enumerate(getattr(t, name)):
            if V is not None:
                yield f"{name}[{l}]", V
    for name, V in t.before.items():
        yield f"{name}[0]", V
    for name in t.inputs:
        by_row = t.slopes_by_example[name]
        yield f"d{name} by row[0]", by_row.reshape(-1, t.m)
    with np.errstate(all="ignore"):
        for l in range(1, t.L):
            yield f"slope[{l}]", t.slope(l)
        for p, penalty in enumerate(t.formulas.penalties):
            for l in range(1, t.L + 1):
                yield f"penalty{p}[{l}]", np.broadcast_to(penalty.slope(t.W[l], float(t.m)), t.W[l].shape)
    yield "Y[0]", t.subject.targets.T
    yield "isDifference[0]", arithmetic.differs_from_target(t).astype(np.float64)
    yield "share[0]", t.share[None, :]
    yield "loss[0]", t.loss[None, :]
    yield "J[0]", np.array([[t.J]])
    yield "penalty[0]", np.array([[t.penalty]])
    yield "after[0]", np.array([_costs_after(t)])


def _costs_after(t: Trace) -> list[float]:
    """J(theta - rate dtheta) for each rate, by the engine."""
    of = t.subject
    network = replace(of.network, dtype="float64", dropout=0.0)
    engine = Reference(network, Recipe(), of.functions)
    theta = of.theta.astype(np.float64)
    examples = engine.examples(of.X, of.targets, codes=of.codes)
    with np.errstate(all="ignore"):  # what overflows shows as such
        return [engine.gradient(theta - rate * t.dtheta, examples)[0] for rate in RATES]


def _packed(V: NDArray[Any]) -> dict[str, Any]:
    """Little-endian, row by row; in four bytes a number where that loses nothing."""
    with np.errstate(all="ignore"):
        short = V.astype("<f4")
    exact = np.array_equal(short.astype(np.float64), V, equal_nan=True)
    content = np.ascontiguousarray(short if exact else V.astype("<f8"))
    return {"shape": V.shape, "bytes": content.itemsize, "data": base64.b64encode(content.tobytes()).decode()}


def _summary(of: Subject) -> list[list[str]]:
    """A table of the layers, its heading first."""
    link = of.network.formulas(np, of.functions).loss.link
    return [[*HEAD], *layer_table(of.network, link)]


def _said(of: Subject) -> list[str]:
    network = of.network
    cost = [_brief(LOSSES, network.loss, of), *(_brief(PENALTIES, penalty, of) for penalty in network.penalties)]
    lines = [
        f"{network.size:,} parameters, kept in {network.dtype}; computed here in float64.",
        f"Cost: {' + '.join(cost)}.",
    ]
    if np.any(network.dropout):
        lines.append("Dropout is left out here, as in prediction.")
    if optimizer := of.recipe.get("optimizer"):
        rate = of.recipe.get("learning_rate")
        lines.append(f"Trained by {_brief(OPTIMIZERS, optimizer, of)}{f', learning rate {rate:g}' if rate else ''}.")
        if not OPTIMIZERS.make(optimizer, np, functions=of.functions).plain:
            lines.append("The update shown here is that of plain gradient descent.")
    if beta := of.recipe.get("averaging"):
        lines.append(f"The parameters are their mean over the steps of training, averaging {beta:g}.")
    return lines


def _brief(table: Table[Any], spec: str, of: Subject) -> str:
    return table.brief(spec, of.functions)


def _history(history: Any) -> dict[str, Any] | None:
    """The loss curves, thinned out where there are many epochs."""
    if history is None or not len(history):
        return None
    stride = -(-len(history) // MAX_EPOCHS)
    curves = {"training": history.training_cost, "validation": history.validation_cost}
    return {
        "epochs": len(history),
        "stride": stride,
        "best": history.best_epoch,
        "stopped": history.stopped,
        "curves": {
            name: [v if isfinite(v) else None for v in map(float, values[::stride])]
            for name, values in curves.items()
            if len(values)
        },
    }


def _check(t: Trace) -> dict[str, Any]:
    """The gradient check's verdict, on these rows; ``ok`` is None where there is none."""
    of = t.subject
    if t.not_finite():
        return {"ok": None, "text": "Left out: not every number is finite."}
    if of.network.size > MAX_CHECKED:
        return {"ok": None, "text": f"Left out: {of.network.size:,} parameters would take too long to check."}
    try:
        report = check_gradients(of, None)
    except RequestError as error:  # such as a cost that is not finite
        return {"ok": None, "text": str(error)}
    return {"ok": bool(report.ok), "text": str(report)}


def _boundary(of: Subject) -> dict[str, Any]:
    """Predictions on a grid around the rows: rows of the grid from the least second input upwards."""
    low, high = of.X.min(axis=0), of.X.max(axis=0)
    margin = 0.25 * (high - low) + 0.5
    low, high = low - margin, high + margin
    x, y = np.meshgrid(*(np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)))
    network = replace(of.network, dtype="float64", dropout=0.0)
    A_L = Reference(network, Recipe(), of.functions).predict(
        of.theta.astype(np.float64), np.stack([x.ravel(), y.ravel()], axis=1)
    )
    with np.errstate(all="ignore"):
        A_L = A_L.astype("<f4").astype(np.float64)  # colours need no more
    by_class = A_L.shape[1] > 1 and network.formulas(np, of.functions).loss.task == "classification"
    winner = A_L.argmax(axis=1) if by_class else np.zeros(len(A_L), np.int64)
    return {
        "grid": GRID,
        "low": low.tolist(),
        "high": high.tolist(),
        "strength": _packed(A_L[np.arange(len(A_L)), winner].reshape(GRID, GRID)),
        "winner": winner.tolist() if by_class else None,
    }


def _not_finite(t: Trace) -> dict[str, Any] | None:
    """What ``Trace.not_finite`` says, and where that is."""
    found = t.first_not_finite()
    if found is None:
        return None
    return {"text": t.not_finite(), **dict(zip(("name", "layer", "row", "col"), found, strict=True))}


def script() -> str:
    """The modules of ``web/`` as one: each after those it imports from, without their imports and exports."""
    parts = [(WEB / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    return "\n" + "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)).strip() for part in parts) + "\n"


def _html(content: Mapping[str, Any]) -> str:
    style = "\n" + (WEB / "style.css").read_text(encoding="utf-8").strip() + "\n"
    code = script()
    policy = (
        f"default-src 'none'; script-src {_hash(code)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    # a "<" inside a string could end the script element that holds the data
    data = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    title = f"One step of training: n = ({', '.join(map(str, content['n']))})"
    parts = {"policy": policy, "style": style, "script": code, "data": data, "title": escape(title)}
    template = (WEB / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


__all__ = ["Page", "explain"]
