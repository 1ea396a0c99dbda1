"""scikit-learn's MLPClassifier and MLPRegressor, many times faster, with what their users miss.

>>> from chainrule import MLPClassifier  # in place of sklearn.neural_network

classifier, regressor, base              the public methods, each a call of what does it
estimator                                what functions work on: parameters, what a fit leaves, what the two kinds add
parameters, translation                  parameters checked, and turned into a Network and a Recipe
input_validation, training_rows          from X and y to rows for an engine
class_targets, labels, number_targets    Y, the losses and the answers of classes and of numbers
fitting, partial_fitting                 training; validation_scores: on what it stops early; callbacks: who looks on
fitted_attributes, parameter_views       what a fit leaves; prediction: the outputs of the network then
inspection, to_model                     what is shown of it, and the Model that it makes
from_weights, dense_layers               estimators of weights of Keras and torch; sklearn_conversion: to and fro
tabular, tabular_classifier, tabular_regressor   an ensemble of small networks in the place of one network
parameter_names, user_functions          specs of what is named or handed in; the user's own functions, checked
"""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.tabular_classifier import TabularClassifier
from chainrule.estimators.tabular_regressor import TabularRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TabularClassifier", "TabularRegressor"]
