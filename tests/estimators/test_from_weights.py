"""Networks of dense layers that were trained elsewhere predict the same here, and can be trained further."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import RequestError
from chainrule.explain import check_gradients, trace

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(3).normal(size=(40, 5))
DTYPES = [("float32", 1e-6), ("float64", 1e-12)]

# Our name, and the layer of torch that it is
TORCH = {
    "identity": ("Identity", {}),
    "sigmoid": ("Sigmoid", {}),
    "logistic": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {}),
    "leaky_relu(0.3)": ("LeakyReLU", {"negative_slope": 0.3}),
    "elu": ("ELU", {}),
    "selu": ("SELU", {}),
    "softplus": ("Softplus", {}),
    "silu": ("SiLU", {}),
    "mish": ("Mish", {}),
    "gelu": ("GELU", {"approximate": "tanh"}),
}


def sequential(n, activation, dtype, bias=True):
    """A Sequential of torch, with units by layer n."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(4)
    kind, numbers = TORCH[activation]
    layers = []
    for n_in, n_out in pairwise(n):
        layers += [torch.nn.Linear(n_in, n_out, bias=bias), getattr(torch.nn, kind)(**numbers)]
    return torch.nn.Sequential(*layers[:-1]).to(getattr(torch, dtype))


def scores(net, dtype):
    """What a network of torch gives for X, a tensor."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        return net(torch.from_numpy(X.astype(dtype)))


def kernels(n, bias=True, dtype=np.float64):
    """Weights as Keras has them, for units by layer n."""
    arrays, rng = [], np.random.default_rng(4)
    for n_in, n_out in pairwise(n):
        arrays.append(rng.normal(size=(n_in, n_out)).astype(dtype))
        if bias:
            arrays.append(rng.normal(size=n_out).astype(dtype))
    return arrays


def passed(weights, functions, rows=X):
    """The forward pass by hand: kernel and bias of each layer, and its function."""
    A = rows
    for W, b, g in zip(weights[::2], weights[1::2], functions, strict=True):
        A = g(A @ W + b)
    return A


def sigmoid(Z):
    return 1.0 / (1.0 + np.exp(-Z))


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def as_it_came(Z):
    return Z


@pytest.mark.parametrize(("dtype", "within"), DTYPES)
@pytest.mark.parametrize("activation", TORCH)
def test_a_sequential_of_torch_predicts_the_same(activation, dtype, within):
    net = sequential((5, 16, 8, 3), activation, dtype)
    model = MLPRegressor.from_weights(net.state_dict(), activation=activation)
    expected = scores(net, dtype).numpy()
    answers = model.predict(X.astype(dtype))
    assert answers.dtype == expected.dtype == dtype
    assert np.abs(answers - expected).max() < within


@pytest.mark.parametrize(("dtype", "within"), DTYPES)
@pytest.mark.parametrize("outputs", [1, 2, 3, 7])
def test_classes_of_torch_have_the_same_probabilities(outputs, dtype, within):
    net = sequential((5, 12, outputs), "tanh", dtype)
    Z = scores(net, dtype)
    P = Z.sigmoid().numpy() if outputs == 1 else Z.softmax(dim=1).numpy()
    P = np.hstack([1 - P, P]) if outputs == 1 else P
    model = MLPClassifier.from_weights(list(net.parameters()), layout="torch", activation="tanh")
    assert np.abs(model.predict_proba(X.astype(dtype)) - P).max() < within
    assert np.array_equal(model.predict(X.astype(dtype)), P.argmax(axis=1))
    assert model.classes_.tolist() == list(range(max(outputs, 2)))


@pytest.mark.parametrize("given", ["state_dict", "sorted by text", "nested", "parameters", "arrays"])
def test_every_way_to_hand_over_torch_weights_is_the_same(given):
    torch = pytest.importorskip("torch")
    net = sequential((5, *[4] * 6, 1), "tanh", "float64")  # layers 0, 2, ..., 12: by text 10 comes before 2
    named = net.state_dict()
    weights = {
        "state_dict": named,
        "sorted by text": dict(sorted(named.items())),
        "nested": torch.nn.ModuleDict({"net": net}).state_dict(),
        "parameters": net.parameters(),
        "arrays": [p.detach().numpy() for p in net.parameters()],
    }[given]
    layout = "torch" if given in ("parameters", "arrays") else None
    model = MLPRegressor.from_weights(weights, layout=layout, activation="tanh")
    assert np.abs(model.predict(X) - scores(net, "float64").numpy()[:, 0]).max() < 1e-12


def test_layers_under_names_of_their_own_keep_the_order_in_which_they_came():
    W, b = kernels((5, 5))
    V, c = kernels((5, 5))
    model = MLPRegressor.from_weights({"inner.weight": W.T, "inner.bias": b, "head.weight": V.T, "head.bias": c})
    assert model.predict(X) == pytest.approx(passed([W, b, V, c], [lambda Z: np.maximum(Z, 0), as_it_came]), abs=1e-12)


@pytest.mark.parametrize(("dtype", "within"), DTYPES)
def test_keras_weights_predict_what_the_equations_give(dtype, within):
    weights = [array / 4 for array in kernels((5, 8, 6, 2), dtype=dtype)]
    functions = [np.tanh, lambda Z: np.where(Z > 0, Z, 0.3 * Z), as_it_came]
    model = MLPRegressor.from_weights(weights, layout="keras", activation=["tanh", "leaky_relu(0.3)"])
    answers = model.predict(X.astype(dtype))
    assert answers.dtype == dtype
    assert np.abs(answers - passed(weights, functions, X.astype(dtype))).max() < within
    assert model.hidden_layer_sizes == (8, 6)


@pytest.mark.parametrize("layout", ["keras", "torch"])
def test_square_weights_are_read_in_the_layout_that_is_given(layout):
    weights = kernels((5, 5, 5))
    turned = weights if layout == "keras" else [array.T for array in weights]
    model = MLPRegressor.from_weights(turned, layout=layout)
    assert model.predict(X) == pytest.approx(passed(weights, [lambda Z: np.maximum(Z, 0), as_it_came]), abs=1e-12)


@pytest.mark.parametrize("layout", ["keras", "torch"])
def test_layers_without_biases(layout):
    W, V = kernels((5, 4, 1), bias=False)
    b = np.random.default_rng(5).normal(size=4)
    for weights, first in (([W, V], 0.0), ([W, b, V], b)):
        given = [array.T for array in weights] if layout == "torch" else weights
        model = MLPRegressor.from_weights(given, layout=layout, activation="tanh")
        assert model.predict(X) == pytest.approx((np.tanh(X @ W + first) @ V)[:, 0], abs=1e-12)
        assert model.intercepts_[1].tolist() == [0.0]


def test_a_torch_network_without_biases():
    net = sequential((5, 4, 3), "relu", "float64", bias=False)
    model = MLPRegressor.from_weights(net.state_dict())
    assert np.abs(model.predict(X) - scores(net, "float64").numpy()).max() < 1e-12


def test_a_single_layer_is_a_linear_model():
    W, b = kernels((5, 1))
    model = MLPRegressor.from_weights([W, b], layout="keras")
    assert model.predict(X) == pytest.approx((X @ W + b)[:, 0], abs=1e-12)
    assert model.hidden_layer_sizes == ()


@pytest.mark.parametrize(
    ("classes", "columns"),
    [(["b", "c", "a"], [2, 0, 1]), ([30, 10, 20], [1, 2, 0]), (None, [0, 1, 2])],
)
def test_classes_name_the_outputs_and_are_sorted(classes, columns):
    weights = kernels((5, 4, 3))
    model = MLPClassifier.from_weights(weights, layout="keras", activation="tanh", classes=classes)
    P = passed(weights, [np.tanh, softmax])
    named = np.arange(3) if classes is None else np.array(classes)
    assert model.classes_.tolist() == sorted(named.tolist())
    assert np.abs(model.predict_proba(X) - P[:, columns]).max() < 1e-12
    assert np.array_equal(model.predict(X), named[P.argmax(axis=1)])


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"], [False, True], [1, 0]])
@pytest.mark.parametrize("named", [True, False])
def test_two_classes_from_one_output_and_from_two(outputs, classes, named):
    weights = kernels((5, 4, outputs))
    link = sigmoid if outputs == 1 else softmax
    P = passed(weights, [np.tanh, link])
    P = np.hstack([1 - P, P]) if outputs == 1 else P
    model = MLPClassifier.from_weights(
        weights,
        layout="keras",
        activation="tanh",
        classes=classes,
        out_activation=link.__name__ if named else None,
    )
    assert np.array_equal(model.predict(X), np.array(classes)[P.argmax(axis=1)])
    assert np.abs(model.predict_proba(X) - P[:, np.argsort(classes)]).max() < 1e-12


def test_several_sigmoids_are_labels_that_do_not_exclude_each_other():
    weights = kernels((5, 4, 3))
    model = MLPClassifier.from_weights(weights, layout="keras", activation="tanh", out_activation="sigmoid")
    P = passed(weights, [np.tanh, sigmoid])
    assert np.abs(model.predict_proba(X) - P).max() < 1e-12
    assert np.array_equal(model.predict(X), (P > 0.5).astype(int))
    assert model.partial_fit(X, (X[:, :3] > 0).astype(int)).t_ == len(X)


def test_classes_under_a_sigmoid_each():
    weights = kernels((5, 4, 3))
    model = MLPClassifier.from_weights(
        weights, layout="keras", out_activation="sigmoid", classes=["a", "b", "c"], loss="binary_cross_entropy"
    )
    P = passed(weights, [lambda Z: np.maximum(Z, 0), sigmoid])
    assert np.abs(model.predict_proba(X) - P).max() < 1e-12


@pytest.mark.parametrize("out_activation", [None, "exp", "exponential"])
def test_a_regressor_has_the_link_of_its_loss(out_activation):
    weights = [array / 5 for array in kernels((5, 4, 1))]
    model = MLPRegressor.from_weights(
        weights, layout="keras", activation="tanh", loss="poisson", out_activation=out_activation
    )
    assert model.predict(X) == pytest.approx(passed(weights, [np.tanh, np.exp])[:, 0], rel=1e-12)


def test_the_dtype_is_that_of_the_weights_or_the_one_that_is_asked_for():
    weights = kernels((5, 4, 1))
    for given, asked, expected in (
        (np.float64, None, "float64"),
        (np.float32, None, "float32"),
        (np.float16, None, "float32"),
        (np.float64, "float32", "float32"),
        (np.float32, np.float64, "float64"),
    ):
        model = MLPRegressor.from_weights([w.astype(given) for w in weights], layout="keras", dtype=asked)
        assert {c.dtype.name for c in (*model.coefs_, *model.intercepts_)} == {model.network_.dtype} == {expected}
    whole = [np.rint(w).astype(np.int8) for w in weights]
    assert MLPRegressor.from_weights(whole, layout="keras").network_.dtype == "float64"


def test_unsigned_whole_numbers_do_not_wrap_around():
    W, b = np.array([[3, 1]], np.uint8), np.array([2, 1], np.uint8)
    model = MLPClassifier.from_weights([W, b], layout="keras")
    assert model.coefs_[0].tolist() == [[-2.0]]
    assert model.intercepts_[0].tolist() == [-1.0]


def test_the_weights_are_copies():
    weights = kernels((5, 4, 1))
    model = MLPRegressor.from_weights(weights, layout="keras")
    before = model.predict(X)
    for array in weights:
        array[...] = 0.0
    assert np.array_equal(model.predict(X), before)


# What it can do afterwards


def of_keras(outputs=3, **parameters):
    return MLPClassifier.from_weights(
        [w / 2 for w in kernels((5, 8, outputs))], layout="keras", activation="tanh", random_state=0, **parameters
    )


def test_training_goes_on_from_the_weights():
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    model = of_keras(warm_start=True, learning_rate_init=1e-9, max_iter=3)
    before = [c.copy() for c in model.coefs_]
    model.fit(X, y)
    assert max(np.abs(a - b).max() for a, b in zip(before, model.coefs_, strict=True)) < 1e-7
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (3, 3 * len(X), 3)
    model.set_params(learning_rate_init=0.05, max_iter=300)
    assert model.fit(X, y).score(X, y) > 0.95
    model.set_params(warm_start=False, hidden_layer_sizes=(3,))
    assert model.fit(X, y).coefs_[0].shape == (5, 3)


def test_partial_fit_equals_one_step_of_torch():
    torch = pytest.importorskip("torch")
    net = sequential((5, 6, 1), "tanh", "float64")
    y = X[:, 0] * X[:, 1]
    model = MLPRegressor.from_weights(
        net.state_dict(), activation="tanh", solver="sgd", momentum=0.0, learning_rate_init=0.1, alpha=0.0
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        model.partial_fit(X, y)
        optimizer.zero_grad()
        (((net(torch.from_numpy(X))[:, 0] - torch.from_numpy(y)) ** 2).mean() / 2).backward()
        optimizer.step()
    assert np.abs(model.predict(X) - scores(net, "float64").numpy()[:, 0]).max() < 1e-12


def test_partial_fit_knows_the_classes():
    model = of_keras()
    assert model.partial_fit(X[:5], [0, 1, 2, 0, 1]).t_ == 5
    with pytest.raises(ValueError, match="has classes not in"):
        model.partial_fit(X[:1], [7])


def test_pickle_clone_and_parameters():
    model = of_keras(classes=["x", "y", "z"])
    back = pickle.loads(pickle.dumps(model))
    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))
    fresh = clone(model)
    assert fresh.get_params()["hidden_layer_sizes"] == (8,)
    assert fresh.get_params()["activation"] == "tanh"
    assert not hasattr(fresh, "coefs_")


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_scikit_learns_estimator_of_it_predicts_the_same(outputs):
    model = of_keras(outputs)
    other = model.to_sklearn()
    assert np.abs(other.predict_proba(X) - model.predict_proba(X)).max() < 1e-12
    assert np.array_equal(other.predict(X), model.predict(X))


def test_it_can_be_looked_at():
    model = of_keras()
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    assert "hidden  8      tanh" in model.summary()
    assert check_gradients(model, X, y).ok
    assert trace(model, X[:4], y[:4]).A[2].shape == (3, 4)
    assert model.hidden_activations(X).shape == (40, 8)


def test_a_function_of_ones_own():
    def cube(xp):
        from chainrule.formulas.activations import Activation

        return Activation(lambda Z: Z * Z * Z, lambda Z, A: 3.0 * Z * Z, "z^3", "no one", initializer="lecun_normal")

    weights = kernels((5, 4, 1))
    model = MLPRegressor.from_weights(weights, layout="keras", activation=cube)
    assert model.predict(X) == pytest.approx(passed(weights, [lambda Z: Z**3, as_it_came])[:, 0], rel=1e-10)


# What is refused

GOOD = [np.ones((5, 4)), np.ones(4), np.ones((4, 3)), np.ones(3)]
NAMED = {"0.weight": np.ones((4, 5)), "0.bias": np.ones(4), "2.weight": np.ones((3, 4)), "2.bias": np.ones(3)}
HOLED = [np.ones((5, 4)), np.array([1.0, np.nan, 1.0, 1.0]), *GOOD[2:]]


@pytest.mark.parametrize(
    ("weights", "given", "message"),
    [
        (GOOD, {}, "layout is needed with a list"),
        (GOOD, {"layout": "kears"}, "layout is 'keras' or 'torch', not 'kears'; did you mean 'keras'"),
        (NAMED, {"layout": "keras"}, "give those of Keras as get_weights"),
        ([], {"layout": "keras"}, "the weights are empty"),
        (7, {"layout": "keras"}, "expected weights as a list of arrays.* not int"),
        ("weights.h5", {"layout": "keras"}, "expected weights as a list of arrays.* not str"),
        (MLPRegressor, {"layout": "keras"}, "expected weights as a list of arrays"),
        (
            GOOD,
            {"layout": "torch"},
            r"weights\[0\] of the shape \(5, 4\) is 4 inputs and 5 .*they do with layout='keras'",
        ),
        (GOOD[2:] + GOOD[:2], {"layout": "keras"}, "the layer before it has 3 outputs; give every layer, in the order"),
        ([GOOD[0], np.ones(3)], {"layout": "keras"}, "its bias has 3 numbers"),
        (HOLED, {"layout": "keras"}, r"weights\[1\] has nan at \(1,\), and weights are finite"),
        ([np.ones((5, 4)) * 1j], {"layout": "keras"}, r"weights\[0\] holds complex128"),
        ([[["a"]]], {"layout": "keras"}, r"weights\[0\] holds <U1"),
        ([[[1.0], [1.0, 2.0]]], {"layout": "keras"}, r"weights\[0\] cannot be read as an array"),
        (
            [*GOOD[:2], np.ones(4), *GOOD[2:]],
            {"layout": "keras"},
            r"weights\[2\] has the shape \(4,\).*Only dense layers",
        ),
        ([np.ones(4)], {"layout": "keras"}, r"weights\[0\] has the shape \(4,\), and a weight of two dimensions"),
        ([np.ones((3, 3, 1, 8))], {"layout": "keras"}, r"the shape \(3, 3, 1, 8\).*Only dense layers"),
        (
            [np.ones((5, 0)), np.ones((0, 3))],
            {"layout": "keras"},
            r"weights\[0\] has the shape \(5, 0\), and a layer has one unit",
        ),
        (NAMED | {"1.running_mean": np.ones(4)}, {}, "'1.running_mean' belongs to no dense layer.*Only dense layers"),
        (NAMED | {"1.weight": np.ones(4)}, {}, r"'1.weight' of the shape \(4,\) belongs to no dense layer"),
        (NAMED | {"3.bias": np.ones(4)}, {}, "'3.bias' comes without a weight: give 3.weight too"),
        (
            GOOD,
            {"layout": "keras", "activation": ["relu", "tanh"]},
            "2 functions, and the weights make 1 hidden layers",
        ),
        (GOOD, {"layout": "keras", "activation": "rleu"}, "activation 'rleu' is not known; did you mean 'relu'"),
        (GOOD, {"layout": "keras", "out_activation": "tanh"}, "out_activation is None or one of identity"),
        (
            GOOD,
            {"layout": "keras", "out_activation": "exp"},
            "out_activation 'exp' was given.* is 'softmax': name a loss",
        ),
        (GOOD, {"layout": "keras", "out_activation": "linear"}, "leave out_activation out where the last layer gives"),
        (
            GOOD[:1],
            {"layout": "keras", "out_activation": "sigmoid", "classes": list("abcd")},
            "is 'softmax': name a loss",
        ),
        (
            [np.ones((5, 2))],
            {"layout": "keras", "out_activation": "sigmoid", "classes": [0, 1]},
            "two sigmoids are not",
        ),
        ([np.ones((5, 1))], {"layout": "keras", "out_activation": "softmax"}, "a softmax of one output is 1 always"),
        (GOOD, {"layout": "keras", "classes": ["a", "b"]}, r"classes are 3 different labels .* not \['a', 'b'\]"),
        (GOOD, {"layout": "keras", "classes": ["a", "b", "a"]}, "classes are 3 different labels"),
        (
            GOOD,
            {"layout": "keras", "classes": np.array(["a", 1, None], object)},
            "classes are 3 different labels of one",
        ),
        (GOOD, {"layout": "keras", "dtype": "float16"}, "dtype must be 'float32' or 'float64'.* not 'float16'"),
        (GOOD, {"layout": "keras", "dtype": "floaty"}, "dtype must be 'float32' or 'float64'.* not 'floaty'"),
        ([np.full((5, 3), 1e300)], {"layout": "keras", "dtype": "float32"}, "reach 1e.300, beyond what float32 holds"),
        (GOOD, {"layout": "keras", "hidden_layer_sizes": (4,)}, "hidden_layer_sizes follows from the weights"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(weights, given, message):
    with pytest.raises(RequestError, match=message):
        MLPClassifier.from_weights(weights, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": [0, 1, 2]}, "classes are for MLPClassifier"),
        ({"out_activation": "sigmoid"}, "out_activation 'sigmoid' was given, and that of loss 'half_squared_error'"),
        ({"loss": "quantiles(0.1, 0.9)"}, "has 2 outputs, and the weights make 3"),
        ({"loss": "log_loss"}, "is for classification: use MLPClassifier"),
    ],
)
def test_what_a_regressor_cannot_be_is_refused(given, message):
    with pytest.raises(RequestError, match=message):
        MLPRegressor.from_weights(GOOD, layout="keras", **given)


def test_parameters_are_those_of_the_estimator():
    with pytest.raises(TypeError, match="learning_rat"):
        MLPClassifier.from_weights(GOOD, layout="keras", learning_rat=0.1)
    with pytest.raises(ValueError, match="alpha"):
        MLPClassifier.from_weights(GOOD, layout="keras", alpha=-1.0)


def test_layers_of_torch_that_are_not_dense_are_refused():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    for layers in (
        [nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)],
        [nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 1)],
        [nn.Linear(5, 4), nn.PReLU(), nn.Linear(4, 1)],
        [nn.Conv1d(5, 4, 1)],
        [nn.LSTM(5, 4)],
    ):
        with pytest.raises(RequestError, match="Only dense layers can be taken over"):
            MLPRegressor.from_weights(nn.Sequential(*layers).state_dict())
    net = nn.Sequential(nn.Linear(5, 1))
    with pytest.raises(RequestError, match=r"not the Sequential: give its state_dict\(\)"):
        MLPRegressor.from_weights(net)
    with pytest.raises(RequestError, match=r"'0.weight' cannot be read as an array: .* float32 first"):
        MLPRegressor.from_weights(net.to(torch.bfloat16).state_dict())


def test_the_recipe_before_a_training_is_that_of_the_model_and_watches_what_early_stopping_asks_for():
    made = MLPRegressor.from_weights([np.ones((2, 1))], layout="keras", early_stopping=True, scoring="loss")
    assert made.recipe_ == made.to_model().recipe
    assert made.recipe_.monitor == "validation_cost"
