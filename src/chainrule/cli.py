"""The command line: ``chainrule train | predict | evaluate``. A thin layer over ``plan``, ``Model`` and ``load``."""

import argparse
import inspect
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from chainrule import __version__
from chainrule.data import check_destination, write_table
from chainrule.errors import ChainruleError, RequestError
from chainrule.model import Model
from chainrule.model_file import load, require_writable, save
from chainrule.options import OPTIONS
from chainrule.planning import plan
from chainrule.screen import JsonLines, Screen, Silence
from chainrule.training import Diverged

TABLE_HELP = "a .csv, .tsv or .txt file (also .gz), or a .parquet file"


class Parser(argparse.ArgumentParser):
    """argparse, with its errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(2, f"chainrule: {message}. See `{self.prog} --help`.\n")


def parser() -> Parser:
    """All commands with their options."""
    top = Parser("chainrule", description="Train dense neural networks on tables, and use them.")
    top.add_argument("--version", action="version", version=f"chainrule {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    training = commands.add_parser(
        "train", help="train a network on a table", description="Train a network on a table."
    )
    training.add_argument("table", metavar="TABLE", help="a .csv or .parquet file")
    training.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    defaults = {name: p.default for name, p in inspect.signature(plan).parameters.items()}
    for title, options in OPTIONS.items():
        group = training.add_argument_group(title)
        for name, option in options.items():
            default = defaults[name]
            shown = "" if default in (None, ()) else f" (default: {_written(default)})"
            # an option that is not given is not passed on: its default has one home, in plan
            group.add_argument(
                f"--{name.replace('_', '-')}",
                type=option.parse,
                metavar=option.metavar,
                default=argparse.SUPPRESS,
                help=option.help + shown,
            )
    output = training.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="FILE", help="the model (default: TABLE's name with .model, here)")
    output.add_argument("--force", action="store_true", help="overwrite the model file")
    shown = output.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="progress and report as one JSON object a line")
    shown.add_argument("--quiet", action="store_true", help="print nothing but errors")
    training.set_defaults(run=run_train)

    for name, run, text in (
        ("predict", run_predict, "predict each row of a table"),
        ("evaluate", run_evaluate, "report how good a model is on a table that has the target"),
    ):
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("model", metavar="MODEL", help="a file that `chainrule train` wrote")
        command.add_argument("table", metavar="TABLE", help=TABLE_HELP)
        for option in ("delimiter", "decimal"):
            of = OPTIONS["the table"][option]
            command.add_argument(
                f"--{option}", type=of.parse, metavar=of.metavar, default=defaults[option], help=of.help
            )
        if run is run_predict:
            command.add_argument(
                "--out", type=Path, metavar="FILE", help="a .csv or .parquet file (default: print CSV)"
            )
            command.add_argument("--force", action="store_true", help="overwrite that file")
        else:
            command.add_argument("--json", action="store_true", help="the report as one JSON object")
        command.set_defaults(run=run)
    return top


def run_train(arguments: argparse.Namespace) -> int:
    """Say what was understood, train, report, write the model, say what to type next."""
    screen = Silence() if arguments.quiet else JsonLines() if arguments.json else Screen()
    out = arguments.out or Path(
        re.sub(r"\.(csv|tsv|txt|parquet|pq)(\.gz)?$", "", Path(arguments.table).name) + ".model"
    )
    require_writable(out, overwrite=arguments.force)
    given = {
        name: value
        for options in OPTIONS.values()
        for name in options
        if (value := getattr(arguments, name, ...)) is not ...
    }
    planned = plan(arguments.table, arguments.target, **given)
    screen.planned(arguments.table, planned)
    try:
        with screen.progress(planned) as callback:
            model = planned.train([callback])
    except Diverged as error:
        if error.epochs:
            save(error.model, out, overwrite=arguments.force)
            print(
                f"chainrule: the parameters of epoch {error.epochs}, the last good ones, are in {out}", file=sys.stderr
            )
        raise
    screen.trained(model)
    save(model, out, overwrite=arguments.force)
    reading = [text for name in ("delimiter", "decimal") if name in given for text in (f"--{name}", given[name])]
    following = ["chainrule", "predict", str(out), arguments.table, *reading, "--out", "predictions.csv"]
    screen.written(out, shlex.join(following))
    if model.history.stopped != "interrupted":
        return 0
    print(f"chainrule: interrupted after epoch {len(model.history)}; what it had learnt is in {out}", file=sys.stderr)
    return 1


def run_predict(arguments: argparse.Namespace) -> int:
    """One row out for each row in."""
    model = load(arguments.model)
    if arguments.out is not None:
        check_destination(arguments.out)
        require_writable(arguments.out, overwrite=arguments.force)
    table = _read(model, arguments)
    columns = model.predictions(table)
    _say_unseen(model, table)
    ignored = [f"{c} (the target)" if c == model.target.name else c for c in model.encoder.extra_columns(table)]
    if ignored:
        print(f"columns ignored: {', '.join(ignored)}", file=sys.stderr)
    write_table(columns, arguments.out)
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """The report on a table."""
    model = load(arguments.model)
    table = _read(model, arguments)
    screen = JsonLines() if arguments.json else Screen()
    report = model.evaluate(table).to_dict()
    _say_unseen(model, table)
    screen.report(report, arguments.table)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 where the run failed, 2 where the request was wrong."""
    try:
        arguments = parser().parse_args(argv)
        return arguments.run(arguments)
    except ChainruleError as error:
        print(f"chainrule: {error}", file=sys.stderr)
        return 2 if isinstance(error, RequestError) else 1
    except KeyboardInterrupt:
        print("chainrule: interrupted", file=sys.stderr)
        return 1
    except MemoryError:
        print("chainrule: not enough memory: take a smaller network, smaller batches or fewer rows", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # whoever read our output has had enough; what Python flushes on exit must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _read(model: Model, arguments: argparse.Namespace) -> Any:
    return model.read(arguments.table, delimiter=arguments.delimiter, decimal=arguments.decimal)


def _written(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _say_unseen(model: Model, table: Any) -> None:
    for line in model.encoder.describe_unseen(table):
        print(line, file=sys.stderr)
