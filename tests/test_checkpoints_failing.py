"""Processes that are killed, told to end, interrupted; disks that are full or broken: no run is lost."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from chainrule import Checkpoint, RequestError
from chainrule.checkpoints import CheckpointNotWritten
from chainrule.container import read_sealed, unseal
from tests.kept_runs import ROOT, Cut, Killed, Run, bits, command, environment, little_room, resumed

SHORT = Run(rows=20, recipe=(("epochs", 2),))  # six steps
LONG = Run("fused", recipe=(("epochs", 4000),))  # 24,000 steps: half a second, and much longer where each is kept


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


@pytest.fixture(scope="module")
def whole():
    return json.loads(json.dumps(bits(LONG.fit())))


def steps_kept(path):
    """Of the newer file and the one before it, where they are there; RequestError: one is not whole."""
    files = [file for file in (path, path.with_name(f"{path.name}.previous")) if file.exists()]
    return [unseal(read_sealed(file, "checkpoint"), str(file))[0]["counts"]["step"] for file in files]


# Whatever the disk is asked for, at any moment


class Disk:
    """Counts what the writing asks of the disk; the so many-th request, or all from there on, are answered ``how``.

    A process that is killed asks for nothing more, not even to tidy up; it may be killed in the middle of a write.
    """

    def __init__(self, monkeypatch, fails_at=None, how=Killed, lasting=True):
        self.asked, self.fails_at, self.how, self.lasting = 0, fails_at, how, lasting
        opened = Path.open
        monkeypatch.setattr(Path, "open", lambda *given: self._file(opened, *given))
        for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync")):
            monkeypatch.setattr(owner, name, self._asks(getattr(owner, name) if owner is Path else lambda _: None))

    def ask(self):
        self.asked += 1
        if self.fails_at is not None and (
            self.asked > self.fails_at if self.lasting else self.asked == self.fails_at + 1
        ):
            raise self.how() if isinstance(self.how, type) else self.how

    def _asks(self, usual):
        def asked(*given, **named):
            self.ask()
            return usual(*given, **named)

        return asked

    def _file(self, opened, path, mode="r", *more):
        if "x" not in mode:
            return opened(path, mode, *more)
        self.ask()
        file = opened(path, mode, *more)
        return Written(file, self)


class Written:
    """A file that asks before each write."""

    def __init__(self, file, disk):
        self._file, self._disk = file, disk
        self.flush, self.fileno, self.close = file.flush, file.fileno, file.close
        self.seek, self.truncate = file.seek, file.truncate

    def write(self, piece):
        content = bytes(memoryview(piece).cast("B"))
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        self._disk.ask()
        self._file.write(content[len(content) // 2 :])


def asked_for(checkpoint):
    """How much the run asks of the disk: until it has begun, and in all."""
    with pytest.MonkeyPatch.context() as patched:
        disk = Disk(patched)
        begin, counted = checkpoint.begin, []
        checkpoint.begin = lambda *given: (begin(*given), counted.append(disk.asked))
        SHORT.fit(checkpoint)
        return counted[0], disk.asked


def on_a_disk(path, *given):
    """The short run, kept on a disk as ``Disk`` has it."""
    path.parent.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        Disk(patched, *given)
        return SHORT.fit(Checkpoint(path, steps=2))


def test_killed_at_any_moment_of_the_writing(tmp_path):
    expected = bits(SHORT.fit())
    first, asked = asked_for(Checkpoint(tmp_path / "counted", steps=2))
    assert asked > 3 * first > 30
    for moment in range(asked):
        path = tmp_path / str(moment) / "run.ckpt"
        with pytest.raises(Killed):
            on_a_disk(path, moment, Killed, True)
        kept = steps_kept(path)
        assert len(kept) >= (moment >= first), moment
        assert bits(resumed(SHORT, path)) == expected, moment
        left = {file.name for file in path.parent.iterdir()} - {"run.ckpt", "run.ckpt.previous"}
        assert not left, moment


def test_it_is_on_the_disk_before_it_takes_its_name(path, monkeypatch):
    """And its name is, before anyone is told."""
    done, names = [], (("fsync", os), ("replace", Path))
    for name, owner in names:
        usual = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, name=name, usual=usual: (done.append(name), usual(*given)))
    SHORT.fit(Checkpoint(path, seconds=None))
    assert done == ["fsync", "replace", "fsync", "fsync", "replace", "replace", "fsync"]


REFUSALS = {
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "read-only": OSError(errno.EROFS, "Read-only file system"),
    "broken": OSError(errno.EIO, "Input/output error"),
}


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("disk", REFUSALS)
def test_refused_at_any_moment_of_the_writing(disk, lasting, tmp_path):
    expected = bits(SHORT.fit())
    first, asked = asked_for(Checkpoint(tmp_path / "counted", steps=2))
    error = REFUSALS[disk]
    for moment in range(first, asked, 3 if disk == "full" else 7):
        path = tmp_path / str(moment) / "run.ckpt"
        with pytest.warns(CheckpointNotWritten) as warned:
            done = on_a_disk(path, moment, error, lasting)
        assert bits(done) == expected, moment
        said = f"the checkpoint '{path}' could not be written: {error.strerror}. The one before it is kept"
        assert len(warned) == 1, moment
        assert str(warned[0].message).startswith(said)
        assert steps_kept(path), moment
        assert bits(resumed(SHORT, path)) == expected, moment


@pytest.mark.parametrize("disk", REFUSALS)
def test_refused_before_the_first_step_it_says_so(disk, tmp_path):
    first, _ = asked_for(Checkpoint(tmp_path / "counted", steps=2))
    error = REFUSALS[disk]
    for moment in range(first):
        path = tmp_path / str(moment) / "run.ckpt"
        with pytest.raises(RequestError) as caught:
            on_a_disk(path, moment, error, False)
        assert str(caught.value) == f"cannot write '{path}': {error.strerror}."
        steps_kept(path)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_where_only_bringing_it_to_the_disk_fails(kind, path, monkeypatch):
    fsync = os.fsync

    def fails(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}") == (kind == "folder"):
            raise REFUSALS["broken"]
        fsync(descriptor)

    SHORT.fit(Checkpoint(path), epochs=1)
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.warns(CheckpointNotWritten, match="Input/output error") as warned:
        done = SHORT.fit(Checkpoint(path, steps=1, resume=True))
    assert len(warned) == 1
    assert bits(done) == bits(SHORT.fit())
    monkeypatch.undo()
    assert steps_kept(path)
    assert bits(resumed(SHORT, path)) == bits(done)


def test_a_disk_that_has_room_again_is_said_no_more_and_fails_anew(path, monkeypatch):
    """A warning for each time that it begins to fail."""
    write, calls = os.fsync, []

    def fails_sometimes(descriptor):
        calls.append(descriptor)
        if len(calls) in (5, 6, 12):
            raise REFUSALS["full"]
        write(descriptor)

    monkeypatch.setattr(os, "fsync", fails_sometimes)
    with pytest.warns(CheckpointNotWritten) as warned:
        SHORT.fit(Checkpoint(path, steps=1))
    assert len(warned) == 2
    assert steps_kept(path)[0] == SHORT.steps


def test_a_folder_that_does_not_allow_it(path, monkeypatch):
    """As root, whom no permission stops, it is only said."""
    SHORT.fit(Checkpoint(path), epochs=1)
    kept = steps_kept(path)
    path.parent.chmod(0o555)
    if os.access(path.parent, os.W_OK):
        opened = Path.open

        def refused(self, mode="r", *more):
            if "x" in mode:
                raise PermissionError(errno.EACCES, "Permission denied")
            return opened(self, mode, *more)

        monkeypatch.setattr(Path, "open", refused)
    try:
        with pytest.raises(RequestError, match=r"cannot write '.*another': Permission denied"):
            SHORT.fit(Checkpoint(path.with_name("another")))
        with pytest.warns(CheckpointNotWritten, match="Permission denied") as warned:
            done = SHORT.fit(Checkpoint(path, steps=1, resume=True))
    finally:
        path.parent.chmod(0o755)
        monkeypatch.undo()
    assert len(warned) == 1
    assert bits(done) == bits(SHORT.fit())
    assert steps_kept(path) == kept
    assert bits(resumed(SHORT, path)) == bits(done)


FULL = """
import os, resource, sys, warnings
from pathlib import Path
from chainrule import Checkpoint
from chainrule.checkpoints import CheckpointNotWritten
from tests.kept_runs import Killed, Run, bits, cut, resumed
from tests.test_checkpoints_failing import steps_kept

path, largest = Path(sys.argv[1]), int(sys.argv[2])
run = Run(n=(3, 300, 1), recipe=(("epochs", 2),))
cut(run, path, 3, Killed, steps=2)
assert steps_kept(path) == [2, 0]
usual = resource.getrlimit(resource.RLIMIT_FSIZE)
if largest:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, usual[1]))
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    done = run.fit(Checkpoint(path, steps=2, resume=True))
assert [one.category for one in warned] == [CheckpointNotWritten], warned
assert os.strerror(27 if largest else 28) in str(warned[0].message), warned[0].message
assert bits(done) == bits(run.fit())
assert steps_kept(path) == [2, 0]
assert len(list(path.parent.iterdir())) == 2
resource.setrlimit(resource.RLIMIT_FSIZE, usual)
path.with_name("run.ckpt.previous").unlink()
assert bits(resumed(run, path)) == bits(done)
assert steps_kept(path) == [run.steps, 2]
"""


@pytest.mark.parametrize("kind", ["a small disk", "a limit on the size of files"])
def test_a_disk_that_is_full(kind, tmp_path):
    """Two checkpoints have room, and not a third beside them. Where no disk may be mounted, both are the limit."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with little_room(folder, "64k") if kind == "a small disk" else nullcontext(False) as mounted:
        given = [sys.executable, "-c", FULL, folder / "run.ckpt", "0" if mounted else "12000"]
        done = subprocess.run(given, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Processes that are ended from outside


@contextmanager
def process(path, run=LONG, **keep):
    """The run in a process of its own, which has begun."""
    child = subprocess.Popen(command(path, run, **keep), cwd=ROOT, env=environment(), stdout=-1, stderr=-1, text=True)
    try:
        assert child.stdout.readline() == "begun\n", child.stderr.read()
        yield child
    finally:
        child.kill()
        child.communicate()


def outcome(path, run=LONG, **keep):
    """What the process ends with that is left alone."""
    with process(path, run, **keep) as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    return json.loads(out)["bits"]


def test_killed_five_times(path, whole):
    """While it keeps every step, so that most of its time it is writing."""
    chance = random.Random(0)
    for _ in range(5):
        with process(path, steps=1) as child:
            time.sleep(chance.uniform(0.0, 0.2))
            child.kill()
            assert child.wait(10) == -signal.SIGKILL
        assert steps_kept(path)
    assert 0 < steps_kept(path)[0] < LONG.steps
    assert outcome(path) == whole


@pytest.mark.parametrize("ignores_ctrl_c", [False, True])
def test_told_to_end_it_keeps_the_step_it_has_reached_and_ends_by_that_signal(ignores_ctrl_c, path, whole):
    """Also in the background of a shell, where Ctrl-C is ignored."""
    reached = [0]
    for _ in range(2):
        with process(path, ignores_ctrl_c=ignores_ctrl_c) as child:
            time.sleep(0.06)
            child.terminate()
            out, err = child.communicate(timeout=10)
        assert (child.returncode, out, err) == (-signal.SIGTERM, "", "")
        reached.append(steps_kept(path)[0])
    assert 0 < reached[-1] < LONG.steps, "with nothing kept but at the beginning and at the end"
    assert reached == sorted(reached)
    assert outcome(path) == whole


def test_interrupted_it_keeps_the_step_it_has_reached_and_hands_it_back(path, whole):
    with process(path) as child:
        time.sleep(0.06)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=10)
    assert (child.returncode, err) == (0, "")
    ended = json.loads(out)["bits"]
    assert ended["stopped"] == "interrupted"
    assert ended["step"] == steps_kept(path)[0] < LONG.steps
    assert outcome(path) == whole


AT_EVERY_LINE = """
import mmap, os, random, signal, sys
from pathlib import Path
from chainrule import Checkpoint, checkpoints, files, history, monitoring, training
from chainrule.checkpoints import contents as checkpoint_contents
from chainrule.engines import signals as interrupting
from tests.kept_runs import Run, bits, resumed
from tests.test_checkpoints_failing import SHORT, steps_kept

SIGNAL, FOLDER, LINES = signal.Signals[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
APART = range(0, 9999, 3) if sys.argv[4] == "again and again" else [0]  # in lines from the first signal on
signal.signal(signal.SIGINT, signal.default_int_handler)
os.fsync = lambda descriptor: None
MODULES = training, monitoring, history, checkpoints, checkpoint_contents, files, interrupting
FILES = [module.__file__ for module in MODULES]
reached, lines = mmap.mmap(-1, 8), mmap.mmap(-1, 8)  # shared with the processes that are ended


def note(where, number):
    where[:] = number.to_bytes(8, "little")


def noted(where):
    return int.from_bytes(where[:], "little")


class Told:
    # someone looks on in half of the cases: then Ctrl-C may interrupt at any line
    def on_epoch_end(self, history, parameters):
        pass


def ended_at(line, path, callbacks):
    # the exit status of a process that gets the signal before the so many-th line
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        if frame.f_code.co_filename not in FILES or frame.f_code.co_name == "sigterm_as_ctrl_c":
            return None
        if event == "line":
            seen += 1
            if seen - line in APART:
                signal.raise_signal(SIGNAL)
        return trace

    path.parent.mkdir()
    note(reached, 0)
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    engine, *rows = SHORT.make()
    run = engine.run

    def counted(*given):
        state = run(*given)
        note(reached, state.step)
        return state

    engine.run = counted
    try:
        sys.settrace(trace)
        done = training.fit(engine, *rows, callbacks, checkpoint=Checkpoint(path, steps=2))
        sys.settrace(None)
        note(lines, seen)
        os._exit(0 if done.state.step == noted(reached) else 3)
    except KeyboardInterrupt:
        os._exit(1)
    except BaseException as error:
        print("line", line, repr(error), file=sys.stderr)
    os._exit(4)


whole = bits(SHORT.fit())
chance = random.Random(5)
for callbacks in ([], [Told()]):
    assert ended_at(10**6, FOLDER / f"counted {len(callbacks)}" / "run.ckpt", callbacks) == 0
    for line in sorted(chance.sample(range(1, noted(lines) + 1), min(LINES, noted(lines)))):
        path = FOLDER / f"{line} {len(callbacks)}" / "run.ckpt"
        status = ended_at(line, path, callbacks)
        kept = steps_kept(path)
        begun = noted(reached) > 0
        if SIGNAL == signal.SIGTERM:
            assert status == -SIGNAL, (line, status)
        else:  # KeyboardInterrupt, where there is nothing to hand back yet, or no one who could
            assert status == 0 or (status == 1 and noted(reached) in (0, SHORT.steps)), (line, status)
        assert not begun or kept[0] == noted(reached), (line, status, kept, noted(reached))
        assert bits(resumed(SHORT, path)) == whole, line
"""


@pytest.mark.parametrize(("name", "often"), [("SIGTERM", "once"), ("SIGTERM", "again and again"), ("SIGINT", "once")])
def test_a_signal_before_any_line(name, often, tmp_path):
    """What was reached is kept, and what is kept goes on to the same bits."""
    done = subprocess.run(
        [sys.executable, "-c", AT_EVERY_LINE, name, tmp_path, "15", often],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr


def test_a_second_ctrl_c_does_not_keep_it_from_being_kept(path, monkeypatch):
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    checkpoint = Cut(path, 4)
    begin = checkpoint.begin

    def begun(*given):
        begin(*given)
        monkeypatch.setattr(os, "fsync", lambda descriptor: signal.raise_signal(signal.SIGINT))

    checkpoint.begin = begun
    try:
        done = SHORT.fit(checkpoint)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert done.history.stopped == "interrupted"
    assert steps_kept(path) == [4, 0]


TABLE = "x,y\n" + "1,a\n2,b\n3,a\n" * 200


@pytest.fixture
def table(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)


def chainrule(folder, *options):
    """The command in a process of its own, started in a folder."""
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    start += "from chainrule.__main__ import main; sys.exit(main())"
    given = ["train", "t.csv", "--target", "y", "--hidden", "4", "--patience", "none", "--json", *options]
    return subprocess.Popen(
        [sys.executable, "-c", start, *given], cwd=folder, env=environment(), stdout=-1, stderr=-1, text=True
    )


@pytest.mark.usefixtures("table")
def test_the_command_line_is_ended_in_both_ways_and_goes_on(tmp_path):
    endless = ["--epochs", "1000000", "--checkpoint", "run.ckpt", "--checkpoint-seconds", "30", "--resume"]
    with chainrule(tmp_path, *endless) as child:
        wait_for_epoch(child, 5)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=15)
    assert child.returncode == 1
    epochs = json.loads(next(line for line in out.splitlines() if '"trained"' in line))["epochs"]
    said = f"interrupted after epoch {epochs}; the model so far is in t.model; to resume, run the same command with"
    assert f"{said} --resume --force (run.ckpt)\n" in err
    assert "Traceback" not in err
    first = steps_kept(tmp_path / "run.ckpt")[0]
    assert epochs <= first
    (tmp_path / "t.model").unlink()
    with chainrule(tmp_path, *endless) as child:
        wait_for_epoch(child, epochs + 5)
        child.terminate()
        _, err = child.communicate(timeout=15)
    assert child.returncode == -signal.SIGTERM
    assert err == f"chainrule: resuming from run.ckpt: {first:,} steps, {epochs} epochs done\n"
    assert steps_kept(tmp_path / "run.ckpt")[0] > first
    assert not (tmp_path / "t.model").exists()


def wait_for_epoch(child, epoch):
    while json.loads(child.stdout.readline()).get("epoch", 0) < epoch:
        pass
