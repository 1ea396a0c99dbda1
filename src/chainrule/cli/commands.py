"""What each command does, from its parsed arguments to its exit code."""

import argparse
import os
import re
import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.checkpoints import SECONDS, Checkpoint
from chainrule.cli.console import JsonLines, Screen, Silence
from chainrule.cli.options import OPTIONS, READING
from chainrule.data import check_destination, table_content, write_table
from chainrule.errors import RequestError, RunError
from chainrule.files import Claim, Rescued
from chainrule.model import Model, TableModel
from chainrule.model_file import content, load
from chainrule.planning import plan
from chainrule.streams import take_as_log, visible
from chainrule.training import Diverged

ROOM = 65_536  # bytes on the disk that every output is given before the work
MAX_ROOM = 2**28  # and the parameters of a model; what does not fit into the memory says so itself


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
            say(f"the last good parameters, those of epoch {error.epochs}, are in {out}")
        else:
            say("no epoch ended with a finite cost, so no model was written")
        raise
    if len(model.history) == 0:
        nothing = "interrupted before the first epoch ended, so no model was written"
        raise RunError(nothing + _to_go_on(checkpoint, "--resume"))
    out, failed = _write(model, claim)  # before anything else can fail
    screen.trained(model)
    reading = [text for name, value in _given(arguments, READING).items() for text in (f"--{name}", value)]
    following = ["chainrule", "predict", str(out), arguments.table, *reading, "--out", "predictions.csv"]
    screen.written(out, shlex.join(following))
    if model.history.stopped == "interrupted":
        learnt = f"interrupted after epoch {len(model.history)}; the model so far is in {out}"
        say(f"{learnt}{_to_go_on(checkpoint, '--resume --force')}")
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
        say(str(error))
        return error.path, True
    return claim.path, False


def _checkpoint(arguments: argparse.Namespace, out: Path) -> Checkpoint | None:
    if arguments.checkpoint is None:
        for option in ("resume", "checkpoint_seconds", "checkpoint_steps"):
            if getattr(arguments, option) not in (None, False):
                raise RequestError(f"--{option.replace('_', '-')} needs --checkpoint FILE.")
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
    return f"; to resume, run the same command with {options} ({checkpoint.path})" if checkpoint else ""


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
        model = _one_network(arguments)
        if arguments.table:
            table, (first, end) = _read(model, arguments), arguments.rows
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

    model = _one_network(arguments)
    table, (first, end) = _read(model, arguments), arguments.rows
    _require_rows(table, (first, end))
    report = check_gradients(model, table.slice(first, end - first), None)
    print(report)
    return 0 if report.ok else 1


def run_diagnose(arguments: argparse.Namespace) -> int:
    """What stands out."""
    from chainrule.explain.diagnosis import diagnose

    model = _one_network(arguments)
    print(diagnose(model, _read(model, arguments), None))
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write the model as another kind of file."""
    from chainrule.export import content

    with _claim(arguments.out, arguments) as claim:
        written = content(_one_network(arguments, is_named=True), arguments.to)
        claim.write_or_rescue(written)
    _say_written(claim, f"Export   {arguments.out} ({len(written):,} bytes)")
    return 0


def _one_network(arguments: argparse.Namespace, is_named: bool = False) -> Model:
    """The model, or the network of an ensemble that --member names, which is said; ``is_named``: it has to name one."""
    model, i = load(arguments.model), arguments.member
    if isinstance(model, Model):
        if i is not None:
            raise RequestError(f"--member names a network of an ensemble, and {arguments.model!r} is one network.")
        return model
    if i is None and is_named:
        raise RequestError(
            f"{arguments.model!r} is an ensemble, and such a file holds one network: name it by --member."
        )
    member = model.member(i or 0)
    print(f"network {i or 0} of the {len(model.networks)} of the ensemble; --member takes another", file=sys.stderr)
    return member


def _require_rows(table: Any, rows: tuple[int, int]) -> None:
    """RequestError: the table ends before these rows."""
    first, end = rows
    if first >= table.num_rows:
        raise RequestError(
            f"--rows {first}:{end} is beyond the end of the table: its rows are 0 to {table.num_rows - 1}."
        )


def _read(model: TableModel, arguments: argparse.Namespace) -> Any:
    return model.read(arguments.table, **_given(arguments, READING))


def _say_unseen(model: TableModel, table: Any) -> None:
    for line in model.encoder.describe_unseen(table):
        print(visible(line), file=sys.stderr)


def _given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def say(message: str) -> None:
    """A line on standard error."""
    print(f"chainrule: {visible(message)}", file=sys.stderr)


def _say_written(claim: Claim, line: str) -> None:
    """Where it went, on standard output, unless that may be where it went."""
    print(visible(line), file=sys.stderr if claim.is_stream else sys.stdout)
