"""Specs for what a user's parameters name or hand in, in the vocabulary of the tables."""

from collections.abc import Callable
from typing import Any

from chainrule.errors import RequestError
from chainrule.formulas.table import Table


class ParameterNames:
    """Specs for what a user named or handed in, and the functions that were handed in.

    >>> from chainrule.formulas.activations import ACTIVATIONS
    >>> from chainrule.formulas.losses import LOSSES
    >>> names = ParameterNames()
    >>> names.spec(ACTIVATIONS, "logistic"), names.spec(LOSSES, "squared_error"), names.functions
    ('sigmoid', 'half_squared_error', {})
    """

    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}

    def spec(self, table: Table[Any], given: Any) -> str:
        """The spec in our vocabulary. RequestError: a function without a name of its own, or two that share one."""
        if isinstance(given, str):
            name = table.name(given)
            return given.replace(name, table.aliases.get(name, name), 1) if name not in table else given
        name = getattr(given, "__name__", "")
        if not name.isidentifier() or self.functions.get(name, given) is not given:
            raise RequestError(
                f"a function of your own goes by its name in the description of the network, and {name or given!r} "
                f"{'stands for two of them' if name.isidentifier() else 'is none'}: define it with def, under a name "
                "of its own."
            )
        self.functions[name] = given
        return name
