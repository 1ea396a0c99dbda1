"""A trained model as a file for elsewhere: ONNX, Python with NumPy alone, C99. The preprocessing goes along."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from chainrule.ensemble import one_network
from chainrule.errors import RequestError, nearest
from chainrule.files import Claim
from chainrule.model import Model

# The module here, and the function in it that makes the file's bytes from a Model.
FORMATS = {"onnx": "onnx_file", "numpy": "numpy_file", "c": "c_file"}


def export(model: Any, path: Any, to: str, *, overwrite: bool = False) -> None:
    """Write a Model, or a fitted estimator (as its ``to_model``), as a file of another kind.

    to   "onnx" (needs the package ``onnx``), "numpy" for a Python file, "c" for a C99 file

    RequestError: an unknown format, a model that it cannot hold, a file that exists already or cannot be written.

    >>> import tempfile
    >>> import chainrule
    >>> model = chainrule.train({"dose": [1, 2, 3, 4] * 20, "cured": ["no", "no", "yes", "yes"] * 20}, "cured")
    >>> folder = Path(tempfile.mkdtemp())
    >>> export(model, folder / "cured.py", "numpy")
    >>> "import numpy as np" in (folder / "cured.py").read_text()
    True
    """
    with Claim(Path(path), overwrite=overwrite) as claim:
        claim.write(content(model, to))


def content(model: Any, to: str) -> bytes:
    """The bytes of that file. RequestError: an unknown format, a model that it cannot hold."""
    if to not in FORMATS:
        raise RequestError(f"format {to!r} is not known{nearest(str(to), FORMATS)} Known: {', '.join(FORMATS)}.")
    if not isinstance(one_network(model), Model):
        if not hasattr(model, "to_model"):
            raise RequestError(f"expected a Model or a fitted estimator of chainrule, not {type(model).__name__}.")
        model = model.to_model()
    content_of: Callable[[Model], bytes] = import_module(f"chainrule.export.{FORMATS[to]}").content
    return content_of(model)
