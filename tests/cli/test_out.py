"""Every command that writes a file: what stands in its way is said before the work, and no work is lost."""

import errno
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from chainrule import files, load, train
from tests.cli.conftest import EXAMPLES

PENGUINS = str(EXAMPLES / "penguins.csv")
TRAIN = ["train", PENGUINS, "--target", "species", "--epochs", "2", "--hidden", "4", "--threads", "1"]

# The command without --out, a name that it writes, and what does its work.
COMMANDS = {
    "train": (TRAIN, "m.model", "chainrule.table_rows.read_table"),
    "train --json": ([*TRAIN, "--json"], "m.model", "chainrule.table_rows.read_table"),
    "predict": (["predict", "p.model", PENGUINS], "m.csv", "chainrule.cli.commands.load"),
    "predict to parquet": (["predict", "p.model", PENGUINS], "m.parquet", "chainrule.cli.commands.load"),
    "explain": (["explain", "p.model", PENGUINS], "m.html", "chainrule.cli.commands.load"),
    "explain an average row": (["explain", "p.model"], "m.html", "chainrule.cli.commands.load"),
    "export to c": (["export", "p.model", "--to", "c"], "m.c", "chainrule.cli.commands.load"),
    "export to numpy": (["export", "p.model", "--to", "numpy"], "m.py", "chainrule.cli.commands.load"),
    "export to onnx": (["export", "p.model", "--to", "onnx"], "m.onnx", "chainrule.cli.commands.load"),
}


@pytest.fixture(scope="module")
def trained():
    return train(PENGUINS, "species", epochs=1, hidden=(4,), threads=1)


@pytest.fixture(params=COMMANDS)
def writes(request, run, trained, tmp_path, monkeypatch):
    """``writes(out, *options)`` in a folder where p.model is; ``writes.name``: a name that it takes."""
    arguments, name, work = COMMANDS[request.param]
    trained.save(tmp_path / "p.model")

    def writes(out, *options):
        return run(*arguments, "--out", out, *options)

    def never(*given, **named):
        raise AssertionError("the work was begun")

    writes.name, writes.ending = name, Path(name).suffix
    writes.before_the_work = lambda: monkeypatch.setattr(work, never)
    return writes


def left(folder):
    return sorted(set(os.listdir(folder)) - {"p.model"})


def test_it_writes_the_file_and_nothing_else(writes, tmp_path):
    for options in ([], ["--force"]):
        ran = writes(writes.name, *options)
        assert ran.code == 0, ran.err
        assert left(tmp_path) == [writes.name]
        assert stat.S_IMODE((tmp_path / writes.name).stat().st_mode) == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_stands_in_the_way_is_said_before_the_work(force, writes, tmp_path):
    writes.before_the_work()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"s{writes.ending}")
        (tmp_path / f"folder{writes.ending}").mkdir()
        (tmp_path / "file").touch()
        (tmp_path / f"round{writes.ending}").symlink_to(f"round{writes.ending}")
        before = left(tmp_path)
        for place, said in {
            f"nowhere/{writes.name}": "no folder 'nowhere'",
            f"file/{writes.name}": "Not a directory",
            f"folder{writes.ending}": "it is a folder",
            f"s{writes.ending}": "it is a socket",
            f"round{writes.ending}": "symbolic links",
            f"{'a' * 300}{writes.ending}": "File name too long",
        }.items():
            ran = writes(place, *force)
            assert ran.code == 2, place
            assert said in ran.err
            assert ran.out == ""
        assert left(tmp_path) == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_said_before_the_work(number, writes, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    writes.before_the_work()
    monkeypatch.setattr(os, "posix_fallocate", refused)
    ran = writes(writes.name)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"chainrule: cannot write {writes.name!r}: {os.strerror(number)}.\n"
    assert left(tmp_path) == []


def test_a_file_that_exists_is_kept_without_force(writes, tmp_path):
    writes.before_the_work()
    (tmp_path / writes.name).write_text("precious")
    ran = writes(writes.name)
    assert ran.code == 2
    assert f"{writes.name!r} exists" in ran.err
    assert (tmp_path / writes.name).read_text() == "precious"
    assert left(tmp_path) == [writes.name]


def during_the_work(monkeypatch, act):
    """Between the claim, with its part file, and the writing."""
    write = files.Claim.write

    def acted(self, *content):
        monkeypatch.setattr(files.Claim, "write", write)
        act()
        write(self, *content)

    monkeypatch.setattr(files.Claim, "write", acted)


def test_what_comes_into_being_meanwhile_is_kept_and_so_is_the_work(writes, tmp_path, monkeypatch):
    during_the_work(monkeypatch, lambda: (tmp_path / writes.name).write_text("another's"))
    ran = writes(writes.name)
    assert ran.code == 1
    assert f"{writes.name!r} was created by something else meanwhile" in ran.err
    assert (tmp_path / writes.name).read_text() == "another's"
    (other,) = set(left(tmp_path)) - {writes.name}
    assert other.endswith(writes.ending)
    assert f"is in {other!r}" in ran.err
    assert (tmp_path / other).stat().st_size > 200


def test_a_folder_that_is_lost_meanwhile_does_not_lose_the_work(writes, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "lost").mkdir()
    during_the_work(monkeypatch, lambda: (tmp_path / "lost").rename(tmp_path / "elsewhere"))
    ran = writes(f"lost/{writes.name}")
    assert ran.code == 1
    assert "No such file or directory" in ran.err
    (other,) = tmp_path.glob(f"chainrule-*/{writes.name}")
    assert f"is in {str(other)!r}" in ran.err
    assert other.stat().st_size > 200
    if writes.ending == ".model":
        assert load(other).history.stopped == "all epochs done"


def test_a_link_is_followed_and_a_mode_is_kept(writes, tmp_path):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "file"
    real.touch()
    real.chmod(0o600)
    (tmp_path / writes.name).symlink_to("real/file")
    assert writes(writes.name).code == 2
    assert writes(writes.name, "--force").code == 0
    assert (tmp_path / writes.name).is_symlink()
    assert real.stat().st_size > 200
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert os.listdir(real.parent) == ["file"]


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_fifo_is_written_to(force, writes, tmp_path):
    os.mkfifo(tmp_path / writes.name)
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / writes.name).read_bytes()), daemon=True)
    reader.start()
    ran = writes(writes.name, *force)
    reader.join(20)
    assert ran.code == 0, ran.err
    assert len(got[0]) > 200
    assert stat.S_ISFIFO((tmp_path / writes.name).stat().st_mode)


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_device_stays_one(force, writes):
    before = os.stat("/dev/null")
    ran = writes("/dev/null", *force)
    assert ran.code == (2 if writes.ending in (".csv", ".parquet") else 0), ran.err  # a table has an ending
    assert os.stat("/dev/null").st_ino == before.st_ino
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
