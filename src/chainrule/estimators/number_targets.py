"""What an MLPRegressor knows of its targets: the numbers that its loss is defined for, and several quantiles of one."""

from typing import Any

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from chainrule.errors import RequestError
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.formulas.losses import LOSSES, Loss
from chainrule.formulas.table import Functions
from chainrule.network import Network


def loss_spec(names: ParameterNames, given: Any) -> str:
    """The row of LOSSES. RequestError: one for classes, or quantiles without their numbers."""
    spec = names.spec(LOSSES, given)
    row = LOSSES.make(spec, np, functions=names.functions)
    if row.task != "regression":
        raise RequestError(f"loss {spec} is for classification: use MLPClassifier, or another loss.")
    if row.one_target and not row.levels:
        raise RequestError(f"loss {given!r} needs its numbers here, such as 'quantiles(0.1, 0.5, 0.9)'.")
    return spec


def targets(y: np.ndarray, given: Any) -> np.ndarray:
    """Y (m, n_outputs), the one target repeated for each of its quantiles. RequestError: several of them."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    loss = _own_loss(given)
    Y, K = _within(loss, given, np.asarray(y).reshape(len(y), -1), "y"), len(levels(loss))
    if K and Y.shape[1] > 1:
        raise RequestError(f"loss {given!r} predicts quantiles of one target, and y has {Y.shape[1]} columns.")
    return np.repeat(Y, K, axis=1) if K else Y


def known_targets(y: Any, given: Any, network: Network, functions: Functions) -> np.ndarray:
    """Y (m, n_outputs) of validation rows, as the network has been trained."""
    Y, n_out = _within(_own_loss(given), given, np.asarray(y, np.float64).reshape(len(y), -1), "y_val"), network.n[-1]
    if levels(fitted_loss(network, functions)) and Y.shape[1] == 1:
        return np.repeat(Y, n_out, axis=1)
    if Y.shape[1] != n_out:
        raise RequestError(f"y_val has {Y.shape[1]} columns, and y has {n_out}: give as many.")
    return Y


def fitted_loss(network: Network, functions: Functions) -> Loss:
    """That of the fit: the parameter may be another by now."""
    return LOSSES.make(network.loss, np, functions=functions)


def levels(loss: Loss) -> tuple[float, ...]:
    """The quantiles of one target, an output each; none of another loss."""
    return loss.levels if loss.one_target else ()


def answers(A_L: np.ndarray) -> np.ndarray:
    """(m,) of one output, (m, n_outputs) of several."""
    return A_L[:, 0] if A_L.shape[1] == 1 else A_L


def score(y: Any, predicted: np.ndarray, weight: Any, loss: Loss) -> float:
    """R2, with several quantiles of the one nearest to the median."""
    if levels(loss):
        nearest = int(np.abs(np.array(levels(loss)) - 0.5).argmin())
        predicted = predicted.reshape(len(predicted), -1)[:, nearest]
    return float(r2_score(y, predicted, sample_weight=weight))


def _own_loss(given: Any) -> Loss:
    """The row of the parameter ``loss``."""
    names = ParameterNames()
    return LOSSES.make(loss_spec(names, given), np, functions=names.functions)


def _within(loss: Loss, given: Any, Y: np.ndarray, name: str) -> np.ndarray:
    """Y. RequestError: a number that the loss is not defined for."""
    outside = (loss.lowest > Y) | (loss.highest < Y) | np.isin(Y, loss.excluded)
    if outside.any():
        i, k = (int(v) for v in np.unravel_index(outside.argmax(), Y.shape))
        least = f"above {loss.lowest:g}" if loss.lowest in loss.excluded else f"from {loss.lowest:g} on"
        raise RequestError(
            f"loss {given!r} takes targets {least}, and {name} is {Y[i, k]:g} in row {i}. Choose another loss, or "
            "leave such rows out."
        )
    return Y
