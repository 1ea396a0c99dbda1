"""What a terminal obeys is not shown as it is, and a standard stream that fails is answered."""

import errno
import io
import sys
import unicodedata

import pytest

from chainrule import streams
from chainrule.errors import RunError
from chainrule.streams import guarded, styled_output, take_as_log, visible

EVERY = [chr(c) for c in range(sys.maxunicode + 1)]


@pytest.mark.parametrize("lines", [False, True])
def test_every_character_is_shown_or_escaped(lines):
    """Controls, line ends, halves of pairs and what turns the direction of writing; all else stays as it is."""
    kept = {"\n", "\t"} if lines else set()
    turning = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    for character in EVERY:
        obeyed = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or (
            unicodedata.bidirectional(character) in turning
        )
        expected = ascii(character)[1:-1] if obeyed and character not in kept else character
        assert visible(character, lines=lines) == expected


def test_all_of_them_at_once_are_ordinary_text():
    shown = visible("".join(EVERY))
    assert visible(shown) == shown
    shown.encode()


class Failing(io.StringIO):
    def __init__(self, error, at):
        super().__init__()
        self.error, self.at = error, at

    def write(self, text):
        if self.at == "write":
            raise self.error
        return super().write(text)

    def flush(self):
        if self.at == "flush":
            raise self.error


FULL = OSError(errno.ENOSPC, "No space left on device")
ERRORS = [FULL, OSError(errno.EBADF, "Bad file descriptor"), ValueError("I/O operation on closed file")]


@pytest.mark.parametrize("at", ["write", "flush"])
@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_output_that_fails_is_a_run_error(error, at, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(error, at))
    with guarded(), pytest.raises(RunError, match=f"cannot write to standard output: {error.args[-1]}"):
        print("result", flush=True)


@pytest.mark.parametrize("styled", [False, True])
@pytest.mark.parametrize("error", [*ERRORS, BrokenPipeError(errno.EPIPE, "Broken pipe")], ids=str)
def test_a_log_that_fails_is_said_and_the_run_goes_on(error, styled, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Failing(error, "flush"))
    with guarded():
        take_as_log()
        print("epoch 1", flush=True, file=styled_output() if styled else None)
    err = capsys.readouterr().err
    assert f"cannot write to standard output: {error.args[-1]}. The run goes on without its log.\n" in err


def test_a_reader_that_has_gone_is_no_error_of_ours(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError(errno.EPIPE, "Broken pipe"), "flush"))
    with guarded(), pytest.raises(BrokenPipeError):
        print("result", flush=True)


def test_standard_error_that_fails_goes_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Failing(FULL, "write"))
    with guarded():
        print("a message", file=sys.stderr)


def test_what_is_printed_is_visible_and_what_is_styled_is_not_touched(capsys):
    with guarded():
        print("a\x1b[31m\tb\nc")
        print("\x1b[1mbold\x1b[0m", file=styled_output())
        print("d\x9b", file=sys.stderr)
    out, err = capsys.readouterr()
    assert (out, err) == ("a\\x1b[31m\tb\nc\n\x1b[1mbold\x1b[0m\n", "d\\x9b\n")


def test_the_streams_are_as_they_were_afterwards():
    before = sys.stdout, sys.stderr
    with guarded():
        assert isinstance(sys.stdout, streams.Plain)
    with pytest.raises(KeyError), guarded():
        raise KeyError
    assert (sys.stdout, sys.stderr) == before
