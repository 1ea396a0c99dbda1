"""Course notes, executable: every formula, function and notation of five classic documents, over our own formulas.

Type what you read: the functions stand here under the names that the documents give them.

    from chainrule.notes import *

Each name is imported from here. The folders say where it is written:

    multi_layer        Multi-layer networks
    building_blocks    Building blocks
    basics             Deep learning basics
    logistic           Logistic regression to one hidden layer
    theta              Theta notation
    notations          between the notations of the documents
    mistakes           mistakes to switch on: with mistake(name)
    errata             what the documents get wrong
    grading            check(your_function)
"""

from importlib import import_module
from typing import Any

# The names of each module, as its __all__ has them. A module is imported when one of its names is first asked for.
_NAMES = {
    "multi_layer.neurons": (
        "neuron_z neuron_a neuron_dz neuron_dw neuron_db neuron_da_prev layer_z layer_dz layer_dW layer_db "
        "layer_da_prev"
    ),
    "multi_layer.forward_and_backward": (
        "typical_network forward_example backward_example forward_examples backward_examples cost_of_examples "
        "output_dZ output_dA output_dZ_long_way"
    ),
    "building_blocks.initialization": "INITIALIZATIONS initialize_parameters initialize_parameters_deep generator",
    "building_blocks.blocks_forward": (
        "linear_forward sigmoid relu linear_activation_forward L_model_forward compute_cost"
    ),
    "building_blocks.blocks_backward": (
        "relu_backward sigmoid_backward linear_backward linear_activation_backward L_model_backward update_parameters"
    ),
    "building_blocks.trained_models": "two_layer_model L_layer_model predict",
    "building_blocks.hyperparameters": "Hyperparameters parameters_and_hyperparameters dimension_table",
    "building_blocks.first_layer_pictures": "first_layer_pictures save_first_layer_pictures",
    "basics.logistic_regression": (
        "stack_examples logistic_score logistic_forward logistic_dZ logistic_double_loop logistic_one_loop "
        "logistic_vectorized logistic_update logistic_descent"
    ),
    "basics.loss_of_one_example": (
        "half_squared_loss likelihood_of_one cross_entropy_loss loss_curves loss_curves_svg convexity_gap "
        "why_not_half_squared"
    ),
    "basics.vectorization_timing": "TimingTable timing_table",
    "basics.graphs.computation_graph": "Node Graph",
    "basics.graphs.graph_operations": "Operation OPERATIONS",
    "basics.graphs.graph_examples": "example_graph logistic_graph cost_graph",
    "basics.layer_units": "four_activations layer_unit_by_unit layer_stacked",
    "basics.shallow_network": (
        "shallow_dimensions shallow_forward shallow_cost shallow_backward_one shallow_backward shallow_update "
        "shallow_descent"
    ),
    "basics.dz1_derivation": "DerivationStep derive_dz1",
    "basics.symmetry_breaking": "random_initialization Symmetry why_not_zeros",
    "basics.deep_network": (
        "DeepCache deep_layer_forward deep_forward deep_layer_backward deep_hidden_dz deep_backward deep_dimensions"
    ),
    "basics.broadcasting": "bias_copies as_column Pitfall rank_one_pitfalls",
    "logistic.likelihood": (
        "link inverse_link inverse_link_by_exp likelihood_of_targets likelihood_of_classes likelihood_of_predictions "
        "negative_log_of_product negative_sum_of_logs negative_sum_of_log_powers negative_sum_of_weighted_logs"
    ),
    "logistic.logistic_derivatives": "dL_da da_dz dz_dw dz_db dL_dz dL_dw dL_db average_over_examples",
    "logistic.logistic_notation": "Notation network_3_4_1",
    "logistic.hidden_layer": (
        "hidden_units_as_regressions low_gradient_share DyingUnit dying_relu Converged until_convergence "
        "shallow_descent_until_convergence"
    ),
    "logistic.logistic_program": "program_data program_start program_non_vectorized program_vectorized program",
    "theta.theta_network": "Theta_shapes layer_sizes theta_forward h_Theta theta_cost delta_L delta_l theta_backward",
    "theta.theta_accumulators": (
        "accumulate Delta_by_example Delta_by_entry Delta_vectorized D_from_Delta theta_gradient dJ_dTheta_ij "
        "theta_descent"
    ),
    "theta.theta_vector": "random_Theta unroll reroll numerical_gradient relative_difference check_theta_gradient",
    "theta.theta_example": (
        "RegressionExample regression_example regression_forward regression_cost dJ_dy_hat sigmoid_slope delta3 "
        "dJ_dTheta2 dJ_dTheta2_by_example delta2 dJ_dTheta1 regression_descent"
    ),
    "theta.theta_derivations": (
        "hinton_E hinton_dE_dy hinton_dy_dw hinton_dE_dw wiki_dJ_da wiki_da_dz wiki_delta_L wiki_delta wiki_dJ_dtheta "
        "WikiSteps wiki_steps"
    ),
    "notations.conventions": "Convention CONVENTIONS convert gradients_as rows_from_columns columns_from_rows",
    "notations.mixed_conventions": "dZ_L_as dW_as mixed_dW times_1_over_m",
    "notations.parameter_forms": (
        "theta_from_wb wb_from_theta row_theta_from_wb wb_from_row_theta network_to_parameters network_from_parameters "
        "network_to_Theta network_from_Theta model_to_parameters model_from_parameters model_to_Theta model_from_Theta"
    ),
    "switches": "Mistake",
    "mistakes.mistake_registry": "MISTAKES",
    "mistakes.mistake": "mistake",
    "errata.errata_entry": "Severity Erratum",
    "errata.all_errata": "ERRATA DOCUMENTS find_errata erratum errata_markdown",
    "grading.graded_functions": "GRADED",
    "grading.grade": "Grade",
    "grading.grader": "check",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [*_HOME]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.notes' has no attribute {name!r}")
    value = getattr(import_module(f"chainrule.notes.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
