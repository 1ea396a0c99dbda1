"""No test depends on which tests ran before it, or on how fast the machine is."""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = {
    str(path.relative_to(HERE)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(HERE.rglob("*.py"))
}
GENERATORS = {"default_rng", "RandomState", "Random"}
STOPWATCHES = {"perf_counter", "perf_counter_ns", "process_time", "thread_time", "clock_gettime", "timeit"}


def shared_draws(module):
    """The lines on which a function draws from a generator of its module, and so moves it on for other tests."""
    made = {
        target.id
        for statement in module.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func).rpartition(".")[2] in GENERATORS
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    lines = set()
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            body = function.body if isinstance(function.body, list) else [function.body]
            names = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Name)]
            own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
            own |= {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
            lines |= {name.lineno for name in names if name.id in made - own}
    return sorted(lines)


def stopwatches(module):
    """The lines on which a stopwatch is read. A deadline, after which a test gives up, is no measurement."""
    named = ((node, getattr(node, "attr", getattr(node, "id", ""))) for node in ast.walk(module))
    return sorted(node.lineno for node, name in named if name in STOPWATCHES)


def test_each_test_draws_its_random_numbers_from_a_generator_of_its_own():
    found = {path: shared_draws(module) for path, module in MODULES.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_test_measures_time():
    found = {path: stopwatches(module) for path, module in MODULES.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("lines", "of", "found"),
    [
        ("def test():\n    assert rng.normal() < 9", shared_draws, [4]),
        ("x = rng.normal()\nlater = lambda: rng.normal()", shared_draws, [4]),
        ("x = rng.normal()\ndef test():\n    assert x < 9", shared_draws, []),
        ("def test(rng):\n    assert rng.normal() < 9", shared_draws, []),
        ("def test():\n    rng = np.random.default_rng(1)\n    assert rng.normal() < 9", shared_draws, []),
        ("def test():\n    begun = time.perf_counter()", stopwatches, [4]),
        ("def test():\n    until = time.monotonic() + 60.0", stopwatches, []),
    ],
)
def test_what_is_looked_for_is_found(lines, of, found):
    assert of(ast.parse(f"import numpy as np\nrng = np.random.default_rng(0)\n{lines}")) == found
