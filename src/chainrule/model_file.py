"""Model files: one sealed file (see ``sealed``) with a JSON description and the parameters. Loading runs no code.

A file is accepted if it is, to the character, what saving the model in it would write: so every number and name in it
has been understood, and nothing else is in it. The same model gives the same bytes.

Files of older formats load for ever: ``UPGRADES`` turns the description of each format into the next one's.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data import Encoder, Target
from chainrule.errors import RequestError
from chainrule.files import replace_file
from chainrule.formulas.table import Functions
from chainrule.model import Model
from chainrule.network import Network
from chainrule.outputs import Outputs
from chainrule.recipe import Recipe
from chainrule.sealed import NotSealed, read_sealed, seal, unseal
from chainrule.training import History

FORMAT = 2
KIND = "model file"


def _from_1(description: Mapping[str, Any]) -> dict[str, Any]:
    """Format 1 knew the version of chainrule alone."""
    kept = {name: value for name, value in description.items() if name != "version"}
    return kept | {"format": 2, "made_with": {"chainrule": description["version"]}}


UPGRADES: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_1}


def save(model: Model, path: Any, *, overwrite: bool = False) -> None:
    """Write the model under a temporary name, then rename: the file is whole or not there.

    RequestError: the file exists and ``overwrite`` is False, or the place cannot be written to.
    """
    path = Path(path)
    require_writable(path, overwrite=overwrite)
    content = seal(_describe(model), {"theta": model.theta})
    try:
        replace_file(path, *content)
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def require_writable(path: Path, *, overwrite: bool) -> None:
    """RequestError where a file could not be written to ``path``: better said before the work than after."""
    if path.is_dir():
        raise RequestError(f"cannot write {str(path)!r}: it is a folder. Name a file in it.")
    if path.exists() and not overwrite:
        raise RequestError(f"{str(path)!r} exists. To overwrite it, use --force (overwrite=True in Python).")
    if not path.parent.is_dir():
        raise RequestError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}. Make it first.")
    if not os.access(path.parent, os.W_OK):
        raise RequestError(f"cannot write {str(path)!r}: the folder {str(path.parent)!r} does not allow it.")


def load(path: Any, functions: Functions | None = None) -> Model:
    """The model in a file, with its own functions handed in again where it uses any.

    RequestError: no such file, not a model file, a damaged one, one of a later version, or a function is missing.
    """
    path = Path(path)
    name = repr(str(path))
    description, arrays = unseal(read_sealed(path, KIND), name, KIND)
    format = description.get("format")
    if isinstance(format, int) and format > FORMAT:
        raise RequestError(
            f"{name} has format {format}, and this version of chainrule reads up to format {FORMAT}: it was written by "
            f"chainrule {_writer(description)}. Install that one, or a later."
        )
    try:
        while format != FORMAT:
            description = UPGRADES[format](description)  # pyright: ignore[reportArgumentType]  # a KeyError, where it is none
            format = description["format"]
        model = _build(description, arrays, functions)
        if _text(_describe(model)) != _text(description):
            raise ValueError("something in it is not what a model says of itself")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise NotSealed(f"{name} is not a model that this version understands: {error}.") from error
    model.network.formulas(np, functions)
    return model


def _writer(description: Mapping[str, Any]) -> str:
    made_with = description.get("made_with")
    return str(made_with.get("chainrule") if isinstance(made_with, dict) else description.get("version"))[:40]


def _text(description: Mapping[str, Any]) -> str:
    """Where 1, 1.0 and True differ."""
    return json.dumps(description, allow_nan=False)


def _describe(model: Model) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_with": dict(model.made_with),
        "network": model.network.to_dict(),
        "recipe": model.recipe.to_dict(),
        "encoder": model.encoder.to_dict(),
        "target": model.target.to_dict(),
        "outputs": model.outputs.to_dict(),
        "history": model.history.to_dict(),
        "report": dict(model.report) if model.report is not None else None,
    }


def _build(description: Mapping[str, Any], arrays: Mapping[str, Any], functions: Functions | None) -> Model:
    network = Network.from_dict(description["network"])
    if list(arrays) != ["theta"]:
        raise RequestError(f"expected the array theta, not {', '.join(arrays) or 'none'}")
    theta = arrays["theta"]
    if theta.shape != (network.size,) or str(theta.dtype) != network.dtype:
        raise RequestError(f"it holds {theta.shape} {theta.dtype} for {network.size} {network.dtype} parameters")
    encoder, outputs = Encoder.from_dict(description["encoder"]), Outputs.from_dict(description["outputs"])
    if (len(encoder.feature_names), outputs.units) != (network.n[0], network.n[-1]):
        raise RequestError(
            f"it holds {len(encoder.feature_names)} features and {outputs.units} outputs for {network.n}"
        )
    return Model(
        network,
        theta.copy(),
        encoder,
        Target.from_dict(description["target"]),
        outputs,
        Recipe.from_dict(description["recipe"]),
        History.from_dict(description["history"]),
        description["report"],
        functions or {},
        description["made_with"],
    )
