"""Turn a table into the matrix a network takes, with all that must be remembered from training to prediction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.columns import plain
from chainrule.data.features import CategoryFeatures, NumericFeatures
from chainrule.data.schema import Schema
from chainrule.errors import RequestError, nearest
from chainrule.records import is_name, record, require
from chainrule.weights import require_some

Rows = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True)
class Encoder:
    """What each used column becomes; ``left_out`` are the columns the training rows had no value for.

    Numbers, truth values and dates: gaps take the median of the training rows, a feature tells where they were, and
    all is standardised to mean 0 and deviation 1 on the training rows. Texts: one feature for each level.

    Raises RequestError where no column makes features, one does twice, or two features would have the same name.

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

    def __post_init__(self) -> None:
        """See the class."""
        require(len(self.parts) > 0, "an encoder has columns", self.parts)
        columns = [*self.columns, *self.left_out]
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
        standardize: bool = True,
        weight: NDArray[np.float64] | None = None,
    ) -> "Encoder":
        """Learn medians, means, deviations and levels from the given ``rows`` of ``table``, the training rows.

        Without ``standardize`` numbers stay in their unit. ``weight`` is how much each of the ``rows`` counts: a row of
        weight 2 is two rows, and nothing is learnt from one of weight 0.

        Raises RequestError where no column is used, or has a value in these rows; where a number is infinite or beyond
        1e100; where two features would have the same name; and where no row counts.
        """
        rows = np.asarray(rows, np.int64)
        if weight is not None:
            require_some(weight)
            rows, weight = rows[weight > 0.0], weight[weight > 0.0]
        parts: list[NumericFeatures | CategoryFeatures] = []
        left_out = []
        for c in schema.used:
            column = table.column(c.name)
            if not plain(column).is_valid().to_numpy(zero_copy_only=False)[rows].any():
                left_out.append(c.name)
            elif c.kind == "category":
                parts.append(CategoryFeatures.fit(c.name, column, rows, weight))
            elif c.kind in ("number", "boolean", "date"):
                parts.append(NumericFeatures.fit(c.name, c.kind, column, rows, standardize, weight))
            else:
                raise RequestError(f"column {c.name!r} is of kind {c.kind!r}, which makes no features: leave it out.")
        if not parts:
            why = [f"{c.name} ({c.reason})" for c in schema.left_out]
            why += [f"{name} (no value in any training row)" for name in left_out]
            raise RequestError(f"no column is left to learn from: {', '.join(why)}.")
        return cls(tuple(parts), tuple(left_out))

    @property
    def columns(self) -> list[str]:
        """The columns that must be in a table to transform it."""
        return [part.column for part in self.parts]

    @property
    def text_columns(self) -> list[str]:
        """The columns to read as text, so that a level such as ``007`` is not taken for a number."""
        return [part.column for part in self.parts if isinstance(part, CategoryFeatures)]

    @property
    def feature_names(self) -> list[str]:
        """The names of the columns of the matrix, such as ``mass``, ``mass missing``, ``island=Biscoe``."""
        return [name for part in self.parts for name in part.names]

    def transform(self, table: pa.Table, rows: Rows | None = None) -> NDArray[np.float64]:
        """The features (m, features) of ``rows`` of ``table``, all rows where None: C-contiguous, finite, no NaN.

        Every column is read as what it was at training. Columns that were not there at training are passed over; see
        :meth:`extra_columns` and :meth:`describe_unseen` for what to tell the user.

        Raises RequestError where a column is missing, or a cell cannot be read as what the column was at training.
        """
        self._require_columns(table)
        chosen = slice(None) if rows is None else np.asarray(rows, np.int64)
        m = table.num_rows if rows is None else len(rows)
        matrix = np.empty((m, len(self.feature_names)))
        start = 0
        for part in self.parts:
            end = start + len(part.names)
            part.fill(table.column(part.column), chosen, matrix[:, start:end])
            start = end
        return matrix

    def describe_unseen(self, table: pa.Table) -> list[str]:
        """A line for each column with values that no training row had: which, on how many rows, read as what."""
        self._require_columns(table)
        return [line for part in self.parts for line in part.unseen(table.column(part.column))]

    def extra_columns(self, table: pa.Table) -> list[str]:
        """The columns of ``table`` that the features do not use."""
        used = set(self.columns)
        return [name for name in table.column_names if name not in used]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; floats come back with the same bits."""
        return {"parts": [part.to_dict() for part in self.parts], "left_out": list(self.left_out)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Encoder":
        """The encoder that :meth:`to_dict` wrote. Raises RequestError where it is none."""
        entries = record(description, "an encoder", parts=[dict], left_out=[str])
        parts = [
            (CategoryFeatures if part.get("kind") == "category" else NumericFeatures).from_dict(part)
            for part in entries["parts"]
        ]
        return cls(tuple(parts), tuple(entries["left_out"]))

    def _require_columns(self, table: pa.Table) -> None:
        here = table.column_names
        absent = [name for name in self.columns if name not in here]
        if not absent:
            return
        hint = max((nearest(name, self.extra_columns(table)) for name in absent), key=len)
        listed = ", ".join(here[:20]) + (f" and {len(here) - 20} more" if len(here) > 20 else "")
        named = ", ".join(map(repr, absent))
        subject, it = (f"column {named} is", "it") if len(absent) == 1 else (f"columns {named} are", "them")
        raise RequestError(
            f"{subject} missing: the model was trained on {it}. Columns here: {listed}{hint} "
            f"Add {it}, or train again without {it}."
        )
