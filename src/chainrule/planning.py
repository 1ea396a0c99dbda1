"""From a table and hyperparameters to a trained Model: ``plan`` decides and checks everything, ``Plan.train`` runs."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.arguments import instance, integer, one_of
from chainrule.checkpoints import Checkpoint, as_checkpoint
from chainrule.data import (
    Encoder,
    Schema,
    Split,
    Target,
    infer_schema,
    with_target,
)
from chainrule.data.target_column import TASKS
from chainrule.engines import limited_threads, make_engine
from chainrule.errors import RequestError, nearest
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.table import Functions
from chainrule.history import History
from chainrule.model import Model
from chainrule.network import Network
from chainrule.plan_options import (
    column_names,
    hidden_sizes,
    is_auto,
    one_or_each,
    optimizer_spec,
    penalty_specs,
    require_new_names,
)
from chainrule.recipe import Recipe
from chainrule.sample_weights import require_weights
from chainrule.table_inputs import input_layers, require_takes, without_columns
from chainrule.table_rows import recognized, rows_that_count, split_rows, weights_by_class
from chainrule.target_encoding import Outputs, require_in_domain
from chainrule.training import Callback, Diverged, fit, require_whole_cost

# More than any machine has; libraries that compute take a 32-bit number
MAX_THREADS = 2**16

# Numbers as that many classes are more likely amounts, and the user is told.
MANY_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Plan:
    """What is going to be trained on what; everything that can be wrong with a request has been looked at.

    table      as it was read, each column in the type that was recognised, null where a value is missing
    dropped    how many of its rows have no target, and take no part
    weightless how many of its rows have weight 0, and take no part
    roles      the columns that are not features: the target, the weight, the group
    schema     what each column is, whether it is used, and why not
    target     what is predicted
    split      the rows for training, for watching (validation) and for the report (test), as places in the table
    values     class codes or numbers, by row
    weight     how much each row counts in training and in the validation cost: its own weight times that of its class
    weighed_by the column that holds its own weight, by which the report and every statistic of the rows are weighted
    notes      what the user should know, a line each
    """

    table: Any
    dropped: int
    weightless: int
    roles: Mapping[str, str]
    schema: Schema
    target: Target
    split: Split
    encoder: Encoder
    outputs: Outputs
    network: Network
    recipe: Recipe
    values: NDArray[Any]
    weight: NDArray[np.float64]
    weighed_by: str | None
    threads: int | None
    notes: tuple[str, ...] = ()
    functions: Functions = field(default_factory=dict)

    def train(self, callbacks: Sequence[Callback] = (), checkpoint: Checkpoint | None = None) -> Model:
        """Train, and report on the test rows. Diverged: its ``model`` holds the last good parameters."""
        with limited_threads(self.threads):
            engine = make_engine(self.network, self.recipe, self.functions, self.threads)
            training, validation = (
                engine.examples(
                    self.encoder.transform(self.table, rows),
                    self.outputs.encode(self.target, self.values[rows]),
                    self.weight[rows],
                    self.encoder.codes(self.table, rows),
                )
                for rows in (self.split.train, self.split.validation)
            )
            try:
                done = fit(engine, training, validation if validation.m else None, callbacks, checkpoint=checkpoint)
            except Diverged as error:
                error.model = self._model(error.theta, error.history)
                raise
            return self._model(done.theta, done.history)

    def _model(self, theta: NDArray[Any], history: History) -> Model:
        model = Model(
            self.network,
            theta,
            self.encoder,
            self.target,
            self.outputs,
            self.recipe,
            history,
            functions=self.functions,
        )
        if len(self.split.test) == 0:
            return model
        return replace(model, report=model.evaluate(self.table.take(self.split.test), self.weighed_by).to_dict())


def train(table: Any, target: Any, **options: Any) -> Model:
    """Train on a file or a data frame; the options are those of ``plan``, and these:

    callbacks    looked at after each epoch, one or a list; see ``Callback``
    checkpoint   a path, or a ``Checkpoint``: where the run is kept while it lasts
    resume       go on from what is kept there

    >>> table = {"dose": [1, 2, 3, 4] * 20, "cured": ["no", "no", "yes", "yes"] * 20}
    >>> model = train(table, "cured", hidden=(4,), epochs=100, learning_rate=0.05)
    >>> model.report["scores"]["accuracy"], model.predict({"dose": [1, 4]}).tolist()
    (1.0, ['no', 'yes'])
    """
    callbacks = options.pop("callbacks", ())
    resume = instance("resume", options.pop("resume", False), bool, "True or False")
    checkpoint = as_checkpoint(options.pop("checkpoint", None), resume)
    known = [*inspect.signature(plan).parameters, "callbacks", "checkpoint", "resume"]
    for name in options:
        if name not in known:
            raise RequestError(f"train has no option {name!r}{nearest(name, known)} See help(chainrule.plan).")
    return plan(table, target, **options).train(callbacks, checkpoint)


def plan(
    table: Any,
    target: Any,
    *,
    task: str = "auto",
    drop: Sequence[str] = (),
    category: Sequence[str] = (),
    missing: str | Sequence[str] | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
    numeric_inputs: str | None = None,
    category_inputs: str | None = None,
    hidden: int | Sequence[int] = (64, 32),
    activation: str | Sequence[str] = "relu",
    loss: str = "auto",
    optimizer: str = "auto",
    learning_rate: float | None = None,
    momentum: float | None = None,
    schedule: str = "constant",
    epochs: int = 1000,
    batch_size: int | str = "auto",
    l2: float = 0.0,
    l1: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    clip_norm: float | None = None,
    averaging: float | None = None,
    initializer: str = "auto",
    class_weight: str | Mapping[Any, float] | None = None,
    weight: str | None = None,
    monitor: str = "auto",
    patience: int | None = 20,
    tol: float = 1e-4,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.2,
    group: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    dtype: str = "float32",
    functions: Functions | None = None,
) -> Plan:
    """Decide what to train, from a table and hyperparameters.

    table           a path (.csv, .parquet), a data frame of pandas or polars, a pyarrow table, a dict of columns, a
                    list of dicts, or an array (m, n), whose columns are x0, x1, ...
    target          the name of the column to predict, or its values (m,), which become the column ``y``
    task            "classification", "regression", or "auto": text, booleans and integers of up to 20 values classify
    drop            columns to leave out, one or a list
    category        columns that are categories, whatever their cells look like, one or a list
    missing         spellings of a missing value, beside the usual ones (?, NA, N/A, null, ...); empty for none at all
    numeric_inputs  a learned layer before W[1] for the columns of numbers and dates, such as "cosine(8)"; None for none
    category_inputs a learned layer before W[1] for each category, such as "lookup(4)", instead of a feature for each of
                    its levels; made for columns of many levels, of which features keep only the 100 most frequent
    hidden          units of the hidden layers; empty for logistic, softmax or linear regression
    loss            name of a loss; "auto" for cross-entropy, or half the squared error
    optimizer       name of an optimiser; "auto" for adam, or momentum where ``momentum`` is given
    momentum        the momentum number of the optimiser, beta
    averaging       decay of an exponential moving average of the parameters, such as 0.955: that is monitored and kept
    l2, l1          strengths of penalties on the weights, lambda in lambda/(2m) sum w^2
    class_weight    "balanced": the weights of the training rows of each class have the same sum; or a weight for each
                    class, 1 where it names none. It acts on the costs and the monitor, not on the report
    weight          a column that says how much each row counts: a row of weight 2 is two rows, in the costs, in what
                    the encoder learns, and in the report; one of weight 0 is left out. Splits and batches count rows
    group           a column whose equal values stay on one side of every split
    threads         at most so many threads; None for what the machine offers
    functions       custom functions by name

    The others are those of ``Network`` and ``Recipe``. RequestError: anything in the request that cannot be right.
    """
    if functions is not None:
        instance("functions", functions, Mapping, "a dict of custom functions by name")
    recipe = Recipe(
        optimizer=optimizer_spec(optimizer, momentum, functions),
        learning_rate=learning_rate,
        schedule=schedule,
        epochs=epochs,
        batch_size=batch_size,
        clip_norm=clip_norm,
        seed=seed,
        monitor=monitor,
        patience=patience,
        tol=tol,
        averaging=averaging,
    )
    require_takes(numeric_inputs=numeric_inputs, category_inputs=category_inputs)
    draft = Network(  # wrong numbers and names are said before anything large is read
        n=(1, *hidden_sizes(hidden), 1),
        activation=one_or_each(activation),
        loss="half_squared_error" if is_auto(loss) else loss,
        dropout=one_or_each(dropout),
        penalties=penalty_specs(l2=l2, l1=l1),
        initializer=initializer,
        dtype=dtype,
    )
    require_new_names(functions)
    draft.formulas(np, functions)
    recipe.make_schedule(functions)
    if threads is not None:
        threads = min(integer("threads", threads, 1), MAX_THREADS)
    one_of("task", task, TASKS)
    one_of("decimal", decimal, (".", ","))
    drop, category = column_names("drop", drop), column_names("category", category)
    for name, column in (("weight", weight), ("group", group)):
        if column is not None:
            instance(name, column, str, "the name of a column")
    if recipe.make_optimizer(np, functions).minimize is not None:
        require_whole_cost(draft, recipe)

    # the table: its columns, the rows that count, and what each of them is for
    source, target = with_target(table, target)
    roles = {target: "the target"} | {c: f"the {r} column" for c, r in ((weight, "weight"), (group, "group")) if c}
    known = recognized(source, target, task, roles, drop, category, group, missing, delimiter, decimal)
    table = known.table
    goal, values, w, rows = rows_that_count(known, target, task, weight)
    parts = split_rows(table, goal, values, rows, group, validation_fraction, test_fraction, seed)
    _check_monitor(monitor, goal, parts)

    # A[0], fitted on the training rows
    schema = infer_schema(table, drop=drop, keep_out=roles)
    of_train = None if w is None else w[parts.train]
    look_up_from = None if category_inputs is None else 1
    encoder = Encoder.fit(table, schema, parts.train, weight=of_train, gaps=known.gaps, look_up_from=look_up_from)
    encoder, same = encoder.without_constants(table, parts.train)
    n_0, inputs = input_layers(encoder, numeric_inputs, category_inputs)
    idle = without_columns(inputs, numeric_inputs=numeric_inputs, category_inputs=category_inputs)

    # the loss, Y, and how much each row counts
    loss = _usual_loss(goal) if is_auto(loss) else draft.loss
    row = LOSSES.make(loss, np, functions=functions)
    outputs = Outputs.fit(goal, row, loss, values[parts.train], of_train, functions)
    require_in_domain(row, loss, target, values[rows], rows)
    total = weights_by_class(goal, values, parts.train, class_weight, of_train)
    total = total if w is None else w * total
    require_weights(total[parts.train], len(parts.train), dtype, "weight of the training rows")
    weightless = 0 if w is None else int((w == 0.0).sum())
    return Plan(
        table=table,
        dropped=len(values) - len(rows) - weightless,
        weightless=weightless,
        roles=roles,
        schema=schema,
        target=goal,
        split=parts,
        encoder=encoder,
        outputs=outputs,
        network=replace(draft, n=(n_0, *draft.n[1:-1], outputs.units), loss=loss, inputs=inputs),
        recipe=recipe,
        values=values,
        weight=total,
        weighed_by=weight,
        notes=(*known.gap_notes, *known.number_notes, *_notes(goal, values[rows], encoder, same), *idle),
        threads=threads,
        functions=functions or {},
    )


def _usual_loss(target: Target) -> str:
    if target.task == "regression":
        return "half_squared_error"
    return "binary_cross_entropy" if len(target.classes) == 2 else "cross_entropy"


def _check_monitor(monitor: str, target: Target, parts: Split) -> None:
    if monitor == "validation_cost" and len(parts.validation) == 0:
        raise RequestError("monitor validation_cost needs validation rows: set a validation fraction above 0.")
    if monitor in METRICS and METRICS.make(monitor).task != target.task:
        fitting = ", ".join(name for name in METRICS if METRICS.make(name).task == target.task)
        raise RequestError(
            f"monitor {monitor} is for {METRICS.make(monitor).task}, but {target.name!r} is a target for "
            f"{target.task}: choose one of {fitting}, or a cost."
        )


def _notes(target: Target, values: NDArray[Any], encoder: Encoder, same: Sequence[str]) -> tuple[str, ...]:
    """What the user should know before training, a line each; features in ``same`` do not vary in the training rows."""
    notes = encoder.notes(same)
    if target.classes:
        counts = np.bincount(values, minlength=len(target.classes))
        single = [str(label) for label, count in zip(target.classes, counts, strict=True) if count == 1]
        if single:
            notes.append(f"classes with a single row, kept for training: {', '.join(single)}")
        if target.value_type in ("integer", "number") and len(counts) > MANY_CLASSES:
            notes.append(f"{len(counts)} different numbers as classes: if they are quantities, use --task regression")
    return tuple(notes)
