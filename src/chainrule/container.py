"""Sealed files: arrays and a description in one file, read only where it is complete and unchanged.

The file is a safetensors file of the strictest kind (an 8-byte length, a JSON header, the raw arrays), in whose
metadata is

    chainrule   the description: plain JSON, which begins with
    sha256      of the whole file, with these 64 digits written as zeros

It is written and read here, rather than by the safetensors library, so that one content has one sequence of bytes, and
a file is accepted if it is that one. Whatever else a header could say of arrays (that they overlap, leave gaps, are a
hundred thousand) is refused before it is parsed; what is parsed has to give the same bytes again. Reading runs no code,
imports nothing, and looks at the first bytes before it reads the others. The checksum finds every flipped bit; against
someone who makes a file on purpose it proves nothing, so what a description says is still checked by whoever takes it.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import RequestError, nearest

_OPENING = b'{"__metadata__":{"chainrule":"'
_MARK = _OPENING + b'{\\"sha256\\":\\"'  # JSON inside JSON
_DIGITS = 8 + len(_MARK)  # where the 64 digits of the checksum begin
_ZEROS = b"0" * 64
_DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
_NAME, _SIZES, _PLACES = r"([A-Za-z_][A-Za-z_0-9]{0,63})", r"((?:\d{1,19},)*\d{1,19})?", r"(\d{1,19}),(\d{1,19})"
_ARRAY = rf',"{_NAME}":\{{"dtype":"(F32|F64)","shape":\[{_SIZES}\],"data_offsets":\[{_PLACES}\]\}}'
_ARRAYS = re.compile(rf"\}}((?:{_ARRAY})*)\}} *")
_ONE_ARRAY = re.compile(_ARRAY)
_LONGEST_TABLE = 8192  # characters that say which arrays there are: some sixty of them
_MOST_ENTRIES = 100  # of a record; those that are written have a dozen


class NotSealed(RequestError):
    """A file that is not what was written: another kind of file, or a damaged one."""


def seal(description: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Any]:
    """The pieces of a file, to be written one after the other.

    ValueError: a number in the description is not finite, or a text half a character. TypeError: it is no plain JSON.

    >>> pieces = seal({"format": 1}, {"theta": np.array([0.5, 2.0])})
    >>> content = b"".join(pieces)
    >>> description, arrays = unseal(content, "it")
    >>> description, arrays["theta"].tolist()
    ({'format': 1}, [0.5, 2.0])
    """
    head = _head(description, arrays)
    raw: list[Any] = [np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for array in arrays.values()]
    digest = hashlib.sha256(head)
    for array in raw:
        digest.update(array)
    return [head[:_DIGITS], digest.hexdigest().encode(), head[_DIGITS + 64 :], *raw]


def _head(description: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """The file before its arrays, the digits of the checksum zeros."""
    text = json.dumps({"sha256": _ZEROS.decode()} | dict(description), allow_nan=False, separators=(",", ":"))
    if "\\ud" in text:  # perhaps one half of a pair that stands for a character, which no other program could write
        json.dumps(description, ensure_ascii=False).encode()
    header: dict[str, Any] = {"__metadata__": {"chainrule": text}}
    end = 0
    for name, array in arrays.items():
        dtype = next(code for code, dtype in _DTYPES.items() if dtype == array.dtype)
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # so that the arrays begin at a multiple of 8
    return len(head).to_bytes(8, "little") + head


def read_sealed(path: Path, what: str) -> bytes:
    """The bytes of a file that begins like a sealed one; ``what`` it should be, for messages.

    NotSealed: it begins otherwise. RequestError: there is no such file, or it cannot be read.
    """
    try:
        # without a buffer, which would be joined to the rest in a second copy of it
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            content = file.read(_DIGITS)
            if content[8:] == _MARK:
                file.seek(0)
                content = file.read()
    except FileNotFoundError:
        beside = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise RequestError(f"there is no {what} {str(path)!r}{nearest(path.name, beside)}") from None
    except OSError as error:
        raise RequestError(f"cannot read {str(path)!r}: {error.strerror}.") from error
    except (ValueError, MemoryError) as error:  # a name with a null in it; a file of holes that goes on and on
        raise RequestError(f"cannot read {str(path)!r}: {str(error) or 'it is larger than the memory'}.") from error
    _require_mark(content, repr(str(path)), what)
    return content


def _without_waiting(path: str, flags: int) -> int:
    """A pipe of that name is not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def unseal(content: bytes, name: str, what: str = "sealed file") -> tuple[dict[str, Any], dict[str, Any]]:
    """The description (without its checksum) and the arrays, which are views of ``content`` and cannot be written to.

    NotSealed: the bytes are not exactly what was written.
    """
    _require_mark(content, name, what)
    seen = memoryview(content)
    digest = hashlib.sha256(seen[:_DIGITS])
    digest.update(_ZEROS)
    digest.update(seen[_DIGITS + 64 :])
    if digest.hexdigest().encode() != seen[_DIGITS : _DIGITS + 64]:
        raise NotSealed(f"{name} is damaged: its bytes are not those that were written. Restore a copy.")
    start = 8 + int.from_bytes(seen[:8], "little")
    try:
        if start > len(content):
            raise ValueError("its header is longer than the file")
        header = str(seen[8:start], "ascii")
        text, end = json.JSONDecoder().raw_decode(header, len(_OPENING) - 1)  # the string that begins there
        arrays = _arrays(header[end : end + _LONGEST_TABLE + 1], seen[start:])
        description = strict_json(text)
        del description["sha256"]
        head = _head(description, arrays)
        if (head[:_DIGITS], head[_DIGITS + 64 :]) != (content[:_DIGITS], content[_DIGITS + 64 : start]):
            raise ValueError("its header is not as chainrule writes it")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise NotSealed(f"{name} is not a {what} that chainrule has written: {error}.") from error
    return description, arrays


def strict_json(text: str) -> Any:
    """The value of a JSON text. ValueError: a key twice, NaN or an infinite number; RecursionError: nested too deep."""
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_float=_finite)


def _require_mark(content: bytes, name: str, what: str) -> None:
    if content[8:_DIGITS] != _MARK:
        raise NotSealed(f"{name} is not a chainrule {what} (or its beginning is damaged).")


def _arrays(table: str, raw: memoryview) -> dict[str, Any]:
    """The arrays by name, from what the header says of them. ValueError: it says something else than was written."""
    listed = _ARRAYS.fullmatch(table) if len(table) <= _LONGEST_TABLE else None
    if listed is None:
        raise ValueError("its header lists the arrays otherwise, or too many")
    arrays: dict[str, Any] = {}
    end = 0
    for name, dtype, sizes, begin, after in _ONE_ARRAY.findall(listed[1]):
        shape = tuple(int(size) for size in sizes.split(",")) if sizes else ()
        length = prod(shape) * _DTYPES[dtype].itemsize
        if name in arrays or int(begin) != end or int(after) != end + length or end + length > len(raw):
            raise ValueError(f"its array {name!r} does not lie where it should")
        arrays[name] = np.frombuffer(raw[end : end + length], _DTYPES[dtype]).reshape(shape)
        end += length
    if end != len(raw):
        raise ValueError(f"{len(raw) - end} bytes belong to no array")
    return arrays


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MOST_ENTRIES:
        raise ValueError(f"a record has {len(pairs)} entries")
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is beyond what a number can hold")
    return number
