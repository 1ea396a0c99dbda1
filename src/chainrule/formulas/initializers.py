"""Initial weights: W[l] = scale(n[l-1], n[l]) times independent draws, normal or uniform on (-1, 1); b[l] = 0.

Equal weights would stay equal for ever, since units with the same weights get the same gradient; how large they are
decides whether signals shrink or grow from layer to layer. To add an initialiser, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from chainrule.formulas.table import Table


@dataclass(frozen=True)
class Initializer:
    """How W[l] is drawn.

    draw     "normal" for N(0, 1), "uniform" for U(-1, 1)
    scale    (n_in, n_out) -> what the draws are multiplied by, n_in = n[l-1] and n_out = n[l]
    formula  as text
    source   where it comes from
    """

    draw: Literal["normal", "uniform"]
    scale: Callable[[int, int], float]
    formula: str
    source: str


INITIALIZERS: Table[Initializer] = Table("initializer")


@INITIALIZERS.row
def zeros() -> Initializer:
    """Right for a network without hidden layers, and shows why it is wrong for any other."""
    return Initializer("normal", lambda n_in, n_out: 0.0, "0", "logistic regression's usual start")


@INITIALIZERS.row
def normal(scale: float = 0.01) -> Initializer:
    """The notes' randn * 0.01: fine for one hidden layer, too small for deep networks."""
    return Initializer("normal", lambda n_in, n_out: scale, "scale N(0, 1)", "course notes")


@INITIALIZERS.row
def lecun_normal() -> Initializer:
    """The notes' randn / sqrt(n[l-1]): keeps the variance of a linear layer."""
    return Initializer("normal", lambda n_in, n_out: sqrt(1.0 / n_in), "N(0, 1) / sqrt(n_in)", "LeCun et al. 1998")


@INITIALIZERS.row
def lecun_uniform() -> Initializer:
    """As lecun_normal, uniform with the same variance."""
    return Initializer("uniform", lambda n_in, n_out: sqrt(3.0 / n_in), "U(-1, 1) sqrt(3 / n_in)", "LeCun et al. 1998")


@INITIALIZERS.row
def xavier_normal() -> Initializer:
    """Keeps the variance forwards and backwards at once, for tanh and sigmoid."""
    formula = "N(0, 1) sqrt(2 / (n_in + n_out))"
    return Initializer("normal", lambda n_in, n_out: sqrt(2.0 / (n_in + n_out)), formula, "Glorot & Bengio 2010")


@INITIALIZERS.row
def xavier_uniform() -> Initializer:
    """As xavier_normal, uniform with the same variance."""
    formula = "U(-1, 1) sqrt(6 / (n_in + n_out))"
    return Initializer("uniform", lambda n_in, n_out: sqrt(6.0 / (n_in + n_out)), formula, "Glorot & Bengio 2010")


@INITIALIZERS.row
def he_normal() -> Initializer:
    """Keeps the variance through relu, which drops half of it."""
    return Initializer("normal", lambda n_in, n_out: sqrt(2.0 / n_in), "N(0, 1) sqrt(2 / n_in)", "He et al. 2015")


@INITIALIZERS.row
def he_uniform() -> Initializer:
    """As he_normal, uniform with the same variance."""
    return Initializer("uniform", lambda n_in, n_out: sqrt(6.0 / n_in), "U(-1, 1) sqrt(6 / n_in)", "He et al. 2015")
