"""Print docs/errata.md."""

import sys

from chainrule.notes.errata.all_errata import errata_markdown

if __name__ == "__main__":
    sys.stdout.buffer.write(errata_markdown().encode())
