"""From a fitted estimator to a Model, which is saved without pickle, exported, and read by the command line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import RequestError
from chainrule.estimators import translation
from chainrule.formulas import weighted
from chainrule.history import History
from chainrule.sample_weights import require_some, require_weights

if TYPE_CHECKING:
    from chainrule.data import Encoder
    from chainrule.model import Model
    from chainrule.target_encoding import Outputs

VALUE_TYPES = {str: "text", bool: "boolean", int: "integer", float: "number"}  # of a Target, by the type of its classes


class AsModel:
    """``to_model`` and ``save``."""

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
        from chainrule.data import Target
        from chainrule.model import Model

        me: Any = self
        check_is_fitted(me)
        _require_one_target(me)
        encoder = _encoder(me, columns)
        if not (isinstance(target, str) and target.strip()) or target in encoder.columns:
            raise RequestError(
                f"target is the name of what is predicted, which no column of X has too; {target!r} is not. Choose "
                "another."
            )
        if "classes_" in vars(me):
            classes, value_type = _classes(me.classes_)
            gaps = () if value_type == "text" else encoder.gaps.numbers
            made = Target(target, "classification", classes, value_type, "classes of an estimator", gaps)
        else:
            made = Target(target, "regression", (), "number", "numbers of an estimator", encoder.gaps.numbers)
        watches_validation = me._stops_early and me.scoring == "loss"
        return Model(
            me._network,
            np.array(me._packed()),
            encoder,
            made,
            _outputs(me, y, sample_weight),
            translation.recipe(me, vars(me).get("_seed", 0), watches_validation),
            vars(me).get("history_") or History(),
            functions=dict(me._functions),
        )

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


def _require_one_target(me: Any) -> None:
    if getattr(me, "_labels", None) is not None and me._labels.multilabel:
        what = f"is multi-label, with {me.n_outputs_} labels"
    elif "classes_" not in vars(me) and me.n_outputs_ > 1:
        what = f"has {me.n_outputs_} outputs"
    else:
        return
    raise RequestError(f"a Model predicts one target, and this estimator {what}: make an estimator for each.")


def _encoder(me: Any, columns: Sequence[str] | None) -> "Encoder":
    """The estimator's own, or one that passes numbers through."""
    from chainrule.data import Encoder, Gaps
    from chainrule.data.features import NumericFeatures, Scale

    own, count = me._encoder, me.n_features_in_
    at_fit = me._columns if own else vars(me).get("feature_names_in_", [f"x{j}" for j in range(count)])
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
    if me.missing_values == "error":
        for j, part in enumerate(parts):
            if isinstance(part, NumericFeatures):
                parts[j] = replace(part, scales=tuple(replace(scale, fill=None) for scale in part.scales))
    left_out, constant = (tuple(called[name] for name in names) for names in (own.left_out, own.constant))
    return Encoder(tuple(parts), left_out, constant, own.gaps)


def _classes(labels: Any) -> tuple[tuple[Any, ...], Any]:
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


def _outputs(me: Any, y: Any, sample_weight: Any) -> "Outputs":
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
    if "classes_" not in vars(me):
        mean = 0.0 if known is None else weighted.mean(known.astype(np.float64), weight)
        if not isfinite(mean):
            raise RequestError(f"the mean of y is {mean}: give the targets of the training rows, which are finite.")
        return Outputs(1, 0.0, 1.0, (mean,))
    K = len(me.classes_)
    if known is None:
        return Outputs(me.n_outputs_, 0.0, 1.0, (1.0 / K,) * K)
    strange = known[~np.isin(known, me.classes_)]
    if len(strange):
        listed = ", ".join(map(str, me.classes_[:20]))
        raise RequestError(f"y has the class {strange[0]!r}, which the estimator does not know. Its classes: {listed}.")
    shares = weighted.shares(me._labels.places(known), K, weight)
    return Outputs(me.n_outputs_, 0.0, 1.0, tuple(shares.tolist()))
