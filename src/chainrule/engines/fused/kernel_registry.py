"""Kernels by what they compute: made once on a machine, loaded once in a process.

Code is asked for in parts, and each part is compiled for itself: what a network needs is the sum of its parts.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

from chainrule.engines.fused import disk_cache
from chainrule.engines.fused.compiling import load, object_code
from chainrule.engines.fused.processor import Processor

PREFIX = "chainrule_"

logger = logging.getLogger("chainrule")

Writer = Callable[[str], str]  # from a name to the text of a module with a function of that name


class Library:
    """The kernels of one target: ``want`` names them, ``make`` makes them callable, ``address`` says where they are."""

    def __init__(self, target: Processor) -> None:
        self.target = target
        self._addresses: dict[str, int] = {}
        self._writers: dict[str, Writer] = {}
        self._lock = Lock()

    def want(self, description: str, write: Writer) -> str:
        """The name of a kernel. The description says all that the kernel depends on, beside this package's source."""
        name = f"{PREFIX}{disk_cache.key(description, self.target)}"
        self._writers.setdefault(name, write)
        return name

    def make_all(self) -> int:
        """Make all that was ever wanted."""
        return self.make(list(self._writers))

    def make(self, names: Iterable[str]) -> int:
        """Load these kernels, compiling those that no earlier process has kept; how many these were."""
        with self._lock:
            wanted = [name for name in dict.fromkeys(names) if name not in self._addresses]
            codes = {name: disk_cache.fetch(name.removeprefix(PREFIX)) for name in wanted}
            missing = [name for name, code in codes.items() if code is None]
            if missing:
                codes.update(self._compiled(missing))
            for name, code in codes.items():
                assert code is not None
                self._addresses[name] = load(name, code)
            return len(missing)

    def _compiled(self, names: list[str]) -> dict[str, bytes]:
        where = disk_cache.folder()
        logger.info(
            "compiling %d kernels for this processor%s",
            len(names),
            f", once: they are kept in {where}" if where else " (the cache is switched off, so every process does)",
        )
        with ThreadPoolExecutor(2) as pool:  # LLVM works outside Python's lock
            made = pool.map(lambda name: object_code(self._writers[name](name), self.target), names)
            codes = dict(zip(names, made, strict=True))
        for name, code in codes.items():
            disk_cache.keep(name.removeprefix(PREFIX), code)
        return codes

    def address(self, name: str) -> int:
        """Where a kernel begins."""
        return self._addresses[name]


@cache
def library(target: Processor) -> Library:
    """The library of a target in this process."""
    return Library(target)
