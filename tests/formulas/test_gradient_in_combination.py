"""dtheta is the derivative of J whatever is combined: every pair of choices occurs in some case."""

from itertools import combinations, product

import numpy as np
import pytest

from chainrule.network import Network
from tests.formulas.problems import ALL_ACTIVATIONS, ALL_LOSSES, ALL_PENALTIES, engine_for, gradient_error, problem

CHOICES = {
    "hidden": [0, 1, 2, 3, 4],
    "outputs": [1, 2, 3],
    "weights": ["none", "random", "some zero"],
    "penalties": [(), *((p,) for p in ALL_PENALTIES), tuple(ALL_PENALTIES[-2:])],
    "dropout": ["none", "all layers", "a mix"],
    "activation": ["a mix", "sigmoid", "relu", "mish"],
    "loss": ["half_squared_error", "cross_entropy(0.1)", "binary_cross_entropy", "quantile(0.8)", "tweedie"],
    "m": [1, 5],
}


def pairwise(choices):
    """Greedy: go through all cases, and take next the one that has most pairs not yet seen."""
    factors = list(choices)
    rng = np.random.default_rng(0)
    missing = {
        ((a, i), (b, j))
        for a, b in combinations(factors, 2)
        for i, j in product(range(len(choices[a])), range(len(choices[b])))
    }

    def new(case):
        return [pair for pair in combinations(case.items(), 2) if pair in missing]

    while missing:
        drawn = [{f: int(rng.integers(len(choices[f]))) for f in factors} for _ in range(40)]
        drawn = [case | dict(min(missing)) for case in drawn]  # each has at least one
        case = max(({f: c[f] for f in factors} for c in drawn), key=lambda c: len(new(c)))
        missing -= set(new(case))
        yield {f: choices[f][i] for f, i in case.items()}


CASES = list(pairwise(CHOICES))


def test_every_pair_of_choices_occurs():
    for a, b in combinations(CHOICES, 2):
        seen = {(case[a], case[b]) for case in CASES}
        assert seen == set(product(CHOICES[a], CHOICES[b]))


def build(case):
    hidden = case["hidden"]
    mix = [ALL_ACTIVATIONS[(3 * l + hidden) % len(ALL_ACTIVATIONS)] for l in range(hidden)]
    dropout = {"none": 0.0, "all layers": 0.3, "a mix": tuple([0.0, 0.4, 0.2, 0.1][:hidden])}[case["dropout"]]
    network = Network(
        n=(2, *[3, 4, 2, 3][:hidden], case["outputs"]),
        activation=mix if case["activation"] == "a mix" else case["activation"],
        loss=case["loss"],
        dropout=dropout,
        penalties=case["penalties"],
        dtype="float64",
    )
    weight = {
        "none": None,
        "random": np.random.default_rng(1).uniform(0.1, 3.0, case["m"]),
        "some zero": np.array([2.0, 0.0, 1.5, 0.0, 0.5][: case["m"]]),
    }[case["weights"]]
    return engine_for(network, seed=3), weight


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(v) for v in case.values()))
def test_every_pair_of_choices(case):
    engine, weight = build(case)
    theta, examples = problem(engine, case["m"], weight, step=7)
    assert gradient_error(engine, theta, examples, step=7) < 1e-7


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_no_hidden_layer(loss):
    engine = engine_for(Network((3, 2), loss=loss, dtype="float64"))
    assert gradient_error(engine, *problem(engine)) < 1e-7


def test_masks_belong_to_the_step():
    engine = engine_for(Network((3, 8, 1), "tanh", dropout=0.5, dtype="float64"))
    theta, examples = problem(engine)
    J = [engine.gradient(theta, examples, step)[0] for step in (1, 1, 2, None)]
    assert J[0] == J[1]
    assert len(set(J)) == 3
