"""Forward and backward propagation of a whole network: Z, A, J and dtheta, assembled here and nowhere else.

    J = sum over examples i of share_i (loss_i + penalty),   share_i = w_i / S

S is the sum of the weights of the whole step. Where the examples are a part of a step, S is handed in, and they give
their part of J and dtheta: the parts of all add up to those of the step, penalties included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.formulas import equations
from chainrule.formulas.equations import Layers
from chainrule.formulas.table import Array, Functions, Namespace
from chainrule.inputs import InputLayers
from chainrule.network import Network, Parameters


@dataclass(frozen=True, eq=False)
class Pass:
    """Every number of one pass; lists by l = 0..L, entries that do not exist are None.

    p                the parameters W[l], b[l]
    Z, A             forward
    dZ, dA           backward; dA[L] is left out: the loss gives dZ[L]; dA[0] only where input layers learn
    gradient         dJ/dV of each block V of theta by name, such as "W[1]", penalties included
    share            how much each example counts, (m,)
    loss             of each example, by output where the loss has them apart
    penalty          what the penalties add to J
    J                the cost
    """

    p: Parameters
    Z: Layers
    A: Layers
    dZ: Layers
    dA: Layers
    gradient: dict[str, Array]
    share: Array
    loss: Array
    penalty: Any
    J: Any


class Propagation:
    """The pass of a network, on an array namespace.

    X is (numbers, m), Y (n[L], m), w the weights, (m,), and codes (columns of codes, m) where input layers take some.

    >>> of = Propagation(Network((2, 1)))
    >>> done = of.backward(np.array([1.0, 2.0, 0.5]), np.array([[1.0], [3.0]]), np.array([[7.0]]), np.ones(1))
    >>> done.A[1].tolist(), float(done.J), of.dtheta(done).tolist()
    ([[7.5]], 0.125, [0.5, 1.5, 0.5])
    """

    def __init__(self, network: Network, xp: Namespace = np, functions: Functions | None = None) -> None:
        self.network = network
        self.xp = xp
        self.formulas = network.formulas(xp, functions)
        self.inputs = InputLayers(network.input_layers, network.n[0], xp)

    def forward(self, theta: Array, X: Array, codes: Array | None = None) -> tuple[Layers, Layers]:
        """Z[1..L] and A[0..L]."""
        p = Parameters(self.network, theta, self.xp)
        return equations.forward(p.W, p.b, self.formulas.g, self.inputs.forward(p.views, X, codes))

    def cost(
        self,
        theta: Array,
        X: Array,
        Y: Array,
        w: Array,
        codes: Array | None = None,
        S: Any = None,
        penalties: bool = True,
    ) -> Any:
        """J, with its penalties or without."""
        p = Parameters(self.network, theta, self.xp)
        share, S, part = self._shares(w, S)
        Z, _ = equations.forward(p.W, p.b, self.formulas.g, self.inputs.forward(p.views, X, codes))
        J = equations.cost(self.xp, self.formulas.loss, Z[-1], Y, share)
        return J + part * self._penalty(p, S) if penalties and self.formulas.penalties else J

    def backward(
        self,
        theta: Array,
        X: Array,
        Y: Array,
        w: Array,
        codes: Array | None = None,
        S: Any = None,
        dropped: Mapping[int, Array] | None = None,
    ) -> Pass:
        """A whole pass, forward and back; ``dropped``: D[l] of the layers with dropout, see ``equations.dropped``."""
        xp, f = self.xp, self.formulas
        p = Parameters(self.network, theta, xp)
        g, slope = list(f.g), list(f.slope)
        for l, D in (dropped or {}).items():
            g[l], slope[l] = equations.dropped(f.g[l], f.slope[l], D)  # pyright: ignore[reportArgumentType]  # hidden
        share, S, part = self._shares(w, S)
        Z, A = equations.forward(p.W, p.b, g, self.inputs.forward(p.views, X, codes))
        loss = f.loss.value(Z[-1], Y)
        dZ_L = equations.output_delta(f.loss, Z[-1], Y, share)
        learns = bool(self.inputs.inputs)  # something before W[1]
        dW, db, dZ, dA = equations.backward(xp, p.W, slope, Z, A, dZ_L, inputs=learns)
        gradient = {f"{V}[{l}]": dV[l] for l in range(1, self.network.L + 1) for V, dV in (("W", dW), ("b", db))}
        if learns:
            gradient |= self.inputs.backward(p.views, X, codes, dA[0])
        for row in f.penalties:
            for name in self._penalised:
                gradient[name] = gradient[name] + part * row.slope(p.views[name], S)
        penalty = part * self._penalty(p, S)
        return Pass(p, Z, A, dZ, dA, gradient, share, loss, penalty, xp.sum(share * loss) + penalty)

    def input_gradient(
        self, theta: Array, X: Array, Z: Layers, A: Layers, dZ_L: Array, codes: Array | None = None
    ) -> Array:
        """dX (numbers, m) of a pass forward, from dZ[L]."""
        p = Parameters(self.network, theta, self.xp)
        dA = equations.backward(self.xp, p.W, self.formulas.slope, Z, A, dZ_L, inputs=True)[3]
        return self.inputs.dX(p.views, X, codes, dA[0])

    def dtheta(self, done: Pass) -> Array:
        """The gradient of a pass as one vector, (size,)."""
        return self.network.layout.vector(done.gradient, self.xp)

    @property
    def _penalised(self) -> list[str]:
        return [block.name for block in self.network.layout if block.role.penalised]

    def _penalty(self, p: Parameters, S: float) -> Any:
        total: Any = 0.0
        for row in self.formulas.penalties:
            for name in self._penalised:
                total = total + self.xp.sum(row.value(p.views[name], S))
        return total

    def _shares(self, w: Array, S: Any) -> tuple[Array, float, float]:
        """share (m,), S, and the examples' part of the step: 1 where they are all of it."""
        if S is None:
            share, S = equations.share(self.xp, w)
            return share, float(S), 1.0
        return w / S, float(S), float(self.xp.sum(w)) / float(S)
