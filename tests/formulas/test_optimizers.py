"""Optimisers: steps worked out by hand, equal to torch's where it has the same rule, and they all find minima."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.formulas.optimizers import OPTIMIZERS, clipped
from tests.formulas.problems import distance

STEPWISE = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step]

# theta = (1, 2) with gradients (0.5, -1) and then (0.25, 2); rate 0.1. The first entry is a weight, the second a bias.
# What theta must be after the first and after the second step:
BY_HAND = {
    # 1 - 0.05, 2 + 0.1;  0.95 - 0.025, 2.1 - 0.2
    "gradient_descent": [(0.95, 2.1), (0.925, 1.9)],
    # v = (-0.05, 0.1);  v = 0.9 v - 0.1 g = (-0.07, -0.11)
    "momentum": [(0.95, 2.1), (0.88, 1.99)],
    # v = 0.1 g = (0.05, -0.1);  v = 0.9 v + 0.1 g = (0.07, 0.11); theta moves by -0.1 v
    "averaged_momentum": [(0.995, 2.01), (0.988, 1.999)],
    # v as in momentum; theta moves by 0.9 v - 0.1 g: (-0.045 - 0.05, 0.09 + 0.1); (-0.063 - 0.025, -0.099 - 0.2)
    "nesterov": [(0.905, 2.19), (0.817, 1.891)],
    # s = 0.1 g^2 = (0.025, 0.1), g / sqrt s = (sqrt 10, -sqrt 10);  s = 0.9 s + 0.1 g^2 = (0.02875, 0.49)
    "rmsprop": [
        (1 - 0.1 * 10**0.5, 2 + 0.1 * 10**0.5),
        (1 - 0.1 * 10**0.5 - 0.025 / 0.02875**0.5, 2 + 0.1 * 10**0.5 - 0.2 / 0.7),
    ],
    # t = 1: v^ = g, s^ = g^2: a step of the rate.  t = 2: v^ = (0.09 g1 + 0.1 g2)/0.19 = (0.07, 0.11)/0.19,
    # s^ = (0.000999 g1^2 + 0.001 g2^2)/0.001999 = (0.31225, 4.999)/1.999
    "adam": [
        (0.9, 2.1),
        (0.9 - 0.1 * (0.07 / 0.19) / (0.31225 / 1.999) ** 0.5, 2.1 - 0.1 * (0.11 / 0.19) / (4.999 / 1.999) ** 0.5),
    ],
    # as adam, and the weight first shrinks by 1 - 0.1 * 0.01 = 0.999: 0.999 - 0.1 = 0.899;  0.899 * 0.999 = 0.898101
    "adamw": [
        (0.899, 2.1),
        (
            0.898101 - 0.1 * (0.07 / 0.19) / (0.31225 / 1.999) ** 0.5,
            2.1 - 0.1 * (0.11 / 0.19) / (4.999 / 1.999) ** 0.5,
        ),
    ],
    # t = 1: h = (1 + 0.01, -1); x, y and z move by -0.1 h.  t = 2: c = 1/2, h = g2 / sqrt s^, with s^ as in adam, and
    # 0.01 * 0.899 more for the weight; theta moves by -0.1 h (1 - 0.9 / 2)
    "schedule_free_adamw": [
        (0.899, 2.1),
        (
            0.899 - 0.055 * (0.25 / (0.31225 / 1.999) ** 0.5 + 0.00899),
            2.1 - 0.055 * 2 / (4.999 / 1.999) ** 0.5,
        ),
    ],
}  # lamb, which needs blocks, has a file of its own


def steps(spec, theta, gradients, rate, decay=None):
    """theta after each step."""
    row = OPTIMIZERS.make(spec, np)
    state = [np.zeros_like(theta) for _ in row.state]
    decay = np.ones_like(theta) if decay is None else decay
    for t, dtheta in enumerate(gradients, start=1):
        theta, *state = row.step(theta, dtheta, rate, t, decay, *state)
        yield theta


@pytest.mark.parametrize("name", BY_HAND)
def test_two_steps_by_hand(name):
    gradients = [np.array([0.5, -1.0]), np.array([0.25, 2.0])]
    moved = steps(name, np.array([1.0, 2.0]), gradients, 0.1, np.array([1.0, 0.0]))
    for theta, expected in zip(moved, BY_HAND[name], strict=True):
        assert theta == pytest.approx(expected, rel=1e-7)  # eps = 1e-8 is not in the arithmetic above


@pytest.mark.parametrize("name", STEPWISE)
def test_keeps_the_vectors_it_names_and_changes_none_that_it_is_given(name):
    row = OPTIMIZERS.make(name, np)
    given = [np.array([1.0, -2.0, 3.0]), np.array([0.1, 0.2, -0.3]), *(np.full(3, 0.5) for _ in row.state)]
    before = [v.copy() for v in given]
    moved = row.step(given[0], given[1], 0.1, 1, np.ones(3), *given[2:])
    assert len(moved) == 1 + len(row.state)
    assert all(v.shape == (3,) for v in moved)
    assert all((a == b).all() for a, b in zip(given, before, strict=True))


@pytest.mark.parametrize("name", STEPWISE)
def test_float32_stays_float32(name):
    for theta in steps(name, np.ones(2, np.float32), [np.ones(2, np.float32)] * 2, 0.1, np.ones(2, np.float32)):
        assert theta.dtype == np.float32


def minimum(name, cost_and_gradient, start, rate, budget):
    """Where the optimiser ends; the rate falls over the last half, so that rules with steps of fixed size settle."""
    row = OPTIMIZERS.make(name, np)
    if row.minimize is not None:
        return row.minimize(cost_and_gradient, start, budget, 1e-10, lambda theta, J: None).theta
    theta, state = start, [np.zeros_like(start) for _ in row.state]
    for t in range(1, budget + 1):
        now = rate * min(1.0, 2.0 * (1.0 - (t - 1) / budget))
        theta, *state = row.step(theta, cost_and_gradient(theta)[1], now, t, np.zeros_like(theta), *state)
    return theta


def parabola(theta):
    c = np.array([1.0, 4.0, 0.25])
    d = theta - np.array([1.0, -2.0, 3.0])
    return 0.5 * (c * d * d).sum(), c * d


def valley(theta):
    """Rosenbrock's, with 10 in place of 100: (1 - x)^2 + 10 (y - x^2)^2, least at (1, 1)."""
    x, y = theta
    return (1 - x) ** 2 + 10 * (y - x * x) ** 2, np.array([-2 * (1 - x) - 40 * x * (y - x * x), 20 * (y - x * x)])


def own_rate(name, most):
    return min(OPTIMIZERS.make(name, np).learning_rate * 10, most)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_finds_the_bottom_of_a_parabola(name):
    budget = 2000 if OPTIMIZERS.make(name, np).evaluated is None else 8000  # a mean over all steps forgets later
    theta = minimum(name, parabola, np.zeros(3), own_rate(name, 0.1), budget)
    assert theta == pytest.approx([1.0, -2.0, 3.0], abs=1e-4)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_finds_the_bottom_of_a_curved_valley(name):
    theta = minimum(name, valley, np.array([-1.2, 1.0]), own_rate(name, 0.01), 10_000)
    assert theta == pytest.approx([1.0, 1.0], abs=1e-3)


def test_lbfgs_tells_each_iteration_and_obeys_its_limits():
    seen = []
    row = OPTIMIZERS.make("lbfgs", np)
    theta = row.minimize(valley, np.array([-1.2, 1.0]), 5, 0.0, lambda theta, J: seen.append((theta.copy(), J))).theta
    assert len(seen) == 5
    assert seen[-1][0].tolist() == theta.tolist()
    assert all(cost == pytest.approx(valley(theta)[0]) for theta, cost in seen)
    assert OPTIMIZERS.make("lbfgs(3)", np).minimize(valley, theta, 100, 1e3, lambda theta, J: None).converged


def test_momentum_of_zero_is_gradient_descent():
    gradients = list(np.random.default_rng(0).normal(size=(5, 4)))
    plain = list(steps("gradient_descent", np.ones(4), gradients, 0.1))
    for name in ("momentum(0)", "averaged_momentum(0)", "nesterov(0)"):
        assert np.allclose(list(steps(name, np.ones(4), gradients, 0.1)), plain, rtol=1e-15, atol=0)


@pytest.mark.parametrize("shorter_than", [0.1, 1.0, 4.999, 5.0, 100.0])
def test_clipped(shorter_than):
    dtheta = np.array([3.0, -4.0])  # length 5
    found = clipped(np, dtheta, shorter_than)
    assert found == pytest.approx(dtheta * min(1.0, shorter_than / 5.0), rel=1e-15)
    assert clipped(np, np.zeros(2), shorter_than).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "spec",
    ["momentum(1)", "nesterov(-0.1)", "rmsprop(1)", "rmsprop(eps=0)", "adam(1)", "adam(beta2=1)", "adam(eps=-1)",
     "adamw(weight_decay=-1)", "lamb(1)", "lamb(eps=0)", "lamb(weight_decay=-1)", "lbfgs(0)", "lbfgs(2.5)",
     "averaged_momentum(2)", "schedule_free_adamw(0)", "schedule_free_adamw(1)", "schedule_free_adamw(beta2=1)",
     "schedule_free_adamw(eps=0)", "schedule_free_adamw(weight_decay=-1)"],
)  # fmt: skip
def test_numbers_that_make_no_sense(spec):
    with pytest.raises(RequestError, match=spec.split("(")[0]):
        OPTIMIZERS.make(spec, np)


TORCH = {
    "gradient_descent": ("SGD", {}, 1.0),
    "momentum(0.8)": ("SGD", {"momentum": 0.8}, 1.0),
    "averaged_momentum(0.8)": ("SGD", {"momentum": 0.8}, 0.2),  # a moving average is momentum at (1 - beta) the rate
    "nesterov(0.8)": ("SGD", {"momentum": 0.8, "nesterov": True}, 1.0),
    "rmsprop(0.95)": ("RMSprop", {"alpha": 0.95}, 1.0),
    "adam(0.8, 0.99)": ("Adam", {"betas": (0.8, 0.99)}, 1.0),
    "adamw(weight_decay=0.1)": ("AdamW", {}, 1.0),
}


@pytest.mark.parametrize("spec", TORCH)
def test_same_steps_as_torch(spec):
    torch = pytest.importorskip("torch")
    name, options, share_of_rate = TORCH[spec]
    rng = np.random.default_rng(0)
    theta, gradients = rng.normal(size=6), list(rng.normal(size=(20, 6)))
    weights, biases = (torch.tensor(part, requires_grad=True) for part in (theta[:4], theta[4:]))
    weight_decay = 0.1 if "adamw" in spec else 0.0
    groups = [{"params": [weights], "weight_decay": weight_decay}, {"params": [biases], "weight_decay": 0.0}]
    there = getattr(torch.optim, name)(groups, lr=0.05 * share_of_rate, **options)
    decay = np.array([1.0] * 4 + [0.0] * 2)
    for dtheta, here in zip(gradients, steps(spec, theta, gradients, 0.05, decay), strict=True):
        weights.grad, biases.grad = torch.tensor(dtheta[:4]), torch.tensor(dtheta[4:])
        there.step()
        assert distance(here, torch.cat([weights, biases]).detach()) < 1e-14
