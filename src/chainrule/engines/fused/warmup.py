"""Compiling ahead: every row of the tables at its own default numbers."""

from chainrule.engines.fused.kernel_registry import library
from chainrule.engines.fused.kernel_selection import Parts
from chainrule.engines.fused.processor import here
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.network import Network
from chainrule.recipe import Recipe

DTYPES = ("float32", "float64")


def warm_up() -> int:
    """Compile and keep what networks are made of; how many kernels were not there yet.

    What depends on more than a row (a dropout rate, the number of classes, a row's other numbers, functions of one's
    own) is compiled when it is first used.
    """
    made = library(here())
    activations = tuple(ACTIVATIONS)
    for dtype in DTYPES:
        for activation in activations:
            Parts(Network((1, 2, 1), activation, dtype=dtype), Recipe(), None, made)
        for loss in LOSSES:
            for outputs in (1, 3):
                Parts(Network((1, outputs), loss=loss, dtype=dtype), Recipe(), None, made)
        for optimizer in OPTIMIZERS:
            Parts(Network((1, 1), dtype=dtype), Recipe(optimizer), None, made)
    return made.make_all()
