"""How theta is laid out: one array, a list, or a dict of arrays, seen as one vector with named parts and layers."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.layout import BIAS, WEIGHT, Role
from chainrule.network import Network, Parameters

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_WEIGHT = re.compile(r"(w|weights?|theta|coefs?|kernel)\W*_?(\d*)\W*", re.IGNORECASE)
_BIAS = re.compile(r"(b|bias|biases|intercepts?)\W*_?(\d*)\W*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class NamedPart:
    """One line of a report: a name, and where its entries stand in the vector.

    role    what they are; None where that is not known
    layer   the dense layer that they are part of; 0 for none, as for those of input layers
    """

    name: str
    index: Indices
    role: Role | None = None
    layer: int = 0


@dataclass(frozen=True, eq=False)
class Structure:
    """A structure of arrays and the vector of all their entries.

    parts          what is reported one by one
    W, b           by layer: places of W[l] as (n[l], n[l-1]) and of b[l] as (n[l],); b lacks what has no biases
    restore        the structure, from a vector
    entries        the arrays of a structure like theta, in order; a gradient may call W1 dW1, and hold more
    shapes         of these arrays, and their names
    bias_units     True where the biases are a column of the weights, as in Theta notation
    """

    size: int
    parts: tuple[NamedPart, ...]
    restore: Callable[[Floats], Any]
    entries: Callable[[Any], list[Any]]
    shapes: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    W: Mapping[int, Indices] = field(default_factory=dict)
    b: Mapping[int, Indices] = field(default_factory=dict)
    bias_units: bool = False

    @property
    def L(self) -> int:
        """Number of layers; 0 where theta is not known to have any."""
        return max(self.W, default=0)

    def of_layer(self, l: int) -> list[NamedPart]:
        """The parts of one layer."""
        return [p for p in self.parts if p.layer == l]


def of_network(network: Network) -> Structure:
    """theta of a network, a part for each block of its layout."""
    p = Parameters(network, np.arange(network.size))
    layers = range(1, network.L + 1)
    layer_of = {f"{V}[{l}]": l for l in layers for V in ("W", "b")}
    parts = [NamedPart(V.name, p.views[V.name], V.role, layer_of.get(V.name, 0)) for V in network.layout]
    W, b = {l: p.W[l] for l in layers}, {l: p.b[l][:, 0] for l in layers}
    return Structure(network.size, tuple(parts), lambda v: v, lambda v: [v], ((network.size,),), ("theta",), W, b)


def of_structure(theta: Any) -> tuple[Structure, Floats]:
    """The layout of an array, a list, a tuple or a dict of arrays, and its vector in float64.

    RequestError: something else; entries that are no floats, or not finite; no entry at all.
    """
    names, given = _named(theta)
    arrays = [_floats(name, V) for name, V in zip(names, given, strict=True)]
    shapes = tuple(V.shape for V in arrays)
    ends = np.cumsum([0, *(V.size for V in arrays)])
    if ends[-1] == 0:
        raise RequestError(
            "theta holds no number: expected an array, or a list or dict of arrays, to differentiate by."
        )
    at = [np.arange(start, end).reshape(V.shape) for start, end, V in zip(ends, ends[1:], arrays, strict=False)]
    scalars = [isinstance(V, float) for V in given]

    def restore(v: Floats) -> Any:
        back = [float(v[i]) if scalar else v[i] for i, scalar in zip(at, scalars, strict=True)]
        if isinstance(theta, Mapping):
            return dict(zip(theta, back, strict=True))
        return type(theta)(back) if type(theta) in (list, tuple) else back[0]

    def entries(structure: Any) -> list[Any]:
        return _like(theta, structure)

    roles, W, b, bias_units = _roles(list(theta) if isinstance(theta, Mapping) else None, at)
    parts: list[NamedPart] = []
    for name, index, (kind, l) in zip(names, at, roles, strict=True):
        if kind == "Theta":
            parts += [
                NamedPart(f"{name}[:, 1:]", index[:, 1:], WEIGHT, l),
                NamedPart(f"{name}[:, 0]", index[:, 0], BIAS, l),
            ]
        else:
            parts.append(NamedPart(name, index, {"W": WEIGHT, "b": BIAS}.get(kind), l))
    vector = np.concatenate([V.reshape(-1) for V in arrays])
    layout = Structure(int(ends[-1]), tuple(parts), restore, entries, shapes, tuple(names), W, b, bias_units)
    return layout, vector


def _named(theta: Any) -> tuple[list[str], list[Any]]:
    if isinstance(theta, Mapping):
        return [str(key) for key in theta], list(theta.values())
    if isinstance(theta, (list, tuple)):
        return [f"theta[{i}]" for i in range(len(theta))], list(theta)
    return ["theta"], [theta]


def _floats(name: str, given: Any) -> Floats:
    try:
        V = np.asarray(given)
    except ValueError:
        V = np.asarray(None)
    if V.dtype.kind in "iub":
        raise RequestError(
            f"{name} holds {V.dtype}, but a derivative needs steps between integers: expected floats, such as "
            f"{name}.astype(float)."
        )
    if V.dtype.kind != "f":
        raise RequestError(f"{name} must be an array of floats, not {type(given).__name__} ({V.dtype}).")
    if not np.isfinite(V).all():
        raise RequestError(f"{name} has entries that are not finite: expected a point at which the cost is defined.")
    return V.astype(np.float64)


def _like(theta: Any, structure: Any) -> list[Any]:
    """The arrays of a gradient, in theta's order. RequestError: not built like theta."""
    if isinstance(theta, Mapping):
        if not isinstance(structure, Mapping):
            raise RequestError(f"theta is a dict, so the gradient is one too, not {type(structure).__name__}.")
        found = [next((k for k in (f"d{key}", key) if k in structure), None) for key in theta]
        missing = [str(key) for key, k in zip(theta, found, strict=True) if k is None]
        if missing:
            raise RequestError(
                f"the gradient lacks {', '.join(missing)}: expected an entry for each key of theta (W1 or dW1); it has "
                f"{', '.join(map(str, structure))}."
            )
        return [structure[k] for k in found]
    if isinstance(theta, (list, tuple)):
        if not isinstance(structure, (list, tuple)) or len(structure) != len(theta):
            what = f"{len(structure)} entries" if isinstance(structure, (list, tuple)) else type(structure).__name__
            raise RequestError(f"theta has {len(theta)} arrays, so the gradient is a list of {len(theta)}, not {what}.")
        return list(structure)
    return [structure]


def _roles(
    keys: list[Any] | None, at: list[Indices]
) -> tuple[list[tuple[str, int]], dict[int, Indices], dict[int, Indices], bool]:
    """What each array is, as (kind, layer), and W and b by layer; nothing where it cannot be told."""
    unknown: list[tuple[str, int]] = [("", 0)] * len(at)
    roles = _by_name(keys) if keys is not None else _by_shape(at)
    if roles is None:
        return unknown, {}, {}, False
    weights = {l: at[i] for i, (kind, l) in enumerate(roles) if kind == "W"}
    biases = {l: at[i].reshape(-1) for i, (kind, l) in enumerate(roles) if kind == "b"}
    if sorted(weights) != list(range(1, len(weights) + 1)) or not set(biases) <= set(weights):
        return [(kind, 0) for kind, _ in roles], {}, {}, False
    if all(V.ndim == 2 for V in weights.values()) and not biases and _chain(weights.values(), 1):
        return (
            [("Theta", l) for _, l in roles],
            {l: V[:, 1:] for l, V in weights.items()},
            {l: V[:, 0] for l, V in weights.items()},
            True,
        )
    W = _oriented(weights, biases)
    return (list(roles), W, biases, False) if W else ([(kind, 0) for kind, _ in roles], {}, {}, False)


def _by_name(keys: list[Any]) -> list[tuple[str, int]] | None:
    roles: list[tuple[str, int]] = []
    for key in keys:
        weight, bias = _WEIGHT.fullmatch(str(key)), _BIAS.fullmatch(str(key))
        match = weight or bias
        if match is None:
            return None
        roles.append(("W" if weight else "b", int(match[2] or 1)))
    return roles if len(set(roles)) == len(roles) else None


def _by_shape(at: list[Indices]) -> list[tuple[str, int]] | None:
    """W, b, W, b, ...; or matrices alone, each taking what the one before it gives."""
    pairs = list(zip(at[::2], at[1::2], strict=False))
    if len(at) % 2 == 0 and all(_is_pair(W, b) for W, b in pairs):
        return [("Wb"[i % 2], i // 2 + 1) for i in range(len(at))]
    if len(at) > 1 and all(V.ndim == 2 for V in at) and (_chain(at, 1) or _oriented(dict(enumerate(at, 1)), {})):
        return [("W", l) for l in range(1, len(at) + 1)]
    return None


def _is_pair(W: Indices, b: Indices) -> bool:
    """Whether b may be the bias of W: a column beside W[l], a row beside its transpose, or a vector beside either."""
    if W.ndim == 1 or b.size == 1:
        return b.size == 1
    if b.ndim == 2 and W.ndim == 2:
        return b.shape in ((W.shape[0], 1), (1, W.shape[1]))
    return W.ndim == 2 and b.ndim == 1 and b.size in W.shape


def _chain(matrices: Iterable[Indices], bias_units: int) -> bool:
    each = list(matrices)
    return len(each) > 1 and all(V.shape[1] == U.shape[0] + bias_units for U, V in pairwise(each))


def _oriented(weights: Mapping[int, Indices], biases: Mapping[int, Indices]) -> dict[int, Indices]:
    """W[l] as (n[l], n[l-1]), whichever way round they came; {} where they fit neither way."""
    as_they_are = {l: V.reshape(1, -1) if V.ndim == 1 else V for l, V in weights.items()}
    transposed = {l: V.T if V.ndim == 2 else V.reshape(1, -1) for l, V in weights.items()}
    for W in (as_they_are, transposed):
        fits = all(V.ndim == 2 for V in W.values()) and all(len(biases[l]) == len(W[l]) for l in biases)
        if fits and all(W[l].shape[1] == W[l - 1].shape[0] for l in W if l > 1):
            return W
    return {}
