"""Symptoms of a training, read off its curves, each a function from the evidence to a Finding or None."""

import numpy as np

from chainrule.explain.findings import Evidence, Finding, Floats

ENOUGH_EPOCHS = 10  # in fewer, a curve has no course
JUMP = 0.1  # a rise of the cost by a tenth of all that it fell
JUMP_OF_COST = 0.05  # and by a twentieth of its usual size: less is what minibatches do to a cost
JUMPS = 0.1  # of the epochs; a single bad batch can bring one
STILL_FALLING = 0.1  # of the whole fall in the last fifth of the epochs: e^(-t/T) falls so until t = 1.6 T
STEADILY = 0.8  # of those epochs bring the cost down
HARDLY_MOVED = 0.05  # of the first cost, while one step against the gradient lowers it by more than that
# Of what the cost had fallen by until the best epoch. Where that epoch was kept, the rise is what early stopping waits
# for, and does no harm; all lost again says that there are too few rows for the network.
LOST_AGAIN = {"kept": 1.0, "not kept": 0.2}

_Sign = tuple[str, float, float, str]  # measure, number, threshold, meaning


def rate_too_high(evidence: Evidence) -> Finding | None:
    """Training that diverged, ended above where it began, or jumped up and down."""
    stopped, costs = evidence.history.stopped, np.array(evidence.history.training_cost)
    for measure, number, threshold, meaning in [*_diverged(stopped), *_climbing(costs), *_jumping(costs)]:
        if number > threshold:
            advice = "Train with a learning rate 3 to 10 times lower, a schedule that lowers it, or clip_norm=1."
            return Finding("learning rate too high", measure, number, threshold, meaning, advice)
    return None


def _diverged(stopped: str) -> list[_Sign]:
    number = float(stopped.startswith("diverged"))
    meaning = f"Training {stopped}: its steps were too long for the cost to come down."
    return [("runs whose cost stopped being finite", number, 0.0, meaning)]


def _climbing(costs: Floats) -> list[_Sign]:
    if len(costs) < ENOUGH_EPOCHS:
        return []
    end, first = float(costs[-(len(costs) // 4) :].min()), float(costs[0])
    meaning = f"The cost began at {first:.3g} and ended above that: steps are so long that they climb."
    return [("least cost in the last quarter of the epochs", end, first + JUMP_OF_COST * abs(first), meaning)]


def _jumping(costs: Floats) -> list[_Sign]:
    if len(costs) < ENOUGH_EPOCHS:
        return []
    least = max(JUMP * (costs[0] - costs.min()), JUMP_OF_COST * abs(float(np.median(costs))))
    share = float(np.mean(np.diff(costs) > least))
    meaning = f"Again and again the cost rises by more than {least:.2g} in one epoch: steps leap over the valley."
    return [("share of epochs in which the cost jumps up", share, JUMPS, meaning)]


def rate_too_low(evidence: Evidence) -> Finding | None:
    """A cost that was still falling steadily when the epochs were over, or that hardly moved."""
    history = evidence.history
    costs = np.array(history.training_cost)
    if len(costs) < ENOUGH_EPOCHS:
        return None
    fall = costs[0] - costs[-1]
    last = costs[-max(len(costs) // 5, 2) - 1 :]
    advice = "Train with a learning rate 3 to 10 times higher, or for more epochs."
    if 0.0 <= fall < HARDLY_MOVED * abs(costs[0]) and evidence.gain > HARDLY_MOVED:
        return Finding(
            "learning rate too low",
            "fall of the cost, in first costs",
            float(fall / abs(costs[0])),
            HARDLY_MOVED,
            f"The cost hardly moved, though one step against the gradient still lowers it by {evidence.gain:.0%}.",
            advice,
        )
    still = (last[0] - last[-1]) / fall if fall > 0.0 else 0.0
    if history.stopped != "all epochs done" or still < STILL_FALLING or np.mean(np.diff(last) < 0.0) < STEADILY:
        return None
    return Finding(
        "learning rate too low",
        "fall of the cost in the last fifth of the epochs, in whole falls",
        float(still),
        STILL_FALLING,
        "The cost was still falling steadily when the epochs were over.",
        advice,
    )


def overfitting(evidence: Evidence) -> Finding | None:
    """A validation cost that rises after its best while the training cost falls on."""
    history = evidence.history
    watched, costs = np.array(history.validation_cost), history.training_cost
    if len(watched) < ENOUGH_EPOCHS:
        return None
    best = int(watched.argmin())
    kept = history.keeps_best and history.best_epoch == best + 1
    threshold = LOST_AGAIN["kept" if kept else "not kept"]
    rise, fall = float(np.median(watched[-3:]) - watched[best]), float(max(costs[0], watched[0]) - watched[best])
    lost = rise / fall if fall > 0.0 else np.inf
    if not (rise > 0.0 and lost > threshold and costs[-1] < costs[best]):
        return None
    return Finding(
        "overfitting",
        "rise of the validation cost after its best, in what the cost had fallen by",
        lost,
        threshold,
        f"After epoch {best + 1} the network learns its training rows by heart: their cost falls on, that of the "
        f"validation rows rises. {'The parameters of that epoch were kept.' if kept else ''}".rstrip(),
        "Get more rows, penalise the weights (l2), use dropout or fewer units"
        + ("." if kept else ", or watch the validation cost, so that the best epoch is kept."),
    )
