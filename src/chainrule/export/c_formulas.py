"""What a layer computes, as a function in C: of one unit, or of all units of the layer where they belong together."""

from collections.abc import Sequence

from chainrule.errors import RequestError
from chainrule.export.c_library import FUNCTIONS
from chainrule.export.c_names import REALS, real
from chainrule.export.formulas import OVER_OUTPUTS
from chainrule.export.text import Language, Line, formula
from chainrule.ir import Expression, walk


def belong_together(A: Expression) -> bool:
    """Whether what one unit gives rests on the other units of its layer."""
    return any(e.op in OVER_OUTPUTS for e in walk([A]))


def function(name: str, title: str, A: Expression, n: int) -> str:
    """The function of a layer: of one unit, or of its n units; ``title`` is safe in a comment."""
    return _of_units(name, title, A, n) if belong_together(A) else _of_one_unit(name, title, A)


def _of_one_unit(name: str, title: str, A: Expression) -> str:
    lines, result = formula(A, _C())
    body = "".join(f"    const {_type(line.e)} {line.name} = {line.text};\n" for line in lines)
    unused = "" if any(e.op == "symbol" for e in walk([A])) else "    (void)Z;\n"
    kind = _type(A)
    return f"\n/* {title} */\nstatic inline {kind} {name}({kind} Z)\n{{\n{unused}{body}    return {result};\n}}\n"


def input_function(name: str, title: str, e: Expression, parameters: Sequence[str]) -> str:
    """The function of a part of an input layer: of a number and of the parameters that stand for it."""
    lines, result = formula(e, _C())
    body = "".join(f"    const {_type(line.e)} {line.name} = {line.text};\n" for line in lines)
    kind = _type(e)
    given = ", ".join(f"{kind} {name}" for name in ("x", *map(parameter, parameters)))
    unused = "" if any(s.op == "symbol" and s.value == "x" for s in walk([e])) else "    (void)x;\n"
    return f"\n/* {title} */\nstatic inline {kind} {name}({given})\n{{\n{unused}{body}    return {result};\n}}\n"


def parameter(name: str) -> str:
    """What a parameter of an input layer is called. RequestError: it has a name that C does not know."""
    if not (name.isascii() and name.isidentifier()):
        raise RequestError(f"an input layer's parameter {name!r} cannot be exported to C: name it by letters.")
    return f"p_{name}"


def _of_units(name: str, title: str, A: Expression, n: int) -> str:
    lines, result = formula(A, _C(over_units=A))
    body = "".join(_line(line, n) for line in lines) + loop("j", 0, n, f"A[j] = {result};", 4)
    kind = _type(A)
    return f"\n/* {title} */\nstatic void {name}(const {kind} *Z, {kind} *A)\n{{\n{body}}}\n"


def _line(line: Line, n: int) -> str:
    e, name, kind = line.e, line.name, _type(line.e)
    if e.op == "stack":
        return f"    const {kind} {name}[{n}] = {{{line.text}}};\n"
    if e.reach == "each":
        return f"    {kind} {name}[{n}];\n" + loop("j", 0, n, f"{name}[j] = {line.text};", 4)
    if e.op in ("sum_outputs", "max_outputs"):
        of = line.text.removesuffix("[j]")
        after = f"{name} + {of}[j]" if e.op == "sum_outputs" else f"maximum_{kind}({name}, {of}[j])"
        return f"    {kind} {name} = {of}[0];\n" + loop("j", 1, n, f"{name} = {after};", 4)
    return f"    const {kind} {name} = {line.text};\n"


def _type(e: Expression) -> str:
    return "int" if e.dtype == "bool" else REALS[e.dtype]


class _C(Language):
    """Where units belong together, what differs from unit to unit is an array, and what is summed up has a name."""

    def __init__(self, over_units: Expression | None = None) -> None:
        self.over_units = over_units is not None
        reduced = [e for e in walk([over_units]) if e.op in OVER_OUTPUTS] if over_units is not None else []
        self.alone = {*reduced, *(part for e in reduced if e.op != "stack" for part in e.args)}

    def symbol(self, e: Expression) -> str:
        return parameter(e.value) if e.reach == "unit" else e.value

    def number(self, e: Expression) -> str:
        return real(e.value, e.dtype)

    def use(self, name: str, e: Expression) -> str:
        return f"{name}[j]" if self.over_units and e.reach == "each" else name

    def stands_alone(self, e: Expression) -> bool:
        return e in self.alone

    def call(self, e: Expression, args: list[str]) -> str:
        if e.op in ("sum_outputs", "max_outputs"):
            return args[0]
        if e.op == "output":
            return f"{args[0].removesuffix('[j]')}[{e.value}]"
        if e.op == "stack":
            return ", ".join(args)
        if e.op in ("and", "or"):
            return f"(({args[0]}) {'&' if e.op == 'and' else '|'} ({args[1]}))"
        if e.op == "not":
            return f"!({args[0]})"
        kind = _type(e)
        if e.op == "cast":
            return f"({kind})({args[0]})"
        if e.op == "select":
            return (
                f"(({args[0]}) ? ({args[1]}) : ({args[2]}))" if kind == "int" else f"chosen_{kind}({', '.join(args)})"
            )
        if f"{e.op}_{kind}" in FUNCTIONS:
            return f"{e.op}_{kind}({', '.join(args)})"
        name = "fabs" if e.op == "abs" else e.op
        return f"{name}{'f' if kind == 'float' else ''}({args[0]})"


def loop(index: str, first: int, end: int, body: str, indent: int, step: str = "++") -> str:
    """A loop over one statement, which may be a loop itself."""
    space = " " * indent
    return f"{space}for (int {index} = {first}; {index} < {end}; {index}{step})\n{space}    {body.lstrip()}\n"
