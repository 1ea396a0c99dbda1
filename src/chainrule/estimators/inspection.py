"""What an estimator shows of itself: a summary, a picture of the losses, the units inside, slopes by the inputs."""

from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.estimators.input_validation import dense, read_X
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.propagation import Propagation
from chainrule.recipe import Recipe


class Looking:
    """Methods that only read a fitted estimator."""

    _network: Network
    _functions: Functions
    _encoder: Any
    _packed: Callable[[], Any]
    _known_targets: Callable[[Any], Any]

    @property
    def network_(self) -> Network:
        """The description of the network and of its cost."""
        return self._network

    @property
    def recipe_(self) -> Recipe:
        """How the network was trained last; where it was not trained here, how it would be."""
        made = vars(self).get("_recipe")
        return made or translation.recipe(self, vars(self).get("_seed", 0), False)

    @property
    def theta_(self) -> Any:
        """The parameters as one vector, (network_.size,): ``Parameters(network_, theta_)`` has W[l] and b[l]."""
        return self._packed()

    @property
    def functions_(self) -> Functions:
        """The functions of the user's own, by the names that they have in ``network_``."""
        return self._functions

    def encoded(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """The rows as the network takes them, (m, n[0]) and, where y is given, (m, n[L])."""
        check_is_fitted(self)
        rows = dense(read_X(self, X), np.float64)
        return rows, None if y is None else np.asarray(self._known_targets(np.asarray(y)), np.float64)

    def unit_names(self) -> tuple[list[str], list[str]]:
        """Names of the units of the first and of the last layer."""
        check_is_fitted(self)
        n, me = self._network.n, vars(self)
        named = self._encoder.feature_names if self._encoder else me.get("feature_names_in_")
        inputs = [f"x{j}" for j in range(n[0])] if named is None else [str(name) for name in named]
        classes = [str(label) for label in me.get("classes_", [])]
        if len(classes) == 2 and n[-1] == 1:
            classes = classes[1:]
        return inputs, classes if len(classes) == n[-1] else [f"y{k}" for k in range(n[-1])]

    def summary(self) -> str:
        """Layers, their sizes, parameters and activations, the cost and how training went, as a table in text."""
        check_is_fitted(self)
        head, rows = self._layers()
        widths = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
        padded = ([cell.ljust(w) for cell, w in zip(row, widths, strict=True)] for row in (head, *rows))
        return "\n".join([*("  ".join(row).rstrip() for row in padded), *self._said()])

    def plot_loss(self, ax: Any = None) -> Any:
        """The loss curves over epochs, on the given axes of matplotlib or new ones, which it returns."""
        check_is_fitted(self)
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.subplots()[1]
        curves = {"training": self.loss_curve_, "validation": self.validation_loss_curve_}  # type: ignore[attr-defined]
        for name, curve in curves.items():
            if curve:
                ax.plot(np.arange(1, len(curve) + 1), curve, label=name)
        ax.set(xlabel="epoch", ylabel=f"cost ({self._network.loss})")
        if any(curves.values()):  # as many as a fit elsewhere has left: lbfgs of scikit-learn keeps none
            ax.legend()
        return ax

    def hidden_activations(self, X: Any, layer: int = -2) -> Any:
        """A[layer] of rows X, (m, n[layer]); 0 is the input, -1 the output, -2 the last hidden layer.

        RequestError: there is no such layer.
        """
        check_is_fitted(self)
        L = self._network.L
        if not -L - 1 <= layer <= L:
            raise RequestError(f"layer is between {-L - 1} and {L} for a network of {L} layers, not {layer}.")
        propagation = Propagation(self._network, np, self._functions)
        _, A = propagation.forward(self._packed(), dense(read_X(self, X), self._network.dtype).T)
        return np.ascontiguousarray(A[layer].T)

    def input_gradients(self, X: Any) -> Any:
        """dA[L]/dX of rows X: (m, n_features) for a single output, else (m, n_outputs, n_features).

        With an encoder the features are the encoded ones. By backward propagation from each output through its link.
        """
        check_is_fitted(self)
        propagation, theta = Propagation(self._network, np, self._functions), self._packed()
        Z, A = propagation.forward(theta, dense(read_X(self, X), self._network.dtype).T)
        link = propagation.formulas.link
        if link.dZ is None:
            raise RequestError(
                f"the derivative of the link {propagation.formulas.loss.link!r} is not known here: work it out from "
                "hidden_activations."
            )
        units = np.eye(len(A[-1]), dtype=A[-1].dtype)[:, :, None] * np.ones_like(A[-1])  # dA[L] of each output
        slopes = [propagation.input_gradient(theta, A[0], Z, A, link.dZ(Z[-1], A[-1], dA_L)).T for dA_L in units]
        return slopes[0] if len(slopes) == 1 else np.stack(slopes, axis=1)

    def _layers(self) -> tuple[list[str], list[list[str]]]:
        network = self._network
        rows = [["0", "input", str(network.n[0]), "", "", ""]]
        for l in range(1, network.L + 1):
            hidden = l < network.L
            name = network.activation[l - 1] if hidden else self.out_activation_  # type: ignore[attr-defined]
            dropout = f"{network.dropout[l - 1]:g}" if hidden and network.dropout[l - 1] else ""  # type: ignore[index]
            size = sum(network.layout[f"{V}[{l}]"].size for V in ("W", "b"))
            rows.append([str(l), "hidden" if hidden else "output", str(network.n[l]), name, f"{size:,}", dropout])
        return ["l", "layer", "units", "activation", "parameters", "dropout"], rows

    def _said(self) -> list[str]:
        network = self._network
        cost = " + ".join([network.loss, *network.penalties])
        lines = [f"{network.size:,} parameters in {network.dtype}; cost: {cost}"]
        history = getattr(self, "history_", None)
        if history is not None and len(history):
            lines.append(f"{len(history)} epochs, last cost {history.training_cost[-1]:.4g}; {history.stopped}")
        return lines

    def _repr_html_inner(self) -> str:
        """scikit-learn's picture of the parameters and, once fitted, the layers below it."""
        html = super()._repr_html_inner()  # type: ignore[misc]
        if "coefs_" not in vars(self):
            return html
        head, rows = self._layers()
        cells = lambda row, tag: "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)  # noqa: E731
        body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
        said = "<br>".join(escape(line) for line in self._said())
        return f"{html}<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table><p>{said}</p>"
