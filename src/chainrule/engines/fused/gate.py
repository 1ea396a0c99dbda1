"""The gate: every array passes here on its way to compiled code, which has nothing but its address.

Compiled code takes it that numbers have the dtype and the byte order of this machine, stand where such numbers may
stand, follow each other in rows, are as many as the network has, and may be written where it writes. Here that is made
sure of: a copy is passed on where one is enough, and what has another shape is refused.

    read      theta, dtheta, examples: copied where they are in another form
    moved     theta and moments of a state that is trained on in place: copied, too, where writing them could be seen
              by others (a memory map, the buffer of a pickle, memory of another process or library) or is forbidden
"""

from collections.abc import Callable
from ctypes import addressof, c_char
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from chainrule.engines.checks import as_reals, moment_name, read_codes, require_examples, require_moments
from chainrule.engines.fused.signatures import At
from chainrule.engines.protocol import State
from chainrule.formulas.optimizers import Optimizer
from chainrule.network import Network, require_theta
from chainrule.sources import Examples

# What stands in an array, as arguments call it, by its dtype; those of another byte order are not among them.
KINDS = {np.dtype(kind): kind for kind in ("float32", "float64", "int64")}
KINDS |= {np.dtype(np.uint64): "int64", np.dtype(np.uint8): "bytes"}


class Rows(NamedTuple):
    """Examples as compiled code reads them, row by row: X (m, numbers), Y (m, n[L]), weight (m,).

    codes    (m, columns of codes), each among its column's levels; None where there are none
    copied   some of them are not the arrays that were given
    """

    X: Any
    Y: Any
    weight: Any
    codes: Any
    copied: bool

    @property
    def m(self) -> int:
        """How many there are."""
        return len(self.weight)

    @property
    def arrays(self) -> dict[str, Any]:
        """Those that there are, by the names that programs have for them."""
        arrays = {"X": self.X, "Y": self.Y, "weights": self.weight}
        return arrays if self.codes is None else arrays | {"codes": self.codes}


class Gate:
    """The gate of an engine.

    copied    makes a vector of the engine's own: of these values, and for a number, see ``memory.placed``
    """

    def __init__(self, network: Network, optimizer: Optimizer, copied: Callable[[Any, int], Any]) -> None:
        self._network = network
        self._optimizer = optimizer
        self._copied = copied
        self._dtype = np.dtype(network.dtype)

    def vector(self, name: str, given: Any) -> Any:
        """A vector with a number for each parameter, to be read. RequestError: it is none."""
        vector = as_reals(name, given, self._dtype)
        require_theta(vector, self._network, name)
        return _plain(vector)

    def rows(self, examples: Examples) -> Rows:
        """Examples, to be read. RequestError: they are not of this network, or none."""
        require_examples(examples, self._network)
        X, Y = as_reals("X", examples.X, self._dtype), as_reals("Y", examples.Y, self._dtype)
        given = (X, Y, as_reals("weight", examples.weight, self._dtype))
        codes = read_codes(examples.codes, examples.m, self._network)
        rows = [*map(_plain, given), codes if codes is None else _plain(codes)]
        same = map(is_, rows, (examples.X, examples.Y, examples.weight, examples.codes))
        return Rows(*rows, copied=not all(same))

    def copies(self, state: State) -> list[Any]:
        """theta and the moments, copied. RequestError: they are not what this network and optimiser have."""
        return [self._copied(vector, number) for number, vector in enumerate(self._vectors(state))]

    def movable(self, state: State, rows: Rows) -> State:
        """The state with vectors that may be written: the given ones where nobody would notice, else copies."""
        moved: list[Any] = []
        for number, vector in enumerate(self._vectors(state)):
            own = is_own(vector)
            for other in (*moved, *rows.arrays.values()):
                own = own and not np.may_share_memory(vector, other)
            moved.append(vector if own else self._copied(vector, number))
        if moved[0] is state.theta and all(map(is_, moved[1:], state.moments)):
            return state
        return state._replace(theta=moved[0], moments=tuple(moved[1:]))

    def _vectors(self, state: State) -> list[Any]:
        require_moments(state, self._optimizer)
        moments = [self.vector(moment_name(i), moment) for i, moment in enumerate(state.moments)]
        return [self.vector("theta", state.theta), *moments]


def addresses(rows: Rows | None = None, **arrays: Any) -> dict[str, At]:
    """Where arrays that have passed are, by the names that programs have for them; they are for the caller to keep."""
    of_rows = {} if rows is None else rows.arrays
    return {name: at(array) for name, array in (of_rows | arrays).items()}


def moments(vectors: Any) -> dict[str, Any]:
    """Moments by the names that programs have for them."""
    return {f"moment {i}": vector for i, vector in enumerate(vectors)}


def at(array: Any) -> At:
    """Where the numbers of an array begin, and their dtype. TypeError: it is in no form for compiled code."""
    flags, kind = array.flags, KINDS.get(array.dtype)
    if kind is None or not (flags.c_contiguous and flags.aligned):
        raise TypeError(f"an array of {array.dtype} with strides {array.strides} has not passed the gate")
    try:
        return At(addressof(c_char.from_buffer(array)), kind)
    except (TypeError, ValueError):  # it may not be written, or is empty: this way takes three times as long
        return At(array.__array_interface__["data"][0], kind)


def is_own(array: Any) -> bool:
    """Whether it may be written, and so may all that it is a view of, up to one that NumPy has allocated itself.

    >>> is_own(np.zeros(3)[1:]), is_own(np.frombuffer(bytearray(8)))
    (True, False)
    """
    while isinstance(array, np.ndarray) and array.flags.writeable:
        if array.base is None:
            return bool(array.flags.owndata)
        array = array.base
    return False


def _plain(array: Any) -> Any:
    """The array where its numbers follow each other and are aligned, else a copy."""
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else np.array(array, order="C")
