"""How one column becomes features: what is learnt from the training rows, and how it is applied."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.columns import LARGEST, booleans, dates, numbers, pc, row_name, taken, texts
from chainrule.data.gaps import NO_GAPS, Gaps
from chainrule.data.kinds import VALUES, NumericKind, is_text
from chainrule.errors import RequestError
from chainrule.formulas import weighted
from chainrule.validation import record, require

# A level on one or two training rows cannot be told from the noise of those rows. Pooled, such levels become one
# feature, which then also stands for levels that come up only after training.
RARE_ROWS = 3
# Each level is a feature, and costs a row of the first weight matrix; beyond this the most frequent ones are kept.
MAX_LEVELS = 100
# A value so far out is an accident, and beyond what float32 could carry through a network.
FARTHEST = 1e15
# The least deviation: squares of smaller ones vanish, and it is 1 instead.
NARROWEST = 1e-162


@dataclass(frozen=True)
class Scale:
    """Missing values become ``fill``, or are refused where it is None; then (x - mean) / scale."""

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


@dataclass(frozen=True)
class NumericFeatures:
    """A column of numbers, booleans or dates: one standardised feature for each part of the value.

    Where training rows had gaps, one more feature is 1 at a gap and 0 elsewhere.

    Raises RequestError for a kind that does not exist, and for scales that no column has.
    """

    column: str
    kind: NumericKind
    scales: tuple[Scale, ...]
    indicator: bool

    def __post_init__(self) -> None:
        """See the class."""
        what = f"column {self.column!r}"
        require(self.kind in COUNTS, f"the kind of {what} is one of {', '.join(COUNTS)}, category", self.kind)
        count = COUNTS[self.kind]
        require(len(self.scales) == count, f"{what} is a {self.kind}, which has {count} scales", self.scales)
        for scale in self.scales:
            usual = NARROWEST < scale.scale < 2 * LARGEST  # twice, since a mean of the largest may round up
            usual &= abs(scale.mean) < 2 * LARGEST and (scale.fill is None or abs(scale.fill) <= LARGEST)
            require(usual, f"{what} has a median, a mean and a deviation of numbers", scale)
        fills = sum(scale.fill is not None for scale in self.scales)
        require(fills in (0, count), f"{what} fills gaps, or takes none", self.scales)

    @classmethod
    def fit(
        cls,
        name: str,
        kind: NumericKind,
        column: pa.ChunkedArray,
        rows: Any,
        standardize: bool = True,
        weight: NDArray[np.float64] | None = None,
        gaps: Gaps = NO_GAPS,
    ) -> "NumericFeatures":
        """Learn from the given ``rows`` of ``column``, at least one of which has a value; each counts ``weight``."""
        parts = [part[rows] for part in _parts(name, kind, column, gaps)]  # wrong cells of other rows are said early
        scales = tuple(Scale.fit(part, standardize, weight) for part in parts)
        return cls(name, kind, scales, indicator=bool(np.isnan(parts[0]).any()))

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

    def fill(self, column: pa.ChunkedArray, rows: Any, out: NDArray[np.float64], gaps: Gaps = NO_GAPS) -> None:
        """Write the features of ``rows`` of ``column``, all where None, into ``out`` (m, features)."""
        parts = _parts(self.column, self.kind, column, gaps, rows)
        for j, (scale, part) in enumerate(zip(self.scales, parts, strict=True)):
            missing = np.isnan(part)
            if scale.fill is None and missing.any():
                row = row_name(int(missing.argmax()), rows)
                raise RequestError(
                    f"column {self.column!r} has no value in {row}: the model was trained without gaps and takes none. "
                    "Fill the cell, leave the row out, or train again with gaps among the training rows."
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
        given = column, *_words(self.column, self.kind), gaps.numbers
        if self.kind == "date":
            return pa.array(dates(*given))
        values = pa.array((numbers if self.kind == "number" else booleans)(*given), from_pandas=True)
        return values.cast(pa.bool_()) if self.kind == "boolean" else values

    def missing(self, column: pa.ChunkedArray, gaps: Gaps = NO_GAPS) -> int:
        """How many cells have no value. RequestError: a cell is not what the column was at training."""
        return int(np.isnan(_parts(self.column, self.kind, column, gaps)[0]).sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "NumericFeatures":
        """The inverse of :meth:`to_dict`. Raises RequestError where it is not what that gives."""
        entries = record(description, "a column", column=str, kind=str, scales=[dict], indicator=bool)
        scales = [record(s, "a scale", fill=float | None, mean=float, scale=float) for s in entries["scales"]]
        return cls(**{**entries, "scales": tuple(Scale(**s) for s in scales)})


@dataclass(frozen=True)
class CategoryFeatures:
    """A column of texts: a feature that is 1 or 0 for each level, for the rare levels together, and for gaps.

    ``pooled`` are the rare levels. A level that no training row had is read as a rare one, and as no level at all
    where none was rare; a gap where no training row had one is read as no level at all.

    Or a code for each cell, where an input layer looks it up: 1.. for the levels in their order, the last one for gaps
    where training rows had some, and 0 for all else.

    Raises RequestError for levels that are none, not sorted, or there twice.
    """

    column: str
    levels: tuple[str, ...]
    pooled: tuple[str, ...]
    gaps: bool

    def __post_init__(self) -> None:
        """See the class."""
        what = f"column {self.column!r}"
        for levels in (self.levels, self.pooled):
            right = "" not in levels and all(a < b for a, b in pairwise(levels))
            require(right, f"the levels of {what} are texts, sorted, each once", levels)
        twice = sorted({*self.levels} & {*self.pooled})
        require(not twice, f"a level of {what} is frequent or rare", twice)
        require(bool(self.levels or self.pooled), f"{what} has levels", ())

    @classmethod
    def fit(
        cls,
        name: str,
        column: pa.ChunkedArray,
        rows: Any,
        weight: NDArray[np.float64] | None = None,
        gaps: Gaps = NO_GAPS,
    ) -> "CategoryFeatures":
        """Learn the levels in the given ``rows`` of ``column``; they are sorted by text.

        How frequent a level is, is the sum of the ``weight`` of its rows. It is rare where that sum, and the number of
        its rows too, are below RARE_ROWS: weights below 1, such as shares of a whole, make no level rare.
        """
        cells = _level_texts(name, column, rows, gaps)
        coded = cells.drop_null().dictionary_encode()
        place = coded.indices.to_numpy()
        rows_of = np.bincount(place)
        sums = rows_of if weight is None else np.bincount(place, weight[cells.is_valid().to_numpy(False)])
        enough = np.maximum(sums, rows_of) >= RARE_ROWS
        levels = list(zip(coded.dictionary.to_pylist(), sums.tolist(), enough.tolist(), strict=True))
        by_frequency = sorted(levels, key=lambda level: (-level[1], level[0]))
        kept = {text for text, _, enough in by_frequency[:MAX_LEVELS] if enough}
        pooled = sorted(text for text, _, _ in levels if text not in kept)
        return cls(name, tuple(sorted(kept)), tuple(pooled), gaps=cells.null_count > 0)

    @property
    def names(self) -> list[str]:
        """Feature names, such as ``island=Biscoe``, ``island=(rare)`` and ``island=(missing)``."""
        names = [*self.levels, *(["(rare)"] if self.pooled else []), *(["(missing)"] if self.gaps else [])]
        return [f"{self.column}={name}" for name in names]

    @property
    def measured(self) -> list[bool]:
        """Which features are amounts: none."""
        return [False] * len(self.names)

    @property
    def of_booleans(self) -> bool:
        """Whether the levels are true and false, which files spell in several ways."""
        return {*self.levels, *self.pooled} <= {"true", "false"}

    def spelled_gaps(self, gaps: Gaps) -> tuple[str, ...]:
        """The spellings of a missing value in this column: those that are none of its levels."""
        known = {*self.levels, *self.pooled}
        return tuple(spelling for spelling in gaps.texts if spelling not in known)

    def missing(self, column: pa.ChunkedArray, gaps: Gaps = NO_GAPS) -> int:
        """How many cells have no value. RequestError: the cells cannot be text."""
        return self._read(column, None, gaps).null_count

    def _read(self, column: pa.ChunkedArray, rows: Any, gaps: Gaps) -> pa.Array:
        """The texts of ``rows`` of ``column``, null in the gaps."""
        return _without(_texts(self.column, taken(column, rows)), self.spelled_gaps(gaps))

    def fill(self, column: pa.ChunkedArray, rows: Any, out: NDArray[np.float64], gaps: Gaps = NO_GAPS) -> None:
        """Write the features of ``rows`` of ``column``, all where None, into ``out`` (m, features)."""
        cells = self._read(column, rows, gaps)
        rare = len(self.levels) if self.pooled else -1
        place = _places(cells, self.levels, absent=rare)
        place[cells.is_null().to_numpy(zero_copy_only=False)] = out.shape[1] - 1 if self.gaps else -1
        out[:] = 0.0
        hot = np.flatnonzero(place >= 0)
        out[hot, place[hot]] = 1.0

    @property
    def code_count(self) -> int:
        """How many codes there are, 0 among them."""
        return 1 + len(self.levels) + self.gaps

    def codes(self, column: pa.ChunkedArray, rows: Any, gaps: Gaps = NO_GAPS) -> NDArray[np.int64]:
        """The codes (m,) of ``rows`` of ``column``, all where None."""
        cells = self._read(column, rows, gaps)
        codes = _places(cells, self.levels, absent=-1) + 1
        if self.gaps:
            codes[cells.is_null().to_numpy(zero_copy_only=False)] = len(self.levels) + 1
        return codes

    def unseen(self, column: pa.ChunkedArray, gaps: Gaps = NO_GAPS, looked_up: bool = False) -> list[str]:
        """Names the levels that no training row had, and says how the rows with them are read."""
        # code 0 has the mean of the other vectors where no row trains it
        otherwise = "the mean of its levels" if looked_up else "none of its levels"
        rare = "(rare)" if self.pooled else otherwise
        cells = self._read(column, None, gaps)
        present = cells.drop_null()
        strange = present.filter(pa.array(_places(present, self.levels + self.pooled, absent=-1) < 0))
        lines = []
        if len(strange):
            levels = sorted(strange.unique().to_pylist())
            shown = ", ".join(map(repr, levels[:5])) + (f" and {len(levels) - 5} more" if len(levels) > 5 else "")
            lines.append(
                f"column {self.column!r}: {len(strange)} rows with {shown}, unseen in training; read as {rare}"
            )
        if cells.null_count and not self.gaps:
            lines.append(
                f"column {self.column!r}: {cells.null_count} rows without a value, unlike in training; "
                f"read as {rare if looked_up else otherwise}"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"kind": "category", **asdict(self)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "CategoryFeatures":
        """The inverse of :meth:`to_dict`. Raises RequestError where it is not what that gives."""
        entries = record(description, "a column", kind=str, column=str, levels=[str], pooled=[str], gaps=bool)
        return cls(entries["column"], tuple(entries["levels"]), tuple(entries["pooled"]), entries["gaps"])


DATE_PARTS = ("year", "month", "day of week", "days since 1970")
COUNTS = {"number": 1, "boolean": 1, "date": len(DATE_PARTS)}  # of the numbers that a value stands for


def has_value(name: str, kind: str, column: pa.ChunkedArray, rows: Any, gaps: Gaps) -> bool:
    """Whether a column of this kind has a value in any of the ``rows``."""
    if kind == "category":
        cells = _level_texts(name, column, rows, gaps)
        return cells.null_count < len(cells)
    return not np.isnan(_parts(name, kind, column, gaps, rows)[0]).all()


def _words(name: str, kind: str) -> tuple[str, str]:
    """How messages begin about a cell that cannot be read."""
    return f"column {name!r}", f"was {VALUES[kind]} at training, now it is"


def _parts(name: str, kind: str, column: pa.ChunkedArray, gaps: Gaps, rows: Any = None) -> list[NDArray[np.float64]]:
    """The numbers (m,) that a value stands for: one, or for a date :data:`DATE_PARTS`; NaN where it is missing."""
    given = column, *_words(name, kind), gaps.numbers, rows
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


def _level_texts(name: str, column: pa.ChunkedArray, rows: Any, gaps: Gaps) -> pa.Array:
    """The cells of training rows, null in the gaps; what is declared to be a category is a level, whatever it says."""
    cells = _texts(name, taken(column, rows))
    return cells if pa.types.is_dictionary(column.type) else _without(cells, gaps.texts)


def _texts(name: str, column: pa.ChunkedArray) -> pa.Array:
    return texts(column, *_words(name, "category"))


def _without(cells: pa.Array, spellings: tuple[str, ...]) -> pa.Array:
    """``cells`` with null for these texts."""
    return pc.if_else(pc.is_in(cells, pa.array(spellings, cells.type)), None, cells) if spellings else cells


def _places(cells: pa.Array, levels: tuple[str, ...], absent: int) -> NDArray[np.int64]:
    """The index in ``levels`` of each cell, ``absent`` where it has none."""
    places = pc.index_in(cells, pa.array(levels, pa.large_string()))
    return np.array(pc.fill_null(places, absent).cast(pa.int64()))
