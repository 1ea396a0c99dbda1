"""What can be explained: a Model or a fitted estimator, seen as a network, its parameters, and encoded rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import read_table
from chainrule.data.category_features import CategoryFeatures
from chainrule.ensemble import one_network
from chainrule.errors import RequestError
from chainrule.explain.input_units import unit_names
from chainrule.formulas.table import Functions
from chainrule.model import Model
from chainrule.network import Network


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network with some rows, all in numbers.

    X, Y        the rows as the network takes them, (m, numbers) and (m, n[L]); Y is None where no targets came
    inputs      names of the columns of X; ``outputs``: of the units of layer L
    history     the curves of its training, where it has them
    recipe      how it was trained, as text by name
    codes       integers, (m, columns of codes), where input layers take some; ``categories``: names of these columns
    levels      by column of codes, what each code stands for, such as "island=Biscoe"; empty where that is not known
    """

    network: Network
    theta: NDArray[Any]
    X: NDArray[np.float64]
    Y: NDArray[np.float64] | None
    inputs: Sequence[str]
    outputs: Sequence[str]
    functions: Functions = field(default_factory=dict)
    history: Any = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    codes: NDArray[np.int64] | None = None
    categories: Sequence[str] = ()
    levels: Sequence[Sequence[str]] = ()

    @property
    def examples(self) -> dict[str, Any]:
        """The rows as a pass takes them: one column an example, all of the same weight, in float64."""
        codes = None if self.codes is None else self.codes.T
        X, Y = self.X.T.astype(np.float64), self.targets.T.astype(np.float64)
        return {"X": X, "Y": Y, "w": np.ones(len(self.X)), "codes": codes}

    @property
    def units(self) -> list[str]:
        """Names of the units of layer 0."""
        return unit_names(self.network, self.inputs, self.categories)

    def take(self, rows: Any) -> "Subject":
        """The same with some of the rows, in the order of their places."""
        X, Y, codes = (None if V is None else V[rows] for V in (self.X, self.Y, self.codes))
        return replace(self, X=X, Y=Y, codes=codes)

    @property
    def targets(self) -> NDArray[np.float64]:
        """Y. RequestError: no targets came."""
        if self.Y is None:
            raise RequestError("the targets of these rows are needed: give y, or a table that has the target column.")
        return self.Y


def subject(model: Any, X: Any, y: Any = None, every_row: bool = True) -> Subject:
    """A Model with rows of a table (its target column is y where none is given), or a fitted estimator with X and y.

    RequestError: something else; rows that do not fit the model; rows whose target is missing, where ``every_row`` is
    to take part: else they are left out.
    """
    if isinstance(model, Subject):
        return model
    model = one_network(model)
    if isinstance(model, Model):
        made = _of_model(model, X, y, every_row)
    elif hasattr(model, "coefs_") and hasattr(model, "encoded"):
        made = _of_estimator(model, X, y)
    else:
        raise RequestError(
            f"expected a Model or a fitted MLPClassifier or MLPRegressor of chainrule, not {type(model).__name__}."
        )
    if len(made.X) == 0:
        raise RequestError("no row is left to explain.")
    return made


def average_row(model: Model) -> Subject:
    """One made-up row where no table is at hand: every feature at its average, the target at its commonest.

    Categories that are looked up have a level that is not known.
    """
    columns = model.network.columns
    regression = model.target.task == "regression"
    likeliest = np.array([0 if regression else int(np.argmax(model.outputs.prior))])
    values: Any = np.array([model.outputs.shift]) if regression else likeliest
    codes = np.zeros((1, len(columns.levels)), np.int64) if columns.levels else None
    return _described(model, np.zeros((1, columns.numbers)), codes, model.outputs.encode(model.target, values))


def network_of(model: Any) -> Network:
    """The network of a Model or a fitted estimator, or the Network itself. RequestError: something else."""
    if isinstance(model, Network):
        return model
    model = one_network(model)
    network = getattr(model, "network", getattr(model, "network_", None))
    if not isinstance(network, Network):
        raise RequestError(f"expected a Network, a Model or a fitted estimator, not {type(model).__name__}.")
    return network


def names_of_columns(model: Any) -> tuple[list[str], list[str]]:
    """The columns of numbers and those of codes of a Model; none where it is something else."""
    if not isinstance(model, Model):
        return [], []
    return model.encoder.feature_names, [part.column for part in model.encoder.lookups]


def _of_model(model: Model, X: Any, y: Any, every_row: bool) -> Subject:
    table = model.read(X)
    target, regression = model.target, model.target.task == "regression"
    Y = None
    if y is not None or target.name in table.column_names:
        column = table.column(target.name) if y is None else _targets(target.name, y, table.num_rows)
        values: Any = target.values(column) if regression else target.codes(column)
        missing = np.isnan(values) if regression else values < 0
        if missing.any() and every_row:
            raise RequestError(f"the target {target.name!r} is missing in row {int(missing.argmax())} of those given.")
        table = table.filter(~missing)
        Y = model.outputs.encode(target, values[~missing])
    return _described(model, *model.rows(table), Y)


def _targets(name: str, y: Any, count: int) -> Any:
    """The column of targets from y. RequestError: it is not one for each row."""
    if hasattr(y, "columns"):  # a data frame of one column
        if len(y.columns) != 1:
            raise RequestError(f"y has the columns {', '.join(map(str, y.columns))}: give the values of one target.")
        y = read_table(y).column(0)
    column = read_table({name: y}).column(name)
    if len(column) != count:
        raise RequestError(f"y has {len(column)} values for {count} rows: give one for each row.")
    return column


def _described(model: Model, X: NDArray[np.float64], codes: NDArray[np.int64] | None, Y: Any) -> Subject:
    target = model.target
    single = model.outputs.units == 1
    several = [f"{target.name}={label}" for label in target.classes] or [f"{target.name} {q!r}" for q in model.levels]
    names = [target.name] if single else several
    numbers, categories = names_of_columns(model)
    return Subject(
        model.network,
        model.theta,
        X,
        Y,
        numbers,
        names,
        model.functions,
        model.history,
        model.recipe.to_dict(),
        codes,
        categories,
        [_levels(part) for part in model.encoder.lookups],
    )


def _levels(part: CategoryFeatures) -> list[str]:
    """What each code of a column stands for; 0 is all that is no level of its own."""
    other = "(rare)" if part.pooled else "(unseen)"
    return [f"{part.column}={name}" for name in (other, *part.levels, *["(missing)"] * part.gaps)]


def _of_estimator(model: Any, X: Any, y: Any) -> Subject:
    rows, Y = model.encoded(X, y)
    inputs, outputs = model.unit_names()
    history = getattr(model, "history_", None)
    recipe = model.recipe_.to_dict()
    return Subject(model.network_, model.theta_, rows, Y, inputs, outputs, model.functions_, history, recipe)
