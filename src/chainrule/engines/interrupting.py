"""Ctrl-C while arrays move in place: noted at once, acted upon where they are whole."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

_holding: list[list[int]] = []  # the list of whoever holds Ctrl-C now: one inside another shares it


@contextmanager
def ctrl_c_noted() -> Iterator[list[int]]:
    """Inside, Ctrl-C adds to the list and does nothing else. Who holds it looks at the list, also after leaving.

    Only where Python would raise KeyboardInterrupt: in the main thread, with no handler of someone else's. There the
    list stays empty.
    """
    in_main = current_thread() is main_thread()
    if in_main and _holding:
        yield _holding[0]
        return
    noted: list[int] = []
    if not (in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield noted
        return
    signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    _holding.append(noted)
    try:
        yield noted
    finally:
        _holding.clear()
        signal.signal(signal.SIGINT, signal.default_int_handler)
