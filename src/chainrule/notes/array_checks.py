"""What the notes' functions ask of shapes; each RequestError says which array it is about, and what came."""

from collections.abc import Mapping
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError

Floats = NDArray[Any]

__all__: list[str] = []


def require_matrices(**arrays: Floats) -> None:
    """Two dimensions each.

    >>> require_matrices(A=np.zeros(3))
    Traceback (most recent call last):
    chainrule.errors.RequestError: A has shape (3,): a matrix with rows and columns is needed; ...
    """
    require_arrays(**arrays)
    for name, array in arrays.items():
        if np.ndim(array) != 2:
            advice = f"; {name}.reshape(-1, 1) makes it a column" if np.ndim(array) == 1 else ""
            raise RequestError(f"{name} has shape {np.shape(array)}: a matrix with rows and columns is needed{advice}.")


def require_arrays(**arrays: Any) -> None:
    """Arrays rather than lists or other things.

    >>> require_arrays(A=[[1.0]])
    Traceback (most recent call last):
    chainrule.errors.RequestError: A is [[1.0]]: an array is needed; np.array(...) makes one of a list of rows.
    """
    for name, array in arrays.items():
        if not hasattr(array, "shape"):
            said = "an array is needed; np.array(...) makes one of a list of rows."
            raise RequestError(f"{name} is {short(array)}: {said}")


def require_fit(layer: str, W: Floats, b: Floats, name_of_A: str, A: Floats) -> None:
    """W has as many columns as A has rows, and b is a column as long as W.

    >>> require_fit("layer 2: ", np.zeros((5, 4)), np.zeros((5, 1)), "A[1]", np.zeros((3, 7)))
    Traceback (most recent call last):
    chainrule.errors.RequestError: layer 2: W is (5, 4) but A[1] has 3 rows.
    """
    if W.shape[1] != A.shape[0]:
        raise RequestError(f"{layer}W is {W.shape} but {name_of_A} has {A.shape[0]} rows.")
    if b.shape != (W.shape[0], 1):
        raise RequestError(f"{layer}b is {b.shape} but W is {W.shape}: b must be ({W.shape[0]}, 1).")


def require_parameters(X: Floats, parameters: Mapping[str, Floats]) -> int:
    """L, the number of layers, where W1, b1, ..., WL, bL are all there and each fits the layer before it.

    >>> require_parameters(np.zeros((3, 7)), {"W1": np.zeros((4, 3)), "b1": np.zeros((4, 1))})
    1
    """
    L = len(parameters) // 2
    missing = [name for l in range(1, L + 1) for name in (f"W{l}", f"b{l}") if name not in parameters]
    if L == 0 or missing or len(parameters) % 2:
        raise RequestError(f"parameters must be W1, b1, ..., WL, bL, not {', '.join(parameters) or 'none'}.")
    require_matrices(X=X, **{name: parameters[name] for name in parameters})
    A, name_of_A = X, "A[0] = X"
    for l in range(1, L + 1):
        W = parameters[f"W{l}"]
        require_fit(f"layer {l}: ", W, parameters[f"b{l}"], name_of_A, A)
        A, name_of_A = W, f"A[{l}]"  # A[l] has as many rows as W[l]
    return L


def require_same_shape(AL: Floats, Y: Floats) -> None:
    """One target for each output and example.

    >>> require_same_shape(np.zeros((1, 3)), np.zeros(3))
    Traceback (most recent call last):
    chainrule.errors.RequestError: Y is (3,) but AL is (1, 3): ... Y.reshape((1, 3)) makes it so.
    """
    require_matrices(AL=AL)
    if np.shape(Y) != AL.shape:
        advice = f" Y.reshape({AL.shape}) makes it so." if np.ndim(Y) == 1 and np.size(Y) == AL.size else ""
        raise RequestError(f"Y is {np.shape(Y)} but AL is {AL.shape}: one column for each example.{advice}")
    require_examples(AL.shape[1])


def require_entries(what: str, given: Mapping[str, Any], *names: str) -> None:
    """All of these are in a dict of arrays.

    >>> require_entries("forward", {"Z1": 0}, "Z1", "A1")
    Traceback (most recent call last):
    chainrule.errors.RequestError: forward holds Z1, A1, and A1 is missing. It has Z1.
    """
    missing = [name for name in names if name not in given]
    if missing:
        there = ", ".join(map(str, given)) or "nothing"
        raise RequestError(f"{what} holds {', '.join(names)}, and {missing[0]} is missing. It has {there}.")


def require_examples(m: int) -> None:
    """At least one example to take the mean over.

    >>> require_examples(0)
    Traceback (most recent call last):
    chainrule.errors.RequestError: there is no example: m = 0, but the mean over m examples divides by m.
    """
    if m < 1:
        raise RequestError(f"there is no example: m = {m}, but the mean over m examples divides by m.")


def require_between_0_and_1(**arrays: Any) -> None:
    """Targets and probabilities of the cross-entropy: beyond 0 and 1 it has no least value, and means nothing.

    >>> require_between_0_and_1(Y=np.array([[0, 2]]))
    Traceback (most recent call last):
    chainrule.errors.RequestError: Y must be from 0 to 1 for the cross-entropy, but it holds 2: ...
    """
    for name, array in arrays.items():
        values = np.asarray(array)
        outside = ~((values >= 0) & (values <= 1))
        if outside.any():
            raise RequestError(
                f"{name} must be from 0 to 1 for the cross-entropy, but it holds {values[outside].ravel()[0]:g}: is it "
                "a class number, or -1 and 1? Write 0 and 1, one output for each class."
            )


def reshaped(Y: Floats, shape: tuple[int, ...]) -> Floats:
    """Y.reshape(shape) where that has a single row or column, so that there is one order alone; else Y as it is.

    Several rows and columns would be filled row by row, which for a transposed Y is another target for each entry.

    >>> reshaped(np.array([0, 1, 1]), (1, 3)).tolist(), reshaped(np.zeros((3, 2)), (2, 3)).shape
    ([[0, 1, 1]], (3, 2))
    """
    one_order = 1 in shape and np.size(Y) == np.prod(shape) == max(np.shape(Y), default=1)
    return np.reshape(Y, shape) if one_order else Y
