"""Print docs/errata.md."""

import sys

from chainrule.notes.errata import markdown

if __name__ == "__main__":
    sys.stdout.buffer.write(markdown().encode())
