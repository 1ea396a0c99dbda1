"""Mistakes that can be switched on: the notes' own models, trained with a well-known error built in.

    with notes.mistake("g-for-g-prime"):
        parameters, costs = notes.L_layer_model(X, Y, (2, 4, 1), 0.1, 500)

A mistake replaces functions of the notes by wrong forms, inside the ``with`` and in this thread (or task) alone. The
equations that the rest of the package uses know nothing of it.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.errors import RequestError, nearest
from chainrule.notes.mistakes.mistake_registry import MISTAKES
from chainrule.notes.switches import Mistake, switched_on

__all__ = ["mistake"]


@contextmanager
def mistake(name: str) -> Iterator[Mistake]:
    """Inside, the notes' functions make this mistake. RequestError: no such mistake.

    UserWarning, at the end: the mistake has changed nothing, since none of the functions that it has a wrong form of
    was called inside, directly or by another. What was called is then as right as ever.

    >>> import numpy as np
    >>> from chainrule.notes import mistake, relu_backward
    >>> dA, Z = np.array([[1.0, 1.0]]), np.array([[2.0, -3.0]])
    >>> with mistake("g-for-g-prime"):
    ...     relu_backward(dA, Z).tolist()
    [[2.0, 0.0]]
    >>> relu_backward(dA, Z).tolist()
    [[1.0, 0.0]]
    """
    if name not in MISTAKES:
        raise RequestError(
            f"no mistake is called {name!r}{nearest(str(name), MISTAKES)} There are: {', '.join(MISTAKES)}."
        )
    with switched_on(MISTAKES[name]) as switch:
        yield MISTAKES[name]
    if not switch.acted:
        warnings.warn(
            f"the mistake {name!r} has changed nothing: it is one of {', '.join(MISTAKES[name].forms)}, and none of "
            "these was called inside this `with`, directly or by another function. Call one, or take another mistake.",
            UserWarning,
            stacklevel=3,  # the line of the `with`; between are this function's and contextlib's
        )
