"""Standard output and standard error: text that no terminal obeys, and streams that may be full or closed.

Names of columns, levels and files come from elsewhere. A terminal takes some of their characters for commands, so no
text reaches one but through ``visible``; files are written with the characters as they are.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from chainrule.errors import RunError

# Controls (C0, DEL, C1), what ends a line, what turns the direction of writing, and halves of pairs. CVE-2021-42574
_OBEYED = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_IN_TEXT = re.compile(f"[{_OBEYED}]")
_IN_A_LINE = re.compile(f"[\t\n{_OBEYED}]")


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with escapes in place of the characters that a terminal obeys; ``lines`` keeps tabs and line ends.

    >>> visible("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    return (_IN_TEXT if lines else _IN_A_LINE).sub(lambda found: ascii(found[0])[1:-1], text)


class Guarded:
    """A stream whose failures are answered by ``failed``, which raises, or lets what is written go nowhere."""

    def __init__(self, stream: IO[Any], failed: Callable[[Exception], None]) -> None:
        self._stream, self._failed = stream, failed

    def write(self, content: Any) -> int:
        """Write it, or answer."""
        self._try(self._stream.write, content)
        return len(content)

    def flush(self) -> None:
        """Hand on what was written, or answer."""
        self._try(self._stream.flush)

    def _try(self, act: Callable[..., Any], *given: Any) -> None:
        try:
            act(*given)
        except (OSError, ValueError) as error:  # ValueError: someone has closed it
            with suppress(OSError, ValueError, AttributeError):  # what is left in its buffer must not fail at exit
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            self._failed(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Plain(Guarded):
    """A guarded stream of text in which nothing is obeyed.

    styled   the same stream for text with styles, whose writer sees to ``visible``
    """

    def __init__(self, stream: IO[str], failed: Callable[[Exception], None]) -> None:
        super().__init__(stream, failed)
        self.styled = Guarded(stream, failed)

    def write(self, content: str) -> int:
        """Write what is visible of it."""
        return super().write(visible(content, lines=True))

    @property
    def buffer(self) -> Guarded:
        """The bytes below. AttributeError: there are none."""
        return Guarded(self.__getattr__("buffer"), self._failed)


class _Output(Plain):
    """Standard output. ``is_log``: a run goes on without it, and says so; otherwise it is what the command is for."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream, self._answer)
        self.is_log = False

    def _answer(self, error: Exception) -> None:
        why = f"cannot write to standard output: {getattr(error, 'strerror', None) or error}"
        if self.is_log:
            print(f"chainrule: {why}. The run goes on without its log.", file=sys.stderr)
        elif isinstance(error, BrokenPipeError):  # whoever read it has had enough
            raise error
        else:
            raise RunError(f"{why}.") from error


@contextmanager
def guarded() -> Iterator[None]:
    """Within, ``sys.stdout`` and ``sys.stderr`` are guarded, and there also where the caller has closed them."""
    _hold_descriptors()
    before = sys.stdout, sys.stderr
    with suppress(AttributeError):  # a label that the terminal cannot write is no reason to fail
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    sys.stdout, sys.stderr = _Output(sys.stdout or _opened(1)), Plain(sys.stderr or _opened(2), lambda error: None)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def take_as_log() -> None:
    """From here on, what is printed is the log of a run, which matters less than the run."""
    if isinstance(sys.stdout, _Output):
        sys.stdout.is_log = True


def styled_output() -> Any:
    """Standard output for a writer of styles."""
    return sys.stdout.styled if isinstance(sys.stdout, Plain) else sys.stdout


def _hold_descriptors() -> None:
    """Where a standard stream is closed, a file that is opened later must not take its place."""
    while (descriptor := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(descriptor)


def _opened(descriptor: int) -> IO[str]:
    """A closed stream: writing to it fails."""
    return open(descriptor, "w", encoding="utf-8", errors="replace", closefd=False)
