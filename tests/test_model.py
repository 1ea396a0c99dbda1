"""``Model``: what it predicts, from which forms of table, and how that follows the target."""

from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.csv
import pytest

from chainrule import RequestError, plan, train
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES

EXAMPLES = Path(__file__).parents[1] / "examples"
PENGUINS, CARS = EXAMPLES / "penguins.csv", EXAMPLES / "auto_mpg.csv"
SHORT = {"epochs": 5, "hidden": (8,), "seed": 2}


@pytest.fixture(scope="module")
def penguins():
    return train(PENGUINS, "species", **SHORT)


def arrow(path):
    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    return pyarrow.csv.read_csv(path, convert_options=options)


FORMS = {
    "text": str,
    "path": lambda path: path,
    "pandas": pandas.read_csv,
    "pandas, text as categories": lambda path: pandas.read_csv(path).astype({"island": "category", "sex": "category"}),
    "arrow": arrow,
    "dictionary": lambda path: arrow(path).to_pydict(),
    "columns in another order": lambda path: pandas.read_csv(path).iloc[:, ::-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_table_gives_the_same_answers(penguins, form):
    table = FORMS[form](PENGUINS)
    assert penguins.predict_proba(table).tobytes() == penguins.predict_proba(PENGUINS).tobytes()
    assert penguins.predict(table).tolist() == penguins.predict(PENGUINS).tolist()


@pytest.mark.parametrize("what", [3, [1, 2], None, "penguins", np.zeros((3, 3))])
def test_what_is_no_table_is_refused(penguins, what):
    with pytest.raises(RequestError):
        penguins.predict(what)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "half_squared_error_sigmoid"])
def test_probabilities_sum_to_1_and_the_largest_is_predicted(loss):
    model = train(PENGUINS, "species", loss=loss, **SHORT)
    P = model.predict_proba(PENGUINS)
    assert P.shape == (344, 3)
    assert P.min() >= 0.0
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=1e-6)
    assert model.predict(PENGUINS).tolist() == [model.target.classes[k] for k in P.argmax(axis=1)]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([7, 3], (3, 7)), ([True, False], (False, True)), (["b", "a"], ("a", "b")), ([0.5, 1.5], (0.5, 1.5))],
)
def test_labels_come_back_as_what_they_were(labels, classes):
    table = {"x": [i % 2 + 0.01 * i for i in range(40)], "y": [labels[i % 2] for i in range(40)]}
    model = train(table, "y", task="classification", epochs=50, hidden=(8,), learning_rate=0.05)
    predicted = model.predict(table).tolist()
    assert model.target.classes == classes
    assert {type(label) for label in predicted} == {type(labels[0])}
    assert np.mean([p == y for p, y in zip(predicted, table["y"], strict=True)]) > 0.9


def cars(change):
    table = pandas.read_csv(CARS).drop(columns="name")
    return table.assign(mpg=change(table["mpg"]))


@pytest.mark.parametrize("loss", ["half_squared_error", "huber", "absolute_error", "quantile", "poisson", "gamma"])
def test_a_target_in_another_unit_gives_the_same_predictions_in_that_unit(loss):
    """A factor that is a power of two changes no rounding: not one bit of theta may change."""
    model, other = (train(cars(lambda y, f=f: f * y), "mpg", loss=loss, **SHORT) for f in (1.0, 64.0))
    assert model.theta.tobytes() == other.theta.tobytes()
    np.testing.assert_array_equal(other.predict(CARS), 64.0 * model.predict(CARS))
    np.testing.assert_allclose(other.report["scores"]["rmse"], 64.0 * model.report["scores"]["rmse"])


@pytest.mark.parametrize(("shift", "scale"), [(1000.0, 1.0), (-20.0, 3.7), (0.0, 1e-6), (5e5, 1e3)])
def test_a_shifted_and_scaled_target_shifts_and_scales_the_predictions(shift, scale):
    options = SHORT | {"dtype": "float64"}
    plain = train(cars(lambda y: y), "mpg", **options).predict(CARS)
    moved = train(cars(lambda y: shift + scale * y), "mpg", **options).predict(CARS)
    np.testing.assert_allclose((moved - shift) / scale, plain, rtol=1e-6)


def test_probabilities_of_a_number_are_refused():
    with pytest.raises(RequestError, match="use predict"):
        train(CARS, "mpg", **SHORT).predict_proba(CARS)


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_no_hidden_layers_is_a_linear_model(target):
    """theta is W[1] and b[1]: Z = X W^T + b, computed here by hand."""
    model = train(PENGUINS, target, hidden=(), dtype="float64", epochs=20)
    table = model.read(PENGUINS)
    W, b = model.parameters.W[1], model.parameters.b[1]
    Z = model.encoder.transform(table) @ W.T + b.T
    if target == "species":
        expected = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_proba(PENGUINS), expected, rtol=1e-9)
    else:
        np.testing.assert_allclose(model.predict(PENGUINS), Z[:, 0] * model.outputs.scale + model.outputs.shift)


def test_the_report_is_on_the_rows_held_out(penguins):
    planned = plan(PENGUINS, "species", **SHORT)
    test = planned.table.take(planned.split.test)
    truth = np.array(test.column("species").to_pylist())
    assert penguins.report["rows"] == len(planned.split.test) == 69
    assert penguins.report["scores"]["accuracy"] == np.mean(penguins.predict(test) == truth)


def test_no_rows_held_out_is_no_report():
    assert train(PENGUINS, "species", test_fraction=0.0, **SHORT).report is None


def test_functions_of_ones_own_are_used_by_name():
    calls = []

    def own_activation(xp):
        calls.append("activation")
        return ACTIVATIONS["tanh"](xp)

    def own_loss(xp):
        calls.append("loss")
        return LOSSES["cross_entropy"](xp)

    own = {"mine": own_activation, "my_loss": own_loss}
    # the same start: "auto" takes what the activation names
    model = train(PENGUINS, "species", activation="mine", loss="my_loss", functions=own, **SHORT)
    known = train(PENGUINS, "species", activation="tanh", loss="cross_entropy", **SHORT)
    assert model.theta.tobytes() == known.theta.tobytes()
    assert set(calls) == {"activation", "loss"}


def test_predictions_are_columns_as_long_as_the_table(penguins):
    columns = penguins.predictions(PENGUINS)
    assert list(columns) == ["predicted_species", *(f"probability_{c}" for c in ("Adelie", "Chinstrap", "Gentoo"))]
    assert pa.table(columns).num_rows == 344
    cars_model = train(CARS, "mpg", **SHORT)
    assert list(cars_model.predictions(CARS)) == ["predicted_mpg"]
