"""``fit``: from X and y to a trained network."""

from contextlib import ExitStack
from typing import Any

from chainrule.checkpoints import as_checkpoint
from chainrule.engines import make_engine
from chainrule.errors import RequestError, warn_caller
from chainrule.estimators import translation
from chainrule.estimators.callbacks import MaxTime, PrintedLines, ProgressBar, shows_bar
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.fitted_attributes import conclude, rescued
from chainrule.estimators.parameter_views import packed
from chainrule.estimators.parameters import require_valid
from chainrule.estimators.training_rows import EncodedRows, begin_with, known_rows
from chainrule.estimators.validation_scores import score_of_theta
from chainrule.history import Callback, as_callbacks
from chainrule.training import Diverged
from chainrule.training import fit as fit_engine


def fit(
    estimator: Estimator, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, sample_weight_val: Any
) -> None:
    """As the method ``fit``."""
    require_valid(estimator)
    as_callbacks(estimator.callbacks)
    if X_val is not None and y_val is None:
        raise RequestError("X_val came without y_val: give the targets of the validation rows too.")
    if X_val is None and not (y_val is None and sample_weight_val is None):
        raise RequestError("y_val and sample_weight_val belong to X_val: give the validation rows too.")
    holds_out = translation.stops_early(estimator) and X_val is None
    training, watched = begin_with(estimator, X, y, sample_weight, holds_out=holds_out)
    if X_val is not None:
        watched = known_rows(estimator, X_val, y_val, sample_weight_val)
    train(estimator, training, watched)


def train(estimator: Estimator, training: EncodedRows, watched: EncodedRows | None) -> None:
    """Train the network that the estimator knows by now; its attributes are those after the last epoch."""
    recipe = estimator._recipe = translation.recipe(estimator)
    if estimator.batch_size != "auto" and int(estimator.batch_size) > len(training.X):
        warn_caller("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    engine = make_engine(estimator._network, recipe, estimator._functions, estimator.threads)
    examples = engine.examples(training.X, training.Y, training.weight)
    validation = score = None
    if watched is not None:
        validation = engine.examples(watched.X, watched.Y, watched.weight)
        if translation.stops_early(estimator) and estimator.scoring != "loss":
            score = score_of_theta(estimator, engine, watched)
    with ExitStack() as shown:
        callbacks = _callbacks(estimator, shown)
        try:
            done = fit_engine(
                engine,
                examples,
                validation,
                callbacks,
                theta=packed(estimator) if hasattr(estimator, "coefs_") else None,
                score=score,
                samples=estimator.t_,
                checkpoint=as_checkpoint(estimator.checkpoint, estimator.resume),
            )
        except Diverged as error:
            done = rescued(estimator, error)
    conclude(estimator, done)


def _callbacks(estimator: Estimator, shown: ExitStack) -> list[Callback]:
    """The user's, and those that ``max_time`` and ``verbose`` ask for."""
    given = list(as_callbacks(estimator.callbacks))
    if estimator.max_time is not None:
        given.append(MaxTime(estimator.max_time))
    if shows_bar(estimator.verbose):
        given.append(shown.enter_context(ProgressBar(estimator.max_iter)))
    elif estimator.verbose:
        given.append(PrintedLines())
    return given
