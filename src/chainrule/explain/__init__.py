"""Seeing inside: every number of the forward and backward pass of a network on your rows, checked and explained.

trace              every Z, A, dA, dZ, dW, db and J, and the arithmetic of one entry
equations          the equations of a network with its sizes, as text, LaTeX or MathML
check_gradients    analytic against numerical derivatives; names the fault
diagnose           what stands out inside, in words
explain            a page of one step of training, offline
plot_...           pictures by matplotlib
"""

from chainrule.explain.checking import ArrayCheck, GradientReport, check_gradients
from chainrule.explain.diagnosis import Diagnosis, Finding, diagnose
from chainrule.explain.faults import Fault
from chainrule.explain.page import Page, explain
from chainrule.explain.plots import (
    GradientNorms,
    plot_activations,
    plot_decision_boundary,
    plot_gradients,
    plot_losses,
    plot_weights,
)
from chainrule.explain.trace import Trace, trace
from chainrule.explain.written import equation, equations
from chainrule.known_mistakes import KNOWN_MISTAKES

__all__ = [
    "KNOWN_MISTAKES",
    "ArrayCheck",
    "Diagnosis",
    "Fault",
    "Finding",
    "GradientNorms",
    "GradientReport",
    "Page",
    "Trace",
    "check_gradients",
    "diagnose",
    "equation",
    "equations",
    "explain",
    "plot_activations",
    "plot_decision_boundary",
    "plot_gradients",
    "plot_losses",
    "plot_weights",
    "trace",
]
