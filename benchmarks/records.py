"""The kept results on one page: ``python -m benchmarks.records`` writes RECORDS.md from the files in results/.

Each line has the figures of a file, the command that makes it, and the commit in which it was filed.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import packs
from benchmarks.accuracy_statistics import METRICS, complete, mean_ranks, of_task, tasks_of
from benchmarks.accuracy_tables import LABELS
from benchmarks.kept import RESULTS
from benchmarks.rivals import RIVALS
from benchmarks.tables import number

PAGE = RESULTS.parent / "RECORDS.md"
OURS = "chainrule fused"
ACCURACY = ("accuracy_development", "accuracy_untouched")
HEAD = """# Records

What chainrule was measured to do: one line for each file in `results/`. Medians; figures of other processors, and of
other days on the same one, do not compare. `python -m benchmarks show FILE` prints all of a file, rivals and targets
included. This page is written by `python -m benchmarks.records`, and a test holds its figures to the files.
"""

Result = dict[str, Any]


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for folder in sorted({path.parent for path in RESULTS.glob("*/*.json")}):
        files = {path: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
        processor = next(iter(files.values()))["machine"]["processor"]
        parts.append(f"## {processor}\n\n| file | figures | date | commit | command |\n|---|---|---|---|---|")
        parts[-1] += "".join(f"\n| {' | '.join(cells(path, result))} |" for path, result in files.items()) + "\n"
    return "\n".join(parts)


def cells(path: Path, result: Result) -> list[str]:
    """A line of the page."""
    link = f"[{path.stem}]({path.relative_to(PAGE.parent)})"
    figures = "<br>".join(FIGURES[path.stem](result)) if path.stem in FIGURES else ""
    return [link, figures, result["machine"]["date"][:10], commit(path), f"`{command(result)}`"]


def commit(path: Path) -> str:
    """The commit in which the file is as it is; "" where it was changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words, "--", path], cwd=RESULTS, capture_output=True, text=True).stdout.strip()

    return "" if git("status", "--porcelain") else git("log", "-1", "--format=%h")


def command(result: Result) -> str:
    """The command that makes such a file; options that it does not name had their defaults."""
    kind = result["kind"]
    words = {
        "same_bits": lambda: f"--configurations {result['configurations']}",
        "kills": lambda: f"--kills {result['kills']}",
        "fuzz_model_files": lambda: f"--count {result['count']}",
    }
    if kind in words:
        return f"python -m benchmarks.{kind} {words[kind]()}"
    if kind in ACCURACY:
        return f"python -m benchmarks accuracy --half {result['half']}"
    options = [f" --seeds {result['seeds']}" if "seeds" in result else f" --rounds {_rounds(result)}"]
    if kind == "speed" and len(result["cases"][0]["rivals"]) < len(RIVALS):
        options.append(f" --rivals '{','.join(result['cases'][0]['rivals'])}'")
    return f"python -m benchmarks {kind}{''.join(options)}"


def _rounds(result: Any) -> int | None:
    """How many there were: some results say it, all have the figures of each."""
    if not isinstance(result, dict | list):
        return None
    if isinstance(result, list):
        return next(filter(None, map(_rounds, result)), None)
    said = result.get("rounds")
    if said is None:
        return _rounds(list(result.values()))
    return said if isinstance(said, int) else len(said)


def _speed(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        entry, best = case["rivals"][OURS], case["best_forms"]
        ratios = (f"{family} {_of(case, best[family]):.3g}" for family in ("JAX", "torch", "scikit-learn"))
        share = f"{100 * entry['share_of_peak']:.0f} % of peak"
        yield f"{case['name']} {_median(entry['microseconds'])} µs a step, {share}; speed against {', '.join(ratios)}"


def _of(case: Result, rival: str) -> float:
    return case["rivals"][rival]["ratio_to"][OURS]


def _median(figures: Result, scale: float = 1.0) -> str:
    return number(scale * figures["median"])


def _threads(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        yield f"{case['name']} {case['times_faster']:.2f} times as fast with {result['threads']} threads"


def _busy(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        speeds = ", ".join(f"{beside['speed']:.2f} beside {beside['busy']}" for beside in case["beside"])
        yield f"{case['name']}, of the faster number of threads: {speeds} busy processes"


def _packs(result: Result) -> Iterator[str]:
    for fast, slow, ratio, _ in packs.ratios(result):
        yield f"{fast} {ratio:.2f} times as fast as {slow}"


def _input_layers(result: Result) -> Iterator[str]:
    for each in result["layers"]:
        yield f"{each['layer']} {each['times_as_long']:.2f} times as long as the plain network"


def _growth(result: Result) -> Iterator[str]:
    for axis in result["cases"]:
        ends = (axis["points"][0], axis["points"][-1])
        first, last = (f"{_median(point['microseconds'][OURS])} at {point['value']:,}" for point in ends)
        yield f"{axis['name']}: {first}, {last} µs per {axis['unit']}"


def _cold(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        for name in result["ours"]:
            yield f"{case['name']}, {name}: {_median(case['seconds'][name]['until fitting'])} s until fitting"


def _accuracy_time(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        milliseconds = _median(case["reached"][OURS]["seconds"], 1e3)
        yield f"{case['name']} {milliseconds} ms to accuracy {case['accuracy']}"


def _memory(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        figures = case["bytes"][OURS]
        yield f"{case['name']} {_median(figures['peak'], 2**-20)} MiB"


def _predict(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        yield f"{_median(case['microseconds'][OURS])} µs for {case['rows']:,} row{'s' * (case['rows'] > 1)}"


def _simplechains(result: Result) -> Iterator[str]:
    for name, figures in result["microseconds"].items():
        yield f"{name.removeprefix(f'{OURS}, ')}: {_median(figures)} µs per epoch"


def _digits(result: Result) -> Iterator[str]:
    milliseconds = _median(result["seconds"][OURS], 1e3)
    yield f"a fit {milliseconds} ms, {result['times_faster']:.3g} times faster than scikit-learn"


def _estimators(result: Result) -> Iterator[str]:
    for dtype in ("float64", "float32"):
        fits = [case["fits"] for case in result["cases"] if case["dtype"] == dtype]
        ours, theirs = (sum(sum(fit[name]["seconds"]) for fit in fits) for name in ("chainrule", "scikit-learn"))
        yield f"all fits of {len(fits)} data sets in {dtype} {theirs / ours:.3g} times faster than scikit-learn"
    for call in result["calls"]:
        yield f"{call['name']}, {call['dtype']}: {call['times_faster']:.3g} times faster"


def _exported(result: Result) -> Iterator[str]:
    for case in result["cases"]:
        yield f"{case['name']} {_median(case['nanoseconds'], 1e-3)} µs a row"


def _same_bits(result: Result) -> Iterator[str]:
    yield f"{result['checksums_compared']:,} checksums compared, {len(result['different'])} different"


def _kills(result: Result) -> Iterator[str]:
    yield f"{result['kills']} kills, {result['found']['files read']} files read, {len(result['faults'])} faults"


def _fuzz_model_files(result: Result) -> Iterator[str]:
    yield f"{result['count']:,} mutations, {len(result['failures'])} failures"


def _accuracy(result: Result) -> Iterator[str]:
    names = [name for name in result["versions"] if name not in result["slow"]]
    for task in tasks_of(result["cases"]):
        cases = of_task(result["cases"], task)
        metric = METRICS[task][0]
        found = sorted(mean_ranks(cases, names, metric).items(), key=lambda each: each[1])
        ranks = ", ".join(f"{name} {rank:.2f}" for name, rank in found)
        yield f"{task}, {len(complete(cases, names))} data sets, mean rank by {LABELS[metric]}: {ranks}"


# By the name of the file: the figures of a result, a text each.
FIGURES: dict[str, Callable[[Result], Iterator[str]]] = {
    "speed": _speed,
    "threads": _threads,
    "busy": _busy,
    "input_layers": _input_layers,
    "packs": _packs,
    "growth": _growth,
    "cold": _cold,
    "accuracy_time": _accuracy_time,
    "memory": _memory,
    "predict": _predict,
    "simplechains": _simplechains,
    "digits": _digits,
    "estimators": _estimators,
    "exported": _exported,
    **dict.fromkeys(ACCURACY, _accuracy),
    "same_bits": _same_bits,
    "kills": _kills,
    "fuzz_model_files": _fuzz_model_files,
}


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"written to {PAGE}", file=sys.stderr)
