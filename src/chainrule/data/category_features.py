"""A column of categories as features or codes: what is learnt from the training rows, and how it is applied."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.columns import pc, taken, texts
from chainrule.data.gaps import NO_GAPS, Gaps
from chainrule.data.kinds import changed
from chainrule.validation import record, require

# A level on one or two training rows cannot be told from the noise of those rows. Pooled, such levels become one
# feature, which then also stands for levels that come up only after training.
RARE_ROWS = 3
# The most levels that are kept, the frequent ones first. As a feature each costs a column of X and one of W[1]. A level
# that is looked up costs a vector of a few numbers, and in a step no more than its update: the limit keeps the vectors
# of a column within some MB.
MAX_LEVELS = 100
MAX_LOOKED_UP = 2**20


@dataclass(frozen=True)
class CategoryFeatures:
    """A column of texts: a feature that is 1 or 0 for each level, for the rare levels together, and for gaps.

    ``pooled`` are the rare levels. A level that no training row had is read as a rare one, and as no level at all
    where none was rare; a gap where no training row had one is read as no level at all.

    Or a code for each cell, where an input layer looks it up: 1.. for the levels in their order, the last one for gaps
    where training rows had some, and 0 for all else.

    Raises RequestError for levels that are none, not sorted, or there twice.
    """

    kind: ClassVar = "category"
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
        looked_up: bool = False,
    ) -> "CategoryFeatures":
        """Learn the levels in the given ``rows`` of ``column``; they are sorted by text.

        How frequent a level is, is the sum of the ``weight`` of its rows. It is rare where that sum, and the number of
        its rows too, are below RARE_ROWS: weights below 1, such as shares of a whole, make no level rare. Beyond
        MAX_LEVELS, or MAX_LOOKED_UP, the others count as rare too.
        """
        cells = level_texts(name, column, rows, gaps)
        coded = cells.drop_null().dictionary_encode()
        place = coded.indices.to_numpy()
        rows_of = np.bincount(place)
        sums = rows_of if weight is None else np.bincount(place, weight[cells.is_valid().to_numpy(False)])
        enough = np.maximum(sums, rows_of) >= RARE_ROWS
        levels = list(zip(coded.dictionary.to_pylist(), sums.tolist(), enough.tolist(), strict=True))
        by_frequency = sorted(levels, key=lambda level: (-level[1], level[0]))
        kept = {text for text, _, enough in by_frequency[: MAX_LOOKED_UP if looked_up else MAX_LEVELS] if enough}
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
    def least_ranges(self) -> list[float]:
        """By how much each feature differs in training rows, at least, where its column is not left out."""
        return [0.0] * len(self.names)

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
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "CategoryFeatures":
        """The inverse of :meth:`to_dict`. Raises RequestError where it is not what that gives."""
        entries = record(description, "a column", kind=str, column=str, levels=[str], pooled=[str], gaps=bool)
        return cls(entries["column"], tuple(entries["levels"]), tuple(entries["pooled"]), entries["gaps"])


def level_texts(name: str, column: pa.ChunkedArray, rows: Any, gaps: Gaps) -> pa.Array:
    """The cells of training rows, null in the gaps; what is declared to be a category is a level, whatever it says."""
    cells = _texts(name, taken(column, rows))
    return cells if pa.types.is_dictionary(column.type) else _without(cells, gaps.texts)


def _texts(name: str, column: pa.ChunkedArray) -> pa.Array:
    return texts(column, *changed(name, "category"))


def _without(cells: pa.Array, spellings: tuple[str, ...]) -> pa.Array:
    """``cells`` with null for these texts."""
    return pc.if_else(pc.is_in(cells, pa.array(spellings, cells.type)), None, cells) if spellings else cells


def _places(cells: pa.Array, levels: tuple[str, ...], absent: int) -> NDArray[np.int64]:
    """The index in ``levels`` of each cell, ``absent`` where it has none."""
    places = pc.index_in(cells, pa.array(levels, pa.large_string()))
    return np.array(pc.fill_null(places, absent).cast(pa.int64()))
