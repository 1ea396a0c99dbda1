"""Write columns to a file, whole or not at all."""

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from chainrule.data.arrow_types import as_arrow
from chainrule.errors import RequestError
from chainrule.files import Claim, require_place
from chainrule.streams import visible

ENDINGS = (".csv", ".tsv", ".parquet", ".pq")


def write_table(columns: Mapping[str, Any], destination: str | Path | None) -> None:
    """Write ``columns``, sequences of one length, to ``destination``: CSV, TSV or Parquet by its ending.

    ``None`` writes CSV to standard output. Missing values (None, NaN) become empty cells. The file appears under its
    name only when it is complete; one that was there is replaced, so ask before calling.

    Raises RequestError where the ending is unknown, the folder does not exist or cannot be written to, or the columns
    differ in length.

    >>> write_table({"species": ["Adelie", None], "p": [0.75, 0.5]}, None)
    species,p
    Adelie,0.75
    ,0.5
    """
    if destination is None:
        _print(table_content(columns, ".csv"))
        return
    path = Path(destination)
    ending = check_destination(path)
    with Claim(path, overwrite=True) as claim:
        claim.write(table_content(columns, ending))


def table_content(columns: Mapping[str, Any], ending: str) -> memoryview:
    """The bytes of a file with this ending. RequestError: the columns differ in length."""
    try:
        table = pa.table({name: as_arrow(values, f"column {name!r}") for name, values in columns.items()})
    except pa.ArrowInvalid as error:
        raise RequestError(f"cannot write these columns: {error}") from error
    if ending in (".parquet", ".pq"):
        return _parquet_bytes(table)
    return _csv_bytes(table, "\t" if ending == ".tsv" else ",")


def check_destination(path: Path) -> str:
    """The ending of a file that :func:`write_table` could write; RequestError where it could not."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise RequestError(f"cannot tell how to write {str(path)!r}: expected a name ending in {', '.join(ENDINGS)}.")
    require_place(path)
    return ending


def _csv_bytes(table: pa.Table, delimiter: str) -> memoryview:
    header = io.StringIO()
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(table.column_names)
    sink = pa.BufferOutputStream()
    sink.write(header.getvalue().encode())
    sink.write(_csv_rows(table, delimiter))
    return memoryview(sink.getvalue())


def _csv_rows(table: pa.Table, delimiter: str) -> pa.Buffer:
    """The rows, without quotes where no cell needs them: otherwise pyarrow puts quotes around all text."""
    for style in ("none", "needed"):
        sink = pa.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=style)
        try:
            pyarrow.csv.write_csv(table, sink, options)
        except pa.ArrowInvalid:
            if style == "needed":
                raise
        else:
            return sink.getvalue()
    raise AssertionError("one of the two styles returned or raised")


def _parquet_bytes(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return memoryview(sink.getvalue())


def _print(content: memoryview) -> None:
    """To standard output: UTF-8, or what a terminal shows; as text where there is no byte stream below."""
    if sys.stdout.isatty():
        sys.stdout.write(visible(bytes(content).decode(), lines=True))
    elif hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(bytes(content).decode())
