"""The worked 2-3-1 example: its gradients are those of its J, found three ways, for any batch and any units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.notes import (
    delta2,
    delta3,
    dJ_dTheta1,
    dJ_dTheta2,
    dJ_dTheta2_by_example,
    dJ_dy_hat,
    regression_cost,
    regression_descent,
    regression_example,
    regression_forward,
    sigmoid_slope,
)

means = pytest.mark.parametrize("mean", [False, True])


def example(m=5, s=(2, 3, 1), seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(m, s[0])), rng.uniform(size=(m, s[2]))
    return X, y, rng.normal(size=s[:2]), rng.normal(size=s[1:])


def central(J, V, epsilon=1e-5):
    slope = np.zeros(V.shape)
    for place in np.ndindex(V.shape):
        step = np.zeros(V.shape)
        step[place] = epsilon
        slope[place] = (J(V + step) - J(V - step)) / (2 * epsilon)
    return slope


def test_every_quantity_of_a_net_small_enough_for_pencil_and_paper():
    # one unit a layer, z2 = 0 and Theta2 = log 3: a2 = 1/2, z3 = log(3)/2, y_hat = sqrt 3 / (1 + sqrt 3)
    r = np.sqrt(3.0)
    y_hat, slope = r / (1 + r), r / (1 + r) ** 2
    found = regression_example(np.array([[0.0]]), np.array([[1.0]]), np.array([[7.0]]), np.array([[np.log(3.0)]]))
    d3 = -(1 - y_hat) * slope
    d2 = d3 * np.log(3.0) / 4
    expected = (0.0, 0.5, np.log(3.0) / 2, y_hat, (1 - y_hat) ** 2 / 2, d3, d3 / 2, d2, 0.0)
    assert np.allclose([np.squeeze(V) for V in found], expected, rtol=1e-14, atol=0)


@means
@given(m=st.integers(1, 6), s=st.tuples(*[st.integers(1, 4)] * 3), seed=st.integers(0, 99))
def test_every_delta_and_every_gradient_is_a_derivative_of_J(mean, m, s, seed):
    X, y, Theta1, Theta2 = example(m, s, seed)
    found = regression_example(X, y, Theta1, Theta2, mean)
    g = ACTIVATIONS["sigmoid"](np).g

    def close(dV, J, V):
        assert dV.shape == V.shape
        assert np.allclose(dV, central(J, V), rtol=1e-6, atol=1e-9)

    close(found.dJ_dTheta1, lambda V: regression_example(X, y, V, Theta2, mean).J, Theta1)
    close(found.dJ_dTheta2, lambda V: regression_example(X, y, Theta1, V, mean).J, Theta2)
    close(found.delta2, lambda V: regression_cost(y, g(g(V) @ Theta2), mean), found.z2)
    close(found.delta3, lambda V: regression_cost(y, g(V), mean), found.z3)
    close(dJ_dy_hat(y, found.y_hat, mean), lambda V: regression_cost(y, V, mean), found.y_hat)


@means
def test_torch_finds_the_same_gradients(mean):
    torch = pytest.importorskip("torch")
    X, y, Theta1, Theta2 = example(m=7)
    T1, T2 = (torch.tensor(V, requires_grad=True) for V in (Theta1, Theta2))
    y_hat = torch.sigmoid(torch.sigmoid(torch.tensor(X) @ T1) @ T2)
    J = ((torch.tensor(y) - y_hat) ** 2).sum() / (2 * len(X) if mean else 2)
    J.backward()
    found = regression_example(X, y, Theta1, Theta2, mean)
    assert pytest.approx(J.item(), rel=1e-14) == found.J
    assert np.allclose(found.dJ_dTheta1, T1.grad, rtol=1e-12, atol=1e-15)
    assert np.allclose(found.dJ_dTheta2, T2.grad, rtol=1e-12, atol=1e-15)


def test_the_mean_is_the_sum_over_m():
    summed, mean = (regression_example(*example(m=4), mean=mean) for mean in (False, True))
    assert pytest.approx(summed.J / 4) == mean.J
    assert np.allclose(mean.dJ_dTheta1, summed.dJ_dTheta1 / 4)
    assert np.allclose(mean.dJ_dTheta2, summed.dJ_dTheta2 / 4)


@given(m=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_matrix_product_takes_care_of_the_sum_over_examples(m, seed):
    found = regression_example(*example(m, (3, 4, 2), seed))
    assert np.allclose(dJ_dTheta2_by_example(found.a2, found.delta3), found.dJ_dTheta2, rtol=1e-13, atol=1e-16)
    X, y, Theta1, Theta2 = example(m, (3, 4, 2), seed)
    alone = [regression_example(X[i : i + 1], y[i : i + 1], Theta1, Theta2) for i in range(m)]
    assert np.allclose(sum(one.dJ_dTheta2 for one in alone), found.dJ_dTheta2, rtol=1e-12, atol=1e-15)
    assert np.allclose(sum(one.dJ_dTheta1 for one in alone), found.dJ_dTheta1, rtol=1e-12, atol=1e-15)


def test_the_loss_of_the_package_has_the_same_value_and_delta():
    X, y, Theta1, Theta2 = example()
    loss = LOSSES["half_squared_error_sigmoid"](np)
    found = regression_example(X, y, Theta1, Theta2)
    assert pytest.approx(loss.value(found.z3, y).sum(), rel=1e-14) == found.J
    assert np.allclose(found.delta3, loss.dZ(found.z3, y), rtol=1e-13, atol=0)


def test_the_forms_of_the_sigmoid_slope_agree_and_none_overflows():
    z = np.linspace(-30, 30, 41)
    row = ACTIVATIONS["sigmoid"](np)
    assert np.allclose(sigmoid_slope(z), np.exp(-z) / (1 + np.exp(-z)) ** 2, rtol=1e-13, atol=0)
    assert np.allclose(sigmoid_slope(z), row.slope(z, row.g(z)), rtol=1e-12, atol=1e-15)
    assert np.allclose(sigmoid_slope(z), (row.g(z + 1e-5) - row.g(z - 1e-5)) / 2e-5, rtol=1e-6, atol=1e-10)
    assert sigmoid_slope(np.array([-800.0, 800.0])).tolist() == [0.0, 0.0]


@means
def test_gradient_descent_learns_the_example(mean):
    X, y, Theta1, Theta2 = example(m=3)
    before = Theta1.copy(), Theta2.copy()
    Theta1_end, Theta2_end, costs = regression_descent(X, y, Theta1, Theta2, 1.0, 200, mean)
    assert (np.diff(costs) < 0).all()
    assert costs[-1] < costs[0] / 4
    assert costs[-1] > regression_example(X, y, Theta1_end, Theta2_end, mean).J
    assert np.array_equal(Theta1, before[0])
    assert np.array_equal(Theta2, before[1])


def test_one_step_of_descent():
    X, y, Theta1, Theta2 = example()
    found = regression_example(X, y, Theta1, Theta2)
    moved1, moved2, costs = regression_descent(X, y, Theta1, Theta2, 0.5, 1)
    assert costs == [found.J]
    assert np.array_equal(moved1, Theta1 - 0.5 * found.dJ_dTheta1)
    assert np.array_equal(moved2, Theta2 - 0.5 * found.dJ_dTheta2)


def ones(*shape):
    return np.ones(shape)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: regression_forward(ones(5, 2), ones(3, 3), ones(3, 1)), r"layer 2: Theta1 is \(3, 3\) but X has 2"),
        (lambda: regression_forward(ones(5, 2), ones(2, 3), ones(2, 1)), r"layer 3: Theta2 is \(2, 1\) but a2 has 3"),
        (lambda: regression_forward(ones(5), ones(5, 3), ones(3, 1)), r"layer 2: Theta1 is \(5, 3\) but X is \(5,\)"),
        (lambda: regression_cost(ones(5), ones(5, 1)), r"layer 3: y is \(5,\) but y_hat is \(5, 1\)"),
        (lambda: delta3(ones(5), ones(5, 1), ones(5, 1)), r"layer 3: y is \(5,\)"),
        (lambda: dJ_dTheta2(ones(5, 3), ones(4, 1)), r"layer 3: a2 is \(5, 3\) but delta3 is \(4, 1\)"),
        (lambda: dJ_dTheta2_by_example(ones(5, 3), ones(4, 1)), r"layer 3: a2 is \(5, 3\) but delta3 is \(4, 1\)"),
        (lambda: dJ_dTheta1(ones(5, 2), ones(4, 3)), r"layer 2: X is \(5, 2\) but delta2 is \(4, 3\)"),
        (lambda: delta2(ones(5, 1), ones(3, 2), ones(5, 3)), r"layer 2: Theta2.T is \(2, 3\) but delta3 has 1"),
        (
            lambda: delta2(ones(5, 1), ones(3, 1), ones(4, 3)),
            r"layer 2: delta3 Theta2.T is .* but z2 is \(4, 3\)",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_named(call, said):
    with pytest.raises(RequestError, match=said):
        call()
