"""Optimisers: how theta moves, given dtheta. Each is a few lines on vectors, element by element or block by block.

    theta, *state = step(theta, dtheta, rate, t, decay, *state)

    theta, dtheta   parameters and dJ/dtheta, of a block or a part of one; of a whole block for a row that says so
    rate            the learning rate of this step (the notes' alpha)
    t               1 in the first update, 2 in the second, ...
    decay           factor on weight decay of the block that theta is: 1 of weights, 0 of biases
    state           vectors like theta that the optimiser keeps between steps, zero at first

To add an optimiser, write one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

from chainrule.formulas.table import Array, Namespace, Table, require_number

Step = Callable[..., tuple[Array, ...]]


class Minimum(NamedTuple):
    """Where a search ended, whether it found what it looked for, and why it ended."""

    theta: Any
    converged: bool
    why: str


@dataclass(frozen=True)
class Optimizer:
    """A rule for theta; or, for a method that needs the whole cost at once, ``minimize`` in place of ``step``.

    state           names of the vectors it keeps
    learning_rate   what to begin with where the user names none
    momentum        name of the number that ``--momentum`` sets, if it has one
    corrected_by    numbers by which a step corrects for the vectors' start at zero, or that say what the vectors mean:
                    those that were kept under other values of them do not fit
    whole_blocks    a step takes sums over a block (W[l] or b[l]), and is to be given all of it at once
    plain           the notes' own update, which is written by layer: W := W - alpha dW, b := b - alpha db
    minimize        minimize(cost_and_gradient, theta, iterations, tolerance, on_iteration) -> Minimum
    evaluated       evaluated(theta, *state) -> what takes theta's place in all but the steps, after the first of them;
                    None for theta itself
    """

    step: Step | None
    formula: str
    source: str
    learning_rate: float
    state: tuple[str, ...] = ()
    momentum: str | None = None
    minimize: Callable[..., Any] | None = None
    corrected_by: tuple[str, ...] = ()
    whole_blocks: bool = False
    plain: bool = False
    evaluated: Callable[..., Array] | None = None


OPTIMIZERS: Table[Optimizer] = Table("optimizer", aliases={"sgd": "gradient_descent", "gd": "gradient_descent"})


def clipped(xp: Namespace, dtheta: Array, largest: float) -> Array:
    """dtheta, shortened to Euclidean length ``largest`` where it is longer. Pascanu, Mikolov & Bengio 2013, Alg. 1.

    The length is taken in units of the largest entry: squares of an exploding gradient would overflow float32.
    """
    unit = xp.maximum(xp.max(xp.abs(dtheta)), largest)
    length = xp.sqrt(xp.sum((dtheta / unit) * (dtheta / unit)))
    return (dtheta / unit) * (largest / xp.maximum(length, largest / unit))


@OPTIMIZERS.row
def gradient_descent(xp: Namespace) -> Optimizer:
    """The notes' own."""

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float) -> tuple[Array, ...]:
        return (theta - rate * dtheta,)

    return Optimizer(step, "theta := theta - rate dtheta", "Cauchy 1847", 0.1, plain=True)


@OPTIMIZERS.row
def momentum(xp: Namespace, beta: float = 0.9) -> Optimizer:
    """The heavy ball."""
    require_number(0.0 <= beta < 1.0, "momentum", "beta is at least 0 and below 1", beta)

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, v: Array) -> tuple[Array, ...]:
        v = beta * v - rate * dtheta
        return theta + v, v

    formula = "v := beta v - rate dtheta;  theta := theta + v"
    return Optimizer(step, formula, "Polyak 1964", 0.01, ("v",), "beta")


@OPTIMIZERS.row
def averaged_momentum(xp: Namespace, beta: float = 0.9) -> Optimizer:
    """Momentum as course notes write it: a moving average of gradients, so that the rate keeps its meaning."""
    require_number(0.0 <= beta < 1.0, "averaged_momentum", "beta is at least 0 and below 1", beta)

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, v: Array) -> tuple[Array, ...]:
        v = beta * v + (1.0 - beta) * dtheta
        return theta - rate * v, v

    formula = "v := beta v + (1 - beta) dtheta;  theta := theta - rate v"
    return Optimizer(step, formula, "course notes", 0.1, ("v",), "beta")


@OPTIMIZERS.row
def nesterov(xp: Namespace, beta: float = 0.9) -> Optimizer:
    """Momentum that looks ahead, in the form that evaluates the gradient at theta itself."""
    require_number(0.0 <= beta < 1.0, "nesterov", "beta is at least 0 and below 1", beta)

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, v: Array) -> tuple[Array, ...]:
        v = beta * v - rate * dtheta
        return theta + beta * v - rate * dtheta, v

    formula = "v := beta v - rate dtheta;  theta := theta + beta v - rate dtheta"
    source = "Nesterov 1983; Sutskever et al. 2013"
    return Optimizer(step, formula, source, 0.01, ("v",), "beta")


@OPTIMIZERS.row
def rmsprop(xp: Namespace, rho: float = 0.9, eps: float = 1e-8) -> Optimizer:
    """Each parameter's step divided by the recent size of its gradient."""
    require_number(0.0 <= rho < 1.0, "rmsprop", "rho is at least 0 and below 1", rho)
    require_number(eps > 0.0, "rmsprop", "eps is above 0", eps)

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, s: Array) -> tuple[Array, ...]:
        s = rho * s + (1.0 - rho) * dtheta * dtheta
        return theta - rate * dtheta / (xp.sqrt(s) + eps), s

    formula = "s := rho s + (1 - rho) dtheta^2;  theta := theta - rate dtheta / (sqrt(s) + eps)"
    return Optimizer(step, formula, "Tieleman & Hinton 2012, lecture 6.5", 0.001, ("s",))


@OPTIMIZERS.row
def adam(xp: Namespace, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Optimizer:
    """Momentum and rmsprop at once, both corrected for having started at zero."""
    moments = _adam_moments("adam", beta1, beta2, eps)

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, v: Array, s: Array) -> tuple[Array, ...]:
        v, s, v_hat, s_hat = moments(dtheta, t, v, s)
        return theta - rate * v_hat / (xp.sqrt(s_hat) + eps), v, s

    formula = (
        "v := beta1 v + (1 - beta1) dtheta;  s := beta2 s + (1 - beta2) dtheta^2;  "
        "theta := theta - rate v/(1 - beta1^t) / (sqrt(s/(1 - beta2^t)) + eps)"
    )
    source = "Kingma & Ba 2015, Alg. 1"
    return Optimizer(step, formula, source, 0.001, ("v", "s"), "beta1", corrected_by=("beta1", "beta2"))


@OPTIMIZERS.row
def adamw(
    xp: Namespace, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01
) -> Optimizer:
    """Adam, with the weights (not the biases) shrunk beside it rather than through the gradient."""
    require_number(weight_decay >= 0.0, "adamw", "weight_decay is at least 0", weight_decay)
    plain = adam(xp, beta1, beta2, eps)
    assert plain.step is not None
    adam_step = plain.step

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, v: Array, s: Array) -> tuple[Array, ...]:
        return adam_step(theta - rate * weight_decay * decay * theta, dtheta, rate, t, decay, v, s)

    formula = f"w := w - rate weight_decay w;  {plain.formula}"  # w: the weights in theta, without the biases
    source = "Loshchilov & Hutter 2019, Alg. 2"
    return Optimizer(step, formula, source, 0.001, ("v", "s"), "beta1", corrected_by=plain.corrected_by)


@OPTIMIZERS.row
def lamb(
    xp: Namespace, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-6, weight_decay: float = 0.01
) -> Optimizer:
    """Adam's step of each block, stretched to the length of the block: the rate is the share by which it changes."""
    require_number(weight_decay >= 0.0, "lamb", "weight_decay is at least 0", weight_decay)
    moments = _adam_moments("lamb", beta1, beta2, eps)

    def norm(V: Array) -> Array:
        return xp.sqrt(xp.sum(V * V))

    def step(theta: Array, dtheta: Array, rate: float, t: int, decay: float, v: Array, s: Array) -> tuple[Array, ...]:
        v, s, v_hat, s_hat = moments(dtheta, t, v, s)
        u = v_hat / (xp.sqrt(s_hat) + eps) + weight_decay * decay * theta
        norm_theta, norm_u = norm(theta), norm(u)
        both, one = (norm_theta > 0.0) & (norm_u > 0.0), xp.ones_like(norm_u)
        ratio = xp.where(both, norm_theta, one) / xp.where(both, norm_u, one)
        return theta - rate * ratio * u, v, s

    formula = (
        "v := beta1 v + (1 - beta1) dtheta;  s := beta2 s + (1 - beta2) dtheta^2;  "
        "u := v/(1 - beta1^t) / (sqrt(s/(1 - beta2^t)) + eps) + weight_decay decay theta;  "
        "theta := theta - rate norm(theta)/norm(u) u;  "
        "decay is 1 for weights and 0 for all else, and norm(theta)/norm(u) is 1 where either norm is 0"
    )
    source = "You et al. 2020, Alg. 2; eps as in its authors' code"
    corrected_by = ("beta1", "beta2")
    return Optimizer(step, formula, source, 0.001, ("v", "s"), "beta1", None, corrected_by, whole_blocks=True)


@OPTIMIZERS.row
def schedule_free_adamw(
    xp: Namespace, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01
) -> Optimizer:
    """AdamW that predicts with a mean of all its points, in place of a learning rate that falls.

    Points z take Adam's steps without momentum; x is their mean, with the weights rate^2; theta is the paper's y,
    between the two, where the gradient is taken. Kept are d = z - y, which tells x and z and starts at 0, and the sum
    of the weights, the same in every entry.
    """
    require_number(0.0 < beta1 < 1.0, "schedule_free_adamw", "beta1 is between 0 and 1", beta1)
    require_number(0.0 <= beta2 < 1.0, "schedule_free_adamw", "beta2 is at least 0 and below 1", beta2)
    require_number(eps > 0.0, "schedule_free_adamw", "eps is above 0", eps)
    require_number(weight_decay >= 0.0, "schedule_free_adamw", "weight_decay is at least 0", weight_decay)

    def step(
        theta: Array, dtheta: Array, rate: float, t: int, decay: float, s: Array, d: Array, total: Array
    ) -> tuple[Array, ...]:
        s = beta2 * s + (1.0 - beta2) * dtheta * dtheta
        h = dtheta / (xp.sqrt(s / (1.0 - beta2**t)) + eps) + weight_decay * decay * theta
        total = total + rate * rate
        c = rate * rate / xp.where(total > 0.0, total, xp.ones_like(total))  # rates may begin at 0
        d = d - beta1 * rate * h
        return theta + c * d - (1.0 - beta1) * rate * h, s, (1.0 - c) * d, total

    def mean(theta: Array, s: Array, d: Array, total: Array) -> Array:
        return theta - (1.0 / beta1 - 1.0) * d

    formula = (
        "s := beta2 s + (1 - beta2) dtheta^2;  "
        "h := dtheta / (sqrt(s/(1 - beta2^t)) + eps) + weight_decay decay theta;  "
        "total := total + rate^2;  c := rate^2/total;  d := d - beta1 rate h;  "
        "theta := theta + c d - (1 - beta1) rate h;  d := (1 - c) d;  mean := theta - (1/beta1 - 1) d;  "
        "decay is 1 for weights and 0 for all else"
    )
    source = "Defazio et al. 2024, Alg. 1; correction of s and learning rate as in its authors' code"
    state, corrected_by = ("s", "d", "total"), ("beta1", "beta2")
    return Optimizer(step, formula, source, 0.0025, state, "beta1", corrected_by=corrected_by, evaluated=mean)


@OPTIMIZERS.row
def lbfgs(
    xp: Namespace, memory: float = 10, evaluations: float = 0, least_decrease: float = 64 * 2.0**-52
) -> Optimizer:
    """Quasi-Newton steps on the whole cost, by SciPy's L-BFGS-B; finds its own step lengths.

    ``evaluations`` of the cost are allowed, 0 for 20 an iteration; a step that lowers the cost by a smaller share of it
    than ``least_decrease`` is the last. SciPy's own 2e-9 would end the search long before the gradient is small.
    """
    require_number(memory >= 1 and memory == int(memory), "lbfgs", "memory is an integer from 1 on", memory)
    require_number(
        evaluations >= 0 and evaluations == int(evaluations), "lbfgs", "evaluations is an integer", evaluations
    )
    require_number(least_decrease >= 0.0, "lbfgs", "least_decrease is at least 0", least_decrease)

    def minimize(
        cost_and_gradient: Callable[[Any], tuple[float, Any]],
        theta: Any,
        iterations: int,
        tolerance: float,
        on_iteration: Callable[[Any, float], None],
    ) -> Minimum:
        optimize: Any = import_module("scipy.optimize")  # heavy, so only where it is used

        def callback(intermediate_result: Any) -> None:  # SciPy hands over the cost only under this very name
            on_iteration(intermediate_result.x, float(intermediate_result.fun))

        limits = {"maxiter": iterations, "maxfun": int(evaluations) or 20 * iterations + 20}
        options = {"maxcor": int(memory), "gtol": tolerance, "ftol": least_decrease}
        done = optimize.minimize(
            cost_and_gradient, theta, jac=True, method="L-BFGS-B", callback=callback, options=limits | options
        )
        return Minimum(done.x, bool(done.success), str(done.message))

    formula = "theta := theta - step H dtheta;  step by a line search, H from the last `memory` steps and gradients"
    return Optimizer(None, formula, "Liu & Nocedal 1989; Byrd et al. 1995", 1.0, minimize=minimize)


def _adam_moments(row: str, beta1: float, beta2: float, eps: float) -> Callable[..., tuple[Array, ...]]:
    """v, s and both corrected for their start at zero, as Adam and its kin keep them. RequestError: odd numbers."""
    require_number(0.0 <= beta1 < 1.0, row, "beta1 is at least 0 and below 1", beta1)
    require_number(0.0 <= beta2 < 1.0, row, "beta2 is at least 0 and below 1", beta2)
    require_number(eps > 0.0, row, "eps is above 0", eps)

    def moments(dtheta: Array, t: int, v: Array, s: Array) -> tuple[Array, ...]:
        v = beta1 * v + (1.0 - beta1) * dtheta
        s = beta2 * s + (1.0 - beta2) * dtheta * dtheta
        return v, s, v / (1.0 - beta1**t), s / (1.0 - beta2**t)

    return moments
