"""The command line: ``chainrule train | predict | evaluate``. A thin layer over ``plan``, ``Model`` and ``load``."""

import argparse
import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from chainrule import __version__
from chainrule.data import write_table
from chainrule.errors import ChainruleError, RequestError
from chainrule.model import Model
from chainrule.model_file import load, require_writable, save
from chainrule.plan import plan
from chainrule.screen import JsonLines, Screen, Silence
from chainrule.training import Diverged


@dataclass(frozen=True)
class Option:
    """A hyperparameter of ``plan`` on the command line; its default is the one in Python."""

    parse: Callable[[str], Any]
    metavar: str
    help: str


def names(text: str) -> list[str]:
    """``a,b`` -> ["a", "b"]; a comma inside brackets does not separate."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def one_or_each(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """One value for all layers, or a list with one each."""

    def parse_list(text: str) -> Any:
        parts = [parse(part) for part in names(text)]
        return parts[0] if len(parts) == 1 else parts

    return parse_list


def whole_numbers(text: str) -> list[int]:
    """``64,32`` -> [64, 32]; ``none`` -> []."""
    return [] if text.strip().lower() in ("", "none") else [int(part) for part in names(text)]


def auto_or_whole(text: str) -> int | str:
    """``auto``, or a whole number."""
    return text if text == "auto" else int(text)


def none_or_whole(text: str) -> int | None:
    """``none``, or a whole number."""
    return None if text.lower() == "none" else int(text)


OPTIONS: dict[str, dict[str, Option]] = {
    "the table": {
        "task": Option(str, "TASK", "auto, classification or regression"),
        "drop": Option(names, "COLUMNS", "columns to leave out"),
        "delimiter": Option(str, "CHARACTER", "what separates cells in a CSV file (default: seen from the header)"),
        "decimal": Option(str, "CHARACTER", "the decimal point in a CSV file"),
        "weight": Option(str, "COLUMN", "how much each row counts"),
        "class_weight": Option(str, "balanced", "balanced: every class counts the same in all"),
        "validation_fraction": Option(float, "SHARE", "rows to watch while training"),
        "test_fraction": Option(float, "SHARE", "rows to hold out for the report"),
        "group": Option(str, "COLUMN", "rows with the same value stay on one side of every split"),
    },
    "the network": {
        "hidden": Option(whole_numbers, "SIZES", "units of the hidden layers, such as 64,32; none for none"),
        "activation": Option(one_or_each(str), "NAMES", "of the hidden layers: one for all, or one each"),
        "loss": Option(str, "NAME", "such as cross_entropy, huber or 'huber(delta=2)'"),
        "initializer": Option(str, "NAME", "of the weights"),
        "dropout": Option(one_or_each(float), "CHANCE", "that a hidden unit is dropped: one for all, or one each"),
        "l2": Option(float, "LAMBDA", "adds lambda/(2m) sum w^2 to the cost"),
        "l1": Option(float, "LAMBDA", "adds lambda/m sum |w| to the cost"),
        "dtype": Option(str, "TYPE", "float32 or float64"),
    },
    "training": {
        "optimizer": Option(str, "NAME", "such as adam, gradient_descent, momentum or lbfgs"),
        "learning_rate": Option(float, "RATE", "the notes' alpha (default: what suits the optimizer)"),
        "momentum": Option(float, "BETA", "of the optimizer"),
        "schedule": Option(str, "NAME", "of the learning rate, such as constant, cosine or 'inverse_time(0.1)'"),
        "epochs": Option(int, "N", "most passes over the training rows"),
        "batch_size": Option(auto_or_whole, "N", "rows a step; auto for at most 200"),
        "clip_norm": Option(float, "LENGTH", "longest gradient"),
        "monitor": Option(str, "NAME", "what is watched: validation_cost, training_cost, accuracy, rmse, ..."),
        "patience": Option(none_or_whole, "N", "epochs without improvement before training stops; none for any"),
        "tol": Option(float, "AMOUNT", "what counts as an improvement"),
        "seed": Option(int, "N", "of every random number"),
        "threads": Option(int, "N", "at most so many (default: what the machine offers)"),
    },
}


class Parser(argparse.ArgumentParser):
    """argparse, with its errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(2, f"chainrule: {message}. See {self.prog} --help\n")


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
    output.add_argument("--json", action="store_true", help="progress and report as one JSON object a line")
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")
    training.set_defaults(run=run_train)

    for name, run, text in (
        ("predict", run_predict, "predict each row of a table"),
        ("evaluate", run_evaluate, "report how good a model is on a table that has the target"),
    ):
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("model", metavar="MODEL", help="a file that `chainrule train` wrote")
        command.add_argument("table", metavar="TABLE", help="a .csv or .parquet file")
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
    out = arguments.out or Path(Path(arguments.table).name.split(".")[0] + ".model")
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
        if error.history.best_epoch:
            save(error.model, out, overwrite=arguments.force)
            raise Diverged(
                f"{error} The parameters of epoch {error.history.best_epoch} are in {out}.", None, error.history
            ) from error
        raise
    screen.trained(model)
    save(model, out, overwrite=arguments.force)
    screen.written(out, arguments.table)
    return 1 if model.history.stopped == "interrupted" else 0


def run_predict(arguments: argparse.Namespace) -> int:
    """One row out for each row in."""
    model = load(arguments.model)
    if arguments.out is not None:
        require_writable(arguments.out, overwrite=arguments.force)
    table = _read(model, arguments)
    columns = model.predictions(table)
    for line in model.encoder.describe_unseen(table):
        print(line, file=sys.stderr)
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
    screen.report(model.evaluate(table).to_dict(), f"{arguments.table}")
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
    except BrokenPipeError:
        # whoever read our output has had enough; what Python flushes on exit must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _read(model: Model, arguments: argparse.Namespace) -> Any:
    return model.read(arguments.table, delimiter=arguments.delimiter, decimal=arguments.decimal)


def _written(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


if __name__ == "__main__":
    sys.exit(main())
