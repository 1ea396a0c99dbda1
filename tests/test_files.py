"""Files are written whole or not at all, never over another's, and where they go is found to be possible first."""

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chainrule import RequestError
from chainrule.errors import RunError
from chainrule.files import Claim, PartialFile, Rescued, part_name, remove_leftovers
from tests.kept_runs import ROOT, environment, little_room


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder / "m.model"


def left(path):
    """The names in the folder."""
    return sorted(os.listdir(path.parent))


def write(path, content=b"new", **how):
    with Claim(path, **how) as claim:
        claim.write(content)


# Part files


def test_part_names_are_short_and_each_another(path):
    longest = path.with_name("a" * 255)
    names = {part_name(p) for p in (path, longest) for _ in range(500)}
    assert len(names) == 1000
    assert max(map(len, names)) < 60


@pytest.mark.parametrize("name", ["a" * 246, "a" * 255, "ä" * 127, "\udce9" * 255, "m.model"])
def test_any_name_that_the_file_system_takes(name, path):
    path = path.with_name(name)
    for overwrite in (False, True):
        write(path, overwrite=overwrite)
    assert left(path) == [name]


def test_what_is_in_the_way_of_a_part_is_left_alone(path, monkeypatch):
    """As an attacker has it, who knows the next random name."""
    victim = path.parent.with_name("victim")
    victim.write_bytes(b"precious")
    monkeypatch.setattr("chainrule.files.secrets.token_hex", lambda n: "0" * 16)
    for plant in (lambda p: p.symlink_to(victim), lambda p: p.symlink_to("nowhere"), Path.touch, os.mkfifo, os.mkdir):
        part = path.with_name(part_name(path))
        plant(part)
        with pytest.raises(FileExistsError):
            PartialFile(path)
        assert os.path.lexists(part)
        (os.rmdir if part.is_dir() else os.unlink)(part)
    assert victim.read_bytes() == b"precious"
    assert left(path) == []


def test_leftovers_are_removed_and_parts_that_are_written_are_not(path, tmp_path):
    dead = [path.with_name(part_name(path)) for _ in range(3)]
    for file in dead:
        file.write_bytes(b"half")
    link, fifo, folder = (path.with_name(part_name(path)) for _ in range(3))
    link.symlink_to(tmp_path)
    os.mkfifo(fifo)
    folder.mkdir()
    other = path.with_name(part_name(path.with_name("other")))
    other.write_bytes(b"half")
    with PartialFile(path) as alive:
        remove_leftovers(path)
        alive.fill([b"whole"])
        alive.take_name(overwrite=False)
    assert not any(file.exists() for file in dead)
    assert path.read_bytes() == b"whole"
    assert {link.name, folder.name, other.name, path.name} <= set(left(path))


def test_a_part_that_is_taken_for_a_leftover_is_made_anew(path, monkeypatch):
    """Between the making and the locking, another process may look for leftovers."""
    opened, times = Path.open, []

    def open_and_look(self, mode="r", *more):
        file = opened(self, mode, *more)
        times.append(self)
        if len(times) < 3:
            remove_leftovers(path)
        return file

    monkeypatch.setattr(Path, "open", open_and_look)
    write(path)
    assert len(times) == 3
    assert left(path) == ["m.model"]


def test_without_locks_nothing_is_taken_for_a_leftover(path, monkeypatch):
    def refused(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    old = path.with_name(part_name(path))
    old.touch()
    write(path)
    assert left(path) == sorted([old.name, "m.model"])


def test_a_killed_process_leaves_a_part_that_the_next_one_removes(path):
    program = (
        "import os, signal, sys; from pathlib import Path; from chainrule.files import Claim;"
        "claim = Claim(Path(sys.argv[1])); claim.reserve(4096); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, env=environment())
    assert len(left(path)) == 1
    write(path)
    assert left(path) == ["m.model"]


# Whole or not at all


@pytest.mark.parametrize("overwrite", [False, True])
def test_threads_that_write_one_file_and_read_it(overwrite, path):
    """Every content has a length of its own, so that a torn one would show."""
    contents = {i: bytes([i]) * (100_000 + 1000 * i) for i in range(6)}
    outcomes, stop, read = [], threading.Event(), []

    def writer(i):
        for _ in range(20):
            try:
                write(path, contents[i], overwrite=overwrite)
                outcomes.append("written")
            except RequestError as error:
                outcomes.append(str(error).split("'")[2][:7])

    def reader():
        while not stop.is_set():
            if path.exists():
                read.append(path.read_bytes() in contents.values())

    threads = [threading.Thread(target=writer, args=(i,)) for i in contents]
    looking = threading.Thread(target=reader)
    looking.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    looking.join()
    assert all(read)
    assert path.read_bytes() in contents.values()
    assert left(path) == ["m.model"]
    if overwrite:
        assert outcomes == ["written"] * 120
    else:
        assert outcomes.count("written") == 1
        assert set(outcomes) <= {"written", " exists", " was cr"}


def test_processes_with_one_id_are_no_danger(path, monkeypatch):
    """In containers every process is number 1."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    path.with_name(".m.model.1.part").write_bytes(b"another's")
    first, second = Claim(path), Claim(path)
    first.write(b"first")
    with pytest.raises(RequestError, match="created by something else meanwhile"):
        second.write(b"second")
    assert path.read_bytes() == b"first"
    assert left(path) == [".m.model.1.part", "m.model"]


LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@pytest.mark.parametrize("number", LINKLESS)
def test_a_file_system_without_hard_links(number, path, monkeypatch):
    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    write(path)
    late = Claim(path.with_name("late"))
    path.with_name("late").write_bytes(b"another's")
    with pytest.raises(RequestError, match="created by something else meanwhile"):
        late.write(b"late")
    assert path.read_bytes() == b"new"
    assert path.with_name("late").read_bytes() == b"another's"
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(RequestError, match="cannot write"):
        write(path.with_name("third"))
    assert left(path) == ["late", "m.model"]


def test_a_mode_is_kept_and_a_new_file_has_that_of_the_umask(path):
    before = os.umask(0o027)
    try:
        write(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        for mode in (0o600, 0o444, 0o664, 0o755):
            path.chmod(mode)
            write(path, overwrite=True)
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)


def test_an_owner_is_kept_where_that_is_allowed(path):
    path.touch()
    try:
        os.chown(path, 12345, 54321)
    except PermissionError:  # only root may, and to others it is one of the things that cannot be kept
        os.chmod(path, 0o600)
    before = path.stat()
    write(path, overwrite=True)
    assert (path.stat().st_uid, path.stat().st_gid) == (before.st_uid, before.st_gid)


# What has the name


def test_a_symbolic_link_is_followed(path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.symlink_to(Path("..") / "elsewhere" / "real")
    write(path, b"made")  # the link leads nowhere yet
    with pytest.raises(RequestError, match="exists"):
        write(path)
    write(path, b"replaced", overwrite=True)
    assert path.is_symlink()
    assert (elsewhere / "real").read_bytes() == b"replaced"
    assert left(path) == ["m.model"]
    assert os.listdir(elsewhere) == ["real"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_that_goes_round_or_into_no_folder(overwrite, path):
    path.symlink_to(path.name)
    with pytest.raises(RequestError, match="symbolic links"):
        Claim(path, overwrite=overwrite)
    path.unlink()
    path.symlink_to("nowhere/m.model")
    with pytest.raises(RequestError, match=r"there is no folder '.*nowhere'"):
        Claim(path, overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_fifo_is_written_to(overwrite, path):
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write(path, b"through", overwrite=overwrite)
    reader.join(10)
    assert got == [b"through"]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert left(path) == ["m.model"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_device_is_written_to(overwrite):
    before = os.stat("/dev/null")
    write(Path("/dev/null"), overwrite=overwrite)
    after = os.stat("/dev/null")
    assert (after.st_ino, after.st_rdev, after.st_mode) == (before.st_ino, before.st_rdev, before.st_mode)
    with pytest.raises(RequestError, match="/dev/full': No space left"):
        write(Path("/dev/full"), overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_socket_and_a_folder_are_refused(overwrite, path, monkeypatch):
    monkeypatch.chdir(path.parent)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(RequestError, match="socket"):
            Claim(Path("s"), overwrite=overwrite)
    with pytest.raises(RequestError, match="folder"):
        Claim(path.parent, overwrite=overwrite)
    assert stat.S_ISSOCK(os.stat("s").st_mode)


def test_a_disk_is_refused(path, monkeypatch):
    status = os.stat_result((stat.S_IFBLK | 0o660, *[0] * 9))
    monkeypatch.setattr(Path, "stat", lambda self, **how: status)
    with pytest.raises(RequestError, match="a disk"):
        Claim(path, overwrite=True)


def test_the_standard_streams_and_descriptors_go_on_where_they_are(path):
    """A file behind standard output is not replaced, and what was printed before stays before."""
    program = (
        "import sys; from pathlib import Path; from chainrule.files import Claim\n"
        "print('before')\nfor name in sys.argv[1:]:\n    with Claim(Path(name)) as claim: claim.write(name.encode())\n"
        "print('after')"
    )
    names = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", program, *names], stdout=file, cwd=ROOT, env=environment(), check=True)
    assert path.read_text() == f"before\n{''.join(names)}after\n"


# Found before the work


REFUSED = {
    "no folder": ("nowhere/m.model", "there is no folder"),
    "a file as a folder": ("file/m.model", "Not a directory"),
    "too long": ("a" * 256, "File name too long"),
    "too long in bytes": ("ä" * 128, "File name too long"),
    "a null": ("a\0b", "null"),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("place", REFUSED)
def test_what_stands_in_the_way_is_said_at_once(place, overwrite, path):
    path.with_name("file").touch()
    name, said = REFUSED[place]
    with pytest.raises(RequestError, match=said):
        Claim(path.with_name("x").parent / name, overwrite=overwrite)
    assert left(path) == ["file"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE])
def test_a_folder_that_refuses_is_said_at_once(number, path, monkeypatch):
    """Whatever the reason; root, as whom tests may run, is not stopped by permissions."""

    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(RequestError, match=rf"cannot write '.*m\.model': {os.strerror(number)}\."):
        Claim(path)
    assert left(path) == []


def test_a_disk_without_room_is_said_at_once(path):
    with little_room(path.parent, "64k") as mounted:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if not mounted:  # where this process may mount none, no file may be larger
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))
        try:
            with Claim(path) as claim:
                claim.reserve(32768)
                with pytest.raises(RequestError, match=r"No space left|File too large"):
                    claim.reserve(200_000)
            assert left(path) == []
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("lacks", ["the call", "the operation"])
def test_room_is_kept_without_the_system_call_too(lacks, path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if lacks == "the call":
        monkeypatch.delattr(os, "posix_fallocate")
    else:
        monkeypatch.setattr(os, "posix_fallocate", refused)
    with Claim(path) as claim:
        claim.reserve(3_000_000)
        assert next(path.parent.iterdir()).stat().st_size == 3_000_000
        claim.write(b"short")
    assert path.read_bytes() == b"short"


def test_a_claim_that_is_given_up_leaves_nothing(path):
    with Claim(path) as claim:
        claim.reserve(100_000)
        assert len(left(path)) == 1
    assert left(path) == []


# Nothing is lost


def fail(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_came_into_being_meanwhile_stays_and_the_content_goes_beside_it(path):
    with Claim(path) as claim:
        path.write_bytes(b"another's")
        with pytest.raises(Rescued, match="created by something else meanwhile") as caught:
            claim.write_or_rescue(b"ours, ", b"all of it")
    assert path.read_bytes() == b"another's"
    assert caught.value.path.parent == path.parent
    assert caught.value.path.suffix == ".model"
    assert repr(str(caught.value.path)) in str(caught.value)
    assert caught.value.path.read_bytes() == b"ours, all of it"
    assert len(left(path)) == 2


@pytest.mark.parametrize("name", ["m.model", "a" * 255, "ä" * 127, "\udce9" * 255])
def test_a_folder_that_fails_at_the_end_sends_it_to_another(name, path, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = path.with_name(name)
    link, synced = os.link, os.fsync
    with Claim(path) as claim:
        monkeypatch.setattr(os, "fsync", lambda d: fail() if len(left(path)) else synced(d))
        monkeypatch.setattr(os, "link", lambda a, b: fail() if Path(b).parent == path.parent else link(a, b))
        with pytest.raises(Rescued, match="No space left") as caught:
            claim.write_or_rescue(b"ours")
    assert caught.value.path.is_relative_to(tmp_path / "temporary")
    assert caught.value.path.read_bytes() == b"ours"
    assert stat.S_IMODE(caught.value.path.parent.stat().st_mode) == 0o700
    assert left(path) == []


def test_where_nothing_takes_it_that_is_said(path, monkeypatch):
    with Claim(path) as claim:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(RunError, match="could not be written elsewhere either"):
            claim.write_or_rescue(b"ours")
    assert left(path) == []


def test_a_stream_that_fails_at_the_end_is_rescued(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Claim(Path("/dev/full")) as claim, pytest.raises(Rescued) as caught:
        claim.write_or_rescue(b"ours")
    assert caught.value.path.read_bytes() == b"ours"
    assert caught.value.path.is_relative_to(tmp_path)
