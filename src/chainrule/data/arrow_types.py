"""The few Arrow types that the rest of chainrule meets: every table passes through here once, where it is read."""

import json
from collections.abc import Mapping
from itertools import pairwise
from math import isnan
from numbers import Number
from reprlib import repr as short
from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.data.columns import pc, row_name
from chainrule.data.kinds import VALUES, is_date, is_text
from chainrule.errors import RequestError

# The unit of NumPy in which a period of pandas is counted since 1970, and how many of it are one period, by frequency.
PERIODS = {
    **dict.fromkeys(("Y-DEC", "A-DEC"), ("Y", 1)),  # the latter before pandas 2.2, as are the capitals below
    "Q-DEC": ("M", 3),
    "M": ("M", 1),
    "D": ("D", 1),
    **dict.fromkeys(("h", "H"), ("h", 1)),
    **dict.fromkeys(("min", "T"), ("m", 1)),
    **dict.fromkeys(("s", "S"), ("s", 1)),
    **dict.fromkeys(("ms", "L"), ("ms", 1)),
    **dict.fromkeys(("us", "U"), ("us", 1)),
    **dict.fromkeys(("ns", "N"), ("ns", 1)),
}
# The types of single values that stay as they are.
INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
FINAL = {
    pa.large_string(),
    pa.bool_(),
    *INTEGERS,
    pa.float32(),
    pa.float64(),
    pa.date32(),
    pa.timestamp("us"),
    pa.null(),
}


def as_arrow(values: Any, label: str) -> pa.Array | pa.ChunkedArray:
    """``values`` as an Arrow array with NaN as missing; RequestError where they are of no one kind."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        if hasattr(values, "to_arrow"):  # polars
            return values.to_arrow()
        if isinstance(values, np.ndarray) and not values.dtype.isnative:
            values = values.astype(values.dtype.newbyteorder("="))
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        why = _change_of_kind(values) or error
        raise RequestError(f"{label} holds values of more than one kind: {why}") from error


def _change_of_kind(values: Any) -> str:
    """Where the cells change from one kind to another, or '' where they do not."""
    cells = [(i, cell, _named(cell)) for i, cell in enumerate(values)] if hasattr(values, "__iter__") else []
    known = [(i, cell, kind) for i, cell, kind in cells if kind]
    for (_, _, before), (i, cell, kind) in pairwise(known):
        if kind != before:
            where = f"{short(cell)} in {row_name(i)}"
            return f"it was {before}, now it is {kind}: {where}. Correct the cell, or leave it empty."
    return ""


def _named(cell: Any) -> str:
    """What a single cell is, in words; '' where it is missing."""
    if cell is None or (isinstance(cell, float) and isnan(cell)) or type(cell).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(cell, bool | np.bool_):
        return VALUES["boolean"]
    if isinstance(cell, Number | np.number):
        return VALUES["number"]
    return VALUES["text"] if isinstance(cell, str) else type(cell).__name__


def normalized(table: pa.Table) -> pa.Table:
    """``table`` with the same names and values, each column in one chunk and of one of these types:

    - ``large_string`` for text of any kind;
    - ``bool``; integers of any width, signed or not; ``float`` and ``double``;
    - ``date32``, and ``timestamp[us]`` without a zone, in UTC where there was one;
    - ``dictionary<int32, V>`` for a declared category: dictionaries of Arrow, categories of pandas and polars, enums,
      intervals. V is one of the types above except dates, so a category of integers or booleans is one of integers
      or booleans, and ``pa.types.is_dictionary(column.type)`` tells it from a column of integers or booleans. Dates in
      a category are text, such as 2024-01-31 and 2024-01-31 10:30:00;
    - ``null`` where no row has a value and the type is unknown.

    A column that makes no features, such as lists, bytes, durations or times of day, keeps a type that says so, for
    others to name. Half floats become ``float``; decimals ``int64`` where their type has no fraction and they fit, else
    ``double``; periods of pandas the moment of their start; intervals the text that pandas prints; other extension
    types what they are stored as. Metadata are dropped. What is normalized already comes back without a copy.

    Raises RequestError for moments beyond the range of microseconds (years -290,308 to 294,247), for periods of an
    unusual frequency, and for types that Arrow cannot take by row, such as lists of string views.

    >>> sizes = pa.array([2, 1, 2]).dictionary_encode()
    >>> table = normalized(pa.table({"text": pa.array(["a", "b", None], pa.string_view()), "size": sizes}))
    >>> [str(kind) for kind in table.schema.types]
    ['large_string', 'dictionary<values=int64, indices=int32, ordered=0>']
    """
    columns = [_column(field, column) for field, column in zip(table.schema, table.columns, strict=True)]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _column(field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if field.type in FINAL and column.num_chunks == 1 and not field.metadata:
        return column
    try:
        if pa.types.is_string(field.type):
            column = column.cast(pa.large_string())  # in one chunk, text may be beyond the 2 GiB of ``string``
        elif pa.types.is_dictionary(field.type) and column.num_chunks > 1:
            column = pa.chunked_array([_array(field, chunk) for chunk in column.chunks])  # Arrow merges plain ones
        chunk = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        array = _array(field, chunk)
        array[:0].take(pa.array([], pa.int64()))  # Arrow has no such operation for views within lists and structs
    except pa.ArrowException as error:
        raise RequestError(
            f"column {field.name!r} holds {field.type}, which cannot be read: {error}. Convert or remove it."
        ) from error
    return column if column.num_chunks == 1 and array is chunk else pa.chunked_array([array])


def _array(field: pa.Field, array: pa.Array) -> pa.Array:
    """The values of ``array``, which is of the type of ``field``, in a type of :func:`normalized`."""
    kind = array.type
    extension, parameters = _extension(field)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if extension == "pandas.interval":
        return _intervals(array, parameters["closed"]).dictionary_encode()
    if extension == "pandas.period":
        return _starts(array, parameters["freq"])
    if extension == "arrow.bool8":
        return array.cast(pa.bool_())
    if isinstance(kind, pa.BaseExtensionType):
        return _array(pa.field(field.name, array.type), array)
    if pa.types.is_dictionary(kind):
        return _category(array)
    if pa.types.is_run_end_encoded(kind):
        return _array(pa.field(field.name, kind.value_type), pc.run_end_decode(array))
    return _plain(array)


def _plain(array: pa.Array) -> pa.Array:
    kind = array.type
    if is_text(kind):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return array.cast(pa.large_binary())
    if pa.types.is_float16(kind):
        return array.cast(pa.float32())
    if pa.types.is_decimal(kind):
        return _decimals(array)
    if pa.types.is_date64(kind):
        return array.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind) and kind != pa.timestamp("us"):
        finer = kind.unit == "ns"  # what is finer is cut off; that a coarser one overflows is an error
        return array.cast(pa.timestamp("us", kind.tz), safe=not finer).cast(pa.timestamp("us"))
    return array


def _category(array: pa.DictionaryArray) -> pa.Array:
    """A declared category, or the values where they can be no levels, such as lists."""
    values = _array(pa.field("", array.type.value_type), array.dictionary)
    if is_date(values.type):
        values = _moments(values)
    elif pa.types.is_dictionary(values.type):  # intervals
        values = values.dictionary_decode()
    if values is array.dictionary and array.type.index_type == pa.int32() and _is_level(values.type):
        return array
    cells = values.take(array.indices)
    return cells.dictionary_encode() if _is_level(cells.type) else cells


def _is_level(kind: pa.DataType) -> bool:
    """Whether values of this type can be the levels of a category."""
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return is_number or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)


def _decimals(array: pa.Array) -> pa.Array:
    if array.type.scale <= 0:
        try:
            return array.cast(pa.int64())
        except pa.ArrowInvalid:
            pass  # beyond 64 bits
    return array.cast(pa.float64())


def _moments(array: pa.Array) -> pa.Array:
    """Dates and times as text, as 2024-01-31, and 2024-01-31 10:30:00.5 where the time is not midnight."""
    text = array.cast(pa.large_string())
    if pa.types.is_date(array.type):
        return text
    return pc.replace_substring_regex(pc.replace_substring_regex(text, r"\.?0+$", ""), r" 00:00:00$", "")


def _intervals(array: pa.StructArray, closed: str) -> pa.Array:
    """Intervals as text, as pandas prints them: (0.5, 1.5]."""
    opening = "[" if closed in ("left", "both") else "("
    closing = "]" if closed in ("right", "both") else ")"
    cells = [c and f"{opening}{c['left']}, {c['right']}{closing}" for c in array.to_pylist()]
    return pa.array(cells, pa.large_string())


def _starts(array: pa.Array, frequency: str) -> pa.Array:
    """The moments at which periods start, from their numbers since 1970."""
    if frequency not in PERIODS:
        raise pa.ArrowNotImplementedError(f"its frequency is {frequency!r}, expected one of {', '.join(PERIODS)}")
    unit, count = PERIODS[frequency]
    numbers = pc.fill_null(array, 0).to_numpy() * count
    moments = pa.array(numbers.astype(f"M8[{unit}]").astype("M8[us]"), pa.timestamp("us"))
    return pc.if_else(array.is_valid(), moments, None)


def _extension(field: pa.Field) -> tuple[str, Mapping[str, Any]]:
    """The name and the parameters of an extension type, registered or not, ``""`` and none of any other."""
    kind, metadata = field.type, field.metadata or {}
    if isinstance(kind, pa.BaseExtensionType):
        name = kind.extension_name
        stored = kind.__arrow_ext_serialize__() if isinstance(kind, pa.ExtensionType) else b""
    else:
        name = metadata.get(b"ARROW:extension:name", b"").decode()
        stored = metadata.get(b"ARROW:extension:metadata", b"")
    return name, json.loads(stored) if name.startswith("pandas.") else {}
