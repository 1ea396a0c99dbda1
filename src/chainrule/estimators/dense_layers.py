"""The weights of a Keras or torch network of dense layers, read from arrays and checked: do they make one network?"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import RequestError, nearest

Layer = tuple[np.ndarray, np.ndarray]  # W[l].T, (n[l-1], n[l]), and b[l], (n[l],)

LAYOUTS = {"keras": "(inputs, outputs)", "torch": "(outputs, inputs)"}
_ONLY_DENSE = (
    "Only dense layers can be taken over: fold a normalisation into the dense layer beside it, and leave out what "
    "does nothing at prediction."
)


_Pair = tuple[str, np.ndarray, np.ndarray | None]  # the name, the weight and the bias of a layer


def dense_layers(weights: Any, layout: str | None) -> list[Layer]:
    """(W[l].T, b[l]) of the layers l = 1..L: from a list of arrays, or names with arrays.

    layout   "keras": a kernel is (inputs, outputs); "torch": (outputs, inputs), which is what names mean without it.
             A square one fits both, so that a list always needs it.

    In a list an array of two dimensions begins a layer, and one of one dimension is the bias of the layer before it: a
    layer without one has b = 0. Names end in ``weight`` or ``bias``.

    RequestError: arrays of other layers or not of finite numbers, layers that do not chain, no layout.

    >>> [(W_T.shape, b.tolist()) for W_T, b in dense_layers([np.ones((4, 2)), np.ones(2), np.ones((2, 1))], "keras")]
    [((4, 2), [1.0, 1.0]), ((2, 1), [0.0])]
    """
    named = _named(weights)
    of_names = isinstance(weights, Mapping)
    layout = _layout(layout, of_names)
    arrays = [(name, _array(repr(name) if of_names else name, value)) for name, value in named]
    pairs = _pairs_of_names(arrays) if of_names else _pairs_of_list(arrays)
    wrong = _misfit(pairs, layout)
    if wrong:
        other = "torch" if layout == "keras" else "keras"
        fits = not of_names and _misfit(pairs, other) is None
        advice = f"they do with layout={other!r}" if fits else "give every layer, in the order in which they are passed"
        raise RequestError(f"the layers do not fit together: {wrong}; {advice}.")
    kernels = [W if layout == "keras" else W.T for _, W, _ in pairs]
    biases = [b for _, _, b in pairs]
    return [(W, np.zeros(W.shape[1], W.dtype) if b is None else b) for W, b in zip(kernels, biases, strict=True)]


def _layout(layout: str | None, of_names: bool) -> str:
    if layout is None and not of_names:
        raise RequestError(
            "layout is needed with a list of arrays, since a square one fits both: 'keras' where a kernel is "
            f"{LAYOUTS['keras']}, as in get_weights(); 'torch' where it is {LAYOUTS['torch']}, as in parameters()."
        )
    layout = layout or "torch"
    if layout not in LAYOUTS:
        raise RequestError(f"layout is 'keras' or 'torch', not {layout!r}{nearest(str(layout), LAYOUTS)}")
    if of_names and layout == "keras":
        raise RequestError("names with arrays are torch's state_dict(): give those of Keras as get_weights(), a list.")
    return layout


def _named(weights: Any) -> list[tuple[str, Any]]:
    for method in ("state_dict", "get_weights"):
        if hasattr(weights, method):
            raise RequestError(f"expected weights as arrays, not the {type(weights).__name__}: give its {method}().")
    if isinstance(weights, Mapping):
        named = [(str(name), value) for name, value in weights.items()]
    elif isinstance(weights, Iterable) and not isinstance(weights, (str, bytes)):
        named = [(f"weights[{i}]", value) for i, value in enumerate(weights)]
    else:
        raise RequestError(
            "expected weights as a list of arrays, such as Keras' get_weights(), or names with arrays, such as torch's "
            f"state_dict(); not {type(weights).__name__}."
        )
    if not named:
        raise RequestError("the weights are empty: a network has one dense layer at least.")
    return named


def _array(name: str, value: Any) -> np.ndarray:
    """An array or a tensor in float32 or float64. RequestError: something else, or numbers that are not finite."""
    try:
        if hasattr(value, "detach"):  # a tensor of torch, perhaps on another device and in a graph of gradients
            value = value.detach().cpu().numpy()
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RequestError(f"{name} cannot be read as an array: {error}. Turn it into float32 first.") from error
    if array.dtype.kind not in "fiu":
        raise RequestError(f"{name} holds {array.dtype}, and weights are real numbers: turn it into float32 first.")
    if array.size == 0:
        raise RequestError(f"{name} has the shape {array.shape}, and a layer has one unit at least.")
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i) for i in np.unravel_index(bad.argmax(), array.shape))
        raise RequestError(
            f"{name} has {array[place]} at {place}, and weights are finite numbers: the training that they come from "
            "diverged. Take weights from before that."
        )
    return array.astype(np.float32 if array.dtype in (np.float16, np.float32) else np.float64)


def _pairs_of_list(arrays: list[tuple[str, np.ndarray]]) -> list[_Pair]:
    """(name, weight, bias or None) of each layer, by the dimensions of the arrays."""
    pairs: list[_Pair] = []
    for name, array in arrays:
        if array.ndim == 2:
            pairs.append((name, array, None))
        elif array.ndim == 1 and pairs and pairs[-1][2] is None:
            pairs[-1] = (*pairs[-1][:2], array)
        else:
            expected = "a weight of two dimensions" if not pairs or pairs[-1][2] is not None else "a weight or a bias"
            raise RequestError(f"{name} has the shape {array.shape}, and {expected} was expected there. {_ONLY_DENSE}")
    return pairs


def _pairs_of_names(arrays: list[tuple[str, np.ndarray]]) -> list[_Pair]:
    """(name, weight, bias or None) of each layer; the layers of a Sequential, whose names are numbers, by those."""
    layers: dict[str, dict[str, tuple[str, np.ndarray]]] = {}
    for name, array in arrays:
        layer, _, role = name.rpartition(".")
        dimensions = {"weight": 2, "bias": 1}.get(role)
        if array.ndim != dimensions:
            came = f"of the shape {array.shape} " if dimensions else ""
            raise RequestError(
                f"{name!r} {came}belongs to no dense layer, which has a 'weight' of two dimensions and a 'bias' of "
                f"one. {_ONLY_DENSE}"
            )
        layers.setdefault(layer, {})[role] = (name, array)
    pairs = []
    for layer in _in_order(list(layers)):
        parts = layers[layer]
        if "weight" not in parts:
            bias = parts["bias"][0]
            raise RequestError(f"{bias!r} comes without a weight: give {bias.removesuffix('bias')}weight too.")
        pairs.append((repr(parts["weight"][0]), parts["weight"][1], parts.get("bias", ("", None))[1]))
    return pairs


def _in_order(layers: list[str]) -> list[str]:
    """As they came; by number where they differ by numbers alone, since a file may have them sorted by text."""
    split = {layer: layer.split(".") for layer in layers}
    if len({tuple(part for part in parts if not part.isdecimal()) for parts in split.values()}) > 1:
        return layers
    return sorted(layers, key=lambda layer: [int(part) for part in split[layer] if part.isdecimal()])


def _misfit(pairs: list[_Pair], layout: str) -> str | None:
    """What is wrong with the first layer that takes other inputs than there are, or has another number of biases."""
    given = None
    for name, W, b in pairs:
        n_in, n_out = W.shape if layout == "keras" else W.shape[::-1]
        said = f"{name} of the shape {W.shape} is {n_in} inputs and {n_out} outputs in the layout {layout!r}"
        if given is not None and n_in != given:
            return f"{said}, and the layer before it has {given} outputs"
        if b is not None and len(b) != n_out:
            return f"{said}, and its bias has {len(b)} numbers"
        given = n_out
    return None
