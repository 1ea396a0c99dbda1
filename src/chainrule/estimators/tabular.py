"""What TabularClassifier and TabularRegressor have in common: a pack of small networks in the place of one network."""

from abc import abstractmethod
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from chainrule.data.folds import parts
from chainrule.estimators.input_validation import FLOATS, check_array, is_frame, validate_data
from chainrule.estimators.parameters import CONSTRAINTS, require_valid
from chainrule.estimators.training_rows import row_weights
from chainrule.packs import EnsembleFit, TrainedNetwork, fit_ensemble, mean_outputs
from chainrule.packs.presets import PRESETS, settings
from chainrule.sources import Examples
from chainrule.table_inputs import input_layers

if TYPE_CHECKING:
    from chainrule.data import Encoder
    from chainrule.ensemble import Ensemble

# What becomes of columns: numbers are normal scores, and a category of so many features is looked up.
NUMBERS: Literal["normal"] = "normal"
LOOK_UP_FROM, LOOKED_UP = 25, "lookup(8)"


class TabularEstimator(BaseEstimator):
    """See TabularClassifier and TabularRegressor."""

    preset: str
    metric: str | None
    max_time: float | None
    categorical_features: Any
    random_state: int | np.random.RandomState | None
    threads: int | None

    n_features_in_: int
    networks_: tuple[TrainedNetwork, ...]
    validation_loss_: float
    n_iter_: int

    _encoder: "Encoder"
    _columns: list[str]  # that the encoder has learned from
    _y_numeric: bool
    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012  scikit-learn reads it from the class
        "preset": [StrOptions(set(PRESETS))],
        "metric": [str, None],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        **{name: CONSTRAINTS[name] for name in ("categorical_features", "random_state", "threads")},
    }

    @abstractmethod
    def _learned_targets(self, y: np.ndarray) -> np.ndarray:
        """Y (m, n_outputs); learns the classes."""

    def _standardized(self, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Y as the networks learn it; learns the scale from rows that count."""
        return Y

    @abstractmethod
    def _strata(self, Y: np.ndarray) -> np.ndarray:
        """(m,) of what each part of the rows is to have its share."""

    @abstractmethod
    def _loss_spec(self) -> str:
        """The row of LOSSES. RequestError: one that does not suit the targets."""

    def _row_weights(self, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """(m,) how much each row counts, its class considered."""
        return weight

    def _learn_from_validation(self, found: EnsembleFit, Y: np.ndarray, weight: np.ndarray) -> None:
        """Learn what the rows tell that no network behind their predictions has seen."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a pack on rows X (m, n_features) with targets y, (m,) or (m, n_outputs), and choose an ensemble of it.

        X               an array; or a data frame of pandas or polars, or a pyarrow table: numbers, text, categories,
                        booleans and dates, with gaps
        sample_weight   (m,) how much each row counts: a row of weight 2 is two rows, one of weight 0 is none

        ValueError: input or parameters that cannot be right. RunError: no network made a finite prediction.
        """
        require_valid(self)
        X, y = self._read(X, y)
        Y = self._learned_targets(y)
        given = row_weights(sample_weight, Y)
        weight = np.ones(len(Y)) if given is None else np.asarray(given, np.float64)
        total = self._row_weights(Y, weight)
        rows = np.flatnonzero(total > 0.0)
        if len(rows) < 2:
            raise ValueError("an ensemble needs 2 rows that count, one to learn from and one to watch, not 1 sample.")
        examples = self._examples(X, self._standardized(Y, weight), total, rows, weight)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        of = settings(self.preset, len(rows))
        found = fit_ensemble(
            examples,
            lambda numeric: input_layers(self._encoder, numeric, LOOKED_UP),
            self._loss_spec(),
            of,
            parts(self._strata(Y[rows]), min(of.folds, len(rows)), of.validation_fraction, seed),
            metric=self.metric,
            seed=seed,
            threads=self.threads,
            max_time=self.max_time,
        )
        self.networks_, self.validation_loss_, self.n_iter_ = found.networks, found.loss, found.rounds
        self._learn_from_validation(found, examples.Y[found.validation], examples.weight[found.validation])
        return self

    def _read(self, X: Any, y: Any) -> tuple[Any, Any]:
        """X as a recognized table; y as scikit-learn checks it. Sets n_features_in_ and feature_names_in_."""
        from chainrule.data.frames import frame, recognized

        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
            table = frame(X, is_frame=True)
            dtype = FLOATS if self._y_numeric else None
            y = check_array(y, accept_sparse="csr", ensure_2d=False, input_name="y", dtype=dtype, estimator=self)
            check_consistent_length(X, y)
        else:
            how = {"dtype": _dtype(X), "ensure_all_finite": "allow-nan", "multi_output": True}
            X, y = validate_data(self, X, y, y_numeric=self._y_numeric, **how)
            table = frame(X, is_frame=False)
        return recognized(table, self.categorical_features), y

    def _examples(self, known: Any, Y: np.ndarray, total: np.ndarray, rows: np.ndarray, weight: np.ndarray) -> Examples:
        """The rows as networks take them; an encoder learns the columns first."""
        from chainrule.data.frames import fit_encoder

        self._encoder = fit_encoder(known, rows, weight[rows], NUMBERS, LOOK_UP_FROM)
        self._columns = known.table.column_names
        X, codes = self._encoder.transform(known.table, rows), self._encoder.codes(known.table, rows)
        return Examples(X, Y[rows], total[rows], codes)

    def _A_L(self, X: Any) -> np.ndarray:
        """The mean of the networks' outputs for rows X, (m, n_outputs)."""
        from chainrule.data.frames import frame

        check_is_fitted(self)
        if is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            table = frame(X, is_frame=True)
        else:
            X = validate_data(self, X, reset=False, dtype=_dtype(X), ensure_all_finite="allow-nan")
            table = frame(X, is_frame=False)
        table = table.rename_columns(self._columns)
        rows = self._encoder.transform(table), self._encoder.codes(table)
        return mean_outputs(self.networks_, *rows, threads=self.threads)

    def to_model(self, target: str = "y") -> "Ensemble":
        """A ``chainrule.Ensemble`` with these networks: to be saved in one file, used by the command line, looked into.

        target   the name of what is predicted

        Its answers on a table of the columns of X, by name (x0, x1, ... of an array), are those of the estimator.

        RequestError: several targets, as in multi-label; classes that are neither texts, booleans nor numbers; a name
        that a column has. NotFittedError.
        """
        check_is_fitted(self)
        return self._ensemble(target)

    @abstractmethod
    def _ensemble(self, target: str) -> "Ensemble":
        """The same, of a fitted estimator."""

    def save(self, path: Any, *, target: str = "y", overwrite: bool = False) -> None:
        """Write ``to_model(target)`` to one file, without pickle: ``chainrule.load`` gives it back, an Ensemble.

        RequestError: as ``to_model``; the file exists, or cannot be written.
        """
        self.to_model(target).save(path, overwrite=overwrite)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


def _dtype(X: Any) -> Any:
    """What an array is to become: numbers, where it does not hold objects or text."""
    return None if np.asarray(X).dtype.kind in "OUS" else FLOATS
