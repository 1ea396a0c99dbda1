"""Read a table from a file, a data frame or a dictionary of columns."""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from chainrule.data.arrow_types import as_arrow, normalized
from chainrule.data.csv_files import read_csv
from chainrule.data.gaps import IN_CSV_FILES
from chainrule.data.plain_tables import as_columns
from chainrule.errors import RequestError, nearest

CSV_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_ENDINGS = (".parquet", ".pq")


def read_table(
    source: Any,
    *,
    delimiter: str | None = None,
    decimal: str = ".",
    as_text: Iterable[str] = (),
    missing: Sequence[str] = IN_CSV_FILES,
) -> pa.Table:
    """The table in ``source``: a file, a data frame of pandas or polars, a pyarrow Table, or a dict of columns.

    One row may be a dict of single values, and rows a list of such dicts; an array has the columns x0, x1, ...

    A path ending in .csv, .tsv or .txt, each also with .gz and in capitals, is read as CSV in UTF-8; one ending in
    .parquet or .pq as Parquet. In a CSV file the cells in ``missing`` are missing, in text columns too: unless
    something else is given the empty one, NA, N/A, NaN, null and the like. A column without a name is called
    ``column 3`` after its place. The index of a pandas data frame is not read.

    ``delimiter`` and ``decimal`` are for CSV files: without ``delimiter`` the header tells which of comma, semicolon,
    tab and bar it is. The columns in ``as_text`` are not guessed at: ``007`` stays ``007`` even where every cell looks
    like a number. Names in it that the file does not have are passed over.

    What comes out has few types, whatever went in: see :func:`chainrule.data.arrow_types.normalized`.

    Raises RequestError where there is no such file, where it cannot be read, has no rows, repeats a column name, is
    not UTF-8, has a NUL byte, a row with too many or too few cells, a quote that takes in other rows, or numbers whose
    thousands would be read as decimals; and for a column that Arrow cannot hold or take by row.

    >>> read_table({"mass": [3750, None], "island": ["Biscoe", "Dream"]}).num_rows
    2
    """
    if is_path(source):
        table, origin = _read_file(Path(source), delimiter, decimal, as_text, missing), repr(str(source))
    else:
        table, origin = _convert(source), "the table"
    return normalized(_checked(table, origin))


def is_path(source: Any) -> TypeGuard[str | Path]:
    """Whether it is the path of a file rather than a table in memory."""
    return isinstance(source, str | Path)


def is_csv(source: Any) -> bool:
    """Whether it names a file whose cells have no type but how they are spelled."""
    return is_path(source) and Path(source).name.lower().endswith(CSV_ENDINGS)


def _read_file(
    path: Path, delimiter: str | None, decimal: str, as_text: Iterable[str], missing: Sequence[str]
) -> pa.Table:
    name = path.name.lower()
    try:
        if path.is_dir():
            raise RequestError(f"{str(path)!r} is a folder: name a file in it.")
        if not path.exists():
            beside = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
            raise RequestError(f"there is no file {str(path)!r}{nearest(path.name, beside)}")
        if name.endswith(CSV_ENDINGS):
            return read_csv(path, delimiter, decimal, as_text, missing)
        if name.endswith(PARQUET_ENDINGS):
            # ParquetFile, and not read_table: the latter takes columns from folder names such as year=2020.
            with pyarrow.parquet.ParquetFile(path) as file:
                return file.read()
    except (OSError, EOFError, zlib.error) as error:  # the last two from a .gz that is cut off or damaged
        raise RequestError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeEncodeError as error:  # pyarrow opens names in UTF-8 alone
        raise RequestError(f"cannot read {str(path)!r}: its name is not UTF-8. Rename it.") from error
    except pa.ArrowException as error:
        raise RequestError(f"cannot read {str(path)!r} as {path.suffix[1:]}: {error}") from error
    raise RequestError(
        f"cannot tell what {str(path)!r} is: expected a name ending in .csv, .tsv, .txt, .parquet or .pq."
    )


def _convert(source: Any) -> pa.Table:
    """A table in memory as a pyarrow Table."""
    source = as_columns(source)
    try:
        if isinstance(source, pa.Table):
            return source
        if isinstance(source, Mapping):
            return pa.table({str(name): as_arrow(values, f"column {name!r}") for name, values in source.items()})
        if type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns"):
            return pa.Table.from_pandas(_plain_memory(source), preserve_index=False)
        if hasattr(source, "to_arrow"):  # polars
            return pa.table(source.to_arrow())
        if hasattr(source, "__arrow_c_stream__"):
            return pa.table(source)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, RequestError):
            raise
        why = _wrong_column(source) or error
        raise RequestError(f"cannot make a table of this {type(source).__name__}: {why}") from error
    raise RequestError(
        f"cannot make a table of {type(source).__name__}: expected the path of a CSV or Parquet file, a data frame of "
        "pandas or polars, a pyarrow Table, a dict of columns, a list of dicts, or an array (m, n)."
    )


def _plain_memory(frame: Any) -> Any:
    """A data frame of pandas without what pyarrow does not take: sparse columns, numbers in foreign byte order."""
    types = {}
    for name, kind in frame.dtypes.items():
        if type(kind).__name__ == "SparseDtype":
            types[name] = kind.subtype
        elif isinstance(kind, np.dtype) and not kind.isnative:
            types[name] = kind.newbyteorder("=")
    return frame.astype(types) if types and frame.columns.is_unique else frame


def _wrong_column(source: Any) -> str:
    """What is wrong with the first column of a data frame that cannot be one, or '' where that is not the reason."""
    try:
        for name in source.columns:
            column = source[name]
            if hasattr(column, "tolist"):  # pandas
                as_arrow(column.tolist(), f"column {name!r}")
                continue
            try:
                column.to_arrow()
            except pa.ArrowException as error:
                return f"column {name!r} has the type {column.dtype}: {error}"
    except RequestError as error:
        return str(error)
    except AttributeError:  # no data frame of pandas or polars
        pass
    return ""


def _checked(table: pa.Table, origin: str) -> pa.Table:
    """``table`` with every column named, or RequestError where a name comes twice or there are no rows."""
    table = table.rename_columns(
        [name if name.strip() else f"column {i}" for i, name in enumerate(table.column_names, 1)]
    )
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise RequestError(
            f"{origin} has more than one column named {', '.join(map(repr, twice))}: rename or remove all but one."
        )
    if table.num_columns == 0:
        raise RequestError(f"{origin} has no columns.")
    if table.num_rows == 0:
        raise RequestError(f"{origin} has columns ({', '.join(table.column_names[:8])}) and no rows.")
    return table
