"""The command line: train, predict, evaluate, explain, check, diagnose, export, warmup; thin layers over functions."""

import argparse
import inspect
import logging
import os
import re
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from chainrule import __version__
from chainrule.checkpoints import SECONDS, Checkpoint
from chainrule.cli.console import JsonLines, Screen, Silence
from chainrule.cli.options import OPTIONS, number, whole
from chainrule.data import check_destination, table_content, write_table
from chainrule.errors import ChainruleError, RequestError, RunError, nearest
from chainrule.files import Claim, Rescued
from chainrule.model import Model
from chainrule.model_file import content, load
from chainrule.planning import plan
from chainrule.streams import guarded, take_as_log, visible
from chainrule.training import Diverged

TABLE_HELP = "a .csv, .tsv or .txt file (also .gz), or a .parquet file"
READING = ("delimiter", "decimal")  # options of every command that reads a table
ROOM = 65_536  # bytes on the disk that every output is given before the work
MAX_ROOM = 2**28  # and the parameters of a model; what does not fit into the memory says so itself


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

    training = commands.add_parser(
        "train",
        help="train a network on a table",
        description="Train a network on a table.",
        epilog="example: chainrule train penguins.csv --target species --hidden 64,32 --l2 0.001 --seed 1",
    )
    training.add_argument("table", metavar="TABLE", help=TABLE_HELP)
    training.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    for title, options in OPTIONS.items():
        group = training.add_argument_group(title)
        for name in options:
            _add(group, title, name)
    keeping = training.add_argument_group("checkpoints")
    keeping.add_argument(
        "--checkpoint", metavar="FILE", help="keep the run there while it lasts; also on Ctrl-C, SIGTERM"
    )
    keeping.add_argument("--resume", action="store_true", help="go on from there; begin where nothing is there yet")
    keeping.add_argument("--checkpoint-seconds", type=number, metavar="S", help=f"how often (default: {SECONDS:g})")
    keeping.add_argument("--checkpoint-steps", type=whole, metavar="N", help="and every N steps")
    output = training.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="FILE", help="the model (default: TABLE's name with .model, here)")
    output.add_argument(
        "--force", action="store_true", help="overwrite the model file, and a checkpoint without --resume"
    )
    shown = output.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="progress and report as one JSON object a line")
    shown.add_argument("--quiet", action="store_true", help="print nothing but errors")
    training.set_defaults(run=run_train, parser=training)

    predicting = commands.add_parser("predict", help="predict each row", description="Predict each row of a table.")
    _add_model_and_table(predicting)
    _add_out(predicting, "a .csv or .parquet file (default: print CSV)")
    predicting.set_defaults(run=run_predict, parser=predicting)

    evaluating = commands.add_parser(
        "evaluate",
        help="report how good a model is",
        description="Report how good a model is on a table with the target.",
    )
    _add_model_and_table(evaluating)
    _add(evaluating, "the table", "weight")
    evaluating.add_argument("--json", action="store_true", help="the report as one JSON object")
    evaluating.set_defaults(run=run_evaluate, parser=evaluating)

    explaining = commands.add_parser(
        "explain",
        help="write a page that shows every number of one training step",
        description="Write a page (one HTML file, offline) that walks through one step of training on some rows.",
        epilog="example: chainrule explain penguins.model penguins.csv --rows 0:8 --out page.html",
    )
    _add_model(explaining)
    explaining.add_argument("table", metavar="TABLE", nargs="?", help=f"{TABLE_HELP} (default: one average row)")
    explaining.add_argument("--rows", type=row_range, metavar="FIRST:END", help="rows, counted from 0 (default: 0:8)")
    _add_out(explaining, "the page (default: MODEL with .html, here)")
    for name in READING:
        _add(explaining, "the table", name)
    explaining.set_defaults(run=run_explain, parser=explaining)

    checking = commands.add_parser(
        "check",
        help="check the gradient of a model numerically",
        description="Compare the gradient that backward propagation gives with numerical derivatives of the cost.",
    )
    _add_model_and_table(checking)
    checking.add_argument("--rows", type=row_range, metavar="FIRST:END", help="rows, counted from 0 (default: 0:32)")
    checking.set_defaults(run=run_check, parser=checking)

    diagnosing = commands.add_parser(
        "diagnose",
        help="say in words what is wrong inside",
        description="Say what stands out inside a network on a table with the target: dead units, unscaled input, ...",
    )
    _add_model_and_table(diagnosing)
    diagnosing.set_defaults(run=run_diagnose, parser=diagnosing)

    exporting = commands.add_parser(
        "export",
        help="write a model as ONNX, Python or C",
        description="Write a model, with its preprocessing, as a file that needs no chainrule.",
        epilog="example: chainrule export penguins.model --to c --out penguins.c",
    )
    _add_model(exporting)
    exporting.add_argument(
        "--to",
        required=True,
        metavar="FORMAT",
        help="onnx; numpy (a Python file that needs NumPy alone); c (a C99 file without dependencies)",
    )
    _add_out(exporting, "where to", required=True)
    exporting.set_defaults(run=run_export, parser=exporting)

    warming = commands.add_parser(
        "warmup",
        help="compile ahead for this machine",
        description="Compile for this processor what networks are made of, so that the first training begins at once.",
    )
    warming.set_defaults(run=run_warmup, parser=warming)
    return top


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a file that `chainrule train` wrote")


def _add_out(command: argparse.ArgumentParser, help: str, required: bool = False) -> None:
    command.add_argument("--out", type=Path, metavar="FILE", help=help, required=required)
    command.add_argument("--force", action="store_true", help="overwrite that file")


def _add_model_and_table(command: argparse.ArgumentParser) -> None:
    _add_model(command)
    command.add_argument("table", metavar="TABLE", help=TABLE_HELP)
    for name in READING:
        _add(command, "the table", name)


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


def _given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def run_warmup(arguments: argparse.Namespace) -> int:
    """Compile ahead."""
    from chainrule.engines.fused.disk_cache import folder
    from chainrule.engines.fused.warmup import warm_up

    begun = time.perf_counter()
    count = warm_up()
    kept = f"kept in {folder()}" if folder() else "not kept: CHAINRULE_CACHE_DIR switches the cache off"
    print(f"{count} kernels compiled in {time.perf_counter() - begun:.1f} s, {kept}")
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """Say what was understood, train, report, write the model, say what to type next."""
    take_as_log()
    out = arguments.out or Path(
        re.sub(r"(?i)\.(csv|tsv|txt|parquet|pq)(\.gz)?$", "", Path(arguments.table).name) + ".model"
    )
    with _claim(out, arguments) as claim:
        return _train(arguments, claim)


def _train(arguments: argparse.Namespace, claim: Claim) -> int:
    screen = Silence() if arguments.quiet else JsonLines() if arguments.json else Screen()
    checkpoint = _checkpoint(arguments, claim.path)
    given = _given(arguments, (name for options in OPTIONS.values() for name in options))
    planned = plan(arguments.table, arguments.target, **given)
    size = planned.network.size * np.dtype(planned.network.dtype).itemsize
    claim.reserve(ROOM + min(size, MAX_ROOM))
    screen.planned(arguments.table, planned)
    try:
        with screen.progress(planned) as callback:
            model = planned.train([callback], checkpoint)
    except Diverged as error:
        if error.epochs:
            out, _ = _write(error.model, claim)
            _say(f"the parameters of epoch {error.epochs}, the last good ones, are in {out}")
        else:
            _say("no epoch went well, so no model was written")
        raise
    if len(model.history) == 0:
        nothing = "interrupted before an epoch had ended, so no model was written"
        raise RunError(nothing + _to_go_on(checkpoint, "--resume"))
    out, failed = _write(model, claim)  # before anything else can fail
    screen.trained(model)
    reading = [text for name, value in _given(arguments, READING).items() for text in (f"--{name}", value)]
    following = ["chainrule", "predict", str(out), arguments.table, *reading, "--out", "predictions.csv"]
    screen.written(out, shlex.join(following))
    if model.history.stopped == "interrupted":
        learnt = f"interrupted after epoch {len(model.history)}; what it had learnt is in {out}"
        _say(f"{learnt}{_to_go_on(checkpoint, '--resume --force')}")
    return 1 if failed or model.history.stopped == "interrupted" else 0


def _claim(out: Path, arguments: argparse.Namespace) -> Claim:
    """The file that a command is going to write, found to be possible before the work."""
    claim = Claim(out, overwrite=arguments.force)
    try:
        claim.reserve(ROOM)
    except BaseException:
        claim.close()
        raise
    return claim


def _write(model: Model, claim: Claim) -> tuple[Path, bool]:
    """Where the model went, and whether that is elsewhere than it should, which is said."""
    try:
        claim.write_or_rescue(*content(model))
    except Rescued as error:
        _say(str(error))
        return error.path, True
    return claim.path, False


def _checkpoint(arguments: argparse.Namespace, out: Path) -> Checkpoint | None:
    if arguments.checkpoint is None:
        for option in ("resume", "checkpoint_seconds", "checkpoint_steps"):
            if getattr(arguments, option) not in (None, False):
                raise RequestError(f"--{option.replace('_', '-')} needs --checkpoint FILE too.")
        return None
    seconds, steps = arguments.checkpoint_seconds, arguments.checkpoint_steps
    checkpoint = Checkpoint(
        arguments.checkpoint,
        seconds=SECONDS if seconds is None else seconds,
        steps=steps,
        resume=arguments.resume,
        overwrite=arguments.force,
    )
    checkpoint.require_free()
    if os.path.realpath(out) in map(os.path.realpath, (checkpoint.path, checkpoint.previous)):
        raise RequestError(f"{str(out)!r} cannot hold both the model and the checkpoint: name another file for one.")
    return checkpoint


def _to_go_on(checkpoint: Checkpoint | None, options: str) -> str:
    return f"; to go on, give the same command with {options} ({checkpoint.path})" if checkpoint else ""


def run_predict(arguments: argparse.Namespace) -> int:
    """One row out for each row in."""
    if arguments.out is None:
        write_table(_predictions(arguments), None)
        return 0
    ending = check_destination(arguments.out)
    with _claim(arguments.out, arguments) as claim:
        claim.write_or_rescue(table_content(_predictions(arguments), ending))
    return 0


def _predictions(arguments: argparse.Namespace) -> dict[str, Any]:
    model = load(arguments.model)
    table = _read(model, arguments)
    columns = model.predictions(table)
    _say_unseen(model, table)
    ignored = [f"{c} (the target)" if c == model.target.name else c for c in model.encoder.extra_columns(table)]
    if ignored:
        print(visible(f"columns ignored: {', '.join(ignored)}"), file=sys.stderr)
    return columns


def run_evaluate(arguments: argparse.Namespace) -> int:
    """The report on a table."""
    model = load(arguments.model)
    table = _read(model, arguments)
    screen = JsonLines() if arguments.json else Screen()
    report = model.evaluate(table, getattr(arguments, "weight", None)).to_dict()
    _say_unseen(model, table)
    screen.report(report, arguments.table)
    return 0


def run_explain(arguments: argparse.Namespace) -> int:
    """Write the page."""
    from chainrule.explain.page import explain
    from chainrule.explain.subject import average_row

    out = arguments.out or Path(Path(arguments.model).stem + ".html")
    with _claim(out, arguments) as claim:
        model = load(arguments.model)
        if arguments.table:
            table, (first, end) = _read(model, arguments), arguments.rows or (0, 8)
            _require_rows(table, (first, end))
            page = explain(model, table, rows=slice(first, end))
        else:
            page = explain(average_row(model))
        claim.write_or_rescue(page.html.encode())
    for note in page.notes:
        print(visible(note), file=sys.stderr)
    _say_written(claim, f"Page     {out}: open it in a browser")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """The gradient check's verdict; 1 where it is not ok."""
    from chainrule.explain.checking import check_gradients

    model = load(arguments.model)
    table, (first, end) = _read(model, arguments), arguments.rows or (0, 32)
    _require_rows(table, (first, end))
    report = check_gradients(model, table.slice(first, end - first), None)
    print(report)
    return 0 if report.ok else 1


def run_diagnose(arguments: argparse.Namespace) -> int:
    """What stands out."""
    from chainrule.explain.diagnosis import diagnose

    model = load(arguments.model)
    print(diagnose(model, _read(model, arguments), None))
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write the model as another kind of file."""
    from chainrule.export import content

    with _claim(arguments.out, arguments) as claim:
        written = content(load(arguments.model), arguments.to)
        claim.write_or_rescue(written)
    _say_written(claim, f"Export   {arguments.out} ({len(written):,} bytes)")
    return 0


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


def _require_rows(table: Any, rows: tuple[int, int]) -> None:
    """RequestError: the table ends before these rows."""
    first, end = rows
    if first >= table.num_rows:
        raise RequestError(f"the table has rows 0 to {table.num_rows - 1}: --rows {first}:{end} lies behind them.")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 where the run failed, 2 where the request was wrong."""
    with guarded():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    """``main``, where the one place is at which an error becomes a message."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except ChainruleError as error:
        _say(str(error))
        return 2 if isinstance(error, RequestError) else 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 1
    except MemoryError:
        _say("not enough memory: take a smaller network, smaller batches or fewer rows")
        return 1
    except BrokenPipeError:  # whoever read our output has had enough
        return 1
    except OSError as error:
        named = "" if error.filename is None else f"cannot use {str(error.filename)!r}: "
        _say(f"{named}{error.strerror or error}.")
        return 2 if named else 1
    except UnicodeEncodeError as error:  # a name with bytes that are not UTF-8, for those who take UTF-8 alone
        _say(f"{error.object!r} is not {error.encoding.upper()}: rename it.")
        return 2


def _run(argv: Sequence[str] | None) -> int:
    arguments, unknown = parser().parse_known_args(argv)
    if unknown:
        options = [option for action in arguments.parser._actions for option in action.option_strings]
        arguments.parser.error(f"{unknown[0]} is no option{nearest(unknown[0], options).rstrip('.')}")
    with _telling(arguments):
        return arguments.run(arguments)


def _say(message: str) -> None:
    print(f"chainrule: {visible(message)}", file=sys.stderr)


def _say_written(claim: Claim, line: str) -> None:
    """Where it went, on standard output, unless that may be where it went."""
    print(visible(line), file=sys.stderr if claim.is_stream else sys.stdout)


@contextmanager
def _telling(arguments: argparse.Namespace) -> Iterator[None]:
    """Say what takes a while, to someone who is watching; and in any case what a run goes on from."""
    logger, handler = logging.getLogger("chainrule"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("chainrule: %(message)s"))
    told = getattr(arguments, "resume", False) or (sys.stderr is not None and sys.stderr.isatty())
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if getattr(arguments, "quiet", False) else logging.INFO if told else logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def _read(model: Model, arguments: argparse.Namespace) -> Any:
    return model.read(arguments.table, **_given(arguments, READING))


def _say_unseen(model: Model, table: Any) -> None:
    for line in model.encoder.describe_unseen(table):
        print(visible(line), file=sys.stderr)
