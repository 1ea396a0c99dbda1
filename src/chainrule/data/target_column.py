"""What the network learns to predict: classes or numbers, seen from the target column."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from chainrule.arguments import one_of
from chainrule.data.columns import LARGEST, booleans, numbers, pc, plain, row_name, texts
from chainrule.data.kinds import kind_of
from chainrule.errors import RequestError
from chainrule.validation import is_name, record, require

Label = str | bool | int | float
Task = Literal["classification", "regression"]
TASKS = ("auto", *get_args(Task))  # that may be asked for
ValueType = Literal["text", "boolean", "integer", "number"]

# Integers of so few values are taken for codes of classes.
MAX_NUMERIC_CLASSES = 20
# More classes than this on most rows a new one: an identifier or a measurement, and no class can be learnt.
MAX_SCATTERED_CLASSES = 20
# Integers beyond it are one and the same where a table has them as floats.
LARGEST_WHOLE = 2**53


@dataclass(frozen=True)
class Target:
    """The target column. ``classes`` are sorted, and empty in regression; ``reason`` says why ``task`` was taken.

    ``gaps`` are the spellings of a missing value: in a target of text exactly so, in others as ``Gaps.numbers``.

    RequestError: classes that no column has.
    """

    name: str
    task: Task
    classes: tuple[Label, ...]
    value_type: ValueType
    reason: str
    gaps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """See the class."""
        require(is_name(self.name), "the name of a target is text, not blank", self.name)
        what, classes = f"the target {self.name!r}", self.classes
        require(len({*self.gaps}) == len(self.gaps), f"each spelling of a gap of {what} is there once", self.gaps)
        for value, known in ((self.task, get_args(Task)), (self.value_type, get_args(ValueType))):
            require(value in known, f"{what} is one of {known}", value)
        if self.task == "regression":
            require(classes == (), f"{what} is for regression, without classes", classes)
            return
        right = all(_is_label(label, self.value_type) for label in classes)
        require(right, f"the classes of {what} are values of a column of {self.value_type}", classes)
        in_order: Any = pairwise(classes)
        right = len(classes) > 1 and all(a < b for a, b in in_order)
        require(right, f"the classes of {what} are two or more, sorted, each once", classes)

    @classmethod
    def infer(
        cls,
        column: pa.Array | pa.ChunkedArray,
        name: str,
        task: Literal["auto"] | Task = "auto",
        gaps: tuple[str, ...] = (),
    ) -> "Target":
        """What the values in ``column`` ask for. ``auto`` takes text, booleans and few integers as classes.

        A declared category, of whatever values, is for classification. ``gaps`` are null in ``column`` already.

        Raises RequestError where no row has a value; where all have the same; where regression is asked of text;
        where classes are asked of a column with a new value on most rows; and for infinite values and lists, dates
        and the like.

        >>> Target.infer(pa.array(["Gentoo", "Adelie", None, "Gentoo"]), "species").classes
        ('Adelie', 'Gentoo')
        >>> Target.infer(pa.array([18.5, 15.0, 36.1]), "mpg").reason
        'numbers, not all of them whole: regression'
        """
        one_of("task", task, TASKS)
        cells = plain(column)
        present = len(cells) - cells.null_count
        if not present:
            raise RequestError(f"the target {name!r} has no value in any row: choose another column.")
        value_type = _value_type(cells, name)
        distinct = pc.count_distinct(cells).as_py()
        if distinct == 1:
            only = cells.drop_null()[0].as_py()
            raise RequestError(f"the target {name!r} is {only!r} in every row: there is nothing to learn.")
        asked, reason = task, f"{task} on request"
        if task == "auto" and pa.types.is_dictionary(column.type):
            asked, reason = "classification", f"a category of {distinct} levels: classification"
        elif task == "auto":
            asked, reason = _task(value_type, distinct, present)
        if asked == "regression":
            target = cls(name, "regression", (), value_type, reason, gaps)
            target.values(cells)  # refuses text that is no number
            return target
        if distinct > MAX_SCATTERED_CLASSES and 2 * distinct > present:
            advice = "choose another column" if value_type == "text" else "ask for regression, or choose another column"
            found = f"{distinct} different values in {present} rows"
            raise RequestError(f"the target {name!r} has {found}, too many to be classes: {advice}.")
        return cls(name, "classification", _classes(cells, value_type, name), value_type, reason, gaps)

    def codes(self, column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """(m,) the index in ``classes`` of each cell, -1 where it is missing.

        Raises RequestError in regression, and for a class that is not among ``classes``.
        """
        if self.task == "regression":
            raise RequestError(f"the target {self.name!r} is for regression and has no classes.")
        label, but = f"the target {self.name!r}", f"had {self.value_type} classes at training, now it is"
        if self.value_type == "text":
            cells = texts(column, label, but)
            gaps = pa.array([text for text in self.gaps if text not in self.classes], cells.type)
            cells = pc.if_else(pc.is_in(cells, gaps), None, cells)
        else:
            read = booleans if self.value_type == "boolean" else numbers
            cells = plain(pa.array(read(column, label, but, self.gaps) + 0.0))  # -0.0 is 0.0
        classes = self.classes if self.value_type == "text" else map(float, self.classes)
        places = pc.index_in(cells, pa.array(classes, cells.type))
        strange = pc.and_(cells.is_valid(), places.is_null()).to_numpy(zero_copy_only=False)
        if strange.any():
            first = int(strange.argmax())
            raise RequestError(
                f"{label} has the class {plain(column)[first].as_py()!r} in {row_name(first)}, which training did not "
                f"have. Its classes: {', '.join(map(str, self.classes[:20]))}."
            )
        return np.array(pc.fill_null(places, -1).cast(pa.int64()))

    def values(self, column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
        """(m,) numbers, NaN where missing. Raises RequestError in classification, and for cells that are no number."""
        if self.task == "classification":
            raise RequestError(f"the target {self.name!r} is for classification: use codes.")
        return numbers(column, f"the target {self.name!r}", "must be numbers for regression, but it is", self.gaps)

    def labels(self, codes: ArrayLike) -> list[Label | None]:
        """The classes at ``codes`` (m,), None where a code is -1."""
        return [self.classes[code] if code >= 0 else None for code in np.asarray(codes).tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON that :meth:`from_dict` takes back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> "Target":
        """The target that :meth:`to_dict` wrote. Raises RequestError where it is none."""
        names = dict.fromkeys(("name", "task", "value_type", "reason"), str)
        entries = record(description, "a target", **names, classes=[str | bool | int | float], gaps=[str])
        return cls(**{**entries, "classes": tuple(entries["classes"]), "gaps": tuple(entries["gaps"])})


def _is_label(label: Any, value_type: ValueType) -> bool:
    """Whether a column of this type can hold it as a class."""
    if value_type in ("integer", "number"):
        kind, largest = (int, LARGEST_WHOLE) if value_type == "integer" else (float, LARGEST)
        return type(label) is kind and abs(label) <= largest
    return type(label) is bool if value_type == "boolean" else type(label) is str and label != ""


def _value_type(cells: pa.Array, name: str) -> ValueType:
    kind = kind_of(cells)
    if kind in ("text", "boolean"):
        return kind
    if kind == "number":
        values = numbers(cells, f"the target {name!r}", "is")
        return "integer" if np.array_equal(values, np.floor(values), equal_nan=True) else "number"
    raise RequestError(f"the target {name!r} is {cells.type}: expected text, booleans or numbers.")


def _task(value_type: ValueType, distinct: int, present: int) -> tuple[Task, str]:
    """The task and why."""
    if value_type == "text":
        return "classification", f"{distinct} different texts: classification"
    if value_type == "boolean":
        return "classification", "true or false: classification"
    if value_type == "number":
        return "regression", "numbers, not all of them whole: regression"
    if distinct <= MAX_NUMERIC_CLASSES:
        return "classification", f"{distinct} different integers: classification"
    return "regression", f"{distinct} different integers in {present} rows: regression"


def _classes(cells: pa.Array, value_type: ValueType, name: str) -> tuple[Label, ...]:
    distinct = cells.drop_null().unique().to_pylist()
    if value_type == "integer":
        if max(map(abs, distinct)) > LARGEST_WHOLE:
            raise RequestError(f"the target {name!r} has integers beyond 2^53, too large for classes: use text.")
        return tuple(sorted(set(map(int, distinct))))  # 0.0 and -0.0 are one
    return tuple(sorted(set(map(float, distinct)) if value_type == "number" else distinct))
