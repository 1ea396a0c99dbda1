"""What an estimator shows of itself: a summary, a picture of the losses, the units inside, slopes by the inputs."""

from html import escape
from typing import Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.input_validation import dense, read_X
from chainrule.estimators.parameter_views import packed
from chainrule.network_views import HEAD, draw_costs, layer_table, text_table
from chainrule.propagation import Propagation


def summary(estimator: Estimator) -> str:
    """As the method."""
    return "\n".join([*text_table([HEAD, *_layers(estimator)]), *_cost_and_training(estimator)])


def html_summary(estimator: Estimator) -> str:
    """The same as a table in HTML."""
    cells = lambda row, tag: "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)  # noqa: E731
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in _layers(estimator))
    said = "<br>".join(escape(line) for line in _cost_and_training(estimator))
    return f"<table><thead><tr>{cells(HEAD, 'th')}</tr></thead><tbody>{body}</tbody></table><p>{said}</p>"


def unit_names(estimator: Estimator) -> tuple[list[str], list[str]]:
    """As the method."""
    n, fitted = estimator._network.n, vars(estimator)
    named = estimator._encoder.feature_names if estimator._encoder else fitted.get("feature_names_in_")
    inputs = [f"x{j}" for j in range(n[0])] if named is None else [str(name) for name in named]
    classes = [str(label) for label in fitted.get("classes_", [])]
    if len(classes) == 2 and n[-1] == 1:
        classes = classes[1:]
    return inputs, classes if len(classes) == n[-1] else [f"y{k}" for k in range(n[-1])]


def plot_loss(estimator: Estimator, ax: Any) -> Any:
    """As the method."""
    curves = {"training": estimator.loss_curve_, "validation": estimator.validation_loss_curve_}
    return draw_costs(ax, curves, estimator._network.loss)


def hidden_activations(estimator: Estimator, X: Any, layer: int) -> np.ndarray:
    """As the method."""
    network = estimator._network
    if not -network.L - 1 <= layer <= network.L:
        raise RequestError(
            f"layer is between {-network.L - 1} and {network.L} for a network of {network.L} layers, not {layer}."
        )
    propagation = Propagation(network, np, estimator._functions)
    _, A = propagation.forward(packed(estimator), dense(read_X(estimator, X), network.dtype).T)
    return np.ascontiguousarray(A[layer].T)


def input_gradients(estimator: Estimator, X: Any) -> np.ndarray:
    """As the method."""
    propagation, theta = Propagation(estimator._network, np, estimator._functions), packed(estimator)
    Z, A = propagation.forward(theta, dense(read_X(estimator, X), estimator._network.dtype).T)
    link = propagation.formulas.link
    if link.dZ is None:
        raise RequestError(
            f"the derivative of the link {propagation.formulas.loss.link!r} is not known here: work it out from "
            "hidden_activations."
        )
    units = np.eye(len(A[-1]), dtype=A[-1].dtype)[:, :, None] * np.ones_like(A[-1])  # dA[L] of each output
    slopes = [propagation.input_gradient(theta, A[0], Z, A, link.dZ(Z[-1], A[-1], dA_L)).T for dA_L in units]
    return slopes[0] if len(slopes) == 1 else np.stack(slopes, axis=1)


def _layers(estimator: Estimator) -> list[list[str]]:
    return layer_table(estimator._network, estimator.out_activation_)


def _cost_and_training(estimator: Estimator) -> list[str]:
    """The lines below the table."""
    network, history = estimator._network, getattr(estimator, "history_", None)
    cost = " + ".join([network.loss, *network.penalties])
    lines = [f"{network.size:,} parameters in {network.dtype}; cost: {cost}"]
    if history is not None and len(history):
        lines.append(f"{len(history)} epochs, last cost {history.training_cost[-1]:.4g}; {history.stopped}")
    return lines
