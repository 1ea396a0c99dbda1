"""What the tables of all results share."""

from typing import Any


def machine_line(machine: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items() if version)
    return (
        f"{machine['processor']} ({' '.join(machine['vector_flags'])}), {machine['usable_cores']} usable cores, "
        f"{machine['memory_gib']} GiB; {machine['system']}; Python {machine['python']}; {libraries}; {machine['date']}"
    )


def title(case: dict[str, Any]) -> str:
    return f"### {case['name']}\n\n{'-'.join(map(str, case['n']))}, batch {case['batch_size']}, {case['rows']:,} rows"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(figures: dict[str, Any], scale: float = 1.0) -> list[str]:
    """Two cells: the median, and the quartiles."""
    low, median, high = (number(scale * figures[name]) for name in ("low_quartile", "median", "high_quartile"))
    return [median, f"{low} to {high}"]


def verdict(is_met: bool | None) -> str:
    return {True: "met", False: "NOT MET", None: "not measured"}[is_met]


def absent(missing: dict[str, str]) -> list[str]:
    """A line for each contestant that did not take part."""
    return [f"{name} did not take part: {reason}" for name, reason in missing.items()]


def table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(3, *(len(row[column]) for row in (head, *rows))) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: list[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    return "\n".join(line(cells) for cells in (head, rule, *rows))
