"""A row of weight 2 is two rows and a row of weight 0 is none: every statistic, with weights and with repeated rows."""

import math
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import MLPClassifier, MLPRegressor, Network, Recipe, plan
from chainrule.data import Encoder, Target, infer_schema
from chainrule.data.category_features import CategoryFeatures
from chainrule.data.numeric_features import Numbers, Scale
from chainrule.engines import without_effect
from chainrule.engines.reference import Reference
from chainrule.formulas import metrics, weighted
from chainrule.formulas.losses import LOSSES
from chainrule.formulas.metrics import METRICS
from chainrule.reports import classification_report, regression_report
from chainrule.sample_weights import class_weights
from chainrule.target_encoding import Outputs

K = 3


@st.composite
def drawn(draw):
    """Columns of a few rows, and how often each row is there."""
    seed, m = draw(st.integers(0, 2**32 - 1)), draw(st.integers(4, 14))
    r = np.random.default_rng(seed)
    w = r.integers(0, 4, m)
    w[:2] = [2, 1]  # two rows count, and they differ in class and number
    codes = np.concatenate([[0, 1], r.integers(0, K, m - 2)])
    number = r.choice([0.5, 1.0, 2.5, -3.0], m)
    number[0] = 0.75
    gaps = np.where(r.random(m) < 0.3, np.nan, r.normal(size=m))
    gaps[0] = 0.1
    day = np.datetime64("2024-01-01") + r.integers(0, 900, m)
    table = pa.table(
        {
            "number": number,
            "gaps": pa.array(gaps, from_pandas=True),
            "yes": r.random(m) < 0.5,
            "day": pa.array(day.astype("M8[us]")),
            "level": r.choice(["a", "b", "c", "d"], m),
        }
    )
    y = r.integers(1, 9, m).astype(float)
    y[:2] = [1.0, 2.0]
    P = r.integers(1, 5, (K, m)).astype(float)
    return {"table": table, "codes": codes, "y": y, "P": P / P.sum(axis=0), "w": w, "seed": seed}


def encoder(d, rows, w):
    schema = infer_schema(d["table"])
    return [Encoder.fit(d["table"], schema, rows, numbers, w).to_dict() for numbers in get_args(Numbers)]


def outputs(loss, values):
    row = LOSSES.make(loss, np)
    classes = tuple("xyz") if row.task == "classification" else ()
    target = Target("t", row.task, classes, "text" if classes else "number", "")
    return lambda d, rows, w: Outputs.fit(target, row, loss, d[values][rows], w).to_dict()


def report(made):
    found = made.to_dict()
    return [found["scores"], found["baseline"], np.array(found["confusion"], float).tolist(), found["recall"]]


def metric(name, Y, A):
    """A metric of the table on outputs that are made of what was drawn."""

    def of(d, rows, w):
        weight = np.ones(len(rows)) if w is None else w
        return METRICS.make(name).score(Y(d)[:, rows], A(d)[:, rows], weight)

    return of


OUTPUTS = {
    "one sigmoid": (lambda d: (d["codes"] > 0)[None].astype(float), lambda d: d["P"][:1]),
    "classes": (lambda d: np.eye(K)[:, d["codes"]], lambda d: d["P"]),
    "labels": (lambda d: (np.arange(K)[:, None] <= d["codes"]).astype(float), lambda d: d["P"]),
    "numbers": (lambda d: np.stack([d["y"], d["y"] ** 2]), lambda d: d["P"][:2]),
}


ENGINE = Reference(Network((1, 3, 1), dtype="float64", penalties=("l2(0.1)",)), Recipe())


def cost_and_gradient(d, rows, w):
    examples = without_effect(ENGINE, ENGINE.examples(d["y"][rows, None], d["P"][:1, rows].T, w))  # as ``fit`` does
    J, dtheta = ENGINE.gradient(ENGINE.start().theta, examples)
    return [J, dtheta.tolist()]


STATISTICS = {
    "mean": lambda d, rows, w: weighted.mean(d["y"][rows], w),
    "deviation": lambda d, rows, w: weighted.deviation(d["y"][rows], w),
    "median": lambda d, rows, w: weighted.median(d["y"][rows], w),
    "shares": lambda d, rows, w: weighted.shares(d["codes"][rows], K, w).tolist(),
    "balanced": lambda d, rows, w: class_weights("balanced", list("xyz"), d["codes"][rows], w).tolist(),
    "encoder": encoder,
    "outputs of numbers": outputs("half_squared_error", "y"),
    "outputs of counts": outputs("poisson", "y"),
    "outputs of classes": outputs("cross_entropy", "codes"),
    "accuracy": lambda d, rows, w: metrics.accuracy(d["codes"][rows], d["P"].argmax(0)[rows], w),
    "confusion": lambda d, rows, w: (
        metrics.confusion_matrix(d["codes"][rows], d["P"].argmax(0)[rows], K, w).astype(float).tolist()
    ),
    "report of classes": lambda d, rows, w: report(
        classification_report(d["codes"][rows], d["P"][:, rows], np.array([0.5, 0.3, 0.2]), list("xyz"), w)
    ),
    "report of numbers": lambda d, rows, w: report(regression_report(d["y"][rows], 3.0 * d["P"][0, rows], 2.0, w)),
    "cost and gradient": cost_and_gradient,
} | {
    f"{name} of {kind}": metric(name, *OUTPUTS[kind])
    for name in METRICS
    for kind in OUTPUTS
    if (METRICS.make(name).task == "regression") == (kind == "numbers")
}


def leaves(value):
    if isinstance(value, dict):
        return [leaf for name in value for leaf in [name, *leaves(value[name])]]
    return [leaf for inner in value for leaf in leaves(inner)] if isinstance(value, list | tuple) else [value]


def same(one, other):
    """Equal, numbers to rounding."""
    one, other = leaves(one), leaves(other)
    assert [type(leaf) for leaf in one] == [type(leaf) for leaf in other]
    for a, b in zip(one, other, strict=True):
        if isinstance(a, float):
            assert a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-12)
        else:
            assert a == b


@pytest.mark.parametrize("name", STATISTICS)
@given(d=drawn())
def test_integer_weights_are_repeated_rows(name, d):
    m = len(d["w"])
    by_weight = STATISTICS[name](d, np.arange(m), d["w"].astype(float))
    same(by_weight, STATISTICS[name](d, np.repeat(np.arange(m), d["w"]), None))


@pytest.mark.parametrize(
    "name", [s for s in STATISTICS if s not in ("confusion", "report of classes", "cost and gradient")]
)
@given(d=drawn(), of=st.sampled_from([0.1, 1.0 / 3.0]))
@settings(max_examples=10)
def test_equal_weights_change_nothing(name, d, of):
    """Not even where they are below 1: no level becomes rare. Only sums of weights, as a penalty has, are others."""
    rows = np.arange(len(d["w"]))
    same(STATISTICS[name](d, rows, np.full(len(rows), of)), STATISTICS[name](d, rows, None))


@pytest.mark.parametrize("name", STATISTICS)
@given(d=drawn())
@settings(max_examples=10)
def test_what_a_row_of_weight_0_holds_is_not_looked_at(name, d):
    w = np.where(np.arange(len(d["w"])) < 2, d["w"], 0).astype(float)
    rows = np.arange(len(w))
    expected = STATISTICS[name](d, rows, w)
    d["y"][2:], d["P"][:, 2:], d["codes"][2:] = np.nan, np.nan, 2
    d["table"] = pa.table(
        {
            "number": [*d["table"]["number"].to_pylist()[:2], *[1e99] * (len(w) - 2)],
            "gaps": [*d["table"]["gaps"].to_pylist()[:2], *[None] * (len(w) - 2)],
            "yes": d["table"]["yes"],
            "day": d["table"]["day"],
            "level": [*d["table"]["level"].to_pylist()[:2], *["strange"] * (len(w) - 2)],
        }
    )
    if name != "encoder" or encoder(d, rows[:2], None)[0]["left_out"] == expected[0]["left_out"]:
        same(STATISTICS[name](d, rows, w), expected)


def test_a_median_between_two_values_is_their_mean_whatever_the_unit_of_the_weights():
    values = np.arange(10.0)
    for unit in (1.0, 0.1, 3.0, 1e-200, 1e200):
        w = np.array([1.0, 2, 3, 4, 5, 5, 4, 3, 2, 1]) * unit
        assert weighted.median(values, w) == 4.5
    assert Scale.fit(np.array([1.0, np.nan, 3.0, 7.0]), True, np.array([1.0, 5.0, 2.0, 1.0])).fill == 3.0


def test_a_level_is_as_frequent_as_the_weight_of_its_rows_and_rare_by_weight_and_rows_alike():
    column = pa.chunked_array([["a", "b", "b", "c", "c", "c", "d"]])
    rows = np.arange(7)
    found = CategoryFeatures.fit("x", column, rows, np.array([3.0, 1, 1, 0.1, 0.1, 0.1, 0.5]))
    assert (found.levels, found.pooled) == (("a", "c"), ("b", "d"))  # a stands for three rows; c has three


FRAME = pd.DataFrame(
    {
        "mass": [1.0, 2.0, np.nan, 4.0, 5.5, 6.0, 1e6, 3.0] * 3,
        "site": ["x", "y", "x", "z", "z", "x", "strange", "y"] * 3,
        "label": ["no", "yes", "no", "yes", "yes", "no", "yes", "no"] * 3,
    }
)
TIMES = np.array([1, 2, 1, 3, 1, 2, 0, 1] * 3)
REPEATED = FRAME.loc[np.repeat(FRAME.index, TIMES)].reset_index(drop=True)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("class_weight", [None, "balanced", {"yes": 3.0}], ids=str)
def test_the_estimators(class_weight):
    options = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "tol": 0.0, "n_iter_no_change": 99}
    columns = ["mass", "site"]
    one = MLPClassifier(**options, class_weight=class_weight).fit(FRAME[columns], FRAME["label"], TIMES)
    other = MLPClassifier(**options, class_weight=class_weight).fit(REPEATED[columns], REPEATED["label"])
    same(one._encoder.to_dict(), other._encoder.to_dict())
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-9)
    by_weight = one.to_model("label", y=FRAME["label"], sample_weight=TIMES)
    same(by_weight.outputs.to_dict(), other.to_model("label", y=REPEATED["label"]).outputs.to_dict())
    numbers = FRAME[["mass"]].fillna(0.0).to_numpy()
    rows = np.repeat(np.arange(len(FRAME)), TIMES)
    one = MLPRegressor(**options).fit(numbers / 10, FRAME["mass"].fillna(0.0), TIMES)
    other = MLPRegressor(**options).fit(numbers[rows] / 10, FRAME["mass"].fillna(0.0).to_numpy()[rows])
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize(("target", "class_weight"), [("label", None), ("label", "balanced"), ("mass", None)])
def test_a_plan_and_its_model(target, class_weight):
    whole = {"validation_fraction": 0.0, "test_fraction": 0.0, "batch_size": 1000, "epochs": 3, "dtype": "float64"}
    options = whole | {"class_weight": class_weight}
    weighed = plan(FRAME.assign(w=TIMES), target, weight="w", **options)
    repeated = plan(REPEATED, target, **options)
    same(weighed.encoder.to_dict(), repeated.encoder.to_dict())
    same(weighed.outputs.to_dict(), repeated.outputs.to_dict())
    assert (weighed.target, weighed.weightless) == (repeated.target, 3)
    models = [weighed.train(), repeated.train()]
    np.testing.assert_allclose(*(model.history.training_cost for model in models), rtol=1e-9)
    by_weight, by_rows = models[0].evaluate(FRAME.assign(w=TIMES), "w"), models[0].evaluate(REPEATED)
    same(report(by_weight), report(by_rows))
    assert by_weight.weight == by_rows.rows
