"""What a model file may say: only what training makes."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.mutants import Parts
from chainrule import Network, RequestError, load
from chainrule.data import Encoder, Target
from chainrule.data.category_features import CategoryFeatures
from chainrule.data.numeric_features import NumericFeatures, Scale
from chainrule.history import History
from chainrule.recipe import Recipe
from chainrule.reports import Report
from chainrule.target_encoding import Outputs

MUSEUM = Path(__file__).parent / "museum"
FORMATS = {"islands": "format-4"}  # of the exhibits that are not taken as format 2 had them
# What may be null: a number that was not finite, a setting that is left open, a report that there is none of.
NULLABLE = {
    *("training_cost", "validation_cost", "score", "learning_rate"),
    *("learning_rate", "clip_norm", "patience"),
    *("log_loss", "roc_auc", "rmse", "mae", "r2", "accuracy"),
    "report",
}


def taken_apart(exhibit):
    parts = Parts.of((MUSEUM / FORMATS.get(exhibit, "format-2") / f"{exhibit}.model").read_bytes())
    del parts.description["sha256"]
    return parts


def forged(path, exhibit, where, value):
    """The file of an exhibit with something else at a place of its description, and the checksum that belongs to it."""
    parts = taken_apart(exhibit)
    inner = around = {"": parts.description}
    for key in ("", *where)[:-1]:
        inner = inner[key]
    key = ("", *where)[-1]
    inner[key] = value(inner[key]) if callable(value) else value
    parts.description = around[""]
    path.write_bytes(parts.joined())
    return path


def is_refused(path):
    try:
        load(path)
    except RequestError:
        return True
    return False


def places(inner, where=()):
    """The way to every value, and the value."""
    if isinstance(inner, (dict, list)):
        for key in inner if isinstance(inner, dict) else range(len(inner)):
            yield (*where, key), inner[key]
            yield from places(inner[key], (*where, key))


PENGUINS = taken_apart("penguins").description
COLUMNS = {part["column"]: i for i, part in enumerate(PENGUINS["encoder"]["parts"])}


def column(name, *rest):
    return ("encoder", "parts", COLUMNS[name], *rest)


BILL = column("bill_length_mm", "scales", 0)
ISLAND = column("island")

# Values of the exhibit "penguins" of the right type that no training makes.
WRONG = [
    (("network", "n"), []),
    (("network", "n", 1), 0),
    (("network", "n", 1), -4),
    (("network", "n", 1), 10**18),
    (("network", "n"), [1] * 20_000),
    (("network", "activation"), []),
    (("network", "activation", 0), "relu()"),
    (("network", "activation", 0), "leaky_relu"),  # its number is always written out
    (("network", "activation", 0), "relu " * 1000),
    (("network", "loss"), "half_squared_error"),
    (("network", "loss"), "quantiles(0.1, 0.5, 0.9)"),
    (("network", "dropout", 0), 1.0),
    (("network", "dropout", 0), -0.5),
    (("network", "penalties"), ["l2(strength=-1)"]),
    (("network", "dtype"), "float16"),
    (("network", "dtype"), "float64"),
    (("recipe", "epochs"), 0),
    (("recipe", "seed"), 2**64),
    (("recipe", "tol"), -1.0),
    (("recipe", "learning_rate"), 0.0),
    (("recipe", "monitor"), "luck"),
    (("recipe", "optimizer"), "adam"),
    (("recipe", "batch_size"), "all"),
    (("encoder", "parts"), []),
    ((*BILL, "scale"), 0.0),
    ((*BILL, "scale"), -5.4),
    ((*BILL, "scale"), 5e-324),
    ((*BILL, "mean"), 1e101),
    ((*BILL, "fill"), 1e101),
    (column("bill_length_mm", "kind"), "picture"),
    (column("bill_length_mm", "kind"), "date"),
    (column("bill_length_mm", "kind"), "category"),
    (column("bill_length_mm", "scales"), []),
    (column("bill_length_mm", "scales"), lambda scales: scales * 2),
    (column("bill_length_mm", "column"), ""),
    (column("bill_length_mm", "column"), " "),
    (column("bill_length_mm", "column"), "body_mass_g"),
    (column("bill_length_mm", "column"), "species"),
    (column("bill_length_mm", "column"), "island=Dream"),
    ((*ISLAND, "levels"), lambda levels: levels[::-1]),
    ((*ISLAND, "levels"), lambda levels: [*levels[:-1], levels[0]]),
    ((*ISLAND, "levels"), lambda levels: ["", *levels[1:]]),
    ((*ISLAND, "levels"), lambda levels: [levels[0], *levels]),
    ((*ISLAND, "pooled"), lambda _: ["Biscoe"]),
    ((*ISLAND, "column"), "sex"),
    (("encoder", "left_out"), ["island"]),
    (("encoder", "left_out"), ["species"]),
    (("encoder", "left_out"), ["a", "a"]),
    (("target", "name"), ""),
    (("target", "name"), "island"),
    (("target", "task"), "ranking"),
    (("target", "task"), "regression"),
    (("target", "value_type"), "integer"),
    (("target", "value_type"), "boolean"),
    (("target", "value_type"), "list"),
    (("target", "classes"), lambda classes: classes[::-1]),
    (("target", "classes"), lambda classes: [*classes, "Zealous"]),
    (("target", "classes"), lambda classes: classes[:2]),
    (("target", "classes"), lambda classes: [classes[0]] * 3),
    (("target", "classes"), lambda classes: ["", *classes[1:]]),
    (("target", "classes", 0), "Aardvark"),  # the report is on other classes
    (("outputs", "units"), 0),
    (("outputs", "units"), 1),
    (("outputs", "units"), 4),
    (("outputs", "scale"), 0.0),
    (("outputs", "scale"), 2.0),
    (("outputs", "shift"), 1.0),
    (("outputs", "prior"), [1.0]),
    (("outputs", "prior"), [0.5, 0.5, 0.5]),
    (("outputs", "prior"), [1.5, -0.25, -0.25]),
    (("history", "best_epoch"), 4),
    (("history", "best_epoch"), -1),
    (("history", "training_cost"), lambda curve: curve[:-1]),
    (("history", "validation_cost"), lambda curve: [*curve, 0.5]),
    (("history", "validation_cost"), []),  # it is what was watched
    (("history", "score"), [0.5]),
    (("history", "learning_rate"), []),
    (("history", "learning_rate", 0), -0.001),
    (("history", "monitor"), "accuracy"),
    (("history", "monitor"), "__class__"),
    (("report",), {}),
    (("report", "task"), "regression"),
    (("report", "rows"), 0),
    (("report", "rows"), 70),
    (("report", "scores", "accuracy"), 0.99),
    (("report", "scores", "accuracy"), 1.5),
    (("report", "scores", "log_loss"), -0.1),
    (("report", "scores", "roc_auc"), 1.01),
    (("report", "baseline", "accuracy"), -0.1),
    (("report", "scores"), lambda scores: dict(reversed(scores.items()))),
    (("report", "scores"), lambda scores: scores | {"f1": 0.5}),
    (("report", "classes"), lambda classes: classes[:2]),
    (("report", "confusion"), lambda rows: rows[:2]),
    (("report", "confusion", 0), lambda row: row[:2]),
    (("report", "confusion", 0, 0), -1),
    (("report", "confusion"), lambda rows: [row[::-1] for row in rows]),
    (("report", "recall", 0), 0.123),
    (("report", "recall"), lambda recall: recall[:2]),
    (("made_with",), {}),
    (("made_with",), {"numpy": "2.0.0"}),
    (("made_with", "chainrule"), ""),
    (("made_with", "chainrule"), "0.1.0\x1b[2J"),
    (("made_with", "numpy"), "../../etc/passwd"),
    (("made_with", "numpy"), 2),
    (("format",), 0),
    (("format",), -1),
    (("format",), True),
    (("format",), 2.0),
    (("format",), "2"),
    (("format",), None),
]
# The same of other exhibits.
WRONG_ELSEWHERE = [
    ("tides", ("target", "classes"), [True, False]),
    ("tides", ("target", "classes"), [False]),
    ("tides", ("target", "classes"), [0, 1]),
    ("tides", ("target", "classes"), ["false", "true"]),
    ("tides", ("encoder", "parts", 0, "scales"), lambda scales: scales[:3]),
    ("tides", ("encoder", "parts", 0, "scales", 1, "fill"), None),
    ("tides", ("network", "loss"), "cross_entropy(smoothing=0)"),
    ("tides", ("outputs", "prior"), [0.25, 0.25]),
    ("grades", ("target", "classes"), [-3.0, 2.25, 1.5]),
    ("grades", ("target", "classes"), [-3, 1, 2]),
    ("grades", ("target", "value_type"), "integer"),
    ("cars", ("network", "loss"), "cross_entropy(smoothing=0)"),
    ("cars", ("network", "loss"), "quantiles(0.1, 0.9)"),
    ("cars", ("network", "dtype"), "float32"),
    ("cars", ("outputs", "units"), 2),
    ("cars", ("outputs", "scale"), 0.0),
    ("cars", ("outputs", "scale"), -1.0),
    ("cars", ("outputs", "prior"), [1.0, 2.0]),
    ("cars", ("outputs", "prior"), []),
    ("cars", ("target", "classes"), [1, 2]),
    ("cars", ("report", "classes"), ["1", "2"]),
    ("cars", ("report", "rows"), 0),
    ("cars", ("report", "rows"), 2**63),
    ("cars", ("report", "scores", "rmse"), -1.0),
    ("cars", ("report", "scores", "r2"), 1.5),
    ("cars", ("history", "score"), []),
    ("islands", ("format",), 3),
    ("islands", ("format",), 2),
    ("islands", ("network", "inputs"), []),
    ("islands", ("network", "inputs"), lambda layers: layers[:2]),
    ("islands", ("network", "inputs"), lambda layers: [*layers, layers[0]]),
    ("islands", ("network", "inputs", 0, "layer"), "cosine(6, 0.5)"),  # its numbers are named
    ("islands", ("network", "inputs", 0, "layer"), "cosine(d=5, init_scale=0.5)"),
    ("islands", ("network", "inputs", 0, "layer"), "cosine(d=1e9, init_scale=0.5)"),
    ("islands", ("network", "inputs", 0, "layer"), "lookup(d=6)"),
    ("islands", ("network", "inputs", 0, "layer"), "scale"),
    ("islands", ("network", "inputs", 0, "columns"), []),
    ("islands", ("network", "inputs", 0, "columns"), lambda columns: [columns[0]] * len(columns)),
    ("islands", ("network", "inputs", 0, "columns", 0), 7),
    ("islands", ("network", "inputs", 0, "columns", 0), -1),
    ("islands", ("network", "inputs", 0, "columns", 0), 2**63),
    ("islands", ("network", "inputs", 0, "levels"), 4),
    ("islands", ("network", "inputs", 1, "levels"), 4),
    ("islands", ("network", "inputs", 1, "levels"), 10**18),
    ("islands", ("network", "inputs", 1, "columns"), [1]),
    ("islands", ("network", "inputs", 1, "columns"), [0, 1]),
    ("islands", ("network", "n", 0), lambda n: n + 1),
    ("islands", ("encoder", "lookups"), []),
    ("islands", ("encoder", "lookups"), lambda columns: columns[:1]),
    ("islands", ("encoder", "lookups"), lambda columns: columns[::-1]),
    ("islands", ("encoder", "lookups"), lambda columns: [*columns, columns[0]]),
    ("islands", ("encoder", "lookups", 0, "kind"), "number"),
    ("islands", ("encoder", "lookups", 0, "column"), "ring"),
    ("islands", ("encoder", "lookups", 0, "column"), "mass"),
    ("islands", ("encoder", "lookups", 0, "column"), "chicks"),
    ("islands", ("encoder", "lookups", 0, "levels"), lambda levels: levels[:-1]),
    ("islands", ("encoder", "lookups", 0, "levels"), lambda levels: levels[::-1]),
    ("islands", ("encoder", "lookups", 0, "levels"), lambda levels: [*levels, "Zanzibar"]),
    ("islands", ("encoder", "lookups", 0, "gaps"), False),
    ("islands", ("encoder", "lookups", 1, "pooled"), ["red"]),
    ("islands", ("encoder", "parts"), []),
    ("islands", ("encoder", "parts"), lambda parts: parts[:-1]),
    ("penguins", ("encoder", "lookups"), []),
    ("penguins", ("network", "inputs"), []),
]


@pytest.mark.parametrize(("where", "value"), WRONG)
def test_what_no_training_makes_is_refused(tmp_path, where, value):
    with pytest.raises(RequestError, match=r"m\.model"):
        load(forged(tmp_path / "m.model", "penguins", where, value))


@pytest.mark.parametrize(("exhibit", "where", "value"), WRONG_ELSEWHERE)
def test_what_no_training_makes_is_refused_elsewhere(tmp_path, exhibit, where, value):
    with pytest.raises(RequestError, match=r"m\.model"):
        load(forged(tmp_path / "m.model", exhibit, where, value))


OTHERS = {
    str: (None, 1, 1.5, True, [], {}, ["a"]),
    bool: (None, 0, 1, 1.0, "true", [], {}),
    int: (None, 1.0, True, "1", [], {}, -(10**400)),
    float: (1, True, "1.5", [], {}),
    type(None): (0, False, "", [], {}),
    list: (None, 1, "", "abc", {}, {"0": 1}),
    dict: (1, "", [], [["n", 1]], True),
}


@pytest.mark.parametrize("exhibit", ["penguins", "cars", "tides", "islands"])
def test_a_value_of_another_type_is_refused_wherever_it_stands(tmp_path, exhibit):
    path = tmp_path / "m.model"
    for where, value in places(taken_apart(exhibit).description):
        names = [key for key in where if isinstance(key, str)]
        for other in OTHERS[type(value)]:
            if (other is None and names[-1] in NULLABLE) or (names[-1], other) == ("batch_size", 1):
                continue
            assert is_refused(forged(path, exhibit, where, other)), f"{where}: {other!r} in place of {value!r}"


@pytest.mark.parametrize("exhibit", ["penguins", "cars", "tides", "names", "islands"])
def test_entries_missing_more_renamed_or_in_another_order_are_refused_wherever_they_are(tmp_path, exhibit):
    path = tmp_path / "m.model"
    for where, value in [((), taken_apart(exhibit).description), *places(taken_apart(exhibit).description)]:
        if not isinstance(value, dict) or where == ("made_with",):
            continue
        changed = [dict(reversed(value.items()))]
        for key in value:
            changed.append({k: v for k, v in value.items() if k != key})
            changed.append({k + "_" * (k == key): v for k, v in value.items()})
            changed.append({**value, f"{key}_": value[key]})
        for record in changed:
            assert is_refused(forged(path, exhibit, where, record)), f"{where}: {list(record)}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format":2', '"format": 2'),
        ('"format":2', '"f\\u006frmat":2'),
        ('"tol":0.0001', '"tol":1e-4'),
        ('"tol":0.0001', '"tol":0.00010'),
        ('"best_epoch":3', '"best_epoch":3 '),
        ('"patience":20', '"patience":2\\u0030'),
    ],
)
def test_the_same_written_otherwise_is_refused(tmp_path, old, new):
    parts = taken_apart("penguins")
    text = parts.text()
    assert text.count(old) == 1
    (tmp_path / "m.model").write_bytes(parts.joined(text=text.replace(old, new)))
    with pytest.raises(RequestError, match="has written"):
        load(tmp_path / "m.model")


@pytest.mark.parametrize("more", [" " * 8, "\n" * 8, "\x00" * 8])
def test_a_longer_header_is_refused(tmp_path, more):
    parts = taken_apart("penguins")
    (tmp_path / "m.model").write_bytes(parts.joined(head=parts.head(parts.text()) + more))
    with pytest.raises(RequestError, match="has written"):
        load(tmp_path / "m.model")


@pytest.mark.parametrize("layer", [0, -1])
def test_a_network_for_other_features_or_classes_is_refused(tmp_path, layer):
    """Although it has as many parameters as it says."""
    parts = taken_apart("penguins")
    parts.description["network"]["n"][layer] += 1
    count = Network.from_dict(parts.description["network"]).size
    parts.raw = bytes(4 * count)
    parts.table["theta"] |= {"shape": [count], "data_offsets": [0, 4 * count]}
    (tmp_path / "m.model").write_bytes(parts.joined())
    with pytest.raises(RequestError, match="inputs and outputs"):
        load(tmp_path / "m.model")


@pytest.mark.parametrize("names", [["weights"], ["theta", "more"], ["more", "theta"], []])
def test_arrays_of_other_names_are_refused(tmp_path, names):
    parts = taken_apart("penguins")
    size, theta = len(parts.raw), parts.table.pop("theta")
    for i, name in enumerate(names):
        parts.table[name] = theta | {"data_offsets": [i * size, (i + 1) * size]}
    parts.raw *= len(names)
    (tmp_path / "m.model").write_bytes(parts.joined())
    with pytest.raises(RequestError, match="its array is theta"):
        load(tmp_path / "m.model")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite_are_refused(tmp_path, number):
    parts = taken_apart("penguins")
    parts.raw = np.float32(number).tobytes() + parts.raw[4:]
    (tmp_path / "m.model").write_bytes(parts.joined())
    with pytest.raises(RequestError, match="finite"):
        load(tmp_path / "m.model")


def test_the_message_says_what_was_expected_and_what_came(tmp_path):
    path = forged(tmp_path / "m.model", "penguins", (*BILL, "scale"), "wide")
    with pytest.raises(RequestError, match=r"m\.model' is not a model .*scale of a scale is a float.*, not 'wide'\.$"):
        load(path)


SCALE = Scale(1.0, 0.0, 1.0)
REGRESSION = taken_apart("cars").description["report"]
CLASSES = PENGUINS["report"]
PARTS = {
    "no columns": lambda: Encoder(()),
    "a column without a name": lambda: Encoder((NumericFeatures(" ", "number", (SCALE,), False),)),
    "a column of another kind": lambda: NumericFeatures("a", "picture", (SCALE,), False),
    "a column without a scale": lambda: NumericFeatures("a", "number", (), False),
    "a scale of 0": lambda: NumericFeatures("a", "number", (Scale(1.0, 0.0, 0.0),), False),
    "a mean that is no number": lambda: NumericFeatures("a", "number", (Scale(1.0, np.nan, 1.0),), False),
    "a date that fills some gaps": lambda: NumericFeatures("a", "date", (*[SCALE] * 3, Scale(None, 0.0, 1.0)), False),
    "no levels": lambda: CategoryFeatures("a", (), (), True),
    "levels not sorted": lambda: CategoryFeatures("a", ("b", "a"), (), False),
    "rare levels not sorted": lambda: CategoryFeatures("a", ("x",), ("b", "a"), False),
    "a level frequent and rare": lambda: CategoryFeatures("a", ("x",), ("x",), False),
    "an empty level": lambda: CategoryFeatures("a", ("", "x"), (), False),
    "a target without a name": lambda: Target("", "regression", (), "number", ""),
    "a target of another task": lambda: Target("y", "ranking", (), "number", ""),
    "a target of another type": lambda: Target("y", "regression", (), "complex", ""),
    "classes of a number": lambda: Target("y", "regression", (1, 2), "integer", ""),
    "one class": lambda: Target("y", "classification", ("a",), "text", ""),
    "classes not sorted": lambda: Target("y", "classification", ("b", "a"), "text", ""),
    "a class twice": lambda: Target("y", "classification", ("a", "a"), "text", ""),
    "classes of two types": lambda: Target("y", "classification", (1, 2.5), "number", ""),
    "classes beyond 2^53": lambda: Target("y", "classification", (1, 2**53 + 1), "integer", ""),
    "no outputs": lambda: Outputs(0, 0.0, 1.0, (1.0,)),
    "a shift that is no number": lambda: Outputs(1, np.nan, 1.0, (1.0,)),
    "outputs of scale 0": lambda: Outputs(1, 0.0, 0.0, (1.0,)),
    "an infinite mean": lambda: Outputs(1, 0.0, 1.0, (np.inf,)),
    "a name of a thousand letters": lambda: Network((1, 1, 1), "a" * 1001),
    "a name that is none": lambda: Recipe(optimizer=["adam"]),
    "a record that is a list": lambda: History.from_dict([]),
    "a curve that nobody watched": lambda: History.from_dict(PENGUINS["history"] | {"monitor": "luck"}),
    "a report of another task": lambda: Report.from_dict(CLASSES | {"task": "ranking"}),
    "a report on no rows": lambda: Report.from_dict(REGRESSION | {"rows": 0}),
    "classes in the report on a number": lambda: Report.from_dict(REGRESSION | {"classes": ["a", "b"]}),
    "a report on fewer classes": lambda: Report.from_dict(CLASSES | {"confusion": CLASSES["confusion"][:2]}),
    "a report on fewer rows": lambda: Report.from_dict(CLASSES | {"rows": 1}),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_what_no_training_makes_cannot_be_made_in_python_either(part):
    with pytest.raises(RequestError):
        PARTS[part]()
