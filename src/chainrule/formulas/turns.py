"""Cosine and sine of an angle counted in turns: the whole turns come off exactly, however large the angle."""

from math import pi

from chainrule.formulas.table import Array, Namespace


def turns(xp: Namespace, t: Array) -> tuple[Array, Array]:
    """cos(2 pi t) and sin(2 pi t).

    r = t - rint(t) is exact, in [-1/2, 1/2]; so the error does not grow with t. A namespace that has the two under
    names of its own (``cos_turns``, ``sin_turns``) is asked for them.

    >>> import numpy as np
    >>> cos, sin = turns(np, np.array([0.0, 0.25, 1e6 + 0.5]))
    >>> cos.round(12).tolist(), sin.round(12).tolist()
    ([1.0, 0.0, -1.0], [0.0, 1.0, 0.0])
    """
    if hasattr(xp, "cos_turns"):
        return xp.cos_turns(t), xp.sin_turns(t)
    r = t - xp.round(t)
    return xp.cos(2.0 * pi * r), xp.sin(2.0 * pi * r)
