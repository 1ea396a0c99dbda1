import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

from chainrule.data import Target
from chainrule.errors import RequestError

INFERRED = {
    "texts": (["b", "a", None, "b"], "classification", ("a", "b"), "text"),
    "a dictionary": (pa.array(["b", "a"]).dictionary_encode(), "classification", ("a", "b"), "text"),
    "booleans": ([True, None, False], "classification", (False, True), "boolean"),
    "few integers": ([10, 9, 10, 9, None], "classification", (9, 10), "integer"),
    "few whole floats": ([10.0, 9.0, 10.0, 9.0, float("nan")], "classification", (9, 10), "integer"),
    "20 integers twice": (list(range(20)) * 2, "classification", tuple(range(20)), "integer"),
    "21 integers twice": (list(range(21)) * 2, "regression", (), "integer"),
    "integers that come once": ([3, 1, 4, 1, 5], "classification", (1, 3, 4, 5), "integer"),
    "floats": ([0.5, 1.0, 0.5, 1.0], "regression", (), "number"),
}


@pytest.mark.parametrize(("values", "task", "classes", "value_type"), INFERRED.values(), ids=INFERRED)
def test_the_task_is_seen_from_the_values_and_said(values, task, classes, value_type):
    target = Target.infer(pa.array(values), "y")
    assert (target.task, target.classes, target.value_type) == (task, classes, value_type)
    assert [type(c) for c in target.classes] == [type(c) for c in classes]
    assert target.reason.endswith(task)
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


def test_reasons():
    assert Target.infer(pa.array(["a", "b", "c"]), "y").reason == "3 different texts: classification"
    assert Target.infer(pa.array([1, 2, 3]), "y").reason == "3 different integers: classification"
    assert Target.infer(pa.array([1, 2, 1, 2]), "y", task="regression").reason == "regression on request"


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([1, 2, 1, 2], "regression", ()),
        ([True, False], "regression", ()),
        (["1.5", "2"], "regression", ()),
        ([0.5, 1.5], "classification", (0.5, 1.5)),
        ([3, 1, 2], "classification", (1, 2, 3)),
    ],
)
def test_the_task_can_be_asked_for(values, task, classes):
    target = Target.infer(pa.array(values), "y", task=task)
    assert (target.task, target.classes) == (task, classes)


BAD = {
    "no value": ([None, float("nan")], "auto", "'y' has no value in any row"),
    "one class": (["a", "a", None], "auto", "'y' is 'a' in every row"),
    "one number": ([2.5, 2.5], "regression", "'y' is 2.5 in every row"),
    "text for regression": (
        ["1", "two", "x"],
        "regression",
        "'y' must be numbers for regression, but it is text: 'two' in row 2",
    ),
    "infinity": ([1.0, 2.0, np.inf], "auto", "infinite value in row 3"),
    "many floats as classes": (
        [i / 7 for i in range(30)],
        "classification",
        "30 different values in 30 rows.*regression",
    ),
    "names": ([f"n{i}" for i in range(30)], "auto", "30 different values in 30 rows.*another column"),
    "dates": ([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)], "auto", "is date32"),
    "lists": ([[1], [2]], "auto", "is list<"),
    "huge classes": ([2**60, 2**60 + 1] * 2, "classification", "beyond 2\\^53"),
    "an unknown task": ([1, 2], "ranking", "'auto', 'classification', 'regression', not 'ranking'"),
}


@pytest.mark.parametrize(("values", "task", "message"), BAD.values(), ids=BAD)
def test_targets_that_cannot_be_learnt_are_refused(values, task, message):
    with pytest.raises(RequestError, match=message):
        Target.infer(pa.array(values), "y", task=task)


CODES = {
    "texts": (["b", "a"], ["a", None, "b"], [0, -1, 1]),
    "integers for texts": (["10", "9"], [9, 10.0, None], [1, 0, -1]),
    "booleans": ([True, False], [True, None, False], [1, -1, 0]),
    "words for booleans": ([True, False], ["yes", "", "no"], [1, -1, 0]),
    "integers": ([7, 5] * 2, [5, None, 7], [0, -1, 1]),
    "floats for integers": ([7, 5] * 2, [5.0, float("nan"), 7.0], [0, -1, 1]),
    "texts for integers": ([7, 5] * 2, ["5", None, "7.0"], [0, -1, 1]),
    "nothing": (["b", "a"], pa.nulls(2), [-1, -1]),
}


@pytest.mark.parametrize(("trained", "given", "codes"), CODES.values(), ids=CODES)
def test_codes_and_labels(trained, given, codes):
    target = Target.infer(pa.array(trained), "y")
    out = target.codes(pa.array(given))
    assert out.dtype == np.int64
    assert out.tolist() == codes
    assert target.labels(out) == [target.classes[c] if c >= 0 else None for c in codes]


@pytest.mark.parametrize(
    ("trained", "given", "message"),
    [
        (["b", "a"], ["a", "c"], "class 'c' in row 2 .* training did not have. Its classes: a, b."),
        ([7, 5] * 2, [5, 6], "class 6 in row 2"),
        ([True, False], ["perhaps"], "'perhaps' in row 1"),
        ([7, 5] * 2, ["five"], "had integer classes at training, now it is text: 'five'"),
    ],
)
def test_a_class_that_training_did_not_have_is_named(trained, given, message):
    with pytest.raises(RequestError, match=message):
        Target.infer(pa.array(trained), "y").codes(pa.array(given))


def test_values():
    target = Target.infer(pa.array([1.5, 2.5, None]), "y")
    out = target.values(pa.chunked_array([[1, 2], [None]]))
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(target.values(pa.array(["3.5"])), [3.5])
    with pytest.raises(RequestError, match="regression and has no classes"):
        target.codes(pa.array([1]))
    with pytest.raises(RequestError, match="is for classification"):
        Target.infer(pa.array(["a", "b"]), "y").values(pa.array([1]))
