"""Model files: one sealed file (see ``sealed``) with a JSON description and the parameters. Loading runs no code.

A file is accepted if it is, to the character, what saving the model in it would write: so every number and name in it
has been understood, and nothing else is in it. The same model gives the same bytes.

Files of older formats load for ever: ``UPGRADES`` turns the description of each format into the next one's. A model is
written in the oldest format that can say it, so that older versions read what they understand.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.arguments import as_path, instance
from chainrule.container import NotSealed, read_sealed, seal, strict_json, unseal
from chainrule.data import Encoder, Target
from chainrule.data.gaps import BEFORE_FORMAT_3
from chainrule.ensemble import Ensemble
from chainrule.errors import RequestError
from chainrule.files import Claim
from chainrule.formulas.losses import Loss
from chainrule.formulas.table import Functions
from chainrule.model import Model, TableModel
from chainrule.network import Network
from chainrule.packs import TrainedNetwork
from chainrule.recipe import Recipe
from chainrule.reports import Report
from chainrule.streams import visible
from chainrule.target_encoding import Outputs
from chainrule.training import History
from chainrule.validation import record, require

FORMAT = 5
KIND = "model file"

_WORD = re.compile(r"[\w.+!-]{1,100}", re.ASCII)  # the name of a program, or its version


def _from_1(description: Mapping[str, Any]) -> dict[str, Any]:
    """Format 1 knew the version of chainrule alone."""
    first = {"format": 2, "made_with": {"chainrule": description["version"]}}
    return first | {name: value for name, value in description.items() if name not in ("format", "version")}


def _from_2(description: Mapping[str, Any]) -> dict[str, Any]:
    """Format 2 left it to pyarrow which cells of a CSV file are gaps, and took no others for some."""
    encoder = {**description["encoder"], "constant": [], "gaps": BEFORE_FORMAT_3.to_dict()}
    return {**description, "format": 3, "encoder": encoder, "target": {**description["target"], "gaps": []}}


UPGRADES: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}


def save(model: TableModel, path: Any, *, overwrite: bool = False) -> None:
    """Write the model, whole or not at all: a reader finds the old file or the new one.

    RequestError: the file exists and ``overwrite`` is False; the place cannot be written to; the file would not load.
    """
    with Claim(as_path("path", path), overwrite=overwrite) as claim:
        claim.write(*content(model))


def content(model: TableModel) -> list[Any]:
    """The pieces of the model's file. RequestError: the file would not load."""
    refusing = partial(_refusing, RequestError, "this model cannot be saved")
    with refusing():
        arrays = {"theta": _theta(model)}
        description = strict_json(_text(_describe(model)))
    _model(description, arrays, model.functions, refusing)
    return seal(description, arrays)


def load(path: Any, functions: Functions | None = None) -> Model | Ensemble:
    """The Model or Ensemble in a file; custom functions that it uses must be passed again.

    RequestError: no such file, not a model file, a damaged one, one of a later version; a custom function missing.
    """
    path = as_path("path", path)
    if functions is not None:
        instance("functions", functions, Mapping, "a dict of custom functions by name")
    name = repr(str(path))
    description, arrays = unseal(read_sealed(path, KIND), name, KIND)
    if "counts" in description:
        raise NotSealed(f"{name} is a checkpoint of a run, not a model: finish the run with --resume to get one.")
    format = description.get("format")
    if type(format) is int and format > FORMAT:
        raise RequestError(
            f"{name} has format {format}, and this version of chainrule reads up to format {FORMAT}: it was written by "
            f"chainrule {short(_writer(description))}. Install that version, or a later one."
        )
    refusing = partial(_refusing, NotSealed, f"{name} is not a model that this version understands")
    with refusing():
        if type(format) is not int or format < 1:
            raise ValueError("it does not say which format it has")
        while description["format"] in UPGRADES:
            description = UPGRADES[description["format"]](description)
    arrays = {name: array.copy() for name, array in arrays.items()}  # and let go of the file's bytes
    return _model(description, arrays, functions, refusing)


@contextmanager
def _refusing(kind: type[RequestError], said: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes this kind of error, which begins with what is ``said``."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        why = visible(str(error))  # what stands in a file is not obeyed by a terminal
        raise kind(f"{said}: {why.rstrip('.')}.") from error


def _writer(description: Mapping[str, Any]) -> Any:
    made_with = description.get("made_with")
    return made_with.get("chainrule") if isinstance(made_with, dict) else None


def _text(description: Mapping[str, Any]) -> str:
    """Where 1, 1.0 and True differ."""
    return json.dumps(description, allow_nan=False)


def _format(model: Model) -> int:
    """Format 4 is format 3, and in it a network may have input layers, and a recipe average.

    Format 5 is format 4, and in it an encoder may make normal scores, and outputs may have bounds or be calibrated.
    """
    outputs = model.outputs
    if model.encoder.makes_normal_scores or outputs.bounds is not None or outputs.calibration is not None:
        return 5
    return 4 if model.network.inputs or model.recipe.averaging is not None else 3


def _theta(model: TableModel) -> NDArray[Any]:
    """The parameters, in an ensemble those of one network after the other."""
    if isinstance(model, Model):
        return model.theta
    assert isinstance(model, Ensemble)
    return np.concatenate([one.theta for one in model.networks])


def _describe(model: TableModel) -> dict[str, Any]:
    """Format 5 is an ensemble: it has a list of networks where the formats before have one."""
    after = {
        "encoder": model.encoder.to_dict(),
        "target": model.target.to_dict(),
        "outputs": model.outputs.to_dict(),
    }
    report = {"report": dict(model.report) if model.report is not None else None}
    first = {"made_with": dict(model.made_with)}
    if isinstance(model, Model):
        trained = {"network": model.network.to_dict(), "recipe": model.recipe.to_dict()}
        history = {"history": model.history.to_dict()}
        return {"format": _format(model)} | first | trained | after | history | report
    assert isinstance(model, Ensemble)
    networks = [
        {
            "network": one.network.to_dict(),
            "recipe": one.recipe.to_dict(),
            "history": one.history.to_dict(),
            "share": one.share,
        }
        for one in model.networks
    ]
    return {"format": 5} | first | {"networks": networks} | after | report


def _model(
    description: Mapping[str, Any],
    arrays: Mapping[str, Any],
    functions: Functions | None,
    refusing: Callable[[], AbstractContextManager[None]],
) -> Model | Ensemble:
    """The model that is described, where each part is one that training makes, and they belong together.

    RequestError: a custom function is missing; and what ``refusing`` makes of the rest.
    """
    with refusing():
        is_ensemble = "networks" in description
        model = _ensemble(description, arrays, functions) if is_ensemble else _parts(description, arrays, functions)
    each = [model] if isinstance(model, Model) else [model.member(i) for i in range(len(model.networks))]
    losses = [one.network.formulas(np, functions).loss for one in each]
    with refusing():
        for one, loss in zip(each, losses, strict=True):
            _require_together(replace(one, report=model.report), loss)
        if _text(_describe(model)) != _text(description):
            raise ValueError("something in it is not what a model says of itself")
    return model


TABLE_PARTS = dict.fromkeys(("encoder", "target", "outputs"), dict)


def _parts(description: Mapping[str, Any], arrays: Mapping[str, Any], functions: Functions | None) -> Model:
    """RequestError: a part is none that training makes."""
    parts = dict.fromkeys(("made_with", "network", "recipe"), dict) | TABLE_PARTS | {"history": dict}
    given = record(description, "a model", format=int, **parts, report=dict | None)
    return Model(
        Network.from_dict(given["network"]),
        _only_theta(arrays),
        *_of_table(given),
        Recipe.from_dict(given["recipe"]),
        History.from_dict(given["history"]),
        _report(given),
        functions or {},
        _made_with(given),
    )


def _ensemble(description: Mapping[str, Any], arrays: Mapping[str, Any], functions: Functions | None) -> Ensemble:
    """RequestError: a part is none that training makes."""
    parts = {"made_with": dict, "networks": [dict]} | TABLE_PARTS
    given = record(description, "an ensemble", format=int, **parts, report=dict | None)
    theta, first, networks = _only_theta(arrays), 0, []
    for each in given["networks"]:
        one = record(each, "a network of an ensemble", network=dict, recipe=dict, history=dict, share=float)
        network = Network.from_dict(one["network"])
        own = theta[first : first + network.size]
        first += network.size
        recipe, history = Recipe.from_dict(one["recipe"]), History.from_dict(one["history"])
        networks.append(TrainedNetwork(network, own, recipe, history, one["share"]))
    require(first == len(theta), f"theta has the {first} parameters of all networks", len(theta))
    return Ensemble(tuple(networks), *_of_table(given), _report(given), functions or {}, _made_with(given))


def _only_theta(arrays: Mapping[str, Any]) -> NDArray[Any]:
    require(list(arrays) == ["theta"], "its array is theta", list(arrays))
    return arrays["theta"]


def _of_table(given: Mapping[str, Any]) -> tuple[Encoder, Target, Outputs]:
    return Encoder.from_dict(given["encoder"]), Target.from_dict(given["target"]), Outputs.from_dict(given["outputs"])


def _report(given: Mapping[str, Any]) -> dict[str, Any] | None:
    return Report.from_dict(given["report"]).to_dict() if given["report"] is not None else None


def _made_with(given: Mapping[str, Any]) -> Mapping[str, str]:
    made_with = given["made_with"]
    versions = all(type(word) is str and _WORD.fullmatch(word) for pair in made_with.items() for word in pair)
    require(versions and "chainrule" in made_with, "it is made with versions of chainrule and others", made_with)
    return made_with


def _require_together(model: Model, loss: Loss) -> None:
    """RequestError: a part is not for the others."""
    network, theta, encoder, target, outputs = model.network, model.theta, model.encoder, model.target, model.outputs
    shape = f"theta is {network.size} numbers in {network.dtype}"
    require((theta.shape, str(theta.dtype)) == ((network.size,), network.dtype), shape, (theta.shape, str(theta.dtype)))
    require(bool(np.isfinite(theta).all()), "every number in theta is finite", "all of them")
    ends, layers = (len(encoder.feature_names), outputs.units), (network.columns.numbers, network.n[-1])
    require(ends == layers, f"the network has {layers} inputs and outputs, as there are features and outputs", ends)
    levels = network.columns.levels
    require(encoder.levels == levels, f"the network looks up {levels} codes, as the encoder gives them", encoder.levels)
    columns = [*encoder.columns, *encoder.left_out, *encoder.constant]
    require(target.name not in columns, "the target is no feature", target.name)
    outputs.require_fits(target, loss, network.loss, model.functions)
    if model.report is not None:
        expected = target.task, [str(label) for label in target.classes]
        found = model.report["task"], model.report["classes"]
        require(found == expected, f"the report is on {expected}", found)
        levels = [score["level"] for score in model.report.get("quantiles", [])]
        require(levels in ([], list(loss.levels)), f"the report is on the quantiles {loss.levels}", levels)
