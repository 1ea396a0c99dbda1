"""``check`` passes what is right, however it is written, and catches and names what is wrong."""

from itertools import pairwise

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import GRADED, INITIALIZATIONS, MISTAKES, L_model_backward, check, mistake, relu_backward
from chainrule.notes.grading.hidden_cases import INPUTS


def s(Z):
    return 1 / (1 + np.exp(-Z))


def dZ_of(dA, Z, activation):
    return dA * (Z > 0) if activation == "relu" else dA * s(Z) * (1 - s(Z))


def linear_forward_loops(A, W, b):
    Z = np.empty((W.shape[0], A.shape[1]))
    for j in range(W.shape[0]):
        for i in range(A.shape[1]):
            Z[j, i] = sum(W[j, k] * A[k, i] for k in range(W.shape[1])) + b[j, 0]
    return Z, (A, W, b)


def linear_backward_loops(dZ, cache):
    A, W, b = cache
    dA, dW, db = np.zeros(A.shape), np.zeros(W.shape), np.zeros(b.shape)
    m = dZ.shape[1]
    for i in range(m):
        for j in range(dZ.shape[0]):
            db[j] += dZ[j, i] / m
            for k in range(A.shape[0]):
                dW[j, k] += dZ[j, i] * A[k, i] / m
                dA[k, i] += W[j, k] * dZ[j, i]
    return dA, dW, db


def linear_backward_single(dZ, cache):
    A, W, _ = (V.astype(np.float32) for V in cache)
    dZ = dZ.astype(np.float32)
    return W.T @ dZ, dZ @ A.T / A.shape[1], dZ.mean(axis=1, keepdims=True)


def relu_backward_printed(dA, cache):
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ


def compute_cost_loop(AL, Y):
    chosen = [a if y == 1 else 1 - a for a, y in zip(AL[0], Y[0], strict=True)]
    return -sum(np.log(p) for p in chosen) / len(chosen)


def compute_cost_clipped(AL, Y):
    AL = np.clip(AL, 1e-8, 1 - 1e-8)
    return np.squeeze(-np.mean(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)))


def L_model_forward_while(X, parameters):
    l, A, caches = 1, X, []
    while f"W{l}" in parameters:
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        Z = np.einsum("jk,ki->ji", W, A) + b
        caches.append(((A, W, b), Z))
        A = np.where(Z > 0, Z, 0) if f"W{l + 1}" in parameters else s(Z)
        l += 1
    return A, caches


def L_model_backward_shortcut(AL, Y, caches):
    """dZ[L] = A[L] - Y at once, and no dA."""
    grads, dZ = {}, AL - Y
    for l in range(len(caches), 0, -1):
        (A, W, _), _ = caches[l - 1]
        grads[f"dW{l}"], grads[f"db{l}"] = dZ @ A.T / Y.size, dZ.mean(1, keepdims=True)
        if l > 1:
            dZ = W.T @ dZ * (caches[l - 2][1] > 0)
    return grads


def L_model_backward_printed(AL, Y, caches):
    grads = {f"dA{len(caches)}": -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))}
    for l in range(len(caches), 0, -1):
        dZ = dZ_of(grads[f"dA{l}"], caches[l - 1][1], "sigmoid" if l == len(caches) else "relu")
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = linear_backward_loops(dZ, caches[l - 1][0])
    return grads


def linear_activation_backward_inline(dA, cache, activation):
    (A, W, _), Z = cache
    dZ = dZ_of(dA, Z, activation)
    return (dZ.T @ W).T, (A @ dZ.T).T / A.shape[1], np.mean(dZ, 1).reshape(-1, 1)


def initialize_he(layer_dims):
    rng, parameters = np.random.default_rng(5), {}
    for l, (n_prev, n) in enumerate(pairwise(layer_dims), start=1):
        parameters[f"W{l}"] = rng.normal(0, np.sqrt(2 / n_prev), (n, n_prev))
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


def initialize_two(n_x, n_h, n_y):
    np.random.seed(2)
    shapes = {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}
    return {
        name: np.random.randn(*shape) * 0.01 if name[0] == "W" else np.zeros(shape) for name, shape in shapes.items()
    }


def update_loop(parameters, grads, learning_rate):
    new = dict(parameters)
    for l in range(len(parameters) // 2):
        for V in (f"W{l + 1}", f"b{l + 1}"):
            new[V] = new[V] - learning_rate * grads["d" + V]
    return new


def logistic_gradient(w, b, X, Y):
    A = s(X.T @ w + b)  # (m, 1)
    dz = A - Y.T
    J = np.mean(np.logaddexp(0, X.T @ w + b) - Y.T * (X.T @ w + b))
    return (X * dz.T).mean(axis=1, keepdims=True), dz.mean(), J


def central(J, vector, epsilon=1e-5):
    steps = np.eye(len(vector)) * epsilon
    return [(J(vector + e) - J(vector - e)) / (2 * epsilon) for e in steps]


RIGHT = [
    ("sigmoid", lambda Z: (s(Z), Z)),
    ("sigmoid", lambda Z: (0.5 * (1 + np.tanh(Z / 2)), Z.copy())),
    ("sigmoid", lambda Z: [s(Z.astype(np.float32)), Z]),
    ("relu", lambda Z: (Z * (Z > 0), Z)),
    ("relu", lambda Z: ((Z + np.abs(Z)) / 2, Z)),
    ("linear_forward", linear_forward_loops),
    ("linear_forward", lambda A, W, b: ((A.T @ W.T + b.T).T, (A, W, b))),
    ("linear_activation_forward",
     lambda A, W, b, g: ((np.maximum(0, W @ A + b) if g == "relu" else s(W @ A + b)), ((A, W, b), W @ A + b))),
    ("L_model_forward", L_model_forward_while),
    ("compute_cost", compute_cost_loop),
    ("compute_cost", compute_cost_clipped),
    ("relu_backward", relu_backward_printed),
    ("relu_backward", lambda dA, Z: np.where(Z >= 0, dA, 0)),
    ("sigmoid_backward", lambda dA, Z: dA * s(Z) * (1 - s(Z))),
    ("sigmoid_backward", lambda dA, Z: dA / (2 + 2 * np.cosh(np.clip(Z, -300, 300)))),
    ("linear_backward", linear_backward_loops),
    ("linear_backward", linear_backward_single),
    ("linear_activation_backward", linear_activation_backward_inline),
    ("L_model_backward", L_model_backward_shortcut),
    ("L_model_backward", L_model_backward_printed),
    ("update_parameters", update_loop),
    ("initialize_parameters", initialize_two),
    ("initialize_parameters_deep", initialize_he),
    ("logistic_vectorized", logistic_gradient),
    ("shallow_backward", lambda p, f, X, Y: {
        "dZ2": f["A2"] - Y, "dW2": (f["A2"] - Y) @ f["A1"].T / Y.size, "db2": (f["A2"] - Y).mean(1, keepdims=True),
        "dZ1": p["W2"].T @ (f["A2"] - Y) * f["A1"] * (1 - f["A1"]),
        "dW1": p["W2"].T @ (f["A2"] - Y) * f["A1"] * (1 - f["A1"]) @ X.T / Y.size,
        "db1": (p["W2"].T @ (f["A2"] - Y) * f["A1"] * (1 - f["A1"])).mean(1, keepdims=True)}),
    ("numerical_gradient", central),
]  # fmt: skip

BLOCKS = (
    "sigmoid", "relu", "linear_forward", "linear_activation_forward", "L_model_forward", "compute_cost",
    "relu_backward", "sigmoid_backward", "linear_backward", "linear_activation_backward", "L_model_backward",
    "update_parameters", "initialize_parameters", "initialize_parameters_deep",
)  # fmt: skip


def of_linear_backward(dA=None, dW=None, db=None):
    """linear_backward with one of its three lines written otherwise."""
    dA = dA or (lambda dZ, A, W, m: W.T @ dZ)
    dW = dW or (lambda dZ, A, W, m: dZ @ A.T / m)
    db = db or (lambda dZ, A, W, m: dZ.sum(axis=1, keepdims=True) / m)

    def linear_backward(dZ, cache):
        A, W, _ = cache
        return tuple(line(dZ, A, W, A.shape[1]) for line in (dA, dW, db))

    return linear_backward


def through(dZ_wrong):
    """linear_activation_backward with a custom dZ."""
    return lambda dA, cache, activation: linear_backward_loops(dZ_wrong(dA, cache[1], activation), cache[0])


# the function, a wrong form of it, and a word of what is said about it
WRONG = [
    ("sigmoid", lambda Z: (1 / (1 + np.exp(Z)), Z), "minus in the exponent"),
    ("sigmoid", lambda Z: (s(Z), s(Z)), "cache holds A"),
    ("sigmoid", lambda Z: (s(Z) * (1 - s(Z)), Z), "derivative"),
    ("sigmoid", lambda Z: s(Z), "it returns a single value"),
    ("relu", lambda Z: (np.abs(Z), Z), "absolute value"),
    ("relu", lambda Z: (Z, Z), "nothing is cut off"),
    ("linear_forward", lambda A, W, b: (W @ A, (A, W, b)), "bias b is missing"),
    ("linear_forward", lambda A, W, b: (W.T @ A + b, (A, W, b)), "W.T is used"),
    ("linear_forward", lambda A, W, b: (W @ A + b, (W, A, b)), ""),
    ("linear_activation_forward", lambda A, W, b, g: (W @ A + b, ((A, W, b), W @ A + b)), "activation is missing"),
    ("linear_activation_forward",
     lambda A, W, b, g: ((np.maximum(0, W @ A + b) if g == "sigmoid" else s(W @ A + b)), ((A, W, b), W @ A + b)),
     "swapped"),
    ("compute_cost", lambda AL, Y: -compute_cost_loop(AL, Y), "minus in front"),
    ("compute_cost", lambda AL, Y: compute_cost_loop(AL, Y) / np.log(10), "base 10"),
    ("compute_cost", lambda AL, Y: compute_cost_loop(AL, Y) / np.log(2), "base 2"),
    ("compute_cost", lambda AL, Y: compute_cost_loop(AL, Y) * Y.shape[1], "1/m is missing"),
    ("compute_cost", lambda AL, Y: np.array([[compute_cost_clipped(AL, Y)]]), "not a single number"),
    ("compute_cost", lambda AL, Y: -np.mean(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)), "rounded to 0 or 1"),
    ("relu_backward", lambda dA, Z: dA, "slope is taken to be 1"),
    ("relu_backward", lambda dA, Z: dA * np.maximum(0, Z), "g'(Z) is meant"),
    ("relu_backward", lambda dA, Z: (Z > 0) * 1.0, "dA is missing"),
    ("relu_backward", lambda dA, Z: dA * (dA > 0), "dA is below 0"),
    ("sigmoid_backward", lambda dA, Z: dA * s(Z), "where the derivative g' is meant"),
    ("sigmoid_backward", lambda dA, Z: dA * Z * (1 - Z), "taken at z where a is meant"),
    ("sigmoid_backward", lambda dA, Z: -dA * s(Z) * (1 - s(Z)), "sign is lost"),
    ("linear_backward", of_linear_backward(dW=lambda dZ, A, W, m: dZ @ A.T), "1/m is missing"),
    ("linear_backward", of_linear_backward(dW=lambda dZ, A, W, m: dZ @ A.T / m**2), "1/m is counted twice"),
    ("linear_backward", of_linear_backward(dW=lambda dZ, A, W, m: A @ dZ.T / m), "swapped"),
    ("linear_backward", of_linear_backward(dW=lambda dZ, A, W, m: dZ.T @ A.T / m), "dZ is transposed"),
    ("linear_backward", of_linear_backward(dW=lambda dZ, A, W, m: dZ @ A.T / dZ.size), "mean over all entries"),
    ("linear_backward", of_linear_backward(dA=lambda dZ, A, W, m: W @ dZ), "W^T dZ is meant"),
    ("linear_backward", of_linear_backward(dA=lambda dZ, A, W, m: W.T @ dZ / m), "in dZ or dA"),
    ("linear_backward", of_linear_backward(dA=lambda dZ, A, W, m: -W.T @ dZ), "sign is lost"),
    ("linear_backward", of_linear_backward(db=lambda dZ, A, W, m: dZ.sum(axis=1) / m), "rank-1"),
    ("linear_backward", of_linear_backward(db=lambda dZ, A, W, m: dZ.sum(axis=1)), "1/m is missing"),
    ("linear_backward", of_linear_backward(db=lambda dZ, A, W, m: dZ.sum() / m), "over the units too"),
    ("linear_backward", of_linear_backward(db=lambda dZ, A, W, m: dZ.mean()), "mean over all entries"),
    ("linear_backward", of_linear_backward(db=lambda dZ, A, W, m: dZ.sum(axis=0, keepdims=True) / m), "over the units"),
    ("linear_activation_backward", through(lambda dA, Z, g: dA), "g'(Z) is missing"),
    ("linear_activation_backward", through(lambda dA, Z, g: dA * (s(Z) if g == "sigmoid" else np.maximum(0, Z))),
     "the derivative g'(Z) is meant"),
    ("linear_activation_backward", through(lambda dA, Z, g: dA if g == "relu" else dZ_of(dA, Z, g)),
     "g'(Z) is missing"),
    ("L_model_backward", lambda AL, Y, caches: {k: -v for k, v in L_model_backward_printed(AL, Y, caches).items()},
     "sign is lost"),
    ("update_parameters", lambda p, g, alpha: {k: v + alpha * g["d" + k] for k, v in p.items()}, "gradient is added"),
    ("update_parameters", lambda p, g, alpha: {k: v - g["d" + k] for k, v in p.items()}, "learning rate is missing"),
    ("update_parameters", lambda p, g, alpha: (p.update(update_loop(p, g, alpha)), p)[1], "changed in place"),
    ("initialize_parameters_deep", lambda n: {k: np.zeros_like(v) for k, v in initialize_he(n).items()}, "are 0"),
    ("initialize_parameters_deep", lambda n: {k: v * 8 for k, v in initialize_he(n).items()}, "large"),
    ("initialize_parameters_deep", lambda n: {k: v + 0.1 for k, v in initialize_he(n).items()}, "not 0"),
    ("initialize_parameters_deep", lambda n: {k: abs(v) for k, v in initialize_he(n).items()}, "around 0"),
    ("initialize_parameters", lambda x, h, y: {k: v.T for k, v in initialize_two(x, h, y).items()}, ""),
    ("numerical_gradient", lambda J, v: [(J(v + e) - J(v)) / 1e-4 for e in 1e-4 * np.eye(len(v))], "one-sided"),
    ("numerical_gradient", lambda J, v: 2 * np.array(central(J, v)), "2 epsilon"),
]  # fmt: skip


# These forms err in activations that the document does not have, and a learner's function is not asked for those.
BEYOND_THE_DOCUMENT = {("g-for-g-prime", "linear_activation_backward"), ("g-for-g-prime", "L_model_backward")}


def wrong_forms():
    return [
        (entry.name, name, form)
        for entry in MISTAKES.values()
        for name, form in entry.forms.items()
        if name in GRADED and (entry.name, name) not in BEYOND_THE_DOCUMENT
    ]


def test_all_building_blocks_are_graded():
    assert set(BLOCKS) <= set(GRADED)


def test_what_is_graded_has_hidden_cases_and_the_other_way_round():
    assert list(GRADED) == list(INPUTS)


@pytest.mark.parametrize("name", GRADED)
def test_our_own_functions_are_right(name):
    assert check(GRADED[name])


@pytest.mark.parametrize(("name", "mine"), RIGHT, ids=[f"{i}-{name}" for i, (name, _) in enumerate(RIGHT)])
def test_what_is_right_passes_however_it_is_written(name, mine):
    grade = check(mine, of=name)
    assert grade, grade
    assert grade.case in str(grade)


@pytest.mark.parametrize(("name", "mine", "said"), WRONG, ids=[f"{i}-{wrong[0]}" for i, wrong in enumerate(WRONG)])
def test_what_is_wrong_is_named(name, mine, said):
    grade = check(mine, of=name)
    assert not grade
    assert said in grade.likely, grade
    assert grade.advice


@pytest.mark.parametrize(("entry", "name", "form"), wrong_forms(), ids=[f"{e}-{n}" for e, n, _ in wrong_forms()])
def test_every_mistake_that_can_be_switched_on_is_caught_and_named(entry, name, form):
    grade = check(form, of=name)
    assert not grade
    assert grade.likely
    with mistake(entry):
        assert not check(GRADED[name]), "ours, with the mistake switched on"


def test_a_mistake_deep_inside_a_composed_function_is_named():
    def mine(AL, Y, caches):
        with mistake("g-for-g-prime"):
            return L_model_backward(AL, Y, caches)

    grade = check(mine, of="L_model_backward")
    assert grade.part == "dW2"  # dW3 is right
    assert "g'(Z)" in grade.likely
    assert "notes.mistake('g-for-g-prime')" in grade.advice


def test_a_mistake_that_is_on_does_not_change_what_is_right():
    with mistake("g-for-g-prime"):
        assert check(relu_backward_printed, of="relu_backward")
        assert not check(relu_backward)


@pytest.mark.parametrize(
    ("mine", "error"),
    [
        (lambda dZ: dZ, TypeError),
        (lambda dZ, cache: np.zero(3), AttributeError),
        (lambda dZ, cache: np.ones((2, 3)) @ np.ones((2, 3)), ValueError),
        (lambda dZ, cache: {}["W1"], KeyError),
    ],
)
def test_an_exception_is_a_grade_with_the_case_and_the_shapes(mine, error):
    grade = check(mine, of="linear_backward")
    assert not grade
    assert isinstance(grade.got, error)
    assert error.__name__ in str(grade)
    assert "3 units from 4, 5 examples" in str(grade)
    assert "dZ (3, 5), cache ((4, 5), (3, 4), (3, 1))" in str(grade)


@pytest.mark.parametrize("returned", [None, 3, "W", (1, 2), (None, None, None), {"dW": 1}, [[]], ("a", [], {})])
@pytest.mark.parametrize("name", GRADED)
def test_whatever_is_returned_it_is_a_grade(name, returned):
    grade = check(lambda *_: returned, of=name)
    assert not grade
    assert name in str(grade)


def test_the_sentence_says_function_part_error_and_case():
    grade = check(of_linear_backward(dW=lambda dZ, A, W, m: dZ @ A.T))
    assert str(grade).startswith(
        'linear_backward: dW is wrong (relative error 4 on case "3 units from 4, 5 examples"). 1/m is missing'
    )
    np.testing.assert_allclose(grade.got, 5 * grade.expected)


def test_every_weight_scale_of_the_course_passes():
    for initialization in INITIALIZATIONS:

        def mine(layer_dims, initialization=initialization):
            return GRADED["initialize_parameters_deep"](layer_dims, initialization=initialization)

        assert check(lambda layer_dims, mine=mine: mine(layer_dims), of="initialize_parameters_deep")


def test_the_callers_random_numbers_stay_where_they_were():
    np.random.seed(4)
    expected = np.random.rand()
    np.random.seed(4)
    check(initialize_two, of="initialize_parameters")
    assert np.random.rand() == expected


def test_an_unknown_function_is_refused_with_the_nearest_name():
    def linear_backwards():
        pass

    with pytest.raises(RequestError, match="did you mean 'linear_backward'"):
        check(linear_backwards)
    with pytest.raises(RequestError, match="of="):
        check(lambda: 0)


@pytest.mark.parametrize("nothing", [None, ...])
def test_a_function_that_is_not_written_yet_is_told_so(nothing):
    grade = check(lambda dZ, cache: nothing, of="linear_backward")
    assert not grade
    assert "returns nothing" in grade.likely
