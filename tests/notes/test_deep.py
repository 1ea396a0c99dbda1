"""The L-layer network of the basics: its gradient is that of J, and the forgotten transpose shows."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import (
    deep_backward,
    deep_dimensions,
    deep_forward,
    deep_hidden_dz,
    deep_layer_backward,
    deep_layer_forward,
)

TORCH = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu"}


def problem(n, m, seed=0):
    random = np.random.default_rng(seed)
    parameters = {}
    for l in range(1, len(n)):
        parameters[f"W{l}"] = random.normal(size=(n[l], n[l - 1]))
        parameters[f"b{l}"] = random.normal(size=(n[l], 1))
    return parameters, random.normal(size=(n[0], m)), random.integers(2, size=(n[-1], m))


@pytest.mark.parametrize(
    ("n", "activations", "m"),
    [
        ((4, 3, 1), ("tanh", "sigmoid"), 5),
        ((3, 3, 3, 3), ("sigmoid", "tanh", "sigmoid"), 4),
        ((5, 4, 3, 2, 2), ("relu", "tanh", "relu", "sigmoid"), 7),
        ((2, 1), ("sigmoid",), 1),
    ],
)
def test_gradient_equals_autograd(n, activations, m):
    torch = pytest.importorskip("torch")
    parameters, X, Y = problem(n, m)
    p = {name: torch.tensor(v, requires_grad=True) for name, v in parameters.items()}
    a = torch.tensor(X)
    for l, g in enumerate(activations, start=1):
        a = getattr(torch, TORCH[g])(p[f"W{l}"] @ a + p[f"b{l}"])
    J = torch.nn.functional.binary_cross_entropy(a, torch.tensor(Y, dtype=torch.float64), reduction="sum") / m
    J.backward()
    A_L, caches = deep_forward(X, parameters, activations)
    grads = deep_backward(A_L, Y, caches, activations)
    np.testing.assert_allclose(A_L, a.detach().numpy(), rtol=1e-13)
    assert set(grads) == {f"d{name}" for name in parameters}
    for name, v in p.items():
        np.testing.assert_allclose(grads[f"d{name}"], v.grad.numpy(), rtol=1e-9, atol=1e-13)


def test_for_one_example_the_printed_forms_hold():
    random = np.random.default_rng(0)
    a_prev, w, b, dz = (random.normal(size=s) for s in ((3, 1), (2, 3), (2, 1), (2, 1)))
    _, cache = deep_layer_forward(a_prev, w, b, "tanh")
    dw, db, da_prev = deep_layer_backward(dz, cache)
    np.testing.assert_array_equal(dw, dz @ a_prev.T)
    np.testing.assert_array_equal(db, dz)
    np.testing.assert_array_equal(da_prev, w.T @ dz)


def test_the_hidden_dz_is_da_times_the_slope_and_needs_its_transpose():
    random = np.random.default_rng(0)
    w, dz, z = (random.normal(size=s) for s in ((3, 3), (3, 2), (3, 2)))
    expected = (w.T @ dz) * (1 - np.tanh(z) ** 2)
    np.testing.assert_allclose(deep_hidden_dz(w, dz, z, "tanh"), expected, rtol=1e-13)
    assert np.max(np.abs(w @ dz * (1 - np.tanh(z) ** 2) - expected)) > 0.1  # as printed: runs here, and is wrong
    with pytest.raises(RequestError, match=r"w\[l\+1\] is \(3, 2\)"):
        deep_hidden_dz(w[:, :2], dz, z, "tanh")


def test_every_shape_is_the_listed_one():
    n, m = (5, 4, 3, 1), 7
    parameters, X, Y = problem(n, m)
    shapes = deep_dimensions(n, m)
    A_L, caches = deep_forward(X, parameters, ("tanh", "relu", "sigmoid"))
    for l, cache in enumerate(caches, start=1):
        assert (cache.z.shape, cache.w.shape, cache.b.shape) == tuple(shapes[f"{v}[{l}]"] for v in "ZWb")
        assert cache.a_prev.shape == shapes[f"A[{l - 1}]"]
    for name, V in deep_backward(A_L, Y, caches, ("tanh", "relu", "sigmoid")).items():
        assert V.shape == shapes[f"{name[:-1]}[{name[-1]}]"]


def test_requests_that_make_no_sense_are_said():
    parameters, X, Y = problem((3, 2, 1), 4)
    with pytest.raises(RequestError, match="an activation for each of the 2 layers; got 1"):
        deep_forward(X, parameters, ("sigmoid",))
    with pytest.raises(RequestError, match=r"layer 5: W is \(2, 3\) but A\[4\] has 2 rows"):
        deep_layer_forward(X[:2], parameters["W1"], parameters["b1"], "tanh", 5)
    A_L, caches = deep_forward(X, parameters, ("tanh", "sigmoid"))
    with pytest.raises(RequestError, match=r"Y is \(4, 1\) but A\[L\] is \(1, 4\)"):
        deep_backward(A_L, Y.T, caches, ("tanh", "sigmoid"))
    with pytest.raises(RequestError, match="not for 'tanh'"):
        deep_backward(A_L, Y, caches, ("tanh", "tanh"))
    with pytest.raises(RequestError, match=r"dz is \(2, 4\) but z is \(1, 4\)"):
        deep_layer_backward(np.zeros((2, 4)), caches[1])
