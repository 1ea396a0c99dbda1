"""What an estimator shows of itself: units inside, slopes by the inputs, a summary, a picture, a page."""

import re

import numpy as np
import pytest

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import RequestError
from chainrule.formulas.links import LINKS as LINKS_OF_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(31)
X = RNG.normal(size=(40, 3))
SMALL = {"hidden_layer_sizes": (5, 4), "activation": "tanh", "max_iter": 5, "random_state": 0}
LINKS = {
    "identity": (MLPRegressor, X[:, 0], {}),
    "identity, two outputs": (MLPRegressor, X[:, :2], {}),
    "exponential": (MLPRegressor, np.exp(X[:, 0]), {"loss": "poisson"}),
    "sigmoid": (MLPClassifier, X[:, 0] > 0, {}),
    "sigmoid, three labels": (MLPClassifier, (X > 0).astype(int), {}),
    "ascending": (MLPRegressor, X[:, 0], {"loss": "quantiles(0.1, 0.5, 0.9)"}),
    "softmax": (MLPClassifier, np.digitize(X[:, 0], [-0.5, 0.5]), {}),
}


def fitted(link):
    estimator, y, more = LINKS[link]
    return estimator(**SMALL | more).fit(X, y)


def outputs(model, rows):
    if hasattr(model, "predict_proba"):
        P = model.predict_proba(rows)
        return P[:, 1:] if P.shape[1] == 2 else P
    return model.predict(rows).reshape(len(rows), -1)


@pytest.mark.parametrize("layer", [0, 1, 2, 3, -4, -3, -2, -1])
def test_units_inside_are_those_of_the_forward_pass_by_hand(layer):
    model = fitted("softmax")
    A = [X]
    for W, b in zip(model.coefs_[:2], model.intercepts_[:2], strict=True):
        A.append(np.tanh(A[-1] @ W + b))
    A.append(model.predict_proba(X))
    assert model.hidden_activations(X, layer) == pytest.approx(A[layer], abs=1e-12)


def test_the_last_hidden_layer_is_the_usual_one():
    model = fitted("identity")
    assert np.array_equal(model.hidden_activations(X), model.hidden_activations(X, 2))


@pytest.mark.parametrize("layer", [-5, 4])
def test_a_layer_that_is_not_there_is_refused(layer):
    with pytest.raises(RequestError, match="between -4 and 3"):
        fitted("identity").hidden_activations(X, layer)


@pytest.mark.parametrize("link", LINKS)
def test_slopes_by_the_inputs_are_central_differences(link):
    model, h = fitted(link), 1e-5
    steps = h * np.eye(3)
    expected = np.stack([(outputs(model, X + e) - outputs(model, X - e)) / (2 * h) for e in steps], axis=-1)
    given = model.input_gradients(X)
    assert given.shape == ((40, 3) if expected.shape[1] == 1 else expected.shape)
    assert given.reshape(expected.shape) == pytest.approx(expected, abs=1e-8)
    assert np.abs(expected).max() > 1e-3


def test_slopes_through_a_link_without_a_known_slope_are_refused(monkeypatch):
    monkeypatch.setitem(LINKS_OF_LOSSES, "identity", lambda xp: lambda Z: Z)
    with pytest.raises(RequestError, match="derivative of the link 'identity' is not known"):
        fitted("identity").input_gradients(X)


def test_the_summary_counts_layers_units_and_parameters():
    model = MLPRegressor("squared_error", (5, 4), ["relu", "tanh"], dropout=[0.0, 0.25], max_iter=5, random_state=0)
    lines = model.fit(X, X[:, 0]).summary().splitlines()
    assert [re.split("  +", line) for line in lines[1:5]] == [
        ["0", "input", "3"],
        ["1", "hidden", "5", "relu", "(5, 3)", "20"],
        ["2", "hidden", "4", "tanh", "(4, 5)", "0.25", "24"],
        ["3", "output", "1", "identity", "(1, 4)", "5"],
    ]
    assert lines[5].startswith("49 parameters in float64; cost: half_squared_error + l2(strength=0.0001)")
    assert lines[6] == f"5 epochs, last cost {model.loss_:.4g}; all epochs done"


def test_the_picture_has_both_curves():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    model = MLPRegressor(**SMALL).fit(X, X[:, 0], X_val=X, y_val=X[:, 1])
    axes = model.plot_loss()
    drawn = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert drawn == {"training": model.loss_curve_, "validation": model.validation_loss_curve_}
    assert fitted("identity").plot_loss(axes) is axes
    assert len(axes.lines) == 3
    pyplot.close("all")


def test_the_page_shows_parameters_and_once_fitted_the_layers():
    fresh = MLPClassifier(hidden_layer_sizes=(5,), dropout=0.25)
    before = fresh._repr_html_()
    assert "MLPClassifier" in before
    assert "dropout" in before
    assert "<th>units</th>" not in before
    after = fresh.set_params(max_iter=2).fit(X, X[:, 0] > 0)._repr_html_()
    assert "<th>units</th>" in after
    assert "<td>logistic</td>" in after
    assert "all epochs done" in after


def test_the_representation_names_what_was_changed_alone():
    assert repr(MLPClassifier(dropout=0.5)) == "MLPClassifier(dropout=0.5)"
