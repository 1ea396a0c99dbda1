"""Results as Markdown tables."""

from typing import Any

import numpy as np


def report(result: dict[str, Any]) -> str:
    """What is printed, made from nothing but the JSON. ValueError: a kind of result that is not known."""
    kinds = {"speed": (_speed_settings, _speed_case), "check": (_check_settings, _check_case)}
    if result.get("kind") not in kinds:
        raise ValueError(f"no result of a benchmark: kind {result.get('kind')!r} is none of {', '.join(kinds)}")
    settings, case_table = kinds[result["kind"]]
    parts = [_machine(result["machine"]), settings(result), *(case_table(case, result) for case in result["cases"])]
    return "\n\n".join(parts)


def _machine(machine: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items() if version)
    return (
        f"{machine['processor']} ({' '.join(machine['vector_flags'])}), {machine['usable_cores']} usable cores, "
        f"{machine['memory_gib']} GiB; {machine['system']}; Python {machine['python']}; {libraries}; {machine['date']}"
    )


def _speed_settings(result: dict[str, Any]) -> str:
    return (
        f"{result['threads']} thread(s), {result['rounds']} rounds of {result['seconds_per_round']} s. "
        '**Bold**: the fastest form of a library with several. A column "÷ X" says how many times as long as X a '
        "step takes: the median of the ratios within each round."
    )


def _speed_case(case: dict[str, Any], _result: dict[str, Any]) -> str:
    entries = case["rivals"]
    ours = [name for name, entry in entries.items() if _is_ours(name) and entry["missing"] is None]
    head = ["", "µs per step", "quartiles", "GFLOP/s", "share of peak", *(f"÷ {name}" for name in ours)]
    rows, absent = [], []
    for name, entry in entries.items():
        if entry["missing"] is not None:
            absent.append(f"{name} did not take part: {entry['missing']}")
            continue
        time = entry["microseconds"]
        forms = sum(entry["family"] == other["family"] for other in entries.values())
        is_best = forms > 1 and case["best_forms"][entry["family"]] == name
        rows.append(
            [
                f"**{name}**" if is_best else name,
                _number(time["median"]),
                f"{_number(time['low_quartile'])} to {_number(time['high_quartile'])}",
                _number(case["flops_per_step"] / time["median"] / 1e3),
                "" if entry["share_of_peak"] is None else f"{100 * entry['share_of_peak']:.1f} %",
                *(f"{entry['ratio_to'][other]:.2f}" for other in ours),
            ]
        )
    peak = case["peak_gflops"]
    limit = f"unknown: {peak['missing']}" if peak["missing"] else f"{_number(float(np.median(peak['rounds'])))} GFLOP/s"
    title = f"{_title(case)}, {case['flops_per_step'] / 1e6:.3g} MFLOP a step, FMA peak {limit}"
    return "\n\n".join([title, _table(head, rows), *absent])


def _check_settings(result: dict[str, Any]) -> str:
    return (
        f"Training loss from the same weights, before and after {result['one_batch_steps']} steps on one batch, and "
        f"before and after {result['epochs']} epochs of all rows, whose orders differ. The same: within "
        f"{100 * result['tolerance']['one_batch']:.0f} % and {100 * result['tolerance']['epochs']:.0f} % of each other."
    )


def _check_case(case: dict[str, Any], result: dict[str, Any]) -> str:
    entries = case["rivals"].items()
    parts = list(case["spread"])
    rows = [
        [name, *(f"{entry[part][when]:.5f}" for part in parts for when in ("before", "after"))]
        for name, entry in entries
        if entry["missing"] is None
    ]
    absent = [f"{name} did not take part: {e['missing']}" for name, e in entries if e["missing"] is not None]
    spread = " and ".join(f"{100 * case['spread'][part]:.2f} %" for part in parts)
    verdict = "the same" if agrees(case, result) else "NOT THE SAME"
    title = f"{_title(case)}: spread {spread}, {verdict}"
    head = ["", "one batch: before", "after", "epochs: before", "after"]
    return "\n\n".join([title, _table(head, rows), *absent])


def agrees(case: dict[str, Any], result: dict[str, Any]) -> bool:
    """Whether all that took part in a check have learnt the same."""
    return all(case["spread"][part] <= limit for part, limit in result["tolerance"].items())


def _is_ours(name: str) -> bool:
    return name.startswith("chainrule")


def _title(case: dict[str, Any]) -> str:
    return f"### {case['name']}\n\n{'-'.join(map(str, case['n']))}, batch {case['batch_size']}, {case['rows']} rows"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: list[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    return "\n".join(line(cells) for cells in (head, rule, *rows))
