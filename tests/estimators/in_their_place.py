"""A pytest plugin: puts chainrule's estimators in the place of scikit-learn's before its tests import them."""

import sklearn.neural_network

import chainrule


def pytest_configure():
    sklearn.neural_network.MLPClassifier = chainrule.MLPClassifier
    sklearn.neural_network.MLPRegressor = chainrule.MLPRegressor
