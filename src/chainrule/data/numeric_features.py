"""A column of numbers, booleans or dates as features: what is learnt from the training rows, and how it is applied."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.columns import LARGEST, booleans, dates, numbers, row_name
from chainrule.data.gaps import NO_GAPS, Gaps
from chainrule.data.kinds import NumericKind, changed, is_text
from chainrule.data.normal_scale import NormalScale
from chainrule.errors import RequestError
from chainrule.formulas import weighted
from chainrule.validation import record, require

# A value so far out is an accident, and beyond what float32 could carry through a network.
FARTHEST = 1e15
# The least deviation: squares of smaller ones vanish, and it is 1 instead.
NARROWEST = 1e-162

DATE_PARTS = ("year", "month", "day of week", "days since 1970")
# What numbers and dates become: of mean 0 and deviation 1, normal scores, or what they are. Booleans have no ranks to
# speak of, and are standardised instead of made normal scores.
Numbers = Literal["standardized", "normal", "unscaled"]
COUNTS = {"number": 1, "boolean": 1, "date": len(DATE_PARTS)}  # of the numbers that a value stands for


@dataclass(frozen=True)
class Scale:
    """Missing values become ``fill``, or are refused where it is None; then (x - mean) / scale."""

    least_range: ClassVar = 0.0  # of a feature that varies
    fill: float | None
    mean: float
    scale: float

    @classmethod
    def fit(
        cls, values: NDArray[np.float64], standardize: bool = True, weight: NDArray[np.float64] | None = None
    ) -> "Scale":
        """Median, and the mean and population deviation after the gaps hold the median, of ``values`` (m,).

        ``weight``, (m,), is how much each row counts. Without ``standardize`` the mean counts as 0 and the deviation
        as 1.
        """
        known = ~np.isnan(values)
        fill = weighted.median(values[known], None if weight is None else weight[known])
        if not standardize:
            return cls(fill, 0.0, 1.0)
        values = np.where(np.isnan(values), fill, values)
        if values.min() == values.max():  # the mean of equal numbers may be off by a rounding, and would be blown up
            return cls(fill, fill, 1.0)
        return cls(fill, weighted.mean(values, weight), weighted.deviation(values, weight) or 1.0)

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scaled values (m,), none of them NaN where there is a ``fill``."""
        filled = values if self.fill is None else np.where(np.isnan(values), self.fill, values)
        return (filled - self.mean) / self.scale

    @property
    def usual(self) -> float:
        """A value such as the training rows had."""
        return self.mean if self.fill is None else self.fill

    def require_usual(self, what: str) -> None:
        """RequestError: numbers that no column has."""
        usual = NARROWEST < self.scale < 2 * LARGEST  # twice, since a mean of the largest may round up
        usual &= abs(self.mean) < 2 * LARGEST and (self.fill is None or abs(self.fill) <= LARGEST)
        require(usual, f"{what} has a median, a mean and a deviation of numbers", self)


@dataclass(frozen=True)
class NumericFeatures:
    """A column of numbers, booleans or dates: one scaled feature for each part of the value.

    Where training rows had gaps, one more feature is 1 at a gap and 0 elsewhere.

    Raises RequestError for a kind that does not exist, and for scales that no column has.
    """

    column: str
    kind: NumericKind
    scales: tuple[Scale | NormalScale, ...]
    indicator: bool

    def __post_init__(self) -> None:
        """See the class."""
        what = f"column {self.column!r}"
        require(self.kind in COUNTS, f"the kind of {what} is one of {', '.join(COUNTS)}, category", self.kind)
        count = COUNTS[self.kind]
        require(len(self.scales) == count, f"{what} is a {self.kind}, which has {count} scales", self.scales)
        for scale in self.scales:
            scale.require_usual(what)
        fills = sum(scale.fill is not None for scale in self.scales)
        require(fills in (0, count), f"{what} fills gaps, or takes none", self.scales)

    @classmethod
    def fit(
        cls,
        name: str,
        kind: NumericKind,
        column: pa.ChunkedArray,
        rows: Any,
        scaled: Numbers = "standardized",
        weight: NDArray[np.float64] | None = None,
        gaps: Gaps = NO_GAPS,
    ) -> "NumericFeatures":
        """Learn from the given ``rows`` of ``column``, at least one of which has a value; each counts ``weight``."""
        parts = [part[rows] for part in values_of(name, kind, column, gaps)]  # wrong cells of other rows are said early
        scales: list[Scale | NormalScale] = []
        for part in parts:
            if scaled == "normal" and kind != "boolean":
                scales.append(NormalScale.fit(part, weight))
            else:
                scales.append(Scale.fit(part, scaled != "unscaled", weight))
        return cls(name, kind, tuple(scales), indicator=bool(np.isnan(parts[0]).any()))

    @property
    def names(self) -> list[str]:
        """Feature names, such as ``seen year`` or ``mass missing``."""
        parts = [f"{self.column} {part}" for part in DATE_PARTS] if self.kind == "date" else [self.column]
        return [*parts, f"{self.column} missing"] if self.indicator else parts

    @property
    def measured(self) -> list[bool]:
        """Which features are amounts, rather than yes or no."""
        amounts = [self.kind != "boolean"] * COUNTS[self.kind]
        return [*amounts, False] if self.indicator else amounts

    @property
    def least_ranges(self) -> list[float]:
        """By how much each feature differs in training rows, at least, where its column is not left out."""
        ranges = [scale.least_range for scale in self.scales]
        return [*ranges, 0.0] if self.indicator else ranges

    def fill(self, column: pa.ChunkedArray, rows: Any, out: NDArray[np.float64], gaps: Gaps = NO_GAPS) -> None:
        """Write the features of ``rows`` of ``column``, all where None, into ``out`` (m, features)."""
        parts = values_of(self.column, self.kind, column, gaps, rows)
        for j, (scale, part) in enumerate(zip(self.scales, parts, strict=True)):
            missing = np.isnan(part)
            if scale.fill is None and missing.any():
                row = row_name(int(missing.argmax()), rows)
                raise RequestError(
                    f"column {self.column!r} has no value in {row}: the model was trained without missing values "
                    "and takes none. Fill in the cell, remove the row, or train again with missing values in the "
                    "training rows."
                )
            out[:, j] = scale.apply(part)
            far = np.abs(out[:, j]) > FARTHEST
            if far.any():
                first = int(far.argmax())
                row = row_name(first, rows)
                raise RequestError(
                    f"column {self.column!r} has {part[first]:g} in {row}, more than {FARTHEST:g} standard deviations "
                    "from the mean of the training rows: correct the cell, or leave it empty if unknown."
                )
        if self.indicator:
            out[:, -1] = np.isnan(parts[0])

    def unseen(self, column: pa.ChunkedArray, gaps: Gaps = NO_GAPS) -> list[str]:
        """Says how many rows have a gap where no training row had one; nothing where :meth:`fill` refuses it."""
        if self.indicator or self.scales[0].fill is None:
            return []
        missing = self.missing(column, gaps)
        if not missing:
            return []
        return [f"column {self.column!r}: {missing} rows without a value, unlike in training; read as the median"]

    def read(self, column: pa.ChunkedArray, gaps: Gaps) -> pa.Array | pa.ChunkedArray:
        """``column``, where it is text, as what it was at training, null in the gaps. RequestError: a cell is not."""
        if not is_text(column.type):
            return column
        given = column, *changed(self.column, self.kind), gaps.numbers
        if self.kind == "date":
            return pa.array(dates(*given))
        values = pa.array((numbers if self.kind == "number" else booleans)(*given), from_pandas=True)
        return values.cast(pa.bool_()) if self.kind == "boolean" else values

    def missing(self, column: pa.ChunkedArray, gaps: Gaps = NO_GAPS) -> int:
        """How many cells have no value. RequestError: a cell is not what the column was at training."""
        return int(np.isnan(values_of(self.column, self.kind, column, gaps)[0]).sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "NumericFeatures":
        """The inverse of :meth:`to_dict`. Raises RequestError where it is not what that gives."""
        entries = record(description, "a column", column=str, kind=str, scales=[dict], indicator=bool)
        return cls(**{**entries, "scales": tuple(_scale(scale) for scale in entries["scales"])})


def _scale(description: Mapping[str, Any]) -> Scale | NormalScale:
    if "knots" not in description:
        return Scale(**record(description, "a scale", fill=float | None, mean=float, scale=float))
    entries = record(description, "a normal scale", fill=float | None, knots=[float], z=[float])
    return NormalScale(entries["fill"], tuple(entries["knots"]), tuple(entries["z"]))


def values_of(name: str, kind: str, column: pa.ChunkedArray, gaps: Gaps, rows: Any = None) -> list[NDArray[np.float64]]:
    """The numbers (m,) that a value stands for: one, or for a date :data:`DATE_PARTS`; NaN where it is missing."""
    given = column, *changed(name, kind), gaps.numbers, rows
    if kind != "date":
        return [numbers(*given) if kind == "number" else booleans(*given)]
    moments = dates(*given)
    days = moments.astype("M8[D]").astype(np.int64)
    calendar = [
        moments.astype("M8[Y]").astype(np.int64) + 1970,
        moments.astype("M8[M]").astype(np.int64) % 12 + 1,
        (days + 3) % 7,  # Monday is 0; 1970-01-01 was a Thursday
        moments.astype(np.int64) / 86_400e6,  # with the time of day as a fraction
    ]
    return [np.where(np.isnat(moments), np.nan, part) for part in calendar]
