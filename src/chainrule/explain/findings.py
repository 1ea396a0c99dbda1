"""What a diagnosis is made of: the evidence that symptoms are looked for in, and what is found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.subject import Subject
from chainrule.explain.trace import Trace, trace
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.history import History

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MAX_ROWS = 2000  # traced: a share of units or rows is then known to about a hundredth, 1 / (2 sqrt(2000))
SHOWN = 12  # units or columns that the text names
STEPS = (0.01, 0.1, 1.0)  # lengths of a trial step, in lengths of theta


@dataclass(frozen=True)
class Finding:
    """One thing that stands out.

    name        of the symptom
    measure     what ``number`` is, with its unit; it was found because ``number`` is beyond ``threshold``
    meaning     what that is, in a sentence; ``advice``: what to do
    layers      the layers concerned; ``units``: the units concerned by layer, counted from 0
    columns     the names of the inputs or outputs concerned
    """

    name: str
    measure: str
    number: float
    threshold: float
    meaning: str
    advice: str
    layers: tuple[int, ...] = ()
    units: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        within = {l: f", {_listed('unit', units)}" for l, units in self.units.items()}
        where = [f"layer {l}{within.get(l, '')}" for l in self.layers]
        where += [_listed("column", self.columns)] if self.columns else []
        head = f"{self.name}: {'; '.join(where)}" if where else self.name
        number = f"{self.measure}: {self.number:.3g} (threshold {self.threshold:.3g})"
        return "\n  ".join([head, number, self.meaning, f"What to do: {self.advice}"])


@dataclass(frozen=True, eq=False)
class Evidence:
    """What symptoms are looked for in.

    subject    the network with all rows
    trace      one pass over at most MAX_ROWS of them, drawn without replacement
    history    the curves of the training; empty where none are known
    """

    subject: Subject
    trace: Trace
    history: History

    @classmethod
    def of(cls, subject: Subject) -> "Evidence":
        """The evidence about a network with rows and targets. RequestError: no targets."""
        rows = np.arange(len(subject.X))
        if len(rows) > MAX_ROWS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MAX_ROWS, replace=False))
        some = subject.take(rows)
        some.targets  # noqa: B018  the message where there are none
        history = subject.history
        return cls(subject, trace(some, None), History() if history is None else history)

    @cached_property
    def not_finite(self) -> str:
        """Where there is a number that is not finite, in all rows and in the trace; "" where there is none."""
        for name, V in (("theta", self.subject.theta), ("X", self.subject.X), ("Y", self.subject.targets)):
            if not np.isfinite(V).all():
                place = tuple(np.argwhere(~np.isfinite(V))[0].tolist())
                return f"{name}[{','.join(map(str, place))}] is {V[place]}"
        return self.trace.not_finite()

    @property
    def hidden(self) -> range:
        """The hidden layers."""
        return range(1, self.trace.L)

    def steepest(self, l: int) -> float | None:
        """The largest g' of a layer whose activation is bounded; None where it is not."""
        of = self.subject
        return ACTIVATIONS.make(of.network.activation[l - 1], np, functions=of.functions).steepest

    @cached_property
    def varying(self) -> Places:
        """The columns of X that are not the same in all rows."""
        X = self.subject.X
        return np.flatnonzero(X.min(axis=0) < X.max(axis=0))

    @cached_property
    def varying_codes(self) -> Places:
        """The columns of codes that are not the same in all rows."""
        codes = self.subject.codes
        return np.flatnonzero(codes.min(axis=0) < codes.max(axis=0)) if codes is not None else np.array([], np.int64)

    @cached_property
    def classes(self) -> Floats | None:
        """Which class each traced row has, (m, K) of 0 and 1; None in regression and with several labels a row."""
        Y = self.trace.subject.targets
        if self.trace.formulas.loss.task != "classification":
            return None
        Y = np.hstack([1.0 - Y, Y]) if Y.shape[1] == 1 else Y
        return Y if np.isin(Y, (0.0, 1.0)).all() and (Y.sum(axis=1) == 1.0).all() else None

    @cached_property
    def gain(self) -> float:
        """By how much of itself one step against the gradient lowers J, on the traced rows: the best of STEPS."""
        of, dtheta = self.trace.subject, self.trace.dtheta
        theta = of.theta.astype(np.float64)
        length = float(np.linalg.norm(dtheta))
        if self.not_finite or length == 0.0 or self.trace.J == 0.0:
            return 0.0
        step = float(np.linalg.norm(theta)) / length * dtheta
        least = np.nanmin([trace(replace(of, theta=theta - s * step), None).J for s in STEPS])
        return max(float(self.trace.J - least) / abs(self.trace.J), 0.0)

    def names(self, columns: Sequence[int] | Places) -> tuple[str, ...]:
        """The names of columns of X."""
        return tuple(str(self.subject.inputs[k]) for k in columns)

    def category_names(self, columns: Sequence[int] | Places) -> tuple[str, ...]:
        """The names of columns of codes."""
        return tuple(str(self.subject.categories[k]) for k in columns)


def _listed(what: str, items: Sequence[Any]) -> str:
    """The items behind the word for them."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{what}{'s' if len(items) > 1 else ''} {', '.join(map(str, items[:SHOWN]))}{more}"
