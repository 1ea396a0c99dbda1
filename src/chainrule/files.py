"""Writing a file whole or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Buffer = Any  # bytes, a memoryview, an array that lies in one piece


def replace_file(path: Path, *content: Buffer) -> None:
    """Put ``content`` under ``path`` in one step: a reader sees the old file or the new one, never half of it.

    Once it returns, a loss of power does not undo it: the file is on the disk, and its name in the folder.

    OSError: it could not be written; what was there is there still.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    write_whole(temporary, content, "xb")
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path)


def write_whole(path: Path, content: Sequence[Buffer], mode: str = "wb") -> None:
    """Write a file that is not needed yet, down to the disk; one that could not be written to its end is removed."""
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
