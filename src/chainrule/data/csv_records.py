"""Where the records of a CSV text begin and end: a second reading of its quotes, beside pyarrow's.

pyarrow takes a quote that is never closed for a long last cell, and a quote that another one closes by accident for a
cell of several lines: rows vanish without a word. What is found here, block by block with NumPy, tells such quotes
from cells that do hold line breaks, and counts the records that should come out.

A quote opens a cell where it is the cell's first byte, and is text elsewhere; inside, two quotes are one, and another
closes. A line ends with LF, CR LF or CR.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 18  # bytes looked at together, more where a record is longer
BOM = b"\xef\xbb\xbf"
QUOTE, LF, CR, SPACE, TAB = b'"\n\r \t'

# What a quote does: the state after it, by its kind (at the beginning of a cell, right behind another, elsewhere) and
# the state before it (in text that no quote opened, behind a quote that closed a cell, in a cell that a quote opened).
TEXT, CLOSED, OPEN = range(3)
FIRST, AGAIN, ELSEWHERE = range(3)
AFTER = np.array([[OPEN, OPEN, CLOSED], [TEXT, OPEN, CLOSED], [TEXT, TEXT, CLOSED]])

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """What a CSV text holds, the header included; places are offsets of bytes.

    full         records that are not empty lines
    empty        empty lines between records
    unclosed     where the quote is that is never closed
    spoiled      where a cell of several lines begins, and its closing quote, which text follows
    multiline    how many records have a cell of several lines
    like_rows    where those of them begin and end whose every line has as many delimiters as a row
    """

    full: int = 0
    empty: int = 0
    unclosed: int | None = None
    spoiled: tuple[int, int] | None = None
    multiline: int = 0
    like_rows: tuple[tuple[int, int], ...] = ()

    def __add__(self, after: "Records") -> "Records":
        """What two texts hold, one after the other."""
        return Records(
            self.full + after.full,
            self.empty + after.empty,
            after.unclosed if self.unclosed is None else self.unclosed,
            self.spoiled or after.spoiled,
            self.multiline + after.multiline,
            self.like_rows + after.like_rows,
        )


def find_records(content: bytes, delimiter: str, columns: int) -> Records:
    r"""The records of ``content`` with cells apart by ``delimiter``, of which a row of ``columns`` has one less.

    >>> find_records(b'a,b\n1,"x\ny"\n\n2,z', ",", columns=2)
    Records(full=3, empty=1, unclosed=None, spoiled=None, multiline=1, like_rows=())
    >>> find_records(b'a,b\n1,"x\n2,y\n', ",", columns=2).unclosed
    6
    """
    data = np.frombuffer(content, np.uint8)
    quotes, carriage = b'"' in content, b"\r" in content
    found, start, size = Records(), len(BOM) if content.startswith(BOM) else 0, BLOCK
    while start < len(data):
        stop = min(start + size, len(data))
        while stop < len(data) and data[stop - 1] == CR:  # CR LF stays together
            stop += 1
        block, last = data[start:stop], stop == len(data)
        ends = _line_ends(block, carriage)
        bounds = _quotes(block, ord(delimiter)) if quotes else np.empty(0, np.int64)
        outside = np.searchsorted(bounds, ends) % 2 == 0
        if not last:
            if not outside.any():  # a record longer than the block
                size *= 2
                continue
            whole = np.flatnonzero(outside)[-1] + 1
            ends, outside = ends[:whole], outside[:whole]
            block = block[: ends[-1] + 1]
            bounds = bounds[bounds < len(block)]
        found += _records(block, ends, outside, last)
        if bounds.size:
            found += _quoted(block, start, ends, outside, bounds, ord(delimiter), columns)
        start, size = start + len(block), BLOCK
    return found


def _line_ends(data: Bytes, carriage: bool) -> Offsets:
    """Where lines end, in quotes or not: at an LF, and at a CR that no LF follows."""
    is_end = data == LF
    if carriage:
        is_end |= data == CR
        is_end[:-1] &= (data[:-1] != CR) | (data[1:] != LF)
    return np.flatnonzero(is_end)


def _quotes(data: Bytes, delimiter: int) -> Offsets:
    """The quotes that open and close, in turn; two that are one within a cell count as closing it and opening it."""
    is_quote = data == QUOTE
    before = data[:-1]
    begins_cell = np.ones(len(data), np.bool_)
    begins_cell[1:] = (before == delimiter) | (before == LF) | (before == CR)
    quotes = np.flatnonzero(is_quote)
    opens = begins_cell.copy()
    opens[1:] |= is_quote[:-1]
    if opens[quotes[::2]].all():  # no text holds a quote: they open and close in turn
        return quotes
    again = np.diff(quotes, prepend=-2) == 1
    kinds = np.where(begins_cell[quotes], FIRST, np.where(again, AGAIN, ELSEWHERE))
    return quotes[_states(kinds) != TEXT]


def _states(kinds: NDArray[np.intp]) -> NDArray[np.intp]:
    """The state after each quote, from its kind; all pieces of the text at once, each from all states it may begin in.

    A piece is a map from the state before it to that after it: which one holds is known when those before are done.
    """
    length = int(np.sqrt(len(kinds))) + 1
    pieces = -(-len(kinds) // length)
    steps = np.pad(kinds, (0, pieces * length - len(kinds))).reshape(pieces, length).T
    after = np.empty((length, 3, pieces), np.intp)
    state = np.repeat(np.array([[TEXT], [CLOSED], [OPEN]]), pieces, axis=1)
    for step, kind in enumerate(steps):
        after[step] = state = AFTER[kind, state]
    began = np.empty(pieces, np.intp)
    before = TEXT
    for piece, ends in enumerate(after[-1].T.tolist()):
        began[piece] = before
        before = ends[before]
    return after[:, began, np.arange(pieces)].T.ravel()[: len(kinds)]


def _records(data: Bytes, ends: Offsets, outside: Mask, last: bool) -> Records:
    """How many records end here."""
    ends = ends[outside]
    begins = np.concatenate(([0], ends[:-1] + 1))[: len(ends)]
    is_empty = begins == ends
    is_empty |= (begins + 1 == ends) & (data[begins] == CR)
    empty = int(np.count_nonzero(is_empty))
    rest = last and len(data) > (ends[-1] + 1 if len(ends) else 0)
    return Records(full=len(ends) - empty + int(rest), empty=empty)


def _quoted(
    data: Bytes, start: int, ends: Offsets, outside: Mask, bounds: Offsets, delimiter: int, columns: int
) -> Records:
    """What is to be said of cells in quotes, where they hold line ends or are never closed; ``start`` of ``data``."""
    inner = ends[~outside]
    if not len(inner) and len(bounds) % 2 == 0:
        return Records()
    again = bounds[2::2] == bounds[1 : len(bounds) - 1 : 2] + 1  # two quotes that are one
    opening = bounds[0::2][np.append(True, ~again)]
    if len(bounds) % 2:
        return Records(unclosed=start + int(opening[-1]))
    closing = bounds[1::2][np.append(~again, True)]

    # The cells of several lines
    several = np.searchsorted(inner, opening) != np.searchsorted(inner, closing)
    opening, closing = opening[several], closing[several]
    behind = data[np.minimum(closing + 1, len(data) - 1)]
    spoiled = np.flatnonzero(~np.isin(behind, (delimiter, LF, CR, SPACE, TAB)) & (closing + 1 < len(data)))
    if len(spoiled):
        return Records(spoiled=(start + int(opening[spoiled[0]]), start + int(closing[spoiled[0]])))

    # The records of several lines, and those whose every line has the delimiters of a row
    ends = np.append(ends, len(data)) if ends[-1] + 1 < len(data) else ends
    outside = np.append(outside, True)[: len(ends)]
    apart = np.flatnonzero(data == delimiter)
    is_row = np.diff(np.searchsorted(apart, ends), prepend=0) == columns - 1
    final = np.flatnonzero(outside)  # the last line of each record
    first = np.concatenate(([0], final[:-1] + 1))
    several = final > first
    like_rows = np.flatnonzero(several & np.logical_and.reduceat(is_row, first))
    begins = np.concatenate(([0], ends[:-1] + 1))
    places = tuple((start + int(begins[first[r]]), start + int(ends[final[r]])) for r in like_rows)
    return Records(multiline=int(np.count_nonzero(several)), like_rows=places)
