"""What every test shares: Hypothesis draws the same examples in every run; compiled code is kept for one run of the
suite, apart from the user's; a small model and its file."""

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

from chainrule import train

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=25, database=None)
settings.load_profile("repeatable")

SMALL = {"x": [0.5, 1.0, 2.0, 4.0] * 4, "y": ["a", "a", "b", "b"] * 4}


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # workers share the folder of the process that started them
        config.compiled = os.environ["CHAINRULE_CACHE_DIR"] = tempfile.mkdtemp(prefix="chainrule-tests-")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.compiled, ignore_errors=True)


@pytest.fixture(scope="module")
def small():
    return train(SMALL, "y", hidden=(), epochs=1, test_fraction=0.0)


@pytest.fixture
def path(small, tmp_path):
    small.save(tmp_path / "small.model")
    return tmp_path / "small.model"
