"""The proofs for *Multi-layer networks*."""

import numpy as np

from chainrule.notes import neuron_da_prev, neuron_z
from tests.notes.errata_proofs.problem import differences
from tests.notes.errata_proofs.proof import Proof

_random = np.random.default_rng(0)
_W, _b = _random.standard_normal((3, 4)), _random.standard_normal((3, 1))
_a_prev, _dz = _random.standard_normal((4, 1)), _random.standard_normal((3, 1))

sum_over_j = Proof(
    "dJ/da[l-1] of a layer with 4 inputs and 3 units, by the last j alone",
    printed=lambda: np.array([[_dz[j, 0] * _W[j, k] for j in range(3)][-1] for k in range(4)]),
    correct=lambda: neuron_da_prev(_W, _dz)[:, 0],
    truth=lambda: differences(lambda v: np.sum(_dz * neuron_z(_W, _b, v["a"])), {"a": _a_prev}),
    fails=0.2,
)

PROOFS = {
    "multi-layer-6": sum_over_j,
}
