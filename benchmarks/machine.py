"""What the figures belong to: the machine, the system, the versions; and which of its cores are used."""

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("chainrule", "numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "llvmlite", "matplotlib")

# Flags that decide which kernels a library of matrix products takes.
VECTOR_FLAGS = re.compile(r"sse4_2|avx\w*|fma|f16c|amx_\w+|asimd\w*|neon|sve\w*|bf16|i8mm|fphp")


def describe() -> dict[str, Any]:
    return {
        "processor": processor(),
        "vector_flags": sorted(flag for flag in _cpuinfo("flags", "Features").split() if VECTOR_FLAGS.fullmatch(flag)),
        "cores": os.cpu_count(),
        "usable_cores": len(usable_cores()),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": sys.version.split()[0],
        "libraries": {name: _version(name) for name in LIBRARIES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def processor() -> str:
    """Its name as sold, where the system tells."""
    if platform.system() == "Darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        return asked.stdout.strip() or platform.machine()
    return _cpuinfo("model name", "Model") or platform.processor() or platform.machine()


def slug(name: str) -> str:
    """A folder name of a processor's.

    >>> slug("AMD EPYC 7B13 (R) @ 2.45GHz")
    'amd-epyc-7b13-2-45ghz'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("(r)", "").replace("(tm)", "")).strip("-")


def usable_cores() -> list[int]:
    """Logical cores that this process may use: one of each physical core, the last first, then the other ones.

    Systems tend to put their own work on the first core.
    """
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    seen: set[str] = set()
    first, second = [], []
    for core in cores:
        siblings = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
        physical = siblings.read_text() if siblings.exists() else str(core)
        (second if physical in seen else first).append(core)
        seen.add(physical)
    return first + second


def pin_to_cores(threads: int) -> None:
    """Keep this process on as many cores as it has threads, where the system has a way to."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, usable_cores()[:threads])


def _cpuinfo(*names: str) -> str:
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return ""


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError):  # a system without these names
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
