"""``check_gradients`` on right networks, on functions of one's own, at kinks, and on requests that are wrong."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule import MLPClassifier
from chainrule.errors import RequestError
from chainrule.explain import structure
from chainrule.explain.checking import check_gradients
from chainrule.explain.subject import Subject
from chainrule.formulas.activations import ACTIVATIONS, Activation
from chainrule.formulas.losses import LOSSES, Loss
from chainrule.formulas.penalties import Penalty
from chainrule.network import Network
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_LOSSES, ALL_PENALTIES, targets


def random_subject(seed):
    """A network of any activations, loss, penalties, sizes and dtype, on random rows."""
    rng = np.random.default_rng([7, seed])
    hidden = rng.integers(1, 6, rng.integers(0, 4))
    loss = ALL_LOSSES[seed % len(ALL_LOSSES)]
    outputs = int(rng.integers(1, 4)) if LOSSES.make(loss, np).elementwise else int(rng.integers(2, 5))
    network = Network(
        (int(rng.integers(1, 5)), *map(int, hidden), outputs),
        tuple(str(rng.choice(ALL_ACTIVATIONS)) for _ in hidden),
        loss,
        penalties=tuple(rng.choice(ALL_PENALTIES, rng.integers(0, 3), replace=False).tolist()),
        dtype=str(rng.choice(["float32", "float64"])),
    )
    m = int(rng.integers(1, 30))
    theta = network.initial(seed)
    if rng.random() < 0.7:
        theta = (theta + rng.choice([0.01, 0.3, 1.0]) * rng.standard_normal(theta.size)).astype(network.dtype)
    X = rng.choice([0.1, 1.0, 10.0]) * rng.standard_normal((m, network.n[0]))
    return Subject(network, theta, X, targets(loss, outputs, m, rng), [], [])


def accused(seeds):
    found = {}
    for seed in seeds:
        try:
            report = check_gradients(random_subject(seed), None)
        except RequestError:  # an exponential link overflowed
            found[seed] = "no number"
            continue
        if not report.ok:
            found[seed] = f"{random_subject(seed).network}\n{report}"
    return found


def test_no_right_network_is_accused():
    assert accused(range(40)) == {}


@pytest.mark.slow
def test_no_right_network_of_500_is_accused():
    assert accused(range(500)) == {}


def of(network, functions=None, m=12, seed=0):
    rng = np.random.default_rng(seed)
    loss = network.loss if LOSSES.name(network.loss) in LOSSES else "binary_cross_entropy"
    theta = 0.5 * rng.standard_normal(network.size)
    Y = targets(loss, network.n[-1], m, rng)
    return Subject(network, theta, rng.standard_normal((m, network.n[0])), Y, [], [], functions or {})


def activation(slope, name="tanh"):
    """An activation of one's own, with g of a row and this slope."""
    return lambda xp: replace(ACTIVATIONS.make(name, xp), slope=slope)


def bent_at_2(xp):
    return Activation(xp.tanh, lambda Z, A: 1.0 - A * A + 0.1 * (Z > 1.5), "tanh(z)", "wrong above 1.5")


WRONG_SLOPES = {
    "g-for-g-prime": activation(lambda Z, A: A),
    "sign-lost": activation(lambda Z, A: A * A - 1.0),
    "factor-2": activation(lambda Z, A: 2.0 - 2.0 * A * A),
    "slope-left-out": activation(lambda Z, A: np.ones_like(Z)),
    "relu-slope-is-dA": activation(lambda Z, A: np.ones_like(Z), "relu"),
    "hidden-slope-twice": activation(lambda Z, A: (1.0 - A * A) ** 2),
    "wrong-slope": bent_at_2,
}


@pytest.mark.parametrize("name", WRONG_SLOPES)
def test_a_wrong_slope_of_ones_own_is_named_with_its_place(name):
    report = check_gradients(of(Network((3, 4, 3, 1), ("relu", "mine"), "binary_cross_entropy"),
                                {"mine": WRONG_SLOPES[name]}), None)  # fmt: skip
    assert not report.ok
    assert report.fault.name == name
    assert "activation 'mine'" in report.fault.where
    assert " at z = " in report.fault.where


def test_the_place_of_a_wrong_slope_is_where_it_is_wrong():
    report = check_gradients(of(Network((3, 4, 1), "mine", "half_squared_error"), {"mine": bent_at_2}), None)
    assert "at z = 1.6" in report.fault.where or "at z = 2.9" in report.fault.where


def loss_of(dZ, name="binary_cross_entropy"):
    return lambda xp: replace(LOSSES.make(name, xp), dZ=dZ)


def sigma(Z):
    return 1.0 / (1.0 + np.exp(-Z))


def own(Z, Y):
    return sigma(Z) - Y


WRONG_DZ = {
    "sign-lost": lambda Z, Y: -own(Z, Y),
    "factor-2": lambda Z, Y: 2.0 * own(Z, Y),
    "1/m-twice": lambda Z, Y: own(Z, Y) / 12,
    "sigmoid-slope-twice": lambda Z, Y: own(Z, Y) * sigma(Z) * (1.0 - sigma(Z)),
    "g-for-g-prime-at-the-output": lambda Z, Y: own(Z, Y) / (1.0 - sigma(Z)),
    "z-for-a": lambda Z, Y: Z - Y,
    "wrong-dZ": lambda Z, Y: own(Z, Y) + 0.01,
}


@pytest.mark.parametrize("name", WRONG_DZ)
def test_a_wrong_dZ_of_ones_own_is_named_with_its_place(name):
    report = check_gradients(of(Network((3, 4, 2), "tanh", "mine"), {"mine": loss_of(WRONG_DZ[name])}), None)
    assert not report.ok
    assert report.fault.name == name
    assert "loss 'mine': dZ gives" in report.fault.where


def test_the_delta_of_another_cost_is_named():
    mine = loss_of(own, "half_squared_error_sigmoid")
    report = check_gradients(of(Network((3, 4, 1), "tanh", "mine"), {"mine": mine}), None)
    assert report.fault.name == "delta-of-another-cost"


def test_a_wrong_penalty_of_ones_own_is_named():
    def mine(xp):
        return Penalty(lambda w, S: 0.05 * w * w / S, lambda w, S: 0.1 * w, "", "")

    report = check_gradients(of(Network((3, 4, 1), "tanh", "half_squared_error", penalties=("mine",)),
                                {"mine": mine}), None)  # fmt: skip
    assert report.fault.name == "lambda-not-divided-by-m"
    assert "penalty 'mine'" in report.fault.where


def test_both_rows_of_ones_own_are_named():
    functions = {"mine": WRONG_SLOPES["g-for-g-prime"], "ours": loss_of(WRONG_DZ["sign-lost"])}
    report = check_gradients(of(Network((3, 4, 1), "mine", "ours"), functions), None)
    assert [f.name for f in report.faults] == ["g-for-g-prime", "sign-lost"]


def smooth_cubic(xp):
    return Activation(lambda Z: Z**3 + Z, lambda Z, A: 3.0 * Z**2 + 1.0, "z^3 + z", "")


def softplus_loss(xp):
    return Loss("sigmoid", lambda Z, Y: np.log1p(np.exp(Z)) - Z * Y, own, "", "", "classification")


def test_right_functions_of_ones_own_are_not_accused():
    network = Network((3, 4, 2), "cubic", "ours")
    report = check_gradients(of(network, {"cubic": smooth_cubic, "ours": softplus_loss}), None)
    assert report.ok, str(report)
    assert max(check.relative_error for check in report.arrays) < 1e-12  # by complex steps
    assert [check.name for check in report.arrays] == ["W[1]", "b[1]", "W[2]", "b[2]"]
    assert str(report).splitlines()[-1] == "ok"


def test_a_large_network_is_sampled_and_followed_along_directions():
    report = check_gradients(of(Network((60, 40, 2), "relu", "cross_entropy"), m=30), None)
    assert report.ok, str(report)
    assert [check.checked + check.left_out for check in report.arrays] == [200, 40, 80, 2]
    assert report.along


def test_a_fitted_estimator_is_checked():
    X, y = np.random.default_rng(0).standard_normal((30, 3)), np.arange(30) % 3
    model = MLPClassifier((4,), activation="tanh", random_state=0, max_iter=20, tol=1e9).fit(X, y)
    report = check_gradients(model, X, y)
    assert report.ok, str(report)
    assert [check.shape for check in report.arrays] == [(4, 3), (4, 1), (3, 4), (3, 1)]


# functions of one's own

rng = np.random.default_rng(3)
INPUT, TARGET = rng.standard_normal((3, 25)), (rng.standard_normal((2, 25)) > 0).astype(float)
SHAPES = {"W1": (4, 3), "b1": (4, 1), "W2": (4, 4), "b2": (4, 1), "W3": (2, 4), "b3": (2, 1)}
THETA = {name: 0.5 * rng.standard_normal(shape) for name, shape in SHAPES.items()}
M = 25


def cost(p, g=np.tanh, lam=0.0):
    A = g(p["W1"] @ INPUT + p["b1"])
    A = g(p["W2"] @ A + p["b2"])
    Z = p["W3"] @ A + p["b3"]
    J = np.sum(np.log(1.0 + np.exp(Z)) - TARGET * Z) / M
    return J + lam / (2.0 * M) * sum(np.sum(p[f"W{l}"] ** 2) for l in (1, 2, 3))


def gradient(p, slope=lambda Z, A: 1.0 - A * A, lam=0.0, back=lambda W, dZ: W.T @ dZ, alpha=0.0):
    A1 = np.tanh(p["W1"] @ INPUT + p["b1"])
    A2 = np.tanh(p["W2"] @ A1 + p["b2"])
    A3 = 1.0 / (1.0 + np.exp(-(p["W3"] @ A2 + p["b3"])))
    dZ3 = (A3 - TARGET) / M
    W3 = p["W3"] - alpha * dZ3 @ A2.T
    dZ2 = W3.T @ dZ3 * slope(p["W2"] @ A1 + p["b2"], A2)
    dZ1 = back(p["W2"] - alpha * dZ2 @ A1.T, dZ2) * slope(p["W1"] @ INPUT + p["b1"], A1)
    d = {}
    for l, dZ, A in ((1, dZ1, INPUT), (2, dZ2, A1), (3, dZ3, A2)):
        d[f"W{l}"] = dZ @ A.T + lam / M * p[f"W{l}"]
        d[f"b{l}"] = dZ.sum(axis=1, keepdims=True)
    return d


def changed(**changes):
    """The gradient with some of its arrays replaced by functions of them."""

    def wrong(p):
        d = gradient(p)
        return {k: changes[k](V, d) if k in changes else V for k, V in d.items()}

    return wrong


def test_right_functions_are_not_accused_in_any_structure():
    assert check_gradients(cost, gradient, THETA).ok
    keys = list(THETA)
    as_list = check_gradients(
        lambda t: cost(dict(zip(keys, t, strict=True))),
        lambda t: list(gradient(dict(zip(keys, t, strict=True))).values()),
        list(THETA.values()),
    )
    assert as_list.ok
    turned = {k: V.T for k, V in THETA.items()}  # inputs by outputs, as others have it
    assert check_gradients(
        lambda t: cost({k: V.T for k, V in t.items()}),
        lambda t: {k: V.T for k, V in gradient({k: V.T for k, V in t.items()}).items()},
        turned,
    ).ok
    alone = check_gradients(lambda v: float(np.sum(np.exp(v))), np.exp, np.array([0.5, -1.0, 0.0]))
    assert alone.ok
    assert alone.arrays[0].name == "theta"


def at_z(Z, A):
    return 1.0 - Z * Z


NAMED = {
    "g-for-g-prime": lambda p: gradient(p, slope=lambda Z, A: A),
    "slope-left-out": lambda p: gradient(p, slope=lambda Z, A: np.ones_like(A)),
    "hidden-slope-twice": lambda p: gradient(p, slope=lambda Z, A: (1.0 - A * A) ** 2),
    "slope-at-z": lambda p: gradient(p, slope=at_z),
    "slope-of-another-activation": lambda p: gradient(p, slope=lambda Z, A: sigma(Z) * (1.0 - sigma(Z))),
    "sign-lost-in-hidden": lambda p: gradient(p, slope=lambda Z, A: A * A - 1.0),
    "transpose-lost": lambda p: gradient(p, back=lambda W, dZ: W @ dZ),
    "W-updated-before-it-is-used": lambda p: gradient(p, alpha=0.1),
    "factor-2": lambda p: {k: 2.0 * V for k, V in gradient(p).items()},
    "factor-1/2": lambda p: {k: V / 2.0 for k, V in gradient(p).items()},
    "constant-factor": lambda p: {k: 0.7 * V for k, V in gradient(p).items()},
    "gradient-zero": lambda p: {k: 0.0 * V for k, V in gradient(p).items()},
    "1/m-in-every-layer": lambda p: {k: V / M ** (3 - int(k[1])) for k, V in gradient(p).items()},
    "layer-zero": changed(W1=lambda V, d: 0.0 * V, b1=lambda V, d: 0.0 * V),
    "layers-swapped": changed(b1=lambda V, d: d["b2"], b2=lambda V, d: d["b1"]),
    "transposed": changed(W2=lambda V, d: V.T),
    "db-zero": changed(b1=lambda V, d: 0.0 * V),
    "dW-zero": changed(W2=lambda V, d: 0.0 * V),
    "missing-1/m-in-db": changed(b2=lambda V, d: M * V),
    "missing-1/m-in-dW": changed(W2=lambda V, d: M * V),
    "1/m-twice-in-dW": changed(W1=lambda V, d: V / M, W2=lambda V, d: V / M),
    "sign-lost-in-db": changed(b3=lambda V, d: -V),
    "sign-lost-in-dW": changed(W3=lambda V, d: -V),
    "db-summed-over-units": changed(b2=lambda V, d: np.full_like(V, V.sum())),
    "db-wrong": changed(b2=lambda V, d: V + np.arange(4.0)[:, None]),
    "dW-wrong": changed(W2=lambda V, d: V + np.arange(16.0).reshape(4, 4)),
    "rank-1-array": changed(b2=lambda V, d: V[:, 0]),
    "absolute-value": lambda p: {k: np.abs(V) for k, V in gradient(p).items()},
    "chain-breaks": changed(W1=lambda V, d: V[::-1] ** 2, b1=lambda V, d: V[::-1] ** 2),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_mistake_in_functions_of_ones_own_is_named(name):
    report = check_gradients(cost, NAMED[name], THETA)
    assert not report.ok
    assert report.fault.name == name, str(report)


LAM = 0.8
PENALISED = {
    "lambda-wrong-sign": -LAM,
    "lambda-not-divided-by-m": LAM * M,
    "lambda-divided-by-m-again": LAM / M,
    "lambda-factor-2": 2.0 * LAM,
    "lambda-not-in-gradient": 0.0,
    "lambda-wrong": 1.3 * LAM,
}


@pytest.mark.parametrize("name", PENALISED)
def test_a_mistake_of_lambda_is_named(name):
    def wrong(p):
        return gradient(p, lam=PENALISED[name])

    for known in ({}, {"m": M, "lambd": LAM}):
        report = check_gradients(lambda p: cost(p, lam=LAM), wrong, THETA, **known)
        assert report.fault.name == name, str(report)
    assert check_gradients(lambda p: cost(p, lam=LAM), lambda p: gradient(p, lam=LAM), THETA).ok


def test_one_wrong_entry_is_found_in_its_place():
    def wrong(p):
        d = gradient(p)
        d["W2"][1, 2] += 1e-3
        return d

    report = check_gradients(cost, wrong, THETA)
    bad = [check for check in report.arrays if not check.ok]
    assert [(check.name, check.worst) for check in bad] == [("W2", (1, 2))]
    assert bad[0].given - bad[0].numerical == pytest.approx(1e-3, rel=1e-4)
    assert "worst [1,2]" in str(report)


def test_functions_in_float32_are_not_accused_and_mistakes_in_them_are_seen():
    def cost_32(p):
        return np.float32(cost({k: V.astype(np.float32) for k, V in p.items()}))

    def gradient_32(p):
        return {k: V.astype(np.float32) for k, V in gradient(p).items()}

    assert check_gradients(cost_32, gradient_32, THETA).ok
    report = check_gradients(cost_32, lambda p: {k: 1.05 * V for k, V in gradient_32(p).items()}, THETA)
    assert not report.ok


def test_kinks_are_not_accused():
    v = np.array([0.0, 1.0, -2.0, 0.0])
    report = check_gradients(lambda v: float(np.sum(np.abs(v))), np.sign, v)
    assert report.ok
    assert (report.arrays[0].checked, report.arrays[0].left_out) == (2, 2)
    assert "2 left out" in str(report)
    relu = check_gradients(lambda v: float(np.sum(np.maximum(v, 0.0) ** 1)), lambda v: (v > 0.0) * 1.0, v)
    assert relu.ok
    near = np.array([1e-5, -1e-5, 3e-4, 1.0])  # kinks within the first steps and not within the last
    near_report = check_gradients(lambda v: float(np.sum(np.abs(v))), np.sign, near)
    assert near_report.ok, str(near_report)
    assert not check_gradients(lambda v: float(np.sum(np.abs(v))), lambda v: -np.sign(v), near).ok


def test_a_relu_network_on_its_kinks_is_not_accused():
    network = Network((2, 3, 1), "relu", "absolute_error")
    X = np.array([[0.0, 0.0], [1.0, -1.0], [0.5, 2.0]])
    theta = network.initial(0).astype(np.float64)  # b = 0: the first row has Z[1] = 0 exactly
    report = check_gradients(Subject(network, theta, X, np.zeros((3, 1)), [], []), None)
    assert report.ok, str(report)
    assert sum(check.left_out for check in report.arrays) > 0


WRONG_REQUESTS = {
    "gradient of another shape": (
        lambda p: float(np.sum(p**2)), lambda p: np.ones((2, 7)), np.ones(3), r"shape, \(3,\).*came with \(2, 7\)"),
    "a key less": (cost, lambda p: {"W1": p["W1"]}, THETA, "lacks b1, W2"),
    "an array less": (lambda t: float(t[0][0]), lambda t: t[:1], [np.ones(2), np.ones(2)], "2 arrays.*not 1 entries"),
    "a list for a dict": (cost, lambda p: list(p.values()), THETA, "theta is a dict.*not list"),
    "cost not finite": (lambda v: float("nan"), lambda v: v, np.ones(2), "cost.* is nan: expected a finite number"),
    "cost not one number": (lambda v: v, lambda v: v, np.ones(2), r"one real number, not ndarray of shape \(2,\)"),
    "gradient not finite": (lambda v: float(v @ v), lambda v: v * np.nan, np.ones(2), r"not finite at \[0\]"),
    "theta of ints": (lambda v: float(v @ v), lambda v: v, np.array([1, 2]), "theta holds int64.*expected floats"),
    "theta not finite": (lambda v: float(v @ v), lambda v: v, np.array([1.0, np.inf]), "theta has entries"),
    "theta of text": (lambda v: 0.0, lambda v: v, "W", "must be an array of floats, not str"),
    "theta empty": (lambda v: 0.0, lambda v: v, np.zeros(0), "holds no number"),
    "theta missing": (lambda v: 0.0, lambda v: v, None, "theta is missing"),
    "no gradient": (lambda v: 0.0, np.ones(2), None, "after a cost expected its gradient.*not ndarray"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_REQUESTS)
def test_a_wrong_request_says_what_was_expected_and_what_came(name):
    J, d, theta, message = WRONG_REQUESTS[name]
    with pytest.raises(RequestError, match=message):
        check_gradients(J, d, theta)


def test_a_model_has_an_update_of_its_own():
    with pytest.raises(RequestError, match="a model has its own"):
        check_gradients(of(Network((2, 1))), None, update=lambda *_: None)


def test_an_error_that_has_nothing_to_do_with_shapes_is_left_alone():
    def fails(v):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        check_gradients(lambda v: float(v @ v), fails, np.ones(2))


def test_parts_of_a_networks_theta_are_the_blocks_of_its_layout():
    network = Network((3, 4, 2))
    parts = structure.of_network(network).parts
    assert [(p.name, p.role, p.index.shape) for p in parts] == [(b.name, b.role, b.shape) for b in network.layout]
    places = np.concatenate([p.index.reshape(-1) for p in parts])
    assert sorted(places) == list(range(network.size))
    assert [p.layer for p in parts] == [1, 1, 2, 2]
