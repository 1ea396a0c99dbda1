"""Several fits at once: in threads of one process, in forked and in new processes; and how many threads each takes."""

import os
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from chainrule.engines.fused import Fused, engine, threads
from chainrule.engines.fused.step_state import Slot
from chainrule.engines.fused.threads import allowed
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.engines.fused.configurations import bits, configuration, differing

NUMBERS = (1, 6, 7, 13)


def run_program(tmp_path, program, **environment):
    """A program in a process of its own, from a file (a new process has to find it again); what it prints."""
    path = tmp_path / "program.py"
    path.write_text(program)
    places = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    known = {**os.environ, "PYTHONPATH": places, **environment}
    done = subprocess.run([sys.executable, "-W", "error", path], text=True, capture_output=True, env=known, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("count", [1, 2])
def test_fits_in_threads_of_one_process(count, monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 1e-9)
    monkeypatch.setattr(threads, "ADAPTS", False)
    alone = [bits(configuration(number)) for number in NUMBERS]
    together = {}

    def work(place, number):
        together[place, number] = bits(configuration(number), threads=count)

    at_once = [Thread(target=work, args=(place, number)) for place in range(2) for number in NUMBERS]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    for place in range(2):
        for number, expected in zip(NUMBERS, alone, strict=True):
            assert not differing(expected, together[place, number]), number


PROCESSES = """
import multiprocessing, sys
from chainrule.engines.fused import threads
from tests.engines.fused.configurations import bits, configuration

threads.WORTH, threads.ADAPTS = 1e-9, False
NUMBERS = (1, 6, 7, 13)


def all_bits():
    return [bits(configuration(number), threads=2) for number in NUMBERS]


def work(queue):
    queue.put(all_bits())


if __name__ == "__main__":
    expected = all_bits()
    methods = [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()]
    for method in methods:
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=work, args=(queue,))
        process.start()
        same = queue.get(timeout=60) == expected
        process.join()
        print(method, same, process.exitcode)
    print(all_bits() == expected)
"""


def test_fits_in_forked_and_in_new_processes_after_the_parent_has_fitted(tmp_path):
    told = run_program(tmp_path, PROCESSES)
    methods = ["fork"] * (os.name == "posix") + ["spawn"]
    assert told == [*(word for method in methods for word in (method, "True", "0")), "True"]


@pytest.mark.parametrize("count", [1, 2])
def test_other_threads_of_python_go_on_meanwhile(count, monkeypatch):
    monkeypatch.setattr(engine, "BETWEEN_LOOKS", 1e15)  # all steps in one call
    monkeypatch.setattr(threads, "ADAPTS", False)
    network = Network((100, 300, 300, 1), "tanh")
    fused = Fused(network, Recipe(batch_size=200), threads=count)
    rng = np.random.default_rng(0)
    examples = fused.examples(rng.normal(size=(20_000, 100)), rng.normal(size=(20_000, 1)))
    fused.run(fused.start(), examples, 0, 1)
    frame = fused._programs.training(200, 200, True).words  # where compiled code counts its steps
    frame[Slot.STEP] = 0
    running = Thread(target=fused.run, args=(fused.start(), examples, 0, 100))
    running.start()
    seen = set()
    while running.is_alive():
        running.join(0.001)
        seen.add(int(frame[Slot.STEP]))
    assert seen - {0, 100}  # if the call held the lock of the interpreter, nobody could look before its end


# how many threads


@pytest.fixture
def eight_cores(monkeypatch):
    """A machine with eight cores, whose libraries are limited by nobody."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_pools", list)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("1", 1), ("3", 3), ("100", 8), ("2,1", 2), ("", 8), ("many", 8), ("0", 1), ("-2", 1), (None, 8)],
)
def test_the_variable_of_openmp_is_respected(variable, expected, eight_cores, monkeypatch):
    if variable is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert allowed(None) == expected


def test_the_number_asked_for_is_taken(eight_cores, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert allowed(5) == 5


def test_without_affinity_the_cores_count(eight_cores, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert allowed(None) == 4
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert allowed(None) == 1


def test_limits_of_threadpoolctl_are_respected(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if not threadpool_info():  # a NumPy whose products have no threads of their own
        return
    with threadpool_limits(2):
        assert allowed(None) <= 2
    with threadpool_limits(1):
        assert allowed(None) == 1


JOBLIB = """
import warnings
import joblib
from chainrule.engines.fused.threads import allowed

if __name__ == "__main__":
    print(*joblib.Parallel(n_jobs=2)(joblib.delayed(allowed)(None) for _ in range(2)))
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        print(*joblib.Parallel(n_jobs=2)(joblib.delayed(allowed)(None) for _ in range(2)))
    from joblib.externals.loky import get_reusable_executor
    get_reusable_executor().shutdown(wait=True)
"""


def test_workers_of_joblib_share_the_cores(tmp_path):
    told = [int(word) for word in run_program(tmp_path, JOBLIB)]
    assert max(told[:2]) <= max(1, (os.cpu_count() or 1) // 2)
    assert told[2:] == [1, 1]
