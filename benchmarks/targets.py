"""What chainrule wants to reach on one core: how many times faster than a rival's best form, and its share of peak.

By vector unit, since a wider one leaves more of a step to what is not multiplication. float32, Adam.
"""

from dataclasses import dataclass
from typing import Any

from benchmarks.rivals import BEFORE, ENGINE
from benchmarks.tables import table, verdict

OURS = f"chainrule {ENGINE}"
FAMILIES = ("JAX", "torch", "scikit-learn")
NOT_SLOWER = 0.98  # times the speed of the version before; the rest is what two runs of one version differ by


@dataclass(frozen=True)
class Target:
    """Times faster than each of FAMILIES; percent of what the fused multiply-adds of a core can do."""

    times: tuple[float, float, float]
    percent: float


AVX512 = {
    "tiny": Target((5.0, 30.0, 30.0), 40.0),
    "small": Target((2.5, 12.0, 12.0), 55.0),
    "mnist": Target((1.3, 2.5, 2.7), 75.0),
    "table": Target((1.15, 1.5, 2.0), 82.0),
    "wide": Target((1.15, 1.1, 1.5), 86.0),
}
AVX2 = {
    "tiny": Target((5.0, 30.0, 30.0), 40.0),
    "small": Target((2.0, 12.0, 12.0), 52.0),
    "mnist": Target((1.25, 2.0, 2.5), 72.0),
    "table": Target((1.2, 1.45, 2.0), 78.0),
    "wide": Target((1.3, 1.05, 1.3), 80.0),
}


def targets(case: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """A table of targets beside what was measured; nothing where there are none or we did not take part."""
    entries = case["rivals"]
    ours = entries.get(OURS)
    if case["name"] not in AVX512 or result["threads"] != 1 or ours is None or ours["missing"] is not None:
        return []
    wide, narrow = AVX512[case["name"]], AVX2[case["name"]]
    here = wide if "avx512f" in result["machine"]["vector_flags"] else narrow
    rows = []
    for k, family in enumerate(FAMILIES):
        best = case["best_forms"].get(family)
        measured = None if best is None else entries[best]["ratio_to"][OURS]
        rows.append(_row(f"times faster than {family}", wide.times[k], narrow.times[k], here.times[k], measured))
    share = ours["share_of_peak"]
    measured = None if share is None else 100.0 * share
    rows.append(_row("% of FMA peak", wide.percent, narrow.percent, here.percent, measured))
    if BEFORE in entries and entries[BEFORE]["missing"] is None:
        against = entries[BEFORE]["ratio_to"][OURS]
        rows.append(_row("times the speed before", NOT_SLOWER, NOT_SLOWER, NOT_SLOWER, against))
    return [table(["target", "AVX-512", "AVX2", "measured", ""], rows)]


def _row(what: str, wide: float, narrow: float, here: float, measured: float | None) -> list[str]:
    is_met = None if measured is None else measured >= here
    return [what, f"{wide:g}", f"{narrow:g}", "" if measured is None else f"{measured:.3g}", verdict(is_met)]
