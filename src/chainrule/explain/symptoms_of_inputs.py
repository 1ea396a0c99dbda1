"""Symptoms of the rows that a network is given, each a function from the evidence to a Finding or None.

The columns are those of X and of the codes, as they are before any input layer.
"""

from dataclasses import dataclass

import numpy as np

from chainrule.explain.findings import Evidence, Finding, Floats, Places

# The initialisers take inputs of root mean square 1 (Glorot & Bengio 2010; He et al. 2015), and a factor in scale is
# its square in the conditioning of the cost (LeCun et al. 1998, Efficient BackProp, section 5.1).
TOO_LARGE = 10.0
TOO_SMALL = 1e-2  # of the median column, or of 1; a small column is only learnt late, a large one drowns the others
OFF_CENTRE = 10.0  # deviations from 0 to the mean: the column is then a second bias to within a hundredth of its square
SAME = 1e-6  # deviations between two standardised columns that are one: rounding of float32
TELLS_ALL = 0.98  # of the target's variance, on rows not used for that
OTHERS_TELL = 0.8  # if another input comes near on its own, the target is just an easy one


def unscaled_input(evidence: Evidence) -> Finding | None:
    """Columns whose size or mean is far from the others'; of columns of 0 and others, the others' size counts."""
    X, columns = evidence.subject.X[:, evidence.varying], evidence.varying
    if not len(columns):
        return None
    size = np.sqrt(np.sum(X * X, axis=0) / np.count_nonzero(X, axis=0))
    low, high = X.min(axis=0), X.max(axis=0)
    is_mark = np.all((low == X) | (high == X), axis=0)
    off = np.where(is_mark, 0.0, np.abs(X.mean(axis=0)) / X.std(axis=0))
    usual = min(float(np.median(size)), 1.0)
    against = "size of a column, in that of the median column or in 1"
    reasons = (
        ("size of a column (root mean square)", size, TOO_LARGE, size > TOO_LARGE),
        (against, size / usual, TOO_SMALL, size < TOO_SMALL * usual),
        ("distance of a column's mean from 0, in its deviations", off, OFF_CENTRE, off > OFF_CENTRE),
        (against, size / usual, TOO_LARGE, size > TOO_LARGE * usual),
    )
    found = np.logical_or.reduce([far for *_, far in reasons])
    if not found.any():
        return None
    measure, values, threshold, far = next(reason for reason in reasons if reason[-1].any())
    worst = values[far].min() if threshold < 1.0 else values[far].max()
    return Finding(
        "unscaled input",
        measure,
        float(worst),
        threshold,
        "Gradients grow with the inputs, so no learning rate suits both these columns and the others; large ones "
        "saturate or kill units at the start.",
        "Standardise the columns to mean 0 and deviation 1 on the training rows (chainrule.train does; with an "
        "estimator, put a StandardScaler before it).",
        columns=evidence.names(columns[found]),
    )


def constant_inputs(evidence: Evidence) -> Finding | None:
    """Columns with one value in all rows."""
    of = evidence.subject
    constant = evidence.names(np.setdiff1d(np.arange(of.X.shape[1]), evidence.varying))
    if of.codes is not None:
        constant += evidence.category_names(np.setdiff1d(np.arange(of.codes.shape[1]), evidence.varying_codes))
    if not constant:
        return None
    return Finding(
        "constant inputs",
        "values in a column",
        1.0,
        2.0,
        "A column that never changes tells nothing; its weights act as a second bias.",
        "Leave it out, unless other rows have other values.",
        columns=constant,
    )


def duplicate_inputs(evidence: Evidence) -> Finding | None:
    """Columns that are one another times a positive number plus another; categories whose levels go together."""
    X, columns = evidence.subject.X, _without_gap_marks(evidence)
    V = (X[:, columns] - X[:, columns].mean(axis=0)) / X[:, columns].std(axis=0)
    # two columns that are one have one projection, so only neighbours in the order of projections are compared
    projection = np.random.default_rng(0).standard_normal(len(V)) @ V / np.sqrt(len(V))
    order = np.argsort(projection)
    groups: list[list[int]] = []
    for k in order.tolist():
        if groups and np.sqrt(np.mean((V[:, groups[-1][0]] - V[:, k]) ** 2)) < SAME:
            groups[-1].append(k)
        else:
            groups.append([k])
    pairs = [evidence.names(columns[sorted(group)]) for group in sorted(map(sorted, groups)) if len(group) > 1]
    pairs += _same_categories(evidence)
    if not pairs:
        return None
    said = "; ".join(" = ".join(pair) for pair in pairs[:6])
    return Finding(
        "duplicate inputs",
        "columns that repeat another",
        float(sum(len(pair) - 1 for pair in pairs)),
        0.0,
        f"Up to a factor and a shift they are the same ({said}): they share one weight's work, count twice in a "
        "penalty, and none of their weights can be interpreted alone.",
        "Keep one of each.",
        columns=tuple(name for pair in pairs for name in pair),
    )


def _same_categories(evidence: Evidence) -> list[tuple[str, ...]]:
    """Groups of columns of codes that are the same up to the order of their levels."""
    alike: dict[bytes, list[int]] = {}
    for k in evidence.varying_codes.tolist():
        _, first, place = np.unique(np.asarray(evidence.subject.codes)[:, k], return_index=True, return_inverse=True)
        alike.setdefault(first[place].tobytes(), []).append(k)  # by the row in which a level comes up first
    return [evidence.category_names(group) for group in alike.values() if len(group) > 1]


def target_leakage(evidence: Evidence) -> Finding | None:
    """One input that predicts the target alone, nearly perfectly, while the others do not."""
    tells = _told(evidence)
    if len(tells) < 2:
        return None
    best, second = sorted(tells, key=tells.__getitem__, reverse=True)[:2]
    if not tells[best] >= TELLS_ALL or tells[second] > OTHERS_TELL:
        return None
    return Finding(
        "target leakage",
        "share of the target's variance that one input predicts alone",
        tells[best],
        TELLS_ALL,
        f"This input alone predicts the target; the next best comes to {max(tells[second], 0.0):.2g}. Such a column "
        "is often the target in another form, or was recorded after the outcome was known.",
        "Ask whether the column is known when a prediction is wanted; if not, leave it out.",
        columns=_sources(evidence)[best].features,
    )


@dataclass(frozen=True, eq=False)
class _Source:
    """What a column of the table has become: the features by name, and a number for each traced row, (m,)."""

    features: tuple[str, ...]
    values: Floats


def _told(evidence: Evidence) -> dict[str, float]:
    """By input: of Y, how much of the variance it predicts alone on every other traced row, learnt on the rows between.

    The prediction is the mean target at the nearest values on both sides, in proportion to the distance. A column that
    repeats one before it is passed over.
    """
    Y = evidence.trace.subject.targets
    order = np.random.default_rng(0).permutation(len(Y))
    learn, check = order[::2], order[1::2]
    total = float(np.sum((Y[check] - Y[learn].mean(axis=0)) ** 2))
    if total == 0.0:
        return {}
    told: dict[str, float] = {}
    seen: list[Places] = []
    for name, source in _sources(evidence).items():
        x = source.values
        residual = float(np.sum((Y[check] - _interpolated(x[learn], Y[learn], x[check])) ** 2))
        skill = 1.0 - residual / total
        if skill >= OTHERS_TELL:
            ranks = np.unique(x, return_inverse=True)[1]
            if any(np.array_equal(ranks, other) for other in seen):
                continue
            seen.append(ranks)
        told[name] = skill
    return told


def _sources(evidence: Evidence) -> dict[str, _Source]:
    """The varying inputs by what they come from: the levels "island=Biscoe", "island=Dream" are one, "island"."""
    of = evidence.trace.subject
    sources: dict[str, list[int]] = {}
    X = of.X
    for k in evidence.varying.tolist():
        name = str(evidence.subject.inputs[k])
        is_level = "=" in name and np.isin(X[:, k], (0.0, 1.0)).all()
        sources.setdefault(name.split("=", maxsplit=1)[0] + "=" if is_level else name, []).append(k)
    made: dict[str, _Source] = {}
    for name, columns in sources.items():
        levels = np.arange(1.0, len(columns) + 1.0)  # of a category as 1, 2, ...
        made[name] = _Source(evidence.names(columns), X[:, columns] @ levels)
    for k in evidence.varying_codes.tolist():
        (name,) = evidence.category_names([k])
        made[name] = _Source((name,), np.asarray(of.codes)[:, k].astype(np.float64))
    return made


def _interpolated(x: Floats, Y: Floats, at: Floats) -> Floats:
    """Y by x, (m, K): the mean at each value of x, and straight lines between."""
    values, place, count = np.unique(x, return_inverse=True, return_counts=True)
    means = [np.bincount(place, y) / count for y in Y.T]
    return np.stack([np.interp(at, values, mean) for mean in means], axis=1)


def _without_gap_marks(evidence: Evidence) -> Places:
    """The varying inputs but those that only mark gaps, "mass missing": rows often lack several values at once."""
    names = {str(name) for name in evidence.subject.inputs}
    marks = {f"{name} missing" for name in names}
    return np.array([k for k in evidence.varying.tolist() if str(evidence.subject.inputs[k]) not in marks], np.int64)
