"""What an MLPClassifier knows of its targets: their classes, and the losses that suit these."""

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import unique_labels

from chainrule.errors import RequestError
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.labels import Labels
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.metrics import accuracy


def targets(estimator: Estimator, y: Any, incremental: bool) -> np.ndarray:
    """Y (m, n_outputs), and ``_labels`` and ``classes_``. ValueError: other classes than before, or than were told."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    goes_on = hasattr(estimator, "coefs_") and hasattr(estimator, "_labels") and (estimator.warm_start or incremental)
    if not goes_on and not incremental:
        estimator._labels = Labels.fit(y)
        estimator.classes_ = estimator._labels.classes
        return estimator._labels.encode(y)
    if not goes_on:
        estimator._labels = Labels.told(estimator.classes_, y)
    known, classes = estimator.classes_, unique_labels(y)
    if estimator.warm_start and not incremental and set(classes) != set(known):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
            f"Previously got {known}, `y` has {classes}"
        )
    if len(np.setdiff1d(classes, known, assume_unique=True)):
        raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {classes}.")
    return estimator._labels.encode(y)


def known_targets(labels: Labels, y: Any) -> np.ndarray:
    """Y (m, n_outputs) of validation rows. RequestError: a class that training rows do not have."""
    unseen = np.setdiff1d(unique_labels(y), labels.classes)
    if len(unseen):
        raise RequestError(
            f"y_val has classes that y does not have: {unseen.tolist()[:5]}. Classes of y: "
            f"{labels.classes.tolist()[:20]}. Leave those rows out, or have such rows in training too."
        )
    return labels.encode(y)


def loss_spec(labels: Labels, names: ParameterNames, given: Any) -> str:
    """The row of LOSSES; where the outputs are yes or no each, the one that takes its place there.

    RequestError: one for numbers, or for classes of another kind.
    """
    spec = names.spec(LOSSES, given)
    instead = LOSSES.make(spec, np, functions=names.functions).yes_or_no
    if instead and not labels.multiclass:
        spec = spec.replace(LOSSES.name(spec), instead, 1)
    row = LOSSES.make(spec, np, functions=names.functions)
    if row.task != "classification":
        raise RequestError(f"loss {spec} is for regression: use MLPRegressor, or another loss.")
    if not labels.multiclass and not row.elementwise:
        raise RequestError(
            f"loss {spec} is about classes that exclude each other, three or more; two classes, and labels that do "
            "not exclude each other, take one of single outputs, such as 'log_loss'."
        )
    return spec


def score(labels: Labels, y: Any, A_L: np.ndarray, weight: np.ndarray | None) -> float:
    """Accuracy."""
    if labels.multilabel:
        return float(accuracy_score(y, labels.decode(A_L), sample_weight=weight))
    return accuracy(labels.places(y), labels.codes(A_L), weight)
