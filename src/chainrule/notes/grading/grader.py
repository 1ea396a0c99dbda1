"""``check``: a learner's own function against ours, on hidden inputs, with the likely mistake named."""

from collections.abc import Callable, Sequence
from contextvars import Context
from inspect import unwrap
from typing import Any

import numpy as np

from chainrule.errors import RequestError, nearest
from chainrule.notes.grading.comparison import RETURNS, CallResult, agrees, agrees_but_for_shape, outcome
from chainrule.notes.grading.grade import Grade
from chainrule.notes.grading.graded_functions import GRADED
from chainrule.notes.grading.hidden_cases import INPUTS, Case
from chainrule.notes.grading.initial_weights import wrong_start
from chainrule.notes.grading.known_slips import Seen, Slip, slips
from chainrule.notes.mistakes.mistake_registry import MISTAKES
from chainrule.notes.switches import Mistake, switched_on

__all__ = ["check"]


def check(my_function: Callable[..., Any], of: str | None = None) -> Grade:
    """Grade a custom function against ours on hidden inputs, and name the likely mistake.

    ``of`` is which function of the notes it is meant to be; if it is left out, the one with the same name. The names
    are the keys of ``GRADED``. It is called with the arguments of the notes' function, in their order, and returns the
    same, caches too (of "dA0", "dA1", ... any may be missing). A relative error of 1e-6 passes, 1e-4 in float32.
    An exception in it is a grade too. RequestError: there is no function of this name to grade.

    >>> def linear_backward(dZ, cache):
    ...     A_prev, W, b = cache
    ...     m = A_prev.shape[1]
    ...     return W.T @ dZ, dZ @ A_prev.T, dZ.sum(axis=1, keepdims=True) / m
    >>> grade = check(linear_backward)
    >>> bool(grade), grade.part, grade.likely
    (False, 'dW', '1/m is missing.')
    >>> check(lambda Z: (np.maximum(0, Z), Z), of="relu")
    relu: right, on 7 cases.
    """
    name = of if of is not None else getattr(my_function, "__name__", "")
    if name not in GRADED:
        raise RequestError(
            f"there is no function {name!r} to grade{nearest(name, GRADED)} Say which one it is, "
            f"check(my_function, of=...): {', '.join(GRADED)}."
        )
    cases: list[Case] = Context().run(INPUTS[name])
    before = np.random.get_state()
    try:
        return _grade(my_function, name, cases)
    finally:
        np.random.set_state(before)


def _grade(function: Callable[..., Any], name: str, cases: Sequence[Case]) -> Grade:
    right = [_seeded(unwrap(GRADED[name]), name, case, apart=True) for case in cases]
    theirs = [_seeded(function, name, case) for case in cases]
    if name.startswith("initialize"):
        return _grade_start(name, cases, right, theirs)
    wrong = [_wrong_part(name, a, b) for a, b in zip(theirs, right, strict=True)]
    failed = [k for k, part in enumerate(wrong) if part is not None]
    if not failed:
        changed = next((k for k, a in enumerate(theirs) if a.changed), None)
        if changed is None:
            return Grade(True, name, f"{len(cases)} cases")
        argument = theirs[changed].changed
        likely = f"The result is right, but {argument} is changed in place."
        return Grade(False, name, cases[changed].name, likely=likely, advice=_IN_PLACE)
    if all(any(a.parts.get("", 0) is nothing for nothing in (None, ...)) for a in theirs):
        likely = "It returns nothing: is it not written yet, or is `return` missing?"
        return Grade(False, name, cases[0].name, likely=likely)
    # the first case that gave a result tells more than an exception does
    k = next((k for k in failed if theirs[k].error is None), failed[0])
    error = theirs[k].error
    if error is not None:
        known = _known(name, cases, theirs)
        return _raised(name, cases[k], error, known)
    part = wrong[k] or ""
    if part not in theirs[k].parts:
        return _missing(name, cases[k], part, theirs[k], right[k])
    likely, advice = _named(name, part, cases, failed, theirs, right)
    if theirs[k].changed and not likely:
        likely, advice = f"{theirs[k].changed} is changed in place.", _IN_PLACE
    raised = next((theirs[i].error for i in failed if theirs[i].error is not None), None)
    if raised is not None:
        advice += f" On other shapes it ends in {type(raised).__name__}: {raised}"
    return Grade(False, name, cases[k].name, part, right[k].parts[part], theirs[k].parts[part], likely, advice)


def _seeded(function: Callable[..., Any], name: str, case: Case, *, apart: bool = False) -> CallResult:
    np.random.seed(1)
    return outcome(function, name, case, apart=apart)


def _wrong_part(name: str, theirs: CallResult, right: CallResult) -> str | None:
    """The first part that is not right; None where all are."""
    if theirs.error is not None:
        return ""
    optional = [part for part in right.parts if name == "L_model_backward" and part.startswith("dA")]
    for part in [part for part in right.parts if part not in optional] + [
        part for part in optional if part in theirs.parts
    ]:
        if part not in theirs.parts or not agrees(theirs.parts[part], right.parts[part]):
            return part
    return None


def _named(
    name: str,
    part: str,
    cases: Sequence[Case],
    failed: Sequence[int],
    theirs: Sequence[CallResult],
    right: Sequence[CallResult],
) -> tuple[str, str]:
    """What explains every case that failed: the function's own slips, those of any function, a mistake of MISTAKES."""
    with_part = (k for k in failed if part in right[k].parts)
    part_failed = [
        k for k in with_part if theirs[k].error or not agrees(theirs[k].parts.get(part), right[k].parts[part])
    ]
    for same in (agrees, agrees_but_for_shape):
        for slip in slips(name, part):
            if all(_explains(slip, part, cases[k], theirs[k], right[k], same) for k in part_failed):
                return slip.likely, slip.advice
    known = _known(name, cases, theirs)
    return known or ("", "It is none of the known mistakes. Print the shapes, and compute one case by hand.")


def _known(name: str, cases: Sequence[Case], theirs: Sequence[CallResult]) -> tuple[str, str] | None:
    """The mistake of MISTAKES that gives the same results in all cases, wrong and right."""
    for entry in MISTAKES.values():
        if all(_is_mistake(entry, name, case, found) for case, found in zip(cases, theirs, strict=True)):
            return entry.what, f"`with notes.mistake({entry.name!r}):` shows what it does in training. {entry.symptom}"
    return None


def _explains(
    slip: Slip, part: str, case: Case, theirs: CallResult, right: CallResult, same: Callable[..., bool]
) -> bool:
    try:
        with np.errstate(all="ignore"):
            form = np.asarray(slip.form(Seen(case.given, right.parts, part)))
    except Exception:
        return theirs.error is not None
    return theirs.error is None and same(theirs.parts.get(part), form)


def _is_mistake(entry: Mistake, name: str, case: Case, theirs: CallResult) -> bool:
    def made(*args: Any) -> Any:
        with switched_on(entry):
            return GRADED[name](*args)

    found = outcome(made, name, case, apart=True)
    if found.error is not None or theirs.error is not None:
        return repr(found.error) == repr(theirs.error)
    both = ((theirs.parts.get(part), value) for part, value in found.parts.items())
    return all(agrees(got, value) or _as_odd(got, value) for got, value in both)


def _as_odd(got: Any, value: Any) -> bool:
    return isinstance(got, np.ndarray) and np.array_equal(got, value, equal_nan=True)


def _grade_start(name: str, cases: Sequence[Case], right: Sequence[CallResult], theirs: Sequence[CallResult]) -> Grade:
    for case, exact, found in zip(cases, right, theirs, strict=True):
        if found.error is not None:
            return _raised(name, case, found.error)
        for part, value in exact.parts.items():
            if part not in found.parts:
                return _missing(name, case, part, found, exact)
            if np.shape(found.parts[part]) != value.shape:
                return Grade(False, name, case.name, part, value, found.parts[part],
                             advice="W[l] is (n[l], n[l-1]) and b[l] is (n[l], 1), l = 1..L.")  # fmt: skip
        wrong = wrong_start({part: found.parts[part] for part in exact.parts}, exact.parts, found.asked)
        if wrong is not None:
            part, likely, advice = wrong
            return Grade(False, name, case.name, part, None, found.parts[part], f"{part}: {likely}", advice)
    return Grade(True, name, f"{len(cases)} cases")


def _raised(name: str, case: Case, error: Exception, known: tuple[str, str] | None = None) -> Grade:
    shapes = ", ".join(f"{argument} {_shape(value)}" for argument, value in case.given.items())
    called = f"It was called as {name}({', '.join(case.given)}) with {shapes}."
    likely, advice = known or (called, _HELP.get(type(error), ""))
    return Grade(
        False, name, case.name, got=error, likely=likely, advice=advice if known is None else f"{called} {advice}"
    )


def _missing(name: str, case: Case, part: str, theirs: CallResult, right: CallResult) -> Grade:
    meant = f"({', '.join(RETURNS[name])})" if name in RETURNS else f"a dict with {', '.join(right.parts)}"
    if not RETURNS.get(name) and list(right.parts) == [""]:
        meant = "one array"
    came = "a tuple" if "[0]" in theirs.parts else ", ".join(filter(None, theirs.parts)) or "a single value"
    return Grade(False, name, case.name, part, likely=f"{part or 'The result'} is missing: it returns {came}.",
                 advice=f"{name} returns {meant}.")  # fmt: skip


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} {_shape(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (tuple, list)) and not all(isinstance(v, int) for v in value):
        return "(" + ", ".join(map(_shape, value)) + ")"
    return str(value.shape) if isinstance(value, np.ndarray) else "a function" if callable(value) else repr(value)


_IN_PLACE = "Make a new array or dict (copy, or W - learning_rate * dW): the caller still needs the old one."
_HELP = {
    ValueError: "Write the shapes beside each product: (n, k) times (k, m) is (n, m).",
    TypeError: "Look at the number and the kinds of the arguments, and at calls such as randn((2, 2)) for randn(2, 2).",
    AttributeError: "Is the name right? np.zeros, np.maximum; W.T without brackets.",
    KeyError: "Layers are numbered 1..L: W1, b1, ..., WL, bL.",
}
