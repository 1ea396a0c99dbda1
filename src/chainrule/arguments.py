"""Validation of the arguments of public functions: each is as expected, or a RequestError says what was expected.

Whatever is handed over is looked at before it is compared: an array, a data frame or a structured scalar compared with
a number or a text raises an exception of its own, or gives as many answers as it has entries.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from operator import index
from os import PathLike
from pathlib import Path
from reprlib import repr as short
from typing import Any, TypeVar

import numpy as np

from chainrule.errors import RequestError

T = TypeVar("T")


def is_single(value: Any) -> bool:
    """Whether it is one thing rather than several: a number, a text, None, an array without dimensions.

    >>> is_single("text"), is_single(np.array(1.0)), is_single([1.0]), is_single({})
    (True, True, False, False)
    """
    if isinstance(value, (str, bytes, bytearray, type)):
        return True
    return value.ndim == 0 if hasattr(value, "ndim") else not hasattr(value, "__iter__")


def is_integer(value: Any) -> bool:
    """Whether it is an integer: Python's, NumPy's, an array of one without dimensions; no boolean."""
    if isinstance(value, (bool, np.bool_)) or getattr(value, "dtype", None) == np.bool_:
        return False
    try:
        index(value)
    except TypeError:
        return False
    return True


def integer(name: str, value: Any, least: int, otherwise: str = "") -> int:
    """The value as an int. RequestError: it is not, or below ``least``; ``otherwise`` names what else is allowed.

    >>> integer("epochs", np.int64(3), 1)
    3
    >>> integer("epochs", 2.5, 1)
    Traceback (most recent call last):
    chainrule.errors.RequestError: epochs must be an integer of at least 1, not 2.5.
    """
    if not is_integer(value) or index(value) < least:
        raise RequestError(f"{name} must be an integer of at least {least}{otherwise}, not {short(value)}.")
    return index(value)


def is_number(value: Any) -> bool:
    """Whether it is a single number, integer or float, and no boolean: what ``float`` takes, but for text."""
    if isinstance(value, (str, bytes, bytearray, bool, np.bool_)) or not is_single(value):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def number(name: str, value: Any, said: str = "a finite number", finite: bool = True) -> float:
    """The value as a float. RequestError: it is not a number, or not finite; ``said`` is what it is to be.

    >>> number("l2", "0.1", "a number of at least 0")
    Traceback (most recent call last):
    chainrule.errors.RequestError: l2 must be a number of at least 0, not '0.1'.
    """
    if not is_number(value) or (finite and not isfinite(float(value))):
        raise RequestError(f"{name} must be {said}, not {short(value)}.")
    return float(value)


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """The value, where it is one of these texts. RequestError: another text, or no text."""
    known = tuple(known)
    if not isinstance(value, str) or value not in known:
        raise RequestError(f"{name} must be one of {', '.join(map(repr, known))}, not {short(value)}.")
    return value


def as_path(name: str, value: Any) -> Path:
    """The value as a path. RequestError: it is neither text nor a path."""
    return Path(instance(name, value, (str, PathLike), "the path of a file"))


def instance(name: str, value: Any, kind: type[T] | tuple[type[T], ...], said: str) -> T:
    """The value, where it is of this type. RequestError: it is not; ``said`` is what it is to be.

    >>> instance("recipe", "adam", dict, "a Recipe")
    Traceback (most recent call last):
    chainrule.errors.RequestError: recipe must be a Recipe, not 'adam'.
    """
    if not isinstance(value, kind):
        raise RequestError(f"{name} must be {said}, not {short(value)}.")
    return value


def listed(value: Any) -> tuple[Any, ...] | None:
    """The entries of a list, a tuple or an array in one dimension; None where it is something else, such as a text."""
    if isinstance(value, (str, bytes, bytearray, Mapping)) or is_single(value):
        return None
    if not hasattr(value, "__len__") or not hasattr(value, "__getitem__") or hasattr(value, "columns"):
        return None
    return tuple(value)
