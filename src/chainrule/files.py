"""Writing a file whole or not at all, where the user said.

Whatever is written is written to a part file first: a file of its own in the same folder, which takes the name it is
meant for when it is complete. ``Part`` is that file, and ``Claim`` is what the user asked for: it follows links, writes
to devices, and finds what stands in the way before the work rather than after it.
"""

import contextlib
import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from errno import EAGAIN, EMLINK, ENOSYS, ENOTSUP, EOPNOTSUPP, EPERM, EXDEV
from pathlib import Path
from typing import Any, Self

from chainrule.errors import RequestError, RunError

Buffer = Any  # bytes, a memoryview, an array that lies in one piece

LONGEST_STEM = 200  # bytes of a name that is made here, of the 255 that file systems take
_TRIES = 100
_NO_LINKS = (EPERM, EMLINK, ENOSYS, ENOTSUP, EOPNOTSUPP, EXDEV)  # a file system without hard links: FAT, some of FUSE
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})", re.ASCII)


class Rescued(RunError):
    """What was made could not be written where it was asked for; it is in ``path`` instead."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class PartialFile:
    """An open file beside ``path`` that takes this name once it is complete, and is removed if it never is.

    It is its own: made anew (O_EXCL, which follows no symbolic link) under a random name that is short whatever the
    length of ``path``. It is locked while its process lives, which tells it from what a killed process has left.

    OSError: the folder does not take it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_named = False
        for _ in range(_TRIES):
            self._part = path.with_name(part_name(path))
            self._file = self._part.open("xb")
            if _holds(self._file.fileno()):
                return
            self.close()  # ``remove_leftovers`` of another process came between
        raise OSError(EAGAIN, "another process locks the files that are made there")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def reserve(self, size: int) -> None:
        """Have the disk keep room for so many bytes. OSError: it has none."""
        try:
            os.posix_fallocate(self._file.fileno(), 0, size)
        except (AttributeError, OSError) as error:  # macOS and Windows lack the call, some file systems the operation
            if isinstance(error, OSError) and error.errno not in (ENOSYS, ENOTSUP, EOPNOTSUPP):
                raise
            for begin in range(0, size, 2**20):
                self._file.write(bytes(min(2**20, size - begin)))
            self._file.flush()
        os.fsync(self._file.fileno())

    def fill(self, content: Sequence[Buffer]) -> None:
        """Write all of it, down to the disk, with the mode of the file whose name it will take. OSError: it cannot."""
        self._keep_mode()
        self._file.seek(0)
        for piece in content:
            self._file.write(piece)
        self._file.truncate()
        self._file.flush()
        os.fsync(self._file.fileno())

    def take_name(self, *, overwrite: bool) -> None:
        """Take the name in one step, so that a reader finds the old file or the new one, whole.

        Once this returns, a loss of power does not undo it: the name is on the disk, too.

        FileExistsError: something has the name, and ``overwrite`` is False. OSError: the folder does not allow it.
        """
        if os.name != "posix":  # an open file cannot be renamed there
            self._file.close()
        if overwrite:
            self._part.replace(self._path)
        else:
            _name_once(self._part, self._path)
        self._is_named = True
        sync_folder(self._path)

    def close(self) -> None:
        """Close the file, and remove it where it has not taken its name."""
        with contextlib.suppress(OSError):  # what did not fit on the disk is not needed any more
            self._file.close()
        if not self._is_named:
            self._part.unlink(missing_ok=True)

    def _keep_mode(self) -> None:
        if os.name != "posix":
            return
        descriptor = self._file.fileno()
        with contextlib.suppress(FileNotFoundError):
            old, new = os.stat(self._path, follow_symlinks=False), os.fstat(descriptor)
            if stat.S_ISREG(old.st_mode):
                with contextlib.suppress(OSError):  # only root may keep another owner, and FAT knows no modes
                    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
                        os.fchown(descriptor, old.st_uid, old.st_gid)
                with contextlib.suppress(OSError):
                    os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & 0o777)


def part_name(path: Path) -> str:
    """A new name for a part of ``path``."""
    return f"{_prefix(path)}{secrets.token_hex(8)}.part"


def _prefix(path: Path) -> str:
    return f".chainrule-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}-"


def remove_leftovers(path: Path) -> None:
    """Remove the parts of ``path`` that killed processes have left: those that no one holds."""
    if os.name != "posix":  # without locks, those of a process that lives cannot be told apart
        return
    pattern = re.compile(re.escape(_prefix(path)) + r"[0-9a-f]{16}\.part")
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            if pattern.fullmatch(name):
                _remove_leftover(path.with_name(name))


def _remove_leftover(part: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if _lock(descriptor):
                part.unlink()
        finally:
            os.close(descriptor)


def _holds(descriptor: int) -> bool:
    """Lock a file that was just made; False where it was taken for a leftover before it could be locked."""
    try:
        _lock(descriptor)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where nothing is taken for a leftover
        return True
    return os.name != "posix" or os.fstat(descriptor).st_nlink > 0


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed. BlockingIOError: another has locked it. OSError: there are no locks."""
    if os.name != "posix":
        return False
    from fcntl import LOCK_EX, LOCK_NB, flock

    flock(descriptor, LOCK_EX | LOCK_NB)
    return True


def _name_once(part: Path, path: Path) -> None:
    """Rename where nothing has the name, in one step. FileExistsError: something has it."""
    if os.name == "nt":  # where renaming never replaces
        part.rename(path)
        return
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        part.unlink()
        return
    # without hard links an empty file takes the name first: for a moment a reader may see that one
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    try:
        part.replace(path)
    except BaseException:
        path.unlink()
        raise


def sync_folder(path: Path) -> None:
    """Bring the names in the folder of ``path`` to the disk: renaming changes the folder, not the file."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Claim:
    """A file that the user asked for: what keeps it from being written is said when the claim is made.

    Its part file is made at once, and held until the content is there. Where nothing may be overwritten, a file that
    comes into being in between is not either. A symbolic link is followed: the file that it names is replaced, and the
    link stays. What is replaced keeps its mode. Devices and FIFOs are opened and written to, never replaced.

    RequestError: the file exists and ``overwrite`` is False; a folder, a socket or a disk has that name; there is no
    such folder, it does not allow it, its disk is full; the name is too long.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with Claim(folder / "notes.txt") as claim:
    ...     claim.write(b"all or ", b"nothing")
    >>> (folder / "notes.txt").read_text(), len(list(folder.iterdir()))
    ('all or nothing', 1)
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self._overwrite = overwrite
        self._part: PartialFile | None = None
        self._stream: Any = None
        with _saying(path):
            mode = require_place(path)
            if mode is not None and not stat.S_ISREG(mode):
                self._stream = os.fdopen(_descriptor(path), "wb")
                return
            if mode is not None and not overwrite:
                raise RequestError(f"{str(path)!r} exists. To overwrite it, use --force (overwrite=True in Python).")
            self._place = Path(os.path.realpath(path))
            remove_leftovers(self._place)
            self._part = PartialFile(self._place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def is_stream(self) -> bool:
        """It is a device or a FIFO, which has no size and cannot be read again."""
        return self._stream is not None

    def reserve(self, size: int) -> None:
        """Have the disk keep room for so many bytes. RequestError: it has none."""
        if self._part is not None:
            with _saying(self.path):
                self._part.reserve(size)

    def write(self, *content: Buffer) -> None:
        """Put the content there in one step, and give up the claim. RequestError: it cannot be, and nothing changed."""
        with self, _saying(self.path):
            if self._part is None:
                if sys.stdout is not None:
                    sys.stdout.flush()  # what was printed before, where the stream is standard output
                for piece in content:
                    self._stream.write(piece)
                self._stream.flush()
                return
            self._part.fill(content)
            try:
                self._part.take_name(overwrite=self._overwrite)
            except FileExistsError as error:
                raise RequestError(
                    f"{str(self.path)!r} was created by something else meanwhile and was not changed. To overwrite it, "
                    "use --force (overwrite=True in Python)."
                ) from error

    def write_or_rescue(self, *content: Buffer) -> None:
        """``write``, after work that should not be lost: where that fails, the content is kept under another name.

        That is one beside it, or one in the folder for temporary files. Rescued: where it is. RunError: nowhere.
        """
        try:
            self.write(*content)
        except RequestError as error:
            failed = error
        else:
            return
        for other in self._others():
            with contextlib.suppress(RequestError):
                with Claim(other) as claim:
                    claim.write(*content)
                raise Rescued(f"{failed} What was made is in {str(other)!r} instead.", other) from failed
        raise RunError(f"{failed} It could not be written elsewhere either.") from failed

    def _others(self) -> Iterator[Path]:
        stem = os.fsdecode(os.fsencode(self.path.stem)[:LONGEST_STEM])
        if self._part is not None:
            yield self.path.with_name(f"{stem}-{secrets.token_hex(4)}{self.path.suffix}")
        with contextlib.suppress(OSError):
            yield Path(tempfile.mkdtemp(prefix="chainrule-")) / f"{stem}{self.path.suffix}"

    def close(self) -> None:
        """Give up the claim: nothing is left where nothing was written."""
        if self._part is not None:
            self._part.close()
        elif self._stream is not None:
            with contextlib.suppress(OSError):  # what could not be written was said
                self._stream.close()


def require_place(path: Path) -> int | None:
    """The kind of what has the name, as in ``st_mode``, or None where nothing has it.

    RequestError: a file cannot have this name, since a folder, a socket or a disk has it, or there is no such folder.
    """
    with _saying(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            folder = Path(os.path.realpath(path)).parent
            if not folder.is_dir():
                shown = folder if path.is_symlink() else path.parent
                raise RequestError(
                    f"cannot write {str(path)!r}: there is no folder {str(shown)!r}. Create it first."
                ) from None
            return None
        if stat.S_ISDIR(mode):
            raise RequestError(f"cannot write {str(path)!r}: it is a folder. Name a file in it.")
        for is_one, name in ((stat.S_ISSOCK, "a socket"), (stat.S_ISBLK, "a disk")):
            if is_one(mode):
                raise RequestError(f"cannot write {str(path)!r}: it is {name}. Name a file.")
        return stat.S_IFIFO if _of_this_process(path) is not None else mode


def _of_this_process(path: Path) -> int | None:
    """The descriptor that /dev/stdout, /dev/fd/3, ... stand for, which may be a file that is written to already."""
    name = str(path)
    named = _DESCRIPTOR.fullmatch(name)
    return int(named[1]) if named else _STANDARD.get(name)


def _descriptor(path: Path) -> int:
    """A device or a FIFO, opened for writing as it is; a FIFO waits for its reader."""
    ours = _of_this_process(path)
    return os.dup(ours) if ours is not None else os.open(path, os.O_WRONLY | os.O_NOCTTY)


@contextlib.contextmanager
def _saying(path: Path) -> Iterator[None]:
    """What the system says becomes a RequestError about ``path``."""
    try:
        yield
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror or error}.") from error
    except ValueError as error:  # a null in the name; and a RequestError is a ValueError
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"cannot write {str(path)!r}: {error}.") from error
