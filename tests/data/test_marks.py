"""Commas and points in numbers: thousands are never decimals, and no advice breaks the file."""

import random

import pyarrow as pa
import pytest

from chainrule import plan, train
from chainrule.data import infer_schema, read_table
from chainrule.data.number_marks import described, thousands
from chainrule.errors import RequestError

DRAWS = random.Random(0)
PRICES = [DRAWS.randint(200, 99_999) if i % 9 else DRAWS.randint(200, 999) for i in range(200)]

# Cells, and what they are
THOUSANDS = {
    "commas": [f"{price:,}" for price in PRICES],
    "commas and cents": ["845.50", "1,234.50", "12,345.00"],
    "commas and millions": ["1,234", "12,345,678"],
    "commas and plain decimals": ["1,234", "0.5"],
    "points": [f"{price:,}".replace(",", ".") for price in PRICES],
    "points and decimal commas": ["1.234,50", "845,5"],
    "spaces": ["845", "1 234", "-12 345,5"],
    "narrow spaces": ["845", "1\u202f234", "12\u00a0345"][:2],
    "apostrophes": ["845", "1'234.50"],
    "underscores": ["845", "1_234"],
}
COMMAS = {
    "one digit": ["1,5", "20", "3,25"],
    "three digits, one below 1": ["1,234", "0,567"],
    "four digits": ["1,234", "1,2345"],
    "exponents": ["1,5e3", "2,5"],
}
EITHER = {"one number": ["1,234"], "three digits each": ["1,234", "12,345"], "few": ["845", "1,234"]}
NEITHER = {"whole": ["1", "20"], "words": ["a,b", "1,5"], "lists": ["1,2,3"], "dates": ["2024-01-31"], "none": [None]}


@pytest.mark.parametrize("what", THOUSANDS)
def test_thousands_are_said_to_be_thousands(what):
    said = described(pa.array([*THOUSANDS[what], None]))
    assert f"numbers with {what.split(' and ')[0].split()[-1]} between thousands" in said
    assert "--decimal" not in said


@pytest.mark.parametrize("what", COMMAS)
def test_decimal_commas_are_said_to_be_decimal(what):
    assert "numbers with a decimal comma: write points, or use --decimal ," in described(pa.array(COMMAS[what]))


@pytest.mark.parametrize("what", EITHER)
def test_what_may_be_either_is_said_to_be_either(what):
    said = described(pa.array(EITHER[what]))
    assert "remove the comma if it separates thousands, write a point if it is the decimal mark" in said


@pytest.mark.parametrize("what", NEITHER)
def test_what_is_neither_is_not_described(what):
    assert described(pa.array(NEITHER[what], pa.string())) == ""


def test_thousands_show_in_many_groups_of_three_beside_small_numbers():
    many = [f"{1000 + 7 * i:,}" for i in range(20)]
    for mark in ",.":
        assert thousands(pa.array([cell.replace(",", mark) for cell in [*many, "845"]]), mark)
        for others in ([], ["1845"], ["845", "1,5"], ["845", "0,123"], ["845", "x"]):
            cells = [cell.replace(",", mark) for cell in [*many, *others]]
            assert thousands(pa.array(cells), mark) == ""
    assert thousands(pa.array([*many[:19], "845"]), ",") == ""


def write(path, cells, delimiter):
    quote = '"' if delimiter == "," else ""
    lines = [f"{quote}{cell}{quote}{delimiter}{i % 7}" for i, cell in enumerate(cells)]
    path.write_text("\n".join([f"price{delimiter}y", *lines]))
    return path


@pytest.mark.parametrize(("mark", "name"), [(",", "comma"), (".", "point")])
def test_thousands_are_not_read_as_decimals(tmp_path, mark, name):
    cells = [f"{price:,}".replace(",", mark) for price in PRICES]
    assert any(mark not in cell for cell in cells)
    for empty in ([], [""]):
        path = write(tmp_path / "t.csv", [*cells, *empty], ";")
        with pytest.raises(
            RequestError, match=rf"'price' .* numbers with a {name} between thousands, such as '\d+\{mark}\d"
        ):
            read_table(path, decimal=mark)


@pytest.mark.parametrize(("mark", "name"), [(",", "comma"), (".", "point")])
def test_thousands_beside_gaps_are_not_read_as_decimals(tmp_path, mark, name):
    cells = [f"{price:,}".replace(",", mark) for price in PRICES]
    path = write(tmp_path / "t.csv", [*cells, "?"], ";")
    for target in ("price", "y"):
        with pytest.raises(RequestError, match=rf"'price' .*numbers with a {name} between thousands"):
            train(path, target, decimal=mark)


def test_points_are_no_part_of_numbers_with_a_decimal_comma(tmp_path):
    path = write(tmp_path / "t.csv", [f"{1 + i % 9}.{100 + i}" for i in range(60)], ";")
    with pytest.raises(
        RequestError, match=r"no column is left to learn from: price .*remove the point if it separates"
    ):
        plan(path, "y", decimal=",")


@pytest.mark.parametrize(
    "cells",
    [
        [f"{i / 8:.3f}" for i in range(8, 200)],
        [f"{i / 1000:g}" for i in range(1000, 3000)],
        [f"{i / 1000:.3f}" for i in range(1000, 3000)],
        [f"{i / 4:g}" for i in range(100)],
        ["845", "1.234"],
    ],
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_decimals_stay_decimals(tmp_path, cells, decimal):
    path = write(tmp_path / "t.csv", [cell.replace(".", decimal) for cell in cells], ";")
    assert read_table(path, decimal=decimal).column("price").to_pylist() == [float(cell) for cell in cells]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_column_of_thousands_is_left_out_and_said_to_be_one(tmp_path, delimiter):
    path = write(tmp_path / "t.csv", [f"{price:,}" for price in PRICES], delimiter)
    reasons = {column.name: column.reason for column in infer_schema(read_table(path)).columns}
    assert "numbers with commas between thousands, such as" in reasons["price"]


def test_no_message_contradicts_itself(tmp_path):
    """60 numbers with points, where the decimal mark is to be the comma."""
    cells = [f"{1 + i % 9}.{100 + 13 * i}" for i in range(60)]
    (column,) = infer_schema(read_table(write(tmp_path / "t.csv", cells, ";"), decimal=","), drop=["y"]).columns[:1]
    assert (
        "remove the point if it separates thousands, leave out --decimal , if it is the decimal mark" in column.reason
    )
    assert "cells are numbers" not in column.reason


def test_a_decimal_comma_beside_commas_between_cells_is_refused_with_the_reason(tmp_path):
    path = write(tmp_path / "t.csv", ["1,5", "2,5"], ",")
    with pytest.raises(RequestError, match=r"If commas separate the cells, they cannot be the decimal mark too"):
        read_table(path, decimal=",")
    assert read_table(path, decimal=",", delimiter=";").num_columns == 1
