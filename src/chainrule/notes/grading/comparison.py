"""How ``check`` runs a function on a case, takes its result apart, and compares the parts."""

from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from copy import deepcopy
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any

import numpy as np

from chainrule.notes.array_checks import Floats
from chainrule.notes.grading.hidden_cases import Case

__all__: list[str] = []

# What stands at the top of a result that is a tuple; where it is a single array or a dict, parts name themselves.
RETURNS: dict[str, tuple[str, ...]] = {
    "sigmoid": ("A", "cache"),
    "relu": ("A", "cache"),
    "linear_forward": ("Z", "cache"),
    "linear_activation_forward": ("A", "cache"),
    "L_model_forward": ("AL", "caches"),
    "linear_backward": ("dA_prev", "dW", "db"),
    "linear_activation_backward": ("dA_prev", "dW", "db"),
    "logistic_double_loop": ("dw", "db", "J"),
    "logistic_one_loop": ("dw", "db", "J"),
    "logistic_vectorized": ("dw", "db", "J"),
    "logistic_update": ("w", "b"),
}

EXACT, SINGLE = 1e-6, 1e-4  # the largest relative error: an epsilon of 1e-8 in a log passes; float32 has 7 digits


@dataclass
class CallResult:
    """What a function gave on a case: the parts of its result by name, or the exception.

    ``changed`` is the argument that is no longer what it was; ``asked`` says that it took the options of the case.
    """

    parts: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    changed: str = ""
    asked: bool = False


def outcome(function: Callable[..., Any], name: str, case: Case, *, apart: bool = False) -> CallResult:
    """Run it on copies. ``apart``: out of reach of ``with mistake(...)``, as ours has to be."""
    given = deepcopy(case.given)
    options = {o: v for o, v in case.options.items() if _takes(function, o)}
    try:
        result = (Context().run if apart else _plainly)(_quietly, function, *given.values(), **options)
        parts = dict(_parts(result, RETURNS.get(name, ()), ""))
    except Exception as error:
        return CallResult(error=error)
    changed = (argument for argument in given if not _same(given[argument], case.given[argument]))
    return CallResult(parts, changed=next(changed, ""), asked=bool(options))


def relative_error(got: Any, right: Floats) -> float:
    """|got - right| / |right|, Euclidean; infinity where the shapes differ, or got is not all numbers."""
    if not isinstance(got, np.ndarray) or got.shape != right.shape or not np.isfinite(got).all():
        return np.inf
    size = float(np.linalg.norm(right))
    return float(np.linalg.norm(got.astype(float) - right)) / (size if size > 0.0 else 1.0)


def agrees(got: Any, right: Floats) -> bool:
    """Equal as far as the precision of ``got`` allows."""
    single = isinstance(got, np.ndarray) and got.dtype in (np.float16, np.float32)
    return relative_error(got, right) <= (SINGLE if single else EXACT)


def agrees_but_for_shape(got: Any, right: Floats) -> bool:
    """Equal, with dimensions of length 1 anywhere, or one number repeated in place of many."""
    if not isinstance(got, np.ndarray):
        return False
    right = np.full(got.shape, right.item()) if right.size == 1 else right
    return agrees(np.squeeze(got), np.squeeze(right))


def _quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):  # an overflow that ends in the right number is right
        return function(*args, **kwargs)


def _plainly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _takes(function: Callable[..., Any], option: str) -> bool:
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # a function of NumPy's, say
        return False
    return any(p.name == option or p.kind is Parameter.VAR_KEYWORD for p in parameters)


def _parts(result: Any, names: tuple[str, ...], above: str) -> Iterator[tuple[str, Any]]:
    """Arrays by name: ``cache[0]``, ``dW1``; what is neither array nor number stays as it is, and agrees with none."""
    if isinstance(result, Mapping):
        for name, value in result.items():
            yield from _parts(value, (), f"{above}[{name!r}]" if above else str(name))
    elif isinstance(result, tuple) or (isinstance(result, list) and (names or above)):
        for i, value in enumerate(result):
            yield from _parts(value, (), names[i] if i < len(names) and not above else f"{above}[{i}]")
    else:
        array = result if isinstance(result, np.ndarray) else np.array(result, None if _numbers(result) else object)
        yield above, array if array.dtype.kind in "fiub" else result


def _numbers(result: Any) -> bool:
    """A number, or a list of numbers."""
    return isinstance(result, (int, float, np.number)) or (isinstance(result, list) and all(map(_numbers, result)))


def _same(now: Any, before: Any) -> bool:
    if isinstance(before, Mapping):
        return (
            isinstance(now, Mapping) and now.keys() == before.keys() and all(_same(now[k], before[k]) for k in before)
        )
    if isinstance(before, (tuple, list)):
        return len(now) == len(before) and all(map(_same, now, before))
    return callable(before) or np.array_equal(now, before)
