"""Tables of formulas. A row is a function; it is asked for by name, with its own numbers where it has any:

    relu                  a name
    leaky_relu(0.2)       a number by position
    tweedie(power=1.3)    a number by name
    quantiles(0.1, 0.9)   as many numbers as one likes, where the row takes ``*q``

A custom function has the form of the rows beside it, and is handed in under its name (``functions=``).
"""

import inspect
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Generic, TypeVar

from chainrule.errors import RequestError, nearest

Array = Any  # an array of any namespace: NumPy's, torch's, or a scalar inside compiled code
Namespace = Any  # where exp, maximum, sum, ... are found: numpy itself, or another array namespace
Functions = Mapping[str, Callable[..., Any]]  # a user's own rows by name

Made = TypeVar("Made")

MAX_READ = 1024  # specs that are remembered
_POSITIONAL = inspect.Parameter.POSITIONAL_ONLY
_SPEC = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*")


class Table(dict[str, Callable[..., Made]], Generic[Made]):
    """Rows by name; a row makes its formulas from a namespace (if it takes ``xp``) and its own numbers.

    >>> table = Table("toy")
    >>> @table.row
    ... def power(xp, p=2):
    ...     return lambda Z: Z**p
    >>> table.canonical("power")
    'power(p=2)'
    >>> table.make("power(p=3)", None)(2.0)
    8.0
    """

    def __init__(self, kind: str, aliases: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.aliases = dict(aliases or {})  # names that other libraries have for rows, to suggest ours
        self._read: dict[str, tuple[Callable[..., Made], dict[str, float]]] = {}  # specs that were understood before

    def __setitem__(self, name: str, make: Callable[..., Made]) -> None:
        super().__setitem__(name, make)
        self._read.clear()

    def row(self, make: Callable[..., Made]) -> Callable[..., Made]:
        """Enter a function under its own name."""
        self[make.__name__] = make
        return make

    def make(self, spec: str, *namespace: Namespace, functions: Functions | None = None) -> Made:
        """What the row named by ``spec`` makes. RequestError: no such row, or numbers that it does not take."""
        row, numbers = self._resolve(spec, functions)
        several = [numbers.pop(label) for label in list(numbers) if not label.isidentifier()]
        return row(*namespace, *several, **numbers)

    def canonical(self, spec: str, functions: Functions | None = None) -> str:
        """The same spec with every number of the row written out, so that it means the same for ever."""
        name = self.name(spec)
        _, numbers = self._resolve(spec, functions)
        return _written(name, numbers)

    def brief(self, spec: str, functions: Functions | None = None) -> str:
        """The same spec with only those numbers that are not the row's defaults; for people to read."""
        row, numbers = self._resolve(spec, functions)
        usual = {n: p.default for n, p in inspect.signature(row).parameters.items()}
        return _written(self.name(spec), {k: v for k, v in numbers.items() if v != usual.get(k)})

    def name(self, spec: str) -> str:
        """The row's name: ``"leaky_relu(0.2)"`` -> ``"leaky_relu"``."""
        return self._parse(spec)[0]

    def numbers(self, spec: str, functions: Functions | None = None) -> dict[str, float]:
        """The row's own numbers, those not given at their defaults."""
        return self._resolve(spec, functions)[1]

    def _parse(self, spec: str) -> tuple[str, list[str]]:
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise RequestError(
                f"{self.kind} {spec!r} could not be read: expected a name such as {next(iter(self))!r}, "
                "or a name with its own numbers such as 'name(0.2)'."
            )
        given = (match[2] or "").strip()
        return match[1], [part.strip() for part in given.split(",")] if given else []

    def _resolve(self, spec: str, functions: Functions | None) -> tuple[Callable[..., Made], dict[str, float]]:
        if functions:
            return self._understood(spec, functions)
        if spec not in self._read:
            if len(self._read) >= MAX_READ:
                self._read.clear()
            self._read[spec] = self._understood(spec, functions)
        row, numbers = self._read[spec]
        return row, dict(numbers)

    def _understood(self, spec: str, functions: Functions | None) -> tuple[Callable[..., Made], dict[str, float]]:
        name, given = self._parse(spec)
        row = (functions or {}).get(name, self.get(name))
        if row is None:
            meant = self.aliases.get(name.lower())
            hint = f"; here it is called {meant!r}." if meant else nearest(name, self)
            raise RequestError(
                f"{self.kind} {name!r} is not known{hint} Known: {', '.join(self)}. "
                f"A function of your own is handed in with functions={{{name!r}: ...}}."
            )
        parameters = {n: p for n, p in inspect.signature(row).parameters.items() if n != "xp"}
        several = next((n for n, p in parameters.items() if p.kind == p.VAR_POSITIONAL), None)
        if several is not None:  # the row takes nothing else
            parameters = {f"{several}[{i}]": inspect.Parameter("number", _POSITIONAL) for i in range(len(given))}
        numbers: dict[str, float] = {}
        for position, text in enumerate(given):
            label, _, number = text.rpartition("=")
            label = label.strip() or (list(parameters)[position] if position < len(parameters) else "")
            if label not in parameters or label in numbers:
                takes = ", ".join(parameters) or "no numbers"
                raise RequestError(f"{self.kind} {spec!r}: {name} takes {takes}; {text!r} does not fit.")
            try:
                numbers[label] = float(number)
            except ValueError:
                raise RequestError(f"{self.kind} {spec!r}: {label} is a number, not {number.strip()!r}.") from None
            if not isfinite(numbers[label]):
                raise RequestError(f"{self.kind} {spec!r}: {label} is a finite number, not {number.strip()}.")
        for label, parameter in parameters.items():
            if label not in numbers:
                if parameter.default is inspect.Parameter.empty:
                    raise RequestError(f"{self.kind} {name!r} needs its number: '{name}({label}=...)'.")
                numbers[label] = parameter.default
        return row, {label: numbers[label] for label in parameters}


def _written(name: str, numbers: Mapping[str, float]) -> str:
    said = [f"{k}={_text(v)}" if k.isidentifier() else _text(v) for k, v in numbers.items()]
    return name + (f"({', '.join(said)})" if said else "")


def _text(number: float) -> str:
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))


def require_number(holds: bool, row: str, said: str, number: float) -> None:
    """RequestError where a row is given a number that makes no sense."""
    if not holds:
        raise RequestError(f"{row}: {said}, not {number:g}.")
