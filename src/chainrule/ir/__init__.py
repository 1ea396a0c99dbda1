"""The intermediate representation: what a row of a table computes, read off the row itself.

expressions             one operation and what it is applied to
trace, namespace        rows called with symbols in the place of arrays, and the functions they find by NumPy's names
elementary, operations  exp, log, tanh and the like in single operations: exponentials, logarithms, turns

The compiled engine and the exports both read it.
"""

from chainrule.ir.elementary import decomposed
from chainrule.ir.expressions import Expression, Untraceable, describe, rewritten, walk
from chainrule.ir.tracer import Tracer

__all__ = ["Expression", "Tracer", "Untraceable", "decomposed", "describe", "rewritten", "walk"]
