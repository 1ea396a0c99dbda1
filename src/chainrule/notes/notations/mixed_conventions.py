"""What happens when dZ is taken from one document and the formula for dW from another: 1/m twice, or not at all.

The table at work is ``conventions.CONVENTIONS``. Arrays have examples as columns here, whatever the document.
"""

from chainrule.errors import RequestError
from chainrule.formulas.table import Array
from chainrule.notes.array_checks import require_between_0_and_1, require_examples, require_matrices
from chainrule.notes.notations.conventions import convention_of

__all__ = ["dW_as", "dZ_L_as", "mixed_dW", "times_1_over_m"]


def dZ_L_as(A_L: Array, Y: Array, title: str) -> Array:
    """dZ[L] for the cross-entropy as a document means it: (A[L] - Y)/m, or A[L] - Y where it is per example. Columns.

    >>> import numpy as np
    >>> dZ_L_as(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]), "Multi-layer networks").tolist()
    [[-0.25, 0.25]]
    """
    if A_L.shape != Y.shape:
        raise RequestError(f"layer L: A[L] is {A_L.shape} but Y is {Y.shape}")
    require_matrices(Y=Y)
    require_examples(Y.shape[1])
    require_between_0_and_1(Y=Y)
    return A_L - Y if convention_of(title).per_example else (A_L - Y) / Y.shape[1]


def dW_as(dZ: Array, A_prev: Array, title: str) -> Array:
    """dW = dZ A_prev^T by a document's formula: with 1/m where its dZ is per example and its dW that of the mean.

    >>> import numpy as np
    >>> dW_as(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), "Building blocks").tolist()
    [[2.0]]
    """
    convention = convention_of(title)
    require_matrices(dZ=dZ, A_prev=A_prev)
    if dZ.shape[1] != A_prev.shape[1]:
        raise RequestError(f"dZ is {dZ.shape} but A_prev is {A_prev.shape}: one column for each example in both")
    require_examples(dZ.shape[1])
    dW = dZ @ A_prev.T
    return dW / A_prev.shape[1] if convention.per_example and not convention.summed else dW


def mixed_dW(A_L: Array, Y: Array, A_prev: Array, dZ_from: str, dW_from: str) -> Array:
    """dW[L] when dZ[L] is taken from one document and the formula for dW from another; see ``times_1_over_m``.

    >>> import numpy as np
    >>> A_L, Y, A_prev = np.array([[1.0, 0.5]]), np.array([[0.0, 0.0]]), np.array([[2.0, 4.0]])
    >>> for dZ_from in ("Multi-layer networks", "Building blocks"):
    ...     mixed_dW(A_L, Y, A_prev, dZ_from, "Building blocks").tolist()
    [[1.0]]
    [[2.0]]
    """
    return dW_as(dZ_L_as(A_L, Y, dZ_from), A_prev, dW_from)


def times_1_over_m(dZ_from: str, dW_from: str) -> int:
    """How often 1/m is counted in dW when dZ comes from one document and the formula for dW from another.

    Once is right for the mean cost. Twice, and every gradient is m times too small: training still goes downhill,
    only m times slower, which is why it is seldom noticed.

    >>> times_1_over_m("Multi-layer networks", "Building blocks")
    2
    >>> times_1_over_m("Building blocks", "Multi-layer networks")
    0
    """
    of_dW = convention_of(dW_from)
    return int(not convention_of(dZ_from).per_example) + int(of_dW.per_example and not of_dW.summed)
