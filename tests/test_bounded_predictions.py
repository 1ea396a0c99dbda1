"""Rows far outside: with normal scores and bounds no cell moves a prediction beyond the training rows and a margin."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from chainrule import load, plan
from chainrule.container import unseal
from chainrule.data import Encoder

FAR = (1e30, -1e30, 1e100, -1e100, 0.0, 5e-324)
MARGIN = 0.05


def table(m):
    rng = np.random.default_rng(4)
    columns = {f"x{j}": rng.normal(size=m) * 10.0**j for j in range(4)}
    columns["seen"] = np.datetime64("2024-01-01") + rng.integers(0, 700, m)
    columns["gaps"] = np.where(rng.random(m) < 0.2, np.nan, rng.normal(size=m))
    columns["price"] = columns["x0"] * 3.0 + columns["x1"] + rng.normal(size=m)
    return columns


@cache
def model():
    rows = table(400)
    planned = plan(rows, "price", hidden=(16, 16), epochs=15, learning_rate=0.01, numeric_inputs="cosine(4)")
    encoder = Encoder.fit(planned.table, planned.schema, planned.split.train, "normal", gaps=planned.encoder.gaps)
    y = planned.values[planned.split.train]
    return replace(planned, encoder=encoder, outputs=planned.outputs.bounded(y, MARGIN)).train(), y


def planted():
    """Rows of the table with a value far outside in each column, and in all of them."""
    rows = table(40)
    del rows["price"]
    numbers = [name for name in rows if name != "seen"]
    for value in FAR:
        for name in numbers:
            yield rows | {name: np.full(40, value)}
        yield rows | {name: np.full(40, value) for name in numbers} | {"seen": np.full(40, np.datetime64("9999-12-31"))}
        yield rows | {name: np.resize([value, -value], 40) for name in numbers}


def written_format(path):
    return unseal(path.read_bytes(), path.name)[0]["format"]


def test_no_planted_outlier_leaves_the_bounds():
    trained, y = model()
    margin = MARGIN * np.ptp(y)
    for rows in planted():
        answers = trained.predict(rows)
        assert np.isfinite(answers).all()
        assert (y.min() - margin <= answers).all()
        assert (answers <= y.max() + margin).all()


def test_without_bounds_the_scores_alone_keep_them_near():
    trained, y = model()
    free = replace(trained, outputs=replace(trained.outputs, bounds=None))
    for rows in planted():
        assert np.abs(free.predict(rows) - y.mean()).max() < 5 * np.ptp(y)


def test_a_file_keeps_the_bounds_and_is_of_format_5(tmp_path):
    trained, _ = model()
    trained.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.outputs == trained.outputs
    assert again.encoder == trained.encoder
    rows = table(40)
    np.testing.assert_array_equal(again.predict(rows), trained.predict(rows))
    assert written_format(tmp_path / "model") == 5


@pytest.mark.parametrize("part", ["encoder", "outputs"])
def test_each_of_the_two_alone_makes_format_5(part, tmp_path):
    planned = plan({"x": np.arange(60.0), "y": np.arange(60.0) ** 2}, "y", epochs=1, hidden=(3,))
    usual = planned.train()
    other = Encoder.fit(planned.table, planned.schema, planned.split.train, "normal")
    changed = {"encoder": other, "outputs": usual.outputs.bounded(planned.values, 0.0)}
    usual.save(tmp_path / "usual")
    replace(usual, **{part: changed[part]}).save(tmp_path / "changed")
    assert [written_format(tmp_path / name) for name in ("usual", "changed")] == [3, 5]
