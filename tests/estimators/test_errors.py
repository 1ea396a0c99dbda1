"""What is refused, and what the message says."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import RequestError
from chainrule.formulas.activations import Activation
from chainrule.formulas.losses import Loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(41)
X = RNG.normal(size=(40, 3))
Y = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
TARGET = X[:, 0] - X[:, 1]
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


def classifier(**given):
    return MLPClassifier(**SMALL | given)


def regressor(**given):
    return MLPRegressor(**SMALL | given)


def test_other_columns_than_at_fit_are_refused():
    model = regressor().fit(X, TARGET)
    with pytest.raises(ValueError, match="X has 2 features, but MLPRegressor is expecting 3"):
        model.predict(X[:, :2])
    frame = pd.DataFrame(X, columns=list("abc"))
    for rows in (frame, frame.assign(a=np.where(X[:, 0] > 0, "x", "y"))):
        named = regressor().fit(rows, TARGET)
        with pytest.raises(ValueError, match="feature names should match"):
            named.predict(rows.rename(columns={"b": "z"}))
        with pytest.raises(ValueError, match="feature names should match"):
            named.predict(rows[["b", "a", "c"]])
        with pytest.raises(ValueError, match="feature names should match"):
            named.predict(rows[["a", "b"]])


@pytest.mark.parametrize("make", [classifier, regressor])
def test_an_estimator_that_is_not_fitted_says_so(make):
    for method in ("predict", "hidden_activations", "input_gradients"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(X)
    with pytest.raises(NotFittedError):
        make().summary()


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(40), "Negative values in data passed to `sample_weight`"),
        (np.ones(39), r"sample_weight\.shape == \(39,\), expected \(40,\)"),
        (np.zeros(40), "non-zero|weight 0"),
        (np.full(40, np.nan), "sample_weight contains NaN"),
    ],
)
def test_weights_that_cannot_be_weights_are_refused(weight, message):
    for call in (regressor().fit, regressor().partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, TARGET, weight)
    with pytest.raises(ValueError, match=message):
        regressor().fit(X, TARGET, X_val=X, y_val=TARGET, sample_weight_val=weight)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": X}, "X_val came without y_val"),
        ({"y_val": Y}, "belong to X_val"),
        ({"sample_weight_val": np.ones(40)}, "belong to X_val"),
        ({"X_val": X, "y_val": Y[:30]}, r"inconsistent numbers of samples: \[40, 30\]"),
        ({"X_val": X, "y_val": np.where(X[:, 1] > 1, "maybe", Y)}, r"classes that y does not have: \['maybe'\]"),
        ({"X_val": X[:, :2], "y_val": Y}, "X has 2 features"),
    ],
)
def test_validation_rows_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, Y, **given)


def test_validation_targets_that_do_not_fit_are_refused():
    with pytest.raises(RequestError, match="y_val has 2 columns, and y has 1"):
        regressor().fit(X, TARGET, X_val=X, y_val=X[:, :2])
    with pytest.raises(ValueError, match="y_val contains NaN"):
        regressor().fit(X, TARGET, X_val=X, y_val=np.full(40, np.nan))


def test_one_class_trains_as_in_scikit_learn_and_predicts_it():
    assert classifier().fit(X, np.full(40, "only")).predict(X[:3]).tolist() == ["only"] * 3


def cubed(xp):
    return Activation(lambda Z: Z * Z * Z, lambda Z, A: 2.0 * Z * Z, "z^3, slope wrong", "this test")


def quartered(xp):
    return Loss("identity", lambda Z, Y: 0.25 * (Z - Y) ** 2, lambda Z, Y: Z - Y, "", "this test", "regression")


def test_a_wrong_derivative_is_named_with_its_place_and_by_how_much():
    with pytest.raises(RequestError, match=r"'cubed': slope gives 19\.22 at z = -3\.1.* 28\.83.*off by -9\.6"):
        regressor(activation=cubed).fit(X, TARGET)
    z, y = -3.1, TARGET[0]
    with pytest.raises(RequestError) as refused:
        regressor(loss=quartered).fit(X, TARGET)
    said = str(refused.value)
    assert said.startswith(f"loss 'quartered': dZ gives {z - y:.6g} for example 0, output 0 (z = -3.1, y = {y:g})")
    assert f"{(z - y) / 2:.6g}, by central differences; off by {(z - y) / 2:.2g}" in said


def test_a_function_without_a_name_is_refused():
    with pytest.raises(RequestError, match="define it with def"):
        regressor(activation=lambda xp: None).fit(X, TARGET)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "rellu"}, "'rellu' is not known; did you mean 'relu'"),
        ({"loss": "hubr"}, "'hubr' is not known; did you mean 'huber'"),
        ({"solver": "adm"}, "'adm' is not known; did you mean 'adam'"),
        ({"learning_rate": "cosin"}, "'cosin' is not known; did you mean 'cosine'"),
        ({"initializer": "he_norml"}, "'he_norml' is not known; did you mean 'he_normal'"),
        ({"solver": "adamw(decay=1)"}, "'decay=1' does not fit"),
        ({"activation": ["relu", "tanh"]}, "one for all 1 hidden layers, or 1 of them; got 2"),
        ({"dropout": [0.1, 0.1]}, "one for all 1 hidden layers, or 1 of them; got 2"),
        ({"scoring": "rocauc", "early_stopping": True, "validation_fraction": 0.3}, "'rocauc' is not a valid scoring"),
        ({"loss": "log_loss"}, "for classification: use MLPClassifier"),
        ({"loss": "quantiles"}, r"needs its numbers here, such as 'quantiles\(0.1, 0.5, 0.9\)'"),
        ({"loss": "poisson"}, "takes targets from 0 on, and y is -"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must be > 0"),
        ({"callbacks": [print]}, "on_epoch_end"),
        ({"solver": "lbfgs", "dropout": 0.5}, "Set dropout to 0"),
        ({"solver": "lbfgs", "averaging": 0.9}, "lbfgs takes no steps.*leave averaging out"),
        ({"early_stopping": True, "validation_fraction": 0.02}, "validation set is too small"),
    ],
    ids=str,
)
def test_a_wrong_choice_is_a_value_error_that_helps(given, message):
    with pytest.raises(ValueError, match=message):
        regressor(**given).fit(X, TARGET)


@pytest.mark.parametrize(
    "given",
    [
        *({"alpha": -1.0}, {"l1": -1}, {"dropout": 1.0}, {"clip_norm": 0.0}, {"max_time": 0}, {"threads": 0}),
        *({"max_iter": 0}, {"batch_size": 0}, {"hidden_layer_sizes": 0}, {"learning_rate_init": 0.0}, {"tol": -1.0}),
        *({"momentum": 1.5}, {"beta_1": 1.0}, {"activation": 3}, {"callbacks": 3}, {"alpha_mode": "x"}),
        *({"missing_values": "drop"}, {"categorical_features": "all"}, {"scoring": 3}, {"shuffle": "yes"}),
        *({"averaging": 0.0}, {"averaging": 1.0}, {"averaging": "most"}),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_scikit_learns_error(given):
    with pytest.raises(InvalidParameterError, match=next(iter(given))):
        regressor(**given).fit(X, TARGET)


def test_classes_and_losses_that_do_not_belong_together_are_refused():
    with pytest.raises(RequestError, match="for regression: use MLPRegressor"):
        classifier(loss="huber").fit(X, Y)
    with pytest.raises(RequestError, match=r"takes targets above 0, and y is 0 in row 2"):
        regressor(loss="gamma").fit(X, [1.0, 2.0, 0.0, 3.0] * 10)
    with pytest.raises(RequestError, match="class_weight names 'maybe', which is not a class"):
        classifier(class_weight={"maybe": 2.0}).fit(X, Y)
    with pytest.raises(RequestError, match="quantiles of one target, and y has 2 columns"):
        regressor(loss="quantiles(0.1, 0.9)").fit(X, X[:, :2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused_in_arrays(value):
    bad = X.copy()
    bad[3, 1] = value
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        regressor().fit(bad, TARGET)
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        regressor().fit(X, TARGET).predict(bad)


def test_divergence_says_the_epoch_the_rate_and_what_to_try():
    model = regressor(solver="sgd", learning_rate_init=1e6, max_iter=100)
    with pytest.raises(ValueError, match=r"non-finite.*epoch \d+ \(learning rate 1e\+06\)\. Try .* lower.*clip_norm=1"):
        model.fit(X * 1e3, TARGET * 1e3)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        [model.partial_fit(X * 1e3, TARGET * 1e3) for _ in range(100)]


def test_a_run_that_diverges_while_scores_are_watched_keeps_its_best_epoch():
    model = regressor(solver="sgd", learning_rate_init=1e6, max_iter=100, early_stopping=True, validation_fraction=0.3)
    with pytest.warns(ConvergenceWarning, match="stopped being finite.*best epoch"):
        model.fit(X * 1e3, TARGET * 1e3)
    assert np.isfinite(model.predict(X)).all()


def test_partial_fit_is_for_steps_alone():
    assert not hasattr(regressor(solver="lbfgs"), "partial_fit")
    assert not hasattr(regressor(solver="lbfgs(memory=5)"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        regressor(solver="lbfgs").partial_fit(X, TARGET)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        regressor(early_stopping=True).partial_fit(X, TARGET)
    with pytest.raises(ValueError, match="classes"):
        classifier().partial_fit(X, Y)
    with pytest.raises(ValueError, match="classes not in"):
        classifier().partial_fit(X, Y, classes=["no", "yes"]).partial_fit(X, np.where(X[:, 1] > 0, "maybe", Y))


def test_training_goes_on_only_with_the_same_shape_and_classes():
    model = regressor(warm_start=True).fit(X, TARGET)
    with pytest.raises(ValueError, match=r"coefs_ of the shapes .*make a new estimator"):
        model.set_params(hidden_layer_sizes=(7,)).fit(X, TARGET)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        classifier(warm_start=True).fit(X, Y).fit(X, np.where(X[:, 1] > 0, "maybe", Y))


def test_coefs_of_another_shape_are_refused():
    model = regressor().fit(X, TARGET)
    model.coefs_[0] = np.zeros((1, 1))
    with pytest.raises(ValueError, match=r"coefs_\[0\] has the shape \(1, 1\), and the network's is \(3, 4\)"):
        model.predict(X)
