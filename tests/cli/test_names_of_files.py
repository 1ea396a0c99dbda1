"""Names of files that are too long, not UTF-8, or in places that cannot be looked into: a message, no traceback."""

import errno
import os
from pathlib import Path

import pytest

from chainrule import RequestError, load, train
from chainrule.cli import commands
from chainrule.data import read_table
from tests.cli.conftest import EXAMPLES

PENGUINS = str(EXAMPLES / "penguins.csv")
LITTLE = ["--target", "species", "--epochs", "1", "--hidden", "2"]
LONG, UNREADABLE, ROUND, NULL = "a" * 300, "file/x", "round", "a\0b"
BAD = {"too long": LONG, "in a file": UNREADABLE, "a link to itself": ROUND, "a null": NULL}

COMMANDS = {
    "train": lambda bad: ["train", f"{bad}.csv", *LITTLE, "--out", "new.model"],
    "train parquet": lambda bad: ["train", f"{bad}.parquet", *LITTLE, "--out", "new.model"],
    "train --out": lambda bad: ["train", PENGUINS, *LITTLE, "--out", f"{bad}.model"],
    "train --checkpoint": lambda bad: ["train", PENGUINS, *LITTLE, "--out", "new.model", "--checkpoint", f"{bad}.csv"],
    "predict model": lambda bad: ["predict", f"{bad}.csv", PENGUINS],
    "predict table": lambda bad: ["predict", "p.model", f"{bad}.csv"],
    "predict --out": lambda bad: ["predict", "p.model", PENGUINS, "--out", f"{bad}.csv"],
    "evaluate": lambda bad: ["evaluate", "p.model", f"{bad}.csv"],
    "explain": lambda bad: ["explain", "p.model", f"{bad}.csv"],
    "check": lambda bad: ["check", f"{bad}.csv", PENGUINS],
    "diagnose": lambda bad: ["diagnose", "p.model", f"{bad}.csv"],
    "export": lambda bad: ["export", "p.model", "--to", "c", "--out", f"{bad}.csv"],
}


@pytest.fixture(scope="module")
def trained():
    return train(PENGUINS, "species", epochs=1, hidden=(2,), threads=1)


@pytest.fixture
def folder(trained, tmp_path):
    trained.save(tmp_path / "p.model")
    (tmp_path / "file").touch()
    for ending in ("csv", "model", "parquet"):
        (tmp_path / f"round.{ending}").symlink_to(f"round.{ending}")
    return tmp_path


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_no_file_can_have(command, bad, run, folder):
    before = sorted(os.listdir(folder))
    ran = run(*COMMANDS[command](BAD[bad]))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("chainrule: ")
    assert ran.err.count("\n") == 1
    assert "Errno" not in ran.err
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_not_utf_8_is_taken_or_named(command, run, folder):
    bad = "caf\udce9"
    for ending in (".csv", ".model"):
        (folder / f"{bad}{ending}").write_bytes(Path(PENGUINS).read_bytes())
    ran = run(*COMMANDS[command](bad), *(["--force"] if "--out" in command or command in ("export", "explain") else []))
    assert ran.code in (0, 2)
    assert ran.code == 0 or r"caf\udce9" in ran.err
    assert "Error" not in ran.err
    ran.err.encode()
    ran.out.encode()


@pytest.mark.parametrize("name", [LONG, "round"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_in_python_too(name, ending, folder):
    (folder / f"round{ending}").unlink(missing_ok=True)
    (folder / f"round{ending}").symlink_to(f"round{ending}")
    for use in (read_table, load):
        with pytest.raises(RequestError):
            use(folder / f"{name}{ending}")


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG, errno.EIO])
def test_a_folder_that_cannot_be_looked_into(number, run, folder, monkeypatch):
    """Whoever runs this, root included."""
    status = os.stat

    def refused(path, *given, **named):
        if "secret" in os.fsdecode(path):
            raise OSError(number, os.strerror(number), path)
        return status(path, *given, **named)

    monkeypatch.setattr(os, "stat", refused)
    for arguments in (
        ["train", "secret/t.csv", *LITTLE, "--out", "new.model"],
        ["predict", "p.model", "secret/t.csv"],
        ["predict", "p.model", PENGUINS, "--out", "secret/t.csv"],
        ["export", "p.model", "--to", "c", "--out", "secret/m.c"],
    ):
        ran = run(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "secret/" in ran.err
        assert os.strerror(number) in ran.err


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), UnicodeEncodeError("utf-8", "\udce9", 0, 1, "no")]
)
def test_what_no_part_has_foreseen_is_a_message(error, run, folder, monkeypatch):
    def raising(*given, **named):
        raise error

    monkeypatch.setattr(commands, "load", raising)
    ran = run("predict", "p.model", PENGUINS)
    assert ran.code in (1, 2)
    assert ran.err.startswith("chainrule: ")
    assert ran.err.count("\n") == 1
