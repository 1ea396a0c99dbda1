"""Theta notation: D is dJ/dTheta, found by loops, by matrices, by the wiki's steps, by torch and by differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import RequestError
from chainrule.notes import (
    D_from_Delta,
    Delta_by_entry,
    Delta_by_example,
    Delta_vectorized,
    Theta_shapes,
    accumulate,
    check_theta_gradient,
    delta_L,
    delta_l,
    dJ_dTheta_ij,
    h_Theta,
    hinton_dE_dw,
    hinton_dE_dy,
    hinton_dy_dw,
    hinton_E,
    layer_sizes,
    numerical_gradient,
    random_Theta,
    regression_example,
    relative_difference,
    reroll,
    theta_backward,
    theta_cost,
    theta_descent,
    theta_forward,
    theta_gradient,
    unroll,
    wiki_da_dz,
    wiki_delta,
    wiki_delta_L,
    wiki_dJ_da,
    wiki_dJ_dtheta,
    wiki_steps,
)

nets = st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple)
lambdas = pytest.mark.parametrize("lambd", [0.0, 0.7])


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def case(s=(2, 4, 3, 2), m=6, seed=0):
    """Theta, X and Y: K questions of their own, so that the rows of Y need not sum to 1."""
    rng = np.random.default_rng(seed)
    return random_Theta(s, 1.5, rng), rng.normal(size=(m, s[0])), rng.integers(0, 2, (m, s[-1])).astype(float)


def same(one, other, rtol=1e-12):
    return len(one) == len(other) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=1e-14) for a, b in zip(one, other, strict=True)
    )


# forward and cost


def test_forward_for_one_example_unit_by_unit():
    Theta, X, _ = case((2, 3, 2), m=1)
    z, a = theta_forward(Theta, X)
    x = [1.0, *X[0]]
    a2 = [1.0] + [sigmoid(sum(Theta[0][j, i] * x[i] for i in range(3))) for j in range(3)]
    a3 = [sigmoid(sum(Theta[1][j, i] * a2[i] for i in range(4))) for j in range(2)]
    assert np.allclose(a[2][:, 0], a2, rtol=1e-14)
    assert np.allclose(a[3][:, 0], a3, rtol=1e-14)
    assert np.allclose(sigmoid(z[3]), a[3], rtol=1e-14)
    assert (list(z), list(a)) == ([2, 3], [1, 2, 3])


@given(nets, st.integers(1, 5))
def test_shapes_of_the_notation(s, m):
    Theta, X, Y = case(s, m)
    L = len(s)
    assert [Theta_l.shape for Theta_l in Theta] == Theta_shapes(s) == [(s[l], s[l - 1] + 1) for l in range(1, L)]
    assert layer_sizes(Theta) == s
    z, a = theta_forward(Theta, X)
    delta = theta_backward(Theta, a, Y)
    for l in range(2, L + 1):
        assert z[l].shape == delta[l].shape == (s[l - 1], m)
    for l in range(1, L):
        assert a[l].shape == (s[l - 1] + 1, m)
        assert (a[l][0] == 1).all()
    assert np.array_equal(a[1][1:], X.T)  # x_1 = a_1^(1), x_2 = a_2^(1)
    assert a[L].shape == (s[-1], m)
    assert set(delta) == set(range(2, L + 1))
    assert np.array_equal(h_Theta(Theta, X), a[L].T)


def test_float32_stays_float32():
    Theta, X, Y = ([V.astype(np.float32) for V in Theta_X_or_Y] for Theta_X_or_Y in case())
    z, a = theta_forward(Theta, np.array(X))
    delta = theta_backward(Theta, a, np.array(Y))
    assert {V.dtype for V in (*z.values(), *a.values(), *delta.values())} == {np.dtype(np.float32)}


@lambdas
def test_cost_as_the_three_sums_of_the_document(lambd):
    Theta, X, Y = case((2, 3, 2), m=4)
    h = h_Theta(Theta, X)
    J = 0.0
    for i in range(4):
        for k in range(2):
            J -= (Y[i, k] * np.log(h[i, k]) + (1 - Y[i, k]) * np.log(1 - h[i, k])) / 4
    for Theta_l in Theta:
        for j in range(Theta_l.shape[0]):
            for i in range(1, Theta_l.shape[1]):
                J += lambd / (2 * 4) * Theta_l[j, i] ** 2
    assert np.isclose(theta_cost(Theta, X, Y, lambd), J, rtol=1e-13)


def test_scikit_learn_has_the_same_cost_for_each_of_the_K_questions():
    log_loss = pytest.importorskip("sklearn.metrics").log_loss
    Theta, X, Y = case(m=9)
    h = h_Theta(Theta, X)
    parts = [log_loss(Y[:, k], h[:, k], labels=[0, 1]) for k in range(2)]
    assert np.isclose(theta_cost(Theta, X, Y), sum(parts), rtol=1e-12)


def test_biases_are_not_penalised():
    Theta, X, Y = case()
    moved = [Theta_l.copy() for Theta_l in Theta]
    for Theta_l in moved:
        Theta_l[:, 0] += 5.0
    penalties = [theta_cost(T, X, Y, 3.0) - theta_cost(T, X, Y) for T in (Theta, moved)]
    assert np.isclose(*penalties, rtol=1e-12)


def test_cost_stays_finite_where_h_rounds_to_1():
    Theta = [np.array([[0.0, 1.0]])]
    X, Y = np.array([[800.0], [-800.0]]), np.array([[0.0], [1.0]])
    assert theta_cost(Theta, X, Y) == 800.0
    assert theta_gradient(Theta, X, Y)[0].tolist() == [[0.0, 800.0]]


# delta, Delta, D


@lambdas
@given(s=nets, m=st.integers(1, 5), seed=st.integers(0, 99))
def test_D_is_the_gradient_of_J(lambd, s, m, seed):
    Theta, X, Y = case(s, m, seed)
    exact = unroll(theta_gradient(Theta, X, Y, lambd))
    shapes = Theta_shapes(s)
    numerical = numerical_gradient(lambda v: theta_cost(reroll(v, shapes), X, Y, lambd), unroll(Theta))
    assert np.allclose(numerical, exact, rtol=1e-6, atol=1e-8)


@lambdas
def test_torch_finds_the_same_D(lambd):
    torch = pytest.importorskip("torch")
    Theta, X, Y = case(m=7)
    leaves = [torch.tensor(Theta_l, requires_grad=True) for Theta_l in Theta]
    a = torch.tensor(X.T)
    for leaf in leaves:
        a = torch.sigmoid(leaf @ torch.vstack([torch.ones(1, 7, dtype=a.dtype), a]))
    J = torch.nn.functional.binary_cross_entropy(a, torch.tensor(Y.T), reduction="sum") / 7
    J = J + lambd / 14 * sum((leaf[:, 1:] ** 2).sum() for leaf in leaves)
    J.backward()
    assert np.isclose(theta_cost(Theta, X, Y, lambd), J.item(), rtol=1e-13)
    assert same(theta_gradient(Theta, X, Y, lambd), [leaf.grad.numpy() for leaf in leaves])


def test_delta_is_the_derivative_of_each_example_s_own_loss_by_z():
    Theta, X, Y = case((2, 3, 2), m=1)
    z, a = theta_forward(Theta, X)
    delta = theta_backward(Theta, a, Y)

    def J_of_z2(z2):
        z3 = Theta[1] @ np.vstack([[1.0], sigmoid(z2)[:, None]])
        return float((np.log1p(np.exp(z3)) - Y.T * z3).sum())

    def J_of_z3(z3):
        return float((np.log1p(np.exp(z3)) - Y[0] * z3).sum())

    assert np.allclose(numerical_gradient(J_of_z2, z[2][:, 0]), delta[2][:, 0], rtol=1e-6)
    assert np.allclose(numerical_gradient(J_of_z3, z[3][:, 0]), delta[3][:, 0], rtol=1e-6)
    assert np.array_equal(delta[3], delta_L(a[3], Y.T))
    assert np.array_equal(delta[2], delta_l(Theta[1], delta[3], a[2]))


@given(s=nets, m=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_loops_and_the_matrices_give_the_same_Delta(s, m, seed):
    printed, by_entry, at_once = (f(*case(s, m, seed)) for f in (Delta_by_example, Delta_by_entry, Delta_vectorized))
    assert same(printed, at_once)
    assert same(by_entry, at_once)


@lambdas
def test_D_entry_by_entry(lambd):
    Theta, X, Y = case()
    D = D_from_Delta(Delta_by_example(Theta, X, Y), Theta, len(X), lambd)
    assert same(D, theta_gradient(Theta, X, Y, lambd))
    for l, D_l in enumerate(D, start=1):
        for i, j in np.ndindex(D_l.shape):
            assert np.isclose(dJ_dTheta_ij(Theta, X, Y, l, i + 1, j, lambd), D_l[i, j], rtol=1e-12, atol=1e-15)


def test_lambda_reaches_all_columns_of_D_but_the_first():
    Theta, X, Y = case(m=5)
    for Theta_l, D_l, plain in zip(Theta, theta_gradient(Theta, X, Y, 2.0), theta_gradient(Theta, X, Y), strict=True):
        assert np.array_equal(D_l[:, 0], plain[:, 0])
        assert np.allclose(D_l[:, 1:] - plain[:, 1:], 2.0 / 5 * Theta_l[:, 1:], rtol=1e-12)


def test_accumulating_leaves_what_it_adds_to_as_it_was():
    Delta, a, delta = np.ones((2, 3)), np.ones((3, 1)), np.ones((2, 1))
    assert (accumulate(Delta, a, delta) == 2.0).all()
    assert (Delta == 1.0).all()


def test_whole_numbers_are_not_cut_off():
    Theta, X, Y = [np.array([[0, 1]])], np.array([[1], [2]]), np.array([[1], [0]])
    as_floats = [Theta[0].astype(float)], X.astype(float), Y.astype(float)
    for f in (Delta_by_example, Delta_by_entry, Delta_vectorized, theta_gradient):
        assert same(f(Theta, X, Y), f(*as_floats))


@lambdas
def test_gradient_descent(lambd):
    Theta, X, Y = case(m=8)
    before = [Theta_l.copy() for Theta_l in Theta]
    once, costs = theta_descent(Theta, X, Y, 0.5, 1, lambd)
    D = theta_gradient(Theta, X, Y, lambd)
    assert costs == [theta_cost(Theta, X, Y, lambd)]
    assert same(once, [Theta_l - 0.5 * D_l for Theta_l, D_l in zip(Theta, D, strict=True)])
    assert same(Theta, before, rtol=0)
    end, costs = theta_descent(Theta, X, Y, 0.5, 200, lambd)
    assert (np.diff(costs) < 0).all()
    assert costs[-1] > theta_cost(end, X, Y, lambd)


def test_descent_learns_xor():
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    Y = np.array([[0.0], [1.0], [1.0], [0.0]])
    Theta, _ = theta_descent(random_Theta((2, 4, 1), 1.0, rng=0), X, Y, 5.0, 1500)
    assert np.array_equal(h_Theta(Theta, X).round(), Y)


# one vector, numerical gradients, a random start


def test_unrolled_in_the_order_of_octave():
    # [Theta1(:); Theta2(:)] of Theta1 = [1 2 3; 4 5 6] and Theta2 = [7 8; 9 10]
    Theta = [np.array([[1, 2, 3], [4, 5, 6]]), np.array([[7, 8], [9, 10]])]
    assert unroll(Theta).tolist() == [1, 4, 2, 5, 3, 6, 7, 9, 8, 10]


@given(nets)
def test_rerolling_undoes_unrolling(s):
    Theta = random_Theta(s, rng=3)
    assert same(reroll(unroll(Theta), Theta_shapes(s)), Theta, rtol=0)


def test_numerical_gradient_of_a_cubic_is_off_by_epsilon_squared():
    gradient = numerical_gradient(lambda v: float((v**3).sum()), np.array([1.0, -2.0]), epsilon=1e-2)
    assert np.allclose(gradient, [3.0 + 1e-4, 12.0 + 1e-4], rtol=1e-10)


@lambdas
def test_the_check_passes_what_is_right_and_catches_what_is_not(lambd):
    Theta, X, Y = case((3, 5, 3), m=5)
    assert check_theta_gradient(Theta, X, Y, lambd) < 1e-9
    exact = unroll(theta_gradient(Theta, X, Y, lambd))
    assert np.isclose(relative_difference(exact, 2 * exact), 1 / 3)
    assert relative_difference(exact, exact) == 0.0
    assert relative_difference(np.zeros(3), np.zeros(3)) == 0.0


def test_random_start_fills_the_interval_and_follows_its_seed():
    Theta = random_Theta((50, 40, 30), 0.12, rng=1)
    entries = unroll(Theta)
    assert np.abs(entries).max() <= 0.12
    assert np.isclose(entries.std(), 0.12 / np.sqrt(3), rtol=0.03)
    assert abs(entries.mean()) < 0.005
    assert same(Theta, random_Theta((50, 40, 30), 0.12, rng=np.random.default_rng(1)), rtol=0)
    assert not same(Theta, random_Theta((50, 40, 30), 0.12, rng=2))


# the derivations that the document quotes


def test_hinton_s_form():
    rng = np.random.default_rng(0)
    x, w, t = rng.normal(size=(6, 3)), rng.normal(size=3), rng.uniform(size=6)
    y = sigmoid(x @ w)
    assert np.allclose(
        numerical_gradient(lambda v: hinton_E(sigmoid(x @ v), t), w), hinton_dE_dw(x, y, t), rtol=1e-6, atol=1e-9
    )
    assert np.allclose(numerical_gradient(lambda v: hinton_E(v, t), y), hinton_dE_dy(y, t), rtol=1e-8, atol=1e-9)
    for n in range(6):
        dy_dw = numerical_gradient(lambda v, n=n: float(sigmoid(x[n] @ v)), w)
        assert np.allclose(dy_dw, hinton_dy_dw(x, y)[n], rtol=1e-6)


def test_hinton_s_form_is_the_last_layer_of_the_worked_example():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(5, 2)), rng.uniform(size=(5, 1))
    found = regression_example(X, y, rng.normal(size=(2, 3)), rng.normal(size=(3, 1)))
    assert np.allclose(found.dJ_dTheta2[:, 0], hinton_dE_dw(found.a2, found.y_hat[:, 0], y[:, 0]), rtol=1e-12)


def test_the_two_factors_of_the_wiki_are_derivatives_and_their_product_is_a_minus_y():
    a = np.linspace(0.05, 0.95, 10)
    z = np.log(a / (1 - a))
    for y in (0.0, 0.3, 1.0):
        J = numerical_gradient(lambda v, y=y: float((-y * np.log(v) - (1 - y) * np.log(1 - v)).sum()), a, 1e-6)
        assert np.allclose(J, wiki_dJ_da(a, np.full(10, y)), rtol=1e-6, atol=1e-7)
        assert np.allclose(wiki_delta_L(a, np.full(10, y)), a - y, rtol=1e-13, atol=1e-15)
    assert np.allclose((sigmoid(z + 1e-5) - sigmoid(z - 1e-5)) / 2e-5, wiki_da_dz(a), rtol=1e-8)


@given(st.integers(1, 5), st.integers(0, 99))
def test_the_steps_of_the_wiki_end_at_Delta(m, seed):
    theta, X, Y = case((2, 3, 2), m, seed)
    steps = wiki_steps(theta, X, Y)
    assert same([steps.dJ_dtheta1, steps.dJ_dtheta2], Delta_vectorized(theta, X, Y), rtol=1e-9)
    _, a = theta_forward(theta, X)
    delta = theta_backward(theta, a, Y)
    assert same([steps.delta2, steps.delta3], [delta[2], delta[3]], rtol=1e-9)
    assert np.allclose(steps.dJ_da3 * steps.da3_dz3, steps.delta3, rtol=1e-13)
    assert np.allclose(steps.da2_dz2, a[2][1:] * (1 - a[2][1:]), rtol=1e-13)


# what does not fit is refused


def ones(*shape):
    return np.ones(shape)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: layer_sizes([]), r"list of matrices"),
        (lambda: layer_sizes([ones(3)]), r"list of matrices .*\(3,\)"),
        (lambda: layer_sizes([ones(3, 3), ones(1, 3)]), r"layer 2: Theta\(2\) is \(1, 3\) but layer 2 has 3 units"),
        (lambda: theta_forward([ones(3, 3)], ones(5, 3)), r"layer 1: Theta\(1\) is \(3, 3\), for 2 inputs, but X is"),
        (lambda: theta_forward([ones(3, 3)], ones(2)), r"layer 1: .* X is \(2,\)"),
        (lambda: theta_cost([ones(1, 3)], ones(5, 2), ones(5)), r"layer 2: X is \(5, 2\) and K = 1, but Y is \(5,\);"),
        (lambda: theta_gradient([ones(1, 3)], ones(5, 2), ones(4, 1)), r"layer 2: X is .* but Y is \(4, 1\);"),
        (lambda: Delta_by_example([ones(1, 3)], ones(0, 2), ones(0, 1)), r"layer 2: X is "),
        (lambda: Delta_by_entry([ones(1, 3)], ones(5, 2), ones(5, 2)), r"layer 2: X is "),
        (lambda: dJ_dTheta_ij([ones(1, 3)], ones(5, 2), ones(5), 1, 1, 0), r"layer 2: X is "),
        (lambda: theta_cost([ones(1, 3)], ones(5, 2), ones(5, 1), -1.0), r"strength is at least 0"),
        (lambda: delta_L(ones(1, 5), ones(5, 1)), r"layer L: a\(L\) is \(1, 5\) but y is \(5, 1\)"),
        (lambda: delta_l(ones(1, 4), ones(1, 5), ones(3, 5)), r"Theta\(l\) is \(1, 4\) but delta\(l\+1\) is \(1, 5\)"),
        (lambda: delta_l(ones(1, 4), ones(1, 5), ones(4, 6)), r"with its bias unit, \(4, 6\)"),
        (lambda: accumulate(ones(1, 4), ones(4, 5), ones(1, 6)), r"a\(l\) is \(4, 5\) but delta\(l\+1\) is \(1, 6\)"),
        (lambda: reroll(ones(5), [(2, 2)]), r"takes a vector of 4 numbers, not \(5,\)"),
        (lambda: wiki_dJ_da(ones(1, 1), ones(1, 1)), r"layer L: dJ/da is defined for a between 0 and 1"),
        (lambda: wiki_delta(ones(1, 5), ones(1, 3), ones(3, 5)), r"layer L-1: theta is \(1, 3\) but delta is \(1, 5\)"),
        (lambda: wiki_dJ_dtheta(ones(1, 5), ones(3, 4)), r"delta is \(1, 5\) but a is \(3, 4\)"),
        (lambda: wiki_steps([ones(1, 3)], ones(1, 2), ones(1, 1)), r"2 matrices theta, not 1"),
        (lambda: hinton_dy_dw(ones(5, 2), ones(4)), r"x is \(5, 2\) but y is \(4,\)"),
        (lambda: hinton_dE_dy(ones(5), ones(5, 1)), r"y is \(5,\) but t is \(5, 1\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(call, said):
    with pytest.raises(RequestError, match=said):
        call()
