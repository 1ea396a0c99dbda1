"""The command line: train, predict, evaluate, explain, check, diagnose, export, warmup; thin layers over functions."""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chainrule.cli.commands import say
from chainrule.cli.parser import parser
from chainrule.errors import ChainruleError, RequestError, nearest
from chainrule.streams import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 where the run failed, 2 where the request was wrong."""
    with guarded():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    """``main``, where the one place is at which an error becomes a message."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except ChainruleError as error:
        say(str(error))
        return 2 if isinstance(error, RequestError) else 1
    except KeyboardInterrupt:
        say("interrupted")
        return 1
    except MemoryError:
        say("not enough memory: use a smaller network, smaller batches or fewer rows")
        return 1
    except BrokenPipeError:  # whoever read our output has had enough
        return 1
    except OSError as error:
        named = "" if error.filename is None else f"cannot use {str(error.filename)!r}: "
        say(f"{named}{error.strerror or error}.")
        return 2 if named else 1
    except UnicodeEncodeError as error:  # a name with bytes that are not UTF-8, for those who take UTF-8 alone
        say(f"{error.object!r} is not {error.encoding.upper()}: rename it.")
        return 2


def _run(argv: Sequence[str] | None) -> int:
    arguments, unknown = parser().parse_known_args(argv)
    if unknown:
        options = [option for action in arguments.parser._actions for option in action.option_strings]
        arguments.parser.error(f"{unknown[0]} is not an option{nearest(unknown[0], options).rstrip('.')}")
    with _telling(arguments):
        return arguments.run(arguments)


@contextmanager
def _telling(arguments: argparse.Namespace) -> Iterator[None]:
    """Say what takes a while, to someone who is watching; and in any case what a run goes on from."""
    logger, handler = logging.getLogger("chainrule"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("chainrule: %(message)s"))
    told = getattr(arguments, "resume", False) or (sys.stderr is not None and sys.stderr.isatty())
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if getattr(arguments, "quiet", False) else logging.INFO if told else logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
