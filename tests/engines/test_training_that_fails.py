"""Training that cannot work says so: with the epoch, the last good parameters, and what to do."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.network import Network
from chainrule.training import Diverged, fit
from tests.formulas.problems import engine_for, small

X = np.random.default_rng(3).normal(size=(40, 3))


@pytest.mark.parametrize("rate", [1e10, 1e150, 1e308])
@pytest.mark.parametrize("epochs", [1, 60])
def test_a_run_that_diverges_says_so_and_keeps_parameters_that_are_finite(rate, epochs):
    network = small(activation="identity")
    engine = engine_for(network, optimizer="gradient_descent", learning_rate=rate, epochs=epochs, batch_size=8)
    with pytest.raises(Diverged, match=r"stopped being finite in epoch \d+ .*learning rate") as caught:
        fit(engine, engine.examples(X, X[:, :1]))
    epoch = len(caught.value.history) + 1
    assert f"in epoch {epoch} " in str(caught.value)
    assert np.isfinite(caught.value.theta).all()
    assert caught.value.history.stopped == f"diverged in epoch {epoch}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_handed_back_is_finite_or_an_error(dtype):
    # one step: its J is fine, and what it makes of theta is not
    rate = {"float32": 1e38, "float64": 1e308}[dtype]
    engine = engine_for(Network((1, 1), dtype=dtype), optimizer="gradient_descent", learning_rate=rate, epochs=1)
    with pytest.raises(Diverged) as caught:
        fit(engine, engine.examples([[1e3], [2e3]], [[-1e4], [-2e4]]))
    assert np.isfinite(caught.value.theta).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_cost_that_begins_infinite_is_an_error_for_every_optimizer(optimizer):
    engine = engine_for(Network((1, 1), loss="poisson", dtype="float64"), optimizer=optimizer, epochs=3)
    with pytest.raises(Diverged, match="epoch 1"):
        fit(engine, engine.examples([[1e4], [2e4]], [[1.0], [2.0]]), theta=np.array([1.0, 0.0]))


def test_rows_that_all_weigh_nothing():
    engine = engine_for(small())
    with pytest.raises(RequestError, match="every training row has weight 0"):
        fit(engine, engine.examples(X, X[:, :1], np.zeros(40)))


def test_watching_validation_rows_that_are_not_there():
    engine = engine_for(small(), monitor="validation_cost")
    with pytest.raises(RequestError, match="needs validation rows"):
        fit(engine, engine.examples(X, X[:, :1]))


def test_lbfgs_needs_a_cost_that_stays_the_same():
    engine = engine_for(small(dropout=0.5), optimizer="lbfgs")
    with pytest.raises(RequestError, match="dropout"):
        fit(engine, engine.examples(X, X[:, :1]))
