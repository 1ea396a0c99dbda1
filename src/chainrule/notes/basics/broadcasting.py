"""Broadcasting, and why vectors should be columns (*Deep learning basics*, a note on NumPy)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError

__all__ = ["Pitfall", "as_column", "bias_copies", "rank_one_pitfalls"]

Floats = NDArray[Any]


def bias_copies(b: Any, m: int) -> Floats:
    """What ``+ b`` stands for in np.dot(w.T, X) + b and W @ X + b: m copies of the column b side by side, b 1^T.

    NumPy makes the copies in thought alone. A number b is a column with one row. It is also why db is a sum over the
    columns: b acts in each of them. RequestError: b is neither a number nor a column.

    >>> bias_copies(np.array([[1.0], [2.0]]), 3).tolist()
    [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    column = np.asarray(b, float)
    column = column.reshape(1, 1) if column.ndim == 0 else column
    if column.ndim != 2 or column.shape[1] != 1:
        raise RequestError(f"b is {column.shape}: a number or a column (n, 1) is needed.")
    return column @ np.ones((1, m))


def as_column(a: Any) -> Floats:
    """a = a.reshape(n, 1), assert(a.shape == (n, 1)): a rank-1 array, (n,), made a column. A column stays one.

    RequestError: anything else; a row is not transposed silently, since it may be m examples of one number.

    >>> as_column([1.0, 2.0]).shape, as_column(np.zeros((5, 1))).shape
    ((2, 1), (5, 1))
    """
    array = np.asarray(a)
    if array.ndim == 1:
        return array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[1] != 1:
        raise RequestError(f"a is {array.shape}: a rank-1 array (n,) or a column (n, 1) is needed.")
    return array


@dataclass(frozen=True)
class Pitfall:
    """The same line with a rank-1 array and with a column: the shapes that come out, and the consequence."""

    line: str
    rank_one: tuple[int, ...]
    column: tuple[int, ...]
    consequence: str

    def __str__(self) -> str:
        """One line: what is typed, the two shapes, the consequence."""
        return f"{self.line:<34}{self.rank_one!s:<10}{self.column!s:<10}{self.consequence}"


def rank_one_pitfalls(n: int = 5, seed: int = 0) -> list[Pitfall]:
    """np.random.randn(5) against np.random.randn(5, 1), in lines that come up in every network.

    RequestError: n below 2, where the shapes cannot be told apart.

    >>> for pitfall in rank_one_pitfalls():
    ...     print(pitfall)
    a                                 (5,)      (5, 1)    neither a row nor a column
    a.T                               (5,)      (1, 5)    the transpose is the same array
    np.dot(a, a.T)                    ()        (5, 5)    a number where a matrix is meant
    a - y, y a column                 (5, 5)    (5, 1)    every difference of two entries, silently
    W @ x + a, W (5, 3), x a column   (5, 5)    (5, 1)    the bias added along the wrong axis, silently
    W @ X / W.sum(axis=1), X (3, 5)   (5, 5)    (5, 5)    divides column j by the sum of row j; keepdims=True is meant
    """
    if n < 2:
        raise RequestError(f"n is the length of the array, at least 2; not {n}.")
    random = np.random.default_rng(seed)
    a, y = random.normal(size=n), random.normal(size=(n, 1))
    W, x, X = random.uniform(1, 2, (n, 3)), random.normal(size=(3, 1)), random.normal(size=(3, n))

    def row(line: str, made: Callable[[Floats], Any], consequence: str) -> Pitfall:
        return Pitfall(line, np.shape(made(a)), np.shape(made(as_column(a))), consequence)

    flat = W @ X / W.sum(axis=1)
    kept = W @ X / W.sum(axis=1, keepdims=True)
    return [
        row("a", lambda a: a, "neither a row nor a column"),
        row("a.T", lambda a: a.T, "the transpose is the same array"),
        row("np.dot(a, a.T)", lambda a: np.dot(a, a.T), "a number where a matrix is meant"),
        row("a - y, y a column", lambda a: a - y, "every difference of two entries, silently"),
        row(f"W @ x + a, W ({n}, 3), x a column", lambda a: W @ x + a, "the bias added along the wrong axis, silently"),
        Pitfall(
            f"W @ X / W.sum(axis=1), X (3, {n})",
            flat.shape,
            kept.shape,
            "divides column j by the sum of row j; keepdims=True is meant",
        ),
    ]
