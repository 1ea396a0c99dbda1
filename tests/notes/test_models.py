"""The models of *Building blocks* against the same training written out, and against scikit-learn's own data."""

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import (
    MISTAKES,
    Hyperparameters,
    L_layer_model,
    L_model_backward,
    L_model_forward,
    Mistake,
    compute_cost,
    dimension_table,
    first_layer_pictures,
    initialize_parameters_deep,
    mistake,
    parameters_and_hyperparameters,
    predict,
    save_first_layer_pictures,
    two_layer_model,
    update_parameters,
)

DIMS = (6, 4, 3, 1)


def examples(n_x=6, m=30, n_y=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_x, m))
    return X, (X[:n_y] * X[1 : n_y + 1] > 0).astype(int)


def same(these, those, rtol=1e-12):
    assert list(these) == list(those)
    for name in these:
        np.testing.assert_allclose(these[name], those[name], rtol=rtol, atol=1e-15 if rtol else 0.0)


def written_out(X, Y, dims, rate, iterations, *, initialization, seed, beta=0.0, lambd=0.0, batch=None, g=np.tanh):
    """The same training on loose matrices; g is tanh or relu."""
    rng = np.random.RandomState(seed)
    scale = {"normal*0.01": lambda n: 0.01, "1/sqrt(n)": lambda n: n**-0.5, "he": lambda n: (2 / n) ** 0.5}[
        initialization
    ]
    W = [rng.randn(n, k) * scale(k) for k, n in pairwise(dims)]
    b = [np.zeros((n, 1)) for n in dims[1:]]
    v = [0.0] * (2 * len(W))
    slope = (lambda Z: 1 - np.tanh(Z) ** 2) if g is np.tanh else (lambda Z: Z > 0)

    def forward(X):
        A, Z = [X], []
        for l in range(len(W)):
            Z.append(W[l] @ A[-1] + b[l])
            A.append(g(Z[-1]) if l < len(W) - 1 else 1 / (1 + np.exp(-Z[-1])))
        return A, Z

    costs, waiting = [], []
    for i in range(iterations):
        if i % 100 == 0:
            A = forward(X)[0][-1]
            squares = sum((w**2).sum() for w in W)
            costs.append(
                -np.mean(np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A), 0)) + lambd / 2 / X.shape[1] * squares
            )
        if not waiting:
            order = np.arange(X.shape[1]) if batch is None else rng.permutation(X.shape[1])
            size = batch or len(order)
            waiting = [order[k : k + size] for k in range(0, len(order), size)]
        some = waiting.pop(0)
        A, Z = forward(X[:, some])
        m, d, grads = len(some), A[-1] - Y[:, some], []
        for l in reversed(range(len(W))):
            grads = [d @ A[l].T / m + lambd / m * W[l], d.mean(1, keepdims=True), *grads]
            if l:
                d = W[l].T @ d * slope(Z[l - 1])
        v = [beta * old + (1 - beta) * new for old, new in zip(v, grads, strict=True)]
        W = [w - rate * dw for w, dw in zip(W, v[::2], strict=True)]
        b = [c - rate * dc for c, dc in zip(b, v[1::2], strict=True)]
    return {
        f"{V}{l}": value
        for l, pair in enumerate(zip(W, b, strict=True), 1)
        for V, value in zip("Wb", pair, strict=True)
    }, costs


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"initialization": "1/sqrt(n)"},
        {"initialization": "he", "hidden_activation": "tanh"},
        {"initialization": "he", "momentum": 0.9},
        {"initialization": "he", "lambd": 0.7},
        {"initialization": "he", "mini_batch_size": 8},
        {"initialization": "he", "mini_batch_size": 30},
        {"mini_batch_size": 7, "lambd": 0.3, "momentum": 0.5, "hidden_activation": "tanh", "initialization": "he"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dims", [(6, 1), DIMS, (6, 8, 8, 1), (6, 4, 2)], ids=str)
def test_training_is_the_same_written_out(options, dims):
    X, Y = examples(n_y=dims[-1])
    np.random.seed(3)
    parameters, costs = L_layer_model(X, Y, dims, 0.3, 120, **options)
    batch = options.get("mini_batch_size")
    expected, expected_costs = written_out(
        X, Y, dims, 0.3, 120, seed=3,
        initialization=options.get("initialization", "normal*0.01"),
        beta=options.get("momentum", 0.0), lambd=options.get("lambd", 0.0),
        batch=batch if batch and batch < 30 else None,
        g=np.tanh if "hidden_activation" in options else lambda Z: np.maximum(Z, 0),
    )  # fmt: skip
    same(parameters, expected, 1e-9)
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-9)


def test_the_model_is_its_building_blocks():
    X, Y = examples()
    np.random.seed(1)
    parameters, costs = L_layer_model(X, Y, DIMS, 0.5, 250, initialization="he")
    np.random.seed(1)
    by_hand, costs_by_hand = initialize_parameters_deep(DIMS, initialization="he"), []
    for i in range(250):
        AL, caches = L_model_forward(X, by_hand)
        if i % 100 == 0:
            costs_by_hand.append(compute_cost(AL, Y))
        by_hand = update_parameters(by_hand, L_model_backward(AL, Y, caches), 0.5)
    same(parameters, by_hand)
    assert len(costs) == 3
    assert costs == pytest.approx(costs_by_hand, rel=1e-12)


def test_the_two_layer_model_is_the_L_layer_model_of_two_layers():
    X, Y = examples()
    options = {"initialization": "he", "rng": 5, "mini_batch_size": 7, "momentum": 0.8}
    two, costs = two_layer_model(X, Y, (6, 5, 1), 0.5, 201, **options)
    deep, deep_costs = L_layer_model(X, Y, (6, 5, 1), 0.5, 201, **options)
    same(two, deep)
    assert costs == deep_costs


@pytest.mark.parametrize(
    "rng", [4, np.random.default_rng, np.random.RandomState], ids=["4", "Generator", "RandomState"]
)
def test_a_seed_or_a_generator_makes_training_repeatable(rng):
    X, Y = examples()
    state = np.random.get_state()[1].tolist()
    runs = [
        L_layer_model(X, Y, DIMS, 0.3, 30, rng=rng(4) if callable(rng) else rng, mini_batch_size=4, initialization="he")
        for _ in range(2)
    ]
    same(runs[0][0], runs[1][0], 0.0)
    assert runs[0][1] == runs[1][1]
    assert np.random.get_state()[1].tolist() == state


def test_inputs_that_outnumber_the_first_layer_or_not_train_alike():
    # for wide inputs the gradient of the inputs is left out; it must not change what is learnt
    X, Y = examples(n_x=9)
    wide, _ = L_layer_model(X, Y, (9, 4, 1), 0.5, 50, initialization="he", rng=0)
    padded = {name: V.copy() for name, V in initialize_parameters_deep((9, 4, 1), initialization="he", rng=0).items()}
    for _ in range(50):
        AL, caches = L_model_forward(X, padded)
        padded = update_parameters(padded, L_model_backward(AL, Y, caches), 0.5)
    same(wide, padded)


def test_printed_costs_are_those_returned(capsys):
    X, Y = examples()
    _, costs = L_layer_model(X, Y, DIMS, 0.1, 201, True, rng=0)
    assert capsys.readouterr().out.splitlines() == [
        f"Cost after iteration {i}: {costs[i // 100]}" for i in (0, 100, 200)
    ]
    L_layer_model(X, Y, DIMS, 0.1, 101, rng=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("size", [30, 31])
def test_a_mini_batch_of_all_is_no_mini_batch(size):
    X, Y = examples()
    full, _ = L_layer_model(X, Y, DIMS, 0.3, 10, initialization="he", rng=0)
    same(L_layer_model(X, Y, DIMS, 0.3, 10, initialization="he", rng=0, mini_batch_size=size)[0], full, 0.0)


def test_no_iterations_give_the_initial_parameters():
    X, Y = examples()
    parameters, costs = L_layer_model(X, Y, DIMS, num_iterations=0, rng=0)
    same(parameters, initialize_parameters_deep(DIMS, rng=0))
    assert costs == []


def test_a_rate_far_too_large_ends_without_a_warning():
    X, Y = examples()
    parameters, costs = L_layer_model(1e3 * X, Y, DIMS, 1e200, 201, initialization="he", rng=0)
    assert not np.isfinite(parameters["W1"]).all()
    assert len(costs) == 3


@pytest.mark.parametrize("convert", [np.asfortranarray, np.float32, lambda X: X.astype(int), lambda X: X.tolist()])
def test_any_array_of_numbers_will_do(convert):
    X, Y = examples()
    X = np.rint(4 * X)
    expected, _ = L_layer_model(X, Y, DIMS, 0.1, 20, initialization="he", rng=0)
    same(L_layer_model(convert(X), convert(Y), DIMS, 0.1, 20, initialization="he", rng=0)[0], expected, 1e-9)


def trained_with(monkeypatch, forms, *args, **options):
    monkeypatch.setitem(MISTAKES, "made-for-this-test", Mistake("made-for-this-test", "", "", forms))
    with mistake("made-for-this-test"):
        return L_layer_model(*args, **options)[0]


def test_a_mistake_acts_in_training(monkeypatch):
    X, Y = examples()
    args, options = (X, Y, DIMS, 0.5, 20), {"initialization": "he", "rng": 0}
    right, _ = L_layer_model(*args, **options)
    wrong = trained_with(monkeypatch, {"relu_backward": lambda dA, cache: np.array(dA)}, *args, **options)
    assert not np.allclose(wrong["W1"], right["W1"])
    same(L_layer_model(*args, **options)[0], right, 0.0)


def test_a_forgotten_transpose_runs_silently_in_a_square_network_as_it_would_with_the_document(monkeypatch):
    def linear_backward(dZ, cache):
        A_prev, W, _ = cache
        return W @ dZ, dZ @ A_prev.T / dZ.shape[1], dZ.mean(axis=1, keepdims=True)

    X, Y = examples(n_x=3, n_y=2)
    args, options = (X, np.vstack([Y, Y[:1]]), (3, 3, 3), 0.5, 20), {"initialization": "he", "rng": 0}
    wrong = trained_with(monkeypatch, {"linear_backward": linear_backward}, *args, **options)
    assert not np.allclose(wrong["W1"], L_layer_model(*args, **options)[0]["W1"])


# --- prediction ---


def test_predictions_are_AL_above_a_half(capsys):
    X, Y = examples()
    parameters, _ = L_layer_model(X, Y, (6, 12, 1), 1.0, 800, initialization="he", rng=0)
    p = predict(X, Y, parameters)
    np.testing.assert_array_equal(p, L_model_forward(X, parameters)[0] > 0.5)
    assert np.mean(p == Y) > 0.95
    assert capsys.readouterr().out == f"Accuracy: {np.mean(p == Y)}\n"
    np.testing.assert_array_equal(predict(X, None, parameters), p)
    assert capsys.readouterr().out == ""
    with pytest.raises(RequestError, match=r"y is \(30,\) but the predictions are \(1, 30\)"):
        predict(X, Y[0], parameters)


def test_a_probability_of_a_half_is_not_yet_a_yes():
    logits = np.log(np.array([[0.5, 0.501, 0.499]]) / np.array([[0.5, 0.499, 0.501]]))
    assert predict(logits, None, {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}).tolist() == [[0, 1, 0]]


def test_predictions_use_the_hidden_activation_that_is_named():
    parameters = {"W1": np.array([[1.0]]), "b1": np.zeros((1, 1)), "W2": np.array([[-1.0]]), "b2": np.array([[0.0]])}
    X = np.array([[-1.0]])
    assert predict(X, None, parameters).tolist() == [[0]]
    assert predict(X, None, parameters, hidden_activation="tanh").tolist() == [[1]]


# --- errors ---


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layers_dims": (6,)}, "n must hold the units of each layer"),
        ({"layers_dims": (5, 1)}, r"X must be \(5, 30\), not \(6, 30\)"),
        ({"layers_dims": (30, 1)}, r"X must be \(30, 30\)"),
        ({"X": np.zeros((30, 6))}, r"X must be \(6, 6\), not \(30, 6\)"),
        ({"X": np.zeros(6)}, r"X has shape \(6,\).*X\.reshape\(-1, 1\)"),
        ({"Y": np.zeros(30)}, r"Y has shape \(30,\)"),
        ({"Y": np.zeros((30, 1))}, r"Y must be \(1, 30\), not \(30, 1\).*transposed"),
        ({"Y": np.full((1, 30), 2)}, "Y must hold only 0 and 1, not 2"),
        ({"Y": np.full((1, 30), np.nan)}, "Y must hold only 0 and 1, not nan"),
        ({"learning_rate": 0.0}, "learning_rate is a number above 0"),
        ({"num_iterations": 2.5}, "num_iterations is an integer"),
        ({"momentum": 1.0}, "momentum is at least 0 and below 1"),
        ({"mini_batch_size": 0}, "mini_batch_size is an integer from 1 on"),
        ({"lambd": -1.0}, "lambd is a number from 0 on"),
        ({"initialization": "xavier"}, "initialization is one of"),
        ({"hidden_activation": "rleu"}, "did you mean 'relu'"),
    ],
)  # fmt: skip
def test_errors(change, said):
    X, Y = examples()
    with pytest.raises(RequestError, match=said):
        L_layer_model(**({"X": X, "Y": Y, "layers_dims": DIMS} | change))


def test_the_two_layer_model_has_two_layers():
    with pytest.raises(RequestError, match=r"\(n_x, n_h, n_y\) for two layers, not \(6, 4, 3, 1\)"):
        two_layer_model(*examples(), DIMS)


# --- parameters, hyperparameters, dimensions ---


def test_parameters_and_hyperparameters_of_a_run():
    told = Hyperparameters(DIMS, 0.1, 50, "he", 0.9, 8, 0.2, "tanh")
    both = parameters_and_hyperparameters(told)
    X, Y = examples()
    learned, _ = L_layer_model(
        X, Y, told.layers_dims, told.learning_rate, told.num_iterations, initialization=told.initialization,
        momentum=told.momentum, mini_batch_size=told.mini_batch_size, lambd=told.lambd,
        hidden_activation=told.hidden_activation,
    )  # fmt: skip
    shapes = {name: V.shape for name, V in learned.items()}
    assert both["parameters"] == shapes | {"numbers in all": sum(V.size for V in learned.values())}
    assert both["hyperparameters"]["hidden_layers"] == 2
    assert both["hyperparameters"]["hidden_units"] == (4, 3)
    # every item of the document's list
    assert {"learning_rate", "num_iterations", "hidden_activation", "momentum", "mini_batch_size", "lambd"} <= set(
        both["hyperparameters"]
    )


@pytest.mark.parametrize("n", [(2, 1), (12288, 20, 7, 5, 1), (3,) * 12], ids=len)
def test_the_table_of_dimensions_holds_what_training_makes(n):
    m = 9
    rows = [line.replace("), (", ");(").split("  ") for line in dimension_table(n, m)]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[1] == ["0", f"({n[0]}, {m})"]
    parameters = initialize_parameters_deep(n)
    AL, caches = L_model_forward(np.zeros((n[0], m)), parameters)
    for l, ((_, W, b), Z) in enumerate(caches, 1):
        assert cells[l + 1] == [str(l), *(str(V.shape) for V in (W, b, Z, Z))]
    assert AL.shape == (n[-1], m)


# --- the first layer as pictures ---


def read_png(path):
    """The dots of an unfiltered 8-bit PNG, checksums checked."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        chunks.append((kind, body))
        at += 12 + length
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, rest) == (8, [0, 0, 0])
    samples = {0: 1, 2: 3}[colour]
    lines = np.frombuffer(zlib.decompress(chunks[1][1]), np.uint8).reshape(height, 1 + width * samples)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape((height, width) if samples == 1 else (height, width, 3))


def test_first_layer_of_a_digits_network_as_pictures(tmp_path):
    datasets = pytest.importorskip("sklearn.datasets")
    images, digit = datasets.load_digits(return_X_y=True)
    X, Y = images.T[:, :600] / 16.0, (digit[:600] == 0).reshape(1, -1).astype(int)
    parameters, costs = L_layer_model(X, Y, (64, 6, 1), 0.5, 300, initialization="he", rng=0)
    assert costs[-1] < 0.1 * costs[0]
    pictures = first_layer_pictures(parameters, (8, 8))
    assert pictures.shape == (6, 8, 8)
    for picture, w in zip(pictures, parameters["W1"], strict=True):
        assert (picture.min(), picture.max()) == (0.0, 1.0)
        assert np.corrcoef(picture.ravel(), w)[0, 1] == pytest.approx(1.0)
    save_first_layer_pictures(parameters, (8, 8), tmp_path / "units.png", zoom=3)
    dots = read_png(tmp_path / "units.png")
    assert dots.shape == (2 * 26 - 2, 3 * 26 - 2)
    for j in range(6):
        top, left = 26 * (j // 3), 26 * (j % 3)
        there = dots[top : top + 24 : 3, left : left + 24 : 3]
        np.testing.assert_array_equal(there, np.rint(255 * pictures[j]))
    assert (dots[24:26] == 255).all()


def test_pictures_in_colour_and_of_a_unit_without_any_pattern(tmp_path):
    W = np.vstack([np.arange(12.0), np.full(12, 3.0)])
    save_first_layer_pictures({"W1": W}, (2, 2, 3), tmp_path / "units.png", zoom=1)
    dots = read_png(tmp_path / "units.png")
    assert dots.shape == (2, 6, 3)
    np.testing.assert_array_equal(dots[:, :2].ravel(), np.rint(255 * np.arange(12) / 11))
    assert (dots[:, 4:] == 128).all()


@pytest.mark.parametrize("shape", [(8, 7), (64,), (4, 4, 4), (64, 1, 1)])
def test_pictures_need_the_shape_of_the_inputs(shape):
    with pytest.raises(RequestError, match=r"n\[0\] = 64 numbers"):
        first_layer_pictures({"W1": np.zeros((5, 64))}, shape)
