"""Ctrl-C while arrays move in place: noted at once, acted upon where they are whole. And SIGTERM as another Ctrl-C."""

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


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[list[int]]:
    """Inside, SIGTERM adds to the list and is taken for Ctrl-C, so that what is to be kept can be kept.

    Who is ended in this way raises the signal again once that is done. Only in the main thread, and where neither of
    the two has a handler of someone else's.
    """
    noted: list[int] = []

    def note(number: int, frame: object) -> None:
        noted.append(number)
        signal.raise_signal(signal.SIGINT)

    usual = signal.SIG_DFL, signal.default_int_handler
    if current_thread() is not main_thread() or usual != (
        signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGINT),
    ):
        yield noted
        return
    signal.signal(signal.SIGTERM, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
