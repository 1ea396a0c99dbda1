"""Between a target column and the outputs of a network: labels to Y, A[L] to probabilities and numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Target
from chainrule.data.columns import LARGEST, row_name
from chainrule.errors import RequestError, RunError
from chainrule.formulas import weighted
from chainrule.formulas.calibration import calibrated, fit_calibration
from chainrule.formulas.links import link
from chainrule.formulas.losses import Loss
from chainrule.formulas.metrics import probabilities
from chainrule.formulas.quantile_metrics import quantile
from chainrule.formulas.table import Functions
from chainrule.validation import record, require

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outputs:
    """How the target of some rows becomes Y (m, n[L]), and how predictions A[L] (m, n[L]) become answers.

    units   n[L]: 1 for regression and for two classes under one sigmoid, one for each of several quantiles, else the
            number of classes
    shift, scale   regression learns (y - shift) / scale: standardised under an identity link, so that a loss's own
            numbers, such as huber's delta, count standard deviations; under an exponential link in units of the
            mean, which keeps y positive
    prior   the trivial prediction: class shares of the training rows, or (the mean of their target, and its quantiles
            where the loss is for some), by weight
    bounds  (least, largest) number that regression answers; None for any
    calibration   (tau, smoothing) of ``formulas.calibration`` for the probabilities of classes; None for none

    RequestError: numbers that no target has.
    """

    units: int
    shift: float
    scale: float
    prior: tuple[float, ...]
    bounds: tuple[float, float] | None = None
    calibration: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """See the class."""
        require(self.units >= 1, "units of outputs are 1 or more", self.units)
        require(abs(self.shift) < 2 * LARGEST, "shift of outputs is that of numbers", self.shift)
        require(0.0 < self.scale < 2 * LARGEST, "scale of outputs is above 0, and that of numbers", self.scale)
        require(all(abs(p) < inf for p in self.prior), "prior of outputs is finite", self.prior)
        if self.bounds is not None:
            ascending = len(self.bounds) == 2 and -inf < self.bounds[0] <= self.bounds[1] < inf
            require(ascending, "bounds of outputs are two finite numbers that ascend", self.bounds)
        if self.calibration is not None:
            pair = self.calibration
            usual = len(pair) == 2 and 1e-7 < pair[0] < 1e7 and 0.0 <= pair[1] < 1.0
            require(usual, "calibration of outputs is tau from 1e-7 to 1e7, and a smoothing below 1", pair)

    @classmethod
    def fit(
        cls,
        target: Target,
        loss: Loss,
        loss_name: str,
        values: NDArray[Any],
        weight: Floats | None = None,
        functions: Functions | None = None,
    ) -> "Outputs":
        """From the training rows' class codes or numbers, (m,), and how much each counts.

        RequestError: a loss that does not fit the target.
        """
        _require_task(target, loss, loss_name)
        last = link(loss.link, np, functions)
        if target.task == "classification":
            K = len(target.classes)
            shares = weighted.shares(values, K, weight)
            single = K == 2 and loss.elementwise and last.probabilities
            return cls(1 if single else K, 0.0, 1.0, tuple(shares.tolist()))
        if weight is not None:
            values, weight = values[weight > 0.0], weight[weight > 0.0]
        mean = weighted.mean(values, weight)
        if last.positive:
            return cls(1, 0.0, mean if mean > 0.0 else 1.0, (mean,))
        if loss.one_target and not loss.levels:
            raise RequestError(f"loss {loss_name} needs its levels here, such as quantiles(0.1, 0.5, 0.9).")
        units, prior = max(1, len(loss.levels)), (mean, *(quantile(values, q, weight) for q in loss.levels))
        if values.min() == values.max():  # asked of the values, since rounding can leave a deviation of 1e-11
            return cls(units, float(values[0]), 1.0, prior)
        return cls(units, mean, weighted.deviation(values, weight) or 1.0, prior)  # squares of tiny ones may vanish

    def bounded(self, values: Floats, margin: float) -> "Outputs":
        """The same for regression, with answers bounded by the numbers (m,) of the training rows.

            from min(y) - margin (max(y) - min(y))  to  max(y) + margin (max(y) - min(y))

        RequestError: a margin below 0, or beyond what bounds can be.

        >>> Outputs(1, 0.0, 1.0, (3.0,)).bounded(np.array([1.0, 5.0]), 0.25).numbers(np.array([[-9.0], [2.0], [9.0]]))
        array([0., 2., 6.])
        """
        require(margin >= 0.0, "the margin of bounds is a share of the range, 0 or more", margin)
        least, largest = float(values.min()), float(values.max())
        wider = margin * (largest - least)
        return replace(self, bounds=(least - wider, largest + wider))

    def calibrated(self, A_L: NDArray[Any], codes: NDArray[np.int64], weight: Floats | None = None) -> "Outputs":
        """The same for classes, with probabilities calibrated on rows (m,) that the network was not trained on.

        RunError: an output is not a number.

        >>> outputs = Outputs(1, 0.0, 1.0, (0.5, 0.5)).calibrated(np.full((4, 1), 0.99), np.array([1, 1, 1, 0]))
        >>> outputs.probabilities(np.array([[0.99]])).round(3).tolist()
        [[0.3, 0.7]]
        """
        P = replace(self, calibration=None).probabilities(A_L)
        return replace(self, calibration=fit_calibration(P.T, codes, weight))

    def require_fits(self, target: Target, loss: Loss, loss_name: str, functions: Functions | None = None) -> None:
        """RequestError: outputs that neither ``fit`` nor an estimator makes for this target and this loss."""
        _require_task(target, loss, loss_name)
        if target.task == "regression":
            units = max(1, len(loss.levels))
            require(self.calibration is None, "numbers have no calibration", self.calibration)
            require(self.units == units, f"units of outputs with loss {loss_name} are {units}", self.units)
            # an estimator knows no quantiles of the rows that it was trained on
            priors = (1, 1 + len(loss.levels))
            require(len(self.prior) in priors, "the prior of regression is a mean, and quantiles", self.prior)
            if not loss.elementwise:
                loss.value(np.zeros((units, 1)), np.zeros((units, 1)))  # a loss of other outputs says so
            return
        K = len(target.classes)
        single = K == 2 and loss.elementwise
        units = [1] if single and link(loss.link, np, functions).probabilities else [1, 2] if single else [K]
        require(self.units in units, f"units of {K} classes with loss {loss_name} are {units}", self.units)
        require((self.shift, self.scale) == (0.0, 1.0), "classes are neither shifted nor scaled", self)
        require(self.bounds is None, "classes have no bounds", self.bounds)
        shares = len(self.prior) == K and min(self.prior) >= 0.0 and abs(sum(self.prior) - 1.0) < 1e-9
        require(shares, f"the prior of {K} classes is their shares", self.prior)

    def encode(self, target: Target, values: NDArray[Any]) -> Floats:
        """Y (m, units) from class codes or numbers, (m,)."""
        if target.task == "regression":
            return np.repeat(((values - self.shift) / self.scale)[:, None], self.units, axis=1)
        return values[:, None].astype(np.float64) if self.units == 1 else np.eye(self.units)[values]

    def probabilities(self, A_L: NDArray[Any]) -> Floats:
        """P (m, K) from A[L]; outputs that are not a distribution (K sigmoids) are divided by their sum.

        Calibrated where there is a calibration.

        RunError: an output is not a number.
        """
        _require_numbers(A_L)
        P = probabilities(A_L.T.astype(np.float64))
        if self.calibration is not None:
            P = calibrated(P, *self.calibration)
        return np.ascontiguousarray(P.T)

    def numbers(self, A_L: NDArray[Any]) -> Floats:
        """Predicted numbers (m,), or quantiles (m, units), in the unit of the target and within its bounds.

        Without bounds they are infinite where they overflow.

        RunError: an output is not a number.
        """
        _require_numbers(A_L)
        with np.errstate(over="ignore"):
            numbers = A_L.astype(np.float64) * self.scale + self.shift
        if self.bounds is not None:
            numbers = np.clip(numbers, *self.bounds)
        return numbers[:, 0] if self.units == 1 else numbers

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; "bounds" and "calibration" only where there are some."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Outputs":
        """Back from ``to_dict``. RequestError: it is not what that gives."""
        pairs: dict[str, Any] = {name: [float] for name in ("bounds", "calibration") if name in description}
        entries = record(description, "outputs", units=int, shift=float, scale=float, prior=[float], **pairs)
        return cls(**{**entries, **{name: tuple(entries[name]) for name in ("prior", *pairs)}})


def _require_numbers(A_L: NDArray[Any]) -> None:
    lost = np.isnan(A_L).any(axis=1)
    if lost.any():
        raise RunError(
            f"the prediction for {row_name(int(lost.argmax()))} is NaN: values in the network exceed the range of "
            f"{A_L.dtype}. Correct extreme cells in that row, or train again with a lower learning rate."
        )


def _require_task(target: Target, loss: Loss, loss_name: str) -> None:
    if loss.task != target.task:
        raise RequestError(
            f"loss {loss_name} is for {loss.task}, but {target.name!r} is a target for {target.task} "
            f"({target.reason}). Choose another loss, or another task."
        )


def require_in_domain(loss: Loss, loss_name: str, name: str, values: Floats, rows: NDArray[np.int64]) -> None:
    """RequestError naming the first number that the loss is not defined for; ``rows`` are their places in the table."""
    outside = (values < loss.lowest) | (values > loss.highest) | np.isin(values, loss.excluded)
    if loss.task == "regression" and outside.any():
        first = int(outside.argmax())
        least = f"above {loss.lowest:g}" if loss.lowest in loss.excluded else f"of at least {loss.lowest:g}"
        raise RequestError(
            f"loss {loss_name} takes targets {least}, but {name!r} is {values[first]:g} in "
            f"{row_name(int(rows[first]))}. Choose another loss."
        )
