"""What SECURITY.md says, where no other test says it; and that it names tests that there are."""

import ast
import os
import pickle
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import chainrule
from benchmarks.fuzz_model_files import events
from chainrule import RequestError, train
from chainrule.data import read_table

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", SECURITY))))
def test_every_test_that_it_names_is_there(named):
    path, _, function = named.partition("::")
    assert f"def {function or 'test_'}" in (ROOT / path).read_text(encoding="utf-8")


CONNECTS = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio"}
UNPICKLES = {"pickle", "marshal", "shelve", "dill", "joblib"}
STARTS = {"subprocess", "multiprocessing", "pty", "webbrowser"}


@pytest.mark.parametrize("path", sorted(Path(chainrule.__file__).parent.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_of_ours_unpickles_connects_or_starts_programs(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not imported & (CONNECTS | UNPICKLES | STARTS)
    functions = [node.func for node in nodes if isinstance(node, ast.Call)]
    called = {function.attr for function in functions if isinstance(function, ast.Attribute)}
    assert not called & {"system", "popen", "spawnv", "execv", "read_pickle"}


# --- tables ---


class Trap:
    def __reduce__(self):
        return os.system, ("echo trap",)


def test_a_pickle_in_a_parquet_file_is_not_opened(tmp_path, capfd):
    """pyarrow before 14.0.1 opened it: CVE-2023-47248."""
    extension = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Trap())}
    schema = pa.schema([pa.field("x", pa.int64(), metadata=extension)])
    path = tmp_path / "trap.parquet"
    pyarrow.parquet.write_table(pa.table({"x": [1, 2]}, schema=schema), path)
    with events() as seen:
        table = read_table(path)
    assert table.column("x").to_pylist() == [1, 2]
    assert not [event for event in seen if event.startswith(("pickle", "os.system", "exec", "compile"))]
    assert capfd.readouterr().out == ""


@pytest.fixture(scope="module")
def model():
    return train({"age": [i % 17 + 0.5 for i in range(60)], "y": ["a", "b", "b"] * 20}, "y", hidden=(), epochs=1)


AGES = [*[20.5] * 16, "old", 3.0]
CHANGED = {
    "a file": lambda folder: folder / "ages.csv",
    "texts": lambda folder: {"age": list(map(str, AGES))},
    "cells of two kinds": lambda folder: {"age": AGES},
    "a data frame": lambda folder: pd.DataFrame({"age": AGES}),
    "a data frame with gaps": lambda folder: pd.DataFrame({"age": [None, pd.NA, pd.NaT, float("nan"), *AGES[4:]]}),
}


@pytest.mark.parametrize("form", CHANGED)
def test_a_column_that_is_no_longer_numbers_is_named_with_its_cell_and_row(model, tmp_path, form):
    (tmp_path / "ages.csv").write_text("age\n" + "\n".join(map(str, AGES)))
    with pytest.raises(RequestError, match=r"column 'age' .*was a number.*, now it is text: 'old' in row 17 "):
        model.predict(CHANGED[form](tmp_path))


def test_numbers_too_large_for_a_column_are_refused(model):
    with pytest.raises(RequestError, match="column 'age'"):
        model.predict({"age": [1, 10**400]})
