"""Ensemble: several networks on the same columns, whose predictions are averaged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.arguments import integer
from chainrule.data import Encoder, Target
from chainrule.errors import RequestError
from chainrule.formulas.table import Functions
from chainrule.model import Model, TableModel, versions
from chainrule.packs import TrainedNetwork, mean_outputs
from chainrule.target_encoding import Outputs


def one_network(model: Any) -> Any:
    """The model itself, or whatever it is. RequestError: an Ensemble, where one network is asked for."""
    if isinstance(model, Ensemble):
        raise RequestError(
            f"an Ensemble has {len(model.networks)} networks, and one is needed here: give ensemble.member(0), the one "
            "with the largest share, or another."
        )
    return model


@dataclass(frozen=True, eq=False)
class Ensemble(TableModel):
    """Trained networks with all that is needed to use them on a table: A[L] is the mean of theirs, by their shares.

    networks    with their parameters, recipes, histories and shares, the largest share first
    encoder     turns a table into the matrix X, and into codes of categories
    target      what is predicted, and its classes
    outputs     turns targets into Y and predictions into answers
    report      how good it was on the rows held out for testing; None where there were none
    functions   custom functions by name, where the networks use any
    made_with   the versions of what it was trained with

    RequestError: no networks, shares that do not sum to 1, networks of different losses.
    """

    networks: tuple[TrainedNetwork, ...]
    encoder: Encoder
    target: Target
    outputs: Outputs
    report: Mapping[str, Any] | None = None
    functions: Functions = field(default_factory=dict)
    made_with: Mapping[str, str] = field(default_factory=versions)

    def __post_init__(self) -> None:
        """See the class."""
        shares = [one.share for one in self.networks]
        if not shares or min(shares) <= 0.0 or abs(sum(shares) - 1.0) > 1e-9:
            raise RequestError(f"the shares of an ensemble's networks are above 0 and sum to 1, not {shares}.")
        losses = {one.network.loss for one in self.networks}
        if len(losses) > 1:
            raise RequestError(f"the networks of an ensemble have one loss, not {', '.join(sorted(losses))}.")

    @property
    def loss(self) -> str:
        """That of every network."""
        return self.networks[0].network.loss

    def member(self, i: int = 0) -> Model:
        """One of the networks as a Model: what can be explained, checked and plotted. RequestError: there is none."""
        if integer("member", i, 0) >= len(self.networks):
            raise RequestError(f"member is one of the {len(self.networks)} networks, counted from 0, not {i}.")
        one = self.networks[i]
        parts = one.network, one.theta, self.encoder, self.target, self.outputs, one.recipe, one.history
        return Model(*parts, functions=self.functions, made_with=self.made_with)

    def _A_L(self, table: Any, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
        return mean_outputs(self.networks, *self.rows(table, rows), self.functions)
