"""Names of columns, levels and files may be commands to a terminal. It gets none of them; files keep them."""

import io
import json
import re
import sys
from contextlib import suppress

import pytest

from chainrule.cli import main

TITLE, CSI, TURN, BELL = "\x1b]0;owned\x07", "\x9b31m", "\u202e", "\x7f\x08"
COLUMN, LEVELS, LABELS = f"a{TITLE}", [f"[red]{CSI}", f"{TURN}b"], [f"yes{TITLE}\n[bold]", f"no{BELL}"]
# what may not arrive: none of it is in the styles and cursor movements that rich writes itself
OBEYED = re.compile(rb"\x1b\]|owned\x07|\xc2\x9b|\xe2\x80\xae|\x7f|\x08")
TABLE = f"t{TITLE}[red].csv"


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self):
        super().__init__(io.BytesIO(), "utf-8")

    def isatty(self):
        return True


def run(folder, stream, *arguments):
    """What the command says in this folder to a stream that is its standard output and its standard error."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("COLUMNS", "500")
        patched.setenv("TERM", "xterm")
        patched.setattr(sys, "stdout", stream)
        patched.setattr(sys, "stderr", stream)
        with suppress(SystemExit):  # argparse's
            main.main(list(arguments))
    stream.flush()
    return stream.buffer.getvalue()


def on_a_terminal(folder, *arguments):
    return run(folder, Terminal(), *arguments)


def through_a_pipe(folder, *arguments):
    return run(folder, io.TextIOWrapper(io.BytesIO(), "utf-8"), *arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("obeyed")
    rows = [(i % 7, LEVELS[i % 2], LABELS[i % 3 == 0]) for i in range(80)]
    quoted = "".join(f'{a},"{b}","{y}"\n' for a, b, y in rows)
    (folder / TABLE).write_text(f'"{COLUMN}","b\n{BELL}","y{CSI}"\n{quoted}')
    (folder / "plain.csv").write_text("x\n1\n")
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    return on_a_terminal(folder, "train", TABLE, "--target", f"y{CSI}", "--epochs", "2", "--out", f"m{TITLE}.model")


MODEL = f"m{TITLE}.model"
COMMANDS = {
    "predict": ["predict", MODEL, TABLE],
    "evaluate": ["evaluate", MODEL, TABLE],
    "evaluate --json": ["evaluate", MODEL, TABLE, "--json"],
    "explain": ["explain", MODEL, TABLE, "--out", f"p{TITLE}.html"],
    "check": ["check", MODEL, TABLE],
    "diagnose": ["diagnose", MODEL, TABLE],
    "export": ["export", MODEL, "--to", "c", "--out", f"p{TITLE}.c"],
    "a file that exists": ["train", TABLE, "--target", f"y{CSI}", "--out", MODEL],
    "no such model": ["predict", f"n{TITLE}.model", TABLE],
    "no such table": ["predict", MODEL, f"n{TITLE}.csv"],
    "no such column": ["train", TABLE, "--target", f"n{TITLE}", "--out", "n.model"],
    "no such option": ["predict", MODEL, TABLE, f"--n{TITLE}"],
    "one argument more": ["predict", MODEL, TABLE, f"n{TITLE}"],
    "no such command": [f"n{TITLE}"],
    "another table": ["predict", MODEL, "plain.csv"],
    "a value that makes no sense": ["train", TABLE, "--target", f"y{CSI}", "--hidden", TITLE, "--out", "n.model"],
    "a folder that is not there": ["predict", MODEL, TABLE, "--out", f"n{TITLE}/p.csv"],
}


def test_training(trained):
    assert not OBEYED.search(trained), OBEYED.findall(trained)
    assert rb"a\x1b]0;owned\x07" in trained
    assert b"[red]" in trained


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_hands_them_on(command, folder):
    said = on_a_terminal(folder, *COMMANDS[command])
    assert said
    assert not OBEYED.search(said), OBEYED.findall(said)


@pytest.mark.usefixtures("trained")
def test_files_and_pipes_keep_them(folder):
    piped = through_a_pipe(folder, "predict", MODEL, TABLE)
    through_a_pipe(folder, "predict", MODEL, TABLE, "--out", "raw.csv")
    written = (folder / "raw.csv").read_bytes()
    assert piped.endswith(written)  # after what standard error says
    for text in (f"predicted_y{CSI}", *LABELS):
        assert text.encode() in written


@pytest.mark.usefixtures("trained")
def test_json_says_what_they_are(folder):
    said = through_a_pipe(folder, "evaluate", MODEL, TABLE, "--json").splitlines()
    report = json.loads(said[-1])
    assert report["classes"] == sorted(LABELS)
    assert report["on"] == TABLE
