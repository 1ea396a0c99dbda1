"""How many cores the control groups of a container leave to this process, on Linux.

A quota is so much time of all cores together in every period. That of each group between the root and the process's own
counts, and the smallest of them is what there is. Two versions, and a system may have both at once:

    v2    cpu.max                                    "quota period" in microseconds, or "max period"
    v1    cpu.cfs_quota_us and cpu.cfs_period_us     a quota of -1 is none

Documentation/admin-guide/cgroup-v2.rst and Documentation/scheduler/sched-bwc.rst of the kernel; where the files are:
proc(5), /proc/pid/cgroup and /proc/pid/mountinfo.
"""

import re
from collections.abc import Iterator
from math import ceil
from pathlib import Path, PurePosixPath

PROCESS = Path("/proc/self")


def quota_in_cores(process: Path = PROCESS) -> int | None:
    """The quota, a part of a core counting as a whole one; None where there is none, or no control groups."""
    try:
        quotas = [quota for folder in _folders(process) if (quota := _quota(folder)) is not None]
    except (OSError, ValueError, IndexError):  # no such files, or not of the form that is documented
        return None
    return max(1, ceil(min(quotas))) if quotas else None


def _folders(process: Path) -> Iterator[Path]:
    """Of the groups of a process that divide the time of cores, each with those around it."""
    paths = dict(_paths((process / "cgroup").read_text()))
    for line in (process / "mountinfo").read_text().splitlines():
        mount, _, system = line.partition(" - ")
        kind, _, options = system.split(" ", 2)
        version = {"cgroup2": 2, "cgroup": 1}.get(kind)
        if version in paths and (version == 2 or "cpu" in options.split(",")):
            root, point = (_unescaped(word) for word in mount.split(" ")[3:5])
            yield from _from_own_to_root(Path(point), PurePosixPath(root), PurePosixPath(paths[version]))


def _paths(text: str) -> Iterator[tuple[int, str]]:
    """The version and the path of the groups: lines of hierarchy:controllers:path."""
    for line in text.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if hierarchy == "0":
            yield 2, path
        elif "cpu" in controllers.split(","):
            yield 1, path


def _from_own_to_root(point: Path, root: PurePosixPath, path: PurePosixPath) -> Iterator[Path]:
    """Folders below where the group ``root`` is mounted. A container may see that alone, and the paths of its host."""
    inside = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
    yield point
    for parent in (inside, *inside.parents):
        if parent.name:
            yield point / parent


def _quota(folder: Path) -> float | None:
    """Cores that a group may keep busy."""
    if (folder / "cpu.max").exists():
        quota, period = (folder / "cpu.max").read_text().split()
    elif (folder / "cpu.cfs_quota_us").exists():
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
    else:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)


def _unescaped(word: str) -> str:
    r"""Of mountinfo, where a space is \040."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), word)
