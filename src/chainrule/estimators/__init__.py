"""scikit-learn's MLPClassifier and MLPRegressor, many times faster, with what their users miss.

>>> from chainrule import MLPClassifier  # in place of sklearn.neural_network
"""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
