"""Results as Markdown tables, made from nothing but the JSON."""

from collections.abc import Callable
from typing import Any

from benchmarks import (
    accuracy,
    accuracy_time,
    busy,
    cold,
    digits,
    estimators,
    exported,
    growth,
    input_layers,
    memory,
    packs,
    predict,
    simplechains,
    speed_tables,
    threads,
)
from benchmarks.tables import machine_line

KINDS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "speed": speed_tables.speed,
    "check": speed_tables.check,
    "threads": threads.report,
    "input_layers": input_layers.report,
    "packs": packs.report,
    "busy": busy.report,
    "growth": growth.report,
    "cold": cold.report,
    "accuracy_time": accuracy_time.report,
    "memory": memory.report,
    "digits": digits.report,
    "predict": predict.report,
    "simplechains": simplechains.report,
    "estimators": estimators.report,
    "exported": exported.report,
    "accuracy_development": accuracy.report,
    "accuracy_untouched": accuracy.report,
}


def report(result: dict[str, Any]) -> str:
    """What is printed. ValueError: a kind of result that is not known."""
    if result.get("kind") not in KINDS:
        raise ValueError(f"no result of a benchmark: kind {result.get('kind')!r} is none of {', '.join(KINDS)}")
    return "\n\n".join([machine_line(result["machine"]), *KINDS[result["kind"]](result)])
