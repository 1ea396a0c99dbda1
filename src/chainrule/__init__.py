"""The L-layer neural network of the classic course notes, as software that people use.

>>> import chainrule
>>> chainrule.Network((4, 8, 3), "tanh", "cross_entropy").size
67
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Where each public name lives. A name is imported when it is first asked for, so that `import chainrule` stays light.
_HOME = {
    "ChainruleError": "errors",
    "Checkpoint": "checkpoints",
    "Diverged": "training",
    "Ensemble": "ensemble",
    "History": "history",
    "Input": "inputs",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Model": "model",
    "Network": "network",
    "Parameters": "network",
    "Recipe": "recipe",
    "Report": "reports",
    "RequestError": "errors",
    "RunError": "errors",
    "TabularClassifier": "estimators",
    "TabularRegressor": "estimators",
    "fit": "training",
    "load": "model_file",
    "make_engine": "engines",
    "plan": "planning",
    "train": "planning",
}

_PACKAGES = ("explain", "notes")

__all__ = ["__version__", *_HOME]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"chainrule.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    value = getattr(import_module(f"chainrule.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_PACKAGES])
