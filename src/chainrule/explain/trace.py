"""Every number of one forward and backward pass, by layer, in the notes' letters; and where each comes from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError, nearest
from chainrule.explain.input_units import blocks_of, flat, place, slopes_by_example
from chainrule.explain.subject import Subject, subject
from chainrule.network import Formulas
from chainrule.propagation import Propagation

Floats = NDArray[np.float64]
Layers = list[Any]

NAMES = ("W", "b", "Z", "A", "dA", "dZ", "dW", "db")
SHOWN = 4  # entries of a row or column that the text shows


@dataclass(frozen=True, eq=False)
class Trace:
    """One pass over some rows, in float64: lists by layer, entry 0 of all but A being None.

    W[l], dW[l]   (n[l], n[l-1])     b[l], db[l]   (n[l], 1)
    Z[l], dZ[l]   (n[l], m)          A[l], dA[l]   (n[l], m); A[0] = X, and dA[L] is left out: the loss gives dZ[L]
    inputs        the parameters of input layers by name, such as "inputs[0].s"; ``dinputs``: their gradient, by the
                  same names. With them A[0] = e(X), and there is dA[0]; without them both are empty
    share         (m,), how much each row counts: 1/m
    loss          the loss of each row, (m,), summed over outputs
    penalty       what the penalties add to J; their slopes are part of dW
    J             the cost: sum_i share_i loss_i + penalty
    dtheta        dJ/dtheta, all parameters in one vector

    dV is dJ/dV. Dropout is left out. ``trace["dW", 2]`` is dW[2].
    """

    subject: Subject
    formulas: Formulas
    W: Layers
    b: Layers
    Z: Layers
    A: Layers
    dA: Layers
    dZ: Layers
    dW: Layers
    db: Layers
    share: Floats
    loss: Floats
    penalty: float
    J: float
    dtheta: Floats
    inputs: dict[str, Floats]
    dinputs: dict[str, Floats]

    @property
    def L(self) -> int:
        """Number of layers."""
        return self.subject.network.L

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.share)

    def __getitem__(self, of: tuple[str, int]) -> Floats:
        name, layer = of
        return self.array(name, layer)

    def array(self, name: str, layer: int) -> Floats:
        """The array of that name and layer. RequestError: there is none.

        Where a network has input layers there are also, of layer 0, "X" (numbers, m) and "codes" (columns of codes, m),
        and their parameters "inputs[0].s" and slopes "dinputs[0].s" as matrices (units, columns).
        """
        before = self.before
        if name in before and layer == 0:
            return before[name]
        if name not in NAMES:
            known = (*NAMES, *before)
            raise RequestError(f"there is no {name!r} in a trace{nearest(name, known)} It has {', '.join(known)}.")
        first = 0 if name == "A" or (name == "dA" and before) else 1
        last = self.L - 1 if name == "dA" else self.L
        if not first <= layer <= last:
            raise RequestError(f"{name} has layers {first} to {last} in this network, not {layer}.")
        return getattr(self, name)[layer]

    def slope(self, l: int) -> Floats:
        """g'(Z[l]) of a hidden layer, (n[l], m)."""
        made: Any = self.formulas.slope[l]
        return np.broadcast_to(made(self.Z[l], self.A[l]), self.Z[l].shape)

    @cached_property
    def before(self) -> dict[str, Any]:
        """What stands before A[0] where a network has input layers, as matrices by name; see ``array``."""
        if not self.inputs:
            return {}
        of = self.subject
        given = {"X": of.X.T.astype(np.float64)} | ({} if of.codes is None else {"codes": of.codes.T})
        learned = {name: flat(V) for name, V in self.inputs.items()}
        return given | learned | {f"d{name}": flat(V) for name, V in self.dinputs.items()}

    @cached_property
    def slopes_by_example(self) -> dict[str, Floats]:
        """By the names of ``inputs``: what each row adds to the slope of each parameter, (units, columns, m)."""
        return slopes_by_example(
            self.subject.network, self.inputs, self.before["X"], self.before.get("codes"), self.dA[0]
        )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name, such as "dW[2]"."""
        by_layer = {f"{name}[{l}]": V for name in NAMES for l, V in enumerate(getattr(self, name)) if V is not None}
        learned = self.inputs | {f"d{name}": V for name, V in self.dinputs.items()}
        return {name: tuple(V.shape) for name, V in (by_layer | learned).items()}

    def not_finite(self) -> str:
        """Where the first number arises that is not finite, in the order of the pass; "" where all are."""
        found = self.first_not_finite()
        if found is None:
            return ""
        name, l, row, col = found
        return f"J is {self.J}" if name == "J" else f"{place(*found)} is {self.array(name, l)[row, col]}"

    def first_not_finite(self) -> tuple[str, int, int, int] | None:
        """Its array, layer, row and column."""
        order = [(name, 0) for name in self.before if not name.startswith("d")]
        order += [("A", 0), *((n, l) for l in range(1, self.L + 1) for n in ("Z", "A"))]
        for l in range(self.L, 0, -1):
            order += [(n, l) for n in ("dZ", "dW", "db")] + [("dA", l - 1)] * (l > 1 or bool(self.before))
        order += [(f"d{name}", 0) for name in self.dinputs]
        for name, l in order:
            V = self.array(name, l)
            if not np.isfinite(V).all():
                row, col = (int(i) for i in np.argwhere(~np.isfinite(V))[0])
                return name, l, row, col
        return None if np.isfinite(self.J) else ("J", 0, 0, 0)

    def explain(self, name: str, layer: int = 0, row: int = 0, col: int = 0) -> Any:
        """The arithmetic of one entry, with all its terms; "J" has no place. Counting begins at 0, as in arrays."""
        from chainrule.explain.arithmetic import arithmetic

        return arithmetic(self, name, layer, row, col)

    def __str__(self) -> str:
        network = self.subject.network
        lines = [f"n = {network.n}, m = {self.m}, J = {self.J:.6g}  ({network.loss}{self._penalised()})"]
        lines += [_line(name, V) for name, V in self.before.items() if not name.startswith("d")]
        lines += [_line("A[0]", self.A[0])]
        for l in range(1, self.L + 1):
            lines += [_line(f"{name}[{l}]", getattr(self, name)[l]) for name in ("W", "b", "Z", "A")]
        for l in range(self.L, 0, -1):
            lines += [_line(f"{name}[{l}]", getattr(self, name)[l]) for name in ("dZ", "dW", "db")]
            if self.dA[l - 1] is not None:
                lines.append(_line(f"dA[{l - 1}]", self.dA[l - 1]))
        lines += [_line(name, V) for name, V in self.before.items() if name.startswith("d")]
        return "\n".join(lines)

    __repr__ = __str__

    def _penalised(self) -> str:
        return f" + {' + '.join(self.subject.network.penalties)}: {self.penalty:.6g}" if self.penalty else ""


def trace(model: Any, X: Any, y: Any = None) -> Trace:
    """Every Z, A, dA, dZ, dW, db and J of one pass of a Model or a fitted estimator over some rows.

    RequestError: rows that do not fit the model, or no targets.

    >>> from chainrule import MLPClassifier
    >>> model = MLPClassifier((2,), random_state=0, tol=1e9, n_iter_no_change=1).fit([[0.0], [1.0]], [0, 1])
    >>> t = trace(model, [[0.0], [1.0]], [0, 1])
    >>> t.dW[2].shape, bool(np.allclose(t.dZ[2], (t.A[2] - t.subject.targets.T) / 2))
    ((1, 2), True)
    """
    of = subject(model, X, y)
    propagation = Propagation(of.network, np, of.functions)
    with np.errstate(all="ignore"):  # what is not finite is shown as such
        done = propagation.backward(of.theta.astype(np.float64), **of.examples)
    m, learned = len(of.X), [block.name for block in blocks_of(of.network)]
    dW, db = ([None, *(done.gradient[f"{V}[{l}]"] for l in range(1, of.network.L + 1))] for V in "Wb")
    loss = np.sum(np.broadcast_to(done.loss, (len(done.loss), m)), axis=0)
    return Trace(
        of,
        propagation.formulas,
        *(done.p.W, done.p.b, done.Z, done.A, done.dA, done.dZ, dW, db),
        done.share,
        loss,
        float(done.penalty),
        float(done.J),
        propagation.dtheta(done),
        {name: done.p.views[name] for name in learned},
        {name: done.gradient[name] for name in learned},
    )


def _line(name: str, V: Floats) -> str:
    """The name, the shape, and the first entries."""
    rows = ["  ".join(f"{v:.6g}" for v in r[:SHOWN]) + ("  ..." if V.shape[1] > SHOWN else "") for r in V[:SHOWN]]
    more = [f"... ({V.shape[0]} rows)"] if V.shape[0] > SHOWN else []
    head = f"{name} ({V.shape[0]}, {V.shape[1]})  ".ljust(18)
    return f"\n{' ' * len(head)}".join([*rows, *more]).join([head, ""])
