"""What both estimators are to scikit-learn, and what they add; each method is a call of what does it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from chainrule.estimators import fitting, inspection, translation
from chainrule.estimators.estimator import Estimator, Named
from chainrule.estimators.from_weights import from_weights
from chainrule.estimators.input_validation import dense, read_X
from chainrule.estimators.parameter_views import packed
from chainrule.estimators.parameters import CONSTRAINTS
from chainrule.estimators.prediction import outputs
from chainrule.estimators.sklearn_conversion import from_sklearn, to_sklearn
from chainrule.estimators.to_model import to_model
from chainrule.formulas.table import Functions
from chainrule.network import Network
from chainrule.recipe import Recipe

if TYPE_CHECKING:
    from chainrule.model import Model


def _is_stochastic(estimator: Estimator) -> bool:
    if translation.minimizes(estimator):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


partial_fit_available = available_if(_is_stochastic)


class BaseMLP(Estimator):
    """See MLPClassifier and MLPRegressor."""

    _parameter_constraints = CONSTRAINTS

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on rows X (m, n_features) with targets y, (m,) or (m, n_outputs).

        sample_weight   (m,) how much each row counts; the cost is their weighted mean. A row of weight 2 is two rows,
                        in what is learnt of the columns of a data frame too; nothing is learnt from one of weight 0,
                        though its class is one of ``classes_``. What is held out is drawn by row
        X_val, y_val, sample_weight_val   rows to watch: their cost is noted after each epoch, and with
                        ``early_stopping`` they take the place of the ones that are held out of X

        ValueError: input or parameters that cannot be right, and a cost that stops being finite.
        """
        fitting.fit(self, X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self

    def predict(self, X: Any) -> Any:
        """Classes, or numbers, of rows X (m, n_features)."""
        check_is_fitted(self)
        return self._answers(self._A_L(X))

    def _A_L(self, X: Any) -> np.ndarray:
        return outputs(self, read_X(self, X))

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Self:
        """An estimator with the parameters, settings and records of scikit-learn's fitted one.

        RequestError: it is of another class. NotFittedError: it is not fitted.
        """
        return from_sklearn(cls, fitted)

    def to_sklearn(self) -> Any:
        """scikit-learn's estimator with these parameters, settings and records.

        A loss, solver or learning_rate that it does not have becomes its own; predictions stay the same.

        RequestError: something that scikit-learn's cannot have: another activation, one for each layer, another link,
        an encoder of categories or gaps. NotFittedError.
        """
        check_is_fitted(self)
        return to_sklearn(self)

    @classmethod
    def from_weights(
        cls,
        weights: Any,
        *,
        layout: str | None = None,
        activation: Named | Sequence[Named] = "relu",
        out_activation: str | None = None,
        classes: Any = None,
        dtype: Any = None,
        **parameters: Any,
    ) -> Self:
        """A fitted estimator with the weights of a network of dense layers, trained elsewhere.

            A[l] = g[l](A[l-1] @ kernel[l] + bias[l])      l = 1..L, A[0] = X (m, n[0]), kernel[l] (n[l-1], n[l])

        weights         ``keras_model.get_weights()``; ``torch_model.state_dict()``; or a list of arrays or tensors: the
                        weight of each layer, then its bias, and no bias where the layer has none (it becomes 0)
        layout          "keras": a weight is (inputs, outputs); "torch": (outputs, inputs). Needed with a list
        activation      of the hidden layers, one for all or one each, as the parameter of the estimator takes it, with
                        its own numbers: Keras' LeakyReLU is "leaky_relu(0.3)", torch's "leaky_relu"; "gelu" is the tanh
                        form, which both have under the name approximate
        out_activation  of the last layer, checked where it is given; None for that of the loss, also where the network
                        gives the numbers before it, as torch's do. MLPClassifier: "sigmoid" of one output (two
                        classes), "softmax" of several; "sigmoid" of several outputs without ``classes`` makes them
                        labels that do not exclude each other. MLPRegressor: "identity"; with loss="poisson" "exp"
        classes         MLPClassifier: the class of each output, in order, two for a single sigmoid (it is the
                        probability of the second); None for 0, 1, ...; ``classes_`` has them sorted
        dtype           "float32" or "float64"; None for that of the weights
        parameters      others of the estimator, for training that goes on: partial_fit, or fit with warm_start=True

        Two outputs under a softmax become one under a sigmoid, of the difference of the two: the same probabilities.

        RequestError: weights of other layers than dense ones, layers that do not fit together, numbers that are not
        finite, activations or classes that do not fit the layers.

        >>> from chainrule import MLPRegressor
        >>> weights = [np.array([[1.0, -1.0]]), np.zeros(2), np.array([[1.0], [1.0]]), np.zeros(1)]
        >>> model = MLPRegressor.from_weights(weights, layout="keras")
        >>> model.predict([[-3.0], [2.0]])  # relu(x) + relu(-x)
        array([3., 2.])
        """
        parameters["activation"] = activation
        return from_weights(cls, weights, layout, out_activation, classes, dtype, parameters)

    def to_model(
        self, target: str = "y", *, columns: Sequence[str] | None = None, y: Any = None, sample_weight: Any = None
    ) -> "Model":
        """A ``chainrule.Model`` with these parameters: to be saved in one file without pickle, exported, explained.

        target   the name of what is predicted
        columns  names for the columns of X, in their order, if not ``feature_names_in_`` or, without those, x0, x1, ...
        y        (m,) the targets of the training rows, which an estimator does not keep: their class shares, or mean,
                 are the baseline of ``Model.evaluate``. Without them it is equal shares of all classes, or 0
        sample_weight   (m,) how much each of these rows counts there

        The Model reads the columns from tables by name, and its ``predict`` gives what the estimator's gives, bit for
        bit; ``predict_proba`` to a rounding, since a Model divides by the sum. Numbers go in as they are, up to 1e15 as
        in every Model. Where the estimator fills no gaps, a gap is a RequestError; in a column of categories, as ever,
        one that training did not have is no level at all. Training the estimator further does not change the Model.

        RequestError: several targets, as in multi-label, or several quantiles; a single class; classes that are neither
        texts, booleans nor numbers; names that do not fit. NotFittedError.

        >>> from chainrule import MLPClassifier
        >>> X, y = [[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0]] * 20, ["no", "no", "yes", "yes"] * 20
        >>> estimator = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> model = estimator.to_model("cured", columns=["dose", "sex"], y=y)
        >>> model.predict({"dose": [1.0, 4.0], "sex": [0, 1]}).tolist()
        ['no', 'yes']
        """
        check_is_fitted(self)
        return to_model(self, target, columns, y, sample_weight)

    def save(
        self,
        path: Any,
        *,
        overwrite: bool = False,
        target: str = "y",
        columns: Sequence[str] | None = None,
        y: Any = None,
        sample_weight: Any = None,
    ) -> None:
        """Write ``to_model(target, columns=columns, ...)`` to one file: ``chainrule.load`` gives it back, a Model.

        RequestError: as ``to_model``; the file exists, or cannot be written.
        """
        self.to_model(target, columns=columns, y=y, sample_weight=sample_weight).save(path, overwrite=overwrite)

    @property
    def network_(self) -> Network:
        """The description of the network and of its cost."""
        return self._network

    @property
    def recipe_(self) -> Recipe:
        """How the network was trained last; where it was not trained here, how it would be."""
        return self._recipe or translation.recipe(self)

    @property
    def theta_(self) -> np.ndarray:
        """The parameters as one vector, (network_.size,): ``Parameters(network_, theta_)`` has W[l] and b[l]."""
        return packed(self)

    @property
    def functions_(self) -> Functions:
        """The functions of the user's own, by the names that they have in ``network_``."""
        return self._functions

    def encoded(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The rows as the network takes them, (m, n[0]) and, where y is given, (m, n[L])."""
        check_is_fitted(self)
        rows = dense(read_X(self, X), np.float64)
        return rows, None if y is None else np.asarray(self._known_targets(np.asarray(y)), np.float64)

    def unit_names(self) -> tuple[list[str], list[str]]:
        """Names of the units of the first and of the last layer."""
        check_is_fitted(self)
        return inspection.unit_names(self)

    def summary(self) -> str:
        """Layers, their sizes, parameters and activations, the cost and how training went, as a table in text."""
        check_is_fitted(self)
        return inspection.summary(self)

    def plot_loss(self, ax: Any = None) -> Any:
        """The loss curves over epochs, on the given axes of matplotlib or new ones, which it returns."""
        check_is_fitted(self)
        return inspection.plot_loss(self, ax)

    def hidden_activations(self, X: Any, layer: int = -2) -> np.ndarray:
        """A[layer] of rows X, (m, n[layer]); 0 is the input, -1 the output, -2 the last hidden layer.

        RequestError: there is no such layer.
        """
        check_is_fitted(self)
        return inspection.hidden_activations(self, X, layer)

    def input_gradients(self, X: Any) -> np.ndarray:
        """dA[L]/dX of rows X: (m, n_features) for a single output, else (m, n_outputs, n_features).

        With an encoder the features are the encoded ones. By backward propagation from each output through its link.
        """
        check_is_fitted(self)
        return inspection.input_gradients(self, X)

    def _repr_html_inner(self) -> str:
        """scikit-learn's picture of the parameters and, once fitted, the layers below it."""
        html = super()._repr_html_inner()
        return html + inspection.html_summary(self) if "coefs_" in vars(self) else html

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing_values == "impute"
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[arg-type]
        for name in ("_engine", "_made_with", "_theta", "_views"):  # machine addresses; and copies of what coefs_ holds
            state.pop(name, None)
        return state
