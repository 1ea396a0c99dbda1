"""Model: preprocessing + network + parameters + decoding of the target. What people hold, save and ask."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from platform import python_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Encoder, Target, column_weight, is_unnamed, read_table, require_row_weights, without_rows
from chainrule.data.columns import with_points
from chainrule.engines import Engine, make_engine
from chainrule.errors import RequestError
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.table import Functions
from chainrule.network import Network, Parameters
from chainrule.recipe import Recipe
from chainrule.reports import Report, classification_report, quantile_scores, regression_report
from chainrule.target_encoding import Outputs
from chainrule.training import History


def versions() -> dict[str, str]:
    """What computes here: chainrule, NumPy and Python."""
    from chainrule import __version__

    return {"chainrule": __version__, "numpy": np.__version__, "python": python_version()}


class TableModel(ABC):
    """What answers on tables: a Model, which has one network, or an Ensemble, which has several."""

    encoder: Encoder
    target: Target
    outputs: Outputs
    report: Mapping[str, Any] | None
    functions: Functions
    made_with: Mapping[str, str]

    @property
    @abstractmethod
    def loss(self) -> str:
        """A row of LOSSES, or the name of a custom one."""

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """q of each q-quantile that is predicted; empty where something else is."""
        return LOSSES.make(self.loss, np, functions=self.functions).levels

    @abstractmethod
    def _A_L(self, table: Any, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """A[L] (m, n[L]) for rows of a table that ``read`` gave, all where None."""

    def _probabilities(self, A_L: NDArray[Any]) -> NDArray[np.float64]:
        """Of the classes, (m, K)."""
        return self.outputs.probabilities(A_L)

    def read(self, table: Any, *, delimiter: str | None = None, decimal: str = ".") -> Any:
        """A file or a data frame as a table whose columns are read as they were at training.

        One row may be a dict of single values; an array is for models that were trained on one. RequestError: what
        cannot be read as a table, or has no names for the columns that the model reads; a cell that is not what its
        column was at training.
        """
        target, regression = self.target.name, self.target.task == "regression"
        text = [*self.encoder.text_columns, *([target] if self.target.value_type == "text" else [])]
        files = self.encoder.gaps.files
        read = read_table(table, delimiter=delimiter, decimal=decimal, as_text=text, missing=files)
        if is_unnamed(table) and not {*self.encoder.columns} <= {*read.column_names}:
            named = ", ".join(map(repr, self.encoder.columns[:8]))
            raise RequestError(
                f"an array of {read.num_columns} columns has no column names, but the model needs {named}"
                f"{', ...' if len(self.encoder.columns) > 8 else ''}: pass a dict of columns or a data frame that "
                "has these."
            )
        return self.encoder.read(with_points(read, {*self.encoder.numeric_columns, *([target] * regression)}, decimal))

    def rows(
        self, table: Any, rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
        """What the network takes of ``rows`` of a table that ``read`` gave, all rows where None: X and codes.

        X is (m, columns of numbers); codes are (m, columns of codes), or None where no input layer takes any.

        RequestError: a column that the model was trained on is missing, or is of another kind.
        """
        return self.encoder.transform(table, rows), self.encoder.codes(table, rows)

    def predict(self, table: Any) -> NDArray[Any]:
        """Labels, or numbers in the unit of the target, (m,), for the rows of a file or a data frame.

        Several quantiles are (m, K), one column for each of ``levels``.

        RequestError: a column that the model was trained on is missing, or is of another kind.
        """
        A_L = self._A_L(self.read(table))
        if self.target.task == "regression":
            return self.outputs.numbers(A_L)
        return np.array(self.target.labels(self._probabilities(A_L).argmax(axis=1)))

    def predict_proba(self, table: Any) -> NDArray[np.float64]:
        """Probabilities of the classes, (m, K), in the order of ``target.classes``. RequestError: as ``predict``."""
        if self.target.task == "regression":
            raise RequestError(
                f"{self.target.name!r} is a number, so there are no classes with probabilities: use predict."
            )
        return self._probabilities(self._A_L(self.read(table)))

    def predictions(self, table: Any) -> dict[str, Any]:
        """Columns, one entry per row of the table: what is predicted and, for classes, the probability of each.

        Of several quantiles each has a column, such as ``predicted_mpg_0.1``.
        """
        name, A_L = f"predicted_{self.target.name}", self._A_L(self.read(table))
        if self.target.task == "regression":
            numbers = self.outputs.numbers(A_L)
            if numbers.ndim == 1:
                return {name: numbers}
            return {f"{name}_{q!r}": numbers[:, k] for k, q in enumerate(self.levels)}
        P = self._probabilities(A_L)
        columns: dict[str, Any] = {name: self.target.labels(P.argmax(axis=1))}
        return columns | {f"probability_{label}": P[:, k] for k, label in enumerate(self.target.classes)}

    def evaluate(self, table: Any, weight: str | None = None) -> Report:
        """The report on a table that has the target; rows where it is missing are passed over.

        For quantiles it has the pinball loss and the coverage of each; the other scores are of the one nearest to the
        median.

        weight   a column that says how much each row counts: every score and the confusion are weighted by it, and rows
                 of weight 0 are passed over too

        RequestError: no target column, no row with a target, a class that training did not have, weights below 0; and
        as ``predict``.
        """
        table = self.read(table)
        if self.target.name not in table.column_names:
            raise RequestError(
                f"the target {self.target.name!r} is not in the table, so there is nothing to score against. "
                f"Columns here: {', '.join(table.column_names)}."
            )
        column = table.column(self.target.name)
        w = None
        if weight is not None:
            w = column_weight(table, weight)
            column = without_rows(column, w == 0.0)
        regression = self.target.task == "regression"
        truth: NDArray[Any] = self.target.values(column) if regression else self.target.codes(column)
        rows = np.flatnonzero(~np.isnan(truth) if regression else truth >= 0)
        if len(rows) == 0:
            raise RequestError(f"no row of the table has a value for the target {self.target.name!r}.")
        if w is not None:
            w = require_row_weights(w, rows, str(weight))
        A_L = self._A_L(table, rows)
        if regression:
            numbers = self.outputs.numbers(A_L)
            each = numbers.reshape(len(rows), -1)
            middle = each[:, np.abs(np.array(self.levels or (0.5,)) - 0.5).argmin()]
            report = regression_report(truth[rows], middle, self.outputs.prior[0], w)
            scores = quantile_scores(truth[rows], each, self.levels, self.outputs.prior[1:], w)
            return replace(report, quantiles=scores)
        classes = [str(label) for label in self.target.classes]
        P = self._probabilities(A_L).T
        return classification_report(truth[rows].astype(np.int64), P, np.array(self.outputs.prior), classes, w)

    def save(self, path: Any, *, overwrite: bool = False) -> None:
        """Write it to one file; see ``chainrule.load``. RequestError: the file exists, or cannot be written."""
        from chainrule.model_file import save

        save(self, path, overwrite=overwrite)


@dataclass(frozen=True, eq=False)
class Model(TableModel):
    """A trained network with all that is needed to use it on a table.

    network     the description of the net and of its cost
    theta       its parameters, (network.size,); ``parameters`` has W[l] and b[l]
    encoder     turns a table into the matrix X, and into codes of categories
    target      what is predicted, and its classes
    outputs     turns targets into Y and predictions into answers
    recipe      how it was trained
    history     what happened in training
    report      how good it was on the rows held out for testing; None where there were none
    functions   custom functions by name, where the network uses any
    made_with   the versions of what it was trained with
    """

    network: Network
    theta: NDArray[Any]
    encoder: Encoder
    target: Target
    outputs: Outputs
    recipe: Recipe
    history: History
    report: Mapping[str, Any] | None = None
    functions: Functions = field(default_factory=dict)
    made_with: Mapping[str, str] = field(default_factory=versions)

    @cached_property
    def engine(self) -> Engine:
        """The engine that answers."""
        return make_engine(self.network, Recipe(), self.functions)  # how it was trained does not matter here

    @property
    def loss(self) -> str:
        """That of the network."""
        return self.network.loss

    @property
    def parameters(self) -> Parameters:
        """theta with its views W[l] and b[l]."""
        return Parameters(self.network, self.theta)

    def _A_L(self, table: Any, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
        return self.engine.predict(self.theta, *self.rows(table, rows))
