"""Model files: one file with a JSON description and the parameters as an array. Loading runs no code.

The file is a safetensors file (an 8-byte length, a JSON header, the raw arrays) whose metadata holds

    chainrule   the description of the model: plain JSON, which begins with
    sha256      of the whole file, with these 64 digits written as zeros

safetensors checks that the header and the arrays fit together; the checksum finds every flipped bit. The same model
gives the same bytes.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data import Encoder, Target
from chainrule.data.writing import replace_file
from chainrule.errors import RequestError, nearest
from chainrule.formulas.table import Functions
from chainrule.model import Model
from chainrule.network import Network
from chainrule.outputs import Outputs
from chainrule.recipe import Recipe
from chainrule.training import History

FORMAT = 1
_MARK = b'"chainrule":"{\\"sha256\\":\\"'  # JSON inside JSON; one key alone, since safetensors orders keys by chance
_ZEROS = b"0" * 64


def save(model: Model, path: Any, *, overwrite: bool = False) -> None:
    """Write the model under a temporary name, then rename: the file is whole or not there.

    RequestError: the file exists and ``overwrite`` is False, or the place cannot be written to.
    """
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    require_writable(path, overwrite=overwrite)
    description = {"sha256": _ZEROS.decode()} | _describe(model)
    text = json.dumps(description, allow_nan=False, separators=(",", ":"))
    content = to_bytes({"theta": model.theta}, {"chainrule": text})
    start = _digits(content)
    digest = hashlib.sha256(content).hexdigest().encode()
    try:
        replace_file(path, memoryview(content[:start] + digest + content[start + 64 :]))
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror}.") from error


def require_writable(path: Path, *, overwrite: bool) -> None:
    """RequestError where a model could not be written to ``path``: better said before training than after."""
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
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        beside = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise RequestError(f"no model file {str(path)!r}{nearest(path.name, beside)}") from None
    except OSError as error:
        raise RequestError(f"cannot read {str(path)!r}: {error.strerror}.") from error
    description, theta = _open(path, content)
    try:
        model = _build(description, theta, functions)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"{str(path)!r} is not a model that this version understands: {error!r}.") from error
    model.network.formulas(np, functions)
    return model


def _open(path: Path, content: bytes) -> tuple[dict[str, Any], Any]:
    """The description and theta, once the bytes are known to be those that were written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    start = _digits(content)
    if start < 0:
        raise RequestError(f"{str(path)!r} is not a chainrule model file (or its beginning is damaged).")
    blank = content[:start] + _ZEROS + content[start + 64 :]
    if hashlib.sha256(blank).hexdigest().encode() != content[start : start + 64]:
        raise RequestError(f"{str(path)!r} is damaged: its bytes are not those that were written. Restore a copy.")
    try:
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        description = json.loads(metadata["chainrule"])
        theta = from_bytes(content)["theta"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{str(path)!r} is not a chainrule model file: {error!r}.") from error
    if not isinstance(description, dict):
        raise RequestError(f"{str(path)!r} is not a chainrule model file: its description is no JSON object.")
    if description.get("format") != FORMAT:
        raise RequestError(
            f"{str(path)!r} has format {description.get('format')!r}, and this version of chainrule reads format "
            f"{FORMAT}: it was written by chainrule {description.get('version')!r}. Install that one, or a later."
        )
    return description, theta


def _digits(content: bytes) -> int:
    """Where the 64 digits of the checksum begin; -1 where there are none in the header."""
    end = 8 + int.from_bytes(content[:8], "little") if len(content) > 8 else 0
    found = content.find(_MARK, 8, min(end, len(content)))
    return found + len(_MARK) if found >= 0 else -1


def _describe(model: Model) -> dict[str, Any]:
    from chainrule import __version__

    return {
        "format": FORMAT,
        "version": __version__,
        "network": model.network.to_dict(),
        "recipe": model.recipe.to_dict(),
        "encoder": model.encoder.to_dict(),
        "target": model.target.to_dict(),
        "outputs": model.outputs.to_dict(),
        "history": model.history.to_dict(),
        "report": dict(model.report) if model.report is not None else None,
    }


def _build(description: Mapping[str, Any], theta: Any, functions: Functions | None) -> Model:
    network = Network.from_dict(description["network"])
    if theta.shape != (network.size,) or str(theta.dtype) != network.dtype:
        raise RequestError(f"the file holds {theta.shape} {theta.dtype} for {network.size} {network.dtype} parameters.")
    encoder, outputs = Encoder.from_dict(description["encoder"]), Outputs.from_dict(description["outputs"])
    if (len(encoder.feature_names), outputs.units) != (network.n[0], network.n[-1]):
        raise RequestError(
            f"the file holds {len(encoder.feature_names)} features and {outputs.units} outputs for {network.n}."
        )
    return Model(
        network,
        theta,
        encoder,
        Target.from_dict(description["target"]),
        outputs,
        Recipe.from_dict(description["recipe"]),
        History.from_dict(description["history"]),
        description["report"],
        functions or {},
    )
