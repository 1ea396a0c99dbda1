"""Symptoms of a trained network on its rows, each a function from the evidence to a Finding or None."""

import numpy as np

from chainrule.explain.findings import Evidence, Finding, Floats, Places

# Of its units a layer must have lost a quarter: sound trainings of our own lose up to a fifth and are as good.
LOST_UNITS = 0.25
# A bounded activation passes back less than a fiftieth of its steepest slope: |tanh| > 0.99, sigmoid beyond 0.995.
FLAT_SLOPE = 0.02
FLAT_ROWS = 0.95  # of the rows: "nearly all"
# Layers that share a learning rate learn a thousand times slower, or faster. Glorot & Bengio 2010 (sections 4.2, 5.2)
# see a factor of 10 over 5 layers in networks that still learn.
FAR_LAYERS = 1e3
CONSTANT_OUTPUT = 1e-3  # the deviation of an output in that of its target: what rows change is not worth the name
# "Moderate" imbalance begins at 20 % and "extreme" at 1 % (Google, Machine Learning Crash Course); 20 to 1 is 5 %.
SHARES_APART = 20.0
COLLAPSED = 0.99  # of the rows get the majority's label
MAJORITY = 0.6  # a class with more of the rows than that is one that a network can hide behind


def not_finite(evidence: Evidence) -> Finding | None:
    """NaN or infinity in the rows, in the parameters or in the pass."""
    if not evidence.not_finite:
        return None
    return Finding(
        "numbers that are not finite",
        f"numbers that are not finite ({evidence.not_finite})",
        1.0,
        0.0,
        "One such number spreads through every layer after it and through all gradients, so nothing else was looked at "
        "that needs them.",
        "Look for gaps, infinities and extreme values in the rows; if those are fine, train again with a learning rate "
        "ten times lower or with clip_norm=1.",
    )


def dead_relus(evidence: Evidence) -> Finding | None:
    """Units that are 0 on every row, with slope 0."""
    units = {}
    for l in evidence.hidden:
        if evidence.steepest(l) is None:
            silent = (evidence.trace.A[l] == 0.0) & (evidence.trace.slope(l) == 0.0)
            units[l] = np.flatnonzero(silent.all(axis=1))
    return _lost_units(
        evidence,
        "dead relus",
        units,
        "Their activation is 0 on every row, so they add nothing to the output, and no gradient reaches their weights: "
        "they cannot come back.",
        "Train again with a lower learning rate, scaled inputs or leaky_relu; or with fewer units.",
    )


def saturated_units(evidence: Evidence) -> Finding | None:
    """Units of a bounded activation whose slope is next to 0 on nearly all rows."""
    units = {}
    for l in evidence.hidden:
        steepest = evidence.steepest(l)
        if steepest is not None:
            flat = np.abs(evidence.trace.slope(l)) < FLAT_SLOPE * steepest
            units[l] = np.flatnonzero(flat.mean(axis=1) >= FLAT_ROWS)
    return _lost_units(
        evidence,
        "saturated units",
        units,
        f"They stand at an end of their activation on nearly all rows, where its slope is below {FLAT_SLOPE:g} of the "
        "steepest: they hardly tell rows apart, and their weights hardly learn.",
        "Scale the inputs, start from smaller weights (initializer), penalise the weights (l2), or lower the learning "
        "rate.",
    )


def _lost_units(evidence: Evidence, name: str, units: dict[int, Places], meaning: str, advice: str) -> Finding | None:
    """The layers that lose more units than they should."""
    n = evidence.subject.network.n
    lost = {l: tuple(which.tolist()) for l, which in units.items() if len(which) >= LOST_UNITS * n[l]}
    if not lost:
        return None
    worst = max(len(which) / n[l] for l, which in lost.items())
    measure = f"largest share of a layer's units ({evidence.trace.m} rows)"
    return Finding(name, measure, worst, LOST_UNITS, meaning, advice, tuple(lost), lost)


def _size(V: Floats) -> float:
    """Root mean square over rows of the length of a column."""
    return float(np.sqrt(np.mean(np.sum(V * V, axis=0))))


def _spread(evidence: Evidence) -> dict[int, float]:
    """By hidden layer: of |dZ[l]| / |dZ[L]| and |A[l]| / |A[1]|, the one farther from 1.

    Layers of zeros are left out. Lengths of A are per unit, since a wide layer has a long A by its width alone.
    """
    t, n = evidence.trace, evidence.subject.network.n
    ratios = {}
    for l in evidence.hidden:
        back, onward = (_size(t.dZ[l]), _size(t.dZ[t.L])), (_size(t.A[l]) / n[l] ** 0.5, _size(t.A[1]) / n[1] ** 0.5)
        found = [a / b for a, b in (back, onward) if a > 0.0 and b > 0.0]
        if found:
            ratios[l] = max(found, key=lambda r: abs(np.log(r)))
    return ratios


def vanishing_layers(evidence: Evidence) -> Finding | None:
    """Layers that signals reach, forward or backward, a thousand times weaker than the others."""
    small = {l: r for l, r in _spread(evidence).items() if r < 1.0 / FAR_LAYERS}
    if not small:
        return None
    return Finding(
        "vanishing layers",
        "smallest of |dZ[l]| / |dZ[L]| and |A[l]| / |A[1]|",
        min(small.values()),
        1.0 / FAR_LAYERS,
        "What goes through the layers shrinks on the way, so that with one learning rate for all these layers stay "
        "about as they began.",
        "Take relu instead of sigmoid or tanh, the initializer that suits the activation ('auto'), or fewer layers.",
        tuple(small),
    )


def exploding_layers(evidence: Evidence) -> Finding | None:
    """Layers that signals reach, forward or backward, a thousand times stronger than the others."""
    large = {l: r for l, r in _spread(evidence).items() if r > FAR_LAYERS}
    if not large:
        return None
    return Finding(
        "exploding layers",
        "largest of |dZ[l]| / |dZ[L]| and |A[l]| / |A[1]|",
        max(large.values()),
        FAR_LAYERS,
        "What goes through the layers grows on the way, so that a learning rate small enough for these layers is too "
        "small for the others.",
        "Take the initializer that suits the activation ('auto'), limit the gradient (clip_norm=1), penalise the "
        "weights (l2), or take fewer layers.",
        tuple(large),
    )


def constant_outputs(evidence: Evidence) -> Finding | None:
    """Outputs that are the same for all rows though their targets are not."""
    t = evidence.trace
    varies = t.subject.targets.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(varies > 0.0, t.A[-1].std(axis=1) / varies, np.inf)
    which = np.flatnonzero(moved < CONSTANT_OUTPUT)
    if not len(which):
        return None
    return Finding(
        "constant outputs",
        "deviation of an output over rows, in deviations of its target",
        float(moved.min()),
        CONSTANT_OUTPUT,
        "The network predicts the same whatever the inputs are.",
        "Look for dead or saturated layers; otherwise train longer or with another learning rate, penalise the weights "
        "less, or ask whether the inputs say anything about the target.",
        (t.L,),
        {t.L: tuple(which.tolist())},
        tuple(str(t.subject.outputs[k]) for k in which.tolist()),
    )


def class_imbalance(evidence: Evidence) -> Finding | None:
    """Classes of very different shares, or one label for all where one class has most rows."""
    classes = evidence.classes
    if classes is None:
        return None
    shares = classes.mean(axis=0)
    A = evidence.trace.A[-1]
    said = np.where(A[0] > 0.5, 1, 0) if len(A) == 1 else A.argmax(axis=0)
    common = int(shares.argmax())
    collapsed = float(np.mean(said == common))
    apart = float(shares.max() / shares[shares > 0.0].min())
    outputs = [str(name) for name in evidence.subject.outputs]
    columns = (outputs[common if len(outputs) > 1 else 0],)
    where = "" if len(outputs) > 1 else f" (where {outputs[0]} is {common} to the network)"
    advice = "Train with class_weight='balanced', and judge by ROC-AUC or the recall of each class, not by accuracy."
    if collapsed >= COLLAPSED > shares[common] >= MAJORITY:
        return Finding(
            "class imbalance",
            "share of rows that get the label of the commonest class",
            collapsed,
            COLLAPSED,
            f"One class{where} has {shares[common]:.0%} of the rows, and the network names it nearly everywhere: its "
            "accuracy is that share, without having learnt anything.",
            advice,
            columns=columns,
        )
    if apart < SHARES_APART:
        return None
    return Finding(
        "class imbalance",
        "rows of the commonest class for one of the rarest",
        apart,
        SHARES_APART,
        "The cost counts rows, so the rarest class hardly counts, and accuracy hardly shows whether it is recognised.",
        advice,
        columns=columns,
    )
