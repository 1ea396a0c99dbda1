"""The step that every document of the notes ends with: V := V - alpha dV, for one parameter or for all of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.notes.array_checks import Floats, require_entries

__all__: list[str] = []


def moved(V: Floats, dV: Floats, alpha: float) -> Floats:
    """V - alpha dV, a new array, in V's own precision: float32 stays float32, and integers become float64.

    >>> moved(np.array([[1, 2]]), np.array([[0.5, 0.0]]), 0.5).tolist(), moved(np.ones(1, "f4"), np.ones(1), 0.5).dtype
    ([[0.75, 2.0]], dtype('float32'))
    """
    V = np.asarray(V)
    precision = V.dtype if np.issubdtype(V.dtype, np.floating) else np.float64
    step = np.asarray(alpha * np.asarray(dV), precision)
    # fresh memory for a large W costs more than the arithmetic
    return np.subtract(V, step, out=step) if step.shape == V.shape else V - step


def all_moved(parameters: Mapping[str, Floats], gradients: Mapping[str, Any], alpha: float) -> dict[str, Floats]:
    """Every V of the parameters, moved by its "dV". RequestError: a gradient is missing.

    >>> all_moved({"b1": np.array([[1.0]])}, {"db1": np.array([[4.0]])}, 0.5)["b1"].tolist()
    [[-1.0]]
    """
    require_entries("the gradient", gradients, *(f"d{name}" for name in parameters))
    return {name: moved(V, gradients[f"d{name}"], alpha) for name, V in parameters.items()}
