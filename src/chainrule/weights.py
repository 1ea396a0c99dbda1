"""How much each row of a table counts: by a column of it, and by its class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Target
from chainrule.data.columns import numbers, row_name
from chainrule.errors import RequestError

Rows = NDArray[np.int64]


def column_weight(table: Any, column: str | None, rows: Rows) -> NDArray[np.float64]:
    """(m,) how much each row of the table counts, by a column of it; 1 each where that is None.

    RequestError: one of the ``rows`` that take part has no number from 0 on there.
    """
    if column is None:
        return np.ones(table.num_rows)
    weight = numbers(table.column(column), f"the weight column {column!r}", "must be numbers, but it is")
    wrong = rows[~((weight[rows] >= 0.0) & np.isfinite(weight[rows]))]
    if len(wrong):
        found = "missing" if np.isnan(weight[wrong[0]]) else f"{weight[wrong[0]]:g}"
        raise RequestError(
            f"the weight column {column!r} is {found} in {row_name(int(wrong[0]))}: weights are numbers from 0 on."
        )
    return weight


def class_weights(target: Target, values: NDArray[Any], train: Rows, given: Any) -> NDArray[np.float64] | float:
    """(m,) how much each row counts by its class: m / (K m_k) where "balanced", so that every class has the same sum.

    m, K and m_k are those of the ``train`` rows. ``given`` may also hold a weight by class, 1 where it names none.
    RequestError: a target without classes, a class that is not there, a weight below 0.
    """
    if given is None:
        return 1.0
    if target.task == "regression":
        raise RequestError(f"class_weight is for classification, and {target.name!r} is a target for regression.")
    K = len(target.classes)
    if given == "balanced":
        by_class = len(train) / (K * np.bincount(values[train], minlength=K))
    elif isinstance(given, Mapping):
        unknown = [label for label in given if label not in target.classes]
        if unknown:
            raise RequestError(f"class_weight names {unknown[0]!r}, which is no class. Classes: {target.classes}.")
        by_class = np.array([float(given.get(label, 1.0)) for label in target.classes])
        if not ((by_class >= 0.0) & np.isfinite(by_class)).all():
            raise RequestError(f"class_weight holds numbers from 0 on, not {dict(given)}.")
    else:
        raise RequestError(f"class_weight is 'balanced' or a weight for each class, not {given!r}.")
    return np.where(values >= 0, by_class[values], 1.0)
