"""The same numbers in every form that an array can have, and arrays that are none of them."""

import mmap
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Form = Callable[[np.ndarray], Any]


class Own(np.ndarray):
    """A class of somebody's own."""


def read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy(order="K")
    a.setflags(write=False)
    return a


def view_of_read_only(a: np.ndarray) -> np.ndarray:
    """A view that may be written, of memory that may not any more."""
    owner = a.copy(order="K")
    view = owner[...]
    owner.setflags(write=False)
    return view


def misaligned(a: np.ndarray) -> np.ndarray:
    moved = np.empty(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def mapped(mode: Any) -> Form:
    def form(a: np.ndarray) -> np.ndarray:
        path = Path(tempfile.mkdtemp()) / "array"
        path.write_bytes(a.tobytes())
        return np.memmap(path, a.dtype, mode, shape=a.shape)

    return form


def view_of_mapped(a: np.ndarray) -> np.ndarray:
    return np.asarray(mapped("r+")(a))[...]


def in_shared_memory(a: np.ndarray) -> np.ndarray:
    memory = mmap.mmap(-1, a.nbytes)
    memory[:] = a.tobytes()
    return np.frombuffer(memory, a.dtype).reshape(a.shape)


# Whoever writes them is seen by others, or must not.
SHARED: dict[str, Form] = {
    "read-only": read_only,
    "a view of what became read-only": view_of_read_only,
    "immutable bytes": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "somebody's bytearray": lambda a: np.frombuffer(bytearray(a.tobytes()), a.dtype).reshape(a.shape),
    "a map to read": mapped("r"),
    "a map to write": mapped("r+"),
    "a view of a map to write": view_of_mapped,
    "a private map": mapped("c"),
    "shared memory": in_shared_memory,
}

SAME: dict[str, Form] = SHARED | {
    "plain": lambda a: a.copy(order="K"),
    "rows in C order": lambda a: np.array(a, order="C"),
    "columns in Fortran's order": lambda a: np.array(a, order="F"),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "a part of a larger one": lambda a: np.pad(a, [(1, 2)] * a.ndim)[(slice(1, -2),) * a.ndim],
    "misaligned": misaligned,
    "of the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "of wider numbers": lambda a: a.astype(np.longdouble),
    "of double numbers": lambda a: a.astype(np.float64),
    "of a class of its own": lambda a: a.copy(order="K").view(Own),
    "a view of a view": lambda a: a.copy(order="K")[...].view(np.ndarray)[...],
}

OBJECTS: dict[str, Form] = {"of objects": lambda a: a.astype(object)}


def lengths(axis: int) -> dict[str, Form]:
    """Too few and too many along an axis."""
    return {
        f"one less along axis {axis}": lambda a: np.delete(a, -1, axis),
        f"one more along axis {axis}": lambda a: np.concatenate([a, a.take([0], axis)], axis),
        f"empty along axis {axis}": lambda a: a.take([], axis),
        f"a thousand times along axis {axis}": lambda a: np.concatenate([a] * 1000, axis),
    }


NO_NUMBERS: dict[str, Form] = {
    "complex": lambda a: a.astype(complex),
    "text": lambda a: np.full(a.shape, "1.5 m"),
    "objects that are no numbers": lambda a: np.full(a.shape, None),
    "dates": lambda a: np.full(a.shape, "2020-01-01", "datetime64[D]"),
    "records": lambda a: np.zeros(a.shape, [("x", "f4"), ("y", "f4")]),
    "nothing": lambda a: None,
    "a number": lambda a: np.float32(1.0),
}
