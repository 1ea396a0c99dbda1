import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule.data import read_table
from chainrule.errors import RequestError


def write(folder, text, name="table.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,x\n,NA\n", "t.csv"),
        ("a;b\n1;x\n;NA\n", "t.csv"),
        ("a\tb\n1\tx\n\tNA\n", "t.txt"),
        ("a\tb\n1\tx\n\tNA\n", "t.tsv"),
        ("a|b\n1|x\n|NA\n", "t.csv"),
        ('"a";b\n1;x\n;NA\n', "t.csv"),
        ("\ufeffa,b\r\n1,x\r\n,NA\r\n", "BOM and CRLF.CSV"),
        ("a,b\n1,x\n\n,NA", "empty line and no last newline.csv"),
        (gzip.compress(b"a,b\n1,x\n,NA\n", mtime=0), "t.csv.gz"),
    ],
)
def test_dialects_of_csv_read_alike(tmp_path, text, name):
    assert read_table(write(tmp_path, text, name)).to_pydict() == {"a": [1, None], "b": ["x", None]}


def test_a_header_of_one_column_may_hold_no_delimiter_and_an_empty_line_is_an_empty_cell(tmp_path):
    assert read_table(write(tmp_path, "a\n1\n\n3\n")).to_pydict() == {"a": [1, None, 3]}


def test_decimal_comma(tmp_path):
    path = write(tmp_path, "a;b,c\n1,5;2,25\n")
    assert read_table(path, decimal=",").to_pydict() == {"a": [1.5], "b,c": [2.25]}


def test_a_delimiter_that_is_named_wins(tmp_path):
    assert read_table(write(tmp_path, "a,b,c;d\n1,2,3;4\n"), delimiter=";").column_names == ["a,b,c", "d"]


def test_delimiters_in_quotes_are_no_hint(tmp_path):
    assert read_table(write(tmp_path, '"a,b,c";"d\ne,f"\n1;2\n')).column_names == ["a,b,c", "d\ne,f"]


def test_quotes_protect_delimiters_and_newlines(tmp_path):
    table = read_table(write(tmp_path, 'a,"b\nb"\n"x\ny","p,""q"""\n'))
    assert table.to_pydict() == {"a": ["x\ny"], "b\nb": ['p,"q"']}


def test_columns_read_as_text_keep_their_spelling(tmp_path):
    table = read_table(write(tmp_path, "zip,n\n007,1\n,2\n"), as_text=["zip", "not here"])
    assert table.to_pydict() == {"zip": ["007", None], "n": [1, 2]}


def test_a_column_without_a_name_is_called_after_its_place(tmp_path):
    assert read_table(write(tmp_path, ",a, \n0,1,\n")).column_names == ["column 1", "a", "column 3"]


def test_a_row_longer_than_a_block_is_read(tmp_path):
    names, cells = (f"a rather long name {i}" for i in range(50_000)), ["12345.0987654321098765"] * 50_000
    wide = ",".join(names) + "\n" + ",".join(cells)
    assert read_table(write(tmp_path, wide)).shape == (1, 50_000)
    assert read_table(write(tmp_path, "a,b\n1," + "x" * 5_000_000 + "\n2,y\n"))["b"][1].as_py() == "y"


BAD_CSV = {
    "too few cells": ("a,b\n1,2\n\n3\n", ["line 4", "1 cells, expected 2", "delimiter"]),
    "too many cells": ('a,b\n"1\n1",2\n3,4,5\n', ["line 4", "3 cells, expected 2"]),
    "a quote left open": ('a,b\n1,2\n"3,4\n5,6\n', ["line 3", "quote", "never closed"]),
    "Latin-1 in a cell": (b"a,b\n1,x\n2,caf\xe9\n", ["line 3", "not UTF-8", "0xe9", "iconv"]),
    "Latin-1 in the header": (b"a,\xe9\n1,x\n", ["line 1", "not UTF-8"]),
    "UTF-16": ("a,b\n1,x\n".encode("utf-16"), ["not UTF-8", "UTF-16"]),
    "a name twice": ("a,b,a\n1,2,3\n", ["more than one column named 'a'", "rename"]),
    "a header only": ("a,b\n", ["(a, b) and no rows"]),
    "nothing": ("", ["is empty"]),
    "empty lines only": ("\n\n", ["is empty"]),
    "an empty line above one name": ("\na\n1\n", ["header", "empty lines above it"]),
}


@pytest.mark.parametrize(("text", "pieces"), BAD_CSV.values(), ids=BAD_CSV)
def test_a_bad_csv_file_is_refused_by_name(tmp_path, text, pieces):
    with pytest.raises(RequestError) as caught:
        read_table(write(tmp_path, text))
    for piece in ["table.csv", *pieces]:
        assert piece in str(caught.value)


def test_latin_1_is_refused_in_a_column_read_as_text_too(tmp_path):
    with pytest.raises(RequestError, match=r"line 2 .* not UTF-8"):
        read_table(write(tmp_path, b"a,b\n1,caf\xe9\n"), as_text=["b"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decimal": ";"}, "decimal mark must be"),
        ({"delimiter": "::"}, "one character"),
        ({"delimiter": ",", "decimal": ","}, "both ','"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, message):
    with pytest.raises(RequestError, match=message):
        read_table(write(tmp_path, "a,b\n1,2\n"), **options)


def test_bad_paths_are_refused(tmp_path):
    write(tmp_path, "a\n1\n", "penguins.csv")
    write(tmp_path, "not parquet", "broken.parquet")
    write(tmp_path, b"\x1f\x8bnot gzip", "broken.csv.gz")
    write(tmp_path, gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 999)[:-20], "cut.csv.gz")
    for name, message in {
        "pengins.csv": "did you mean 'penguins.csv'",
        "nowhere/penguins.csv": "no file",
        ".": "is a folder",
        "broken.parquet": "cannot read .* as parquet",
        "broken.csv.gz": "cannot read",
        "cut.csv.gz": "cannot read",
    }.items():
        with pytest.raises(RequestError, match=message):
            read_table(tmp_path / name)
    with pytest.raises(RequestError, match="expected a name ending in"):
        read_table(write(tmp_path, "a\n1\n", "table.xlsx"))


def test_parquet_is_read_without_columns_from_folder_names(tmp_path):
    folder = tmp_path / "year=2020"
    folder.mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), folder / "t.parquet")
    assert read_table(str(folder / "t.parquet")).to_pydict() == {"a": [1, 2]}


def test_tables_in_memory_read_alike():
    polars = pytest.importorskip("polars")
    wanted = {"a": [1.5, None], "b": ["x", None]}
    columns = {"a": np.array([1.5, np.nan]), "b": np.array(["x", None], object)}
    frame = pd.DataFrame(columns, index=[7, 3])
    for source in (
        wanted,
        columns,
        pa.table(wanted),
        frame,
        polars.DataFrame(wanted),
        polars.DataFrame(wanted).to_arrow(),
        [{"a": 1.5, "b": "x"}, {}],
    ):
        assert read_table(source).to_pydict() == wanted


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"a": [1, 2], "b": [1]}, "cannot make a table"),
        ({"a": [1, "x"]}, "column 'a' holds values of more than one kind"),
        ({"a": 5, "b": [1, 2]}, "column 'a' is the single value 5"),
        ({}, "no columns"),
        ({"a": []}, "no rows"),
        ([[1, 2]], "cannot make a table of list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "[Dd]uplicate column names"),
        (pa.table([[1], [2]], names=["a", "a"]), "more than one column named 'a'"),
    ],
)
def test_bad_tables_in_memory_are_refused(source, message):
    with pytest.raises(RequestError, match=message):
        read_table(source)
