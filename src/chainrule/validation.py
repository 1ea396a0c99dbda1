"""Records read from a file: each entry of the type with which it was written, or a message that says which is not."""

from reprlib import repr as short
from typing import Any, get_args

from chainrule.errors import RequestError

LONGEST_SPEC = 1000  # characters; the time it takes to read one grows with their square

_WORDS = {
    str: "text",
    int: "an integer",
    float: "a float",
    bool: "true or false",
    dict: "a record",
    type(None): "null",
}


def record(value: Any, what: str, **kinds: Any) -> dict[str, Any]:
    """The entries of ``value``, where it is a dict with these and no others, each of its kind.

    A kind is a type, several as in ``float | None``, or a list of one kind. Types are matched exactly: true is no whole
    number, and 1 is not 1.0, since JSON writes them differently.

    RequestError: says what was expected and what came.

    >>> record({"mean": 2.0, "levels": ["a", "b"]}, "a column", mean=float | None, levels=[str])
    {'mean': 2.0, 'levels': ['a', 'b']}
    >>> record({"mean": 2, "levels": []}, "a column", mean=float | None, levels=[str])
    Traceback (most recent call last):
    chainrule.errors.RequestError: mean of a column is a float or null, not 2.
    """
    require(isinstance(value, dict), f"{what} is a record", value)
    different = [name for name in value if name not in kinds] + [name for name in kinds if name not in value]
    if different:
        said = f"{short(different[0])} is {'none of them' if different[0] in value else 'missing'}"
        raise RequestError(f"{what} is described by {', '.join(kinds)}; {said}.")
    for name, kind in kinds.items():
        if not _fits(value[name], kind):
            require(False, f"{name} of {what} is {_words(kind)}", value[name])
    return dict(value)


def require(holds: bool, said: str, came: Any) -> None:
    """RequestError: ``said`` is what was expected, and ``came`` is something else."""
    if not holds:
        raise RequestError(f"{said}, not {short(came)}.")


def is_name(value: Any) -> bool:
    """Whether it can be the name of a column: text, and not blank."""
    return isinstance(value, str) and bool(value.strip())


def require_spec(kind: str, spec: Any) -> None:
    """RequestError: ``spec`` is no text, or longer than the name of a row with its numbers can be."""
    short_text = isinstance(spec, str) and len(spec) <= LONGEST_SPEC
    require(short_text, f"{kind} is a name of up to {LONGEST_SPEC} characters", spec)


def _types(kind: Any) -> set[type]:
    return {*get_args(kind)} or {kind}


def _fits(value: Any, kind: Any) -> bool:
    if not isinstance(kind, list):
        return type(value) is kind or type(value) in _types(kind)
    if not isinstance(value, (list, tuple)):
        return False
    (inner,) = kind
    return all(_fits(one, inner) for one in value) if isinstance(inner, list) else {*map(type, value)} <= _types(inner)


def _words(kind: Any) -> str:
    if isinstance(kind, list):
        return f"a list, each {_words(kind[0])}"
    return " or ".join(words for type_, words in _WORDS.items() if type_ in _types(kind))
