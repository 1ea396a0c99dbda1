"""Read a CSV file with pyarrow, and find the line to name when it will not be read.

pyarrow reads fast and tells little: a byte that is not UTF-8 turns the column into raw bytes, and a row of the wrong
length has no line number. So a file that fails is walked through once more, slowly, to say what is wrong where.
"""

import csv
import gzip
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.csv

from chainrule.errors import RequestError

DELIMITERS = (",", ";", "\t", "|")
FIRST_BLOCK = 1 << 20  # bytes; pyarrow wants each row to fit in two blocks, so a longer row asks for longer blocks
LARGEST_BLOCK = 1 << 30


def read_csv(path: Path, delimiter: str | None, decimal: str, as_text: Iterable[str]) -> pa.Table:
    """The rows below the header of ``path``; see :func:`chainrule.data.reading.read_table`."""
    if decimal not in (".", ","):
        raise RequestError(f"the decimal mark must be '.' or ',', not {decimal!r}")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise RequestError(f"the delimiter must be one character, not {delimiter!r}")
    if delimiter == decimal:
        raise RequestError(f"the delimiter and the decimal mark are both {decimal!r}: change one of them")
    tabs = path.name.lower().endswith((".tsv", ".tsv.gz"))
    delimiter = delimiter or ("\t" if tabs else _guess_delimiter(path, decimal))
    header = _header(path, delimiter)
    try:
        table = _read(path, delimiter, decimal, as_text, one_column=len(header) == 1)
    except pa.ArrowInvalid as error:
        raise _diagnosis(path, delimiter, len(header), error) from error
    if any(pa.types.is_binary(t) for t in table.schema.types):
        raise _not_utf8(path)
    if table.column_names != header:
        raise RequestError(
            f"the header of {str(path)!r} can be read as {table.column_names} or as {header}: "
            "remove empty lines above it, and quotes within names."
        )
    return table


def _read(path: Path, delimiter: str, decimal: str, as_text: Iterable[str], one_column: bool) -> pa.Table:
    block = FIRST_BLOCK
    while True:
        try:
            return pyarrow.csv.read_csv(
                str(path),
                read_options=pyarrow.csv.ReadOptions(block_size=block),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=not one_column,  # in a file of one column an empty line is an empty cell
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    strings_can_be_null=True,
                    decimal_point=decimal,
                    column_types={name: pa.string() for name in as_text},
                ),
            )
        except pa.ArrowInvalid as error:
            too_long = "straddling" in str(error) or "cannot infer number of columns" in str(error)
            if not too_long or block >= min(LARGEST_BLOCK, 2 * _size(path)):
                raise
            block *= 8


def _guess_delimiter(path: Path, decimal: str) -> str:
    """The delimiter that comes most often in the first line, quotes aside; a comma where none of them does."""
    try:
        with _text(path) as file:
            line = next((line for line in file if line.strip("\r\n")), "")
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    bare = re.sub(r'"[^"]*("|$)', "", line)
    return max((d for d in DELIMITERS if d != decimal), key=bare.count)


def _header(path: Path, delimiter: str) -> list[str]:
    """The cells of the first line that is not empty."""
    try:
        with _text(path) as file:
            for cells in csv.reader(file, delimiter=delimiter):
                if cells:
                    return cells
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except csv.Error as error:
        raise RequestError(f"cannot read the header of {str(path)!r}: {error}. Is a quote left open?") from error
    raise RequestError(f"{str(path)!r} is empty: expected a line of column names, then rows.")


def _diagnosis(path: Path, delimiter: str, expected: int, error: Exception) -> RequestError:
    """What is wrong with a file that pyarrow refused with ``error``."""
    try:
        with _text(path) as file:
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
        return _not_utf8(path)
    except csv.Error:
        pass  # pyarrow's own words are all there is
    return RequestError(f"cannot read {str(path)!r} as CSV: {error}")


def _not_utf8(path: Path) -> RequestError:
    """Names the first line that is not UTF-8 and the way out."""
    with _binary(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                encoding = "UTF-16" if line[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
                return RequestError(
                    f"line {number} of {str(path)!r} is not UTF-8 (byte 0x{line[error.start]:02x}). Save the file as "
                    f"UTF-8; if it is {encoding}, for example: iconv -f {encoding} -t UTF-8 {path.name} > utf8.csv"
                )
    raise AssertionError("called for a file that is UTF-8")


def _size(path: Path) -> int:
    """Bytes of the file, unpacked."""
    with _binary(path) as file:
        return file.seek(0, io.SEEK_END) if path.suffix.lower() != ".gz" else sum(len(line) for line in file)


def _binary(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def _text(path: Path) -> io.TextIOWrapper:
    return io.TextIOWrapper(_binary(path), encoding="utf-8-sig", newline="")
