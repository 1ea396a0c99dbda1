"""Model files that someone made to do harm, one of each kind: refused in little memory, with nothing done."""

import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fuzz_model_files import MUSEUM, tried
from benchmarks.planted_model_files import GOOD, KINDS, with_description, with_head, with_length, with_text
from chainrule import Network, RequestError, load
from chainrule.model_file import save

MAX_BYTES = 50e6


def peak(action):
    """The most bytes that are held at once while it runs, above those that are held before."""
    tracemalloc.start()
    try:
        return action(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_good_file_is_good(tmp_path):
    model, _, wrong = tried(tmp_path / "m.model", GOOD)
    assert model.target.name == "species"
    assert wrong == []
    for same in (with_text("", ""), with_head("", ""), with_length(int.from_bytes(GOOD[:8], "little"))):
        assert same == GOOD


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_in_little_memory_and_nothing_is_done(tmp_path, capfd, kind):
    path, content = tmp_path / "m.model", KINDS[kind]()
    outcome, _, wrong = tried(path, content)
    assert isinstance(outcome, RequestError), outcome
    assert wrong == []
    _, most = peak(lambda: tried(path, content))
    assert most < MAX_BYTES
    assert len(str(outcome)) < 2000
    assert str(outcome).isprintable()
    assert capfd.readouterr() == ("", "")


# --- places that are no files, and files that are no smaller than they say ---


@pytest.mark.parametrize(
    "place", ["folder", "pipe", "/dev/zero", "/dev/null", "loop", "nowhere", "null\x00", "a" * 5000]
)
def test_a_place_that_is_no_file_is_refused(tmp_path, place):
    path = tmp_path / place
    if place == "folder":
        path.mkdir()
    elif place == "pipe":
        os.mkfifo(path)
    elif place in ("loop", "nowhere"):
        path.symlink_to(path if place == "loop" else tmp_path / "absent")
    with pytest.raises(RequestError, match=r"cannot read|no model file|is not a chainrule model file"):
        load(path)


def test_a_file_larger_than_the_memory_is_refused(tmp_path):
    """Made of holes: it takes no place on the disk."""
    path = tmp_path / "m.model"
    path.write_bytes(GOOD)
    os.truncate(path, 8 * 2**30)
    program = (
        "import resource, sys; from chainrule import RequestError, load;"
        "resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, -1))\n"
        "try: load(sys.argv[1])\n"
        "except RequestError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert "larger than the memory" in done.stdout, done.stderr


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A model file of 40 MB."""
    network = Network((1, 3_333_333, 1), "relu", "half_squared_error")
    theta = np.random.default_rng(0).normal(size=network.size).astype(np.float32)
    path = tmp_path_factory.mktemp("large") / "large.model"
    model = load(MUSEUM / "format-2" / "counts.model")
    save(replace(model, network=network, theta=theta), path)
    return path


def test_loading_takes_twice_the_file_at_most(large):
    size = large.stat().st_size
    model, most = peak(lambda: load(large))
    assert model.theta.nbytes > 0.99 * size > 39e6
    assert most < 2 * size + 100_000


def test_finding_damage_takes_no_more_than_the_file(large, tmp_path):
    path, content = tmp_path / "damaged.model", bytearray(large.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    del content

    def refused():
        with pytest.raises(RequestError, match="damaged"):
            load(path)

    _, most = peak(refused)
    assert most < path.stat().st_size + 100_000


def test_what_a_description_says_takes_thirty_times_its_size_at_most(tmp_path):
    """Where someone made it on purpose, with the right checksum: lists of nothing are what JSON can hold most of."""
    path = tmp_path / "m.model"
    path.write_bytes(with_text('"report":', f'"x":[{"[]," * 300_000}0],"report":'))

    def refused():
        with pytest.raises(RequestError, match="not a model"):
            load(path)

    _, most = peak(refused)
    assert most < 30 * path.stat().st_size


def test_finding_damage_takes_no_more_than_twice_a_file_that_is_all_description(tmp_path):
    path = tmp_path / "m.model"
    content = bytearray(with_description(["history", "training_cost"], [0.125] * 1_000_000))
    content[-1] ^= 1
    path.write_bytes(content)
    size = len(content)
    del content

    def refused():
        with pytest.raises(RequestError, match="damaged"):
            load(path)

    _, most = peak(refused)
    assert most < 2 * size
