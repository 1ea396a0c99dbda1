"""The wrong forms that ``mistake(name)`` switches on: importing this enters all of them in ``MISTAKES``.

A form has the name and the arguments of the notes' function that it replaces, and stands beside the equation it gets
wrong. ``what`` says the mistake, ``symptom`` what a learner sees; tests hold the symptoms. A mistake may have forms of
functions of several documents.

    blocks      Building blocks
    logistic    Deep learning basics, Logistic regression to one hidden layer
    theta       Theta notation
"""

from chainrule.notes.switches import ENTERED, Mistake
from chainrule.notes.wrong_forms import blocks, logistic, theta

__all__ = ["MISTAKES", "blocks", "logistic", "theta"]

MISTAKES: dict[str, Mistake] = ENTERED
