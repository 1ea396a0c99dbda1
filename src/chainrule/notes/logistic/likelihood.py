"""Logistic regression as statistics has it (*Logistic regression to one hidden layer*): link and likelihood.

    link          log(a / (1 - a)) = w_1 x_1 + w_2 x_2 + ... + b = z,   a = p(y = 1 | x)
    inverse       a = exp(z) / (1 + exp(z)) = 1 / (1 + exp(-z))
    likelihood    prod_i a_i^y_i (1 - a_i)^(1 - y_i)

``a`` and ``y`` are the predictions and the classes of all examples, of one shape, from 0 to 1. RequestError: others.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import require_between_0_and_1
from chainrule.notes.basics.loss_of_one_example import cross_entropy_loss
from chainrule.notes.switches import switchable

__all__ = [
    "inverse_link",
    "inverse_link_by_exp",
    "likelihood_of_classes",
    "likelihood_of_predictions",
    "likelihood_of_targets",
    "link",
    "negative_log_of_product",
    "negative_sum_of_log_powers",
    "negative_sum_of_logs",
    "negative_sum_of_weighted_logs",
]

Floats = NDArray[Any]


def link(a: Any) -> Any:
    """The link function: z = log(a / (1 - a)), the logit of a. RequestError: a is not between 0 and 1.

    >>> float(link(0.5)), float(link(0.75)) == float(np.log(3))
    (0.0, True)
    """
    a = np.asarray(a, float)
    if not ((a > 0) & (a < 1)).all():
        raise RequestError("the link takes probabilities between 0 and 1, exclusive: at 0 and 1 z is infinite.")
    return np.log(a / (1 - a))


def inverse_link(z: Any) -> Any:
    """The inverse link: a = sigmoid(z) = 1 / (1 + exp(-z)), without overflow; undoes ``link``.

    >>> float(inverse_link(link(0.75))), float(inverse_link(800.0))
    (0.75, 1.0)
    """
    return ACTIVATIONS["sigmoid"](np).g(np.asarray(z, float))


def inverse_link_by_exp(z: Any) -> Any:
    """a = exp(z) / (1 + exp(z)), as the document writes it first: right, but exp(z) overflows above z = 709.

    RequestError: a z beyond that.

    >>> round(float(inverse_link_by_exp(np.log(3))), 12)
    0.75
    """
    z = np.asarray(z, float)
    if (z > 709).any():
        raise RequestError("exp(z) overflows above z = 709 and exp(z) / (1 + exp(z)) is inf / inf; use inverse_link.")
    return np.exp(z) / (1 + np.exp(z))


def likelihood_of_targets(p: Any) -> float:
    """L(w, b | X) = prod_i p(y_i | x_i): the chance of all the classes seen. (The document prints p(y_i).)

    >>> likelihood_of_targets([0.5, 0.5, 0.25])
    0.0625
    """
    return float(np.prod(p))


def likelihood_of_classes(p_1: Any, p_0: Any, y: Any) -> float:
    """L = prod_i p(y_i = 1 | x_i)^y_i p(y_i = 0 | x_i)^(1 - y_i): the exponents choose the class that was seen.

    >>> likelihood_of_classes([0.75, 0.5], [0.25, 0.5], [0, 1])
    0.125
    """
    p_1, p_0, y = _matching(p_1=p_1, p_0=p_0, y=y)
    return float(np.prod(p_1**y * p_0 ** (1 - y)))


def likelihood_of_predictions(a: Any, y: Any) -> float:
    """L = prod_i a_i^y_i (1 - a_i)^(1 - y_i).

    >>> likelihood_of_predictions([0.75, 0.5], [0, 1])
    0.125
    """
    a, y = _matching(a=a, y=y)
    return float(np.prod(a**y * (1 - a) ** (1 - y)))


def negative_log_of_product(a: Any, y: Any) -> float:
    """-l = -log [prod_i a_i^y_i (1 - a_i)^(1 - y_i)]: lost for many examples: the product rounds to 0.

    >>> round(negative_log_of_product([0.5] * 3, [0, 1, 1]), 6), negative_log_of_product([0.5] * 2000, [1] * 2000)
    (2.079442, inf)
    """
    with np.errstate(divide="ignore"):  # log 0 = -inf is what is shown
        return float(-np.log(likelihood_of_predictions(a, y)))


def negative_sum_of_logs(a: Any, y: Any) -> float:
    """-l = -sum_i log [a_i^y_i (1 - a_i)^(1 - y_i)]: the log of a product is the sum of the logs.

    >>> round(negative_sum_of_logs([0.5] * 3, [0, 1, 1]), 6), round(negative_sum_of_logs([0.5] * 2000, [1] * 2000), 3)
    (2.079442, 1386.294)
    """
    a, y = _matching(a=a, y=y)
    with np.errstate(divide="ignore"):  # a sure and wrong prediction costs infinity
        return float(-np.sum(np.log(a**y * (1 - a) ** (1 - y))))


def negative_sum_of_log_powers(a: Any, y: Any) -> float:
    """-l = -sum_i [log(a_i^y_i) + log((1 - a_i)^(1 - y_i))].

    The document leaves out the brackets, here and in the last line, so that the minus covers the first term alone.

    >>> round(negative_sum_of_log_powers([0.5] * 3, [0, 1, 1]), 6)
    2.079442
    """
    a, y = _matching(a=a, y=y)
    with np.errstate(divide="ignore"):
        return float(-np.sum(np.log(a**y) + np.log((1 - a) ** (1 - y))))


@switchable
def negative_sum_of_weighted_logs(a: Any, y: Any) -> float:
    """-l = -sum_i [y_i log a_i + (1 - y_i) log(1 - a_i)]: the cross-entropy, summed. 0 log 0 counts as 0.

    >>> round(negative_sum_of_weighted_logs([0.5] * 3, [0, 1, 1]), 6), negative_sum_of_weighted_logs([0.0], [1])
    (2.079442, inf)
    """
    return float(np.sum(cross_entropy_loss(*_matching(a=a, y=y))))


def _matching(**arrays: Any) -> tuple[Floats, ...]:
    converted = tuple(np.asarray(v, float) for v in arrays.values())
    if len({v.shape for v in converted}) > 1:
        shapes = ", ".join(str(v.shape) for v in converted)
        raise RequestError(f"expected one prediction for each class, all of one shape; got {shapes}.")
    require_between_0_and_1(**arrays)
    return converted
