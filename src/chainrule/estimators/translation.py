"""From scikit-learn's parameters to a Network and a Recipe: the one place where the two vocabularies meet."""

from collections.abc import Iterable
from math import isinf
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.parameter_names import ParameterNames
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.formulas.table import Functions
from chainrule.network import Network, Parameters
from chainrule.recipe import Recipe

# SciPy's own, which scikit-learn leaves as it is
MIN_DECREASE = 2.220446049250313e-09
# scikit-learn's names for the links
OUT_ACTIVATION = {"identity": "identity", "sigmoid": "logistic", "softmax": "softmax", "exponential": "exp"}


def hidden_units(hidden_layer_sizes: Any) -> list[int]:
    """Units of the hidden layers. ValueError, in scikit-learn's words: one is not above 0."""
    sizes = list(hidden_layer_sizes) if hasattr(hidden_layer_sizes, "__iter__") else [hidden_layer_sizes]
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def network(estimator: Estimator, n_in: int, n_out: int, dtype: Any) -> tuple[Network, Functions]:
    """The Network that an estimator's parameters describe, and the functions of the user's own that it names.

    dtype  float32, or float64 for any other
    """
    names = ParameterNames()
    loss = estimator._loss_spec(names)
    hidden = hidden_units(estimator.hidden_layer_sizes)
    given, dropout = estimator.activation, estimator.dropout
    if isinstance(given, str) or callable(given):
        activation = names.spec(ACTIVATIONS, given)
    else:
        activation = tuple(names.spec(ACTIVATIONS, each) for each in given)
    strengths = {
        {"by_examples": "l2", "fixed": "l2_fixed"}[estimator.alpha_mode]: estimator.alpha,
        "l1": estimator.l1,
    }
    described = Network(
        (n_in, *hidden, n_out),
        activation=activation,
        loss=loss,
        dropout=tuple(dropout) if isinstance(dropout, Iterable) else float(dropout),
        penalties=tuple(f"{row}({float(strength)!r})" for row, strength in strengths.items() if strength > 0.0),
        initializer=estimator.initializer or "auto",
        dtype="float32" if np.dtype(dtype) == np.float32 else "float64",
    )
    return described, names.functions


def start(network: Network, random: np.random.RandomState) -> np.ndarray:
    """theta as scikit-learn draws it from a RandomState: so the same ``random_state`` begins at the same place there.

    Uniform within sqrt(6 / (n_in + n_out)), for a sigmoid layer sqrt(2 / (n_in + n_out)); the biases too.
    """
    theta = np.empty(network.size, network.dtype)
    parameters = Parameters(network, theta)
    activation = [*network.activation, *network.activation[-1:]] or ["identity"]
    for l in range(1, network.L + 1):
        n_in, n_out = network.n[l - 1], network.n[l]
        bound = np.sqrt((2.0 if activation[l - 1] == "sigmoid" else 6.0) / (n_in + n_out))
        parameters.W[l][...] = random.uniform(-bound, bound, (n_in, n_out)).T
        parameters.b[l][:, 0] = random.uniform(-bound, bound, n_out)
    return theta


def recipe(estimator: Estimator) -> Recipe:
    """The Recipe that an estimator's parameters describe."""
    e = estimator
    whole = minimizes(e)
    return Recipe(
        optimizer=optimizer(e),
        learning_rate=None if whole else e.learning_rate_init,
        schedule="constant" if whole else schedule(e),
        epochs=e.max_iter,
        batch_size="auto" if whole else e.batch_size,
        shuffle=e.shuffle,
        clip_norm=e.clip_norm,
        seed=e._seed or 0,
        monitor="validation_cost" if stops_early(e) and e.scoring == "loss" else "training_cost",
        patience=None if whole or isinf(e.n_iter_no_change) else int(e.n_iter_no_change),
        tol=e.tol,
        averaging=e.averaging,
    )


def optimizer(e: Estimator) -> str:
    """The row of OPTIMIZERS: scikit-learn's three solvers with their own parameters, or a row as it is named."""
    if e.solver == "adam":
        return f"adam({float(e.beta_1)!r}, {float(e.beta_2)!r}, {float(e.epsilon)!r})"
    if e.solver == "lbfgs":
        return f"lbfgs(evaluations={e.max_fun}, least_decrease={MIN_DECREASE!r})"
    if e.solver != "sgd":
        return str(e.solver)
    if e.momentum == 0.0:
        return "gradient_descent"
    return f"{'nesterov' if e.nesterovs_momentum else 'momentum'}({float(e.momentum)!r})"


def minimizes(e: Estimator) -> bool:
    """Whether the solver takes the whole cost at once; a name that is not known does not, and is refused elsewhere."""
    try:
        row = OPTIMIZERS.make(ParameterNames().spec(OPTIMIZERS, e.solver), np)
    except RequestError:
        return False
    return row.minimize is not None


def stops_early(e: Estimator) -> bool:
    """early_stopping, which lbfgs passes over, as in scikit-learn."""
    return e.early_stopping and not minimizes(e)


def schedule(e: Estimator) -> str:
    """The row of SCHEDULES; scikit-learn's two that change the rate are for its solver ``sgd`` alone."""
    if e.learning_rate in ("invscaling", "adaptive"):
        if e.solver != "sgd":
            return "constant"
        return f"inverse_scaling({float(e.power_t)!r})" if e.learning_rate == "invscaling" else "adaptive"
    return ParameterNames().spec(SCHEDULES, e.learning_rate)


def out_activation(loss: str, functions: Functions) -> str:
    """scikit-learn's name for the link of a loss."""
    link = LOSSES.make(loss, np, functions=functions).link
    return OUT_ACTIVATION.get(link, link)
