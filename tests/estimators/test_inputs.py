"""What goes in as X and y: every container gives the same result, every dtype comes out as it went in."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import sklearn.neural_network

from chainrule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(6)
X = RNG.normal(size=(60, 3)) * (RNG.uniform(size=(60, 3)) > 0.3)
Y = (X[:, 0] > 0).astype(int)
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "learning_rate_init": 0.05}
CONTAINERS = {
    "list": lambda X: X.tolist(),
    "Fortran order": np.asfortranarray,
    "every second row of more": lambda X: np.repeat(X, 2, axis=0)[::2],
    "csr": sp.csr_matrix,
    "csc array": sp.csc_array,
    "pandas": lambda X: pd.DataFrame(X, columns=list("abc")),
    "pandas with numbered columns": pd.DataFrame,
    "pandas of objects": lambda X: pd.DataFrame(X, columns=list("abc")).astype(object),
    "pandas with nullable columns": lambda X: pd.DataFrame(X, columns=list("abc")).convert_dtypes(),
    "pandas of sparse columns": lambda X: pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(X), columns=list("abc")),
    "polars": lambda X: pl.DataFrame(X, schema=list("abc")),
    "pyarrow": lambda X: pa.table({name: X[:, j] for j, name in enumerate("abc")}),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_result(container):
    expected = MLPClassifier(**SMALL).fit(X, Y).predict_proba(X)
    given = CONTAINERS[container](X)
    model = MLPClassifier(**SMALL).fit(given, Y)
    assert np.array_equal(model.predict_proba(given), expected)


@pytest.mark.parametrize("container", [list, tuple, pd.Series, pl.Series, pa.array, np.asarray])
def test_every_container_of_targets_gives_the_same_result(container):
    expected = MLPRegressor(**SMALL).fit(X, X[:, 1]).predict(X)
    assert np.array_equal(MLPRegressor(**SMALL).fit(X, container(X[:, 1].tolist())).predict(X), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_and_predictions_have_the_dtype_of_X(dtype):
    model = MLPRegressor(**SMALL).fit(X.astype(dtype), X[:, 0])
    assert {c.dtype for c in [*model.coefs_, *model.intercepts_]} == {np.dtype(dtype)}
    assert model.predict(X.astype(dtype)).dtype == dtype
    assert MLPClassifier(**SMALL).fit(X.astype(dtype), Y).predict_proba(X.astype(dtype)).dtype == dtype


def test_whole_numbers_are_floats_of_double_precision():
    model = MLPRegressor(**SMALL).fit((X * 10).astype(np.int32), X[:, 0])
    assert model.coefs_[0].dtype == np.float64


def test_training_goes_on_in_the_dtype_it_began_with():
    model = MLPRegressor(**SMALL).partial_fit(X.astype(np.float32), X[:, 0]).partial_fit(X, X[:, 0])
    assert model.coefs_[0].dtype == np.float32


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], object),
        np.array([False, True]),
        np.array([-1, 1]),
        np.array([1.0, 2.0]),
        np.array(["a", "b", "c"]),
        np.array([10, 20, 30]),
    ],
    ids=lambda labels: f"{labels.dtype}, {len(labels)}",
)
def test_labels_come_back_as_they_were(labels):
    codes = np.arange(60) % len(labels)
    model = MLPClassifier(**SMALL | {"max_iter": 60}).fit(codes[:, None] * 2.0, labels[codes])
    theirs = sklearn.neural_network.MLPClassifier((2,), max_iter=1).fit(codes[:, None] * 2.0, labels[codes])
    assert np.array_equal(model.classes_, labels)
    assert model.classes_.dtype == theirs.classes_.dtype
    assert np.array_equal(model.predict(np.arange(len(labels))[:, None] * 2.0), labels)


def test_a_column_of_classes_is_read_with_scikit_learns_warning():
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = MLPClassifier(**SMALL).fit(X, Y[:, None])
    assert np.array_equal(model.predict_proba(X), MLPClassifier(**SMALL).fit(X, Y).predict_proba(X))


def test_sparse_labels_are_labels():
    labels = np.column_stack([Y, 1 - Y, X[:, 1] > 0]).astype(int)
    one = MLPClassifier(**SMALL).fit(X, labels)
    other = MLPClassifier(**SMALL).fit(X, sp.csr_matrix(labels))
    assert np.array_equal(one.predict_proba(X), other.predict_proba(X))
    assert np.array_equal(one.predict(X), other.predict(X).toarray())


@pytest.mark.parametrize("how", ["replaced", "changed in place", "one entry replaced"])
def test_coefs_set_by_hand_are_what_predicts(how):
    model = MLPRegressor(**SMALL | {"activation": "tanh"}).fit(X, X[:, 0])
    if how == "replaced":
        model.coefs_ = [np.full((3, 4), 0.5), np.full((4, 1), -1.0)]
    elif how == "changed in place":
        model.coefs_[0][...], model.coefs_[1][...] = 0.5, -1.0
    else:
        model.coefs_[0], model.coefs_[1] = np.full((3, 4), 0.5), np.full((4, 1), -1.0)
    model.intercepts_[0][:] = 0.25
    expected = -4 * np.tanh(0.5 * X.sum(axis=1) + 0.25) + model.intercepts_[1]
    assert model.predict(X) == pytest.approx(expected, abs=1e-12)


def test_partial_fit_goes_on_from_coefs_set_by_hand():
    models = [MLPRegressor(**SMALL, solver="sgd", momentum=0.0, alpha=0.0).fit(X, X[:, 0]) for _ in range(2)]
    models[0].coefs_ = [np.zeros_like(c) for c in models[0].coefs_]
    models[0].intercepts_ = [np.zeros_like(b) for b in models[0].intercepts_]
    models[0].partial_fit(X, X[:, 0])
    assert models[0].intercepts_[1] == pytest.approx(0.05 * X[:, 0].mean())
    assert not np.any(models[0].coefs_[0])


def test_batches_are_auto_200_rows_and_larger_than_the_data_is_clipped_with_a_warning():
    rng = np.random.default_rng(7)
    rows, y = rng.normal(size=(500, 2)), rng.normal(size=500)
    steps = {}
    for size in ("auto", 200, 500):
        model = MLPRegressor("squared_error", (3,), batch_size=size, max_iter=2, random_state=0)
        steps[size] = model.fit(rows, y).predict(rows)
    with pytest.warns(UserWarning, match="larger than sample size"):
        clipped = MLPRegressor("squared_error", (3,), batch_size=501, max_iter=2, random_state=0).fit(rows, y)
    assert np.array_equal(steps["auto"], steps[200])
    assert np.array_equal(clipped.predict(rows), steps[500])
    assert not np.array_equal(steps["auto"], steps[500])


@pytest.mark.parametrize(
    ("estimator", "one", "other"),
    [
        (MLPClassifier, {"activation": "logistic"}, {"activation": "sigmoid"}),
        (MLPClassifier, {"activation": "swish"}, {"activation": "silu"}),
        (MLPClassifier, {"loss": "log_loss"}, {"loss": "binary_cross_entropy"}),
        (MLPRegressor, {"loss": "squared_error"}, {"loss": "half_squared_error"}),
        (MLPRegressor, {"loss": "mae"}, {"loss": "absolute_error"}),
        (MLPRegressor, {"solver": "sgd"}, {"solver": "nesterov(0.9)"}),
        (MLPRegressor, {"solver": "sgd", "momentum": 0.0}, {"solver": "gradient_descent"}),
        (MLPRegressor, {"solver": "sgd", "nesterovs_momentum": False}, {"solver": "momentum(0.9)"}),
        (MLPRegressor, {"solver": "adam", "beta_1": 0.8, "epsilon": 1e-6}, {"solver": "adam(0.8, 0.999, 1e-6)"}),
        (
            MLPRegressor,
            {"solver": "sgd", "learning_rate": "invscaling"},
            {"solver": "sgd", "learning_rate": "inverse_scaling(0.5)"},
        ),
    ],
)
def test_both_vocabularies_name_the_same(estimator, one, other):
    y = Y if estimator is MLPClassifier else X[:, 0]
    fitted = [estimator(**SMALL | given).fit(X, y).coefs_[0] for given in (one, other)]
    usual = estimator(**SMALL)
    assert np.array_equal(*fitted)
    if not one.items() <= usual.get_params().items():
        assert not np.array_equal(fitted[0], usual.fit(X, y).coefs_[0])
