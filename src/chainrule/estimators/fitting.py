"""From X and y to a trained network: reading, splitting, describing, training; and one epoch for partial_fit."""

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import inf, nan
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]
    check_consistent_length,
)

from chainrule.checkpoints import as_checkpoint
from chainrule.engines import Engine, State, make_engine, without_effect
from chainrule.engines.origin import carried_on
from chainrule.engines.signals import ctrl_c_noted
from chainrule.errors import RequestError, warn_caller
from chainrule.estimators import translation
from chainrule.estimators.callbacks import MaxTime, PrintedLines, ProgressBar, shows_bar
from chainrule.estimators.fitted_attributes import Recording
from chainrule.estimators.input_validation import check_array, dense, is_table, read_X, read_X_y
from chainrule.estimators.user_functions import require_right_derivatives
from chainrule.history import History
from chainrule.network import Network
from chainrule.sample_weights import require_some, require_weights
from chainrule.training import Diverged, fit


def _weight(sample_weight: Any, rows: Any) -> Any:
    """The weights, (m,), or None. ValueError: a wrong number of them, one below 0, a sum that overflows or vanishes."""
    if sample_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, rows, ensure_non_negative=True)
    require_weights(weight, len(weight), what="sample_weight")
    return weight


def _require_right(callbacks: Any, validation: tuple[Any, Any, Any]) -> None:
    """RequestError: a callback that cannot be called, or validation rows of which a part is missing."""
    for callback in callbacks if isinstance(callbacks, Sequence) else [callbacks]:
        if not hasattr(callback, "on_epoch_end"):
            raise RequestError(f"a callback has a method on_epoch_end(history, parameters), and {callback!r} has none.")
    X_val, y_val, sample_weight_val = validation
    if X_val is not None and y_val is None:
        raise RequestError("X_val came without y_val: give the targets of the validation rows too.")
    if X_val is None and not (y_val is None and sample_weight_val is None):
        raise RequestError("y_val and sample_weight_val belong to X_val: give the validation rows too.")


class Fitting(Recording):
    """``_fit`` and what it is made of; what the two kinds of estimators know each by itself is abstract."""

    # What the constructors of the two set.
    hidden_layer_sizes: Any
    solver: str
    learning_rate: str
    batch_size: Any
    max_iter: int
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    initializer: str | None
    scoring: Any
    callbacks: Any
    max_time: float | None
    checkpoint: Any
    resume: bool
    categorical_features: Any
    missing_values: str
    threads: int | None

    t_: int

    _y_numeric = False
    _encoder: Any = None
    _engine: Any = None  # of the last partial_fit
    _made_with: Any = None  # what it was made with
    _state: Any = None
    _epochs = 0
    _functions: Mapping[str, Any] = MappingProxyType({})
    _reads = True
    _A_L: Any

    # What the two kinds of estimators know each by itself.

    @abstractmethod
    def _targets(self, y: Any, incremental: bool) -> Any:
        """Y (m, n_outputs) from y as it was read; learns the classes where they are not known yet."""

    @abstractmethod
    def _known_targets(self, y: Any) -> Any:
        """Y of validation rows."""

    @abstractmethod
    def _loss_spec(self, names: translation.ParameterNames) -> str: ...

    @abstractmethod
    def _require_class_weight(self) -> None:
        """RequestError: a class_weight that cannot be right for the classes."""

    @abstractmethod
    def _class_weights(self, Y: Any, weight: Any) -> Any:
        """How much each training row counts by its class, (m,); None where all count the same."""

    @abstractmethod
    def _answers(self, A_L: Any) -> Any: ...

    @abstractmethod
    def _score_answers(self, y: Any, A_L: Any, weight: Any) -> float: ...

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any] = (None, None, None),
        incremental: bool = False,
    ) -> Any:
        translation.hidden_units(self.hidden_layer_sizes)
        _require_right(self.callbacks, validation)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        if first:
            self._encoder = None
        X, y = read_X_y(self, X, y, reset=first, y_numeric=self._y_numeric)
        Y = self._targets(y, incremental)
        weight = _weight(sample_weight, Y)
        self._require_class_weight()
        random = check_random_state(self.random_state)
        watched = validation[0] is not None
        splits = self._stops_early and not watched
        train = held_out = None
        if is_table(X):  # an encoder learns from the training rows alone
            train, held_out = self._split(Y, random) if splits else (None, None)
            X = self._encoded(X, train, weight, first)
        network, functions = self._describe(X, Y)
        self._begin(network, functions, first)
        network = self._network
        if first and self.initializer is None:
            self._set_theta(translation.start(network, random))
        if splits and train is None:  # in this order scikit-learn draws from its random numbers
            train, held_out = self._split(Y, random)
        if not (incremental and hasattr(self, "_seed")):
            self._seed = int(random.randint(np.iinfo(np.int32).max))
        rows = slice(None) if train is None else train
        total = self._total_weight(Y[rows], None if weight is None else weight[rows])
        dtype = network.dtype
        if incremental:
            return self._one_epoch(dense(X, dtype), Y.astype(dtype), total)
        if watched:
            y_val = check_array(validation[1], accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y_val")
            check_consistent_length(validation[0], y_val)
            X_val, Y_val = dense(read_X(self, validation[0]), dtype), self._known_targets(y_val)
            w_val = _weight(validation[2], Y_val)
        elif held_out is not None:
            X_val, Y_val, y_val = dense(X[held_out], dtype), Y[held_out], y[held_out]
            w_val = None if weight is None else weight[held_out]
        else:
            X_val = Y_val = y_val = w_val = None
        training = dense(X[rows] if splits else X, dtype), Y[rows].astype(dtype), total
        self._train(training, (X_val, Y_val, y_val, w_val))
        return self

    def _split(self, Y: Any, random: Any) -> tuple[Any, Any]:
        """Which rows to train on, and which to hold out."""
        stratify = Y if not self._y_numeric and Y.shape[1] == 1 else None  # as scikit-learn: two classes alone
        rows = np.arange(len(Y))
        train, held_out = train_test_split(
            rows, random_state=random, test_size=self.validation_fraction, stratify=stratify
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return train, held_out

    def _total_weight(self, Y: Any, weight: Any) -> Any:
        """How much each training row counts, (m,), by itself and by its class; None where all count the same."""
        by_class = self._class_weights(Y, weight)
        return weight if by_class is None else by_class if weight is None else weight * by_class

    def _encoded(self, table: Any, train: Any, weight: Any, first: bool) -> Any:
        """The matrix of a table, which was recognized where the encoder learns, from the training rows."""
        if first:
            from chainrule.data.encoding import CONSTANT
            from chainrule.data.frames import fit_encoder

            known, table = table, table.table
            rows = np.arange(table.num_rows) if train is None else train
            counts = None if weight is None else np.asarray(weight, np.float64)[rows]
            self._encoder = fit_encoder(known, rows, counts)
            self._columns = table.column_names
            for name in self._encoder.constant:
                warn_caller(f"column {name!r} left out: {CONSTANT}")
        return self._encoder.transform(table)

    def _describe(self, X: Any, Y: Any) -> tuple[Network, dict[str, Any]]:
        """The network and the functions of the user's own that it names, checked."""
        names = translation.ParameterNames()
        loss = self._loss_spec(names)
        dtype = "float32" if X.dtype == np.float32 else "float64"
        network = translation.network(self, names, X.shape[1], Y.shape[1], loss, dtype)
        if names.functions:
            require_right_derivatives(names.functions, network.activation, loss, Y)
        return network, dict(names.functions)

    def _begin(self, network: Network, functions: dict[str, Any], first: bool) -> None:
        """The attributes before the first epoch."""
        if not first:  # nothing is changed before it is known that the parameters fit
            shapes = [np.shape(c) for c in self.coefs_]
            wanted = list(zip(network.n, network.n[1:], strict=False))
            if shapes != wanted:
                raise ValueError(
                    f"training goes on from coefs_ of the shapes {shapes}, and now {wanted} are asked for: keep "
                    "hidden_layer_sizes and the number of outputs, or make a new estimator."
                )
            single = all(np.asarray(c).dtype == np.float32 for c in self.coefs_)
            network = replace(network, dtype="float32" if single else "float64")
        self._network, self._functions = network, functions
        self.n_outputs_ = network.n[-1]
        self.n_layers_ = len(network.n)
        self.out_activation_ = translation.out_activation(network.loss, self._functions)
        if first:
            for name in ("coefs_", "intercepts_", "_views"):
                vars(self).pop(name, None)
            self._begin_records()

    def _train(self, training: Any, watched: Any) -> None:
        X_val, Y_val, y_val, w_val = watched
        network = self._network
        recipe = self._recipe = translation.recipe(self, self._seed, self._stops_early and self.scoring == "loss")
        if self.batch_size != "auto" and int(self.batch_size) > len(training[0]):
            warn_caller("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
        engine = make_engine(network, recipe, self._functions, self.threads)
        examples = engine.examples(*training)
        validation = None if X_val is None else engine.examples(X_val, Y_val, w_val)
        score = None
        if self._stops_early and self.scoring != "loss":
            score = self._validation_score(engine, X_val, y_val, w_val)
        with ExitStack() as shown:
            callbacks = self._looking_on(shown)
            try:
                done = fit(
                    engine,
                    examples,
                    validation,
                    callbacks,
                    theta=self._packed() if hasattr(self, "coefs_") else None,
                    score=score,
                    samples=self.t_,
                    checkpoint=as_checkpoint(self.checkpoint, self.resume),
                )
            except Diverged as error:
                done = self._diverged(error)
        self._conclude(done)

    def _looking_on(self, shown: ExitStack) -> list[Any]:
        given = list(self.callbacks) if isinstance(self.callbacks, Sequence) else [self.callbacks]
        if self.max_time is not None:
            given.append(MaxTime(self.max_time))
        if shows_bar(self.verbose):
            given.append(shown.enter_context(ProgressBar(self.max_iter)))
        elif self.verbose:
            given.append(PrintedLines())
        return given

    def _validation_score(self, engine: Engine, X: Any, y: Any, weight: Any) -> Callable[[Any], float]:
        """The score of the watched rows as a function of theta; NaN where a prediction is not finite."""
        if weight is not None and not weight.all():
            counts = np.flatnonzero(weight)
            X, y, weight = X[counts], y[counts], weight[counts]
        if self.scoring is None:

            def score(theta: Any) -> float:
                A_L = engine.predict(theta, X)
                return self._score_answers(y, A_L, weight) if np.isfinite(A_L).all() else nan

            return score
        scorer = get_scorer(self.scoring)
        stand_in = copy.copy(self)  # with the parameters of the epoch, for rows that are encoded already
        stand_in._reads = False
        weights = {} if weight is None else {"sample_weight": weight}

        predict, finite = stand_in._A_L, True

        def watched(rows: Any) -> Any:
            nonlocal finite
            A_L = predict(rows)
            finite &= bool(np.isfinite(A_L).all())
            return A_L

        stand_in._A_L = watched

        def of_scorer(theta: Any) -> float:
            nonlocal finite
            finite = True
            stand_in._set_theta(np.array(theta))
            score = nan
            try:
                score = float(scorer(stand_in, X, y, **weights))
            except Exception:
                if finite:
                    raise
            return score if finite else nan  # a scorer may refuse such predictions, or find some class in them

        return of_scorer

    def _one_epoch(self, X: Any, Y: Any, weight: Any) -> Any:
        """partial_fit: one pass over these rows, from where the last one ended."""
        recipe = self._recipe = translation.recipe(self, self._seed, False)
        made_with = self._network, recipe, self._functions, self.threads
        if self._engine is None or self._made_with != made_with:
            self._engine, self._made_with = make_engine(*made_with), made_with
        engine = self._engine
        examples = without_effect(engine, engine.examples(X, Y, weight))
        require_some(examples.weight, "row")
        theta = self._packed() if hasattr(self, "coefs_") else engine.start().theta
        known, self._state = self._state, None  # so that moments of a call that fails are not gone on with
        state = carried_on(engine, theta, known)
        self._begin_stalls(known, state)
        epoch = recipe.epoch(examples.m)
        step, end = epoch.first(self._epochs), epoch.first(self._epochs + 1)
        state = state._replace(step=step, samples=self.t_, cost_sum=0.0, weight_sum=0.0)
        with ctrl_c_noted() as ctrl_c:
            state = engine.run(state, examples, step, end)
            self._set_theta(state.theta)
            if state.diverged or not engine.is_finite(state.theta):
                raise ValueError(
                    "Solver produced non-finite parameter weights. The input data may contain large values and need to "
                    f"be preprocessed. (learning rate {state.rate:g}; try a lower one.)"
                )
            self._state = state._replace(theta=None, interrupted=False)
            self.t_ = state.samples
        if state.interrupted or ctrl_c:
            raise KeyboardInterrupt
        self.n_iter_ = 1
        self._epochs += 1
        self.loss_ = state.cost_sum / state.weight_sum
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            PrintedLines().on_epoch_end(History(training_cost=self.loss_curve_), None)
        best = inf if self.best_loss_ is None else self.best_loss_
        self._no_improvement_count = self._no_improvement_count + 1 if self.loss_ > best - self.tol else 0
        self.best_loss_ = min(best, self.loss_)
        if self._no_improvement_count > self.n_iter_no_change and engine.schedule.on_stall < 1.0:
            self._state = self._state._replace(rate_scale=state.rate_scale * engine.schedule.on_stall)
            self._no_improvement_count = 0
        if state.rate == 0.0:
            warn_caller(
                f"partial_fit changed nothing: learning_rate={self.learning_rate!r} has ended, after max_iter="
                f"{self.max_iter} epochs, where the rate is 0. Take one that does not end, such as 'constant', or "
                "raise max_iter."
            )
        return self

    def _begin_stalls(self, known: State | None, state: State) -> None:
        """Count stalls anew where the optimiser, the network or the learning rate are others than before."""
        if known is None or known.origin is None or state.origin is None or known.origin == state.origin:
            return
        self._no_improvement_count = 0
        if known.origin.moments[1:] != state.origin.moments[1:]:  # costs of another function do not compare
            self.best_loss_ = inf
