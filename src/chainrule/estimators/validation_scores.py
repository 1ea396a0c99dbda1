"""What ``early_stopping`` watches: the score of rows as a function of theta, by ``scoring``."""

import copy
from collections.abc import Callable
from math import nan

import numpy as np
from sklearn.metrics import get_scorer

from chainrule.engines import Engine
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.parameter_views import set_theta
from chainrule.estimators.prediction import outputs
from chainrule.estimators.training_rows import EncodedRows


def score_of_theta(estimator: Estimator, engine: Engine, rows: EncodedRows) -> Callable[[np.ndarray], float]:
    """The score of the rows that count; NaN where a prediction is not finite."""
    X, _, weight, y = rows
    if weight is not None and not weight.all():
        counts = np.flatnonzero(weight)
        X, y, weight = X[counts], y[counts], weight[counts]
    if estimator.scoring is None:

        def score(theta: np.ndarray) -> float:
            A_L = engine.predict(theta, X)
            return estimator._score_answers(y, A_L, weight) if np.isfinite(A_L).all() else nan

        return score
    scorer = get_scorer(estimator.scoring)
    weights = {} if weight is None else {"sample_weight": weight}
    stand_in = copy.copy(estimator)  # with the parameters of the epoch, for rows that are encoded already
    finite = True

    def outputs_of_encoded(X: np.ndarray) -> np.ndarray:
        nonlocal finite
        A_L = outputs(stand_in, X)
        finite &= bool(np.isfinite(A_L).all())
        return A_L

    stand_in._A_L = outputs_of_encoded

    def score_by_scorer(theta: np.ndarray) -> float:
        nonlocal finite
        finite = True
        set_theta(stand_in, np.array(theta))
        score = nan
        try:
            score = float(scorer(stand_in, X, y, **weights))
        except Exception:
            if finite:
                raise
        return score if finite else nan  # a scorer may refuse such predictions, or find some class in them

    return score_by_scorer
