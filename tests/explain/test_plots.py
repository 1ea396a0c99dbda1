"""The pictures: what is drawn on which axes, and what is refused."""

import numpy as np
import pandas
import pytest
from matplotlib import pyplot

from chainrule import History, MLPClassifier, Network, Parameters, Recipe, RequestError, fit, make_engine, plan, train
from chainrule.explain.plots import (
    GradientNorms,
    plot_activations,
    plot_decision_boundary,
    plot_gradients,
    plot_losses,
    plot_weights,
)
from chainrule.explain.subject import subject

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # a few epochs are enough to draw


@pytest.fixture(autouse=True, scope="module")
def without_a_screen():
    before = pyplot.get_backend()
    pyplot.switch_backend("Agg")
    yield
    pyplot.switch_backend(before)


@pytest.fixture(autouse=True)
def all_closed():
    yield
    for number in pyplot.get_fignums():
        pyplot.figure(number).canvas.draw()  # what cannot be drawn fails here
    pyplot.close("all")


def table(m=120):
    random = np.random.default_rng(0)
    a, b = random.normal(5.0, 2.0, m), random.normal(-3.0, 1.0, m)
    return pandas.DataFrame({"a": a, "b": b, "side": np.where(a + b > 2.0, "over", "under"), "sum": a + b})


@pytest.fixture(scope="module")
def sides():
    return train(table()[["a", "b", "side"]], "side", hidden=(8, 4), epochs=60, learning_rate=0.02)


@pytest.fixture(scope="module")
def sums():
    return train(table()[["a", "b", "sum"]], "sum", hidden=(), epochs=100, learning_rate=0.05)


def counted(ax):
    return sum(bar.get_height() for bar in ax.patches)


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_losses_are_the_curves_of_the_history(sides):
    ax = plot_losses(sides)
    training, validation, best = ax.get_lines()
    epochs = np.arange(1, len(sides.history) + 1)
    np.testing.assert_array_equal(training.get_xydata(), np.c_[epochs, sides.history.training_cost])
    np.testing.assert_array_equal(validation.get_xydata(), np.c_[epochs, sides.history.validation_cost])
    assert best.get_xdata()[0] == sides.history.best_epoch
    assert texts(ax.get_legend()) == [
        "training",
        "validation",
        f"best validation cost: epoch {sides.history.best_epoch}",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "cost J (binary_cross_entropy(smoothing=0))")


def test_losses_of_a_history_alone_on_axes_that_are_given():
    given = pyplot.subplots()[1]
    history = History([2.0, 0.5, 0.01], learning_rate=[0.1] * 3, best_epoch=3)
    assert plot_losses(history, given) is given
    assert (given.get_ylabel(), given.get_yscale()) == ("cost J", "log")
    assert texts(given.get_legend()) == ["training"]
    assert plot_losses(History([2.0, -0.5]), pyplot.subplots()[1]).get_yscale() == "linear"
    (line,) = plot_losses(History([2.0])).get_lines()
    assert line.get_marker() == "o"


def test_losses_of_an_estimator():
    X, y = table()[["a", "b"]].to_numpy(), table()["side"]
    model = MLPClassifier((4,), max_iter=5, tol=10.0, random_state=0).fit(X, y)
    assert plot_losses(model).get_lines()[0].get_ydata().tolist() == model.loss_curve_


@pytest.mark.parametrize("nothing", [History(), object()])
def test_no_losses_are_refused(nothing):
    with pytest.raises(RequestError, match="no costs"):
        plot_losses(nothing)


def test_weights_are_all_counted(sides):
    axes = plot_weights(sides)
    assert [ax.get_title() for ax in axes] == ["W[1] (8, 2)", "W[2] (4, 8)", "W[3] (1, 4)"]
    assert [counted(ax) for ax in axes] == [16, 32, 4]
    assert {(ax.get_xlabel(), ax.get_ylabel()) for ax in axes} == {("weight", "weights")}
    ends = [(ax.patches[0].get_x(), ax.patches[-1].get_x() + ax.patches[-1].get_width()) for ax in axes]
    np.testing.assert_allclose(ends, [(W.min(), W.max()) for W in sides.parameters.W[1:]], rtol=1e-5)


def test_many_layers_go_on_in_the_next_row():
    axes = plot_weights(train(table()[["a", "b", "side"]], "side", hidden=(3,) * 5, epochs=1))
    assert len(axes) == len(axes[0].figure.axes) == 6
    assert axes[4].get_subplotspec().rowspan.start == 1


def test_activations_are_all_counted(sides):
    rows = table().drop(columns=["side", "sum"])
    axes = plot_activations(sides, rows)
    titles = ["A[1] (8, 120), relu", "A[2] (4, 120), relu", "A[3] (1, 120), output"]
    assert [ax.get_title() for ax in axes] == titles
    assert [counted(ax) for ax in axes] == [960, 480, 120]
    of, p = subject(sides, rows), sides.parameters
    zeros = np.mean(p.W[1] @ of.X.T + p.b[1] <= 0.0)
    assert [text.get_text() for text in axes[0].texts] == [f"{zeros:.0%} are 0"]
    assert len(axes[2].texts) == 0


def test_axes_that_are_given_are_drawn_on(sums):
    given = pyplot.subplots()[1]
    (drawn,) = plot_weights(sums, given)
    assert drawn is given
    with pytest.raises(RequestError, match="1 layers to draw: give 1 axes, not 2"):
        plot_activations(sums, table(), pyplot.subplots(1, 2)[1])


def test_what_has_no_weights_is_refused():
    with pytest.raises(RequestError, match="not int"):
        plot_weights(3)


def test_gradients_are_those_of_the_equations():
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(30, 2)), random.normal(size=(30, 1))
    network = Network((2, 3, 1), "tanh", penalties="l2(3.0)", dtype="float64")
    engine, norms = make_engine(network, Recipe(epochs=4)), GradientNorms(network, X, Y)
    examples, expected = engine.examples(X, Y), []

    class Lengths:
        def on_epoch_end(self, history, parameters):
            dW = Parameters(network, engine.gradient(np.array(parameters.theta), examples)[1]).W
            expected.append([np.linalg.norm(dW[l]) for l in (1, 2)])

    fit(engine, examples, callbacks=[norms, Lengths()])
    np.testing.assert_allclose(norms.norms, expected, rtol=1e-10)
    ax = plot_gradients(norms)
    np.testing.assert_allclose(np.transpose([line.get_ydata() for line in ax.get_lines()]), expected, rtol=1e-10)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "length of dW[l] (Euclidean)", "log")
    assert texts(ax.get_legend()) == ["dW[1]", "dW[2]"]


def test_gradients_of_a_plan():
    planned = plan(table()[["a", "b", "side"]], "side", hidden=(4,), epochs=3)
    norms = GradientNorms.of_plan(planned)
    planned.train([norms])
    assert np.shape(norms.norms) == (3, 2)


def test_gradients_of_nothing_are_refused():
    network = Network((2, 1))
    with pytest.raises(RequestError, match="X must be"):
        GradientNorms(network, np.zeros((5, 3)), np.zeros((5, 1)))
    with pytest.raises(RequestError, match="no gradients"):
        plot_gradients(GradientNorms(network, np.zeros((5, 2)), np.zeros((5, 1))))


def drawn_rows(ax):
    """The points by the name in the legend."""
    return {c.get_label(): np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets()) > 1}


def test_the_areas_of_classes(sides):
    rows = table()
    ax = plot_decision_boundary(sides, rows, points=50)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    assert texts(ax.get_legend()) == ["over", "under"]
    points = drawn_rows(ax)
    for label in ("over", "under"):
        np.testing.assert_array_equal(points[label], rows.loc[rows.side == label, ["a", "b"]])
    line = np.concatenate([p.vertices for p in ax.collections[1].get_paths()])
    inside = line[(np.abs(line[:, 0] - 5.0) < 2.0) & (np.abs(line[:, 1] + 3.0) < 1.0)]
    assert np.abs(inside.sum(axis=1) - 2.0).max() < 1.0  # a + b = 2 is what was to be learnt


def test_the_shades_of_numbers(sums):
    rows = table()
    ax = plot_decision_boundary(sums, rows, points=20)
    mesh, points = ax.collections
    assert mesh.get_array().size == 400
    np.testing.assert_allclose(mesh.get_array().ravel()[0], sum(mesh.get_coordinates()[0, 0]), atol=0.3)
    np.testing.assert_array_equal(points.get_array(), rows["sum"])
    assert mesh.get_clim() == points.get_clim()
    assert ax.figure.axes[1].get_ylabel() == "predicted; in the points: the target"


@pytest.mark.parametrize("form", [pandas.DataFrame.to_numpy, lambda frame: frame])
def test_the_areas_of_an_estimator(form):
    X, y = form(table()[["a", "b"]]), table()["side"]
    ax = plot_decision_boundary(MLPClassifier((4,), max_iter=300, random_state=0).fit(X, y), X, y, points=20)
    assert sum(map(len, drawn_rows(ax).values())) == 120
    assert ax.get_xlabel() == ("feature 0" if isinstance(X, np.ndarray) else "a")


def test_rows_with_gaps_are_left_out_of_the_plane(sides):
    rows = table(10)
    rows.loc[3, "a"] = np.nan
    rows.loc[5, "side"] = None
    assert sum(map(len, drawn_rows(plot_decision_boundary(sides, rows, points=5)).values())) == 8


def test_what_is_no_plane_is_refused(sides, sums):
    wide = train(table()[["a", "b", "sum", "side"]], "side", hidden=(), epochs=1)
    with pytest.raises(RequestError, match="this model has 3: a, b, sum"):
        plot_decision_boundary(wide, table())
    texts_too = train(table()[["a", "side", "sum"]], "sum", hidden=(), epochs=1)
    with pytest.raises(RequestError, match="'side' is not numeric"):
        plot_decision_boundary(texts_too, table())
    with pytest.raises(RequestError, match="'side' is not in the table"):
        plot_decision_boundary(sides, table().drop(columns="side"))
    X, y = np.zeros((20, 3)), np.arange(20) % 2
    with pytest.raises(RequestError, match="this model has 3"):
        plot_decision_boundary(MLPClassifier((2,), max_iter=1, tol=10.0).fit(X, y), X, y)
    with pytest.raises(RequestError, match="give y"):
        plot_decision_boundary(MLPClassifier((2,), max_iter=1, tol=10.0).fit(X[:, :2], y), X[:, :2])
    with pytest.raises(RequestError, match="not int"):
        plot_decision_boundary(3, X, y)
