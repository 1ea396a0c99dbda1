"""Where results are kept: benchmarks/results/<processor>/<kind>.json."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine

RESULTS = Path(__file__).resolve().parent / "results"


def keep(result: dict[str, Any], out: Path | None) -> Path:
    """Write a result to ``out``, or to its place among the results, and say where."""
    path = out or RESULTS / machine.slug(result["machine"]["processor"]) / f"{result['kind']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {path}", file=sys.stderr)
    return path
