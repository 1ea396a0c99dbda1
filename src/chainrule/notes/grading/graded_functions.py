"""The functions that ``check`` can grade, by name; ``hidden_cases`` has the inputs of each."""

from collections.abc import Callable
from typing import Any

from chainrule.notes.basics.logistic_regression import (
    logistic_double_loop,
    logistic_dZ,
    logistic_forward,
    logistic_one_loop,
    logistic_score,
    logistic_update,
    logistic_vectorized,
)
from chainrule.notes.basics.shallow_network import shallow_backward
from chainrule.notes.building_blocks.blocks_backward import (
    L_model_backward,
    linear_activation_backward,
    linear_backward,
    relu_backward,
    sigmoid_backward,
    update_parameters,
)
from chainrule.notes.building_blocks.blocks_forward import (
    L_model_forward,
    compute_cost,
    linear_activation_forward,
    linear_forward,
    relu,
    sigmoid,
)
from chainrule.notes.building_blocks.initialization import initialize_parameters, initialize_parameters_deep
from chainrule.notes.theta.theta_vector import numerical_gradient

__all__ = ["GRADED"]

GRADED: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        sigmoid, relu, linear_forward, linear_activation_forward, L_model_forward, compute_cost, relu_backward,
        sigmoid_backward, linear_backward, linear_activation_backward, L_model_backward, update_parameters,
        initialize_parameters, initialize_parameters_deep, logistic_score, logistic_forward, logistic_dZ,
        logistic_double_loop, logistic_one_loop, logistic_vectorized, logistic_update, shallow_backward,
        numerical_gradient,
    )
}  # fmt: skip
