"""Which weights are accepted, and what the weights of classes come to."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from chainrule import Network, Recipe, RequestError, fit, make_engine, train
from chainrule.engines.reference import Reference
from chainrule.formulas.weighted import deviation
from chainrule.sample_weights import class_weights, require_weights

LABELS = {
    "digits": ["0", "1"],
    "texts": ["no", "yes"],
    "booleans": [False, True],
    "bytes": [b"a", b"b"],
    "floats": [0.0, 1.5],
    "negative integers": [-1, 1],
    "three": ["0", "1", "2"],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_a_weight_is_looked_up_by_the_place_of_its_class(labels):
    codes = np.zeros(3, int)  # whichever classes the rows have
    for k, label in enumerate(labels):
        expected = np.ones(len(labels))
        expected[k] = 7.0
        assert class_weights({label: 7.0}, labels, codes).tolist() == expected.tolist()
        if label not in {b"a", b"b"}:
            scalar = np.array(labels)[k]
            assert class_weights({scalar: 7.0}, labels, codes).tolist() == expected.tolist()
    assert class_weights({}, labels, codes).tolist() == [1.0] * len(labels)
    assert class_weights(None, labels, codes) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({2: 1.0}, "class_weight names 2, which is not a class. Classes: 0, 1"),
        ({"1": 1.0}, "class_weight names '1'"),
        ({0: 1.0, 1: 1.0, -1: 1.0}, "class_weight names -1"),
        ({0: -1.0}, "nonnegative number for each class, but for 0 it is -1.0"),
        ({1: np.nan}, "nonnegative number for each class, but for 1 it is nan"),
        ({1: np.inf}, "nonnegative number for each class, but for 1 it is inf"),
        ({1: "much"}, "nonnegative number for each class, but for 1 it is 'much'"),
        ({1: None}, "nonnegative number for each class, but for 1 it is None"),
        ("balancd", "'balanced' or a dict with a weight for each class, not 'balancd'"),
        ([1.0, 2.0], "'balanced' or a dict with a weight for each class"),
    ],
    ids=str,
)
def test_class_weights_that_cannot_be_right_are_refused(given, said):
    with pytest.raises(RequestError, match=said):
        class_weights(given, [0, 1], np.array([0, 1]))


@pytest.mark.parametrize("unit", [1e-290, 0.1, 1.0, 1e290])
def test_balanced_weights_make_the_sums_of_all_classes_equal(unit):
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.zeros(30, int), np.ones(8, int), np.full(4, 3)])  # none of class 2
    weight = rng.uniform(0.5, 3.0, len(codes)) * unit
    by_class = class_weights("balanced", list("abcd"), codes, weight)
    sums = np.bincount(codes, weight * by_class[codes] / unit, minlength=4)
    np.testing.assert_allclose(sums, (weight / unit).sum() / 3 * np.array([1, 1, 0, 1]), rtol=1e-12)
    assert by_class[2] == 1.0
    present = compute_class_weight("balanced", classes=np.unique(codes), y=codes)
    np.testing.assert_allclose(class_weights("balanced", list("abcd"), codes)[[0, 1, 3]], present, rtol=1e-15)


OUT_OF_RANGE = [
    ("float32", 1e37, "weight sums to 6e.38, but float32 needs a sum from"),
    ("float32", 1e300, "weight sums to 6e.301, but float32"),
    ("float64", 1e308, "weight sums to inf, but float64"),
    ("float32", 1e-40, "weight sums to 6e-39, but float32"),
    ("float32", 1e-300, "weight sums to 6e-299, but float32"),
    ("float64", 1e-320, "weight sums to 6e-319, but float64"),
    ("float64", -1.0, "nonnegative numbers, one per row, and is -1 in row 0"),
    ("float64", np.nan, "and is nan in row 0"),
    ("float32", np.inf, "and is inf in row 0"),
]


@pytest.mark.parametrize("make", [Reference, make_engine], ids=["reference", "fused"])
@pytest.mark.parametrize(("dtype", "each", "said"), OUT_OF_RANGE)
def test_weights_that_cannot_be_counted_with_never_reach_an_engine(make, dtype, each, said):
    engine = make(Network((1, 1), dtype=dtype), Recipe())
    with pytest.raises(RequestError, match=said):
        engine.examples(np.ones((60, 1)), np.ones((60, 1)), np.full(60, each))


@pytest.mark.parametrize(
    ("dtype", "each"), [("float32", 1e29), ("float32", 1e-31), ("float64", 1e289), ("float64", 1e-291)]
)
def test_weights_at_the_ends_of_the_range_train_as_others_do(dtype, each):
    """Without a penalty only their ratios count."""
    X, Y, w = np.random.default_rng(0).normal(size=(60, 1)), np.ones((60, 1)), np.arange(60.0) % 3
    engine = make_engine(Network((1, 2, 1), dtype=dtype), Recipe(epochs=4, batch_size=20))
    thetas = [fit(engine, engine.examples(X, Y, w * unit)).theta for unit in (1.0, each)]
    np.testing.assert_allclose(*thetas, rtol=1e-4 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("given", [np.ones(3), np.ones((4, 1)), "heavy", ["a"] * 4])
def test_weights_of_another_shape_or_kind_are_refused(given):
    with pytest.raises(RequestError, match="must hold 4 nonnegative numbers, one per row"):
        require_weights(given, 4)


@pytest.mark.parametrize("holds", [np.inf, np.nan, 1e300])
@pytest.mark.parametrize("make", [Reference, make_engine], ids=["reference", "fused"])
def test_what_a_row_of_weight_0_holds_reaches_no_cost(make, holds):
    X, Y = np.random.default_rng(0).normal(size=(2, 30, 1))
    w = np.ones(30)
    w[[3, 11, 29]] = 0.0
    engine = make(Network((1, 3, 1)), Recipe(epochs=3, batch_size=10))
    whole = fit(engine, engine.examples(X, Y, w))
    X[w == 0.0] = Y[w == 0.0] = holds
    spoiled = fit(engine, engine.examples(X, Y, w))
    assert spoiled.theta.tobytes() == whole.theta.tobytes()
    assert spoiled.history.training_cost == whole.history.training_cost


ROWS = 60
A = np.random.default_rng(1).normal(size=ROWS)
TABLE = {"a": A, "label": np.where(A > 0, "yes", "no"), "w": np.ones(ROWS)}


@pytest.mark.parametrize(
    ("weight", "said"), [(1e37, "divide all weights by 1e.37"), (1e-50, "divide all weights by 1e-50")]
)
def test_a_weight_column_out_of_range_is_refused_before_training(weight, said):
    with pytest.raises(RequestError, match=said):
        train(TABLE | {"w": np.full(ROWS, weight)}, "label", weight="w", epochs=1)


def test_a_class_whose_rows_all_have_weight_0_is_no_class_of_a_table():
    label = np.where(np.arange(ROWS) % 10 == 0, "odd", TABLE["label"])
    model = train(TABLE | {"label": label, "w": np.where(label == "odd", 0, 2)}, "label", weight="w", epochs=1)
    assert model.target.classes == ("no", "yes")


def test_a_report_by_weight_is_kept_in_a_model_file(tmp_path):
    from chainrule import load

    table = TABLE | {"w": np.random.default_rng(2).uniform(0.1, 3.0, ROWS)}
    model = train(table, "label", weight="w", epochs=2, hidden=(3,))
    assert model.report["weight"] == pytest.approx(sum(map(sum, model.report["confusion"])))
    model.save(tmp_path / "a.model")
    assert load(tmp_path / "a.model").report == model.report
    for name, wrong in (("weight", 0.0), ("weight", 1.0), ("recall", [0.5, 0.5]), ("confusion", [[1, 2], [3, 4]])):
        from chainrule import Report

        with pytest.raises(RequestError):
            Report.from_dict({**model.report, name: wrong})


@pytest.mark.parametrize("m", range(1, 60))
def test_equal_values_have_no_deviation_at_all(m):
    values = np.full(m, 0.1)
    assert deviation(values) == deviation(values, np.arange(1.0, m + 1)) == 0.0
