"""Course notes, executable: every formula, function and notation of five classic documents, over our own formulas.

Type what you read: the functions stand here under the names that the documents give them.

    Multi-layer networks                      multi_layer, neurons
    Building blocks                           building_blocks, initialization, models, shapes, hyperparameters, pictures
    Deep learning basics                      basics, loss_of_one, timing, graph, graphs, operations, units, shallow,
                                              derivation, starts, deep, broadcasting
    Logistic regression to one hidden layer   logistic, logistic_derivatives, logistic_notation, logistic_program,
                                              hidden_layer
    Theta notation                            theta, theta_example, theta_accumulators, theta_vector, theta_steps
    between the notations                     conventions, mixed_conventions, parameter_forms
    what the documents get wrong              errata, and mistakes to switch on
    grading                                   check(your_function)
"""

from importlib import import_module
from typing import Any

# Where the public names are; a module is imported when one of its names, or of a later module's, is first asked for.
_MODULES = (
    "building_blocks",
    "models",
    "multi_layer",
    "shapes",
    "hyperparameters",
    "pictures",
    "basics",
    "loss_of_one",
    "timing",
    "graph",
    "graphs",
    "operations",
    "units",
    "shallow",
    "derivation",
    "starts",
    "deep",
    "broadcasting",
    "logistic",
    "logistic_derivatives",
    "logistic_notation",
    "logistic_program",
    "hidden_layer",
    "theta",
    "theta_example",
    "theta_accumulators",
    "theta_vector",
    "theta_steps",
    "conventions",
    "mixed_conventions",
    "parameter_forms",
    "mistakes",
    "errata",
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
