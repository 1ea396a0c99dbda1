"""Results of ``accuracy`` on disk: a file for each learner, a line for each (data set, split), filed as it ends."""

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.accuracy_data import SUITE
from benchmarks.machine import slug

Result = dict[str, Any]

_PLACE = {each.name: place for place, each in enumerate(SUITE)}


class Filed:
    """What is on file of a learner, by (data set, seed). A run that was ended goes on from it."""

    def __init__(self, folder: Path, learner: str) -> None:
        self.path = folder / f"{slug(learner)}.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        results = map(json.loads, lines)
        self.results: dict[tuple[str, int], Result] = {(each["data"], each["seed"]): each for each in results}

    def put(self, result: Result) -> None:
        """In the place of an older one. The file is whole at any time."""
        self.results[result["data"], result["seed"]] = result
        ordered = sorted(self.results.values(), key=lambda each: (_PLACE.get(each["data"], len(_PLACE)), each["seed"]))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        with beside.open("w") as file:
            file.writelines(json.dumps(each) + "\n" for each in ordered)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)

    def of(self, data: str) -> list[Result]:
        return [each for (name, _), each in self.results.items() if name == data]

    def wanting(self, data: str, seeds: tuple[int, ...], current: Result | None = None) -> list[int]:
        """Seeds without a result; with ``current``, also those with one that failed, or is of another time.

        current: the version, and the timing, of a result that would be filed now.
        """
        filed = {each["seed"]: each for each in self.of(data)}
        return [seed for seed in seeds if seed not in filed or (current and _is_outdated(filed[seed], current))]


def _is_outdated(result: Result, current: Result) -> bool:
    is_better_timed = current["timing"] == "reliable" != result["timing"]
    return "error" in result or result["version"] != current["version"] or is_better_timed
