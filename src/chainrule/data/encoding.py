"""Turn a table into the matrix a network takes, with all that must be remembered from training to prediction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.arguments import integer, one_of
from chainrule.data.category_features import MAX_LEVELS, CategoryFeatures, level_texts
from chainrule.data.gaps import BEFORE_FORMAT_3, Gaps
from chainrule.data.normal_scale import NormalScale
from chainrule.data.numeric_features import Numbers, NumericFeatures, values_of
from chainrule.data.schema import Schema
from chainrule.errors import RequestError, nearest
from chainrule.sample_weights import require_some
from chainrule.validation import is_name, record, require

Rows = Sequence[int] | NDArray[np.integer]

NO_VALUE, CONSTANT = "no value in any training row", "the same in every training row"
SHOWN = 20  # of the columns that a message lists


@dataclass(frozen=True)
class Encoder:
    """What each used column becomes, and by what spellings a value is missing in it.

    ``left_out`` are the columns the training rows had no value for, ``constant`` those of which every feature would
    have been the same in all training rows.

    Numbers, booleans and dates: gaps take the median of the training rows, a feature tells where they were, and
    all is standardised to mean 0 and deviation 1 on the training rows, or numbers and dates become normal scores, see
    NormalScale. Texts: one feature for each level; or, those of ``lookups``, no feature but a code for an input layer
    to look up.

    Raises RequestError where no column is used, one is twice, or two features would have the same name.

    >>> from chainrule.data.schema import infer_schema
    >>> table = pa.table({"mass": [1.0, 3.0, None, 9.0], "island": ["x", "y", "x", "x"]})
    >>> encoder = Encoder.fit(table, infer_schema(table), rows=[0, 1, 2])
    >>> encoder.feature_names
    ['mass', 'mass missing', 'island=(rare)']
    >>> encoder.transform(table, rows=[1, 2]).round(3).tolist()
    [[1.225, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """

    parts: tuple[NumericFeatures | CategoryFeatures, ...]
    left_out: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    gaps: Gaps = BEFORE_FORMAT_3  # of an estimator's pickle that has none
    lookups: tuple[CategoryFeatures, ...] = ()

    def __post_init__(self) -> None:
        """See the class."""
        require(bool(self.parts or self.lookups), "an encoder has columns", self.parts)
        columns = [*self.columns, *self.left_out, *self.constant]
        right = all(map(is_name, columns)) and len({*columns}) == len(columns)
        require(right, "the columns of an encoder have names, each another", columns)
        twice = [name for name, count in Counter(self.feature_names).items() if count > 1]
        if twice:
            raise RequestError(f"two columns make a feature named {twice[0]!r}: rename one of them.")

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        schema: Schema,
        rows: Rows,
        numbers: Numbers = "standardized",
        weight: NDArray[np.float64] | None = None,
        gaps: Gaps | None = None,
        look_up_from: int | None = None,
    ) -> "Encoder":
        """Learn medians, means, deviations, ranks and levels from the given ``rows`` of ``table``, the training rows.

        ``numbers``, and the parts of dates, become "standardized", "normal" scores, or stay "unscaled". ``weight`` is
        how much each of the ``rows`` counts: a row of weight 2 is two rows, and nothing is learnt from one of weight 0.
        Without ``gaps`` a value is missing by the usual spellings. Texts that would make ``look_up_from`` features or
        more become codes, see the class: all where it is 1, none where it is None; any number above 100 counts as that.

        Raises RequestError where no column is used, or has a value in these rows; where a number is infinite or beyond
        1e100; where two features would have the same name; where no row counts; and for other words or
        a ``look_up_from`` below 1.
        """
        one_of("numbers", numbers, get_args(Numbers))
        if look_up_from is not None:
            look_up_from = min(integer("look_up_from", look_up_from, 1), MAX_LEVELS)
        rows = np.asarray(rows, np.int64)
        gaps = Gaps() if gaps is None else gaps
        named = _named(table)
        if weight is not None:
            require_some(weight)
            rows, weight = rows[weight > 0.0], weight[weight > 0.0]
        parts: list[NumericFeatures | CategoryFeatures] = []
        lookups: list[CategoryFeatures] = []
        left_out = []
        for c in schema.used:
            column = named[c.name]
            if not _has_value(c.name, c.kind, column, rows, gaps):
                left_out.append(c.name)
            elif c.kind == "category":
                part = CategoryFeatures.fit(c.name, column, rows, weight, gaps, look_up_from is not None)
                looked_up = look_up_from is not None and len(part.names) >= look_up_from
                (lookups if looked_up else parts).append(part)
            elif c.kind in ("number", "boolean", "date"):
                parts.append(NumericFeatures.fit(c.name, c.kind, column, rows, numbers, weight, gaps))
            else:
                raise RequestError(f"column {c.name!r} is of kind {c.kind!r}, which makes no features: leave it out.")
        if not parts and not lookups:
            why = {c.name: c.reason for c in schema.left_out} | dict.fromkeys(left_out, NO_VALUE)
            raise _nothing_left(why)
        return cls(tuple(parts), tuple(left_out), gaps=gaps, lookups=tuple(lookups))

    def without_constants(self, table: pa.Table, rows: Rows) -> tuple["Encoder", list[str]]:
        """The same without the columns that are the same features, or code, in all training ``rows`` of ``table``.

        They are in its ``constant``; normal scores that differ by no more than 1e-6 count as the same. Also the names
        of the features that are the same in all rows beside others of their column that are not, such as the year of
        dates in one year.

        RequestError: no column is left.
        """
        matrix = self.transform(table, rows)
        least = [least for part in self.parts for least in part.least_ranges]
        varies = iter((np.ptp(matrix, axis=0) > least).tolist())
        parts, constant, beside = [], [], []
        for part in self.parts:
            names = part.names
            same = [name for name in names if not next(varies)]
            if len(same) == len(names):
                constant.append(part.column)
            else:
                parts.append(part)
                beside += same
        lookups: list[CategoryFeatures] = []
        codes = self.codes(table, rows)
        for q, part in enumerate(self.lookups):
            assert codes is not None
            if (codes[:, q] != codes[0, q]).any():
                lookups.append(part)
            else:
                constant.append(part.column)
        if not parts and not lookups:
            raise _nothing_left(dict.fromkeys(self.left_out, NO_VALUE) | dict.fromkeys(constant, CONSTANT))
        return replace(self, parts=tuple(parts), constant=tuple(constant), lookups=tuple(lookups)), beside

    def notes(self, same: Sequence[str]) -> list[str]:
        """What there is to say of columns that make no features, and of features that are the ``same``, a line each."""
        notes = [f"column {name!r} left out: {NO_VALUE}" for name in self.left_out]
        notes += [f"column {name!r} left out: {CONSTANT}" for name in self.constant]
        notes = notes[:SHOWN] + ([f"{len(notes) - SHOWN:,} more columns left out likewise"] if notes[SHOWN:] else [])
        if same:
            more = f" and {len(same) - SHOWN:,} more" if len(same) > SHOWN else ""
            notes.append(f"features that are {CONSTANT}: {', '.join(same[:SHOWN])}{more}")
        return notes

    @property
    def columns(self) -> list[str]:
        """The columns that must be in a table to transform it."""
        return [part.column for part in (*self.parts, *self.lookups)]

    @property
    def text_columns(self) -> list[str]:
        """The columns to read as text, so that a level such as ``007`` is not taken for a number."""
        categories = [*(part for part in self.parts if isinstance(part, CategoryFeatures)), *self.lookups]
        return [part.column for part in categories if not part.of_booleans]

    @property
    def numeric_columns(self) -> list[str]:
        """The columns whose cells are numbers."""
        return [part.column for part in self.parts if isinstance(part, NumericFeatures) and part.kind == "number"]

    @property
    def feature_names(self) -> list[str]:
        """The names of the columns of the matrix, such as ``mass``, ``mass missing``, ``island=Biscoe``."""
        return [name for part in self.parts for name in part.names]

    @property
    def measured(self) -> tuple[int, ...]:
        """Which columns of the matrix hold amounts, numbers and parts of dates; the others say yes or no."""
        features = [amount for part in self.parts for amount in part.measured]
        return tuple(j for j, amount in enumerate(features) if amount)

    @property
    def makes_normal_scores(self) -> bool:
        """Whether any of the features are such."""
        numeric = (part for part in self.parts if isinstance(part, NumericFeatures))
        return any(isinstance(scale, NormalScale) for part in numeric for scale in part.scales)

    @property
    def levels(self) -> tuple[int, ...]:
        """How many codes each column of ``lookups`` has, 0 among them."""
        return tuple(part.code_count for part in self.lookups)

    def transform(self, table: pa.Table, rows: Rows | None = None) -> NDArray[np.float64]:
        """The features (m, features) of ``rows`` of ``table``, all rows where None: C-contiguous, finite, no NaN.

        Every column is read as what it was at training. Columns that were not there at training are passed over; see
        :meth:`extra_columns` and :meth:`describe_unseen` for what to tell the user.

        Raises RequestError where a column is missing, or a cell cannot be read as what the column was at training.
        """
        named = self._require_columns(table)
        rows = None if rows is None else np.asarray(rows, np.int64)
        matrix = np.empty((table.num_rows if rows is None else len(rows), len(self.feature_names)))
        start = 0
        for part in self.parts:
            end = start + len(part.names)
            part.fill(named[part.column], rows, matrix[:, start:end], self.gaps)
            start = end
        return matrix

    def codes(self, table: pa.Table, rows: Rows | None = None) -> NDArray[np.int64] | None:
        """The codes (m, columns looked up) of ``rows`` of ``table``, all rows where None; None where there are none.

        RequestError: as :meth:`transform`.
        """
        if not self.lookups:
            return None
        named = self._require_columns(table)
        rows = None if rows is None else np.asarray(rows, np.int64)
        return np.column_stack([part.codes(named[part.column], rows, self.gaps) for part in self.lookups])

    def read(self, table: pa.Table) -> pa.Table:
        """``table`` with the text in columns of numbers, booleans and dates as these, null in the gaps.

        RequestError: a cell cannot be read as what its column was at training. That a column is missing is no error.
        """
        named = _named(table)
        for part in self.parts:
            if isinstance(part, NumericFeatures) and part.column in named:
                named[part.column] = part.read(named[part.column], self.gaps)
        return pa.table(named)

    def missing(self, table: pa.Table) -> dict[str, int]:
        """How many cells of each used column have no value. RequestError: as :meth:`transform`."""
        named = self._require_columns(table)
        return {part.column: part.missing(named[part.column], self.gaps) for part in (*self.parts, *self.lookups)}

    def describe_unseen(self, table: pa.Table) -> list[str]:
        """A line for each column with values that no training row had: which, on how many rows, read as what."""
        named = self._require_columns(table)
        lines = [line for part in self.parts for line in part.unseen(named[part.column], self.gaps)]
        return lines + [
            line for part in self.lookups for line in part.unseen(named[part.column], self.gaps, looked_up=True)
        ]

    def extra_columns(self, table: pa.Table) -> list[str]:
        """The columns of ``table`` that are not used."""
        used = set(self.columns)
        return [name for name in table.column_names if name not in used]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; floats come back with the same bits. "lookups" only where there are some."""
        left_out = {"left_out": list(self.left_out), "constant": list(self.constant)}
        lookups = {"lookups": [part.to_dict() for part in self.lookups]} if self.lookups else {}
        return {"parts": [part.to_dict() for part in self.parts], **left_out, "gaps": self.gaps.to_dict(), **lookups}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Encoder":
        """The encoder that :meth:`to_dict` wrote. Raises RequestError where it is none."""
        kinds: dict[str, Any] = {"parts": [dict], "left_out": [str], "constant": [str], "gaps": dict}
        if "lookups" in description:
            kinds["lookups"] = [dict]
        entries = record(description, "an encoder", **kinds)
        parts = [
            (CategoryFeatures if part.get("kind") == "category" else NumericFeatures).from_dict(part)
            for part in entries["parts"]
        ]
        left_out, constant = tuple(entries["left_out"]), tuple(entries["constant"])
        lookups = tuple(CategoryFeatures.from_dict(part) for part in entries.get("lookups", ()))
        return cls(tuple(parts), left_out, constant, Gaps.from_dict(entries["gaps"]), lookups)

    def _require_columns(self, table: pa.Table) -> dict[str, pa.ChunkedArray]:
        """The columns of ``table`` by name. RequestError: one that is used is missing."""
        named = _named(table)
        absent = [name for name in self.columns if name not in named]
        if not absent:
            return named
        here = table.column_names
        hint = max((nearest(name, self.extra_columns(table)) for name in absent[:SHOWN]), key=len)
        listed = ", ".join(here[:SHOWN]) + (f" and {len(here) - SHOWN} more" if len(here) > SHOWN else "")
        more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
        shown = ", ".join(map(repr, absent[:SHOWN])) + more
        subject, it = (f"column {shown} is", "it") if len(absent) == 1 else (f"columns {shown} are", "them")
        raise RequestError(
            f"{subject} missing: the model was trained on {it}. Columns here: {listed}{hint} "
            f"Add {it}, or train again without {it}."
        )


def _named(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns by name: a table looks through all of its names for one."""
    return dict(zip(table.column_names, table.columns, strict=True))


def _has_value(name: str, kind: str, column: pa.ChunkedArray, rows: NDArray[np.int64], gaps: Gaps) -> bool:
    """Whether a column of this kind has a value in any of the ``rows``."""
    if kind == "category":
        cells = level_texts(name, column, rows, gaps)
        return cells.null_count < len(cells)
    return not np.isnan(values_of(name, kind, column, gaps, rows)[0]).all()


def _nothing_left(why: Mapping[str, str]) -> RequestError:
    reasons = [f"{name} ({reason})" for name, reason in why.items()]
    more = f" and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    return RequestError(f"no column is left to learn from: {', '.join(reasons[:SHOWN])}{more}.")
