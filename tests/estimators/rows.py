"""Rows that several tests of the estimators train on, and settings for a fit that is soon done."""

import numpy as np
from sklearn.datasets import make_classification

_rng = np.random.default_rng(12)
X = _rng.normal(size=(150, 3))
RARE = (X[:, 0] + 0.5 * _rng.normal(size=150) > 1.0).astype(int)
MULTI = make_classification(150, 3, n_informative=3, n_redundant=0, n_classes=3, random_state=0)[1]
TARGET = X @ [1.0, -1.0, 0.5]
SMALL = {"hidden_layer_sizes": (5, 4), "max_iter": 5, "random_state": 0, "learning_rate_init": 0.03}
