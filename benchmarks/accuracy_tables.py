"""The tables of ``accuracy``, from its result alone; each is of one half of the data sets."""

from statistics import fmean, median
from typing import Any

from benchmarks.accuracy_statistics import (
    METRICS,
    SHOWN,
    Case,
    complete,
    difference,
    duel,
    mean_ranks,
    of_task,
    score,
    tasks_of,
)
from benchmarks.tables import number, table, verdict

LABELS = {"auc": "AUC", "accuracy": "accuracy", "log_loss": "log-loss", "rmse": "RMSE", "r2": "R²"}
BEATEN, NEVER_WORSE_THAN = "CatBoost", "MLP"
PREDICT_SECONDS = 0.2


def fit_limit(rows: int, columns: int) -> float:
    """Seconds that a fit on two cores is to take at most, by default."""
    return max(15.0 * rows * columns / 300_000, 3.0 if rows <= 300 else 5.0)


def report(result: dict[str, Any]) -> list[str]:
    cases, names = result["cases"], list(result["versions"])
    everywhere = [name for name in names if name not in result["slow"]]
    said = (
        f"{len(cases)} data sets of the {result['half']} half, {result['splits']} splits of each, the same rows for "
        f"all, 30 % of them to test on; defaults of {', '.join(f'{n} ({v})' for n, v in _versions(result).items())}. "
        "AUC of many classes: the mean of each against the rest. RMSE in the unit of the target."
    )
    parts = [said]
    if result["wanting"]:
        parts.append(f"Nothing on file of {', '.join(result['wanting'])}.")
    if not cases:
        return parts
    parts.append(_ranks("Mean ranks, 1 for the best", cases, everywhere))
    if len(everywhere) < len(names):
        few = complete(cases, names)
        parts.append(_ranks(f"Mean ranks on {', '.join(case['name'] for case in few)}", few, names) if few else "")
    others = [name for name in (BEATEN, NEVER_WORSE_THAN) if name in names]
    parts += [_duels(cases, [name for name in names if name != other], other) for other in others]
    parts += _variants(cases, names)
    for task in tasks_of(cases):
        parts += [_scores(of_task(cases, task), names, metric) for metric in SHOWN[task]]
    parts.append(_seconds(cases, names))
    parts += _failures(cases)
    for name in result["ours"]:
        if name in names:
            parts += _targets(cases, everywhere, name)
    return [part for part in parts if part]


def _versions(result: dict[str, Any]) -> dict[str, str]:
    return {name: " and ".join(versions) for name, versions in result["versions"].items()}


def _ranks(title: str, cases: list[Case], names: list[str]) -> str:
    """A column for each task and metric, headed by the number of data sets on which all were tried."""
    columns: dict[str, dict[str, float]] = {}
    for task in tasks_of(cases):
        of_it = of_task(cases, task)
        for metric in METRICS[task]:
            if found := mean_ranks(of_it, names, metric):
                columns[f"{task}: {LABELS[metric]} ({len(complete(of_it, names))})"] = found
    rows = [[name, *(f"{found[name]:.2f}" for found in columns.values())] for name in names]
    return f"### {title}\n\n" + table(["", *columns], rows) if columns else ""


def _duels(cases: list[Case], names: list[str], other: str) -> str:
    pairs = [(task, metric) for task in tasks_of(cases) for metric in METRICS[task]]
    rows = []
    for name in names:
        row = [name]
        for task, metric in pairs:
            found = duel(of_task(cases, task), name, other, metric)
            row.append(f"{found.better}:{found.worse} ({found.clearly_better}:{len(found.clearly_worse)})")
        rows.append(row)
    title = f"### Better than {other} : worse, data sets (in parentheses: by more than the noise)\n\n"
    return title + table(["", *(f"{task}: {LABELS[metric]}" for task, metric in pairs)], rows)


def _variants(cases: list[Case], names: list[str]) -> list[str]:
    """Learners with options, beside the same without: what each option brought."""
    lines = []
    for name in names:
        base = name.partition(":")[0]
        if base == name or base not in names:
            continue
        for task in tasks_of(cases):
            both = complete(of_task(cases, task), (name, base))
            for metric in METRICS[task]:
                found = duel(both, name, base, metric)
                gain = [
                    100.0 * difference(case, name, base, metric)[0] / abs(score(case, base, metric))
                    for case in both
                    if not any("error" in case["learners"][each] for each in (name, base))
                ]
                lines.append(
                    [
                        name,
                        f"{task}: {LABELS[metric]}",
                        f"{fmean(gain):+.2f} %" if gain else "",
                        f"{found.better}:{found.worse}",
                        f"{found.clearly_better}:{len(found.clearly_worse)}",
                    ]
                )
    head = ["", "", "better by", "data sets better : worse", "by more than the noise"]
    return ["### What options brought\n\n" + table(head, lines)] if lines else []


def _scores(cases: list[Case], names: list[str], metric: str) -> str:
    """Means over the splits, the best of a data set in bold."""
    rows = []
    for case in cases:
        tried = [name for name in names if name in case["learners"]]
        best = max((score(case, name, metric) for name in tried), default=None)
        cells = [
            "" if name not in tried else _cell(case, name, metric, is_best=score(case, name, metric) == best)
            for name in names
        ]
        rows.append([case["name"], f"{case['rows']:,}", str(case["columns"]), *cells])
    head = ["", "rows", "columns", *names]
    return f"### {LABELS[metric]}, {cases[0]['task']}\n\n" + table(head, rows)


def _cell(case: Case, name: str, metric: str, *, is_best: bool) -> str:
    learner = case["learners"][name]
    if "error" in learner:
        return "failed"
    mean = fmean(learner["scores"][metric])
    text = f"{mean:.4g}" if metric == "rmse" else f"{mean:.4f}"
    return f"**{text}**" if is_best else text


def _seconds(cases: list[Case], names: list[str]) -> str:
    rows = []
    is_timed = True
    for case in cases:
        cells = []
        for name in names:
            learner = case["learners"].get(name, {"error": ""})
            if "error" in learner:
                cells.append("")
                continue
            is_timed &= learner["is_timed"]
            seconds, mark = median(learner["fit_seconds"]), "" if learner["is_timed"] else "?"
            cells.append(f"{number(seconds)}{mark} / {number(1e3 * median(learner['predict_seconds']))}{mark}")
        rows.append([case["name"], number(fit_limit(case["rows"], case["columns"])), *cells])
    title = "### Seconds of a fit / milliseconds of the prediction of 10,000 rows\n\n"
    said = "" if is_timed else "\n\n?: other programs computed meanwhile."
    return title + table(["", "target", *names], rows) + said


def _failures(cases: list[Case]) -> list[str]:
    return [
        f"{name} failed on {case['name']}: {learner['error']}"
        for case in cases
        for name, learner in case["learners"].items()
        if "error" in learner
    ]


def _targets(cases: list[Case], names: list[str], ours: str) -> list[str]:
    """What is to be reached, beside what was."""
    lines = []
    for task in tasks_of(cases):
        of_it = of_task(cases, task)
        for metric in METRICS[task]:
            found = mean_ranks(of_it, names, metric)
            if ours in found:
                place = 1 + sum(other < found[ours] for other in found.values())
                lines.append([f"{task}, {LABELS[metric]}: place by mean rank", f"{place} of {len(found)}", "1"])
                lines[-1].append(verdict(place == 1))
            if BEATEN in names:
                fought = duel(of_it, ours, BEATEN, metric)
                of = f"{fought.better} of {fought.better + fought.worse}"
                lines.append([f"{task}, {LABELS[metric]}: {BEATEN} beaten on", of, "more than half"])
                lines[-1].append(verdict(fought.better > fought.worse))
            if NEVER_WORSE_THAN in names:
                worse = duel(of_it, ours, NEVER_WORSE_THAN, metric).clearly_worse
                about = f"{task}, {LABELS[metric]}: worse than {NEVER_WORSE_THAN} by more than noise on"
                lines.append([about, ", ".join(worse) or "none", "none", verdict(not worse)])
    slow = [case["name"] for case in cases if _median(case, ours, "fit_seconds") > fit_limit(*_size(case))]
    late = [case["name"] for case in cases if _median(case, ours, "predict_seconds") > PREDICT_SECONDS]
    lines += [
        ["fits over their target of seconds", ", ".join(slow) or "none", "none", verdict(not slow)],
        ["predictions over 0.2 s", ", ".join(late) or "none", "none", verdict(not late)],
    ]
    return [f"### Targets: {ours}\n\n" + table(["", "measured", "target", ""], lines)]


def _median(case: Case, name: str, what: str) -> float:
    return median(case["learners"].get(name, {}).get(what, [0.0]))


def _size(case: Case) -> tuple[int, int]:
    return case["rows"], case["columns"]
