"""Ctrl-C while arrays move in place: noted at once, acted upon where they are whole. And SIGTERM as another Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import current_thread, local, main_thread
from types import FrameType

_holding: list[list[int]] = []  # the list of whoever holds Ctrl-C now: one inside another shares it
_lent = local()  # in a thread that works for another one: the list of that one
_answers = [False]  # whether ``_answer`` stands in the place of Python's own handler


def _answer(number: int, frame: FrameType | None) -> None:
    """To Ctrl-C: noted where somebody holds it, else what Python does."""
    if _holding:
        _holding[0].append(number)
    else:
        signal.default_int_handler(number, frame)


@contextmanager
def ctrl_c_answered() -> Iterator[None]:
    """Inside, ``ctrl_c_noted`` sets no handler: one in each epoch made a fit of 20 small ones a quarter slower.

    Where nobody holds it, Ctrl-C does what it always does. Only in the main thread, and not where there is a handler
    of someone else's; one that is set inside stays.
    """
    is_ours = current_thread() is main_thread() and not _answers[0]
    if not is_ours or signal.getsignal(signal.SIGINT) not in (signal.default_int_handler, _answer):
        yield
        return
    try:
        _answers[0] = True
        signal.signal(signal.SIGINT, _answer)
        yield
    finally:
        _answers[0] = False
        if signal.getsignal(signal.SIGINT) is _answer:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def ctrl_c_noted() -> AbstractContextManager[list[int]]:
    """Inside, Ctrl-C adds to the list and does nothing else. Who holds it looks at the list, also after leaving.

    Only where Python would raise KeyboardInterrupt: in the main thread, with no handler of someone else's. Elsewhere
    the list stays empty, but for a SIGTERM that is taken for Ctrl-C.
    """
    if current_thread() is not main_thread():
        return nullcontext(noted if (noted := getattr(_lent, "noted", None)) is not None else [])
    if _holding:
        return nullcontext(_holding[0])
    return _Held()


@contextmanager
def noted_by(noted: list[int]) -> Iterator[None]:
    """Inside, in a thread that works for the one which has ``noted``: what is noted there counts here too."""
    _lent.noted = noted
    try:
        yield
    finally:
        _lent.noted = None


class _Held:
    """Ctrl-C is held. No generator, since every epoch does it: a fit of 20 to 100 small ones took 6 to 8 % longer."""

    def __enter__(self) -> list[int]:
        noted: list[int] = []
        self.pythons = not _answers[0] and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.pythons:
            signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
        _holding.append(noted)
        return noted

    def __exit__(self, *_: object) -> None:
        _holding.clear()
        if self.pythons:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ctrl_c_afterwards() -> Iterator[None]:
    """Inside, Ctrl-C is put off: it interrupts afterwards, or is noted by whoever holds it already."""
    if _holding:
        yield
        return
    with ctrl_c_noted() as noted:
        yield
    if noted:
        raise KeyboardInterrupt


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Inside, SIGTERM is taken for Ctrl-C, so that what is to be kept can be kept; then it ends the process.

    Only in the main thread, and where it has no handler of someone else's. Whether Ctrl-C has one does not matter: a
    shell starts what is to run in the background with Ctrl-C ignored.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    noted: list[int] = []

    def note(number: int, frame: object) -> None:
        noted.append(number)
        if _holding:
            _holding[0].append(number)
        elif len(noted) == 1:  # a second one must not interrupt what the first has set going
            raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, note)
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if noted:
            signal.raise_signal(signal.SIGTERM)
