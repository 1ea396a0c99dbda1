"""The function of the exported C file that reads a row: what the columns become, and which are looked up."""

from chainrule.data.category_features import CategoryFeatures
from chainrule.data.columns import as_numbers
from chainrule.data.gaps import Gaps
from chainrule.data.normal_scale import NormalScale
from chainrule.data.numeric_features import Scale
from chainrule.export.c_formulas import loop
from chainrule.export.c_library import READERS, needed
from chainrule.export.c_names import CNames, double, literal, real
from chainrule.export.text import bracketed
from chainrule.model import Model
from chainrule.network import Network


def features(model: Model, names: CNames) -> str:
    """The function, and those that it calls."""
    n, rule = model.network.columns.numbers, model.encoder.gaps
    steps, place = [], 0
    texts, constants = Texts(rule), list[str]()
    known = _known(as_numbers(rule.numbers))
    for part in model.encoder.parts:
        value, width = f"row->{names.members[part.column]}", len(part.names)
        if isinstance(part, CategoryFeatures):
            others = len(part.levels) if part.pooled else -1
            gaps = width - 1 if part.gaps else -1
            steps.append(f"    category({value}, {texts.of(part, others, gaps)}, &X[{place}]);\n")
        else:
            if known and part.kind != "date":
                value = f"known({value})"
            values = [f"truth({value}, &wrong)" if part.kind == "boolean" else value]
            if part.kind == "date":
                steps.append(f"    calendar({value}, part, &wrong);\n")
                values = [f"part[{i}]" for i in range(len(part.scales))]
            for i, (scale, of) in enumerate(zip(part.scales, values, strict=True)):
                steps.append(f"    X[{place + i}] = {_scaled(of, scale, place + i, constants)};\n")
            if part.indicator:
                steps.append(f"    X[{place + width - 1}] = isnan({value}) ? 1.0 : 0.0;\n")
        place += width
    for q, part in enumerate(model.encoder.lookups):
        gaps = len(part.levels) if part.gaps else -1
        value = f"row->{names.members[part.column]}"
        steps.append(f"    codes[{q}] = 1 + level({value}, {texts.of(part, -1, gaps)});\n")
    body = "".join(steps)
    zeros = loop("k", 0, n, "X[k] = 0.0;", 4) if n else ""
    what = "X and codes" if model.encoder.lookups else "X" if model.network.inputs else "A[0]"
    parts = "    double part[4];\n" if "calendar(" in body else ""
    return (
        needed(READERS, body)
        + (known if "known(" in body else "")
        + f"""
/* {what}: what the columns become; 0 where training would have refused a value. */
static int features(const {names.row} *row, {", ".join(taken(model.network).values())})
{{
{texts.arrays()}{"".join(constants)}    int wrong = 0;
{parts}{zeros}{body}    return !wrong;
}}
"""
    )


def _scaled(value: str, scale: Scale | NormalScale, j: int, constants: list[str]) -> str:
    """The call that makes feature j of a value; the arrays that it needs join the ``constants``."""
    if isinstance(scale, Scale):
        return f"scaled({value}, {double(scale.fill)}, {double(scale.mean)}, {double(scale.scale)}, &wrong)"
    for name, numbers in (("knots", scale.knots), ("z", scale.z)):
        array = bracketed(map(double, numbers), "    ", "{}")
        constants.append(f"    static const double {name}_{j}[] = {array};\n")
    return f"normal_score({value}, {double(scale.fill)}, knots_{j}, z_{j}, {len(scale.knots)}, &wrong)"


class Texts:
    """Arrays of the levels of columns, and of what spells a missing value in them."""

    def __init__(self, rule: Gaps) -> None:
        self._rule = rule
        self._levels: list[str] = []
        self._missing: dict[tuple[str, ...], str] = {}

    def of(self, part: CategoryFeatures, others: int, gaps: int) -> str:
        """What ``level`` is told of a column: its levels, the places of others and of gaps, what is missing."""
        array = "NULL"
        if part.levels:
            array = f"levels_{len(self._levels)}"
            texts = bracketed(map(literal, part.levels), "    ", "{}")
            self._levels.append(f"    static const char *const {array}[] = {texts};\n")
        missing = self._missing.setdefault(part.spelled_gaps(self._rule), f"missing_{len(self._missing)}")
        return f"{array}, {len(part.levels)}, {others}, {gaps}, {missing}"

    def arrays(self) -> str:
        """The arrays."""
        missing = (
            f"    static const char *const {name}[] = {bracketed([*map(literal, texts), 'NULL'], '    ', '{}')};\n"
            for texts, name in self._missing.items()
        )
        return "".join([*self._levels, *missing])


def taken(network: Network) -> dict[str, str]:
    """What the network takes of a row: how each array is declared, by its name."""
    numbers, q = network.columns.numbers, len(network.columns.levels)
    X = {"X": f"double X[{numbers}]"} if numbers else {}
    return X | {"codes": f"int codes[{q}]"} if q else X


def _known(gaps: list[float]) -> str:
    """The function that takes numbers for a missing value, '' where none does."""
    if not gaps:
        return ""
    test = " || ".join(f"value == {real(gap, 'float64')}" for gap in gaps)
    return f"""
/* NAN for what means a missing value. */
static double known(double value)
{{
    return {test} ? NAN : value;
}}
"""
