"""Writing a file whole or not at all, where the user said."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import RequestError

Buffer = Any  # bytes, a memoryview, an array that lies in one piece


def require_place(path: Path) -> None:
    """RequestError: a file cannot have this name, since a folder has it, or there is no such folder to be in."""
    if path.is_dir():
        raise RequestError(f"cannot write {str(path)!r}: it is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise RequestError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}. Make it first.")


def require_writable(path: Path, *, overwrite: bool) -> None:
    """RequestError where a file could not be written to ``path``: better said before the work than after."""
    require_place(path)
    if path.exists() and not overwrite:
        raise RequestError(f"{str(path)!r} exists. To overwrite it, use --force (overwrite=True in Python).")
    if not os.access(path.parent, os.W_OK):
        raise RequestError(f"cannot write {str(path)!r}: the folder {str(path.parent)!r} does not allow it.")


def replace_file(path: Path, *content: Buffer) -> None:
    """Put ``content`` under ``path`` in one step: a reader sees the old file or the new one, never half of it.

    Once it returns, a loss of power does not undo it: the file is on the disk, and its name in the folder.

    RequestError: it could not be written; what was there is there still.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write_whole(temporary, content, "xb")
        try:
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path)
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def write_whole(path: Path, content: Sequence[Buffer], mode: str = "wb") -> None:
    """Write a file that is not needed yet, down to the disk; one that could not be written to its end is removed.

    OSError: it could not be.
    """
    try:
        with path.open(mode) as file:
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
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
