"""Imports point one way, heavy packages stay in the module that needs them, and ``import chainrule`` is light."""

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import chainrule

SOURCE = Path(chainrule.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

CORE = {
    "errors",
    "arguments",
    "validation",
    "formulas",
    "layout",
    "inputs",
    "sources",
    "network",
    "propagation",
    "recipe",
    "engines",
    "sample_weights",
}
TRAINING = CORE | {"history", "monitoring", "whole_cost"}
MODEL = TRAINING | {
    "training",
    "packs",
    "network_views",
    "data",
    "target_encoding",
    "reports",
    "model",
    "ensemble",
}

# What each layer may import of ours. A layer is a module or a package right under chainrule; "" is __init__.py.
ALLOWED = {
    "errors": set(),
    "arguments": {"errors"},
    "validation": {"errors"},
    "known_mistakes": set(),
    "files": {"errors"},
    "streams": {"errors"},
    "container": {"errors"},
    "formulas": {"errors"},
    "sample_weights": {"errors", "formulas.weighted"},
    "layout": {"formulas"},
    "inputs": {"errors", "arguments", "validation", "formulas", "layout"},
    "sources": {"formulas"},
    "network": {"errors", "arguments", "validation", "formulas", "layout", "inputs"},
    "propagation": {"formulas", "inputs", "network"},
    "recipe": {"errors", "arguments", "validation", "formulas", "sources"},
    "ir": {"errors"},
    "engines": {
        "errors",
        "arguments",
        "formulas",
        "inputs",
        "layout",
        "network",
        "propagation",
        "recipe",
        "sources",
        "sample_weights",
        "ir",
    },
    "history": CORE,
    "monitoring": CORE | {"history"},
    "network_views": {"history", "inputs", "network"},
    "whole_cost": CORE,
    "progress": CORE | {"history"},
    "training": TRAINING,
    "packs": TRAINING | {"training"},
    "checkpoints": CORE | {"history", "training", "packs", "files", "container", ""},
    "data": {
        "errors",
        "arguments",
        "validation",
        "files",
        "streams",
        "formulas.draws",
        "formulas.weighted",
        "sample_weights",
    },
    "reports": {"errors", "validation", "formulas"},
    "target_encoding": {"errors", "validation", "formulas", "data"},
    "estimators": MODEL - {"reports"} | {"checkpoints", "progress", "table_inputs"},  # the Model of to_model
    "explain": MODEL | {"files", "known_mistakes"},
    "export": MODEL | {"files", "ir", ""},
    "notes": CORE | {"training", "model", "known_mistakes"},
    "ensemble": MODEL - {"ensemble"},
    "model": MODEL - {"model", "ensemble"} | {"", "model_file"},  # Model.save calls model_file, inside the method
    "model_file": MODEL | {"files", "container", "streams"},
    "table_inputs": {"errors", "inputs", "data"},
    "table_rows": {"errors", "sample_weights", "data"},
    "plan_options": {"errors", "arguments", "validation", "formulas"},
    "planning": MODEL | {"checkpoints", "table_inputs", "table_rows", "plan_options"},
    "cli": MODEL | {"", "model_file", "planning", "explain", "export", "checkpoints", "files", "streams", "progress"},
    "__main__": {"cli"},
    "": MODEL | {"model_file", "planning", "estimators", "explain", "checkpoints"},
}

# Which layers may import what is not ours and not in the standard library
THIRD_PARTY = {
    "numpy": set(ALLOWED),
    "scipy": {"formulas"},
    "pyarrow": {"data"},
    "onnx": {"export"},
    "sklearn": {"estimators"},
    "matplotlib": {"explain", "network_views"},
    "rich": {"cli", "progress"},
    "threadpoolctl": {"engines"},
    "llvmlite": {"engines"},
}


def layer(path):
    name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "" if name == "__init__" else name


@cache
def imported(path):
    return list(imports(path))


def imports(path):
    """(module, whether at the top of the file) for each import; ``from a import b`` counts as a.b where that is one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = SOURCE.joinpath(*f"{node.module}.{alias.name}".split(".")[1:])
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                of_ours = node.module.split(".")[0] == "chainrule"
                yield (f"{node.module}.{alias.name}" if of_ours and is_module else node.module), id(node) in top
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("import_module", "__import__"):
            yield from ((name.value, False) for name in node.args[:1] if isinstance(name, ast.Constant))


def ours(path):
    """What a file imports of ours, without the leading ``chainrule.``, from layers other than its own."""
    names = (name.partition(".")[2] for name, _ in imported(path) if name.split(".")[0] == "chainrule")
    return {name for name in names if name.split(".")[0] != layer(path)}


def test_every_layer_has_its_entry_and_every_entry_its_layer():
    assert {layer(path) for path in FILES} == set(ALLOWED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_one_way(path):
    allowed = ALLOWED.get(layer(path), set())
    wrong = {name for name in ours(path) if not {name, name.split(".")[0]} & allowed}
    assert not wrong, f"{layer(path)} may import {sorted(allowed)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_packages_of_others_stay_where_they_belong(path):
    for name, _ in imported(path):
        package = name.split(".")[0]
        if package != "chainrule" and package not in sys.stdlib_module_names:
            assert layer(path) in THIRD_PARTY.get(package, set()), f"{package} is not for {layer(path)}"


def test_the_arrows_have_no_circle():
    at_the_top = {name: set() for name in ALLOWED}
    for path in FILES:
        names = (name.partition(".")[2].split(".")[0] for name, top in imported(path) if top and "chainrule" in name)
        at_the_top[layer(path)] |= {name for name in names if name != layer(path)} - {""}
    done = {""}
    while len(done) < len(at_the_top):
        ready = {name for name, needs in at_the_top.items() if needs <= done} - done
        assert ready, f"these import each other: {sorted(set(at_the_top) - done)}"
        done |= ready


# What a module imports although the other one rests on it. In ``ir`` it is for types alone: an expression and the trace
# that makes it are one idea in two files. The others are methods that hand their object on, to what is made for such.
BACKWARDS = {
    ("ir.expressions", "ir.tracer"),
    ("ir.namespace", "ir.tracer"),
    ("model", "model_file"),
    ("notes.basics.graphs.computation_graph", "notes.basics.graphs.graph_picture"),
}


def modules():
    """What each module imports of ours, wherever in the file, and for types too.

    ``chainrule`` is left out: it imports each public name when that is asked for.
    """
    known = {path: ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix("__init__") for path in FILES}
    names = {name.removesuffix("."): path for path, name in known.items() if name}
    return {
        name: {to for to in (full.partition(".")[2] for full, _ in imported(path)) if to in names and to != name}
        for name, path in names.items()
    }


def circles(graph):
    """What is left of the graph once the modules that lead to no circle are taken out, again and again."""
    left = dict(graph)
    while done := {name for name, needs in left.items() if not needs & set(left)}:
        left = {name: needs for name, needs in left.items() if name not in done}
    return sorted(left)


def test_modules_have_no_circle_inside_functions_or_for_types_either():
    graph = modules()
    for name, to in BACKWARDS:
        assert to in graph[name], "this exception is not needed any more"
        graph[name] = graph[name] - {to}
    assert not circles(graph)


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]


def test_scipy_is_imported_only_where_it_runs():
    found = [(path.name, top) for path in FILES for name, top in imported(path) if name.split(".")[0] == "scipy"]
    assert found == [("optimizers.py", False)]


def test_nobody_imports_the_command_line():
    assert [
        path
        for path in FILES
        if layer(path) not in ("cli", "__main__") and any(n.split(".")[0] == "cli" for n in ours(path))
    ] == []


def loaded_by(statement):
    program = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=SOURCE.parent
    )
    return set(done.stdout.split())


HEAVY = {"scipy", "pyarrow", "sklearn", "rich", "safetensors", "torch", "numba", "pandas", "threadpoolctl"}


def test_import_chainrule_loads_nothing_heavy():
    assert not loaded_by("import chainrule") & HEAVY


def test_packages_are_there_after_import_chainrule_and_loaded_when_asked_for():
    program = """
import sys, chainrule
assert not {"chainrule.notes", "chainrule.explain"} & set(sys.modules)
assert {"notes", "explain"} <= set(dir(chainrule))
chainrule.notes.linear_forward, chainrule.explain.trace
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_training_a_network_of_arrays_loads_nothing_heavy_either():
    assert not loaded_by("import chainrule; chainrule.Network, chainrule.Recipe, chainrule.fit") & HEAVY


def test_no_file_name_and_no_public_class_name_stands_for_two_things():
    files = Counter(path.name for path in FILES if path.name not in ("__init__.py", "__main__.py"))
    classes = Counter(
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in (files + classes).items() if times > 1] == []
