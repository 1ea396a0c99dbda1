"""``python -m chainrule``, and the command ``chainrule``."""

import sys


def main() -> int:
    """The command line; Ctrl-C while it is still being loaded ends it without a traceback."""
    try:
        from chainrule.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        print("chainrule: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
