"""What every engine asks of what it is given, and the words in which it refuses the rest."""

from operator import index
from typing import Any

import numpy as np

from chainrule.arguments import is_integer, number
from chainrule.engines.protocol import State
from chainrule.errors import RequestError
from chainrule.formulas.optimizers import Optimizer, Step
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sample_weights import sums_within
from chainrule.sources import Examples

LARGEST = 2**63 - 1  # int64, in which compiled code counts
REAL_KINDS = "biuf"  # of NumPy's dtypes
MAX_ROUNDING = 1e-3  # of a sum of weights, however many they are and however they were added


def as_reals(name: str, given: Any, dtype: str | np.dtype[Any]) -> Any:
    """Real numbers as a NumPy array of this dtype, the given one where it has it already.

    What the dtype cannot hold becomes infinite, and shows in what is computed. RequestError: not real numbers.

    >>> as_reals("theta", [1, 2], "float32")
    array([1., 2.], dtype=float32)
    """
    try:
        array = np.asarray(given)
        if array.dtype == dtype:  # of another byte order it is another one
            return array
        if array.dtype == object:  # NumPy would make NaN of None
            array = np.array([float(number) for number in array.flat]).reshape(array.shape)
        if array.dtype.kind in REAL_KINDS:
            with np.errstate(over="ignore"):
                return np.array(array, dtype)
        came = f"an array of {array.dtype}"
    except (TypeError, ValueError, OverflowError) as reason:
        came = f"{type(given).__name__} ({reason})"
    raise RequestError(f"{name} must hold real numbers, not {came}.")


def require_inputs(X: Any, network: Network) -> None:
    """RequestError where X is not rows of as many numbers as the network takes."""
    n = network.columns.numbers
    if X.ndim != 2 or X.shape[1] != n:
        raise RequestError(f"X must be rows of {n} numbers, (m, {n}), not {X.shape}.")


def read_codes(codes: Any, m: int, network: Network) -> Any:
    """Codes as int64 (m, columns of codes); None where the network takes none.

    RequestError: of another shape, no integers, or a code that its column does not have.
    """
    levels = network.columns.levels
    if codes is None and levels:
        raise RequestError(
            f"{network.input_layers[-1].layer} takes codes of categories: pass codes ({m}, {len(levels)})."
        )
    if codes is None or (not levels and np.size(codes) == 0):
        return None
    array = np.asarray(codes)
    if array.shape != (m, len(levels)) or array.dtype.kind not in "biu":
        raise RequestError(
            f"codes must be integers ({m}, {len(levels)}), one column for each that input layers take, not "
            f"{array.dtype} {array.shape}."
        )
    outside = (array < 0) | (array >= np.array(levels))
    if outside.any():
        i, j = np.argwhere(outside)[0]
        raise RequestError(f"codes of column {j} are 0 to {levels[j] - 1}; row {i} has {array[i, j]}.")
    return np.ascontiguousarray(array, np.int64)


def require_examples(examples: Examples, network: Network) -> None:
    """RequestError where examples are not of this network, are of unequal number, are none, or hold no real numbers."""
    arrays = (examples.X, examples.Y, examples.weight)
    of_X, of_Y, of_weight = (tuple(getattr(array, "shape", ())) for array in arrays)
    m = of_weight[0] if len(of_weight) == 1 else 0
    numbers, levels = network.columns.numbers, network.columns.levels
    of_codes = () if examples.codes is None else tuple(getattr(examples.codes, "shape", ()))
    codes_fit = of_codes == ((m, len(levels)) if levels else ())
    if m and of_X == (m, numbers) and of_Y == (m, network.n[-1]) and codes_fit:
        wrong = [a.dtype for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind not in REAL_KINDS]
        if not wrong:
            return
        came = f"arrays of {wrong[0]}"
    else:
        came = f"X {of_X}, Y {of_Y}, weight {of_weight}" + (f", codes {of_codes}" if levels or of_codes else "")
    raise RequestError(
        f"examples of a network with n = {network.n} hold real numbers, X (m, {numbers}), Y (m, {network.n[-1]}) "
        f"and weight (m,){f', and codes (m, {len(levels)})' if levels else ''}, for m rows from 1 on; not {came}. Make "
        f"them by this engine's examples(X, Y, weight{', codes' if levels else ''})."
    )


def require_count(name: str, value: Any) -> int:
    """The number as an int. RequestError: it is not an integer from 0 on that an int64 can hold."""
    if not is_integer(value) or not 0 <= index(value) <= LARGEST:
        raise RequestError(f"{name} must be an integer from 0 to 2^63 - 1, not {value!r}.")
    return index(value)


def require_row(row: Any, network: Network) -> int:
    """How many examples of a step come before as an int. RequestError: it is no such number, or one beyond any step."""
    most = LARGEST // 2 // max(network.n)  # the random words up to there can be counted
    if not is_integer(row) or not 0 <= index(row) <= most:
        raise RequestError(f"row counts the examples of the step that come before: from 0 to {most}, not {row!r}.")
    return index(row)


def require_step_weight(S: Any, own: float, m: int, dtype: str) -> float:
    """The sum of the weights of a step as a float, for a share of it with ``m`` examples, whose weights sum to ``own``.

    RequestError: it is no sum that the dtype can count with, or is less than ``own`` by more than rounding.
    """
    S, (least, most) = number("S", S), sums_within(dtype)
    if not least <= S <= most:
        raise RequestError(
            f"S is the sum of the weights of the whole step, in {dtype} from {least:.3g} to {most:.3g}, not {S:g}."
        )
    if own > S * (1.0 + min(m * float(np.finfo(dtype).eps), MAX_ROUNDING)):
        raise RequestError(
            f"S is the sum of the weights of the whole step, and {S:g} is less than the weights of these {m} examples "
            f"sum to, {own:g}: add up the weights of all shares."
        )
    return S


def require_steps_of(recipe: Recipe, optimizer: Optimizer) -> Step:
    """The optimiser's step. RequestError: it takes none that an engine could do."""
    if optimizer.step is None:
        raise RequestError(
            f"{recipe.optimizer} minimises the whole cost by itself and has no single steps: train with chainrule.fit."
        )
    return optimizer.step


def require_moments(state: State, optimizer: Optimizer) -> None:
    """RequestError where a state has other vectors than the optimiser keeps; their sizes are seen to elsewhere."""
    names = optimizer.state
    if len(state.moments) != len(names):
        raise RequestError(
            f"the state holds {len(state.moments)} moments, and this optimizer keeps {', '.join(names) or 'none'}: "
            "begin with the engine's start(theta)."
        )


def moment_name(number: int) -> str:
    """What messages call a moment."""
    return f"moments[{number}]"


def require_run(state: State, first_step: Any, last_step: Any) -> int:
    """The last step of a run as an int. RequestError: it begins elsewhere than the state stands, or ends before that;
    or the state counts in numbers that make no sense."""
    counts = (first_step, last_step, state.step, state.updates, state.samples)
    reals = (state.rate_scale, state.cost_sum, state.weight_sum, state.rate)
    if not (
        set(map(type, counts)) == {int}
        and set(map(type, reals)) == {float}
        and 0 <= min(counts) <= max(counts) <= LARGEST
    ):
        for name, count in zip(
            ("first_step", "last_step", "state.step", "state.updates", "state.samples"), counts, strict=True
        ):
            require_count(name, count)
        for name, real in zip(("rate_scale", "cost_sum", "weight_sum", "rate"), reals, strict=True):
            number(f"state.{name}", real, "a real number", finite=False)
    first, last = int(first_step), int(last_step)
    if state.step != first:
        raise RequestError(f"the state has done {state.step} steps: it cannot run from step {first}.")
    if last < first:
        raise RequestError(f"last_step must be at least first_step, {first}, not {last}.")
    return last
