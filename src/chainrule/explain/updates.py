"""How theta was moved, in writing: the learning rate, clipping and the optimiser's own formula, with its numbers.

The formulas are those of the tables of optimisers and schedules.
"""

import re
from collections.abc import Mapping

import numpy as np

from chainrule.explain.formula_reader import expression
from chainrule.explain.pieces import BECOMES, EQUALS, SIDE_BY_SIDE, Piece, bracketed, joined, number, sym, words
from chainrule.formulas import averaging
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe

_NORM = Piece("||dtheta||", "\\lVert d\\theta \\rVert", "<mrow><mo>‖</mo><mi>d</mi><mi>θ</mi><mo>‖</mo></mrow>")
ALPHA, THETA, DTHETA = sym("alpha"), sym("theta"), sym("theta", d=True)

Line = tuple[Piece, str]  # an equation, and what stands beside it


def update_lines(network: Network, recipe: Recipe, functions: Functions | None, theta_notation: bool) -> list[Line]:
    """One line for the rate, for clipping and for each statement of the optimiser; gradient descent has none itself.

    Its two statements are written by layer, as the notes have them. For averaging see ``averaging_lines``.
    """
    optimizer = OPTIMIZERS.make(recipe.optimizer, np, functions=functions)
    of_inputs = " and those of the input layers" if network.inputs else ""
    gradients = ("all D(l)" if theta_notation else "all dW[l] and db[l]") + of_inputs
    moved = ("all Theta(l)" if theta_notation else "all W[l] and b[l]") + f"{of_inputs}, ({network.size},)"
    if optimizer.whole_blocks:
        by_layer = ", and each block of the input layers" if network.inputs else ""
        moved = f"the weights of each layer by themselves, and the biases{by_layer}"
    sizes = {
        "theta": f"theta: {moved}",
        "w": f"w: the weights, without the biases{of_inputs}",
        "mean": "mean: what is kept",
        **dict.fromkeys(optimizer.state, "0 at first"),
    }
    lines: list[Line] = []
    if optimizer.minimize is None:
        lines.append(_rate(recipe, recipe.learning_rate or optimizer.learning_rate, functions))
        if recipe.clip_norm is not None:
            lines.append((_clipping(recipe.clip_norm), f"dtheta: {gradients}, ({network.size},)"))
    if optimizer.plain:
        return lines
    numbers = {name: number(value) for name, value in OPTIMIZERS.numbers(recipe.optimizer, functions).items()}
    names = numbers | {"rate": ALPHA, "theta": THETA, "dtheta": DTHETA}
    for statement in filter(None, (part.strip() for part in optimizer.formula.split(";"))):
        name = re.match(r"\w*", statement)
        lines.append((_statement(statement, names), sizes.get(name[0] if name else "", "")))
    return lines


def averaging_lines(recipe: Recipe) -> list[Line]:
    """The line of the mean that is what the network is in the end; none where theta is that."""
    if recipe.averaging is None:
        return []
    names = {"theta": THETA, "averaging": number(recipe.averaging)}
    return [(_statement(averaging.FORMULA, names), "mean: what is kept; at first theta after the first step")]


def _rate(recipe: Recipe, rate: float, functions: Functions | None) -> Line:
    schedule = recipe.make_schedule(functions)
    if schedule.formula == "1":
        return joined(ALPHA, EQUALS, number(rate)), ""
    numbers = {name: number(value) for name, value in SCHEDULES.numbers(recipe.schedule, functions).items()}
    by_step = bracketed(expression(schedule.formula, numbers))
    return joined(ALPHA, EQUALS, number(rate), SIDE_BY_SIDE, by_step), "at each step"


def _clipping(largest: float) -> Piece:
    return _statement(
        "dtheta := dtheta min(1, largest / length)", {"dtheta": DTHETA, "largest": number(largest), "length": _NORM}
    )


def _statement(statement: str, names: Mapping[str, Piece]) -> Piece:
    left, becomes, right = statement.partition(":=")
    if not becomes:
        return words(re.sub(r"`(\w+)`", lambda m: names[m[1]].text if m[1] in names else m[1], statement))
    return joined(expression(left, names), BECOMES, expression(right, names))
