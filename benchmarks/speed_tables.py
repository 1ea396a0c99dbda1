"""The tables of ``speed``, and of its check."""

from typing import Any

import numpy as np

from benchmarks.tables import absent, number, spread, table, title
from benchmarks.targets import targets


def speed(result: dict[str, Any]) -> list[str]:
    return [_speed_settings(result), *(_speed_case(case, result) for case in result["cases"])]


def check(result: dict[str, Any]) -> list[str]:
    return [_check_settings(result), *(_check_case(case, result) for case in result["cases"])]


def _speed_settings(result: dict[str, Any]) -> str:
    return (
        f"{result['threads']} thread(s), {result['rounds']} rounds of {result['seconds_per_round']} s. "
        '**Bold**: the fastest form of a library with several. A column "÷ X" says how many times as long as X a '
        "step takes: the median of the ratios within each round."
    )


def _speed_case(case: dict[str, Any], result: dict[str, Any]) -> str:
    entries = case["rivals"]
    took_part, missing = _split(entries)
    ours = [name for name in took_part if name.startswith("chainrule")]
    head = ["", "µs per step", "quartiles", "GFLOP/s", "share of peak", *(f"÷ {name}" for name in ours)]
    rows = []
    for name, entry in took_part.items():
        forms = sum(entry["family"] == other["family"] for other in entries.values())
        is_best = forms > 1 and case["best_forms"][entry["family"]] == name
        rows.append(
            [
                f"**{name}**" if is_best else name,
                *spread(entry["microseconds"]),
                number(case["flops_per_step"] / entry["microseconds"]["median"] / 1e3),
                "" if entry["share_of_peak"] is None else f"{100 * entry['share_of_peak']:.1f} %",
                *(f"{entry['ratio_to'][other]:.2f}" for other in ours),
            ]
        )
    peak = case["peak_gflops"]
    limit = f"unknown: {peak['missing']}" if peak["missing"] else f"{number(float(np.median(peak['rounds'])))} GFLOP/s"
    head_line = f"{title(case)}, {case['flops_per_step'] / 1e6:.3g} MFLOP a step, FMA peak {limit}"
    return "\n\n".join([head_line, table(head, rows), *absent(missing), *targets(case, result)])


def _check_settings(result: dict[str, Any]) -> str:
    return (
        f"Training loss from the same weights, before and after {result['one_batch_steps']} steps on one batch, and "
        f"before and after {result['epochs']} epochs of all rows, whose orders differ. The same: within "
        f"{100 * result['tolerance']['one_batch']:.0f} % and {100 * result['tolerance']['epochs']:.0f} % of each other."
    )


def _check_case(case: dict[str, Any], result: dict[str, Any]) -> str:
    took_part, missing = _split(case["rivals"])
    parts = list(case["spread"])
    rows = [
        [name, *(f"{entry[part][when]:.5f}" for part in parts for when in ("before", "after"))]
        for name, entry in took_part.items()
    ]
    apart = " and ".join(f"{100 * case['spread'][part]:.2f} %" for part in parts)
    head_line = f"{title(case)}: spread {apart}, {'the same' if agrees(case, result) else 'NOT THE SAME'}"
    head = ["", "one batch: before", "after", "epochs: before", "after"]
    return "\n\n".join([head_line, table(head, rows), *absent(missing)])


def agrees(case: dict[str, Any], result: dict[str, Any]) -> bool:
    """Whether all that took part in a check have learnt the same."""
    return all(case["spread"][part] <= limit for part, limit in result["tolerance"].items())


def _split(entries: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Who took part, and why the others did not."""
    took_part = {name: entry for name, entry in entries.items() if entry["missing"] is None}
    return took_part, {name: entry["missing"] for name, entry in entries.items() if entry["missing"] is not None}
