"""Read a CSV file with pyarrow, hold what it returned against the file, and name the line that is wrong.

pyarrow reads fast and tells little: a byte that is not UTF-8 turns the column into raw bytes, a quote left open takes
in the rest of the file, and a row of the wrong length has no line number. So the quotes are read once more
(:mod:`chainrule.data.csv_records`), and a file that fails is walked through slowly, to say what is wrong where.
"""

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from chainrule.data.csv_records import Records, find_records
from chainrule.data.gaps import IN_CSV_FILES
from chainrule.data.number_marks import thousands
from chainrule.errors import RequestError

DELIMITERS = (",", ";", "\t", "|")
FIRST_BLOCK = 1 << 20  # bytes; pyarrow wants each row to fit in two blocks, so a longer row asks for longer blocks
LARGEST_BLOCK = 1 << 30
GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_csv(
    path: Path, delimiter: str | None, decimal: str, as_text: Iterable[str], missing: Sequence[str] = IN_CSV_FILES
) -> pa.Table:
    """The rows below the header of ``path``; see :func:`chainrule.data.table_reader.read_table`."""
    _require_marks(delimiter, decimal)
    tabs = path.name.lower().endswith((".tsv", ".tsv.gz"))
    content = _content(path)
    delimiter = delimiter or ("\t" if tabs else _guess_delimiter(path, content, decimal))
    header = _header(path, content, delimiter)
    records = find_records(content, delimiter, len(header))
    _require_closed(path, content, records)
    try:
        table = _read(content, delimiter, decimal, as_text, one_column=len(header) == 1, missing=missing)
    except pa.ArrowInvalid as error:
        raise _diagnosis(path, content, delimiter, len(header), error) from error
    if any(pa.types.is_binary(t) for t in table.schema.types):
        raise _not_utf8(path, content)
    if table.column_names != header:
        raise RequestError(
            f"the header of {str(path)!r} can be read as {table.column_names} or as {header}: "
            "remove empty lines above it, and quotes within names."
        )
    _require_all_rows(path, content, records, table, delimiter, decimal)
    _require_decimals(path, content, table, delimiter, decimal)
    return table


def _require_marks(delimiter: str | None, decimal: str) -> None:
    if decimal not in (".", ","):
        raise RequestError(f"the decimal mark must be '.' or ',', not {decimal!r}.")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise RequestError(f"the delimiter must be one character, not {delimiter!r}.")
    if delimiter is not None and not delimiter.isascii():
        raise RequestError(
            f"the delimiter must be an ASCII character, not {delimiter!r}: replace it in the file by a semicolon or a "
            "tab that no cell has."
        )
    if delimiter == decimal:
        raise RequestError(f"the delimiter and the decimal mark are both {decimal!r}: change one of them.")


def _content(path: Path) -> bytes:
    """The bytes of the file, unpacked; none of them is NUL."""
    content = path.read_bytes()
    if content.startswith(GZIP):
        content = gzip.decompress(content)
    place = content.find(b"\0")
    if place >= 0 and not content.startswith(UTF_16):
        raise RequestError(
            f"line {_line(content, place)} of {str(path)!r} has a NUL byte, which text cannot contain: the file is "
            f"damaged, or not a CSV file in UTF-8. If it is UTF-16: iconv -f UTF-16 -t UTF-8 {path.name} > utf8.csv"
        )
    return content


def _read(
    content: bytes,
    delimiter: str,
    decimal: str,
    as_text: Iterable[str],
    one_column: bool,
    only: Iterable[str] = (),
    missing: Sequence[str] = IN_CSV_FILES,
) -> pa.Table:
    block = FIRST_BLOCK
    while True:
        try:
            return pyarrow.csv.read_csv(
                pa.BufferReader(content),
                read_options=pyarrow.csv.ReadOptions(block_size=block),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=not one_column,  # in a file of one column an empty line is an empty cell
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    null_values=list(missing),
                    strings_can_be_null=True,
                    decimal_point=decimal,
                    column_types={name: pa.string() for name in as_text},
                    include_columns=list(only),
                ),
            )
        except pa.ArrowInvalid as error:
            too_long = "straddling" in str(error) or "cannot infer number of columns" in str(error)
            if not too_long or block >= min(LARGEST_BLOCK, 2 * len(content)):
                raise
            block *= 8


def _require_closed(path: Path, content: bytes, records: Records) -> None:
    """RequestError: a quote takes in lines that are not its cell's."""
    if records.unclosed is not None:
        raise RequestError(
            f"line {_line(content, records.unclosed)} of {str(path)!r} has a quote that opens a cell and is never "
            "closed: close it, or remove it. A quote that is part of a cell is written twice, in a cell in quotes."
        )
    if records.spoiled is not None:
        opening, closing = (_line(content, place) for place in records.spoiled)
        raise RequestError(
            f"the cell in quotes that begins in line {opening} of {str(path)!r} ends in line {closing}, in the middle "
            f"of text: close or remove the quote in line {opening}. A quote that is part of a cell is written twice."
        )


def _require_all_rows(
    path: Path, content: bytes, records: Records, table: pa.Table, delimiter: str, decimal: str
) -> None:
    """RequestError: rows of the file are not in the table."""
    lone = records.multiline == len(records.like_rows)
    for begin, end in records.like_rows:
        lines = _line(content[begin:end], end - begin)
        if _are_rows(content[begin:end], lines, lone, table, delimiter, decimal):
            first = _line(content, begin)
            last = first + lines - 1
            raise RequestError(
                f"a quote in line {first} of {str(path)!r} makes one cell of what follows up to line {last}, and each "
                f"of these lines reads as a row: close or remove the quote in line {first} or {last}. If it is one "
                "cell, write it on one line."
            )
    rows = records.full - 1 + (records.empty if table.num_columns == 1 else 0)
    if table.num_rows != rows:
        raise RequestError(
            f"{str(path)!r} has {rows:,} rows by its line ends and quotes, and {table.num_rows:,} were read: look for "
            "quotes and line ends within cells."
        )


def _are_rows(text: bytes, lines: int, lone: bool, table: pa.Table, delimiter: str, decimal: str) -> bool:
    """Whether ``lines`` of a cell with as many delimiters each as a row are rows, by what they hold.

    They are where each of them has numbers, booleans or dates in the columns that do; where no column has, three
    lines are enough. A ``lone`` cell of several lines raises suspicion: where there are others, it takes four lines.
    """
    typed = {f.name: f.type for f in table.schema if not (pa.types.is_string(f.type) or pa.types.is_null(f.type))}
    if not typed:
        return lone and lines >= 3 <= table.num_columns
    if not lone and lines < 4:
        return False
    try:
        rows = pyarrow.csv.read_csv(
            pa.BufferReader(text.replace(b'"', b"")),
            read_options=pyarrow.csv.ReadOptions(column_names=table.column_names),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=typed, include_columns=list(typed), decimal_point=decimal
            ),
        )
    except pa.ArrowInvalid:
        return False
    return bool(np.any([column.is_valid().to_numpy() for column in rows.columns], axis=0).all())


def _require_decimals(path: Path, content: bytes, table: pa.Table, delimiter: str, decimal: str) -> None:
    """RequestError: numbers were read as decimals whose mark separates thousands."""
    count = Counter(table.column_names)
    floats = [(f.name, c) for f, c in zip(table.schema, table.columns, strict=True) if pa.types.is_float64(f.type)]
    suspects = [name for name, column in floats if count[name] == 1 and _may_be_thousands(column)]
    if not suspects:
        return
    spelled = _read(content, delimiter, decimal, suspects, one_column=table.num_columns == 1, only=suspects)
    for name in suspects:
        example = thousands(spelled.column(name), decimal)
        if example:
            mark = "comma" if decimal == "," else "point"
            raise RequestError(
                f"column {name!r} of {str(path)!r} has numbers with a {mark} between thousands, such as {example!r}, "
                f"but the {mark} is set as the decimal mark: remove the {mark}s."
            )


def _may_be_thousands(column: pa.ChunkedArray) -> bool:
    """Whether numbers may be groups of three that were read as decimals: below 1000, with up to three decimals."""
    for piece in (column.slice(0, 100), column):  # nearly every column of decimals is out at once
        values = piece.drop_null().to_numpy()
        if not (np.abs(values) < 1000).all() or (np.abs(1000 * values - np.rint(1000 * values)) > 1e-6).any():
            return False
    is_whole = values == np.rint(values)
    return bool(is_whole.any() and not is_whole.all())


def _guess_delimiter(path: Path, content: bytes, decimal: str) -> str:
    """The delimiter that comes most often in the first line, quotes aside; a comma where none of them does.

    RequestError: only commas are there, and they are to be the decimal mark.
    """
    try:
        with _text(content) as file:
            line = next((line for line in file if line.strip("\r\n")), "")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, content) from error
    bare = re.sub(r'"[^"]*("|$)', "", line)
    if decimal == "," in bare and not any(d in bare for d in DELIMITERS if d != decimal):
        raise RequestError(
            f"the header of {str(path)!r} has commas, and no semicolon, tab or bar. If commas separate the cells, they "
            "cannot be the decimal mark too: leave out --decimal , and write numbers with points. If the file has one "
            "column, name a delimiter that it does not have, such as ';'."
        )
    return max((d for d in DELIMITERS if d != decimal), key=bare.count)


def _header(path: Path, content: bytes, delimiter: str) -> list[str]:
    """The cells of the first line that is not empty."""
    try:
        with _text(content) as file:
            for cells in csv.reader(file, delimiter=delimiter):
                if cells:
                    return cells
    except UnicodeDecodeError as error:
        raise _not_utf8(path, content) from error
    except csv.Error as error:
        raise RequestError(f"cannot read the header of {str(path)!r}: {error}. Is a quote left open?") from error
    raise RequestError(f"{str(path)!r} is empty: expected a line of column names, then rows.")


def _diagnosis(path: Path, content: bytes, delimiter: str, expected: int, error: Exception) -> RequestError:
    """What is wrong with a file that pyarrow refused with ``error``."""
    try:
        with _text(content) as file:
            reader, start = csv.reader(file, delimiter=delimiter), 1
            for cells in reader:
                if cells and len(cells) != expected:
                    return RequestError(
                        f"line {start} of {str(path)!r} has {len(cells)} cells, expected {expected} as in the header. "
                        f"Correct the line (a cell that contains {delimiter!r} must stand in double quotes), "
                        "or name another delimiter."
                    )
                start = reader.line_num + 1  # a quoted cell may run over several lines
    except UnicodeDecodeError:
        return _not_utf8(path, content)
    except csv.Error:
        pass  # pyarrow's own words are all there is
    return RequestError(f"cannot read {str(path)!r} as CSV: {error}")


def _not_utf8(path: Path, content: bytes) -> RequestError:
    """Names the first line that is not UTF-8 and the way out."""
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            encoding = "UTF-16" if line[:2] in UTF_16 else "WINDOWS-1252"
            return RequestError(
                f"line {number} of {str(path)!r} is not UTF-8 (byte 0x{line[error.start]:02x}). Save the file as "
                f"UTF-8; if it is {encoding}, for example: iconv -f {encoding} -t UTF-8 {path.name} > utf8.csv"
            )
    raise AssertionError("called for a file that is UTF-8")


def _line(content: bytes, place: int) -> int:
    """The number of the line, from 1, that has the byte at ``place``."""
    above = content[:place]
    return above.count(b"\n") + above.count(b"\r") - above.count(b"\r\n") + 1


def _text(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
