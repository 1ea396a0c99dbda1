"""Which entries of theta are weights."""

import numpy as np


def is_weight(network):
    """True where theta holds a weight, False where a bias, (size,)."""
    mask = np.zeros(network.size, bool)
    for block in network.layout:
        mask[block.place] = block.role.penalised
    return mask
