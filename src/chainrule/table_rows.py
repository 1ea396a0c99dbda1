"""Which rows of a table are trained on: its columns recognised, rows that count, the split, weights by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import (
    Gaps,
    Reading,
    Split,
    Target,
    column_weight,
    is_csv,
    read_table,
    recognize,
    require_row_weights,
    split,
    without_rows,
)
from chainrule.data.columns import row_name
from chainrule.data.gaps import added_spellings
from chainrule.data.recognition import Recognized
from chainrule.errors import RequestError, nearest
from chainrule.sample_weights import class_weights, require_some

Rows = NDArray[np.int64]


def recognized(
    source: Any,
    target: str,
    task: str,
    roles: Mapping[str, str],
    drop: Sequence[str],
    category: Sequence[str],
    group: str | None,
    missing: str | Sequence[str] | None,
    delimiter: str | None,
    decimal: str,
) -> Recognized:
    """The table, each column in the type that was recognised. RequestError: it lacks columns that are asked for."""
    gaps = Gaps.asked(missing)
    table = read_table(source, delimiter=delimiter, decimal=decimal, as_text=category, missing=gaps.files)
    _require_columns(table, [*roles, *drop, *category])
    if target in drop or roles[target] != "the target":
        raise RequestError(f"column {target!r} is the target: it cannot also be dropped, the weight or the group.")
    reading = Reading(
        gaps,
        target,
        added_spellings(missing),
        as_it_is={*drop},
        as_text=[group] if group else [],
        categories={*category},
        mixed=[target] if task == "classification" else [],
        declared_text=not is_csv(source),
        decimal=decimal,
    )
    return recognize(table, reading)


def _require_columns(table: Any, columns: Sequence[str]) -> None:
    here = dict.fromkeys(table.column_names)
    for column in columns:
        if column not in here:
            raise RequestError(
                f"column {column!r} is not in the table{nearest(column, here)} Columns here: {', '.join(here)}."
            )


def rows_that_count(
    known: Recognized, target: str, task: str, weight: str | None
) -> tuple[Target, NDArray[Any], Any | None, Rows]:
    """The target; its class codes or numbers by row; the rows' own weights; and the rows that have both."""
    table = known.table
    column, w = table.column(target), None
    if weight is not None:
        w = column_weight(table, weight)
        require_some(w != 0.0, "row")  # one without a weight is named below
        column = without_rows(column, w == 0.0)
    goal = Target.infer(column, target, task, known.target_gaps)  # pyright: ignore[reportArgumentType]  # it checks
    values: NDArray[Any] = goal.codes(column) if goal.classes else goal.values(table.column(target))
    takes_part = values >= 0 if goal.classes else ~np.isnan(values)
    rows = np.flatnonzero(takes_part if w is None else takes_part & (w != 0.0))
    if w is not None:
        require_row_weights(w, rows, str(weight))
    return goal, values, w, rows


def split_rows(
    table: Any,
    goal: Target,
    values: NDArray[Any],
    rows: Rows,
    group: str | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> Split:
    """The rows for training, validation and test, as places in the table."""
    parts = split(
        len(rows),
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
        strata=values[rows] if goal.classes else None,
        groups=_groups(table, group, rows) if group is not None else None,
    )
    return Split(rows[parts.train], rows[parts.validation], rows[parts.test])


def _groups(table: Any, column: str, rows: Rows) -> list[Any]:
    labels = table.column(column).take(rows).to_pylist()
    if None in labels:
        where = row_name(int(rows[labels.index(None)]))
        raise RequestError(f"the group column {column!r} is missing in {where}: fill in the cell or remove the row.")
    return labels


def weights_by_class(
    goal: Target, values: NDArray[Any], train: Rows, given: Any, weight: Any | None
) -> NDArray[np.float64]:
    """(m,) how much each row counts by its class; 1 where nothing is given. RequestError: a target without classes."""
    if given is not None and goal.task == "regression":
        raise RequestError(f"class_weight is for classification, but {goal.name!r} is a target for regression.")
    by_class = class_weights(given, goal.classes, values[train], weight)
    return np.ones(len(values)) if by_class is None else np.where(values >= 0, by_class[values], 1.0)
