"""From what a tabular estimator has learned to an Ensemble, which is saved without pickle and has a command line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import RequestError
from chainrule.estimators.labels import Labels
from chainrule.estimators.to_model import model_classes
from chainrule.packs import TrainedNetwork

if TYPE_CHECKING:
    from chainrule.data import Encoder
    from chainrule.ensemble import Ensemble

Networks = tuple[TrainedNetwork, ...]


def ensemble_of_classes(
    networks: Networks,
    encoder: "Encoder",
    target: str,
    labels: Labels,
    shares: np.ndarray,
    calibration: tuple[float, float] | None,
) -> "Ensemble":
    """``shares`` are those of the classes in the training rows."""
    from chainrule.data import Target
    from chainrule.ensemble import Ensemble
    from chainrule.target_encoding import Outputs

    classes, value_type = model_classes(labels.classes)
    gaps = () if value_type == "text" else encoder.gaps.numbers
    made = Target(_name(target, encoder), "classification", classes, value_type, "classes of an estimator", gaps)
    outputs = Outputs(networks[0].network.n[-1], 0.0, 1.0, tuple(shares.tolist()), calibration=calibration)
    return Ensemble(networks, encoder, made, outputs)


def ensemble_of_numbers(
    networks: Networks,
    encoder: "Encoder",
    target: str,
    shift: float,
    scale: float,
    bounds: Sequence[float] | None,
) -> "Ensemble":
    """Several quantiles are of one target, so that they share its scale and its bounds."""
    from chainrule.data import Target
    from chainrule.ensemble import Ensemble
    from chainrule.target_encoding import Outputs

    gaps = encoder.gaps.numbers
    made = Target(_name(target, encoder), "regression", (), "number", "numbers of an estimator", gaps)
    ends = None if bounds is None else (float(bounds[0]), float(bounds[1]))
    outputs = Outputs(networks[0].network.n[-1], float(shift), float(scale), (float(shift),), bounds=ends)
    return Ensemble(networks, encoder, made, outputs)


def several_targets(what: str) -> RequestError:
    """What to raise where there is more than one."""
    return RequestError(f"an Ensemble predicts one target, and this estimator {what}: make an estimator for each.")


def _name(target: str, encoder: "Encoder") -> str:
    if not target.strip() or target in encoder.columns:
        raise RequestError(
            f"target must be the name of what is predicted, which no column of X has, not {target!r}: choose another."
        )
    return target
