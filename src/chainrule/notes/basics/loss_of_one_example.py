"""The loss of one example (*Deep learning basics*): the cross-entropy, its two curves, and why not half the square."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.losses import LOSSES
from chainrule.notes.array_checks import require_between_0_and_1
from chainrule.notes.svg import BLUE, FAINT, INK, RED, Picture
from chainrule.notes.switches import switchable

__all__ = [
    "convexity_gap",
    "cross_entropy_loss",
    "half_squared_loss",
    "likelihood_of_one",
    "loss_curves",
    "loss_curves_svg",
    "why_not_half_squared",
]

Floats = NDArray[Any]


def half_squared_loss(y_hat: Any, y: Any) -> Any:
    """L(y^, y) = (y^ - y)^2 / 2: what the document prints first, and does not use; see ``convexity_gap``.

    >>> half_squared_loss(0.5, 1)
    0.125
    """
    return 0.5 * (y_hat - y) ** 2


def likelihood_of_one(y_hat: Any, y: Any) -> Any:
    """p(y | x) = y^^y (1 - y^)^(1 - y): y^ where y = 1, and 1 - y^ where y = 0. RequestError: outside [0, 1].

    >>> likelihood_of_one(0.75, 1), likelihood_of_one(0.75, 0)
    (0.75, 0.25)
    """
    require_between_0_and_1(y_hat=y_hat, y=y)
    return y_hat**y * (1 - y_hat) ** (1 - y)


@switchable
def cross_entropy_loss(y_hat: Any, y: Any) -> Any:
    """L(y^, y) = -(y log y^ + (1 - y) log(1 - y^)) = -log p(y | x): least where p(y | x) is largest.

    For y = 1 it is -log y^, for y = 0 it is -log(1 - y^). Where y is 0 or 1 the other term is 0, also if its
    logarithm is not finite; a prediction that is sure and wrong costs infinity. RequestError: y^ or y outside [0, 1].

    >>> float(cross_entropy_loss(0.5, 1)), float(cross_entropy_loss(0.0, 1))
    (0.6931471805599453, inf)
    """
    y_hat, y = np.asarray(y_hat, float), np.asarray(y, float)
    require_between_0_and_1(y_hat=y_hat, y=y)
    with np.errstate(divide="ignore"):  # log 0 = -inf is meant
        log_y_hat = np.where(y == 0, 0.0, np.log(y_hat))
        log_rest = np.where(y == 1, 0.0, np.log(1 - y_hat))
    return -(y * log_y_hat + (1 - y) * log_rest)


def loss_curves(points: int = 99) -> dict[str, Floats]:
    """The loss over y^ between 0 and 1: "-log y^" (y = 1) falls, "-log(1 - y^)" (y = 0) rises.

    >>> curves = loss_curves(3)
    >>> curves["y^"].tolist(), bool((curves["-log y^"] == -np.log(curves["y^"])).all())
    ([0.25, 0.5, 0.75], True)
    """
    if points < 1:
        raise RequestError(f"points is how many values of y^ to take, at least 1; not {points}.")
    y_hat = np.arange(1, points + 1) / (points + 1)
    return {"y^": y_hat, "-log y^": cross_entropy_loss(y_hat, 1), "-log(1 - y^)": cross_entropy_loss(y_hat, 0)}


def loss_curves_svg(points: int = 199) -> str:
    """The two curves as a picture (SVG), to write into a file or a page.

    >>> loss_curves_svg().endswith("</svg>")
    True
    """
    left, top, width, height, highest = 60.0, 30.0, 420.0, 260.0, 4.0
    drawn = Picture("the loss against the prediction, for both targets", 620, 360)

    def at(y_hat: float, loss: float) -> tuple[float, float]:
        return left + width * y_hat, top + height * (1 - loss / highest)

    for loss in range(5):
        drawn.path([at(0, loss), at(1, loss)], "#e6eaef" if loss else FAINT)
        drawn.formula(left - 12, at(0, loss)[1] + 5, str(loss), INK, 14, "end")
    for y_hat in (0, 0.25, 0.5, 0.75, 1):
        drawn.path([at(y_hat, 0), (at(y_hat, 0)[0], at(y_hat, 0)[1] + 5)], FAINT)
        drawn.formula(at(y_hat, 0)[0], at(y_hat, 0)[1] + 22, f"{y_hat:g}", INK, 14)
    curves = loss_curves(points)
    for name, colour in (("-log y^", BLUE), ("-log(1 - y^)", RED)):
        inside = [at(y, loss) for y, loss in zip(curves["y^"], curves[name], strict=True) if loss <= highest]
        drawn.path(inside, colour, 2.2)
    drawn.formula(at(0.09, 0)[0], at(0, 3.3)[1], "-log ŷ  (y = 1)", BLUE, 16, "start")
    drawn.formula(at(0.91, 0)[0], at(0, 2.65)[1], "-log(1 - ŷ)  (y = 0)", RED, 16, "end")
    drawn.formula(at(0.5, 0)[0], at(0, 0)[1] + 48, "ŷ", INK, 17)
    drawn.formula(at(1.02, 0)[0], at(0, 0)[1] + 5, "sure and right", FAINT, 13, "start")
    drawn.formula(at(1.02, 0)[0], at(0, 3.9)[1] + 5, "sure and wrong", FAINT, 13, "start")
    return drawn.svg()


def convexity_gap(loss: str, u: float, v: float, y: float = 1.0, t: float = 0.5) -> float:
    """t f(u) + (1 - t) f(v) - f(t u + (1 - t) v) for the loss f(z) of a row of LOSSES; never below 0 if f is convex.

    z is linear in w and b, so the cost is convex in them where f is convex in z. Below 0 for the half squared error
    of a sigmoid: between a point where it is flat and high, and one near the target, it lies above the chord.

    >>> [convexity_gap(loss, -8.0, 0.0) > 0 for loss in ("half_squared_error_sigmoid", "binary_cross_entropy")]
    [False, True]
    """
    f = LOSSES.make(loss, np).value
    return float(t * f(u, y) + (1 - t) * f(v, y) - f(t * u + (1 - t) * v, y))


def why_not_half_squared(z: float = -8.0) -> dict[str, dict[str, float]]:
    """Both losses at a sure and wrong z with y = 1: the worst gap in convexity on a grid, and the slope dz.

    The half squared error has a factor a (1 - a) in its slope, so that it hardly learns from what it gets most wrong;
    the cross-entropy's is a - y.

    >>> found = why_not_half_squared()
    >>> found["half_squared_error_sigmoid"]["worst gap"] < 0 <= found["binary_cross_entropy"]["worst gap"]
    True
    >>> round(found["half_squared_error_sigmoid"]["dz"], 5), round(found["binary_cross_entropy"]["dz"], 5)
    (-0.00034, -0.99966)
    """
    grid = np.linspace(-8.0, 8.0, 33)
    return {
        loss: {
            "worst gap": min(convexity_gap(loss, u, v) for u in grid for v in grid if u != v),
            "dz": float(LOSSES.make(loss, np).dZ(z, 1.0)),
        }
        for loss in ("half_squared_error_sigmoid", "binary_cross_entropy")
    }
