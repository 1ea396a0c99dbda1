"""What a layer computes, as a function in Python with NumPy; and the numbers of a model."""

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.export import angle_helpers
from chainrule.export.text import WIDTH, Language, Line, formula, rows_of
from chainrule.ir import Expression

LOGICAL = {"and": "logical_and", "or": "logical_or", "not": "logical_not"}
TURNS = {name: inspect.getsource(getattr(angle_helpers, name)) for name in ("cos_turns", "sin_turns")}


def function(name: str, what: str, A: Expression) -> str:
    """The function g of a layer."""
    lines, result = formula(A, _Python())
    if A.reach != "each":
        result = f"np.full_like(Z, {result})"
    return _written(f"{name}(Z)", what, lines, result)


def input_function(name: str, what: str, e: Expression) -> str:
    """The function of a part of an input layer: of x (k, m) and its parameters by name, (units, k, m)."""
    lines, result = formula(e, _Python())
    if e.reach != "each":
        result = f"{result} + np.zeros_like(x)"
    return _written(f"{name}(x, p)", what, lines, result)


def _written(call: str, what: str, lines: list[Line], result: str) -> str:
    body = "".join(f"    {line.name} = {line.text}\n" for line in lines)
    return f"# {repr(what)[1:-1]}\ndef {call}:\n{body}    return {result}\n"


class _Python(Language):
    def symbol(self, e: Expression) -> str:
        return f"p[{e.value!r}]" if e.reach == "unit" else e.value

    def number(self, e: Expression) -> str:
        if not np.isfinite(e.value):
            return {"inf": "np.inf", "-inf": "-np.inf"}.get(str(e.value), "np.nan")
        return digits(np.dtype(e.dtype).type(e.value))

    def call(self, e: Expression, args: list[str]) -> str:
        if e.op == "cast":
            return f"np.{e.dtype}({args[0]})"
        if e.op in ("sum_outputs", "max_outputs"):
            return f"np.{e.op[:3]}({args[0]}, axis=0, keepdims=True)"
        if e.op == "output":
            return f"({args[0]})[{e.value} : {e.value + 1}]"
        if e.op == "stack":
            rows = (
                a if p.reach == "example" else f"np.full_like(Z[:1], {a})" for p, a in zip(e.args, args, strict=True)
            )
            return f"np.concatenate([{', '.join(rows)}])"
        if e.op == "select" and not e.weak and all(branch.is_number for branch in e.args[1:]):
            args[1:] = (f"np.{e.dtype}({a})" for a in args[1:])  # two plain numbers would make float64
        if e.op in TURNS:
            return f"{e.op}({args[0]})"
        name = "where" if e.op == "select" else LOGICAL.get(e.op, e.op)
        return f"np.{name}({', '.join(args)})"


def array(values: NDArray[Any], units: NDArray[Any]) -> str:
    """A call that makes the array; ``units`` are its numbers by unit, each of which begins a line."""
    rows = (" ".join(row) for unit in units for row in rows_of(map(digits, unit), WIDTH))
    text = "\n".join(["", *rows, ""])
    return f'np.fromstring("""{text}""", np.{values.dtype}, sep=" ").reshape{values.shape}'


def digits(value: Any) -> str:
    """The shortest digits that become the same number, also where they are read as float64 and rounded."""
    text = str(value)
    return text if type(value)(float(text)) == value else repr(float(value))
