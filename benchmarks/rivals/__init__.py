"""Who takes part: a table of contestants. Their modules are imported in their own processes alone.

A maker is a function of (case, data, threads, **options) that returns a Trainee. It writes what a good user of its
library would write who wants speed; where two ways of writing it are close, both take part, as forms of one family,
and the faster one counts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.data import Layers


class Trainee(Protocol):
    """A network in training."""

    def restart(self) -> None:
        """Back to the weights of the data, the optimiser to its beginning."""
        ...

    def train(self, epochs: int) -> float | None:
        """Whole epochs, the rows shuffled anew in each; returns when the last number is computed.

        Also returns the seconds that count, where this call did something else that its users do once a training.
        """
        ...

    def layers(self) -> Layers:
        """Weights and biases as they are now."""
        ...

    def train_watched(self, stops: Callable[[Callable[[], Layers]], bool]) -> None:
        """Epochs of one training until ``stops`` says so; it is asked after each, with a function like ``layers``.

        Only what is timed to an accuracy needs it.
        """
        ...


def _nothing(_threads: int) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Rival:
    """family: the library, of which this is one form. environment: variables it needs, as a function of threads."""

    name: str
    family: str
    maker: str
    options: dict[str, Any] = field(default_factory=dict)
    environment: Callable[[int], dict[str, str]] = _nothing


def _jax_environment(threads: int) -> dict[str, str]:
    variables = {"JAX_PLATFORMS": "cpu", "NPROC": str(threads)}
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return variables


_CHAINRULE = "benchmarks.rivals.chainrule_engines:make"
_TORCH = "benchmarks.rivals.pytorch:make"
_JAX = "benchmarks.rivals.jax_scan:make"

RIVALS = {
    rival.name: rival
    for rival in (
        Rival("chainrule fused", "chainrule fused", _CHAINRULE, {"engine": "fused"}),
        Rival("chainrule reference", "chainrule reference", _CHAINRULE, {"engine": "reference"}),
        Rival("scikit-learn", "scikit-learn", "benchmarks.rivals.scikit_learn:make"),
        Rival("torch eager", "torch", _TORCH, {"gather": "batch"}),
        Rival("torch eager (epoch gathered)", "torch", _TORCH, {"gather": "epoch"}),
        Rival("torch eager (medium precision)", "torch", _TORCH, {"gather": "epoch", "precision": "medium"}),
        Rival("torch compile", "torch", _TORCH, {"gather": "epoch", "compiled": True}),
        Rival("JAX scan", "JAX", _JAX, {"flat": False}, _jax_environment),
        Rival("JAX scan (flat parameters)", "JAX", _JAX, {"flat": True}, _jax_environment),
    )
}

# The engine that is measured beside the rivals, unless --engine names another.
ENGINE = "fused"

# What another checkout is called beside this one.
BEFORE = "chainrule before"

# Not a contestant but the limit that all of them share.
PEAK = Rival("FMA peak", "FMA peak", "benchmarks.rivals.fma_loop:make")


def chosen(names: Iterable[str]) -> list[Rival]:
    """The rivals of these names or families, in the order of the table; ValueError names one that is not known."""
    names = list(names)
    for name in names:
        if not any(name in (rival.name, rival.family) for rival in RIVALS.values()):
            known = ", ".join(dict.fromkeys(rival.family for rival in RIVALS.values()))
            raise ValueError(f"{name!r} is no rival. Families: {known}. Names: {', '.join(RIVALS)}.")
    return [rival for rival in RIVALS.values() if rival.name in names or rival.family in names]


def ours(engine: str) -> Rival:
    """chainrule with this engine."""
    return RIVALS[f"chainrule {engine}"]


def before(checkout: Path) -> Rival:
    """The compiled engine as another checkout of chainrule has it. ValueError: there is none in that folder."""
    source = checkout.resolve() / "src"
    if not (source / "chainrule" / "__init__.py").is_file():
        raise ValueError(f"{str(checkout)!r} is no checkout of chainrule: it has no src/chainrule")
    return Rival(BEFORE, BEFORE, _CHAINRULE, {"engine": "fused"}, lambda _threads: {"PYTHONPATH": str(source)})
