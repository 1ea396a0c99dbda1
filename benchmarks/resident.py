"""Memory that a process has in RAM, in bytes, as the system counts it."""

import ctypes
import resource
import sys
from contextlib import suppress
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def now() -> int:
    """At this moment; where the system does not tell, the most there ever was."""
    return _status("VmRSS") or _most_ever()


def peak() -> int:
    """The most there was, since ``forget_peak`` where that works."""
    return _status("VmHWM") or _most_ever()


def forget_peak() -> None:
    """Give back what is freed but kept, and count the peak anew: what came before is not to hide what comes."""
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):  # not Linux, or not allowed: peaks before this moment count
        RESET.write_text("5")


def _status(name: str) -> int | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    return None


def _most_ever() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
