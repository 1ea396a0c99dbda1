"""Cosine and sine of an angle in turns, as in ``formulas.turns``. The exported Python file has a copy of these."""

import numpy as np


def cos_turns(t):
    """cos(2 pi t); whole turns come off first, which is exact."""
    return np.cos(2.0 * np.pi * (t - np.rint(t)))


def sin_turns(t):
    """sin(2 pi t)."""
    return np.sin(2.0 * np.pi * (t - np.rint(t)))
