"""Compiled code on disk, so that the next process need not compile it again.

One file for each entry: a header (what it is, the length and the checksum of the code), then the code. An entry is
written beside its place and moved there, so a reader sees all of it or nothing. A damaged one counts as absent, and a
disk that cannot be used means only that code is compiled again.

To load object code is to run it. So nothing is taken from a folder or a file in which another user can write, and the
folder is made for its owner alone.
"""

import hashlib
import json
import os
import re
import stat
import struct
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import astuple
from importlib import resources
from pathlib import Path
from typing import Any

from chainrule.engines.fused.processor import Processor

FORMAT = 1
LIMIT = 64 * 2**20  # bytes in all
STRIDE = LIMIT // 64  # bytes that a process writes before it looks again at how full the folder is
DAY, HOUR = 86400.0, 3600.0

_HEADER = struct.Struct("<8sQ32s")  # _MAGIC, length of the code, checksum
_MAGIC = b"chnrule" + bytes([FORMAT])

# Only files of these names are ever removed: the folder may be one that holds other things too.
_ENTRY = re.compile(r"[0-9a-f]{64}\.code")
_UNFINISHED = re.compile(r"[0-9a-f]{64}\.code\.\w+\.part")

_room: dict[Path, int] = {}  # bytes that this process may still write, by folder, before it looks again
_told: set[Path] = set()  # folders that were warned about


def fetch(key: str) -> bytes | None:
    """The code kept under a key (64 hex digits). None: absent, damaged, or not to be trusted."""
    name, place = _entry(key), folder()
    if place is None or not _usable(place):
        return None
    entry = place / name
    # No link is followed, and a pipe of that name is not waited for.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(entry, os.O_RDONLY | flags)
        try:
            status = os.fstat(descriptor)  # of what was opened, whatever has its name by now
            if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT or not _trusted(place, entry, status):
                return None
            with open(descriptor, "rb", closefd=False) as file:
                code = _unpacked(key, file.read())
        finally:
            os.close(descriptor)
    except OSError:
        return None
    if code is not None and abs(time.time() - status.st_mtime) > DAY:
        with suppress(OSError):
            os.utime(entry)  # used: once a day is enough to tell which were not for long
    return code


def keep(key: str, code: bytes) -> None:
    """Stores code under a key, if it can: whatever the disk refuses is passed over in silence."""
    name, place = _entry(key), folder()
    content = _packed(key, code)
    if place is None or len(content) > LIMIT:
        return
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _usable(place) and _make_room(place, len(content)):
            _write(place, name, content)


def folder() -> Path | None:
    """Where compiled code is kept: $CHAINRULE_CACHE_DIR, or the user's cache. None: nowhere, it is switched off."""
    chosen = os.environ.get("CHAINRULE_CACHE_DIR")
    try:
        if chosen is None:
            return _caches() / "chainrule"
        return None if chosen.strip().lower() in ("", "off") else Path(chosen).expanduser().absolute()
    except (OSError, RuntimeError):  # no home, or no current folder
        return None


def key(description: str, target: Processor) -> str:
    """What code is kept under: it changes with all that the code depends on.

    description   all that the generator is given: for a kernel, its kind, its name, its dtype and its expressions
    """
    import llvmlite
    from llvmlite import binding

    versions = [FORMAT, sources(), llvmlite.__version__, list(binding.llvm_version_info)]
    return hashlib.sha256(json.dumps([description, astuple(target), versions]).encode()).hexdigest()


def sources() -> str:
    """A hash over the text of every module of this package, which makes the code."""
    return _SOURCES


def _caches() -> Path:
    """The folder for what can be made again, by the custom of the system."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    variable, usual = ("LOCALAPPDATA", "AppData/Local") if sys.platform == "win32" else ("XDG_CACHE_HOME", ".cache")
    named = Path(os.environ.get(variable, ""))
    # The XDG base directory specification: a path that is not absolute is to be ignored.
    return named if named.is_absolute() else Path.home() / usual


def _entry(key: str) -> str:
    assert re.fullmatch("[0-9a-f]{64}", key), f"a key is 64 hex digits, not {key!r}"
    return f"{key}.code"


def _packed(key: str, code: bytes) -> bytes:
    return _HEADER.pack(_MAGIC, len(code), _checksum(key, code)) + code


def _unpacked(key: str, content: bytes) -> bytes | None:
    if len(content) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack_from(content)
    code = content[_HEADER.size :]
    return code if (magic, length, checksum) == (_MAGIC, len(code), _checksum(key, code)) else None


def _checksum(key: str, code: bytes) -> bytes:
    """With the key, so that an entry under another's name is noticed too."""
    return hashlib.sha256(key.encode() + code).digest()


def _usable(place: Path) -> bool:
    try:
        status = os.stat(place)
        # A link that somebody else made could lead anywhere.
        return stat.S_ISDIR(status.st_mode) and all(_trusted(place, place, s) for s in (os.lstat(place), status))
    except OSError:
        return False


def _trusted(place: Path, what: Path, status: os.stat_result) -> bool:
    """Whether only this user can have written it; says why not, once for a folder.

    Write access to a folder further up gives nobody code that is run: a folder put in the place of this one is not
    owned by this user.
    """
    if os.name != "posix":  # Windows: the user's profile is closed to others by its access list
        return True
    if status.st_uid != os.geteuid():
        reason, remedy = "belongs to another user", "remove it"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not stat.S_ISLNK(status.st_mode):
        reason, remedy = "can be written by other users", f"take that away (chmod go-w '{what}')"
    else:
        return True
    if place not in _told:
        _told.add(place)
        warnings.warn(
            f"compiled code is not cached: {what} {reason}, and code placed there would run as you. Either {remedy}, "
            "or set CHAINRULE_CACHE_DIR to a folder of your own, or to off.",
            stacklevel=2,
        )
    return False


def _write(place: Path, name: str, content: bytes) -> None:
    """No fsync: what a lost machine loses is compiled again, and half an entry is noticed by its checksum."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f"{name}.", suffix=".part", dir=place)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(unfinished, place / name)
    except BaseException:
        _remove(unfinished)
        raise


def _remove(path: Any) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:  # another process was faster
        return True
    except OSError:  # on Windows: another process has it open
        return False
    return True


def _make_room(place: Path, size: int) -> bool:
    """Whether there is room for so many bytes more, after the least recently used entries are gone.

    To look at thousands of files takes as long as to compile a kernel, so a process looks again only when it has
    written a STRIDE. Others that write at the same time may pass the LIMIT by as much each, until the next one looks.
    """
    if size > _room.get(place, 0):
        entries: list[tuple[float, int, str]] = []
        total = 0
        with os.scandir(place) as found:
            for file in found:
                try:
                    status = file.stat(follow_symlinks=False)
                except OSError:
                    continue
                # Left by a process that was killed while it wrote.
                old = time.time() - status.st_mtime > HOUR
                if _UNFINISHED.fullmatch(file.name) and old and _remove(file.path):
                    continue
                if _ENTRY.fullmatch(file.name):
                    entries.append((status.st_mtime, status.st_size, file.path))
                if _ENTRY.fullmatch(file.name) or _UNFINISHED.fullmatch(file.name):
                    total += status.st_size
        if total + size > LIMIT:
            for _, length, path in sorted(entries):
                if total + size <= LIMIT - STRIDE:  # or the next keep would have to look again
                    break
                if _remove(path):
                    total -= length
        if total + size > LIMIT:
            return False
        _room[place] = max(size, min(LIMIT - total, STRIDE))
    _room[place] -= size
    return True


def _hash_of_sources() -> str:
    """Worked out when this module is imported: later the files may be those of another version than what runs."""
    texts: list[tuple[str, bytes]] = []
    try:
        stack = [("", resources.files("chainrule.engines.fused"))]
        while stack:
            path, where = stack.pop()
            for file in where.iterdir():
                if file.name.endswith(".py"):
                    texts.append((path + file.name, file.read_bytes()))
                elif file.is_dir():
                    stack.append((f"{path}{file.name}/", file))
    except OSError:
        texts = []
    if not texts:  # installed without sources: nothing tells this version from another, so no code is met again
        return os.urandom(32).hex()
    listed = [(path, hashlib.sha256(text).hexdigest()) for path, text in sorted(texts)]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


_SOURCES = _hash_of_sources()
