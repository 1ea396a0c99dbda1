"""From a fitted estimator to a Model, which is saved without pickle, exported, and read by the command line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.estimators.estimator import Estimator
from chainrule.estimators.parameter_views import packed
from chainrule.formulas import weighted
from chainrule.history import History
from chainrule.sample_weights import require_some, require_weights

if TYPE_CHECKING:
    from chainrule.data import Encoder
    from chainrule.model import Model
    from chainrule.target_encoding import Outputs

VALUE_TYPES = {str: "text", bool: "boolean", int: "integer", float: "number"}  # of a Target, by the type of its classes


def to_model(estimator: Estimator, target: str, columns: Sequence[str] | None, y: Any, sample_weight: Any) -> "Model":
    """As the method."""
    from chainrule.data import Target
    from chainrule.model import Model

    _require_one_target(estimator)
    encoder = _encoder(estimator, columns)
    if not (isinstance(target, str) and target.strip()) or target in encoder.columns:
        raise RequestError(
            f"target is the name of what is predicted, which no column of X has too; {target!r} is not. Choose another."
        )
    if "classes_" in vars(estimator):
        classes, value_type = model_classes(estimator.classes_)
        gaps = () if value_type == "text" else encoder.gaps.numbers
        made = Target(target, "classification", classes, value_type, "classes of an estimator", gaps)
    else:
        made = Target(target, "regression", (), "number", "numbers of an estimator", encoder.gaps.numbers)
    return Model(
        estimator._network,
        np.array(packed(estimator)),
        encoder,
        made,
        _outputs(estimator, y, sample_weight),
        translation.recipe(estimator),
        getattr(estimator, "history_", None) or History(),
        functions=dict(estimator._functions),
    )


def _require_one_target(estimator: Estimator) -> None:
    if getattr(estimator, "_labels", None) is not None and estimator._labels.multilabel:
        what = f"is multi-label, with {estimator.n_outputs_} labels"
    elif "classes_" not in vars(estimator) and estimator.n_outputs_ > 1:
        what = f"has {estimator.n_outputs_} outputs"
    else:
        return
    raise RequestError(f"a Model predicts one target, and this estimator {what}: make an estimator for each.")


def _encoder(estimator: Estimator, columns: Sequence[str] | None) -> "Encoder":
    """The estimator's own, or one that passes numbers through."""
    from chainrule.data import Encoder, Gaps
    from chainrule.data.numeric_features import NumericFeatures, Scale

    own, count = estimator._encoder, estimator.n_features_in_
    at_fit = estimator._columns if own else vars(estimator).get("feature_names_in_", [f"x{j}" for j in range(count)])
    names = list(at_fit if columns is None else columns)
    often = Counter(names)
    unusable = [name for name in names if not (isinstance(name, str) and name.strip()) or often[name] > 1]
    if len(names) != count or unusable:
        wrong = f"{unusable[0]!r} is among these" if unusable else f"these are {len(names)}"
        raise RequestError(
            f"X has {count} columns, which need as many different names, and {wrong}: give columns=[...]."
        )
    if own is None:
        passed = Scale(None, 0.0, 1.0)
        numbers = tuple(NumericFeatures(name, "number", (passed,), indicator=False) for name in names)
        return Encoder(numbers, gaps=Gaps())
    called = dict(zip(at_fit, names, strict=True))
    parts = [replace(part, column=called[part.column]) for part in own.parts]
    if estimator.missing_values == "error":
        for j, part in enumerate(parts):
            if isinstance(part, NumericFeatures):
                parts[j] = replace(part, scales=tuple(replace(scale, fill=None) for scale in part.scales))
    left_out, constant = (tuple(called[name] for name in names) for names in (own.left_out, own.constant))
    return Encoder(tuple(parts), left_out, constant, own.gaps)


def model_classes(labels: Any) -> tuple[tuple[Any, ...], Any]:
    """The classes as Python's own values, and the value type of the Target."""
    classes = tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
    kinds = {type(label) for label in classes}
    value_type = VALUE_TYPES.get(kinds.pop()) if len(kinds) == 1 else None
    if value_type is None:
        raise RequestError(
            "the classes of a Model are texts, booleans or numbers, all of one kind; not "
            f"{', '.join(map(repr, classes[:5]))}. Train with other labels."
        )
    return classes, value_type


def _outputs(estimator: Estimator, y: Any, sample_weight: Any) -> "Outputs":
    from chainrule.target_encoding import Outputs

    known = None if y is None else np.asarray(y).reshape(-1)
    if known is not None and not len(known):
        raise RequestError("y has no rows: give the targets of the training rows, or leave it out.")
    weight = None
    if sample_weight is not None:
        if known is None:
            raise RequestError("sample_weight is that of the rows of y: give y too.")
        weight = require_weights(sample_weight, len(known), what="sample_weight")
        require_some(weight, "row")
    if "classes_" not in vars(estimator):
        mean = 0.0 if known is None else weighted.mean(known.astype(np.float64), weight)
        if not isfinite(mean):
            raise RequestError(f"the mean of y is {mean}: give the targets of the training rows, which are finite.")
        return Outputs(1, 0.0, 1.0, (mean,))
    K = len(estimator.classes_)
    if known is None:
        return Outputs(estimator.n_outputs_, 0.0, 1.0, (1.0 / K,) * K)
    strange = known[~np.isin(known, estimator.classes_)]
    if len(strange):
        listed = ", ".join(map(str, estimator.classes_[:20]))
        raise RequestError(f"y has the class {strange[0]!r}, which the estimator does not know. Its classes: {listed}.")
    shares = weighted.shares(estimator._labels.places(known), K, weight)
    return Outputs(estimator.n_outputs_, 0.0, 1.0, tuple(shares.tolist()))
