"""MLPClassifier: scikit-learn's, with what it lacks."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call  # pyright: ignore[reportPrivateUsage]
from sklearn.utils.validation import check_is_fitted

from chainrule.checkpoints import Checkpoint
from chainrule.errors import RequestError
from chainrule.estimators import class_targets
from chainrule.estimators.base import BaseMLP, partial_fit_available
from chainrule.estimators.estimator import Named
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.estimators.partial_fitting import partial_fit
from chainrule.history import Callback


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron that classifies: scikit-learn's MLPClassifier, faster, with what its users miss.

    Cost of a step:  J = sum_i w_i loss_i / S + alpha / (2 S) sum over weights w^2,  S = sum_i w_i.

    The parameters of ``sklearn.neural_network.MLPClassifier`` have its names, order, defaults and meaning; both
    vocabularies are understood (``logistic`` and ``sigmoid``). Beyond it:

    activation      also any row of the activations, a custom function in the form of a row, or one for each layer
    solver          also any row of the optimisers, such as "adamw(weight_decay=0.01)"
    learning_rate   also any row of the schedules, such as "cosine"; those then hold for every solver. One that ends
                    after ``max_iter`` epochs stays there in further calls of partial_fit
    loss            "log_loss"; "log_loss(smoothing=0.1)", another row of the losses, or a custom function
    class_weight    "balanced": the weights of the training rows of each class have the same sum, S/K; or a weight for
                    each class, 1 where a dict names none; for labels that do not exclude each other a list of dicts,
                    whose weights multiply. As in scikit-learn's other classifiers, partial_fit knows no "balanced"
    dropout         chance that a hidden unit is dropped in a training step: one number, or one a layer
    l1              strength of a penalty on abs(w), divided by S as alpha is
    alpha_mode      "by_examples": alpha counts the less the more examples a step has (scikit-learn); "fixed": it does
                    not depend on them
    clip_norm       longest gradient, in Euclidean length
    averaging       what a step leaves of a running mean of the parameters, such as 0.955: the mean is watched and kept,
                    and predicted with. Not for lbfgs, which takes no such steps, nor for partial_fit
    initializer     None for the very parameters that scikit-learn draws from ``random_state``; a row of the
                    initialisers, or "auto" for what suits each activation
    scoring         what ``early_stopping`` watches: None for accuracy, "loss", a scorer's name, or a scorer
    callbacks       objects with on_epoch_end(history, parameters); training stops where one returns True
    max_time        seconds after which no further epoch begins
    checkpoint      a path or a ``chainrule.Checkpoint``: where ``fit`` keeps the run while it lasts
    resume          ``fit`` goes on from there, to the bits of a run that was never ended (with an integer
                    ``random_state``); it begins where nothing is there yet
    categorical_features   "from_dtype": text, category, truth-value and date columns of a data frame are used as what
                    they are; or the columns to take as categories, by name, number or mask; None for none
    missing_values  "auto": filled (median, beside a feature that tells) where training rows of a data frame have some,
                    refused elsewhere; "impute": filled in arrays too, and where only rows to predict have some;
                    "error": refused everywhere
    threads         most threads; None for as many as the machine offers and the work is worth
    verbose         1: a progress bar on a terminal, scikit-learn's lines elsewhere; above 1: the lines

    Attributes: scikit-learn's (coefs_[l-1] is W[l].T, intercepts_[l-1] is b[l]), ``validation_loss_curve_``, and
    ``history_``, the History of the last fit.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8,), learning_rate_init=0.05, class_weight="balanced", random_state=0, max_iter=1000)
    >>> model.fit(X, y).score(X, y) > 0.9
    True

    Source: scikit-learn 1.9, sklearn.neural_network; the equations are those of ``chainrule.formulas``.
    """

    _counterpart = "MLPClassifier"
    _y_numeric = False

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Named | Sequence[Named] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Named = "log_loss",
        class_weight: str | Mapping[Any, float] | Sequence[Mapping[int, float]] | None = None,
        dropout: float | Sequence[float] = 0.0,
        l1: float = 0.0,
        alpha_mode: str = "by_examples",
        clip_norm: float | None = None,
        averaging: float | None = None,
        initializer: str | None = None,
        scoring: Named | None = None,
        callbacks: Callback | Sequence[Callback] = (),
        max_time: float | None = None,
        checkpoint: str | PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        categorical_features: str | Sequence[Any] | None = "from_dtype",
        missing_values: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.l1 = l1
        self.alpha_mode = alpha_mode
        self.clip_norm = clip_norm
        self.averaging = averaging
        self.initializer = initializer
        self.scoring = scoring
        self.callbacks = callbacks
        self.max_time = max_time
        self.checkpoint = checkpoint
        self.resume = resume
        self.categorical_features = categorical_features
        self.missing_values = missing_values
        self.threads = threads

    _parameter_constraints = {  # noqa: RUF012  scikit-learn reads it from the class
        **BaseMLP._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    @partial_fit_available
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One pass over some rows. ``classes``: all there will be, (K,); needed in the first call.

        Parameters that were set since the last call hold from here on. What the solver keeps between its steps goes on
        where it still has its meaning, and begins afresh with another solver, activation or loss.

        RequestError: class_weight is "balanced", which needs all rows at once.
        """
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            raise RequestError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees some of them: give a weight for "
                "each class, such as len(y) / (K * count of the class) over all rows there will be."
            )
        if not hasattr(self, "coefs_"):
            vars(self).pop("classes_", None)  # of a first call that failed
        _check_partial_fit_first_call(self, classes)
        partial_fit(self, X, y, sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (m, K), in the order of ``classes_``; in multi-label of each by itself."""
        check_is_fitted(self)
        A_L = self._A_L(X)
        return np.column_stack([1 - A_L, A_L]) if A_L.shape[1] == 1 else A_L

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of ``predict_proba``, (m, K)."""
        P = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(P, out=P)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, y: Any, incremental: bool) -> np.ndarray:
        return class_targets.targets(self, y, incremental)

    def _known_targets(self, y: Any) -> np.ndarray:
        return class_targets.known_targets(self._labels, y)

    def _loss_spec(self, names: ParameterNames) -> str:
        return class_targets.loss_spec(self._labels, names, self.loss)

    def _require_class_weight(self) -> None:
        self._labels.require_class_weight(self.class_weight)

    def _class_weights(self, Y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        return self._labels.weights(self.class_weight, Y, weight)

    def _answers(self, A_L: np.ndarray) -> Any:
        return self._labels.decode(A_L)

    def _score_answers(self, y: Any, A_L: np.ndarray, weight: np.ndarray | None) -> float:
        return class_targets.score(self._labels, y, A_L, weight)
