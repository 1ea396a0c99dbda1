import datetime
import json
from decimal import Decimal

import pyarrow as pa
import pytest

from chainrule.data import Schema, infer_schema
from chainrule.errors import RequestError

DAY = datetime.datetime(2024, 1, 31)

KINDS = {
    "integers": ([1, 3, None], "number"),
    "floats": ([1.5, float("nan"), 2.0], "number"),
    "decimals": ([Decimal("1.5"), Decimal("2.5"), None], "number"),
    "booleans": ([True, False, None], "boolean"),
    "texts": (["a", "b", None], "category"),
    "texts that look like numbers": (["1", "2", None], "category"),
    "a dictionary": (pa.array(["a", "b", None]).dictionary_encode(), "category"),
    "string views": (pa.array(["a", "b", None], pa.string_view()), "category"),
    "days": ([DAY.date(), None, datetime.date(1960, 1, 1)], "date"),
    "moments": ([DAY, None, datetime.datetime(1960, 1, 1)], "date"),
    "ISO days in text": (["2024-01-31", None, "1960-01-01"], "date"),
    "ISO moments in text": (["2024-01-31 10:30", None, "1960-01-01T10:30:05.5"], "date"),
    "ISO moments with zone": (["2024-01-31T10:30Z", None, "1960-01-01T10:30+02:00"], "date"),
    "days and words": (["2024-01-31", "later", None], "category"),
}


@pytest.mark.parametrize(("values", "kind"), KINDS.values(), ids=KINDS)
def test_kinds(values, kind):
    (column,) = infer_schema(pa.table({"x": values})).columns
    assert (column.kind, column.used, column.reason, column.missing) == (kind, True, "", 1)


LEFT_OUT = {
    "no value": ([None] * 3, "empty", "no value in any row"),
    "NaN": ([float("nan")] * 3, "empty", "no value in any row"),
    "empty text": (["", ""], "empty", "no value in any row"),
    "one number": ([5, 5, 5], "number", "the same value in every row"),
    "one text": (["a", "a"], "category", "the same value in every row"),
    "names": ([f"n{i}" for i in range(21)] + ["n0"] * 20, "text", "21 different texts in 41 rows"),
    "rows from 1": (list(range(1, 21)), "number", "a row number"),
    "rows from 0": (list(range(20)), "number", "a row number"),
    "lists": ([[1], [2]], "other", "list<"),
    "bytes": ([b"a", b"b"], "other", "binary"),
    "times of day": ([datetime.time(1), datetime.time(2)], "other", "convert it to a number"),
    "durations": ([datetime.timedelta(1), datetime.timedelta(2)], "other", "convert it to a number"),
}


@pytest.mark.parametrize(("values", "kind", "reason"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_left_out_is_said(values, kind, reason):
    schema = infer_schema(pa.table({"x": values}))
    (column,) = schema.left_out
    assert not schema.used
    assert column.kind == kind
    assert reason in column.reason


KEPT = {
    "one value and gaps": [5, None, 5],
    "few names": [f"n{i}" for i in range(20)],
    "names on half of the rows": [f"n{i}" for i in range(21)] * 2,
    "a short count": list(range(1, 20)),
    "a count with a gap": [*range(1, 20), 21],
    "a count downwards": list(range(20, 0, -1)),
    "years": list(range(1900, 2000)),
}


@pytest.mark.parametrize("values", KEPT.values(), ids=KEPT)
def test_what_may_teach_is_kept(values):
    assert len(infer_schema(pa.table({"x": values})).used) == 1


def test_columns_are_left_out_on_request():
    table = pa.table({"mass": [1, 2], "id": [3, 4], "species": ["a", "b"], "weight": [1, 3]})
    schema = infer_schema(table, drop=["id"], keep_out={"species": "the target"})
    assert {c.name: c.reason for c in schema.left_out} == {"id": "dropped on request", "species": "the target"}
    assert [c.name for c in infer_schema(table, keep_out=["species", "weight"]).used] == ["mass", "id"]


@pytest.mark.parametrize("option", ["drop", "keep_out"])
def test_an_unknown_column_is_refused(option):
    with pytest.raises(RequestError, match=r"no column 'specie' in the table; did you mean 'species'\?"):
        infer_schema(pa.table({"species": ["a"]}), **{option: ["specie"]})


def test_json_and_back():
    schema = infer_schema(pa.table({"x": [1, None], "y": ["a", "a"]}))
    record = json.loads(json.dumps(schema.to_dict()))
    assert Schema.from_dict(record) == schema
    record["columns"][0]["kind"] = "image"
    with pytest.raises(RequestError, match="unknown kind 'image'"):
        Schema.from_dict(record)
