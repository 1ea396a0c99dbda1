"""Broadcasting: what + b stands for, and what a rank-1 array does where a column is meant."""

import numpy as np
import pytest

from chainrule.errors import RequestError
from chainrule.notes import as_column, bias_copies, rank_one_pitfalls


def test_plus_b_adds_the_same_column_to_every_example():
    random = np.random.default_rng(0)
    W, X, b = random.normal(size=(4, 3)), random.normal(size=(3, 5)), random.normal(size=(4, 1))
    np.testing.assert_array_equal(W @ X + b, W @ X + bias_copies(b, 5))
    assert bias_copies(b, 5).shape == (4, 5)
    w = random.normal(size=(3, 1))
    np.testing.assert_array_equal(np.dot(w.T, X) + 0.7, np.dot(w.T, X) + bias_copies(0.7, 5))
    for wrong in (np.zeros(4), np.zeros((1, 4))):
        with pytest.raises(RequestError, match="a number or a column"):
            bias_copies(wrong, 5)


def test_a_column_has_the_same_numbers_and_a_row_is_refused():
    a = np.random.default_rng(0).normal(size=5)
    np.testing.assert_array_equal(as_column(a), a[:, None])
    np.testing.assert_array_equal(as_column(as_column(a)), a[:, None])
    with pytest.raises(RequestError, match=r"a is \(1, 5\)"):
        as_column(a[None, :])


def test_pitfalls_are_what_numpy_does():
    found = {p.line: (p.rank_one, p.column) for p in rank_one_pitfalls(5)}
    a, y, W, x = np.ones(5), np.ones((5, 1)), np.ones((5, 3)), np.ones((3, 1))
    assert found["a"] == (a.shape, y.shape)
    assert found["a.T"] == (a.T.shape, y.T.shape)
    assert found["np.dot(a, a.T)"] == (np.dot(a, a.T).shape, np.dot(y, y.T).shape)
    assert found["a - y, y a column"] == ((5, 5), (5, 1))
    assert found["W @ x + a, W (5, 3), x a column"] == ((W @ x + a).shape, (W @ x + y).shape)
    assert len(found) == 6
    with pytest.raises(RequestError, match="at least 2"):
        rank_one_pitfalls(1)
