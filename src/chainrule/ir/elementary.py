"""Elementary functions in single operations: what is compiled for a processor, the same bits on each.

An expression keeps exp, log, tanh, maximum and the like under their names, as exports need them; ``decomposed`` takes
them apart, late, when kernels are written.
"""

from collections.abc import Callable

from chainrule.ir.angles import cos_turns, sin_turns
from chainrule.ir.exponentials import exp, expm1, tanh
from chainrule.ir.expressions import Expression, rewritten
from chainrule.ir.logarithms import log, log1p
from chainrule.ir.single_operations import maximum, minimum, sign

ELEMENTARY: dict[str, Callable[..., Expression]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "tanh": tanh,
    "cos_turns": cos_turns,
    "sin_turns": sin_turns,
    "sign": sign,
    "maximum": maximum,
    "minimum": minimum,
}


def decomposed(outputs: list[Expression]) -> list[Expression]:
    """The outputs with every elementary function taken apart into single operations."""
    return rewritten(outputs, lambda e, args: ELEMENTARY[e.op](*args) if e.op in ELEMENTARY else None)
