"""What a checkpoint of a run holds: where it stands, and which run it is. ``pack_contents`` has that of a pack.

arrays      theta, moment_0, ..., good, best (where it is kept), the real numbers of the state, the curves
counts      the integers of the state and of the run
run         all that decides the bits of a run: network, recipe, versions, digests of the rows
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, isfinite, isnan
from typing import Any

import numpy as np

from chainrule.container import NotSealed
from chainrule.engines import Engine
from chainrule.errors import RequestError
from chainrule.history import CURVES
from chainrule.sources import Epoch, Examples
from chainrule.training import Run, RunState

FORMAT = 1

# What is kept beside the vectors and the curves: integers in the description, real ones in an array.
_STEPS = ("step", "updates", "samples")
_EPOCHS = {name: name for name in ("epochs", "epochs_notified", "waited", "best_epoch", "good_epochs")}
_EPOCHS["epochs_notified"] = "told"  # as files have called it since format 1
_REALS = ("rate_scale", "cost_sum", "weight_sum", "rate")


class RunContents:
    """What a checkpoint keeps of a run, and how the run goes on from that. It lets go of the run in between.

    identity   of what run it is: all that decides its bits
    """

    def __init__(self, run: Run) -> None:
        self.identity = identity(run, {})

    def progress(self, run: Run) -> str:
        """How far it has come."""
        return f"{run.step:,} steps, {run.now.epochs} epochs done"

    def packed(self, run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
        """The description and the arrays of where it stands."""
        counts, arrays = packed(run)
        return {"format": FORMAT, "run": self.identity, "counts": counts}, arrays

    def go_on(self, run: Run, description: Mapping[str, Any], arrays: Mapping[str, Any], name: str) -> None:
        """Bring the run to where the one stood that was packed so, if it is the same.

        RequestError: it is another, and what differs. NotSealed: no run of this engine has been packed so.
        """
        with making_sense(name):
            require_kind(description, "run", name)
            counts = description["counts"]
            require_same("run", differences(description["run"], counts, self.identity, run, name), name)
            run.go_on(*unpacked(counts, arrays, self.identity, run.engine))


def packed(run: Run) -> tuple[dict[str, int], dict[str, Any]]:
    """The counts and the arrays of where a run stands."""
    now, state = run.now, run.now.state
    arrays = {"theta": state.theta} | {f"moment_{i}": moment for i, moment in enumerate(state.moments)}
    arrays = {name: np.asarray(run.engine.to_numpy(vector)) for name, vector in arrays.items()}
    arrays |= {"good": now.good} | ({} if now.best is None else {"best": now.best})
    arrays["reals"] = np.array([*(getattr(state, name) for name in _REALS), now.best_value])
    arrays |= {name: np.array(curve, np.float64) for name, curve in run.history.curves(now.epochs).items()}
    counts = {name: getattr(state, name) for name in _STEPS} | {
        name: getattr(now, field) for field, name in _EPOCHS.items()
    }
    return counts, arrays


def unpacked(
    counts: Mapping[str, Any], arrays: Mapping[str, Any], run: Mapping[str, Any], engine: Engine
) -> tuple[RunState, dict[str, list[float]]]:
    """Back from ``packed``, on the arrays of the engine, once it is known to be of this very run (its identity).

    KeyError, TypeError, ValueError, AttributeError: it is not what a run of this engine keeps.
    """
    network = engine.network
    moments = [f"moment_{i}" for i in range(len(engine.optimizer.state))]
    best = [] if "best" not in arrays else ["best"]
    vectors = ["theta", *moments, "good", *best]
    if list(arrays) != [*vectors, "reals", *CURVES] or list(counts) != [*_STEPS, *_EPOCHS.values()]:
        raise ValueError("it holds something else")
    noted, epochs = _noted(run), counts["epochs"]
    shapes = {(network.size,): [arrays[v] for v in vectors], (len(_REALS) + 1,): [arrays["reals"]]}
    if any(array.shape != shape for shape, group in shapes.items() for array in group) or any(
        arrays[curve].shape != ((epochs,) if curve in noted else (0,)) for curve in CURVES
    ):
        raise ValueError("its arrays are of other sizes")
    if any(str(arrays[v].dtype) != network.dtype for v in vectors):
        raise ValueError(f"its arrays are not {network.dtype}")
    *reals, best_value = arrays["reals"].tolist()
    real = dict(zip(_REALS, reals, strict=True))
    least = {name: -inf if name == "cost_sum" else 0.0 for name in _REALS}  # a cost may be negative
    if isnan(best_value) or not all(isfinite(real[name]) and real[name] >= least[name] for name in _REALS):
        raise ValueError("its rates, sums or best value are beyond those of a run")
    state = engine.start(arrays["theta"])._replace(
        moments=tuple(engine.xp.asarray(arrays[moment].copy()) for moment in moments),
        **{step: counts[step] for step in _STEPS},
        **real,
    )
    saved = RunState(
        state,
        best=arrays["best"].copy() if best else None,
        best_value=best_value,
        good=arrays["good"].copy(),
        **{field: counts[name] for field, name in _EPOCHS.items()},
    )
    return saved, {curve: arrays[curve].tolist() for curve in CURVES}


def _noted(run: Mapping[str, Any]) -> set[str]:
    """The curves that a run has; a monitor that is no curve is a score."""
    noted = {"training_cost", "learning_rate"}
    noted |= set() if run["validation rows"] is None else {"validation_cost"}
    return noted | (set() if run["monitor"] in CURVES[:2] else {"score"})


def _impossible(counts: Mapping[str, Any], run: Mapping[str, Any], engine: Engine, m: int) -> str:
    """Why no run on ``m`` training rows, of those settings, counts so; "" where one may."""
    planned, epoch = run["recipe"]["epochs"], engine.recipe.epoch(m)
    if any(type(count) is not int or count < 0 for count in (*counts.values(), planned)):
        return "it counts with numbers that are negative or no integers"
    step, epochs = counts["step"], counts["epochs"]
    if step > epoch.first(planned) or not epoch.first(epochs) <= step <= epoch.first(epochs + 1):
        return f"{step} steps are not those of {epochs} epochs of {epoch.steps}, out of {planned}"
    if counts["updates"] > step:
        return f"{counts['updates']} updates are more than {step} steps"
    samples = run["samples"] + epoch.seen(step)
    if counts["samples"] != samples:
        return f"{step} steps see {samples} samples, not {counts['samples']}"
    beyond = [f"{name} is {counts[name]}" for name in _EPOCHS.values() if counts[name] > epochs]
    return f"{beyond[0]} after {epochs} epochs" if beyond else ""


def require_kind(description: Mapping[str, Any], kind: str, name: str) -> None:
    """RequestError: it is no checkpoint of a run, or of a pack, that is in the file, or one of another format."""
    other = {"run": "pack", "pack": "run"}[kind]
    if other in description and kind not in description:
        how = {"run": "of a single run, which fit goes on with", "pack": "of a pack, which fit_many goes on with"}[
            other
        ]
        raise RequestError(f"{name} is the checkpoint {how}, and not of a {kind}: name another file.")
    if kind not in description:
        raise RequestError(
            f"{name} is not a checkpoint but another chainrule file, such as a model: name another file."
        )
    if description["format"] != FORMAT:
        raise RequestError(f"{name} has format {description['format']!r}; this version reads format {FORMAT}.")


def require_same(kind: str, found: Sequence[str], name: str) -> None:
    """RequestError where differences were found: it is another."""
    if found:
        raise RequestError(
            f"{name} belongs to another {kind}: {'; '.join(found)}. Use the same settings, or start over with "
            "--force and without --resume (overwrite=True in Python)."
        )


@contextmanager
def making_sense(name: str) -> Iterator[None]:
    """What cannot be understood inside becomes NotSealed."""
    try:
        yield
    except RequestError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        said = error if isinstance(error, ValueError) else repr(error)
        raise NotSealed(f"{name} is not a checkpoint that this version understands: {said}.") from error


def differences(
    then: Mapping[str, Any], counts: Mapping[str, Any], now: Mapping[str, Any], run: Run, name: str
) -> list[str]:
    """How a run that is kept differs from the one at hand, by their identities; of the first, what it had counted.

    RequestError: they are the same, and no run can have counted so. KeyError, TypeError, AttributeError: no sense.
    """
    engine, m, step, done = run.engine, run.given[0].m, counts["step"], counts["epochs"]
    epoch = engine.recipe.epoch(m)
    found = described_differences(then, now)
    if not found and (why := _impossible(counts, then, engine, m)):
        # no damage, which the checksum would show: so not one to go on without, from the file before it
        raise RequestError(f"{name} is not a checkpoint that this version understands: {why}.")
    planned = then["recipe"]["epochs"], now["recipe"]["epochs"]
    epochs = f"epochs: {planned[0]} then, {planned[1]} now"
    if planned[1] < planned[0] and epoch.first(planned[1]) < step:
        begun = "" if step == epoch.first(done) else " and the next is begun"
        found.append(f"{epochs}, and {done} are done{begun}")
    elif _rates_differ(engine, planned, step, epoch):
        found.append(f"{epochs}, and the schedule {engine.recipe.schedule} looks at how many there are")
    return found


def described_differences(then: Any, now: Any) -> list[str]:
    """Of two identities, the number of epochs aside."""
    return [f"{what}: {_short(a)} then, {_short(b)} now" for what, a, b in _differences(then, now)]


def _differences(then: Any, now: Any, what: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(name, then, now) of every entry that differs; the number of epochs is seen to apart."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**now, **then}:
            if key != "epochs":
                yield from _differences(then.get(key), now.get(key), key)
    elif then != now or type(then) is not type(now):
        yield what, then, now


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _rates_differ(engine: Engine, planned: tuple[int, int], step: int, epoch: Epoch) -> bool:
    """Whether the steps that were done would have had other learning rates with another number of epochs."""
    looked_at = {*range(0, step, max(1, step // 1000)), max(step - 1, 0)}
    multiplier, (then, now) = engine.schedule.multiplier, map(epoch.first, planned)
    return then != now and any(
        multiplier(s, epoch.steps, then, 0) != multiplier(s, epoch.steps, now, 0) for s in looked_at
    )


def identity(run: Run, digests: dict[int, str]) -> dict[str, Any]:
    """Of what run a checkpoint is: all that decides its bits, in plain JSON.

    digests   of rows that other runs have too, by the id of their Examples
    """
    from chainrule import __version__

    engine, state = run.engine, run.now.state

    def rows(examples: Examples) -> str:
        if id(examples) not in digests:
            digests[id(examples)] = _rows(engine, examples)
        return digests[id(examples)]

    training, validation = run.given
    described = {
        "version of chainrule": __version__,
        "engine": type(engine).__name__,
        "network": engine.network.to_dict(),
        "recipe": engine.recipe.to_dict(),
        "monitor": run.history.monitor,
        "samples": state.samples,
        "initial parameters": _digest(engine.to_numpy(state.theta)),
        "training rows": rows(training),
        "validation rows": rows(validation) if validation is not None else None,
    }
    return json.loads(json.dumps(described))


def _rows(engine: Engine, examples: Examples) -> str:
    """How many, and a digest of all their numbers."""
    arrays = [V for V in (examples.X, examples.Y, examples.weight, examples.codes) if V is not None]
    in_numpy = (V if isinstance(V, np.ndarray) else engine.to_numpy(V) for V in arrays)
    return f"{examples.m} (sha256 {_digest(*in_numpy)})"


def _digest(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        in_one_piece: Any = np.ascontiguousarray(array)
        digest.update(in_one_piece)
    return digest.hexdigest()[:16]  # mistakes are to be told apart, not attacks
