"""The commands of the command line and their arguments."""

import argparse
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from chainrule import __version__
from chainrule.checkpoints import SECONDS
from chainrule.cli import commands as run
from chainrule.cli.options import OPTIONS, READING, number, whole
from chainrule.planning import plan
from chainrule.streams import visible

TABLE_HELP = "a .csv, .tsv or .txt file (also .gz), or a .parquet file"


class Parser(argparse.ArgumentParser):
    """argparse, with its errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(2, f"chainrule: {visible(message)}. See `{self.prog} --help`.\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """As argparse, which would not say that it could not."""
        if message:
            (file or sys.stderr).write(message)


def parser() -> Parser:
    """All commands with their options."""
    top = Parser("chainrule", description="Train dense neural networks on tables, and use them.")
    top.add_argument("--version", action="version", version=f"chainrule {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, act: Callable[[argparse.Namespace], int], **said: Any) -> Parser:
        made = commands.add_parser(name, **said)
        made.set_defaults(run=act, parser=made)
        return made

    _add_training(
        command(
            "train",
            run.run_train,
            help="train a network on a table",
            description="Train a network on a table.",
            epilog="example: chainrule train penguins.csv --target species --hidden 64,32 --l2 0.001 --seed 1",
        )
    )

    predicting = command(
        "predict", run.run_predict, help="predict each row", description="Predict each row of a table."
    )
    _add_model_and_table(predicting)
    _add_out(predicting, "a .csv or .parquet file (default: print CSV)")

    evaluating = command(
        "evaluate",
        run.run_evaluate,
        help="score a model",
        description="Score a model on a table that has the target.",
    )
    _add_model_and_table(evaluating)
    _add(evaluating, "the table", "weight")
    evaluating.add_argument("--json", action="store_true", help="the report as one JSON object")

    explaining = command(
        "explain",
        run.run_explain,
        help="write a page that shows every number of one training step",
        description="Write a page (one HTML file, offline) that walks through one step of training on some rows.",
        epilog="example: chainrule explain penguins.model penguins.csv --rows 0:8 --out page.html",
    )
    _add_model_and_table(explaining, nargs="?", help=f"{TABLE_HELP} (default: one average row)")
    _add_rows(explaining, "0:8")
    _add_member(explaining)
    _add_out(explaining, "the page (default: MODEL's name with .html, in this folder)")

    checking = command(
        "check",
        run.run_check,
        help="check the gradient of a model numerically",
        description="Compare the gradient that backward propagation gives with numerical derivatives of the cost.",
    )
    _add_model_and_table(checking)
    _add_rows(checking, "0:32")
    _add_member(checking)

    diagnosing = command(
        "diagnose",
        run.run_diagnose,
        help="report problems inside a network",
        description="Report what stands out in a network on a table with the target: dead units, unscaled input, ...",
    )
    _add_model_and_table(diagnosing)
    _add_member(diagnosing)

    exporting = command(
        "export",
        run.run_export,
        help="write a model as ONNX, Python or C",
        description="Write a model, with its preprocessing, as a file that does not need chainrule.",
        epilog="example: chainrule export penguins.model --to c --out penguins.c",
    )
    _add_model(exporting)
    _add_member(exporting)
    exporting.add_argument(
        "--to",
        required=True,
        metavar="FORMAT",
        help="onnx; numpy (a Python file that needs only NumPy); c (a C99 file without dependencies)",
    )
    _add_out(exporting, "the file to write", required=True)

    command(
        "warmup",
        run.run_warmup,
        help="compile ahead of time for this machine",
        description="Compile the kernels of networks for this processor, so that the first training starts at once.",
    )
    return top


def _add_member(command: argparse.ArgumentParser) -> None:
    help = "network of an ensemble, counted from 0 (default: 0, which has the largest share; export needs it)"
    command.add_argument("--member", type=int, metavar="N", help=help)


def _add_training(training: argparse.ArgumentParser) -> None:
    training.add_argument("table", metavar="TABLE", help=TABLE_HELP)
    training.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    for title, options in OPTIONS.items():
        group = training.add_argument_group(title)
        for name in options:
            _add(group, title, name)
    keeping = training.add_argument_group("checkpoints")
    keeping.add_argument(
        "--checkpoint", metavar="FILE", help="write checkpoints of the run to this file, also on Ctrl-C and SIGTERM"
    )
    keeping.add_argument(
        "--resume", action="store_true", help="resume from the checkpoint; start anew if there is none"
    )
    keeping.add_argument(
        "--checkpoint-seconds", type=number, metavar="S", help=f"seconds between checkpoints (default: {SECONDS:g})"
    )
    keeping.add_argument("--checkpoint-steps", type=whole, metavar="N", help="also write one every N steps")
    output = training.add_argument_group("output")
    output.add_argument(
        "--out", type=Path, metavar="FILE", help="the model file (default: TABLE's name with .model, in this folder)"
    )
    output.add_argument(
        "--force", action="store_true", help="overwrite an existing model file, and a checkpoint without --resume"
    )
    shown = output.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="progress and report as one JSON object a line")
    shown.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a file that `chainrule train` wrote")


def _add_model_and_table(command: argparse.ArgumentParser, **table: Any) -> None:
    _add_model(command)
    given: dict[str, Any] = {"help": TABLE_HELP, **table}
    command.add_argument("table", metavar="TABLE", **given)
    for name in READING:
        _add(command, "the table", name)


def _add_rows(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument(
        "--rows",
        type=row_range,
        metavar="FIRST:END",
        default=default,
        help="rows, counted from 0 (default: %(default)s)",
    )


def _add_out(command: argparse.ArgumentParser, help: str, required: bool = False) -> None:
    command.add_argument("--out", type=Path, metavar="FILE", help=help, required=required)
    command.add_argument("--force", action="store_true", help="overwrite an existing file")


def _add(group: Any, title: str, name: str) -> None:
    """An option of ``plan``. Where it is not given it is not passed on: its default has one home."""
    option = OPTIONS[title][name]
    default = inspect.signature(plan).parameters[name].default
    written = ",".join(map(str, default)) if isinstance(default, tuple) else default
    group.add_argument(
        f"--{name.replace('_', '-')}",
        type=option.parse,
        metavar=option.metavar,
        default=argparse.SUPPRESS,
        help=option.help + ("" if default in (None, ()) else f" (default: {written})"),
    )


def row_range(text: str) -> tuple[int, int]:
    """``0:8`` -> (0, 8), the first row and the one after the last; ``5`` -> (5, 6)."""
    first, colon, end = text.partition(":")
    try:
        start = int(first or 0)
        stop = int(end) if end else start + 1
    except ValueError:
        start = stop = -1
    if not 0 <= start < stop or (colon and not end):
        raise argparse.ArgumentTypeError(f"expected rows such as 0:8, counted from 0, not {text!r}")
    return start, stop
