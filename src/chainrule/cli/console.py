"""What the command line shows: for people, as JSON lines, or nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chainrule.formulas.input_layers import INPUTS
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.history import CURVES, Callback, History
from chainrule.model import Model
from chainrule.network import Parameters
from chainrule.planning import Plan
from chainrule.progress import ProgressBar
from chainrule.streams import styled_output, visible

INDENT = " " * 7
SHOWN_CLASSES = 10
MAX_IN_TABLE = 1000  # columns; laying out a cell takes some 0.1 ms


class Silence:
    """Shows nothing."""

    def planned(self, table: str, plan: Plan) -> None:
        """Before training: what the table, the target and the network are."""

    @contextmanager
    def progress(self, plan: Plan) -> Iterator[Callback]:
        """While training; gives the callback that follows it."""
        yield self

    def on_epoch_end(self, history: History, parameters: Parameters) -> None:
        """After each epoch."""

    def trained(self, model: Model) -> None:
        """After training: why it ended, and the report on the test rows."""
        if model.report is not None:
            self.report(model.report, "held-out")

    def report(self, report: Mapping[str, Any], rows: str) -> None:
        """The scores on some rows."""

    def written(self, path: Path, following: str) -> None:
        """Where the model went, and which command to type next."""


class JsonLines(Silence):
    """One JSON object a line, each with its ``event``."""

    def planned(self, table: str, plan: Plan) -> None:
        """Events ``table`` and ``network``."""
        columns = [vars(c) | {"role": c.reason or "used"} for c in plan.schema.columns]
        parts = {name: len(getattr(plan.split, name)) for name in ("train", "validation", "test")}
        self._print(
            event="table",
            path=table,
            rows=plan.table.num_rows,
            rows_without_target=plan.dropped,
            rows_of_weight_0=plan.weightless,
            columns=columns,
            target=plan.target.to_dict(),
            split=parts,
            notes=list(plan.notes),
        )
        self._print(
            event="network", parameters=plan.network.size, **plan.network.to_dict(), recipe=plan.recipe.to_dict()
        )

    def on_epoch_end(self, history: History, parameters: Parameters) -> None:
        """Event ``epoch``; what is not finite is null."""
        curves = history.to_dict()
        latest = {name: curves[name][-1] for name in CURVES if curves[name]}
        self._print(event="epoch", epoch=len(history), **latest)

    def trained(self, model: Model) -> None:
        """Event ``trained``."""
        h = model.history
        self._print(event="trained", epochs=len(h), stopped=h.stopped, monitor=h.monitor, best_epoch=h.best_epoch)
        super().trained(model)

    def report(self, report: Mapping[str, Any], rows: str) -> None:
        """Event ``report``."""
        self._print(event="report", on=rows, **report)

    def written(self, path: Path, following: str) -> None:
        """Event ``model``."""
        self._print(event="model", path=str(path), next=following)

    def _print(self, **event: Any) -> None:
        print(json.dumps(event, allow_nan=False).replace("\x7f", r"\u007f"), flush=True)


class Screen(Silence):
    """Tables and a progress bar for people."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, file=styled_output())

    def planned(self, table: str, plan: Plan) -> None:
        """The columns, the target, the split, the network, the recipe."""
        self._say("Table", f"{table}: {_count(plan.table.num_rows, 'row')}, {_count(plan.table.num_columns, 'column')}")
        rows = []
        for c in plan.schema.columns:
            role = c.reason if c.name in plan.roles else f"left out: {c.reason}" if c.reason else ""
            rows.append((visible(c.name), c.kind, str(c.missing or ""), visible(role)))
        self._columns(rows)
        classes = ", ".join(map(str, plan.target.classes[:SHOWN_CLASSES]))
        more = ", ..." if len(plan.target.classes) > SHOWN_CLASSES else ""
        self._say("Target", f"{plan.target.name}: {plan.target.reason}" + (f" ({classes}{more})" if classes else ""))
        if plan.dropped:
            self._say("", f"{_count(plan.dropped, 'row')} left out: no target")
        if plan.weightless:
            self._say("", f"{_count(plan.weightless, 'row')} left out: weight 0")
        for note in plan.notes:
            self._say("", note)
        s = plan.split
        self._say(
            "Rows",
            f"{len(s.train):,} for training, {len(s.validation):,} for validation, {len(s.test):,} for testing",
        )
        self._say("Network", plan.network.brief(plan.functions))
        if plan.network.inputs:
            self._say("", _inputs(plan))
        recipe, m = plan.recipe, len(s.train)
        optimizer = recipe.make_optimizer(None, plan.functions)
        if optimizer.minimize is not None:
            name = OPTIMIZERS.brief(recipe.optimizer, plan.functions)
            self._say("Recipe", f"{name} on all rows at once, at most {recipe.epochs} iterations, seed {recipe.seed}")
            return
        rate = recipe.learning_rate or optimizer.learning_rate
        averaging = "" if recipe.averaging is None else f", averaging {recipe.averaging:g}"
        self._say(
            "Recipe",
            f"{OPTIMIZERS.brief(recipe.optimizer, plan.functions)}, learning rate {rate:g}, "
            f"{SCHEDULES.brief(recipe.schedule, plan.functions)}, batches of {recipe.batch(m)}, "
            f"at most {recipe.epochs} epochs, seed {recipe.seed}{averaging}",
        )

    def _columns(self, rows: list[tuple[str, str, str, str]]) -> None:
        """Name, kind, missing cells and role of each column; plain lines where a table would take seconds."""
        headings = ("column", "kind", "missing", "")
        if len(rows) > MAX_IN_TABLE:
            widths = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)]
            lines = "\n".join(
                f"{INDENT}  {name:<{widths[0]}}  {kind:<{widths[1]}}  {missing:>{widths[2]}}  {role}".rstrip()
                for name, kind, missing, role in (headings, *rows)
            )
            self.console.print(Text(lines), soft_wrap=True)
            return
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("", *headings):
            grid.add_column(heading, justify="right" if heading == "missing" else "left")
        for name, kind, missing, role in rows:
            style = "dim" if role.startswith("left out") else ""
            grid.add_row(INDENT, Text(name), kind, missing, Text(role), style=style)
        self.console.print(grid)

    @contextmanager
    def progress(self, plan: Plan) -> Iterator[Callback]:
        """A bar that counts epochs, with the costs."""
        with ProgressBar(plan.recipe.epochs, self.console) as bar:
            yield bar

    def trained(self, model: Model) -> None:
        """Why training ended, which epoch was kept, and the report."""
        h = model.history
        kept = f"; the parameters of epoch {h.best_epoch} are kept" if h.keeps_best else ""
        self._say("Stopped", f"after epoch {len(h)}: {h.stopped}{kept}")
        super().trained(model)

    def report(self, report: Mapping[str, Any], rows: str) -> None:
        """Scores beside the baseline; for classes, the confusion matrix and the recall of each."""
        counting = f", weighted, of weight {report['weight']:.6g} in all" if "weight" in report else ""
        self._say("Report", f"on {_count(report['rows'], 'row')} ({rows}){counting}")
        baseline = "most frequent class, class shares" if report["task"] == "classification" else "mean of the target"
        scores = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("", "", "model", f"baseline ({baseline})"):
            scores.add_column(heading, justify="right" if heading else "left")
        for name, value in report["scores"].items():
            scores.add_row(INDENT, METRICS.make(name).label, _number(value), _number(report["baseline"][name]))
        self.console.print(scores)
        if report.get("quantiles"):
            self._quantiles(report["quantiles"])
        if report["task"] == "classification":
            self._confusion(report)

    def written(self, path: Path, following: str) -> None:
        """The last two lines."""
        self._say("Model", str(path))
        self._say("Next", following)

    def _quantiles(self, scores: Sequence[Mapping[str, Any]]) -> None:
        """The pinball loss and the coverage of each predicted quantile."""
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("", "quantile", "coverage", "pinball loss", "baseline (quantile of the target)"):
            grid.add_column(heading, justify="right" if heading else "left")
        for score in scores:
            numbers = map(_number, (score["coverage"], score["pinball_loss"], score["baseline"]))
            grid.add_row(INDENT, repr(score["level"]), *numbers)
        self.console.print(grid)

    def _confusion(self, report: Mapping[str, Any]) -> None:
        """The matrix; where its labels would not fit beside each other, with numbers in their place."""
        classes = [visible(label) for label in report["classes"]]
        rows = [[f"{n:.6g}" if isinstance(n, float) else str(n) for n in row] for row in report["confusion"]]
        counts_width = max(len(count) for row in rows for count in row)

        def fit(labels: list[str]) -> bool:
            return sum(max(len(label), counts_width) + 2 for label in labels) <= self.console.width - 40

        heads = next((labels for labels in (classes, [str(k + 1) for k in range(len(classes))]) if fit(labels)), [])
        numbered = heads not in ([], classes)
        rows = rows if heads else [[] for _ in classes]
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        grid.add_column(INDENT)
        grid.add_column("true \\ predicted" if heads else "class", no_wrap=True)
        for head in heads:
            grid.add_column(Text(head), justify="right", no_wrap=True)
        grid.add_column("recall", justify="right")
        for k, (label, counts, recall) in enumerate(zip(classes, rows, report["recall"], strict=True), start=1):
            grid.add_row("", Text(f"{k} {label}" if numbered else label), *counts, _number(recall))
        self.console.print(grid)

    def _say(self, heading: str, text: str) -> None:
        line = Text(f"{heading:<9}", style="bold")
        line.append(visible(text), style="not bold")
        self.console.print(line, soft_wrap=True)


def _inputs(plan: Plan) -> str:
    """``A[0] = cosine(8) of 4 columns, lookup(4) of island, sex, 2 columns as they are``."""
    network, encoder = plan.network, plan.encoder
    parts: list[str] = []
    looked_up: dict[str, list[str]] = {}
    for layer in network.input_layers:
        name = INPUTS.brief(layer.layer)
        if layer.takes_numbers:
            parts.append(f"{name} of {_count(len(layer.columns), 'column')}")
        else:
            looked_up.setdefault(name, []).append(encoder.lookups[layer.columns[0]].column)
    parts += [f"{name} of {', '.join(columns)}" for name, columns in looked_up.items()]
    if handed_on := network.columns.handed_on:
        parts.append(f"{_count(len(handed_on), 'column')} as they are")
    return f"A[0] = {', '.join(parts)}"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"
