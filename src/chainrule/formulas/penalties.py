"""Penalties on the weights, part of the cost J; biases are never penalised.

    J = (loss) + sum over weights w of value(w, S)          dJ/dw = (gradient of the loss) + slope(w, S)

S is the number of examples of the step, or the sum of their weights. To add a penalty, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.formulas.table import Array, Namespace, Table, require_number


@dataclass(frozen=True)
class Penalty:
    """What one weight w adds to the cost, and the derivative of that.

    value(w, S), slope(w, S)   see the module
    formula        of the value, in w and S
    source         where it comes from
    kink           True where the slope jumps at w = 0
    slope_formula  of the slope, factors apart by spaces; "" where equations call it by its name
    """

    value: Callable[[Array, Any], Array]
    slope: Callable[[Array, Any], Array]
    formula: str
    source: str
    kink: bool = False
    slope_formula: str = ""


PENALTIES: Table[Penalty] = Table("penalty")


@PENALTIES.row
def l2(xp: Namespace, strength: float) -> Penalty:
    """The notes' lambda/(2m): the more examples, the less it counts."""
    require_number(strength >= 0.0, "l2", "strength is at least 0", strength)

    def value(w: Array, S: float) -> Array:
        return (0.5 * strength / S) * w * w

    def slope(w: Array, S: float) -> Array:
        return (strength / S) * w

    source = "Hoerl & Kennard 1970; course notes"
    return Penalty(value, slope, "strength w^2 / (2 S)", source, slope_formula="strength/S w")


@PENALTIES.row
def l2_fixed(xp: Namespace, strength: float) -> Penalty:
    """An L2 penalty that does not depend on how many examples a step has."""
    require_number(strength >= 0.0, "l2_fixed", "strength is at least 0", strength)

    def value(w: Array, S: float) -> Array:
        return (0.5 * strength) * w * w

    def slope(w: Array, S: float) -> Array:
        return strength * w

    return Penalty(value, slope, "strength w^2 / 2", "Krogh & Hertz 1992", slope_formula="strength w")


@PENALTIES.row
def l1(xp: Namespace, strength: float) -> Penalty:
    """Pulls each weight towards 0 with the same force."""
    require_number(strength >= 0.0, "l1", "strength is at least 0", strength)

    def value(w: Array, S: float) -> Array:
        return (strength / S) * xp.abs(w)

    def slope(w: Array, S: float) -> Array:
        return (strength / S) * xp.sign(w)

    return Penalty(value, slope, "strength |w| / S", "Tibshirani 1996", kink=True, slope_formula="strength/S sign(w)")
