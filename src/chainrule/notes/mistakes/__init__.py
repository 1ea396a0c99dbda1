"""Mistakes to switch on. Importing this enters the wrong forms of all documents in ``MISTAKES``.

A form has the name and the arguments of the notes' function that it replaces, and stands beside the equation it gets
wrong. The words are those of ``KNOWN_MISTAKES``; tests hold the symptoms. A mistake may have forms of functions of
several documents.

    mistake                  with mistake(name)
    mistake_registry         MISTAKES, and how a form is entered
    wrong_building_blocks    forms of Building blocks
    wrong_logistic           forms of Deep learning basics, Logistic regression to one hidden layer
    wrong_theta              forms of Theta notation
"""

from chainrule.notes.mistakes import wrong_building_blocks, wrong_logistic, wrong_theta

__all__ = ["wrong_building_blocks", "wrong_logistic", "wrong_theta"]
