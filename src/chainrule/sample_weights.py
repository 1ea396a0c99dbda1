"""How much each row counts: what weights are accepted, and what the weights of classes come to.

A row of weight 2 is two rows, and a row of weight 0 is none. A step sees the ratios w/S alone, S being the sum of the
weights; a penalty is divided by S itself, so that weights are refused rather than rescaled where S is out of range.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas import weighted

Floats = NDArray[np.float64]

MAX_SHOWN = 20  # classes in a message


def sums_within(dtype: str) -> tuple[float, float]:
    """The least and the largest sum of weights S: between them w/S and S J neither overflow nor lose digits."""
    kind = np.finfo(dtype)
    return float(kind.tiny) / float(kind.eps), float(kind.max) * float(kind.eps)


def require_weights(weight: Any, m: int, dtype: str = "float64", what: str = "weight") -> NDArray[Any]:
    """The weights of ``m`` rows, (m,), in ``dtype``.

    RequestError: another shape, a weight that is negative or not finite, a sum that is neither 0 nor within
    ``sums_within``.

    >>> require_weights([1e308, 1e308], 2)
    Traceback (most recent call last):
    chainrule.errors.RequestError: weight sums to inf, but float64 needs a sum from 1e-292 to 3.99e+292: divide all \
weights by 1e+308, their largest.
    """
    given = np.asarray(weight)
    try:
        w = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise RequestError(f"{what} must hold {m} nonnegative numbers, one per row, not {given.dtype}.") from None
    if w.shape != (m,):
        raise RequestError(f"{what} must hold {m} nonnegative numbers, one per row; its shape is {w.shape}.")
    wrong = ~((w >= 0.0) & np.isfinite(w))
    if wrong.any():
        first = int(wrong.argmax())
        raise RequestError(
            f"{what} must hold {m} nonnegative numbers, one per row, and is {w[first]:g} in row {first}."
        )
    least, most = sums_within(dtype)
    with np.errstate(over="ignore"):
        S = float(w.sum())
    if S > 0.0 and not least <= S <= most:
        raise RequestError(
            f"{what} sums to {S:.3g}, but {dtype} needs a sum from {least:.3g} to {most:.3g}: divide all weights by "
            f"{w.max():.3g}, their largest."
        )
    return np.ascontiguousarray(w, dtype)


def require_some(weight: Any, which: str = "training row") -> None:
    """RequestError: all of the rows have weight 0, so that there is nothing to learn from."""
    if not (np.asarray(weight) > 0.0).any():
        raise RequestError(
            f"every {which} has weight 0, so there is nothing to learn from. Give some rows a weight above 0."
        )


def class_weights(
    given: Any, classes: Sequence[Any], codes: NDArray[np.integer], weight: Any | None = None
) -> Floats | None:
    """(K,) how much the rows of each class count, by its place among the ``classes``; None where nothing is given.

    given    "balanced", or a weight by class, 1 where it names none
    codes    (m,) the classes of the training rows, by place, which "balanced" is about; and their ``weight``, (m,)

    Balanced weights are S / (K S_k), S_k being the sum of the weights of class k, and K the number of classes that have
    one: then the weights of all rows of a class sum to S / K in each. A class without weight gets 1.

    RequestError: a class that is not there, a weight that is negative or not finite.

    >>> class_weights("balanced", ["a", "b"], np.array([0, 0, 0, 1])).tolist()
    [0.6666666666666666, 2.0]
    >>> class_weights({"b": 7.0}, ["a", "b"], np.array([0, 0])).tolist()
    [1.0, 7.0]
    """
    if given is None:
        return None
    if isinstance(given, str) and given == "balanced":
        w = np.ones(len(codes)) if weight is None else weighted.scaled(np.asarray(weight, np.float64))
        sums = np.bincount(codes, w, minlength=len(classes))
        present = sums > 0.0
        return np.divide(w.sum(), present.sum() * sums, out=np.ones(len(classes)), where=present)
    if not isinstance(given, Mapping):
        raise RequestError(f"class_weight must be 'balanced' or a dict with a weight for each class, not {given!r}.")
    listed = ", ".join(map(repr, classes[:MAX_SHOWN])) + (", ..." if len(classes) > MAX_SHOWN else "")
    known = set(classes)
    unknown = [label for label in given if label not in known]
    if unknown:
        raise RequestError(f"class_weight names {unknown[0]!r}, which is not a class. Classes: {listed}.")
    return np.array([_class_weight(given.get(label, 1.0), label) for label in classes])


def _class_weight(value: Any, label: Any) -> float:
    try:
        w = float(value)
    except (TypeError, ValueError):
        w = float("nan")
    if not 0.0 <= w < float("inf"):
        raise RequestError(
            f"class_weight must be a nonnegative number for each class, but for {label!r} it is {value!r}."
        )
    return w
