"""What every test shares: Hypothesis draws the same examples in every run; a small model and its file."""

import pytest
from hypothesis import settings

from chainrule import train

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=25, database=None)
settings.load_profile("repeatable")

SMALL = {"x": [0.5, 1.0, 2.0, 4.0] * 4, "y": ["a", "a", "b", "b"] * 4}


@pytest.fixture(scope="module")
def small():
    return train(SMALL, "y", hidden=(), epochs=1, test_fraction=0.0)


@pytest.fixture
def path(small, tmp_path):
    small.save(tmp_path / "small.model")
    return tmp_path / "small.model"
