"""What is wrong with a network, in words: symptoms in its rows, its activations and gradients, and its curves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explain import symptoms_of_inputs, symptoms_of_network, symptoms_of_training
from chainrule.explain.findings import Evidence, Finding
from chainrule.explain.subject import subject
from chainrule.formulas.optimizers import OPTIMIZERS

__all__ = ["Diagnosis", "Finding", "diagnose"]

ENOUGH_ROWS = 20  # in fewer, a column or a unit is often the same by chance


@dataclass(frozen=True)
class Symptom:
    """A row of SYMPTOMS: what is looked for, how, and which of NEEDS must be there."""

    name: str
    find: Callable[[Evidence], Finding | None]
    needs: tuple[str, ...] = ()


def _by_steps(evidence: Evidence) -> bool:
    optimizer = evidence.subject.recipe.get("optimizer")
    made = OPTIMIZERS.make(optimizer, np, functions=evidence.subject.functions) if optimizer else None
    return (made is None or made.minimize is None) and all(evidence.history.learning_rate)


# What a symptom needs, and what is said where it is not there.
NEEDS: dict[str, tuple[Callable[[Evidence], bool], str]] = {
    "rows": (lambda evidence: len(evidence.subject.X) >= ENOUGH_ROWS, f"fewer than {ENOUGH_ROWS} rows"),
    "finite": (lambda evidence: not evidence.not_finite, "numbers that are not finite"),
    "hidden layers": (lambda evidence: len(evidence.hidden) > 0, "no hidden layer"),
    "classes": (lambda evidence: evidence.classes is not None, "the target is not one class a row"),
    "history": (lambda evidence: bool(evidence.history.stopped or len(evidence.history)), "no curves of its training"),
    "validation": (lambda evidence: len(evidence.history.validation_cost) > 0, "no validation rows in its training"),
    "steps": (_by_steps, "its optimizer has no learning rate"),
}

NUMBERS = ("rows", "finite")

SYMPTOMS = (
    Symptom("numbers that are not finite", symptoms_of_network.not_finite),
    Symptom("constant inputs", symptoms_of_inputs.constant_inputs, NUMBERS),
    Symptom("duplicate inputs", symptoms_of_inputs.duplicate_inputs, NUMBERS),
    Symptom("unscaled input", symptoms_of_inputs.unscaled_input, NUMBERS),
    Symptom("target leakage", symptoms_of_inputs.target_leakage, NUMBERS),
    Symptom("class imbalance", symptoms_of_network.class_imbalance, (*NUMBERS, "classes")),
    Symptom("dead relus", symptoms_of_network.dead_relus, (*NUMBERS, "hidden layers")),
    Symptom("saturated units", symptoms_of_network.saturated_units, (*NUMBERS, "hidden layers")),
    Symptom("vanishing layers", symptoms_of_network.vanishing_layers, (*NUMBERS, "hidden layers")),
    Symptom("exploding layers", symptoms_of_network.exploding_layers, (*NUMBERS, "hidden layers")),
    Symptom("constant outputs", symptoms_of_network.constant_outputs, NUMBERS),
    Symptom("learning rate too high", symptoms_of_training.rate_too_high, ("history", "steps")),
    Symptom("learning rate too low", symptoms_of_training.rate_too_low, ("history", "steps")),
    Symptom("overfitting", symptoms_of_training.overfitting, ("history", "validation")),
)


@dataclass(frozen=True)
class Diagnosis:
    """What stands out in a network.

    findings    what was found, in the order of SYMPTOMS
    looked_for  the names of all symptoms that were looked for
    left_out    the names of the others, each with what was missing
    rows        how many rows were given, and how many of them went through the network
    """

    findings: tuple[Finding, ...]
    looked_for: tuple[str, ...]
    left_out: dict[str, str]
    rows: tuple[int, int]

    @property
    def ok(self) -> bool:
        """Nothing stands out."""
        return not self.findings

    def __str__(self) -> str:
        given, traced = self.rows
        rows = f"{given} rows" if given == traced else f"{given} rows, {traced} of them traced"
        lines = [str(finding) for finding in self.findings] or [f"Nothing stands out ({rows})."]
        found = {finding.name for finding in self.findings}
        absent = [name for name in self.looked_for if name not in found]
        if absent:
            lines.append(f"Looked for and not found{f' ({rows})' if found else ''}: {', '.join(absent)}.")
        if self.left_out:
            lines.append(f"Not looked for: {', '.join(f'{name} ({why})' for name, why in self.left_out.items())}.")
        return "\n".join(lines)

    __repr__ = __str__


def diagnose(model: Any, X: Any, y: Any = None) -> Diagnosis:
    """What stands out in a Model or a fitted estimator on some rows, best those it was trained on.

    y may be left out where X is a table that has the target. RequestError: rows that do not fit the model; no targets.

    >>> from chainrule import train
    >>> table = {"dose": [1, 2, 3, 4] * 20, "cured": ["no", "no", "yes", "yes"] * 20}
    >>> diagnosis = diagnose(train(table, "cured", hidden=(4,), learning_rate=1e-6, epochs=20), table)
    >>> [finding.name for finding in diagnosis.findings]
    ['learning rate too low']
    """
    evidence = Evidence.of(subject(model, X, y, every_row=False))
    lacking = {symptom.name: _lacking(symptom, evidence) for symptom in SYMPTOMS}
    looked_for = [symptom for symptom in SYMPTOMS if not lacking[symptom.name]]
    found = [symptom.find(evidence) for symptom in looked_for]
    return Diagnosis(
        tuple(finding for finding in found if finding is not None),
        tuple(symptom.name for symptom in looked_for),
        {name: why for name, why in lacking.items() if why},
        (len(evidence.subject.X), evidence.trace.m),
    )


def _lacking(symptom: Symptom, evidence: Evidence) -> str:
    """What the symptom needs and is not there; "" where all is."""
    return next((NEEDS[need][1] for need in symptom.needs if not NEEDS[need][0](evidence)), "")
