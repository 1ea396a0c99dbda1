"""The options of the command line: how the text of each is read, and what it is for. Their defaults are Python's."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.initializers import INITIALIZERS
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES


@dataclass(frozen=True)
class Option:
    """A hyperparameter of ``plan`` on the command line."""

    parse: Callable[[str], Any]
    metavar: str
    help: str


READING = ("delimiter", "decimal")  # the options of every command that reads a table

# A name in a list, and the comma behind it: in quotes, where two are one, or without.
NAME = re.compile(r'\s*"((?:[^"]|"")*)"\s*,|([^,]*),')


def columns(text: str) -> list[str]:
    """``a, b`` -> ["a", "b"]; quotes keep commas and blanks, as in ``"a,b"," c"``, and a single name keeps its blanks.

    >>> columns("a, b"), columns('"a,b"," c"'), columns(" b"), columns("")
    (['a', 'b'], ['a,b', ' c'], [' b'], [])
    """
    if "," not in text and '"' not in text:
        return [text] if text else []
    return [quoted.replace('""', '"') or bare.strip() for quoted, bare in NAME.findall(f"{text},")]


def specs(text: str) -> Any:
    """``relu`` -> "relu", ``relu,elu(0.5)`` -> ["relu", "elu(0.5)"]; a comma inside brackets does not separate."""
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    return parts[0] if len(parts) == 1 else parts


def whole(text: str) -> int:
    """An integer."""
    return _read(int, text, "an integer")


def number(text: str) -> float:
    """A number."""
    return _read(float, text, "a number")


def numbers(text: str) -> Any:
    """One number for all layers, or one each."""
    parts = [_read(float, part, "a number, or one for each hidden layer", text) for part in text.split(",")]
    return parts[0] if len(parts) == 1 else parts


def sizes(text: str) -> list[int]:
    """``64,32`` -> [64, 32]; ``none`` -> []."""
    if text.strip().lower() in ("", "none"):
        return []
    return [_read(int, part, "integers such as 64,32, or none", text) for part in text.split(",")]


def auto_or_whole(text: str) -> int | str:
    """``auto``, or an integer."""
    return text if text == "auto" else _read(int, text, "an integer, or auto")


def none_or_whole(text: str) -> int | None:
    """``none``, or an integer."""
    return None if text.lower() == "none" else _read(int, text, "an integer, or none")


def _read(kind: Callable[[str], Any], part: str, expected: str, text: str | None = None) -> Any:
    try:
        return kind(part)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {expected}, not {text or part!r}") from None


def _known(table: Any) -> str:
    return ", ".join(table)


OPTIONS: dict[str, dict[str, Option]] = {
    "the table": {
        "task": Option(str, "TASK", "auto, classification or regression"),
        "drop": Option(columns, "COLUMNS", "columns to leave out: a,b or '\"a,b\",c'"),
        "category": Option(columns, "COLUMNS", "columns to treat as categories, whatever their cells look like"),
        "missing": Option(
            columns, "TEXTS", "further spellings of a missing value beside ?, NA, ...: '?,-9'; '' for none at all"
        ),
        "delimiter": Option(str, "CHARACTER", "the delimiter of a CSV file (default: guessed from the header)"),
        "decimal": Option(str, "CHARACTER", "the decimal mark of a CSV file"),
        "weight": Option(str, "COLUMN", "a column of sample weights"),
        "class_weight": Option(str, "balanced", "balanced: the weights of the rows sum to the same in each class"),
        "validation_fraction": Option(
            number, "FRACTION", "fraction of the rows for validation, on which training stops early"
        ),
        "test_fraction": Option(number, "FRACTION", "fraction of the rows held out for the report"),
        "group": Option(str, "COLUMN", "a column; rows with the same value stay in the same part of the split"),
    },
    "the network": {
        "numeric_inputs": Option(str, "NAME", "learned layer for numbers and dates, such as 'cosine(8)' or scale"),
        "category_inputs": Option(
            str, "NAME", "learned layer for each category, such as 'lookup(4)', instead of one-hot features"
        ),
        "hidden": Option(sizes, "SIZES", "units of the hidden layers, such as 64,32; none for no hidden layer"),
        "activation": Option(
            specs, "NAMES", f"of the hidden layers, one for all or one each, such as relu,tanh: {_known(ACTIVATIONS)}"
        ),
        "loss": Option(str, "NAME", f"auto, {_known(LOSSES)}; with parameters: 'huber(delta=2)'"),
        "initializer": Option(str, "NAME", f"of the weights: auto, {_known(INITIALIZERS)}"),
        "dropout": Option(
            numbers, "RATE", "probability that a hidden unit is dropped in a step: one for all layers, or one each"
        ),
        "l2": Option(number, "LAMBDA", "adds lambda/(2m) times the sum of squared weights to the cost"),
        "l1": Option(number, "LAMBDA", "adds lambda/m times the sum of absolute weights to the cost"),
        "dtype": Option(str, "TYPE", "float32 or float64"),
    },
    "training": {
        "optimizer": Option(str, "NAME", f"auto, {_known(OPTIMIZERS)}"),
        "learning_rate": Option(number, "RATE", "the notes' alpha (default: depends on the optimizer)"),
        "momentum": Option(number, "BETA", "the optimizer's beta; without --optimizer, the optimizer is momentum"),
        "schedule": Option(str, "NAME", f"of the learning rate: {_known(SCHEDULES)}"),
        "epochs": Option(whole, "N", "maximum number of passes over the training rows"),
        "batch_size": Option(auto_or_whole, "N", "rows per step; auto for at most 200"),
        "clip_norm": Option(number, "NORM", "clip the gradient to this Euclidean norm"),
        "averaging": Option(
            number, "BETA", "decay of a moving average of the parameters that takes their place: 0.955"
        ),
        "monitor": Option(
            str, "NAME", f"what decides which epoch is best: auto, validation_cost, training_cost, {_known(METRICS)}"
        ),
        "patience": Option(none_or_whole, "N", "stop after more than N epochs without improvement; none: never"),
        "tol": Option(number, "AMOUNT", "smallest improvement that counts"),
        "seed": Option(whole, "N", "seed of all random numbers"),
        "threads": Option(whole, "N", "maximum number of threads (default: depends on the machine)"),
    },
}
