"""Course notes, executable: every formula, function and notation of five classic documents, over our own formulas.

Type what you read: the functions stand here under the names that the documents give them.

    building_blocks       Building blocks: linear_forward, L_model_backward, L_layer_model, ...
    multi_layer           Multi-layer networks: one neuron, one example, m examples
    basics, graph         Deep learning basics: logistic regression three ways, computation graphs
    logistic              Logistic regression to one hidden layer: links, likelihood, notation
    theta                 Theta notation: bias columns, delta, Delta, D, unrolling
    conventions           between the notations
    errata, mistakes      what the documents get wrong, and the same mistakes to switch on
    grading               check(your_function)
"""

from importlib import import_module
from typing import Any

_MODULES = (
    "building_blocks",
    "multi_layer",
    "basics",
    "graph",
    "logistic",
    "theta",
    "conventions",
    "errata",
    "mistakes",
    "grading",
)


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module in _MODULES:
            found = import_module(f"chainrule.notes.{module}")
            if name == module:
                return found
            if name in found.__all__:
                return getattr(found, name)
    raise AttributeError(f"module 'chainrule.notes' has no attribute {name!r}")


def __dir__() -> list[str]:
    names = (name for module in _MODULES for name in import_module(f"chainrule.notes.{module}").__all__)
    return sorted({*_MODULES, *names})
