"""Whether parameters make a good start: ``check`` cannot compare draws, so it looks at what every good start has."""

from collections.abc import Mapping

import numpy as np

from chainrule.notes.array_checks import Floats

__all__: list[str] = []

Finding = tuple[str, str, str]  # the part, what is wrong with it, what to do


def wrong_start(parameters: Mapping[str, Floats], exact: Mapping[str, Floats], asked: bool) -> Finding | None:
    """What is wrong with the parameters, which have the shapes of ``exact``, one draw that is right.

    b is 0; W is drawn anew for each entry, with a standard deviation between half of the document's 0.01 and half as
    much again as He's sqrt(2 / n[l-1]); where an initialisation was ``asked`` for, that of ``exact``, to a third.
    """
    for name, V in parameters.items():
        if name.startswith("b"):
            if np.any(V != 0.0):
                return name, "It is not 0.", "b starts at 0: np.zeros((n[l], 1)). The random W break the symmetry."
            continue
        if np.all(V == 0.0) and exact[name].size > 1:
            return name, "All weights are 0.", "From zeros all units of a layer stay equal: randn(...) * 0.01."
        if V.size > 1 and np.unique(V).size == 1:
            return (
                name,
                "All weights are equal.",
                "Equal units stay equal forever: draw each entry, randn(...) * 0.01.",
            )
        if len(V) > 1 and np.unique(V, axis=0).shape[0] == 1:
            return (
                name,
                "All units have the same weights.",
                "Draw a whole matrix: np.random.randn(n[l], n[l-1]) * 0.01.",
            )
        if V.size >= 100:  # so many that the spread of a sample tells
            size, he = float(np.std(V)), float(np.sqrt(2.0 / V.shape[1]))
            meant = float(np.std(exact[name]))
            if asked and not 0.75 < size / meant < 1.33:
                return (
                    name,
                    "It is not the initialization that was asked for.",
                    (f"The weights are {size:.2g} on average, and should be {meant:.2g}."),
                )
            if size > 1.5 * he:
                factor = f"* 0.01, or * sqrt(2/n[l-1]) = {he:.2g}"
                advice = f"The factor is missing, {factor}: sigmoid and tanh are flat for large z."
                return name, f"The weights are large: {size:.2g} on average.", advice
            if size < 0.005:
                return name, f"The weights are tiny: {size:.2g} on average.", "randn(...) * 0.01, or * sqrt(2/n[l-1])."
            if abs(float(np.mean(V))) > size / 2.0:
                return name, "The weights are not drawn around 0.", "np.random.randn, not np.random.rand."
    return None
