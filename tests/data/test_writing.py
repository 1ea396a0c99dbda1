import datetime
import os
from pathlib import Path

import numpy as np
import pytest

from chainrule.data import read_table, write_table
from chainrule.errors import RequestError

COLUMNS = {
    "name, quoted": ["x", 'say "a,b"', None, "two\nlines"],
    "p": np.array([0.1, 1e-300, np.nan, 1 / 3]),
    "n": [1, None, 3, 4],
    "yes": [True, False, None, True],
    "day": [datetime.date(2024, 1, 31), None, None, datetime.date(1999, 12, 31)],
}


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "pq"])
def test_what_is_written_is_read_back(tmp_path, ending):
    write_table(COLUMNS, tmp_path / f"out.{ending}")
    wanted = {**COLUMNS, "p": [0.1, 1e-300, None, 1 / 3]}
    assert read_table(tmp_path / f"out.{ending}").to_pydict() == wanted
    assert [p.name for p in tmp_path.iterdir()] == [f"out.{ending}"]


def test_quotes_come_only_where_needed(tmp_path):
    write_table({"a": ["x", "y"], "b": [1, 2]}, tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_text() == "a,b\nx,1\ny,2\n"
    write_table({"a": ["x,y"]}, tmp_path / "quoted.csv")
    assert (tmp_path / "quoted.csv").read_text() == 'a\n"x,y"\n'


def test_none_is_standard_output(capsysbinary):
    write_table({"a": ["é", None], "b": [1, 2]}, None)
    assert capsysbinary.readouterr().out == "a,b\né,1\n,2\n".encode()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RequestError, match="No space left"):
        write_table({"a": [1]}, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_complete_before_it_takes_its_name(tmp_path, monkeypatch):
    seen = []
    rename = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (seen.append(self.read_text()), rename(self, to)))
    write_table({"a": [1]}, tmp_path / "out.csv")
    assert seen == ["a\n1\n"]


@pytest.mark.parametrize(
    ("columns", "name", "message"),
    [
        ({"a": [1]}, "out.xlsx", "expected a name ending in .csv"),
        ({"a": [1]}, "nowhere/out.csv", "there is no folder"),
        ({"a": [1]}, "folder.csv", "is a folder"),
        ({"a": [1], "b": [1, 2]}, "out.csv", "cannot write these columns"),
        ({"a": [1, "x"]}, "out.csv", "column 'a'"),
    ],
)
def test_bad_requests_are_refused(tmp_path, columns, name, message):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RequestError, match=message):
        write_table(columns, tmp_path / name)
