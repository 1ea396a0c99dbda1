"""Between class labels and the outputs of a network."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import multiclass

from chainrule.errors import RequestError
from chainrule.sample_weights import class_weights

KINDS = ("binary", "multiclass", "multilabel-indicator")


@dataclass(frozen=True)
class Labels:
    """The classes, sorted, and what they are: "binary" (one class too), "multiclass", or "multilabel-indicator".

    Two classes share one output, labels that do not exclude each other have one each; ``sparse`` is the class of their
    indicator where that was a sparse matrix, as it is then in predictions.

    >>> labels = Labels.fit(np.array(["b", "a", "c"]))
    >>> labels.encode(np.array(["c"])).tolist(), labels.codes(np.array([[0.1, 0.7, 0.2]])).tolist()
    ([[False, False, True]], [1])
    """

    classes: np.ndarray
    kind: str
    sparse: Any = None

    @classmethod
    def fit(cls, y: Any) -> "Labels":
        """From the targets of training rows. ValueError, scikit-learn's: no labels, or several columns of classes."""
        kind = multiclass.type_of_target(y, input_name="y")
        if kind not in KINDS:
            multiclass.check_classification_targets(y)
            raise ValueError("Multioutput target data is not supported: give one column, or an indicator of labels.")
        if kind == KINDS[2]:
            return cls(np.arange(y.shape[1]), kind, type(y) if hasattr(y, "toarray") else None)
        return cls(multiclass.unique_labels(y) if y.dtype == object else np.unique(y), kind)  # the latter is fast

    @classmethod
    def of(cls, classes: Any) -> "Labels":
        """From all the classes there will be."""
        classes = np.unique(classes)
        return cls(classes, "multiclass" if len(classes) > 2 else "binary")

    @classmethod
    def told(cls, classes: np.ndarray, y: np.ndarray) -> "Labels":
        """From all the classes there will be, in the form that the first targets ``y`` have.

        ValueError: labels that do not exclude each other, and ``classes`` that are not their numbers.
        """
        if not multiclass.type_of_target(y).startswith("multilabel"):
            return cls.of(classes)
        labels = cls.fit(y)
        if not np.array_equal(labels.classes, classes):
            raise ValueError(
                f"`y` has a column for each of {len(labels.classes)} labels, and classes={classes.tolist()}: "
                f"give classes=range({len(labels.classes)})."
            )
        return labels

    @property
    def multilabel(self) -> bool:
        """Whether the labels do not exclude each other."""
        return self.kind == KINDS[2]

    @property
    def multiclass(self) -> bool:
        """Whether there are three classes or more, of which each row has one."""
        return self.kind == "multiclass"

    def encode(self, y: Any) -> np.ndarray:
        """Y (m, n_outputs), bool, of labels that are all known."""
        if self.multilabel:
            return np.asarray(y.toarray() if hasattr(y, "toarray") else y).astype(bool)
        codes = self.places(y)
        return codes[:, None] == (np.arange(len(self.classes)) if self.multiclass else [1])

    def names(self) -> list[Any]:
        """The classes as Python's own values, by place; in multi-label those of one label, 0 and 1."""
        return [0, 1] if self.multilabel else self.classes.tolist()

    def require_class_weight(self, given: Any) -> None:
        """RequestError: a class_weight that is not for these classes."""
        if self.multilabel and not (given is None or isinstance(given, str)):
            if not isinstance(given, list) or len(given) != len(self.classes):
                raise RequestError(
                    f"class_weight of {len(self.classes)} labels that do not exclude each other is 'balanced', or a "
                    f"list with a dict for each, such as {{0: 1.0, 1: 2.0}}; not {given!r}."
                )
            for one in given:
                class_weights(one, self.names(), np.zeros(0, np.intp))
        elif not isinstance(given, str):
            class_weights(given, self.names(), np.zeros(0, np.intp))

    def weights(self, given: Any, Y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """How much each row counts by its class, (m,), for a class_weight; None where all count the same.

        Y and weight are those of the training rows, which "balanced" is about.
        """
        if given is None:
            return None
        total = np.ones(len(Y))
        for k, codes in enumerate(self.codes_of_targets(Y)):
            by_class = class_weights(given[k] if isinstance(given, list) else given, self.names(), codes, weight)
            if by_class is not None:
                total *= by_class[codes]
        return total

    def codes_of_targets(self, Y: np.ndarray) -> list[np.ndarray]:
        """The places of the classes of rows, (m,), from what ``encode`` makes of them; in multi-label of each label."""
        if self.multilabel:
            return list(Y.T.astype(np.intp))
        return [Y.argmax(axis=1) if self.multiclass else Y[:, 0].astype(np.intp)]

    def places(self, y: Any) -> np.ndarray:
        """The place of each label among the classes, (m,)."""
        return np.searchsorted(self.classes, np.asarray(y).reshape(-1))

    def codes(self, A_L: np.ndarray) -> np.ndarray:
        """The place of the likeliest class of each row, (m,)."""
        single = A_L.shape[1] == 1 and len(self.classes) > 1
        return (A_L[:, 0] > 0.5).astype(np.intp) if single else A_L.argmax(axis=1)

    def decode(self, A_L: np.ndarray) -> Any:
        """The labels of rows, (m,), or their indicator, (m, K)."""
        if not self.multilabel:
            return self.classes.take(self.codes(A_L))
        indicator = (A_L > 0.5).astype(int)
        return indicator if self.sparse is None else self.sparse(indicator)

    def binarizer(self) -> LabelBinarizer:
        """The same for scikit-learn's estimator."""
        fitted = LabelBinarizer()
        return fitted.fit(np.eye(len(self.classes), dtype=int) if self.multilabel else self.classes)
